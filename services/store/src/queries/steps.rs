//! Creating, claiming and ending steps.

use std::time::Duration;

use spotwright_core::domain::topology::StepKind;
use spotwright_core::ports::step_store::{
    ClaimedStep, MAX_ERRORS, MAX_PROGRESS_BYTES, NewStep, StepEnd, StoreError,
};
use spotwright_schemas::ids::{OrganizationId, RunId, StepId};
use uuid::Uuid;

use super::Connection;
use super::runs::Touched;
use crate::convert::{database, from_json, micros, stored, to_json, unsigned};

/// The columns of a claimed step, in the order of `ClaimedRow`.
macro_rules! claimed_columns {
    () => {
        "id, run_id, organization_id, kind, key, input, fence, attempts, max_attempts, errors, waits, progress, \
         turn, position"
    };
}

/// The next ready steps of the kind in parameter `$n`. Reads `step_turn` from its beginning, so its
/// cost does not depend on the backlog.
macro_rules! ready_of_kind {
    ($n:literal) => {
        concat!(
            " UNION ALL SELECT * FROM (SELECT position, turn FROM step WHERE kind = $",
            $n,
            " AND state = 'ready' ORDER BY turn, position LIMIT $12 ",
            skip_locked!(),
            ") AS ready",
            $n
        )
    };
}

/// The turn of a new step of kind `$4` of the organization `$2`: after the organization's own steps
/// that wait, and not before the first step that waits at all. So organizations with equally many
/// steps waiting are served alternately, and a newcomer does not wait for another's backlog. The turns
/// of a deep backlog, more than 32 turns, stand 4 apart, so that whoever has little waiting beside it
/// gets four turns of five and the backlog still moves.
///
/// This is start-time fair queueing (Goyal, Vin, Cheng 1996) with the least waiting turn as the
/// virtual time. Two transactions may give the same turn, which only makes neighbors equal.
macro_rules! new_turn {
    () => {
        larger!(
            "coalesce((SELECT max(turn) + CASE WHEN max(turn) - (SELECT min(turn) FROM step \
             WHERE kind = $4 AND state = 'ready') > 32 THEN 4 ELSE 1 END \
             FROM step WHERE kind = $4 AND organization_id = $2 AND state = 'ready'), 0)",
            "coalesce((SELECT min(turn) FROM step WHERE kind = $4 AND state = 'ready'), 0)"
        )
    };
}

/// Whether a step that is put back is held: its run is paused and goes on, for the work that is left of one
/// that ends is not held back.
macro_rules! held_with_its_run {
    () => {
        "(SELECT CASE WHEN run.paused = 1 AND run.cancelling = 0 AND run.state <> 'finished' THEN 1 ELSE 0 END \
         FROM run WHERE run.id = step.run_id)"
    };
}

/// Paid calls that a step has open.
macro_rules! open_calls {
    () => {
        "(SELECT count(*) FROM ext_call c WHERE c.step_id = step.id AND c.settled_micros IS NULL)"
    };
}

row! {
    struct ClaimedRow {
        id: Uuid,
        run_id: Uuid,
        organization_id: Uuid,
        kind: String,
        key: String,
        input: String,
        fence: i64,
        attempts: i64,
        max_attempts: i64,
        errors: i64,
        waits: i64,
        progress: Option<String>,
        turn: i64,
        position: i64,
    }
}

impl ClaimedRow {
    fn into_step(self) -> Result<ClaimedStep, StoreError> {
        let kind = StepKind::parse(&self.kind)
            .ok_or_else(|| StoreError::Format(format!("step kind {:?} is not known", self.kind)))?;
        Ok(ClaimedStep {
            id: StepId(self.id),
            run: RunId(self.run_id),
            organization: OrganizationId(self.organization_id),
            kind,
            key: self.key,
            input: from_json("step input", &self.input)?,
            fence: self.fence,
            attempts: unsigned("attempts", self.attempts)?,
            max_attempts: unsigned("max attempts", self.max_attempts)?,
            errors: unsigned("errors", self.errors)?,
            waits: unsigned("waits", self.waits)?,
            progress: self.progress.as_deref().map(|text| from_json("step progress", text)).transpose()?,
        })
    }
}

