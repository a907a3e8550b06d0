//! The log of each organization: the outbox by position.

use spotwright_core::ports::event_log::{EVENTS_KEPT_MICROS, LogFilter, LogPosition, Logged};
use spotwright_core::ports::step_store::StoreError;
use spotwright_schemas::event::MAX_EVENT_BYTES;
use spotwright_schemas::ids::OrganizationId;
use spotwright_schemas::organization_event::{LoggedEvent, OrganizationEvent};
use uuid::Uuid;

use super::{Connection, Db};
use crate::convert::{database, from_json, to_json};

row! {
    struct LogRow {
        commit_order: i64,
        position: i64,
        aggregate_id: Option<Uuid>,
        body: String,
    }
}

impl LogRow {
    fn into_logged(self) -> Result<Logged, StoreError> {
        let event = match self.aggregate_id {
            Some(_) => LoggedEvent::Run(from_json("message", &self.body)?),
            None => LoggedEvent::Organization(from_json("message", &self.body)?),
        };
        Ok(Logged { position: LogPosition { transaction: self.commit_order, row: self.position }, event })
    }
}

/// Events of an organization after a position; reads `outbox_by_organization`. Only what every transaction
/// that could write before it has ended for, and what is still kept.
pub(super) async fn of_organization(
    conn: &mut Connection,
    organization: OrganizationId,
    after: LogPosition,
    filter: &LogFilter,
    limit: u32,
) -> Result<Vec<Logged>, StoreError> {
    let mut query = sqlx::QueryBuilder::<Db>::new(
        "SELECT commit_order, position, aggregate_id, body FROM outbox WHERE organization_id = ",
    );
    query.push_bind(organization.0).push(" AND (commit_order, position) > (");
    query.push_bind(after.transaction).push(", ").push_bind(after.row);
    query.push(concat!(") AND commit_order < ", settled!(), " AND created_at > ", now!(), " - "));
    query.push_bind(EVENTS_KEPT_MICROS);
    if let Some(run) = filter.run {
        query.push(" AND aggregate_id = ").push_bind(run.0);
    }
    if !filter.types.is_empty() {
        query.push(" AND type IN (");
        let mut list = query.separated(", ");
        for word in &filter.types {
            list.push_bind(word.clone());
        }
        query.push(")");
    }
    query.push(" ORDER BY commit_order, position LIMIT ").push_bind(i64::from(limit));
    let rows: Vec<LogRow> = query.build_query_as().fetch_all(conn).await.map_err(database)?;
    rows.into_iter().map(LogRow::into_logged).collect()
}

/// The newest position that readers can see; reads `outbox_by_organization` from its end.
pub(super) async fn newest(
    conn: &mut Connection,
    organization: OrganizationId,
) -> Result<LogPosition, StoreError> {
    let row: Option<(i64, i64)> = sqlx::query_as(concat!(
        "SELECT commit_order, position FROM outbox WHERE organization_id = $1 AND commit_order < ",
        settled!(),
        " ORDER BY commit_order DESC, position DESC LIMIT 1"
    ))
    .bind(organization.0)
    .fetch_optional(conn)
    .await
    .map_err(database)?;
    Ok(row.map_or(LogPosition::START, |(transaction, row)| LogPosition { transaction, row }))
}

/// The newest position of all organizations; reads `outbox_by_order` from its end.
pub(super) async fn newest_of_all(conn: &mut Connection) -> Result<LogPosition, StoreError> {
    let row: Option<(i64, i64)> = sqlx::query_as(concat!(
        "SELECT commit_order, position FROM outbox WHERE commit_order < ",
        settled!(),
        " ORDER BY commit_order DESC, position DESC LIMIT 1"
    ))
    .fetch_optional(conn)
    .await
    .map_err(database)?;
    Ok(row.map_or(LogPosition::START, |(transaction, row)| LogPosition { transaction, row }))
}

/// Events of all organizations after a position; reads `outbox_by_order`.
pub(super) async fn of_all(
    conn: &mut Connection,
    after: LogPosition,
    limit: u32,
) -> Result<Vec<Logged>, StoreError> {
    let rows: Vec<LogRow> = sqlx::query_as(concat!(
        "SELECT commit_order, position, aggregate_id, body FROM outbox \
         WHERE (commit_order, position) > ($1, $2) AND commit_order < ",
        settled!(),
        " ORDER BY commit_order, position LIMIT $3"
    ))
    .bind(after.transaction)
    .bind(after.row)
    .bind(i64::from(limit))
    .fetch_all(conn)
    .await
    .map_err(database)?;
    rows.into_iter().map(LogRow::into_logged).collect()
}

/// Writes an event of an organization: for the log alone, so it counts as sent. One with the same id stays.
pub(super) async fn announce(conn: &mut Connection, event: &OrganizationEvent) -> Result<(), StoreError> {
    let body = to_json(event)?;
    if body.len() > MAX_EVENT_BYTES {
        let message = format!("event {} has {} bytes, {MAX_EVENT_BYTES} are allowed", event.id, body.len());
        return Err(StoreError::Contradiction(message));
    }
    sqlx::query(concat!(
        "INSERT INTO outbox (id, organization_id, seq, consumer, type, body, created_at, sent_at) \
         VALUES ($1, $2, 0, '', $3, $4, ",
        now!(),
        ", ",
        now!(),
        ") ON CONFLICT (id) DO NOTHING"
    ))
    .bind(event.id.0)
    .bind(event.organization.0)
    .bind(event.payload.event_type())
    .bind(body)
    .execute(conn)
    .await
    .map_err(database)?;
    Ok(())
}
