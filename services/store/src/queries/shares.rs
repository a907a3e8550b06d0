//! Links of reviewers. Every statement names the organization whose rows it touches, except the one that
//! looks for a token.

use spotwright_core::domain::account::OrganizationContext;
use spotwright_core::domain::people::TokenCodes;
use spotwright_core::domain::review::{NewShare, ReceivedShare, Share};
use spotwright_core::ports::accounts::{Page, Positioned, WriteKey};
use spotwright_core::ports::reviews::OPEN_SHARES;
use spotwright_core::ports::step_store::StoreError;
use spotwright_schemas::ids::{OrganizationId, RunId, ShareId};
use uuid::Uuid;

use super::Connection;
use super::accounts::before;
use super::answers::{self, Known, Outcome};
use super::reviews::Bounded;
use crate::convert::{database, from_json, from_name, to_json};

macro_rules! share_columns {
    () => {
        "position, id, organization_id, name, run_id, variants, scope, created_at, author, expires_at, revoked_at"
    };
}

row! {
    struct ShareRow {
        position: i64,
        id: Uuid,
        organization_id: Uuid,
        name: String,
        run_id: Uuid,
        variants: Option<String>,
        scope: String,
        created_at: i64,
        author: String,
        expires_at: i64,
        revoked_at: Option<i64>,
    }
}

impl ShareRow {
    fn into_share(self) -> Result<Positioned<Share>, StoreError> {
        let row = Share {
            id: ShareId(self.id),
            name: self.name,
            run: RunId(self.run_id),
            variants: self.variants.map(|text| from_json("variants of a link", &text)).transpose()?,
            scope: from_name("scope of a link", &self.scope)?,
            created_at: self.created_at,
            by: from_json("author", &self.author)?,
            expires_at: self.expires_at,
            revoked_at: self.revoked_at,
        };
        Ok(Positioned { position: self.position, row })
    }
}

pub(super) async fn create(
    conn: &mut Connection,
    context: OrganizationContext,
    write: &WriteKey,
    new: &NewShare,
) -> Result<Bounded<Outcome<Share>>, StoreError> {
    let now = match answers::look_up(conn, context, write).await? {
        Known::Free(now) => now,
        Known::Used(outcome) => return Ok(Ok(outcome)),
    };
    let open: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM share_link WHERE organization_id = $1 AND revoked_at IS NULL AND expires_at > $2",
    )
    .bind(context.organization.0)
    .bind(new.created_at)
    .fetch_one(&mut *conn)
    .await
    .map_err(database)?;
    if open >= i64::from(OPEN_SHARES) {
        return Ok(Err(("links that open", OPEN_SHARES)));
    }
    sqlx::query(
        "INSERT INTO share_link (id, organization_id, mac, name, run_id, variants, scope, created_at, author, \
         expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
    )
    .bind(new.id.0)
    .bind(context.organization.0)
    .bind(new.mac.0.to_vec())
    .bind(&new.name)
    .bind(new.run.0)
    .bind(new.variants.as_ref().map(to_json).transpose()?)
    .bind(new.scope.as_str())
    .bind(new.created_at)
    .bind(to_json(&new.by)?)
    .bind(new.expires_at)
    .execute(&mut *conn)
    .await
    .map_err(database)?;
    let share = get(conn, context.organization, new.id).await?;
    answers::keep(conn, context, write, now, share).await.map(Ok)
}

pub(super) async fn list(
    conn: &mut Connection,
    organization: OrganizationId,
    run: Option<RunId>,
    page: Page,
) -> Result<Vec<Positioned<Share>>, StoreError> {
    let rows: Vec<ShareRow> = sqlx::query_as(concat!(
        "SELECT ",
        share_columns!(),
        " FROM share_link WHERE organization_id = $1 AND position < $2 AND ($3 IS NULL OR run_id = $3) \
         ORDER BY position DESC LIMIT $4"
    ))
    .bind(organization.0)
    .bind(before(page))
    .bind(run.map(|run| run.0))
    .bind(i64::from(page.limit))
    .fetch_all(conn)
    .await
    .map_err(database)?;
    rows.into_iter().map(ShareRow::into_share).collect()
}

pub(super) async fn get(
    conn: &mut Connection,
    organization: OrganizationId,
    id: ShareId,
) -> Result<Share, StoreError> {
    let row: Option<ShareRow> = sqlx::query_as(concat!(
        "SELECT ",
        share_columns!(),
        " FROM share_link WHERE id = $1 AND organization_id = $2"
    ))
    .bind(id.0)
    .bind(organization.0)
    .fetch_optional(conn)
    .await
    .map_err(database)?;
    Ok(row.ok_or_else(|| StoreError::Missing("link".to_owned()))?.into_share()?.row)
}

pub(super) async fn revoke(
    conn: &mut Connection,
    organization: OrganizationId,
    id: ShareId,
    now: i64,
) -> Result<Share, StoreError> {
    sqlx::query(
        "UPDATE share_link SET revoked_at = $3 WHERE id = $1 AND organization_id = $2 AND revoked_at IS NULL",
    )
    .bind(id.0)
    .bind(organization.0)
    .bind(now)
    .execute(&mut *conn)
    .await
    .map_err(database)?;
    get(conn, organization, id).await
}

/// The link with a token. The token tells the organization, so no other one is named.
pub(super) async fn received(
    conn: &mut Connection,
    codes: &TokenCodes,
) -> Result<Option<ReceivedShare>, StoreError> {
    let row: Option<ShareRow> =
        sqlx::query_as(concat!("SELECT ", share_columns!(), " FROM share_link WHERE mac = $1 OR mac = $2"))
            .bind(codes.current.0.to_vec())
            .bind(codes.previous.0.to_vec())
            .fetch_optional(&mut *conn)
            .await
            .map_err(database)?;
    let Some(row) = row else { return Ok(None) };
    let organization = OrganizationId(row.organization_id);
    let (organization_name, frozen_at, clock_moved): (String, Option<i64>, i64) = sqlx::query_as(
        "SELECT o.name, coalesce(o.frozen_at, p.frozen_at), o.clock_moved FROM organization o \
         LEFT JOIN organization p ON p.id = o.sandbox_of WHERE o.id = $1",
    )
    .bind(organization.0)
    .fetch_one(conn)
    .await
    .map_err(database)?;
    let share = row.into_share()?.row;
    let frozen = frozen_at.is_some();
    Ok(Some(ReceivedShare { share, organization, organization_name, frozen, clock_moved }))
}
