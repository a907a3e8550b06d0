//! `spotwright run`: a brief to placed winners.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Serialize;
use spotwright_core::domain::run::{NewRun, RunRequest, StoredPicture};
use spotwright_core::domain::variant::Variant;
use spotwright_core::domain::withdrawal::Withdrawal;
use spotwright_core::ports::artifacts::ArtifactStore;
use spotwright_core::ports::clock::{Clock, SystemClock};
use spotwright_core::ports::letters::Letters;
use spotwright_core::ports::step_store::StepStore;
use spotwright_core::spine::{Checkpoints, NoCheckpoints};
use spotwright_core::use_cases::run_sizes::{AskedSizes, RunSizes};
use spotwright_core::use_cases::runs::{MaxSpend, capped};
use spotwright_creative::workflow::first_commit;
use spotwright_insight::explanations::explanations;
use spotwright_insight::figures::GenerationFigures;
use spotwright_insight::ranking::file_stem;
use spotwright_render::{Studio, Variety};
use spotwright_schemas::Problem;
use spotwright_schemas::error::Code;
use spotwright_schemas::event::StopReason;
use spotwright_schemas::ids::{RunId, VariantId};
use spotwright_schemas::locale::Locale;
use spotwright_schemas::money::Micros;
use spotwright_schemas::outcome::{Delivery, PlacementOutcome};
use spotwright_schemas::storyboard::Storyboard;

use super::ask::Asker;
use super::launch_pack::expect_folder;
use super::run_wait;
use super::{Machine, print_json, print_text, processors};
use crate::brief_file::{self, LoadedBrief};
use crate::cli::RunArguments;
use crate::config::Config;
use crate::control::Control;
use crate::generated::{self, GeneratedShots};
use crate::impressions::Log;
use crate::outputs::{self, FinishedRun};

use crate::publish::{launch_pack, platforms};
use crate::report;
use crate::telemetry;
use crate::voices::{self, VoiceSummary};
use crate::wiring::{EngineSetup, Running, STATE_FOLDER, Workspace, World, embedded_organization};
use crate::words::{GenerationTold, Words};
use crate::{imported, impressions, losses, writers};

/// Parent of output folders that were not named.
const DEFAULT_PARENT: &str = "spotwright-out";

/// What a run came to.
#[derive(Debug, Clone, Serialize)]
pub struct Summary {
    /// Output folder.
    pub out: PathBuf,
    /// Why it ended.
    pub stopped: Option<StopReason>,
    /// What ended it, when it failed.
    pub failure: Option<Problem>,
    /// Every generation.
    pub generations: Vec<GenerationSummary>,
    /// Winners, best first.
    pub winners: Vec<WinnerSummary>,
    /// Variants that were withdrawn because of a product feed, by generation and number.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub withdrawn: Vec<WithdrawnSummary>,
    /// Wall-clock time of this process' part of the run.
    pub wall_seconds: f64,
    /// SHA-256 of `trace.jsonl`.
    pub trace_sha256: String,
    /// Folder of the launch pack, if one was asked for.
    pub launch_pack: Option<PathBuf>,
    /// The generated shots; `None` for a run that asked for none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub generated_shots: Option<GeneratedShots>,
    /// How the winners speak; absent where no voice was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub voice: Option<VoiceSummary>,
    /// Sentences the user should read, in English as all of this document.
    pub notices: Vec<String>,
    /// The same in the language of the brief, as the terminal and the report tell them.
    pub told: Vec<String>,
    /// The brief's locale, which the terminal follows.
    #[serde(skip)]
    pub locale: Locale,
    /// Seed.
    pub seed: u64,
    /// Version of the program.
    pub version: &'static str,
    /// The machine.
    pub machine: Machine,
}

/// One generation in numbers.
#[derive(Debug, Clone, Serialize)]
pub struct GenerationSummary {
    /// From 1.
    pub index: u32,
    /// Variants drafted.
    pub variants: usize,
    /// Names of the variants placed.
    pub winners: Vec<String>,
    /// Mean predicted click probability of all scored variants.
    pub mean_score: Option<f64>,
    /// Clicks per impression of all placements; simulated.
    pub realised_ctr: Option<f64>,
    /// Media cost.
    pub spend_micros: i64,
    /// How different the shots of its winners, and the winners, look; absent where no studio drew them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub variety: Option<Variety>,
}