/// The steps of `rows` in the order of their turns: `RETURNING` promises no order.
fn in_order(mut rows: Vec<ClaimedRow>) -> Result<Vec<ClaimedStep>, StoreError> {
    rows.sort_by_key(|row| (row.turn, row.position));
    rows.into_iter().map(ClaimedRow::into_step).collect()
}

/// Creates a step, or finds that it exists with the same input. The step of a paused run is held, and one
/// with a delay waits for so long.
pub(super) async fn create(
    conn: &mut Connection,
    run: RunId,
    touched: &Touched,
    step: &NewStep,
    delay: Duration,
) -> Result<(), StoreError> {
    let kind = step.kind.as_str();
    let id = StepId::child_of(run.0, &format!("{kind}/{}", step.key), 0);
    let written = sqlx::query(concat!(
        "INSERT INTO step (id, organization_id, run_id, kind, key, state, held, run_at, max_attempts, input, turn) \
         VALUES ($1, $2, $3, $4, $5, CASE WHEN $8 = 1 OR $9 > 0 THEN 'waiting' ELSE 'ready' END, $8, ",
        now!(),
        " + $9, $6, $7, ",
        new_turn!(),
        ") ON CONFLICT DO NOTHING"
    ))
    .bind(id.0)
    .bind(touched.organization)
    .bind(run.0)
    .bind(kind)
    .bind(&step.key)
    .bind(i64::from(crate::MAX_ATTEMPTS))
    .bind(to_json(&step.input)?)
    .bind(touched.paused)
    .bind(micros(delay))
    .execute(&mut *conn)
    .await
    .map_err(database)?;
    if written.rows_affected() == 1 {
        return Ok(());
    }
    let stored: String =
        sqlx::query_scalar("SELECT input FROM step WHERE run_id = $1 AND kind = $2 AND key = $3")
            .bind(run.0)
            .bind(kind)
            .bind(&step.key)
            .fetch_one(conn)
            .await
            .map_err(database)?;
    if from_json::<serde_json::Value>("step input", &stored)? == step.input {
        return Ok(());
    }
    Err(StoreError::Contradiction(format!("step {kind}/{} exists with another input", step.key)))
}

/// Claims up to `limit` due steps by turn: ready ones, those whose wait is over, and running ones whose
/// lease is over.
pub(super) async fn claim(
    conn: &mut Connection,
    kinds: &[StepKind],
    lease: Duration,
    limit: usize,
) -> Result<Vec<ClaimedStep>, StoreError> {
    // One parameter for each kind there is; those not asked for stay empty and match nothing.
    let mut names = [""; StepKind::ALL.len()];
    for (name, kind) in names.iter_mut().zip(StepKind::ALL) {
        if kinds.contains(&kind) {
            *name = kind.as_str();
        }
    }
    let mut query = sqlx::query_as(concat!(
        "UPDATE step SET state = 'running', lease_until = ",
        now!(),
        " + $11, fence = fence + 1, attempts = attempts + 1 WHERE position IN (SELECT position FROM (",
        "SELECT * FROM (SELECT position, turn FROM step WHERE state = 'running' AND lease_until < ",
        now!(),
        " AND attempts < max_attempts AND kind IN ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) LIMIT $12 ",
        skip_locked!(),
        ") AS expired UNION ALL SELECT * FROM (SELECT position, turn FROM step WHERE state = 'waiting' AND run_at <= ",
        now!(),
        " AND held = 0 AND kind IN ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ORDER BY run_at LIMIT $12 ",
        skip_locked!(),
        ") AS waited",
        ready_of_kind!(1),
        ready_of_kind!(2),
        ready_of_kind!(3),
        ready_of_kind!(4),
        ready_of_kind!(5),
        ready_of_kind!(6),
        ready_of_kind!(7),
        ready_of_kind!(8),
        ready_of_kind!(9),
        ready_of_kind!(10),
        ") AS due ORDER BY turn, position LIMIT $12) RETURNING ",
        claimed_columns!()
    ));
    for name in names {
        query = query.bind(name);
    }
    let rows: Vec<ClaimedRow> = query
        .bind(micros(lease))
        .bind(stored("the limit", limit)?)
        .fetch_all(conn)
        .await
        .map_err(database)?;
    in_order(rows)
}

