//! What becomes of variants that say what a product feed has made untrue, at every moment of a run.
//!
//! The driver works on one thing at a time, so that the feed can arrive between any two of them. Store,
//! workflow, control and decisions are real; media, scores and the market are stand-ins.

#![expect(clippy::unwrap_used, reason = "a failing helper fails the test")]

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use spotwright_core::domain::run::{
    Approval, Involvement, NewRun, RunRequest, RunView, Stage, StoredPicture,
};
use spotwright_core::domain::signal::{Caller, Signal, Taken, Told};
use spotwright_core::domain::topology::StepKind;
use spotwright_core::domain::variant::{Variant, VariantState};
use spotwright_core::domain::withdrawal::{Change, Price, Untrue, untrue_line};
use spotwright_core::ports::artifacts::ArtifactHash;
use spotwright_core::ports::run_control::RunControl as _;
use spotwright_core::ports::step_store::{StepEnd, StepStore};
use spotwright_core::spine::{NoCheckpoints, PaidCalls, Shutdown, StepOutcome, Workflow as _};
use spotwright_creative::copy_engine::CopyEngine;
use spotwright_creative::workflow::{AgentState, CreativeAgent, Ports, first_commit};
use spotwright_intake::{Feed, Source};
use spotwright_schemas::brief::Brief;
use spotwright_schemas::error::Code;
use spotwright_schemas::event::StopReason;
use spotwright_schemas::ids::{OrganizationId, RunId, SignalId};
use spotwright_schemas::money::Micros;
use spotwright_server::control::Control;
use spotwright_server::standins::{StandInClickModel, StandInGate, StandInMarket, StandInVideo};
use spotwright_server::withdrawals::{AppliedRun, Feeds, apply};
use spotwright_store::sqlite::SqliteStore;

/// Turns of the driver after which a run that has not ended never will.
const MOST_TURNS: usize = 1_000;

fn owner() -> OrganizationId {
    OrganizationId::derive(11, "withdrawals", 0)
}

/// A run of a brief that costs $18.
fn order(seed: u64, approval: Approval) -> NewRun {
    let brief = Brief::from_yaml(include_bytes!("../../../examples/coffee-en/brief.yaml")).unwrap();
    NewRun {
        id: RunId::derive(seed, "withdrawals", 0),
        organization: owner(),
        budget: brief.budget.total,
        request: RunRequest {
            pictures: vec![StoredPicture { hash: ArtifactHash::of(b"picture"), width: 600, height: 400 }],
            brief,
            generations: 2,
            variants: 6,
            winners: 2,
            seed,
            opportunities: 1_000,
            remarks: Vec::new(),
            people: Involvement { approval, ..Involvement::default() },
            revision: None,
        },
    }
}

fn dollars(units: i64) -> Price {
    Price { amount: Micros(units * 1_000_000), currency: Some("USD".to_owned()) }
}

fn untrue(change: Change) -> Untrue {
    Untrue {
        product: "MR-12".to_owned(),
        title: "Morning Roast".to_owned(),
        source: "feed.csv, line 2".to_owned(),
        changes: vec![change],
    }
}

fn dearer() -> Untrue {
    untrue(Change::Price { old: dollars(18), new: Some(dollars(21)) })
}

struct Process {
    store: Arc<SqliteStore>,
    agent: CreativeAgent,
    control: Control,
    run: RunId,
}

impl Process {
    async fn start(path: &Path, run: RunId) -> Self {
        let store = SqliteStore::open(path).await.unwrap();
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
        Self { control: Control::new(store.clone(), video()), store, agent, run }
    }

    async fn begin(path: &Path, run: &NewRun) -> Self {
        let process = Self::start(path, run.id).await;
        process.store.create_run(run, first_commit(run, Timestamp::UNIX_EPOCH)).await.unwrap();
        process
    }

