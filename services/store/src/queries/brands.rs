//! Brands and their versions. Every statement names the organization whose rows it touches.

use spotwright_core::domain::account::OrganizationContext;
use spotwright_core::domain::brand::{Brand, BrandContent};
use spotwright_core::ports::accounts::{Page, Positioned, WriteKey};
use spotwright_core::ports::brands::NewBrand;
use spotwright_core::ports::step_store::StoreError;
use spotwright_schemas::ids::{BrandId, OrganizationId};
use uuid::Uuid;

use super::Connection;
use super::accounts::before;
use super::answers::{self, Known, Outcome};
use crate::convert::{database, from_json, to_json, unsigned};

macro_rules! brand_columns {
    () => {
        "position, id, version, body, archived_at, created_at, updated_at"
    };
}

row! {
    struct BrandRow {
        position: i64,
        id: Uuid,
        version: i64,
        body: String,
        archived_at: Option<i64>,
        created_at: i64,
        updated_at: i64,
    }
}

impl BrandRow {
    fn into_brand(self) -> Result<Positioned<Brand>, StoreError> {
        let row = Brand {
            id: BrandId(self.id),
            version: unsigned("version of a brand", self.version)?,
            content: from_json("brand", &self.body)?,
            archived_at: self.archived_at,
            created_at: self.created_at,
            updated_at: self.updated_at,
        };
        Ok(Positioned { position: self.position, row })
    }
}

/// What became of a change.
pub(super) enum Changed {
    /// It was made.
    Done(Box<Brand>),
    /// The brand is in another version.
    Meanwhile,
    /// The brand is archived.
    Archived,
}

fn missing() -> StoreError {
    StoreError::Missing("brand".to_owned())
}

/// Whether so many brands of an organization are not archived.
async fn is_full(conn: &mut Connection, organization: OrganizationId, most: u32) -> Result<bool, StoreError> {
    let there: i64 =
        sqlx::query_scalar("SELECT count(*) FROM brand WHERE organization_id = $1 AND archived_at IS NULL")
            .bind(organization.0)
            .fetch_one(conn)
            .await
            .map_err(database)?;
    Ok(there >= i64::from(most))
}

/// Makes a brand; `None` when the organization has as many as it may.
pub(super) async fn create(
    conn: &mut Connection,
    context: OrganizationContext,
    write: &WriteKey,
    new: &NewBrand,
) -> Result<Option<Outcome<Brand>>, StoreError> {
    let now = match answers::look_up(conn, context, write).await? {
        Known::Free(now) => now,
        Known::Used(outcome) => return Ok(Some(outcome)),
    };
    let organization = context.organization;
    if is_full(conn, organization, new.most).await? {
        return Ok(None);
    }
    let body = to_json(&new.content)?;
    sqlx::query(
        "INSERT INTO brand (id, organization_id, version, body, created_at, updated_at) \
         VALUES ($1, $2, 1, $3, $4, $4)",
    )
    .bind(new.id.0)
    .bind(organization.0)
    .bind(&body)
    .bind(new.now)
    .execute(&mut *conn)
    .await
    .map_err(database)?;
    keep_version(conn, organization, new.id, 1, &body, new.now).await?;
    let brand = get(conn, organization, new.id).await?;
    answers::keep(conn, context, write, now, brand).await.map(Some)
}

async fn keep_version(
    conn: &mut Connection,
    organization: OrganizationId,
    id: BrandId,
    version: i64,
    body: &str,
    now: i64,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO brand_version (brand_id, version, organization_id, body, made_at) \
         VALUES ($1, $2, $3, $4, $5)",
    )
    .bind(id.0)
    .bind(version)
    .bind(organization.0)
    .bind(body)
    .bind(now)
    .execute(conn)
    .await
    .map_err(database)?;
    Ok(())
}

pub(super) async fn list(
    conn: &mut Connection,
    organization: OrganizationId,
    archived: bool,
    page: Page,
) -> Result<Vec<Positioned<Brand>>, StoreError> {
    let rows: Vec<BrandRow> = sqlx::query_as(concat!(
        "SELECT ",
        brand_columns!(),
        " FROM brand WHERE organization_id = $1 AND position < $2 AND (archived_at IS NOT NULL) = $3 \
         ORDER BY position DESC LIMIT $4"
    ))
    .bind(organization.0)
    .bind(before(page))
    .bind(archived)
    .bind(i64::from(page.limit))
    .fetch_all(conn)
    .await
    .map_err(database)?;
    rows.into_iter().map(BrandRow::into_brand).collect()
}

