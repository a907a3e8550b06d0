//! An organization's view of its runs. Every statement names the organization.

use spotwright_core::domain::account::{OrderedRun, OrganizationContext, RunOrder, RunRecord};
use spotwright_core::domain::run::{Counts, NewRun};
use spotwright_core::domain::variant::{Placement, Variant, VariantState};
use spotwright_core::ports::accounts::{Page, Positioned, WriteKey};
use spotwright_core::ports::step_store::{Commit, StoreError, TraceEntry};
use spotwright_schemas::event::{Event, Payload};
use spotwright_schemas::ids::{RunId, VariantId};
use spotwright_schemas::money::Micros;
use uuid::Uuid;

use super::accounts::before;
use super::answers::{self, Known, Outcome};
use super::runs::{self, TraceRow, VariantRow};
use super::{Connection, commits};
use crate::convert::{database, from_json, stage, to_json, unsigned};

/// Creates a run, its first commit and its order.
pub(super) async fn create(
    conn: &mut Connection,
    context: OrganizationContext,
    write: &WriteKey,
    order: RunOrder,
    run: &NewRun,
    commit: &Commit,
) -> Result<Outcome<OrderedRun>, StoreError> {
    if run.organization != context.organization {
        return Err(StoreError::Contradiction(format!("run {} is ordered for another organization", run.id)));
    }
    let now = match answers::look_up(conn, context, write).await? {
        Known::Free(now) => now,
        Known::Used(outcome) => return Ok(outcome),
    };
    runs::insert(conn, run).await?;
    commits::write(conn, run.id, 0, commit).await?;
    // Written from the brief's row, so that the brief of another organization cannot be named.
    let written = sqlx::query(
        "INSERT INTO run_order (run_id, organization_id, brief_id, detail, revises) \
         SELECT $1, organization_id, id, $4, $5 FROM brief WHERE id = $3 AND organization_id = $2",
    )
    .bind(run.id.0)
    .bind(context.organization.0)
    .bind(order.brief.0)
    .bind(to_json(&order)?)
    .bind(order.revises.map(|revises| revises.variant.0))
    .execute(&mut *conn)
    .await
    .map_err(database)?;
    if written.rows_affected() == 0 {
        return Err(StoreError::Missing("brief".to_owned()));
    }
    let ordered = OrderedRun { id: run.id, order, budget: run.budget, created_at: now };
    answers::keep(conn, context, write, now, ordered).await
}

/// Runs with the counts of their generation, in one statement. The last message of a finished run
/// says why it ended. Uses `variant_by_state` and `placement_by_generation`.
macro_rules! records {
    ($which:literal, $rest:literal) => {
        concat!(
            "SELECT r.position, r.id, r.state, r.generation, r.messages, r.budget_micros, r.settled_micros, \
             r.reserved_micros, r.paused, r.cancelling, r.created_at, q.detail, \
             CASE WHEN r.state = 'finished' THEN r.workflow END AS outcome, \
             (SELECT o.body FROM outbox o WHERE r.state = 'finished' AND o.aggregate_id = r.id \
              AND o.seq = r.messages) AS last_message, \
             count(CASE WHEN v.state = 'drafted' THEN 1 END) AS drafted, \
             count(CASE WHEN v.state = 'previewed' THEN 1 END) AS previewed, \
             count(CASE WHEN v.state = 'scored' THEN 1 END) AS scored, \
             count(CASE WHEN v.state = 'selected' THEN 1 END) AS selected, \
             count(CASE WHEN v.state = 'rendered' THEN 1 END) AS rendered, \
             count(CASE WHEN v.state = 'won' THEN 1 END) AS won, \
             count(CASE WHEN v.state = 'rejected' THEN 1 END) AS rejected, \
             count(CASE WHEN v.state = 'failed' THEN 1 END) AS failed, \
             count(CASE WHEN v.state = 'withdrawn' THEN 1 END) AS withdrawn, \
             (SELECT count(*) FROM placement p WHERE p.run_id = r.id AND p.generation = r.generation \
              AND (p.ended = 0 OR p.delivery IS NOT NULL)) AS placed, \
             (SELECT count(*) FROM placement p \
              WHERE p.run_id = r.id AND p.generation = r.generation AND p.observed = 1) AS observed \
             FROM run r LEFT JOIN run_order q ON q.run_id = r.id \
             LEFT JOIN variant v ON v.run_id = r.id AND v.generation = r.generation WHERE ",
            $which,
            " GROUP BY r.position, r.id, r.state, r.generation, r.messages, r.budget_micros, r.settled_micros, \
             r.reserved_micros, r.paused, r.cancelling, r.created_at, q.detail, r.workflow ",
            $rest
        )
    };
}

