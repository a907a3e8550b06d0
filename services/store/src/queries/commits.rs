//! Writing everything that one decision changes.

use std::time::Duration;

use spotwright_core::ports::step_store::{Commit, StoreError};
use spotwright_schemas::ids::RunId;

use super::{Connection, campaigns, messages, money, observations, runs, steps};

/// Writes a commit of a run that is at `expected_version`, and moves the run to the next version.
///
/// The run's row comes first: it refuses a decision made on another version before anything else
/// is written, and its lock puts commits of one run in a row. Must run inside a transaction that
/// is rolled back on an error.
pub(super) async fn write(
    conn: &mut Connection,
    run: RunId,
    expected_version: i64,
    commit: &Commit,
) -> Result<(), StoreError> {
    let touched = runs::touch(conn, run, expected_version, commit).await?;
    let organization = touched.organization;
    if commit.cancel_waiting_steps {
        steps::cancel_waiting(conn, run).await?;
    }
    if commit.only_when_idle && steps::not_ended(conn, run).await? > 0 {
        return Err(StoreError::Busy);
    }
    runs::put_variants(conn, run, &commit.variants).await?;
    for placement in &commit.placements {
        runs::insert_placement(conn, run, placement).await?;
    }
    for (placement, delivery) in &commit.deliveries {
        runs::put_delivery(conn, run, *placement, delivery).await?;
    }
    for placement in &commit.observed {
        runs::mark_observed(conn, run, *placement).await?;
        observations::simulated(conn, run, organization, *placement).await?;
    }
    for placement in &commit.ended {
        runs::end_placement(conn, run, *placement).await?;
    }
    for change in &commit.holds {
        campaigns::hold(conn, run, change).await?;
    }
    if let Some((generation, report)) = &commit.played {
        campaigns::played(conn, run, *generation, report).await?;
    }
    for step in &commit.steps {
        steps::create(conn, run, &touched, step, Duration::ZERO).await?;
    }
    for later in &commit.later {
        steps::create(conn, run, &touched, &later.step, later.delay).await?;
    }
    // Closing comes before opening, so that money given back by this commit can be reserved in it.
    for end in &commit.calls {
        money::end_call(conn, run, organization, end).await?;
    }
    for entry in &commit.ledger {
        money::post(conn, run, organization, entry).await?;
    }
    let moves_money = commit.run.is_some() || !commit.calls.is_empty() || !commit.ledger.is_empty();
    if touched.finished && moves_money {
        money::adjust_commitment(conn, run).await?;
    }
    messages::insert_all(conn, run, organization, touched.messages, &commit.messages).await?;
    runs::insert_trace(conn, run, &commit.trace).await
}
