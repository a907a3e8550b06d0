//! Where state lives, by configuration: the embedded shape on one machine, or the distributed one on
//! PostgreSQL and RabbitMQ.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use spotwright_bus::memory::MemoryBus;
use spotwright_bus::rabbit::{BusCounts, ConnectError, RabbitBus, RabbitOptions};
use spotwright_core::domain::topology::Role;
use spotwright_core::ports::accounts::AccountStore;
use spotwright_core::ports::artifacts::{ArtifactError, ArtifactHash, ArtifactStore};
use spotwright_core::ports::audit::AuditLog;
use spotwright_core::ports::brands::BrandStore;
use spotwright_core::ports::entropy::random_id;
use spotwright_core::ports::event_bus::EventBus;
use spotwright_core::ports::event_log::EventLog;
use spotwright_core::ports::experiments::ExperimentStore;
use spotwright_core::ports::observations::ObservationStore;
use spotwright_core::ports::people::PeopleStore;
use spotwright_core::ports::readiness::Readiness;
use spotwright_core::ports::reviews::ReviewStore;
use spotwright_core::ports::step_store::StepStore;
use spotwright_core::ports::webhooks::WebhookStore;
use spotwright_schemas::Problem;
use spotwright_schemas::error::Code;
use spotwright_store::folder::FolderArtifacts;
use spotwright_store::lock::FolderLock;
use spotwright_store::objects::{Limits, ObjectArtifacts, S3Options};
use spotwright_store::postgres::{OpenError, PostgresStore};
use spotwright_store::sqlite::SqliteStore;

use crate::config::Config;
use crate::control::OperatingSystem;
use crate::readiness::Look;
use crate::wiring::{DATABASE, own_database};

/// Database, bus and files, opened.
pub struct Foundation {
    /// Runs, steps, messages and money.
    pub store: Arc<dyn StepStore>,
    /// Accounts and each organization's view of its runs.
    pub accounts: Arc<dyn AccountStore>,
    /// People, members, invitations and sessions.
    pub people: Arc<dyn PeopleStore>,
    /// What was changed, and by whom.
    pub audit: Arc<dyn AuditLog>,
    /// What happened in each organization.
    pub log: Arc<dyn EventLog>,
    /// Webhooks and their deliveries.
    pub webhooks: Arc<dyn WebhookStore>,
    /// What ads did, by source.
    pub observations: Arc<dyn ObservationStore>,
    /// Approvals, comments and links of reviewers.
    pub reviews: Arc<dyn ReviewStore>,
    /// Brands.
    pub brands: Arc<dyn BrandStore>,
    /// Experiments, their logs and read-outs.
    pub experiments: Arc<dyn ExperimentStore>,
    /// Messages.
    pub bus: Arc<dyn EventBus>,
    /// Pictures and videos.
    pub artifacts: Arc<dyn ArtifactStore>,
    /// Scratch files of this process.
    pub folder: PathBuf,
    /// The broker, for its counters.
    rabbit: Option<Arc<RabbitBus>>,
    /// Whether this process can do its work.
    pub readiness: Arc<dyn Readiness>,
    /// Whether this process alone works on the database.
    pub alone: bool,
    _lock: Option<FolderLock>,
}

/// The database alone.
pub struct Database {
    /// Runs, steps, messages and money.
    pub store: Arc<dyn StepStore>,
    /// Accounts and each organization's view of its runs.
    pub accounts: Arc<dyn AccountStore>,
    /// People, members, invitations and sessions.
    pub people: Arc<dyn PeopleStore>,
    /// What was changed, and by whom.
    pub audit: Arc<dyn AuditLog>,
    /// What happened in each organization.
    pub log: Arc<dyn EventLog>,
    /// Webhooks and their deliveries.
    pub webhooks: Arc<dyn WebhookStore>,
    /// What ads did, by source.
    pub observations: Arc<dyn ObservationStore>,
    /// Approvals, comments and links of reviewers.
    pub reviews: Arc<dyn ReviewStore>,
    /// Brands.
    pub brands: Arc<dyn BrandStore>,
    /// Experiments, their logs and read-outs.
    pub experiments: Arc<dyn ExperimentStore>,
    lock: Option<FolderLock>,
}

