//! `PUT /v1/me/password`.

use axum::extract::State;
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use spotwright_core::use_cases::people;
use utoipa::ToSchema;

use crate::auth::Caller;
use crate::extract::{self, JsonBody};
use crate::problem::ApiProblem;
use crate::state::App;

/// Another password. Not printable, because it holds secrets.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PasswordChange {
    /// The password so far.
    current: String,
    /// The new one, 10–256 characters.
    #[schema(min_length = 10, max_length = 256)]
    new: String,
}

/// What a change of the password has ended.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PasswordChanged {
    /// How many other sessions ended.
    ended_sessions: u64,
}

/// Changes the own password. All other sessions of the person end, in every organization. A key has none:
/// 403.
#[utoipa::path(put, path = "/v1/me/password", operation_id = "changePassword", tag = "me",
    request_body = PasswordChange,
    responses((status = 200, description = "It was changed", body = PasswordChanged)))]
pub(crate) async fn handle(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    body: JsonBody,
) -> Result<Json<PasswordChanged>, ApiProblem> {
    let PasswordChange { current, new } = extract::json(&body.bytes)?;
    let ports = app.public_people(caller.request_id.as_deref());
    let kept = caller.session.map(|(id, _)| id);
    let ended_sessions = people::change_password(&ports, &caller.principal, &current, &new, kept).await?;
    app.auth.forget_sessions_of(caller.holder());
    Ok(Json(PasswordChanged { ended_sessions }))
}