    /// Takes one message in or does one step; whether there was one. `meanwhile` happens after the outside work
    /// of a step and before its end is written.
    async fn turn(&self, meanwhile: Option<&Untrue>) -> bool {
        let now = Timestamp::UNIX_EPOCH;
        let messages = self.store.unsent(None, 1).await.unwrap();
        if let Some((_, message)) = messages.first() {
            let view = self.view().await;
            let commit = self.agent.after_message(&view, &message.event, now).await.unwrap();
            self.store
                .consume(&message.consumer, &[message.id], self.run, view.version, commit)
                .await
                .unwrap();
            self.store.mark_sent(&[message.id]).await.unwrap();
            return true;
        }
        let steps = self.store.claim(&StepKind::ALL, Duration::from_mins(1), 1).await.unwrap();
        let Some(step) = steps.first() else { return false };
        let (_switch, stop) = Shutdown::new();
        let calls = PaidCalls::new(self.store.as_ref(), step, &NoCheckpoints, stop);
        let result = self.agent.execute(step, &calls).await.unwrap();
        if let Some(untrue) = meanwhile {
            self.tell(untrue).await.unwrap();
        }
        let view = self.view().await;
        let outcome = StepOutcome::Done(result.clone());
        let commit = self.agent.after_step(&view, step, &outcome, now).await.unwrap();
        self.store.complete(step, StepEnd::Done(result), view.version, commit).await.unwrap();
        true
    }

    async fn settle(&self) -> RunView {
        for _ in 0..MOST_TURNS {
            if !self.turn(None).await {
                return self.view().await;
            }
        }
        panic!("the run never comes to rest")
    }

    async fn view(&self) -> RunView {
        self.store.run(self.run).await.unwrap()
    }

    async fn variants(&self) -> Vec<Variant> {
        self.store.variants(self.run).await.unwrap()
    }

    async fn tell(&self, untrue: &Untrue) -> Result<Taken, Code> {
        let told = Told {
            id: SignalId::derive(1, &format!("{untrue:?}"), 0),
            signal: Signal::Withdraw { untrue: untrue.clone() },
        };
        let caller = Caller::Person { organization: owner() };
        self.control.tell(self.run, &caller, &told).await.map_err(|problem| problem.code)
    }

    /// What must hold of a run that has heard `untrue` and come to rest.
    async fn must_be_true(&self, untrue: &Untrue, when: &str) {
        assert_eq!(self.store.broken_invariants().await.unwrap(), Vec::<String>::new(), "{when}");
        let variants = self.variants().await;
        for variant in &variants {
            let line = says(variant, untrue);
            let is_gone = matches!(
                variant.state,
                VariantState::Rejected | VariantState::Failed | VariantState::Withdrawn
            );
            assert!(line.is_none() || is_gone, "{when}: {:?} says {line:?}", variant.state);
            let reason = variant.body.withdrawal.as_ref();
            assert_eq!(reason.is_some(), variant.state == VariantState::Withdrawn, "{when}");
            if let Some(reason) = reason {
                assert_eq!(
                    (reason.product.as_str(), &reason.change),
                    ("MR-12", &untrue.changes[0]),
                    "{when}"
                );
                assert_eq!(Some(&reason.line), line.as_ref(), "{when}");
            }
        }
        let trace = self.store.trace(self.run).await.unwrap();
        let told: BTreeSet<_> = trace
            .iter()
            .filter(|line| line.what == "variant.withdrawn")
            .filter_map(|line| line.variant)
            .collect();
        let withdrawn: BTreeSet<_> =
            variants.iter().filter(|own| own.state == VariantState::Withdrawn).map(|own| own.id).collect();
        assert_eq!(told, withdrawn, "{when}: the trace tells of each");
        for placement in self.store.placements(self.run).await.unwrap() {
            assert_eq!(placement.ended, withdrawn.contains(&placement.variant), "{when}");
        }
        // The money of the campaigns is what the placements cost, those that ended included.
        let placements = self.store.placements(self.run).await.unwrap();
        let spend: Micros =
            placements.iter().filter_map(|own| own.delivery.as_ref()).map(|row| row.delivery.spend).sum();
        let view = self.view().await;
        assert_eq!((view.settled, view.reserved), (spend, Micros::ZERO), "{when}");
    }
}

fn says(variant: &Variant, untrue: &Untrue) -> Option<String> {
    let brief = Brief::from_yaml(include_bytes!("../../../examples/coffee-en/brief.yaml")).unwrap();
    let (script, board) = (&variant.body.script, Some(&variant.body.storyboard));
    untrue.changes.iter().find_map(|change| untrue_line(change, script, board, &brief.product.facts))
}