pub(super) async fn get(
    conn: &mut Connection,
    organization: OrganizationId,
    id: BrandId,
) -> Result<Brand, StoreError> {
    let row: Option<BrandRow> = sqlx::query_as(concat!(
        "SELECT ",
        brand_columns!(),
        " FROM brand WHERE id = $1 AND organization_id = $2"
    ))
    .bind(id.0)
    .bind(organization.0)
    .fetch_optional(conn)
    .await
    .map_err(database)?;
    Ok(row.ok_or_else(missing)?.into_brand()?.row)
}

/// A brand as it was in a version.
pub(super) async fn version(
    conn: &mut Connection,
    organization: OrganizationId,
    id: BrandId,
    version: u32,
) -> Result<Brand, StoreError> {
    let row: Option<(String, i64)> = sqlx::query_as(
        "SELECT body, made_at FROM brand_version \
         WHERE brand_id = $1 AND organization_id = $2 AND version = $3",
    )
    .bind(id.0)
    .bind(organization.0)
    .bind(i64::from(version))
    .fetch_optional(&mut *conn)
    .await
    .map_err(database)?;
    let brand = get(conn, organization, id).await?;
    let (body, updated_at) = row.ok_or_else(|| StoreError::Missing("version of the brand".to_owned()))?;
    Ok(Brand { version, content: from_json("brand", &body)?, updated_at, ..brand })
}

/// Takes the row of a brand, so that changes of it follow one another.
async fn locked_brand(
    conn: &mut Connection,
    organization: OrganizationId,
    id: BrandId,
) -> Result<Brand, StoreError> {
    let row: Option<BrandRow> = sqlx::query_as(concat!(
        "SELECT ",
        brand_columns!(),
        " FROM brand WHERE id = $1 AND organization_id = $2 ",
        locked!()
    ))
    .bind(id.0)
    .bind(organization.0)
    .fetch_optional(conn)
    .await
    .map_err(database)?;
    Ok(row.ok_or_else(missing)?.into_brand()?.row)
}

pub(super) async fn update(
    conn: &mut Connection,
    organization: OrganizationId,
    id: BrandId,
    content: &BrandContent,
    expected: Option<u32>,
    now: i64,
) -> Result<Changed, StoreError> {
    let brand = locked_brand(conn, organization, id).await?;
    if brand.archived_at.is_some() {
        return Ok(Changed::Archived);
    }
    if expected.is_some_and(|expected| expected != brand.version) {
        return Ok(Changed::Meanwhile);
    }
    let (body, version) = (to_json(content)?, i64::from(brand.version) + 1);
    sqlx::query(
        "UPDATE brand SET version = $3, body = $4, updated_at = $5 WHERE id = $1 AND organization_id = $2",
    )
    .bind(id.0)
    .bind(organization.0)
    .bind(version)
    .bind(&body)
    .bind(now)
    .execute(&mut *conn)
    .await
    .map_err(database)?;
    keep_version(conn, organization, id, version, &body, now).await?;
    get(conn, organization, id).await.map(|brand| Changed::Done(Box::new(brand)))
}

/// Archives or restores a brand; `None` when as many as there may be are not archived.
pub(super) async fn set_archived(
    conn: &mut Connection,
    organization: OrganizationId,
    id: BrandId,
    archived: bool,
    most: u32,
    now: i64,
) -> Result<Option<Brand>, StoreError> {
    let brand = locked_brand(conn, organization, id).await?;
    if brand.archived_at.is_some() == archived {
        return Ok(Some(brand));
    }
    if !archived && is_full(conn, organization, most).await? {
        return Ok(None);
    }
    sqlx::query("UPDATE brand SET archived_at = $3 WHERE id = $1 AND organization_id = $2")
        .bind(id.0)
        .bind(organization.0)
        .bind(archived.then_some(now))
        .execute(&mut *conn)
        .await
        .map_err(database)?;
    get(conn, organization, id).await.map(Some)
}