/// One winner in numbers.
#[derive(Debug, Clone, Serialize)]
pub struct WinnerSummary {
    /// Name, e.g. `g1-03`.
    pub variant: String,
    /// Video relative to `out`.
    pub file: String,
    /// Predicted click probability.
    pub score: f64,
    /// Where it was placed and what came of it.
    pub placement: PlacementOutcome,
}

/// A withdrawn variant.
#[derive(Debug, Clone, Serialize)]
pub struct WithdrawnSummary {
    /// Name, e.g. `g1-03`.
    pub variant: String,
    /// Its id.
    pub id: VariantId,
    /// What its placement had delivered by then; `None` for one that was not shown.
    pub delivery: Option<Delivery>,
    /// Why.
    #[serde(flatten)]
    pub withdrawal: Withdrawal,
}

/// Processors a run may use.
///
/// # Errors
/// [`Code::Option`] for a number out of range.
pub fn workers(arguments: &RunArguments, config: &Config) -> Result<usize, Problem> {
    match arguments.threads {
        Some(threads) if !(1..=256).contains(&threads) => {
            Err(Problem::new(Code::Option, "--threads", "must be within 1 and 256"))
        }
        Some(threads) => Ok(threads),
        None if config.engine.workers > 0 => Ok(config.engine.workers),
        None => Ok(processors()),
    }
}

/// Runs, or resumes, the whole loop with the embedded adapters and writes its files.
///
/// # Errors
/// Problems of the input before anything is written; later only what stops the program itself: a
/// run that fails ends with a summary that says so.
pub async fn execute(arguments: &RunArguments, config: &Config) -> Result<Summary, Problem> {
    execute_in(arguments, config, Arc::new(NoCheckpoints), |workspace| workspace.world(config)).await
}

/// As [`execute`], in a world of the caller's choice and with its checkpoints.
///
/// # Errors
/// As [`execute`], and what `world` answers.
pub async fn execute_in(
    arguments: &RunArguments,
    config: &Config,
    checkpoints: Arc<dyn Checkpoints>,
    world: impl FnOnce(&Workspace) -> Result<World, Problem>,
) -> Result<Summary, Problem> {
    let clock = SystemClock;
    let started = clock.now_micros();
    let workers = workers(arguments, config)?;
    let pack = pack_folder(arguments, config)?;
    let prepared = prepare(arguments, config)?;
    let workspace = Workspace::open(&prepared.out).await?;
    if prepared.new.is_some() {
        expect_no_run(&workspace, &prepared.out).await?;
    }
    let world = world(&workspace)?;
    let store: Arc<dyn StepStore> = workspace.store.clone();
    let asker = Asker::new(arguments.ask);
    let run = begin(&workspace, &prepared, &asker, checkpoints.as_ref()).await?;
    let mut setup = EngineSetup::new(Arc::clone(&store), workers, config);
    setup.checkpoints = Arc::clone(&checkpoints);
    setup.observations = Some(workspace.store.clone());
    let running = Running::start(setup, &world);
    let letters: Arc<dyn Letters> = world.video.clone();
    let control = Control::new(Arc::clone(&store), letters);
    let waited = run_wait::wait(store.as_ref(), &control, &asker, run).await;
    running.stop().await;
    waited?;
    let finished = FinishedRun::load(store.as_ref(), run).await?;
    if let Some(reason) = finished.state.stopped {
        telemetry::run_ended(run, finished.run.organization, started, reason);
    }
    checkpoints.reached("files.before_write");
    let (id, generations, shown) = (finished.run.id, finished.run.generation, finished.shown());
    let explanations = explanations(id, generations, shown, world.click_model.as_ref())?;
    let log = impressions::log(&finished, world.marketplace.as_ref())?;
    let words = Words::of(finished.run.request.brief.locale);
    let told = notices(&finished, &world.notices, &log, words);
    let artifacts = workspace.artifacts.as_ref();
    let page = report::render(&finished, &explanations, artifacts, &told)?;
    let written = outputs::write_all(&finished, &explanations, &log.rows, artifacts, &page, &prepared.out)?;
    checkpoints.reached("files.after_write");
    if let Some(folder) = &pack {
        let platforms = platforms(&config.publish.platforms, "publish.platforms")?;
        let artifacts: Arc<dyn ArtifactStore> = workspace.artifacts.clone();
        launch_pack(&finished, Arc::clone(&store), artifacts, folder, &platforms).await?;
    }
    let wall = clock.now_micros() - started;
    let english = notices(&finished, &world.notices, &log, Words::of(Locale::EnUs));
    let mut summary = summarize(&finished, &prepared.out, wall, written.trace_sha256, english);
    if let Some(studio) = &world.studio {
        for row in &mut summary.generations {
            row.variety = variety(&finished, row.index, studio);
        }
    }
    Ok(Summary { launch_pack: pack, told, ..summary })
}

