//! `GET /v1/sandbox/clock`.

use axum::extract::State;
use axum::{Extension, Json};
use spotwright_core::use_cases::sandbox;

use super::SandboxClockView;
use crate::auth::Caller;
use crate::problem::ApiProblem;
use crate::state::App;

/// What the clock of the sandbox shows, and what it would come to next. It goes with the machine's, and is
/// ahead of it by what it was moved.
#[utoipa::path(get, path = "/v1/sandbox/clock", operation_id = "getSandboxClock", tag = "sandbox",
    responses((status = 200, description = "The clock", body = SandboxClockView)))]
pub(crate) async fn handle(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
) -> Result<Json<SandboxClockView>, ApiProblem> {
    Ok(Json(sandbox::clock(app.state.accounts.as_ref(), &caller.principal).await?.into()))
}
