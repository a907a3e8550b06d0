//! Organizations, keys, pictures and briefs. Every statement names the organization whose rows it
//! touches, except those that make and list organizations and look up a presented key.

use std::collections::BTreeMap;

use spotwright_core::domain::account::{
    Asset, AssetUsage, BriefRecord, BriefSummary, Credential, FoundedOrganization, KeyMac, KeyRecord,
    NewAsset, NewBrief, NewKey, NewOrganization, Organization, OrganizationContext, Scope,
};
use spotwright_core::domain::brand::BrandVersion;
use spotwright_core::ports::accounts::{Page, Positioned, WriteKey};
use spotwright_core::ports::artifacts::ArtifactHash;
use spotwright_core::ports::step_store::StoreError;
use spotwright_schemas::ids::{AssetId, BrandId, BriefId, KeyId, OrganizationId};
use uuid::Uuid;

use super::Connection;
use super::answers::{self, Known, Outcome};
use crate::convert::{database, from_json, stored, to_json, unsigned};

/// The position that a page begins before.
pub(super) fn before(page: Page) -> i64 {
    page.before.unwrap_or(i64::MAX)
}

fn scopes_text(scopes: &[Scope]) -> String {
    scopes.iter().map(|scope| scope.as_str()).collect::<Vec<_>>().join(" ")
}

fn scopes_of(text: &str) -> Result<Vec<Scope>, StoreError> {
    text.split_whitespace()
        .map(|word| word.parse().map_err(|_| StoreError::Format(format!("scope {word:?} is not known"))))
        .collect()
}

/// The database's clock.
pub(super) async fn now(conn: &mut Connection) -> Result<i64, StoreError> {
    sqlx::query_scalar(concat!("SELECT ", now!())).fetch_one(conn).await.map_err(database)
}

async fn insert_organization(
    conn: &mut Connection,
    new: &NewOrganization,
    now: i64,
) -> Result<Option<Organization>, StoreError> {
    let written = sqlx::query(
        "INSERT INTO organization (id, name, created_at) VALUES ($1, $2, $3) ON CONFLICT (id) DO NOTHING",
    )
    .bind(new.id.0)
    .bind(&new.name)
    .bind(now)
    .execute(conn)
    .await
    .map_err(database)?;
    let made = Organization { id: new.id, name: new.name.clone(), created_at: now, frozen_at: None };
    Ok((written.rows_affected() == 1).then_some(made))
}