row! {
    struct RecordRow {
        position: i64,
        id: Uuid,
        state: String,
        generation: i64,
        messages: i64,
        budget_micros: i64,
        settled_micros: i64,
        reserved_micros: i64,
        paused: i64,
        cancelling: i64,
        created_at: i64,
        detail: Option<String>,
        outcome: Option<String>,
        last_message: Option<String>,
        drafted: i64,
        previewed: i64,
        scored: i64,
        selected: i64,
        rendered: i64,
        won: i64,
        rejected: i64,
        failed: i64,
        withdrawn: i64,
        placed: i64,
        observed: i64,
    }
}

impl RecordRow {
    fn into_record(self) -> Result<Positioned<RunRecord>, StoreError> {
        let count = |number| unsigned("count", number);
        let last: Option<Event> = self.last_message.map(|body| from_json("message", &body)).transpose()?;
        let stopped = match last.map(|event| event.payload) {
            Some(Payload::RunFinished(finished)) => Some(finished.reason),
            _ => None,
        };
        let outcome = self.outcome.map(|text| from_json("workflow state", &text)).transpose()?;
        let row = RunRecord {
            id: RunId(self.id),
            stage: stage(&self.state)?,
            generation: unsigned("generation", self.generation)?,
            counts: Counts {
                drafted: count(self.drafted)?,
                previewed: count(self.previewed)?,
                scored: count(self.scored)?,
                selected: count(self.selected)?,
                rendered: count(self.rendered)?,
                won: count(self.won)?,
                rejected: count(self.rejected)?,
                failed: count(self.failed)?,
                withdrawn: count(self.withdrawn)?,
                placed: count(self.placed)?,
                observed: count(self.observed)?,
            },
            budget: Micros(self.budget_micros),
            settled: Micros(self.settled_micros),
            reserved: Micros(self.reserved_micros),
            messages: count(self.messages)?,
            paused: self.paused != 0,
            cancelling: self.cancelling != 0 && self.state != "finished",
            created_at: self.created_at,
            order: self.detail.map(|text| from_json("order of a run", &text)).transpose()?,
            stopped,
            outcome: outcome.unwrap_or_default(),
        };
        Ok(Positioned { position: self.position, row })
    }
}

pub(super) async fn list(
    conn: &mut Connection,
    context: OrganizationContext,
    page: Page,
) -> Result<Vec<Positioned<RunRecord>>, StoreError> {
    let rows: Vec<RecordRow> = sqlx::query_as(records!(
        "r.organization_id = $1 AND r.position < $2",
        "ORDER BY r.position DESC LIMIT $3"
    ))
    .bind(context.organization.0)
    .bind(before(page))
    .bind(i64::from(page.limit))
    .fetch_all(conn)
    .await
    .map_err(database)?;
    rows.into_iter().map(RecordRow::into_record).collect()
}

/// Runs whose order names a variant that they revise. Uses `run_order_by_revised`.
pub(super) async fn revisions(
    conn: &mut Connection,
    context: OrganizationContext,
    variant: VariantId,
    page: Page,
) -> Result<Vec<Positioned<RunRecord>>, StoreError> {
    let rows: Vec<RecordRow> = sqlx::query_as(records!(
        "r.organization_id = $1 AND r.position < $2 AND q.revises = $4",
        "ORDER BY r.position DESC LIMIT $3"
    ))
    .bind(context.organization.0)
    .bind(before(page))
    .bind(i64::from(page.limit))
    .bind(variant.0)
    .fetch_all(conn)
    .await
    .map_err(database)?;
    rows.into_iter().map(RecordRow::into_record).collect()
}

pub(super) async fn get(
    conn: &mut Connection,
    context: OrganizationContext,
    id: RunId,
) -> Result<RunRecord, StoreError> {
    let row: Option<RecordRow> = sqlx::query_as(records!("r.id = $1 AND r.organization_id = $2", ""))
        .bind(id.0)
        .bind(context.organization.0)
        .fetch_optional(conn)
        .await
        .map_err(database)?;
    Ok(row.ok_or_else(missing)?.into_record()?.row)
}

fn missing() -> StoreError {
    StoreError::Missing("run".to_owned())
}

