//! `POST /v1/sandbox/clock/advance`.

use axum::extract::State;
use axum::{Extension, Json};
use serde::Deserialize;
use spotwright_core::domain::sandbox::{FURTHEST_MICROS, Move};
use spotwright_core::use_cases::sandbox;
use utoipa::ToSchema;

use super::SandboxClockView;
use crate::auth::Caller;
use crate::extract::{self, JsonBody};
use crate::problem::ApiProblem;
use crate::state::App;

/// How far the clock shall be moved.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ClockAdvance {
    /// Seconds forward, at least 0; with everything before at most ten years.
    #[schema(minimum = 0, maximum = 316_224_000)]
    seconds: u64,
}

/// Moves the clock of the sandbox forward.
#[utoipa::path(post, path = "/v1/sandbox/clock/advance", operation_id = "advanceSandboxClock", tag = "sandbox",
    request_body = ClockAdvance,
    responses((status = 200, description = "The clock after it", body = SandboxClockView)))]
pub(crate) async fn handle(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    body: JsonBody,
) -> Result<Json<SandboxClockView>, ApiProblem> {
    let ClockAdvance { seconds } = extract::json(&body.bytes)?;
    // More than there may be is refused by what moves the clock.
    let micros = i64::try_from(seconds).unwrap_or(i64::MAX).saturating_mul(1_000_000);
    let wish = Move::By(micros.min(FURTHEST_MICROS.saturating_add(1)));
    let (accounts, record) = (app.state.accounts.as_ref(), app.record(&caller));
    let clock = sandbox::move_clock(accounts, &record, &caller.principal, "seconds", wish).await?;
    app.auth.forget_all_of(caller.principal.organization);
    Ok(Json(clock.into()))
}
