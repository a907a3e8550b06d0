//! Fairness, pausing and ending of runs: clauses of [`StepStore`] that are run with
//! [`crate::step_store_suite`].

#![expect(
    clippy::missing_panics_doc,
    reason = "each function is a test, it panics when the adapter is wrong"
)]

use std::sync::Arc;
use std::time::Duration;

use spotwright_core::domain::run::Stage;
use spotwright_core::domain::topology::StepKind;
use spotwright_core::ports::step_store::{
    CallEnd, CallState, Commit, LaterStep, NewCall, StepEnd, StepStore, StoreError,
};
use spotwright_schemas::ids::{CallId, OrganizationId};
use spotwright_schemas::money::Micros;

use super::money::call_of;
use super::store::{LONG, claim_one, done, run_with_claim, write};
use crate::fixtures;

/// A delay that is over soon.
const MOMENT: Duration = Duration::from_millis(30);

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

/// Clause 11: a step for later waits for its time, a pause changes nothing about it, and it ends with its run.
pub async fn a_step_for_later_is_not_claimed_before_its_time<S: StepStore>(store: Arc<S>) {
    let later = |key: &str, delay| LaterStep { step: fixtures::step(StepKind::Plan, key), delay };
    let commit =
        Commit { later: vec![later("soon", MOMENT), later("late", LONG * 600)], ..Commit::default() };
    let run = fixtures::run(1);
    store.create_run(&run, commit).await.expect("a run");
    assert_eq!(store.open_work(run.id).await.expect("a count"), 2, "both are work");
    store.set_paused(run.id, true).await.expect("paused");
    store.set_paused(run.id, false).await.expect("goes on");
    let claimed = loop {
        if let Some(step) = claim_one(&*store, StepKind::Plan, LONG).await {
            break step;
        }
        tokio::time::sleep(MOMENT / 10).await;
    };
    assert_eq!(claimed.key, "soon");
    assert!(claim_one(&*store, StepKind::Plan, LONG).await.is_none());
    done(&*store, &claimed, Commit { cancel_waiting_steps: true, ..Commit::default() }).await.expect("done");
    assert_eq!(store.open_work(run.id).await.expect("a count"), 0);
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

/// Clause 10: who ends a run that nobody works on learns when somebody does.
pub async fn a_commit_for_an_idle_run_is_refused_while_work_is_under_way<S: StepStore>(store: Arc<S>) {
    let (run, step) = run_with_claim(&*store, 1).await;
    write(&*store, run, fixtures::steps(StepKind::Plan, &["g2"])).await.expect("another step");
    let end = || Commit {
        run: Some(fixtures::update(Stage::Finished, 1)),
        cancel_waiting_steps: true,
        cancelling: true,
        only_when_idle: true,
        ..Commit::default()
    };
    let version = store.run(run).await.expect("a run").version;
    assert!(matches!(store.amend(run, version, end()).await, Err(StoreError::Busy)));
    let view = store.run(run).await.expect("a run");
    assert!(!view.cancelling && view.stage != Stage::Finished, "nothing of it was written");
    assert_eq!(store.open_work(run).await.expect("a count"), 2, "the other step still waits");
    assert!(!store.is_ending(run).await.expect("an answer"));

    let begin = Commit { cancelling: true, cancel_waiting_steps: true, ..Commit::default() };
    store.amend(run, version, begin).await.expect("it ends with what is under way");
    let view = store.run(run).await.expect("a run");
    assert_eq!((view.cancelling, view.working), (true, 1));
    assert!(store.is_ending(run).await.expect("an answer"));
    done(&*store, &step, Commit::default()).await.expect("ends as always");
    assert_eq!(store.run(run).await.expect("a run").working, 0);
    let version = store.run(run).await.expect("a run").version;
    store.amend(run, version, end()).await.expect("nobody works on it");
    assert!(matches!(store.is_ending(fixtures::run(7).id).await, Err(StoreError::Missing(_))));
}

/// Clause 10: what a call has become is still found out when nobody waits for its result.
pub async fn a_step_with_an_open_call_outlives_the_end_of_its_run<S: StepStore>(store: Arc<S>) {
    let (run, step) = run_with_claim(&*store, 1).await;
    let call = call_of(&step);
    assert_eq!(store.begin_call(&step, &call).await.expect("intent"), CallState::Fresh);
    let version = store.run(run).await.expect("a run").version;
    let retry = StepEnd::Retry { delay: Duration::ZERO, error: "the provider did not answer".to_owned() };
    store.complete(&step, retry, version, Commit::default()).await.expect("to be tried again");
    write(&*store, run, fixtures::steps(StepKind::Plan, &["g2"])).await.expect("another step");
    let version = store.run(run).await.expect("a run").version;
    let end = Commit {
        run: Some(fixtures::update(Stage::Finished, 1)),
        cancel_waiting_steps: true,
        ..Commit::default()
    };
    store.amend(run, version, end).await.expect("the run has failed");
    let view = store.run(run).await.expect("a run");
    assert_eq!((view.reserved, view.settled), (call.reserve, Micros(0)), "the call keeps its reserve");
    let again = claim_one(&*store, StepKind::Plan, LONG).await.expect("only this one is left");
    assert_eq!((again.id, again.attempts), (step.id, 2));
    assert!(claim_one(&*store, StepKind::Plan, LONG).await.is_none());
    assert_eq!(store.begin_call(&again, &call).await.expect("known"), CallState::Interrupted);
    let found = CallEnd { id: call.id, result: Some(serde_json::json!("a file")), settled: Micros(4) };
    done(&*store, &again, Commit { calls: vec![found], ..Commit::default() }).await.expect("settled");
    let view = store.run(run).await.expect("a run");
    assert_eq!((view.reserved, view.settled), (Micros(0), Micros(4)));
}

/// Clause 10: neither a new call nor a released one.
pub async fn no_call_begins_once_its_run_ends<S: StepStore>(store: Arc<S>) {
    for (seed, finished) in [(1, false), (2, true)] {
        let (run, step) = run_with_claim(&*store, seed).await;
        let call = call_of(&step);
        assert_eq!(store.begin_call(&step, &call).await.expect("intent"), CallState::Fresh);
        let released = CallEnd { id: call.id, result: None, settled: Micros(0) };
        write(&*store, run, Commit { calls: vec![released], ..Commit::default() }).await.expect("released");
        let end = if finished {
            Commit { run: Some(fixtures::update(Stage::Finished, 1)), ..Commit::default() }
        } else {
            Commit { cancelling: true, ..Commit::default() }
        };
        write(&*store, run, end).await.expect("ends");
        let other = NewCall {
            id: CallId::child_of(step.id.0, "another", 0),
            idempotency_key: format!("{}/another", step.id),
            ..call.clone()
        };
        for call in [call, other] {
            let refused = store.begin_call(&step, &call).await;
            assert!(matches!(refused, Err(StoreError::Ended)), "{refused:?}");
        }
        assert_eq!(store.run(run).await.expect("a run").reserved, Micros(0));
    }
}
