//! Reports: orders, claims and ends, and what they are made from.

use std::collections::BTreeMap;
use std::time::Duration;

use spotwright_core::domain::account::OrganizationContext;
use spotwright_core::domain::report::{
    ClaimedReport, Exposure, Report, ReportFile, ReportOrder, ReportState,
};
use spotwright_core::domain::run::RunRequest;
use spotwright_core::ports::accounts::{Page, Positioned, WriteKey};
use spotwright_core::ports::step_store::StoreError;
use spotwright_schemas::Problem;
use spotwright_schemas::ids::{OrganizationId, ReportId, RunId, VariantId};
use spotwright_schemas::money::Micros;
use uuid::Uuid;

use super::Connection;
use super::accounts::before;
use super::answers::{self, Known, Outcome};
use crate::convert::{database, from_json, micros, to_json, unsigned};

/// Orders a report.
pub(super) async fn order(
    conn: &mut Connection,
    context: OrganizationContext,
    write: &WriteKey,
    id: ReportId,
    order: &ReportOrder,
) -> Result<Outcome<ReportId>, StoreError> {
    let now = match answers::look_up(conn, context, write).await? {
        Known::Free(now) => now,
        Known::Used(outcome) => return Ok(outcome),
    };
    sqlx::query(
        "INSERT INTO report (id, organization_id, detail, state, created_at) VALUES ($1, $2, $3, 'queued', $4)",
    )
    .bind(id.0)
    .bind(context.organization.0)
    .bind(to_json(order)?)
    .bind(now)
    .execute(&mut *conn)
    .await
    .map_err(database)?;
    answers::keep(conn, context, write, now, id).await
}

row! {
    struct ReportRow {
        position: i64,
        id: Uuid,
        detail: String,
        state: String,
        file: Option<String>,
        problem: Option<String>,
        created_at: i64,
        ended_at: Option<i64>,
    }
}

impl ReportRow {
    fn into_report(self) -> Result<Positioned<Report>, StoreError> {
        let state = match (self.state.as_str(), self.file, self.problem) {
            ("queued", ..) => ReportState::Queued,
            ("running", ..) => ReportState::Running,
            ("done", Some(file), _) => ReportState::Done(from_json::<ReportFile>("file of a report", &file)?),
            ("failed", _, Some(problem)) => {
                ReportState::Failed(from_json::<Problem>("problem of a report", &problem)?)
            }
            (other, ..) => return Err(StoreError::Format(format!("state {other:?} of a report"))),
        };
        let row = Report {
            id: ReportId(self.id),
            order: from_json("order of a report", &self.detail)?,
            state,
            created_at: self.created_at,
            ended_at: self.ended_at,
        };
        Ok(Positioned { position: self.position, row })
    }
}

pub(super) async fn get(
    conn: &mut Connection,
    context: OrganizationContext,
    id: ReportId,
) -> Result<Report, StoreError> {
    let row: Option<ReportRow> = sqlx::query_as(
        "SELECT position, id, detail, state, file, problem, created_at, ended_at FROM report \
         WHERE id = $1 AND organization_id = $2",
    )
    .bind(id.0)
    .bind(context.organization.0)
    .fetch_optional(conn)
    .await
    .map_err(database)?;
    Ok(row.ok_or_else(|| StoreError::Missing("report".to_owned()))?.into_report()?.row)
}

/// Reports, newest first. Uses `report_by_organization`.
pub(super) async fn list(
    conn: &mut Connection,
    context: OrganizationContext,
    page: Page,
) -> Result<Vec<Positioned<Report>>, StoreError> {
    let rows: Vec<ReportRow> = sqlx::query_as(
        "SELECT position, id, detail, state, file, problem, created_at, ended_at FROM report \
         WHERE organization_id = $1 AND position < $2 ORDER BY position DESC LIMIT $3",
    )
    .bind(context.organization.0)
    .bind(before(page))
    .bind(i64::from(page.limit))
    .fetch_all(conn)
    .await
    .map_err(database)?;
    rows.into_iter().map(ReportRow::into_report).collect()
}

row! {
    struct ClaimRow {
        id: Uuid,
        organization_id: Uuid,
        detail: String,
        fence: i64,
        created_at: i64,
    }
}

/// Takes the oldest report that nobody makes. Uses `report_open`.
pub(super) async fn claim(
    conn: &mut Connection,
    lease: Duration,
) -> Result<Option<ClaimedReport>, StoreError> {
    let row: Option<ClaimRow> = sqlx::query_as(concat!(
        "UPDATE report SET state = 'running', fence = fence + 1, lease_until = ",
        now!(),
        " + $1 WHERE id = (SELECT id FROM report WHERE state IN ('queued', 'running') \
         AND (state = 'queued' OR lease_until < ",
        now!(),
        ") ORDER BY position LIMIT 1 ",
        skip_locked!(),
        ") RETURNING id, organization_id, detail, fence, created_at"
    ))
    .bind(micros(lease))
    .fetch_optional(conn)
    .await
    .map_err(database)?;
    row.map(|row| {
        Ok(ClaimedReport {
            id: ReportId(row.id),
            organization: OrganizationId(row.organization_id),
            order: from_json("order of a report", &row.detail)?,
            created_at: row.created_at,
            attempts: unsigned("claims", row.fence)?,
            fence: row.fence,
        })
    })
    .transpose()
}

