//! The tasks that write, and their group commit; the same for every dialect.
//!
//! A writer has one lane or several, each a task with a connection of its own. Writes of one run
//! always take the same lane, so they wait for one another in memory and not for row locks.
//!
//! Durability costs one `fsync` for each commit, whatever is in it. So operations that arrive while
//! a commit is under way are written together by the next one: no timer is needed, a lone operation
//! never waits, and under load the groups fill by themselves.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use spotwright_core::ports::step_store::StoreError;
use spotwright_schemas::ids::RunId;
use sqlx::{ConnectOptions as _, Connection as _};
use tokio::sync::{Notify, mpsc, oneshot};

use super::{BEGIN, Connection, JOIN_LATE, Options, announce};
use crate::convert::database;

/// Most operations in one commit.
const GROUP: usize = 64;

/// Operations that may wait before callers are held back.
const QUEUE: usize = 1024;

/// Longest time for one group. A connection that takes longer is given up.
const GROUP_TIME: Duration = Duration::from_secs(30);

/// What an operation does on the connection.
pub(super) type Work<'c, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'c>>;

/// Whom to wake once an operation is durable.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Wakes {
    /// Workers: steps may have become ready.
    pub(super) steps: bool,
    /// The relay: messages may wait in the outbox.
    pub(super) messages: bool,
}

/// The signals behind [`Wakes`].
#[derive(Debug, Default)]
pub(super) struct Signals {
    pub(super) steps: Notify,
    pub(super) messages: Notify,
}

/// Queues operations for the lanes, which end when this is dropped.
#[derive(Debug)]
pub(super) struct Writer {
    /// The first lane takes what belongs to no run.
    lanes: Vec<mpsc::Sender<Queued>>,
}

/// An operation in the queue of a lane.
struct Queued {
    /// The run it belongs to. Groups are written in this order where several processes write, so
    /// that they lock runs in the same order.
    run: Option<RunId>,
    operation: Box<dyn Operation>,
}

impl Writer {
    /// Starts a lane on each connection; the options make a new one when it breaks.
    pub(super) fn start(connections: Vec<(Connection, Options)>, signals: &Arc<Signals>) -> Self {
        let start = |(conn, options): (Connection, Options)| {
            let (queue, waiting) = mpsc::channel(QUEUE);
            let lane = Lane { conn: Some(conn), options, waiting, signals: Arc::clone(signals) };
            tokio::spawn(lane.write());
            queue
        };
        Self { lanes: connections.into_iter().map(start).collect() }
    }

    /// Runs `work` in a group and answers once the group is durable. `run` is the run it belongs to.
    ///
    /// An error of `work` undoes `work` alone. Dropping the future does not take the operation out
    /// of the queue: its outcome is then unknown to the caller.
    pub(super) async fn write<T, F>(&self, run: Option<RunId>, wakes: Wakes, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: for<'c> FnOnce(&'c mut Connection) -> Work<'c, T> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let task = Task { work: Some(work), outcome: None, wakes, reply };
        let ended = || StoreError::Database("the writer has ended".to_owned());
        let lane = match (run, self.lanes.len()) {
            (None, _) | (_, 0 | 1) => 0,
            (Some(run), lanes) => 1 + (run.0.as_u128() % (lanes as u128 - 1)) as usize,
        };
        let queue = self.lanes.get(lane).ok_or_else(ended)?;
        queue.send(Queued { run, operation: Box::new(task) }).await.map_err(|_| ended())?;
        answer.await.map_err(|_| ended())?
    }
}

#[async_trait]
trait Operation: Send {
    /// Does the work; whether its changes shall stay.
    async fn perform(&mut self, conn: &mut Connection) -> bool;
    /// Tells the caller, and says whom else to wake.
    fn answer(self: Box<Self>, group: Result<(), StoreError>) -> Wakes;
}

struct Task<T, F> {
    work: Option<F>,
    outcome: Option<Result<T, StoreError>>,
    wakes: Wakes,
    reply: oneshot::Sender<Result<T, StoreError>>,
}

#[async_trait]
impl<T, F> Operation for Task<T, F>
where
    T: Send,
    F: for<'c> FnOnce(&'c mut Connection) -> Work<'c, T> + Send,
{
    async fn perform(&mut self, conn: &mut Connection) -> bool {
        if let Some(work) = self.work.take() {
            self.outcome = Some(work(conn).await);
        }
        matches!(self.outcome, Some(Ok(_)))
    }

    fn answer(self: Box<Self>, group: Result<(), StoreError>) -> Wakes {
        // A refusal stands whatever became of the group; a success needs the group's commit.
        let outcome = match (self.outcome, group) {
            (Some(Err(error)), _) | (_, Err(error)) => Err(error),
            (Some(Ok(value)), Ok(())) => Ok(value),
            (None, Ok(())) => Err(StoreError::Database("the operation was not reached".to_owned())),
        };
        let wakes = if outcome.is_ok() { self.wakes } else { Wakes::default() };
        // The caller may have gone away; the outcome is durable all the same.
        drop(self.reply.send(outcome));
        wakes
    }
}

