//! The step store in one SQLite file.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use spotwright_core::domain::account::OrganizationContext;
use spotwright_core::domain::run::RunRequest;
use spotwright_core::ports::step_store::StoreError;
use spotwright_schemas::ids::RunId;
use sqlx::migrate::Migrator;
use sqlx::pool::PoolConnection;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions, Pool};

use self::writer::{Signals, Wakes, Writer};
use crate::convert::database;
use crate::migrations;

/// The database that the shared queries speak to.
type Db = sqlx::Sqlite;
/// Its connection.
type Connection = sqlx::SqliteConnection;

/// Microseconds since 1970 by the database's clock. SQLite's clock has milliseconds, and stands
/// still within one statement.
macro_rules! now {
    () => {
        "(CAST(round(unixepoch('subsec') * 1000) AS INTEGER) * 1000)"
    };
}

/// How far the clock of an organization was moved, which its id gives; 0 but for sandboxes.
macro_rules! moved {
    ($organization:expr) => {
        concat!("coalesce((SELECT o.clock_moved FROM organization o WHERE o.id = ", $organization, "), 0)")
    };
}

/// Now, by the clock of the organization with an id.
macro_rules! now_of {
    ($organization:expr) => {
        concat!("(", now!(), " + ", moved!($organization), ")")
    };
}

/// The larger of two numbers.
macro_rules! larger {
    ($a:expr, $b:expr) => {
        concat!("max(", $a, ", ", $b, ")")
    };
}

/// Row locks of a subquery: none, there is one writer.
macro_rules! skip_locked {
    () => {
        ""
    };
}

/// Row locks of a row that one process changes at a time: none, there is one writer.
macro_rules! locked {
    () => {
        ""
    };
}

/// Below this every transaction has ended: there is one at a time.
macro_rules! settled {
    () => {
        "9223372036854775807"
    };
}

#[path = "../queries/account_runs.rs"]
mod account_runs;
#[path = "../common/account_store.rs"]
mod account_store;
#[path = "../queries/accounts.rs"]
mod accounts;
#[path = "../common/adapter.rs"]
mod adapter;
#[path = "../queries/answers.rs"]
mod answers;
#[path = "../queries/audit.rs"]
mod audit;
#[path = "../queries/books.rs"]
mod books;
#[path = "../common/books.rs"]
mod books_adapter;
#[path = "../common/brand_store.rs"]
mod brand_store;
#[path = "../queries/brands.rs"]
mod brands;
#[path = "../queries/campaigns.rs"]
mod campaigns;
#[path = "../common/campaigns.rs"]
mod campaigns_adapter;
#[path = "../queries/commits.rs"]
mod commits;
#[path = "../queries/deliveries.rs"]
mod deliveries;
#[path = "../queries/event_log.rs"]
mod event_log;
#[path = "../common/event_log.rs"]
mod event_log_store;
#[path = "../common/experiment_store.rs"]
mod experiment_store;
#[path = "../queries/experiments.rs"]
mod experiments;
#[path = "../queries/external_refs.rs"]
mod external_refs;
#[path = "../queries/invariants.rs"]
mod invariants;
#[path = "../queries/made_campaigns.rs"]
mod made_campaigns;
#[path = "../queries/messages.rs"]
mod messages;
#[path = "../queries/money.rs"]
mod money;
#[path = "../common/observation_store.rs"]
mod observation_store;
#[path = "../queries/observations.rs"]
mod observations;
#[path = "../queries/people.rs"]
mod people;
#[path = "../common/people_store.rs"]
mod people_store;
#[path = "../queries/reports.rs"]
mod reports;
#[path = "../common/reports.rs"]
mod reports_adapter;
#[path = "../common/review_store.rs"]
mod review_store;
#[path = "../queries/reviews.rs"]
mod reviews;
#[path = "../queries/runs.rs"]
mod runs;
#[path = "../queries/sandboxes.rs"]
mod sandboxes;
#[path = "../common/sandboxes.rs"]
mod sandboxes_adapter;
#[path = "../queries/sessions.rs"]
mod sessions;
#[path = "../queries/shares.rs"]
mod shares;
#[path = "../queries/steps.rs"]
mod steps;
#[cfg(test)]
mod tests;
#[path = "../queries/views.rs"]
mod views;
#[path = "../common/views.rs"]
mod views_adapter;
#[path = "../common/webhook_store.rs"]
mod webhook_store;
#[path = "../queries/webhooks.rs"]
mod webhooks;
#[path = "../common/writer.rs"]
mod writer;

/// The store whose methods stand in `common/adapter.rs`.
type Store = SqliteStore;
/// What a new connection of the writer needs.
type Options = SqliteConnectOptions;

/// Begins a transaction that sees one state.
const SNAPSHOT: &str = "BEGIN";

/// Begins a group of writes.
const BEGIN: &str = "BEGIN IMMEDIATE; SAVEPOINT operation";

