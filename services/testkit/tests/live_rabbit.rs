//! The event bus on a real RabbitMQ: its contract, and what only a broker can do to it.

#![expect(clippy::unwrap_used, reason = "a failing helper fails the test")]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use spotwright_bus::rabbit::{RabbitBus, RabbitOptions, Selection};
use spotwright_bus::relay::{Relay, RelayOptions};
use spotwright_core::ports::event_bus::{BusError, Delivery, EventBus, Subscription, Verdict};
use spotwright_core::ports::step_store::{Commit, Consumed, OutboxMessage, StepStore};
use spotwright_core::spine::{NoCheckpoints, Shutdown};
use spotwright_schemas::event::{FeedbackSource, Payload, PlacementFeedback};
use spotwright_schemas::ids::{MessageId, PlacementId, RunId, VariantId};
use spotwright_schemas::money::Micros;
use spotwright_store::sqlite::SqliteStore;
use spotwright_testkit::conformance::bus::{self, Pace};
use spotwright_testkit::fixtures;
use spotwright_testkit::live::{self, Cleanup};
use spotwright_testkit::proxy::{Fault, Proxy};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

const CONSUMER: &str = "agent.creative-requested";
/// How long anything may take that must happen.
const PATIENCE: Duration = Duration::from_mins(1);

async fn open(test: &str) -> (Arc<RabbitBus>, Cleanup) {
    open_with(live::rabbit_options(test)).await
}

async fn open_with(options: RabbitOptions) -> (Arc<RabbitBus>, Cleanup) {
    let cleanup = Cleanup::of(&options);
    (Arc::new(RabbitBus::connect(options).await.unwrap()), cleanup)
}

spotwright_testkit::event_bus_suite!(live "needs RabbitMQ; run infra/test.sh", rabbit, open);

fn run() -> RunId {
    RunId::derive(1, "run", 0)
}

fn message(number: u64) -> OutboxMessage {
    fixtures::outbox_message(run(), number)
}

