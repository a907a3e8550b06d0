//! Reading and writing runs, variants, placements and traces.

use std::sync::Arc;

use spotwright_core::domain::run::{Counts, NewRun, RunRequest, RunView};
use spotwright_core::domain::variant::{Placement, Variant};
use spotwright_core::ports::marketplace::CreativeDelivery;
use spotwright_core::ports::step_store::{Commit, StoreError, TraceEntry};
use spotwright_schemas::ids::{OrganizationId, PlacementId, RunId, VariantId};
use spotwright_schemas::money::Micros;
use uuid::Uuid;

use super::{Connection, Db, money};
use crate::convert::{
    database, from_json, from_name, in_powers, stage, stored, to_json, unsigned, variant_state,
};

row! {
    struct RunRow {
        organization_id: Uuid,
        request: String,
        version: i64,
        state: String,
        generation: i64,
        workflow: String,
        messages: i64,
        budget_micros: i64,
        settled_micros: i64,
        reserved_micros: i64,
        paused: i64,
        cancelling: i64,
        working: i64,
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

/// What a commit needs to know of its run.
pub(super) struct Touched {
    /// Whose it is.
    pub(super) organization: Uuid,
    /// Messages written, those of this commit included.
    pub(super) messages: i64,
    /// 1 when its new steps are held back.
    pub(super) paused: i64,
    /// Whether it has ended, by this commit or before.
    pub(super) finished: bool,
}

/// Inserts a run at version 0; [`StoreError::Contradiction`] when it exists, [`StoreError::Budget`] when
/// what its organization may spend does not cover it, [`StoreError::Currency`] when that is in another
/// currency.
pub(super) async fn insert(conn: &mut Connection, run: &NewRun) -> Result<(), StoreError> {
    if run.budget < Micros::ZERO {
        return Err(StoreError::Contradiction(format!("run {} has a negative budget", run.id)));
    }
    let currency = run.request.brief.budget.currency;
    let inserted = sqlx::query(concat!(
        "INSERT INTO run (id, organization_id, request, version, state, generation, workflow, messages, \
         currency, budget_micros, committed_micros, created_at) \
         VALUES ($1, $2, $3, 0, 'requested', 0, 'null', 0, $5, $4, $4, ",
        now_of!("$2"),
        ") ON CONFLICT (id) DO NOTHING"
    ))
    .bind(run.id.0)
    .bind(run.organization.0)
    .bind(to_json(&run.request)?)
    .bind(run.budget.0)
    .bind(currency.code())
    .execute(&mut *conn)
    .await
    .map_err(database)?;
    if inserted.rows_affected() == 0 {
        return Err(StoreError::Contradiction(format!("run {} exists", run.id)));
    }
    money::commit_budget(conn, run.organization.0, currency, run.budget).await
}

/// Moves a run to its next version. Locks the run's row, so commits of one run are serialized.
pub(super) async fn touch(
    conn: &mut Connection,
    run: RunId,
    expected_version: i64,
    commit: &Commit,
) -> Result<Touched, StoreError> {
    let update = commit.run.as_ref();
    let stage = update.map(|update| update.stage.as_str());
    let generation = update.map(|update| i64::from(update.generation));
    let workflow = update.map(|update| to_json(&update.state)).transpose()?;
    let touched: Option<(Uuid, i64, i64, bool)> = sqlx::query_as(
        "UPDATE run SET version = version + 1, messages = messages + $3, state = coalesce($4, state), \
         generation = coalesce($5, generation), workflow = coalesce($6, workflow), \
         cancelling = CASE WHEN $7 = 1 THEN 1 ELSE cancelling END \
         WHERE id = $1 AND version = $2 RETURNING organization_id, messages, paused, \
         state = 'finished'",
    )
    .bind(run.0)
    .bind(expected_version)
    .bind(stored("the number of messages", commit.messages.len())?)
    .bind(stage)
    .bind(generation)
    .bind(workflow)
    .bind(i64::from(commit.cancelling))
    .fetch_optional(&mut *conn)
    .await
    .map_err(database)?;
    if let Some((organization, messages, paused, finished)) = touched {
        return Ok(Touched { organization, messages, paused, finished });
    }
    let exists: Option<i64> = sqlx::query_scalar("SELECT version FROM run WHERE id = $1")
        .bind(run.0)
        .fetch_optional(conn)
        .await
        .map_err(database)?;
    Err(exists.map_or_else(|| StoreError::Missing(format!("run {run}")), |_| StoreError::Conflict))
}

/// Reads a run. One statement, so version, counts and money belong together. Uses
/// `variant_by_state` and `placement_by_generation`.
pub(super) async fn view(
    conn: &mut Connection,
    id: RunId,
    known: Option<Arc<RunRequest>>,
) -> Result<RunView, StoreError> {
    let row: Option<RunRow> = sqlx::query_as(
        "SELECT r.organization_id, CASE WHEN $2 = 1 THEN '' ELSE r.request END AS request, r.version, r.state, r.generation, r.workflow, r.messages, \
         r.budget_micros, r.settled_micros, r.reserved_micros, r.paused, r.cancelling, \
         CASE WHEN r.cancelling = 1 THEN (SELECT count(*) FROM step s WHERE s.run_id = r.id \
          AND (s.state IN ('ready', 'running', 'waiting') OR (s.state = 'dead' AND s.closed = 0))) ELSE 0 END \
         AS working, v.*, p.* FROM run r, \
         (SELECT count(CASE WHEN v.state = 'drafted' THEN 1 END) AS drafted, \
         count(CASE WHEN v.state = 'previewed' THEN 1 END) AS previewed, \
         count(CASE WHEN v.state = 'scored' THEN 1 END) AS scored, \
         count(CASE WHEN v.state = 'selected' THEN 1 END) AS selected, \
         count(CASE WHEN v.state = 'rendered' THEN 1 END) AS rendered, \
         count(CASE WHEN v.state = 'won' THEN 1 END) AS won, \
         count(CASE WHEN v.state = 'rejected' THEN 1 END) AS rejected, \
         count(CASE WHEN v.state = 'failed' THEN 1 END) AS failed, \
         count(CASE WHEN v.state = 'withdrawn' THEN 1 END) AS withdrawn FROM variant v \
          WHERE v.run_id = $1 AND v.generation = (SELECT generation FROM run WHERE id = $1)) AS v, \
         (SELECT count(CASE WHEN p.ended = 0 OR p.delivery IS NOT NULL THEN 1 END) AS placed, \
          count(CASE WHEN p.observed = 1 THEN 1 END) AS observed FROM placement p \
          WHERE p.run_id = $1 AND p.generation = (SELECT generation FROM run WHERE id = $1)) AS p \
         WHERE r.id = $1",
    )
    .bind(id.0)
    .bind(i64::from(known.is_some()))
    .fetch_optional(conn)
    .await
    .map_err(database)?;
    let row = row.ok_or_else(|| StoreError::Missing(format!("run {id}")))?;
    let request = match known {
        Some(request) => request,
        None => Arc::new(from_json("run request", &row.request)?),
    };
    let count = |number| unsigned("count", number);
    Ok(RunView {
        id,
        organization: OrganizationId(row.organization_id),
        request,
        version: row.version,
        stage: stage(&row.state)?,
        generation: unsigned("generation", row.generation)?,
        state: from_json("workflow state", &row.workflow)?,
        messages: count(row.messages)?,
        counts: Counts {
            drafted: count(row.drafted)?,
            previewed: count(row.previewed)?,
            scored: count(row.scored)?,
            selected: count(row.selected)?,
            rendered: count(row.rendered)?,
            won: count(row.won)?,
            rejected: count(row.rejected)?,
            failed: count(row.failed)?,
            withdrawn: count(row.withdrawn)?,
            placed: count(row.placed)?,
            observed: count(row.observed)?,
        },
        settled: Micros(row.settled_micros),
        reserved: Micros(row.reserved_micros),
        budget: Micros(row.budget_micros),
        paused: row.paused != 0,
        cancelling: row.cancelling != 0,
        working: count(row.working)?,
    })
}

/// Ids of all runs in the order of writing.
pub(super) async fn all(conn: &mut Connection) -> Result<Vec<RunId>, StoreError> {
    let ids: Vec<Uuid> =
        sqlx::query_scalar("SELECT id FROM run ORDER BY position").fetch_all(conn).await.map_err(database)?;
    Ok(ids.into_iter().map(RunId).collect())
}

/// Ids of an organization's finished runs, the last written first.
pub(super) async fn finished(
    conn: &mut Connection,
    organization: OrganizationId,
    limit: usize,
) -> Result<Vec<RunId>, StoreError> {
    let ids: Vec<Uuid> = sqlx::query_scalar(
        "SELECT id FROM run WHERE organization_id = $1 AND state = 'finished' \
         ORDER BY position DESC LIMIT $2",
    )
    .bind(organization.0)
    .bind(i64::try_from(limit).unwrap_or(i64::MAX))
    .fetch_all(conn)
    .await
    .map_err(database)?;
    Ok(ids.into_iter().map(RunId).collect())
}

/// [`StoreError::Missing`] unless the run exists, which is certain when there is anything of it.
async fn must_exist(conn: &mut Connection, run: RunId, in_doubt: bool) -> Result<(), StoreError> {
    if !in_doubt {
        return Ok(());
    }
    let found: Option<i64> = sqlx::query_scalar("SELECT position FROM run WHERE id = $1")
        .bind(run.0)
        .fetch_optional(conn)
        .await
        .map_err(database)?;
    found.map(|_| ()).ok_or_else(|| StoreError::Missing(format!("run {run}")))
}

row! {
    pub(super) struct VariantRow {
        id: Uuid,
        run_id: Uuid,
        generation: i64,
        number: i64,
        state: String,
        final_gate: Option<String>,
        body: String,
    }
}

impl VariantRow {
    pub(super) fn into_variant(self) -> Result<Variant, StoreError> {
        let final_gate = match self.final_gate.as_deref() {
            None => None,
            Some("passed") => Some(true),
            Some("failed") => Some(false),
            Some(other) => return Err(StoreError::Format(format!("final gate {other:?} is not known"))),
        };
        Ok(Variant {
            id: VariantId(self.id),
            run: RunId(self.run_id),
            generation: unsigned("generation", self.generation)?,
            number: unsigned("number", self.number)?,
            state: variant_state(&self.state)?,
            final_gate,
            body: from_json("variant", &self.body)?,
        })
    }
}

/// Inserts or replaces variants. Their runs, generations and numbers never change.
pub(super) async fn put_variants(
    conn: &mut Connection,
    run: RunId,
    variants: &[Variant],
) -> Result<(), StoreError> {
    let mut rows = Vec::with_capacity(variants.len());
    for (place, variant) in variants.iter().enumerate() {
        if variant.run != run {
            return Err(StoreError::Contradiction(format!("variant {} belongs to another run", variant.id)));
        }
        // A statement may not write a row twice; what comes last stands.
        if variants[place + 1..].iter().all(|later| later.id != variant.id) {
            rows.push((variant, to_json(&variant.body)?));
        }
    }
    for rows in in_powers(&rows) {
        let mut upsert = sqlx::QueryBuilder::<Db>::new(
            "INSERT INTO variant (id, run_id, generation, number, state, final_gate, body) ",
        );
        upsert.push_values(rows, |mut row, (variant, body)| {
            let gate = variant.final_gate.map(|passed| if passed { "passed" } else { "failed" });
            row.push_bind(variant.id.0)
                .push_bind(run.0)
                .push_bind(i64::from(variant.generation))
                .push_bind(i64::from(variant.number))
                .push_bind(variant.state.as_str())
                .push_bind(gate)
                .push_bind(body);
        });
        upsert.push(
            " ON CONFLICT (id) DO UPDATE SET state = excluded.state, final_gate = excluded.final_gate, \
             body = excluded.body WHERE variant.run_id = excluded.run_id \
             AND variant.generation = excluded.generation AND variant.number = excluded.number",
        );
        let written = upsert.build().execute(&mut *conn).await.map_err(database)?;
        if written.rows_affected() != rows.len() as u64 {
            let ids: Vec<String> = rows.iter().map(|(variant, _)| variant.id.to_string()).collect();
            return Err(StoreError::Contradiction(format!(
                "one of the variants {ids:?} exists in another run, generation or place"
            )));
        }
    }
    Ok(())
}

pub(super) async fn variant(conn: &mut Connection, id: VariantId) -> Result<Variant, StoreError> {
    let row: Option<VariantRow> = sqlx::query_as(
        "SELECT id, run_id, generation, number, state, final_gate, body FROM variant WHERE id = $1",
    )
    .bind(id.0)
    .fetch_optional(conn)
    .await
    .map_err(database)?;
    row.ok_or_else(|| StoreError::Missing(format!("variant {id}")))?.into_variant()
}

pub(super) async fn variants(conn: &mut Connection, run: RunId) -> Result<Vec<Variant>, StoreError> {
    let rows: Vec<VariantRow> = sqlx::query_as(
        "SELECT id, run_id, generation, number, state, final_gate, body FROM variant \
         WHERE run_id = $1 ORDER BY generation, number",
    )
    .bind(run.0)
    .fetch_all(&mut *conn)
    .await
    .map_err(database)?;
    must_exist(conn, run, rows.is_empty()).await?;
    rows.into_iter().map(VariantRow::into_variant).collect()
}

/// The variants of one generation. Uses the key (`run_id`, `generation`, `number`).
pub(super) async fn variants_of(
    conn: &mut Connection,
    run: RunId,
    generation: u32,
) -> Result<Vec<Variant>, StoreError> {
    let rows: Vec<VariantRow> = sqlx::query_as(
        "SELECT id, run_id, generation, number, state, final_gate, body FROM variant \
         WHERE run_id = $1 AND generation = $2 ORDER BY number",
    )
    .bind(run.0)
    .bind(i64::from(generation))
    .fetch_all(&mut *conn)
    .await
    .map_err(database)?;
    must_exist(conn, run, rows.is_empty()).await?;
    rows.into_iter().map(VariantRow::into_variant).collect()
}

/// Whether a run has ended or is being ended.
pub(super) async fn is_ending(conn: &mut Connection, run: RunId) -> Result<bool, StoreError> {
    let ending: Option<i64> = sqlx::query_scalar(
        "SELECT CAST(CASE WHEN cancelling = 1 OR state = 'finished' THEN 1 ELSE 0 END AS BIGINT) \
         FROM run WHERE id = $1",
    )
    .bind(run.0)
    .fetch_optional(conn)
    .await
    .map_err(database)?;
    ending.map(|ending| ending != 0).ok_or_else(|| StoreError::Missing(format!("run {run}")))
}

row! {
    pub(super) struct PlacementRow {
        id: Uuid,
        run_id: Uuid,
        campaign_id: String,
        variant_id: Uuid,
        generation: i64,
        delivery: Option<String>,
        observed: i64,
        ended: i64,
        held: Option<String>,
    }
}

impl PlacementRow {
    pub(super) fn into_placement(self) -> Result<Placement, StoreError> {
        Ok(Placement {
            id: PlacementId(self.id),
            run: RunId(self.run_id),
            campaign: self.campaign_id,
            variant: VariantId(self.variant_id),
            // Below 0 stand campaigns that people made.
            generation: unsigned("generation", self.generation.max(0))?,
            delivery: self.delivery.map(|text| from_json("delivery", &text)).transpose()?,
            observed: self.observed != 0,
            ended: self.ended != 0,
            held: self.held.map(|held| from_name("hold", &held)).transpose()?,
        })
    }
}

/// Inserts a placement; the same one, or another of its variant in its generation, is refused.
pub(super) async fn insert_placement(
    conn: &mut Connection,
    run: RunId,
    placement: &Placement,
) -> Result<(), StoreError> {
    if placement.run != run {
        return Err(StoreError::Contradiction(format!("placement {} belongs to another run", placement.id)));
    }
    let delivery = placement.delivery.as_ref().map(to_json).transpose()?;
    let written = sqlx::query(
        "INSERT INTO placement (id, run_id, campaign_id, variant_id, generation, delivery, observed, ended) \
         SELECT $1, $2, $3, id, $5, $6, $7, $8 FROM variant WHERE id = $4 AND run_id = $2 \
         ON CONFLICT DO NOTHING",
    )
    .bind(placement.id.0)
    .bind(run.0)
    .bind(&placement.campaign)
    .bind(placement.variant.0)
    .bind(i64::from(placement.generation))
    .bind(delivery)
    .bind(i64::from(placement.observed))
    .bind(i64::from(placement.ended))
    .execute(&mut *conn)
    .await
    .map_err(database)?;
    if written.rows_affected() == 1 {
        return Ok(());
    }
    match variant(conn, placement.variant).await {
        Ok(found) if found.run == run => Err(StoreError::Contradiction(format!(
            "variant {} is placed in generation {} already",
            placement.variant, placement.generation
        ))),
        Ok(_) => {
            Err(StoreError::Contradiction(format!("variant {} belongs to another run", placement.variant)))
        }
        Err(error) => Err(error),
    }
}

/// Writes what became of a placement; writing the same again changes nothing.
pub(super) async fn put_delivery(
    conn: &mut Connection,
    run: RunId,
    id: PlacementId,
    delivery: &CreativeDelivery,
) -> Result<(), StoreError> {
    let written = sqlx::query(
        "UPDATE placement SET delivery = $3 \
         WHERE id = $1 AND run_id = $2 AND (delivery IS NULL OR delivery = $3)",
    )
    .bind(id.0)
    .bind(run.0)
    .bind(to_json(delivery)?)
    .execute(&mut *conn)
    .await
    .map_err(database)?;
    if written.rows_affected() == 1 {
        return Ok(());
    }
    placement_of_run(conn, run, id).await?;
    Err(StoreError::Contradiction(format!("placement {id} has another delivery")))
}

pub(super) async fn mark_observed(
    conn: &mut Connection,
    run: RunId,
    id: PlacementId,
) -> Result<(), StoreError> {
    let written = sqlx::query("UPDATE placement SET observed = 1 WHERE id = $1 AND run_id = $2")
        .bind(id.0)
        .bind(run.0)
        .execute(&mut *conn)
        .await
        .map_err(database)?;
    if written.rows_affected() == 1 { Ok(()) } else { placement_of_run(conn, run, id).await }
}

/// Ends a placement; ending one again changes nothing.
pub(super) async fn end_placement(
    conn: &mut Connection,
    run: RunId,
    id: PlacementId,
) -> Result<(), StoreError> {
    let written = sqlx::query("UPDATE placement SET ended = 1 WHERE id = $1 AND run_id = $2")
        .bind(id.0)
        .bind(run.0)
        .execute(&mut *conn)
        .await
        .map_err(database)?;
    if written.rows_affected() == 1 { Ok(()) } else { placement_of_run(conn, run, id).await }
}

async fn placement_of_run(conn: &mut Connection, run: RunId, id: PlacementId) -> Result<(), StoreError> {
    let found: Option<String> =
        sqlx::query_scalar("SELECT campaign_id FROM placement WHERE id = $1 AND run_id = $2")
            .bind(id.0)
            .bind(run.0)
            .fetch_optional(conn)
            .await
            .map_err(database)?;
    found.map(|_| ()).ok_or_else(|| StoreError::Missing(format!("placement {id}")))
}

/// The placements of the run's own campaigns, not of those that people made.
pub(super) async fn placements(conn: &mut Connection, run: RunId) -> Result<Vec<Placement>, StoreError> {
    let rows: Vec<PlacementRow> = sqlx::query_as(
        "SELECT p.id, p.run_id, p.campaign_id, p.variant_id, p.generation, p.delivery, p.observed, p.ended, p.held \
         FROM placement p JOIN variant v ON v.id = p.variant_id \
         WHERE p.run_id = $1 AND p.generation > 0 ORDER BY p.generation, v.generation, v.number",
    )
    .bind(run.0)
    .fetch_all(&mut *conn)
    .await
    .map_err(database)?;
    must_exist(conn, run, rows.is_empty()).await?;
    rows.into_iter().map(PlacementRow::into_placement).collect()
}

/// The placements of one generation. Uses `placement_by_generation`.
pub(super) async fn placements_of(
    conn: &mut Connection,
    run: RunId,
    generation: u32,
) -> Result<Vec<Placement>, StoreError> {
    let rows: Vec<PlacementRow> = sqlx::query_as(
        "SELECT p.id, p.run_id, p.campaign_id, p.variant_id, p.generation, p.delivery, p.observed, p.ended, p.held \
         FROM placement p JOIN variant v ON v.id = p.variant_id \
         WHERE p.run_id = $1 AND p.generation = $2 ORDER BY v.generation, v.number",
    )
    .bind(run.0)
    .bind(i64::from(generation))
    .fetch_all(&mut *conn)
    .await
    .map_err(database)?;
    must_exist(conn, run, rows.is_empty()).await?;
    rows.into_iter().map(PlacementRow::into_placement).collect()
}

/// Adds lines to the trace; their places in the order must be free.
pub(super) async fn insert_trace(
    conn: &mut Connection,
    run: RunId,
    lines: &[TraceEntry],
) -> Result<(), StoreError> {
    let details = lines.iter().map(|line| to_json(&line.detail)).collect::<Result<Vec<_>, _>>()?;
    let rows: Vec<_> = lines.iter().zip(details).collect();
    for rows in in_powers(&rows) {
        let mut insert = sqlx::QueryBuilder::<Db>::new(
            "INSERT INTO trace (run_id, sort_key, generation, what, variant_id, detail) ",
        );
        insert.push_values(rows, |mut row, (line, detail)| {
            row.push_bind(run.0)
                .push_bind(&line.order)
                .push_bind(i64::from(line.generation))
                .push_bind(&line.what)
                .push_bind(line.variant.map(|variant| variant.0))
                .push_bind(detail);
        });
        insert.push(" ON CONFLICT DO NOTHING");
        let written = insert.build().execute(&mut *conn).await.map_err(database)?;
        if written.rows_affected() != rows.len() as u64 {
            let places: Vec<&str> = rows.iter().map(|(line, _)| line.order.as_str()).collect();
            return Err(StoreError::Contradiction(format!("one of the trace lines {places:?} exists")));
        }
    }
    Ok(())
}

/// The placement of a variant in its own generation, if there is one.
pub(super) async fn placement_of(
    conn: &mut Connection,
    variant: &Variant,
) -> Result<Option<Placement>, StoreError> {
    let row: Option<PlacementRow> = sqlx::query_as(
        "SELECT id, run_id, campaign_id, variant_id, generation, delivery, observed, ended, held FROM placement \
         WHERE run_id = $1 AND variant_id = $2 AND generation = $3",
    )
    .bind(variant.run.0)
    .bind(variant.id.0)
    .bind(i64::from(variant.generation))
    .fetch_optional(conn)
    .await
    .map_err(database)?;
    row.map(PlacementRow::into_placement).transpose()
}

row! {
    pub(super) struct TraceRow {
        sort_key: String,
        generation: i64,
        what: String,
        variant_id: Option<Uuid>,
        detail: String,
    }
}

impl TraceRow {
    pub(super) fn into_entry(self) -> Result<TraceEntry, StoreError> {
        Ok(TraceEntry {
            order: self.sort_key,
            generation: unsigned("generation", self.generation)?,
            what: self.what,
            variant: self.variant_id.map(VariantId),
            detail: from_json("trace line", &self.detail)?,
        })
    }
}

pub(super) async fn trace(conn: &mut Connection, run: RunId) -> Result<Vec<TraceEntry>, StoreError> {
    let rows: Vec<TraceRow> = sqlx::query_as(
        "SELECT sort_key, generation, what, variant_id, detail FROM trace WHERE run_id = $1 ORDER BY sort_key",
    )
    .bind(run.0)
    .fetch_all(&mut *conn)
    .await
    .map_err(database)?;
    must_exist(conn, run, rows.is_empty()).await?;
    rows.into_iter().map(TraceRow::into_entry).collect()
}
