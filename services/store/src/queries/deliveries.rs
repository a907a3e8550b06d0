//! Messages to webhooks: noting, claiming, recording, replaying.

use spotwright_core::domain::webhook::{
    Attempt, Delivery, DeliveryState, Verdict, WebhookState, delivery_of, message_body, wants,
};
use spotwright_core::ports::accounts::{Page, Positioned};
use spotwright_core::ports::event_log::{LogFilter, LogPosition, Logged};
use spotwright_core::ports::step_store::StoreError;
use spotwright_core::ports::webhooks::{ClaimedDelivery, Recorded, ReplayFrom, Replayed};
use spotwright_schemas::ids::{DeliveryId, MessageId, OrganizationId, RunId, WebhookId};
use uuid::Uuid;

use super::webhooks::{self, WebhookRow, webhook_columns, words};
use super::{Connection, Db, event_log};
use crate::convert::{database, from_json, from_name, stored, to_json, unsigned};

/// How far clocks of processes and of the database may differ: what was written this long before a time may
/// still say a later one. Ten minutes, in microseconds.
const CLOCKS_DIFFER: i64 = 600 * 1_000_000;

/// Every column of a delivery that is shown.
macro_rules! delivery_columns {
    () => {
        "position, id, webhook_id, event_id, type AS event_type, run_id, commit_order, log_position, body, state, attempts, \
         next_at, created_at, ended_at"
    };
}

row! {
    struct DeliveryRow {
        position: i64,
        id: Uuid,
        webhook_id: Uuid,
        event_id: Uuid,
        event_type: String,
        run_id: Option<Uuid>,
        commit_order: i64,
        log_position: i64,
        body: String,
        state: String,
        attempts: String,
        next_at: i64,
        created_at: i64,
        ended_at: Option<i64>,
    }
}

impl DeliveryRow {
    fn into_delivery(self) -> Result<Positioned<Delivery>, StoreError> {
        let state: DeliveryState = from_name("state of a delivery", &self.state)?;
        let row = Delivery {
            id: DeliveryId(self.id),
            webhook: WebhookId(self.webhook_id),
            event: MessageId(self.event_id),
            event_type: self.event_type,
            run: self.run_id.map(RunId),
            position: LogPosition { transaction: self.commit_order, row: self.log_position },
            state,
            body: self.body,
            attempts: from_json("attempts", &self.attempts)?,
            next_at: (state == DeliveryState::Waiting).then_some(self.next_at),
            created_at: self.created_at,
            ended_at: self.ended_at,
        };
        Ok(Positioned { position: self.position, row })
    }
}

/// A webhook as the noting of events needs it.
struct Listener {
    id: WebhookId,
    organization: OrganizationId,
    events: Vec<String>,
    from: LogPosition,
    clock_moved: i64,
}

type ListenerRow = (Uuid, Uuid, String, i64, i64, i64);

/// Webhooks that events are noted for.
async fn listeners(conn: &mut Connection) -> Result<Vec<Listener>, StoreError> {
    let rows: Vec<ListenerRow> = sqlx::query_as(concat!(
        "SELECT id, organization_id, events, from_order, from_position, ",
        moved!("webhook.organization_id"),
        " FROM webhook WHERE state <> 'disabled'"
    ))
    .fetch_all(conn)
    .await
    .map_err(database)?;
    let listener = |(id, organization, events, transaction, row, clock_moved): ListenerRow| Listener {
        id: WebhookId(id),
        organization: OrganizationId(organization),
        events: words(&events),
        from: LogPosition { transaction, row },
        clock_moved,
    };
    Ok(rows.into_iter().map(listener).collect())
}

/// Up to where the log was noted; locked where several processes write.
async fn progress(conn: &mut Connection, lock: bool) -> Result<LogPosition, StoreError> {
    let statement = if lock {
        concat!("SELECT commit_order, position FROM webhook_progress ", locked!())
    } else {
        "SELECT commit_order, position FROM webhook_progress"
    };
    let (transaction, row): (i64, i64) = sqlx::query_as(statement).fetch_one(conn).await.map_err(database)?;
    Ok(LogPosition { transaction, row })
}

/// Whether there are events that were not noted yet: one read, without a write transaction.
pub(super) async fn any_to_note(conn: &mut Connection) -> Result<bool, StoreError> {
    let after = progress(conn, false).await?;
    Ok(!event_log::of_all(conn, after, 1).await?.is_empty())
}