async fn insert_key(
    conn: &mut Connection,
    organization: OrganizationId,
    new: &NewKey,
    now: i64,
) -> Result<KeyRecord, StoreError> {
    let expires_at = new.lifetime_micros.map(|lifetime| now.saturating_add(lifetime));
    sqlx::query(
        "INSERT INTO api_key (id, organization_id, name, scopes, mac, created_at, expires_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(new.id.0)
    .bind(organization.0)
    .bind(&new.name)
    .bind(scopes_text(&new.scopes))
    .bind(new.mac.0.to_vec())
    .bind(now)
    .bind(expires_at)
    .execute(conn)
    .await
    .map_err(database)?;
    Ok(KeyRecord {
        id: new.id,
        name: new.name.clone(),
        scopes: new.scopes.clone(),
        created_at: now,
        expires_at,
        revoked_at: None,
    })
}

/// Makes an organization and its first key unless the organization exists.
pub(super) async fn bootstrap(
    conn: &mut Connection,
    organization: &NewOrganization,
    key: &NewKey,
) -> Result<bool, StoreError> {
    let now = now(conn).await?;
    if insert_organization(conn, organization, now).await?.is_none() {
        return Ok(false);
    }
    insert_key(conn, organization.id, key, now).await?;
    Ok(true)
}

/// Makes a key of an organization that exists.
pub(super) async fn add_key(
    conn: &mut Connection,
    organization: OrganizationId,
    key: &NewKey,
) -> Result<KeyRecord, StoreError> {
    must_exist(conn, organization).await?;
    let now = now(conn).await?;
    insert_key(conn, organization, key, now).await
}

/// The mark of this database: the first one that was proposed.
pub(super) async fn installation(conn: &mut Connection, proposal: Uuid) -> Result<Uuid, StoreError> {
    sqlx::query("INSERT INTO installation (only_row, id) VALUES (1, $1) ON CONFLICT (only_row) DO NOTHING")
        .bind(proposal)
        .execute(&mut *conn)
        .await
        .map_err(database)?;
    sqlx::query_scalar("SELECT id FROM installation").fetch_one(conn).await.map_err(database)
}

/// Refuses the keys of an organization, or takes them again. The first time stands.
pub(super) async fn set_frozen(
    conn: &mut Connection,
    organization: OrganizationId,
    frozen: bool,
) -> Result<Organization, StoreError> {
    let row: Option<(String, i64, Option<i64>)> = sqlx::query_as(concat!(
        "UPDATE organization SET frozen_at = CASE WHEN $2 = 1 THEN coalesce(frozen_at, ",
        now!(),
        ") END WHERE id = $1 RETURNING name, created_at, frozen_at"
    ))
    .bind(organization.0)
    .bind(i64::from(frozen))
    .fetch_optional(conn)
    .await
    .map_err(database)?;
    let (name, created_at, frozen_at) = row.ok_or_else(|| StoreError::Missing("organization".to_owned()))?;
    Ok(Organization { id: organization, name, created_at, frozen_at })
}

type CredentialRow = (Uuid, String, Vec<u8>, Option<i64>, Option<i64>, i64, Option<i64>);

/// What is needed to check a presented key. Not bound to an organization: the key tells which.
pub(super) async fn credential(conn: &mut Connection, key: KeyId) -> Result<Option<Credential>, StoreError> {
    let row: Option<CredentialRow> = sqlx::query_as(concat!(
        "SELECT k.organization_id, k.scopes, k.mac, k.revoked_at, coalesce(o.frozen_at, p.frozen_at), \
         o.clock_moved, k.expires_at - o.clock_moved - ",
        now!(),
        " FROM api_key k JOIN organization o ON o.id = k.organization_id \
         LEFT JOIN organization p ON p.id = o.sandbox_of WHERE k.id = $1"
    ))
    .bind(key.0)
    .fetch_optional(conn)
    .await
    .map_err(database)?;
    let Some((organization, scopes, mac, revoked_at, frozen_at, clock_moved, remaining_micros)) = row else {
        return Ok(None);
    };
    let mac = <[u8; 32]>::try_from(mac)
        .map_err(|mac| StoreError::Format(format!("a key's code has {} bytes", mac.len())))?;
    Ok(Some(Credential {
        key,
        organization: OrganizationId(organization),
        scopes: scopes_of(&scopes)?,
        mac: KeyMac(mac),
        revoked: revoked_at.is_some(),
        frozen: frozen_at.is_some(),
        clock_moved,
        remaining_micros,
    }))
}

pub(super) async fn create_organization(
    conn: &mut Connection,
    context: OrganizationContext,
    write: &WriteKey,
    organization: &NewOrganization,
    key: &NewKey,
) -> Result<Outcome<FoundedOrganization>, StoreError> {
    let now = match answers::look_up(conn, context, write).await? {
        Known::Free(now) => now,
        Known::Used(outcome) => return Ok(outcome),
    };
    let made = insert_organization(conn, organization, now)
        .await?
        .ok_or_else(|| StoreError::Contradiction(format!("organization {} exists", organization.id)))?;
    let key = insert_key(conn, made.id, key, now).await?;
    answers::keep(conn, context, write, now, FoundedOrganization { organization: made, key }).await
}

/// [`StoreError::Missing`] unless the organization exists.
pub(super) async fn must_exist(
    conn: &mut Connection,
    organization: OrganizationId,
) -> Result<(), StoreError> {
    let found: Option<i64> = sqlx::query_scalar("SELECT position FROM organization WHERE id = $1")
        .bind(organization.0)
        .fetch_optional(conn)
        .await
        .map_err(database)?;
    found.map(|_| ()).ok_or_else(|| StoreError::Missing("organization".to_owned()))
}

pub(super) async fn organizations(
    conn: &mut Connection,
    page: Page,
) -> Result<Vec<Positioned<Organization>>, StoreError> {
    let rows: Vec<(i64, Uuid, String, i64, Option<i64>)> = sqlx::query_as(
        "SELECT position, id, name, created_at, frozen_at FROM organization \
         WHERE position < $1 AND sandbox_of IS NULL ORDER BY position DESC LIMIT $2",
    )
    .bind(before(page))
    .bind(i64::from(page.limit))
    .fetch_all(conn)
    .await
    .map_err(database)?;
    Ok(rows
        .into_iter()
        .map(|(position, id, name, created_at, frozen_at)| Positioned {
            position,
            row: Organization { id: OrganizationId(id), name, created_at, frozen_at },
        })
        .collect())
}

pub(super) async fn organization(
    conn: &mut Connection,
    context: OrganizationContext,
) -> Result<Organization, StoreError> {
    let row: Option<(String, i64, Option<i64>)> =
        sqlx::query_as("SELECT name, created_at, frozen_at FROM organization WHERE id = $1")
            .bind(context.organization.0)
            .fetch_optional(conn)
            .await
            .map_err(database)?;
    let (name, created_at, frozen_at) = row.ok_or_else(|| StoreError::Missing("organization".to_owned()))?;
    Ok(Organization { id: context.organization, name, created_at, frozen_at })
}

pub(super) async fn create_key(
    conn: &mut Connection,
    context: OrganizationContext,
    write: &WriteKey,
    key: &NewKey,
) -> Result<Outcome<KeyRecord>, StoreError> {
    let now = match answers::look_up(conn, context, write).await? {
        Known::Free(now) => now,
        Known::Used(outcome) => return Ok(outcome),
    };
    let record = insert_key(conn, context.organization, key, now).await?;
    answers::keep(conn, context, write, now, record).await
}

row! {
    struct KeyRow {
        position: i64,
        id: Uuid,
        name: String,
        scopes: String,
        created_at: i64,
        expires_at: Option<i64>,
        revoked_at: Option<i64>,
    }
}

impl KeyRow {
    fn into_record(self) -> Result<Positioned<KeyRecord>, StoreError> {
        let row = KeyRecord {
            id: KeyId(self.id),
            name: self.name,
            scopes: scopes_of(&self.scopes)?,
            created_at: self.created_at,
            expires_at: self.expires_at,
            revoked_at: self.revoked_at,
        };
        Ok(Positioned { position: self.position, row })
    }
}

pub(super) async fn keys(
    conn: &mut Connection,
    context: OrganizationContext,
    page: Page,
) -> Result<Vec<Positioned<KeyRecord>>, StoreError> {
    let rows: Vec<KeyRow> = sqlx::query_as(
        "SELECT position, id, name, scopes, created_at, expires_at, revoked_at FROM api_key \
         WHERE organization_id = $1 AND position < $2 ORDER BY position DESC LIMIT $3",
    )
    .bind(context.organization.0)
    .bind(before(page))
    .bind(i64::from(page.limit))
    .fetch_all(conn)
    .await
    .map_err(database)?;
    rows.into_iter().map(KeyRow::into_record).collect()
}

pub(super) async fn key(
    conn: &mut Connection,
    context: OrganizationContext,
    key: KeyId,
) -> Result<KeyRecord, StoreError> {
    let row: Option<KeyRow> = sqlx::query_as(
        "SELECT position, id, name, scopes, created_at, expires_at, revoked_at FROM api_key \
         WHERE id = $1 AND organization_id = $2",
    )
    .bind(key.0)
    .bind(context.organization.0)
    .fetch_optional(conn)
    .await
    .map_err(database)?;
    let row = row.ok_or_else(|| StoreError::Missing("key".to_owned()))?;
    Ok(row.into_record()?.row)
}

/// Revokes a key; the first time stands. With `keep_one`, `None` for the last key that may make keys and
/// has no end.
pub(super) async fn revoke_key(
    conn: &mut Connection,
    context: OrganizationContext,
    key: KeyId,
    keep_one: bool,
) -> Result<Option<KeyRecord>, StoreError> {
    if keep_one && is_last(conn, context, key).await? {
        return Ok(None);
    }
    let row: Option<KeyRow> = sqlx::query_as(concat!(
        "UPDATE api_key SET revoked_at = coalesce(revoked_at, ",
        now_of!("$2"),
        ") WHERE id = $1 AND organization_id = $2 \
         RETURNING position, id, name, scopes, created_at, expires_at, revoked_at"
    ))
    .bind(key.0)
    .bind(context.organization.0)
    .fetch_optional(conn)
    .await
    .map_err(database)?;
    let row = row.ok_or_else(|| StoreError::Missing("key".to_owned()))?;
    Ok(Some(row.into_record()?.row))
}

/// Whether a key is the only one of its organization that may make keys and has no end.
async fn is_last(
    conn: &mut Connection,
    context: OrganizationContext,
    key: KeyId,
) -> Result<bool, StoreError> {
    let rows: Vec<(Uuid, String)> = sqlx::query_as(
        "SELECT id, scopes FROM api_key \
         WHERE organization_id = $1 AND revoked_at IS NULL AND expires_at IS NULL",
    )
    .bind(context.organization.0)
    .fetch_all(conn)
    .await
    .map_err(database)?;
    let mut makers = Vec::new();
    for (id, scopes) in rows {
        if scopes_of(&scopes)?.contains(&Scope::KeysAdmin) {
            makers.push(id);
        }
    }
    Ok(makers == [key.0])
}

pub(super) async fn create_asset(
    conn: &mut Connection,
    context: OrganizationContext,
    write: &WriteKey,
    new: &NewAsset,
) -> Result<Outcome<Asset>, StoreError> {
    let now = match answers::look_up(conn, context, write).await? {
        Known::Free(now) => now,
        Known::Used(outcome) => return Ok(outcome),
    };
    if let Some(quota) = new.quota {
        let used = asset_usage(conn, context).await?.bytes;
        if used.saturating_add(new.bytes) > quota {
            return Ok(Outcome::Quota { quota, used });
        }
    }
    sqlx::query(
        "INSERT INTO asset (id, organization_id, hash, name, width, height, bytes, created_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(new.id.0)
    .bind(context.organization.0)
    .bind(new.hash.as_str())
    .bind(&new.name)
    .bind(i64::from(new.width))
    .bind(i64::from(new.height))
    .bind(stored("the picture's bytes", new.bytes)?)
    .bind(now)
    .execute(&mut *conn)
    .await
    .map_err(database)?;
    let asset = Asset {
        id: new.id,
        hash: new.hash.clone(),
        name: new.name.clone(),
        width: new.width,
        height: new.height,
        bytes: new.bytes,
        created_at: now,
    };
    answers::keep(conn, context, write, now, asset).await
}

/// What the pictures of an organization take.
pub(super) async fn asset_usage(
    conn: &mut Connection,
    context: OrganizationContext,
) -> Result<AssetUsage, StoreError> {
    let (count, bytes): (i64, i64) = sqlx::query_as(
        "SELECT count(*), CAST(coalesce(sum(bytes), 0) AS BIGINT) FROM asset \
         WHERE organization_id = $1 AND deleted_at IS NULL",
    )
    .bind(context.organization.0)
    .fetch_one(conn)
    .await
    .map_err(database)?;
    Ok(AssetUsage { count: unsigned("count", count)?, bytes: unsigned("bytes", bytes)? })
}

/// Removes a picture from its organization, and says whether nothing else has its file.
pub(super) async fn delete_asset(
    conn: &mut Connection,
    context: OrganizationContext,
    id: AssetId,
) -> Result<(Asset, bool), StoreError> {
    let row: Option<AssetRow> = sqlx::query_as(concat!(
        "UPDATE asset SET deleted_at = ",
        now_of!("$2"),
        " WHERE id = $1 AND organization_id = $2 AND deleted_at IS NULL \
         RETURNING position, id, hash, name, width, height, bytes, created_at"
    ))
    .bind(id.0)
    .bind(context.organization.0)
    .fetch_optional(&mut *conn)
    .await
    .map_err(database)?;
    let asset = row.ok_or_else(|| StoreError::Missing("asset".to_owned()))?.into_asset()?.row;
    // Runs hold their request as text; a hash has no character that a pattern would read otherwise.
    let others: i64 = sqlx::query_scalar(
        "SELECT (SELECT count(*) FROM asset WHERE hash = $1 AND deleted_at IS NULL) \
         + (SELECT count(*) FROM run WHERE request LIKE '%' || $1 || '%')",
    )
    .bind(asset.hash.as_str())
    .fetch_one(conn)
    .await
    .map_err(database)?;
    Ok((asset, others == 0))
}

row! {
    struct AssetRow {
        position: i64,
        id: Uuid,
        hash: String,
        name: String,
        width: i64,
        height: i64,
        bytes: i64,
        created_at: i64,
    }
}

impl AssetRow {
    fn into_asset(self) -> Result<Positioned<Asset>, StoreError> {
        let row = Asset {
            id: AssetId(self.id),
            hash: ArtifactHash(self.hash),
            name: self.name,
            width: unsigned("width", self.width)?,
            height: unsigned("height", self.height)?,
            bytes: unsigned("bytes", self.bytes)?,
            created_at: self.created_at,
        };
        Ok(Positioned { position: self.position, row })
    }
}

pub(super) async fn assets(
    conn: &mut Connection,
    context: OrganizationContext,
    page: Page,
) -> Result<Vec<Positioned<Asset>>, StoreError> {
    let rows: Vec<AssetRow> = sqlx::query_as(
        "SELECT position, id, hash, name, width, height, bytes, created_at FROM asset \
         WHERE organization_id = $1 AND position < $2 AND deleted_at IS NULL \
         ORDER BY position DESC LIMIT $3",
    )
    .bind(context.organization.0)
    .bind(before(page))
    .bind(i64::from(page.limit))
    .fetch_all(conn)
    .await
    .map_err(database)?;
    rows.into_iter().map(AssetRow::into_asset).collect()
}

pub(super) async fn asset(
    conn: &mut Connection,
    context: OrganizationContext,
    id: AssetId,
) -> Result<Option<Asset>, StoreError> {
    let row: Option<AssetRow> = sqlx::query_as(
        "SELECT position, id, hash, name, width, height, bytes, created_at FROM asset \
         WHERE id = $1 AND organization_id = $2 AND deleted_at IS NULL",
    )
    .bind(id.0)
    .bind(context.organization.0)
    .fetch_optional(conn)
    .await
    .map_err(database)?;
    row.map(|row| row.into_asset().map(|asset| asset.row)).transpose()
}

/// The texts of a brief, made before the write waits for its turn.
pub(super) struct BriefTexts {
    body: String,
    assets: String,
}

impl BriefTexts {
    pub(super) fn of(new: &NewBrief) -> Result<Self, StoreError> {
        Ok(Self { body: to_json(&new.brief)?, assets: to_json(&new.assets)? })
    }
}

pub(super) async fn create_brief(
    conn: &mut Connection,
    context: OrganizationContext,
    write: &WriteKey,
    new: &NewBrief,
    texts: BriefTexts,
) -> Result<Outcome<BriefSummary>, StoreError> {
    let now = match answers::look_up(conn, context, write).await? {
        Known::Free(now) => now,
        Known::Used(outcome) => return Ok(outcome),
    };
    for id in new.assets.values() {
        if asset(conn, context, *id).await?.is_none() {
            return Err(StoreError::Missing("asset".to_owned()));
        }
    }
    sqlx::query(
        "INSERT INTO brief (id, organization_id, name, body, assets, created_at, brand_id, brand_version) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(new.id.0)
    .bind(context.organization.0)
    .bind(&new.brief.id)
    .bind(texts.body)
    .bind(texts.assets)
    .bind(now)
    .bind(new.brand.map(|brand| brand.id.0))
    .bind(new.brand.map(|brand| i64::from(brand.version)))
    .execute(&mut *conn)
    .await
    .map_err(database)?;
    let summary = BriefSummary { id: new.id, name: new.brief.id.clone(), created_at: now };
    answers::keep(conn, context, write, now, summary).await
}

pub(super) async fn briefs(
    conn: &mut Connection,
    context: OrganizationContext,
    page: Page,
) -> Result<Vec<Positioned<BriefSummary>>, StoreError> {
    let rows: Vec<(i64, Uuid, String, i64)> = sqlx::query_as(
        "SELECT position, id, name, created_at FROM brief \
         WHERE organization_id = $1 AND position < $2 ORDER BY position DESC LIMIT $3",
    )
    .bind(context.organization.0)
    .bind(before(page))
    .bind(i64::from(page.limit))
    .fetch_all(conn)
    .await
    .map_err(database)?;
    Ok(rows
        .into_iter()
        .map(|(position, id, name, created_at)| Positioned {
            position,
            row: BriefSummary { id: BriefId(id), name, created_at },
        })
        .collect())
}

pub(super) async fn brief(
    conn: &mut Connection,
    context: OrganizationContext,
    id: BriefId,
) -> Result<BriefRecord, StoreError> {
    type Row = (String, String, i64, Option<Uuid>, Option<i64>);
    let row: Option<Row> = sqlx::query_as(
        "SELECT body, assets, created_at, brand_id, brand_version FROM brief \
         WHERE id = $1 AND organization_id = $2",
    )
    .bind(id.0)
    .bind(context.organization.0)
    .fetch_optional(conn)
    .await
    .map_err(database)?;
    let (body, assets, created_at, brand, version) =
        row.ok_or_else(|| StoreError::Missing("brief".to_owned()))?;
    let assets: BTreeMap<String, AssetId> = from_json("pictures of a brief", &assets)?;
    let brand = match (brand, version) {
        (Some(brand), Some(version)) => {
            Some(BrandVersion { id: BrandId(brand), version: unsigned("version of a brand", version)? })
        }
        _ => None,
    };
    Ok(BriefRecord { id, brief: from_json("brief", &body)?, assets, brand, created_at })
}
