//! Observations and imports. Every statement names the organization.

use spotwright_core::domain::account::OrganizationContext;
use spotwright_core::domain::observation::{
    AdKey, AdNames, Amount, Evidence, Fate, ImportRecord, Link, NewObservation, Observation,
    ObservationRecord, PlatformName, ProductKey, RefusedRow, Source, SourceKind, Window,
};
use spotwright_core::domain::run::RunRequest;
use spotwright_core::domain::variant::VariantBody;
use spotwright_core::ports::accounts::{Page, Positioned, WriteKey, Written};
use spotwright_core::ports::artifacts::ArtifactHash;
use spotwright_core::ports::marketplace::CreativeDelivery;
use spotwright_core::ports::observations::{Mapping, NewImport, ObservationFilter};
use spotwright_core::ports::step_store::StoreError;
use spotwright_schemas::ids::{ImportId, ObservationId, OrganizationId, PlacementId, RunId, VariantId};
use spotwright_schemas::outcome::Delivery;
use uuid::Uuid;

use super::Connection;
use super::accounts::{before, now};
use super::answers::{self, Known, Outcome};
use crate::convert::{database, from_json, stored, to_json, unsigned};

/// What became of a file or batch, inside its transaction.
#[expect(clippy::large_enum_variant, reason = "there is one for each import, never a list of them")]
pub(super) enum Intake {
    /// It was taken in.
    Done(Outcome<ImportRecord>),
    /// All rows or none were wanted, and these are refused; nothing was written.
    Refused(Vec<RefusedRow>),
}

/// What taking a row in does. Uses the unique index of `observation`; an ad has few windows that overlap.
pub(super) async fn fate(
    conn: &mut Connection,
    organization: OrganizationId,
    observation: &Observation,
) -> Result<Fate, StoreError> {
    let (start, end) = (observation.window.start.to_string(), observation.window.end.to_string());
    let found: Vec<(String, String, String)> = sqlx::query_as(
        "SELECT window_start, window_end, digest FROM observation \
         WHERE organization_id = $1 AND source = $2 AND platform = $3 AND ad = $4 \
         AND window_start <= $6 AND window_end >= $5 ORDER BY window_start",
    )
    .bind(organization.0)
    .bind(observation.source.kind().as_str())
    .bind(observation.source.platform())
    .bind(observation.ad.as_text())
    .bind(&start)
    .bind(&end)
    .fetch_all(conn)
    .await
    .map_err(database)?;
    if let Some((.., digest)) = found.iter().find(|(from, to, _)| *from == start && *to == end) {
        return Ok(if *digest == digest_of(observation)? { Fate::Unchanged } else { Fate::Replaces });
    }
    // ISO dates sort as the days do.
    match found.iter().find(|(from, to, _)| *from < start || *to > end) {
        Some((from, to, _)) => Ok(Fate::Covered(Window {
            start: day(from)?,
            end: day(to)?,
            time_zone: observation.window.time_zone.clone(),
        })),
        None if found.is_empty() => Ok(Fate::New),
        None => Ok(Fate::Replaces),
    }
}

fn day(text: &str) -> Result<jiff::civil::Date, StoreError> {
    text.parse().map_err(|_| StoreError::Format(format!("day {text:?}")))
}

/// What the content of an observation is told apart by.
fn digest_of(observation: &Observation) -> Result<String, StoreError> {
    Ok(ArtifactHash::of(to_json(observation)?.as_bytes()).0)
}

pub(super) async fn take_in(
    conn: &mut Connection,
    organization: OrganizationId,
    context: OrganizationContext,
    write: Option<&WriteKey>,
    import: NewImport,
) -> Result<Intake, StoreError> {
    let now = match write {
        None => now(conn).await?,
        Some(write) => match answers::look_up(conn, context, write).await? {
            Known::Free(now) => now,
            Known::Used(outcome) => return Ok(Intake::Done(outcome)),
        },
    };
    let NewImport { id, mut report, rows, atomic, mapping } = import;
    let mut fates = Vec::with_capacity(rows.len());
    for row in &rows {
        fates.push(fate(conn, organization, &row.observation).await?);
    }
    for (row, fate) in rows.iter().zip(&fates) {
        report.count(row.place, fate);
    }
    if atomic && report.counts.refused > 0 {
        return Ok(Intake::Refused(report.refused));
    }
    sqlx::query(
        "INSERT INTO result_import (id, organization_id, detail, created_at) VALUES ($1, $2, $3, $4)",
    )
    .bind(id.0)
    .bind(organization.0)
    .bind(to_json(&report)?)
    .bind(now)
    .execute(&mut *conn)
    .await
    .map_err(database)?;
    for (row, fate) in rows.iter().zip(&fates) {
        match fate {
            Fate::Covered(_) => {}
            Fate::Unchanged => link_unlinked(conn, organization, row).await?,
            Fate::New | Fate::Replaces => {
                if *fate == Fate::Replaces {
                    drop_within(conn, organization, &row.observation).await?;
                }
                put(conn, organization, &row.observation, row.link.as_ref(), Some(id), now).await?;
            }
        }
    }
    if let Some((header, mapping)) = mapping {
        remember(conn, organization, &header, &mapping, now).await?;
    }
    let record = ImportRecord { id, report, created_at: now };
    Ok(Intake::Done(match write {
        None => Outcome::Written(Written::Fresh(record)),
        Some(write) => answers::keep(conn, context, write, now, record).await?,
    }))
}

