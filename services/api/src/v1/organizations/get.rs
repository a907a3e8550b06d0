//! `GET /v1/organization`.

use axum::extract::State;
use axum::{Extension, Json};

use super::Organization;
use crate::auth::Caller;
use crate::problem::ApiProblem;
use crate::state::App;

/// The organization that the key belongs to.
#[utoipa::path(get, path = "/v1/organization", operation_id = "getOrganization", tag = "organizations",
    responses((status = 200, description = "The organization", body = Organization)))]
pub(crate) async fn handle(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
) -> Result<Json<Organization>, ApiProblem> {
    Ok(Json(app.state.accounts.organization(caller.context).await?.into()))
}
