//! `POST /v1/webhooks/{id}/replay`.

use axum::extract::{Path, State};
use axum::{Extension, Json};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use spotwright_core::ports::webhooks::ReplayFrom;
use spotwright_schemas::error::Code;
use utoipa::ToSchema;

use super::use_cases;
use crate::auth::Caller;
use crate::extract::{self, JsonBody};
use crate::problem::ApiProblem;
use crate::state::App;

/// Where a replay begins.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReplayOrder {
    /// A time (RFC 3339), e.g. `2026-11-29T00:00:00Z`, or the `position` of the last event that is not to be
    /// sent.
    #[schema(
        max_length = 64,
        pattern = "^([0-9]{1,18}-[0-9]{1,18}|[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\\.[0-9]{1,6})?Z)$"
    )]
    after: String,
}

/// What a replay did.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ReplayDone {
    /// Messages that are sent again, or for the first time.
    queued: u64,
    /// What `after` is to be for the rest, when there are more events than the 1,000 of one call.
    next: Option<String>,
}

/// Sends everything from a point on again that the webhook wants, also what happened before it was made: of
/// the last 30 days, 1,000 events with each call. Messages keep their `webhook-id`; those that wait already
/// stay as they are.
#[utoipa::path(post, path = "/v1/webhooks/{id}/replay", operation_id = "replayWebhook", tag = "webhooks",
    params(("id" = Uuid, Path, description = "The webhook")),
    request_body = ReplayOrder,
    responses((status = 200, description = "What is sent again", body = ReplayDone)))]
pub(crate) async fn handle(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    body: JsonBody,
) -> Result<Json<ReplayDone>, ApiProblem> {
    let id = extract::id(&id, "webhook")?;
    let order: ReplayOrder = extract::json(&body.bytes)?;
    let from = beginning(&order.after).ok_or_else(|| {
        let message = "must be a time such as `2026-11-29T00:00:00Z`, or the `position` of an event";
        ApiProblem::new(Code::RequestValue, "after", message)
    })?;
    let done = use_cases(&app, &caller).replay(&caller.principal(), id, from).await?;
    Ok(Json(ReplayDone { queued: done.queued, next: done.next.map(|position| position.to_string()) }))
}

fn beginning(text: &str) -> Option<ReplayFrom> {
    if let Ok(position) = text.parse() {
        return Some(ReplayFrom::After(position));
    }
    let time: Timestamp = text.parse().ok()?;
    Some(ReplayFrom::Since(time.as_microsecond()))
}

#[cfg(test)]
mod tests {
    use spotwright_core::ports::event_log::LogPosition;

    use super::*;

    #[test]
    fn a_point_is_a_place_or_a_time() {
        let place = ReplayFrom::After(LogPosition { transaction: 7, row: 19 });
        assert_eq!(beginning("7-19"), Some(place));
        assert_eq!(beginning("1970-01-01T00:00:01Z"), Some(ReplayFrom::Since(1_000_000)));
        for other in ["", "now", "7", "2026-11-29", "2026-13-01T00:00:00Z"] {
            assert_eq!(beginning(other), None, "{other}");
        }
    }
}
