//! `GET /v1/events/stream`.

use std::collections::VecDeque;
use std::convert::Infallible;

use axum::Extension;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::response::sse::{self, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use spotwright_core::ports::event_log::{LogFilter, LogPosition, Logged};
use spotwright_core::use_cases::Principal;
use spotwright_core::use_cases::events;
use spotwright_schemas::error::Code;

use crate::auth::Caller;
use crate::openapi::foreign;
use crate::problem::ApiProblem;
use crate::shares::Share;
use crate::state::App;

/// Events read at once.
const BATCH: u32 = 100;
/// Looks that find nothing before the pause between two of them grows, each time by as much again.
const QUIET_LOOKS: u32 = 20;
/// Longest pause, as a multiple of the first one.
const LONGEST_WAIT: u32 = 8;

/// The events of all runs of the organization, and of the organization itself, as they happen (server-sent
/// events): `id` is the place in the log, `event` the type, `data` the CloudEvent. It begins with what
/// happens from now on; with `Last-Event-ID` it goes on after that event, without gap and without
/// repetition, and with `Last-Event-ID: 0` it begins with the oldest event that is kept. It ends with its
/// key and with the service.
#[utoipa::path(get, path = "/v1/events/stream", operation_id = "followOrganization", tag = "events",
    params(("last-event-id" = Option<String>, Header, pattern = "^(0|[0-9]{1,18}-[0-9]{1,18})$",
        description = "`position` of the last event received, or `0` for the beginning")),
    responses((status = 200, description = "The stream; each `data` is an event",
        body = foreign::LoggedEvent, content_type = "text/event-stream")))]
pub(crate) async fn handle(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
) -> Result<Response, ApiProblem> {
    let principal = caller.principal();
    let after = match last_event(&headers)? {
        Some(position) => position,
        None => events::newest(&principal, app.state.log.as_ref()).await?,
    };
    let share = app.streams.take(principal.organization).ok_or_else(|| {
        let message = "your organization has as many event streams open as it may; try again";
        ApiProblem::whole(Code::Unavailable, message)
    })?;
    let heartbeat = KeepAlive::new().interval(app.state.limits.heartbeat).text("still here");
    let feed = Feed { app, caller, principal, after, waiting: VecDeque::new(), idle: 0, _share: share };
    // Proxies that collect an answer before they pass it on would hold events back.
    let unbuffered = [(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"))];
    Ok((unbuffered, Sse::new(stream::unfold(feed, next)).keep_alive(heartbeat)).into_response())
}

/// The place of the event that a client has received last.
fn last_event(headers: &HeaderMap) -> Result<Option<LogPosition>, ApiProblem> {
    let Some(value) = headers.get("last-event-id") else { return Ok(None) };
    let text = value.to_str().unwrap_or("").trim();
    if text == "0" {
        return Ok(Some(LogPosition::START));
    }
    text.parse().map(Some).map_err(|_| {
        ApiProblem::new(
            Code::RequestShape,
            "last-event-id",
            "must be the `id` of an event of this stream, or `0`",
        )
    })
}

/// One client's way through the log.
struct Feed {
    app: App,
    caller: Caller,
    principal: Principal,
    after: LogPosition,
    waiting: VecDeque<Logged>,
    /// Looks in a row that found nothing.
    idle: u32,
    _share: Share,
}

async fn next(mut feed: Feed) -> Option<(Result<sse::Event, Infallible>, Feed)> {
    loop {
        if let Some(logged) = feed.waiting.pop_front() {
            feed.after = logged.position;
            let data = serde_json::to_string(&logged.event).unwrap_or_default();
            let shown = sse::Event::default()
                .id(logged.position.to_string())
                .event(logged.event.event_type())
                .data(data);
            return Some((Ok(shown), feed));
        }
        if !feed.may_go_on().await {
            return None;
        }
        let log = feed.app.state.log.as_ref();
        match events::list(&feed.principal, log, feed.after, &LogFilter::default(), BATCH).await {
            Ok(events) if !events.is_empty() => {
                feed.waiting.extend(events);
                feed.idle = 0;
            }
            Ok(_) => feed.pause().await,
            Err(error) => {
                // The client comes back with the last id it has seen.
                tracing::warn!(%error, organization = %feed.principal.organization, "an event stream was cut");
                return None;
            }
        }
    }
}

impl Feed {
    /// A key that was revoked ends the streams that it has opened.
    async fn may_go_on(&self) -> bool {
        !self.app.state.shutdown.is_set() && self.app.auth.still_admits(&self.caller).await
    }

    /// Waits before the next look: the longer, the longer nothing has happened.
    async fn pause(&mut self) {
        let wait = self.app.state.limits.poll * (1 + self.idle / QUIET_LOOKS).min(LONGEST_WAIT);
        self.idle = self.idle.saturating_add(1);
        let mut shutdown = self.app.state.shutdown.clone();
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = shutdown.wait() => {}
        }
    }
}
