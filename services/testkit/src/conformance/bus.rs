//! The contract of [`EventBus`]. Each function is one test; see [`crate::event_bus_suite`].

#![expect(
    clippy::missing_panics_doc,
    reason = "each function is a test, it panics when the adapter is wrong"
)]

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use spotwright_core::ports::event_bus::{BusError, EventBus, Verdict};
use spotwright_core::ports::step_store::OutboxMessage;
use spotwright_schemas::ids::{MessageId, RunId};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::fixtures::outbox_message;

/// The consumer of the fixtures' messages.
const CONSUMER: &str = "agent.creative-requested";

/// How long the waits of the suite are. Delays keep their order: `brief` < `retry` < `long`.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// A wait that ends with nothing, to be cancelled.
    pub brief: Duration,
    /// A delay a message is put off by.
    pub retry: Duration,
    /// A delay so long that another message passes by meanwhile.
    pub long: Duration,
    /// How long nothing must come to say that nothing comes.
    pub silence: Duration,
    /// How long something may take that must come.
    pub patience: Duration,
}

impl Pace {
    /// For a bus that measures time by tokio's clock only, which stands still in the tests.
    pub const PAUSED: Self = Self {
        brief: Duration::from_secs(1),
        retry: Duration::from_secs(30),
        long: Duration::from_mins(5),
        silence: Duration::from_hours(1),
        patience: Duration::from_hours(24),
    };
    /// For a bus of another process, which has its own clock.
    pub const LIVE: Self = Self {
        brief: Duration::from_millis(100),
        retry: Duration::from_millis(700),
        long: Duration::from_secs(6),
        silence: Duration::from_secs(2),
        patience: Duration::from_mins(1),
    };
}

/// Makes one test of each clause. `$open` makes an empty bus in an `Arc`.
///
/// Without `live`, on tokio's paused clock. With `live`, on the real clock and only when ignored
/// tests are asked for, the reason being the text; then `$open` is a function from the test's name
/// to a future of the bus and of something that is dropped after the test.
#[macro_export]
macro_rules! event_bus_suite {
    ($name:ident, $open:expr) => { $crate::event_bus_suite!(@clauses paused, $name, $open, ""); };
    (live $reason:literal, $name:ident, $open:expr) => {
        $crate::event_bus_suite!(@clauses live, $name, $open, $reason);
    };
    (@clauses $clock:ident, $name:ident, $open:expr, $reason:literal) => {
        mod $name {
            #[expect(unused_imports, reason = "the opening expression may use what stands outside")]
            use super::*;
            $crate::event_bus_suite!(@$clock $open, $reason;
                an_acknowledged_message_is_confirmed_and_delivered_once,
                a_delivery_dropped_without_verdict_comes_again,
                a_message_survives_its_subscription,
                a_retry_comes_no_earlier_than_its_delay,
                a_delayed_message_does_not_hold_up_others,
                a_message_given_up_never_comes_again,
                a_message_without_consumer_is_not_confirmed,
                the_same_message_may_be_published_twice,
                subscriptions_to_one_queue_share_its_messages,
                waiting_for_a_delivery_can_be_cancelled
            );
        }
    };
    (@paused $open:expr, $reason:literal; $($test:ident),*) => {$(
        #[tokio::test(start_paused = true)]
        async fn $test() {
            $crate::conformance::bus::$test($open(), $crate::conformance::bus::Pace::PAUSED).await;
        }
    )*};
    (@live $open:expr, $reason:literal; $($test:ident),*) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        #[ignore = $reason]
        async fn $test() {
            let pace = $crate::conformance::bus::Pace::LIVE;
            let (bus, after) = $open(stringify!($test)).await;
            let test = $crate::conformance::bus::$test(bus, pace);
            let ended = ::tokio::time::timeout(pace.patience, test).await;
            drop(after);
            assert!(ended.is_ok(), "the test hangs");
        }
    )*};
}

fn publish<B: EventBus + 'static>(bus: &Arc<B>, number: u64) -> JoinHandle<Result<MessageId, BusError>> {
    let bus = Arc::clone(bus);
    tokio::spawn(async move { bus.publish(outbox_message(RunId::derive(1, "run", 0), number)).await })
}

fn id(number: u64) -> MessageId {
    outbox_message(RunId::derive(1, "run", 0), number).id
}

/// Clause 1: confirmed, and not delivered again.
pub async fn an_acknowledged_message_is_confirmed_and_delivered_once<B: EventBus + 'static>(
    bus: Arc<B>,
    pace: Pace,
) {
    let mut queue = bus.subscribe(CONSUMER).await.expect("a queue");
    let publishing = publish(&bus, 1);
    let delivery = queue.next().await.expect("a delivery");
    assert_eq!(*delivery.message(), outbox_message(RunId::derive(1, "run", 0), 1));
    assert_eq!(delivery.attempt(), 1);
    delivery.settle(Verdict::Ack);
    assert_eq!(publishing.await.expect("no panic").expect("confirmed"), id(1));
    assert!(tokio::time::timeout(pace.silence, queue.next()).await.is_err());
}

