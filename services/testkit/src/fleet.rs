//! Many processes that work on many runs of one database, killed, stopped and cut off meanwhile.
//!
//! A fleet's end is compared, run by run, with the end of the same runs worked on undisturbed in one
//! process on SQLite: the shapes must agree with each other and with themselves after any fault.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};
use spotwright_core::domain::run::{Involvement, NewRun, RunRequest, Stage, StoredPicture};
use spotwright_core::ports::artifacts::ArtifactHash;
use spotwright_core::ports::step_store::StepStore;
use spotwright_creative::copy_engine::CopyEngine;
use spotwright_creative::workflow::first_commit;
use spotwright_schemas::ids::{OrganizationId, RunId};
use spotwright_schemas::random::Stream;
use spotwright_server::brief_file;
use spotwright_server::config::Config;
use spotwright_server::outputs::{FinishedRun, winners};
use spotwright_server::standins::{StandInClickModel, StandInGate, StandInMarket, StandInVideo, Witness};
use spotwright_server::wiring::{EngineSetup, Running, World};
use spotwright_store::sqlite::SqliteStore;

use crate::database::Database;
use crate::live::rabbit_options;

/// Price of a stand-in final render.
const RENDER_PRICE: i64 = 250_000;

/// Longest time for all runs to end once nobody disturbs them any more.
const END_TIME: Duration = Duration::from_mins(4);

/// Longest wait for commits between two kills: without any, all processes may be waiting for leases.
const PATIENCE: Duration = Duration::from_secs(5);

/// How often the end is looked for.
const LOOK: Duration = Duration::from_millis(50);

/// Where the processes of a fleet meet.
#[derive(Debug, Clone)]
pub enum Shape {
    /// One process on an SQLite file.
    Sqlite,
    /// Processes on this PostgreSQL database, each with a bus of its own.
    Postgres(String),
    /// Processes on this PostgreSQL database and this RabbitMQ, with this prefix.
    PostgresAndRabbit(String, String, String),
}

/// What one run came to, as far as it does not depend on times.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunEnd {
    /// `winners.json` and every line of the trace.
    pub told: String,
    /// Messages written.
    pub messages: u64,
    /// Money settled and still reserved, in micros.
    pub money: [i64; 2],
}

/// Processes and the runs they work on.
pub struct Fleet {
    program: PathBuf,
    folder: PathBuf,
    shape: Shape,
    children: Vec<Worker>,
    /// Further arguments of every process.
    pub arguments: Vec<String>,
    /// The fleet's view of the database.
    pub store: Arc<dyn StepStore>,
    /// Ids of the runs.
    pub runs: Vec<RunId>,
    /// Those of them that were not at their end when they were last looked at.
    under_way: Vec<RunId>,
    /// Commits of each run when it was last looked at.
    commits: BTreeMap<RunId, i64>,
}

/// A process and the program it runs.
struct Worker {
    program: PathBuf,
    child: Child,
}

/// Orders of `number` small runs of two organizations, equal in every shape. `program` reads their pictures.
///
/// # Errors
/// When the brief cannot be read.
pub fn orders(program: &Path, brief: &Path, number: u64) -> Result<Vec<NewRun>> {
    let mut config = Config::load(None)?;
    config.sandbox.program = program.display().to_string();
    let loaded = brief_file::load(brief, &config)?;
    let pictures: Vec<StoredPicture> = loaded
        .pictures
        .iter()
        .map(|picture| StoredPicture {
            hash: ArtifactHash::of(&picture.png),
            width: picture.width,
            height: picture.height,
        })
        .collect();
    let order = |seed: u64| NewRun {
        id: RunId::derive(seed, "fleet", 0),
        organization: OrganizationId::derive(seed % 2, "fleet", 0),
        budget: loaded.brief.budget.total,
        request: RunRequest {
            brief: loaded.brief.clone(),
            pictures: pictures.clone(),
            generations: 2,
            variants: 4,
            winners: 2,
            seed,
            opportunities: 2_000,
            remarks: Vec::new(),
            people: Involvement::default(),
            revision: None,
        },
    };
    Ok((1..=number).map(order).collect())
}

