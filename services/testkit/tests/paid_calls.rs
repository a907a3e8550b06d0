//! Paid calls through the engine: what their last attempt leaves.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use serde_json::{Value, json};
use spotwright_bus::memory::MemoryBus;
use spotwright_core::domain::run::{RunView, Stage};
use spotwright_core::domain::topology::StepKind;
use spotwright_core::ports::clock::SystemClock;
use spotwright_core::ports::step_store::{ClaimedStep, Commit, MAX_ERRORS, StepStore};
use spotwright_core::spine::{
    ClaimQueue, Engine, EngineOptions, NoCheckpoints, PaidCalls, RunLocks, Shutdown, StepError, StepOutcome,
    Undecided, Workflow,
};
use spotwright_schemas::Problem;
use spotwright_schemas::error::Code;
use spotwright_schemas::event::Event;
use spotwright_schemas::money::Micros;
use spotwright_store::sqlite::SqliteStore;
use spotwright_testkit::fixtures;

/// What the provider says when it is asked after the last attempt.
#[derive(Debug, Clone, Copy)]
enum Last {
    /// It has made the call and charged this.
    Made(i64),
    /// It has never heard of it.
    Unknown,
    /// It does not answer.
    Silent,
}

/// A step that makes one call, whose provider never answers in time.
struct Calling {
    last: Last,
    lookups: AtomicU32,
}

fn late() -> StepError {
    StepError::Retry { problem: Problem::new(Code::Render, "", "no answer in time"), delay: Duration::ZERO }
}

#[async_trait]
impl Workflow for Calling {
    async fn execute(&self, _: &ClaimedStep, calls: &PaidCalls<'_>) -> Result<Value, StepError> {
        let lookup = || async {
            // Every attempt after the first asks before it calls again; the last one asks once more.
            if self.lookups.fetch_add(1, Ordering::SeqCst) + 1 < MAX_ERRORS {
                return Ok(None);
            }
            match self.last {
                Last::Made(charged) => Ok(Some((json!("a file"), Micros(charged)))),
                Last::Unknown => Ok(None),
                Last::Silent => Err(late()),
            }
        };
        calls.make("fixture", "key", Micros(6), lookup, || async { Err(late()) }).await
    }

    async fn after_step(
        &self,
        run: &RunView,
        _: &ClaimedStep,
        outcome: &StepOutcome,
        _: Timestamp,
    ) -> Result<Commit, Undecided> {
        let made = matches!(outcome, StepOutcome::Done(_));
        assert_eq!(made, matches!(self.last, Last::Made(_)), "{outcome:?}");
        let run = Some(fixtures::update(Stage::Finished, run.generation));
        Ok(Commit { run, ..Commit::default() })
    }

    async fn after_message(&self, _: &RunView, _: &Event, _: Timestamp) -> Result<Commit, Undecided> {
        Ok(Commit::default())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_whose_last_attempt_is_not_answered_is_charged_as_its_provider_did() {
    for (last, charged) in [(Last::Made(4), 4), (Last::Unknown, 0), (Last::Silent, 6)] {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(&folder.path().join("test.db")).await.unwrap();
        let run = fixtures::run(1);
        store.create_run(&run, fixtures::steps(StepKind::Render, &["one"])).await.unwrap();
        let engine = Engine {
            store: store.clone(),
            bus: Arc::new(MemoryBus::new()),
            workflow: Arc::new(Calling { last, lookups: AtomicU32::new(0) }),
            clock: Arc::new(SystemClock),
            checkpoints: Arc::new(NoCheckpoints),
            options: EngineOptions {
                workers: 1,
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
        while store.open_work(run.id).await.unwrap() > 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        stop.send_replace(true);
        working.await.unwrap().unwrap();
        let view = store.run(run.id).await.unwrap();
        assert_eq!((view.settled, view.reserved), (Micros(charged), Micros(0)), "{last:?}");
    }
}
