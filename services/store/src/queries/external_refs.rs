//! Which ads of platforms show which variants. Every statement names the organization.

use std::collections::BTreeMap;

use spotwright_core::domain::observation::{AdKey, Link, PlatformName, ProductKey};
use spotwright_core::domain::run::RunRequest;
use spotwright_core::domain::variant::VariantBody;
use spotwright_core::ports::observations::Winner;
use spotwright_core::ports::step_store::StoreError;
use spotwright_schemas::ids::{OrganizationId, VariantId};
use spotwright_schemas::launch::ExternalRef;
use uuid::Uuid;

use super::{Connection, runs};
use crate::convert::{database, from_json, to_json};

/// The direction and product of a variant of the organization; `StoreError::Missing` for one of another.
async fn link_of(
    conn: &mut Connection,
    organization: OrganizationId,
    variant: VariantId,
) -> Result<Link, StoreError> {
    let row: Option<(String, String)> = sqlx::query_as(
        "SELECT v.body, r.request FROM variant v JOIN run r ON r.id = v.run_id \
         WHERE v.id = $1 AND r.organization_id = $2",
    )
    .bind(variant.0)
    .bind(organization.0)
    .fetch_optional(conn)
    .await
    .map_err(database)?;
    let (body, request) = row.ok_or_else(|| StoreError::Missing("variant".to_owned()))?;
    let body: VariantBody = from_json("variant", &body)?;
    let request: RunRequest = from_json("request of a run", &request)?;
    Ok(Link { variant, direction: body.script.direction, product: ProductKey::of(&request.brief) })
}

/// Replaces a variant's references; `Some` with the index of one that is of another variant.
pub(super) async fn put_refs(
    conn: &mut Connection,
    organization: OrganizationId,
    variant: VariantId,
    refs: &[ExternalRef],
) -> Result<Option<usize>, StoreError> {
    let link = link_of(conn, organization, variant).await?;
    for (index, own) in refs.iter().enumerate() {
        let holder: Option<Uuid> = sqlx::query_scalar(
            "SELECT variant_id FROM external_ref \
             WHERE organization_id = $1 AND platform = $2 AND external_id = $3",
        )
        .bind(organization.0)
        .bind(&own.platform)
        .bind(&own.id)
        .fetch_optional(&mut *conn)
        .await
        .map_err(database)?;
        if holder.is_some_and(|holder| holder != variant.0) {
            return Ok(Some(index));
        }
    }
    unlink(conn, organization, variant).await?;
    let (direction, product) = (to_json(&link.direction)?, link.product.as_str());
    for own in refs {
        sqlx::query(
            "INSERT INTO external_ref (organization_id, platform, external_id, account, variant_id) \
             VALUES ($1, $2, $3, $4, $5)",
        )
        .bind(organization.0)
        .bind(&own.platform)
        .bind(&own.id)
        .bind(&own.account)
        .bind(variant.0)
        .execute(&mut *conn)
        .await
        .map_err(database)?;
        sqlx::query(
            "UPDATE observation SET variant_id = $4, direction = $5, product = $6 \
             WHERE organization_id = $1 AND source = 'imported' AND platform = $2 AND ad = $3",
        )
        .bind(organization.0)
        .bind(&own.platform)
        .bind(AdKey::Id(own.id.clone()).as_text())
        .bind(variant.0)
        .bind(&direction)
        .bind(product)
        .execute(&mut *conn)
        .await
        .map_err(database)?;
    }
    Ok(None)
}

/// Takes a variant's references away, and with them what they said of observations.
async fn unlink(
    conn: &mut Connection,
    organization: OrganizationId,
    variant: VariantId,
) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE observation SET variant_id = NULL, direction = NULL, product = NULL \
         WHERE organization_id = $1 AND source = 'imported' AND variant_id = $2 AND EXISTS \
         (SELECT 1 FROM external_ref e WHERE e.organization_id = $1 AND e.platform = observation.platform \
          AND 'id:' || e.external_id = observation.ad AND e.variant_id = $2)",
    )
    .bind(organization.0)
    .bind(variant.0)
    .execute(&mut *conn)
    .await
    .map_err(database)?;
    sqlx::query("DELETE FROM external_ref WHERE organization_id = $1 AND variant_id = $2")
        .bind(organization.0)
        .bind(variant.0)
        .execute(conn)
        .await
        .map_err(database)?;
    Ok(())
}

pub(super) async fn refs(
    conn: &mut Connection,
    organization: OrganizationId,
    variant: VariantId,
) -> Result<Vec<ExternalRef>, StoreError> {
    let rows: Vec<(String, String, String)> = sqlx::query_as(
        "SELECT platform, account, external_id FROM external_ref \
         WHERE organization_id = $1 AND variant_id = $2 ORDER BY platform, external_id",
    )
    .bind(organization.0)
    .bind(variant.0)
    .fetch_all(&mut *conn)
    .await
    .map_err(database)?;
    if rows.is_empty() {
        link_of(conn, organization, variant).await?;
    }
    let external = |(platform, account, id)| ExternalRef { platform, account, id };
    Ok(rows.into_iter().map(external).collect())
}

/// One look-up for each id, by the primary key.
pub(super) async fn links(
    conn: &mut Connection,
    organization: OrganizationId,
    platform: &PlatformName,
    ids: &[String],
) -> Result<BTreeMap<String, Link>, StoreError> {
    let mut links = BTreeMap::new();
    for id in ids {
        let found: Option<Uuid> = sqlx::query_scalar(
            "SELECT variant_id FROM external_ref \
             WHERE organization_id = $1 AND platform = $2 AND external_id = $3",
        )
        .bind(organization.0)
        .bind(platform.as_str())
        .bind(id)
        .fetch_optional(&mut *conn)
        .await
        .map_err(database)?;
        if let Some(variant) = found {
            links.insert(id.clone(), link_of(conn, organization, VariantId(variant)).await?);
        }
    }
    Ok(links)
}

/// Uses `run_by_organization_and_position`, newest first, and the unique index of `variant`.
pub(super) async fn winners_numbered(
    conn: &mut Connection,
    organization: OrganizationId,
    generation: u32,
    number: u32,
    limit: u32,
) -> Result<Vec<Winner>, StoreError> {
    let rows: Vec<(Uuid, String)> = sqlx::query_as(
        "SELECT v.id, r.request FROM run r JOIN variant v ON v.run_id = r.id \
         WHERE r.organization_id = $1 AND v.generation = $2 AND v.number = $3 \
         AND v.state IN ('won', 'withdrawn') ORDER BY r.position DESC LIMIT $4",
    )
    .bind(organization.0)
    .bind(i64::from(generation))
    .bind(i64::from(number))
    .bind(i64::from(limit))
    .fetch_all(&mut *conn)
    .await
    .map_err(database)?;
    let mut winners = Vec::with_capacity(rows.len());
    for (id, request) in rows {
        let request: RunRequest = from_json("request of a run", &request)?;
        let variant = runs::variant(conn, VariantId(id)).await?;
        winners.push(Winner { variant, brief: request.brief });
    }
    Ok(winners)
}