/// Sentences the user should read, in the language of `words`.
fn notices(finished: &FinishedRun, world: &[String], log: &Log, words: &Words) -> Vec<String> {
    let stored = |sentences: &[String]| sentences.iter().map(|text| (words.stored)(text)).collect::<Vec<_>>();
    let withdrawn = finished
        .shown()
        .withdrawn()
        .map(|(own, why)| format!("{}: {}", file_stem(own), (words.withdrawal)(why)));
    [
        stored(&finished.run.request.remarks),
        withdrawn.collect(),
        losses::notices(finished, words),
        generated::notices(finished, words),
        stored(world),
        writers::notices(finished, words),
        imported::notices(finished, words),
        voices::notices(finished, words),
        log.notices(words),
    ]
    .concat()
}

/// Where the launch pack goes, if one is asked for.
fn pack_folder(arguments: &RunArguments, config: &Config) -> Result<Option<PathBuf>, Problem> {
    let configured = Some(PathBuf::from(&config.publish.launch_pack)).filter(|path| path != Path::new(""));
    let folder = arguments.launch_pack.clone().or(configured);
    if let Some(folder) = &folder {
        expect_folder(folder, "--launch-pack")?;
    }
    Ok(folder)
}

/// What is to be done, after all input was checked.
struct Prepared {
    out: PathBuf,
    /// `None` to resume.
    new: Option<Asked>,
}

/// The run that is asked for.
pub(super) struct Asked {
    /// The brief and its pictures.
    pub(super) loaded: LoadedBrief,
    sizes: RunSizes,
    seed: u64,
    /// Most that it may spend.
    budget: Micros,
}

impl Asked {
    /// The run that the arguments ask for, checked.
    ///
    /// # Errors
    /// Problems of the options and of the brief.
    pub(super) fn of(arguments: &RunArguments, config: &Config) -> Result<Self, Problem> {
        let path = arguments
            .brief
            .as_deref()
            .ok_or_else(|| Problem::new(Code::Option, "BRIEF", "a brief is needed, or `--resume`"))?;
        let sizes = config.run.sizes().with(AskedSizes {
            generations: arguments.generations,
            variants: arguments.variants,
            winners: arguments.winners,
            opportunities: None,
        });
        sizes.check().map_err(|refused| refused.problem(Code::Option, "run."))?;
        let loaded = brief_file::load(path, config)?;
        let budget = &loaded.brief.budget;
        let cap = arguments.max_spend.as_deref().map(amount).transpose()?;
        let cap = cap.map(|amount| MaxSpend { amount, currency: budget.currency });
        let budget = capped((budget.total, budget.currency), cap)?;
        Ok(Self { loaded, sizes, seed: arguments.seed, budget })
    }

    /// The run, with its pictures put into `artifacts`.
    ///
    /// # Errors
    /// [`Code::Store`] when a picture cannot be stored.
    pub(super) fn run(&self, artifacts: &dyn ArtifactStore, asker: &Asker) -> Result<NewRun, Problem> {
        let failed = |error: String| Problem::new(Code::Store, "", error);
        let Self { loaded, sizes, seed, budget } = self;
        let mut pictures = Vec::with_capacity(loaded.pictures.len());
        for picture in &loaded.pictures {
            let hash = artifacts.put(&picture.png).map_err(|error| failed(error.to_string()))?;
            pictures.push(StoredPicture { hash, width: picture.width, height: picture.height });
        }
        let request = RunRequest {
            brief: loaded.brief.clone(),
            pictures,
            generations: sizes.generations,
            variants: sizes.variants,
            winners: sizes.winners,
            seed: *seed,
            opportunities: sizes.opportunities,
            remarks: loaded
                .warnings
                .iter()
                .map(|warning| warning.message.clone())
                .chain(asker.remark(&loaded.brief))
                .collect(),
            people: asker.involvement(),
            revision: None,
        };
        // The id follows from what was asked, so that the same order gives the same run anywhere.
        let asked = serde_json::to_string(&request).map_err(|error| failed(error.to_string()))?;
        Ok(NewRun {
            id: RunId::derive(*seed, &blake3::hash(asked.as_bytes()).to_hex(), 0),
            organization: embedded_organization(),
            budget: *budget,
            request,
        })
    }
}

