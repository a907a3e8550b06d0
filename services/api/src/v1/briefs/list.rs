//! `GET /v1/briefs`.

use axum::extract::State;
use axum::http::Uri;
use axum::{Extension, Json};
use spotwright_core::use_cases::briefs;

use super::BriefSummary;
use crate::auth::Caller;
use crate::extract;
use crate::problem::ApiProblem;
use crate::state::App;
use crate::v1::{Listing, page_of};

/// The organization's briefs, newest first.
#[utoipa::path(get, path = "/v1/briefs", operation_id = "listBriefs", tag = "briefs",
    responses((status = 200, description = "A page of briefs", body = Listing<BriefSummary>)))]
pub(crate) async fn handle(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    uri: Uri,
) -> Result<Json<Listing<BriefSummary>>, ApiProblem> {
    let query = extract::query(&uri)?;
    let (list, page, limit) = page_of(&app, &caller, "briefs", &query)?;
    let rows = briefs::list(app.state.accounts.as_ref(), &caller.principal, page).await?;
    Ok(Json(Listing::positioned(&app, list, rows, limit, BriefSummary::from)))
}
