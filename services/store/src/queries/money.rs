//! The ledger and paid calls.
//!
//! `run.settled_micros` and `run.reserved_micros` are the ledger's sums, kept with it in the same
//! transaction: the budget check is one update of one row, which also serializes reserves of a run.
//! `broken_invariants` compares them with the ledger.
//!
//! An organization may have a budget over all its runs, in one currency. A run is admitted only if it is
//! in that currency and its whole budget fits beside those of the others; at its end it gives back what it
//! did not spend. So the runs of an organization can never spend more together, and none stops halfway
//! because of another.

use spotwright_core::domain::account::{Limit, OrganizationBudget};
use spotwright_core::ports::step_store::{CallEnd, CallState, LedgerEntry, LedgerKind, NewCall, StoreError};
use spotwright_schemas::ids::{CallId, RunId, StepId};
use spotwright_schemas::money::{Currency, Micros};
use uuid::Uuid;

use super::{Connection, LOCK_RUNS};
use crate::convert::{currency, database, from_json, to_json};

/// Writes one movement of a run's money.
pub(super) async fn post(
    conn: &mut Connection,
    run: RunId,
    organization: Uuid,
    entry: &LedgerEntry,
) -> Result<(), StoreError> {
    if entry.amount < Micros::ZERO {
        return Err(StoreError::Contradiction(format!("{}: a negative amount", entry.reference)));
    }
    match entry.kind {
        LedgerKind::Reserve => reserve(conn, run, organization, &entry.reference, entry.amount).await,
        LedgerKind::Settle | LedgerKind::Release => {
            let reserved = reserve_of(conn, run, &entry.reference).await?;
            if entry.kind == LedgerKind::Settle && entry.amount.0 > reserved {
                return Err(mismatch(entry, reserved));
            }
            close(conn, run, organization, entry, reserved).await
        }
    }
}

/// Sets a run's budget aside from what its organization may spend, if that is limited.
///
/// A budget that has no currency yet takes the run's.
pub(super) async fn commit_budget(
    conn: &mut Connection,
    organization: Uuid,
    currency: Currency,
    amount: Micros,
) -> Result<(), StoreError> {
    let covered = sqlx::query(
        "UPDATE organization_budget SET committed_micros = committed_micros + $2, currency = coalesce(currency, $3) \
         WHERE organization_id = $1 AND coalesce(currency, $3) = $3 AND $2 <= cap_micros - committed_micros",
    )
    .bind(organization)
    .bind(amount.0)
    .bind(currency.code())
    .execute(&mut *conn)
    .await
    .map_err(database)?;
    if covered.rows_affected() == 1 {
        return Ok(());
    }
    let Some(budget) = budget_of(conn, organization).await? else { return Ok(()) };
    match budget.currency {
        Some(of_budget) if of_budget != currency => {
            Err(StoreError::Currency { budget: of_budget, run: currency })
        }
        _ => Err(StoreError::Budget { needed: amount, free: budget.free() }),
    }
}

row! {
    struct BudgetRow {
        currency: Option<String>,
        cap_micros: i64,
        committed_micros: i64,
    }
}

/// What an organization may spend; `None` when nothing limits it.
pub(super) async fn budget_of(
    conn: &mut Connection,
    organization: Uuid,
) -> Result<Option<OrganizationBudget>, StoreError> {
    let row: Option<BudgetRow> = sqlx::query_as(
        "SELECT currency, cap_micros, committed_micros FROM organization_budget WHERE organization_id = $1",
    )
    .bind(organization)
    .fetch_optional(conn)
    .await
    .map_err(database)?;
    row.map(|row| {
        Ok(OrganizationBudget {
            currency: row.currency.as_deref().map(currency).transpose()?,
            cap: Micros(row.cap_micros),
            committed: Micros(row.committed_micros),
        })
    })
    .transpose()
}

