//! Steps that wait for something outside, and the calls that they leave open meanwhile: clauses of
//! [`StepStore`] that are run with [`crate::step_store_suite`].

#![expect(
    clippy::missing_panics_doc,
    reason = "each function is a test, it panics when the adapter is wrong"
)]

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use spotwright_core::domain::run::Stage;
use spotwright_core::domain::topology::StepKind;
use spotwright_core::ports::step_store::{
    CallEnd, CallState, ClaimedStep, Commit, MAX_PROGRESS_BYTES, NewCall, StepEnd, StepStore, StoreError,
    holds_at_rest_only,
};
use spotwright_schemas::ids::CallId;
use spotwright_schemas::money::Micros;

use super::money::call_of;
use super::store::{LONG, SHORT, claim_expired, claim_one, done, run_with_claim, write};
use crate::fixtures;

/// The kind of [`run_with_claim`].
const KIND: StepKind = StepKind::Plan;

/// How many renders wait in [`five_hundred_waiting_steps_hold_no_worker_and_no_lease`].
const MANY: usize = 500;

fn waiting(delay: Duration, progress: Value) -> StepEnd {
    StepEnd::Waiting { delay, progress }
}

/// Ends a claim without a decision.
async fn end(
    store: &impl StepStore,
    step: &ClaimedStep,
    end: StepEnd,
    calls: Vec<CallEnd>,
) -> Result<(), StoreError> {
    let version = store.run(step.run).await?.version;
    store.complete(step, end, version, Commit { calls, ..Commit::default() }).await
}

/// Another paid call of the step, that may cost as much.
fn second_call_of(step: &ClaimedStep) -> NewCall {
    NewCall {
        id: CallId::child_of(step.id.0, "second", 0),
        idempotency_key: format!("{}/second", step.id),
        ..call_of(step)
    }
}

/// Clauses 3, 11 and 12: its time is the database's, the old claim is over, and nothing is used up.
pub async fn a_waiting_step_comes_back_without_a_counted_attempt<S: StepStore>(store: Arc<S>) {
    let (run, mut step) = run_with_claim(&*store, 1).await;
    let retry = StepEnd::Retry { delay: Duration::ZERO, error: "again".to_owned() };
    end(&*store, &step, retry, Vec::new()).await.expect("retry");
    step = claim_one(&*store, KIND, LONG).await.expect("the step");
    assert_eq!((step.attempts, step.errors, step.waits), (2, 1, 0));
    // More often than the step may be claimed.
    for waits in 1..=step.max_attempts + 5 {
        end(&*store, &step, waiting(Duration::ZERO, json!(waits)), Vec::new()).await.expect("waits");
        let again = claim_one(&*store, KIND, LONG).await.expect("the step");
        assert_eq!((again.attempts, again.errors, again.waits), (2, 1, waits));
        assert!(again.fence > step.fence && again.may_retry());
        step = again;
    }
    end(&*store, &step, waiting(LONG, json!("late")), Vec::new()).await.expect("waits");
    assert!(claim_one(&*store, KIND, LONG).await.is_none(), "not before its time");
    assert!(store.bury().await.expect("bury").is_empty());
    assert_eq!(store.open_work(run).await.expect("a count"), 1, "it is work");
    assert!(matches!(done(&*store, &step, Commit::default()).await, Err(StoreError::Stale)));
    assert!(matches!(store.renew(&step, LONG).await, Err(StoreError::Stale)));
}

