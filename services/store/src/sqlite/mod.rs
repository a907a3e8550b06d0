//! The step store in one SQLite file.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use spotwright_core::domain::run::{NewRun, RunRequest, RunView};
use spotwright_core::domain::topology::StepKind;
use spotwright_core::domain::variant::{Placement, Variant};
use spotwright_core::ports::step_store::{
    CallState, ClaimedStep, Commit, Consumed, NewCall, OutboxMessage, StepEnd, StepStore, StoreError,
    TraceEntry,
};
use spotwright_schemas::ids::{MessageId, RunId, VariantId};
use sqlx::migrate::Migrator;
use sqlx::pool::PoolConnection;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection as _, Pool};
use tokio::sync::Notify;

use self::writer::{Signals, Wakes, Writer};
use crate::convert::database;

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

/// Row locks of a subquery: none, there is one writer.
macro_rules! skip_locked {
    () => {
        ""
    };
}

#[path = "../queries/account_runs.rs"]
mod account_runs;
mod account_store;
#[path = "../queries/accounts.rs"]
mod accounts;
#[path = "../queries/answers.rs"]
mod answers;
#[path = "../queries/commits.rs"]
mod commits;
#[path = "../queries/invariants.rs"]
mod invariants;
#[path = "../queries/messages.rs"]
mod messages;
#[path = "../queries/money.rs"]
mod money;
#[path = "../queries/runs.rs"]
mod runs;
#[path = "../queries/steps.rs"]
mod steps;
#[cfg(test)]
mod tests;
mod writer;

static MIGRATIONS: Migrator = sqlx::migrate!("./migrations/sqlite");

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
        let mut conn = options.connect().await.map_err(database)?;
        MIGRATIONS.run(&mut conn).await.map_err(|error| StoreError::Database(error.to_string()))?;
        let readers = SqlitePoolOptions::new()
            .max_connections(READERS)
            .test_before_acquire(false)
            .connect_with(options.pragma("query_only", "ON"))
            .await
            .map_err(database)?;
        let signals = Arc::new(Signals::default());
        let writer = Writer::start(conn, Arc::clone(&signals));
        Ok(Arc::new(Self { writer, readers, signals, requests: Mutex::default() }))
    }

    async fn reader(&self) -> Result<PoolConnection<Db>, StoreError> {
        self.readers.acquire().await.map_err(database)
    }
}

/// Whom a commit wakes.
fn wakes_of(commit: &Commit) -> Wakes {
    Wakes { steps: !commit.steps.is_empty(), messages: !commit.messages.is_empty() }
}

#[async_trait]
impl StepStore for SqliteStore {
    async fn create_run(&self, run: &NewRun, commit: Commit) -> Result<(), StoreError> {
        let run = run.clone();
        self.writer
            .write(wakes_of(&commit), move |conn| {
                Box::pin(async move {
                    runs::insert(conn, &run).await?;
                    commits::write(conn, run.id, 0, &commit).await
                })
            })
            .await
    }

    async fn run(&self, id: RunId) -> Result<RunView, StoreError> {
        let requests = || self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        let known = requests().get(&id).cloned();
        let fresh = known.is_none();
        let view = runs::view(&mut *self.reader().await?, id, known).await?;
        if fresh {
            let mut requests = requests();
            if requests.len() >= KNOWN_REQUESTS {
                requests.clear();
            }
            requests.insert(id, Arc::clone(&view.request));
        }
        Ok(view)
    }

    async fn runs(&self) -> Result<Vec<RunId>, StoreError> {
        runs::all(&mut *self.reader().await?).await
    }

    async fn variant(&self, id: VariantId) -> Result<Variant, StoreError> {
        runs::variant(&mut *self.reader().await?, id).await
    }

    async fn variants(&self, run: RunId) -> Result<Vec<Variant>, StoreError> {
        runs::variants(&mut *self.reader().await?, run).await
    }

    async fn placements(&self, run: RunId) -> Result<Vec<Placement>, StoreError> {
        runs::placements(&mut *self.reader().await?, run).await
    }

    async fn trace(&self, run: RunId) -> Result<Vec<TraceEntry>, StoreError> {
        runs::trace(&mut *self.reader().await?, run).await
    }

    async fn claim(
        &self,
        kinds: &[StepKind],
        lease: Duration,
        limit: usize,
    ) -> Result<Vec<ClaimedStep>, StoreError> {
        let kinds = kinds.to_vec();
        self.writer
            .write(Wakes::default(), move |conn| {
                Box::pin(async move { steps::claim(conn, &kinds, lease, limit).await })
            })
            .await
    }

