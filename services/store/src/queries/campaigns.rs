//! Campaigns. Every reading statement names the organization.

use spotwright_core::domain::account::OrganizationContext;
use spotwright_core::domain::campaign::{
    Ad, Campaign, CampaignFilter, CampaignId, CampaignNumber, Hold, HoldChange, ServingStatus,
};
use spotwright_core::ports::accounts::{Page, Positioned};
use spotwright_core::ports::marketplace::MarketReport;
use spotwright_core::ports::step_store::StoreError;
use spotwright_schemas::ids::{PlacementId, RunId};
use spotwright_schemas::launch::ExternalRef;
use uuid::Uuid;

use super::Connection;
use super::accounts::before;
use super::runs::PlacementRow;
use crate::convert::{currency, database, from_json, from_name, to_json, unsigned};

/// Where a campaign stands, of a row `c` of `campaign` and its run `r`.
macro_rules! status {
    () => {
        "CASE WHEN c.made IS NOT NULL THEN CASE WHEN c.next_at IS NULL THEN 'ended' \
         WHEN c.hold = 'paused' THEN 'paused' WHEN c.report IS NULL THEN 'waiting' ELSE 'active' END \
         WHEN c.hold = 'ended' OR r.state IN ('finished', 'observing', 'learning') \
         OR c.generation < r.generation THEN 'ended' \
         WHEN c.hold = 'paused' THEN 'paused' WHEN r.state = 'playing' THEN 'active' ELSE 'waiting' END"
    };
}

/// Campaigns with their runs. Uses `campaign_by_organization`.
macro_rules! campaigns {
    ($which:expr, $rest:literal) => {
        concat!(
            "SELECT c.position, c.run_id, c.generation, c.product, c.objective, c.placement, c.report, \
             c.made, r.currency, coalesce(c.made_at, r.created_at) AS created_at, ",
            status!(),
            " AS status FROM campaign c JOIN run r ON r.id = c.run_id WHERE c.organization_id = $1 AND ",
            $which,
            $rest
        )
    };
}

row! {
    struct CampaignRow {
        position: i64,
        run_id: Uuid,
        generation: i64,
        product: String,
        objective: String,
        placement: String,
        report: Option<String>,
        made: Option<String>,
        currency: Option<String>,
        created_at: i64,
        status: String,
    }
}

/// How the number of a campaign is stored: generations above 0, campaigns that people made below.
pub(super) fn stored(id: CampaignId) -> i64 {
    match id.number {
        CampaignNumber::Generation(generation) => i64::from(generation),
        CampaignNumber::Made(number) => -i64::from(number),
    }
}

/// The campaign of a stored number.
pub(super) fn named(run: RunId, stored: i64) -> Result<CampaignId, StoreError> {
    let number: u32 = unsigned("number of a campaign", stored.abs())?;
    Ok(if stored < 0 { CampaignId::made(run, number) } else { CampaignId::of_generation(run, number) })
}

/// A row with its ads and its names at platforms.
async fn whole(
    conn: &mut Connection,
    context: OrganizationContext,
    row: CampaignRow,
) -> Result<Positioned<Campaign>, StoreError> {
    let id = named(RunId(row.run_id), row.generation)?;
    let report: Option<MarketReport> =
        row.report.map(|text| from_json("report of a campaign", &text)).transpose()?;
    let campaign = Campaign {
        id,
        product: row.product,
        objective: from_name("objective", &row.objective)?,
        placement: from_name("placement", &row.placement)?,
        currency: row.currency.as_deref().map(currency).transpose()?,
        status: from_name::<ServingStatus>("status", &row.status)?,
        created_at: row.created_at,
        report: report.map(|report| MarketReport { creatives: Vec::new(), ..report }),
        ads: ads(conn, context, id).await?,
        external_refs: refs(conn, context, id).await?,
        made: row.made.map(|text| from_json("order of a campaign", &text)).transpose()?,
    };
    Ok(Positioned { position: row.position, row: campaign })
}

