//! `POST /v1/invitations`.

use axum::Extension;
use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use serde::Deserialize;
use spotwright_core::domain::people::Email;
use spotwright_core::use_cases::invitations::{self, InvitationOrder};
use spotwright_schemas::error::Code;
use utoipa::ToSchema;

use super::{Invitation, InvitationMade};
use crate::auth::Caller;
use crate::extract::{self, JsonBody};
use crate::idempotency::{self, created, is_replayed};
use crate::problem::ApiProblem;
use crate::state::App;
use crate::v1::me::RoleName;
use crate::v1::members::role_of;

/// Somebody to be invited.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct InvitationRequest {
    /// Their e-mail address. Nothing is sent to it: pass the link on yourself.
    #[schema(max_length = 254)]
    email: String,
    /// What they are called, 1–80 characters; they may choose another name.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 80)]
    name: Option<String>,
    /// What they shall be there for.
    #[schema(value_type = RoleName)]
    role: String,
}

/// Reads an e-mail address.
pub(crate) fn email_of(field: &str, text: &str) -> Result<Email, ApiProblem> {
    text.parse().map_err(|error| ApiProblem::new(Code::RequestValue, field, format!("{error}")))
}

/// Invites somebody into the organization: the link is good once, for a week. Only owners invite owners,
/// where there is one (403); who is a member already is not invited (409).
#[utoipa::path(post, path = "/v1/invitations", operation_id = "invite", tag = "members",
    request_body = InvitationRequest,
    responses((status = 201, description = "The invitation and its link", body = InvitationMade)))]
pub(crate) async fn handle(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    uri: Uri,
    body: JsonBody,
) -> Result<Response, ApiProblem> {
    let admitted = idempotency::admit(&app, &caller, &headers, &uri, &body.bytes)?;
    let InvitationRequest { email, name, role } = extract::json(&body.bytes)?;
    let order = InvitationOrder { email: email_of("email", &email)?, name, role: role_of(&role)? };
    let ports = app.people(&caller);
    let (written, token) = invitations::invite(&ports, &caller.principal, &admitted.write, order).await?;
    let replayed = is_replayed(&written);
    let invitation = Invitation::at(written.into_inner(), ports.now());
    let location = format!("/v1/invitations/{}", invitation.id);
    Ok(created(replayed, &location, &InvitationMade::new(invitation, (!replayed).then_some(&token))))
}
