//! `spotwright bench pipeline`: the spine alone, with rendering, scoring and the market replaced
//! by instant stand-ins. Everything durable is real: SQLite with `synchronous=FULL`, and the
//! PostgreSQL and RabbitMQ of the configuration, where it names them, in a database and under a
//! prefix of their own.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};
use spotwright_bus::memory::MemoryBus;
use spotwright_bus::rabbit::{RabbitBus, delete_topology};
use spotwright_core::domain::run::{Involvement, NewRun, RunRequest, RunView, Stage, StoredPicture};
use spotwright_core::domain::topology::StepKind;
use spotwright_core::ports::artifacts::ArtifactHash;
use spotwright_core::ports::clock::{Clock, SystemClock};
use spotwright_core::ports::event_bus::EventBus;
use spotwright_core::ports::step_store::{ClaimedStep, Commit, NewStep, RunUpdate, StepStore};
use spotwright_core::spine::{
    ClaimQueue, Engine, EngineOptions, NoCheckpoints, PaidCalls, RunLocks, Shutdown, StepError, StepOutcome,
    Undecided, Workflow,
};
use spotwright_creative::copy_engine::CopyEngine;
use spotwright_creative::workflow::first_commit;
use spotwright_schemas::Problem;
use spotwright_schemas::brief::Brief;
use spotwright_schemas::error::Code;
use spotwright_schemas::event::Event;
use spotwright_schemas::ids::{OrganizationId, RunId};
use spotwright_schemas::money::Micros;
use spotwright_store::postgres::{PostgresStore, database};
use spotwright_store::sqlite::SqliteStore;

use super::bench_claims::{self, Claims};
use super::bench_growth::{self, Growth};
use super::{Machine, print_json, print_text};
use crate::config::Config;
use crate::foundation::{no_bus, rabbit_options};
use crate::standins::{StandInClickModel, StandInGate, StandInMarket, StandInVideo};
use crate::wiring::{EngineSetup, Running, World};

/// Steps of each chain in the measurement of durable steps.
const CHAIN: u64 = 250;
/// Chains worked on at the same time: enough to fill a group commit.
const CHAINS: u64 = 64;
/// How often to look whether the work is done.
const LOOK: Duration = Duration::from_millis(5);
/// Longest time any part may take before the bench gives up.
const LIMIT: Duration = Duration::from_mins(5);

/// Size of the measurement.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Runs worked on at the same time.
    pub runs: u32,
    /// Variants in each generation of a run.
    pub variants: u32,
    /// Steps whose way from enqueueing to start is timed.
    pub probes: u32,
}

/// What was measured.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// Steps claimed, executed and completed per second, each completion creating the next step.
    pub sqlite_steps_per_second: f64,
    /// The same on PostgreSQL; `None` when `store.url` names none.
    pub postgres_steps_per_second: Option<f64>,
    /// Variants from request to winner per second through the whole agent loop: over PostgreSQL and
    /// RabbitMQ where both are configured, else over SQLite and the bus inside the process.
    pub variants_per_second: f64,
    /// Steps per second of that loop.
    pub pipeline_steps_per_second: f64,
    /// Variants per second over SQLite and the bus inside the process.
    pub embedded_variants_per_second: f64,
    /// Claims, workers and fairness on PostgreSQL where it is configured, else on SQLite.
    pub claims: Claims,
    /// What a variant costs in a small run and in the largest, on SQLite.
    pub growth: Growth,
    /// From asking for a step to its start on an idle system, in milliseconds.
    pub enqueue_to_start_p50_ms: f64,
    /// The same, 99th percentile.
    pub enqueue_to_start_p99_ms: f64,
    /// What is replaced by stand-ins.
    pub stand_ins: &'static str,
    /// What the figures above were measured on.
    pub durability: String,
    /// Steps measured.
    pub steps: u64,
    /// Seed of the runs.
    pub seed: u64,
    /// Version of the program.
    pub version: &'static str,
    /// The machine.
    pub machine: Machine,
}

