//! For tests only: a process that the fault harness kills.
//!
//! `spotwright-fault-child job …` works on one job, by default in a world of stand-ins, and ends
//! itself with `kill -9` where it is told to. `spotwright-fault-child program …` is the program
//! itself with its own command line, for kills from outside.

#![expect(clippy::print_stdout, reason = "a program for tests that answers on standard output")]

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use clap::{Args, Parser};
use rustix::process::{Signal, getpid, kill_process};
use spotwright_bus::rabbit::{RabbitBus, RabbitOptions};
use spotwright_core::ports::artifacts::ArtifactStore;
use spotwright_core::ports::clock::{Clock, SystemClock};
use spotwright_core::ports::language_model::LanguageModel;
use spotwright_core::ports::step_store::StepStore;
use spotwright_core::spine::{Checkpoints, POINTS};
use spotwright_creative::copy_engine::CopyEngine;
use spotwright_creative::workflow::FootagePorts;
use spotwright_render::{self as studio, Studio};
use spotwright_schemas::Problem;
use spotwright_schemas::error::Code;
use spotwright_schemas::money::Micros;
use spotwright_server::cli::{self, RunArguments};
use spotwright_server::commands::run;
use spotwright_server::config::Config;
use spotwright_server::standins::{
    StandInClickModel, StandInGate, StandInMarket, StandInVideo, StandInWriter, Witness,
};
use spotwright_server::telemetry::{self, Telemetry};
use spotwright_server::video_sources;
use spotwright_server::wiring::{EngineSetup, Running, Workspace, World};
use spotwright_store::postgres::PostgresStore;
use spotwright_store::sqlite::SqliteStore;

/// What the child is.
#[derive(Parser)]
enum Child {
    /// Works on one job.
    Job(Job),
    /// Is the program.
    Program(cli::Arguments),
    /// Works on whatever is in a database, until it is killed.
    Worker(Worker),
}

#[derive(Args)]
struct Worker {
    /// The SQLite file.
    #[arg(long)]
    sqlite: Option<PathBuf>,
    /// The PostgreSQL database.
    #[arg(long)]
    postgres: Option<String>,
    /// The RabbitMQ broker; without one the bus is inside the process.
    #[arg(long)]
    amqp: Option<String>,
    /// Prefix of exchanges and queues.
    #[arg(long, default_value = "spotwright.")]
    prefix: String,
    /// Log of the stand-in providers.
    #[arg(long)]
    witness: PathBuf,
    /// Price of a stand-in final render, in micros.
    #[arg(long, default_value_t = 0)]
    render_price: i64,
    /// Lease of a claimed step in milliseconds.
    #[arg(long, default_value_t = 2_000)]
    lease_ms: u64,
    /// Seconds that this process' clock is fast.
    #[arg(long, default_value_t = 0, allow_negative_numbers = true)]
    clock_offset_s: i64,
    /// Ends this process with `kill -9` when POINT is reached for the N-th time: `POINT:N`.
    #[arg(long)]
    crash: Option<Crash>,
}

/// A clock that is wrong by a fixed time.
struct OffsetClock(i64);

impl Clock for OffsetClock {
    fn now_micros(&self) -> i64 {
        SystemClock.now_micros() + self.0 * 1_000_000
    }
}

#[derive(Args)]
struct Job {
    #[command(flatten)]
    run: RunArguments,
    /// Ends this process with `kill -9` when POINT is reached for the N-th time: `POINT:N`.
    #[arg(long)]
    crash: Option<Crash>,
    /// Log of the stand-in providers; without one the job is done in the program's own world.
    #[arg(long)]
    witness: Option<PathBuf>,
    /// Price of a stand-in final render, in micros.
    #[arg(long, default_value_t = 0)]
    render_price: i64,
    /// Price of a stand-in completion, in micros; 0 asks the copy engine.
    #[arg(long, default_value_t = 0)]
    line_price: i64,
    /// Configuration file, whose sources of generated clips are asked in the world of stand-ins, too.
    #[arg(long)]
    config: Option<PathBuf>,
}

