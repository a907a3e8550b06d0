//! `POST /v1/invitations/{id}/revoke`.

use axum::extract::{Path, State};
use axum::{Extension, Json};
use spotwright_core::use_cases::invitations;
use spotwright_schemas::ids::InvitationId;

use super::Invitation;
use crate::auth::Caller;
use crate::extract;
use crate::problem::ApiProblem;
use crate::state::App;

/// Revokes an invitation: its link opens nothing any more. Revoking it again changes nothing; one that was
/// accepted is not revoked (409).
#[utoipa::path(post, path = "/v1/invitations/{id}/revoke", operation_id = "revokeInvitation", tag = "members",
    params(("id" = Uuid, Path, description = "The invitation")),
    responses((status = 200, description = "The revoked invitation", body = Invitation)))]
pub(crate) async fn handle(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<Invitation>, ApiProblem> {
    let id: InvitationId = extract::id(&id, "invitation")?;
    let ports = app.people(&caller);
    let revoked = invitations::revoke(&ports, &caller.principal, id).await?;
    Ok(Json(Invitation::at(revoked, ports.now())))
}