/// Notes the next events of the log for the webhooks that want them.
pub(super) async fn fan_out(conn: &mut Connection, limit: u32, now: i64) -> Result<usize, StoreError> {
    let after = progress(conn, true).await?;
    let events = event_log::of_all(conn, after, limit).await?;
    let Some(last) = events.last() else { return Ok(0) };
    let reached = last.position;
    let listeners = listeners(conn).await?;
    for logged in &events {
        let organization = logged.event.organization();
        let wanted = |listener: &&Listener| {
            listener.organization == organization
                && logged.position > listener.from
                && wants(&listener.events, logged.event.event_type())
        };
        for listener in listeners.iter().filter(wanted) {
            let now = now.saturating_add(listener.clock_moved);
            note(conn, listener.id, logged, now, false).await?;
        }
    }
    sqlx::query("UPDATE webhook_progress SET commit_order = $1, position = $2")
        .bind(reached.transaction)
        .bind(reached.row)
        .execute(conn)
        .await
        .map_err(database)?;
    Ok(events.len())
}

/// Notes an event for a webhook. One that was noted before stays as it is, or with `again` is sent once more
/// unless it waits already. Whether anything is to be sent that was not.
async fn note(
    conn: &mut Connection,
    webhook: WebhookId,
    logged: &Logged,
    now: i64,
    again: bool,
) -> Result<bool, StoreError> {
    let event = &logged.event;
    let run = event.run().map(|run| run.0);
    let conflict = if again {
        "DO UPDATE SET state = 'waiting', attempts = '[]', n_attempts = 0, next_at = excluded.next_at, \
         ended_at = NULL WHERE webhook_delivery.state <> 'waiting'"
    } else {
        "DO NOTHING"
    };
    let mut insert = sqlx::QueryBuilder::<Db>::new(
        "INSERT INTO webhook_delivery (id, organization_id, webhook_id, event_id, type, run_id, lane, \
         commit_order, log_position, body, state, next_at, created_at) VALUES (",
    );
    let mut values = insert.separated(", ");
    values
        .push_bind(delivery_of(webhook, event.id()).0)
        .push_bind(event.organization().0)
        .push_bind(webhook.0)
        .push_bind(event.id().0)
        .push_bind(event.event_type())
        .push_bind(run)
        .push_bind(run.unwrap_or_else(|| event.organization().0))
        .push_bind(logged.position.transaction)
        .push_bind(logged.position.row)
        .push_bind(message_body(event))
        .push("'waiting'")
        .push_bind(now)
        .push_bind(now);
    insert.push(") ON CONFLICT (webhook_id, event_id) ").push(conflict);
    let written = insert.build().execute(conn).await.map_err(database)?;
    Ok(written.rows_affected() > 0)
}

/// Claims what is due: the oldest of each run, a few of each webhook. Uses `delivery_due` and
/// `delivery_by_lane`. Several processes do not claim the same: the condition on the lease is judged again
/// for a row that somebody else has changed.
pub(super) async fn claim(
    conn: &mut Connection,
    busy: &[WebhookId],
    of_each: u32,
    limit: u32,
    now: i64,
    lease_until: i64,
) -> Result<Vec<ClaimedDelivery>, StoreError> {
    let mut claim =
        sqlx::QueryBuilder::<Db>::new("UPDATE webhook_delivery SET fence = fence + 1, lease_until = ");
    claim.push_bind(lease_until);
    claim.push(
        " WHERE id IN (SELECT id FROM (SELECT d.id, d.next_at, d.log_position, row_number() OVER \
         (PARTITION BY d.webhook_id ORDER BY d.next_at, d.commit_order, d.log_position) AS place \
         FROM webhook_delivery d JOIN webhook w ON w.id = d.webhook_id \
         WHERE d.state = 'waiting' AND w.state = 'active' AND (d.next_at <= ",
    );
    claim.push_bind(now);
    claim.push(
        " OR EXISTS (SELECT 1 FROM organization o WHERE o.id = d.organization_id AND o.clock_moved > 0 \
         AND d.next_at - o.clock_moved <= ",
    );
    claim.push_bind(now).push(")) AND d.lease_until <= ").push_bind(now);
    claim.push(
        " AND NOT EXISTS (SELECT 1 FROM webhook_delivery e WHERE e.webhook_id = d.webhook_id \
         AND e.lane = d.lane AND e.state = 'waiting' \
         AND (e.commit_order, e.log_position) < (d.commit_order, d.log_position))",
    );
    if !busy.is_empty() {
        claim.push(" AND d.webhook_id NOT IN (");
        let mut list = claim.separated(", ");
        for webhook in busy {
            list.push_bind(webhook.0);
        }
        claim.push(")");
    }
    claim.push(") AS due WHERE place <= ").push_bind(i64::from(of_each));
    claim.push(" ORDER BY next_at, log_position LIMIT ").push_bind(i64::from(limit));
    claim.push(") AND state = 'waiting' AND lease_until <= ").push_bind(now);
    claim.push(concat!(
        " RETURNING id, webhook_id, type, body, n_attempts, fence, ",
        moved!("webhook_delivery.organization_id")
    ));
    let rows: Vec<(Uuid, Uuid, String, String, i64, i64, i64)> =
        claim.build_query_as().fetch_all(&mut *conn).await.map_err(database)?;
    let mut claimed = Vec::with_capacity(rows.len());
    for (id, webhook, event_type, body, attempts, fence, clock_moved) in rows {
        let row: WebhookRow =
            sqlx::query_as(concat!("SELECT ", webhook_columns!(), " FROM webhook w WHERE w.id = $1"))
                .bind(webhook)
                .fetch_one(&mut *conn)
                .await
                .map_err(database)?;
        claimed.push(ClaimedDelivery {
            id: DeliveryId(id),
            webhook: row.into_webhook()?.row,
            event_type,
            body,
            attempts: unsigned("attempts", attempts)?,
            fence,
            clock_moved,
        });
    }
    Ok(claimed)
}

