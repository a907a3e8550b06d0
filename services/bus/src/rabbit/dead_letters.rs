//! Messages that no consumer took: to look at, and to send back.

use std::collections::BTreeSet;
use std::time::Duration;

use lapin::message::BasicGetMessage;
use lapin::options::{
    BasicAckOptions, BasicGetOptions, BasicNackOptions, BasicPublishOptions, ConfirmSelectOptions,
    QueueDeclareOptions,
};
use lapin::types::FieldTable;
use lapin::{BasicProperties, Channel, Confirmation, Connection};
use spotwright_core::ports::event_bus::BusError;

use super::broker::{self, BrokerError, within};
use super::envelope::{self, Envelope};
use super::topology::Topology;
use super::{ConnectError, RabbitOptions};

/// How often to look whether the queue has taken messages back; together at most one second.
const RETURN_LOOKS: u32 = 50;
/// Wait between two of these looks.
const RETURN_WAIT: Duration = Duration::from_millis(20);

/// A message that nobody takes any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetter {
    /// Its id; empty when it came without one.
    pub message: String,
    /// The work queue it comes from, without the prefix; empty when that is not known.
    pub queue: String,
    /// Why: the consumer's words, or the broker's, e.g. `delivery_limit`.
    pub reason: String,
    /// How often it was delivered.
    pub attempts: u32,
    /// CloudEvents type; empty when the body is not an event.
    pub event_type: String,
    /// The run; empty when the body is not an event.
    pub subject: String,
}

/// Which dead letters are meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selection {
    /// All that are there at the beginning.
    All,
    /// Those with these message ids.
    Messages(BTreeSet<String>),
}

/// A connection to the queue of dead letters, apart from any bus.
#[derive(Debug)]
pub struct DeadLetters {
    connection: Connection,
    options: RabbitOptions,
    topology: Topology,
}

fn unavailable(error: &BrokerError) -> BusError {
    BusError::Unavailable(error.to_string())
}

impl DeadLetters {
    /// Connects; declares nothing.
    ///
    /// # Errors
    /// [`ConnectError`]: no connection, or options out of their range.
    pub async fn open(options: RabbitOptions) -> Result<Self, ConnectError> {
        let topology = Topology::new(options.topology.clone()).map_err(ConnectError::Options)?;
        let connection = broker::connect(&options, "dead letters").await.map_err(|error| error.at_start())?;
        Ok(Self { connection, options, topology })
    }

    /// At most `limit` dead letters, the oldest first unless somebody looked before; they stay.
    ///
    /// While it looks, others see them missing. Those looked at come behind the rest, so a second
    /// look with a small `limit` shows others.
    ///
    /// # Errors
    /// [`BusError::Unavailable`]: the connection was lost, or the topology was never declared.
    pub async fn list(&self, limit: usize) -> Result<Vec<DeadLetter>, BusError> {
        self.look(limit).await.map_err(|error| unavailable(&error))
    }

    async fn look(&self, limit: usize) -> Result<Vec<DeadLetter>, BrokerError> {
        let channel = broker::open_channel(&self.connection, &self.options).await?;
        let (mut letters, mut tags) = (Vec::new(), Vec::new());
        while letters.len() < limit {
            let Some(message) = self.get(&channel).await? else { break };
            letters.push(self.describe(&message));
            tags.push(message.delivery_tag);
        }
        self.put_back(&channel, &tags).await?;
        Ok(letters)
    }

    /// Sends dead letters back to the queue they come from, as if never delivered, and says how
    /// many. A message whose queue is not known, or is no more, stays.
    ///
    /// Safe to repeat. A crash in between repeats a message, which the inbox drops.
    ///
    /// # Errors
    /// [`BusError::Unavailable`]: the connection was lost; some may have been sent back.
    pub async fn replay(&self, selection: &Selection) -> Result<usize, BusError> {
        self.send_back(selection).await.map_err(|error| unavailable(&error))
    }

    async fn send_back(&self, selection: &Selection) -> Result<usize, BrokerError> {
        let limit = self.options.operation_timeout;
        let channel = broker::open_channel(&self.connection, &self.options).await?;
        let publishing = broker::open_channel(&self.connection, &self.options).await?;
        within(limit, publishing.confirm_select(ConfirmSelectOptions::default())).await?;
        let (mut n_sent, mut kept, mut seen) = (0, Vec::new(), BTreeSet::new());
        while let Some(message) = self.get(&channel).await? {
            let id = envelope::id_of(&message.properties);
            let chosen = match selection {
                Selection::All => true,
                Selection::Messages(ids) => ids.contains(&id),
            };
            // What was sent back and died again meanwhile waits for the next time, so that this ends.
            let mark = if id.is_empty() { blake3::hash(&message.data).to_string() } else { id.clone() };
            let chosen = chosen && seen.insert(mark);
            let tag = message.delivery_tag;
            if !chosen || !self.send_one_back(&publishing, &message, &id).await? {
                kept.push(tag);
            } else {
                within(limit, channel.basic_ack(tag, BasicAckOptions::default())).await?;
                n_sent += 1;
            }
        }
        self.put_back(&channel, &kept).await?;
        Ok(n_sent)
    }