/// Clause 1: a consumer that crashes before its verdict gets the message again.
pub async fn a_delivery_dropped_without_verdict_comes_again<B: EventBus + 'static>(bus: Arc<B>, _: Pace) {
    let mut queue = bus.subscribe(CONSUMER).await.expect("a queue");
    let publishing = publish(&bus, 1);
    for attempt in 1..=3 {
        let delivery = queue.next().await.expect("a delivery");
        assert_eq!((delivery.message().id, delivery.attempt()), (id(1), attempt));
        drop(delivery);
    }
    queue.next().await.expect("a delivery").settle(Verdict::Ack);
    assert_eq!(publishing.await.expect("no panic").expect("confirmed"), id(1));
}

/// Clause 1: the whole consumer goes away with the delivery in hand.
pub async fn a_message_survives_its_subscription<B: EventBus + 'static>(bus: Arc<B>, _: Pace) {
    let mut queue = bus.subscribe(CONSUMER).await.expect("a queue");
    let publishing = publish(&bus, 1);
    let delivery = queue.next().await.expect("a delivery");
    drop(queue);
    drop(delivery);
    let mut queue = bus.subscribe(CONSUMER).await.expect("a queue");
    let delivery = queue.next().await.expect("a delivery");
    assert_eq!(delivery.message().id, id(1));
    delivery.settle(Verdict::Ack);
    assert_eq!(publishing.await.expect("no panic").expect("confirmed"), id(1));
}

/// Clause 4.
pub async fn a_retry_comes_no_earlier_than_its_delay<B: EventBus + 'static>(bus: Arc<B>, pace: Pace) {
    let mut queue = bus.subscribe(CONSUMER).await.expect("a queue");
    let publishing = publish(&bus, 1);
    let delivery = queue.next().await.expect("a delivery");
    let begin = Instant::now();
    delivery.settle(Verdict::Retry(pace.retry));
    let delivery = queue.next().await.expect("a delivery");
    assert!(begin.elapsed() >= pace.retry);
    assert_eq!(delivery.attempt(), 2);
    delivery.settle(Verdict::Ack);
    assert!(publishing.await.expect("no panic").is_ok());
}

/// Clauses 2 and 4: order may change, others pass by.
pub async fn a_delayed_message_does_not_hold_up_others<B: EventBus + 'static>(bus: Arc<B>, pace: Pace) {
    let mut queue = bus.subscribe(CONSUMER).await.expect("a queue");
    let first = publish(&bus, 1);
    queue.next().await.expect("a delivery").settle(Verdict::Retry(pace.long));
    let second = publish(&bus, 2);
    let delivery = queue.next().await.expect("a delivery");
    assert_eq!(delivery.message().id, id(2));
    delivery.settle(Verdict::Ack);
    assert!(second.await.expect("no panic").is_ok());
    queue.next().await.expect("a delivery").settle(Verdict::Ack);
    assert!(first.await.expect("no panic").is_ok());
}

/// Clause 1: given up is a verdict.
pub async fn a_message_given_up_never_comes_again<B: EventBus + 'static>(bus: Arc<B>, pace: Pace) {
    let mut queue = bus.subscribe(CONSUMER).await.expect("a queue");
    let publishing = publish(&bus, 1);
    queue.next().await.expect("a delivery").settle(Verdict::Dead("poison".to_owned()));
    assert_eq!(publishing.await.expect("no panic").expect("confirmed"), id(1));
    assert!(tokio::time::timeout(pace.silence, queue.next()).await.is_err());
}

/// Clause 3: a name that no consumer ever had.
pub async fn a_message_without_consumer_is_not_confirmed<B: EventBus + 'static>(bus: Arc<B>, _: Pace) {
    let nobody = "agent.that-nobody-wrote";
    let message = outbox_message(RunId::derive(1, "run", 0), 1);
    let refused = bus.publish(OutboxMessage { consumer: nobody.to_owned(), ..message }).await;
    assert!(matches!(refused, Err(BusError::Unroutable(consumer)) if consumer == nobody));
    let mut queue = bus.subscribe(CONSUMER).await.expect("a queue");
    let publishing = publish(&bus, 1);
    queue.next().await.expect("a delivery").settle(Verdict::Ack);
    assert_eq!(publishing.await.expect("no panic").expect("confirmed"), id(1));
}

