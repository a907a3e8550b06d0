//! `POST /v1/session`.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use serde::Deserialize;
use spotwright_core::domain::people::Holder;
use spotwright_core::use_cases::sessions::{self, Attempt};
use spotwright_schemas::error::Code;
use spotwright_schemas::ids::{KeyId, OrganizationId};
use utoipa::ToSchema;
use uuid::Uuid;

use super::begin;
use crate::extract::{self, JsonBody, Origin};
use crate::problem::ApiProblem;
use crate::state::App;

/// What signs in: a key, a link that was made for it, or an e-mail address with its password. Not printable,
/// because it holds a secret.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SignIn {
    /// An API key, `sw_live_…`. It is not kept.
    #[serde(default)]
    key: Option<String>,
    /// The token of a sign-in link, which is good once.
    #[serde(default)]
    link: Option<String>,
    /// The e-mail address of a person.
    #[serde(default)]
    email: Option<String>,
    /// Their password.
    #[serde(default)]
    password: Option<String>,
    /// With `email`: the organization to work in; without it, the one that the person joined first.
    #[serde(default)]
    organization: Option<Uuid>,
}

/// Exchanges a key, or an e-mail address with its password, for a session: a cookie that pages cannot read
/// and other sites cannot send. Whoever was signed in with the cookie so far is not any more.
#[utoipa::path(post, path = "/v1/session", operation_id = "signIn", tag = "session",
    request_body = SignIn,
    responses((status = 200, description = "The session; its cookie is set", body = super::SignedIn)))]
pub(crate) async fn handle(
    State(app): State<App>,
    origin: Origin,
    headers: HeaderMap,
    body: JsonBody,
) -> Result<Response, ApiProblem> {
    let (organization, holder) = match extract::json(&body.bytes)? {
        SignIn { key: Some(key), link: None, email: None, password: None, organization: None } => {
            let caller = app.auth.holder(key.trim(), "key").await?;
            (caller.principal.organization, caller.holder())
        }
        SignIn { key: None, link: Some(link), email: None, password: None, organization: None } => {
            follow(&app, &link).await?
        }
        SignIn { key: None, link: None, email: Some(email), password: Some(password), organization } => {
            let organization = organization.map(OrganizationId);
            let attempt =
                Attempt { email: &email, password: &password, organization, address: origin.address };
            let (person, membership) =
                sessions::sign_in(&app.public_people(origin.request_id()), &attempt).await?;
            (membership.organization, Holder::Person(person))
        }
        _ => {
            let message = "give either `key`, or `link`, or `email` and `password`";
            return Err(ApiProblem::new(Code::RequestValue, "key", message));
        }
    };
    begin(&app, &origin, &headers, organization, holder).await
}

async fn follow(app: &App, link: &str) -> Result<(OrganizationId, Holder), ApiProblem> {
    let refused = || {
        let message =
            "was used before or is older than an hour; sign in with a key, or start the service anew";
        ApiProblem::new(Code::Unauthenticated, "link", message)
    };
    let key: KeyId = app.state.links.take_link(link, app.state.clock.now_micros()).ok_or_else(refused)?;
    let credential = app.auth.current(key).await?.ok_or_else(refused)?;
    Ok((credential.organization, Holder::Key(key)))
}
