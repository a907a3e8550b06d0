//! `GET /v1/runs`.

use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::{Extension, Json};
use spotwright_core::use_cases::runs;

use super::Run;
use crate::auth::Caller;
use crate::extract;
use crate::language::Language;
use crate::problem::ApiProblem;
use crate::state::App;
use crate::v1::{Listing, page_of};

/// The organization's runs, newest first.
#[utoipa::path(get, path = "/v1/runs", operation_id = "listRuns", tag = "runs",
    responses((status = 200, description = "A page of runs", body = Listing<Run>)))]
pub(crate) async fn handle(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Json<Listing<Run>>, ApiProblem> {
    let query = extract::query(&uri)?;
    let (list, page, limit) = page_of(&app, &caller, "runs", &query)?;
    let language = Language::asked(&headers);
    let rows = runs::list(app.state.accounts.as_ref(), &caller.principal, page).await?;
    Ok(Json(Listing::positioned(&app, list, rows, limit, |run| Run::from(run).read_in(language))))
}