async fn next(queue: &mut Box<dyn Subscription>) -> Box<dyn Delivery> {
    timeout(PATIENCE, queue.next()).await.expect("a delivery in time").unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs RabbitMQ; run infra/test.sh"]
async fn a_message_is_confirmed_before_there_is_a_consumer() {
    let (bus, _cleanup) = open("before").await;
    bus::a_bus_with_disk_confirms_before_there_is_a_consumer(bus, Pace::LIVE).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs RabbitMQ; run infra/test.sh"]
async fn among_many_under_way_exactly_the_unroutable_are_refused() {
    let (bus, _cleanup) = open("unroutable").await;
    let mut publishing = JoinSet::new();
    for number in 1..=400_u64 {
        let mut message = message(number);
        if number % 7 == 0 {
            message.consumer = "agent.nobody".to_owned();
        }
        let bus = Arc::clone(&bus);
        publishing.spawn(async move { (number, bus.publish(message).await) });
    }
    while let Some(published) = publishing.join_next().await {
        match published.unwrap() {
            (number, Ok(id)) => assert!(number % 7 != 0 && id == message(number).id, "{number}"),
            (number, Err(BusError::Unroutable(consumer))) => {
                assert!(number % 7 == 0 && consumer == "agent.nobody", "{number}");
            }
            (number, Err(error)) => panic!("{number}: {error}"),
        }
    }
    let counts = bus.counters().read();
    assert_eq!((counts.published, counts.confirmed, counts.returned), (400, 343, 57));
    assert!(matches!(bus.subscribe("agent.nobody").await, Err(BusError::Unroutable(_))));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs RabbitMQ; run infra/test.sh"]
async fn retries_come_back_by_their_delays_and_none_is_early() {
    let mut options = live::rabbit_options("ladder");
    options.topology.retry_delays = [400, 1500].map(Duration::from_millis).to_vec();
    let (bus, _cleanup) = open_with(options).await;
    let mut queue = bus.subscribe(CONSUMER).await.unwrap();
    // The last is longer than the ladder and takes two rungs.
    let delays = BTreeMap::from([(1, 1200), (2, 300), (3, 2600)]);
    let mut put_off = BTreeMap::new();
    for number in [1, 2, 3] {
        bus.publish(message(number)).await.unwrap();
        let delivery = next(&mut queue).await;
        assert_eq!((delivery.message().event.sequence, delivery.attempt()), (number, 1));
        put_off.insert(number, Instant::now());
        delivery.settle(Verdict::Retry(Duration::from_millis(delays[&number])));
    }
    let mut order = Vec::new();
    while order.len() < 3 {
        let delivery = next(&mut queue).await;
        let number = delivery.message().event.sequence;
        assert!(put_off[&number].elapsed() >= Duration::from_millis(delays[&number]), "{number} is early");
        assert_eq!(delivery.attempt(), 2);
        delivery.settle(Verdict::Ack);
        order.push(number);
    }
    assert_eq!(order, [2, 1, 3]);
    assert_eq!(bus.counters().read().retried, 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs RabbitMQ; run infra/test.sh"]
async fn dead_letters_are_listed_without_harm_and_replayed() {
    let (bus, _cleanup) = open("dead").await;
    let mut queue = bus.subscribe(CONSUMER).await.unwrap();
    for number in 1..=3 {
        bus.publish(message(number)).await.unwrap();
        next(&mut queue).await.settle(Verdict::Dead(format!("reason {number}")));
    }
    let dead = bus.dead_letters().await.unwrap();
    let mut letters = Vec::new();
    // Giving up is confirmed behind the consumer's back.
    timeout(PATIENCE, async {
        while letters.len() < 3 {
            letters = dead.list(10).await.unwrap();
        }
    })
    .await
    .unwrap();
    for (letter, number) in letters.iter().zip(1..) {
        assert_eq!(letter.message, message(number).id.to_string());
        assert_eq!((letter.queue.as_str(), letter.attempts), (CONSUMER, 1));
        assert_eq!(letter.reason, format!("reason {number}"));
        assert_eq!(letter.event_type, "spotwright.creative.requested.v1");
        assert_eq!(letter.subject, run().to_string());
    }
    assert_eq!(dead.list(10).await.unwrap(), letters);
    // Looking at a part moves it behind the rest.
    let part = dead.list(2).await.unwrap();
    assert_eq!(part, letters[..2]);

    let second = Selection::Messages(BTreeSet::from([message(2).id.to_string()]));
    assert_eq!(dead.replay(&second).await.unwrap(), 1);
    let delivery = next(&mut queue).await;
    assert_eq!((delivery.message(), delivery.attempt()), (&message(2), 1));
    delivery.settle(Verdict::Ack);
    let mut rest = dead.list(10).await.unwrap();
    rest.sort_by(|one, other| one.reason.cmp(&other.reason));
    assert_eq!(rest, [letters[0].clone(), letters[2].clone()]);
    assert_eq!(dead.replay(&Selection::All).await.unwrap(), 2);
    let mut again = [next_number(&mut queue).await, next_number(&mut queue).await];
    again.sort_unstable();
    assert_eq!(again, [1, 3]);
    assert_eq!(dead.list(10).await.unwrap(), []);
    assert_eq!(bus.counters().read().dead_lettered, 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs RabbitMQ; run infra/test.sh"]
async fn a_poison_message_dies_after_six_deliveries_while_others_flow() {
    let (bus, _cleanup) = open("poison").await;
    let mut queue = bus.subscribe(CONSUMER).await.unwrap();
    for number in 1..=20 {
        bus.publish(message(number)).await.unwrap();
    }
    let (mut poison_deliveries, mut taken_in) = (0, BTreeSet::new());
    while taken_in.len() < 19 {
        let delivery = next(&mut queue).await;
        if delivery.message().event.sequence == 5 {
            poison_deliveries += 1;
            assert_eq!(delivery.attempt(), poison_deliveries);
            drop(delivery);
        } else {
            taken_in.insert(delivery.message().event.sequence);
            delivery.settle(Verdict::Ack);
        }
    }
    let dead = bus.dead_letters().await.unwrap();
    let mut letters = Vec::new();
    timeout(PATIENCE, async {
        while letters.is_empty() {
            if let Ok(delivery) = timeout(Duration::from_millis(50), queue.next()).await {
                poison_deliveries += 1;
                drop(delivery.unwrap());
            }
            letters = dead.list(10).await.unwrap();
        }
    })
    .await
    .unwrap();
    assert_eq!(poison_deliveries, 6);
    assert_eq!(letters.len(), 1);
    assert_eq!(letters[0].message, message(5).id.to_string());
    assert_eq!((letters[0].queue.as_str(), letters[0].reason.as_str()), (CONSUMER, "delivery_limit"));
    assert_eq!(letters[0].attempts, 6);
    assert_eq!(dead.list(10).await.unwrap(), letters, "looking is not delivering");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs RabbitMQ; run infra/test.sh"]
async fn what_is_not_an_event_becomes_a_dead_letter() {
    use lapin::options::BasicPublishOptions;
    let options = live::rabbit_options("unread");
    let (bus, _cleanup) = open_with(options.clone()).await;
    let mut queue = bus.subscribe(CONSUMER).await.unwrap();
    let properties = lapin::ConnectionProperties::default();
    let connection = lapin::Connection::connect(&options.url, properties).await.unwrap();
    let channel = connection.create_channel().await.unwrap();
    let name = format!("{}{CONSUMER}", options.topology.prefix);
    let no_properties = lapin::BasicProperties::default();
    channel
        .basic_publish("".into(), name.into(), BasicPublishOptions::default(), b"{\"a\":1}", no_properties)
        .await
        .unwrap();
    bus.publish(message(1)).await.unwrap();
    let delivery = next(&mut queue).await;
    assert_eq!(delivery.message(), &message(1));
    delivery.settle(Verdict::Ack);
    let dead = bus.dead_letters().await.unwrap();
    let mut letters = Vec::new();
    timeout(PATIENCE, async {
        while letters.is_empty() {
            letters = dead.list(10).await.unwrap();
        }
    })
    .await
    .unwrap();
    assert_eq!((letters[0].message.as_str(), letters[0].event_type.as_str()), ("", ""));
    assert!(letters[0].reason.starts_with("not an event"), "{}", letters[0].reason);
}

/// Message number `sequence` of run number `run`, as feedback.
fn feedback(run: u64, sequence: u64) -> OutboxMessage {
    let mut event = fixtures::event(RunId::derive(run, "run", 0), sequence);
    event.payload = Payload::PlacementFeedback(PlacementFeedback {
        placement: PlacementId::derive(run, "placement", 0),
        variant: VariantId::derive(run, "variant", 0),
        generation: 1,
        source: FeedbackSource::Simulated,
        impressions: 1000,
        clicks: 7,
        conversions: 1,
        spend: Micros(5),
    });
    OutboxMessage { id: event.id, consumer: "agent.feedback".to_owned(), event }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs RabbitMQ; run infra/test.sh"]
async fn feedback_of_a_run_keeps_its_order_over_shards_and_consumers() {
    const RUNS: u64 = 40;
    const MESSAGES: u64 = 5;
    let (bus, _cleanup) = open("feedback").await;
    // Two agents: only one of them reads a shard at a time.
    let (taken, mut all) = tokio::sync::mpsc::unbounded_channel();
    let mut agents = JoinSet::new();
    for _ in 0..2 {
        let mut queue = bus.subscribe("agent.feedback").await.unwrap();
        let taken = taken.clone();
        agents.spawn(async move {
            while let Ok(delivery) = queue.next().await {
                taken.send((delivery.message().event.subject, delivery.message().event.sequence)).unwrap();
                delivery.settle(Verdict::Ack);
            }
        });
    }
    let mut publishing = JoinSet::new();
    for run in 0..RUNS {
        let bus = Arc::clone(&bus);
        publishing.spawn(async move {
            for sequence in 1..=MESSAGES {
                bus.publish(feedback(run, sequence)).await.unwrap();
            }
        });
    }
    let mut last = BTreeMap::new();
    for _ in 0..RUNS * MESSAGES {
        let (run, sequence) = timeout(PATIENCE, all.recv()).await.unwrap().unwrap();
        let before = last.insert(run, sequence).unwrap_or(0);
        assert_eq!(sequence, before + 1, "order within {run}");
    }
    assert_eq!(last.len() as u64, RUNS);
    publishing.join_all().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs RabbitMQ; run infra/test.sh"]
async fn no_confirmed_message_is_lost_while_connections_are_cut() {
    const MESSAGES: u64 = 300;
    let mut options = live::rabbit_options("cuts");
    let proxy = Arc::new(Proxy::start(live::socket_of(&options.url)).await.unwrap());
    options.url = live::by_way_of(&options.url, proxy.address());
    options.publish_timeout = Duration::from_secs(5);
    let (bus, _cleanup) = open_with(options).await;
    let done = Arc::new(AtomicBool::new(false));
    let cutting = tokio::spawn({
        let (proxy, done) = (Arc::clone(&proxy), Arc::clone(&done));
        async move {
            while !done.load(Ordering::SeqCst) {
                tokio::time::sleep(Duration::from_millis(1500)).await;
                proxy.cut();
            }
        }
    });
    let publishing = tokio::spawn({
        let bus = Arc::clone(&bus);
        async move {
            let mut errors = 0_u32;
            for number in 1..=MESSAGES {
                // As the relay does: again until it is confirmed.
                while bus.publish(message(number)).await.is_err() {
                    errors += 1;
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            errors
        }
    });
    let mut queue = bus.subscribe(CONSUMER).await.unwrap();
    let (mut seen, mut deliveries) = (BTreeSet::new(), 0);
    while seen.len() < MESSAGES as usize {
        let delivery = next(&mut queue).await;
        deliveries += 1;
        seen.insert(delivery.message().event.sequence);
        delivery.settle(Verdict::Ack);
    }
    done.store(true, Ordering::SeqCst);
    let errors = publishing.await.unwrap();
    cutting.await.unwrap();
    let counts = bus.counters().read();
    eprintln!("{deliveries} deliveries of {MESSAGES} messages, {errors} publishes tried again, {counts:?}");
    assert!(counts.reconnects >= 4, "the connection was cut too rarely to show anything");
    assert_eq!(seen, (1..=MESSAGES).collect());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs RabbitMQ; run infra/test.sh"]
async fn a_network_that_swallows_everything_is_noticed_and_left() {
    let mut options = live::rabbit_options("hole");
    let proxy = Proxy::start(live::socket_of(&options.url)).await.unwrap();
    options.url = live::by_way_of(&options.url, proxy.address());
    options.heartbeat = Duration::from_secs(1);
    options.operation_timeout = Duration::from_secs(1);
    options.connect_timeout = Duration::from_secs(2);
    options.publish_timeout = Duration::from_secs(2);
    let (bus, _cleanup) = open_with(options).await;
    // An idle consumer, which only a probe can tell that its connection is dead.
    let mut queue = bus.subscribe(CONSUMER).await.unwrap();
    for fault in [Fault::Blackhole, Fault::HalfOpen] {
        let before = bus.counters().read().reconnects;
        proxy.set(fault);
        let refused = bus.publish(message(1)).await;
        assert!(matches!(refused, Err(BusError::Unavailable(_))), "{fault:?}: {refused:?}");
        // Longer than a pulse and the wait for its answer.
        tokio::time::sleep(Duration::from_secs(3)).await;
        proxy.set(Fault::None);
        timeout(PATIENCE, async { while bus.publish(message(2)).await.is_err() {} }).await.unwrap();
        while next_number(&mut queue).await != 2 {}
        // Both connections were left, though their bytes came out of the hole in the end.
        assert!(bus.counters().read().reconnects >= before + 2, "{fault:?}");
    }
}

/// Takes in the next message and says its number.
async fn next_number(queue: &mut Box<dyn Subscription>) -> u64 {
    let delivery = next(queue).await;
    let number = delivery.message().event.sequence;
    delivery.settle(Verdict::Ack);
    number
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs RabbitMQ; run infra/test.sh"]
async fn a_publisher_is_told_when_the_broker_is_away_and_a_closed_bus_ends_all_waits() {
    let mut options = live::rabbit_options("away");
    let proxy = Proxy::start(live::socket_of(&options.url)).await.unwrap();
    options.url = live::by_way_of(&options.url, proxy.address());
    options.publish_timeout = Duration::from_secs(1);
    let (bus, _cleanup) = open_with(options).await;
    let mut queue = bus.subscribe(CONSUMER).await.unwrap();
    proxy.set(Fault::Refuse);
    proxy.cut();
    assert!(matches!(bus.publish(message(1)).await, Err(BusError::Unavailable(_))));
    bus.close();
    assert!(matches!(timeout(PATIENCE, queue.next()).await.unwrap(), Err(BusError::Unavailable(_))));
    assert!(matches!(bus.publish(message(1)).await, Err(BusError::Unavailable(_))));
    assert!(matches!(bus.subscribe(CONSUMER).await, Err(BusError::Unavailable(_))));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs RabbitMQ; run infra/test.sh"]
async fn the_relay_delivers_everything_once_into_the_inbox() {
    const MESSAGES: u64 = 120;
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&folder.path().join("test.db")).await.unwrap();
    let run = fixtures::run(1);
    store.create_run(&run, fixtures::messages(run.id, 1..=MESSAGES)).await.unwrap();
    let (bus, _cleanup) = open("relay").await;
    // Before the relay marks anything, one message is there twice.
    bus.publish(fixtures::outbox_message(run.id, 3)).await.unwrap();
    let (switch, shutdown) = Shutdown::new();
    let relay = Relay::new(
        Arc::clone(&store) as Arc<dyn StepStore>,
        Arc::clone(&bus) as Arc<dyn EventBus>,
        Arc::new(NoCheckpoints),
        RelayOptions::default(),
    );
    let relay = tokio::spawn(async move { relay.run(shutdown).await });
    let mut queue = bus.subscribe(CONSUMER).await.unwrap();
    let (mut applied, mut duplicates) = (BTreeSet::new(), 0);
    while applied.len() < MESSAGES as usize || duplicates == 0 {
        let delivery = next(&mut queue).await;
        let id: MessageId = delivery.message().id;
        let number = delivery.message().event.sequence;
        if number % 5 == 0 && delivery.attempt() == 1 {
            drop(delivery);
            continue;
        }
        let version = store.run(run.id).await.unwrap().version;
        match store.consume(CONSUMER, &[id], run.id, version, Commit::default()).await.unwrap() {
            Consumed::Applied => assert!(applied.insert(number), "{number} had an effect twice"),
            Consumed::Duplicate => duplicates += 1,
        }
        delivery.settle(Verdict::Ack);
    }
    assert_eq!(applied, (1..=MESSAGES).collect());
    timeout(PATIENCE, async { while !store.unsent(None, 1).await.unwrap().is_empty() {} }).await.unwrap();
    drop(switch);
    relay.await.unwrap();
}