/// Database and files of a service, opened to be looked at while others work on them.
pub struct Inspection {
    /// Runs, steps, messages and money.
    pub store: Arc<dyn StepStore>,
    /// Pictures and videos, where they are wanted.
    pub artifacts: Option<Arc<dyn ArtifactStore>>,
    /// Holds what a bucket's files are fetched to; removed at the end.
    _scratch: Option<tempfile::TempDir>,
}

impl Inspection {
    /// Opens what the configuration names, the files too with `files`. An SQLite database is only read,
    /// also while `serve` works on it.
    ///
    /// # Errors
    /// [`Code::OutputFolder`] when there is no service in `serve.folder`; [`Code::Option`] and
    /// [`Code::Store`] as [`Foundation::open`].
    pub async fn open(config: &Config, files: bool) -> Result<Self, Problem> {
        let folder = PathBuf::from(&config.serve.folder);
        let store: Arc<dyn StepStore> = if config.store.url.is_empty() {
            let file = folder.join(DATABASE);
            if !file.is_file() {
                let message = format!(
                    "`{}` holds no service's database; `store.url` names none either",
                    folder.display()
                );
                return Err(Problem::new(Code::OutputFolder, "serve.folder", message));
            }
            SqliteStore::inspect(&file).await.map_err(|error| failed(&error))?
        } else {
            postgres(config).await?
        };
        let (artifacts, scratch) = if !files {
            (None, None)
        } else if config.artifacts.url.is_empty() {
            let path = artifact_folder(config, &folder);
            let shared = FolderArtifacts::share(&path).map_err(|error| failed(&error))?;
            let shared: Arc<dyn ArtifactStore> = Arc::new(shared);
            (Some(shared), None)
        } else {
            let scratch = tempfile::tempdir().map_err(|error| failed(&error))?;
            let shared: Arc<dyn ArtifactStore> =
                Arc::new(bucket(&config.artifacts, authorities_text(config)?, scratch.path())?);
            (Some(shared), Some(scratch))
        };
        Ok(Self { store, artifacts, _scratch: scratch })
    }
}

impl Database {
    /// One store behind all its ports.
    fn of<S>(store: Arc<S>, lock: Option<FolderLock>) -> Self
    where
        S: StepStore
            + AccountStore
            + PeopleStore
            + AuditLog
            + EventLog
            + WebhookStore
            + ObservationStore
            + ReviewStore
            + BrandStore
            + ExperimentStore
            + 'static,
    {
        Self {
            accounts: store.clone(),
            people: store.clone(),
            audit: store.clone(),
            log: store.clone(),
            webhooks: store.clone(),
            observations: store.clone(),
            reviews: store.clone(),
            brands: store.clone(),
            experiments: store.clone(),
            store,
            lock,
        }
    }
}

impl Foundation {
    /// Opens the database that the configuration names, and brings it to the newest format.
    ///
    /// # Errors
    /// [`Code::OutputBusy`] when another process works in the data folder; [`Code::ServerAddress`] and
    /// [`Code::ServerUnreachable`] when the server cannot be reached; [`Code::Store`] when the database
    /// itself fails.
    pub async fn database(config: &Config) -> Result<Database, Problem> {
        if !config.store.url.is_empty() {
            return Ok(Database::of(postgres(config).await?, None));
        }
        let (store, lock) = own_database(Path::new(&config.serve.folder), "serve.folder").await?;
        Ok(Database::of(store, Some(lock)))
    }

    /// Opens what the configuration names.
    ///
    /// # Errors
    /// [`Code::Option`] when `roles` are to be split and database, bus or files are not shared, or the
    /// files are not where other processes have them;
    /// [`Code::OutputBusy`] when another process works in the data folder; [`Code::ServerAddress`] and
    /// [`Code::ServerUnreachable`] when something cannot be reached, with its key.
    pub async fn open(config: &Config, roles: &[Role]) -> Result<Self, Problem> {
        let split = !Role::are_whole(roles);
        if split && (config.store.url.is_empty() || config.bus.url.is_empty()) {
            let key = if config.store.url.is_empty() { "store.url" } else { "bus.url" };
            let message = "roles in separate processes share a PostgreSQL database and a RabbitMQ broker: give `store.url` and `bus.url`, or leave `--role` out";
            return Err(Problem::new(Code::Option, key, message));
        }
        if split && config.artifacts.folder.is_empty() && config.artifacts.url.is_empty() {
            let message = "roles in separate processes share their pictures and videos: give `artifacts.folder`, a folder that all of them see, or `artifacts.url`, a bucket";
            return Err(Problem::new(Code::Option, "artifacts.folder", message));
        }
        let folder = PathBuf::from(&config.serve.folder);
        std::fs::create_dir_all(&folder)
            .map_err(|error| failed(&format!("`{}` cannot be created: {error}", folder.display())))?;
        let (bus, rabbit) = bus(config).await?;
        let Database {
            store,
            accounts,
            people,
            audit,
            log,
            webhooks,
            observations,
            reviews,
            brands,
            experiments,
            lock,
        } = Self::database(config).await?;
        let artifacts = artifacts(config, &folder)?;
        let mark = mark(config, accounts.as_ref(), artifacts.as_ref()).await?;
        let readiness: Arc<dyn Readiness> =
            Arc::new(Look::new(Arc::clone(&store), Arc::clone(&artifacts), mark, folder.clone()));
        let alone = lock.is_some();
        Ok(Self {
            store,
            accounts,
            people,
            audit,
            log,
            webhooks,
            observations,
            reviews,
            brands,
            experiments,
            bus,
            artifacts,
            folder,
            rabbit,
            readiness,
            alone,
            _lock: lock,
        })
    }