/// Clause 12: kept over a lost claim, a retry and a restart, until the next wait replaces it.
pub async fn progress_outlives_crashes_and_retries<S: StepStore>(store: Arc<S>) {
    let (_, step) = run_with_claim(&*store, 1).await;
    assert_eq!(step.progress, None);
    let progress = json!({ "job": "a", "share": 0.1 + 0.2, "polls": [1, 2], "note": null });
    end(&*store, &step, waiting(Duration::ZERO, progress.clone()), Vec::new()).await.expect("waits");
    let lost = claim_one(&*store, KIND, SHORT).await.expect("the step");
    assert_eq!(lost.progress.as_ref(), Some(&progress));
    let step = claim_expired(&*store, KIND, LONG).await;
    assert_eq!((step.progress.as_ref(), step.attempts), (Some(&progress), 2), "a lost claim counts");
    let retry = StepEnd::Retry { delay: Duration::ZERO, error: "again".to_owned() };
    end(&*store, &step, retry, Vec::new()).await.expect("retry");
    let step = claim_one(&*store, KIND, LONG).await.expect("the step");
    assert_eq!(step.progress.as_ref(), Some(&progress));
    assert_eq!(store.recover().await.expect("recover"), 1);
    let step = claim_one(&*store, KIND, LONG).await.expect("the step");
    assert_eq!(step.progress.as_ref(), Some(&progress));

    // The quotes of the string are two bytes.
    let most = json!("p".repeat(MAX_PROGRESS_BYTES - 2));
    let more = json!("p".repeat(MAX_PROGRESS_BYTES - 1));
    let refused = end(&*store, &step, waiting(Duration::ZERO, more), Vec::new()).await;
    assert!(matches!(refused, Err(StoreError::Contradiction(_))), "{refused:?}");
    store.renew(&step, LONG).await.expect("still held");
    end(&*store, &step, waiting(Duration::ZERO, most.clone()), Vec::new()).await.expect("waits");
    let step = claim_one(&*store, KIND, LONG).await.expect("the step");
    assert_eq!(step.progress, Some(most));
    end(&*store, &step, waiting(Duration::ZERO, Value::Null), Vec::new()).await.expect("waits");
    let step = claim_one(&*store, KIND, LONG).await.expect("the step");
    assert_eq!(step.progress, Some(Value::Null), "there was a wait");
}

/// Whoever looks again and again does not keep its place before those who came later.
pub async fn who_waits_stands_behind_who_is_ready<S: StepStore>(store: Arc<S>) {
    let run = fixtures::run(1);
    store.create_run(&run, fixtures::steps(KIND, &["a", "b", "c"])).await.expect("a run");
    let mut order = Vec::new();
    while let Some(step) = claim_one(&*store, KIND, LONG).await {
        order.push(step.key.clone());
        if step.key == "a" && step.waits < 4 {
            end(&*store, &step, waiting(Duration::ZERO, json!(0)), Vec::new()).await.expect("waits");
        } else {
            done(&*store, &step, Commit::default()).await.expect("done");
        }
    }
    let last_of = |key: &str| order.iter().rposition(|one| one == key).expect("it was claimed");
    assert_eq!(order.iter().filter(|key| *key == "a").count(), 5);
    assert!(last_of("b") < last_of("a") && last_of("c") < last_of("a"), "{order:?}");
}

/// Clause 9 for a step that waits: a pause holds it, and shortens nothing.
pub async fn a_pause_holds_a_waiting_step_and_shortens_nothing<S: StepStore>(store: Arc<S>) {
    let (run, step) = run_with_claim(&*store, 1).await;
    store.set_paused(run, true).await.expect("paused");
    end(&*store, &step, waiting(Duration::ZERO, json!(1)), Vec::new()).await.expect("waits");
    assert!(claim_one(&*store, KIND, LONG).await.is_none(), "its run is paused");
    store.set_paused(run, false).await.expect("goes on");
    let step = claim_one(&*store, KIND, LONG).await.expect("the step");
    end(&*store, &step, waiting(LONG, json!(2)), Vec::new()).await.expect("waits");
    store.set_paused(run, true).await.expect("paused");
    store.set_paused(run, false).await.expect("goes on");
    assert!(claim_one(&*store, KIND, LONG).await.is_none(), "not before its time");
}

