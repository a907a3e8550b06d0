//! A step whose work reads while its lease is watched, on a store with few connections for reading.
//!
//! Connections are given out in order. Whoever is next in line holds a place until it is polled again: work
//! that is not polled while the watch waits behind it would stand still for ever, and the watch with it.

#![expect(clippy::unwrap_used, reason = "a failing helper fails the test")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use serde_json::Value;
use spotwright_core::domain::run::{Involvement, NewRun, RunRequest, RunView};
use spotwright_core::domain::topology::StepKind;
use spotwright_core::domain::variant::{Placement, Variant};
use spotwright_core::ports::clock::SystemClock;
use spotwright_core::ports::event_bus::{BusError, EventBus, Subscription};
use spotwright_core::ports::step_store::{
    CallState, ClaimedStep, Commit, Consumed, NewCall, NewStep, OutboxMessage, StepEnd, StepStore,
    StoreError, TraceEntry,
};
use spotwright_core::spine::{
    ClaimQueue, Engine, EngineOptions, NoCheckpoints, PaidCalls, RunLocks, Shutdown, StepError, StepOutcome,
    Undecided, Workflow,
};
use spotwright_schemas::brief::Brief;
use spotwright_schemas::event::Event;
use spotwright_schemas::ids::{MessageId, OrganizationId, RunId, VariantId};
use spotwright_schemas::money::Micros;
use spotwright_store::sqlite::SqliteStore;
use tokio::sync::{Notify, Semaphore, SemaphorePermit};

/// Steps at the same time, each of which reads; there is one connection for all of them.
const WORKERS: usize = 4;
/// Reads of each step.
const READS: u32 = 12;
/// How long a read takes. All reads together take longer than the watch waits between two looks.
const READ: Duration = Duration::from_millis(20);
/// Far more than all reads take.
const PATIENCE: Duration = Duration::from_mins(1);

/// A store whose reads wait for the one connection that there is.
struct OneReader {
    inner: Arc<SqliteStore>,
    reader: Semaphore,
    /// Looks of watches.
    looks: AtomicU32,
}

impl OneReader {
    async fn reader(&self) -> SemaphorePermit<'_> {
        self.reader.acquire().await.unwrap()
    }
}

#[async_trait]
impl StepStore for OneReader {
    async fn create_run(&self, run: &NewRun, commit: Commit) -> Result<(), StoreError> {
        self.inner.create_run(run, commit).await
    }

    async fn run(&self, id: RunId) -> Result<RunView, StoreError> {
        let _reader = self.reader().await;
        tokio::time::sleep(READ).await;
        self.inner.run(id).await
    }

    async fn runs(&self) -> Result<Vec<RunId>, StoreError> {
        self.inner.runs().await
    }

    async fn finished_runs(
        &self,
        organization: OrganizationId,
        limit: usize,
    ) -> Result<Vec<RunId>, StoreError> {
        self.inner.finished_runs(organization, limit).await
    }

    async fn waiting_steps(&self) -> Result<Vec<(StepKind, u64)>, StoreError> {
        self.inner.waiting_steps().await
    }

    async fn variant(&self, id: VariantId) -> Result<Variant, StoreError> {
        self.inner.variant(id).await
    }

    async fn variants(&self, run: RunId) -> Result<Vec<Variant>, StoreError> {
        self.inner.variants(run).await
    }

    async fn variants_of(&self, run: RunId, generation: u32) -> Result<Vec<Variant>, StoreError> {
        self.inner.variants_of(run, generation).await
    }

    async fn placements(&self, run: RunId) -> Result<Vec<Placement>, StoreError> {
        self.inner.placements(run).await
    }

    async fn placements_of(&self, run: RunId, generation: u32) -> Result<Vec<Placement>, StoreError> {
        self.inner.placements_of(run, generation).await
    }

    async fn trace(&self, run: RunId) -> Result<Vec<TraceEntry>, StoreError> {
        self.inner.trace(run).await
    }

    async fn claim(
        &self,
        kinds: &[StepKind],
        lease: Duration,
        limit: usize,
    ) -> Result<Vec<ClaimedStep>, StoreError> {
        self.inner.claim(kinds, lease, limit).await
    }

    async fn renew(&self, step: &ClaimedStep, lease: Duration) -> Result<(), StoreError> {
        self.inner.renew(step, lease).await
    }

    async fn complete(
        &self,
        step: &ClaimedStep,
        end: StepEnd,
        expected_version: i64,
        commit: Commit,
    ) -> Result<(), StoreError> {
        self.inner.complete(step, end, expected_version, commit).await
    }

    async fn set_paused(&self, run: RunId, paused: bool) -> Result<(), StoreError> {
        self.inner.set_paused(run, paused).await
    }

    async fn amend(&self, run: RunId, expected_version: i64, commit: Commit) -> Result<(), StoreError> {
        self.inner.amend(run, expected_version, commit).await
    }

    async fn is_ending(&self, run: RunId) -> Result<bool, StoreError> {
        let _reader = self.reader().await;
        self.looks.fetch_add(1, Ordering::SeqCst);
        self.inner.is_ending(run).await
    }

    async fn begin_call(&self, step: &ClaimedStep, call: &NewCall) -> Result<CallState, StoreError> {
        self.inner.begin_call(step, call).await
    }

