//! Stored answers to writes, so that a repeated request gets the first one's answer.

use serde::Serialize;
use serde::de::DeserializeOwned;
use spotwright_core::domain::account::OrganizationContext;
use spotwright_core::ports::accounts::{AccountError, KEPT_MICROS, WriteKey, Written};
use spotwright_core::ports::step_store::StoreError;

use super::Connection;
use crate::convert::{database, from_json, to_json};

/// What became of a write, as long as it is inside its transaction.
pub(super) enum Outcome<T> {
    /// Written now or before.
    Written(Written<T>),
    /// The key was used for something else; nothing was written.
    KeyReused,
    /// There is no room for it; nothing was written.
    Quota {
        /// Bytes that there may be.
        quota: u64,
        /// Bytes that there are.
        used: u64,
    },
}

impl<T> Outcome<T> {
    /// What the port answers once the transaction is committed.
    pub(super) fn into_result(self) -> Result<Written<T>, AccountError> {
        match self {
            Self::Written(written) => Ok(written),
            Self::KeyReused => Err(AccountError::KeyReused),
            Self::Quota { quota, used } => Err(AccountError::Quota { quota, used }),
        }
    }
}

/// What is known of a write key.
pub(super) enum Known<T> {
    /// Free, at this time of the organization's clock.
    Free(i64),
    /// Used: this is the answer.
    Used(Outcome<T>),
}

/// Looks a write key up.
pub(super) async fn look_up<T: DeserializeOwned>(
    conn: &mut Connection,
    context: OrganizationContext,
    write: &WriteKey,
) -> Result<Known<T>, StoreError> {
    let (now, fingerprint, response, created_at): (i64, Option<Vec<u8>>, Option<String>, Option<i64>) =
        sqlx::query_as(concat!(
            "SELECT ",
            now_of!("$1"),
            ", a.body_sha256, a.response, a.created_at FROM (SELECT 1 AS one) AS o \
             LEFT JOIN api_idempotency a ON a.organization_id = $1 AND a.key = $2"
        ))
        .bind(context.organization.0)
        .bind(&write.key)
        .fetch_one(conn)
        .await
        .map_err(database)?;
    let (Some(fingerprint), Some(response), Some(created_at)) = (fingerprint, response, created_at) else {
        return Ok(Known::Free(now));
    };
    if created_at <= now - KEPT_MICROS {
        return Ok(Known::Free(now));
    }
    if fingerprint != write.fingerprint {
        return Ok(Known::Used(Outcome::KeyReused));
    }
    Ok(Known::Used(Outcome::Written(Written::Replayed(from_json("answer", &response)?))))
}

/// Stores the answer of a write. [`StoreError::Conflict`] when another transaction has used the key
/// since it was looked up; everything must then be rolled back.
pub(super) async fn keep<T: Serialize>(
    conn: &mut Connection,
    context: OrganizationContext,
    write: &WriteKey,
    now: i64,
    answer: T,
) -> Result<Outcome<T>, StoreError> {
    let kept = sqlx::query(
        "INSERT INTO api_idempotency (organization_id, key, body_sha256, response, created_at) \
         VALUES ($1, $2, $3, $4, $5) ON CONFLICT (organization_id, key) DO UPDATE \
         SET body_sha256 = excluded.body_sha256, response = excluded.response, \
         created_at = excluded.created_at WHERE api_idempotency.created_at <= $6",
    )
    .bind(context.organization.0)
    .bind(&write.key)
    .bind(write.fingerprint.to_vec())
    .bind(to_json(&answer)?)
    .bind(now)
    .bind(now - KEPT_MICROS)
    .execute(conn)
    .await
    .map_err(database)?;
    if kept.rows_affected() == 0 {
        return Err(StoreError::Conflict);
    }
    Ok(Outcome::Written(Written::Fresh(answer)))
}

/// Drops answers that are no longer kept.
pub(super) async fn forget(conn: &mut Connection) -> Result<u64, StoreError> {
    let forgotten = sqlx::query(concat!("DELETE FROM api_idempotency WHERE created_at <= ", now!(), " - $1"))
        .bind(KEPT_MICROS)
        .execute(conn)
        .await
        .map_err(database)?;
    Ok(forgotten.rows_affected())
}
