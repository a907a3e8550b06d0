//! Consumers: one task for each queue of a subscription, which survives reconnections.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::StreamExt as _;
use lapin::options::{
    BasicAckOptions, BasicCancelOptions, BasicConsumeOptions, BasicNackOptions, BasicQosOptions,
};
use lapin::types::FieldTable;
use lapin::{BasicProperties, Channel, Consumer};
use spotwright_core::ports::event_bus::{BusError, Delivery, Subscription, Verdict};
use spotwright_core::ports::step_store::OutboxMessage;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::broker::{self, BrokerError, within};
use super::counters::Count;
use super::envelope::{self, Envelope};
use super::link::{Link, Session, Shared};
use super::publisher::Publisher;

/// Wait before a retry or a dead letter is published once more.
const PUBLISH_AGAIN: Duration = Duration::from_millis(200);

/// A consumer's end, fed by the tasks of its queues.
#[derive(Debug)]
pub(super) struct RabbitSubscription {
    deliveries: mpsc::UnboundedReceiver<RabbitDelivery>,
}

/// Reads one queue.
#[derive(Debug, Clone)]
pub(super) struct Reader {
    pub(super) shared: Arc<Shared>,
    pub(super) link: Link,
    pub(super) publisher: Publisher,
    pub(super) consumer: String,
    /// Full name.
    pub(super) queue: String,
}

impl RabbitSubscription {
    /// Starts a reader for each queue; they end when the subscription is dropped and all its
    /// deliveries have their verdict.
    pub(super) fn start(readers: Vec<Reader>) -> Self {
        // Bounded by the number of unacknowledged messages the broker hands out.
        let (sender, deliveries) = mpsc::unbounded_channel();
        for reader in readers {
            tokio::spawn(reader.run(sender.clone()));
        }
        Self { deliveries }
    }
}

#[async_trait]
impl Subscription for RabbitSubscription {
    async fn next(&mut self) -> Result<Box<dyn Delivery>, BusError> {
        loop {
            match self.deliveries.recv().await {
                // The broker delivers again what was not settled on a lost connection.
                Some(delivery) if !delivery.alive.load(Ordering::Acquire) => {}
                Some(delivery) => return Ok(Box::new(delivery)),
                None => return Err(BusError::Unavailable("the bus is closed".to_owned())),
            }
        }
    }
}

/// A message in the hands of its consumer.
#[derive(Debug)]
struct RabbitDelivery {
    tag: u64,
    message: OutboxMessage,
    attempt: u32,
    /// Whether the channel it came on still is.
    alive: Arc<AtomicBool>,
    /// Taken by the verdict.
    verdicts: Option<mpsc::UnboundedSender<Settled>>,
}

/// What a consumer said.
#[derive(Debug)]
enum Settled {
    Verdict(u64, Box<OutboxMessage>, u32, Verdict),
    /// Dropped without a verdict.
    Dropped(u64),
}

impl Delivery for RabbitDelivery {
    fn message(&self) -> &OutboxMessage {
        &self.message
    }

    fn attempt(&self) -> u32 {
        self.attempt
    }

    fn settle(mut self: Box<Self>, verdict: Verdict) {
        if let Some(verdicts) = self.verdicts.take() {
            let settled = Settled::Verdict(self.tag, Box::new(self.message.clone()), self.attempt, verdict);
            tell(&verdicts, settled);
        }
    }
}

impl Drop for RabbitDelivery {
    fn drop(&mut self) {
        if let Some(verdicts) = self.verdicts.take() {
            tell(&verdicts, Settled::Dropped(self.tag));
        }
    }
}

fn tell(verdicts: &mpsc::UnboundedSender<Settled>, settled: Settled) {
    if verdicts.send(settled).is_err() {
        tracing::debug!("a verdict came after its connection was lost; the message comes again");
    }
}

/// How the reading of one session ended.
enum End {
    /// Nobody wants deliveries any more, and all have their verdict.
    Unwanted,
    Broken(BrokerError),
}

/// One session of a reader.
struct Reading<'a> {
    reader: &'a Reader,
    channel: Channel,
    alive: Arc<AtomicBool>,
    verdicts: mpsc::UnboundedSender<Settled>,
    /// Retries and dead letters being published; each yields the delivery to take off the queue, or
    /// to put back.
    publishing: JoinSet<Published>,
    /// Deliveries that are not taken off their queue yet.
    outstanding: usize,
}

enum Published {
    TakeOff(u64),
    PutBack(u64),
}

