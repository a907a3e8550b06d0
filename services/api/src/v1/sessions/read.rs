//! `GET /v1/session`.

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;

use super::{SignedIn, view};
use crate::problem::ApiProblem;
use crate::session;
use crate::state::App;

/// Who is signed in. Nobody is an answer too, so a page can ask before it shows anything.
#[utoipa::path(get, path = "/v1/session", operation_id = "getSession", tag = "session",
    responses((status = 200, description = "The session, if there is one", body = SignedIn)))]
pub(crate) async fn handle(State(app): State<App>, headers: HeaderMap) -> Result<Json<SignedIn>, ApiProblem> {
    let Some(token) = session::presented(&headers) else { return Ok(Json(SignedIn { session: None })) };
    let Some((caller, session)) = app.auth.signed_in(&token).await? else {
        return Ok(Json(SignedIn { session: None }));
    };
    Ok(Json(SignedIn { session: Some(view(&app, &caller, &token, session).await?) }))
}
