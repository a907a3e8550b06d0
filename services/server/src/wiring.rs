//! Wiring: adapters to ports.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use spotwright_bus::memory::MemoryBus;
use spotwright_bus::relay::{Relay, RelayOptions};
use spotwright_core::domain::topology::Role;
use spotwright_core::ports::artifacts::ArtifactStore;
use spotwright_core::ports::clock::{Clock, SystemClock};
use spotwright_core::ports::event_bus::EventBus;
use spotwright_core::ports::language_model::LanguageModel;
use spotwright_core::ports::observations::ObservationStore;
use spotwright_core::ports::outcome_sink::OutcomeSink;
use spotwright_core::ports::quality_gate::QualityGate;
use spotwright_core::ports::source_reader::SourceReader;
use spotwright_core::ports::step_store::StepStore;
use spotwright_core::ports::video_backend::VideoBackend;
use spotwright_core::spine::{
    Checkpoints, ClaimQueue, Engine, EngineOptions, NoCheckpoints, RunLocks, Shutdown,
};
use spotwright_creative::copy_engine::CopyEngine;
use spotwright_creative::workflow::{ByMode, CreativeAgent, FootagePorts, Ports, VoicePorts};
use spotwright_llm::gguf::{self, Gguf};
use spotwright_llm::openai::{self, ApiKey, OpenAi, RungMemory};
use spotwright_llm::reading::OpenAiReader;
use spotwright_market::simulator::{self, Simulator};
use spotwright_render::{self as studio, Studio};
use spotwright_schemas::Problem;
use spotwright_schemas::error::Code;
use spotwright_schemas::ids::OrganizationId;
use spotwright_schemas::money::Micros;
use spotwright_scoring::hot::HotModel;
use spotwright_store::folder::FolderArtifacts;
use spotwright_store::lock::{FolderLock, LockError};
use spotwright_store::sqlite::SqliteStore;

use crate::commands::brief_read::{EMBEDDED_READS_NOT, NO_MODEL};
use crate::config::{Config, Provider};
use crate::words::COPY_ENGINE_WROTE;
use crate::{proxy, video_sources, voices};

/// Where a run keeps its state inside its output folder.
pub const STATE_FOLDER: &str = "state";

/// Name of the database file in its folder.
pub(crate) const DATABASE: &str = "spotwright.sqlite";

/// The adapters that stand for the outside world; replaced by the fault harness and the benches.
#[derive(Clone)]
pub struct World {
    /// Who writes scripts.
    pub language_model: Arc<dyn LanguageModel>,
    /// Who renders.
    pub video: Arc<dyn VideoBackend>,
    /// The studio, which compares what ads look like; `None` for stand-ins.
    pub studio: Option<Studio>,
    /// Who judges what was rendered.
    pub gate: Arc<dyn QualityGate>,
    /// Who scores.
    pub click_model: Arc<dyn spotwright_core::ports::click_model::ClickModel>,
    /// Where winners are shown.
    pub marketplace: Arc<dyn spotwright_core::ports::marketplace::Marketplace>,
    /// Who makes generated clips; `None` where nobody does.
    pub footage: Option<FootagePorts>,
    /// Who speaks; `None` where nobody does.
    pub voice: Option<VoicePorts>,
    /// Sentences the user should read, e.g. about a missing model.
    pub notices: Vec<String>,
}

/// The organization of every run that has its folder to itself.
#[must_use]
pub fn embedded_organization() -> OrganizationId {
    OrganizationId::derive(0, "embedded", 0)
}

/// The database and files of one output folder, held by this process alone.
pub struct Workspace {
    /// Runs, steps, messages and money.
    pub store: Arc<SqliteStore>,
    /// Pictures and videos.
    pub artifacts: Arc<FolderArtifacts>,
    /// Folder of the state.
    pub folder: PathBuf,
    _lock: FolderLock,
}

