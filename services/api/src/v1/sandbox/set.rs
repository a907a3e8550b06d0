//! `POST /v1/sandbox/clock`.

use axum::extract::State;
use axum::{Extension, Json};
use jiff::Timestamp;
use serde::Deserialize;
use spotwright_core::domain::sandbox::Move;
use spotwright_core::use_cases::sandbox;
use spotwright_schemas::error::Code;
use utoipa::ToSchema;

use super::SandboxClockView;
use crate::auth::Caller;
use crate::extract::{self, JsonBody};
use crate::problem::ApiProblem;
use crate::state::App;

/// The time that the clock shall show.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ClockSetting {
    /// Not before what it shows now, and at most ten years ahead of the machine's.
    #[schema(format = DateTime)]
    now: String,
}

/// Moves the clock of the sandbox forward to a time.
#[utoipa::path(post, path = "/v1/sandbox/clock", operation_id = "setSandboxClock", tag = "sandbox",
    request_body = ClockSetting,
    responses((status = 200, description = "The clock after it", body = SandboxClockView)))]
pub(crate) async fn handle(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    body: JsonBody,
) -> Result<Json<SandboxClockView>, ApiProblem> {
    let ClockSetting { now } = extract::json(&body.bytes)?;
    let now: Timestamp = now.parse().map_err(|_| {
        ApiProblem::new(Code::RequestValue, "now", "must be a time of RFC 3339, e.g. `2027-01-31T12:00:00Z`")
    })?;
    let (accounts, record) = (app.state.accounts.as_ref(), app.record(&caller));
    let wish = Move::To(now.as_microsecond());
    let clock = sandbox::move_clock(accounts, &record, &caller.principal, "now", wish).await?;
    app.auth.forget_all_of(caller.principal.organization);
    Ok(Json(clock.into()))
}
