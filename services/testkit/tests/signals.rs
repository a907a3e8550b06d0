//! What people tell a run: questions answered, scripts approved, rejected, edited and written anew.
//!
//! The driver below takes the place of engine, bus and relay and works on one thing at a time, so that a
//! process can end at every single boundary. Store, workflow, control and decisions are real.

#![expect(clippy::unwrap_used, reason = "a failing helper fails the test")]

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use spotwright_core::domain::run::{
    Approval, Clarify, Involvement, NewRun, RunRequest, RunView, Stage, StoredPicture,
};
use spotwright_core::domain::signal::{Caller, Signal, Taken, Told};
use spotwright_core::domain::topology::StepKind;
use spotwright_core::domain::variant::{Variant, VariantState};
use spotwright_core::ports::artifacts::ArtifactHash;
use spotwright_core::ports::run_control::RunControl as _;
use spotwright_core::ports::step_store::{StepEnd, StepStore};
use spotwright_core::spine::{NoCheckpoints, PaidCalls, Shutdown, StepOutcome, Workflow as _};
use spotwright_creative::copy_engine::CopyEngine;
use spotwright_creative::workflow::{AgentState, CreativeAgent, PERSON, Ports, first_commit};
use spotwright_schemas::brief::{Brief, FactKind};
use spotwright_schemas::error::Code;
use spotwright_schemas::event::StopReason;
use spotwright_schemas::ids::{OrganizationId, RunId, SignalId, VariantId};
use spotwright_schemas::money::Micros;
use spotwright_server::control::Control;
use spotwright_server::standins::{StandInClickModel, StandInGate, StandInMarket, StandInVideo};
use spotwright_store::sqlite::SqliteStore;

/// Turns of the driver after which a run that has not ended never will.
const MOST_TURNS: usize = 1_000;

/// A run of a brief that leaves three questions open.
fn order(people: Involvement) -> NewRun {
    let yaml = include_bytes!("../../../examples/coffee-en/brief.yaml");
    let mut brief = Brief::from_yaml(yaml).unwrap();
    let known = [FactKind::Benefit, FactKind::Feature, FactKind::Origin, FactKind::Moment];
    brief.product.facts.retain(|fact| known.contains(&fact.kind));
    NewRun {
        id: RunId::derive(9, "signals", 0),
        organization: OrganizationId::derive(9, "signals", 0),
        budget: brief.budget.total,
        request: RunRequest {
            pictures: vec![StoredPicture { hash: ArtifactHash::of(b"picture"), width: 600, height: 400 }],
            brief,
            generations: 1,
            variants: 3,
            winners: 1,
            seed: 9,
            opportunities: 1_000,
            remarks: Vec::new(),
            people,
            revision: None,
        },
    }
}

const BOTH: Involvement =
    Involvement { clarify: Clarify::Ask, answers_within_seconds: None, approval: Approval::Scripts };
const APPROVAL: Involvement =
    Involvement { clarify: Clarify::Assume, answers_within_seconds: None, approval: Approval::Scripts };

/// Whether the process goes on after a boundary.
struct Boundaries {
    passed: usize,
    ends_at: Option<usize>,
}

impl Boundaries {
    fn none() -> Self {
        Self { passed: 0, ends_at: None }
    }

    fn dies(&mut self) -> bool {
        let dies = self.ends_at == Some(self.passed);
        self.passed += 1;
        dies
    }
}

/// What a turn came to.
#[derive(Debug, PartialEq, Eq)]
enum Turn {
    Worked,
    Died,
    /// Nothing is to be done at the moment.
    Idle,
}

