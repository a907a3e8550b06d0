//! `DELETE /v1/session`.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};

use super::SignedIn;
use crate::session;
use crate::state::App;

/// Signs out: the session ends and its cookie is taken back.
#[utoipa::path(delete, path = "/v1/session", operation_id = "signOut", tag = "session",
    responses((status = 200, description = "Nobody is signed in any more", body = SignedIn)))]
pub(crate) async fn handle(State(app): State<App>, headers: HeaderMap) -> Response {
    if let Some(token) = session::presented(&headers) {
        app.state.sessions.close(&token);
    }
    let cookie = session::cookie(None, &headers);
    ([(header::SET_COOKIE, cookie)], Json(SignedIn { session: None })).into_response()
}
