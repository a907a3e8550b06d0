//! `GET /v1/organizations/{id}`.

use axum::extract::{Path, State};
use axum::{Extension, Json};

use super::{Organization, named};
use crate::auth::Caller;
use crate::problem::ApiProblem;
use crate::state::App;

/// One organization.
#[utoipa::path(get, path = "/v1/organizations/{id}", operation_id = "readOrganization", tag = "organizations",
    params(("id" = Uuid, Path, description = "The organization")),
    responses((status = 200, description = "The organization", body = Organization)))]
pub(crate) async fn handle(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<Organization>, ApiProblem> {
    let there = named(&app, &caller, &id).await?;
    Ok(Json(app.state.accounts.organization(there.context).await?.into()))
}
