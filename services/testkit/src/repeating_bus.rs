//! A bus that delivers everything about three times, long after and in any order.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use spotwright_core::ports::event_bus::{BusError, EventBus, Subscription};
use spotwright_core::ports::step_store::OutboxMessage;
use spotwright_schemas::ids::MessageId;
use spotwright_schemas::random::Stream;

/// With every message it publishes two that it published before, of whichever run they are.
pub struct RepeatingBus {
    inner: Arc<dyn EventBus>,
    stream: Stream,
    published: Mutex<Vec<OutboxMessage>>,
}

impl RepeatingBus {
    /// Repeats what goes to `inner`; `seed` chooses what is repeated when.
    #[must_use]
    pub fn new(inner: Arc<dyn EventBus>, seed: u64) -> Self {
        Self { inner, stream: Stream::new(seed, "repeated messages"), published: Mutex::default() }
    }

    /// How many messages were published; twice as many were repeated.
    #[must_use]
    pub fn published(&self) -> usize {
        self.published.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Notes a message, and chooses two of those that are known by now.
    fn note(&self, message: &OutboxMessage) -> [OutboxMessage; 2] {
        let mut published = self.published.lock().unwrap_or_else(PoisonError::into_inner);
        published.push(message.clone());
        let chance = self.stream.child(published.len() as u64);
        [0, 1].map(|which| published[chance.below(which, published.len())].clone())
    }
}

#[async_trait]
impl EventBus for RepeatingBus {
    async fn publish(&self, message: OutboxMessage) -> Result<MessageId, BusError> {
        let repeated = self.note(&message);
        let id = self.inner.publish(message).await?;
        for message in repeated {
            self.inner.publish(message).await?;
        }
        Ok(id)
    }

    async fn subscribe(&self, consumer: &str) -> Result<Box<dyn Subscription>, BusError> {
        self.inner.subscribe(consumer).await
    }
}
