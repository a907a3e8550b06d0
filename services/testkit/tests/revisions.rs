//! Advertisements that a person edits: another run makes another variant of them, from preview to market, and the
//! run that they come from stays as it was.
//!
//! The driver below takes the place of engine, bus and relay and works on one thing at a time, so that a process can
//! end at every single boundary. Store, workflow, control and decisions are real.

#![expect(clippy::unwrap_used, reason = "a failing helper fails the test")]

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};
use spotwright_core::domain::revision::{Changes, LineChange, Revising, ShotChange};
use spotwright_core::domain::run::{Involvement, NewRun, RunRequest, RunView, Stage, StoredPicture};
use spotwright_core::domain::signal::Caller;
use spotwright_core::domain::topology::StepKind;
use spotwright_core::domain::variant::{Variant, VariantState};
use spotwright_core::ports::artifacts::ArtifactHash;
use spotwright_core::ports::language_model::{
    LanguageModel, LanguageModelError, ProposedScripts, ScriptRequest,
};
use spotwright_core::ports::run_control::RunControl as _;
use spotwright_core::ports::step_store::{StepEnd, StepStore};
use spotwright_core::spine::{NoCheckpoints, PaidCalls, Shutdown, StepOutcome, Workflow as _};
use spotwright_creative::copy_engine::CopyEngine;
use spotwright_creative::workflow::{AgentState, CreativeAgent, PERSON, Ports, first_commit};
use spotwright_schemas::brief::Brief;
use spotwright_schemas::error::Code;
use spotwright_schemas::event::StopReason;
use spotwright_schemas::ids::{OrganizationId, RunId, VariantId};
use spotwright_schemas::money::Micros;
use spotwright_schemas::storyboard::VisualStyle;
use spotwright_server::control::Control;
use spotwright_server::standins::{StandInClickModel, StandInGate, StandInMarket, StandInVideo};
use spotwright_store::sqlite::SqliteStore;

/// Turns of the driver after which a run that has not ended never will.
const MOST_TURNS: usize = 1_000;
const WORDS: &str = "Coffee for the slow part of the morning";

fn organization(number: u64) -> OrganizationId {
    OrganizationId::derive(9, "revisions", number)
}

fn owner() -> Caller {
    Caller::Person { organization: organization(0) }
}

fn source() -> NewRun {
    let brief = Brief::from_yaml(include_bytes!("../../../examples/coffee-en/brief.yaml")).unwrap();
    let picture = |name: &[u8]| StoredPicture { hash: ArtifactHash::of(name), width: 900, height: 1600 };
    NewRun {
        id: RunId::derive(9, "revisions", 0),
        organization: organization(0),
        budget: brief.budget.total,
        request: RunRequest {
            pictures: vec![picture(b"cup"), picture(b"beans")],
            brief,
            generations: 1,
            variants: 3,
            winners: 1,
            seed: 9,
            opportunities: 1_000,
            remarks: Vec::new(),
            people: Involvement::default(),
            revision: None,
        },
    }
}

/// A language model that nobody may ask.
struct Silent;

#[async_trait::async_trait]
impl LanguageModel for Silent {
    fn provider(&self) -> &'static str {
        "silent"
    }

    fn repeatable(&self) -> bool {
        true
    }

    fn quote(&self, _: &ScriptRequest<'_>) -> Micros {
        Micros::ZERO
    }

    async fn write(&self, _: &ScriptRequest<'_>, _: &str) -> Result<ProposedScripts, LanguageModelError> {
        panic!("a revision asks no language model")
    }
}

/// One process that works on the runs of a store.
struct Process {
    store: Arc<SqliteStore>,
    agent: CreativeAgent,
    control: Control,
}

impl Process {
    async fn start(path: &Path, language_model: Arc<dyn LanguageModel>) -> Self {
        let store = SqliteStore::open(path).await.unwrap();
        let video = || Arc::new(StandInVideo { artifacts: None, witness: None, price: Micros::ZERO });
        let agent = CreativeAgent::new(Ports {
            store: store.clone(),
            language_model,
            video: video(),
            gate: Arc::new(StandInGate::default()),
            click_model: Arc::new(StandInClickModel),
            marketplace: Arc::new(StandInMarket::default()),
            footage: None,
        });
        let control = Control::new(store.clone(), video());
        Self { store, agent, control }
    }

