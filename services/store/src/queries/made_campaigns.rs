//! Campaigns that people make: making them, steering them, and their days. Every statement names the
//! organization whose rows it touches, except those of the program that plays days.

use spotwright_core::domain::account::OrganizationContext;
use spotwright_core::domain::campaign::{CampaignId, Hold, ServingWish};
use spotwright_core::domain::campaign_order::{CampaignEnd, CampaignOrder, MadeCampaign};
use spotwright_core::ports::accounts::WriteKey;
use spotwright_core::ports::campaigns::{CampaignDay, CampaignRules, ClaimedCampaign};
use spotwright_core::ports::step_store::StoreError;
use spotwright_schemas::ids::{KeyId, OrganizationId, PlacementId, RunId};
use uuid::Uuid;

use super::answers::{self, Known, Outcome};
use super::{Connection, campaigns, observations};
use crate::convert::{database, from_json, to_json};

fn missing(what: &str) -> StoreError {
    StoreError::Missing(what.to_owned())
}

/// Makes a campaign with its ads. The answer that is kept is its name.
pub(super) async fn make(
    conn: &mut Connection,
    context: OrganizationContext,
    write: &WriteKey,
    run: RunId,
    order: &CampaignOrder,
) -> Result<Outcome<String>, StoreError> {
    let now = match answers::look_up(conn, context, write).await? {
        Known::Free(now) => now,
        Known::Used(outcome) => return Ok(outcome),
    };
    // Whoever makes another one of the same run waits here, so that numbers have no gap.
    let own: Option<i64> = sqlx::query_scalar(concat!(
        "SELECT position FROM run WHERE id = $1 AND organization_id = $2 ",
        locked!()
    ))
    .bind(run.0)
    .bind(context.organization.0)
    .fetch_optional(&mut *conn)
    .await
    .map_err(database)?;
    own.ok_or_else(|| missing("run"))?;
    let last: i64 = sqlx::query_scalar(
        "SELECT coalesce(min(generation), 0) FROM campaign WHERE run_id = $1 AND generation < 0",
    )
    .bind(run.0)
    .fetch_one(&mut *conn)
    .await
    .map_err(database)?;
    let id = campaigns::named(run, last - 1)?;
    sqlx::query(
        "INSERT INTO campaign (run_id, generation, organization_id, product, objective, placement, made, \
         made_at, next_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    )
    .bind(run.0)
    .bind(last - 1)
    .bind(context.organization.0)
    .bind(&order.product)
    .bind(order.objective.as_str())
    .bind(order.placement.as_str())
    .bind(to_json(&MadeCampaign::of(order.clone()))?)
    .bind(now)
    .bind(order.starts_at)
    .execute(&mut *conn)
    .await
    .map_err(database)?;
    insert_ads(conn, id, last - 1, order).await?;
    answers::keep(conn, context, write, now, id.to_string()).await
}

async fn insert_ads(
    conn: &mut Connection,
    id: CampaignId,
    number: i64,
    order: &CampaignOrder,
) -> Result<(), StoreError> {
    for (variant, idx) in order.variants.iter().zip(0..) {
        let placement = PlacementId::child_of(id.run.0, &format!("campaign {id}"), idx);
        let written = sqlx::query(
            "INSERT INTO placement (id, run_id, campaign_id, variant_id, generation) \
             SELECT $1, run_id, $3, id, $4 FROM variant WHERE id = $5 AND run_id = $2",
        )
        .bind(placement.0)
        .bind(id.run.0)
        .bind(id.to_string())
        .bind(number)
        .bind(variant.0)
        .execute(&mut *conn)
        .await
        .map_err(database)?;
        if written.rows_affected() == 0 {
            return Err(missing("variant"));
        }
    }
    Ok(())
}

/// What was ordered, and how far it has come; held until the transaction ends.
async fn made(
    conn: &mut Connection,
    context: OrganizationContext,
    id: CampaignId,
) -> Result<MadeCampaign, StoreError> {
    let text: Option<String> = sqlx::query_scalar(concat!(
        "SELECT made FROM campaign WHERE run_id = $1 AND generation = $2 AND organization_id = $3 \
         AND made IS NOT NULL ",
        locked!()
    ))
    .bind(id.run.0)
    .bind(campaigns::stored(id))
    .bind(context.organization.0)
    .fetch_optional(conn)
    .await
    .map_err(database)?;
    from_json("order of a campaign", &text.ok_or_else(|| missing("campaign"))?)
}

const fn hold_of(wish: ServingWish) -> Option<Hold> {
    match wish {
        ServingWish::Pause => Some(Hold::Paused),
        ServingWish::Resume => None,
        ServingWish::End => Some(Hold::Ended),
    }
}

/// Holds, continues or ends a campaign or one ad of it; whether it did: what has ended meanwhile stays ended.
/// Ending a campaign voids a claim.
pub(super) async fn steer(
    conn: &mut Connection,
    context: OrganizationContext,
    id: CampaignId,
    ad: Option<PlacementId>,
    wish: ServingWish,
) -> Result<bool, StoreError> {
    let made = made(conn, context, id).await?;
    if made.ended.is_some() && wish != ServingWish::End {
        return Ok(false);
    }
    let hold = hold_of(wish).map(Hold::as_str);
    let written = match (ad, wish) {
        (Some(ad), _) => {
            sqlx::query(
                "UPDATE placement SET held = $4 WHERE id = $1 AND run_id = $2 AND generation = $3 \
                 AND ($4 = 'ended' OR held IS NULL OR held <> 'ended')",
            )
            .bind(ad.0)
            .bind(id.run.0)
            .bind(campaigns::stored(id))
            .bind(hold)
            .execute(&mut *conn)
            .await
        }
        (None, ServingWish::End) => {
            let made = MadeCampaign { ended: made.ended.or(Some(CampaignEnd::Person)), ..made };
            sqlx::query(
                "UPDATE campaign SET hold = $3, made = $4, next_at = NULL, lease_until = 0, fence = fence + 1 \
                 WHERE run_id = $1 AND generation = $2",
            )
            .bind(id.run.0)
            .bind(campaigns::stored(id))
            .bind(hold)
            .bind(to_json(&made)?)
            .execute(&mut *conn)
            .await
        }
        (None, _) => {
            sqlx::query("UPDATE campaign SET hold = $3 WHERE run_id = $1 AND generation = $2")
                .bind(id.run.0)
                .bind(campaigns::stored(id))
                .bind(hold)
                .execute(&mut *conn)
                .await
        }
    };
    if written.map_err(database)?.rows_affected() == 1 {
        return Ok(true);
    }
    let Some(ad) = ad else { return Err(missing("campaign")) };
    let there: Option<i64> = sqlx::query_scalar(
        "SELECT generation FROM placement WHERE id = $1 AND run_id = $2 AND generation = $3",
    )
    .bind(ad.0)
    .bind(id.run.0)
    .bind(campaigns::stored(id))
    .fetch_optional(conn)
    .await
    .map_err(database)?;
    there.map(|_| false).ok_or_else(|| missing("ad"))
}

/// Positions of campaigns whose next day has come at `$1`, each by the clock of its organization, that nobody
/// holds and that are not paused.
macro_rules! due {
    ($rest:literal) => {
        concat!(
            "SELECT c.position FROM campaign c WHERE c.next_at IS NOT NULL AND c.lease_until <= $1 \
             AND c.hold IS NULL AND (c.next_at <= $1 OR EXISTS (SELECT 1 FROM organization o \
             WHERE o.id = c.organization_id AND o.clock_moved > 0 AND c.next_at <= $1 + o.clock_moved))",
            $rest
        )
    };
}

/// Whether a day is due. Uses `campaign_due`.
pub(super) async fn any_due(conn: &mut Connection, now: i64) -> Result<bool, StoreError> {
    let due: Option<i64> =
        sqlx::query_scalar(due!(" LIMIT 1")).bind(now).fetch_optional(conn).await.map_err(database)?;
    Ok(due.is_some())
}

/// Claims the campaign whose day has been due for longest. Uses `campaign_due`.
pub(super) async fn claim(
    conn: &mut Connection,
    now: i64,
    lease_until: i64,
) -> Result<Option<ClaimedCampaign>, StoreError> {
    let row: Option<(Uuid, Uuid, i64, i64)> = sqlx::query_as(concat!(
        "UPDATE campaign SET lease_until = $2, fence = fence + 1 WHERE position = (",
        due!(" ORDER BY c.next_at, c.position LIMIT 1 "),
        skip_locked!(),
        ") RETURNING organization_id, run_id, generation, fence"
    ))
    .bind(now)
    .bind(lease_until)
    .fetch_optional(&mut *conn)
    .await
    .map_err(database)?;
    let Some((organization, run, number, fence)) = row else { return Ok(None) };
    let organization = OrganizationId(organization);
    let context = OrganizationContext { organization, key: KeyId(Uuid::nil()) };
    let id = campaigns::named(RunId(run), number)?;
    let campaign = campaigns::get(conn, context, id).await?;
    let made = campaign.made.clone().ok_or_else(|| missing("order of a campaign"))?;
    Ok(Some(ClaimedCampaign { organization, campaign, made, fence }))
}

/// Writes what follows from a claimed day. Whether the claim still held.
pub(super) async fn end_day(
    conn: &mut Connection,
    claimed: &ClaimedCampaign,
    day: &CampaignDay,
) -> Result<bool, StoreError> {
    let id = claimed.campaign.id;
    let report = day.report.as_ref().map(to_json).transpose()?;
    // Whoever plays goes by the machine's clock, the campaign by that of its organization.
    let written = sqlx::query(concat!(
        "UPDATE campaign SET made = $4, report = $5, next_at = $6 + ",
        moved!("campaign.organization_id"),
        ", lease_until = 0 WHERE run_id = $1 AND generation = $2 AND fence = $3 AND next_at IS NOT NULL"
    ))
    .bind(id.run.0)
    .bind(campaigns::stored(id))
    .bind(claimed.fence)
    .bind(to_json(&day.made)?)
    .bind(report)
    .bind(day.next_at)
    .execute(&mut *conn)
    .await
    .map_err(database)?;
    if written.rows_affected() == 0 {
        return Ok(false);
    }
    for ad in &day.ads {
        let placement = ad.so_far.placement;
        sqlx::query("UPDATE placement SET delivery = $3 WHERE id = $1 AND run_id = $2")
            .bind(placement.0)
            .bind(id.run.0)
            .bind(to_json(&ad.so_far)?)
            .execute(&mut *conn)
            .await
            .map_err(database)?;
        let (organization, played) = (claimed.organization.0, day.made.days_played);
        observations::simulated_day(conn, id.run, organization, placement, played, ad.of_day).await?;
    }
    for placement in &day.ended_ads {
        sqlx::query("UPDATE placement SET held = 'ended' WHERE id = $1 AND run_id = $2")
            .bind(placement.0)
            .bind(id.run.0)
            .execute(&mut *conn)
            .await
            .map_err(database)?;
    }
    Ok(true)
}

/// What an organization demands of campaigns.
pub(super) async fn rules(
    conn: &mut Connection,
    context: OrganizationContext,
) -> Result<CampaignRules, StoreError> {
    let required: Option<i64> =
        sqlx::query_scalar("SELECT approval_required FROM organization WHERE id = $1")
            .bind(context.organization.0)
            .fetch_optional(conn)
            .await
            .map_err(database)?;
    Ok(CampaignRules { approval_required: required.ok_or_else(|| missing("organization"))? != 0 })
}

/// Changes what an organization demands of campaigns.
pub(super) async fn set_rules(
    conn: &mut Connection,
    context: OrganizationContext,
    rules: CampaignRules,
) -> Result<(), StoreError> {
    let written = sqlx::query("UPDATE organization SET approval_required = $2 WHERE id = $1")
        .bind(context.organization.0)
        .bind(i64::from(rules.approval_required))
        .execute(conn)
        .await
        .map_err(database)?;
    if written.rows_affected() == 1 { Ok(()) } else { Err(missing("organization")) }
}