impl Report {
    /// Prints the report for people, or as one JSON document.
    pub fn print(&self, json: bool) {
        if json {
            print_json(self);
            return;
        }
        print_text(&format!(
            "durable steps        {:>10.0} /s on SQLite{}\nvariants, whole loop {:>10.1} /s\nenqueue to start     {:>10.2} ms median, {:.2} ms p99\n100,000 steps ready  {:>10.2} times the claim p99 of 100\ntwo workers          {:>10.2} times one, steps of 50 ms\nsmall beside large   {:>10.2} times the lone wait\nvariant of 64 x 20   {:>10.2} ms, {:.2} times one of 12 x 2\n(rendering, scoring and market are stand-ins; {})\n",
            self.sqlite_steps_per_second,
            self.postgres_steps_per_second
                .map_or_else(String::new, |rate| format!(", {rate:.0} /s on PostgreSQL")),
            self.variants_per_second,
            self.enqueue_to_start_p50_ms,
            self.enqueue_to_start_p99_ms,
            self.claims.backlog_ratio,
            self.claims.two_worker_speedup,
            self.claims.small_organization_ratio,
            self.growth.variant_ms_64x20,
            self.growth.ratio,
            self.durability,
        ));
    }
}

/// Measures.
///
/// # Errors
/// [`Code::Store`] when the scratch database cannot be used, [`Code::StepFailed`] when the work
/// does not end.
pub async fn execute(options: &Options, config: &Config) -> Result<Report, Problem> {
    let scratch = std::env::temp_dir().join(format!("spotwright-bench-{}", std::process::id()));
    std::fs::create_dir_all(&scratch).map_err(|error| failed(&error))?;
    let measured = measure(options, config, &scratch).await;
    drop(std::fs::remove_dir_all(&scratch));
    measured
}

/// Makes empty stores on one database, one for each part of the measurement.
enum Stores<'a> {
    Sqlite(&'a std::path::Path),
    Postgres(&'a str),
}

impl Stores<'_> {
    async fn open(&self, part: &str) -> Result<Arc<dyn StepStore>, Problem> {
        match self {
            Self::Sqlite(folder) => {
                let file = folder.join(format!("{part}.sqlite"));
                Ok(SqliteStore::open(&file).await.map_err(|error| failed(&error))?)
            }
            Self::Postgres(url) => {
                let url = database::create(url, &scratch_name(part)).await.map_err(|error| failed(&error))?;
                Ok(PostgresStore::connect(&url, 8).await.map_err(|error| failed(&error))?)
            }
        }
    }

    async fn remove(&self, part: &str) {
        if let Self::Postgres(url) = self
            && let Err(error) = database::remove(url, &scratch_name(part)).await
        {
            tracing::warn!(%error, part, "a scratch database is left behind");
        }
    }
}

fn scratch_name(part: &str) -> String {
    format!("spotwright_bench_{}_{part}", std::process::id())
}

async fn measure(options: &Options, config: &Config, scratch: &std::path::Path) -> Result<Report, Problem> {
    let embedded = Stores::Sqlite(scratch);
    let sqlite_steps_per_second = chains(embedded.open("chains").await?).await?;
    let sizes = [embedded.open("small").await?, embedded.open("large").await?];
    let growth = bench_growth::measure(sizes, config, &bench_brief()?).await?;
    let inside: Arc<dyn EventBus> = Arc::new(MemoryBus::new());
    let in_process = pipeline(options, config, embedded.open("pipeline").await?, inside).await?;
    let (postgres_url, rabbit_url) = (&config.store.url, &config.bus.url);
    let shared = if postgres_url.is_empty() { embedded } else { Stores::Postgres(postgres_url) };
    let parts = ["chains", "pipeline", "latency", "claims"];
    let measured = async {
        let mut postgres_steps_per_second = None;
        if !postgres_url.is_empty() {
            postgres_steps_per_second = Some(chains(shared.open("chains").await?).await?);
        }
        let distributed = if postgres_url.is_empty() || rabbit_url.is_empty() {
            in_process
        } else {
            let mut rabbit = rabbit_options(config)?;
            rabbit.topology.prefix = format!("{}.", scratch_name("bus"));
            let bus = RabbitBus::connect(rabbit.clone()).await.map_err(|error| no_bus(&error))?;
            let store = shared.open("pipeline").await?;
            let measured = pipeline(options, config, store, Arc::new(bus)).await;
            delete_topology(&rabbit).await.map_err(|error| no_bus(&error))?;
            measured?
        };
        let mut waits = latency(options.probes.max(1), shared.open("latency").await?).await?;
        waits.sort_unstable();
        let claims = bench_claims::measure(shared.open("claims").await?, &bench_brief()?).await?;
        let at = |share: f64| waits[((waits.len() - 1) as f64 * share).round() as usize] as f64 / 1_000.0;
        Ok(Report {
            sqlite_steps_per_second,
            postgres_steps_per_second,
            variants_per_second: distributed.0,
            pipeline_steps_per_second: distributed.1,
            embedded_variants_per_second: in_process.0,
            claims,
            growth,
            enqueue_to_start_p50_ms: at(0.5),
            enqueue_to_start_p99_ms: at(0.99),
            stand_ins: "rendering, scoring, market",
            durability: match (postgres_url.is_empty(), rabbit_url.is_empty()) {
                (true, _) => "SQLite, WAL, synchronous=FULL, group commit".to_owned(),
                (false, true) => "PostgreSQL as its server is set up".to_owned(),
                (false, false) => "PostgreSQL as its server is set up, RabbitMQ quorum queues".to_owned(),
            },
            steps: CHAIN * CHAINS,
            seed: 1,
            version: env!("CARGO_PKG_VERSION"),
            machine: Machine::here(),
        })
    }
    .await;
    for part in parts {
        shared.remove(part).await;
    }
    measured
}