    /// Takes one message of a run in, or does one of its steps. `dies` is asked at every boundary. Whether there
    /// was anything to do; `None` when the process ended.
    async fn turn(&self, run: RunId, dies: &mut impl FnMut() -> bool) -> Option<bool> {
        let now = Timestamp::UNIX_EPOCH;
        let messages = self.store.unsent(None, 1).await.unwrap();
        if let Some((_, message)) = messages.first() {
            if dies() {
                return None;
            }
            let view = self.view(run).await;
            let commit = self.agent.after_message(&view, &message.event, now).await.unwrap();
            let ids = [message.id];
            self.store.consume(&message.consumer, &ids, run, view.version, commit).await.unwrap();
            if dies() {
                return None;
            }
            self.store.mark_sent(&ids).await.unwrap();
            return Some(true);
        }
        let steps = self.store.claim(&StepKind::ALL, Duration::from_mins(1), 1).await.unwrap();
        let Some(step) = steps.first() else { return Some(false) };
        if dies() {
            return None;
        }
        let (_switch, stop) = Shutdown::new();
        let calls = PaidCalls::new(self.store.as_ref(), step, &NoCheckpoints, stop);
        let result = self.agent.execute(step, &calls).await.unwrap();
        if dies() {
            return None;
        }
        let view = self.view(run).await;
        let outcome = StepOutcome::Done(result.clone());
        let commit = self.agent.after_step(&view, step, &outcome, now).await.unwrap();
        self.store.complete(step, StepEnd::Done(result), view.version, commit).await.unwrap();
        if dies() { None } else { Some(true) }
    }

    async fn view(&self, run: RunId) -> RunView {
        self.store.run(run).await.unwrap()
    }

    async fn order(&self, run: &NewRun) {
        self.store.create_run(run, first_commit(run, Timestamp::UNIX_EPOCH)).await.unwrap();
    }

    async fn settle(&self, run: RunId) -> RunView {
        for _ in 0..MOST_TURNS {
            if self.turn(run, &mut || false).await == Some(false) {
                return self.view(run).await;
            }
        }
        panic!("the run never comes to rest")
    }

    async fn winner(&self, run: RunId) -> Variant {
        let variants = self.store.variants(run).await.unwrap();
        variants.into_iter().find(|variant| variant.state == VariantState::Won).expect("a winner")
    }
}

/// A store with a finished run, and its winner. The store stays open for as long as the process is kept.
async fn finished(path: &Path) -> (Process, RunView, Variant) {
    let process = Process::start(path, Arc::new(CopyEngine)).await;
    let run = source();
    process.order(&run).await;
    let view = process.settle(run.id).await;
    assert_eq!(view.stage, Stage::Finished);
    let winner = process.winner(run.id).await;
    (process, view, winner)
}

/// Copies a database that nobody writes to, with what is not yet in its main file.
fn copy(from: &Path, to: &Path) {
    std::fs::copy(from, to).unwrap();
    let log = |path: &Path| path.with_extension("sqlite-wal");
    if log(from).exists() {
        std::fs::copy(log(from), log(to)).unwrap();
    }
}

fn changes(of: &Variant) -> Changes {
    let other = [b"cup".as_slice(), b"beans"].map(|name| ArtifactHash::of(name).0);
    let picture = other.into_iter().find(|hash| *hash != of.body.storyboard.shots[1].picture);
    let style = VisualStyle::ALL.into_iter().find(|style| *style != of.body.storyboard.style);
    Changes {
        lines: vec![LineChange { line: 1, caption: Some(WORDS.to_owned()), ..LineChange::default() }],
        shots: vec![ShotChange { shot: 1, picture, ..ShotChange::default() }],
        style,
        ..Changes::default()
    }
}

fn ordered(revising: Revising) -> NewRun {
    let budget = revising.request.brief.budget.total;
    NewRun {
        id: RunId::derive(9, "revisions", 1),
        organization: organization(0),
        request: revising.request,
        budget,
    }
}

/// What a run came to.
#[derive(Debug, PartialEq)]
struct End {
    view: RunView,
    variants: Vec<Variant>,
    placements: String,
    trace: String,
}

