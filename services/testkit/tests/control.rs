//! Pausing, resuming and cancelling a run through the program's own control, on a real store.

#![expect(clippy::unwrap_used, reason = "a failing helper fails the test")]
#![cfg(unix)]

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde_json::json;
use spotwright_core::domain::run::{NewRun, Stage};
use spotwright_core::domain::signal::{Caller, Told};
use spotwright_core::domain::topology::StepKind;
use spotwright_core::domain::variant::VariantState;
use spotwright_core::ports::letters::Letters;
use spotwright_core::ports::run_control::RunControl as _;
use spotwright_core::ports::step_store::{
    CallEnd, Commit, LedgerEntry, LedgerKind, NewCall, NewStep, RunUpdate, StepEnd, StepStore,
};
use spotwright_core::ports::video_backend::{Footage, RenderError, RenderRequest, VideoBackend};
use spotwright_core::spine::{Shutdown, StepOutcome, Workflow as _};
use spotwright_creative::workflow::{AgentState, CreativeAgent, Ports, first_commit};
use spotwright_schemas::Problem;
use spotwright_schemas::error::Code;
use spotwright_schemas::event::{RenderStage, StopReason};
use spotwright_schemas::ids::CallId;
use spotwright_schemas::money::Micros;
use spotwright_server::config::Config;
use spotwright_server::control::Control;
use spotwright_server::standins::{StandInVideo, Witness};
use spotwright_server::wiring::{EngineSetup, Running, World};
use spotwright_store::sqlite::SqliteStore;
use spotwright_testkit::fleet::{orders, stand_ins};
use tokio::sync::{Notify, Semaphore};

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
    let run = orders(Path::new(env!("CARGO_BIN_EXE_spotwright-fault-child")), &brief, 1).unwrap().remove(0);
    store.create_run(&run, first_commit(&run, jiff::Timestamp::UNIX_EPOCH)).await.unwrap();
    let letters = StandInVideo { artifacts: None, witness: None, price: Micros::ZERO };
    let control = Control::new(store.clone(), Arc::new(letters));
    Rig { folder, store, control, run }
}

