//! Sessions. Not bound to an organization: the token, or the holder, tells which.

use spotwright_core::domain::audit::NewAuditEntry;
use spotwright_core::domain::people::{Holder, NewSession, Session, SessionRights, TokenCodes};
use spotwright_core::ports::people::SESSIONS_OF_A_HOLDER;
use spotwright_core::ports::step_store::StoreError;
use spotwright_core::use_cases::Role;
use spotwright_schemas::ids::{KeyId, OrganizationId, PersonId, SessionId};
use uuid::Uuid;

use super::{Connection, audit};
use crate::convert::database;

/// The columns that hold a session's holder.
const fn columns(holder: Holder) -> (Option<Uuid>, Option<Uuid>) {
    match holder {
        Holder::Key(key) => (Some(key.0), None),
        Holder::Person(person) => (None, Some(person.0)),
    }
}

row! {
    struct SessionRow {
        id: Uuid,
        organization_id: Uuid,
        key_id: Option<Uuid>,
        person_id: Option<Uuid>,
        created_at: i64,
        until_at: i64,
    }
}

impl SessionRow {
    fn into_session(self) -> Result<Session, StoreError> {
        let holder = match (self.key_id, self.person_id) {
            (Some(key), None) => Holder::Key(KeyId(key)),
            (None, Some(person)) => Holder::Person(PersonId(person)),
            _ => return Err(StoreError::Format(format!("session {} has no one holder", self.id))),
        };
        Ok(Session {
            id: SessionId(self.id),
            organization: OrganizationId(self.organization_id),
            holder,
            created_at: self.created_at,
            until: self.until_at,
        })
    }
}

/// Opens a session; the oldest ones of its holder end when there are too many.
pub(super) async fn open(
    conn: &mut Connection,
    new: &NewSession,
    entry: &NewAuditEntry,
) -> Result<(), StoreError> {
    let (key, person) = columns(new.holder);
    sqlx::query(
        "INSERT INTO session (id, organization_id, mac, key_id, person_id, created_at, until_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(new.id.0)
    .bind(new.organization.0)
    .bind(new.mac.0.to_vec())
    .bind(key)
    .bind(person)
    .bind(new.created_at)
    .bind(new.until)
    .execute(&mut *conn)
    .await
    .map_err(database)?;
    sqlx::query(
        "DELETE FROM session WHERE (key_id = $1 OR person_id = $2) AND position <= \
         (SELECT position FROM session WHERE key_id = $1 OR person_id = $2 \
         ORDER BY position DESC LIMIT 1 OFFSET $3)",
    )
    .bind(key)
    .bind(person)
    .bind(i64::from(SESSIONS_OF_A_HOLDER))
    .execute(&mut *conn)
    .await
    .map_err(database)?;
    audit::append(conn, entry).await
}

type RightsRow = (Uuid, Uuid, Option<Uuid>, Option<Uuid>, i64, i64, Option<String>, Option<i64>);

/// The session with a token, by the unique index on `mac`.
pub(super) async fn session(
    conn: &mut Connection,
    codes: &TokenCodes,
    now: i64,
) -> Result<Option<SessionRights>, StoreError> {
    let row: Option<RightsRow> = sqlx::query_as(
        "SELECT s.id, s.organization_id, s.key_id, s.person_id, s.created_at, s.until_at, m.role, \
         coalesce(o.frozen_at, p.frozen_at) \
         FROM session s JOIN organization o ON o.id = s.organization_id \
         LEFT JOIN organization p ON p.id = o.sandbox_of \
         LEFT JOIN member m ON m.person_id = s.person_id AND m.organization_id = s.organization_id \
         WHERE (s.mac = $1 OR s.mac = $2) AND s.until_at > $3",
    )
    .bind(codes.current.0.to_vec())
    .bind(codes.previous.0.to_vec())
    .bind(now)
    .fetch_optional(conn)
    .await
    .map_err(database)?;
    let Some((id, organization_id, key_id, person_id, created_at, until_at, role, frozen_at)) = row else {
        return Ok(None);
    };
    let session =
        SessionRow { id, organization_id, key_id, person_id, created_at, until_at }.into_session()?;
    let role: Option<Role> = role
        .map(|text| text.parse().map_err(|_| StoreError::Format(format!("role {text:?} is not known"))))
        .transpose()?;
    let scopes = role.map(|role| role.scopes().to_vec()).unwrap_or_default();
    Ok(Some(SessionRights { session, scopes, role, frozen: frozen_at.is_some() }))
}

/// The sessions of a holder, by `session_by_key` or `session_by_person`.
pub(super) async fn sessions(
    conn: &mut Connection,
    holder: Holder,
    now: i64,
) -> Result<Vec<Session>, StoreError> {
    let (key, person) = columns(holder);
    let rows: Vec<SessionRow> = sqlx::query_as(
        "SELECT id, organization_id, key_id, person_id, created_at, until_at FROM session \
         WHERE (key_id = $1 OR person_id = $2) AND until_at > $3 ORDER BY position DESC",
    )
    .bind(key)
    .bind(person)
    .bind(now)
    .fetch_all(conn)
    .await
    .map_err(database)?;
    rows.into_iter().map(SessionRow::into_session).collect()
}

pub(super) async fn end(
    conn: &mut Connection,
    holder: Holder,
    id: SessionId,
    entry: &NewAuditEntry,
) -> Result<Session, StoreError> {
    let (key, person) = columns(holder);
    let row: Option<SessionRow> = sqlx::query_as(
        "DELETE FROM session WHERE id = $1 AND (key_id = $2 OR person_id = $3) \
         RETURNING id, organization_id, key_id, person_id, created_at, until_at",
    )
    .bind(id.0)
    .bind(key)
    .bind(person)
    .fetch_optional(&mut *conn)
    .await
    .map_err(database)?;
    let session = row.ok_or_else(|| StoreError::Missing("session".to_owned()))?.into_session()?;
    audit::append(conn, entry).await?;
    Ok(session)
}

/// Ends the sessions of a person, in one organization or everywhere, but for one; how many.
pub(super) async fn end_all_of(
    conn: &mut Connection,
    person: PersonId,
    organization: Option<OrganizationId>,
    kept: Option<SessionId>,
) -> Result<u64, StoreError> {
    let ended = sqlx::query(
        "DELETE FROM session WHERE person_id = $1 AND ($2 IS NULL OR organization_id = $2) \
         AND ($3 IS NULL OR id <> $3)",
    )
    .bind(person.0)
    .bind(organization.map(|organization| organization.0))
    .bind(kept.map(|kept| kept.0))
    .execute(conn)
    .await
    .map_err(database)?;
    Ok(ended.rows_affected())
}

/// Drops sessions that have ended, by `session_by_end`.
pub(super) async fn forget(conn: &mut Connection, now: i64) -> Result<u64, StoreError> {
    let forgotten = sqlx::query("DELETE FROM session WHERE until_at <= $1")
        .bind(now)
        .execute(conn)
        .await
        .map_err(database)?;
    Ok(forgotten.rows_affected())
}