/// Drops the windows that lie within a longer one, which counts their days.
async fn drop_within(
    conn: &mut Connection,
    organization: OrganizationId,
    observation: &Observation,
) -> Result<(), StoreError> {
    sqlx::query(
        "DELETE FROM observation WHERE organization_id = $1 AND source = $2 AND platform = $3 AND ad = $4 \
         AND window_start >= $5 AND window_end <= $6 AND NOT (window_start = $5 AND window_end = $6)",
    )
    .bind(organization.0)
    .bind(observation.source.kind().as_str())
    .bind(observation.source.platform())
    .bind(observation.ad.as_text())
    .bind(observation.window.start.to_string())
    .bind(observation.window.end.to_string())
    .execute(conn)
    .await
    .map_err(database)?;
    Ok(())
}

/// Names the variant of an observation that had none.
async fn link_unlinked(
    conn: &mut Connection,
    organization: OrganizationId,
    row: &NewObservation,
) -> Result<(), StoreError> {
    let Some(link) = &row.link else { return Ok(()) };
    sqlx::query(
        "UPDATE observation SET variant_id = $3, direction = $4, product = $5 \
         WHERE id = $1 AND organization_id = $2 AND variant_id IS NULL",
    )
    .bind(row.observation.id(organization).0)
    .bind(organization.0)
    .bind(link.variant.0)
    .bind(to_json(&link.direction)?)
    .bind(link.product.as_str())
    .execute(conn)
    .await
    .map_err(database)?;
    Ok(())
}

/// Writes an observation, or replaces the one with its id. A variant that is known stays known.
async fn put(
    conn: &mut Connection,
    organization: OrganizationId,
    observation: &Observation,
    link: Option<&Link>,
    import: Option<ImportId>,
    now: i64,
) -> Result<(), StoreError> {
    let count = |what, number: Option<u64>| number.map(|number| stored(what, number)).transpose();
    let amount = |amount: &Option<Amount>| amount.as_ref().map(|amount| amount.micros.0);
    let currency = observation.spend.as_ref().or(observation.revenue.as_ref());
    sqlx::query(
        "INSERT INTO observation (id, organization_id, source, platform, ad, window_start, window_end, \
         impressions, clicks, conversions, currency, spend_micros, revenue_micros, variant_id, direction, \
         product, import_id, digest, body, created_at, updated_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $20) \
         ON CONFLICT (id) DO UPDATE SET impressions = excluded.impressions, clicks = excluded.clicks, \
         conversions = excluded.conversions, currency = excluded.currency, \
         spend_micros = excluded.spend_micros, revenue_micros = excluded.revenue_micros, \
         variant_id = coalesce(excluded.variant_id, observation.variant_id), \
         direction = coalesce(excluded.direction, observation.direction), \
         product = coalesce(excluded.product, observation.product), import_id = excluded.import_id, \
         digest = excluded.digest, body = excluded.body, revision = observation.revision + 1, \
         updated_at = excluded.updated_at WHERE observation.digest <> excluded.digest",
    )
    .bind(observation.id(organization).0)
    .bind(organization.0)
    .bind(observation.source.kind().as_str())
    .bind(observation.source.platform())
    .bind(observation.ad.as_text())
    .bind(observation.window.start.to_string())
    .bind(observation.window.end.to_string())
    .bind(count("impressions", observation.impressions)?)
    .bind(count("clicks", observation.clicks)?)
    .bind(&observation.conversions)
    .bind(currency.map(|amount| amount.currency.as_str()))
    .bind(amount(&observation.spend))
    .bind(amount(&observation.revenue))
    .bind(link.map(|link| link.variant.0))
    .bind(link.map(|link| to_json(&link.direction)).transpose()?)
    .bind(link.map(|link| link.product.as_str()))
    .bind(import.map(|import| import.0))
    .bind(digest_of(observation)?)
    .bind(to_json(observation)?)
    .bind(now)
    .execute(conn)
    .await
    .map_err(database)?;
    Ok(())
}