/// One process that works on the run.
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
        let control = Control::new(store.clone(), video());
        Self { store, agent, control, run }
    }

    /// Takes one message in, or does one step.
    async fn turn(&self, boundaries: &mut Boundaries) -> Turn {
        let now = Timestamp::UNIX_EPOCH;
        let messages = self.store.unsent(None, 1).await.unwrap();
        if let Some((_, message)) = messages.first() {
            if boundaries.dies() {
                return Turn::Died;
            }
            let view = self.view().await;
            let commit = self.agent.after_message(&view, &message.event, now).await.unwrap();
            let ids = [message.id];
            self.store.consume(&message.consumer, &ids, self.run, view.version, commit).await.unwrap();
            if boundaries.dies() {
                return Turn::Died;
            }
            self.store.mark_sent(&ids).await.unwrap();
            return Turn::Worked;
        }
        let steps = self.store.claim(&StepKind::ALL, Duration::from_mins(1), 1).await.unwrap();
        let Some(step) = steps.first() else { return Turn::Idle };
        if boundaries.dies() {
            return Turn::Died;
        }
        let (_switch, stop) = Shutdown::new();
        let calls = PaidCalls::new(self.store.as_ref(), step, &NoCheckpoints, stop);
        let result = self.agent.execute(step, &calls).await.unwrap();
        if boundaries.dies() {
            return Turn::Died;
        }
        let view = self.view().await;
        let outcome = StepOutcome::Done(result.clone());
        let commit = self.agent.after_step(&view, step, &outcome, now).await.unwrap();
        self.store.complete(step, StepEnd::Done(result), view.version, commit).await.unwrap();
        if boundaries.dies() { Turn::Died } else { Turn::Worked }
    }

    /// Works until nothing is to be done.
    async fn settle(&self) -> RunView {
        for _ in 0..MOST_TURNS {
            if self.turn(&mut Boundaries::none()).await == Turn::Idle {
                return self.view().await;
            }
        }
        panic!("the run never comes to rest")
    }

    async fn view(&self) -> RunView {
        self.store.run(self.run).await.unwrap()
    }

    /// The scripts that wait, by number.
    async fn waiting(&self) -> Vec<Variant> {
        let mut variants = self.store.variants(self.run).await.unwrap();
        variants.retain(|variant| variant.state == VariantState::Drafted);
        variants
    }

    fn owner() -> Caller {
        Caller::Person { organization: OrganizationId::derive(9, "signals", 0) }
    }

    async fn tell(&self, number: u64, signal: Signal) -> Result<Taken, Code> {
        let told = Told { id: SignalId::derive(1, "test", number), signal };
        self.control.tell(self.run, &Self::owner(), &told).await.map_err(|problem| problem.code)
    }
}

async fn started(people: Involvement) -> (tempfile::TempDir, Process) {
    begun(order(people)).await
}

async fn begun(run: NewRun) -> (tempfile::TempDir, Process) {
    let folder = tempfile::tempdir().unwrap();
    let process = Process::start(&folder.path().join("run.sqlite"), run.id).await;
    process.store.create_run(&run, first_commit(&run, Timestamp::UNIX_EPOCH)).await.unwrap();
    (folder, process)
}

fn answer(question: &str, text: Option<&str>) -> Signal {
    Signal::Answer { question: question.to_owned(), text: text.map(ToOwned::to_owned) }
}

fn reject(variant: VariantId) -> Signal {
    Signal::Reject { variant, reason: "says nothing about us".to_owned() }
}

fn edit(variant: VariantId, line: u32, caption: &str) -> Signal {
    Signal::Edit { variant, line, caption: Some(caption.to_owned()), voice: None }
}

const APPROVE: Signal = Signal::Approve { variant: None, all: false };

/// The person outside: tells one signal after the other, and tells one again that was not answered.
#[derive(Default)]
struct Client {
    answered: usize,
    pending: Option<Told>,
}

impl Client {
    async fn next(&mut self, process: &Process) -> Option<Told> {
        if self.pending.is_none() {
            let waiting = process.waiting().await;
            let first = waiting.first().map(|variant| variant.id);
            let last = waiting.last().map(|variant| variant.id);
            let signal = match self.answered {
                0 => answer("no_problem", Some("Coffee that turns bitter by the last sip")),
                1 => answer("no_proof", None),
                2 => answer("no_price", Some("$18 for a 12 oz bag")),
                3 => reject(first?),
                4 => edit(last?, 0, "Worth getting up for"),
                5 => Signal::Regenerate { variant: first, note: Some("calmer, please".to_owned()) },
                6 => APPROVE,
                _ => return None,
            };
            let id = SignalId::derive(1, "client", self.answered as u64);
            self.pending = Some(Told { id, signal });
        }
        self.pending.clone()
    }
}