    async fn renew(&self, step: &ClaimedStep, lease: Duration) -> Result<(), StoreError> {
        let (id, fence) = (step.id, step.fence);
        self.writer
            .write(Wakes::default(), move |conn| {
                Box::pin(async move { steps::renew(conn, id, fence, lease).await })
            })
            .await
    }

    async fn complete(
        &self,
        step: &ClaimedStep,
        end: StepEnd,
        expected_version: i64,
        commit: Commit,
    ) -> Result<(), StoreError> {
        let (id, fence) = (step.id, step.fence);
        let mut wakes = wakes_of(&commit);
        wakes.steps |= matches!(end, StepEnd::Retry { .. });
        self.writer
            .write(wakes, move |conn| {
                Box::pin(async move {
                    let run = steps::end(conn, id, fence, &end).await?;
                    commits::write(conn, run, expected_version, &commit).await
                })
            })
            .await
    }

    async fn begin_call(&self, step: &ClaimedStep, call: &NewCall) -> Result<CallState, StoreError> {
        if call.step != step.id {
            return Err(StoreError::Contradiction(format!("call {} belongs to another step", call.id)));
        }
        let (fence, call) = (step.fence, call.clone());
        self.writer
            .write(Wakes::default(), move |conn| {
                Box::pin(async move {
                    let (run, organization) = steps::check_claim(conn, call.step, fence).await?;
                    money::begin_call(conn, run, organization, &call).await
                })
            })
            .await
    }

    async fn consume(
        &self,
        consumer: &str,
        message: MessageId,
        run: RunId,
        expected_version: i64,
        commit: Commit,
    ) -> Result<Consumed, StoreError> {
        let consumer = consumer.to_owned();
        self.writer
            .write(wakes_of(&commit), move |conn| {
                Box::pin(async move {
                    if !messages::take_in(conn, &consumer, message).await? {
                        return Ok(Consumed::Duplicate);
                    }
                    commits::write(conn, run, expected_version, &commit).await?;
                    Ok(Consumed::Applied)
                })
            })
            .await
    }

    async fn consumed(&self, consumer: &str, message: MessageId) -> Result<bool, StoreError> {
        messages::taken_in(&mut *self.reader().await?, consumer, message).await
    }

    async fn dead_letter(
        &self,
        consumer: &str,
        message: MessageId,
        reason: &str,
        attempts: u32,
    ) -> Result<(), StoreError> {
        let (consumer, reason) = (consumer.to_owned(), reason.to_owned());
        self.writer
            .write(Wakes::default(), move |conn| {
                Box::pin(
                    async move { messages::dead_letter(conn, &consumer, message, &reason, attempts).await },
                )
            })
            .await
    }

    async fn unsent(
        &self,
        after: Option<i64>,
        limit: usize,
    ) -> Result<Vec<(i64, OutboxMessage)>, StoreError> {
        messages::unsent(&mut *self.reader().await?, after, limit).await
    }

    async fn mark_sent(&self, ids: &[MessageId]) -> Result<(), StoreError> {
        if ids.is_empty() {
            return Ok(());
        }
        let ids = ids.to_vec();
        self.writer
            .write(Wakes::default(), move |conn| {
                Box::pin(async move { messages::mark_sent(conn, &ids).await })
            })
            .await
    }

    async fn recover(&self) -> Result<u64, StoreError> {
        let wakes = Wakes { steps: true, messages: true };
        self.writer.write(wakes, |conn| Box::pin(steps::recover(conn))).await
    }

    async fn bury(&self) -> Result<Vec<ClaimedStep>, StoreError> {
        // Idle workers ask often; a look costs no write transaction.
        if !steps::any_to_bury(&mut *self.reader().await?).await? {
            return Ok(Vec::new());
        }
        self.writer.write(Wakes::default(), |conn| Box::pin(steps::bury(conn))).await
    }

    async fn open_work(&self, run: RunId) -> Result<u64, StoreError> {
        steps::open_work(&mut *self.reader().await?, run).await
    }

    async fn broken_invariants(&self) -> Result<Vec<String>, StoreError> {
        let mut reader = self.reader().await?;
        let mut transaction = reader.begin().await.map_err(database)?;
        invariants::broken(&mut transaction).await
    }

    fn steps_ready(&self) -> &Notify {
        &self.signals.steps
    }

    fn messages_ready(&self) -> &Notify {
        &self.signals.messages
    }
}