async fn remember(
    conn: &mut Connection,
    organization: OrganizationId,
    header: &str,
    mapping: &Mapping,
    now: i64,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO import_mapping (organization_id, header, mapping, updated_at) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (organization_id, header) DO UPDATE SET mapping = excluded.mapping, \
         updated_at = excluded.updated_at",
    )
    .bind(organization.0)
    .bind(header)
    .bind(to_json(mapping)?)
    .bind(now)
    .execute(conn)
    .await
    .map_err(database)?;
    Ok(())
}

/// Writes what the market reported of a placement, in the transaction that takes the feedback in.
pub(super) async fn simulated(
    conn: &mut Connection,
    run: RunId,
    organization: Uuid,
    placement: PlacementId,
) -> Result<(), StoreError> {
    let row: Option<(i64, Option<String>)> =
        sqlx::query_as("SELECT generation, delivery FROM placement WHERE id = $1 AND run_id = $2")
            .bind(placement.0)
            .bind(run.0)
            .fetch_optional(&mut *conn)
            .await
            .map_err(database)?;
    let Some((generation, Some(delivery))) = row else { return Ok(()) };
    let delivery = from_json::<CreativeDelivery>("delivery", &delivery)?.delivery;
    simulated_day(conn, run, organization, placement, unsigned("generation", generation)?, delivery).await
}

type PlacementRow = (Uuid, String, String, i64);

/// Writes what a placement delivered on a logical day.
pub(super) async fn simulated_day(
    conn: &mut Connection,
    run: RunId,
    organization: Uuid,
    placement: PlacementId,
    day: u32,
    delivery: Delivery,
) -> Result<(), StoreError> {
    let row: Option<PlacementRow> = sqlx::query_as(concat!(
        "SELECT p.variant_id, v.body, r.request, ",
        now_of!("r.organization_id"),
        " FROM placement p JOIN variant v ON v.id = p.variant_id JOIN run r ON r.id = p.run_id \
         WHERE p.id = $1 AND p.run_id = $2"
    ))
    .bind(placement.0)
    .bind(run.0)
    .fetch_optional(&mut *conn)
    .await
    .map_err(database)?;
    let Some((variant, body, request, now)) = row else { return Ok(()) };
    let body: VariantBody = from_json("variant", &body)?;
    let request: RunRequest = from_json("request of a run", &request)?;
    let observation = Observation {
        source: Source::Simulated,
        ad: AdKey::Placement(placement),
        names: AdNames::default(),
        window: Window::of_logical_day(day),
        impressions: Some(delivery.impressions),
        clicks: Some(delivery.clicks),
        click_column: None,
        conversions: Some(delivery.conversions.to_string()),
        conversion_kind: None,
        revenue: None,
        spend: Some(Amount {
            micros: delivery.spend,
            currency: request.brief.budget.currency.code().to_owned(),
        }),
        reach: None,
        watch: Vec::new(),
        attribution: None,
    };
    let link = Link {
        variant: VariantId(variant),
        direction: body.script.direction,
        product: ProductKey::of(&request.brief),
    };
    put(conn, OrganizationId(organization), &observation, Some(&link), None, now).await
}

row! {
    struct ObservationRow {
        position: i64,
        id: Uuid,
        body: String,
        variant_id: Option<Uuid>,
        import_id: Option<Uuid>,
        revision: i64,
        created_at: i64,
        updated_at: i64,
    }
}

/// Imported observations of one ad whose windows meet the days, by first day. Uses the unique index of
/// `observation`.
pub(super) async fn of_ad(
    conn: &mut Connection,
    organization: OrganizationId,
    platform: &PlatformName,
    id: &str,
    from: jiff::civil::Date,
    until: jiff::civil::Date,
) -> Result<Vec<Observation>, StoreError> {
    let rows: Vec<String> = sqlx::query_scalar(
        "SELECT body FROM observation WHERE organization_id = $1 AND source = $2 AND platform = $3 AND ad = $4 \
         AND window_start <= $6 AND window_end >= $5 ORDER BY window_start",
    )
    .bind(organization.0)
    .bind(SourceKind::Imported.as_str())
    .bind(platform.as_str())
    .bind(AdKey::Id(id.to_owned()).as_text())
    .bind(from.to_string())
    .bind(until.to_string())
    .fetch_all(conn)
    .await
    .map_err(database)?;
    rows.iter().map(|body| from_json("observation", body)).collect()
}