/// Campaigns, newest first.
pub(super) async fn list(
    conn: &mut Connection,
    context: OrganizationContext,
    filter: &CampaignFilter,
    page: Page,
) -> Result<Vec<Positioned<Campaign>>, StoreError> {
    let (platform, external) =
        filter.external.as_ref().map_or(("", ""), |(platform, id)| (platform.as_str(), id.as_str()));
    let objective = filter.objective.map_or("", |objective| objective.as_str());
    let rows: Vec<CampaignRow> = sqlx::query_as(campaigns!(
        concat!(
            "c.position < $2 AND ($3 = 0 OR c.run_id = $4) AND ($5 = '' OR c.objective = $5) AND ($6 = '' OR ",
            status!(),
            " = $6) AND ($7 = '' OR EXISTS (SELECT 1 FROM campaign_ref e WHERE e.organization_id = $1 \
             AND e.platform = $7 AND e.external_id = $8 AND e.run_id = c.run_id \
             AND e.generation = c.generation)) "
        ),
        "ORDER BY c.position DESC LIMIT $9"
    ))
    .bind(context.organization.0)
    .bind(before(page))
    .bind(i64::from(filter.run.is_some()))
    .bind(filter.run.map_or(Uuid::nil(), |run| run.0))
    .bind(objective)
    .bind(filter.status.map_or("", ServingStatus::as_str))
    .bind(platform)
    .bind(external)
    .bind(i64::from(page.limit))
    .fetch_all(&mut *conn)
    .await
    .map_err(database)?;
    let mut campaigns = Vec::with_capacity(rows.len());
    for row in rows {
        campaigns.push(whole(conn, context, row).await?);
    }
    Ok(campaigns)
}

fn missing(what: &str) -> StoreError {
    StoreError::Missing(what.to_owned())
}

pub(super) async fn get(
    conn: &mut Connection,
    context: OrganizationContext,
    id: CampaignId,
) -> Result<Campaign, StoreError> {
    let row: Option<CampaignRow> = sqlx::query_as(campaigns!("c.run_id = $2 AND c.generation = $3", ""))
        .bind(context.organization.0)
        .bind(id.run.0)
        .bind(stored(id))
        .fetch_optional(&mut *conn)
        .await
        .map_err(database)?;
    Ok(whole(conn, context, row.ok_or_else(|| missing("campaign"))?).await?.row)
}

/// The campaign of an ad.
pub(super) async fn of_ad(
    conn: &mut Connection,
    context: OrganizationContext,
    ad: PlacementId,
) -> Result<Campaign, StoreError> {
    let row: Option<CampaignRow> = sqlx::query_as(campaigns!(
        "EXISTS (SELECT 1 FROM placement p WHERE p.id = $2 AND p.run_id = c.run_id \
         AND p.generation = c.generation)",
        ""
    ))
    .bind(context.organization.0)
    .bind(ad.0)
    .fetch_optional(&mut *conn)
    .await
    .map_err(database)?;
    Ok(whole(conn, context, row.ok_or_else(|| missing("ad"))?).await?.row)
}

/// The ads of a campaign. Uses `placement_by_generation`.
async fn ads(
    conn: &mut Connection,
    context: OrganizationContext,
    id: CampaignId,
) -> Result<Vec<Ad>, StoreError> {
    let rows: Vec<PlacementRow> = sqlx::query_as(
        "SELECT p.id, p.run_id, p.campaign_id, p.variant_id, p.generation, p.delivery, p.observed, p.ended, \
         p.held FROM placement p JOIN variant v ON v.id = p.variant_id \
         WHERE p.run_id = $1 AND p.generation = $2 ORDER BY v.generation, v.number",
    )
    .bind(id.run.0)
    .bind(stored(id))
    .fetch_all(&mut *conn)
    .await
    .map_err(database)?;
    let named: Vec<(Uuid, String, String, String)> = sqlx::query_as(
        "SELECT e.variant_id, e.platform, e.account, e.external_id FROM external_ref e \
         JOIN placement p ON p.variant_id = e.variant_id \
         WHERE p.run_id = $1 AND p.generation = $2 AND e.organization_id = $3 \
         ORDER BY e.platform, e.external_id",
    )
    .bind(id.run.0)
    .bind(stored(id))
    .bind(context.organization.0)
    .fetch_all(&mut *conn)
    .await
    .map_err(database)?;
    let mut ads = Vec::with_capacity(rows.len());
    for row in rows {
        let placement = row.into_placement()?;
        let own = named.iter().filter(|(variant, ..)| *variant == placement.variant.0);
        let external = |(_, platform, account, id): &(Uuid, String, String, String)| ExternalRef {
            platform: platform.clone(),
            account: account.clone(),
            id: id.clone(),
        };
        ads.push(Ad { external_refs: own.map(external).collect(), placement });
    }
    Ok(ads)
}

