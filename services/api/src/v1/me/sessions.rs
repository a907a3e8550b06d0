//! `GET /v1/me/sessions`.

use axum::extract::State;
use axum::{Extension, Json};
use serde::Serialize;
use spotwright_core::use_cases::sessions;
use utoipa::ToSchema;

use super::OwnSession;
use crate::auth::Caller;
use crate::problem::ApiProblem;
use crate::state::App;

/// The own sessions.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OwnSessions {
    /// Those that go on, newest first; at most 50.
    data: Vec<OwnSession>,
}

/// The sessions of the person, or those that were opened with the key.
#[utoipa::path(get, path = "/v1/me/sessions", operation_id = "listOwnSessions", tag = "me",
    responses((status = 200, description = "The sessions", body = OwnSessions)))]
pub(crate) async fn handle(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
) -> Result<Json<OwnSessions>, ApiProblem> {
    let ports = app.public_people(caller.request_id.as_deref());
    let own = sessions::list(&ports, &caller.principal).await?;
    Ok(Json(OwnSessions { data: own.into_iter().map(|session| OwnSession::of(session, &caller)).collect() }))
}
