//! Budgets and paid calls: clauses of [`StepStore`] that are run with [`crate::step_store_suite`].

#![expect(
    clippy::missing_panics_doc,
    reason = "each function is a test, it panics when the adapter is wrong"
)]

use std::sync::Arc;

use serde_json::json;
use spotwright_core::domain::topology::StepKind;
use spotwright_core::ports::step_store::{
    CallEnd, CallState, ClaimedStep, Commit, LedgerKind, NewCall, StepEnd, StepStore, StoreError,
};
use spotwright_schemas::ids::CallId;
use spotwright_schemas::money::Micros;

use super::store::{LONG, run_with_claim, write};
use crate::fixtures;

/// Clause 6: 64 callers, a budget for 10.
pub async fn the_budget_holds_under_sixty_four_concurrent_reserves<S: StepStore + 'static>(store: Arc<S>) {
    let run = fixtures::run(1);
    let keys: Vec<String> = (0..64).map(|number| format!("{number}")).collect();
    let names: Vec<&str> = keys.iter().map(String::as_str).collect();
    store.create_run(&run, fixtures::steps(StepKind::Preview, &names)).await.expect("a run");
    let steps = store.claim(&[StepKind::Preview], LONG, 64).await.expect("claim");
    let mut callers = tokio::task::JoinSet::new();
    for (number, step) in steps.into_iter().enumerate() {
        let store = Arc::clone(&store);
        callers.spawn(async move {
            let call = NewCall {
                id: CallId::derive(1, "call", number as u64),
                step: step.id,
                provider: "fixture".to_owned(),
                idempotency_key: format!("call {number}"),
                reserve: Micros(1),
            };
            store.begin_call(&step, &call).await
        });
    }
    let (mut admitted, mut refused) = (0, 0);
    while let Some(ended) = callers.join_next().await {
        match ended.expect("no panic") {
            Ok(CallState::Fresh) => admitted += 1,
            Err(StoreError::Budget { needed, free }) if needed == Micros(1) && free == Micros(0) => {
                refused += 1;
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!((admitted, refused), (10, 54));
    assert_eq!(store.run(run.id).await.expect("the run").reserved, Micros(10));
}

/// Clause 6: one end to each reserve, within its amount; a reference is opened once.
pub async fn a_reserve_is_closed_once_and_for_no_more_than_its_amount<S: StepStore>(store: Arc<S>) {
    use LedgerKind::{Release, Reserve, Settle};
    let id = fixtures::run(1).id;
    store.create_run(&fixtures::run(1), Commit::default()).await.expect("a run");
    write(&*store, id, fixtures::money(Reserve, "a", 6)).await.expect("reserved");
    for (kind, reference, amount) in [
        (Settle, "a", 7),
        (Release, "a", 5),
        (Reserve, "a", 1),
        (Reserve, "b", -1),
        (Settle, "a", -1),
        (Reserve, "x:settle", 1),
    ] {
        let refused = write(&*store, id, fixtures::money(kind, reference, amount)).await;
        assert!(matches!(refused, Err(StoreError::Contradiction(_))), "{kind:?} {reference} {amount}");
    }
    assert!(matches!(write(&*store, id, fixtures::money(Settle, "b", 1)).await, Err(StoreError::Missing(_))));
    let too_much = write(&*store, id, fixtures::money(Reserve, "b", 5)).await;
    assert!(matches!(too_much, Err(StoreError::Budget { needed: Micros(5), free: Micros(4) })));
    write(&*store, id, fixtures::money(Settle, "a", 2)).await.expect("settled");
    for kind in [Settle, Release] {
        let refused =
            write(&*store, id, fixtures::money(kind, "a", if kind == Settle { 2 } else { 6 })).await;
        assert!(matches!(refused, Err(StoreError::Contradiction(_))), "{kind:?}");
    }
    let run = store.run(id).await.expect("the run");
    assert_eq!((run.settled, run.reserved), (Micros(2), Micros(0)));
    write(&*store, id, fixtures::money(Reserve, "b", 8)).await.expect("reserved");
    write(&*store, id, fixtures::money(Release, "b", 8)).await.expect("released");
    let run = store.run(id).await.expect("the run");
    assert_eq!((run.settled, run.reserved), (Micros(2), Micros(0)));
}

/// A paid call of a step that may cost six micros.
pub(super) fn call_of(step: &ClaimedStep) -> NewCall {
    NewCall {
        id: CallId::child_of(step.id.0, "call", 0),
        step: step.id,
        provider: "fixture".to_owned(),
        idempotency_key: format!("{}/call", step.id),
        reserve: Micros(6),
    }
}

/// The states of a paid call over crashes.
pub async fn a_paid_call_is_fresh_then_interrupted_then_done<S: StepStore>(store: Arc<S>) {
    let (run, step) = run_with_claim(&*store, 1).await;
    let call = call_of(&step);
    assert_eq!(store.begin_call(&step, &call).await.expect("intent"), CallState::Fresh);
    assert_eq!(store.begin_call(&step, &call).await.expect("known"), CallState::Interrupted);
    let other = NewCall { provider: "other".to_owned(), ..call.clone() };
    assert!(matches!(store.begin_call(&step, &other).await, Err(StoreError::Contradiction(_))));
    let other = NewCall { id: CallId::derive(9, "call", 9), ..call.clone() };
    assert!(matches!(store.begin_call(&step, &other).await, Err(StoreError::Contradiction(_))));
    assert_eq!(store.run(run).await.expect("the run").reserved, Micros(6));

    let end = |settled| Commit {
        calls: vec![CallEnd { id: call.id, result: Some(json!({ "file": "x" })), settled: Micros(settled) }],
        ..Commit::default()
    };
    assert!(matches!(write(&*store, run, end(-1)).await, Err(StoreError::Contradiction(_))));
    write(&*store, run, end(4)).await.expect("ended");
    let known = store.begin_call(&step, &call).await.expect("known");
    assert_eq!(known, CallState::Done { result: json!({ "file": "x" }), settled: Micros(4) });
    assert!(matches!(write(&*store, run, end(4)).await, Err(StoreError::Contradiction(_))));
    let view = store.run(run).await.expect("the run");
    assert_eq!((view.settled, view.reserved), (Micros(4), Micros(0)));
}

/// What a provider bills is settled, above the reserve as far as the run's budget goes.
pub async fn a_call_that_costs_more_than_its_reserve_is_settled_within_the_budget<S: StepStore>(
    store: Arc<S>,
) {
    for (number, billed, settled) in [(1, 7, 7), (2, 10, 10), (3, 15, 10)] {
        let (run, step) = run_with_claim(&*store, number).await;
        let call = call_of(&step);
        assert_eq!(store.begin_call(&step, &call).await.expect("intent"), CallState::Fresh);
        let end = CallEnd { id: call.id, result: Some(json!({})), settled: Micros(billed) };
        write(&*store, run, Commit { calls: vec![end], ..Commit::default() }).await.expect("ended");
        let known = store.begin_call(&step, &call).await.expect("known");
        assert_eq!(known, CallState::Done { result: json!({}), settled: Micros(settled) });
        let view = store.run(run).await.expect("the run");
        assert_eq!((view.settled, view.reserved), (Micros(settled), Micros(0)), "{billed}");
    }
}

/// The two ends of a call without a result.
pub async fn a_released_call_can_be_made_again_and_an_unknown_one_counts_as_spent<S: StepStore>(
    store: Arc<S>,
) {
    let (run, step) = run_with_claim(&*store, 1).await;
    let call = call_of(&step);
    let end = |settled| Commit {
        calls: vec![CallEnd { id: call.id, result: None, settled: Micros(settled) }],
        ..Commit::default()
    };
    for _ in 0..2 {
        assert_eq!(store.begin_call(&step, &call).await.expect("intent"), CallState::Fresh);
        write(&*store, run, end(0)).await.expect("released");
        let view = store.run(run).await.expect("the run");
        assert_eq!((view.settled, view.reserved), (Micros(0), Micros(0)));
    }
    assert_eq!(store.begin_call(&step, &call).await.expect("intent"), CallState::Fresh);
    write(&*store, run, end(6)).await.expect("unknown");
    let view = store.run(run).await.expect("the run");
    assert_eq!((view.settled, view.reserved), (Micros(6), Micros(0)));
    assert_eq!(store.begin_call(&step, &call).await.expect("known"), CallState::Unknown);
    for settled in [0, 6] {
        assert!(matches!(write(&*store, run, end(settled)).await, Err(StoreError::Contradiction(_))));
    }
    // What is found after all is kept, once; the money was counted.
    let found = |settled| Commit {
        calls: vec![CallEnd { id: call.id, result: Some(json!("found")), settled: Micros(settled) }],
        ..Commit::default()
    };
    write(&*store, run, found(4)).await.expect("kept");
    let known = store.begin_call(&step, &call).await.expect("known");
    assert_eq!(known, CallState::Done { result: json!("found"), settled: Micros(6) });
    let view = store.run(run).await.expect("the run");
    assert_eq!((view.settled, view.reserved), (Micros(6), Micros(0)));
    assert!(matches!(write(&*store, run, found(4)).await, Err(StoreError::Contradiction(_))));
}

/// A step whose last process died in a call ends without it: what was reserved counts as spent.
pub async fn a_step_that_fails_leaves_no_call_open<S: StepStore>(store: Arc<S>) {
    let (run, step) = run_with_claim(&*store, 1).await;
    let call = call_of(&step);
    assert_eq!(store.begin_call(&step, &call).await.expect("intent"), CallState::Fresh);
    let version = store.run(run).await.expect("the run").version;
    let failed = StepEnd::Failed("its last attempt did not end within the lease".to_owned());
    store.complete(&step, failed, version, Commit::default()).await.expect("ended");
    let view = store.run(run).await.expect("the run");
    assert_eq!((view.settled, view.reserved), (Micros(6), Micros(0)));
    let late = Commit {
        calls: vec![CallEnd { id: call.id, result: None, settled: Micros(0) }],
        ..Commit::default()
    };
    assert!(matches!(write(&*store, run, late).await, Err(StoreError::Contradiction(_))));
}