/// One task that writes.
struct Lane {
    /// `None` after it broke, until there is work again.
    conn: Option<Connection>,
    options: Options,
    waiting: mpsc::Receiver<Queued>,
    signals: Arc<Signals>,
}

impl Lane {
    async fn write(mut self) {
        let mut group = Vec::with_capacity(GROUP);
        while let Some(first) = self.waiting.recv().await {
            group.push(first);
            let outcome = match tokio::time::timeout(GROUP_TIME, self.write_group(&mut group)).await {
                Ok(outcome) => outcome.map_err(database),
                Err(_) => Err(StoreError::Database("a group of writes took too long".to_owned())),
            };
            if let Err(error) = &outcome {
                tracing::warn!(%error, operations = group.len(), "a group of writes was not committed");
                self.clear_up().await;
            }
            let mut wakes = Wakes::default();
            for queued in group.drain(..) {
                let more = queued.operation.answer(outcome.clone());
                wakes = Wakes { steps: wakes.steps || more.steps, messages: wakes.messages || more.messages };
            }
            self.signals.wake(wakes);
            if let Some(conn) = &mut self.conn
                && let Err(error) = announce(conn, wakes).await
            {
                // Whoever was not told finds the work when it next looks by itself.
                tracing::debug!(%error, "other processes were not woken");
            }
        }
    }

    /// Writes `group`, and what arrives meanwhile, in one transaction. Each operation has a savepoint.
    async fn write_group(&mut self, group: &mut Vec<Queued>) -> Result<(), sqlx::Error> {
        while group.len() < GROUP
            && let Ok(next) = self.waiting.try_recv()
        {
            group.push(next);
        }
        if !JOIN_LATE {
            group.sort_by_key(|queued| queued.run.map(|run| run.0));
        }
        self.begin().await?;
        // There is one after `begin`.
        let Some(conn) = &mut self.conn else { return Err(sqlx::Error::PoolClosed) };
        let mut idx = 0;
        loop {
            let keep = group[idx].operation.perform(conn).await;
            idx += 1;
            if JOIN_LATE
                && idx == group.len()
                && idx < GROUP
                && let Ok(next) = self.waiting.try_recv()
            {
                group.push(next);
            }
            match (keep, idx < group.len()) {
                (true, false) => return control(conn, "COMMIT").await,
                (false, false) => return control(conn, "ROLLBACK TO operation; COMMIT").await,
                (true, true) => control(conn, "RELEASE operation; SAVEPOINT operation").await?,
                (false, true) => control(conn, "ROLLBACK TO operation").await?,
            }
        }
    }

    /// Begins a transaction. A connection that the server has ended meanwhile, as it does when it is
    /// started anew, is found dead by the first statement: nothing was done on it, so it is replaced and
    /// nobody is told.
    async fn begin(&mut self) -> Result<(), sqlx::Error> {
        if let Some(conn) = &mut self.conn {
            // Two statements in one text cost one trip to the database.
            match control(conn, BEGIN).await {
                Err(error) if is_dead(&error) => {
                    tracing::debug!(%error, "a connection was found dead and is replaced");
                    self.conn = None;
                }
                begun => return begun,
            }
        }
        let conn = self.conn.insert(self.options.connect().await?);
        control(conn, BEGIN).await
    }

    /// After a group that failed: undoes what is left of it, or gives the connection up.
    async fn clear_up(&mut self) {
        let Some(conn) = &mut self.conn else { return };
        let undo = async {
            // SQLite may have rolled back by itself, in which case this is refused.
            if let Err(error) = control(conn, "ROLLBACK").await {
                tracing::debug!(%error, "nothing left to roll back");
            }
            conn.ping().await
        };
        if !matches!(tokio::time::timeout(GROUP_TIME, undo).await, Ok(Ok(()))) {
            tracing::warn!("the connection is given up; the next write opens another one");
            self.conn = None;
        }
    }
}

/// Whether an error means that the connection is gone, not that the statement was refused.
fn is_dead(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_) | sqlx::Error::Protocol(_) | sqlx::Error::WorkerCrashed => true,
        // SQLSTATE: connection exceptions, and a server that shuts down or starts.
        sqlx::Error::Database(error) => {
            error.code().is_some_and(|code| code.starts_with("08") || code.starts_with("57P"))
        }
        _ => false,
    }
}

async fn control(conn: &mut Connection, statements: &'static str) -> Result<(), sqlx::Error> {
    sqlx::raw_sql(statements).execute(conn).await.map(|_| ())
}

impl Signals {
    /// Wakes everybody who waits, and the next one who comes if nobody does.
    pub(super) fn wake(&self, wakes: Wakes) {
        for (signal, wake) in [(&self.steps, wakes.steps), (&self.messages, wakes.messages)] {
            if wake {
                signal.notify_waiters();
                signal.notify_one();
            }
        }
    }
}
