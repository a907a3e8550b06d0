//! Keeps one connection to the broker, and makes it anew whenever it is lost.
//!
//! The client library's own recovery is not used: with it, single waits never end. Here any error
//! and any silence ends the whole connection; whoever used it waits for the next.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::StreamExt as _;
use lapin::{Connection, Event};
use spotwright_schemas::random::Stream;
use tokio::sync::{Semaphore, watch};
use tokio::time::Instant;

use super::broker::{self, BrokerError, Meaning};
use super::counters::{BusCounters, Count};
use super::topology::{FeedbackRouting, Topology};
use super::{ConnectError, RabbitOptions};

/// What all parts of one bus share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) options: RabbitOptions,
    pub(super) topology: Topology,
    pub(super) counters: BusCounters,
    /// One declaration at a time: concurrent declarations of one quorum queue disturb each other.
    declaring: Semaphore,
    /// Whether the publisher chooses the feedback shard, because the broker cannot.
    direct_feedback: AtomicBool,
    closed: watch::Sender<bool>,
}

impl Shared {
    pub(super) fn new(options: RabbitOptions, topology: Topology) -> Self {
        Self {
            options,
            topology,
            counters: BusCounters::default(),
            declaring: Semaphore::new(1),
            direct_feedback: AtomicBool::new(false),
            closed: watch::Sender::new(false),
        }
    }

    pub(super) fn close(&self) {
        self.closed.send_replace(true);
    }

    pub(super) fn is_closed(&self) -> bool {
        *self.closed.borrow()
    }

    /// Waits until the bus is closed.
    pub(super) async fn closed(&self) {
        let mut closed = self.closed.subscribe();
        // The sender is in `self`, so this cannot fail; and there is nothing to do if it did.
        drop(closed.wait_for(|closed| *closed).await);
    }

    pub(super) fn routing(&self) -> FeedbackRouting {
        if self.direct_feedback.load(Ordering::Acquire) {
            FeedbackRouting::Direct
        } else {
            FeedbackRouting::ConsistentHash
        }
    }
}

/// One connection, and its number among the link's.
#[derive(Debug, Clone)]
pub(super) struct Session {
    pub(super) epoch: u64,
    pub(super) connection: Arc<Connection>,
}

/// Why there is no connection.
#[derive(Debug, Clone)]
struct Trouble {
    why: String,
    meaning: Meaning,
    /// How often in a row the same was meant.
    times: u32,
}

/// An address counts as wrong once the broker has refused it this often: one that is just starting may
/// not know its users and virtual hosts yet.
const REFUSALS: u32 = 3;

impl Trouble {
    fn passing(why: &str) -> Self {
        Self { why: why.to_owned(), meaning: Meaning::Passing, times: 1 }
    }
}

#[derive(Debug, Clone)]
enum State {
    /// Not connected, and why.
    Down(Trouble),
    Up(Session),
    Closed,
}

/// A handle on the connection of one role.
#[derive(Debug, Clone)]
pub(super) struct Link {
    state: Arc<watch::Sender<State>>,
    /// The latest session somebody found broken.
    broken: Arc<watch::Sender<u64>>,
}

impl Link {
    /// Starts to connect, as `role`, which tells connections apart for operators.
    pub(super) fn start(shared: Arc<Shared>, role: &'static str) -> Self {
        let link = Self {
            state: Arc::new(watch::Sender::new(State::Down(Trouble {
                why: "nothing answers".to_owned(),
                meaning: Meaning::Unreachable,
                times: 0,
            }))),
            broken: Arc::new(watch::Sender::new(0)),
        };
        tokio::spawn(supervise(shared, link.clone(), role));
        link
    }

    /// Waits for a session later than number `epoch`; `None` once the bus is closed. Cancel-safe.
    pub(super) async fn session_after(&self, epoch: u64) -> Option<Session> {
        let mut states = self.state.subscribe();
        let usable = |state: &State| match state {
            State::Down(_) => false,
            State::Up(session) => session.epoch > epoch,
            State::Closed => true,
        };
        match &*states.wait_for(usable).await.ok()? {
            State::Up(session) => Some(session.clone()),
            State::Down(_) | State::Closed => None,
        }
    }

    /// Waits for the first session, until `deadline`; until `reachable_by` only while nobody answers,
    /// and no longer than it takes to know that the address is wrong.
    pub(super) async fn first_session(
        &self,
        reachable_by: Instant,
        deadline: Instant,
    ) -> Result<(), ConnectError> {
        let mut states = self.state.subscribe();
        loop {
            let trouble = match &*states.borrow_and_update() {
                State::Up(_) => return Ok(()),
                State::Closed => return Err(ConnectError::Unavailable("the bus is closed".to_owned())),
                State::Down(trouble) => trouble.clone(),
            };
            let until = match trouble.meaning {
                Meaning::Address(advice) if trouble.times >= REFUSALS => {
                    return Err(ConnectError::Address(format!("{}; {advice}", trouble.why)));
                }
                Meaning::Unreachable => reachable_by.min(deadline),
                Meaning::Address(_) | Meaning::Passing => deadline,
            };
            if tokio::time::timeout_at(until, states.changed()).await.is_err() {
                return Err(ConnectError::Unavailable(trouble.why));
            }
        }
    }

    /// Why there is no connection, if there is none.
    pub(super) fn trouble(&self) -> Option<String> {
        match &*self.state.borrow() {
            State::Down(trouble) => Some(trouble.why.clone()),
            State::Up(_) => None,
            State::Closed => Some("the bus is closed".to_owned()),
        }
    }

