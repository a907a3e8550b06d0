//! `POST /v1/session`.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use spotwright_core::domain::account::OrganizationContext;
use spotwright_schemas::error::Code;
use utoipa::ToSchema;

use super::{SignedIn, view};
use crate::auth::Caller;
use crate::extract::{self, JsonBody};
use crate::problem::ApiProblem;
use crate::session;
use crate::state::App;

/// What signs in: a key, or a link that was made for it. Not printable, because it holds a secret.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SignIn {
    /// An API key, `sw_live_…`. It is not kept.
    #[serde(default)]
    key: Option<String>,
    /// The token of a sign-in link, which is good once.
    #[serde(default)]
    link: Option<String>,
}

/// Exchanges a key for a session: a cookie that pages cannot read and other sites cannot send. Whoever was
/// signed in with the cookie so far is not any more.
#[utoipa::path(post, path = "/v1/session", operation_id = "signIn", tag = "session",
    request_body = SignIn,
    responses((status = 200, description = "The session; its cookie is set", body = SignedIn)))]
pub(crate) async fn handle(
    State(app): State<App>,
    headers: HeaderMap,
    body: JsonBody,
) -> Result<Response, ApiProblem> {
    let asked: SignIn = extract::json(&body.bytes)?;
    let caller = match (asked.key, asked.link) {
        (Some(key), None) => app.auth.holder(key.trim(), "key").await?,
        (None, Some(link)) => follow(&app, &link).await?,
        _ => return Err(ApiProblem::new(Code::RequestValue, "key", "give either `key` or `link`")),
    };
    if let Some(before) = session::presented(&headers) {
        app.state.sessions.close(&before);
    }
    let now = app.state.clock.now_micros();
    let (token, opened) = app.state.sessions.open(app.state.entropy.as_ref(), caller.context.key, now)?;
    let session = Some(view(&app, &caller, &token, opened).await?);
    let cookie = session::cookie(Some(&token), &headers);
    Ok(([(header::SET_COOKIE, cookie)], Json(SignedIn { session })).into_response())
}

async fn follow(app: &App, link: &str) -> Result<Caller, ApiProblem> {
    let refused = || {
        let message =
            "was used before or is older than an hour; sign in with a key, or start the service anew";
        ApiProblem::new(Code::Unauthenticated, "link", message)
    };
    let key = app.state.sessions.take_link(link, app.state.clock.now_micros()).ok_or_else(refused)?;
    let scopes = app.auth.current(key).await?.ok_or_else(refused)?;
    Ok(Caller { context: OrganizationContext { organization: scopes.organization, key }, scopes })
}
