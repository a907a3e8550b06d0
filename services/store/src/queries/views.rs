//! Views of the portal that are kept under a name.

use spotwright_core::domain::account::OrganizationContext;
use spotwright_core::ports::accounts::{Page, Positioned, WriteKey};
use spotwright_core::ports::step_store::StoreError;
use spotwright_core::ports::views::{MOST_VIEWS, NewView, SavedView};
use uuid::Uuid;

use super::Connection;
use super::accounts::before;
use super::answers::{self, Known, Outcome};
use crate::convert::database;

/// Keeps a view; `None` where there are as many as there may be.
pub(super) async fn keep(
    conn: &mut Connection,
    context: OrganizationContext,
    write: &WriteKey,
    new: &NewView,
) -> Result<Option<Outcome<SavedView>>, StoreError> {
    let now = match answers::look_up(conn, context, write).await? {
        Known::Free(now) => now,
        Known::Used(outcome) => return Ok(Some(outcome)),
    };
    let there: i64 = sqlx::query_scalar("SELECT count(*) FROM saved_view WHERE organization_id = $1")
        .bind(context.organization.0)
        .fetch_one(&mut *conn)
        .await
        .map_err(database)?;
    if there >= i64::from(MOST_VIEWS) {
        return Ok(None);
    }
    sqlx::query(
        "INSERT INTO saved_view (id, organization_id, name, address, created_at) VALUES ($1, $2, $3, $4, $5)",
    )
    .bind(new.id)
    .bind(context.organization.0)
    .bind(&new.name)
    .bind(&new.address)
    .bind(now)
    .execute(&mut *conn)
    .await
    .map_err(database)?;
    let view =
        SavedView { id: new.id, name: new.name.clone(), address: new.address.clone(), created_at: now };
    answers::keep(conn, context, write, now, view).await.map(Some)
}

/// Views, newest first. Uses `saved_view_by_organization`.
pub(super) async fn list(
    conn: &mut Connection,
    context: OrganizationContext,
    page: Page,
) -> Result<Vec<Positioned<SavedView>>, StoreError> {
    let rows: Vec<(i64, Uuid, String, String, i64)> = sqlx::query_as(
        "SELECT position, id, name, address, created_at FROM saved_view \
         WHERE organization_id = $1 AND position < $2 ORDER BY position DESC LIMIT $3",
    )
    .bind(context.organization.0)
    .bind(before(page))
    .bind(i64::from(page.limit))
    .fetch_all(conn)
    .await
    .map_err(database)?;
    let view = |(position, id, name, address, created_at)| Positioned {
        position,
        row: SavedView { id, name, address, created_at },
    };
    Ok(rows.into_iter().map(view).collect())
}

/// Deletes a view.
pub(super) async fn delete(
    conn: &mut Connection,
    context: OrganizationContext,
    id: Uuid,
) -> Result<SavedView, StoreError> {
    let row: Option<(String, String, i64)> = sqlx::query_as(
        "DELETE FROM saved_view WHERE id = $1 AND organization_id = $2 RETURNING name, address, created_at",
    )
    .bind(id)
    .bind(context.organization.0)
    .fetch_optional(conn)
    .await
    .map_err(database)?;
    let (name, address, created_at) = row.ok_or_else(|| StoreError::Missing("view".to_owned()))?;
    Ok(SavedView { id, name, address, created_at })
}