    /// Ends a session that does not work any more.
    pub(super) fn report_broken(&self, epoch: u64) {
        self.broken.send_if_modified(|latest| {
            let later = epoch > *latest;
            if later {
                *latest = epoch;
            }
            later
        });
    }
}

async fn supervise(shared: Arc<Shared>, link: Link, role: &'static str) {
    let options = &shared.options;
    let jitter = Stream::new(options.seed, role);
    let mut epoch = 0_u64;
    let mut tries = 0_u64;
    let mut failures = 0_u32;
    let mut last: Option<(Meaning, u32)> = None;
    while !shared.is_closed() {
        tries += 1;
        let made = tokio::select! {
            made = establish(&shared, &link, role) => made,
            () = shared.closed() => break,
        };
        let (why, meaning) = match made {
            Ok(connection) => {
                epoch += 1;
                if epoch > 1 {
                    shared.counters.add(Count::Reconnects);
                }
                tracing::info!(role, epoch, "connected to the broker");
                let begin = Instant::now();
                let session = Session { epoch, connection: Arc::new(connection) };
                link.state.send_replace(State::Up(session.clone()));
                let why = hold(&shared, &link, &session).await;
                link.state.send_replace(State::Down(Trouble::passing(&why)));
                // Out of the way: a connection that hangs also hangs while it is closed.
                let limit = options.operation_timeout;
                tokio::spawn(async move { broker::hang_up(&session.connection, limit).await });
                // A connection that held longer than the wait before it does not count as a failure.
                if begin.elapsed() > backoff(options, failures, 1.0) {
                    failures = 0;
                }
                (why, Meaning::Passing)
            }
            Err(error) => (error.to_string(), error.meaning()),
        };
        let times = last.filter(|(before, _)| *before == meaning).map_or(1, |(_, times)| times + 1);
        last = Some((meaning, times));
        if shared.is_closed() {
            break;
        }
        let wait = backoff(options, failures, jitter.uniform(tries));
        failures = failures.saturating_add(1);
        let wait_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
        tracing::warn!(role, why, wait_ms, "no connection to the broker");
        link.state.send_replace(State::Down(Trouble { why, meaning, times }));
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = shared.closed() => break,
        }
    }
    link.state.send_replace(State::Closed);
}

/// Wait before try number `failures` + 1: doubled each time, of which a random half is taken off, so
/// that processes do not come back in step.
fn backoff(options: &RabbitOptions, failures: u32, uniform: f64) -> Duration {
    let doubled = options.shortest_backoff.saturating_mul(1_u32 << failures.min(20));
    doubled.min(options.longest_backoff).mul_f64(0.5 + uniform / 2.0)
}

/// Connects and declares the topology.
async fn establish(shared: &Shared, link: &Link, role: &str) -> Result<Connection, BrokerError> {
    let options = &shared.options;
    let connection = broker::connect(options, role).await?;
    // Declaring takes its time on a busy broker, which has answered after all.
    link.state.send_replace(State::Down(Trouble::passing("the queues are not declared yet")));
    // The semaphore is never closed, so there is always a permit in the end.
    let _turn = shared.declaring.acquire().await;
    match broker::declare(&connection, options, &shared.topology, shared.routing()).await {
        Ok(()) => Ok(connection),
        Err(error)
            if broker::lacks_consistent_hash(&error) && !shared.direct_feedback.load(Ordering::Acquire) =>
        {
            tracing::warn!(%error, "the broker has no consistent-hash exchange for feedback: the publisher chooses the shard");
            shared.direct_feedback.store(true, Ordering::Release);
            broker::hang_up(&connection, options.operation_timeout).await;
            let connection = broker::connect(options, role).await?;
            broker::declare(&connection, options, &shared.topology, shared.routing()).await?;
            Ok(connection)
        }
        Err(error) => {
            broker::hang_up(&connection, options.operation_timeout).await;
            Err(error)
        }
    }
}

/// Waits until the session is of no more use, and says why.
async fn hold(shared: &Shared, link: &Link, session: &Session) -> String {
    let options = &shared.options;
    let mut events = Box::pin(session.connection.events_listener());
    let mut broken = link.broken.subscribe();
    let control = match broker::open_channel(&session.connection, options).await {
        Ok(channel) => channel,
        Err(error) => return error.to_string(),
    };
    let mut pulse = tokio::time::interval_at(Instant::now() + options.heartbeat, options.heartbeat);
    loop {
        tokio::select! {
            () = shared.closed() => return "the bus is closed".to_owned(),
            () = found_broken(&mut broken, session.epoch) => return "a user found it broken".to_owned(),
            event = events.next() => match event {
                Some(Event::Error(error)) => return error.to_string(),
                Some(Event::ConnectionBlocked(why)) => tracing::warn!(why, "the broker takes no messages now"),
                Some(_) => {}
                None => return "the connection ended".to_owned(),
            },
            // Consumers that wait for messages would not notice a network that swallows everything.
            _ = pulse.tick() => {
                if let Err(error) = broker::probe(&control, options.operation_timeout).await {
                    return error.to_string();
                }
            }
        }
    }
}

/// Waits until somebody finds session number `epoch` broken.
async fn found_broken(broken: &mut watch::Receiver<u64>, epoch: u64) {
    // The sender is in the link, which outlives this wait.
    drop(broken.wait_for(|latest| *latest >= epoch).await);
}
