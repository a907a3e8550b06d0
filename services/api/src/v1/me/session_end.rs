//! `DELETE /v1/me/sessions/{id}`.

use axum::extract::{Path, State};
use axum::{Extension, Json};
use spotwright_core::use_cases::sessions;
use spotwright_schemas::ids::SessionId;

use super::OwnSession;
use crate::auth::Caller;
use crate::extract;
use crate::problem::ApiProblem;
use crate::state::App;

/// Ends one of the own sessions. Other processes of the service may honor it for up to two seconds more.
#[utoipa::path(delete, path = "/v1/me/sessions/{id}", operation_id = "endOwnSession", tag = "me",
    params(("id" = Uuid, Path, description = "The session")),
    responses((status = 200, description = "The session that ended", body = OwnSession)))]
pub(crate) async fn handle(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<OwnSession>, ApiProblem> {
    let id: SessionId = extract::id(&id, "session")?;
    let ports = app.public_people(caller.request_id.as_deref());
    let ended = sessions::end(&ports, &caller.principal, id).await?;
    app.auth.forget_sessions_of(caller.holder());
    Ok(Json(OwnSession::of(ended, &caller)))
}
