//! `DELETE /v1/session`.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};

use super::{SignedIn, end_presented};
use crate::extract::Origin;
use crate::problem::ApiProblem;
use crate::session;
use crate::state::App;

/// Signs out: the session ends and its cookie is taken back.
#[utoipa::path(delete, path = "/v1/session", operation_id = "signOut", tag = "session",
    responses((status = 200, description = "Nobody is signed in any more", body = SignedIn)))]
pub(crate) async fn handle(
    State(app): State<App>,
    origin: Origin,
    headers: HeaderMap,
) -> Result<Response, ApiProblem> {
    end_presented(&app, &origin, &headers).await?;
    let cookie = session::cookie(None, &headers);
    Ok(([(header::SET_COOKIE, cookie)], Json(SignedIn { session: None })).into_response())
}
