//! The one task that writes, and its group commit.
//!
//! Durability costs one `fsync` for each commit, whatever is in it. So operations that arrive while
//! a commit is under way are written together by the next one: no timer is needed, a lone operation
//! never waits, and under load the groups fill by themselves.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use async_trait::async_trait;
use spotwright_core::ports::step_store::StoreError;
use tokio::sync::{Notify, mpsc, oneshot};

use super::Connection;
use crate::convert::database;

/// Most operations in one commit.
const GROUP: usize = 64;

/// Operations that may wait before callers are held back.
const QUEUE: usize = 1024;

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

/// Queues operations for the writer task, which ends when this is dropped.
#[derive(Debug)]
pub(super) struct Writer {
    queue: mpsc::Sender<Box<dyn Operation>>,
}

impl Writer {
    /// Starts the writer task on a connection of its own.
    pub(super) fn start(conn: Connection, signals: Arc<Signals>) -> Self {
        let (queue, waiting) = mpsc::channel(QUEUE);
        tokio::spawn(write_groups(conn, waiting, signals));
        Self { queue }
    }

    /// Runs `work` in a group and answers once the group is durable.
    ///
    /// An error of `work` undoes `work` alone. Dropping the future does not take the operation out
    /// of the queue: its outcome is then unknown to the caller.
    pub(super) async fn write<T, F>(&self, wakes: Wakes, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: for<'c> FnOnce(&'c mut Connection) -> Work<'c, T> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let task = Task { work: Some(work), outcome: None, wakes, reply };
        let ended = || StoreError::Database("the writer has ended".to_owned());
        self.queue.send(Box::new(task)).await.map_err(|_| ended())?;
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

async fn write_groups(
    mut conn: Connection,
    mut waiting: mpsc::Receiver<Box<dyn Operation>>,
    signals: Arc<Signals>,
) {
    let mut group = Vec::with_capacity(GROUP);
    while let Some(first) = waiting.recv().await {
        group.push(first);
        let outcome = write_group(&mut conn, &mut group, &mut waiting).await;
        if let Err(error) = &outcome {
            tracing::warn!(%error, operations = group.len(), "a group of writes was not committed");
            // SQLite may have rolled back by itself, in which case this is refused.
            if let Err(error) = sqlx::query("ROLLBACK").execute(&mut conn).await {
                tracing::debug!(%error, "nothing left to roll back");
            }
        }
        let outcome = outcome.map_err(database);
        let mut wakes = Wakes::default();
        for operation in group.drain(..) {
            let more = operation.answer(outcome.clone());
            wakes = Wakes { steps: wakes.steps || more.steps, messages: wakes.messages || more.messages };
        }
        if wakes.steps {
            wake(&signals.steps);
        }
        if wakes.messages {
            wake(&signals.messages);
        }
    }
}

/// Writes `group`, and what arrives meanwhile, in one transaction. Each operation has a savepoint.
async fn write_group(
    conn: &mut Connection,
    group: &mut Vec<Box<dyn Operation>>,
    waiting: &mut mpsc::Receiver<Box<dyn Operation>>,
) -> Result<(), sqlx::Error> {
    // Two statements in one text cost one trip to the connection's thread.
    control(conn, "BEGIN IMMEDIATE; SAVEPOINT operation").await?;
    let mut idx = 0;
    loop {
        let keep = group[idx].perform(conn).await;
        idx += 1;
        let next = if idx < GROUP { waiting.try_recv().ok() } else { None };
        match (keep, next) {
            (true, None) => return control(conn, "COMMIT").await,
            (false, None) => return control(conn, "ROLLBACK TO operation; COMMIT").await,
            (true, Some(operation)) => {
                group.push(operation);
                control(conn, "RELEASE operation; SAVEPOINT operation").await?;
            }
            (false, Some(operation)) => {
                group.push(operation);
                control(conn, "ROLLBACK TO operation").await?;
            }
        }
    }
}

async fn control(conn: &mut Connection, statements: &'static str) -> Result<(), sqlx::Error> {
    sqlx::query(statements).execute(conn).await.map(|_| ())
}

/// Wakes everybody who waits, and the next one who comes if nobody does.
fn wake(signal: &Notify) {
    signal.notify_waiters();
    signal.notify_one();
}