#[derive(Clone)]
struct Crash {
    point: &'static str,
    nth: u64,
}

impl FromStr for Crash {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, nth) = text.split_once(':').ok_or("expected POINT:N")?;
        let point = POINTS.iter().copied().find(|point| *point == name).ok_or("no such point")?;
        Ok(Self { point, nth: nth.parse().map_err(|error| format!("{error}"))? })
    }
}

/// Counts how often each point is reached, and crashes where told.
struct Points {
    reached: Vec<AtomicU64>,
    crash: Option<Crash>,
}

impl Checkpoints for Points {
    fn reached(&self, point: &'static str) {
        let Some(idx) = POINTS.iter().position(|known| *known == point) else { return };
        let times = self.reached[idx].fetch_add(1, Ordering::SeqCst) + 1;
        if self.crash.as_ref().is_some_and(|crash| crash.point == point && crash.nth == times) {
            // Cannot fail for the own process; should it, the parking below makes the test hang
            // visibly instead of going on.
            let _sent = kill_process(getpid(), Signal::KILL);
            loop {
                std::thread::park();
            }
        }
    }
}

fn stand_ins(job: &Job, witness: &Path, workspace: &Workspace, config: &Config) -> Result<World, Problem> {
    let witness = Witness::open(witness)
        .map_err(|error| Problem::new(Code::Store, "--witness", error.to_string()))
        .map(Arc::new)?;
    let artifacts: Arc<dyn ArtifactStore> = workspace.artifacts.clone();
    let language_model: Arc<dyn LanguageModel> = if job.line_price > 0 {
        Arc::new(StandInWriter { witness: Arc::clone(&witness), price: Micros(job.line_price) })
    } else {
        Arc::new(CopyEngine)
    };
    Ok(World {
        language_model,
        video: Arc::new(StandInVideo {
            artifacts: Some(Arc::clone(&artifacts)),
            witness: Some(Arc::clone(&witness)),
            price: Micros(job.render_price),
        }),
        gate: Arc::new(StandInGate { artifacts: Some(artifacts) }),
        click_model: Arc::new(StandInClickModel),
        marketplace: Arc::new(StandInMarket { witness: Some(witness) }),
        footage: footage(config, workspace)?,
        voice: None,
        studio: None,
        notices: Vec::new(),
    })
}

/// The configured sources of generated clips, with the studio that compares what they make.
fn footage(config: &Config, workspace: &Workspace) -> Result<Option<FootagePorts>, Problem> {
    if config.video.sources.is_empty() {
        return Ok(None);
    }
    let artifacts: Arc<dyn ArtifactStore> = workspace.artifacts.clone();
    let options = studio::Options { folder: workspace.folder.join("studio"), ..studio::Options::default() };
    let studio = Studio::new(options, Arc::clone(&artifacts))
        .map_err(|error| Problem::new(Code::Render, "", error.to_string()))?;
    video_sources::footage(&config.video, &config.sandbox, &artifacts, &studio, &workspace.folder)
}

/// Does the job and prints how often each point was reached: one line `POINT COUNT` each.
fn work(job: &Job) -> Result<bool, Problem> {
    // Fails only when a provider is installed already, which is as good.
    drop(rustls::crypto::ring::default_provider().install_default());
    let config = without_voices(Config::load(job.config.as_deref())?);
    let workers = run::workers(&job.run, &config)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(workers)
        .enable_all()
        .build()
        .map_err(|error| Problem::new(Code::Store, "", error.to_string()))?;
    let points = Arc::new(Points {
        reached: POINTS.iter().map(|_| AtomicU64::new(0)).collect(),
        crash: job.crash.clone(),
    });
    let checkpoints: Arc<dyn Checkpoints> = points.clone();
    let endpoint = &config.telemetry.otlp_endpoint;
    let traced = if endpoint.is_empty() { None } else { Telemetry::install(false, endpoint, &[]) };
    let work = run::execute_in(&job.run, &config, checkpoints, |workspace| match &job.witness {
        Some(witness) => stand_ins(job, witness, workspace, &config),
        None => workspace.world(&config),
    });
    let summary = runtime.block_on(telemetry::around(traced, work))?;
    for (point, reached) in POINTS.iter().zip(&points.reached) {
        println!("{point} {}", reached.load(Ordering::SeqCst));
    }
    if let Some(failure) = &summary.failure {
        eprintln!("the run failed: {failure}");
    }
    Ok(summary.succeeded())
}