/// The stand-in providers that share one witness.
#[must_use]
pub fn stand_ins(witness: &Arc<Witness>) -> World {
    World {
        language_model: Arc::new(CopyEngine),
        video: Arc::new(StandInVideo {
            artifacts: None,
            witness: Some(Arc::clone(witness)),
            price: spotwright_schemas::money::Micros(RENDER_PRICE),
        }),
        gate: Arc::new(StandInGate::default()),
        click_model: Arc::new(StandInClickModel),
        marketplace: Arc::new(StandInMarket { witness: Some(Arc::clone(witness)) }),
        studio: None,
        footage: None,
        voice: None,
        notices: Vec::new(),
    }
}

/// Creates the runs that are ordered.
///
/// # Errors
/// When the store refuses one.
pub async fn create(store: &dyn StepStore, orders: &[NewRun]) -> Result<Vec<RunId>> {
    for order in orders {
        store.create_run(order, first_commit(order, jiff::Timestamp::UNIX_EPOCH)).await?;
    }
    Ok(orders.iter().map(|order| order.id).collect())
}

/// The ends of the orders when one process works on them undisturbed, on SQLite.
///
/// # Errors
/// When they do not end, or break an invariant.
pub async fn undisturbed(folder: &Path, orders: &[NewRun]) -> Result<BTreeMap<RunId, RunEnd>> {
    let store = SqliteStore::open(&folder.join("undisturbed.sqlite")).await?;
    let runs = create(store.as_ref(), orders).await?;
    let witness = Arc::new(Witness::open(&folder.join("undisturbed.witness"))?);
    let running =
        Running::start(EngineSetup::new(store.clone(), 4, &Config::load(None)?), &stand_ins(&witness));
    let ended = ends(store.as_ref(), &runs, END_TIME).await;
    running.stop().await;
    ended
}

/// Waits until every run has ended and every message is taken in, and reads the ends.
///
/// # Errors
/// When that takes longer than `limit`, or a run cannot be read.
pub async fn ends(store: &dyn StepStore, runs: &[RunId], limit: Duration) -> Result<BTreeMap<RunId, RunEnd>> {
    let deadline = tokio::time::Instant::now() + limit;
    loop {
        let broken = store.broken_invariants().await;
        if matches!(&broken, Ok(broken) if broken.is_empty()) && all_finished(store, runs).await {
            break;
        }
        if tokio::time::Instant::now() > deadline {
            bail!("not at its end after {limit:?}: {broken:?}");
        }
        tokio::time::sleep(LOOK).await;
    }
    let mut ends = BTreeMap::new();
    for run in runs {
        let finished = FinishedRun::load(store, *run).await?;
        let mut told = serde_json::to_string(&winners(&finished))?;
        for line in &finished.trace {
            told.push_str(&format!("\n{} {} {}", line.order, line.what, line.detail));
        }
        let money = [finished.run.settled.0, finished.run.reserved.0];
        ends.insert(*run, RunEnd { told, messages: finished.run.messages, money });
    }
    Ok(ends)
}

async fn all_finished(store: &dyn StepStore, runs: &[RunId]) -> bool {
    for run in runs {
        if !matches!(store.run(*run).await, Ok(view) if view.stage == Stage::Finished) {
            return false;
        }
    }
    true
}

impl Fleet {
    /// Creates the runs and starts `processes` processes of `program` on them.
    ///
    /// # Errors
    /// When the database cannot be reached or a process cannot be started.
    pub async fn start(
        program: &Path,
        folder: &Path,
        shape: Shape,
        processes: usize,
        orders: &[NewRun],
        arguments: &[&str],
    ) -> Result<Self> {
        let store: Arc<dyn StepStore> = match &shape {
            Shape::Sqlite => SqliteStore::open(&folder.join("fleet.sqlite")).await?,
            Shape::Postgres(url) | Shape::PostgresAndRabbit(url, _, _) => {
                spotwright_store::postgres::PostgresStore::connect(url, 2).await?
            }
        };
        let runs = create(store.as_ref(), orders).await?;
        let mut fleet = Self {
            program: program.to_path_buf(),
            folder: folder.to_path_buf(),
            shape,
            children: Vec::new(),
            arguments: arguments.iter().map(|&argument| argument.to_owned()).collect(),
            store,
            under_way: runs.clone(),
            runs,
            commits: BTreeMap::new(),
        };
        for _ in 0..processes {
            fleet.join(program)?;
        }
        Ok(fleet)
    }

