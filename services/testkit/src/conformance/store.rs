//! The contract of [`StepStore`]. Each function is one test; see [`crate::step_store_suite`].

#![expect(
    clippy::missing_panics_doc,
    reason = "each function is a test, it panics when the adapter is wrong"
)]

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use spotwright_core::domain::run::Stage;
use spotwright_core::domain::topology::StepKind;
use spotwright_core::domain::variant::VariantState;
use spotwright_core::ports::step_store::{
    ClaimedStep, Commit, Consumed, LedgerKind, MAX_ERRORS, NewCall, StepEnd, StepStore, StoreError,
};
use spotwright_schemas::ids::{CallId, MessageId, OrganizationId, RunId, StepId};
use spotwright_schemas::money::Micros;

use crate::fixtures;

pub use super::control::{
    a_commit_for_an_idle_run_is_refused_while_work_is_under_way,
    a_decision_without_step_or_message_ends_the_waiting_steps, a_paused_run_waits_until_it_goes_on,
    a_step_for_later_is_not_claimed_before_its_time, a_step_with_an_open_call_outlives_the_end_of_its_run,
    no_call_begins_once_its_run_ends, organizations_are_served_in_turns,
};
pub use super::messages::{
    a_message_is_taken_in_once_for_each_consumer, messages_are_taken_in_together_or_not_at_all,
    messages_with_a_gap_are_refused, unsent_messages_come_in_order_until_marked,
};
pub use super::money::{
    a_call_that_costs_more_than_its_reserve_is_settled_within_the_budget,
    a_paid_call_is_fresh_then_interrupted_then_done,
    a_released_call_can_be_made_again_and_an_unknown_one_counts_as_spent,
    a_reserve_is_closed_once_and_for_no_more_than_its_amount, a_step_that_fails_leaves_no_call_open,
    the_budget_holds_under_sixty_four_concurrent_reserves,
};
pub use super::waiting::{
    a_pause_holds_a_waiting_step_and_shortens_nothing,
    a_step_that_goes_on_later_keeps_its_open_calls_and_their_ends, a_step_that_is_done_leaves_no_call_open,
    a_waiting_step_comes_back_without_a_counted_attempt,
    five_hundred_waiting_steps_hold_no_worker_and_no_lease, news_of_an_open_call_wakes_its_waiting_step,
    progress_outlives_crashes_and_retries, the_end_of_a_run_wakes_a_waiting_step_with_an_open_call,
    who_waits_stands_behind_who_is_ready,
};

/// A lease that does not run out during a test.
pub(super) const LONG: Duration = Duration::from_hours(1);

/// A lease that is over by the next look.
pub(super) const SHORT: Duration = Duration::from_millis(1);

