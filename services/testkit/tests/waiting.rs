//! Steps that wait for a service outside, through the engine: clips are paid once and no worker is held,
//! whatever happens meanwhile.

#![expect(clippy::unwrap_used, reason = "a failing helper fails the test")]

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use serde_json::{Value, json};
use spotwright_bus::memory::MemoryBus;
use spotwright_core::domain::run::{NewRun, RunView};
use spotwright_core::domain::topology::StepKind;
use spotwright_core::ports::clock::SystemClock;
use spotwright_core::ports::step_store::{ClaimedStep, Commit, MAX_PROGRESS_BYTES, StepStore as _};
use spotwright_core::spine::{
    Begun, ClaimQueue, Engine, EngineOptions, NoCheckpoints, PaidCalls, RunLocks, Shutdown, StepError,
    StepOutcome, Undecided, Workflow,
};
use spotwright_schemas::Problem;
use spotwright_schemas::error::Code;
use spotwright_schemas::event::Event;
use spotwright_schemas::money::Micros;
use spotwright_store::sqlite::SqliteStore;
use spotwright_testkit::fixtures;
use sqlx::{ConnectOptions as _, Connection as _};
use tokio::sync::Notify;

/// How long a step waits before it looks again; longer than any test.
const DELAY: Duration = Duration::from_mins(30);
/// Most that a clip may cost.
const QUOTE: Micros = Micros(3);
/// What a clip costs.
const PRICE: i64 = 2;
/// What a clip costs that is called off.
const FEE: i64 = 1;

/// A job at the service.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Job {
    submissions: u32,
    called_off: bool,
}

/// How the service is doing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Condition {
    #[default]
    Working,
    Away,
    Finished,
}

/// A service that makes clips, and its own record of them.
#[derive(Debug, Default)]
struct Service {
    jobs: Mutex<BTreeMap<String, Job>>,
    condition: Mutex<Condition>,
    /// Held back behind the submission until told to go on.
    gate: Option<(Notify, Notify)>,
}

impl Service {
    fn submit(&self, key: &str) {
        self.jobs.lock().unwrap().entry(key.to_owned()).or_default().submissions += 1;
    }

    fn call_off(&self, key: &str) {
        self.jobs.lock().unwrap().get_mut(key).unwrap().called_off = true;
    }

    fn knows(&self, key: &str) -> bool {
        self.jobs.lock().unwrap().contains_key(key)
    }

    fn set(&self, condition: Condition) {
        *self.condition.lock().unwrap() = condition;
    }

    fn jobs(&self) -> BTreeMap<String, Job> {
        self.jobs.lock().unwrap().clone()
    }
}

/// Has clips made; a `plan` step is other work.
struct Clips {
    service: Arc<Service>,
    /// What the steps ended as.
    ends: Mutex<Vec<StepOutcome>>,
    /// Bytes of progress.
    progress: usize,
    /// Whether the first provider takes the job and then fails it without a charge.
    first_fails: bool,
}

impl Clips {
    fn new(service: &Arc<Service>) -> Self {
        Self { service: Arc::clone(service), ends: Mutex::default(), progress: 0, first_fails: false }
    }

    /// Begins a clip or goes on with it; `None` while it is not there.
    async fn clip(
        &self,
        calls: &PaidCalls<'_>,
        provider: &str,
        key: &str,
    ) -> Result<Option<Value>, StepError> {
        let begun = calls.begin(provider, key, QUOTE).await?;
        let told = calls.stop().is_set();
        match begun {
            Begun::Done(clip) => return Ok(Some(clip)),
            Begun::Interrupted if self.service.knows(key) => {}
            Begun::Fresh | Begun::Interrupted => self.service.submit(key),
        }
        if let Some((here, go_on)) = &self.service.gate
            && !told
        {
            here.notify_one();
            go_on.notified().await;
        }
        if told {
            self.service.call_off(key);
            calls.ended(key, Micros(FEE));
            return Err(StepError::cancelled());
        }
        if *self.service.condition.lock().unwrap() != Condition::Finished {
            return Ok(None);
        }
        let clip = json!({ "clip": key });
        calls.done(key, &clip, Micros(PRICE))?;
        Ok(Some(clip))
    }
}

#[async_trait]
impl Workflow for Clips {
    async fn execute(&self, step: &ClaimedStep, calls: &PaidCalls<'_>) -> Result<Value, StepError> {
        if step.kind == StepKind::Plan {
            return Ok(Value::Null);
        }
        assert_eq!(step.progress.is_some(), step.waits > 0);
        if self.first_fails && step.progress.is_none() {
            let failing = format!("failing/{}", step.key);
            assert_eq!(calls.begin::<Value>("first", &failing, QUOTE).await?, Begun::Fresh);
            self.service.submit(&failing);
            calls.ended(&failing, Micros::ZERO);
        }
        let key = format!("clip/{}", step.key);
        match self.clip(calls, "second", &key).await? {
            Some(clip) => Ok(clip),
            None => Err(StepError::Waiting { delay: DELAY, progress: json!("p".repeat(self.progress)) }),
        }
    }

