//! Webhooks themselves. Every statement names the organization whose rows it touches, except those of the
//! program that sends.

use spotwright_core::domain::account::OrganizationContext;
use spotwright_core::domain::webhook::{SecretMark, Webhook, WebhookOrder, WebhookState};
use spotwright_core::ports::accounts::{Page, Positioned, WriteKey};
use spotwright_core::ports::step_store::StoreError;
use spotwright_core::ports::webhooks::NewWebhook;
use spotwright_schemas::ids::{OrganizationId, WebhookId};
use spotwright_schemas::organization_event::OrganizationEvent;
use uuid::Uuid;

use super::answers::{self, Known, Outcome};
use super::{Connection, event_log};
use crate::convert::{database, from_name, unsigned};

/// Every column of a webhook, from the table called `w`.
macro_rules! webhook_columns {
    () => {
        "w.position, w.id, w.organization_id, w.url, w.name, w.events, w.state, w.paused_reason, \
         w.failing_since, w.secret_version, w.secret_mark, w.previous_mark, w.previous_until, \
         w.created_at, w.updated_at"
    };
}
pub(super) use webhook_columns;

row! {
    pub(super) struct WebhookRow {
        position: i64,
        id: Uuid,
        organization_id: Uuid,
        url: String,
        name: String,
        events: String,
        state: String,
        paused_reason: Option<String>,
        failing_since: Option<i64>,
        secret_version: i64,
        secret_mark: String,
        previous_mark: Option<String>,
        previous_until: Option<i64>,
        created_at: i64,
        updated_at: i64,
    }
}

impl WebhookRow {
    pub(super) fn into_webhook(self) -> Result<Positioned<Webhook>, StoreError> {
        let row = Webhook {
            id: WebhookId(self.id),
            organization: OrganizationId(self.organization_id),
            order: WebhookOrder { url: self.url, name: self.name, events: words(&self.events) },
            state: from_name("state of a webhook", &self.state)?,
            paused_reason: self.paused_reason,
            failing_since: self.failing_since,
            secret_version: unsigned("version of a secret", self.secret_version)?,
            secret_mark: SecretMark(self.secret_mark),
            previous_secret: self.previous_mark.map(SecretMark).zip(self.previous_until),
            created_at: self.created_at,
            updated_at: self.updated_at,
        };
        Ok(Positioned { position: self.position, row })
    }
}

pub(super) fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

fn missing() -> StoreError {
    StoreError::Missing("webhook".to_owned())
}

/// Makes a webhook; `None` when the organization has as many as it may.
pub(super) async fn create(
    conn: &mut Connection,
    context: OrganizationContext,
    write: &WriteKey,
    new: &NewWebhook,
) -> Result<Option<Outcome<Webhook>>, StoreError> {
    let now = match answers::look_up(conn, context, write).await? {
        Known::Free(now) => now,
        Known::Used(outcome) => return Ok(Some(outcome)),
    };
    let there: i64 = sqlx::query_scalar("SELECT count(*) FROM webhook WHERE organization_id = $1")
        .bind(context.organization.0)
        .fetch_one(&mut *conn)
        .await
        .map_err(database)?;
    if there >= i64::from(new.most) {
        return Ok(None);
    }
    let from = event_log::newest_of_all(conn).await?;
    sqlx::query(
        "INSERT INTO webhook (id, organization_id, url, name, events, state, secret_version, secret_mark, \
         from_order, from_position, created_at, updated_at) \
         VALUES ($1, $2, $3, $4, $5, 'active', 1, $6, $7, $8, $9, $9)",
    )
    .bind(new.id.0)
    .bind(context.organization.0)
    .bind(&new.order.url)
    .bind(&new.order.name)
    .bind(new.order.events.join(" "))
    .bind(&new.secret_mark.0)
    .bind(from.transaction)
    .bind(from.row)
    .bind(new.now)
    .execute(&mut *conn)
    .await
    .map_err(database)?;
    let webhook = get(conn, context.organization, new.id).await?;
    answers::keep(conn, context, write, now, webhook).await.map(Some)
}

pub(super) async fn list(
    conn: &mut Connection,
    organization: OrganizationId,
    page: Page,
) -> Result<Vec<Positioned<Webhook>>, StoreError> {
    let rows: Vec<WebhookRow> = sqlx::query_as(concat!(
        "SELECT ",
        webhook_columns!(),
        " FROM webhook w WHERE w.organization_id = $1 AND w.position < $2 ORDER BY w.position DESC LIMIT $3"
    ))
    .bind(organization.0)
    .bind(page.before.unwrap_or(i64::MAX))
    .bind(i64::from(page.limit))
    .fetch_all(conn)
    .await
    .map_err(database)?;
    rows.into_iter().map(WebhookRow::into_webhook).collect()
}

