//! Outbox, inbox and dead letters.

use spotwright_core::domain::topology::consumer_of;
use spotwright_core::ports::step_store::{OutboxMessage, StoreError};
use spotwright_schemas::event::{Event, MAX_EVENT_BYTES};
use spotwright_schemas::ids::{MessageId, RunId};
use uuid::Uuid;

use super::{Connection, Db};
use crate::convert::{database, from_json, in_powers, stored, to_json};

/// Messages marked by one statement. A shorter rest repeats its last id, so that one prepared
/// statement serves every length.
const MARKED_AT_ONCE: usize = 64;

/// Adds the messages of a commit, of which `written` is the run's count afterwards. They must be
/// numbered after the run's earlier ones without gap.
pub(super) async fn insert_all(
    conn: &mut Connection,
    run: RunId,
    organization: Uuid,
    written: i64,
    messages: &[Event],
) -> Result<(), StoreError> {
    let before = written - stored("the number of messages", messages.len())?;
    let mut rows = Vec::with_capacity(messages.len());
    for (expected, message) in (before + 1..).zip(messages) {
        if message.subject != run || message.organization.0 != organization {
            return Err(StoreError::Contradiction(format!("message {} belongs to another run", message.id)));
        }
        if i64::try_from(message.sequence) != Ok(expected) {
            return Err(StoreError::Contradiction(format!(
                "message {} has number {}, the next is {expected}",
                message.id, message.sequence
            )));
        }
        rows.push((message, expected, body(message)?));
    }
    for rows in in_powers(&rows) {
        let mut insert = sqlx::QueryBuilder::<Db>::new(
            "INSERT INTO outbox (id, organization_id, aggregate_id, seq, consumer, type, body, created_at) ",
        );
        insert.push_values(rows, |mut row, (message, number, body)| {
            row.push_bind(message.id.0)
                .push_bind(organization)
                .push_bind(message.subject.0)
                .push_bind(number)
                .push_bind(consumer_of(&message.payload))
                .push_bind(message.payload.event_type())
                .push_bind(body)
                .push(now!());
        });
        insert.push(" ON CONFLICT DO NOTHING");
        let written = insert.build().execute(&mut *conn).await.map_err(database)?;
        if written.rows_affected() != rows.len() as u64 {
            let ids: Vec<String> = rows.iter().map(|(message, ..)| message.id.to_string()).collect();
            return Err(StoreError::Contradiction(format!("one of the messages {ids:?} was written before")));
        }
    }
    Ok(())
}

/// A message as it is stored and sent.
fn body(message: &Event) -> Result<String, StoreError> {
    let body = to_json(message)?;
    if body.len() > MAX_EVENT_BYTES {
        return Err(StoreError::Contradiction(format!(
            "message {} has {} bytes, {MAX_EVENT_BYTES} are allowed",
            message.id,
            body.len()
        )));
    }
    Ok(body)
}

/// Unsent messages in the order of writing; reads `outbox_unsent`.
pub(super) async fn unsent(
    conn: &mut Connection,
    after: Option<i64>,
    limit: usize,
) -> Result<Vec<(i64, OutboxMessage)>, StoreError> {
    let rows: Vec<(i64, Uuid, String, String)> = sqlx::query_as(
        "SELECT position, id, consumer, body FROM outbox WHERE sent_at IS NULL AND position > $1 \
         ORDER BY position LIMIT $2",
    )
    .bind(after.unwrap_or(0))
    .bind(stored("the limit", limit)?)
    .fetch_all(conn)
    .await
    .map_err(database)?;
    rows.into_iter()
        .map(|(position, id, consumer, body)| {
            let event = from_json("message", &body)?;
            Ok((position, OutboxMessage { id: MessageId(id), consumer, event }))
        })
        .collect()
}

/// Marks messages as sent; those marked before keep their time.
pub(super) async fn mark_sent(conn: &mut Connection, ids: &[MessageId]) -> Result<(), StoreError> {
    for chunk in ids.chunks(MARKED_AT_ONCE) {
        let mut update = sqlx::QueryBuilder::<Db>::new(concat!("UPDATE outbox SET sent_at = ", now!()));
        update.push(" WHERE sent_at IS NULL AND id IN (");
        let mut list = update.separated(", ");
        let filled = chunk.iter().chain(chunk.last().into_iter().cycle());
        for id in filled.take(MARKED_AT_ONCE) {
            list.push_bind(id.0);
        }
        update.push(")");
        update.build().execute(&mut *conn).await.map_err(database)?;
    }
    Ok(())
}

/// Notes that a consumer takes messages in; how many of them are new to it.
pub(super) async fn take_in(
    conn: &mut Connection,
    consumer: &str,
    messages: &[MessageId],
) -> Result<usize, StoreError> {
    let mut new = 0;
    for messages in in_powers(messages) {
        let mut insert =
            sqlx::QueryBuilder::<Db>::new("INSERT INTO inbox (consumer, message_id, received_at) ");
        insert.push_values(messages, |mut row, message| {
            row.push_bind(consumer).push_bind(message.0).push(now!());
        });
        insert.push(" ON CONFLICT DO NOTHING");
        new += insert.build().execute(&mut *conn).await.map_err(database)?.rows_affected() as usize;
    }
    Ok(new)
}

pub(super) async fn taken_in(
    conn: &mut Connection,
    consumer: &str,
    message: MessageId,
) -> Result<bool, StoreError> {
    let found: Option<i64> =
        sqlx::query_scalar("SELECT received_at FROM inbox WHERE consumer = $1 AND message_id = $2")
            .bind(consumer)
            .bind(message.0)
            .fetch_optional(conn)
            .await
            .map_err(database)?;
    Ok(found.is_some())
}

/// Notes that a message was given up; the newest reason stands.
pub(super) async fn dead_letter(
    conn: &mut Connection,
    consumer: &str,
    message: MessageId,
    reason: &str,
    attempts: u32,
) -> Result<(), StoreError> {
    sqlx::query(concat!(
        "INSERT INTO dead_letter (message_id, queue, reason, attempts, at) VALUES ($1, $2, $3, $4, ",
        now!(),
        ") ON CONFLICT (message_id, queue) DO UPDATE SET reason = excluded.reason, \
         attempts = excluded.attempts, at = excluded.at"
    ))
    .bind(message.0)
    .bind(consumer)
    .bind(reason)
    .bind(i64::from(attempts))
    .execute(conn)
    .await
    .map_err(database)?;
    Ok(())
}