impl Workspace {
    /// Opens, and where needed creates, the state below `out`, and holds it for this process.
    ///
    /// # Errors
    /// [`Code::OutputBusy`] when another process works there; [`Code::Store`] when it cannot be
    /// opened.
    pub async fn open(out: &Path) -> Result<Self, Problem> {
        let folder = out.join(STATE_FOLDER);
        let failed = |what: String| Problem::new(Code::Store, "", what);
        let (store, lock) = own_database(&folder, "--out").await?;
        let artifacts =
            FolderArtifacts::open(&folder.join("artifacts")).map_err(|error| failed(error.to_string()))?;
        Ok(Self { store, artifacts: Arc::new(artifacts), folder, _lock: lock })
    }

    /// The real world over these files.
    ///
    /// # Errors
    /// As [`World::real`].
    pub fn world(&self, config: &Config) -> Result<World, Problem> {
        let artifacts: Arc<dyn ArtifactStore> = self.artifacts.clone();
        World::real(config, &artifacts, &self.folder)
    }
}

/// Creates a folder, takes it for this process and opens the SQLite database in it. `field` is what
/// names the folder.
///
/// # Errors
/// [`Code::OutputBusy`] when another process works there; [`Code::Store`] when it cannot be opened.
pub(crate) async fn own_database(
    folder: &Path,
    field: &str,
) -> Result<(Arc<SqliteStore>, FolderLock), Problem> {
    let failed = |what: String| Problem::new(Code::Store, "", what);
    std::fs::create_dir_all(folder)
        .map_err(|error| failed(format!("`{}` cannot be created: {error}", folder.display())))?;
    let lock = FolderLock::acquire(folder).map_err(|error| match error {
        LockError::Held(_) => Problem::new(Code::OutputBusy, field, error.to_string()),
        LockError::Io { .. } => failed(error.to_string()),
    })?;
    let store = SqliteStore::open(&folder.join(DATABASE)).await;
    Ok((store.map_err(|error| failed(error.to_string()))?, lock))
}

impl World {
    /// The real world: copy engine or configured language model, studio, click model, market simulator.
    /// The studio keeps its shots below `folder`.
    ///
    /// # Errors
    /// [`Code::ModelFile`], [`Code::Prerequisite`], [`Code::Option`] with what to do.
    pub fn real(config: &Config, artifacts: &Arc<dyn ArtifactStore>, folder: &Path) -> Result<Self, Problem> {
        Self::with_hot_model(config, artifacts, folder).map(|(world, _)| world)
    }

    /// The same, and its click model, which can be told to look for another version.
    ///
    /// # Errors
    /// As [`World::real`].
    pub fn with_hot_model(
        config: &Config,
        artifacts: &Arc<dyn ArtifactStore>,
        folder: &Path,
    ) -> Result<(Self, Arc<HotModel>), Problem> {
        let models = config.model_folder();
        let click_model = HotModel::open(&models)
            .map_err(|error| Problem::new(Code::ModelFile, "models.folder", error.to_string()))?;
        let click_model = Arc::new(click_model);
        let options = studio::Options {
            folder: folder.join("studio"),
            micros_per_second: config.render.price_micros_per_second,
            ..studio::Options::default()
        };
        let signer = crate::provenance::signer(&config.provenance)?;
        let studio =
            Studio::signing(options, Arc::clone(artifacts), signer).map_err(|error| match error {
                studio::Error::Problem(problem) => problem,
                other => Problem::new(Code::Render, "", other.to_string()),
            })?;
        let marketplace = Simulator::new(simulator::Options::default())
            .map_err(|error| Problem::new(Code::Market, "", error.to_string()))?;
        let language_model = language_model(config, &models)?;
        let mut notices: Vec<String> = click_model.notice().into_iter().collect();
        if config.llm.provider == Provider::Engine {
            notices.push(COPY_ENGINE_WROTE.to_owned());
        }
        let footage = video_sources::footage(&config.video, &config.sandbox, artifacts, &studio, folder)?;
        let (voice, silent) = voices::ports(config, artifacts, folder)?;
        notices.extend(silent);
        let world = Self {
            language_model,
            footage,
            voice,
            video: Arc::new(studio.clone()),
            studio: Some(studio.clone()),
            gate: Arc::new(studio),
            click_model: click_model.clone(),
            marketplace: Arc::new(marketplace),
            notices,
        };
        Ok((world, click_model))
    }
}

