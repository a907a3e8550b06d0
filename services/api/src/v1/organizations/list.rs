//! `GET /v1/organizations`.

use axum::extract::State;
use axum::http::Uri;
use axum::{Extension, Json};
use spotwright_core::use_cases::organizations;

use super::Organization;
use crate::auth::Caller;
use crate::extract;
use crate::problem::ApiProblem;
use crate::state::App;
use crate::v1::{Listing, page_of};

/// All organizations, newest first.
#[utoipa::path(get, path = "/v1/organizations", operation_id = "listOrganizations", tag = "organizations",
    responses((status = 200, description = "A page of organizations", body = Listing<Organization>)))]
pub(crate) async fn handle(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    uri: Uri,
) -> Result<Json<Listing<Organization>>, ApiProblem> {
    let query = extract::query(&uri)?;
    let (list, page, limit) = page_of(&app, &caller, "organizations", &query)?;
    let rows = organizations::list(app.state.accounts.as_ref(), &caller.principal, page).await?;
    Ok(Json(Listing::positioned(&app, list, rows, limit, Organization::from)))
}