    /// What the broker's client counted; `None` in the embedded shape.
    #[must_use]
    pub fn bus_counts(&self) -> Option<BusCounts> {
        self.rabbit.as_ref().map(|rabbit| rabbit.counters().read())
    }
}

/// The PostgreSQL database that the configuration names.
async fn postgres(config: &Config) -> Result<Arc<PostgresStore>, Problem> {
    // Read here as well, so that a wrong file is told by its own key.
    let authorities = authorities_text(config)?.map(|_| Path::new(&config.tls.ca_file));
    let opened = PostgresStore::connect_trusting(&config.store.url, authorities, config.store.readers).await;
    opened.map_err(|error| match error {
        OpenError::Address(why) => Problem::new(Code::ServerAddress, "store.url", why),
        OpenError::Unreachable(why) => Problem::new(Code::ServerUnreachable, "store.url", why),
        error @ OpenError::Store(_) => Problem::new(Code::Store, "store.url", error.to_string()),
    })
}

fn failed(error: &impl ToString) -> Problem {
    Problem::new(Code::Store, "", error.to_string())
}

fn artifacts(config: &Config, folder: &Path) -> Result<Arc<dyn ArtifactStore>, Problem> {
    if !config.artifacts.url.is_empty() {
        let trusted = authorities_text(config)?;
        return Ok(Arc::new(bucket(&config.artifacts, trusted, &folder.join("artifact-cache"))?));
    }
    let path = artifact_folder(config, folder);
    // Only who has the database to itself has the folder to itself.
    let alone = config.store.url.is_empty();
    let opened = if alone { FolderArtifacts::open(&path) } else { FolderArtifacts::share(&path) };
    Ok(Arc::new(opened.map_err(|error| failed(&error))?))
}

/// The folder of pictures and videos, where no bucket is named.
fn artifact_folder(config: &Config, folder: &Path) -> PathBuf {
    if config.artifacts.folder.is_empty() {
        folder.join("artifacts")
    } else {
        PathBuf::from(&config.artifacts.folder)
    }
}

/// Marks the storage of files as the one of this database when no process has done so yet, and makes
/// sure otherwise that it is the marked one: processes that look for each other's files in different
/// places would start well and spoil every run.
async fn mark(
    config: &Config,
    accounts: &dyn AccountStore,
    artifacts: &dyn ArtifactStore,
) -> Result<ArtifactHash, Problem> {
    let proposal = random_id(&OperatingSystem).map_err(|error| failed(&error))?;
    // The file first: whoever finds the mark in the database finds the file.
    let proposed = artifacts.put(&mark_of(proposal)).map_err(|error| failed(&error))?;
    let found = accounts.installation(proposal).await.map_err(|error| failed(&error))?;
    let mark = ArtifactHash::of(&mark_of(found));
    if mark == proposed {
        return Ok(mark);
    }
    if let Err(error) = artifacts.remove(&proposed) {
        tracing::debug!(%error, "a proposed mark stays behind");
    }
    if artifacts.contains(&mark).map_err(|error| failed(&error))? {
        return Ok(mark);
    }
    let field = if config.artifacts.url.is_empty() { "artifacts.folder" } else { "artifacts.url" };
    let message = format!(
        "is not where the other processes of this database keep pictures and videos: the file {mark} is \
         missing. Give all of them the same folder or bucket; when files were moved, move all of them"
    );
    Err(Problem::new(Code::Option, field, message))
}

