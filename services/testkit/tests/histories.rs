//! Property: whatever the order in which steps and messages are worked on, whichever are worked on
//! twice, and wherever the process ends in between, a run comes to the same end.
//!
//! The driver below takes the place of engine, bus and relay: it works on one thing at a time and
//! lets a seed choose what comes next and what is lost. Store, workflow and decisions are real.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use proptest::prelude::*;
use spotwright_core::domain::run::{Involvement, NewRun, RunRequest, RunView, Stage, StoredPicture};
use spotwright_core::domain::topology::StepKind;
use spotwright_core::ports::artifacts::ArtifactHash;
use spotwright_core::ports::step_store::{Consumed, StepEnd, StepStore};
use spotwright_core::spine::{NoCheckpoints, PaidCalls, Shutdown, StepOutcome, Workflow, view_after};
use spotwright_creative::copy_engine::CopyEngine;
use spotwright_creative::workflow::{CreativeAgent, Ports, first_commit};
use spotwright_schemas::brief::Brief;
use spotwright_schemas::ids::{OrganizationId, RunId};
use spotwright_schemas::money::Micros;
use spotwright_schemas::random::Stream;
use spotwright_server::standins::{StandInClickModel, StandInGate, StandInMarket, StandInVideo};
use spotwright_store::sqlite::SqliteStore;

/// How a history goes wrong; shares out of 100.
#[derive(Debug, Clone, Copy)]
struct Mishaps {
    /// Steps whose result is lost with the process.
    lost_steps: u64,
    /// Messages that are delivered again after they were taken in.
    repeated_messages: u64,
}

/// What a run came to: stage, money, and everything that is told of it.
#[derive(Debug, PartialEq)]
struct End {
    stage: Stage,
    settled: Micros,
    reserved: Micros,
    messages: u64,
    variants: Vec<String>,
    trace: Vec<String>,
}

fn run_request() -> NewRun {
    let brief = Brief::from_yaml(include_bytes!("../../../examples/coffee-en/brief.yaml")).expect("a brief");
    NewRun {
        id: RunId::derive(3, "histories", 0),
        organization: OrganizationId::derive(3, "histories", 0),
        budget: brief.budget.total,
        request: RunRequest {
            pictures: vec![StoredPicture { hash: ArtifactHash::of(b"picture"), width: 600, height: 400 }],
            brief,
            generations: 2,
            variants: 3,
            winners: 2,
            seed: 3,
            opportunities: 1_000,
            remarks: Vec::new(),
            people: Involvement::default(),
            revision: None,
        },
    }
}

async fn history(seed: u64, mishaps: Mishaps) -> End {
    let folder = tempfile::tempdir().expect("a scratch folder");
    let store = SqliteStore::open(&folder.path().join("run.sqlite")).await.expect("a store");
    // Free renders: a paid call counts its lost attempts, which is tested by the kill tests.
    let agent = CreativeAgent::new(Ports {
        store: store.clone(),
        language_model: Arc::new(CopyEngine),
        video: Arc::new(StandInVideo { artifacts: None, witness: None, price: Micros::ZERO }),
        gate: Arc::new(StandInGate::default()),
        click_model: Arc::new(StandInClickModel),
        marketplace: Arc::new(StandInMarket::default()),
        footage: None,
    });
    let run = run_request();
    let now = Timestamp::UNIX_EPOCH;
    store.create_run(&run, first_commit(&run, now)).await.expect("a run");
    let stream = Stream::new(seed, "history");
    for turn in 0..2_000_u64 {
        let chance = stream.child(turn);
        let messages = store.unsent(None, 64).await.expect("the outbox");
        if !messages.is_empty() && chance.below(0, 2) == 0 {
            let (_, message) = &messages[chance.below(1, messages.len())];
            let times = if chance.below(2, 100) < mishaps.repeated_messages as usize { 2 } else { 1 };
            for _ in 0..times {
                let view = store.run(run.id).await.expect("the run");
                let commit = agent.after_message(&view, &message.event, now).await.expect("a decision");
                let (consumer, id) = (&message.consumer, message.id);
                let expected = view_after(&view, &commit);
                let consumed =
                    store.consume(consumer, &[id], run.id, view.version, commit).await.expect("taken in");
                // What messages that wait together are decided on is what the store would have said.
                let left = store.run(run.id).await.expect("the run");
                if let (Some(expected), Consumed::Applied) = (expected, consumed) {
                    assert_eq!(RunView { version: left.version, ..expected }, left);
                }
            }
            // A process that ends here delivers the message again in a later turn.
            if chance.below(3, 100) >= mishaps.repeated_messages as usize {
                store.mark_sent(&[message.id]).await.expect("marked");
            }
            continue;
        }
        let mut kinds = StepKind::ALL.to_vec();
        kinds.rotate_left(chance.below(4, 8));
        kinds.truncate(1 + chance.below(5, 8));
        let steps = store.claim(&kinds, Duration::from_mins(1), 1).await.expect("a claim");
        let Some(step) = steps.first() else {
            if store.open_work(run.id).await.expect("open work") == 0 {
                break;
            }
            continue;
        };
        let (_switch, stop) = Shutdown::new();
        let calls = PaidCalls::new(store.as_ref(), step, &NoCheckpoints, stop);
        let result = agent.execute(step, &calls).await.expect("work");
        if chance.below(6, 100) < mishaps.lost_steps as usize {
            store.recover().await.expect("recovered");
            continue;
        }
        let view = store.run(run.id).await.expect("the run");
        let outcome = StepOutcome::Done(result.clone());
        let commit = agent.after_step(&view, step, &outcome, now).await.expect("a decision");
        store.complete(step, StepEnd::Done(result), view.version, commit).await.expect("completed");
    }
    assert_eq!(store.broken_invariants().await.expect("rules"), Vec::<String>::new());
    let view = store.run(run.id).await.expect("the run");
    End {
        stage: view.stage,
        settled: view.settled,
        reserved: view.reserved,
        messages: view.messages,
        variants: store.variants(run.id).await.expect("variants").iter().map(|v| format!("{v:?}")).collect(),
        trace: store.trace(run.id).await.expect("trace").iter().map(|t| format!("{t:?}")).collect(),
    }
}

fn end_of(seed: u64, mishaps: Mishaps) -> End {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(history(seed, mishaps))
}

#[test]
fn an_undisturbed_history_ends_with_all_money_closed() {
    let end = end_of(0, Mishaps { lost_steps: 0, repeated_messages: 0 });
    assert_eq!((end.stage, end.reserved), (Stage::Finished, Micros::ZERO));
    assert!(end.settled > Micros::ZERO);
    assert_eq!(end.variants.len(), 6);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, max_shrink_iters: 20, ..ProptestConfig::default() })]

    #[test]
    fn every_history_comes_to_the_same_end(seed in any::<u64>(), lost_steps in 0_u64..60, repeated_messages in 0_u64..60) {
        let expected = end_of(0, Mishaps { lost_steps: 0, repeated_messages: 0 });
        prop_assert_eq!(end_of(seed, Mishaps { lost_steps, repeated_messages }), expected);
    }
}