pub(super) async fn renew(
    conn: &mut Connection,
    id: StepId,
    fence: i64,
    lease: Duration,
) -> Result<(), StoreError> {
    let written = sqlx::query(concat!(
        "UPDATE step SET lease_until = ",
        now!(),
        " + $3 WHERE id = $1 AND fence = $2 AND state = 'running'"
    ))
    .bind(id.0)
    .bind(fence)
    .bind(micros(lease))
    .execute(conn)
    .await
    .map_err(database)?;
    if written.rows_affected() == 1 { Ok(()) } else { Err(StoreError::Stale) }
}

/// [`StoreError::Stale`] unless this is the newest claim of a running step; its run otherwise.
pub(super) async fn check_claim(
    conn: &mut Connection,
    id: StepId,
    fence: i64,
) -> Result<(Uuid, Uuid), StoreError> {
    let found: Option<(Uuid, Uuid)> = sqlx::query_as(
        "SELECT run_id, organization_id FROM step WHERE id = $1 AND fence = $2 AND state = 'running'",
    )
    .bind(id.0)
    .bind(fence)
    .fetch_optional(conn)
    .await
    .map_err(database)?;
    found.ok_or(StoreError::Stale)
}

/// Ends a claim; answers the step's run and how many of its paid calls are open.
pub(super) async fn end(
    conn: &mut Connection,
    id: StepId,
    fence: i64,
    end: &StepEnd,
) -> Result<(RunId, i64), StoreError> {
    let query = match end {
        StepEnd::Done(result) => sqlx::query_as(concat!(
            "UPDATE step SET state = 'done', lease_until = NULL, result = $3, error = NULL, closed = 1 \
             WHERE id = $1 AND fence = $2 AND state = 'running' RETURNING run_id, ",
            open_calls!(),
        ))
        .bind(id.0)
        .bind(fence)
        .bind(to_json(result)?),
        StepEnd::Failed(error) => sqlx::query_as(concat!(
            "UPDATE step SET state = CASE WHEN state = 'dead' THEN 'dead' ELSE 'failed' END, \
             lease_until = NULL, error = $3, closed = 1 WHERE id = $1 AND fence = $2 \
             AND (state = 'running' OR (state = 'dead' AND closed = 0)) RETURNING run_id, ",
            open_calls!(),
        ))
        .bind(id.0)
        .bind(fence)
        .bind(error.clone()),
        StepEnd::Retry { delay, error } => sqlx::query_as(concat!(
            "UPDATE step SET state = 'waiting', lease_until = NULL, error = $3, errors = errors + 1, held = ",
            held_with_its_run!(),
            ", run_at = ",
            now!(),
            " + $4 WHERE id = $1 AND fence = $2 AND state = 'running' AND attempts < max_attempts \
             AND errors + 1 < $5 RETURNING run_id, ",
            open_calls!(),
        ))
        .bind(id.0)
        .bind(fence)
        .bind(error.clone())
        .bind(micros(*delay))
        .bind(i64::from(MAX_ERRORS)),
        // It gets a new turn, behind the first that is ready: whoever looks again and again would else keep
        // its place before all that came later.
        StepEnd::Waiting { delay, progress } => sqlx::query_as(concat!(
            "UPDATE step SET state = 'waiting', lease_until = NULL, error = NULL, progress = $3, \
             waits = waits + 1, attempts = attempts - 1, held = ",
            held_with_its_run!(),
            ", turn = coalesce((SELECT min(r.turn) + 1 FROM step r WHERE r.kind = step.kind \
             AND r.state = 'ready'), 0), run_at = ",
            now!(),
            " + $4 WHERE id = $1 AND fence = $2 AND state = 'running' RETURNING run_id, ",
            open_calls!(),
        ))
        .bind(id.0)
        .bind(fence)
        .bind(progress_text(progress)?)
        .bind(micros(*delay)),
    };
    let ended: Option<(Uuid, i64)> = query.fetch_optional(&mut *conn).await.map_err(database)?;
    if let Some((run, open_calls)) = ended {
        return Ok((RunId(run), open_calls));
    }
    check_claim(conn, id, fence).await?;
    Err(StoreError::Contradiction(format!("step {id} may not be tried again; it can only be done or failed")))
}