/// [`StoreError::Missing`] unless the run is the organization's.
pub(super) async fn must_be_own(
    conn: &mut Connection,
    context: OrganizationContext,
    run: RunId,
) -> Result<(), StoreError> {
    let found: Option<i64> =
        sqlx::query_scalar("SELECT position FROM run WHERE id = $1 AND organization_id = $2")
            .bind(run.0)
            .bind(context.organization.0)
            .fetch_optional(conn)
            .await
            .map_err(database)?;
    found.map(|_| ()).ok_or_else(missing)
}

/// Messages of a run, sent or not.
pub(super) async fn events(
    conn: &mut Connection,
    context: OrganizationContext,
    run: RunId,
    after: u64,
    limit: u32,
) -> Result<Vec<Event>, StoreError> {
    let bodies: Vec<String> = sqlx::query_scalar(
        "SELECT o.body FROM outbox o JOIN run r ON r.id = o.aggregate_id \
         WHERE o.aggregate_id = $1 AND r.organization_id = $2 AND o.seq > $3 ORDER BY o.seq LIMIT $4",
    )
    .bind(run.0)
    .bind(context.organization.0)
    .bind(i64::try_from(after).unwrap_or(i64::MAX))
    .bind(i64::from(limit))
    .fetch_all(&mut *conn)
    .await
    .map_err(database)?;
    if bodies.is_empty() {
        must_be_own(conn, context, run).await?;
    }
    bodies.iter().map(|body| from_json("message", body)).collect()
}

pub(super) async fn trace(
    conn: &mut Connection,
    context: OrganizationContext,
    run: RunId,
    after: &str,
    limit: u32,
) -> Result<Vec<TraceEntry>, StoreError> {
    must_be_own(conn, context, run).await?;
    let rows: Vec<TraceRow> = sqlx::query_as(
        "SELECT t.sort_key, t.generation, t.what, t.variant_id, t.detail \
         FROM trace t JOIN run r ON r.id = t.run_id \
         WHERE t.run_id = $1 AND r.organization_id = $2 AND t.sort_key > $3 ORDER BY t.sort_key LIMIT $4",
    )
    .bind(run.0)
    .bind(context.organization.0)
    .bind(after)
    .bind(i64::from(limit))
    .fetch_all(conn)
    .await
    .map_err(database)?;
    rows.into_iter().map(TraceRow::into_entry).collect()
}

pub(super) async fn variants(
    conn: &mut Connection,
    context: OrganizationContext,
    run: RunId,
    after: (u32, u32),
    state: Option<VariantState>,
    limit: u32,
) -> Result<Vec<Variant>, StoreError> {
    must_be_own(conn, context, run).await?;
    let rows: Vec<VariantRow> = sqlx::query_as(
        "SELECT v.id, v.run_id, v.generation, v.number, v.state, v.final_gate, v.body \
         FROM variant v JOIN run r ON r.id = v.run_id \
         WHERE v.run_id = $1 AND r.organization_id = $2 \
         AND (v.generation > $3 OR (v.generation = $3 AND v.number > $4)) \
         AND ($5 = '' OR v.state = $5) ORDER BY v.generation, v.number LIMIT $6",
    )
    .bind(run.0)
    .bind(context.organization.0)
    .bind(i64::from(after.0))
    .bind(i64::from(after.1))
    .bind(state.map_or("", VariantState::as_str))
    .bind(i64::from(limit))
    .fetch_all(conn)
    .await
    .map_err(database)?;
    rows.into_iter().map(VariantRow::into_variant).collect()
}

/// A variant and its placement in its own generation.
pub(super) async fn variant(
    conn: &mut Connection,
    context: OrganizationContext,
    id: VariantId,
) -> Result<(Variant, Option<Placement>), StoreError> {
    let row: Option<VariantRow> = sqlx::query_as(
        "SELECT v.id, v.run_id, v.generation, v.number, v.state, v.final_gate, v.body \
         FROM variant v JOIN run r ON r.id = v.run_id WHERE v.id = $1 AND r.organization_id = $2",
    )
    .bind(id.0)
    .bind(context.organization.0)
    .fetch_optional(&mut *conn)
    .await
    .map_err(database)?;
    let variant = row.ok_or_else(|| StoreError::Missing("variant".to_owned()))?.into_variant()?;
    let placement = runs::placement_of(conn, &variant).await?;
    Ok((variant, placement))
}
