//! Measures the event bus on a RabbitMQ: declaring, publishing, taking in, coming back.
//!
//! `eval "$(infra/servers.sh start)"`, then
//! `cargo run -p spotwright-testkit --example rabbit_rate`. With the argument `outage` it measures
//! instead how long publishing stops while the broker is restarted by hand
//! (`infra/servers.sh crash rabbitmq`).

use std::sync::Arc;
use std::time::Duration;

use spotwright_bus::rabbit::RabbitBus;
use spotwright_core::ports::event_bus::{EventBus, Verdict};
use spotwright_schemas::ids::RunId;
use spotwright_testkit::fixtures::outbox_message;
use spotwright_testkit::live::{self, Cleanup};
use tokio::task::JoinSet;
use tokio::time::Instant;

const CONSUMER: &str = "agent.creative-requested";

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let options = live::rabbit_options("rate");
    let _cleanup = Cleanup::of(&options);
    let begin = Instant::now();
    let bus = Arc::new(RabbitBus::connect(options.clone()).await?);
    eprintln!("connected, {} queues declared: {:.2?}", 12 * 4 + 1, begin.elapsed());
    let begin = Instant::now();
    drop(RabbitBus::connect(options).await?);
    eprintln!("connected, everything declared before: {:.2?}", begin.elapsed());
    // The command line is read here alone: an example has no configuration.
    if std::env::args().any(|argument| argument == "outage") {
        return outage(&bus).await;
    }
    for (window, messages) in [(1, 500), (16, 3000), (256, 10_000)] {
        let rate = publish(&bus, window, messages).await?;
        eprintln!("publish with confirmation, window {window}: {rate:.0} messages/s");
    }
    let mut queue = bus.subscribe(CONSUMER).await?;
    let begin = Instant::now();
    let messages = 5000;
    for _ in 0..messages {
        queue.next().await?.settle(Verdict::Ack);
    }
    let rate = f64::from(messages) / begin.elapsed().as_secs_f64();
    eprintln!("deliver and acknowledge one by one: {rate:.0} messages/s");
    eprintln!("{:?}", bus.counters().read());
    Ok(())
}

async fn publish(bus: &Arc<RabbitBus>, window: u32, messages: u32) -> anyhow::Result<f64> {
    let begin = Instant::now();
    let mut publishing = JoinSet::new();
    for number in 0..messages {
        if publishing.len() >= window as usize {
            if let Some(published) = publishing.join_next().await {
                published??;
            }
        }
        let bus = Arc::clone(bus);
        let message = outbox_message(RunId::derive(1, "run", 0), u64::from(number));
        publishing.spawn(async move { bus.publish(message).await });
    }
    while let Some(published) = publishing.join_next().await {
        published??;
    }
    Ok(f64::from(messages) / begin.elapsed().as_secs_f64())
}

/// Publishes and reads until a pause came and went, and says how long it was.
async fn outage(bus: &Arc<RabbitBus>) -> anyhow::Result<()> {
    let mut queue = bus.subscribe(CONSUMER).await?;
    let (mut confirmed, mut errors) = (0_u64, 0_u64);
    let mut last = Instant::now();
    let reading = tokio::spawn(async move {
        let mut seen = std::collections::BTreeSet::new();
        while let Ok(Ok(delivery)) = tokio::time::timeout(Duration::from_mins(2), queue.next()).await {
            let number = delivery.message().event.sequence;
            delivery.settle(Verdict::Ack);
            if number == u64::MAX {
                break;
            }
            seen.insert(number);
        }
        seen
    });
    let mut n_after = 0;
    while n_after < 500 {
        let message = outbox_message(RunId::derive(1, "run", 0), confirmed + 1);
        match bus.publish(message).await {
            Ok(_) => {
                confirmed += 1;
                if last.elapsed() > Duration::from_secs(2) {
                    eprintln!("publishing stood still for {:.1?} ({errors} errors)", last.elapsed());
                    n_after = 1;
                } else if n_after > 0 {
                    n_after += 1;
                }
                last = Instant::now();
            }
            Err(_) => errors += 1,
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    bus.publish(outbox_message(RunId::derive(1, "run", 0), u64::MAX)).await?;
    let seen = reading.await?;
    let lost = (1..=confirmed).filter(|number| !seen.contains(number)).count();
    eprintln!(
        "{confirmed} confirmed, {lost} of them not delivered before the last; {:?}",
        bus.counters().read()
    );
    Ok(())
}