    /// Publishes to the origin, one message at a time: so a return can only be its own.
    async fn send_one_back(
        &self,
        channel: &Channel,
        message: &BasicGetMessage,
        id: &str,
    ) -> Result<bool, BrokerError> {
        let limit = self.options.operation_timeout;
        let Some((queue, _)) = origin(&message.properties) else {
            tracing::warn!(message.id = id, "the queue of a dead letter is not known");
            return Ok(false);
        };
        let address = self.topology.requeue(&queue);
        let envelope = match envelope::read(self.topology.short_name(&queue), &message.data) {
            Ok(event) => {
                Envelope::of(&event, address, 1).map_err(|error| BrokerError::Refused(error.to_string()))?
            }
            Err(_) => Envelope::raw(id, address, message.data.clone()),
        };
        let refused = |error: BusError| BrokerError::Refused(error.to_string());
        let exchange = envelope::short(&envelope.address.exchange).map_err(refused)?;
        let key = envelope::short(&envelope.address.key).map_err(refused)?;
        let options = BasicPublishOptions { mandatory: true, immediate: false };
        let published = channel.basic_publish(exchange, key, options, &envelope.body, envelope.properties);
        let confirm = within(limit, published).await?;
        match within(limit, confirm).await? {
            Confirmation::Ack(None) => Ok(true),
            answer => {
                let returned = answer.take_message().is_some();
                tracing::warn!(message.id = id, queue, returned, "the queue does not take the message back");
                Ok(false)
            }
        }
    }

    async fn get(&self, channel: &Channel) -> Result<Option<BasicGetMessage>, BrokerError> {
        let limit = self.options.operation_timeout;
        within(limit, channel.basic_get(self.dead_queue()?, BasicGetOptions::default())).await
    }

    fn dead_queue(&self) -> Result<lapin::types::ShortString, BrokerError> {
        envelope::short(&self.topology.dead_queue()).map_err(|error| BrokerError::Refused(error.to_string()))
    }

    /// Puts back what was looked at on this channel, in its order, and closes it.
    async fn put_back(&self, channel: &Channel, tags: &[u64]) -> Result<(), BrokerError> {
        let limit = self.options.operation_timeout;
        let again = BasicNackOptions { multiple: false, requeue: true };
        for tag in tags {
            within(limit, channel.basic_nack(*tag, again)).await?;
        }
        // The queue takes them back a little later; who looks again at once should find them.
        let passive = QueueDeclareOptions { passive: true, durable: true, ..Default::default() };
        for _ in 0..RETURN_LOOKS {
            let asked = channel.queue_declare(self.dead_queue()?, passive, FieldTable::default());
            if within(limit, asked).await?.message_count() as usize >= tags.len() {
                break;
            }
            tokio::time::sleep(RETURN_WAIT).await;
        }
        within(limit, channel.close(200, "looked".into())).await
    }

    fn describe(&self, message: &BasicGetMessage) -> DeadLetter {
        let (queue, reason) = origin(&message.properties).unwrap_or_default();
        let queue = self.topology.short_name(&queue).to_owned();
        let (event_type, subject) = match envelope::read(&queue, &message.data) {
            Ok(message) => (message.event.payload.event_type().to_owned(), message.event.subject.to_string()),
            Err(_) => Default::default(),
        };
        DeadLetter {
            message: envelope::id_of(&message.properties),
            queue,
            reason,
            attempts: attempts(&message.properties, self.options.topology.delivery_limit),
            event_type,
            subject,
        }
    }
}

/// Full name of the queue a dead letter comes from, and why.
fn origin(properties: &BasicProperties) -> Option<(String, String)> {
    let said =
        (envelope::string(properties, envelope::ORIGIN), envelope::string(properties, envelope::REASON));
    match said {
        (Some(queue), Some(reason)) => Some((queue, reason)),
        _ => envelope::latest_death(properties),
    }
}

/// How often a dead letter was delivered, where `delivery_limit` is the limit of its queue. The
/// broker's own count is of no use: once dead, it counts how often somebody looked.
fn attempts(properties: &BasicProperties, delivery_limit: u32) -> u32 {
    let queued = envelope::number(properties, envelope::ATTEMPT).unwrap_or(1);
    let queued = u32::try_from(queued.max(1)).unwrap_or(u32::MAX);
    let given_up = envelope::string(properties, envelope::REASON).is_some();
    match envelope::latest_death(properties) {
        Some((_, reason)) if !given_up && reason == "delivery_limit" => queued.saturating_add(delivery_limit),
        _ => queued,
    }
}
