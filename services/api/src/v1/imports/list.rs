//! `GET /v1/imports`.

use axum::extract::State;
use axum::http::Uri;
use axum::{Extension, Json};
use spotwright_core::use_cases::results;

use super::Import;
use crate::auth::Caller;
use crate::extract;
use crate::problem::ApiProblem;
use crate::state::App;
use crate::v1::{Listing, page_of};

/// What was handed in about ads that ran elsewhere, newest first.
#[utoipa::path(get, path = "/v1/imports", operation_id = "listImports", tag = "results",
    responses((status = 200, description = "A page of imports", body = Listing<Import>)))]
pub(crate) async fn handle(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    uri: Uri,
) -> Result<Json<Listing<Import>>, ApiProblem> {
    let query = extract::query(&uri)?;
    let (list, page, limit) = page_of(&app, &caller, "imports", &query)?;
    let rows = results::imports(&caller.principal(), app.state.observations.as_ref(), page).await?;
    Ok(Json(Listing::positioned(&app, list, rows, limit, Import::from)))
}
