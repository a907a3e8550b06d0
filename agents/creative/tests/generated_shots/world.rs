//! Whole runs of the real agent on the real engine and store, around sources of clips that a test scripts.

use std::collections::{BTreeMap, VecDeque};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use spotwright_core::domain::run::{Involvement, NewRun, RunRequest, RunView, Stage, StoredPicture};
use spotwright_core::domain::topology::StepKind;
use spotwright_core::domain::variant::Variant;
use spotwright_core::ports::artifacts::{ArtifactHash, ArtifactStore};
use spotwright_core::ports::click_model::{ClickModel, ClickModelError, ObservedInput, ScoreInput};
use spotwright_core::ports::clip_importer::{ClipFacts, ClipImporter, ClipPlan, ImportError, ImportedClip};
use spotwright_core::ports::clip_library::ClipLibrary;
use spotwright_core::ports::clip_source::ClipSource;
use spotwright_core::ports::clock::ManualClock;
use spotwright_core::ports::event_bus::{BusError, EventBus, Subscription};
use spotwright_core::ports::fidelity::{Fidelity, FidelityReport};
use spotwright_core::ports::letters::Letters;
use spotwright_core::ports::marketplace::{
    Campaign, CreativeDelivery, Held, MarketError, MarketReport, Marketplace, PlacementDecision,
};
use spotwright_core::ports::quality_gate::{GateError, Inspection, QualityGate};
use spotwright_core::ports::step_store::{OutboxMessage, StepStore, TraceEntry};
use spotwright_core::ports::video_backend::{
    Footage, FrameStatistics, GateCheck, GateReport, RenderError, RenderRequest, VideoBackend,
};
use spotwright_core::spine::{
    ClaimQueue, Engine, EngineOptions, NoCheckpoints, RunLocks, Shutdown, Workflow as _,
};
use spotwright_creative::copy_engine::CopyEngine;
use spotwright_creative::workflow::{
    AgentState, ClipOptions, Clips, CreativeAgent, FootagePorts, Ports, cancel, first_commit,
};
use spotwright_schemas::brief::{Brief, FootageWish, GeneratedShots};
use spotwright_schemas::event::FeedbackSource;
use spotwright_schemas::event::RenderStage;
use spotwright_schemas::explanation::Explanation;
use spotwright_schemas::ids::{MessageId, OrganizationId, RunId};
use spotwright_schemas::money::Micros;
use spotwright_schemas::outcome::{Delivery, Score};
use spotwright_schemas::storyboard::{self, Shot};
use spotwright_store::clips::FolderClips;
use spotwright_store::folder::FolderArtifacts;
use spotwright_store::sqlite::SqliteStore;

use crate::source::Scripted;

/// How often the outbox is emptied before a run counts as stuck; each time takes some milliseconds.
const MOST_ROUNDS: u32 = 6_000;
/// Room of the library of clips.
const ROOM: u64 = 1 << 20;

/// What a test may change of the world.
pub(crate) struct Plan {
    pub(crate) wish: FootageWish,
    pub(crate) sources: Vec<Arc<Scripted>>,
    /// Whether each comparison of a clip with the product is passed; those beyond are.
    pub(crate) alike: Vec<bool>,
    /// Whether each imported clip is whole; those beyond are.
    pub(crate) whole: Vec<bool>,
    pub(crate) deadline: Duration,
    /// Deadlines of single sources.
    pub(crate) deadlines: BTreeMap<String, Duration>,
    pub(crate) territories: Vec<String>,
    pub(crate) budget: Micros,
}

impl Plan {
    pub(crate) fn new(generated: GeneratedShots, sources: impl IntoIterator<Item = Scripted>) -> Self {
        Self {
            wish: FootageWish { generated, ..FootageWish::default() },
            sources: sources.into_iter().map(Arc::new).collect(),
            alike: Vec::new(),
            whole: Vec::new(),
            deadline: Duration::from_hours(1),
            deadlines: BTreeMap::new(),
            territories: Vec::new(),
            budget: Micros(200_000_000),
        }
    }
}

/// One run and everything around it.
pub(crate) struct World {
    folder: tempfile::TempDir,
    number: u64,
    pub(crate) store: Arc<SqliteStore>,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) run: NewRun,
    ports: Ports,
    rendered: Arc<Video>,
}

impl World {
    pub(crate) async fn new(plan: &Plan) -> Self {
        Self::beside(plan, tempfile::tempdir().expect("a scratch folder"), 1).await
    }

