//! Clips that are made by the steps of the real agent on the real engine and store, and nothing around them.
//!
//! Time is logical and moves by itself, many times as fast as the machine's: the provider's jobs and the
//! deadlines go by it, while the waits of steps are real and short.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use serde_json::{Value, json};
use spotwright_core::domain::run::{NewRun, RunView};
use spotwright_core::domain::topology::StepKind;
use spotwright_core::ports::artifacts::ArtifactStore;
use spotwright_core::ports::clip_importer::ClipImporter;
use spotwright_core::ports::clip_source::{ClipRequest, ClipSource};
use spotwright_core::ports::clock::{Clock, ManualClock};
use spotwright_core::ports::step_store::{ClaimedStep, Commit, NewStep, StepStore};
use spotwright_core::spine::{
    Checkpoints, ClaimQueue, Engine, EngineOptions, NoCheckpoints, PaidCalls, RunLocks, Shutdown, StepError,
    StepOutcome, Undecided, Workflow,
};
use spotwright_creative::copy_engine::CopyEngine;
use spotwright_creative::workflow::{ClipOptions, ClipOutcome, CreativeAgent, FootagePorts, Ports};
use spotwright_fake_video::{FakeProvider, Generation, Options};
use spotwright_schemas::Problem;
use spotwright_schemas::event::Event;
use spotwright_schemas::money::{Currency, Micros};
use spotwright_store::clips::FolderClips;
use spotwright_store::folder::FolderArtifacts;
use spotwright_store::sqlite::SqliteStore;
use tokio::task::JoinHandle;

use crate::nobody::{self, Nobody};
use crate::reader::{Decoding, Trusting};
use crate::servers::{Server, request};

/// How often logical time moves.
const TICK: Duration = Duration::from_millis(5);
/// Longest that a test waits for its clips.
const PATIENCE: Duration = Duration::from_mins(2);
/// A deadline that no test reaches.
pub(crate) const AGES: Duration = Duration::from_hours(1_000_000);

/// Who turns what came into clips.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reader {
    /// Decodes every frame.
    Decoding,
    /// Takes bytes as they are, where a test is not about them.
    Trusting,
}

/// How a world is set up.
pub(crate) struct Plan {
    pub(crate) server: Server,
    /// The provider's settings.
    pub(crate) options: Options,
    pub(crate) reader: Reader,
    pub(crate) deadline: Duration,
    /// Logical time over real time.
    pub(crate) speed: u32,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) workers: usize,
    /// Real time before the first look at a job.
    pub(crate) shortest_wait: Duration,
}

impl Plan {
    pub(crate) fn new(server: Server) -> Self {
        // 2026-11-29.
        let clock = Arc::new(ManualClock::starting_at(1_795_910_400_000_000));
        Self {
            server,
            options: server.options(clock.clone()),
            reader: Reader::Trusting,
            deadline: AGES,
            speed: 400,
            clock,
            workers: 8,
            shortest_wait: Duration::from_millis(5),
        }
    }
}

/// A provider, a database, and the clips that are asked for.
pub(crate) struct World {
    folder: tempfile::TempDir,
    pub(crate) plan: Plan,
    pub(crate) provider: FakeProvider,
    pub(crate) artifacts: Arc<FolderArtifacts>,
    pub(crate) run: NewRun,
    ticking: JoinHandle<()>,
    pub(crate) ends: Arc<Mutex<BTreeMap<String, End>>>,
}

/// What became of a clip's step.
#[derive(Debug, Clone)]
pub(crate) enum End {
    Ended(Box<ClipOutcome>),
    Failed(Problem),
}

impl Drop for World {
    fn drop(&mut self) {
        self.ticking.abort();
    }
}

impl World {
    pub(crate) async fn new(plan: Plan) -> Self {
        let provider = FakeProvider::start(plan.options.clone()).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let artifacts = Arc::new(FolderArtifacts::open(&folder.path().join("artifacts")).unwrap());
        // Tokens are good for half an hour, of which a slow machine needs some for one call.
        let most = if plan.server == Server::KlingLegacy { 1_000 } else { u32::MAX };
        let (clock, speed) = (plan.clock.clone(), i64::from(plan.speed.min(most)));
        let ticking = tokio::spawn(async move {
            let mut before = tokio::time::Instant::now();
            loop {
                tokio::time::sleep(TICK).await;
                let now = tokio::time::Instant::now();
                clock.advance_micros((now - before).as_micros() as i64 * speed);
                before = now;
            }
        });
        Self { folder, plan, provider, artifacts, run: nobody::run(), ticking, ends: Arc::default() }
    }

