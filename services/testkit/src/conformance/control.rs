//! Fairness, pausing and ending of runs: clauses of [`StepStore`] that are run with
//! [`crate::step_store_suite`].

#![expect(
    clippy::missing_panics_doc,
    reason = "each function is a test, it panics when the adapter is wrong"
)]

use std::sync::Arc;

use spotwright_core::domain::topology::StepKind;
use spotwright_core::ports::step_store::{Commit, StepStore, StoreError};
use spotwright_schemas::ids::OrganizationId;

use super::store::{LONG, claim_one, done, run_with_claim, write};
use crate::fixtures;

/// Clause 8: a newcomer's steps do not wait for another organization's backlog.
pub async fn organizations_are_served_in_turns<S: StepStore>(store: Arc<S>) {
    let (large, mut small) = (fixtures::run(1), fixtures::run(2));
    small.organization = OrganizationId::derive(9, "another organization", 0);
    let keys: Vec<String> = (0..200).map(|key| format!("g{key:03}")).collect();
    let backlog: Vec<&str> = keys.iter().map(String::as_str).collect();
    store.create_run(&large, fixtures::steps(StepKind::Plan, &backlog)).await.expect("a run");
    for _ in 0..50 {
        claim_one(&*store, StepKind::Plan, LONG).await.expect("a step");
    }
    store.create_run(&small, fixtures::steps(StepKind::Plan, &backlog[..5])).await.expect("a run");
    let claimed = store.claim(&[StepKind::Plan], LONG, 10).await.expect("claims");
    let of_small: Vec<&str> =
        claimed.iter().filter(|step| step.run == small.id).map(|step| step.key.as_str()).collect();
    assert_eq!(of_small, &backlog[..5], "in turns, and one's own steps oldest first");
    let of_large: Vec<&str> =
        claimed.iter().filter(|step| step.run == large.id).map(|step| step.key.as_str()).collect();
    assert_eq!(of_large, &backlog[50..55]);
}

/// Clause 9: pausing holds waiting and new steps back, not those that are claimed.
pub async fn a_paused_run_waits_until_it_goes_on<S: StepStore>(store: Arc<S>) {
    let run = fixtures::run(1);
    store.create_run(&run, fixtures::steps(StepKind::Plan, &["g1", "g2"])).await.expect("a run");
    let step = claim_one(&*store, StepKind::Plan, LONG).await.expect("a step");
    store.set_paused(run.id, true).await.expect("paused");
    assert!(store.run(run.id).await.expect("a run").paused);
    done(&*store, &step, fixtures::steps(StepKind::Plan, &["g3"])).await.expect("ends as always");
    assert!(claim_one(&*store, StepKind::Plan, LONG).await.is_none());
    assert_eq!(store.open_work(run.id).await.expect("a count"), 2);
    store.set_paused(run.id, false).await.expect("goes on");
    assert!(!store.run(run.id).await.expect("a run").paused);
    assert_eq!(store.claim(&[StepKind::Plan], LONG, 9).await.expect("claims").len(), 2);
    assert!(matches!(store.set_paused(fixtures::run(7).id, true).await, Err(StoreError::Missing(_))));
}

/// `amend` writes a decision of its own, and a run that ends takes its waiting steps with it.
pub async fn a_decision_without_step_or_message_ends_the_waiting_steps<S: StepStore>(store: Arc<S>) {
    let (run, step) = run_with_claim(&*store, 1).await;
    write(&*store, run, fixtures::steps(StepKind::Plan, &["g2"])).await.expect("another step");
    let version = store.run(run).await.expect("a run").version;
    let commit = Commit { cancel_waiting_steps: true, ..Commit::default() };
    let stale = store.amend(run, version - 1, commit.clone()).await;
    assert!(matches!(stale, Err(StoreError::Conflict)));
    store.amend(run, version, commit).await.expect("written");
    assert_eq!(store.open_work(run).await.expect("a count"), 1, "the claimed step goes on");
    assert!(claim_one(&*store, StepKind::Plan, LONG).await.is_none());
    done(&*store, &step, Commit::default()).await.expect("ends as always");
    assert_eq!(store.open_work(run).await.expect("a count"), 0);
}