/// Clause 10: the open call of a waiting step gets an end at once, of a paused run, too; other waits are over.
pub async fn the_end_of_a_run_wakes_a_waiting_step_with_an_open_call<S: StepStore>(store: Arc<S>) {
    let run = fixtures::run(1).id;
    store.create_run(&fixtures::run(1), fixtures::steps(KIND, &["paid", "free"])).await.expect("a run");
    let claimed = store.claim(&[KIND], LONG, 2).await.expect("claims");
    let [paid, free] = claimed.as_slice() else { panic!("two steps") };
    let call = call_of(paid);
    assert_eq!(store.begin_call(paid, &call).await.expect("intent"), CallState::Fresh);
    for step in [paid, free] {
        end(&*store, step, waiting(LONG, json!(step.key)), Vec::new()).await.expect("waits");
    }
    store.set_paused(run, true).await.expect("paused");
    let version = store.run(run).await.expect("a run").version;
    let woken = store.steps_ready().notified();
    let cancel = Commit { cancelling: true, cancel_waiting_steps: true, ..Commit::default() };
    store.amend(run, version, cancel).await.expect("is being ended");
    tokio::time::timeout(Duration::from_mins(1), woken).await.expect("workers are woken");
    let view = store.run(run).await.expect("a run");
    assert_eq!((view.working, view.reserved), (1, call.reserve));

    // A pause that comes now holds nothing back any more.
    store.set_paused(run, true).await.expect("paused");
    let step = claim_one(&*store, KIND, LONG).await.expect("claimed at once");
    assert_eq!((step.id, step.progress.clone()), (paid.id, Some(json!("paid"))));
    assert!(claim_one(&*store, KIND, LONG).await.is_none(), "the other one is cancelled");
    assert_eq!(store.begin_call(&step, &call).await.expect("known"), CallState::Interrupted);
    assert!(matches!(store.begin_call(&step, &second_call_of(&step)).await, Err(StoreError::Ended)));
    // Calling it off may take another look.
    end(&*store, &step, waiting(Duration::ZERO, json!("called off")), Vec::new()).await.expect("waits");
    let step = claim_one(&*store, KIND, LONG).await.expect("not held");
    let idle = Commit { only_when_idle: true, ..Commit::default() };
    let version = store.run(run).await.expect("a run").version;
    assert!(matches!(store.amend(run, version, idle).await, Err(StoreError::Busy)));
    let ended = CallEnd { id: call.id, result: None, settled: Micros(2) };
    end(&*store, &step, StepEnd::Failed("called off".to_owned()), vec![ended]).await.expect("ended");
    let view = store.run(run).await.expect("a run");
    assert_eq!((view.working, view.reserved, view.settled), (0, Micros(0), Micros(2)));
    assert_eq!(store.open_work(run).await.expect("a count"), 0);
}

/// Clause 13: news of an open call brings its waiting step forward, and nothing else happens.
pub async fn news_of_an_open_call_wakes_its_waiting_step<S: StepStore>(store: Arc<S>) {
    let run = fixtures::run(1).id;
    store.create_run(&fixtures::run(1), fixtures::steps(KIND, &["paid", "free"])).await.expect("a run");
    let claimed = store.claim(&[KIND], LONG, 2).await.expect("claims");
    let [paid, free] = claimed.as_slice() else { panic!("two steps") };
    let call = call_of(paid);
    let key = call.idempotency_key.as_str();
    assert_eq!(store.begin_call(paid, &call).await.expect("intent"), CallState::Fresh);
    assert!(!store.wake(run, key).await.expect("told"), "its step does not wait");
    for step in [paid, free] {
        end(&*store, step, waiting(LONG, json!(step.key)), Vec::new()).await.expect("waits");
    }
    let other = fixtures::run(2).id;
    for (run, key) in [(run, "no such call"), (other, key)] {
        assert!(!store.wake(run, key).await.expect("told"));
    }
    assert!(claim_one(&*store, KIND, LONG).await.is_none(), "nobody was woken");
    store.set_paused(run, true).await.expect("paused");
    assert!(!store.wake(run, key).await.expect("told"), "its run is paused");
    store.set_paused(run, false).await.expect("goes on");
    let woken = store.steps_ready().notified();
    assert!(store.wake(run, key).await.expect("told"));
    tokio::time::timeout(Duration::from_mins(1), woken).await.expect("workers are woken");
    let step = claim_one(&*store, KIND, LONG).await.expect("claimed at once");
    assert_eq!((step.id, step.attempts, step.waits), (paid.id, 1, 1));
    assert!(claim_one(&*store, KIND, LONG).await.is_none(), "the other one waits on");
    let answered = CallEnd { id: call.id, result: Some(json!("clip")), settled: Micros(4) };
    end(&*store, &step, waiting(LONG, json!(2)), vec![answered]).await.expect("waits");
    assert!(!store.wake(run, key).await.expect("told"), "there is no news of a call with an end");
}

