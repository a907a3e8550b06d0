//! `GET /v1/events`.

use axum::extract::State;
use axum::http::Uri;
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use spotwright_core::ports::event_log::{LogFilter, LogPosition, Logged};
use spotwright_core::use_cases::events;
use spotwright_schemas::error::Code;
use spotwright_schemas::organization_event::LoggedEvent;
use utoipa::ToSchema;

use crate::auth::Caller;
use crate::cursor::List;
use crate::extract;
use crate::openapi::foreign;
use crate::problem::ApiProblem;
use crate::state::App;

/// The query of the list.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct EventsQuery {
    cursor: Option<String>,
    limit: Option<u32>,
    types: Option<String>,
    run: Option<String>,
}

/// An event and its place in the log.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EventAt {
    /// Its place, for `Last-Event-ID` of the stream and for replays of webhooks.
    position: String,
    /// The event.
    #[schema(value_type = foreign::LoggedEvent)]
    event: LoggedEvent,
}

impl From<Logged> for EventAt {
    fn from(logged: Logged) -> Self {
        Self { position: logged.position.to_string(), event: logged.event }
    }
}

/// A piece of the log, oldest first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EventPage {
    /// The events.
    data: Vec<EventAt>,
    /// Where to go on: also when nothing is left now, since more will come.
    next_cursor: String,
    /// Whether there is more already.
    has_more: bool,
}

/// What happened in the organization, oldest first: in all its runs, and in itself. Events are kept for 30
/// days. `next_cursor` is never empty: asked with it later, the list goes on where it ended, without gap and
/// without repetition.
#[utoipa::path(get, path = "/v1/events", operation_id = "listEvents", tag = "events",
    params(("types" = Option<String>, Query, description = "Only these types, with commas between them"),
        ("run" = Option<Uuid>, Query, description = "Only events of this run"),
        ("cursor" = Option<String>, Query, min_length = 1, pattern = "^[A-Za-z0-9_-]+$",
            description = "`next_cursor` of the page before"),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 200, description = "Most events of the page, 50 unless told")),
    responses((status = 200, description = "A page of events", body = EventPage)))]
pub(crate) async fn handle(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    uri: Uri,
) -> Result<Json<EventPage>, ApiProblem> {
    let query: EventsQuery = extract::query(&uri)?;
    let limit = extract::limit(query.limit)?;
    let filter = filter(query.types.as_deref(), query.run.as_deref())?;
    let list = List { organization: caller.context.organization.0, name: "events", of: b"" };
    let pepper = &app.state.pepper;
    let after = match &query.cursor {
        None => LogPosition::START,
        Some(cursor) => place(&list.place(pepper, cursor)?)?,
    };
    let principal = caller.principal();
    let mut rows = events::list(&principal, app.state.log.as_ref(), after, &filter, limit + 1).await?;
    let has_more = rows.len() > limit as usize;
    rows.truncate(limit as usize);
    let reached = rows.last().map_or(after, |last| last.position);
    let next_cursor = list.cursor(pepper, &bytes(reached));
    Ok(Json(EventPage { data: rows.into_iter().map(EventAt::from).collect(), next_cursor, has_more }))
}

fn filter(types: Option<&str>, run: Option<&str>) -> Result<LogFilter, ApiProblem> {
    let types = types.map(|text| text.split(',').map(|word| word.trim().to_owned()).collect());
    let run = run.map(|text| extract::id(text, "run")).transpose()?;
    Ok(LogFilter { types: types.unwrap_or_default(), run })
}

fn bytes(position: LogPosition) -> [u8; 16] {
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&position.transaction.to_be_bytes());
    bytes[8..].copy_from_slice(&position.row.to_be_bytes());
    bytes
}

fn place(bytes: &[u8]) -> Result<LogPosition, ApiProblem> {
    let (transaction, row) = bytes.split_at_checked(8).unwrap_or((&[], &[]));
    match (<[u8; 8]>::try_from(transaction), <[u8; 8]>::try_from(row)) {
        (Ok(transaction), Ok(row)) => {
            Ok(LogPosition { transaction: i64::from_be_bytes(transaction), row: i64::from_be_bytes(row) })
        }
        _ => Err(ApiProblem::new(Code::Cursor, "cursor", "was made by another version")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_read_back() {
        let position = LogPosition { transaction: 812, row: 7 };
        assert_eq!(place(&bytes(position)).unwrap(), position);
        assert_eq!(place(&[1, 2]).unwrap_err().code(), Code::Cursor);
    }
}
