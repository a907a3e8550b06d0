//! Messages that are taken in together do not suffer from one among them that the store refuses.

#![expect(clippy::unwrap_used, reason = "a failing helper fails the test")]

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt as _, StreamExt as _};
use jiff::Timestamp;
use serde_json::Value;
use spotwright_bus::memory::MemoryBus;
use spotwright_core::domain::run::RunView;
use spotwright_core::ports::clock::SystemClock;
use spotwright_core::ports::event_bus::EventBus;
use spotwright_core::ports::step_store::{ClaimedStep, Commit, StepStore};
use spotwright_core::spine::{
    ClaimQueue, Engine, EngineOptions, NoCheckpoints, PaidCalls, RunLocks, Shutdown, StepError, StepOutcome,
    Undecided, Workflow,
};
use spotwright_schemas::event::Event;
use spotwright_schemas::ids::PlacementId;
use spotwright_store::sqlite::SqliteStore;
use spotwright_testkit::fixtures;

const CONSUMER: &str = "agent.creative-requested";
const MESSAGES: u64 = 9;
const REFUSED: u64 = 5;

/// Traces every message; from one of them follows what no store can write.
#[derive(Default)]
struct Tracing {
    decisions: AtomicU64,
    /// Versions of the run and the messages that were decided on at them.
    decided: Mutex<Vec<(i64, u64)>>,
}

#[async_trait]
impl Workflow for Tracing {
    async fn execute(&self, _: &ClaimedStep, _: &PaidCalls<'_>) -> Result<Value, StepError> {
        Ok(Value::Null)
    }

    async fn after_step(
        &self,
        _: &RunView,
        _: &ClaimedStep,
        _: &StepOutcome,
        _: Timestamp,
    ) -> Result<Commit, Undecided> {
        Ok(Commit::default())
    }

    async fn after_message(&self, run: &RunView, event: &Event, _: Timestamp) -> Result<Commit, Undecided> {
        self.decisions.fetch_add(1, Ordering::SeqCst);
        self.decided.lock().unwrap().push((run.version, event.sequence));
        let mut commit =
            Commit { trace: vec![fixtures::trace(&format!("{:02}", event.sequence))], ..Commit::default() };
        if event.sequence == REFUSED {
            commit.observed.push(PlacementId::derive(1, "a placement that nobody made", 0));
        }
        Ok(commit)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_that_the_store_refuses_holds_up_no_other_of_its_batch() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&folder.path().join("test.db")).await.unwrap();
    let run = fixtures::run(1);
    store.create_run(&run, Commit::default()).await.unwrap();
    let bus = Arc::new(MemoryBus::new());
    // All of them wait in the queue before anybody takes one.
    drop(bus.subscribe(CONSUMER).await.unwrap());
    let mut publishes: FuturesUnordered<_> = (1..=MESSAGES)
        .map(|number| {
            let (bus, message) = (Arc::clone(&bus), fixtures::outbox_message(run.id, number));
            async move { bus.publish(message).await.map(|_| number) }
        })
        .collect();
    // The first look at a publish puts its message into the queue; then it waits for a consumer.
    assert!(publishes.next().now_or_never().is_none());
    let workflow = Arc::new(Tracing::default());
    let engine = Arc::new(Engine {
        store: Arc::clone(&store) as Arc<dyn StepStore>,
        bus: Arc::clone(&bus) as Arc<dyn EventBus>,
        workflow: Arc::clone(&workflow),
        clock: Arc::new(SystemClock),
        checkpoints: Arc::new(NoCheckpoints),
        options: EngineOptions {
            workers: 1,
            lease: Duration::from_secs(30),
            kinds: Vec::new(),
            consumers: vec![CONSUMER.to_owned()],
            poll: Duration::from_millis(20),
        },
        claims: ClaimQueue::default(),
        locks: RunLocks::default(),
    });
    let (switch, shutdown) = Shutdown::new();
    let working = tokio::spawn(engine.run(shutdown));
    let mut confirmed = BTreeSet::new();
    while confirmed.len() < MESSAGES as usize - 1 {
        confirmed.insert(publishes.next().await.unwrap().unwrap());
    }
    // The refused one comes again and again, and is never confirmed.
    let decided = workflow.decisions.load(Ordering::SeqCst);
    while workflow.decisions.load(Ordering::SeqCst) < decided + 2 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    drop(switch);
    working.await.unwrap().unwrap();
    assert_eq!(confirmed, (1..=MESSAGES).filter(|number| *number != REFUSED).collect());
    let traced: Vec<_> = store.trace(run.id).await.unwrap().into_iter().map(|line| line.order).collect();
    let others: Vec<_> = confirmed.iter().map(|number| format!("{number:02}")).collect();
    assert_eq!(traced, others);
    for number in 1..=MESSAGES {
        let taken_in = store.consumed(CONSUMER, fixtures::outbox_message(run.id, number).id).await.unwrap();
        assert_eq!(taken_in, number != REFUSED, "message {number}");
    }
    // They were decided on together with it once: otherwise nothing was shown.
    let decided = workflow.decided.lock().unwrap();
    let version = decided.iter().find(|(_, number)| *number == REFUSED).unwrap().0;
    assert!(decided.iter().filter(|(at, _)| *at == version).count() > 1, "{decided:?}");
}