/// Brings what a finished run commits to what it has settled and reserved. The run's row is locked by
/// the caller.
///
/// What is given back is given back, and what was billed beyond a run's commitment counts, whatever the
/// limit is now. A run in another currency than the budget's was admitted before the budget had it and is
/// not in its sum.
///
/// Two processes that end runs of one organization in opposite orders may wait for each other on
/// PostgreSQL, which then undoes one of them; it is written again.
pub(super) async fn adjust_commitment(conn: &mut Connection, run: RunId) -> Result<(), StoreError> {
    let surplus: Option<(Uuid, Option<String>, i64)> = sqlx::query_as(
        "SELECT organization_id, currency, committed_micros - settled_micros - reserved_micros FROM run \
         WHERE id = $1 AND state = 'finished' AND committed_micros <> settled_micros + reserved_micros",
    )
    .bind(run.0)
    .fetch_optional(&mut *conn)
    .await
    .map_err(database)?;
    let Some((organization, of_run, surplus)) = surplus else { return Ok(()) };
    sqlx::query("UPDATE run SET committed_micros = committed_micros - $2 WHERE id = $1")
        .bind(run.0)
        .bind(surplus)
        .execute(&mut *conn)
        .await
        .map_err(database)?;
    sqlx::query(
        "UPDATE organization_budget SET committed_micros = committed_micros - $2, excess_micros = CASE \
         WHEN committed_micros - $2 > cap_micros AND committed_micros - $2 > excess_micros \
         THEN committed_micros - $2 ELSE excess_micros END \
         WHERE organization_id = $1 AND (currency IS NULL OR coalesce($3, currency) = currency)",
    )
    .bind(organization)
    .bind(surplus)
    .bind(of_run)
    .execute(conn)
    .await
    .map_err(database)?;
    Ok(())
}

/// Takes the limit of an organization away.
pub(super) async fn unlimit_organization(
    conn: &mut Connection,
    organization: Uuid,
) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM organization_budget WHERE organization_id = $1")
        .bind(organization)
        .execute(conn)
        .await
        .map_err(database)?;
    Ok(())
}

/// Limits what an organization may spend over all its runs. Below what its runs have committed the limit
/// holds back every further run until enough of them have ended.
///
/// Without a currency: that of the limit so far, else of the organization's first run, else of the first
/// to come.
pub(super) async fn limit_organization(
    conn: &mut Connection,
    organization: Uuid,
    limit: Limit,
) -> Result<OrganizationBudget, StoreError> {
    // Runs that are made or end meanwhile would not be in the sum.
    if let Some(lock) = LOCK_RUNS {
        sqlx::query(lock).execute(&mut *conn).await.map_err(database)?;
    }
    let known: Option<String> = sqlx::query_scalar(
        "SELECT coalesce((SELECT currency FROM organization_budget WHERE organization_id = $1), \
         (SELECT currency FROM run WHERE organization_id = $1 AND currency IS NOT NULL \
          ORDER BY position LIMIT 1))",
    )
    .bind(organization)
    .fetch_one(&mut *conn)
    .await
    .map_err(database)?;
    let in_force = match limit.currency {
        Some(asked) => Some(asked),
        None => known.as_deref().map(currency).transpose()?,
    };
    let code = in_force.map(Currency::code);
    // Without any currency there is no run that has one.
    let committed: i64 = sqlx::query_scalar(
        "SELECT CAST(coalesce(sum(committed_micros), 0) AS BIGINT) FROM run \
         WHERE organization_id = $1 AND (currency IS NULL OR currency = $2)",
    )
    .bind(organization)
    .bind(code)
    .fetch_one(&mut *conn)
    .await
    .map_err(database)?;
    sqlx::query(
        "INSERT INTO organization_budget (organization_id, currency, cap_micros, committed_micros, excess_micros) \
         VALUES ($1, $2, $3, $4, CASE WHEN $4 > $3 THEN $4 ELSE 0 END) \
         ON CONFLICT (organization_id) DO UPDATE SET currency = excluded.currency, \
         cap_micros = excluded.cap_micros, committed_micros = excluded.committed_micros, \
         excess_micros = excluded.excess_micros",
    )
    .bind(organization)
    .bind(code)
    .bind(limit.cap.0)
    .bind(committed)
    .execute(conn)
    .await
    .map_err(database)?;
    Ok(OrganizationBudget { currency: in_force, cap: limit.cap, committed: Micros(committed) })
}