/// An amount of the command line.
fn amount(text: &str) -> Result<Micros, Problem> {
    Micros::parse_decimal(text).filter(|amount| *amount > Micros::ZERO).ok_or_else(|| {
        let message = "must be an amount above 0 with a point and at most six decimals, e.g. 20.00";
        Problem::new(Code::Option, "--max-spend", message)
    })
}

fn prepare(arguments: &RunArguments, config: &Config) -> Result<Prepared, Problem> {
    if arguments.resume {
        let out = arguments.out.clone().ok_or_else(|| {
            Problem::new(Code::Option, "--out", "`--resume` needs the output folder of the run in `--out`")
        })?;
        if !out.join(STATE_FOLDER).is_dir() {
            let message = format!("`{}` holds no run that could be resumed", out.display());
            return Err(Problem::new(Code::OutputFolder, "--out", message));
        }
        return Ok(Prepared { out, new: None });
    }
    let asked = Asked::of(arguments, config)?;
    let out = match &arguments.out {
        Some(out) => out.clone(),
        None => free_folder(&asked.loaded.brief.id),
    };
    if is_foreign(&out.join(STATE_FOLDER)) {
        let message = format!("`{}` has a folder `{STATE_FOLDER}` of something else", out.display());
        return Err(Problem::new(Code::OutputFolder, "--out", message));
    }
    if out.exists() && !out.is_dir() {
        let message = format!("`{}` is not a folder", out.display());
        return Err(Problem::new(Code::OutputFolder, "--out", message));
    }
    Ok(Prepared { out, new: Some(asked) })
}

/// The first numbered folder that does not exist yet.
fn free_folder(brief: &str) -> PathBuf {
    let parent = Path::new(DEFAULT_PARENT);
    let mut number = 1_u32;
    loop {
        let folder = parent.join(format!("{brief}-{number}"));
        if !folder.exists() {
            return folder;
        }
        number += 1;
    }
}

/// Whether a folder holds files that no run has put there: a run begins with the lock.
fn is_foreign(state: &Path) -> bool {
    let filled = std::fs::read_dir(state).is_ok_and(|mut entries| entries.next().is_some());
    filled && !state.join("lock").exists()
}

/// Refuses to begin a run where there is one. State without a run is what a process leaves that was
/// ended before its run began; it is used as if it were not there.
async fn expect_no_run(workspace: &Workspace, out: &Path) -> Result<(), Problem> {
    let runs = workspace.store.runs().await;
    let runs = runs.map_err(|error| Problem::new(Code::Store, "", error.to_string()))?;
    if runs.is_empty() {
        return Ok(());
    }
    let message =
        format!("`{}` holds a run; continue it with `--resume` or choose another folder", out.display());
    Err(Problem::new(Code::OutputFolder, "--out", message))
}

/// Creates the run, or takes up the one that is there.
async fn begin(
    workspace: &Workspace,
    prepared: &Prepared,
    asker: &Asker,
    checkpoints: &dyn Checkpoints,
) -> Result<RunId, Problem> {
    let failed = |error: String| Problem::new(Code::Store, "", error);
    let store = workspace.store.as_ref();
    let Some(asked) = &prepared.new else {
        let runs = store.runs().await.map_err(|error| failed(error.to_string()))?;
        let run = runs.first().copied().ok_or_else(|| {
            let message = format!(
                "`{}` was left before its run began; give the brief instead of `--resume`",
                prepared.out.display()
            );
            Problem::new(Code::OutputFolder, "--out", message)
        })?;
        store.recover().await.map_err(|error| failed(error.to_string()))?;
        return Ok(run);
    };
    let run = asked.run(workspace.artifacts.as_ref(), asker)?;
    checkpoints.reached("run.before_create");
    let now =
        jiff::Timestamp::from_microsecond(SystemClock.now_micros()).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    store.create_run(&run, first_commit(&run, now)).await.map_err(|error| failed(error.to_string()))?;
    checkpoints.reached("run.after_create");
    Ok(run.id)
}