/// Clause 2: the bus does not remove duplicates, and confirms each publish.
pub async fn the_same_message_may_be_published_twice<B: EventBus + 'static>(bus: Arc<B>, _: Pace) {
    let mut queue = bus.subscribe(CONSUMER).await.expect("a queue");
    let publishing = [publish(&bus, 1), publish(&bus, 1)];
    for _ in 0..2 {
        let delivery = queue.next().await.expect("a delivery");
        assert_eq!(delivery.message().id, id(1));
        delivery.settle(Verdict::Ack);
    }
    for publish in publishing {
        assert_eq!(publish.await.expect("no panic").expect("confirmed"), id(1));
    }
}

/// Every message reaches one of the subscriptions, whatever some of them drop.
pub async fn subscriptions_to_one_queue_share_its_messages<B: EventBus + 'static>(bus: Arc<B>, pace: Pace) {
    let mut consumers = tokio::task::JoinSet::new();
    let (taken, mut all) = tokio::sync::mpsc::unbounded_channel();
    for consumer in 0..4_u64 {
        let mut queue = bus.subscribe(CONSUMER).await.expect("a queue");
        let taken = taken.clone();
        consumers.spawn(async move {
            loop {
                let Ok(delivery) = queue.next().await else { break };
                // Some first deliveries crash, others are put off.
                match (delivery.attempt(), (delivery.message().event.sequence + consumer) % 3) {
                    (1, 0) => drop(delivery),
                    (1, 1) => delivery.settle(Verdict::Retry(pace.retry)),
                    _ => {
                        taken.send(delivery.message().id).expect("the test listens");
                        delivery.settle(Verdict::Ack);
                    }
                }
            }
        });
    }
    let publishing: Vec<_> = (1..=100).map(|number| publish(&bus, number)).collect();
    for publish in publishing {
        publish.await.expect("no panic").expect("confirmed");
    }
    let mut seen = BTreeSet::new();
    // A bus that keeps messages on disk has confirmed them before they are taken in.
    while seen.len() < 100 {
        let message = tokio::time::timeout(pace.patience, all.recv()).await.expect("in time");
        let message = message.expect("the consumers live on");
        assert!(seen.insert(message), "{message} was acknowledged twice");
    }
    assert!(all.try_recv().is_err(), "a message came twice");
    consumers.abort_all();
}

/// `next` is cancel-safe: a message that arrives later is not lost with the dropped future.
pub async fn waiting_for_a_delivery_can_be_cancelled<B: EventBus + 'static>(bus: Arc<B>, pace: Pace) {
    let mut queue = bus.subscribe(CONSUMER).await.expect("a queue");
    assert!(tokio::time::timeout(pace.brief, queue.next()).await.is_err());
    let publishing = publish(&bus, 1);
    for _ in 0..3 {
        if let Ok(delivery) = tokio::time::timeout(Duration::ZERO, queue.next()).await {
            drop(delivery.expect("a delivery"));
        }
        tokio::task::yield_now().await;
    }
    queue.next().await.expect("a delivery").settle(Verdict::Ack);
    assert_eq!(publishing.await.expect("no panic").expect("confirmed"), id(1));
}

/// Clauses 1 and 3 as a bus without a disk keeps them: a queue begins with its first subscription,
/// and a message is confirmed only after the verdict.
pub async fn a_bus_without_disk_confirms_only_after_the_verdict<B: EventBus + 'static>(
    bus: Arc<B>,
    pace: Pace,
) {
    let refused = publish(&bus, 1).await.expect("no panic");
    assert!(matches!(refused, Err(BusError::Unroutable(consumer)) if consumer == CONSUMER));
    let mut queue = bus.subscribe(CONSUMER).await.expect("a queue");
    let mut publishing = publish(&bus, 1);
    let delivery = queue.next().await.expect("a delivery");
    assert!(tokio::time::timeout(pace.silence, &mut publishing).await.is_err(), "confirmed too early");
    delivery.settle(Verdict::Ack);
    assert_eq!(publishing.await.expect("no panic").expect("confirmed"), id(1));
}

/// Clauses 1 and 3 as a bus with a disk keeps them: a queue is there before its consumer, and a
/// message in it is confirmed.
pub async fn a_bus_with_disk_confirms_before_there_is_a_consumer<B: EventBus + 'static>(
    bus: Arc<B>,
    _: Pace,
) {
    assert_eq!(publish(&bus, 1).await.expect("no panic").expect("confirmed"), id(1));
    let mut queue = bus.subscribe(CONSUMER).await.expect("a queue");
    let delivery = queue.next().await.expect("a delivery");
    assert_eq!(delivery.message().id, id(1));
    delivery.settle(Verdict::Ack);
}