async fn end_of(process: &Process, run: RunId) -> End {
    assert_eq!(process.store.broken_invariants().await.unwrap(), Vec::<String>::new());
    let view = RunView { version: 0, ..process.view(run).await };
    End {
        view,
        variants: process.store.variants(run).await.unwrap(),
        placements: format!("{:?}", process.store.placements(run).await.unwrap()),
        trace: format!("{:?}", process.store.trace(run).await.unwrap()),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_winner_of_a_finished_run_is_edited_and_the_other_variant_is_shown() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("runs.sqlite");
    let (_, before, original) = finished(&path).await;
    let process = Process::start(&path, Arc::new(Silent)).await;
    let changes = changes(&original);
    let revising = process.control.revise(original.id, &owner(), &changes).await.unwrap();
    assert!(revising.passes(), "{:?}", revising.findings);
    assert_eq!(process.view(before.id).await, before, "nothing is written");
    let run = ordered(revising);
    process.order(&run).await;
    let end = process.settle(run.id).await;
    assert_eq!(end.stage, Stage::Finished);
    assert_eq!(AgentState::of(&end).unwrap().stopped, Some(StopReason::Completed));

    let variants = process.store.variants(run.id).await.unwrap();
    let [made] = variants.as_slice() else { panic!("one variant is made, not {}", variants.len()) };
    assert_eq!((made.state, made.final_gate), (VariantState::Won, Some(true)));
    assert_eq!(made.body.parents, [original.id]);
    let line = &made.body.script.lines[1];
    assert_eq!((line.caption.as_str(), line.provenance.provider.as_str()), (WORDS, PERSON));
    assert_eq!(made.body.storyboard.shots[1].caption, WORDS);
    assert_ne!(made.body.storyboard.shots[1].picture, original.body.storyboard.shots[1].picture);
    assert_eq!(Some(made.body.storyboard.style), changes.style);
    assert_eq!(made.body.script.lines[0], original.body.script.lines[0]);
    let placements = process.store.placements(run.id).await.unwrap();
    assert!(placements.len() == 1 && placements[0].delivery.is_some());
    let trace = process.store.trace(run.id).await.unwrap();
    let revised = trace.iter().find(|line| line.what == "variant.revised").expect("stands in the trace");
    assert_eq!(revised.variant, Some(made.id));
    assert_eq!(revised.detail["of"], json!(original.id));
    assert_eq!(revised.detail["by"], "person");
    assert_eq!(revised.detail["changes"]["lines"][0]["caption"], WORDS);
    assert!(trace.iter().all(|line| line.what != "model.called"));

    assert_eq!(process.view(before.id).await, before, "the original's run is not touched");
    assert_eq!(process.store.variant(original.id).await.unwrap(), original);
    // What was made can be edited in its turn.
    let again = process.control.revise(made.id, &owner(), &Changes::default()).await.unwrap();
    assert_eq!(again.request.revision.map(|revision| revision.script), Some(made.body.script.clone()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wherever_a_process_ends_the_same_revision_is_made_and_shown_once() {
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("source.sqlite");
    // Kept open: what is copied below is not written to meanwhile, not even by closing it.
    let (_open, _, original) = finished(&source).await;
    let (_, _, same) = finished(&folder.path().join("again.sqlite")).await;
    assert_eq!(same, original, "the same seed gives the same run");
    let history = async |path: &Path, ends_at: Option<usize>| {
        copy(&source, path);
        let mut passed = 0;
        let mut process = Process::start(path, Arc::new(Silent)).await;
        let revising = process.control.revise(original.id, &owner(), &changes(&original)).await.unwrap();
        let run = ordered(revising);
        process.order(&run).await;
        for _ in 0..MOST_TURNS {
            let mut dies = || {
                passed += 1;
                ends_at == Some(passed - 1)
            };
            match process.turn(run.id, &mut dies).await {
                Some(true) => {}
                Some(false) => return (end_of(&process, run.id).await, passed),
                None => {
                    drop(process);
                    process = Process::start(path, Arc::new(Silent)).await;
                    process.store.recover().await.unwrap();
                }
            }
        }
        panic!("the run does not end; a process ended at {ends_at:?}")
    };
    let (expected, boundaries) = history(&folder.path().join("whole.sqlite"), None).await;
    assert_eq!((expected.view.stage, expected.variants.len()), (Stage::Finished, 1));
    assert!(boundaries > 20, "{boundaries}");
    for at in 0..boundaries {
        let path = folder.path().join(format!("ended-at-{at}.sqlite"));
        let (end, _) = history(&path, Some(at)).await;
        assert_eq!(end, expected, "a process ended at boundary {at}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn edits_are_judged_as_all_words_are_and_foreign_variants_are_not_there() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("runs.sqlite");
    let (_, _, original) = finished(&path).await;
    let process = Process::start(&path, Arc::new(Silent)).await;
    let words = |caption: &str| {
        let line = LineChange { line: 0, caption: Some(caption.to_owned()), ..LineChange::default() };
        Changes { lines: vec![line], ..Changes::default() }
    };
    for (caption, rule) in
        [("Gone in 7 hours", "number_not_in_facts"), ("See evil.example", "foreign_address")]
    {
        let revising = process.control.revise(original.id, &owner(), &words(caption)).await.unwrap();
        assert!(!revising.passes());
        // The whole text may be told of as well, which has no line.
        let found = revising.findings.iter().filter(|finding| finding.rule == rule);
        let fields: Vec<&str> = found.map(|finding| finding.field.as_str()).collect();
        assert!(fields.contains(&"lines[0].caption"), "{rule}: {fields:?}");
        assert_eq!(revising.fits.len(), original.body.storyboard.shots.len());
    }
    let stranger = Caller::Person { organization: organization(1) };
    let unknown = VariantId::derive(1, "none", 0);
    for (variant, caller) in [(original.id, stranger), (unknown, owner())] {
        let refused = process.control.revise(variant, &caller, &words(WORDS)).await.unwrap_err();
        assert_eq!(refused.code, Code::NotFound);
    }
}

/// A request as a run was stored with before there were revisions.
#[test]
fn requests_from_before_there_were_revisions_are_read_and_written_as_they_are() {
    let text = include_str!("data/run-request-without-revision.json");
    let stored: Value = serde_json::from_str(text).unwrap();
    let request: RunRequest = serde_json::from_str(text).unwrap();
    assert_eq!(request.revision, None);
    assert_eq!(serde_json::to_value(&request).unwrap(), stored);
}
