//! The books of an organization. Every statement names it.

use spotwright_core::domain::account::OrganizationContext;
use spotwright_core::domain::books::{LedgerFilter, LedgerLine, ReservedLine, Usage, UsageLine};
use spotwright_core::domain::estimate::MeasuredRun;
use spotwright_core::domain::variant::Placement;
use spotwright_core::ports::accounts::{Page, Positioned};
use spotwright_core::ports::step_store::{LedgerKind, StoreError};
use spotwright_schemas::event::{Event, Payload, StopReason};
use spotwright_schemas::ids::RunId;
use spotwright_schemas::money::{Currency, Micros};
use uuid::Uuid;

use super::Connection;
use super::account_runs::must_be_own;
use super::accounts::before;
use super::runs::PlacementRow;
use crate::convert::{currency, database, from_json, unsigned};

row! {
    struct LineRow {
        position: i64,
        run_id: Uuid,
        entry: String,
        amount_micros: i64,
        currency: Option<String>,
        reserve: String,
        provider: Option<String>,
        at: i64,
    }
}

impl LineRow {
    fn into_line(self) -> Result<Positioned<LedgerLine>, StoreError> {
        let kind = match self.entry.as_str() {
            "reserve" => LedgerKind::Reserve,
            "settle" => LedgerKind::Settle,
            "release" => LedgerKind::Release,
            other => return Err(StoreError::Format(format!("ledger entry {other:?} is not known"))),
        };
        let row = LedgerLine {
            run: RunId(self.run_id),
            kind,
            amount: Micros(self.amount_micros),
            currency: self.currency.as_deref().map(currency).transpose()?,
            reserve: self.reserve,
            provider: self.provider,
            at: self.at,
        };
        Ok(Positioned { position: self.position, row })
    }
}

/// Movements, newest first. Uses `ledger_by_organization`.
pub(super) async fn ledger(
    conn: &mut Connection,
    context: OrganizationContext,
    filter: LedgerFilter,
    page: Page,
) -> Result<Vec<Positioned<LedgerLine>>, StoreError> {
    if let Some(run) = filter.run {
        must_be_own(conn, context, run).await?;
    }
    let rows: Vec<LineRow> = sqlx::query_as(
        "SELECT l.position, l.run_id, l.entry, l.amount_micros, r.currency, \
         coalesce(l.closes, l.ref) AS reserve, c.provider, l.at \
         FROM ledger l JOIN run r ON r.id = l.run_id \
         LEFT JOIN ext_call c ON c.reserve_ref = coalesce(l.closes, l.ref) \
         WHERE l.organization_id = $1 AND l.position < $2 AND ($3 = 0 OR l.run_id = $4) \
         AND l.at >= $5 AND l.at < $6 ORDER BY l.position DESC LIMIT $7",
    )
    .bind(context.organization.0)
    .bind(before(page))
    .bind(i64::from(filter.run.is_some()))
    .bind(filter.run.map_or(Uuid::nil(), |run| run.0))
    .bind(filter.from.unwrap_or(i64::MIN))
    .bind(filter.to.unwrap_or(i64::MAX))
    .bind(i64::from(page.limit))
    .fetch_all(conn)
    .await
    .map_err(database)?;
    rows.into_iter().map(LineRow::into_line).collect()
}

row! {
    struct UsageRow {
        currency: Option<String>,
        provider: Option<String>,
        settlements: i64,
        settled: i64,
    }
}

row! {
    struct ReservedRow {
        currency: Option<String>,
        reserved: i64,
    }
}

/// Sums of the ledger by currency and provider, and of the reserves that stand open.
pub(super) async fn usage(
    conn: &mut Connection,
    context: OrganizationContext,
    from: Option<i64>,
    to: Option<i64>,
) -> Result<Usage, StoreError> {
    let settled: Vec<UsageRow> = sqlx::query_as(
        "SELECT r.currency, c.provider, count(*) AS settlements, \
         CAST(sum(l.amount_micros) AS BIGINT) AS settled \
         FROM ledger l JOIN run r ON r.id = l.run_id LEFT JOIN ext_call c ON c.reserve_ref = l.closes \
         WHERE l.organization_id = $1 AND l.entry = 'settle' AND l.at >= $2 AND l.at < $3 \
         GROUP BY r.currency, c.provider ORDER BY r.currency, c.provider",
    )
    .bind(context.organization.0)
    .bind(from.unwrap_or(i64::MIN))
    .bind(to.unwrap_or(i64::MAX))
    .fetch_all(&mut *conn)
    .await
    .map_err(database)?;
    let reserved: Vec<ReservedRow> = sqlx::query_as(
        "SELECT currency, CAST(sum(reserved_micros) AS BIGINT) AS reserved FROM run \
         WHERE organization_id = $1 AND reserved_micros > 0 GROUP BY currency ORDER BY currency",
    )
    .bind(context.organization.0)
    .fetch_all(conn)
    .await
    .map_err(database)?;
    let line = |row: UsageRow| {
        Ok(UsageLine {
            currency: row.currency.as_deref().map(currency).transpose()?,
            provider: row.provider,
            settlements: unsigned("settlements", row.settlements)?,
            settled: Micros(row.settled),
        })
    };
    let open = |row: ReservedRow| {
        let currency = row.currency.as_deref().map(currency).transpose()?;
        Ok(ReservedLine { currency, reserved: Micros(row.reserved) })
    };
    Ok(Usage {
        settled: settled.into_iter().map(line).collect::<Result<_, StoreError>>()?,
        reserved: reserved.into_iter().map(open).collect::<Result<_, StoreError>>()?,
    })
}