async fn reserve(
    conn: &mut Connection,
    run: RunId,
    organization: Uuid,
    reference: &str,
    amount: Micros,
) -> Result<(), StoreError> {
    if reference.ends_with(":settle") || reference.ends_with(":release") {
        return Err(StoreError::Contradiction(format!(
            "{reference}: this ending is taken by the closing entry"
        )));
    }
    let covered = sqlx::query(
        "UPDATE run SET reserved_micros = reserved_micros + $2 \
         WHERE id = $1 AND $2 <= budget_micros - settled_micros - reserved_micros",
    )
    .bind(run.0)
    .bind(amount.0)
    .execute(&mut *conn)
    .await
    .map_err(database)?;
    if covered.rows_affected() == 0 {
        let free: Option<i64> = sqlx::query_scalar(
            "SELECT budget_micros - settled_micros - reserved_micros FROM run WHERE id = $1",
        )
        .bind(run.0)
        .fetch_optional(conn)
        .await
        .map_err(database)?;
        let free = free.ok_or_else(|| StoreError::Missing(format!("run {run}")))?;
        return Err(StoreError::Budget { needed: amount, free: Micros(free) });
    }
    insert(conn, run, organization, LedgerKind::Reserve, reference, amount, None).await
}

/// What a reserve holds.
async fn reserve_of(conn: &mut Connection, run: RunId, reference: &str) -> Result<i64, StoreError> {
    let reserved: Option<i64> = sqlx::query_scalar(
        "SELECT amount_micros FROM ledger WHERE ref = $1 AND run_id = $2 AND entry = 'reserve'",
    )
    .bind(reference)
    .bind(run.0)
    .fetch_optional(conn)
    .await
    .map_err(database)?;
    reserved.ok_or_else(|| StoreError::Missing(format!("reserve {reference}")))
}

fn mismatch(entry: &LedgerEntry, reserved: i64) -> StoreError {
    StoreError::Contradiction(format!(
        "{}: {} of {} micros, {reserved} are reserved",
        entry.reference,
        entry.kind.as_str(),
        entry.amount.0
    ))
}

/// What of a call's end is settled: what it says, above its reserve as far as the free budget goes.
async fn covered(
    conn: &mut Connection,
    run: RunId,
    reserved: i64,
    end: &CallEnd,
) -> Result<Micros, StoreError> {
    if end.settled.0 <= reserved {
        return Ok(end.settled);
    }
    let free: Option<i64> =
        sqlx::query_scalar("SELECT budget_micros - settled_micros - reserved_micros FROM run WHERE id = $1")
            .bind(run.0)
            .fetch_optional(conn)
            .await
            .map_err(database)?;
    let free = free.ok_or_else(|| StoreError::Missing(format!("run {run}")))?;
    let settled = end.settled.0.min(reserved.saturating_add(free));
    tracing::warn!(
        run.id = %run,
        call.id = %end.id,
        billed_micros = end.settled.0,
        reserved_micros = reserved,
        settled_micros = settled,
        "a provider billed more than was reserved for the call"
    );
    Ok(Micros(settled))
}

async fn close(
    conn: &mut Connection,
    run: RunId,
    organization: Uuid,
    entry: &LedgerEntry,
    reserved: i64,
) -> Result<(), StoreError> {
    let settled = match entry.kind {
        LedgerKind::Settle => entry.amount.0,
        LedgerKind::Release if entry.amount.0 == reserved => 0,
        LedgerKind::Release | LedgerKind::Reserve => return Err(mismatch(entry, reserved)),
    };
    let child = format!("{}:{}", entry.reference, entry.kind.as_str());
    insert(conn, run, organization, entry.kind, &child, entry.amount, Some(&entry.reference)).await?;
    sqlx::query(
        "UPDATE run SET reserved_micros = reserved_micros - $2, settled_micros = settled_micros + $3 WHERE id = $1",
    )
    .bind(run.0)
    .bind(reserved)
    .bind(settled)
    .execute(conn)
    .await
    .map_err(database)?;
    Ok(())
}

