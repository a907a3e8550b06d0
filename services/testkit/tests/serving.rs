//! Pausing, continuing and ending a campaign and its ads while their run lives.
//!
//! The driver takes the place of engine, bus and relay and works on one thing at a time. Store, workflow,
//! control and decisions are real.

#![expect(clippy::unwrap_used, reason = "a failing helper fails the test")]

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use spotwright_core::domain::campaign::{Hold, ServingWish};
use spotwright_core::domain::run::{Involvement, NewRun, RunRequest, RunView, Stage, StoredPicture};
use spotwright_core::domain::signal::{Caller, Signal, Taken, Told};
use spotwright_core::domain::topology::StepKind;
use spotwright_core::domain::variant::Placement;
use spotwright_core::ports::artifacts::ArtifactHash;
use spotwright_core::ports::run_control::RunControl as _;
use spotwright_core::ports::step_store::{Commit, StepEnd, StepStore};
use spotwright_core::spine::{NoCheckpoints, PaidCalls, Shutdown, StepError, StepOutcome, Workflow as _};
use spotwright_creative::copy_engine::CopyEngine;
use spotwright_creative::workflow::{AgentState, CreativeAgent, Ports, first_commit};
use spotwright_schemas::brief::Brief;
use spotwright_schemas::error::Code;
use spotwright_schemas::event::StopReason;
use spotwright_schemas::ids::{OrganizationId, PlacementId, RunId, SignalId};
use spotwright_schemas::money::Micros;
use spotwright_server::control::Control;
use spotwright_server::standins::{StandInClickModel, StandInGate, StandInMarket, StandInVideo};
use spotwright_store::sqlite::SqliteStore;

/// Turns after which a run that has not ended never will.
const MOST_TURNS: usize = 1_000;

fn organization() -> OrganizationId {
    OrganizationId::derive(11, "serving", 0)
}

fn order(budget: i64) -> NewRun {
    let brief = Brief::from_yaml(include_bytes!("../../../examples/coffee-en/brief.yaml")).unwrap();
    NewRun {
        id: RunId::derive(11, "serving", 0),
        organization: organization(),
        budget: Micros(budget),
        request: RunRequest {
            pictures: vec![StoredPicture { hash: ArtifactHash::of(b"picture"), width: 600, height: 400 }],
            brief,
            generations: 1,
            variants: 4,
            winners: 2,
            seed: 11,
            opportunities: 1_000,
            remarks: Vec::new(),
            people: Involvement::default(),
            revision: None,
        },
    }
}

/// What a turn came to.
#[derive(Debug, PartialEq, Eq)]
enum Turn {
    Worked,
    Waits,
    Idle,
}

struct Process {
    store: Arc<SqliteStore>,
    agent: CreativeAgent,
    control: Control,
    run: RunId,
    told: std::cell::Cell<u64>,
    _folder: tempfile::TempDir,
}

impl Process {
    async fn start(run: NewRun) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(&folder.path().join("run.sqlite")).await.unwrap();
        let video = || Arc::new(StandInVideo { artifacts: None, witness: None, price: Micros::ZERO });
        let agent = CreativeAgent::new(Ports {
            store: store.clone(),
            language_model: Arc::new(CopyEngine),
            video: video(),
            gate: Arc::new(StandInGate::default()),
            click_model: Arc::new(StandInClickModel),
            marketplace: Arc::new(StandInMarket::default()),
            footage: None,
        });
        let control = Control::new(store.clone(), video());
        store.create_run(&run, first_commit(&run, Timestamp::UNIX_EPOCH)).await.unwrap();
        Self { store, agent, control, run: run.id, told: std::cell::Cell::new(0), _folder: folder }
    }

    /// Takes one message in, or does one step.
    async fn turn(&self) -> Turn {
        let now = Timestamp::UNIX_EPOCH;
        let messages = self.store.unsent(None, 1).await.unwrap();
        if let Some((_, message)) = messages.first() {
            let view = self.view().await;
            let commit = self.agent.after_message(&view, &message.event, now).await.unwrap();
            let ids = [message.id];
            self.store.consume(&message.consumer, &ids, self.run, view.version, commit).await.unwrap();
            self.store.mark_sent(&ids).await.unwrap();
            return Turn::Worked;
        }
        let steps = self.store.claim(&StepKind::ALL, Duration::from_mins(1), 1).await.unwrap();
        let Some(step) = steps.first() else { return Turn::Idle };
        let (_switch, stop) = Shutdown::new();
        let calls = PaidCalls::new(self.store.as_ref(), step, &NoCheckpoints, stop);
        let executed = self.agent.execute(step, &calls).await;
        let view = self.view().await;
        match executed {
            Ok(result) => {
                let outcome = StepOutcome::Done(result.clone());
                let commit = self.agent.after_step(&view, step, &outcome, now).await.unwrap();
                self.store.complete(step, StepEnd::Done(result), view.version, commit).await.unwrap();
                Turn::Worked
            }
            Err(StepError::Waiting { progress, .. }) => {
                let end = StepEnd::Waiting { delay: Duration::ZERO, progress };
                self.store.complete(step, end, view.version, Commit::default()).await.unwrap();
                Turn::Waits
            }
            Err(error) => panic!("{error}"),
        }
    }

    /// Works until the run is in a stage, a step waits, or nothing is to be done.
    async fn until(&self, stage: Stage) -> RunView {
        for _ in 0..MOST_TURNS {
            let view = self.view().await;
            if view.stage == stage || self.turn().await != Turn::Worked {
                return self.view().await;
            }
        }
        panic!("the run never gets there")
    }

    /// Works until nothing is to be done.
    async fn settle(&self) -> RunView {
        for _ in 0..MOST_TURNS {
            if self.turn().await == Turn::Idle {
                return self.view().await;
            }
        }
        panic!("the run never comes to rest")
    }

    async fn view(&self) -> RunView {
        self.store.run(self.run).await.unwrap()
    }

    async fn placements(&self) -> Vec<Placement> {
        self.store.placements(self.run).await.unwrap()
    }

    async fn wish(&self, ad: Option<PlacementId>, wish: ServingWish) -> Result<Taken, Code> {
        let number = self.told.get() + 1;
        self.told.set(number);
        let signal = Signal::Serving { generation: 1, ad, wish };
        let told = Told { id: SignalId::derive(1, "test", number), signal };
        let caller = Caller::Person { organization: organization() };
        self.control.tell(self.run, &caller, &told).await.map_err(|problem| problem.code)
    }
}