    async fn wake(&self, run: RunId, idempotency_key: &str) -> Result<bool, StoreError> {
        self.inner.wake(run, idempotency_key).await
    }

    async fn consume(
        &self,
        consumer: &str,
        messages: &[MessageId],
        run: RunId,
        expected_version: i64,
        commit: Commit,
    ) -> Result<Consumed, StoreError> {
        self.inner.consume(consumer, messages, run, expected_version, commit).await
    }

    async fn consumed(&self, consumer: &str, message: MessageId) -> Result<bool, StoreError> {
        self.inner.consumed(consumer, message).await
    }

    async fn dead_letter(
        &self,
        consumer: &str,
        message: MessageId,
        reason: &str,
        attempts: u32,
    ) -> Result<(), StoreError> {
        self.inner.dead_letter(consumer, message, reason, attempts).await
    }

    async fn unsent(
        &self,
        after: Option<i64>,
        limit: usize,
    ) -> Result<Vec<(i64, OutboxMessage)>, StoreError> {
        self.inner.unsent(after, limit).await
    }

    fn late_positions(&self) -> i64 {
        self.inner.late_positions()
    }

    async fn mark_sent(&self, ids: &[MessageId]) -> Result<(), StoreError> {
        self.inner.mark_sent(ids).await
    }

    async fn recover(&self) -> Result<u64, StoreError> {
        self.inner.recover().await
    }

    async fn bury(&self) -> Result<Vec<ClaimedStep>, StoreError> {
        self.inner.bury().await
    }

    async fn open_work(&self, run: RunId) -> Result<u64, StoreError> {
        self.inner.open_work(run).await
    }

    async fn broken_invariants(&self) -> Result<Vec<String>, StoreError> {
        self.inner.broken_invariants().await
    }

    fn steps_ready(&self) -> &Notify {
        self.inner.steps_ready()
    }

    fn messages_ready(&self) -> &Notify {
        self.inner.messages_ready()
    }
}

/// A bus that is never asked: no message is written.
struct NoBus;

#[async_trait]
impl EventBus for NoBus {
    async fn publish(&self, message: OutboxMessage) -> Result<MessageId, BusError> {
        Err(BusError::Unroutable(message.consumer))
    }

    async fn subscribe(&self, consumer: &str) -> Result<Box<dyn Subscription>, BusError> {
        Err(BusError::Unroutable(consumer.to_owned()))
    }
}

fn run() -> NewRun {
    let brief = include_bytes!("../../../examples/coffee-en/brief.yaml");
    NewRun {
        id: RunId::derive(1, "readers", 0),
        organization: OrganizationId::derive(1, "readers", 0),
        budget: Micros(1),
        request: RunRequest {
            brief: Brief::from_yaml(brief).unwrap(),
            pictures: Vec::new(),
            generations: 1,
            variants: 1,
            winners: 1,
            seed: 1,
            opportunities: 1_000,
            remarks: Vec::new(),
            people: Involvement::default(),
            revision: None,
        },
    }
}

/// Reads again and again.
struct Reads(Arc<OneReader>);

#[async_trait]
impl Workflow for Reads {
    async fn execute(&self, step: &ClaimedStep, _: &PaidCalls<'_>) -> Result<Value, StepError> {
        for _ in 0..READS {
            self.0.run(step.run).await?;
        }
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

    async fn after_message(&self, _: &RunView, _: &Event, _: Timestamp) -> Result<Commit, Undecided> {
        Ok(Commit::default())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn work_that_reads_and_the_watch_of_its_lease_do_not_wait_for_each_other() {
    let folder = tempfile::tempdir().unwrap();
    let inner = SqliteStore::open(&folder.path().join("test.db")).await.unwrap();
    let run = run();
    let step = |key: &str| NewStep { kind: StepKind::Plan, key: key.to_owned(), input: Value::Null };
    let commit = Commit { steps: ["a", "b", "c", "d"].map(step).to_vec(), ..Commit::default() };
    inner.create_run(&run, commit).await.unwrap();
    let store = Arc::new(OneReader { inner, reader: Semaphore::new(1), looks: AtomicU32::new(0) });
    let engine = Engine {
        store: store.clone() as Arc<dyn StepStore>,
        bus: Arc::new(NoBus),
        workflow: Arc::new(Reads(store.clone())),
        clock: Arc::new(SystemClock),
        checkpoints: Arc::new(NoCheckpoints),
        options: EngineOptions {
            workers: WORKERS,
            lease: Duration::from_secs(30),
            kinds: StepKind::ALL.to_vec(),
            consumers: Vec::new(),
            poll: Duration::from_millis(5),
        },
        claims: ClaimQueue::default(),
        locks: RunLocks::default(),
    };
    let (stop, shutdown) = Shutdown::new();
    let working = tokio::spawn(Arc::new(engine).run(shutdown));
    let all_done = async {
        while store.open_work(run.id).await.unwrap() > 0 {
            tokio::time::sleep(READ).await;
        }
    };
    tokio::time::timeout(PATIENCE, all_done).await.expect("work and watch go on");
    assert!(store.looks.load(Ordering::SeqCst) >= WORKERS as u32, "the watches looked meanwhile");
    stop.send_replace(true);
    working.await.unwrap().unwrap();
}