impl Rig {
    async fn cancel(&self) {
        let caller = Caller::Person { organization: self.run.organization };
        self.control.tell(self.run.id, &caller, &Told::cancel(self.run.id)).await.unwrap();
    }

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
    rig.control.pause(rig.run.id, &Caller::System).await.unwrap();
    let running = rig.work();
    // The message that asks for the run is taken in; the step that follows from it is held.
    while rig.store.run(rig.run.id).await.unwrap().stage == Stage::Requested {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert!(rig.store.claim(&StepKind::ALL, Duration::from_secs(1), 9).await.unwrap().is_empty());
    rig.control.resume(rig.run.id, &Caller::System).await.unwrap();
    assert_eq!(rig.end().await, Some(StopReason::Completed));
    running.stop().await;
    // A run that has ended is cancelled without effect, and cannot be paused.
    rig.cancel().await;
    assert_eq!(rig.end().await, Some(StopReason::Completed));
    assert_eq!(rig.control.pause(rig.run.id, &Caller::System).await.unwrap_err().code, Code::RunState);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_is_cancelled_with_everything_that_waits() {
    for paused in [false, true] {
        let rig = rig().await;
        if paused {
            rig.control.pause(rig.run.id, &Caller::System).await.unwrap();
        }
        rig.cancel().await;
        let running = rig.work();
        assert_eq!(rig.end().await, Some(StopReason::Cancelled), "paused: {paused}");
        running.stop().await;
        // The trace says once who asked for the end.
        let trace = rig.store.trace(rig.run.id).await.unwrap();
        let asked: Vec<_> = trace.iter().filter(|line| line.what == "run.cancel_asked").collect();
        assert_eq!(asked.len(), 1, "paused: {paused}");
        assert_eq!(asked[0].detail["by"], "person");
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
    rig.control.pause(rig.run.id, &Caller::System).await.unwrap();
    rig.cancel().await;
    let view = rig.store.run(rig.run.id).await.unwrap();
    assert!(view.stage == Stage::Playing && !view.paused && view.cancelling);
    let claimed = rig.store.claim(&[StepKind::Play], Duration::from_secs(1), 1).await.unwrap();
    assert_eq!(claimed.len(), 1, "the campaign is played and paid");
}

/// A studio of the stand-ins in which every final render waits until it is let go, or told to stop.
struct Held {
    inner: StandInVideo,
    entered: Notify,
    let_go: Semaphore,
    /// Whether it ends when it is told to stop; else it goes on to its end.
    stops: bool,
}

impl Letters for Held {
    fn undrawable(&self, text: &str) -> Vec<char> {
        self.inner.undrawable(text)
    }
}

#[async_trait]
impl VideoBackend for Held {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn repeatable(&self) -> bool {
        true
    }

    fn quote(&self, request: &RenderRequest) -> Micros {
        self.inner.quote(request)
    }

    async fn lookup(&self, key: &str) -> Result<Option<Footage>, RenderError> {
        self.inner.lookup(key).await
    }

    async fn render(
        &self,
        request: &RenderRequest,
        key: &str,
        stop: &Shutdown,
    ) -> Result<Footage, RenderError> {
        if request.stage == RenderStage::Final {
            self.entered.notify_one();
            let mut stop = stop.clone();
            tokio::select! {
                () = stop.wait(), if self.stops => return Err(RenderError::Stopped),
                allowed = self.let_go.acquire() => allowed.unwrap().forget(),
            }
        }
        self.inner.render(request, key, stop).await
    }
}

/// Starts a run whose final renders are held, and cancels it once one of them is under way.
async fn cancelled_while_rendering(stops: bool) -> (Rig, Arc<Held>, Arc<Witness>, Running) {
    let rig = rig().await;
    let witness = Arc::new(Witness::open(&rig.folder.path().join("witness")).unwrap());
    let inner = StandInVideo { artifacts: None, witness: Some(witness.clone()), price: Micros(70_000) };
    let held = Arc::new(Held { inner, entered: Notify::new(), let_go: Semaphore::new(0), stops });
    let world = World { video: held.clone(), ..stand_ins(&witness) };
    // One worker: the other chosen variant waits.
    let setup = EngineSetup::new(rig.store.clone(), 1, &Config::load(None).unwrap());
    let running = Running::start(setup, &world);
    held.entered.notified().await;
    rig.cancel().await;
    (rig, held, witness, running)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cancelled_run_waits_for_a_render_that_is_charged_and_keeps_it() {
    let (rig, held, witness, running) = cancelled_while_rendering(false).await;
    let view = rig.store.run(rig.run.id).await.unwrap();
    assert!(view.cancelling && view.stage == Stage::Rendering, "it has not ended before it was paid");
    assert_eq!((view.working, view.settled, view.reserved), (1, Micros(0), Micros(70_000)));
    assert_eq!(rig.control.pause(rig.run.id, &Caller::System).await.unwrap_err().code, Code::RunState);
    rig.cancel().await;
    held.let_go.add_permits(9);
    assert_eq!(rig.end().await, Some(StopReason::Cancelled));
    running.stop().await;
    let view = rig.store.run(rig.run.id).await.unwrap();
    assert_eq!((view.settled, view.reserved), (Micros(70_000), Micros(0)));
    let billed: i64 = witness.entries().unwrap().iter().map(|(_, _, micros)| micros).sum();
    assert_eq!(billed, 70_000, "the other render was never made");
    let variants = rig.store.variants(rig.run.id).await.unwrap();
    let kept: Vec<_> = variants.iter().filter(|variant| variant.body.final_render.is_some()).collect();
    assert_eq!(kept.len(), 1);
    assert_eq!((kept[0].state, kept[0].final_gate), (VariantState::Won, Some(true)));
    assert!(variants.iter().all(|variant| variant.state != VariantState::Failed));
    assert!(rig.store.placements(rig.run.id).await.unwrap().is_empty(), "nothing is shown any more");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_render_that_can_stop_ends_with_its_run_and_costs_nothing() {
    let (rig, _held, witness, running) = cancelled_while_rendering(true).await;
    assert_eq!(rig.end().await, Some(StopReason::Cancelled));
    running.stop().await;
    let view = rig.store.run(rig.run.id).await.unwrap();
    assert_eq!((view.settled, view.reserved), (Micros(0), Micros(0)));
    assert!(witness.entries().unwrap().is_empty());
    let variants = rig.store.variants(rig.run.id).await.unwrap();
    assert!(variants.iter().all(|variant| variant.body.failure.is_none()), "what is not made has not failed");
    assert!(variants.iter().any(|variant| variant.state == VariantState::Selected));
    assert!(variants.iter().all(|variant| variant.body.preview.is_some()), "what was made is kept");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failed_campaign_gives_back_its_own_reserve_and_leaves_an_open_call_its_own() {
    let rig = rig().await;
    let witness = Arc::new(Witness::open(&rig.folder.path().join("witness")).unwrap());
    let world = stand_ins(&witness);
    let agent = CreativeAgent::new(Ports {
        store: rig.store.clone(),
        language_model: world.language_model,
        video: world.video,
        gate: world.gate,
        click_model: world.click_model,
        marketplace: world.marketplace,
        footage: None,
    });
    let id = rig.run.id;
    let campaign = LedgerEntry {
        kind: LedgerKind::Reserve,
        reference: format!("play:{id}:g1"),
        amount: Micros(5_000_000),
    };
    let state = serde_json::to_value(AgentState::default()).unwrap();
    let playing = Commit {
        run: Some(RunUpdate { stage: Stage::Playing, generation: 1, state }),
        steps: vec![
            NewStep { kind: StepKind::Play, key: "g1".to_owned(), input: json!({ "budget": 5_000_000 }) },
            NewStep { kind: StepKind::Draft, key: "g1".to_owned(), input: json!({}) },
        ],
        ledger: vec![campaign],
        ..Commit::default()
    };
    let version = rig.store.run(id).await.unwrap().version;
    rig.store.amend(id, version, playing).await.unwrap();
    let lease = Duration::from_mins(1);
    let play = rig.store.claim(&[StepKind::Play], lease, 1).await.unwrap().remove(0);
    let other = rig.store.claim(&[StepKind::Draft], lease, 1).await.unwrap().remove(0);
    let call = NewCall {
        id: CallId::derive(1, "call", 1),
        step: other.id,
        provider: "fixture".to_owned(),
        idempotency_key: "call".to_owned(),
        reserve: Micros(9),
    };
    rig.store.begin_call(&other, &call).await.unwrap();

    let view = rig.store.run(id).await.unwrap();
    assert_eq!(view.reserved, Micros(5_000_009));
    let problem = Problem::new(Code::Market, "", "the market is closed");
    let failed = StepOutcome::Failed(problem.clone());
    let commit = agent.after_step(&view, &play, &failed, jiff::Timestamp::UNIX_EPOCH).await.unwrap();
    rig.store.complete(&play, StepEnd::Failed(problem.to_string()), view.version, commit).await.unwrap();
    let view = rig.store.run(id).await.unwrap();
    assert_eq!((view.stage, view.settled, view.reserved), (Stage::Finished, Micros(0), Micros(9)));

    let charged = CallEnd { id: call.id, result: Some(json!("lines")), settled: Micros(8) };
    let late = Commit { calls: vec![charged], ..Commit::default() };
    rig.store.complete(&other, StepEnd::Done(json!(null)), view.version, late).await.unwrap();
    let view = rig.store.run(id).await.unwrap();
    assert_eq!((view.settled, view.reserved), (Micros(8), Micros(0)));
    let broken = rig.store.broken_invariants().await.unwrap();
    assert!(broken.iter().all(|rule| !rule.starts_with("I3") && !rule.starts_with("I4")), "{broken:?}");
}