/// How far before a position messages may still appear: nowhere, positions are given in the order
/// of commits.
const LATE_POSITIONS: i64 = 0;

/// A write transaction is alone as it is.
const LOCK_RUNS: Option<&str> = None;

/// Whether operations that arrive during a group join it. The file has one writer at a time, so the
/// order of operations does not matter to anybody else.
const JOIN_LATE: bool = true;

static MIGRATIONS: LazyLock<Migrator> = LazyLock::new(|| migrations::migrator(migrations::SQLITE));

/// How long a connection waits for another process' write.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Connections for reading.
const READERS: u32 = 4;

/// Requests of runs kept in memory: they are written once, and read with every decision.
const KNOWN_REQUESTS: usize = 1_024;

/// Runs, steps, messages and money in one SQLite file.
///
/// Writes are queued to one task and committed in groups; reads use their own connections and see
/// every write that was answered before they began. Dropping a future of a write method leaves the
/// write in the queue: its outcome is unknown then, and the caller reads or repeats it.
#[derive(Debug)]
pub struct SqliteStore {
    writer: Writer,
    readers: Pool<Db>,
    signals: Arc<Signals>,
    requests: Mutex<HashMap<RunId, Arc<RunRequest>>>,
}

impl SqliteStore {
    /// Opens a database file, creates it when there is none, and brings it to the newest format.
    /// Must be called within a tokio runtime, which runs the writer task.
    ///
    /// # Errors
    /// [`StoreError::Database`]: the file cannot be opened, is no SQLite database, or was written
    /// by a newer version of this program.
    pub async fn open(path: &Path) -> Result<Arc<Self>, StoreError> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(BUSY_TIMEOUT)
            .foreign_keys(true)
            .statement_cache_capacity(256)
            .disable_statement_logging();
        private(path).map_err(|error| StoreError::Database(format!("{}: {error}", path.display())))?;
        let mut conn = options.connect().await.map_err(database)?;
        MIGRATIONS.run(&mut conn).await.map_err(|error| StoreError::Database(error.to_string()))?;
        let readers = SqlitePoolOptions::new()
            .max_connections(READERS)
            .test_before_acquire(false)
            .connect_with(options.clone().pragma("query_only", "ON"))
            .await
            .map_err(database)?;
        let signals = Arc::new(Signals::default());
        let writer = Writer::start(vec![(conn, options.clone())], &signals);
        Ok(Arc::new(Self { writer, readers, signals, requests: Mutex::default() }))
    }

    /// Opens a database file for reading only, whoever works on it, and leaves its format as it is.
    ///
    /// # Errors
    /// [`StoreError::Database`]: there is no file, or it is no SQLite database.
    pub async fn inspect(path: &Path) -> Result<Arc<Self>, StoreError> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .read_only(true)
            .busy_timeout(BUSY_TIMEOUT)
            .disable_statement_logging();
        let conn = options.connect().await.map_err(database)?;
        let readers = SqlitePoolOptions::new().max_connections(READERS).connect_with(options.clone());
        let readers = readers.await.map_err(database)?;
        let signals = Arc::new(Signals::default());
        let writer = Writer::start(vec![(conn, options)], &signals);
        Ok(Arc::new(Self { writer, readers, signals, requests: Mutex::default() }))
    }

    async fn reader(&self) -> Result<PoolConnection<Db>, StoreError> {
        self.readers.acquire().await.map_err(database)
    }

    /// A reader for an organization. SQLite has no row-level security: what keeps organizations apart
    /// here is the queries alone.
    async fn tenant(&self, _: OrganizationContext) -> Result<PoolConnection<Db>, StoreError> {
        self.reader().await
    }
}

/// Lets nobody but the owner read the file: it holds codes of keys and what customers handed in. SQLite
/// gives its log and its index the same rights.
fn private(path: &Path) -> std::io::Result<()> {
    #[cfg(unix)]
    {
        use std::io::ErrorKind::{AlreadyExists, NotFound};
        use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};

        // A file that exists is not opened: closing it again would drop the locks that this process
        // has on it through SQLite.
        match std::fs::OpenOptions::new().create_new(true).write(true).mode(0o600).open(path) {
            Ok(_) => return Ok(()),
            Err(error) if error.kind() == AlreadyExists => {}
            Err(error) => return Err(error),
        }
        for ending in ["", "-wal", "-shm"] {
            let mut file = path.as_os_str().to_owned();
            file.push(ending);
            match std::fs::metadata(&file).map(|found| found.permissions().mode()) {
                Ok(mode) if mode & 0o077 != 0 => {
                    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode & 0o700))?;
                }
                Err(error) if error.kind() != NotFound => return Err(error),
                _ => {}
            }
        }
    }
    Ok(())
}

/// Tells other processes whom a group of writes wakes: there are none that work on one file.
async fn announce(_: &mut Connection, _: Wakes) -> Result<(), sqlx::Error> {
    Ok(())
}