/// Ends of calls are written with whatever the step ends as; the calls without one stay open.
pub async fn a_step_that_goes_on_later_keeps_its_open_calls_and_their_ends<S: StepStore>(store: Arc<S>) {
    let ends = [
        waiting(Duration::ZERO, json!("one")),
        StepEnd::Retry { delay: Duration::ZERO, error: "again".to_owned() },
    ];
    for (seed, goes_on) in (1..).zip(ends) {
        let mut wide = fixtures::run(seed);
        wide.budget = Micros(12);
        store.create_run(&wide, fixtures::steps(KIND, &["g1"])).await.expect("a run");
        let step = claim_one(&*store, KIND, LONG).await.expect("a step");
        let (first, second) = (call_of(&step), second_call_of(&step));
        for call in [&first, &second] {
            assert_eq!(store.begin_call(&step, call).await.expect("intent"), CallState::Fresh);
        }
        let answered = CallEnd { id: first.id, result: Some(json!("clip")), settled: Micros(4) };
        end(&*store, &step, goes_on, vec![answered]).await.expect("goes on later");
        let view = store.run(wide.id).await.expect("a run");
        assert_eq!((view.settled, view.reserved), (Micros(4), Micros(6)));
        let step = claim_one(&*store, KIND, LONG).await.expect("the step");
        let known = store.begin_call(&step, &first).await.expect("known");
        assert_eq!(known, CallState::Done { result: json!("clip"), settled: Micros(4) });
        assert_eq!(store.begin_call(&step, &second).await.expect("known"), CallState::Interrupted);
        let not_made = CallEnd { id: second.id, result: None, settled: Micros(0) };
        end(&*store, &step, StepEnd::Done(json!("clip")), vec![not_made]).await.expect("done");
        let view = store.run(wide.id).await.expect("a run");
        assert_eq!((view.settled, view.reserved), (Micros(4), Micros(0)));
    }
}

/// A call that an interrupted attempt began and no later one asked for counts as spent with the step's end.
pub async fn a_step_that_is_done_leaves_no_call_open<S: StepStore>(store: Arc<S>) {
    let (run, step) = run_with_claim(&*store, 1).await;
    assert_eq!(store.begin_call(&step, &call_of(&step)).await.expect("intent"), CallState::Fresh);
    assert_eq!(store.recover().await.expect("recover"), 1);
    let step = claim_one(&*store, KIND, LONG).await.expect("the step");
    let commit = Commit { run: Some(fixtures::update(Stage::Finished, 1)), ..Commit::default() };
    done(&*store, &step, commit).await.expect("done another way");
    let view = store.run(run).await.expect("a run");
    assert_eq!((view.settled, view.reserved), (Micros(6), Micros(0)));
    assert_eq!(store.broken_invariants().await.expect("rules"), Vec::<String>::new());
}

/// Clause 12: whoever waits takes nothing from those who work, and a restart has nothing to give back.
pub async fn five_hundred_waiting_steps_hold_no_worker_and_no_lease<S: StepStore>(store: Arc<S>) {
    let run = fixtures::run(1).id;
    let keys: Vec<String> = (0..MANY).map(|number| format!("{number}")).collect();
    let names: Vec<&str> = keys.iter().map(String::as_str).collect();
    store.create_run(&fixtures::run(1), fixtures::steps(KIND, &names)).await.expect("a run");
    let mut version = store.run(run).await.expect("a run").version;
    while let Some(step) = claim_one(&*store, KIND, LONG).await {
        let end = waiting(LONG, json!({ "job": step.key }));
        store.complete(&step, end, version, Commit::default()).await.expect("waits");
        version += 1;
    }
    assert_eq!(store.recover().await.expect("recover"), 0, "none of them holds a lease");
    write(&*store, run, fixtures::steps(KIND, &["another"])).await.expect("another step");
    let other = claim_one(&*store, KIND, LONG).await.expect("a lone worker is free for it");
    assert_eq!(other.key, "another");
    done(&*store, &other, Commit::default()).await.expect("done");
    assert_eq!(store.open_work(run).await.expect("a count"), MANY as u64);
    assert!(store.bury().await.expect("bury").is_empty());
    let lines = store.broken_invariants().await.expect("rules");
    let faults: Vec<&String> = lines.iter().filter(|line| !holds_at_rest_only(line)).collect();
    assert!(faults.is_empty(), "{faults:?}");
}