    /// Another run with the library that this one leaves.
    pub(crate) async fn next(self, plan: &Plan) -> Self {
        let Self { folder, number, store, ports, rendered, .. } = self;
        drop((store, ports, rendered));
        Self::beside(plan, folder, number + 1).await
    }

    async fn beside(plan: &Plan, folder: tempfile::TempDir, number: u64) -> Self {
        let store = SqliteStore::open(&folder.path().join(format!("{number}.sqlite")))
            .await
            .expect("the store answers");
        let clock = Arc::new(ManualClock::starting_at(1_700_000_000_000_000));
        let artifacts =
            Arc::new(FolderArtifacts::open(&folder.path().join("artifacts")).expect("the store answers"));
        let rendered = Arc::new(Video::default());
        let run = order(plan, number);
        let ports = Ports {
            store: store.clone(),
            language_model: Arc::new(CopyEngine),
            video: rendered.clone(),
            gate: Arc::new(Gate),
            click_model: Arc::new(Clicks),
            marketplace: Arc::new(Market),
            footage: footage(plan, folder.path(), &artifacts, &clock),
        };
        store.create_run(&run, first_commit(&run, Timestamp::UNIX_EPOCH)).await.expect("the store answers");
        Self { folder, number, store, clock, run, ports, rendered }
    }

