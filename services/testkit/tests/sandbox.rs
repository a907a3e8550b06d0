//! Runs of a sandbox through the program's own engine: nothing of them reaches a provider, and magic briefs
//! make every stage fail with every code that a run can end with.

#![expect(clippy::unwrap_used, reason = "a failing helper fails the test")]
#![cfg(unix)]

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use spotwright_core::domain::run::{NewRun, Stage};
use spotwright_core::domain::sandbox::{ForcedAt, Magic, forced_at};
use spotwright_core::domain::topology::StepKind;
use spotwright_core::ports::event_log::{EventLog, LogFilter, LogPosition, Logged};
use spotwright_core::ports::language_model::{
    LanguageModel, LanguageModelError, ProposedScripts, ScriptRequest,
};
use spotwright_core::ports::step_store::StepStore;
use spotwright_creative::workflow::{AgentState, first_commit};
use spotwright_schemas::error::Code;
use spotwright_schemas::event::StopReason;
use spotwright_schemas::ids::{OrganizationId, RunId};
use spotwright_schemas::mode::Mode;
use spotwright_schemas::money::Micros;
use spotwright_schemas::organization_event::LoggedEvent;
use spotwright_server::config::Config;
use spotwright_server::standins::Witness;
use spotwright_server::wiring::{EngineSetup, Running};
use spotwright_store::sqlite::SqliteStore;
use spotwright_testkit::fleet::{orders, stand_ins};

fn live() -> OrganizationId {
    OrganizationId::derive(1, "organization", 0)
}

/// A small run whose brief has this id.
fn order(sample: &NewRun, number: u64, organization: OrganizationId, id: &str) -> NewRun {
    let mut run = sample.clone();
    run.id = RunId::derive(number, "sandbox", 0);
    run.organization = organization;
    run.request.generations = 1;
    id.clone_into(&mut run.request.brief.id);
    run
}

/// A language model of somebody else, which counts how often it is asked and never answers.
#[derive(Default)]
struct Provider(AtomicU32);

#[async_trait]
impl LanguageModel for Provider {
    fn provider(&self) -> &'static str {
        "somebody"
    }

    fn repeatable(&self) -> bool {
        false
    }

    fn quote(&self, _: &ScriptRequest<'_>) -> Micros {
        Micros(1)
    }

    async fn write(&self, _: &ScriptRequest<'_>, _: &str) -> Result<ProposedScripts, LanguageModelError> {
        self.0.fetch_add(1, Ordering::SeqCst);
        Err(LanguageModelError::Unusable("it is not there".to_owned()))
    }
}

/// A store with these runs, each worked on to its end.
async fn played(folder: &Path, runs: &[NewRun]) -> Arc<SqliteStore> {
    played_with(folder, runs, None).await
}