impl Reader {
    async fn run(self, deliveries: mpsc::UnboundedSender<RabbitDelivery>) {
        let mut epoch = 0;
        loop {
            let session = tokio::select! {
                session = self.link.session_after(epoch) => session,
                () = deliveries.closed() => return,
            };
            let Some(session) = session else { return };
            epoch = session.epoch;
            let alive = Arc::new(AtomicBool::new(true));
            let end = self.read(&session, &alive, &deliveries).await;
            alive.store(false, Ordering::Release);
            match end {
                Ok(End::Unwanted) => return,
                Ok(End::Broken(error)) | Err(error) => {
                    tracing::warn!(queue = self.queue, %error, epoch, "reading is interrupted");
                    self.link.report_broken(epoch);
                }
            }
        }
    }

    async fn read(
        &self,
        session: &Session,
        alive: &Arc<AtomicBool>,
        deliveries: &mpsc::UnboundedSender<RabbitDelivery>,
    ) -> Result<End, BrokerError> {
        let options = &self.shared.options;
        let limit = options.operation_timeout;
        let channel = broker::open_channel(&session.connection, options).await?;
        let prefetch = options.prefetch_of(&self.consumer);
        within(limit, channel.basic_qos(prefetch, BasicQosOptions::default())).await?;
        let queue = envelope::short(&self.queue).map_err(|error| BrokerError::Refused(error.to_string()))?;
        let consume = BasicConsumeOptions::default();
        let consumer =
            within(limit, channel.basic_consume(queue, "".into(), consume, FieldTable::default())).await?;
        let (verdicts, settled) = mpsc::unbounded_channel();
        let reading = Reading {
            reader: self,
            channel,
            alive: Arc::clone(alive),
            verdicts,
            publishing: JoinSet::new(),
            outstanding: 0,
        };
        reading.run(consumer, settled, deliveries).await
    }
}

