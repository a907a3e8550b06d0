//! Hearing of messages: a consumer that changes no run, and is told of each message once.

use std::sync::Arc;

use async_trait::async_trait;
use spotwright_schemas::Problem;
use spotwright_schemas::error::Code;
use spotwright_schemas::event::Event;

use super::Shutdown;
use super::engine::RETRY_DELAY;
use crate::domain::run::RunView;
use crate::ports::event_bus::{Delivery, EventBus, Verdict};
use crate::ports::step_store::{Commit, Consumed, OutboxMessage, StepStore, StoreError};

/// Hears of messages.
#[async_trait]
pub trait MessageListener: Send + Sync {
    /// Is told of a message, once: it is on record that it was, whatever becomes of this.
    async fn heard(&self, run: &RunView, event: &Event);
}

/// Tells a listener of every message of one consumer.
pub struct Hearing {
    /// Where it is noted that a message was heard.
    pub store: Arc<dyn StepStore>,
    /// Where messages come from.
    pub bus: Arc<dyn EventBus>,
    /// The consumer.
    pub consumer: &'static str,
    /// Who hears of them.
    pub listener: Arc<dyn MessageListener>,
}

impl Hearing {
    /// Listens until told to stop.
    ///
    /// # Errors
    /// [`Code::Store`] when the queue cannot be opened.
    pub async fn run(self, mut shutdown: Shutdown) -> Result<(), Problem> {
        let opened = self.bus.subscribe(self.consumer).await;
        let mut messages = opened.map_err(|error| Problem::new(Code::Store, "", error.to_string()))?;
        loop {
            let next = tokio::select! {
                () = shutdown.wait() => return Ok(()),
                next = messages.next() => next,
            };
            match next {
                Ok(delivery) => self.hear(delivery).await,
                Err(error) => {
                    tracing::warn!(%error, consumer = self.consumer, "consumer ends");
                    shutdown.wait().await;
                }
            }
        }
    }

    async fn hear(&self, delivery: Box<dyn Delivery>) {
        let verdict = loop {
            match self.take(delivery.message()).await {
                // The run has moved on since it was read.
                Err(StoreError::Conflict) => {}
                Err(StoreError::Missing(what)) => break Verdict::Dead(what),
                Err(error) => {
                    tracing::debug!(%error, consumer = self.consumer, "a message is heard later");
                    break Verdict::Retry(RETRY_DELAY);
                }
                Ok(()) => break Verdict::Ack,
            }
        };
        delivery.settle(verdict);
    }

    async fn take(&self, message: &OutboxMessage) -> Result<(), StoreError> {
        let run = self.store.run(message.event.subject).await?;
        let noted = self
            .store
            .consume(&message.consumer, &[message.id], run.id, run.version, Commit::default())
            .await?;
        if noted == Consumed::Applied {
            metrics::counter!("spotwright_messages_consumed_total", "consumer" => message.consumer.clone())
                .increment(1);
            self.listener.heard(&run, &message.event).await;
        }
        Ok(())
    }
}