/// A page of observations. An empty text or a nil id stands for "any": the same statement serves all filters.
pub(super) async fn list(
    conn: &mut Connection,
    organization: OrganizationId,
    filter: &ObservationFilter,
    page: Page,
) -> Result<Vec<Positioned<ObservationRecord>>, StoreError> {
    let rows: Vec<ObservationRow> = sqlx::query_as(
        "SELECT position, id, body, variant_id, import_id, revision, created_at, updated_at \
         FROM observation WHERE organization_id = $1 AND source = $2 AND position < $3 \
         AND ($4 = '' OR platform = $4) AND ($5 = $7 OR variant_id = $5) AND ($6 = $7 OR import_id = $6) \
         ORDER BY position DESC LIMIT $8",
    )
    .bind(organization.0)
    .bind(filter.source.as_str())
    .bind(before(page))
    .bind(filter.platform.as_ref().map_or("", PlatformName::as_str))
    .bind(filter.variant.map_or(Uuid::nil(), |variant| variant.0))
    .bind(filter.import.map_or(Uuid::nil(), |import| import.0))
    .bind(Uuid::nil())
    .bind(i64::from(page.limit))
    .fetch_all(conn)
    .await
    .map_err(database)?;
    let record = |row: ObservationRow| {
        Ok(Positioned {
            position: row.position,
            row: ObservationRecord {
                id: ObservationId(row.id),
                observation: from_json("observation", &row.body)?,
                variant: row.variant_id.map(VariantId),
                import: row.import_id.map(ImportId),
                revision: unsigned("revision", row.revision)?,
                created_at: row.created_at,
                updated_at: row.updated_at,
            },
        })
    };
    rows.into_iter().map(record).collect()
}

type ImportRow = (i64, Uuid, String, i64);

fn import_record(
    (position, id, detail, created_at): ImportRow,
) -> Result<Positioned<ImportRecord>, StoreError> {
    let row = ImportRecord { id: ImportId(id), report: from_json("import", &detail)?, created_at };
    Ok(Positioned { position, row })
}

pub(super) async fn imports(
    conn: &mut Connection,
    organization: OrganizationId,
    page: Page,
) -> Result<Vec<Positioned<ImportRecord>>, StoreError> {
    let rows: Vec<ImportRow> = sqlx::query_as(
        "SELECT position, id, detail, created_at FROM result_import \
         WHERE organization_id = $1 AND position < $2 ORDER BY position DESC LIMIT $3",
    )
    .bind(organization.0)
    .bind(before(page))
    .bind(i64::from(page.limit))
    .fetch_all(conn)
    .await
    .map_err(database)?;
    rows.into_iter().map(import_record).collect()
}

pub(super) async fn import(
    conn: &mut Connection,
    organization: OrganizationId,
    id: ImportId,
) -> Result<ImportRecord, StoreError> {
    let row: Option<ImportRow> = sqlx::query_as(
        "SELECT position, id, detail, created_at FROM result_import WHERE id = $1 AND organization_id = $2",
    )
    .bind(id.0)
    .bind(organization.0)
    .fetch_optional(conn)
    .await
    .map_err(database)?;
    Ok(import_record(row.ok_or_else(|| StoreError::Missing("import".to_owned()))?)?.row)
}

pub(super) async fn mapping(
    conn: &mut Connection,
    organization: OrganizationId,
    header: &str,
) -> Result<Option<Mapping>, StoreError> {
    let found: Option<String> =
        sqlx::query_scalar("SELECT mapping FROM import_mapping WHERE organization_id = $1 AND header = $2")
            .bind(organization.0)
            .bind(header)
            .fetch_optional(conn)
            .await
            .map_err(database)?;
    found.map(|text| from_json("mapping", &text)).transpose()
}

/// Sums by variant. Uses `observation_by_product`.
pub(super) async fn evidence(
    conn: &mut Connection,
    organization: OrganizationId,
    product: &ProductKey,
    source: SourceKind,
) -> Result<Vec<Evidence>, StoreError> {
    let rows: Vec<(Uuid, String, i64, i64)> = sqlx::query_as(
        "SELECT variant_id, direction, CAST(sum(impressions) AS BIGINT), CAST(sum(clicks) AS BIGINT) \
         FROM observation WHERE organization_id = $1 AND product = $2 AND source = $3 \
         AND variant_id IS NOT NULL AND impressions IS NOT NULL AND clicks IS NOT NULL \
         GROUP BY variant_id, direction ORDER BY variant_id",
    )
    .bind(organization.0)
    .bind(product.as_str())
    .bind(source.as_str())
    .fetch_all(conn)
    .await
    .map_err(database)?;
    let sums = |(variant, direction, impressions, clicks): (Uuid, String, i64, i64)| {
        let impressions = unsigned("impressions", impressions)?;
        Ok(Evidence {
            variant: VariantId(variant),
            direction: from_json("direction", &direction)?,
            impressions,
            clicks: unsigned::<u64>("clicks", clicks)?.min(impressions),
        })
    };
    rows.into_iter().map(sums).collect()
}
