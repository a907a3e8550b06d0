//! `POST /v1/invitations/accept`.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use serde::Deserialize;
use spotwright_core::domain::people::Holder;
use spotwright_core::use_cases::invitations::{self, Acceptance};
use utoipa::ToSchema;

use crate::extract::{self, JsonBody, Origin};
use crate::problem::ApiProblem;
use crate::state::App;
use crate::v1::sessions::begin;

/// Somebody who accepts an invitation. Not printable, because it holds secrets.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct InvitationAcceptance {
    /// The token of the invitation.
    token: String,
    /// What somebody who is new wants to be called, 1–80 characters; without it, what the invitation says.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 80)]
    name: Option<String>,
    /// The password that somebody who is new chooses, 10–256 characters, or that a known person signs in
    /// with.
    #[schema(min_length = 1, max_length = 256)]
    password: String,
}

/// Accepts an invitation and signs in. Somebody new chooses a name and a password; who signs in already
/// proves it with their password, and is then a member here too.
#[utoipa::path(post, path = "/v1/invitations/accept", operation_id = "acceptInvitation", tag = "members",
    request_body = InvitationAcceptance,
    responses((status = 200, description = "The session; its cookie is set", body = crate::v1::sessions::SignedIn)))]
pub(crate) async fn handle(
    State(app): State<App>,
    origin: Origin,
    headers: HeaderMap,
    body: JsonBody,
) -> Result<Response, ApiProblem> {
    let InvitationAcceptance { token, name, password } = extract::json(&body.bytes)?;
    let acceptance =
        Acceptance { token: &token, name: name.as_deref(), password: &password, address: origin.address };
    let accepted = invitations::accept(&app.public_people(origin.request_id()), &acceptance).await?;
    let holder = Holder::Person(accepted.member.person.id);
    begin(&app, &origin, &headers, accepted.organization, holder).await
}