/// Makes one test of each clause. `$open` is an async closure that opens an empty store and returns
/// it in an `Arc`, with whatever must live as long.
#[macro_export]
macro_rules! step_store_suite {
    ($name:ident, $open:expr $(, #[$when:meta])?) => {
        mod $name {
            #[expect(unused_imports, reason = "the opening expression may use what stands outside")]
            use super::*;
            $crate::step_store_suite!(@each $open, $([$when])?;
                a_run_is_read_back_as_it_was_written,
                a_run_is_created_once,
                a_missing_run_is_missing,
                finished_runs_are_those_of_one_organization_newest_first,
                variants_placements_and_traces_are_read_back,
                a_placement_is_made_once,
                a_step_is_created_once_and_contradictions_are_refused,
                steps_are_claimed_oldest_first_and_by_one_worker,
                only_the_kinds_asked_for_are_claimed,
                an_expired_lease_is_claimed_again_and_the_zombie_is_refused,
                a_renewed_lease_is_not_claimed_again,
                a_retry_comes_back_and_a_delayed_one_waits,
                a_step_without_attempts_left_is_buried_until_its_end_is_written,
                lost_claims_and_errors_are_counted_apart,
                the_last_attempt_cannot_be_retried,
                recover_gives_running_steps_and_their_attempts_back,
                a_commit_on_another_version_is_refused_whole,
                a_message_is_taken_in_once_for_each_consumer,
                messages_are_taken_in_together_or_not_at_all,
                messages_with_a_gap_are_refused,
                unsent_messages_come_in_order_until_marked,
                the_budget_holds_under_sixty_four_concurrent_reserves,
                a_reserve_is_closed_once_and_for_no_more_than_its_amount,
                a_paid_call_is_fresh_then_interrupted_then_done,
                a_call_that_costs_more_than_its_reserve_is_settled_within_the_budget,
                a_released_call_can_be_made_again_and_an_unknown_one_counts_as_spent,
                a_step_that_fails_leaves_no_call_open,
                a_step_that_is_done_leaves_no_call_open,
                a_step_that_goes_on_later_keeps_its_open_calls_and_their_ends,
                a_waiting_step_comes_back_without_a_counted_attempt,
                progress_outlives_crashes_and_retries,
                who_waits_stands_behind_who_is_ready,
                a_pause_holds_a_waiting_step_and_shortens_nothing,
                the_end_of_a_run_wakes_a_waiting_step_with_an_open_call,
                five_hundred_waiting_steps_hold_no_worker_and_no_lease,
                news_of_an_open_call_wakes_its_waiting_step,
                a_refused_operation_does_not_touch_its_neighbors,
                open_work_counts_steps_and_messages,
                workers_are_woken_by_new_steps_and_messages,
                organizations_are_served_in_turns,
                a_paused_run_waits_until_it_goes_on,
                a_step_for_later_is_not_claimed_before_its_time,
                a_decision_without_step_or_message_ends_the_waiting_steps,
                a_commit_for_an_idle_run_is_refused_while_work_is_under_way,
                a_step_with_an_open_call_outlives_the_end_of_its_run,
                no_call_begins_once_its_run_ends,
                rows_of_one_generation_are_read_alone,
                a_drained_run_breaks_no_invariant_and_a_fresh_one_does
            );
        }
    };
    (@each $open:expr, [$when:meta]; $($test:ident),*) => {$(
        $crate::step_store_suite!(@one $open, #[$when]; $test);
    )*};
    (@each $open:expr, ; $($test:ident),*) => {$(
        $crate::step_store_suite!(@one $open,; $test);
    )*};
    (@one $open:expr, $(#[$when:meta])?; $test:ident) => {
        $(#[$when])?
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $test() {
            let (store, _guard) = ($open)().await;
            $crate::conformance::store::$test(store).await;
        }
    };
}

/// What is read of one generation is what is read of all, without the others.
pub async fn rows_of_one_generation_are_read_alone<S: StepStore>(store: Arc<S>) {
    let run = fixtures::run(1).id;
    store.create_run(&fixtures::run(1), Commit::default()).await.expect("a run");
    let variants: Vec<_> = [(2, 2), (1, 1), (2, 1), (1, 2)]
        .map(|(generation, number)| fixtures::variant(run, generation, number, VariantState::Won))
        .to_vec();
    let placements = variants.iter().map(fixtures::placement).collect();
    write(&*store, run, Commit { variants, placements, ..Commit::default() }).await.expect("written");
    let (all, placed) =
        (store.variants(run).await.expect("variants"), store.placements(run).await.expect("placements"));
    assert_eq!((all.len(), placed.len()), (4, 4));
    for generation in 1..=3 {
        let wanted: Vec<_> = all.iter().filter(|variant| variant.generation == generation).cloned().collect();
        assert_eq!(store.variants_of(run, generation).await.expect("variants"), wanted);
        let wanted: Vec<_> = placed.iter().filter(|place| place.generation == generation).cloned().collect();
        assert_eq!(store.placements_of(run, generation).await.expect("placements"), wanted);
    }
    let nobody = fixtures::run(9).id;
    assert!(matches!(store.variants_of(nobody, 1).await, Err(StoreError::Missing(_))));
    assert!(matches!(store.placements_of(nobody, 1).await, Err(StoreError::Missing(_))));
}

pub(super) async fn claim_one(
    store: &impl StepStore,
    kind: StepKind,
    lease: Duration,
) -> Option<ClaimedStep> {
    store.claim(&[kind], lease, 1).await.expect("claim").pop()
}

/// Claims until the database's clock has passed the lease of another claim.
pub(super) async fn claim_expired(store: &impl StepStore, kind: StepKind, lease: Duration) -> ClaimedStep {
    loop {
        if let Some(step) = claim_one(store, kind, lease).await {
            return step;
        }
    }
}

pub(super) async fn done(
    store: &impl StepStore,
    step: &ClaimedStep,
    commit: Commit,
) -> Result<(), StoreError> {
    let version = store.run(step.run).await?.version;
    store.complete(step, StepEnd::Done(json!("result")), version, commit).await
}

/// A run with one claimed step.
pub(super) async fn run_with_claim(store: &impl StepStore, seed: u64) -> (RunId, ClaimedStep) {
    let run = fixtures::run(seed);
    store.create_run(&run, fixtures::steps(StepKind::Plan, &["g1"])).await.expect("a run");
    (run.id, claim_one(store, StepKind::Plan, LONG).await.expect("a step"))
}

/// Writes a commit on the run's newest version, as the effect of a message of its own.
pub(super) async fn write(
    store: &impl StepStore,
    run: RunId,
    commit: Commit,
) -> Result<Consumed, StoreError> {
    let version = store.run(run).await?.version;
    let message = MessageId::child_of(run.0, "write", version.unsigned_abs());
    store.consume("testkit", &[message], run, version, commit).await
}

/// `run` gives what `create_run` and later commits wrote.
pub async fn a_run_is_read_back_as_it_was_written<S: StepStore>(store: Arc<S>) {
    let new = fixtures::run(1);
    store.create_run(&new, Commit::default()).await.expect("a run");
    let run = store.run(new.id).await.expect("the run");
    assert_eq!(
        (run.id, run.organization, &*run.request, run.budget),
        (new.id, new.organization, &new.request, new.budget)
    );
    assert_eq!((run.version, run.stage, run.generation, run.messages), (1, Stage::Requested, 0, 0));
    assert_eq!(run.state, json!(null));

    let update = fixtures::update(Stage::Scoring, 2);
    let variants = (1..=3).map(|number| fixtures::variant(new.id, 2, number, VariantState::Scored)).collect();
    write(&*store, new.id, Commit { run: Some(update.clone()), variants, ..Commit::default() })
        .await
        .expect("written");
    let run = store.run(new.id).await.expect("the run");
    assert_eq!((run.version, run.stage, run.generation, run.counts.scored), (2, Stage::Scoring, 2, 3));
    assert_eq!(run.state, update.state);
    assert_eq!(store.runs().await.expect("ids"), [new.id]);
}

/// Creating a run again is a contradiction and changes nothing.
pub async fn a_run_is_created_once<S: StepStore>(store: Arc<S>) {
    let run = fixtures::run(1);
    store.create_run(&run, Commit::default()).await.expect("a run");
    let again = store.create_run(&run, fixtures::steps(StepKind::Plan, &["g1"])).await;
    assert!(matches!(again, Err(StoreError::Contradiction(_))));
    assert!(claim_one(&*store, StepKind::Plan, LONG).await.is_none());
}

/// `finished_runs` tells an organization nothing of others, and of its own nothing that is under way.
pub async fn finished_runs_are_those_of_one_organization_newest_first<S: StepStore>(store: Arc<S>) {
    let other = OrganizationId::derive(2, "organization", 0);
    let mut finished = Vec::new();
    for seed in 1..=6 {
        let mut run = fixtures::run(seed);
        if seed == 2 {
            run.organization = other;
        }
        store.create_run(&run, Commit::default()).await.expect("a run");
        if seed != 4 {
            let update = Some(fixtures::update(Stage::Finished, 1));
            write(&*store, run.id, Commit { run: update, ..Commit::default() }).await.expect("written");
            finished.push(run.id);
        }
    }
    let [first, of_other, third, fifth, sixth] = finished.try_into().expect("five finished runs");
    let own = store.finished_runs(fixtures::organization(), 10).await.expect("ids");
    assert_eq!(own, [sixth, fifth, third, first]);
    assert_eq!(store.finished_runs(fixtures::organization(), 2).await.expect("ids"), [sixth, fifth]);
    assert_eq!(store.finished_runs(other, 10).await.expect("ids"), [of_other]);
    let nobody = OrganizationId::derive(3, "organization", 0);
    assert!(store.finished_runs(nobody, 10).await.expect("ids").is_empty());
    assert!(store.finished_runs(other, 0).await.expect("ids").is_empty());
}

/// Every read of what is not there.
pub async fn a_missing_run_is_missing<S: StepStore>(store: Arc<S>) {
    let id = fixtures::run(9).id;
    let variant = fixtures::variant(id, 1, 1, VariantState::Drafted).id;
    assert!(matches!(store.run(id).await, Err(StoreError::Missing(_))));
    assert!(matches!(store.variants(id).await, Err(StoreError::Missing(_))));
    assert!(matches!(store.variant(variant).await, Err(StoreError::Missing(_))));
    let consumed = store.consume("testkit", &[MessageId::derive(1, "m", 1)], id, 1, Commit::default()).await;
    assert!(matches!(consumed, Err(StoreError::Missing(_))));
}

/// Whole values come back, numbers bit for bit, in the promised orders.
pub async fn variants_placements_and_traces_are_read_back<S: StepStore>(store: Arc<S>) {
    let run = fixtures::run(1);
    let mut variants: Vec<_> =
        (1..=3).map(|number| fixtures::variant(run.id, 1, number, VariantState::Won)).collect();
    let mut placements: Vec<_> = variants.iter().map(fixtures::placement).collect();
    let reversed = Commit {
        run: Some(fixtures::update(Stage::Playing, 1)),
        variants: variants.iter().rev().cloned().collect(),
        placements: placements.iter().rev().cloned().collect(),
        trace: ["2", "10", "1"].map(fixtures::trace).to_vec(),
        ..Commit::default()
    };
    store.create_run(&run, reversed).await.expect("a run");
    assert_eq!(store.variants(run.id).await.expect("variants"), variants);
    assert_eq!(store.placements(run.id).await.expect("placements"), placements);
    let orders: Vec<_> =
        store.trace(run.id).await.expect("trace").into_iter().map(|line| line.order).collect();
    assert_eq!(orders, ["1", "10", "2"]);

    variants[1].state = VariantState::Rejected;
    variants[1].final_gate = Some(false);
    placements[0].delivery = Some(fixtures::delivery(&placements[0]));
    placements[0].observed = true;
    let commit = Commit {
        variants: vec![variants[1].clone()],
        deliveries: vec![(placements[0].id, fixtures::delivery(&placements[0]))],
        observed: vec![placements[0].id],
        ..Commit::default()
    };
    write(&*store, run.id, commit).await.expect("written");
    assert_eq!(store.variant(variants[1].id).await.expect("a variant"), variants[1]);
    assert_eq!(store.placements(run.id).await.expect("placements"), placements);
    let counts = store.run(run.id).await.expect("the run").counts;
    assert_eq!((counts.won, counts.rejected, counts.placed, counts.observed), (2, 1, 3, 1));
}

/// A second placement of a variant in a generation is refused whole.
pub async fn a_placement_is_made_once<S: StepStore>(store: Arc<S>) {
    let run = fixtures::run(1);
    let variant = fixtures::variant(run.id, 1, 1, VariantState::Won);
    let placement = fixtures::placement(&variant);
    let commit = Commit { variants: vec![variant], placements: vec![placement.clone()], ..Commit::default() };
    store.create_run(&run, commit).await.expect("a run");
    let again = Commit {
        placements: vec![placement],
        steps: vec![fixtures::step(StepKind::Play, "g1")],
        ..Commit::default()
    };
    assert!(matches!(write(&*store, run.id, again).await, Err(StoreError::Contradiction(_))));
    assert_eq!(store.run(run.id).await.expect("the run").version, 1);
    assert!(claim_one(&*store, StepKind::Play, LONG).await.is_none());
}

/// The same step again is a no-op; with another input it is a contradiction.
pub async fn a_step_is_created_once_and_contradictions_are_refused<S: StepStore>(store: Arc<S>) {
    let (run, step) = run_with_claim(&*store, 1).await;
    assert_eq!((step.run, step.key.as_str(), &step.input), (run, "g1", &json!({ "key": "g1" })));
    assert_eq!(step.id, StepId::child_of(run.0, "plan/g1", 0));
    write(&*store, run, fixtures::steps(StepKind::Plan, &["g1"])).await.expect("a no-op");
    assert!(claim_one(&*store, StepKind::Plan, LONG).await.is_none());
    let mut other = fixtures::steps(StepKind::Plan, &["g1"]);
    other.steps[0].input = json!("other");
    assert!(matches!(write(&*store, run, other).await, Err(StoreError::Contradiction(_))));
    done(&*store, &step, fixtures::steps(StepKind::Plan, &["g1"])).await.expect("done");
    assert!(claim_one(&*store, StepKind::Plan, LONG).await.is_none());
}

/// Clause 2: many workers, each step once, oldest first.
pub async fn steps_are_claimed_oldest_first_and_by_one_worker<S: StepStore + 'static>(store: Arc<S>) {
    let keys: Vec<String> = (0..100).map(|number| format!("{number}")).collect();
    let names: Vec<&str> = keys.iter().map(String::as_str).collect();
    store.create_run(&fixtures::run(1), fixtures::steps(StepKind::Preview, &names)).await.expect("a run");
    let first = store.claim(&[StepKind::Preview], LONG, 3).await.expect("claim");
    assert_eq!(first.iter().map(|step| step.key.as_str()).collect::<Vec<_>>(), ["0", "1", "2"]);
    assert!(first.iter().all(|step| step.attempts == 1 && step.max_attempts >= 1));
    let mut workers = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let store = Arc::clone(&store);
        workers.spawn(async move {
            let mut mine = Vec::new();
            while let Some(step) = claim_one(&*store, StepKind::Preview, LONG).await {
                mine.push(step.key);
            }
            mine
        });
    }
    let mut all: Vec<String> = first.into_iter().map(|step| step.key).collect();
    while let Some(mine) = workers.join_next().await {
        all.extend(mine.expect("no panic"));
    }
    all.sort();
    let mut expected = keys;
    expected.sort();
    assert_eq!(all, expected);
}

/// A worker gets only what it can do; kinds are served in one order of age.
pub async fn only_the_kinds_asked_for_are_claimed<S: StepStore>(store: Arc<S>) {
    let mut commit = fixtures::steps(StepKind::Score, &["a"]);
    commit.steps.extend([fixtures::step(StepKind::Plan, "b"), fixtures::step(StepKind::Score, "c")]);
    store.create_run(&fixtures::run(1), commit).await.expect("a run");
    assert!(store.claim(&[], LONG, 9).await.expect("claim").is_empty());
    assert!(store.claim(&[StepKind::Learn], LONG, 9).await.expect("claim").is_empty());
    let steps =
        store.claim(&[StepKind::Plan, StepKind::Score, StepKind::Plan], LONG, 9).await.expect("claim");
    assert_eq!(steps.iter().map(|step| step.key.as_str()).collect::<Vec<_>>(), ["a", "b", "c"]);
}

/// Clauses 2 and 3: lease by the database's clock, fence against zombies.
pub async fn an_expired_lease_is_claimed_again_and_the_zombie_is_refused<S: StepStore>(store: Arc<S>) {
    let run = fixtures::run(1);
    store.create_run(&run, fixtures::steps(StepKind::Plan, &["g1"])).await.expect("a run");
    let zombie = claim_one(&*store, StepKind::Plan, SHORT).await.expect("a step");
    let holder = claim_expired(&*store, StepKind::Plan, LONG).await;
    assert_eq!((holder.id, holder.attempts), (zombie.id, 2));
    assert!(holder.fence > zombie.fence);
    let late = fixtures::steps(StepKind::Draft, &["late"]);
    assert!(matches!(done(&*store, &zombie, late).await, Err(StoreError::Stale)));
    assert!(matches!(store.renew(&zombie, LONG).await, Err(StoreError::Stale)));
    let call = NewCall {
        id: CallId::derive(1, "call", 0),
        step: zombie.id,
        provider: "fixture".to_owned(),
        idempotency_key: "zombie".to_owned(),
        reserve: Micros(1),
    };
    assert!(matches!(store.begin_call(&zombie, &call).await, Err(StoreError::Stale)));
    assert_eq!(store.run(run.id).await.expect("the run").version, 1);
    assert!(claim_one(&*store, StepKind::Draft, LONG).await.is_none());
    done(&*store, &holder, Commit::default()).await.expect("done");
    assert!(matches!(done(&*store, &holder, Commit::default()).await, Err(StoreError::Stale)));
    assert!(matches!(store.renew(&holder, LONG).await, Err(StoreError::Stale)));
}

/// Renewal keeps a step.
pub async fn a_renewed_lease_is_not_claimed_again<S: StepStore>(store: Arc<S>) {
    store.create_run(&fixtures::run(1), fixtures::steps(StepKind::Plan, &["g1"])).await.expect("a run");
    let step = claim_one(&*store, StepKind::Plan, SHORT).await.expect("a step");
    store.renew(&step, LONG).await.expect("renewed");
    for _ in 0..20 {
        assert!(claim_one(&*store, StepKind::Plan, LONG).await.is_none());
    }
    done(&*store, &step, Commit::default()).await.expect("done");
}

/// `Retry` makes a step ready again, after its delay.
pub async fn a_retry_comes_back_and_a_delayed_one_waits<S: StepStore>(store: Arc<S>) {
    let (run, step) = run_with_claim(&*store, 1).await;
    let retry = |delay| StepEnd::Retry { delay, error: "again".to_owned() };
    store.complete(&step, retry(Duration::ZERO), 1, Commit::default()).await.expect("retry");
    assert_eq!(store.run(run).await.expect("the run").version, 2);
    let step = claim_one(&*store, StepKind::Plan, LONG).await.expect("the step");
    assert_eq!(step.attempts, 2);
    store.complete(&step, retry(LONG), 2, Commit::default()).await.expect("retry");
    assert!(claim_one(&*store, StepKind::Plan, LONG).await.is_none());
}

/// Clause 2: at most `max_attempts` claims; `bury` returns the step until its end is written.
pub async fn a_step_without_attempts_left_is_buried_until_its_end_is_written<S: StepStore>(store: Arc<S>) {
    let run = fixtures::run(1);
    store.create_run(&run, fixtures::steps(StepKind::Plan, &["g1"])).await.expect("a run");
    let mut step = claim_one(&*store, StepKind::Plan, SHORT).await.expect("a step");
    while step.attempts < step.max_attempts {
        assert!(store.bury().await.expect("bury").is_empty());
        step = claim_expired(&*store, StepKind::Plan, SHORT).await;
    }
    let dead = loop {
        if let Some(dead) = store.bury().await.expect("bury").pop() {
            break dead;
        }
    };
    assert_eq!((dead.id, dead.attempts), (step.id, step.max_attempts));
    assert!(claim_one(&*store, StepKind::Plan, LONG).await.is_none());
    assert!(matches!(done(&*store, &step, Commit::default()).await, Err(StoreError::Stale)));
    // A crash between burial and answer loses nothing.
    assert_eq!(store.bury().await.expect("bury"), std::slice::from_ref(&dead));
    assert!(matches!(done(&*store, &dead, Commit::default()).await, Err(StoreError::Stale)));
    let failed = StepEnd::Failed("dead".to_owned());
    store.complete(&dead, failed.clone(), 1, fixtures::steps(StepKind::Learn, &["g1"])).await.expect("ended");
    assert!(matches!(store.complete(&dead, failed, 2, Commit::default()).await, Err(StoreError::Stale)));
    assert!(store.bury().await.expect("bury").is_empty());
    assert!(claim_one(&*store, StepKind::Learn, LONG).await.is_some());
}

/// Clause 2: claims lost with their processes do not use up the retries after errors.
pub async fn lost_claims_and_errors_are_counted_apart<S: StepStore>(store: Arc<S>) {
    let run = fixtures::run(1);
    store.create_run(&run, fixtures::steps(StepKind::Plan, &["g1"])).await.expect("a run");
    let mut step = claim_one(&*store, StepKind::Plan, SHORT).await.expect("a step");
    for lost in 1..=MAX_ERRORS {
        step = claim_expired(&*store, StepKind::Plan, SHORT).await;
        assert_eq!((step.attempts, step.errors), (lost + 1, 0));
        assert!(step.may_retry());
    }
    let retry = StepEnd::Retry { delay: Duration::ZERO, error: "again".to_owned() };
    store.complete(&step, retry, 1, Commit::default()).await.expect("retry");
    let again = claim_one(&*store, StepKind::Plan, LONG).await.expect("the step");
    assert_eq!((again.attempts, again.errors), (step.attempts + 1, 1));
}

/// A retry after the last error is a defect of the caller, and leaves the step as it was.
pub async fn the_last_attempt_cannot_be_retried<S: StepStore>(store: Arc<S>) {
    let (_, mut step) = run_with_claim(&*store, 1).await;
    let retry = StepEnd::Retry { delay: Duration::ZERO, error: "again".to_owned() };
    let mut version = 1;
    while step.may_retry() {
        store.complete(&step, retry.clone(), version, Commit::default()).await.expect("retry");
        version += 1;
        step = claim_one(&*store, StepKind::Plan, LONG).await.expect("the step");
    }
    assert_eq!(step.errors, MAX_ERRORS - 1);
    let refused = store.complete(&step, retry, version, Commit::default()).await;
    assert!(matches!(refused, Err(StoreError::Contradiction(_))));
    store
        .complete(&step, StepEnd::Failed("no more".to_owned()), version, Commit::default())
        .await
        .expect("failed");
}

/// `recover` at a lone process' start.
pub async fn recover_gives_running_steps_and_their_attempts_back<S: StepStore>(store: Arc<S>) {
    let (_, lost) = run_with_claim(&*store, 1).await;
    assert_eq!(store.recover().await.expect("recover"), 1);
    assert!(matches!(done(&*store, &lost, Commit::default()).await, Err(StoreError::Stale)));
    let step = claim_one(&*store, StepKind::Plan, LONG).await.expect("the step");
    assert_eq!((step.id, step.attempts), (lost.id, lost.attempts));
    assert!(step.fence > lost.fence);
    done(&*store, &step, Commit::default()).await.expect("done");
    assert_eq!(store.recover().await.expect("recover"), 0);
}

/// Clauses 1 and 4.
pub async fn a_commit_on_another_version_is_refused_whole<S: StepStore>(store: Arc<S>) {
    let (run, step) = run_with_claim(&*store, 1).await;
    for version in [0, 2, -1, i64::MAX] {
        let mut commit = fixtures::messages(run, 1..=2);
        commit.steps.push(fixtures::step(StepKind::Draft, "g1"));
        let refused = store.complete(&step, StepEnd::Done(json!(1)), version, commit.clone()).await;
        assert!(matches!(refused, Err(StoreError::Conflict)), "version {version}");
        let message = MessageId::derive(1, "message", 0);
        let refused = store.consume("testkit", &[message], run, version, commit).await;
        assert!(matches!(refused, Err(StoreError::Conflict)), "version {version}");
        assert!(!store.consumed("testkit", message).await.expect("inbox"));
    }
    assert!(store.unsent(None, 9).await.expect("outbox").is_empty());
    assert!(claim_one(&*store, StepKind::Draft, LONG).await.is_none());
    store.renew(&step, LONG).await.expect("still held");
}

/// Clause 1: among concurrent operations the refused ones change nothing, the others everything.
pub async fn a_refused_operation_does_not_touch_its_neighbors<S: StepStore + 'static>(store: Arc<S>) {
    let mut operations = tokio::task::JoinSet::new();
    for seed in 0..64 {
        let store = Arc::clone(&store);
        operations.spawn(async move {
            let run = fixtures::run(seed);
            // Every other run writes much and fails at its last row.
            let numbers = if seed % 2 == 0 { vec![1, 2] } else { vec![1, 3] };
            let mut commit = fixtures::messages(run.id, numbers);
            commit.steps = fixtures::steps(StepKind::Plan, &["g1"]).steps;
            (seed, store.create_run(&run, commit).await)
        });
    }
    while let Some(ended) = operations.join_next().await {
        let (seed, outcome) = ended.expect("no panic");
        if seed % 2 == 0 {
            outcome.expect("written");
        } else {
            assert!(matches!(outcome, Err(StoreError::Contradiction(_))));
        }
    }
    assert_eq!(store.runs().await.expect("ids").len(), 32);
    assert_eq!(store.unsent(None, 999).await.expect("outbox").len(), 64);
    assert_eq!(store.claim(&[StepKind::Plan], LONG, 99).await.expect("claim").len(), 32);
}

/// Signals come after the commit, and are kept for who looks later.
pub async fn workers_are_woken_by_new_steps_and_messages<S: StepStore>(store: Arc<S>) {
    let run = fixtures::run(1).id;
    let mut commit = fixtures::messages(run, [1]);
    commit.steps = fixtures::steps(StepKind::Plan, &["g1"]).steps;
    let waiting = store.steps_ready().notified();
    store.create_run(&fixtures::run(1), commit).await.expect("a run");
    let patience = Duration::from_mins(1);
    tokio::time::timeout(patience, waiting).await.expect("who waited is woken");
    tokio::time::timeout(patience, store.messages_ready().notified())
        .await
        .expect("who comes later is woken");
}

/// `open_work` counts steps that are not ended and messages that are not sent.
pub async fn open_work_counts_steps_and_messages<S: StepStore>(store: Arc<S>) {
    let (run, step) = run_with_claim(&*store, 1).await;
    assert_eq!(store.open_work(run).await.expect("a count"), 1);
    let mut commit = fixtures::messages(run, 1..=2);
    commit.steps = fixtures::steps(StepKind::Draft, &["g1"]).steps;
    done(&*store, &step, commit).await.expect("done");
    assert_eq!(store.open_work(run).await.expect("a count"), 3);
    store.mark_sent(&[1, 2].map(|number| fixtures::event(run, number).id)).await.expect("marked");
    let step = claim_one(&*store, StepKind::Draft, LONG).await.expect("a step");
    assert_eq!(store.open_work(run).await.expect("a count"), 1);
    done(&*store, &step, Commit::default()).await.expect("done");
    assert_eq!(store.open_work(run).await.expect("a count"), 0);
    assert!(matches!(store.open_work(fixtures::run(2).id).await, Err(StoreError::Missing(_))));
}

/// `broken_invariants` is quiet after a whole run, and speaks before.
pub async fn a_drained_run_breaks_no_invariant_and_a_fresh_one_does<S: StepStore>(store: Arc<S>) {
    let (run, step) = run_with_claim(&*store, 1).await;
    assert!(store.broken_invariants().await.expect("rules").iter().any(|line| line.starts_with("I1")));
    let variant = fixtures::variant(run, 1, 1, VariantState::Won);
    let placement = fixtures::placement(&variant);
    let mut commit = fixtures::messages(run, 1..=2);
    commit.variants = vec![variant];
    commit.placements = vec![placement];
    commit.ledger = fixtures::money(LedgerKind::Reserve, "play", 3).ledger;
    done(&*store, &step, commit).await.expect("done");
    let lines = store.broken_invariants().await.expect("rules");
    for rule in ["I1", "I4", "I5", "I6"] {
        assert!(lines.iter().any(|line| line.starts_with(rule)), "{rule} in {lines:?}");
    }
    let messages = [1, 2].map(|number| fixtures::outbox_message(run, number));
    store.mark_sent(&messages.each_ref().map(|message| message.id)).await.expect("marked");
    let mut commit = fixtures::money(LedgerKind::Settle, "play", 2);
    commit.run = Some(fixtures::update(Stage::Finished, 1));
    store.consume("a", &[messages[0].id], run, 2, commit).await.expect("taken in");
    store.dead_letter("a", messages[1].id, "poison", 5).await.expect("given up");
    assert_eq!(store.broken_invariants().await.expect("rules"), Vec::<String>::new());
}