async fn insert(
    conn: &mut Connection,
    run: RunId,
    organization: Uuid,
    kind: LedgerKind,
    reference: &str,
    amount: Micros,
    closes: Option<&str>,
) -> Result<(), StoreError> {
    let written = sqlx::query(concat!(
        "INSERT INTO ledger (organization_id, run_id, entry, amount_micros, ref, closes, at) \
         VALUES ($1, $2, $3, $4, $5, $6, ",
        now_of!("$1"),
        ") ON CONFLICT DO NOTHING"
    ))
    .bind(organization)
    .bind(run.0)
    .bind(kind.as_str())
    .bind(amount.0)
    .bind(reference)
    .bind(closes)
    .execute(conn)
    .await
    .map_err(database)?;
    if written.rows_affected() == 1 {
        return Ok(());
    }
    Err(StoreError::Contradiction(closes.map_or_else(
        || format!("reserve {reference} was opened before"),
        |reserve| format!("reserve {reserve} was closed before"),
    )))
}

row! {
    struct CallRow {
        id: Uuid,
        step_id: Uuid,
        provider: String,
        idem_key: String,
        state: String,
        opened: i64,
        settled_micros: Option<i64>,
        result: Option<String>,
    }
}

/// Records the intent of a call and reserves its money, or tells what an earlier attempt left.
///
/// A call that was released is opened again under a new reserve. The reserve of an interrupted call
/// stands as the earlier attempt made it.
pub(super) async fn begin_call(
    conn: &mut Connection,
    run: Uuid,
    organization: Uuid,
    call: &NewCall,
) -> Result<CallState, StoreError> {
    if call.reserve < Micros::ZERO {
        return Err(StoreError::Contradiction(format!("call {} reserves a negative amount", call.id)));
    }
    // Before the call is looked at: somebody who was stopped in the middle of opening it may open it yet.
    let goes_on = goes_on(conn, run).await?;
    let known: Option<CallRow> = sqlx::query_as(
        "SELECT id, step_id, provider, idem_key, state, opened, settled_micros, result FROM ext_call \
         WHERE id = $1 OR idem_key = $2 ORDER BY CASE WHEN id = $1 THEN 0 ELSE 1 END LIMIT 1",
    )
    .bind(call.id.0)
    .bind(&call.idempotency_key)
    .fetch_optional(&mut *conn)
    .await
    .map_err(database)?;
    let Some(known) = known else {
        if !goes_on {
            return Err(StoreError::Ended);
        }
        open_call(conn, run, organization, call, 1).await?;
        return Ok(CallState::Fresh);
    };
    let same = known.id == call.id.0
        && known.step_id == call.step.0
        && known.provider == call.provider
        && known.idem_key == call.idempotency_key;
    if !same {
        return Err(StoreError::Contradiction(format!(
            "call {} or its idempotency key exists for something else",
            call.id
        )));
    }
    match known.state.as_str() {
        "done" => Ok(CallState::Done {
            result: from_json("call result", known.result.as_deref().unwrap_or("null"))?,
            settled: Micros(known.settled_micros.unwrap_or_default()),
        }),
        "released" => {
            if !goes_on {
                return Err(StoreError::Ended);
            }
            open_call(conn, run, organization, call, known.opened + 1).await?;
            Ok(CallState::Fresh)
        }
        "unknown" => Ok(CallState::Unknown),
        _ => Ok(CallState::Interrupted),
    }
}

/// Whether the run neither has ended nor is being ended. Its row is locked, so that neither can become
/// true, and nobody else opens a call of the run, before this transaction ends.
async fn goes_on(conn: &mut Connection, run: Uuid) -> Result<bool, StoreError> {
    let going: Option<i64> = sqlx::query_scalar(
        "UPDATE run SET reserved_micros = reserved_micros WHERE id = $1 \
         RETURNING CAST(CASE WHEN cancelling = 0 AND state <> 'finished' THEN 1 ELSE 0 END AS BIGINT)",
    )
    .bind(run)
    .fetch_optional(conn)
    .await
    .map_err(database)?;
    Ok(going == Some(1))
}