/// Placements of a run's own campaigns by generation. Uses `placement_by_generation`.
pub(super) async fn placements(
    conn: &mut Connection,
    context: OrganizationContext,
    run: RunId,
) -> Result<Vec<Placement>, StoreError> {
    must_be_own(conn, context, run).await?;
    let rows: Vec<PlacementRow> = sqlx::query_as(
        "SELECT p.id, p.run_id, p.campaign_id, p.variant_id, p.generation, p.delivery, p.observed, p.ended, p.held \
         FROM placement p JOIN run r ON r.id = p.run_id JOIN variant v ON v.id = p.variant_id \
         WHERE p.run_id = $1 AND r.organization_id = $2 AND p.generation > 0 ORDER BY p.generation, v.generation, v.number",
    )
    .bind(run.0)
    .bind(context.organization.0)
    .fetch_all(conn)
    .await
    .map_err(database)?;
    rows.into_iter().map(PlacementRow::into_placement).collect()
}

row! {
    struct MeasuredRow {
        id: Uuid,
        budget_micros: i64,
        created_at: i64,
        ended_at: i64,
        detail: String,
        last_message: String,
    }
}

row! {
    struct SettledRow {
        provider: Option<String>,
        settled: i64,
    }
}

/// What finished runs were charged, newest first. The last message of a finished run says why and when it
/// ended. Uses `run_by_organization` and `ledger_by_run`.
pub(super) async fn measured_runs(
    conn: &mut Connection,
    context: OrganizationContext,
    currency: Currency,
    limit: u32,
) -> Result<Vec<MeasuredRun>, StoreError> {
    // Runs that failed or were ended are read past; of many, the newest count.
    let rows: Vec<MeasuredRow> = sqlx::query_as(
        "SELECT r.id, r.budget_micros, r.created_at, o.created_at AS ended_at, q.detail, o.body AS last_message \
         FROM run r JOIN run_order q ON q.run_id = r.id \
         JOIN outbox o ON o.aggregate_id = r.id AND o.seq = r.messages \
         WHERE r.organization_id = $1 AND r.state = 'finished' AND r.currency = $2 \
         ORDER BY r.position DESC LIMIT $3",
    )
    .bind(context.organization.0)
    .bind(currency.code())
    .bind(i64::from(limit) * 3)
    .fetch_all(&mut *conn)
    .await
    .map_err(database)?;
    let mut runs = Vec::new();
    for row in rows {
        let last: Event = from_json("message", &row.last_message)?;
        let Payload::RunFinished(finished) = last.payload else { continue };
        let counts = matches!(finished.reason, StopReason::Completed | StopReason::BudgetExhausted);
        if !counts || runs.len() >= limit as usize {
            continue;
        }
        let settled: Vec<SettledRow> = sqlx::query_as(
            "SELECT c.provider, CAST(sum(l.amount_micros) AS BIGINT) AS settled FROM ledger l \
             LEFT JOIN ext_call c ON c.reserve_ref = l.closes \
             WHERE l.run_id = $1 AND l.entry = 'settle' GROUP BY c.provider ORDER BY c.provider",
        )
        .bind(row.id)
        .fetch_all(&mut *conn)
        .await
        .map_err(database)?;
        runs.push(MeasuredRun {
            run: RunId(row.id),
            order: from_json("order of a run", &row.detail)?,
            budget: Micros(row.budget_micros),
            micros: (row.ended_at - row.created_at).max(0),
            settled: settled.into_iter().map(|row| (row.provider, Micros(row.settled))).collect(),
        });
    }
    Ok(runs)
}