    /// Asks for clips by name.
    pub(crate) async fn ask(&self, names: &[String]) {
        let asked: Vec<(String, ClipRequest)> =
            names.iter().map(|name| (name.clone(), request(name))).collect();
        self.ask_for(&asked).await;
    }

    /// Asks for clips.
    pub(crate) async fn ask_for(&self, asked: &[(String, ClipRequest)]) {
        let step = |(name, request): &(String, ClipRequest)| NewStep {
            kind: StepKind::ClipRemote,
            key: name.clone(),
            input: json!({ "request": request, "shows_product": false }),
        };
        let commit = Commit { steps: asked.iter().map(step).collect(), ..Commit::default() };
        self.store().await.create_run(&self.run, commit).await.unwrap();
    }

    pub(crate) async fn store(&self) -> Arc<SqliteStore> {
        SqliteStore::open(&self.database()).await.unwrap()
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.folder.path().join("test.db")
    }

    pub(crate) fn source(&self) -> Arc<dyn ClipSource> {
        let artifacts: Arc<dyn ArtifactStore> = self.artifacts.clone();
        self.plan.server.source(self.provider.base_url(), artifacts, self.plan.clock.clone())
    }

    /// A process that works on the clips; nothing in memory outlives it.
    pub(crate) async fn start(&self) -> Process {
        self.start_with(Arc::new(NoCheckpoints)).await
    }

    pub(crate) async fn start_with(&self, checkpoints: Arc<dyn Checkpoints>) -> Process {
        self.start_of(self.source(), checkpoints).await
    }

    pub(crate) async fn start_of(
        &self,
        source: Arc<dyn ClipSource>,
        checkpoints: Arc<dyn Checkpoints>,
    ) -> Process {
        let store = self.store().await;
        store.recover().await.unwrap();
        let agent = CreativeAgent::new(self.ports(&store, source));
        let engine = Engine {
            store: store.clone() as Arc<dyn StepStore>,
            bus: Arc::new(Nobody),
            workflow: Arc::new(OnlyClips { agent, ends: self.ends.clone() }),
            clock: self.plan.clock.clone(),
            checkpoints,
            options: EngineOptions {
                workers: self.plan.workers,
                lease: Duration::from_secs(30),
                kinds: StepKind::ALL.to_vec(),
                consumers: Vec::new(),
                poll: Duration::from_millis(5),
            },
            claims: ClaimQueue::default(),
            locks: RunLocks::default(),
        };
        let (stop, shutdown) = Shutdown::new();
        Process { store, stop, working: tokio::spawn(Arc::new(engine).run(shutdown)) }
    }

    fn ports(&self, store: &Arc<SqliteStore>, source: Arc<dyn ClipSource>) -> Ports {
        let artifacts: Arc<dyn ArtifactStore> = self.artifacts.clone();
        let clock: Arc<dyn Clock> = self.plan.clock.clone();
        let library = FolderClips::open(&self.folder.path().join("clips"), 1 << 30, clock.clone()).unwrap();
        let clip_importer: Arc<dyn ClipImporter> = match self.plan.reader {
            Reader::Trusting => Arc::new(Trusting),
            Reader::Decoding => Arc::new(Decoding(self.artifacts.clone())),
        };
        Ports {
            store: store.clone(),
            language_model: Arc::new(CopyEngine),
            video: Arc::new(Nobody),
            gate: Arc::new(Nobody),
            click_model: Arc::new(Nobody),
            marketplace: Arc::new(Nobody),
            footage: Some(FootagePorts {
                clips: vec![source],
                clip_library: Arc::new(library),
                clip_importer,
                fidelity: Arc::new(Nobody),
                artifacts,
                clock,
                options: ClipOptions {
                    shortest_wait: self.plan.shortest_wait,
                    longest_wait: self.plan.shortest_wait.max(Duration::from_millis(40)),
                    deadline: self.plan.deadline,
                    ..ClipOptions::default()
                },
            }),
        }
    }

    /// Works until every clip has an end, and what it was.
    pub(crate) async fn finish(&self) -> BTreeMap<String, ClipOutcome> {
        let process = self.start().await;
        process.wait_for_open_work(&self.run, 0).await;
        process.end().await;
        self.outcomes().await
    }