async fn played_with(folder: &Path, runs: &[NewRun], provider: Option<Arc<Provider>>) -> Arc<SqliteStore> {
    let store = SqliteStore::open(&folder.join("test.sqlite")).await.unwrap();
    for run in runs {
        store.create_run(run, first_commit(run, jiff::Timestamp::UNIX_EPOCH)).await.unwrap();
    }
    let witness = Arc::new(Witness::open(&folder.join("witness")).unwrap());
    let setup = EngineSetup::new(store.clone(), 4, &Config::load(None).unwrap());
    let mut world = stand_ins(&witness);
    if let Some(provider) = provider {
        world.language_model = provider;
    }
    let running = Running::start(setup, &world);
    for run in runs {
        while store.open_work(run.id).await.unwrap() > 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
    running.stop().await;
    store
}

fn sample() -> NewRun {
    let brief = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/coffee-en/brief.yaml");
    orders(Path::new(env!("CARGO_BIN_EXE_spotwright-fault-child")), &brief, 1).unwrap().remove(0)
}

/// What a magic brief forces in a run: the code, and the work that fails with it.
fn forced_in_a_run(magic: Magic) -> Option<(Code, StepKind)> {
    match magic {
        Magic::Problem(code) => match forced_at(code) {
            ForcedAt::Step(kind) => Some((code, kind)),
            ForcedAt::HandIn => None,
        },
        Magic::Failure(kind) => Some((Code::StepFailed, kind)),
        Magic::Event(_) => None,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_stage_fails_where_a_brief_says_so_and_with_its_code() {
    let folder = tempfile::tempdir().unwrap();
    let sample = sample();
    let forced: Vec<(Magic, Code, StepKind)> = Magic::all()
        .into_iter()
        .filter_map(|magic| forced_in_a_run(magic).map(|(code, kind)| (magic, code, kind)))
        .collect();
    let kinds: BTreeSet<&str> = forced.iter().map(|(_, _, kind)| kind.as_str()).collect();
    assert_eq!(kinds.len(), StepKind::ALL.iter().filter(|kind| !kind.makes_clip()).count());
    let runs: Vec<NewRun> = forced
        .iter()
        .zip(1..)
        .map(|((magic, ..), number)| order(&sample, number, live().sandbox(), &magic.id()))
        .collect();
    let store = played(folder.path(), &runs).await;
    for (run, (magic, code, kind)) in runs.iter().zip(&forced) {
        let name = magic.id();
        let view = store.run(run.id).await.unwrap();
        assert_eq!(view.stage, Stage::Finished, "{name}");
        let state = AgentState::of(&view).unwrap();
        let of_variants = matches!(kind, StepKind::Preview | StepKind::Score | StepKind::Render);
        if of_variants {
            let variants = store.variants(run.id).await.unwrap();
            let failures: Vec<&str> =
                variants.iter().filter_map(|variant| variant.body.failure.as_deref()).collect();
            assert!(!failures.is_empty(), "{name}");
            assert!(
                failures.iter().all(|failure| failure.starts_with(code.as_str())),
                "{name}: {failures:?}"
            );
        } else {
            assert_eq!(state.failure.map(|problem| problem.code), Some(*code), "{name}");
            assert_ne!(state.stopped, Some(StopReason::Completed), "{name}");
        }
    }
    assert!(store.broken_invariants().await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_of_the_sandbox_tells_every_event_of_runs_and_says_that_it_is_one() {
    let folder = tempfile::tempdir().unwrap();
    let sample = sample();
    let fatigued = Magic::Event("spotwright.creative.fatigued.v1").id();
    let runs = [order(&sample, 1, live().sandbox(), &fatigued), order(&sample, 2, live(), "magic-fail-plan")];
    let store = played(folder.path(), &runs).await;
    let filter = LogFilter::default();
    let logged =
        store.events_of_organization(live().sandbox(), LogPosition::START, &filter, 500).await.unwrap();
    let types: BTreeSet<&str> = logged.iter().map(|logged| logged.event.event_type()).collect();
    let of_runs: BTreeSet<&str> = LoggedEvent::TYPES
        .into_iter()
        .filter(|known| {
            !known.starts_with("spotwright.experiment.") && !known.starts_with("spotwright.webhook.")
        })
        .collect();
    assert_eq!(types, of_runs);
    for Logged { event, .. } in &logged {
        let LoggedEvent::Run(event) = event else { panic!("only runs were ordered") };
        assert_eq!(event.mode, Mode::Test);
    }
    // The same word in a live brief is a name as any other.
    let view = store.run(runs[1].id).await.unwrap();
    assert_eq!(AgentState::of(&view).unwrap().stopped, Some(StopReason::Completed));
    let logged = store.events_of_organization(live(), LogPosition::START, &filter, 500).await.unwrap();
    let modes = logged.iter().filter_map(|logged| match &logged.event {
        LoggedEvent::Run(event) => Some(event.mode),
        LoggedEvent::Organization(_) => None,
    });
    assert!(modes.into_iter().all(|mode| mode == Mode::Live));
    assert!(store.broken_invariants().await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_provider_hears_of_a_run_of_the_sandbox() {
    let sample = sample();
    for (organization, reaches) in [(live(), true), (live().sandbox(), false)] {
        let folder = tempfile::tempdir().unwrap();
        let provider = Arc::new(Provider::default());
        let runs = [order(&sample, 1, organization, "coffee")];
        let store = played_with(folder.path(), &runs, Some(Arc::clone(&provider))).await;
        let view = store.run(runs[0].id).await.unwrap();
        assert_eq!(AgentState::of(&view).unwrap().stopped, Some(StopReason::Completed));
        assert_eq!(provider.0.load(Ordering::SeqCst) > 0, reaches, "{organization}");
    }
}