    /// Starts one more process, of this program.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn join(&mut self, program: &Path) -> Result<()> {
        let child = self.spawn(program, None)?;
        self.children.push(Worker { program: program.to_path_buf(), child });
        Ok(())
    }

    /// Takes in a process of `program` that was started before the fleet, to be replaced by its like.
    pub fn adopt(&mut self, program: &Path, child: Child) {
        self.children.push(Worker { program: program.to_path_buf(), child });
    }

    /// The command line of a process that works on a shape and notes in `folder` what it is billed.
    #[must_use]
    pub fn worker(program: &Path, folder: &Path, shape: &Shape) -> Command {
        let mut command = Command::new(program);
        command.arg("worker").arg("--witness").arg(folder.join("fleet.witness"));
        command.args(["--render-price", &RENDER_PRICE.to_string()]);
        match shape {
            Shape::Sqlite => {
                command.arg("--sqlite").arg(folder.join("fleet.sqlite"));
            }
            Shape::Postgres(url) => {
                command.args(["--postgres", url]);
            }
            Shape::PostgresAndRabbit(url, amqp, prefix) => {
                command.args(["--postgres", url, "--amqp", amqp, "--prefix", prefix]);
            }
        }
        command.stdin(Stdio::null()).stdout(Stdio::null());
        command
    }

    fn spawn(&self, program: &Path, crash: Option<String>) -> Result<Child> {
        let mut command = Self::worker(program, &self.folder, &self.shape);
        if let Some(crash) = crash {
            command.args(["--crash", &crash]);
        }
        command.args(&self.arguments);
        let log =
            std::fs::OpenOptions::new().create(true).append(true).open(self.folder.join("fleet.log"))?;
        command.stderr(Stdio::from(log));
        command.spawn().context("a process of the fleet cannot be started")
    }

    /// Looks at the runs under way; returns the commits of all runs so far.
    async fn look(&mut self) -> i64 {
        let mut under_way = Vec::new();
        for run in std::mem::take(&mut self.under_way) {
            // A server that cannot answer at the moment has nothing new to tell.
            let view = self.store.run(run).await.ok();
            if let Some(view) = &view {
                self.commits.insert(run, view.version);
            }
            if view.is_none_or(|view| view.stage != Stage::Finished) {
                under_way.push(run);
            }
        }
        self.under_way = under_way;
        self.commits.values().sum()
    }

    /// Kills processes until `kills` have hit, each after some commits and a delay, and replaced at
    /// once; every third replacement will crash by itself at a named point. Runs that end are followed
    /// by others of `reserve`, so that as many as at the start are under way at every kill. Returns
    /// the runs added.
    ///
    /// The commits are there so that a slow machine, which gets little done between two kills, comes
    /// to an end at all.
    ///
    /// # Errors
    /// When the reserve is used up before so many kills have hit, a run cannot be created, or a
    /// process cannot be started.
    pub async fn kill(
        &mut self,
        kills: usize,
        seed: u64,
        delays_ms: [usize; 2],
        reserve: Vec<NewRun>,
    ) -> Result<Vec<NewRun>> {
        let at_once = self.runs.len();
        let mut reserve = reserve.into_iter();
        let mut added = Vec::new();
        let stream = Stream::new(seed, "fleet kills");
        let points = spotwright_core::spine::POINTS;
        let mut hit = 0;
        let mut written = 0;
        for at in 0..10 * kills as u64 {
            let place = stream.child(at);
            let next = written + 1 + place.below(5, 17) as i64;
            let patience = tokio::time::Instant::now() + PATIENCE;
            loop {
                written = self.look().await;
                while self.under_way.len() < at_once {
                    let Some(order) = reserve.next() else { bail!("no run is left after {hit} kills") };
                    let created = create(self.store.as_ref(), std::slice::from_ref(&order)).await?;
                    self.runs.extend(&created);
                    self.under_way.extend(created);
                    added.push(order);
                }
                if written >= next || tokio::time::Instant::now() > patience {
                    break;
                }
                tokio::time::sleep(LOOK).await;
            }
            // After the commits, so that the kill does not come just when a lease has run out and work
            // that was held up goes on.
            let span = delays_ms[1] - delays_ms[0];
            tokio::time::sleep(Duration::from_millis((delays_ms[0] + place.below(0, span + 1)) as u64)).await;
            let which = place.below(1, self.children.len());
            let worker = &mut self.children[which];
            let alive = worker.child.try_wait()?.is_none();
            if alive {
                worker.child.kill()?;
            }
            worker.child.wait()?;
            hit += 1;
            // Points of a single run's process do not come in a fleet's, so some crash never comes.
            let crash = place.below(2, 3) == 0 && hit < kills;
            let point = format!("{}:{}", points[place.below(3, points.len())], 1 + place.below(4, 20));
            self.children[which].child = self.spawn(&self.program, crash.then_some(point))?;
            if hit == kills {
                return Ok(added);
            }
        }
        bail!("only {hit} kills of {kills} hit")
    }

    /// Stops a process for longer than its leases, as a machine does that swaps, and lets it go on.
    ///
    /// # Errors
    /// When it cannot be signalled.
    pub async fn freeze(&mut self, which: usize, time: Duration) -> Result<()> {
        let pid = Pid::from_raw(i32::try_from(self.children[which].child.id())?).context("a process id")?;
        kill_process(pid, Signal::STOP)?;
        tokio::time::sleep(time).await;
        kill_process(pid, Signal::CONT)?;
        Ok(())
    }

    /// Replaces processes that have crashed by themselves.
    ///
    /// # Errors
    /// When one cannot be started.
    pub fn revive(&mut self) -> Result<usize> {
        let mut revived = 0;
        for which in 0..self.children.len() {
            if self.children[which].child.try_wait()?.is_some() {
                self.children[which].child = self.spawn(&self.children[which].program, None)?;
                revived += 1;
            }
        }
        Ok(revived)
    }

    /// Waits for the end of every run, replacing processes that crashed, and checks the books of the
    /// providers: nothing billed or accepted twice.
    ///
    /// # Errors
    /// When the runs do not end in time, an invariant is broken, or something was done twice.
    pub async fn finish(mut self) -> Result<BTreeMap<RunId, RunEnd>> {
        let deadline = tokio::time::Instant::now() + END_TIME;
        let ends = loop {
            self.revive()?;
            match ends(self.store.as_ref(), &self.runs, Duration::from_secs(1)).await {
                Ok(ends) => break ends,
                Err(error) if tokio::time::Instant::now() > deadline => {
                    let log = std::fs::read_to_string(self.folder.join("fleet.log")).unwrap_or_default();
                    let tail: Vec<&str> = log.lines().rev().take(30).collect();
                    return Err(error.context(tail.join("\n")));
                }
                Err(_) => {}
            }
        };
        let witness = Witness::open(&self.folder.join("fleet.witness"))?;
        let mut seen = std::collections::BTreeSet::new();
        for (kind, reference, _) in witness.entries()? {
            let about = reference.split('@').next().unwrap_or_default().to_owned();
            ensure!(seen.insert((kind.clone(), about)), "{kind} twice for {reference}");
        }
        Ok(ends)
    }
}

impl Drop for Fleet {
    fn drop(&mut self) {
        for worker in &mut self.children {
            // Gone already, or going now.
            drop(worker.child.kill());
            drop(worker.child.wait());
        }
    }
}

/// A shape with PostgreSQL and RabbitMQ of the live servers: a database and a prefix of its own.
#[must_use]
pub fn both(database: &Database, test: &str) -> Shape {
    let options = rabbit_options(test);
    Shape::PostgresAndRabbit(database.url.clone(), options.url, options.topology.prefix)
}