/// Records an attempt under its fence, and what it says about the webhook.
pub(super) async fn record(
    conn: &mut Connection,
    claimed: &ClaimedDelivery,
    attempt: &Attempt,
    verdict: Verdict,
    now: i64,
) -> Result<Recorded, StoreError> {
    let before: Option<String> = sqlx::query_scalar(
        "SELECT attempts FROM webhook_delivery WHERE id = $1 AND fence = $2 AND state = 'waiting'",
    )
    .bind(claimed.id.0)
    .bind(claimed.fence)
    .fetch_optional(&mut *conn)
    .await
    .map_err(database)?;
    let Some(before) = before else { return Ok(Recorded::Stale) };
    let mut attempts: Vec<Attempt> = from_json("attempts", &before)?;
    attempts.push(attempt.clone());
    let (state, next_at, ended_at) = match verdict {
        Verdict::Delivered => (DeliveryState::Delivered, now, Some(now)),
        Verdict::Again { at } => (DeliveryState::Waiting, at, None),
        Verdict::GivenUp => (DeliveryState::Failed, now, Some(now)),
    };
    let recorded = sqlx::query(
        "UPDATE webhook_delivery SET state = $3, attempts = $4, n_attempts = $5, next_at = $6, ended_at = $7, \
         lease_until = 0 WHERE id = $1 AND fence = $2 AND state = 'waiting'",
    )
    .bind(claimed.id.0)
    .bind(claimed.fence)
    .bind(state.as_str())
    .bind(to_json(&attempts)?)
    .bind(stored("attempts", attempts.len())?)
    .bind(next_at)
    .bind(ended_at)
    .execute(&mut *conn)
    .await
    .map_err(database)?;
    if recorded.rows_affected() == 0 {
        return Ok(Recorded::Stale);
    }
    health(conn, claimed.webhook.id, verdict == Verdict::Delivered, now).await
}

/// Notes that a webhook took a message or did not. One that takes messages again gets at once what waits.
async fn health(
    conn: &mut Connection,
    webhook: WebhookId,
    well: bool,
    now: i64,
) -> Result<Recorded, StoreError> {
    if well {
        let recovered = sqlx::query(
            "UPDATE webhook SET failing_since = NULL WHERE id = $1 AND failing_since IS NOT NULL",
        )
        .bind(webhook.0)
        .execute(&mut *conn)
        .await
        .map_err(database)?;
        if recovered.rows_affected() > 0 {
            webhooks::make_due(conn, webhook, now).await?;
        }
        return Ok(Recorded::Well);
    }
    let since: Option<i64> = sqlx::query_scalar(
        "UPDATE webhook SET failing_since = coalesce(failing_since, $2) WHERE id = $1 RETURNING failing_since",
    )
    .bind(webhook.0)
    .bind(now)
    .fetch_optional(conn)
    .await
    .map_err(database)?
    .flatten();
    Ok(since.map_or(Recorded::Stale, |since| Recorded::Failing { since }))
}

/// Deliveries of a webhook; reads `delivery_by_webhook`.
pub(super) async fn list(
    conn: &mut Connection,
    organization: OrganizationId,
    webhook: WebhookId,
    state: Option<DeliveryState>,
    page: Page,
) -> Result<Vec<Positioned<Delivery>>, StoreError> {
    webhooks::get(conn, organization, webhook).await?;
    let rows: Vec<DeliveryRow> = sqlx::query_as(concat!(
        "SELECT ",
        delivery_columns!(),
        " FROM webhook_delivery WHERE webhook_id = $1 AND organization_id = $2 AND position < $3 \
         AND ($4 = '' OR state = $4) ORDER BY position DESC LIMIT $5"
    ))
    .bind(webhook.0)
    .bind(organization.0)
    .bind(page.before.unwrap_or(i64::MAX))
    .bind(state.map_or("", DeliveryState::as_str))
    .bind(i64::from(page.limit))
    .fetch_all(conn)
    .await
    .map_err(database)?;
    rows.into_iter().map(DeliveryRow::into_delivery).collect()
}