async fn open_call(
    conn: &mut Connection,
    run: Uuid,
    organization: Uuid,
    call: &NewCall,
    opened: i64,
) -> Result<(), StoreError> {
    let reference = format!("call:{}:{opened}", call.id);
    reserve(conn, RunId(run), organization, &reference, call.reserve).await?;
    adjust_commitment(conn, RunId(run)).await?;
    sqlx::query(
        "INSERT INTO ext_call (id, step_id, run_id, provider, idem_key, state, reserve_ref, opened, reserved_micros) \
         VALUES ($1, $2, $3, $4, $5, 'intent', $6, $7, $8) \
         ON CONFLICT (id) DO UPDATE SET state = 'intent', reserve_ref = excluded.reserve_ref, \
         opened = excluded.opened, reserved_micros = excluded.reserved_micros, settled_micros = NULL",
    )
    .bind(call.id.0)
    .bind(call.step.0)
    .bind(run)
    .bind(&call.provider)
    .bind(&call.idempotency_key)
    .bind(reference)
    .bind(opened)
    .bind(call.reserve.0)
    .execute(conn)
    .await
    .map_err(database)?;
    Ok(())
}

/// Ends the calls that a step has left open. Nobody can tell any more whether they were charged, so
/// their reserves count as spent.
pub(super) async fn end_open_calls(
    conn: &mut Connection,
    run: RunId,
    organization: Uuid,
    step: StepId,
) -> Result<(), StoreError> {
    let open: Vec<(Uuid, i64)> = sqlx::query_as(
        "SELECT id, reserved_micros FROM ext_call WHERE step_id = $1 AND settled_micros IS NULL ORDER BY id",
    )
    .bind(step.0)
    .fetch_all(&mut *conn)
    .await
    .map_err(database)?;
    for (id, reserved) in open {
        let end = CallEnd { id: CallId(id), result: None, settled: Micros(reserved) };
        end_call(conn, run, organization, &end).await?;
    }
    Ok(())
}

/// Ends an open call of the run and closes its reserve, or keeps the late answer of one that counts as spent.
pub(super) async fn end_call(
    conn: &mut Connection,
    run: RunId,
    organization: Uuid,
    end: &CallEnd,
) -> Result<(), StoreError> {
    let known: Option<(Option<i64>, String, String, i64)> = sqlx::query_as(
        "SELECT settled_micros, state, reserve_ref, reserved_micros FROM ext_call WHERE id = $1 AND run_id = $2",
    )
    .bind(end.id.0)
    .bind(run.0)
    .fetch_optional(&mut *conn)
    .await
    .map_err(database)?;
    let (settled, was, reference, reserved) =
        known.ok_or_else(|| StoreError::Missing(format!("call {}", end.id)))?;
    match (settled, &end.result) {
        (None, _) => {}
        (Some(_), Some(result)) if was == "unknown" => return keep_late_answer(conn, end.id, result).await,
        (Some(_), _) => {
            return Err(StoreError::Contradiction(format!("call {} has ended before", end.id)));
        }
    }
    let billed = covered(conn, run, reserved, end).await?;
    let (state, kind, amount) = match &end.result {
        Some(_) => ("done", LedgerKind::Settle, billed),
        None if billed == Micros::ZERO => ("released", LedgerKind::Release, Micros(reserved)),
        None => ("unknown", LedgerKind::Settle, billed),
    };
    sqlx::query("UPDATE ext_call SET state = $2, settled_micros = $3, result = $4 WHERE id = $1")
        .bind(end.id.0)
        .bind(state)
        .bind(billed.0)
        .bind(end.result.as_ref().map(to_json).transpose()?)
        .execute(&mut *conn)
        .await
        .map_err(database)?;
    let entry = LedgerEntry { kind, reference, amount };
    if entry.amount < Micros::ZERO {
        return Err(StoreError::Contradiction(format!("{}: a negative amount", entry.reference)));
    }
    close(conn, run, organization, &entry, reserved).await
}

/// The reserve of the call is closed, so the money stays as it was counted.
async fn keep_late_answer(
    conn: &mut Connection,
    id: CallId,
    result: &serde_json::Value,
) -> Result<(), StoreError> {
    sqlx::query("UPDATE ext_call SET state = 'done', result = $2 WHERE id = $1")
        .bind(id.0)
        .bind(to_json(result)?)
        .execute(conn)
        .await
        .map_err(database)?;
    Ok(())
}