/// The file that marks the storage of an installation.
fn mark_of(installation: uuid::Uuid) -> Vec<u8> {
    format!("Pictures and videos of the Spotwright installation {installation}.\n").into_bytes()
}

/// The bucket that the configuration names.
///
/// # Errors
/// [`Code::ServerAddress`] when the settings cannot be right or are refused, [`Code::ServerUnreachable`]
/// when nobody answers.
fn bucket(
    config: &crate::config::Artifacts,
    authorities: Option<String>,
    cache: &Path,
) -> Result<ObjectArtifacts, Problem> {
    let options = S3Options {
        url: config.url.clone(),
        endpoint: config.endpoint.clone(),
        region: config.region.clone(),
        access_key: config.access_key.clone(),
        secret_key: config.secret_key.clone(),
        authorities,
    };
    let limits = Limits {
        call: Duration::from_millis(config.timeout_ms),
        cached_bytes: config.cache_mb.saturating_mul(1 << 20),
    };
    // Fails only when a provider is installed already, which is as good.
    drop(rustls::crypto::ring::default_provider().install_default());
    ObjectArtifacts::s3(&options, cache, &limits).map_err(|error| {
        let ArtifactError::Io(cause) = &error else {
            return Problem::new(Code::ServerUnreachable, "artifacts.url", error.to_string());
        };
        let advice = match cause.kind() {
            ErrorKind::InvalidInput => "",
            ErrorKind::NotFound => "; create the bucket, or correct the address",
            ErrorKind::PermissionDenied => "; check `artifacts.access_key`, its secret and its rights",
            ErrorKind::InvalidData => {
                "; TLS failed: name the PEM file of a private authority as `tls.ca_file`, and check the port"
            }
            _ => return Problem::new(Code::ServerUnreachable, "artifacts.url", error.to_string()),
        };
        Problem::new(Code::ServerAddress, "artifacts.url", format!("{error}{advice}"))
    })
}

/// The certificates of private authorities that the configuration names.
fn authorities_text(config: &Config) -> Result<Option<String>, Problem> {
    let file = config.tls.ca_file.as_str();
    if file.is_empty() {
        return Ok(None);
    }
    let wrong = |message: String| Problem::new(Code::Option, "tls.ca_file", message);
    let text =
        std::fs::read_to_string(file).map_err(|error| wrong(format!("`{file}` cannot be read: {error}")))?;
    let mut n_certificates = 0;
    for certificate in CertificateDer::pem_slice_iter(text.as_bytes()) {
        certificate.map_err(|_| wrong(format!("`{file}` holds a damaged certificate")))?;
        n_certificates += 1;
    }
    if n_certificates == 0 {
        return Err(wrong(format!("`{file}` holds no certificate; a PEM file is expected")));
    }
    Ok(Some(text))
}

/// Options of the broker's client, by configuration.
///
/// # Errors
/// [`Code::Option`] when the certificates of private authorities cannot be read.
pub fn rabbit_options(config: &Config) -> Result<RabbitOptions, Problem> {
    let mut options = RabbitOptions::new(&config.bus.url);
    config.bus.prefix.clone_into(&mut options.topology.prefix);
    options.authorities = authorities_text(config)?;
    options.reach_timeout = Duration::from_millis(config.bus.start_wait_ms);
    options.seed = u64::from(std::process::id());
    Ok(options)
}

/// Why there is no broker, by code and key.
#[must_use]
pub fn no_bus(error: &ConnectError) -> Problem {
    let (code, key) = match error {
        ConnectError::Options(_) => (Code::Option, "bus.prefix"),
        ConnectError::Address(_) => (Code::ServerAddress, "bus.url"),
        ConnectError::Unavailable(_) => (Code::ServerUnreachable, "bus.url"),
    };
    Problem::new(code, key, error.to_string())
}

async fn bus(config: &Config) -> Result<(Arc<dyn EventBus>, Option<Arc<RabbitBus>>), Problem> {
    if config.bus.url.is_empty() {
        return Ok((Arc::new(MemoryBus::new()), None));
    }
    let rabbit = RabbitBus::connect(rabbit_options(config)?).await.map_err(|error| no_bus(&error))?;
    let rabbit = Arc::new(rabbit);
    Ok((rabbit.clone(), Some(rabbit)))
}
