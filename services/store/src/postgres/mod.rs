//! The step store in a PostgreSQL database, which several processes work on.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use spotwright_core::domain::account::OrganizationContext;
use spotwright_core::domain::run::RunRequest;
use spotwright_core::ports::step_store::StoreError;
use spotwright_schemas::ids::RunId;
use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnectOptions, PgListener, PgPoolOptions};
use sqlx::{AssertSqlSafe, ConnectOptions, Pool, Transaction};
use tokio::task::JoinSet;

pub use self::opening::OpenError;
use self::writer::{Signals, Wakes, Writer};
use crate::convert::database as failed;

/// The database that the shared queries speak to.
type Db = sqlx::Postgres;
/// Its connection.
type Connection = sqlx::PgConnection;

/// Microseconds since 1970 by the database's clock, the same within one statement.
macro_rules! now {
    () => {
        "(extract(epoch FROM statement_timestamp()) * 1000000)::bigint"
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
        concat!("greatest(", $a, ", ", $b, ")")
    };
}

/// Row locks of a subquery: what another process is about to claim is passed over.
macro_rules! skip_locked {
    () => {
        "FOR UPDATE SKIP LOCKED"
    };
}

/// Row locks of a row that one process changes at a time.
macro_rules! locked {
    () => {
        "FOR UPDATE"
    };
}

/// Below this every transaction has ended. Asked once for a statement, not for each row.
macro_rules! settled {
    () => {
        "(SELECT settled_before())"
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
pub mod database;
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
mod migration;
#[path = "../queries/money.rs"]
mod money;
#[path = "../common/observation_store.rs"]
mod observation_store;
#[path = "../queries/observations.rs"]
mod observations;
mod opening;
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
type Store = PostgresStore;
/// What a new connection of the writer needs.
type Options = PgConnectOptions;

/// Begins a transaction that sees one state.
const SNAPSHOT: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";

/// Begins a group of writes.
const BEGIN: &str = "BEGIN; SAVEPOINT operation";

/// Keeps other processes from changing runs until the end of the transaction.
const LOCK_RUNS: Option<&str> = Some("LOCK TABLE run IN SHARE ROW EXCLUSIVE MODE");

/// How far before a position messages may still appear: positions are given when a row is written,
/// and a transaction with a lower one may commit later.
const LATE_POSITIONS: i64 = 1_000;

/// Whether operations that arrive during a group join it. They would not come in the order of their
/// runs, and two processes that lock runs in different orders would wait for each other.
const JOIN_LATE: bool = false;

/// Connections that write runs; one more takes claims and marks.
const WRITERS: usize = 3;

/// Longest wait for a connection.
const ACQUIRE_TIME: Duration = Duration::from_secs(10);

/// How long the listener waits before it listens again after an error.
const LISTEN_AGAIN: Duration = Duration::from_secs(1);

/// Channels on which processes tell one another of new work.
const STEPS_CHANNEL: &str = "spotwright_steps";
const MESSAGES_CHANNEL: &str = "spotwright_messages";

/// Requests of runs kept in memory: they are written once, and read with every decision.
const KNOWN_REQUESTS: usize = 1_024;

/// Runs, steps, messages and money in one PostgreSQL database.
///
/// Writes of one run are queued to one of a few connections and committed in groups; other
/// processes do the same. Work that another process creates wakes this one by `NOTIFY`, and is
/// found by the engine's poll when the notification is lost.
#[derive(Debug)]
pub struct PostgresStore {
    writer: Writer,
    readers: Pool<Db>,
    signals: Arc<Signals>,
    requests: Mutex<HashMap<RunId, Arc<RunRequest>>>,
    /// Ends with the store.
    _listener: JoinSet<()>,
}

impl PostgresStore {
    /// Connects, and brings the database to the newest format. Must be called within a tokio
    /// runtime, which runs the writers and the listener. `readers` is the number of connections for
    /// reading, 1–100. TLS is as the address' `sslmode` says: with `require` and above a server without
    /// it is refused.
    ///
    /// # Errors
    /// [`OpenError`]: a wrong address, a server that does not answer, no right to create tables, or a
    /// migration that failed.
    pub async fn connect(url: &str, readers: u32) -> Result<Arc<Self>, OpenError> {
        Self::connect_trusting(url, None, readers).await
    }

    /// As [`PostgresStore::connect`]; trusts also the authorities of a PEM file, unless the address
    /// names one as `sslrootcert`.
    ///
    /// # Errors
    /// As [`PostgresStore::connect`].
    pub async fn connect_trusting(
        url: &str,
        authorities: Option<&Path>,
        readers: u32,
    ) -> Result<Arc<Self>, OpenError> {
        let options = opening::options(url, authorities)?;
        let mut conn = migration::migrated(opening::probe(&options).await?, &options).await?;
        continue_order(&mut conn).await?;
        let readers = PgPoolOptions::new()
            .max_connections(readers.clamp(1, 100))
            .acquire_timeout(ACQUIRE_TIME)
            .connect_with(options.clone())
            .await
            .map_err(failed)?;
        let mut connections = vec![(conn, options.clone())];
        for _ in 0..WRITERS {
            connections.push((options.connect().await.map_err(failed)?, options.clone()));
        }
        let signals = Arc::new(Signals::default());
        let listening = listener(&options).await.map_err(failed)?;
        let mut tasks = JoinSet::new();
        tasks.spawn(listen(listening, Arc::clone(&signals)));
        let writer = Writer::start(connections, &signals);
        Ok(Arc::new(Self { writer, readers, signals, requests: Mutex::default(), _listener: tasks }))
    }

    async fn reader(&self) -> Result<PoolConnection<Db>, StoreError> {
        self.readers.acquire().await.map_err(failed)
    }

    /// A reader that sees the rows of one organization only, whatever a query asks for.
    async fn tenant(&self, context: OrganizationContext) -> Result<Transaction<'static, Db>, StoreError> {
        let mut reader = self.readers.begin().await.map_err(failed)?;
        // An id has hexadecimal digits and hyphens only.
        let taken = format!(
            "SET LOCAL ROLE spotwright_tenant; SET LOCAL app.organization = '{}'",
            context.organization.0
        );
        sqlx::raw_sql(AssertSqlSafe(taken)).execute(&mut *reader).await.map_err(failed)?;
        Ok(reader)
    }
}

/// Lets the order of events go on after the newest one, where the server counts its transactions from a lower
/// number than the one that the database came from: otherwise new events would stand before old ones, and old
/// ones would seem not to be settled.
async fn continue_order(conn: &mut Connection) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE event_epoch SET base = base + newest.commit_order - event_order() + 1 \
         FROM (SELECT commit_order FROM outbox ORDER BY commit_order DESC LIMIT 1) AS newest \
         WHERE newest.commit_order >= base + pg_snapshot_xmax(pg_current_snapshot())::text::bigint",
    )
    .execute(conn)
    .await
    .map_err(failed)?;
    Ok(())
}