fn summarize(
    finished: &FinishedRun,
    out: &Path,
    wall_micros: i64,
    trace_sha256: String,
    notices: Vec<String>,
) -> Summary {
    let generations = (1..=finished.run.generation)
        .map(|index| {
            let figures = GenerationFigures::of(finished.shown(), index);
            GenerationSummary {
                index,
                variants: figures.variants,
                winners: finished
                    .shown()
                    .winners()
                    .filter(|v| v.generation == index)
                    .map(file_stem)
                    .collect(),
                mean_score: figures.mean_score,
                realised_ctr: figures.realised_ctr,
                spend_micros: figures.delivery.spend.0,
                variety: None,
            }
        })
        .collect();
    let winners = outputs::winners(finished)
        .winners
        .into_iter()
        .map(|winner| WinnerSummary {
            variant: format!("g{}-{:02}", winner.generation, winner.number),
            file: winner.file,
            score: winner.score.predicted_ctr,
            placement: winner.placement,
        })
        .collect();
    Summary {
        out: out.to_path_buf(),
        stopped: finished.state.stopped,
        failure: finished.state.failure.clone(),
        generations,
        winners,
        withdrawn: withdrawn(finished),
        wall_seconds: wall_micros as f64 / 1e6,
        trace_sha256,
        launch_pack: None,
        generated_shots: generated::generated_shots(finished),
        voice: VoiceSummary::of(finished),
        told: notices.clone(),
        notices,
        locale: finished.run.request.brief.locale,
        seed: finished.run.request.seed,
        version: env!("CARGO_PKG_VERSION"),
        machine: Machine::here(),
    }
}

/// How different the winners of a generation look; `None` for a generation without winners, or where a frame
/// can not be drawn again, which is logged: the ads themselves are finished.
fn variety(finished: &FinishedRun, generation: u32, studio: &Studio) -> Option<Variety> {
    let winners = finished.shown().winners().filter(|variant| variant.generation == generation);
    let boards: Vec<&Storyboard> = winners.map(|variant| &variant.body.storyboard).collect();
    if boards.is_empty() {
        return None;
    }
    match studio.variety(&boards) {
        Ok(variety) => Some(variety),
        Err(error) => {
            tracing::warn!(generation, %error, "the winners' looks could not be compared");
            None
        }
    }
}

/// The withdrawn variants of a run, by generation and number.
pub(super) fn withdrawn(finished: &FinishedRun) -> Vec<WithdrawnSummary> {
    let shown = |variant: &Variant| {
        finished.shown().placement_of(variant).and_then(|own| own.delivery.as_ref()).map(|row| row.delivery)
    };
    finished
        .shown()
        .withdrawn()
        .map(|(variant, why)| WithdrawnSummary {
            variant: file_stem(variant),
            id: variant.id,
            delivery: shown(variant),
            withdrawal: why.clone(),
        })
        .collect()
}

impl Summary {
    /// Whether winners were placed and nothing failed.
    #[must_use]
    pub fn succeeded(&self) -> bool {
        self.stopped == Some(StopReason::Completed)
    }

    /// Prints the summary for people, or as one JSON document.
    pub fn print(&self, json: bool) {
        if json {
            print_json(self);
            return;
        }
        let words = Words::of(self.locale);
        let percent = |rate: Option<f64>| rate.map_or_else(|| "–".to_owned(), words.percent);
        let told = &words.terminal;
        let mut text = String::new();
        for row in &self.generations {
            text.push_str(&(told.generation)(&GenerationTold {
                index: row.index,
                variants: row.variants,
                placed: row.winners.len(),
                predicted: &percent(row.mean_score),
                clicked: &percent(row.realised_ctr),
                media: &format!("{:.2}", row.spend_micros as f64 / 1e6),
            }));
            text.push('\n');
        }
        for (idx, winner) in self.winners.iter().enumerate() {
            let delivery = winner.placement.delivery;
            text.push_str(&format!(
                "{:>3}. {}  {}  {}\n",
                idx + 1,
                winner.variant,
                (told.clicks_of)(delivery.clicks, delivery.impressions),
                self.out.join(&winner.file).display(),
            ));
        }
        if let Some(folder) = &self.launch_pack {
            text.push_str(&format!("{}{}\n", told.launch_pack, folder.display()));
        }
        for notice in &self.told {
            text.push_str(&format!("{}{notice}\n", told.note));
        }
        if let Some(failure) = &self.failure {
            let failure = report::told_failure(failure, words);
            text.push_str(&format!("{}{failure}\n", told.ended_early));
        }
        let report = self.out.join("report.html");
        text.push_str(&(told.end)(self.wall_seconds, &report.display().to_string()));
        text.push('\n');
        print_text(&text);
    }
}
