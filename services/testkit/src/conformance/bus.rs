//! The contract of [`EventBus`]. Each function is one test; see [`crate::event_bus_suite`].

#![expect(
    clippy::missing_panics_doc,
    reason = "each function is a test, it panics when the adapter is wrong"
)]

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use spotwright_core::ports::event_bus::{BusError, EventBus, Verdict};
use spotwright_schemas::ids::{MessageId, RunId};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::fixtures::outbox_message;

/// The consumer of the fixtures' messages.
const CONSUMER: &str = "agent.creative-requested";

/// Makes one test of each clause, on tokio's paused clock. `$open` makes an empty bus in an `Arc`.
#[macro_export]
macro_rules! event_bus_suite {
    ($name:ident, $open:expr) => {
        mod $name {
            #[expect(unused_imports, reason = "the opening expression may use what stands outside")]
            use super::*;
            $crate::event_bus_suite!(@each $open;
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
    (@each $open:expr; $($test:ident),*) => {$(
        #[tokio::test(start_paused = true)]
        async fn $test() {
            $crate::conformance::bus::$test($open()).await;
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
pub async fn an_acknowledged_message_is_confirmed_and_delivered_once<B: EventBus + 'static>(bus: Arc<B>) {
    let mut queue = bus.subscribe(CONSUMER).await.expect("a queue");
    let publishing = publish(&bus, 1);
    let delivery = queue.next().await.expect("a delivery");
    assert_eq!(*delivery.message(), outbox_message(RunId::derive(1, "run", 0), 1));
    assert_eq!(delivery.attempt(), 1);
    delivery.settle(Verdict::Ack);
    assert_eq!(publishing.await.expect("no panic").expect("confirmed"), id(1));
    assert!(tokio::time::timeout(Duration::from_hours(1), queue.next()).await.is_err());
}

/// Clause 1: a consumer that crashes before its verdict gets the message again.
pub async fn a_delivery_dropped_without_verdict_comes_again<B: EventBus + 'static>(bus: Arc<B>) {
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
pub async fn a_message_survives_its_subscription<B: EventBus + 'static>(bus: Arc<B>) {
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
pub async fn a_retry_comes_no_earlier_than_its_delay<B: EventBus + 'static>(bus: Arc<B>) {
    let mut queue = bus.subscribe(CONSUMER).await.expect("a queue");
    let publishing = publish(&bus, 1);
    let delay = Duration::from_secs(30);
    queue.next().await.expect("a delivery").settle(Verdict::Retry(delay));
    let begin = Instant::now();
    let delivery = queue.next().await.expect("a delivery");
    assert!(begin.elapsed() >= delay);
    assert_eq!(delivery.attempt(), 2);
    delivery.settle(Verdict::Ack);
    assert!(publishing.await.expect("no panic").is_ok());
}

/// Clauses 2 and 4: order may change, others pass by.
pub async fn a_delayed_message_does_not_hold_up_others<B: EventBus + 'static>(bus: Arc<B>) {
    let mut queue = bus.subscribe(CONSUMER).await.expect("a queue");
    let first = publish(&bus, 1);
    queue.next().await.expect("a delivery").settle(Verdict::Retry(Duration::from_mins(5)));
    let begin = Instant::now();
    let second = publish(&bus, 2);
    let delivery = queue.next().await.expect("a delivery");
    assert_eq!(delivery.message().id, id(2));
    assert!(begin.elapsed() < Duration::from_mins(5));
    delivery.settle(Verdict::Ack);
    assert!(second.await.expect("no panic").is_ok());
    queue.next().await.expect("a delivery").settle(Verdict::Ack);
    assert!(first.await.expect("no panic").is_ok());
}

/// Clause 1: given up is a verdict.
pub async fn a_message_given_up_never_comes_again<B: EventBus + 'static>(bus: Arc<B>) {
    let mut queue = bus.subscribe(CONSUMER).await.expect("a queue");
    let publishing = publish(&bus, 1);
    queue.next().await.expect("a delivery").settle(Verdict::Dead("poison".to_owned()));
    assert_eq!(publishing.await.expect("no panic").expect("confirmed"), id(1));
    assert!(tokio::time::timeout(Duration::from_hours(1), queue.next()).await.is_err());
}

/// Clause 3.
pub async fn a_message_without_consumer_is_not_confirmed<B: EventBus + 'static>(bus: Arc<B>) {
    let refused = publish(&bus, 1).await.expect("no panic");
    assert!(matches!(refused, Err(BusError::Unroutable(consumer)) if consumer == CONSUMER));
    let mut queue = bus.subscribe(CONSUMER).await.expect("a queue");
    let publishing = publish(&bus, 1);
    queue.next().await.expect("a delivery").settle(Verdict::Ack);
    assert_eq!(publishing.await.expect("no panic").expect("confirmed"), id(1));
}

/// Clause 2: the bus does not remove duplicates, and confirms each publish.
pub async fn the_same_message_may_be_published_twice<B: EventBus + 'static>(bus: Arc<B>) {
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
pub async fn subscriptions_to_one_queue_share_its_messages<B: EventBus + 'static>(bus: Arc<B>) {
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
                    (1, 1) => delivery.settle(Verdict::Retry(Duration::from_secs(5))),
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
    while let Ok(message) = all.try_recv() {
        assert!(seen.insert(message), "{message} was acknowledged twice");
    }
    assert_eq!(seen.len(), 100);
    consumers.abort_all();
}

/// `next` is cancel-safe: a message that arrives later is not lost with the dropped future.
pub async fn waiting_for_a_delivery_can_be_cancelled<B: EventBus + 'static>(bus: Arc<B>) {
    let mut queue = bus.subscribe(CONSUMER).await.expect("a queue");
    assert!(tokio::time::timeout(Duration::from_secs(1), queue.next()).await.is_err());
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