/// Chains of steps: each completion creates the next step of its run.
async fn chains(store: Arc<dyn StepStore>) -> Result<f64, Problem> {
    let workflow = Arc::new(Chain { length: CHAIN, done: AtomicU64::new(0), started: AtomicI64::new(0) });
    let clock = SystemClock;
    let brief = bench_brief()?;
    let mut creating = tokio::task::JoinSet::new();
    for chain in 0..CHAINS {
        let (store, run) = (Arc::clone(&store), bench_run(&brief, 1, chain));
        creating.spawn(async move { store.create_run(&run, chain_step(0)).await });
    }
    while let Some(created) = creating.join_next().await {
        created.map_err(|error| failed(&error))?.map_err(|error| failed(&error))?;
    }
    let started = clock.now_micros();
    let engine = Engine {
        store: store.clone(),
        bus: Arc::new(MemoryBus::new()),
        workflow: Arc::clone(&workflow),
        clock: Arc::new(SystemClock),
        checkpoints: Arc::new(NoCheckpoints),
        options: engine_options(CHAINS as usize),
        claims: ClaimQueue::default(),
        locks: RunLocks::default(),
    };
    let (stop, shutdown) = Shutdown::new();
    let working = tokio::spawn(Arc::new(engine).run(shutdown));
    until(|| async { Ok(workflow.done.load(Ordering::SeqCst) >= CHAIN * CHAINS) }).await?;
    let took = clock.now_micros() - started;
    stop.send_replace(true);
    working.await.map_err(|error| failed(&error))??;
    Ok((CHAIN * CHAINS) as f64 * 1e6 / took as f64)
}

/// The whole agent loop over several runs; variants and steps per second.
async fn pipeline(
    options: &Options,
    config: &Config,
    store: Arc<dyn StepStore>,
    bus: Arc<dyn EventBus>,
) -> Result<(f64, f64), Problem> {
    let world = World {
        language_model: Arc::new(CopyEngine),
        video: Arc::new(StandInVideo { artifacts: None, witness: None, price: Micros(1_000) }),
        studio: None,
        gate: Arc::new(StandInGate::default()),
        click_model: Arc::new(StandInClickModel),
        marketplace: Arc::new(StandInMarket::default()),
        footage: None,
        voice: None,
        notices: Vec::new(),
    };
    let clock = SystemClock;
    let brief = bench_brief()?;
    let started = clock.now_micros();
    let mut setup = EngineSetup::new(store.clone(), options.runs.max(2) as usize, config);
    setup.bus = bus;
    let running = Running::start(setup, &world);
    let mut ids = Vec::new();
    for seed in 1..=u64::from(options.runs) {
        let run = bench_run(&brief, options.variants, seed);
        ids.push(run.id);
        store.create_run(&run, first_commit(&run, now(&clock))).await.map_err(|error| failed(&error))?;
    }
    // One run is looked at until it is finished, then the next: looking must not become the load.
    for id in ids {
        until(|| {
            let store = Arc::clone(&store);
            async move {
                let view = store.run(id).await.map_err(|error| failed(&error))?;
                Ok(view.stage == Stage::Finished)
            }
        })
        .await?;
    }
    let seconds = (clock.now_micros() - started) as f64 / 1e6;
    running.stop().await;
    let variants = f64::from(options.runs * options.variants);
    // Plan, draft, select, play and learn once; preview and score for every variant; every variant
    // is rendered final here.
    let steps = f64::from(options.runs) * (5.0 + 3.0 * f64::from(options.variants));
    Ok((variants / seconds, steps / seconds))
}