fn impressions(placements: &[Placement]) -> Vec<u64> {
    let seen = |own: &Placement| own.delivery.as_ref().map_or(0, |row| row.delivery.impressions);
    placements.iter().map(seen).collect()
}

#[tokio::test]
async fn a_paused_ad_takes_no_impressions_and_the_other_goes_on() {
    let process = Process::start(order(50_000_000)).await;
    assert_eq!(process.wish(None, ServingWish::Pause).await, Err(Code::RunState), "there is none yet");
    assert_eq!(process.until(Stage::Playing).await.stage, Stage::Playing);
    let ads = process.placements().await;
    assert_eq!(ads.len(), 2);
    let first = Some(ads[0].id);
    assert_eq!(process.wish(first, ServingWish::Resume).await, Ok(Taken::Before));
    assert_eq!(process.wish(first, ServingWish::Pause).await, Ok(Taken::Now));
    assert_eq!(process.wish(first, ServingWish::Pause).await, Ok(Taken::Before), "it is paused already");
    assert_eq!(process.placements().await[0].held, Some(Hold::Paused));
    let strange = Some(PlacementId::derive(1, "placement", 1));
    assert_eq!(process.wish(strange, ServingWish::Pause).await, Err(Code::NotFound));

    let view = process.settle().await;
    assert_eq!(view.stage, Stage::Finished);
    assert_eq!(impressions(&process.placements().await), [0, 1_000]);
    let state = AgentState::of(&view).unwrap();
    assert_eq!(state.stopped, Some(StopReason::Completed));
    assert_eq!(state.reports[0].holds.len(), 1);
    assert_eq!(state.reports[0].holds[0].placement, ads[0].id);
    let trace = process.store.trace(process.run).await.unwrap();
    assert_eq!(trace.iter().filter(|line| line.what == "campaign.told").count(), 1);
    assert_eq!(process.store.broken_invariants().await.unwrap(), Vec::<String>::new());
    assert_eq!(process.wish(first, ServingWish::Resume).await, Err(Code::RunState), "the run has ended");
}

#[tokio::test]
async fn the_market_opens_for_a_paused_campaign_when_it_goes_on() {
    let process = Process::start(order(50_000_000)).await;
    process.until(Stage::Playing).await;
    assert_eq!(process.wish(None, ServingWish::Pause).await, Ok(Taken::Now));
    for _ in 0..3 {
        assert_eq!(process.turn().await, Turn::Waits);
    }
    assert!(process.placements().await.iter().all(|own| own.delivery.is_none()));
    assert_eq!(process.wish(None, ServingWish::Resume).await, Ok(Taken::Now));
    assert_eq!(process.settle().await.stage, Stage::Finished);
    assert_eq!(impressions(&process.placements().await), [1_000, 1_000]);
}

#[tokio::test]
async fn an_ended_campaign_is_played_without_impressions_and_the_run_goes_on() {
    let process = Process::start(order(50_000_000)).await;
    process.until(Stage::Playing).await;
    assert_eq!(process.wish(None, ServingWish::End).await, Ok(Taken::Now));
    assert_eq!(process.wish(None, ServingWish::Resume).await, Err(Code::RunState));
    let view = process.settle().await;
    assert_eq!(impressions(&process.placements().await), [0, 0]);
    assert_eq!((view.stage, view.settled, view.reserved), (Stage::Finished, Micros::ZERO, Micros::ZERO));
    assert_eq!(process.store.broken_invariants().await.unwrap(), Vec::<String>::new());
}

#[tokio::test]
async fn a_run_that_its_order_caps_says_so_and_keeps_what_it_made() {
    // Too little for a campaign: the smallest one is a unit of the currency.
    let process = Process::start(order(900_000)).await;
    let view = process.settle().await;
    let state = AgentState::of(&view).unwrap();
    assert_eq!((view.stage, state.stopped), (Stage::Finished, Some(StopReason::BudgetExhausted)));
    let failure = state.failure.unwrap();
    assert_eq!((failure.code, failure.field.as_str()), (Code::SpendCap, "max_spend"));
    assert!(failure.message.contains("0.90 USD"), "{}", failure.message);
    let variants = process.store.variants(process.run).await.unwrap();
    assert!(variants.iter().filter(|variant| variant.body.final_render.is_some()).count() >= 2, "kept");
    assert!(view.settled + view.reserved <= Micros(900_000));
}

#[tokio::test]
async fn a_budget_that_is_the_briefs_own_is_no_cap_of_the_order() {
    let mut run = order(900_000);
    run.request.brief.budget.total = Micros(900_000);
    let process = Process::start(run).await;
    let state = AgentState::of(&process.settle().await).unwrap();
    assert_eq!(state.stopped, Some(StopReason::BudgetExhausted));
    assert!(state.failure.is_none_or(|failure| failure.code == Code::BudgetExhausted));
}
