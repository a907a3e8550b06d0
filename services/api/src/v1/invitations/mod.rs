//! Invitations: how people come into an organization.

pub(crate) mod accept;
pub(crate) mod create;
pub(crate) mod list;
pub(crate) mod look;
pub(crate) mod revoke;

use serde::Serialize;
use spotwright_core::domain::people;
use spotwright_core::use_cases::Role;
use spotwright_core::use_cases::invitations::InvitationToken;
use utoipa::ToSchema;
use uuid::Uuid;

use super::me::RoleName;
use super::time;

/// An invitation without its token.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Invitation {
    /// Its id.
    pub(crate) id: Uuid,
    /// Who is invited.
    email: String,
    /// What they are called, where whoever invited them said so.
    name: Option<String>,
    /// What they shall be there for.
    #[schema(value_type = RoleName)]
    role: Role,
    /// `open`, `accepted`, `revoked` or `expired`.
    state: String,
    /// When it was made.
    #[schema(format = DateTime)]
    created_at: String,
    /// Until when it can be accepted.
    #[schema(format = DateTime)]
    expires_at: String,
    /// When it was accepted.
    #[schema(format = DateTime)]
    accepted_at: Option<String>,
    /// When it was revoked.
    #[schema(format = DateTime)]
    revoked_at: Option<String>,
}

impl Invitation {
    /// An invitation as it stands at a time.
    pub(crate) fn at(invitation: people::Invitation, now_micros: i64) -> Self {
        Self {
            state: invitation.state(now_micros).as_str().to_owned(),
            id: invitation.id.0,
            email: invitation.email.into(),
            name: invitation.name,
            role: invitation.role,
            created_at: time(invitation.created_at),
            expires_at: time(invitation.expires_at),
            accepted_at: invitation.accepted_at.map(time),
            revoked_at: invitation.revoked_at.map(time),
        }
    }
}

/// An invitation that was just made. Not printable, because it holds a secret.
#[derive(Serialize, ToSchema)]
pub(crate) struct InvitationMade {
    /// The invitation.
    pub(crate) invitation: Invitation,
    /// What accepts it. Shown this once: a repeated request answers `null`. When the first answer was lost on
    /// its way, revoke the invitation and make another one.
    token: Option<String>,
    /// Where the portal takes the token, relative to the service; for the person who is invited alone.
    link: Option<String>,
}

impl InvitationMade {
    pub(crate) fn new(invitation: Invitation, token: Option<&InvitationToken>) -> Self {
        let link = token.map(|token| format!("/portal/join#token={}", token.expose()));
        Self { invitation, token: token.map(|token| token.expose().to_owned()), link }
    }
}