    /// Works until `done` says so, with a new process when one has died.
    pub(crate) async fn work_until(&self, mut done: impl FnMut(&RunView) -> bool) -> RunView {
        let (stop, shutdown) = Shutdown::new();
        let agent = Arc::new(CreativeAgent::new(self.ports.clone()));
        let mut processes = tokio::task::JoinSet::new();
        for _ in 0..8 {
            let engine = Arc::new(Engine {
                store: self.store.clone() as Arc<dyn StepStore>,
                bus: Arc::new(NoBus),
                workflow: agent.clone(),
                clock: self.clock.clone(),
                checkpoints: Arc::new(NoCheckpoints),
                options: EngineOptions {
                    workers: 1,
                    lease: Duration::from_millis(400),
                    kinds: StepKind::ALL.to_vec(),
                    consumers: Vec::new(),
                    poll: Duration::from_millis(5),
                },
                claims: ClaimQueue::default(),
                locks: RunLocks::default(),
            });
            processes.spawn(engine.run(shutdown.clone()));
        }
        let mut view = self.view().await;
        for _ in 0..MOST_ROUNDS {
            self.take_messages_in(&agent).await;
            view = self.view().await;
            let ended = view.stage == Stage::Finished;
            if done(&view)
                && (!ended || self.store.open_work(self.run.id).await.expect("the store answers") == 0)
            {
                break;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let reached = done(&view);
        stop.send_replace(true);
        while processes.join_next().await.is_some() {}
        assert!(reached, "the run is stuck in {:?}", view.stage);
        view
    }

    /// Works until the run is finished and nothing of it is open.
    pub(crate) async fn finish(&self) -> RunView {
        self.work_until(|view| view.stage == Stage::Finished && view.reserved == Micros::ZERO).await;
        let view = self.view().await;
        assert_eq!(self.store.broken_invariants().await.expect("the store answers"), Vec::<String>::new());
        view
    }

    /// Ends the run as its user does.
    pub(crate) async fn cancel(&self) {
        loop {
            let view = self.view().await;
            let mut written = Ok(());
            for commit in cancel(&view, "person", Timestamp::UNIX_EPOCH).expect("the store answers") {
                written = self.store.amend(self.run.id, view.version, commit).await;
                if written.is_ok() {
                    return;
                }
            }
            if written.is_ok() {
                return;
            }
        }
    }

    async fn take_messages_in(&self, agent: &CreativeAgent) {
        for (_, message) in self.store.unsent(None, 64).await.expect("the store answers") {
            loop {
                let view = self.view().await;
                let commit = agent
                    .after_message(&view, &message.event, Timestamp::UNIX_EPOCH)
                    .await
                    .expect("the store answers");
                let ids = [message.id];
                let taken = self.store.consume(&message.consumer, &ids, self.run.id, view.version, commit);
                if taken.await.is_ok() {
                    self.store.mark_sent(&ids).await.expect("the store answers");
                    break;
                }
            }
        }
    }

    pub(crate) async fn view(&self) -> RunView {
        self.store.run(self.run.id).await.expect("the store answers")
    }

    pub(crate) async fn clips(&self) -> Clips {
        AgentState::of(&self.view().await).expect("a state").clips
    }

    pub(crate) async fn trace(&self, what: &str) -> Vec<TraceEntry> {
        let mut trace = self.store.trace(self.run.id).await.expect("the store answers");
        trace.retain(|line| line.what == what);
        trace
    }

    pub(crate) async fn variants(&self) -> Vec<Variant> {
        self.store.variants(self.run.id).await.expect("the store answers")
    }

    /// The final renders that were asked for.
    pub(crate) fn finals(&self) -> Vec<RenderRequest> {
        let rendered = self.rendered.0.lock().expect("not poisoned");
        rendered.iter().filter(|request| request.stage == RenderStage::Final).cloned().collect()
    }

    /// The previews that were asked for.
    pub(crate) fn previews(&self) -> Vec<RenderRequest> {
        let rendered = self.rendered.0.lock().expect("not poisoned");
        rendered.iter().filter(|request| request.stage == RenderStage::Preview).cloned().collect()
    }
}

fn footage(
    plan: &Plan,
    folder: &Path,
    artifacts: &Arc<FolderArtifacts>,
    clock: &Arc<ManualClock>,
) -> Option<FootagePorts> {
    let library: Arc<dyn ClipLibrary> =
        Arc::new(FolderClips::open(&folder.join("clips"), ROOM, clock.clone()).expect("the store answers"));
    let clips: Vec<Arc<dyn ClipSource>> =
        plan.sources.iter().map(|source| source.clone() as Arc<dyn ClipSource>).collect();
    (!clips.is_empty()).then(|| FootagePorts {
        clips,
        clip_library: library,
        clip_importer: Arc::new(Importer {
            artifacts: artifacts.clone(),
            whole: Mutex::new(plan.whole.iter().copied().collect()),
        }),
        fidelity: Arc::new(Comparer(Mutex::new(plan.alike.iter().copied().collect()))),
        artifacts: artifacts.clone(),
        clock: clock.clone(),
        options: ClipOptions {
            shortest_wait: Duration::from_millis(2),
            longest_wait: Duration::from_millis(10),
            deadline: plan.deadline,
            deadlines: plan.deadlines.clone(),
            ..ClipOptions::default()
        },
    })
}

fn order(plan: &Plan, number: u64) -> NewRun {
    let mut brief =
        Brief::from_yaml(include_bytes!("../../../../examples/coffee-en/brief.yaml")).expect("a brief");
    brief.footage = plan.wish.clone();
    brief.territories.clone_from(&plan.territories);
    let picture = |name: &[u8]| StoredPicture { hash: ArtifactHash::of(name), width: 1_440, height: 2_560 };
    NewRun {
        id: RunId::derive(7, "generated", number),
        organization: OrganizationId::derive(7, "generated", 0),
        budget: plan.budget,
        request: RunRequest {
            pictures: vec![picture(b"one"), picture(b"two"), picture(b"three")],
            brief,
            generations: 1,
            variants: 6,
            winners: 3,
            seed: 7,
            opportunities: 1_000,
            remarks: Vec::new(),
            people: Involvement::default(),
            revision: None,
        },
    }
}

/// A bus that is never asked: the test moves the messages.
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

/// Writes down what it is asked to render.
#[derive(Default)]
struct Video(Mutex<Vec<RenderRequest>>);

impl Letters for Video {
    fn undrawable(&self, _: &str) -> Vec<char> {
        Vec::new()
    }
}

#[async_trait]
impl VideoBackend for Video {
    fn name(&self) -> &str {
        "written down"
    }

    fn repeatable(&self) -> bool {
        true
    }

    fn quote(&self, _: &RenderRequest) -> Micros {
        Micros::ZERO
    }

    async fn lookup(&self, _: &str) -> Result<Option<Footage>, RenderError> {
        Ok(None)
    }

    async fn render(&self, request: &RenderRequest, _: &str, _: &Shutdown) -> Result<Footage, RenderError> {
        // As the studio: nobody can show a clip that is not made.
        let wished = |shot: &Shot| matches!(shot.footage, Some(storyboard::Footage::Generated(_)));
        if request.storyboard.shots.iter().any(wished) {
            return Err(RenderError::Impossible("a clip is not made yet".to_owned()));
        }
        self.0.lock().expect("not poisoned").push(request.clone());
        let artifact = ArtifactHash::of(&serde_json::to_vec(request).expect("plain data"));
        Ok(Footage {
            poster: Some(artifact.clone()),
            statistics: Some(FrameStatistics::default()),
            artifact,
            frames: request.storyboard.frames(),
            bytes: 1,
            cost: Micros::ZERO,
        })
    }
}

struct Gate;

#[async_trait]
impl QualityGate for Gate {
    async fn inspect(&self, video: &ArtifactHash, _: &RenderRequest) -> Result<Inspection, GateError> {
        let (value, limit) = ("there".to_owned(), "there".to_owned());
        let check = GateCheck { id: "stored".to_owned(), pass: true, value, limit };
        Ok(Inspection {
            report: GateReport::of(vec![check]),
            statistics: FrameStatistics::default(),
            poster: Some(video.clone()),
            bytes: 1,
        })
    }
}

struct Clicks;

impl ClickModel for Clicks {
    fn id(&self) -> String {
        "by hash".to_owned()
    }

    fn description(&self) -> String {
        "numbers from a hash".to_owned()
    }

    fn score(&self, inputs: &[ScoreInput], _: &[ObservedInput]) -> Result<Vec<Score>, ClickModelError> {
        let score = |input: &ScoreInput| {
            let share = f64::from(blake3::hash(input.text.as_bytes()).as_bytes()[0]) / 255.0;
            let predicted_ctr = 0.01 + 0.01 * share;
            Score {
                appeal: share - 0.5,
                appeal_sd: 0.1,
                level: -4.2,
                predicted_ctr,
                interval: [predicted_ctr * 0.5, predicted_ctr * 1.5],
                model: self.id(),
            }
        };
        Ok(inputs.iter().map(score).collect())
    }

    fn explain(&self, _: &[ObservedInput], _: &[ObservedInput]) -> Result<Vec<Explanation>, ClickModelError> {
        Ok(Vec::new())
    }
}

/// Shows everything for nothing.
struct Market;

impl Marketplace for Market {
    fn play_held(&self, campaign: &Campaign, _: &Held) -> Result<MarketReport, MarketError> {
        let delivery = Delivery { impressions: 1_000, clicks: 20, conversions: 1, spend: Micros::ZERO };
        let rows = campaign.creatives.iter().map(|creative| CreativeDelivery {
            placement: creative.placement,
            variant: creative.variant,
            delivery,
            segments: Vec::new(),
            ladder: Vec::new(),
            frequency: 1.0,
            fatigued: false,
            auctions: 0,
            won: 0,
        });
        Ok(MarketReport {
            source: FeedbackSource::Simulated,
            marketplace: "for nothing".to_owned(),
            audience: String::new(),
            auctions: 0,
            won: 0,
            competitors: 0,
            mean_cpm: Micros::ZERO,
            budget: campaign.budget,
            creatives: rows.collect(),
            holds: Vec::new(),
            course: None,
        })
    }

    fn decisions(&self, _: &Campaign, _: &Held) -> Result<Vec<PlacementDecision>, MarketError> {
        Ok(Vec::new())
    }
}

/// Imports bytes as they are.
struct Importer {
    artifacts: Arc<FolderArtifacts>,
    whole: Mutex<VecDeque<bool>>,
}

#[async_trait]
impl ClipImporter for Importer {
    async fn import(&self, file: &ArtifactHash, plan: &ClipPlan) -> Result<ImportedClip, ImportError> {
        let mut bytes = self.artifacts.get(file).map_err(|error| ImportError::Refused(error.to_string()))?;
        bytes.extend_from_slice(b", imported");
        let artifact =
            self.artifacts.put(&bytes).map_err(|error| ImportError::Unavailable(error.to_string()))?;
        let whole = self.whole.lock().expect("not poisoned").pop_front().unwrap_or(true);
        let frames = if whole { plan.frames } else { 1 };
        Ok(ImportedClip { artifact, frames, facts: ClipFacts::default() })
    }
}

struct Comparer(Mutex<VecDeque<bool>>);

#[async_trait]
impl Fidelity for Comparer {
    async fn compare(
        &self,
        _: &ArtifactHash,
        pictures: &[ArtifactHash],
    ) -> Result<FidelityReport, RenderError> {
        assert!(!pictures.is_empty());
        let pass = self.0.lock().expect("not poisoned").pop_front().unwrap_or(true);
        let (shape, reason) = if pass { (0.9, "it is the same") } else { (0.2, "another shape") };
        let reason = reason.to_owned();
        Ok(FidelityReport { pass, color: 2.0, shape, label: 0.8, best_frame: 0, reference: 0, reason })
    }
}
