//! `POST /v1/sandbox/clock/next`.

use axum::extract::State;
use axum::{Extension, Json};
use serde::Serialize;
use spotwright_core::use_cases::sandbox;
use utoipa::ToSchema;

use super::{DueView, SandboxClockView};
use crate::auth::Caller;
use crate::problem::ApiProblem;
use crate::state::App;

/// Where a jump has led.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ClockJump {
    /// What the clock has come to; `null` when nothing is to come, and the clock has stayed.
    reached: Option<DueView>,
    /// The clock after it.
    clock: SandboxClockView,
}

/// Moves the clock of the sandbox to the next thing that happens by itself. That then happens as ever, a
/// moment later: a delivery is sent, a day of an experiment is played.
#[utoipa::path(post, path = "/v1/sandbox/clock/next", operation_id = "jumpSandboxClock", tag = "sandbox",
    responses((status = 200, description = "What was reached, and the clock", body = ClockJump)))]
pub(crate) async fn handle(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
) -> Result<Json<ClockJump>, ApiProblem> {
    let (accounts, record) = (app.state.accounts.as_ref(), app.record(&caller));
    let (clock, reached) = sandbox::jump(accounts, &record, &caller.principal).await?;
    app.auth.forget_all_of(caller.principal.organization);
    Ok(Json(ClockJump { reached: reached.map(DueView::from), clock: clock.into() }))
}