pub(super) async fn get(
    conn: &mut Connection,
    organization: OrganizationId,
    id: WebhookId,
) -> Result<Webhook, StoreError> {
    let row: Option<WebhookRow> = sqlx::query_as(concat!(
        "SELECT ",
        webhook_columns!(),
        " FROM webhook w WHERE w.id = $1 AND w.organization_id = $2"
    ))
    .bind(id.0)
    .bind(organization.0)
    .fetch_optional(conn)
    .await
    .map_err(database)?;
    Ok(row.ok_or_else(missing)?.into_webhook()?.row)
}

/// Changes a webhook; `None` when it was changed at another time than `seen`. When it becomes active nothing counts against it any more, and what waits is due.
pub(super) async fn update(
    conn: &mut Connection,
    organization: OrganizationId,
    id: WebhookId,
    order: &WebhookOrder,
    state: WebhookState,
    seen: Option<i64>,
    now: i64,
) -> Result<Option<Webhook>, StoreError> {
    let active = i64::from(state == WebhookState::Active);
    let changed = sqlx::query(
        "UPDATE webhook SET url = $3, name = $4, events = $5, state = $6, paused_reason = NULL, \
         failing_since = CASE WHEN $7 = 1 THEN NULL ELSE failing_since END, updated_at = $8 \
         WHERE id = $1 AND organization_id = $2 AND ($9 IS NULL OR updated_at = $9)",
    )
    .bind(id.0)
    .bind(organization.0)
    .bind(&order.url)
    .bind(&order.name)
    .bind(order.events.join(" "))
    .bind(state.as_str())
    .bind(active)
    .bind(now)
    .bind(seen)
    .execute(&mut *conn)
    .await
    .map_err(database)?;
    if changed.rows_affected() == 0 {
        // There is none, or it was changed.
        return get(conn, organization, id).await.map(|_| None);
    }
    if state == WebhookState::Active {
        make_due(conn, id, now).await?;
    }
    get(conn, organization, id).await.map(Some)
}

/// Makes everything that waits for a webhook due, but what is being sent at this moment.
pub(super) async fn make_due(conn: &mut Connection, webhook: WebhookId, now: i64) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE webhook_delivery SET next_at = $2 \
         WHERE webhook_id = $1 AND state = 'waiting' AND next_at > $2 AND lease_until <= $2",
    )
    .bind(webhook.0)
    .bind(now)
    .execute(conn)
    .await
    .map_err(database)?;
    Ok(())
}

/// Removes a webhook; its deliveries go with it.
pub(super) async fn delete(
    conn: &mut Connection,
    organization: OrganizationId,
    id: WebhookId,
) -> Result<(), StoreError> {
    let deleted = sqlx::query("DELETE FROM webhook WHERE id = $1 AND organization_id = $2")
        .bind(id.0)
        .bind(organization.0)
        .execute(conn)
        .await
        .map_err(database)?;
    if deleted.rows_affected() == 0 { Err(missing()) } else { Ok(()) }
}

/// Gives a webhook secret number `version`; `None` when it does not have the one before.
pub(super) async fn rotate(
    conn: &mut Connection,
    organization: OrganizationId,
    id: WebhookId,
    version: u32,
    mark: &SecretMark,
    previous_until: i64,
    now: i64,
) -> Result<Option<Webhook>, StoreError> {
    let rotated = sqlx::query(
        "UPDATE webhook SET previous_mark = secret_mark, previous_until = $5, secret_mark = $4, \
         secret_version = $3, updated_at = $6 \
         WHERE id = $1 AND organization_id = $2 AND secret_version = $3 - 1",
    )
    .bind(id.0)
    .bind(organization.0)
    .bind(i64::from(version))
    .bind(&mark.0)
    .bind(previous_until)
    .bind(now)
    .execute(&mut *conn)
    .await
    .map_err(database)?;
    let webhook = get(conn, organization, id).await?;
    Ok((rotated.rows_affected() > 0).then_some(webhook))
}

/// Leaves an active webhook alone and tells its organization.
pub(super) async fn pause(
    conn: &mut Connection,
    id: WebhookId,
    reason: &str,
    event: &OrganizationEvent,
) -> Result<(), StoreError> {
    let paused = sqlx::query(
        "UPDATE webhook SET state = 'paused', paused_reason = $2 WHERE id = $1 AND state = 'active'",
    )
    .bind(id.0)
    .bind(reason)
    .execute(&mut *conn)
    .await
    .map_err(database)?;
    if paused.rows_affected() == 0 {
        return Ok(());
    }
    event_log::announce(conn, event).await
}