fn progress_text(progress: &serde_json::Value) -> Result<String, StoreError> {
    let text = to_json(progress)?;
    if text.len() <= MAX_PROGRESS_BYTES {
        return Ok(text);
    }
    Err(StoreError::Contradiction(format!(
        "a progress of {} bytes; there is room for {MAX_PROGRESS_BYTES}",
        text.len()
    )))
}

/// Makes every running step ready again and gives the lost attempt back.
pub(super) async fn recover(conn: &mut Connection) -> Result<u64, StoreError> {
    let recovered = sqlx::query(
        "UPDATE step SET state = 'ready', lease_until = NULL, attempts = attempts - 1 WHERE state = 'running'",
    )
    .execute(conn)
    .await
    .map_err(database)?;
    Ok(recovered.rows_affected())
}

/// Holds the waiting steps of a run back, or lets them go on in their turn. What is left of a run that ends
/// is not held back.
pub(super) async fn hold(conn: &mut Connection, run: RunId, paused: bool) -> Result<(), StoreError> {
    let found = sqlx::query("UPDATE run SET paused = $2 WHERE id = $1")
        .bind(run.0)
        .bind(i64::from(paused))
        .execute(&mut *conn)
        .await
        .map_err(database)?;
    if found.rows_affected() == 0 {
        return Err(StoreError::Missing(format!("run {run}")));
    }
    let statement = if paused {
        "UPDATE step SET state = 'waiting', held = 1 WHERE run_id = $1 AND state IN ('ready', 'waiting') \
         AND EXISTS (SELECT 1 FROM run WHERE id = $1 AND cancelling = 0 AND state <> 'finished')"
    } else {
        "UPDATE step SET held = 0 WHERE run_id = $1 AND held = 1"
    };
    sqlx::query(statement).bind(run.0).execute(conn).await.map_err(database)?;
    Ok(())
}

/// How many steps of each kind wait; reads `step_waiting`.
pub(super) async fn waiting_by_kind(conn: &mut Connection) -> Result<Vec<(StepKind, u64)>, StoreError> {
    let rows: Vec<(String, i64)> =
        sqlx::query_as("SELECT kind, count(*) FROM step WHERE state = 'waiting' GROUP BY kind ORDER BY kind")
            .fetch_all(conn)
            .await
            .map_err(database)?;
    rows.into_iter()
        .map(|(kind, count)| {
            let unknown = || StoreError::Format(format!("there is no kind of step `{kind}`"));
            Ok((StepKind::parse(&kind).ok_or_else(unknown)?, unsigned("a count", count)?))
        })
        .collect()
}

/// Ends the steps of a run that nobody works on. Those under way end as always, and the workflow
/// knows that the run is over. So do those that an attempt has left with an open paid call: the next
/// attempt learns what became of it, or calls it off, which nobody could any more after its end. They
/// neither wait nor are held back any longer.
pub(super) async fn cancel_waiting(conn: &mut Connection, run: RunId) -> Result<(), StoreError> {
    for statement in [
        "UPDATE step SET state = 'cancelled', held = 0, closed = 1 \
         WHERE run_id = $1 AND state IN ('ready', 'waiting') AND NOT EXISTS \
         (SELECT 1 FROM ext_call c WHERE c.step_id = step.id AND c.settled_micros IS NULL)",
        concat!(
            "UPDATE step SET held = 0, run_at = ",
            now!(),
            " WHERE run_id = $1 AND state = 'waiting' AND (held = 1 OR run_at > ",
            now!(),
            ")"
        ),
    ] {
        sqlx::query(statement).bind(run.0).execute(&mut *conn).await.map_err(database)?;
    }
    Ok(())
}

