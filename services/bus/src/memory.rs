//! The event bus of a single process.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use spotwright_core::ports::event_bus::{BusError, Delivery, EventBus, Subscription, Verdict};
use spotwright_core::ports::step_store::OutboxMessage;
use spotwright_schemas::ids::MessageId;
use tokio::sync::{Notify, oneshot};
use tokio::time::Instant;

/// Carries messages within the process, in queues named by consumer.
///
/// A queue exists from its first subscription on; subscriptions to the same name share it. A
/// message to a name that nobody ever subscribed to is [`BusError::Unroutable`]. A queue outlives
/// its subscriptions: messages wait in it for the next one, unconfirmed. Dropping the future of
/// `publish` leaves the message in its queue. Delays are measured by tokio's clock.
#[derive(Debug, Default)]
pub struct MemoryBus {
    queues: Mutex<Queues>,
}

#[derive(Debug, Default)]
struct Queues {
    by_consumer: HashMap<String, Arc<Queue>>,
    closed: bool,
}

#[derive(Debug, Default)]
struct Queue {
    items: Mutex<Items>,
    /// Has a permit whenever an item may be ready and nobody has looked since.
    arrived: Notify,
}

#[derive(Debug, Default)]
struct Items {
    ready: VecDeque<Item>,
    /// By due time and then by order of arrival.
    delayed: BTreeMap<(Instant, u64), Item>,
    n_delayed: u64,
    closed: bool,
}

#[derive(Debug)]
struct Item {
    message: OutboxMessage,
    attempt: u32,
    confirm: oneshot::Sender<MessageId>,
}

/// What a subscription finds when it looks.
enum Look {
    Item(Box<Item>),
    WaitUntil(Option<Instant>),
    Closed,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing that can panic runs under these locks, so the content is whole in any case.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn closed() -> BusError {
    BusError::Unavailable("the bus is closed".to_owned())
}

impl MemoryBus {
    /// A bus without queues.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Ends the bus: waiting publishes and subscriptions answer [`BusError::Unavailable`], and no
    /// message is confirmed any more except by deliveries already handed out.
    pub fn close(&self) {
        let mut queues = lock(&self.queues);
        queues.closed = true;
        for queue in queues.by_consumer.values() {
            queue.close();
        }
    }
}

#[async_trait]
impl EventBus for MemoryBus {
    async fn publish(&self, message: OutboxMessage) -> Result<MessageId, BusError> {
        let queue = {
            let queues = lock(&self.queues);
            if queues.closed {
                return Err(closed());
            }
            queues.by_consumer.get(&message.consumer).map(Arc::clone)
        };
        let queue = queue.ok_or_else(|| BusError::Unroutable(message.consumer.clone()))?;
        let (confirm, confirmed) = oneshot::channel();
        queue.push(Item { message, attempt: 0, confirm });
        confirmed.await.map_err(|_| closed())
    }

    async fn subscribe(&self, consumer: &str) -> Result<Box<dyn Subscription>, BusError> {
        let mut queues = lock(&self.queues);
        if queues.closed {
            return Err(closed());
        }
        let queue = Arc::clone(queues.by_consumer.entry(consumer.to_owned()).or_default());
        Ok(Box::new(MemorySubscription { queue }))
    }
}

impl Queue {
    fn push(&self, item: Item) {
        let mut items = lock(&self.items);
        if !items.closed {
            items.ready.push_back(item);
            self.arrived.notify_one();
        }
    }

    /// Puts an item back whose delivery got no verdict, before all others.
    fn put_back(&self, item: Item) {
        let mut items = lock(&self.items);
        if !items.closed {
            items.ready.push_front(item);
            self.arrived.notify_one();
        }
    }

    fn delay(&self, item: Item, until: Instant) {
        let mut items = lock(&self.items);
        if !items.closed {
            let order = items.n_delayed;
            items.n_delayed += 1;
            items.delayed.insert((until, order), item);
            // Whoever waits must not sleep past the new due time.
            self.arrived.notify_one();
        }
    }

    fn look(&self, now: Instant) -> Look {
        let mut items = lock(&self.items);
        if items.closed {
            // Passed on, so that every subscription hears of it.
            self.arrived.notify_one();
            return Look::Closed;
        }
        while let Some(entry) = items.delayed.first_entry() {
            if entry.key().0 > now {
                break;
            }
            let item = entry.remove();
            items.ready.push_back(item);
        }
        let Some(item) = items.ready.pop_front() else {
            return Look::WaitUntil(items.delayed.first_key_value().map(|((due, _), _)| *due));
        };
        if !items.ready.is_empty() || !items.delayed.is_empty() {
            self.arrived.notify_one();
        }
        Look::Item(Box::new(item))
    }

    /// Drops all items, which tells their publishers.
    fn close(&self) {
        let mut items = lock(&self.items);
        *items = Items { closed: true, ..Items::default() };
        self.arrived.notify_one();
    }
}

struct MemorySubscription {
    queue: Arc<Queue>,
}

#[async_trait]
impl Subscription for MemorySubscription {
    async fn next(&mut self) -> Result<Box<dyn Delivery>, BusError> {
        loop {
            let due = match self.queue.look(Instant::now()) {
                Look::Item(mut item) => {
                    item.attempt = item.attempt.saturating_add(1);
                    let queue = Arc::clone(&self.queue);
                    let message = item.message.clone();
                    return Ok(Box::new(MemoryDelivery {
                        queue,
                        message,
                        attempt: item.attempt,
                        item: Some(*item),
                    }));
                }
                Look::Closed => return Err(closed()),
                Look::WaitUntil(due) => due,
            };
            match due {
                None => self.queue.arrived.notified().await,
                Some(due) => {
                    tokio::select! {
                        () = self.queue.arrived.notified() => {}
                        () = tokio::time::sleep_until(due) => {}
                    }
                }
            }
        }
    }
}

struct MemoryDelivery {
    queue: Arc<Queue>,
    message: OutboxMessage,
    attempt: u32,
    /// Taken by the verdict.
    item: Option<Item>,
}

impl Delivery for MemoryDelivery {
    fn message(&self) -> &OutboxMessage {
        &self.message
    }

    fn attempt(&self) -> u32 {
        self.attempt
    }

    fn settle(mut self: Box<Self>, verdict: Verdict) {
        let Some(item) = self.item.take() else { return };
        match verdict {
            Verdict::Ack => confirm(item),
            Verdict::Dead(reason) => {
                tracing::warn!(message.id = %item.message.id, reason, "message is given up");
                confirm(item);
            }
            Verdict::Retry(delay) => {
                let now = Instant::now();
                // A delay beyond the clock's range is never due.
                match now.checked_add(delay) {
                    Some(until) => self.queue.delay(item, until),
                    None => {
                        tracing::error!(message.id = %item.message.id, "the delay has no end; the message stays unsent");
                    }
                }
            }
        }
    }
}

impl Drop for MemoryDelivery {
    fn drop(&mut self) {
        if let Some(item) = self.item.take() {
            self.queue.put_back(item);
        }
    }
}

fn confirm(item: Item) {
    // The publisher may have gone away; the outbox then publishes again and the inbox drops it.
    if item.confirm.send(item.message.id).is_err() {
        tracing::debug!("the publisher of a settled message has gone away");
    }
}