/// Ends a claimed report. Whether the claim still held.
pub(super) async fn end(
    conn: &mut Connection,
    claim: &ClaimedReport,
    end: &Result<ReportFile, Problem>,
) -> Result<bool, StoreError> {
    let (state, file, problem) = match end {
        Ok(file) => ("done", Some(to_json(file)?), None),
        Err(problem) => ("failed", None, Some(to_json(problem)?)),
    };
    let written = sqlx::query(concat!(
        "UPDATE report SET state = $3, file = $4, problem = $5, lease_until = NULL, ended_at = ",
        now_of!("report.organization_id"),
        " WHERE id = $1 AND fence = $2 AND state = 'running'"
    ))
    .bind(claim.id.0)
    .bind(claim.fence)
    .bind(state)
    .bind(file)
    .bind(problem)
    .execute(conn)
    .await
    .map_err(database)?;
    Ok(written.rows_affected() == 1)
}

row! {
    struct ExposureRow {
        variant_id: Uuid,
        run_id: Uuid,
        generation: i64,
        number: i64,
        body: String,
        currency: Option<String>,
        impressions: i64,
        clicks: i64,
        spend: Option<i64>,
    }
}

/// What variants did by one kind of source, in the order of runs, generations and numbers. Uses
/// `observation_by_organization`.
pub(super) async fn exposures(
    conn: &mut Connection,
    context: OrganizationContext,
    order: &ReportOrder,
) -> Result<Vec<Exposure>, StoreError> {
    let rows: Vec<ExposureRow> = sqlx::query_as(
        "SELECT v.id AS variant_id, v.run_id, v.generation, v.number, v.body, o.currency, \
         CAST(coalesce(sum(o.impressions), 0) AS BIGINT) AS impressions, \
         CAST(coalesce(sum(o.clicks), 0) AS BIGINT) AS clicks, CAST(sum(o.spend_micros) AS BIGINT) AS spend \
         FROM observation o JOIN variant v ON v.id = o.variant_id JOIN run r ON r.id = v.run_id \
         WHERE o.organization_id = $1 AND r.organization_id = $1 AND o.source = $2 \
         AND ($3 = 0 OR v.run_id = $4) AND o.window_start >= $5 AND o.window_end <= $6 \
         GROUP BY v.id, v.run_id, v.generation, v.number, v.body, o.currency, r.position \
         ORDER BY r.position, v.generation, v.number, o.currency",
    )
    .bind(context.organization.0)
    .bind(order.source.as_str())
    .bind(i64::from(order.run.is_some()))
    .bind(order.run.map_or(Uuid::nil(), |run| run.0))
    .bind(order.from.as_deref().unwrap_or("0000-01-01"))
    .bind(order.to.as_deref().unwrap_or("9999-12-31"))
    .fetch_all(&mut *conn)
    .await
    .map_err(database)?;
    let mut briefs: BTreeMap<Uuid, (String, String)> = BTreeMap::new();
    let mut exposures: Vec<Exposure> = Vec::new();
    for row in rows {
        let brief = if let Some(brief) = briefs.get(&row.run_id) {
            brief.clone()
        } else {
            let brief = brief_of(conn, context, row.run_id).await?;
            briefs.insert(row.run_id, brief.clone());
            brief
        };
        add(&mut exposures, row, brief)?;
    }
    Ok(exposures)
}

/// Product and call to action of a run's brief.
async fn brief_of(
    conn: &mut Connection,
    context: OrganizationContext,
    run: Uuid,
) -> Result<(String, String), StoreError> {
    let request: String =
        sqlx::query_scalar("SELECT request FROM run WHERE id = $1 AND organization_id = $2")
            .bind(run)
            .bind(context.organization.0)
            .fetch_one(conn)
            .await
            .map_err(database)?;
    let brief = from_json::<RunRequest>("request of a run", &request)?.brief;
    let call = serde_json::to_value(brief.call_to_action).unwrap_or_default();
    Ok((brief.product.name, call.as_str().unwrap_or_default().to_owned()))
}

/// Adds a row to its variant, which may have several: one for each currency.
fn add(
    exposures: &mut Vec<Exposure>,
    row: ExposureRow,
    (product, call_to_action): (String, String),
) -> Result<(), StoreError> {
    let impressions: u64 = unsigned("impressions", row.impressions)?;
    let clicks: u64 = unsigned("clicks", row.clicks)?;
    let spend = row.currency.zip(row.spend.map(Micros));
    if let Some(last) = exposures.last_mut().filter(|last| last.variant.0 == row.variant_id) {
        last.impressions += impressions;
        last.clicks += clicks;
        last.spend.extend(spend);
        return Ok(());
    }
    exposures.push(Exposure {
        run: RunId(row.run_id),
        generation: unsigned("generation", row.generation)?,
        number: unsigned("number", row.number)?,
        variant: VariantId(row.variant_id),
        product,
        call_to_action,
        body: from_json("variant", &row.body)?,
        impressions,
        clicks,
        spend: spend.into_iter().collect(),
    });
    Ok(())
}
