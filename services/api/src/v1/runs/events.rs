//! `GET /v1/runs/{id}/events`.

use std::collections::VecDeque;
use std::convert::Infallible;

use axum::Extension;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::sse::{self, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use spotwright_core::domain::run::Stage;
use spotwright_schemas::error::Code;
use spotwright_schemas::event::{Event, Payload};
use spotwright_schemas::ids::RunId;

use crate::auth::Caller;
use crate::extract;
use crate::openapi::foreign;
use crate::problem::ApiProblem;
use crate::shares::Share;
use crate::state::App;
use crate::tails::Listening;

/// Events read at once.
const BATCH: u32 = 100;
/// Longest wait before it is asked again whether the client may listen, as a multiple of the pause between
/// looks.
const ASKED_AGAIN: u32 = 4;

/// The events of a run as they happen (server-sent events): `id` is the sequence number, `event`
/// the type, `data` the CloudEvent. The stream ends after `spotwright.run.finished.v1`. A client
/// that reconnects with `Last-Event-ID` misses nothing and gets nothing twice; when there is
/// nothing left to come, it is answered 204.
#[utoipa::path(get, path = "/v1/runs/{id}/events", operation_id = "followRun", tag = "runs",
    params(("id" = Uuid, Path, description = "The run"),
        ("last-event-id" = Option<u64>, Header,
            description = "Sequence number of the last event received, at most that of the newest one")),
    responses((status = 200, description = "The stream; each `data` is an event", body = foreign::Event,
            content_type = "text/event-stream"),
        (status = 204, description = "Every event of the run was received before")))]
pub(crate) async fn handle(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, ApiProblem> {
    let id: RunId = extract::id(&id, "run")?;
    let after = last_event(&headers)?;
    let run = app.state.accounts.run(caller.context, id).await?;
    if after > run.messages {
        // Nothing would ever follow it, the end of the run included.
        let message = format!("the newest event of this run is number {}", run.messages);
        return Err(ApiProblem::new(Code::RequestValue, "last-event-id", message));
    }
    if run.stage == Stage::Finished && after == run.messages {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let share = app.streams.take(caller.principal.organization).ok_or_else(|| {
        let message = "your organization has as many event streams open as it may; try again";
        ApiProblem::whole(Code::Unavailable, message)
    })?;
    let heartbeat = KeepAlive::new().interval(app.state.limits.heartbeat).text("still here");
    let listening = app.tails.of(id);
    let waiting = VecDeque::new();
    let feed =
        Feed { app, caller, run: id, after, waiting, ended: false, listening, told: false, _share: share };
    // Proxies that collect an answer before they pass it on would hold events back.
    let unbuffered = [(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"))];
    Ok((unbuffered, Sse::new(stream::unfold(feed, next)).keep_alive(heartbeat)).into_response())
}

/// The sequence number that a client has received last; 0 for none.
fn last_event(headers: &HeaderMap) -> Result<u64, ApiProblem> {
    let Some(value) = headers.get("last-event-id") else { return Ok(0) };
    let number = value.to_str().ok().and_then(|text| text.trim().parse().ok());
    number.ok_or_else(|| {
        ApiProblem::new(Code::RequestShape, "last-event-id", "must be the `id` of an event of this stream")
    })
}

/// One client's way through the events of a run.
struct Feed {
    app: App,
    caller: Caller,
    run: RunId,
    after: u64,
    waiting: VecDeque<Event>,
    ended: bool,
    listening: Listening,
    /// Whether the last wait ended because there was something to read.
    told: bool,
    _share: Share,
}

async fn next(mut feed: Feed) -> Option<(Result<sse::Event, Infallible>, Feed)> {
    loop {
        if let Some(event) = feed.waiting.pop_front() {
            feed.after = event.sequence;
            feed.ended |= matches!(event.payload, Payload::RunFinished(_));
            let data = serde_json::to_string(&event).unwrap_or_default();
            let shown = sse::Event::default()
                .id(event.sequence.to_string())
                .event(event.payload.event_type())
                .data(data);
            return Some((Ok(shown), feed));
        }
        if feed.ended || !feed.may_go_on().await {
            return None;
        }
        match feed.app.state.accounts.events(feed.caller.context, feed.run, feed.after, BATCH).await {
            Ok(events) if !events.is_empty() => {
                feed.waiting.extend(events);
                feed.told = false;
            }
            Ok(_) if feed.pause().await => {}
            Ok(_) => return None,
            Err(error) => {
                // The client comes back with the last id it has seen.
                tracing::warn!(%error, run = %feed.run, "an event stream was cut");
                return None;
            }
        }
    }
}

impl Feed {
    /// A key that was revoked, and a session that has ended, end the streams that they have opened.
    async fn may_go_on(&self) -> bool {
        if self.app.state.shutdown.is_set() {
            return false;
        }
        self.app.auth.still_admits(&self.caller).await
    }

    /// Waits until there is something to read; false when the client may not listen any more.
    async fn pause(&mut self) -> bool {
        let state = &self.app.state;
        // Others have seen something that cannot be read yet.
        if std::mem::take(&mut self.told) {
            tokio::time::sleep(state.limits.poll).await;
        }
        let (accounts, context, run) = (&state.accounts, self.caller.context, self.run);
        let newest = || async move { accounts.run(context, run).await.map(|run| run.messages) };
        let mut shutdown = state.shutdown.clone();
        while self.may_go_on().await {
            tokio::select! {
                found = self.listening.beyond(self.after, &newest) => {
                    // What went wrong is met again by whoever reads.
                    self.told = found.is_ok();
                    return true;
                }
                () = tokio::time::sleep(state.limits.poll * ASKED_AGAIN) => {}
                () = shutdown.wait() => {}
            }
        }
        false
    }
}
