//! The event bus: carries messages from the outbox to consumers, at least once.

use std::time::Duration;

use async_trait::async_trait;
use spotwright_schemas::ids::MessageId;

use super::step_store::OutboxMessage;

/// Why the bus did not do what was asked.
#[derive(Debug, Clone, thiserror::Error)]
pub enum BusError {
    /// The bus is not reachable, or was closed (retryable by connecting anew).
    #[error("bus: {0}")]
    Unavailable(String),
    /// No consumer takes this message (retryable once there is one).
    #[error("no consumer for {0}")]
    Unroutable(String),
}

/// What a consumer says of a delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Taken in.
    Ack,
    /// Not taken in; deliver again after the delay.
    Retry(Duration),
    /// Never deliver again.
    Dead(String),
}

/// A message handed to a consumer. Dropping it without a verdict delivers it again.
pub trait Delivery: Send + Sync {
    /// The message.
    fn message(&self) -> &OutboxMessage;
    /// How often it was delivered, this time included.
    fn attempt(&self) -> u32;
    /// Says what became of it.
    fn settle(self: Box<Self>, verdict: Verdict);
}

/// A consumer's end of its queue.
#[async_trait]
pub trait Subscription: Send {
    /// The next delivery; waits for one.
    ///
    /// # Errors
    /// [`BusError::Unavailable`] once the bus is closed. Cancel-safe.
    async fn next(&mut self) -> Result<Box<dyn Delivery>, BusError>;
}

/// Carries messages.
///
/// Contract:
/// 1. A confirmed message is delivered until a consumer acknowledges it or gives it up, across
///    crashes of the consumer. (A bus that keeps messages on disk confirms once it has them there.
///    The in-process bus confirms only after the verdict, so that a crash of the process leaves the
///    message unsent in the outbox.)
/// 2. Deliveries may repeat and may change order.
/// 3. A message without a consumer is not confirmed.
/// 4. `Verdict::Retry` delivers again no earlier than the delay.
#[async_trait]
pub trait EventBus: Send + Sync {
    /// Publishes a message and waits for its confirmation.
    ///
    /// # Errors
    /// [`BusError`]; the message may or may not have been delivered.
    async fn publish(&self, message: OutboxMessage) -> Result<MessageId, BusError>;

    /// Opens the queue of a consumer.
    ///
    /// # Errors
    /// [`BusError::Unavailable`]; [`BusError::Unroutable`] when the bus has a fixed set of consumers
    /// and this is none of them.
    async fn subscribe(&self, consumer: &str) -> Result<Box<dyn Subscription>, BusError>;
}