/// Who reads sources: the configured server, or nobody, for the reason that is given.
///
/// # Errors
/// [`Code::Option`] for settings that no server can be asked with.
pub(crate) fn source_reader(config: &Config) -> Result<Result<Arc<dyn SourceReader>, &'static str>, Problem> {
    Ok(match config.llm.provider {
        Provider::Engine => Err(NO_MODEL),
        Provider::Gguf => Err(EMBEDDED_READS_NOT),
        Provider::Openai => {
            let options = server_options(config)?;
            let client = openai::build_client(&config.llm.base_url, options.request_timeout);
            let chat = openai::Chat::new(
                options,
                client.map_err(|error| wrong_option(&error))?,
                RungMemory::default(),
            );
            let reader: Arc<dyn SourceReader> =
                Arc::new(OpenAiReader::new(chat.map_err(|error| wrong_option(&error))?));
            Ok(reader)
        }
    })
}

fn wrong_option(error: &openai::OptionsError) -> Problem {
    let (key, text) = (error.key(), error.to_string());
    let message = text.strip_prefix(&format!("{key} ")).unwrap_or(&text).to_owned();
    Problem::new(Code::Option, key, message)
}

/// The configured OpenAI-compatible server.
fn server_options(config: &Config) -> Result<openai::Options, Problem> {
    let llm = &config.llm;
    Ok(openai::Options {
        base_url: llm.base_url.clone(),
        api_key: ApiKey::new(llm.api_key.clone()).map_err(|error| wrong_option(&error))?,
        model: llm.model.clone(),
        input_price: Micros(llm.input_price_micros),
        output_price: Micros(llm.output_price_micros),
        max_output_tokens: llm.max_output_tokens,
        extra_body: llm.extra_body.clone().into_iter().collect(),
        request_timeout: Duration::from_millis(llm.timeout_ms),
        patience: Duration::from_millis(llm.patience_ms),
        proxy: proxy::of_environment(&llm.base_url),
        ..openai::Options::default()
    })
}

/// The language model that the configuration names.
pub(crate) fn language_model(config: &Config, models: &Path) -> Result<Arc<dyn LanguageModel>, Problem> {
    let llm = &config.llm;
    Ok(match llm.provider {
        Provider::Engine => Arc::new(CopyEngine),
        Provider::Openai => {
            let options = server_options(config)?;
            let client = openai::build_client(&llm.base_url, options.request_timeout)
                .map_err(|error| wrong_option(&error))?;
            Arc::new(
                OpenAi::new(options, client, RungMemory::default()).map_err(|error| wrong_option(&error))?,
            )
        }
        Provider::Gguf => {
            let installed = llm.model.is_empty();
            let path = if installed {
                models.join("smollm2-135m-instruct/SmolLM2-135M-Instruct.Q4_1.gguf")
            } else {
                PathBuf::from(&llm.model)
            };
            let options = gguf::Options {
                path,
                cache_dir: models.join("requantized"),
                sha256: installed.then(|| gguf::SMOLLM2_135M_SHA256.to_owned()),
            };
            let model = Gguf::load(&options)
                .map_err(|error| Problem::new(Code::ModelFile, "llm.model", error.to_string()))?;
            Arc::new(model)
        }
    })
}

/// The ports of runs in sandboxes: scripts come from the copy engine, nothing is generated or spoken, and
/// neither the measures of live runs nor what platforms report is touched. Studio, click model and market are
/// the program's own and reach nobody.
fn sandboxed(ports: Ports) -> Ports {
    Ports { language_model: Arc::new(CopyEngine), footage: None, ..ports }
}

/// A running engine with its relay.
pub struct Running {
    stop: tokio::sync::watch::Sender<bool>,
    tasks: tokio::task::JoinSet<()>,
}