/// A seed whose run has winners that state the price, as all scripts of the engine do.
async fn finished(folder: &Path) -> Process {
    for seed in 1..40 {
        let path = folder.join(format!("{seed}.sqlite"));
        let process = Process::begin(&path, &order(seed, Approval::None)).await;
        process.settle().await;
        let variants = process.variants().await;
        let won: Vec<&Variant> = variants.iter().filter(|own| own.state == VariantState::Won).collect();
        let n_saying = won.iter().filter(|own| says(own, &dearer()).is_some()).count();
        if n_saying > 0 {
            return process;
        }
    }
    panic!("no run of 39 has winners that state the price")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_changed_price_withdraws_who_states_it_and_keeps_what_was_delivered() {
    let folder = tempfile::tempdir().unwrap();
    let process = finished(folder.path()).await;
    let (before, placed) = (process.variants().await, process.store.placements(process.run).await.unwrap());
    let view = process.view().await;
    assert_eq!(process.tell(&dearer()).await, Ok(Taken::Now));
    process.must_be_true(&dearer(), "after the end").await;
    let after = process.variants().await;
    let kept = after.iter().filter(|own| own.state == VariantState::Won).count();
    let won = before.iter().filter(|own| own.state == VariantState::Won);
    let said = won.clone().filter(|own| says(own, &dearer()).is_some()).count();
    assert_eq!(kept, won.count() - said, "who does not state the price stays");
    let ended: Vec<_> = process.store.placements(process.run).await.unwrap();
    assert_eq!(ended.len(), placed.len());
    for (now, then) in ended.iter().zip(&placed) {
        assert_eq!(now.delivery, then.delivery, "what was delivered by then stays");
    }
    // Told again, nothing is written.
    let version = process.view().await.version;
    assert_eq!(version, view.version + 1);
    assert_eq!(process.tell(&dearer()).await, Ok(Taken::Before));
    assert_eq!(process.view().await.version, version);
    // It outlives the process.
    let again =
        SqliteStore::open(&folder.path().join(format!("{}.sqlite", view.request.seed))).await.unwrap();
    assert_eq!(again.variants(process.run).await.unwrap(), after);
    assert_ne!(before, after);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn empty_stock_withdraws_everything_that_can_still_be_shown() {
    let folder = tempfile::tempdir().unwrap();
    let process = Process::begin(&folder.path().join("a.sqlite"), &order(1, Approval::None)).await;
    process.settle().await;
    assert_eq!(process.tell(&untrue(Change::SoldOut)).await, Ok(Taken::Now));
    process.must_be_true(&untrue(Change::SoldOut), "after the end").await;
    let variants = process.variants().await;
    assert!(variants.iter().any(|own| own.state == VariantState::Withdrawn));
    assert!(variants.iter().all(|own| own.state != VariantState::Won && own.state != VariantState::Scored));
}

/// The feed arrives before every single turn of a run, and in the middle of every single step.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whenever_the_feed_arrives_nothing_untrue_is_placed_afterwards() {
    for change in [dearer(), untrue(Change::SoldOut)] {
        let mut ends = BTreeSet::new();
        for within in [false, true] {
            let mut at = 0;
            loop {
                let folder = tempfile::tempdir().unwrap();
                let when = format!("turn {at}, within {within}, {:?}", change.changes);
                let mut run = order(1, Approval::None);
                (run.request.generations, run.request.variants) = (1, 4);
                let process = Process::begin(&folder.path().join("a.sqlite"), &run).await;
                let mut is_over = false;
                for _ in 0..at {
                    is_over |= !process.turn(None).await;
                }
                if within {
                    is_over |= !process.turn(Some(&change)).await;
                }
                // A turn that only took a message in had no middle.
                process.tell(&change).await.unwrap();
                let published: BTreeSet<_> = placed_of(&process).await;
                let view = process.settle().await;
                assert_eq!(view.stage, Stage::Finished, "{when}");
                process.must_be_true(&change, &when).await;
                for id in placed_of(&process).await.difference(&published) {
                    let variant = process.store.variant(*id).await.unwrap();
                    assert_eq!(says(&variant, &change), None, "{when}: placed after the feed");
                }
                ends.insert(format!("{:?}", AgentState::of(&view).unwrap().stopped));
                if is_over {
                    break;
                }
                at += 1;
            }
            assert!(at > 20, "{at} turns");
        }
        println!("{:?}: the runs ended as {ends:?}", change.changes);
    }
}

async fn placed_of(process: &Process) -> BTreeSet<spotwright_schemas::ids::VariantId> {
    process.store.placements(process.run).await.unwrap().iter().map(|own| own.variant).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scripts_that_wait_for_approval_are_withdrawn_and_a_run_without_others_ends() {
    let folder = tempfile::tempdir().unwrap();
    let process = Process::begin(&folder.path().join("a.sqlite"), &order(1, Approval::Scripts)).await;
    assert_eq!(process.settle().await.stage, Stage::WaitingForApproval);
    assert_eq!(process.tell(&untrue(Change::SoldOut)).await, Ok(Taken::Now));
    let view = process.settle().await;
    let state = AgentState::of(&view).unwrap();
    assert_eq!((view.stage, state.stopped), (Stage::Finished, Some(StopReason::Failed)));
    assert_eq!(state.failure.unwrap().code, Code::Untrue);
    process.must_be_true(&untrue(Change::SoldOut), "waiting").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_price_that_came_back_is_said_again() {
    let folder = tempfile::tempdir().unwrap();
    let process = Process::begin(&folder.path().join("a.sqlite"), &order(1, Approval::None)).await;
    process.tell(&dearer()).await.unwrap();
    process.tell(&untrue(Change::Price { old: dollars(21), new: Some(dollars(18)) })).await.unwrap();
    let view = process.settle().await;
    assert_eq!(AgentState::of(&view).unwrap().stopped, Some(StopReason::Completed));
    assert!(process.variants().await.iter().all(|own| own.state != VariantState::Withdrawn));
    // Dearer again: the same signal as the first, and no longer settled.
    assert_eq!(process.tell(&dearer()).await, Ok(Taken::Now));
    process.must_be_true(&dearer(), "the second time").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn strangers_and_signals_without_bounds_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let process = Process::begin(&folder.path().join("a.sqlite"), &order(1, Approval::None)).await;
    let before = process.settle().await;
    let stranger = Caller::Person { organization: OrganizationId::derive(11, "withdrawals", 1) };
    let told = Told { id: SignalId::derive(1, "a", 0), signal: Signal::Withdraw { untrue: dearer() } };
    let refused = process.control.tell(process.run, &stranger, &told).await.unwrap_err();
    assert_eq!(refused.code, Code::NotFound);
    let empty = Untrue { changes: Vec::new(), ..dearer() };
    assert_eq!(process.tell(&empty).await, Err(Code::RequestValue));
    assert_eq!(process.view().await, before);
}

fn feeds(old: Option<&str>, new: &str) -> Feeds {
    let read = |text: &str| Feed::read(&Source::named("feed.csv", text.as_bytes())).unwrap();
    Feeds { old: old.map(read), new: read(new), item: None, is_certain: false }
}

async fn applied(process: &Process, feeds: &Feeds, trial: bool) -> Vec<AppliedRun> {
    apply(process.store.as_ref(), &process.control, Some(owner()), feeds, trial).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_feed_is_applied_to_the_runs_that_sell_its_products_and_to_no_others() {
    const OLD: &str = "id,title,price,link\nMR-12,Morning Roast 12 oz,18.00 USD,https://example.com/morning-roast?utm_source=feed\nMUG,Mug,18.00 USD,https://example.com/mug\n";
    let new = OLD.replacen("18.00", "21.00", 1);
    let folder = tempfile::tempdir().unwrap();
    let process = finished(folder.path()).await;
    let other = feeds(Some(OLD), &OLD.replace("MUG,Mug,18.00", "MUG,Mug,19.00"));
    assert!(applied(&process, &other, false).await.is_empty(), "the mug is sold by no run");
    let before = process.view().await;
    let trial = applied(&process, &feeds(Some(OLD), &new), true).await;
    assert_eq!(process.view().await, before, "a trial changes nothing");
    let done = applied(&process, &feeds(Some(OLD), &new), false).await;
    assert!(done[0].is_news && !done[0].withdrawn.is_empty());
    assert_eq!(done[0].untrue.source, "feed.csv, line 2");
    let ids = |runs: &[AppliedRun]| -> BTreeSet<_> { runs[0].withdrawn.iter().map(|own| own.id).collect() };
    assert_eq!(ids(&trial), ids(&done), "the trial told the truth");
    process.must_be_true(&dearer(), "by feed").await;
    let again = applied(&process, &feeds(Some(OLD), &new), false).await;
    assert!(!again[0].is_news && again[0].withdrawn.is_empty(), "applied again, nothing changes");
    let stranger = OrganizationId::derive(11, "withdrawals", 1);
    let feeds = feeds(Some(OLD), &new);
    let others = apply(process.store.as_ref(), &process.control, Some(stranger), &feeds, false);
    assert!(others.await.unwrap().is_empty());
}
