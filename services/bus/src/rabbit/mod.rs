//! The event bus over RabbitMQ, for processes that share work.
//!
//! # Topology
//! See [`topology`]. Whoever connects declares all of it: durable exchanges, quorum queues with a
//! delivery limit, a ladder of retry queues for each work queue, and one queue of dead letters.
//!
//! # Promises
//! - A message is confirmed when a quorum queue has it on disk. One that no queue takes is
//!   [`BusError::Unroutable`]; one that a full queue refuses is [`BusError::Unavailable`].
//! - [`Subscription::next`] survives the loss of the connection; what was in hand comes again. It
//!   ends when the bus is closed.
//! - A retry or a dead letter is published with confirmation before the delivery is acknowledged, so
//!   that a crash in between repeats a message and never loses one.
//! - Within a run, feedback arrives in the order of publishing as long as nothing is retried or
//!   redelivered.
//!
//! It does not remove duplicates (the inbox does) and keeps nothing itself (the outbox does).
//!
//! # Example
//! ```no_run
//! use spotwright_bus::rabbit::{RabbitBus, RabbitOptions};
//! use spotwright_core::ports::event_bus::{EventBus, Verdict};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let bus = RabbitBus::connect(RabbitOptions::new("amqp://127.0.0.1:5672/%2f")).await?;
//! let mut queue = bus.subscribe("agent.creative-requested").await?;
//! queue.next().await?.settle(Verdict::Ack);
//! assert_eq!(bus.counters().read().returned, 0);
//! # Ok(())
//! # }
//! ```

mod broker;
mod counters;
mod dead_letters;
mod envelope;
mod link;
mod publisher;
mod subscription;
pub mod topology;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use spotwright_core::ports::event_bus::{BusError, EventBus, Subscription};
use spotwright_core::ports::step_store::OutboxMessage;
use spotwright_schemas::ids::MessageId;
use tokio::time::Instant;

pub use counters::{BusCounters, BusCounts};
pub use dead_letters::{DeadLetter, DeadLetters, Selection};

/// Names of the headers of messages.
pub mod headers {
    pub use super::envelope::{ATTEMPT, ORGANIZATION, ORIGIN, REASON, SEQUENCE, TRACE_PARENT, WAIT};
}

use envelope::Envelope;
use link::{Link, Shared};
use publisher::Publisher;
use subscription::{RabbitSubscription, Reader};
use topology::{Topology, TopologyOptions};

/// How to reach RabbitMQ and what to declare there.
#[derive(Clone, PartialEq)]
pub struct RabbitOptions {
    /// `amqp://user:password@host:port/virtual-host`, or `amqps://…` for TLS, which is never given up;
    /// the default virtual host is `%2f`.
    pub url: String,
    /// Certificates of private authorities, as PEM, that are trusted beside the system's.
    pub authorities: Option<String>,
    /// Names and limits of exchanges and queues.
    pub topology: TopologyOptions,
    /// Longest wait of [`RabbitBus::connect`]: for the broker to answer, and for all queues to be
    /// declared. The first declaration takes seconds, on a busy machine tens of them.
    pub start_timeout: Duration,
    /// Longest wait of [`RabbitBus::connect`] while nobody answers at the address; at most
    /// `start_timeout` counts.
    pub reach_timeout: Duration,
    /// Longest wait for a single connection, handshake included.
    pub connect_timeout: Duration,
    /// Longest wait for any single answer of the broker; then the connection counts as lost.
    pub operation_timeout: Duration,
    /// Longest wait of a publisher, waiting for a connection included.
    pub publish_timeout: Duration,
    /// How often each side shows that it is there, in whole seconds from 1 s to 1 h. Silence of two
    /// of these ends the connection.
    pub heartbeat: Duration,
    /// Most messages in the hands of one subscription, by consumer; [`RabbitOptions::prefetch_of`]
    /// has the values of those not named here.
    pub prefetch: BTreeMap<String, u16>,
    /// First wait after a lost connection; doubled with each further loss.
    pub shortest_backoff: Duration,
    /// Longest wait after a lost connection.
    pub longest_backoff: Duration,
    /// Seed of the random part of the waits; should differ between processes.
    pub seed: u64,
}

impl RabbitOptions {
    /// The usual values.
    #[must_use]
    pub fn new(url: &str) -> Self {
        Self {
            url: url.to_owned(),
            authorities: None,
            topology: TopologyOptions::default(),
            start_timeout: Duration::from_secs(90),
            reach_timeout: Duration::from_secs(90),
            connect_timeout: Duration::from_secs(10),
            operation_timeout: Duration::from_secs(6),
            publish_timeout: Duration::from_secs(15),
            heartbeat: Duration::from_secs(10),
            prefetch: BTreeMap::new(),
            shortest_backoff: Duration::from_millis(100),
            longest_backoff: Duration::from_secs(5),
            seed: 0,
        }
    }

    /// Most unacknowledged messages of a subscription to `consumer`, for each of its queues.
    #[must_use]
    pub fn prefetch_of(&self, consumer: &str) -> u16 {
        self.prefetch.get(consumer).copied().unwrap_or(match consumer {
            "agent.creative-requested" => 16,
            // Taking in is one quick commit for all that is in hand of a run.
            _ => 128,
        })
    }
}