/// A campaign's names at platforms. Uses `campaign_ref_by_campaign`.
async fn refs(
    conn: &mut Connection,
    context: OrganizationContext,
    id: CampaignId,
) -> Result<Vec<ExternalRef>, StoreError> {
    let rows: Vec<(String, String, String)> = sqlx::query_as(
        "SELECT platform, account, external_id FROM campaign_ref \
         WHERE run_id = $1 AND generation = $2 AND organization_id = $3 ORDER BY platform, external_id",
    )
    .bind(id.run.0)
    .bind(stored(id))
    .bind(context.organization.0)
    .fetch_all(conn)
    .await
    .map_err(database)?;
    Ok(rows.into_iter().map(|(platform, account, id)| ExternalRef { platform, account, id }).collect())
}

/// Replaces a campaign's names; `Some` with the index of one that is another campaign's.
pub(super) async fn put_refs(
    conn: &mut Connection,
    context: OrganizationContext,
    id: CampaignId,
    refs: &[ExternalRef],
) -> Result<Option<usize>, StoreError> {
    get(conn, context, id).await?;
    for (index, own) in refs.iter().enumerate() {
        let holder: Option<(Uuid, i64)> = sqlx::query_as(
            "SELECT run_id, generation FROM campaign_ref \
             WHERE organization_id = $1 AND platform = $2 AND external_id = $3",
        )
        .bind(context.organization.0)
        .bind(&own.platform)
        .bind(&own.id)
        .fetch_optional(&mut *conn)
        .await
        .map_err(database)?;
        if holder.is_some_and(|holder| holder != (id.run.0, stored(id))) {
            return Ok(Some(index));
        }
    }
    sqlx::query("DELETE FROM campaign_ref WHERE organization_id = $1 AND run_id = $2 AND generation = $3")
        .bind(context.organization.0)
        .bind(id.run.0)
        .bind(stored(id))
        .execute(&mut *conn)
        .await
        .map_err(database)?;
    for own in refs {
        sqlx::query(
            "INSERT INTO campaign_ref (organization_id, platform, external_id, account, run_id, generation) \
             VALUES ($1, $2, $3, $4, $5, $6)",
        )
        .bind(context.organization.0)
        .bind(&own.platform)
        .bind(&own.id)
        .bind(&own.account)
        .bind(id.run.0)
        .bind(stored(id))
        .execute(&mut *conn)
        .await
        .map_err(database)?;
    }
    Ok(None)
}

/// Writes what is held of a campaign or of an ad.
pub(super) async fn hold(conn: &mut Connection, run: RunId, change: &HoldChange) -> Result<(), StoreError> {
    let hold = change.hold.map(Hold::as_str);
    let written = match change.ad {
        None => {
            sqlx::query("UPDATE campaign SET hold = $3 WHERE run_id = $1 AND generation = $2")
                .bind(run.0)
                .bind(i64::from(change.generation))
                .bind(hold)
                .execute(conn)
                .await
        }
        Some(ad) => {
            sqlx::query("UPDATE placement SET held = $3 WHERE run_id = $1 AND id = $2")
                .bind(run.0)
                .bind(ad.0)
                .bind(hold)
                .execute(conn)
                .await
        }
    };
    if written.map_err(database)?.rows_affected() == 1 {
        return Ok(());
    }
    Err(missing(if change.ad.is_some() { "ad" } else { "campaign" }))
}

/// Writes what the market said of a campaign; one whose every ad was withdrawn before may not be there.
pub(super) async fn played(
    conn: &mut Connection,
    run: RunId,
    generation: u32,
    report: &MarketReport,
) -> Result<(), StoreError> {
    sqlx::query("UPDATE campaign SET report = $3 WHERE run_id = $1 AND generation = $2")
        .bind(run.0)
        .bind(i64::from(generation))
        .bind(to_json(report)?)
        .execute(conn)
        .await
        .map_err(database)?;
    Ok(())
}