async fn get(
    conn: &mut Connection,
    organization: OrganizationId,
    webhook: WebhookId,
    id: DeliveryId,
) -> Result<Delivery, StoreError> {
    let row: Option<DeliveryRow> = sqlx::query_as(concat!(
        "SELECT ",
        delivery_columns!(),
        " FROM webhook_delivery WHERE id = $1 AND webhook_id = $2 AND organization_id = $3"
    ))
    .bind(id.0)
    .bind(webhook.0)
    .bind(organization.0)
    .fetch_optional(conn)
    .await
    .map_err(database)?;
    Ok(row.ok_or_else(|| StoreError::Missing("delivery".to_owned()))?.into_delivery()?.row)
}

/// Sends a delivery that has ended again; `None` for one that waits.
pub(super) async fn replay_one(
    conn: &mut Connection,
    organization: OrganizationId,
    webhook: WebhookId,
    id: DeliveryId,
    now: i64,
) -> Result<Option<Delivery>, StoreError> {
    webhooks::get(conn, organization, webhook).await?;
    let found = get(conn, organization, webhook, id).await?;
    if found.state == DeliveryState::Waiting {
        return Ok(None);
    }
    sqlx::query(
        "UPDATE webhook_delivery SET state = 'waiting', attempts = '[]', n_attempts = 0, next_at = $2, \
         ended_at = NULL WHERE id = $1",
    )
    .bind(id.0)
    .bind(now)
    .execute(&mut *conn)
    .await
    .map_err(database)?;
    get(conn, organization, webhook, id).await.map(Some)
}

/// Sends everything that a webhook wants of the events after a point again.
pub(super) async fn replay(
    conn: &mut Connection,
    organization: OrganizationId,
    webhook: WebhookId,
    from: ReplayFrom,
    limit: u32,
    now: i64,
) -> Result<Replayed, StoreError> {
    let found = webhooks::get(conn, organization, webhook).await?;
    let (after, since) = match from {
        ReplayFrom::After(position) => (position, i64::MIN),
        ReplayFrom::Since(time) => (before(conn, organization, time).await?, time),
    };
    // What is not noted yet is noted by itself; for a disabled webhook it is not, and is sent like this.
    let noted = progress(conn, false).await?;
    let own = found.state == WebhookState::Disabled;
    let events = event_log::of_organization(conn, organization, after, &LogFilter::default(), limit).await?;
    let more = u32::try_from(events.len()) == Ok(limit);
    let next = events.last().filter(|_| more).map(|last| last.position);
    let mut queued = 0;
    for logged in events.iter().filter(|logged| own || logged.position <= noted) {
        let late_enough = logged.event.time().as_microsecond() >= since;
        if late_enough && wants(&found.order.events, logged.event.event_type()) {
            queued += u64::from(note(conn, webhook, logged, now, true).await?);
        }
    }
    Ok(Replayed { queued, next })
}

/// A place in the log of an organization before which nothing was written at `time` or later.
async fn before(
    conn: &mut Connection,
    organization: OrganizationId,
    time: i64,
) -> Result<LogPosition, StoreError> {
    let row: Option<(i64, i64)> = sqlx::query_as(
        "SELECT commit_order, position FROM outbox WHERE organization_id = $1 AND created_at < $2 \
         ORDER BY commit_order DESC, position DESC LIMIT 1",
    )
    .bind(organization.0)
    .bind(time.saturating_sub(CLOCKS_DIFFER))
    .fetch_optional(conn)
    .await
    .map_err(database)?;
    Ok(row.map_or(LogPosition::START, |(transaction, row)| LogPosition { transaction, row }))
}

/// Drops deliveries that were noted before a time; reads `delivery_by_age`.
pub(super) async fn forget(conn: &mut Connection, before: i64) -> Result<u64, StoreError> {
    let dropped = sqlx::query("DELETE FROM webhook_delivery WHERE created_at < $1")
        .bind(before)
        .execute(conn)
        .await
        .map_err(database)?;
    Ok(dropped.rows_affected())
}

/// Whether a delivery may be due: one read, without a write transaction; reads `delivery_due`.
pub(super) async fn any_due(conn: &mut Connection, now: i64) -> Result<bool, StoreError> {
    let found: Option<i64> = sqlx::query_scalar(
        "SELECT position FROM webhook_delivery \
         WHERE state = 'waiting' AND next_at <= $1 AND lease_until <= $1 LIMIT 1",
    )
    .bind(now)
    .fetch_optional(conn)
    .await
    .map_err(database)?;
    Ok(found.is_some())
}