impl std::fmt::Debug for RabbitOptions {
    /// Leaves the address out: it holds the password.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RabbitOptions")
            .field("topology", &self.topology)
            .field("connect_timeout", &self.connect_timeout)
            .field("operation_timeout", &self.operation_timeout)
            .field("publish_timeout", &self.publish_timeout)
            .field("heartbeat", &self.heartbeat)
            .finish_non_exhaustive()
    }
}

/// Why there is no bus.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ConnectError {
    /// An option is out of its range (permanent).
    #[error("{0}")]
    Options(String),
    /// The address can never work: malformed, or refused by the broker again and again (permanent).
    /// Repeats no password.
    #[error("{0}")]
    Address(String),
    /// The broker does not answer (retryable).
    #[error("{0}")]
    Unavailable(String),
}

/// Carries messages through RabbitMQ.
///
/// Two connections, made anew whenever they are lost: one publishes, one reads, so that a publisher
/// that the broker slows down does not slow down acknowledgements. Dropping the bus closes it; drop
/// subscriptions first to let their verdicts through.
#[derive(Debug)]
pub struct RabbitBus {
    shared: Arc<Shared>,
    reading: Link,
    publisher: Publisher,
}

impl RabbitBus {
    /// Connects and declares the topology.
    ///
    /// Must be called within a tokio runtime, which carries the bus from then on.
    ///
    /// # Errors
    /// - [`ConnectError::Options`]: an option is out of its range.
    /// - [`ConnectError::Address`]: the address is malformed, or login, virtual host or certificate are
    ///   refused; within seconds.
    /// - [`ConnectError::Unavailable`]: nobody answered within `reach_timeout`, or there was no
    ///   connection within `start_timeout`; with the reason of the last try.
    pub async fn connect(options: RabbitOptions) -> Result<Self, ConnectError> {
        let topology = Topology::new(options.topology.clone()).map_err(ConnectError::Options)?;
        broker::address(&options.url).map_err(ConnectError::Address)?;
        let reachable_by = Instant::now() + options.reach_timeout;
        let deadline = Instant::now() + options.start_timeout;
        let shared = Arc::new(Shared::new(options, topology));
        let publishing = Link::start(Arc::clone(&shared), "publisher");
        let reading = Link::start(Arc::clone(&shared), "reader");
        let publisher = Publisher::start(Arc::clone(&shared), publishing.clone());
        // Closes everything when it is dropped, also on the way out of here.
        let bus = Self { shared, reading, publisher };
        for link in [&publishing, &bus.reading] {
            link.first_session(reachable_by, deadline).await?;
        }
        Ok(bus)
    }

    /// What operators watch.
    #[must_use]
    pub fn counters(&self) -> &BusCounters {
        &self.shared.counters
    }

    /// The dead letters of the same broker and prefix.
    ///
    /// # Errors
    /// [`BusError::Unavailable`]: no connection.
    pub async fn dead_letters(&self) -> Result<DeadLetters, BusError> {
        let opened = DeadLetters::open(self.shared.options.clone()).await;
        opened.map_err(|error| BusError::Unavailable(error.to_string()))
    }

    /// Ends the bus: publishers and subscriptions answer [`BusError::Unavailable`] from now on.
    pub fn close(&self) {
        self.shared.close();
    }
}

impl Drop for RabbitBus {
    fn drop(&mut self) {
        self.close();
    }
}

/// Deletes all exchanges and queues of these options with every message in them, e.g. after a test.
///
/// # Errors
/// [`ConnectError`]; some may be deleted.
pub async fn delete_topology(options: &RabbitOptions) -> Result<(), ConnectError> {
    let topology = Topology::new(options.topology.clone()).map_err(ConnectError::Options)?;
    let unavailable = |error: broker::BrokerError| error.at_start();
    let connection = broker::connect(options, "deletion").await.map_err(unavailable)?;
    let deleted = broker::delete(&connection, options, &topology).await.map_err(unavailable);
    broker::hang_up(&connection, options.operation_timeout).await;
    deleted
}

#[async_trait]
impl EventBus for RabbitBus {
    async fn publish(&self, message: OutboxMessage) -> Result<MessageId, BusError> {
        let address = self.shared.topology.address(&message, self.shared.routing());
        let consumer = message.consumer.clone();
        let envelope = Envelope::of(&message, address, 1)?;
        match self.publisher.publish(envelope).await {
            Ok(()) => Ok(message.id),
            // The consumer says more to the caller than exchange and key.
            Err(BusError::Unroutable(_)) => Err(BusError::Unroutable(consumer)),
            Err(error) => Err(error),
        }
    }

    /// Reads the queues of a consumer; for `agent.feedback` all shards, merged.
    ///
    /// [`BusError::Unroutable`] when the topology has no such consumer. Returns before the broker
    /// has answered: messages wait in their queue in any case.
    async fn subscribe(&self, consumer: &str) -> Result<Box<dyn Subscription>, BusError> {
        if self.shared.is_closed() {
            return Err(BusError::Unavailable("the bus is closed".to_owned()));
        }
        let queues = self.shared.topology.queues_of(consumer);
        if queues.is_empty() {
            return Err(BusError::Unroutable(consumer.to_owned()));
        }
        let reader = |queue| Reader {
            shared: Arc::clone(&self.shared),
            link: self.reading.clone(),
            publisher: self.publisher.clone(),
            consumer: consumer.to_owned(),
            queue,
        };
        Ok(Box::new(RabbitSubscription::start(queues.into_iter().map(reader).collect())))
    }
}