    /// What became of the clips, after the books were checked.
    pub(crate) async fn outcomes(&self) -> BTreeMap<String, ClipOutcome> {
        // Whatever the GPU is still at is charged now.
        self.provider.advance(Duration::from_hours(100)).await;
        let store = self.store().await;
        let view = store.run(self.run.id).await.unwrap();
        assert_eq!(view.reserved, Micros::ZERO, "nothing is left reserved");
        // The run itself goes on: there is nobody here to end it.
        let broken = store.broken_invariants().await.unwrap();
        let broken = broken.into_iter().filter(|line| !line.starts_with("I1 a run is not finished"));
        assert_eq!(broken.collect::<Vec<_>>(), Vec::<String>::new());
        assert_eq!(self.provider.duplicates(), Vec::<String>::new(), "nothing is paid twice");
        let ends = self.ends.lock().unwrap().clone();
        let outcomes: BTreeMap<String, ClipOutcome> = ends
            .into_iter()
            .map(|(name, end)| match end {
                End::Ended(outcome) => (name, *outcome),
                End::Failed(problem) => panic!("{name}: {problem}"),
            })
            .collect();
        let told: Micros = outcomes.values().map(ClipOutcome::cost).sum();
        assert_eq!(view.settled, told, "the ledger is what the outcomes tell");
        outcomes
    }

    /// What the provider made for a clip, by its words.
    pub(crate) fn generations(&self, name: &str) -> Vec<Generation> {
        let log = self.provider.log();
        log.generations.into_iter().filter(|one| one.prompt == request(name).prompt).collect()
    }

    /// What the provider charged for a clip, and how often it made one.
    pub(crate) fn charged(&self, name: &str) -> (Micros, usize) {
        let paid: Vec<Generation> =
            self.generations(name).into_iter().filter(|one| one.charged > Micros::ZERO).collect();
        (paid.iter().map(|one| one.charged).sum(), paid.len())
    }

    pub(crate) fn bill(&self) -> Micros {
        self.provider.bill(Currency::USD)
    }
}

/// A process that works on the clips.
pub(crate) struct Process {
    pub(crate) store: Arc<SqliteStore>,
    stop: tokio::sync::watch::Sender<bool>,
    working: JoinHandle<Result<(), Problem>>,
}

impl Process {
    /// Ends it wherever it is.
    pub(crate) async fn kill(self) {
        self.working.abort();
        assert!(self.working.await.unwrap_err().is_cancelled());
    }

    pub(crate) async fn end(self) {
        self.stop.send_replace(true);
        self.working.await.unwrap().unwrap();
    }

    pub(crate) async fn wait_for_open_work(&self, run: &NewRun, open: u64) {
        until(async || self.store.open_work(run.id).await.unwrap() == open).await;
    }
}

pub(crate) async fn until(mut holds: impl AsyncFnMut() -> bool) {
    let waiting = async {
        while !holds().await {
            tokio::time::sleep(TICK).await;
        }
    };
    tokio::time::timeout(PATIENCE, waiting).await.expect("it comes true in time");
}

/// Has clips made by the agent, and decides nothing.
struct OnlyClips {
    agent: CreativeAgent,
    ends: Arc<Mutex<BTreeMap<String, End>>>,
}

#[async_trait]
impl Workflow for OnlyClips {
    async fn execute(&self, step: &ClaimedStep, calls: &PaidCalls<'_>) -> Result<Value, StepError> {
        if step.kind == StepKind::Plan {
            return Ok(Value::Null);
        }
        self.agent.execute(step, calls).await
    }

    async fn after_step(
        &self,
        _: &RunView,
        step: &ClaimedStep,
        outcome: &StepOutcome,
        _: Timestamp,
    ) -> Result<Commit, Undecided> {
        if step.kind != StepKind::Plan {
            let end = match outcome {
                StepOutcome::Done(result) => {
                    End::Ended(serde_json::from_value(result["ended"].clone()).unwrap())
                }
                StepOutcome::Failed(problem) => End::Failed(problem.clone()),
            };
            self.ends.lock().unwrap().insert(step.key.clone(), end);
        }
        Ok(Commit::default())
    }

    async fn after_message(&self, _: &RunView, _: &Event, _: Timestamp) -> Result<Commit, Undecided> {
        Ok(Commit::default())
    }
}
