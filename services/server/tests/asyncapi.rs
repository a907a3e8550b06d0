//! The description of the messages holds together: every event, every queue, every reference.

#![expect(clippy::unwrap_used, reason = "a failing helper fails the test")]

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;
use spotwright_bus::rabbit::topology::{FeedbackRouting, Topology, TopologyOptions};
use spotwright_core::domain::topology::{CONSUMERS, consumer_of};
use spotwright_schemas::event::Event;
use spotwright_server::asyncapi::{SAMPLES, document, document_text};

/// Every `$ref` of a document, with where it stands.
fn references(value: &Value, at: &str, found: &mut Vec<(String, String)>) {
    match value {
        Value::Array(items) => {
            for (idx, item) in items.iter().enumerate() {
                references(item, &format!("{at}/{idx}"), found);
            }
        }
        Value::Object(object) => {
            for (key, item) in object {
                if let (true, Some(target)) = (key == "$ref", item.as_str()) {
                    found.push((at.to_owned(), target.to_owned()));
                }
                references(item, &format!("{at}/{key}"), found);
            }
        }
        _ => {}
    }
}

/// The types of events, read off the JSON Schema, not off the document.
fn event_types() -> BTreeSet<String> {
    let schema = schemars::schema_for!(Event).to_value();
    let variants = schema["oneOf"].as_array().unwrap();
    variants.iter().map(|one| one["properties"]["type"]["const"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn every_reference_resolves() {
    let document = document().unwrap();
    let mut found = Vec::new();
    references(&document, "", &mut found);
    assert!(found.len() > 100, "{}", found.len());
    for (at, target) in found {
        let pointer = target.strip_prefix('#').unwrap_or_else(|| panic!("{at}: {target} leads elsewhere"));
        assert!(document.pointer(pointer).is_some(), "{at}: there is no {target}");
    }
}

#[test]
fn every_event_has_a_message_a_way_in_and_a_queue() {
    let document = document().unwrap();
    let messages = document["components"]["messages"].as_object().unwrap();
    let named: BTreeSet<String> =
        messages.values().map(|message| message["name"].as_str().unwrap().to_owned()).collect();
    assert_eq!(named, event_types());
    for kind in messages.keys() {
        let carrying = |action: &str, is: &str| {
            document["operations"].as_object().unwrap().values().any(|operation| {
                let channel = operation["channel"]["$ref"].as_str().unwrap().trim_start_matches('#');
                let channel = document.pointer(channel).unwrap();
                operation["action"] == action
                    && channel["bindings"]["amqp"]["is"] == is
                    && channel["messages"].as_object().unwrap().contains_key(kind)
                    && !channel["address"].as_str().unwrap().ends_with("dead.q")
            })
        };
        assert!(carrying("send", "routingKey"), "{kind} is published nowhere");
        assert!(carrying("receive", "queue"), "{kind} is read nowhere");
    }
}

#[test]
fn every_queue_that_is_declared_is_described_with_its_arguments() {
    let document = document().unwrap();
    let topology = Topology::new(TopologyOptions::default()).unwrap();
    let text = document["channels"].to_string();
    for queue in topology.queues() {
        assert!(text.contains(&format!("\"{}\"", queue.name)), "{}", queue.name);
    }
    for exchange in topology.exchanges(FeedbackRouting::ConsistentHash) {
        assert!(text.contains(&format!("\"{}\"", exchange.name)), "{}", exchange.name);
    }
    for consumer in CONSUMERS {
        for queue in topology.queues_of(consumer) {
            let channel = &document["channels"][topology.short_name(&queue)];
            assert_eq!(channel["address"], queue.as_str());
            assert_eq!(channel["x-queue-arguments"]["x-delivery-limit"], 5);
            assert!(!channel["x-bindings"].as_array().unwrap().is_empty());
        }
    }
    let rung = &document["channels"]["retry.30000ms"]["x-queue-arguments"];
    assert!(rung.as_object().unwrap().values().all(|arguments| arguments["x-message-ttl"] == 30_000));
}

#[test]
fn every_example_fits_the_schema_of_its_message() {
    let document = document().unwrap();
    for (kind, message) in document["components"]["messages"].as_object().unwrap() {
        let reference = message["payload"]["$ref"].as_str().unwrap();
        // The schema as a document of its own: references lead into the same components.
        let schema = serde_json::json!({ "$ref": reference, "components": document["components"] });
        let validator = jsonschema::validator_for(&schema).unwrap();
        let examples = message["examples"].as_array().unwrap();
        assert!(!examples.is_empty(), "{kind}");
        for example in examples {
            assert!(validator.is_valid(&example["payload"]), "{kind}");
            let mut other = example["payload"].clone();
            other["type"] = Value::from("spotwright.something.else.v1");
            assert!(!validator.is_valid(&other), "{kind} takes any type");
        }
    }
}

#[test]
fn the_samples_are_all_there_and_reach_every_consumer() {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../schemas/golden");
    let mut stored = BTreeSet::new();
    for kind in event_types() {
        let folder = golden.join(kind.trim_start_matches("spotwright.").trim_end_matches(".v1"));
        for entry in std::fs::read_dir(folder).unwrap() {
            stored.insert(std::fs::read_to_string(entry.unwrap().path()).unwrap());
        }
    }
    assert_eq!(stored, SAMPLES.into_iter().map(str::to_owned).collect());
    let events: Vec<Event> = SAMPLES.iter().map(|text| serde_json::from_str(text).unwrap()).collect();
    let reached: BTreeSet<&str> = events.iter().map(|event| consumer_of(&event.payload)).collect();
    assert_eq!(reached, CONSUMERS.into_iter().collect());
}

#[test]
fn the_text_is_the_document() {
    let read: Value = serde_saphyr::from_str(&document_text().unwrap()).unwrap();
    assert_eq!(read, document().unwrap());
}