    async fn after_step(
        &self,
        _: &RunView,
        _: &ClaimedStep,
        outcome: &StepOutcome,
        _: Timestamp,
    ) -> Result<Commit, Undecided> {
        self.ends.lock().unwrap().push(outcome.clone());
        Ok(Commit::default())
    }

    async fn after_message(&self, _: &RunView, _: &Event, _: Timestamp) -> Result<Commit, Undecided> {
        Ok(Commit::default())
    }
}

/// One process with one worker.
struct Process {
    store: Arc<SqliteStore>,
    stop: tokio::sync::watch::Sender<bool>,
    working: tokio::task::JoinHandle<Result<(), Problem>>,
}

impl Process {
    /// Starts over the database in `folder`, as a process does that owns it alone.
    async fn start(folder: &Path, workflow: &Arc<Clips>) -> Self {
        let store = SqliteStore::open(&folder.join("test.db")).await.unwrap();
        store.recover().await.unwrap();
        let engine = Engine {
            store: store.clone(),
            bus: Arc::new(MemoryBus::new()),
            workflow: Arc::clone(workflow),
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
        Self { store, stop, working: tokio::spawn(Arc::new(engine).run(shutdown)) }
    }

    /// Ends it wherever it is.
    async fn kill(self) {
        self.working.abort();
        assert!(self.working.await.unwrap_err().is_cancelled());
    }

    async fn end(self) {
        self.stop.send_replace(true);
        self.working.await.unwrap().unwrap();
    }

    async fn amend(&self, run: &NewRun, commit: Commit) {
        loop {
            let version = self.store.run(run.id).await.unwrap().version;
            if self.store.amend(run.id, version, commit.clone()).await.is_ok() {
                return;
            }
        }
    }

    async fn wait_for_open_work(&self, run: &NewRun, open: u64) {
        until(async || self.store.open_work(run.id).await.unwrap() == open).await;
    }
}

async fn until(mut holds: impl AsyncFnMut() -> bool) {
    while !holds().await {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// One number of the database in `folder`.
async fn number(folder: &Path, query: &'static str) -> i64 {
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(folder.join("test.db"));
    let mut conn = options.connect().await.unwrap();
    let number = sqlx::query_scalar(query).fetch_one(&mut conn).await.unwrap();
    conn.close().await.unwrap();
    number
}

/// An hour passes for whoever waits.
async fn an_hour_passes(folder: &Path) {
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(folder.join("test.db"));
    let mut conn = options.busy_timeout(Duration::from_secs(30)).connect().await.unwrap();
    let hour = "UPDATE step SET run_at = run_at - 3600000000 WHERE state = 'waiting'";
    sqlx::query(hour).execute(&mut conn).await.unwrap();
    conn.close().await.unwrap();
}

/// A run of `clips` clips in a new folder.
async fn a_run(clips: usize) -> (tempfile::TempDir, NewRun) {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&folder.path().join("test.db")).await.unwrap();
    let mut run = fixtures::run(1);
    run.budget = Micros(QUOTE.0 * 2 * i64::try_from(clips).unwrap());
    let keys: Vec<String> = (0..clips).map(|clip| format!("{clip}")).collect();
    let names: Vec<&str> = keys.iter().map(String::as_str).collect();
    store.create_run(&run, fixtures::steps(StepKind::ClipRemote, &names)).await.unwrap();
    (folder, run)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn five_hundred_waiting_renders_hold_no_worker_and_a_restart_resumes_them_all() {
    const CLIPS: usize = 500;
    let (folder, run) = a_run(CLIPS).await;
    let service = Arc::new(Service::default());
    let workflow = Arc::new(Clips::new(&service));
    let process = Process::start(folder.path(), &workflow).await;
    until(async || service.jobs().len() >= CLIPS / 2).await;
    process.kill().await;

    let process = Process::start(folder.path(), &workflow).await;
    let waiting = "SELECT count(*) FROM step WHERE state = 'waiting' AND lease_until IS NULL AND waits = 1";
    until(async || number(folder.path(), waiting).await == CLIPS as i64).await;
    process.amend(&run, fixtures::steps(StepKind::Plan, &["g1"])).await;
    process.wait_for_open_work(&run, CLIPS as u64).await;
    assert_eq!(*workflow.ends.lock().unwrap(), [StepOutcome::Done(Value::Null)], "the lone worker did it");
    process.kill().await;

    // For an hour the service is away; it costs a look.
    service.set(Condition::Away);
    let process = Process::start(folder.path(), &workflow).await;
    an_hour_passes(folder.path()).await;
    let twice = "SELECT count(*) FROM step WHERE state = 'waiting' AND waits = 2";
    until(async || number(folder.path(), twice).await == CLIPS as i64).await;
    let used_up = "SELECT sum(attempts + errors) FROM step WHERE state = 'waiting'";
    assert_eq!(number(folder.path(), used_up).await, 0, "nothing is used up");
    assert_eq!(process.store.run(run.id).await.unwrap().reserved, Micros(QUOTE.0 * CLIPS as i64));

    service.set(Condition::Finished);
    an_hour_passes(folder.path()).await;
    process.wait_for_open_work(&run, 0).await;
    let view = process.store.run(run.id).await.unwrap();
    assert_eq!((view.settled, view.reserved), (Micros(PRICE * CLIPS as i64), Micros(0)));
    process.end().await;
    let jobs = service.jobs();
    assert_eq!(jobs.len(), CLIPS);
    let once = Job { submissions: 1, called_off: false };
    assert!(jobs.values().all(|job| *job == once), "nothing was submitted twice");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clip_that_one_service_fails_is_begun_at_another_and_only_that_is_paid() {
    let (folder, run) = a_run(3).await;
    let service = Arc::new(Service::default());
    let workflow = Arc::new(Clips { first_fails: true, ..Clips::new(&service) });
    let process = Process::start(folder.path(), &workflow).await;
    let waiting = "SELECT count(*) FROM step WHERE state = 'waiting'";
    until(async || number(folder.path(), waiting).await == 3).await;
    let view = process.store.run(run.id).await.unwrap();
    assert_eq!((view.settled, view.reserved), (Micros(0), Micros(QUOTE.0 * 3)), "ends are kept by a wait");
    service.set(Condition::Finished);
    an_hour_passes(folder.path()).await;
    process.wait_for_open_work(&run, 0).await;
    let view = process.store.run(run.id).await.unwrap();
    assert_eq!((view.settled, view.reserved), (Micros(PRICE * 3), Micros(0)));
    assert!(service.jobs().values().all(|job| job.submissions == 1));
    process.end().await;
    let calls =
        "SELECT count(*) FROM ext_call WHERE state = 'released' OR (state = 'done' AND settled_micros = 2)";
    assert_eq!(number(folder.path(), calls).await, 6);
}

fn cancel() -> Commit {
    Commit { cancelling: true, cancel_waiting_steps: true, ..Commit::default() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_waiting_clip_is_called_off_at_once_when_its_run_is_cancelled() {
    let (folder, run) = a_run(5).await;
    let service = Arc::new(Service::default());
    let workflow = Arc::new(Clips::new(&service));
    let process = Process::start(folder.path(), &workflow).await;
    let waiting = "SELECT count(*) FROM step WHERE state = 'waiting'";
    until(async || number(folder.path(), waiting).await == 5).await;
    process.amend(&run, cancel()).await;
    process.wait_for_open_work(&run, 0).await;
    let view = process.store.run(run.id).await.unwrap();
    assert_eq!((view.settled, view.reserved), (Micros(FEE * 5), Micros(0)));
    assert!(service.jobs().values().all(|job| job.called_off && job.submissions == 1));
    process.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clip_that_begins_to_wait_while_its_run_is_cancelled_is_called_off_at_once() {
    let (folder, run) = a_run(1).await;
    let service = Arc::new(Service { gate: Some((Notify::new(), Notify::new())), ..Service::default() });
    let workflow = Arc::new(Clips::new(&service));
    let process = Process::start(folder.path(), &workflow).await;
    let (here, go_on) = service.gate.as_ref().unwrap();
    here.notified().await;
    process.amend(&run, cancel()).await;
    go_on.notify_one();
    process.wait_for_open_work(&run, 0).await;
    let view = process.store.run(run.id).await.unwrap();
    assert_eq!((view.settled, view.reserved), (Micros(FEE), Micros(0)));
    assert!(service.jobs().values().all(|job| job.called_off && job.submissions == 1));
    process.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_progress_without_room_fails_its_step_and_leaves_no_call_open() {
    let (folder, run) = a_run(1).await;
    let service = Arc::new(Service::default());
    let workflow = Arc::new(Clips { progress: MAX_PROGRESS_BYTES, ..Clips::new(&service) });
    let process = Process::start(folder.path(), &workflow).await;
    process.wait_for_open_work(&run, 0).await;
    let view = process.store.run(run.id).await.unwrap();
    assert_eq!((view.settled, view.reserved), (QUOTE, Micros(0)), "nobody can tell any more");
    process.end().await;
    let ends = workflow.ends.lock().unwrap();
    let [StepOutcome::Failed(problem)] = ends.as_slice() else { panic!("{ends:?}") };
    assert_eq!((problem.code, problem.field.as_str()), (Code::StepFailed, "progress"));
}