/// What the engine is started with, beside the world.
pub struct EngineSetup {
    /// The store.
    pub store: Arc<dyn StepStore>,
    /// Steps executed at the same time.
    pub workers: usize,
    /// Lease and poll interval.
    pub config: crate::config::Engine,
    /// Told at named points.
    pub checkpoints: Arc<dyn Checkpoints>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Where messages come from.
    pub bus: Arc<dyn EventBus>,
    /// The parts this process plays.
    pub roles: Vec<Role>,
    /// Told how predictions turned out.
    pub outcomes: Option<Arc<dyn OutcomeSink>>,
    /// What real platforms report; nothing is learnt from it without.
    pub observations: Option<Arc<dyn ObservationStore>>,
}

impl EngineSetup {
    /// The set-up of a single process over a store: every role, and the bus inside the process.
    #[must_use]
    pub fn new(store: Arc<dyn StepStore>, workers: usize, config: &Config) -> Self {
        Self {
            store,
            workers,
            config: config.engine.clone(),
            checkpoints: Arc::new(NoCheckpoints),
            clock: Arc::new(SystemClock),
            bus: Arc::new(MemoryBus::new()),
            roles: Role::ALL.to_vec(),
            outcomes: None,
            observations: None,
        }
    }
}

impl Running {
    /// Starts the workers and consumers of the roles, and the relay if it is one of them.
    #[must_use]
    pub fn start(setup: EngineSetup, world: &World) -> Self {
        let ports = Ports {
            store: Arc::clone(&setup.store),
            language_model: Arc::clone(&world.language_model),
            video: Arc::clone(&world.video),
            gate: Arc::clone(&world.gate),
            click_model: Arc::clone(&world.click_model),
            marketplace: Arc::clone(&world.marketplace),
            footage: world.footage.clone(),
        };
        let mut tried_out = CreativeAgent::new(sandboxed(ports.clone()));
        let mut agent = CreativeAgent::new(ports);
        if let Some(voice) = &world.voice {
            agent = agent.with_voice(voice.clone());
        }
        if let Some(outcomes) = setup.outcomes {
            agent = agent.with_outcomes(outcomes);
        }
        if let Some(observations) = setup.observations {
            // An agent learns from what was reported to the organization of its run, which may be a sandbox.
            tried_out = tried_out.with_observations(Arc::clone(&observations));
            agent = agent.with_observations(observations);
        }
        let poll = Duration::from_millis(setup.config.poll_ms);
        let engine = Arc::new(Engine {
            store: Arc::clone(&setup.store),
            bus: Arc::clone(&setup.bus),
            workflow: Arc::new(ByMode::new(agent, tried_out, Arc::clone(&setup.store))),
            clock: setup.clock,
            checkpoints: Arc::clone(&setup.checkpoints),
            options: EngineOptions {
                workers: setup.workers,
                lease: Duration::from_millis(setup.config.lease_ms),
                kinds: Role::kinds_of(&setup.roles),
                consumers: Role::consumers_of(&setup.roles).into_iter().map(str::to_owned).collect(),
                poll,
            },
            claims: ClaimQueue::default(),
            locks: RunLocks::default(),
        });
        let relay = setup.roles.contains(&Role::Relay).then(|| {
            let options = RelayOptions { poll, ..RelayOptions::default() };
            Relay::new(setup.store, setup.bus, setup.checkpoints, options)
        });
        let (stop, shutdown) = Shutdown::new();
        let mut tasks = tokio::task::JoinSet::new();
        let for_relay = shutdown.clone();
        tasks.spawn(async move {
            if let Err(problem) = engine.run(shutdown).await {
                tracing::error!(%problem, "the engine has stopped");
            }
        });
        if let Some(relay) = relay {
            tasks.spawn(async move { relay.run(for_relay).await });
        }
        Self { stop, tasks }
    }

    /// Stops everything; steps under way are finished first.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        while self.tasks.join_next().await.is_some() {}
    }
}
