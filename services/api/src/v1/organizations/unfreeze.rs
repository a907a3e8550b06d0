//! `POST /v1/organizations/{id}/unfreeze`.

use axum::extract::{Path, State};
use axum::{Extension, Json};

use super::{Organization, set_frozen};
use crate::auth::Caller;
use crate::problem::ApiProblem;
use crate::state::App;

/// Takes the keys of a frozen organization again.
#[utoipa::path(post, path = "/v1/organizations/{id}/unfreeze", operation_id = "unfreezeOrganization", tag = "organizations",
    params(("id" = Uuid, Path, description = "The organization")),
    responses((status = 200, description = "The organization", body = Organization)))]
pub(crate) async fn handle(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<Organization>, ApiProblem> {
    set_frozen(&app, &caller, &id, false).await
}