/// Lets the waiting step of an open paid call be claimed at once; reads `ext_call_by_run`.
pub(super) async fn wake(
    conn: &mut Connection,
    run: RunId,
    idempotency_key: &str,
) -> Result<bool, StoreError> {
    let woken = sqlx::query(concat!(
        "UPDATE step SET run_at = ",
        now!(),
        " WHERE run_id = $1 AND state = 'waiting' AND held = 0 AND run_at > ",
        now!(),
        " AND id IN (SELECT c.step_id FROM ext_call c WHERE c.run_id = $1 AND c.idem_key = $2 \
         AND c.settled_micros IS NULL)",
    ))
    .bind(run.0)
    .bind(idempotency_key)
    .execute(conn)
    .await
    .map_err(database)?;
    Ok(woken.rows_affected() > 0)
}

/// Steps of a run that are not ended.
pub(super) async fn not_ended(conn: &mut Connection, run: RunId) -> Result<i64, StoreError> {
    sqlx::query_scalar(
        "SELECT count(*) FROM step WHERE run_id = $1 \
         AND (state IN ('ready', 'running', 'waiting') OR (state = 'dead' AND closed = 0))",
    )
    .bind(run.0)
    .fetch_one(conn)
    .await
    .map_err(database)
}

/// Whether there is anything for [`bury`]; reads `step_running` and `step_buried` only.
pub(super) async fn any_to_bury(conn: &mut Connection) -> Result<bool, StoreError> {
    let found: i64 = sqlx::query_scalar(concat!(
        "SELECT CAST(CASE WHEN EXISTS (SELECT 1 FROM step WHERE state = 'dead' AND closed = 0) \
         OR EXISTS (SELECT 1 FROM step WHERE state = 'running' AND lease_until < ",
        now!(),
        " AND attempts >= max_attempts) THEN 1 ELSE 0 END AS BIGINT)"
    ))
    .fetch_one(conn)
    .await
    .map_err(database)?;
    Ok(found != 0)
}

/// Moves expired steps without attempts left to `dead` under a new fence, and returns every dead
/// step that the workflow has not ended yet, oldest first.
pub(super) async fn bury(conn: &mut Connection) -> Result<Vec<ClaimedStep>, StoreError> {
    sqlx::query(concat!(
        "UPDATE step SET state = 'dead', lease_until = NULL, fence = fence + 1, \
         error = 'its last attempt did not end within the lease' \
         WHERE state = 'running' AND lease_until < ",
        now!(),
        " AND attempts >= max_attempts"
    ))
    .execute(&mut *conn)
    .await
    .map_err(database)?;
    let rows: Vec<ClaimedRow> = sqlx::query_as(concat!(
        "SELECT ",
        claimed_columns!(),
        " FROM step WHERE state = 'dead' AND closed = 0 ORDER BY position"
    ))
    .fetch_all(conn)
    .await
    .map_err(database)?;
    in_order(rows)
}

/// Steps of a run that are not ended plus its messages that are not sent. Reads by the unique keys
/// that begin with the run.
pub(super) async fn open_work(conn: &mut Connection, run: RunId) -> Result<u64, StoreError> {
    let open: Option<i64> = sqlx::query_scalar(
        "SELECT (SELECT count(*) FROM step s WHERE s.run_id = r.id \
         AND (s.state IN ('ready', 'running', 'waiting') OR (s.state = 'dead' AND s.closed = 0))) \
         + (SELECT count(*) FROM outbox o WHERE o.aggregate_id = r.id AND o.sent_at IS NULL) \
         FROM run r WHERE r.id = $1",
    )
    .bind(run.0)
    .fetch_optional(conn)
    .await
    .map_err(database)?;
    unsigned("open work", open.ok_or_else(|| StoreError::Missing(format!("run {run}")))?)
}