impl Reading<'_> {
    async fn run(
        mut self,
        mut consumer: Consumer,
        mut settled: mpsc::UnboundedReceiver<Settled>,
        deliveries: &mpsc::UnboundedSender<RabbitDelivery>,
    ) -> Result<End, BrokerError> {
        let limit = self.reader.shared.options.operation_timeout;
        let mut wanted = true;
        loop {
            if !wanted && self.outstanding == 0 {
                within(limit, self.channel.close(200, "unwanted".into())).await?;
                return Ok(End::Unwanted);
            }
            tokio::select! {
                delivery = consumer.next(), if wanted => match delivery {
                    Some(Ok(delivery)) => self.hand_out(delivery, deliveries),
                    Some(Err(error)) => return Ok(End::Broken(error.into())),
                    None => return Ok(End::Broken(BrokerError::Refused("the broker ended the reading".to_owned()))),
                },
                Some(settled) = settled.recv() => self.settle(settled).await?,
                Some(published) = self.publishing.join_next() => self.finish(published).await?,
                () = deliveries.closed(), if wanted => {
                    wanted = false;
                    within(limit, self.channel.basic_cancel(consumer.tag(), BasicCancelOptions::default())).await?;
                    // What came between the last look and the cancellation goes back.
                    while let Some(Some(Ok(delivery))) = futures_util::FutureExt::now_or_never(consumer.next()) {
                        self.outstanding += 1;
                        self.put_back(delivery.delivery_tag).await?;
                    }
                }
            }
        }
    }

    /// Hands a message to the subscription, unless it has still to wait or cannot be read.
    fn hand_out(
        &mut self,
        delivery: lapin::message::Delivery,
        deliveries: &mpsc::UnboundedSender<RabbitDelivery>,
    ) {
        self.outstanding += 1;
        let tag = delivery.delivery_tag;
        let attempt = envelope::attempts(&delivery.properties);
        let message = match envelope::read(&self.reader.consumer, &delivery.data) {
            Ok(message) => message,
            Err(error) => return self.bury_unread(tag, &delivery.properties, delivery.data, &error),
        };
        let wait = envelope::number(&delivery.properties, envelope::WAIT).unwrap_or(0);
        if let Ok(wait @ 1..) = u64::try_from(wait) {
            return self.put_off(tag, &message, attempt, Duration::from_millis(wait));
        }
        let verdicts = Some(self.verdicts.clone());
        let delivery = RabbitDelivery { tag, message, attempt, alive: Arc::clone(&self.alive), verdicts };
        // When the subscription is gone the delivery is dropped here, which puts it back.
        drop(deliveries.send(delivery));
    }

    async fn settle(&mut self, settled: Settled) -> Result<(), BrokerError> {
        let (tag, message, attempt, verdict) = match settled {
            Settled::Dropped(tag) => return self.put_back(tag).await,
            Settled::Verdict(tag, message, attempt, verdict) => (tag, message, attempt, verdict),
        };
        match verdict {
            Verdict::Ack => self.take_off(tag).await?,
            Verdict::Retry(delay) => {
                self.reader.shared.counters.add(Count::Retried);
                self.put_off(tag, &message, attempt.saturating_add(1), delay);
            }
            Verdict::Dead(reason) => {
                tracing::warn!(message.id = %message.id, queue = self.reader.queue, reason, "message is given up");
                let address = self.reader.shared.topology.dead(&self.reader.queue);
                let envelope = Envelope::of(&message, address, attempt);
                self.bury(tag, envelope, &reason);
            }
        }
        Ok(())
    }

    /// Publishes to the retry queue that is long enough.
    fn put_off(&mut self, tag: u64, message: &OutboxMessage, attempt: u32, delay: Duration) {
        let rung = self.reader.shared.topology.rung(&self.reader.queue, delay);
        let envelope = Envelope::of(message, rung.address, attempt).map(|envelope| {
            if rung.rest.is_zero() {
                envelope
            } else {
                // Rounded up, so that a message is never early.
                let rest = rung.rest.as_nanos().div_ceil(1_000_000);
                envelope.with_number(envelope::WAIT, i64::try_from(rest).unwrap_or(i64::MAX))
            }
        });
        self.move_to(tag, envelope);
    }

    fn bury_unread(&mut self, tag: u64, properties: &BasicProperties, body: Vec<u8>, error: &str) {
        let id = envelope::id_of(properties);
        tracing::warn!(message.id = id, queue = self.reader.queue, error, "message cannot be read");
        let address = self.reader.shared.topology.dead(&self.reader.queue);
        let attempt = i64::from(envelope::attempts(properties));
        let envelope = Envelope::raw(&id, address, body).with_number(envelope::ATTEMPT, attempt);
        self.bury(tag, Ok(envelope), &format!("not an event: {error}"));
    }

    fn bury(&mut self, tag: u64, envelope: Result<Envelope, BusError>, reason: &str) {
        self.reader.shared.counters.add(Count::DeadLettered);
        let queue = &self.reader.queue;
        let marked = envelope
            .map(|envelope| envelope.with_text(envelope::REASON, reason).with_text(envelope::ORIGIN, queue));
        self.move_to(tag, marked);
    }

    /// Publishes a delivery elsewhere; only when that is confirmed it is taken off its queue.
    fn move_to(&mut self, tag: u64, envelope: Result<Envelope, BusError>) {
        let publisher = self.reader.publisher.clone();
        self.publishing.spawn(async move {
            let envelope = match envelope {
                Ok(envelope) => envelope,
                Err(error) => {
                    tracing::error!(%error, "a message cannot be moved");
                    return Published::PutBack(tag);
                }
            };
            // Ends with the session at the latest: then the broker has the delivery back.
            loop {
                match publisher.publish(envelope.clone()).await {
                    Ok(()) => return Published::TakeOff(tag),
                    Err(BusError::Unroutable(address)) => {
                        tracing::error!(
                            message.id = envelope.id,
                            address,
                            "no queue for a message to be moved"
                        );
                        return Published::PutBack(tag);
                    }
                    Err(error) => {
                        tracing::warn!(message.id = envelope.id, %error, "a message is not moved yet");
                        tokio::time::sleep(PUBLISH_AGAIN).await;
                    }
                }
            }
        });
    }

    async fn finish(
        &mut self,
        published: Result<Published, tokio::task::JoinError>,
    ) -> Result<(), BrokerError> {
        match published {
            Ok(Published::TakeOff(tag)) => self.take_off(tag).await,
            Ok(Published::PutBack(tag)) => self.put_back(tag).await,
            Err(error) => Err(BrokerError::Refused(error.to_string())),
        }
    }

    async fn take_off(&mut self, tag: u64) -> Result<(), BrokerError> {
        let limit = self.reader.shared.options.operation_timeout;
        within(limit, self.channel.basic_ack(tag, BasicAckOptions::default())).await?;
        self.outstanding = self.outstanding.saturating_sub(1);
        Ok(())
    }

    async fn put_back(&mut self, tag: u64) -> Result<(), BrokerError> {
        let limit = self.reader.shared.options.operation_timeout;
        let again = BasicNackOptions { multiple: false, requeue: true };
        within(limit, self.channel.basic_nack(tag, again)).await?;
        self.outstanding = self.outstanding.saturating_sub(1);
        Ok(())
    }
}
