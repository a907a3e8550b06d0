//! Every message has a way to the one consumer it is meant for, and operators have the same topology.

#![expect(clippy::unwrap_used, reason = "a failing helper fails the test")]

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use proptest::prelude::*;
use spotwright_bus::rabbit::RabbitOptions;
use spotwright_bus::rabbit::topology::{
    Address, Argument, ExchangeType, FeedbackRouting, Topology, TopologyOptions,
};
use spotwright_core::domain::topology::{CONSUMERS, consumer_of};
use spotwright_core::ports::step_store::OutboxMessage;
use spotwright_schemas::event::{
    ContentType, CreativeFatigued, CreativeRequested, CreativeWon, Event, FeedbackSource, Payload,
    PlacementFeedback, RenderStage, RunFinished, SpecVersion, StopReason, VariantRendered, VariantRequested,
    VariantScored,
};
use spotwright_schemas::ids::{MessageId, OrganizationId, PlacementId, RunId, VariantId};
use spotwright_schemas::mode::Mode;
use spotwright_schemas::money::Micros;

const ROUTINGS: [FeedbackRouting; 2] = [FeedbackRouting::ConsistentHash, FeedbackRouting::Direct];

fn topology() -> Topology {
    Topology::new(TopologyOptions::default()).unwrap()
}

fn payloads() -> Vec<Payload> {
    let variant = VariantId::derive(1, "variant", 0);
    let rendered = |stage| {
        Payload::VariantRendered(VariantRendered { variant, generation: 1, stage, artifact: String::new() })
    };
    vec![
        Payload::CreativeRequested(CreativeRequested {
            brief: "tea".to_owned(),
            generations: 1,
            variants: 1,
        }),
        Payload::VariantRequested(VariantRequested { variant, generation: 1, stage: RenderStage::Final }),
        rendered(RenderStage::Preview),
        rendered(RenderStage::Final),
        Payload::VariantScored(VariantScored {
            variant,
            generation: 1,
            predicted_ctr: 0.01,
            model: "model".to_owned(),
        }),
        Payload::CreativeWon(CreativeWon { variant, generation: 1, artifact: String::new() }),
        Payload::PlacementFeedback(PlacementFeedback {
            placement: PlacementId::derive(1, "placement", 0),
            variant,
            generation: 1,
            source: FeedbackSource::Simulated,
            impressions: 10,
            clicks: 1,
            conversions: 0,
            spend: Micros(1),
        }),
        Payload::CreativeFatigued(CreativeFatigued { variant, generation: 1, frequency: 3.5 }),
        Payload::RunFinished(RunFinished { reason: StopReason::Completed, generations: 1 }),
    ]
}

fn message(run: u64, payload: Payload) -> OutboxMessage {
    let consumer = consumer_of(&payload).to_owned();
    let id = MessageId::derive(run, "message", 1);
    let event = Event {
        specversion: SpecVersion::V1,
        id,
        source: "/spotwright/test".to_owned(),
        subject: RunId::derive(run, "run", 0),
        time: jiff::Timestamp::UNIX_EPOCH,
        datacontenttype: ContentType::Json,
        organization: OrganizationId::derive(1, "organization", 0),
        mode: Mode::Live,
        sequence: 1,
        payload,
    };
    OutboxMessage { id, consumer, event }
}

/// Whether a topic pattern takes a key: `*` stands for one word, `#` for any number.
fn takes(pattern: &str, key: &str) -> bool {
    if pattern == "#" {
        return true;
    }
    let (pattern, key): (Vec<_>, Vec<_>) = (pattern.split('.').collect(), key.split('.').collect());
    pattern.len() == key.len() && pattern.iter().zip(&key).all(|(word, part)| *word == "*" || word == part)
}

/// The queues an address leads to by the declared bindings. A consistent hash chooses one of all.
fn queues_at(topology: &Topology, routing: FeedbackRouting, address: &Address) -> Vec<String> {
    let exchanges = topology.exchanges(routing);
    let exchange = exchanges.iter().find(|exchange| exchange.name == address.exchange).unwrap();
    let bindings = topology.bindings(routing).into_iter().filter(|binding| binding.exchange == exchange.name);
    let taken = bindings.filter(|binding| match exchange.kind {
        ExchangeType::Topic => takes(&binding.key, &address.key),
        ExchangeType::Direct => binding.key == address.key,
        ExchangeType::ConsistentHash => true,
    });
    taken.map(|binding| binding.queue).collect()
}

#[test]
fn every_event_reaches_its_consumer_and_no_other() {
    let topology = topology();
    let mut reached = BTreeSet::new();
    for routing in ROUTINGS {
        for payload in payloads() {
            let message = message(1, payload);
            let queues = queues_at(&topology, routing, &topology.address(&message, routing));
            let expected = topology.queues_of(&message.consumer);
            if message.consumer == "agent.feedback" && routing == FeedbackRouting::ConsistentHash {
                assert_eq!(queues, expected);
            } else {
                assert_eq!(queues.len(), 1, "{message:?}");
                assert!(expected.contains(&queues[0]), "{message:?}");
            }
            reached.insert(message.consumer);
        }
    }
    assert_eq!(reached, CONSUMERS.map(str::to_owned).into());
}

