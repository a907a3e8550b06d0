//! `POST /v1/invitations/look`.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use spotwright_core::use_cases::{Role, invitations};
use utoipa::ToSchema;

use crate::extract::{self, JsonBody, Origin};
use crate::problem::ApiProblem;
use crate::state::App;
use crate::v1::me::{OrganizationName, RoleName};
use crate::v1::time;

/// The token of an invitation. Not printable, because it is a secret.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct InvitationLook {
    /// The token; in the body and not in the address, which others may write down.
    token: String,
}

/// What an invitation says to whoever received it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct InvitationSeen {
    /// Who invites.
    organization: OrganizationName,
    /// Who is invited.
    email: String,
    /// What they are called, where whoever invited them said so.
    name: Option<String>,
    /// What they shall be there for.
    #[schema(value_type = RoleName)]
    role: Role,
    /// Whether the person signs in already, and so proves who they are with their password.
    known: bool,
    /// Until when it can be accepted.
    #[schema(format = DateTime)]
    expires_at: String,
}

/// What an invitation says, before it is accepted. One that is unknown, accepted, revoked or expired is 401.
#[utoipa::path(post, path = "/v1/invitations/look", operation_id = "lookAtInvitation", tag = "members",
    request_body = InvitationLook,
    responses((status = 200, description = "The invitation", body = InvitationSeen)))]
pub(crate) async fn handle(
    State(app): State<App>,
    origin: Origin,
    body: JsonBody,
) -> Result<Json<InvitationSeen>, ApiProblem> {
    let InvitationLook { token } = extract::json(&body.bytes)?;
    let received = invitations::look(&app.public_people(origin.request_id()), &token).await?;
    let invitation = received.invitation;
    Ok(Json(InvitationSeen {
        organization: OrganizationName { id: received.organization.0, name: received.organization_name },
        email: invitation.email.into(),
        name: invitation.name,
        role: invitation.role,
        known: received.known.is_some(),
        expires_at: time(invitation.expires_at),
    }))
}