/// Works on what is in the database, in every role.
async fn serve(worker: &Worker) -> Result<(), Problem> {
    let failed = |error: String| Problem::new(Code::Store, "", error);
    let mut config = without_voices(Config::load(None)?);
    config.engine.lease_ms = worker.lease_ms;
    let store: Arc<dyn StepStore> = match (&worker.postgres, &worker.sqlite) {
        (Some(url), _) => PostgresStore::connect(url, 4).await.map_err(|error| failed(error.to_string()))?,
        (None, Some(file)) => {
            let store = SqliteStore::open(file).await.map_err(|error| failed(error.to_string()))?;
            store.recover().await.map_err(|error| failed(error.to_string()))?;
            store
        }
        (None, None) => return Err(Problem::new(Code::Option, "--sqlite", "a database is needed")),
    };
    let witness = Arc::new(Witness::open(&worker.witness).map_err(|error| failed(error.to_string()))?);
    let world = World {
        language_model: Arc::new(CopyEngine),
        video: Arc::new(StandInVideo {
            artifacts: None,
            witness: Some(Arc::clone(&witness)),
            price: Micros(worker.render_price),
        }),
        gate: Arc::new(StandInGate::default()),
        click_model: Arc::new(StandInClickModel),
        marketplace: Arc::new(StandInMarket { witness: Some(witness) }),
        footage: None,
        voice: None,
        studio: None,
        notices: Vec::new(),
    };
    let mut setup = EngineSetup::new(store, 4, &config);
    if let Some(url) = &worker.amqp {
        let mut options = RabbitOptions::new(url);
        worker.prefix.clone_into(&mut options.topology.prefix);
        options.topology.retry_delays = vec![Duration::from_millis(200), Duration::from_secs(2)];
        options.seed = u64::from(std::process::id());
        let bus = RabbitBus::connect(options).await.map_err(|error| failed(error.to_string()))?;
        setup.bus = Arc::new(bus);
    }
    setup.clock = Arc::new(OffsetClock(worker.clock_offset_s));
    setup.checkpoints = Arc::new(Points {
        reached: POINTS.iter().map(|_| AtomicU64::new(0)).collect(),
        crash: worker.crash.clone(),
    });
    let _running = Running::start(setup, &world);
    std::future::pending::<()>().await;
    Ok(())
}

fn work_until_killed(worker: &Worker) -> ExitCode {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let ended = runtime
        .map_err(|error| Problem::new(Code::Store, "", error.to_string()))
        .and_then(|runtime| runtime.block_on(serve(worker)));
    if let Err(problem) = ended {
        eprintln!("error: {problem}");
    }
    ExitCode::FAILURE
}

fn main() -> ExitCode {
    // First of all, as in the program: files from outside are read by a child process that is this program.
    if let Some(code) = spotwright_server::worker::run_if_asked() {
        return code;
    }
    match Child::parse() {
        Child::Program(arguments) => spotwright_server::start(&arguments),
        Child::Worker(worker) => work_until_killed(&worker),
        Child::Job(job) => match work(&job) {
            Ok(true) => ExitCode::SUCCESS,
            Ok(false) => ExitCode::FAILURE,
            Err(problem) => {
                eprintln!("error: {problem}");
                eprintln!("code {}", problem.code);
                ExitCode::from(2)
            }
        },
    }
}

/// The program under test speaks on no machine, whatever is installed there.
fn without_voices(mut config: Config) -> Config {
    config.voice.enabled = false;
    config
}