/// Microseconds from asking for a step to its start, one at a time on an idle engine.
async fn latency(probes: u32, store: Arc<dyn StepStore>) -> Result<Vec<i64>, Problem> {
    let workflow = Arc::new(Chain { length: 1, done: AtomicU64::new(0), started: AtomicI64::new(0) });
    let engine = Engine {
        store: store.clone(),
        bus: Arc::new(MemoryBus::new()),
        workflow: Arc::clone(&workflow),
        clock: Arc::new(SystemClock),
        checkpoints: Arc::new(NoCheckpoints),
        options: engine_options(2),
        claims: ClaimQueue::default(),
        locks: RunLocks::default(),
    };
    let (stop, shutdown) = Shutdown::new();
    let working = tokio::spawn(Arc::new(engine).run(shutdown));
    let clock = SystemClock;
    let brief = bench_brief()?;
    let mut waits = Vec::with_capacity(probes as usize);
    for probe in 0..u64::from(probes) {
        let run = bench_run(&brief, 1, probe);
        let asked = clock.now_micros();
        store.create_run(&run, chain_step(0)).await.map_err(|error| failed(&error))?;
        until(|| async { Ok(workflow.done.load(Ordering::SeqCst) > probe) }).await?;
        waits.push(workflow.started.load(Ordering::SeqCst) - asked);
    }
    stop.send_replace(true);
    working.await.map_err(|error| failed(&error))??;
    Ok(waits)
}

/// A workflow whose steps do nothing but follow one another.
struct Chain {
    length: u64,
    done: AtomicU64,
    started: AtomicI64,
}

#[async_trait]
impl Workflow for Chain {
    async fn execute(&self, _: &ClaimedStep, _: &PaidCalls<'_>) -> Result<Value, StepError> {
        let now = SystemClock.now_micros();
        self.started.store(now, Ordering::SeqCst);
        Ok(Value::Null)
    }

    async fn after_step(
        &self,
        run: &RunView,
        step: &ClaimedStep,
        _: &StepOutcome,
        _: Timestamp,
    ) -> Result<Commit, Undecided> {
        // Counted when decided, a few hundred microseconds before the commit; a refused commit is
        // decided again, but chains have no rival that could refuse one.
        self.done.fetch_add(1, Ordering::SeqCst);
        let position: u64 = step.key.parse().unwrap_or(self.length);
        if position + 1 < self.length {
            return Ok(chain_step(position + 1));
        }
        let update = RunUpdate { stage: Stage::Finished, generation: run.generation, state: Value::Null };
        Ok(Commit { run: Some(update), ..Commit::default() })
    }

    async fn after_message(&self, _: &RunView, _: &Event, _: Timestamp) -> Result<Commit, Undecided> {
        Ok(Commit::default())
    }
}

fn chain_step(position: u64) -> Commit {
    let step = NewStep { kind: StepKind::Plan, key: position.to_string(), input: json!({}) };
    Commit { steps: vec![step], ..Commit::default() }
}

fn engine_options(workers: usize) -> EngineOptions {
    EngineOptions {
        workers,
        lease: Duration::from_secs(30),
        kinds: StepKind::ALL.to_vec(),
        consumers: Vec::new(),
        poll: Duration::from_secs(1),
    }
}

/// The brief of the runs: one of the examples.
fn bench_brief() -> Result<Brief, Problem> {
    Brief::from_yaml(include_bytes!("../../../../examples/coffee-en/brief.yaml"))
}

pub(super) fn bench_run(brief: &Brief, variants: u32, seed: u64) -> NewRun {
    let picture = StoredPicture { hash: ArtifactHash::of(b"stand-in"), width: 1_080, height: 1_920 };
    let request = RunRequest {
        brief: brief.clone(),
        pictures: vec![picture],
        generations: 1,
        variants,
        winners: variants,
        seed,
        opportunities: 10_000,
        remarks: Vec::new(),
        people: Involvement::default(),
        revision: None,
    };
    NewRun {
        id: RunId::derive(seed, "bench", 0),
        organization: OrganizationId::derive(0, "bench", 0),
        budget: brief.budget.total,
        request,
    }
}

pub(super) async fn until<F, P>(mut done: P) -> Result<(), Problem>
where
    P: FnMut() -> F,
    F: Future<Output = Result<bool, Problem>>,
{
    let clock = SystemClock;
    let started = clock.now_micros();
    while !done().await? {
        if clock.now_micros() - started > LIMIT.as_micros() as i64 {
            return Err(Problem::new(Code::StepFailed, "", "the work did not end in time"));
        }
        tokio::time::sleep(LOOK).await;
    }
    Ok(())
}

fn now(clock: &SystemClock) -> Timestamp {
    Timestamp::from_microsecond(clock.now_micros()).unwrap_or(Timestamp::UNIX_EPOCH)
}

pub(super) fn failed(error: &impl std::fmt::Display) -> Problem {
    Problem::new(Code::Store, "", error.to_string())
}
