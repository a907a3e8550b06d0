//! `POST /v1/organizations/{id}/freeze`.

use axum::extract::{Path, State};
use axum::{Extension, Json};

use super::{Organization, set_frozen};
use crate::auth::Caller;
use crate::problem::ApiProblem;
use crate::state::App;

/// Refuses every key of the organization from now on and ends its event streams; other processes of the
/// service may honor them for up to two seconds more. Its runs go on: cancel them too where that is
/// meant. Freezing it again changes nothing.
#[utoipa::path(post, path = "/v1/organizations/{id}/freeze", operation_id = "freezeOrganization", tag = "organizations",
    params(("id" = Uuid, Path, description = "The organization")),
    responses((status = 200, description = "The organization", body = Organization)))]
pub(crate) async fn handle(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<Organization>, ApiProblem> {
    set_frozen(&app, &caller, &id, true).await
}
