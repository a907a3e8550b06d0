//! The relay loses no message and marks none that is not confirmed.

#![expect(clippy::unwrap_used, reason = "a failing helper fails the test")]

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use spotwright_bus::memory::MemoryBus;
use spotwright_bus::relay::{Relay, RelayOptions};
use spotwright_core::ports::event_bus::{BusError, EventBus, Subscription, Verdict};
use spotwright_core::ports::step_store::{Commit, OutboxMessage, StepStore};
use spotwright_core::spine::{Checkpoints, NoCheckpoints, Shutdown};
use spotwright_schemas::ids::MessageId;
use spotwright_store::sqlite::SqliteStore;
use spotwright_testkit::fixtures;
use tokio::task::JoinHandle;

const CONSUMER: &str = "agent.creative-requested";

/// Loses the connection at every third publish, in turn before and after the message went through.
struct FlakyBus {
    inner: MemoryBus,
    published: AtomicU64,
}

#[async_trait]
impl EventBus for FlakyBus {
    async fn publish(&self, message: OutboxMessage) -> Result<MessageId, BusError> {
        let number = self.published.fetch_add(1, Ordering::SeqCst);
        let lost = || Err(BusError::Unavailable("connection lost".to_owned()));
        match number % 6 {
            2 => lost(),
            5 => {
                self.inner.publish(message).await?;
                lost()
            }
            _ => self.inner.publish(message).await,
        }
    }

    async fn subscribe(&self, consumer: &str) -> Result<Box<dyn Subscription>, BusError> {
        self.inner.subscribe(consumer).await
    }
}

fn start(
    store: &Arc<SqliteStore>,
    bus: Arc<dyn EventBus>,
    checkpoints: Arc<dyn Checkpoints>,
) -> (tokio::sync::watch::Sender<bool>, JoinHandle<()>) {
    let (switch, shutdown) = Shutdown::new();
    let options = RelayOptions {
        window: 8,
        poll: Duration::from_millis(20),
        shortest_backoff: Duration::from_millis(1),
        longest_backoff: Duration::from_millis(5),
    };
    let relay = Relay::new(Arc::clone(store) as Arc<dyn StepStore>, bus, checkpoints, options);
    (switch, tokio::spawn(async move { relay.run(shutdown).await }))
}

async fn n_unsent(store: &SqliteStore) -> usize {
    store.unsent(None, 1000).await.unwrap().len()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_message_arrives_over_a_flaky_bus_and_a_crashing_consumer() {
    const MESSAGES: u64 = 60;
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&folder.path().join("test.db")).await.unwrap();
    let run = fixtures::run(1);
    store.create_run(&run, fixtures::messages(run.id, 1..=MESSAGES)).await.unwrap();
    let bus = Arc::new(FlakyBus { inner: MemoryBus::new(), published: AtomicU64::new(0) });
    // The relay starts before there is a consumer.
    let (switch, relay) = start(&store, Arc::clone(&bus) as Arc<dyn EventBus>, Arc::new(NoCheckpoints));
    let mut queue = bus.subscribe(CONSUMER).await.unwrap();
    let mut taken_in = BTreeSet::new();
    while n_unsent(&store).await > 0 {
        let Ok(delivery) = tokio::time::timeout(Duration::from_millis(50), queue.next()).await else {
            continue;
        };
        let delivery = delivery.unwrap();
        let number = delivery.message().event.sequence;
        match (delivery.attempt(), number % 4) {
            (1, 0) => drop(delivery),
            (1, 1) => delivery.settle(Verdict::Retry(Duration::from_millis(1))),
            _ => {
                taken_in.insert(number);
                delivery.settle(Verdict::Ack);
            }
        }
    }
    assert_eq!(taken_in, (1..=MESSAGES).collect());
    drop(switch);
    relay.await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_without_verdict_stays_unsent_over_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&folder.path().join("test.db")).await.unwrap();
    let run = fixtures::run(1);
    store.create_run(&run, fixtures::messages(run.id, 1..=2)).await.unwrap();
    let bus = Arc::new(MemoryBus::new());
    let mut queue = bus.subscribe(CONSUMER).await.unwrap();
    let (switch, relay) = start(&store, Arc::clone(&bus) as Arc<dyn EventBus>, Arc::new(NoCheckpoints));
    let held = queue.next().await.unwrap();
    // Publishes of one window may overtake each other.
    let number = held.message().event.sequence;
    queue.next().await.unwrap().settle(Verdict::Ack);
    while n_unsent(&store).await > 1 {}
    drop(switch);
    relay.await.unwrap();
    drop(held);
    bus.close();
    let unsent = store.unsent(None, 9).await.unwrap();
    assert_eq!(unsent.len(), 1);
    assert_eq!(unsent[0].1, fixtures::outbox_message(run.id, number));

    let bus = Arc::new(MemoryBus::new());
    let mut queue = bus.subscribe(CONSUMER).await.unwrap();
    let (switch, relay) = start(&store, Arc::clone(&bus) as Arc<dyn EventBus>, Arc::new(NoCheckpoints));
    queue.next().await.unwrap().settle(Verdict::Ack);
    while n_unsent(&store).await > 0 {}
    drop(switch);
    relay.await.unwrap();
}

#[derive(Default)]
struct Seen(std::sync::Mutex<Vec<&'static str>>);

impl Checkpoints for Seen {
    fn reached(&self, point: &'static str) {
        self.0.lock().unwrap().push(point);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_named_points_are_passed_in_order_and_new_messages_wake_the_relay() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&folder.path().join("test.db")).await.unwrap();
    let bus = Arc::new(MemoryBus::new());
    let mut queue = bus.subscribe(CONSUMER).await.unwrap();
    let seen = Arc::new(Seen::default());
    let checkpoints = Arc::clone(&seen) as Arc<dyn Checkpoints>;
    let (switch, relay) = start(&store, Arc::clone(&bus) as Arc<dyn EventBus>, checkpoints);
    let run = fixtures::run(1);
    store.create_run(&run, Commit::default()).await.unwrap();
    let written =
        store.consume("a", &[MessageId::derive(1, "m", 0)], run.id, 1, fixtures::messages(run.id, [1])).await;
    written.unwrap();
    queue.next().await.unwrap().settle(Verdict::Ack);
    while n_unsent(&store).await > 0 {}
    drop(switch);
    relay.await.unwrap();
    let expected = ["relay.before_publish", "relay.after_confirm", "relay.after_mark_sent"];
    assert_eq!(*seen.0.lock().unwrap(), expected);
}
