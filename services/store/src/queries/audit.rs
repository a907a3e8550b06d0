//! The audit log. Entries are written and read, never changed.

use spotwright_core::domain::account::OrganizationContext;
use spotwright_core::domain::audit::{AuditEntry, AuditFilter, NewAuditEntry, RecordedActor};
use spotwright_core::ports::accounts::{Page, Positioned};
use spotwright_core::ports::step_store::StoreError;
use spotwright_schemas::ids::AuditEntryId;
use uuid::Uuid;

use super::Connection;
use super::accounts::before;
use crate::convert::{database, from_json, to_json};

/// Writes an entry. What its actor is called is looked up, and stays as it is now.
pub(super) async fn append(conn: &mut Connection, entry: &NewAuditEntry) -> Result<(), StoreError> {
    let old = entry.before.as_ref().map(to_json).transpose()?;
    let new = entry.after.as_ref().map(to_json).transpose()?;
    sqlx::query(
        "INSERT INTO audit_log (id, organization_id, made_at, actor_kind, actor_id, actor_name, action, \
         target_kind, target_id, old_value, new_value, request_id) \
         VALUES ($1, $2, $3, $4, $5, \
         coalesce((SELECT name FROM person WHERE id = $5), (SELECT name FROM api_key WHERE id = $5)), \
         $6, $7, $8, $9, $10, $11)",
    )
    .bind(entry.id.0)
    .bind(entry.organization.0)
    .bind(entry.at)
    .bind(entry.actor.kind())
    .bind(entry.actor.id())
    .bind(entry.action.as_str())
    .bind(entry.target.kind)
    .bind(&entry.target.id)
    .bind(old)
    .bind(new)
    .bind(&entry.request_id)
    .execute(conn)
    .await
    .map_err(database)?;
    Ok(())
}

row! {
    struct EntryRow {
        position: i64,
        id: Uuid,
        made_at: i64,
        actor_kind: String,
        actor_id: Option<Uuid>,
        actor_name: Option<String>,
        action: String,
        target_kind: String,
        target_id: String,
        old_value: Option<String>,
        new_value: Option<String>,
        request_id: Option<String>,
    }
}

impl EntryRow {
    fn into_entry(self) -> Result<Positioned<AuditEntry>, StoreError> {
        let value = |text: Option<String>| text.map(|text| from_json("audit entry", &text)).transpose();
        let row = AuditEntry {
            id: AuditEntryId(self.id),
            at: self.made_at,
            actor: RecordedActor { kind: self.actor_kind, id: self.actor_id, name: self.actor_name },
            action: self.action,
            target_kind: self.target_kind,
            target_id: self.target_id,
            before: value(self.old_value)?,
            after: value(self.new_value)?,
            request_id: self.request_id,
        };
        Ok(Positioned { position: self.position, row })
    }
}

/// Entries of an organization, by `audit_log_by_organization` or `audit_log_by_target`.
pub(super) async fn entries(
    conn: &mut Connection,
    context: OrganizationContext,
    filter: &AuditFilter,
    page: Page,
) -> Result<Vec<Positioned<AuditEntry>>, StoreError> {
    let rows: Vec<EntryRow> = sqlx::query_as(
        "SELECT position, id, made_at, actor_kind, actor_id, actor_name, action, target_kind, target_id, \
         old_value, new_value, request_id FROM audit_log \
         WHERE organization_id = $1 AND position < $2 AND ($3 IS NULL OR action = $3) \
         AND ($4 IS NULL OR target_id = $4) ORDER BY position DESC LIMIT $5",
    )
    .bind(context.organization.0)
    .bind(before(page))
    .bind(&filter.action)
    .bind(&filter.target)
    .bind(i64::from(page.limit))
    .fetch_all(conn)
    .await
    .map_err(database)?;
    rows.into_iter().map(EntryRow::into_entry).collect()
}