/// Tells other processes whom a group of writes wakes.
///
/// A statement of its own, after the commit: a transaction that notifies holds a lock over the whole
/// server while it commits, and so would put all commits in a row.
async fn announce(conn: &mut Connection, wakes: Wakes) -> Result<(), sqlx::Error> {
    let statement = match (wakes.steps, wakes.messages) {
        (true, true) => "NOTIFY spotwright_steps; NOTIFY spotwright_messages",
        (true, false) => "NOTIFY spotwright_steps",
        (false, true) => "NOTIFY spotwright_messages",
        (false, false) => return Ok(()),
    };
    sqlx::raw_sql(statement).execute(conn).await.map(|_| ())
}

/// A connection that listens on both channels.
async fn listener(options: &PgConnectOptions) -> Result<PgListener, sqlx::Error> {
    let pool = PgPoolOptions::new().max_connections(1).max_lifetime(None).idle_timeout(None);
    let mut listener = PgListener::connect_with(&pool.connect_with(options.clone()).await?).await?;
    listener.listen_all([STEPS_CHANNEL, MESSAGES_CHANNEL]).await?;
    Ok(listener)
}

async fn listen(mut listener: PgListener, signals: Arc<Signals>) {
    loop {
        match listener.try_recv().await {
            Ok(Some(heard)) => signals.wake(Wakes {
                steps: heard.channel() == STEPS_CHANNEL,
                messages: heard.channel() == MESSAGES_CHANNEL,
            }),
            // The connection was lost, and with it what was said meanwhile.
            Ok(None) => signals.wake(Wakes { steps: true, messages: true }),
            Err(error) => {
                tracing::warn!(%error, "notifications of other processes are not heard");
                tokio::time::sleep(LISTEN_AGAIN).await;
            }
        }
    }
}