#[test]
fn a_message_of_another_consumer_goes_to_that_queue_or_nowhere() {
    let topology = topology();
    let mut message = message(1, payloads().remove(0));
    message.consumer = "api.run-finished".to_owned();
    for routing in ROUTINGS {
        let address = topology.address(&message, routing);
        assert_eq!(queues_at(&topology, routing, &address), ["spotwright.api.run-finished"]);
        let nobody = OutboxMessage { consumer: "agent.nobody".to_owned(), ..message.clone() };
        assert!(queues_at(&topology, routing, &topology.address(&nobody, routing)).is_empty());
    }
    assert!(topology.queues_of("agent.nobody").is_empty());
}

#[test]
fn work_queues_are_as_the_reference_says() {
    let text = |value: &str| Argument::Text(value.to_owned());
    let queues: BTreeMap<_, _> =
        topology().queues().into_iter().map(|queue| (queue.name, queue.arguments)).collect();
    let mut expected = BTreeMap::from([
        ("x-queue-type", text("quorum")),
        ("x-delivery-limit", Argument::Number(5)),
        ("x-dead-letter-exchange", text("spotwright.dead")),
        ("x-dead-letter-strategy", text("at-least-once")),
        ("x-overflow", text("reject-publish")),
        ("x-max-length", Argument::Number(100_000)),
    ]);
    assert_eq!(queues["spotwright.render.cpu"], expected);
    expected.insert("x-single-active-consumer", Argument::Flag(true));
    assert_eq!(queues["spotwright.agent.feedback.3"], expected);
    assert!(!queues.contains_key("spotwright.agent.feedback.4"));
    let retry = BTreeMap::from([
        ("x-queue-type", text("quorum")),
        ("x-dead-letter-strategy", text("at-least-once")),
        ("x-overflow", text("reject-publish")),
        ("x-message-ttl", Argument::Number(30_000)),
        ("x-dead-letter-exchange", text("spotwright.requeue")),
        ("x-dead-letter-routing-key", text("spotwright.render.cpu")),
    ]);
    assert_eq!(queues["spotwright.retry.render.cpu.30000ms"], retry);
    // 8 consumers and 4 shards, three retry queues each, and the dead letters.
    assert_eq!(queues.len(), 12 * 4 + 1);
}

#[test]
fn the_operators_file_is_the_topology() {
    let file = include_str!("../../../infra/rabbitmq/definitions.json");
    let stored: serde_json::Value = serde_json::from_str(file).unwrap();
    assert_eq!(
        stored,
        topology().definitions(),
        "run: cargo run -p spotwright-bus --example definitions > infra/rabbitmq/definitions.json"
    );
}

#[test]
fn options_out_of_range_are_refused() {
    let refused = |change: fn(&mut TopologyOptions)| {
        let mut options = TopologyOptions::default();
        change(&mut options);
        Topology::new(options).is_err()
    };
    assert!(refused(|options| options.prefix = "p".repeat(101)));
    assert!(refused(|options| options.retry_delays.clear()));
    assert!(refused(|options| options.retry_delays.reverse()));
    assert!(refused(|options| options.retry_delays[0] = Duration::ZERO));
    assert!(refused(|options| options.feedback_shards = 0));
    assert!(refused(|options| options.delivery_limit = 0));
    assert!(!refused(|options| options.prefix.clear()));
}

#[test]
fn the_password_is_not_in_the_debug_output() {
    let options = RabbitOptions::new("amqp://user:secret-word@127.0.0.1:5672/%2f");
    assert!(!format!("{options:?}").contains("secret-word"));
}

proptest! {
    #[test]
    fn the_ladder_is_never_early_and_its_queue_exists(delay_ms in 0_u64..2_000_000) {
        let topology = topology();
        let queue = "spotwright.render.cpu";
        let mut rest = Duration::from_millis(delay_ms);
        let mut waited = Duration::ZERO;
        loop {
            let rung = topology.rung(queue, rest);
            let queues = queues_at(&topology, FeedbackRouting::ConsistentHash, &rung.address);
            prop_assert_eq!(queues.len(), 1);
            let declared = topology.queues().into_iter().find(|declared| declared.name == queues[0]).unwrap();
            prop_assert_eq!(&declared.arguments["x-dead-letter-routing-key"], &Argument::Text(queue.to_owned()));
            let Argument::Number(ttl_ms) = declared.arguments["x-message-ttl"] else { unreachable!() };
            waited += Duration::from_millis(u64::try_from(ttl_ms).unwrap());
            if rung.rest.is_zero() {
                break;
            }
            prop_assert!(rung.rest < rest, "the wait gets shorter");
            rest = rung.rest;
        }
        prop_assert!(waited >= Duration::from_millis(delay_ms));
    }

    #[test]
    fn a_run_keeps_its_shard(run in any::<u64>()) {
        let topology = topology();
        let feedback = || message(run, payloads().remove(6));
        let routing = FeedbackRouting::Direct;
        let address = topology.address(&feedback(), routing);
        prop_assert_eq!(queues_at(&topology, routing, &address).len(), 1);
        prop_assert_eq!(address, topology.address(&feedback(), routing));
    }
}