/// What a run came to.
#[derive(Debug, PartialEq)]
struct End {
    stage: Stage,
    stopped: Option<StopReason>,
    state: serde_json::Value,
    money: [Micros; 2],
    messages: u64,
    variants: Vec<String>,
    placements: usize,
    trace: Vec<String>,
}

async fn end_of(process: &Process) -> End {
    assert_eq!(process.store.broken_invariants().await.unwrap(), Vec::<String>::new());
    let view = process.view().await;
    let variants = process.store.variants(view.id).await.unwrap();
    let trace = process.store.trace(view.id).await.unwrap();
    let published = trace.iter().filter(|line| line.what == "creative.won").count();
    assert_eq!(published, 1, "published once");
    End {
        stage: view.stage,
        stopped: AgentState::of(&view).unwrap().stopped,
        money: [view.settled, view.reserved],
        messages: view.messages,
        variants: variants.iter().map(|variant| format!("{variant:?}")).collect(),
        placements: process.store.placements(view.id).await.unwrap().len(),
        trace: trace.iter().map(|line| format!("{line:?}")).collect(),
        state: view.state,
    }
}

/// The run from its order to its end, in a process that ends at one boundary and is started again; the end,
/// and how many boundaries were passed.
async fn history(path: PathBuf, ends_at: Option<usize>) -> (End, usize) {
    let run = order(BOTH);
    let mut process = Process::start(&path, run.id).await;
    process.store.create_run(&run, first_commit(&run, Timestamp::UNIX_EPOCH)).await.unwrap();
    let mut boundaries = Boundaries { passed: 0, ends_at };
    let mut client = Client::default();
    for _ in 0..MOST_TURNS {
        let mut turn = process.turn(&mut boundaries).await;
        if turn == Turn::Idle {
            if process.view().await.stage == Stage::Finished {
                return (end_of(&process).await, boundaries.passed);
            }
            let told = client.next(&process).await.expect("the run waits for something that nobody says");
            if boundaries.dies() {
                turn = Turn::Died;
            } else {
                process.control.tell(run.id, &Process::owner(), &told).await.unwrap();
                if boundaries.dies() {
                    // The answer was lost with the process: the client tells it again.
                    turn = Turn::Died;
                } else {
                    client.pending = None;
                    client.answered += 1;
                }
            }
        }
        if turn == Turn::Died {
            drop(process);
            process = Process::start(&path, run.id).await;
            process.store.recover().await.unwrap();
        }
    }
    panic!("the run does not end; a process ended at {ends_at:?}")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wherever_a_process_ends_the_run_comes_to_the_same_end_and_is_published_once() {
    let folder = tempfile::tempdir().unwrap();
    let (expected, boundaries) = history(folder.path().join("whole.sqlite"), None).await;
    assert_eq!((expected.stage, expected.stopped), (Stage::Finished, Some(StopReason::Completed)));
    assert_eq!((expected.placements, expected.money[1]), (1, Micros::ZERO));
    let told = |what: &str| expected.trace.iter().filter(|line| line.contains(what)).count();
    assert_eq!((told("question.answered"), told("script.rejected"), told("script.edited")), (3, 1, 1));
    assert_eq!((told("script.regenerated"), told("scripts.approved")), (1, 1));
    assert!(boundaries > 40, "{boundaries}");
    for at in 0..boundaries {
        let (end, _) = history(folder.path().join(format!("ended-at-{at}.sqlite")), Some(at)).await;
        assert_eq!(end, expected, "a process ended at boundary {at}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_are_facts_of_the_runs_own_brief_and_change_the_plan() {
    let (_folder, process) = started(BOTH).await;
    assert_eq!(process.settle().await.stage, Stage::WaitingForAnswers);
    let asked = process.control.questions(process.run, &Process::owner()).await.unwrap();
    let ids: Vec<&str> = asked.iter().map(|question| question.id.as_str()).collect();
    assert_eq!(ids, ["no_problem", "no_proof", "no_price"]);
    assert!(asked.iter().all(|question| !question.closed && !question.default.is_empty()));

    assert_eq!(process.tell(1, answer("no_price", Some("$18 for a 12 oz bag"))).await, Ok(Taken::Now));
    assert_eq!(process.tell(2, answer("no_price", Some("$20"))).await, Err(Code::RunState));
    assert_eq!(process.tell(3, answer("no_origin", Some("Maine"))).await, Err(Code::RequestValue));
    assert_eq!(process.tell(4, answer("no_problem", Some("\u{202e}"))).await, Err(Code::RequestValue));
    assert_eq!(process.tell(5, answer("no_problem", None)).await, Ok(Taken::Now));
    assert_eq!(process.tell(6, answer("no_proof", None)).await, Ok(Taken::Now));
    let view = process.settle().await;
    assert_eq!(view.stage, Stage::WaitingForApproval);
    assert_eq!(view.request.brief, order(BOTH).request.brief, "the order stays as it was");
    let state = AgentState::of(&view).unwrap();
    let informed = state.informed(&view).into_owned();
    let price = informed.request.brief.product.facts.last().unwrap();
    assert_eq!((price.kind, price.text.as_str()), (FactKind::Price, "$18 for a 12 oz bag"));
    assert_eq!(price.evidence.as_ref().unwrap().source, "answer");
    let trace = process.store.trace(process.run).await.unwrap();
    let planned = trace.iter().find(|line| line.what == "generation.planned").unwrap();
    let assumed = planned.detail["questions"].as_array().unwrap();
    let assumed: Vec<_> = assumed.iter().map(|question| question["id"].as_str().unwrap()).collect();
    assert_eq!(assumed, ["no_problem", "no_proof"]);
    let asked = process.control.questions(process.run, &Process::owner()).await.unwrap();
    assert!(asked.iter().all(|question| question.closed));
    assert_eq!(asked[2].answer.as_deref(), Some("$18 for a 12 oz bag"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_the_time_for_answers_is_over_the_run_goes_on_with_the_defaults() {
    let waits =
        |seconds| Involvement { clarify: Clarify::Ask, answers_within_seconds: Some(seconds), ..APPROVAL };
    let (_folder, process) = started(waits(86_400)).await;
    assert_eq!(process.settle().await.stage, Stage::WaitingForAnswers);
    assert_eq!(process.store.open_work(process.run).await.unwrap(), 1, "the end of the wait is durable work");
    // A pause and its end do not shorten the wait.
    process.control.pause(process.run, &Caller::System).await.unwrap();
    process.control.resume(process.run, &Caller::System).await.unwrap();
    assert_eq!(process.settle().await.stage, Stage::WaitingForAnswers);

    let (_folder, process) = started(waits(1)).await;
    let mut view = process.settle().await;
    while view.stage == Stage::WaitingForAnswers {
        tokio::time::sleep(Duration::from_millis(20)).await;
        view = process.settle().await;
    }
    assert_eq!(view.stage, Stage::WaitingForApproval);
    let trace = process.store.trace(process.run).await.unwrap();
    let planned = trace.iter().find(|line| line.what == "generation.planned").unwrap();
    assert_eq!(planned.detail["questions"].as_array().unwrap().len(), 3, "every default was taken");
    assert_eq!(process.tell(1, answer("no_price", None)).await, Err(Code::RunState), "too late");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_signal_counts_once_and_another_one_under_its_id_is_refused() {
    let (_folder, process) = started(BOTH).await;
    process.settle().await;
    assert_eq!(process.tell(1, answer("no_price", None)).await, Ok(Taken::Now));
    let version = process.view().await.version;
    assert_eq!(process.tell(1, answer("no_price", None)).await, Ok(Taken::Before));
    assert_eq!(process.tell(1, answer("no_proof", None)).await, Err(Code::IdempotencyConflict));
    assert_eq!(process.view().await.version, version, "nothing was written");
    // It is known for as long as the run is, also when the state would not allow it any more.
    process.tell(2, Signal::Cancel).await.unwrap();
    assert_eq!(process.settle().await.stage, Stage::Finished);
    assert_eq!(process.tell(1, answer("no_price", None)).await, Ok(Taken::Before));
    assert_eq!(process.tell(3, answer("no_proof", None)).await, Err(Code::RunState));
    assert_eq!(process.tell(4, Signal::Cancel).await, Ok(Taken::Before));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_of_another_organization_is_not_there() {
    let (_folder, process) = started(BOTH).await;
    let before = process.settle().await;
    let stranger = Caller::Person { organization: OrganizationId::derive(9, "signals", 1) };
    for signal in [answer("no_price", None), APPROVE, Signal::Cancel] {
        let told = Told { id: SignalId::derive(1, "stranger", 0), signal };
        let refused = process.control.tell(process.run, &stranger, &told).await.unwrap_err();
        let unknown = process.control.tell(RunId::derive(1, "none", 0), &stranger, &told).await.unwrap_err();
        assert_eq!((refused.code, unknown.code), (Code::NotFound, Code::NotFound));
    }
    let refused = process.control.questions(process.run, &stranger).await.unwrap_err();
    assert_eq!(refused.code, Code::NotFound);
    assert_eq!(process.view().await, before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_rendered_before_its_script_is_approved() {
    let (_folder, process) = started(APPROVAL).await;
    let view = process.settle().await;
    assert_eq!((view.stage, view.counts.drafted), (Stage::WaitingForApproval, 3));
    assert_eq!(process.store.open_work(process.run).await.unwrap(), 0);
    assert_eq!(process.tell(1, answer("no_price", None)).await, Err(Code::RunState));
    let unknown = VariantId::derive(1, "variant", 1);
    assert_eq!(process.tell(2, reject(unknown)).await, Err(Code::NotFound));
    let waiting = process.waiting().await;
    for (number, variant) in (10..).zip(&waiting) {
        assert!(process.settle().await.stage == Stage::WaitingForApproval);
        let approve = Signal::Approve { variant: Some(variant.id), all: false };
        assert_eq!(process.tell(number, approve).await, Ok(Taken::Now));
    }
    let view = process.settle().await;
    assert_eq!(view.stage, Stage::Finished);
    assert_eq!(process.tell(3, APPROVE).await, Err(Code::RunState));
    let variants = process.store.variants(process.run).await.unwrap();
    assert!(variants.iter().all(|variant| variant.body.preview.is_some()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rejected_script_is_replaced_by_another_one_and_teaches() {
    let (_folder, process) = started(APPROVAL).await;
    process.settle().await;
    let first = process.waiting().await.remove(0);
    let opening = first.body.script.lines[0].caption.clone();
    assert_eq!(
        process.tell(1, Signal::Reject { variant: first.id, reason: " ".to_owned() }).await,
        Err(Code::RequestValue)
    );
    assert_eq!(process.tell(2, reject(first.id)).await, Ok(Taken::Now));
    assert_eq!(process.tell(3, reject(first.id)).await, Err(Code::RunState), "it is gone");
    let view = process.settle().await;
    assert_eq!((view.stage, view.counts.drafted), (Stage::WaitingForApproval, 3));
    let waiting = process.waiting().await;
    let replaced = waiting.last().unwrap();
    assert_eq!(replaced.number, 4);
    assert!(waiting.iter().all(|variant| variant.body.script.lines[0].caption != opening));
    let dropped = process.store.variant(first.id).await.unwrap();
    assert_eq!((dropped.state, dropped.final_gate), (VariantState::Rejected, None));
    assert_eq!(dropped.body.failure.as_deref(), Some("says nothing about us"));
    let state = AgentState::of(&view).unwrap();
    let lesson = state.heard.taught.last().unwrap();
    assert_eq!(
        (lesson.before.as_str(), lesson.direction),
        (opening.as_str(), Some(first.body.script.direction))
    );

    let all = Signal::Approve { variant: None, all: true };
    assert_eq!(process.tell(4, all).await, Ok(Taken::Now));
    let view = process.settle().await;
    assert_eq!(AgentState::of(&view).unwrap().stopped, Some(StopReason::Completed));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_taught_in_one_generation_is_heeded_by_the_next() {
    let mut run = order(APPROVAL);
    run.request.generations = 2;
    let (_folder, process) = begun(run).await;
    process.settle().await;
    let waiting = process.waiting().await;
    let (rejected, edited) = (&waiting[0], &waiting[1]);
    assert_eq!(process.tell(1, reject(rejected.id)).await, Ok(Taken::Now));
    assert_eq!(process.tell(2, edit(edited.id, 0, "Worth getting up for")).await, Ok(Taken::Now));
    process.settle().await;
    assert_eq!(process.tell(3, APPROVE).await, Ok(Taken::Now));
    let view = process.settle().await;
    assert_eq!((view.stage, view.generation), (Stage::WaitingForApproval, 2), "it waits again");
    let unwanted = [rejected, edited].map(|variant| variant.body.script.lines[0].caption.clone());
    let openings: Vec<String> =
        process.waiting().await.iter().map(|variant| variant.body.script.lines[0].caption.clone()).collect();
    assert!(
        !openings.is_empty() && openings.iter().all(|opening| !unwanted.contains(opening)),
        "{openings:?}"
    );
    assert_eq!(AgentState::of(&view).unwrap().heard.taught.len(), 2, "it is remembered");
    assert_eq!(process.tell(4, reject(edited.id)).await, Err(Code::NotFound), "that generation is over");
    assert_eq!(process.tell(5, APPROVE).await, Ok(Taken::Now));
    let view = process.settle().await;
    assert_eq!(AgentState::of(&view).unwrap().stopped, Some(StopReason::Completed));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_edited_line_is_the_persons_and_passes_the_same_critique() {
    let (_folder, process) = started(APPROVAL).await;
    process.settle().await;
    let variant = process.waiting().await.remove(0);
    let before = process.view().await;
    for (number, caption, code) in [
        (1, "Gone in 7 hours", Code::LineRefused),
        (2, "The cheap one", Code::LineRefused),
        (3, "The best coffee in the world, guaranteed to cure every morning of yours", Code::LineRefused),
        (4, "", Code::RequestValue),
    ] {
        assert_eq!(process.tell(number, edit(variant.id, 0, caption)).await, Err(code), "{caption}");
    }
    assert_eq!(process.tell(5, edit(variant.id, 99, "Worth getting up for")).await, Err(Code::RequestValue));
    assert_eq!(process.view().await, before, "the script is as it was");
    assert_eq!(process.tell(6, edit(variant.id, 0, "Worth getting up for")).await, Ok(Taken::Now));
    let edited = process.store.variant(variant.id).await.unwrap();
    let line = &edited.body.script.lines[0];
    assert_eq!((line.caption.as_str(), line.provenance.provider.as_str()), ("Worth getting up for", PERSON));
    assert_eq!(edited.body.storyboard.shots[0].caption, "Worth getting up for");
    let state = AgentState::of(&process.view().await).unwrap();
    let lesson = state.heard.taught.last().unwrap();
    assert_eq!(lesson.before, variant.body.script.lines[0].caption);
    assert_eq!(lesson.after, "Worth getting up for");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_waits_is_cancelled_at_once_and_has_cost_nothing() {
    for people in [BOTH, APPROVAL, Involvement { answers_within_seconds: Some(86_400), ..BOTH }] {
        let (_folder, process) = started(people).await;
        process.settle().await;
        assert_eq!(process.tell(1, Signal::Cancel).await, Ok(Taken::Now));
        let view = process.settle().await;
        assert_eq!((view.stage, view.settled, view.reserved), (Stage::Finished, Micros::ZERO, Micros::ZERO));
        assert_eq!(AgentState::of(&view).unwrap().stopped, Some(StopReason::Cancelled));
        assert_eq!(process.store.open_work(process.run).await.unwrap(), 0);
        assert_eq!(process.store.broken_invariants().await.unwrap(), Vec::<String>::new());
    }
}
