//! Pausing, resuming and cancelling a run through the program's own control, on a real store.

#![expect(clippy::unwrap_used, reason = "a failing helper fails the test")]
#![cfg(unix)]

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use spotwright_core::domain::run::{NewRun, Stage};
use spotwright_core::domain::topology::StepKind;
use spotwright_core::ports::run_control::RunControl as _;
use spotwright_core::ports::step_store::{Commit, NewStep, RunUpdate, StepStore};
use spotwright_creative::workflow::{AgentState, first_commit};
use spotwright_schemas::error::Code;
use spotwright_schemas::event::StopReason;
use spotwright_server::config::Config;
use spotwright_server::control::Control;
use spotwright_server::standins::Witness;
use spotwright_server::wiring::{EngineSetup, Running};
use spotwright_store::sqlite::SqliteStore;
use spotwright_testkit::fleet::{orders, stand_ins};

/// A run that nobody works on yet.
struct Rig {
    folder: tempfile::TempDir,
    store: Arc<SqliteStore>,
    control: Control,
    run: NewRun,
}

async fn rig() -> Rig {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&folder.path().join("test.sqlite")).await.unwrap();
    let brief = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/coffee-en/brief.yaml");
    let run = orders(&brief, 1).unwrap().remove(0);
    store.create_run(&run, first_commit(&run, jiff::Timestamp::UNIX_EPOCH)).await.unwrap();
    let control = Control::new(store.clone());
    Rig { folder, store, control, run }
}

impl Rig {
    fn work(&self) -> Running {
        let witness = Arc::new(Witness::open(&self.folder.path().join("witness")).unwrap());
        let setup = EngineSetup::new(self.store.clone(), 2, &Config::load(None).unwrap());
        Running::start(setup, &stand_ins(&witness))
    }

    /// Waits until nothing is left to do; why the run ended.
    async fn end(&self) -> Option<StopReason> {
        while self.store.open_work(self.run.id).await.unwrap() > 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let view = self.store.run(self.run.id).await.unwrap();
        assert_eq!(view.stage, Stage::Finished);
        assert!(self.store.broken_invariants().await.unwrap().is_empty());
        AgentState::of(&view).unwrap().stopped
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_paused_run_stands_still_and_goes_on_to_its_end() {
    let rig = rig().await;
    rig.control.pause(rig.run.id).await.unwrap();
    let running = rig.work();
    // The message that asks for the run is taken in; the step that follows from it is held.
    while rig.store.run(rig.run.id).await.unwrap().stage == Stage::Requested {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert!(rig.store.claim(&StepKind::ALL, Duration::from_secs(1), 9).await.unwrap().is_empty());
    rig.control.resume(rig.run.id).await.unwrap();
    assert_eq!(rig.end().await, Some(StopReason::Completed));
    running.stop().await;
    // A run that has ended is cancelled without effect, and cannot be paused.
    rig.control.cancel(rig.run.id).await.unwrap();
    assert_eq!(rig.end().await, Some(StopReason::Completed));
    assert_eq!(rig.control.pause(rig.run.id).await.unwrap_err().code, Code::RunState);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_is_cancelled_with_everything_that_waits() {
    for paused in [false, true] {
        let rig = rig().await;
        if paused {
            rig.control.pause(rig.run.id).await.unwrap();
        }
        rig.control.cancel(rig.run.id).await.unwrap();
        let running = rig.work();
        assert_eq!(rig.end().await, Some(StopReason::Cancelled), "paused: {paused}");
        running.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_campaign_under_way_is_played_before_a_paused_run_is_cancelled() {
    let rig = rig().await;
    let state = serde_json::to_value(AgentState::default()).unwrap();
    let playing = Commit {
        run: Some(RunUpdate { stage: Stage::Playing, generation: 1, state }),
        steps: vec![NewStep { kind: StepKind::Play, key: "g1".to_owned(), input: json!({ "budget": 0 }) }],
        ..Commit::default()
    };
    let version = rig.store.run(rig.run.id).await.unwrap().version;
    rig.store.amend(rig.run.id, version, playing).await.unwrap();
    rig.control.pause(rig.run.id).await.unwrap();
    rig.control.cancel(rig.run.id).await.unwrap();
    let view = rig.store.run(rig.run.id).await.unwrap();
    assert!(view.stage == Stage::Playing && !view.paused && AgentState::of(&view).unwrap().cancelling);
    let claimed = rig.store.claim(&[StepKind::Play], Duration::from_secs(1), 1).await.unwrap();
    assert_eq!(claimed.len(), 1, "the campaign is played and paid");
}
