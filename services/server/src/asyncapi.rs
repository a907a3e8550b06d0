//! The AsyncAPI 3.0 description of the messages on RabbitMQ.
//!
//! Nothing in it is written twice: payloads come from the Rust types of the events, addresses, queues
//! and their arguments from the topology that the bus declares, examples from the golden samples. An
//! event's address is asked of the topology with each sample, so the samples decide which there are.
//!
//! Source: AsyncAPI 3.0.0; AMQP bindings 0.3.0 of the AsyncAPI initiative.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Map, Value, json};
use spotwright_bus::rabbit::headers;
use spotwright_bus::rabbit::topology::{Argument, ExchangeType, FeedbackRouting, Topology, TopologyOptions};
use spotwright_core::domain::topology::{CONSUMERS, Role, consumer_of};
use spotwright_core::ports::step_store::OutboxMessage;
use spotwright_schemas::event::{Event, MAX_EVENT_BYTES, Payload};

/// The golden samples of every event.
pub const SAMPLES: [&str; 12] = [
    include_str!("../../../schemas/golden/creative.requested/v1-1.json"),
    include_str!("../../../schemas/golden/variant.requested/v1-1.json"),
    include_str!("../../../schemas/golden/variant.requested/v1-2.json"),
    include_str!("../../../schemas/golden/variant.rendered/v1-1.json"),
    include_str!("../../../schemas/golden/variant.rendered/v1-2.json"),
    include_str!("../../../schemas/golden/variant.scored/v1-1.json"),
    include_str!("../../../schemas/golden/creative.won/v1-1.json"),
    include_str!("../../../schemas/golden/placement.feedback/v1-1.json"),
    include_str!("../../../schemas/golden/placement.feedback/v1-2.json"),
    include_str!("../../../schemas/golden/creative.fatigued/v1-1.json"),
    include_str!("../../../schemas/golden/run.finished/v1-1.json"),
    include_str!("../../../schemas/golden/run.finished/v1-2.json"),
];

/// Version of the AMQP bindings.
const BINDING_VERSION: &str = "0.3.0";
/// The delivery mode of messages that survive a restart of the broker.
const PERSISTENT: u8 = 2;

/// The document as YAML.
///
/// # Errors
/// A sentence, when a sample or a default of the topology is wrong.
pub fn document_text() -> Result<String, String> {
    serde_saphyr::to_string(&document()?).map_err(|error| error.to_string())
}

/// The document.
///
/// # Errors
/// As [`document_text`].
pub fn document() -> Result<Value, String> {
    let options = TopologyOptions::default();
    let topology = Topology::new(options.clone())?;
    let samples: Vec<(Event, Value)> = SAMPLES
        .iter()
        .map(|text| Ok((serde_json::from_str(text)?, serde_json::from_str(text)?)))
        .collect::<Result<_, serde_json::Error>>()
        .map_err(|error| error.to_string())?;
    let mut parts = Parts { topology, options, channels: Map::new(), operations: Map::new() };
    parts.events(&samples)?;
    parts.queues(&samples);
    parts.retries();
    parts.dead_letters();
    let mut schemas = schemas(&samples)?;
    schemas.insert("Headers".to_owned(), header_schema());
    Ok(json!({
        "asyncapi": "3.0.0",
        "id": "urn:spotwright:bus",
        "info": {
            "title": "Spotwright messages",
            "version": env!("CARGO_PKG_VERSION"),
            "description": DESCRIPTION,
            "license": { "name": "MIT OR Apache-2.0" },
            "contact": { "name": "The operator of the installation" },
            "tags": [{ "name": "bus", "description": "What the parts of Spotwright tell each other" }],
        },
        "defaultContentType": "application/cloudevents+json",
        "servers": { "rabbitmq": {
            "host": "{host}:{port}",
            "protocol": "amqp",
            "protocolVersion": "0.9.1",
            "description": "RabbitMQ 3.10 or newer, named by `bus.url`. The plug-in rabbitmq_consistent_hash_exchange spreads feedback over its shards; without it the publisher does.",
            "variables": {
                "host": { "default": "localhost", "description": "Host of the broker" },
                "port": { "default": "5672", "description": "Port of the broker" },
            },
        } },
        "channels": parts.channels,
        "operations": parts.operations,
        "components": { "messages": messages(&samples), "schemas": schemas },
    }))
}

const DESCRIPTION: &str = "\
What the parts of Spotwright tell each other when they run as separate processes.

Messages are CloudEvents 1.0 in structured JSON. They carry ids, never media, and the database is the \
truth: a message is a reason to look. A message may come twice and in any order; consumers keep the ids of \
messages they have taken in. Names of exchanges and queues begin with a prefix (`bus.prefix`), here the \
default `spotwright.`. Everything is durable, every queue is a quorum queue, every message is persistent and \
mandatory, and is sent only when the broker has confirmed it.

Channels whose address is a routing key are where messages are published; channels whose address is a queue \
are where they are read. `x-queue-arguments` are the arguments of a queue's declaration, `x-bindings` the ways \
into it.";

/// Channels and operations while they are gathered.
struct Parts {
    topology: Topology,
    options: TopologyOptions,
    channels: Map<String, Value>,
    operations: Map<String, Value>,
}

impl Parts {
    /// A channel where messages are published through an exchange.
    fn publishing(&self, exchange: &str, address: &str, events: &[&str], description: &str) -> Value {
        let routing = FeedbackRouting::ConsistentHash;
        let found = self.topology.exchanges(routing).into_iter().find(|one| one.name == exchange);
        let kind = found.map_or(ExchangeType::Direct, |one| one.kind);
        let mut exchange = json!({ "name": exchange, "durable": true, "autoDelete": false, "vhost": "/" });
        match kind {
            // Not among the types that the bindings know.
            ExchangeType::ConsistentHash => exchange["x-type"] = json!(kind.as_str()),
            ExchangeType::Topic | ExchangeType::Direct => exchange["type"] = json!(kind.as_str()),
        }
        json!({
            "address": address,
            "description": description,
            "messages": message_refs(events),
            "bindings": { "amqp": { "is": "routingKey", "exchange": exchange, "bindingVersion": BINDING_VERSION } },
        })
    }

    /// A channel that is a queue.
    fn queue(&self, name: &str, events: &[&str], description: &str) -> Value {
        let ways: Vec<Value> = self
            .topology
            .bindings(FeedbackRouting::ConsistentHash)
            .into_iter()
            .filter(|binding| binding.queue == name)
            .map(|binding| json!({ "exchange": binding.exchange, "key": binding.key }))
            .collect();
        json!({
            "address": name,
            "description": description,
            "messages": message_refs(events),
            "x-bindings": ways,
            "x-queue-arguments": self.arguments(name),
            "bindings": { "amqp": {
                "is": "queue",
                "queue": { "name": name, "durable": true, "exclusive": false, "autoDelete": false, "vhost": "/" },
                "bindingVersion": BINDING_VERSION,
            } },
        })
    }

    fn arguments(&self, queue: &str) -> BTreeMap<&'static str, Value> {
        let found = self.topology.queues().into_iter().find(|one| one.name == queue);
        let arguments = found.map(|one| one.arguments).unwrap_or_default();
        arguments
            .into_iter()
            .map(|(name, value)| {
                let value = match value {
                    Argument::Text(text) => json!(text),
                    Argument::Number(number) => json!(number),
                    Argument::Flag(flag) => json!(flag),
                };
                (name, value)
            })
            .collect()
    }

    fn send(&mut self, channel: &str, events: &[&str], summary: &str) {
        let operation = json!({
            "action": "send",
            "channel": { "$ref": format!("#/channels/{channel}") },
            "summary": summary,
            "description": summary,
            "messages": channel_message_refs(channel, events),
            "bindings": { "amqp": {
                "deliveryMode": PERSISTENT, "mandatory": true, "bindingVersion": BINDING_VERSION,
            } },
        });
        self.operations.insert(format!("send.{channel}"), operation);
    }

    fn receive(&mut self, channel: &str, events: &[&str], summary: &str) {
        let operation = json!({
            "action": "receive",
            "channel": { "$ref": format!("#/channels/{channel}") },
            "summary": summary,
            "description": summary,
            "messages": channel_message_refs(channel, events),
            "bindings": { "amqp": { "ack": true, "bindingVersion": BINDING_VERSION } },
        });
        self.operations.insert(format!("receive.{channel}"), operation);
    }

    /// Where the relay publishes each event.
    fn events(&mut self, samples: &[(Event, Value)]) -> Result<(), String> {
        for (event, _) in samples {
            let kind = short_type(&event.payload);
            let consumer = consumer_of(&event.payload).to_owned();
            let message = OutboxMessage { id: event.id, consumer, event: event.clone() };
            let address = self.topology.address(&message, FeedbackRouting::ConsistentHash);
            let by_run = address.key == event.subject.to_string();
            let channel = if by_run { kind.to_owned() } else { address.key.clone() };
            if channel.is_empty() {
                return Err(format!("{kind} has no address"));
            }
            if self.channels.contains_key(&channel) {
                continue;
            }
            let key = if by_run { "{run}" } else { address.key.as_str() };
            let description = format!("`{kind}` on its way to the consumer `{}`.", message.consumer);
            let mut entry = self.publishing(&address.exchange, key, &[kind], &description);
            if by_run {
                entry["parameters"] =
                    json!({ "run": { "description": "Id of the run: messages of one run stay in order" } });
            }
            self.channels.insert(channel.clone(), entry);
            self.send(&channel, &[kind], "The relay publishes what waits in the outbox.");
        }
        Ok(())
    }

    /// The queues that consumers read.
    fn queues(&mut self, samples: &[(Event, Value)]) {
        for consumer in CONSUMERS {
            let mut events: Vec<&str> = samples
                .iter()
                .filter(|(event, _)| consumer_of(&event.payload) == consumer)
                .map(|(event, _)| short_type(&event.payload))
                .collect();
            events.dedup();
            let role = Role::ALL.into_iter().find(|role| role.consumers().contains(&consumer));
            let role = role.map_or("", Role::as_str);
            for queue in self.topology.queues_of(consumer) {
                let channel = self.topology.short_name(&queue).to_owned();
                let limit = self.options.delivery_limit;
                let description = format!(
                    "Work of the consumer `{consumer}`. A message delivered {limit} more times without a verdict becomes a dead letter."
                );
                let entry = self.queue(&queue, &events, &description);
                self.channels.insert(channel.clone(), entry);
                let summary = format!("A process with the role `{role}` takes messages in and acknowledges.");
                self.receive(&channel, &events, &summary);
            }
        }
    }

    /// The retry ladder: a rung for each delay, with a queue for each work queue on it.
    fn retries(&mut self) {
        let every = every_event();
        let work: Vec<String> =
            CONSUMERS.iter().flat_map(|consumer| self.topology.queues_of(consumer)).collect();
        for delay in self.options.retry_delays.clone() {
            let milliseconds = delay.as_millis();
            let channel = format!("retry.{milliseconds}ms");
            let keys: Vec<String> = work.iter().map(|queue| self.rung(queue, delay)).collect();
            let description = format!(
                "A rung of the retry ladder: a message waits here for {milliseconds} ms, then the broker moves it back to the queue it came from. A longer delay takes several rungs; the header `{}` holds what is left of it, and `{}` counts on.",
                headers::WAIT,
                headers::ATTEMPT
            );
            let exchange = self.topology.retry_exchange();
            let mut entry = self.publishing(&exchange, "{retryQueue}", &every, &description);
            let arguments: BTreeMap<&String, _> =
                keys.iter().map(|queue| (queue, self.arguments(queue))).collect();
            entry["x-queue-arguments"] = json!(arguments);
            entry["parameters"] =
                json!({ "retryQueue": { "description": "The retry queue of a work queue", "enum": keys } });
            self.channels.insert(channel.clone(), entry);
            self.send(&channel, &every, "A consumer puts off what it cannot take in now.");
        }
        let exchange = self.topology.requeue_exchange();
        let description = "Straight back to one work queue: from a rung of the retry ladder when its time is up, from the dead letters when an operator says so.";
        let mut entry = self.publishing(&exchange, "{queue}", &every, description);
        entry["parameters"] = json!({ "queue": { "description": "A work queue", "enum": work } });
        self.channels.insert("requeue".to_owned(), entry);
        self.send("requeue", &every, "`spotwright dlq replay` sends a dead letter to its queue again.");
    }

    fn rung(&self, queue: &str, delay: Duration) -> String {
        self.topology.rung(queue, delay).address.key
    }

    fn dead_letters(&mut self) {
        let every = every_event();
        let work: Vec<String> =
            CONSUMERS.iter().flat_map(|consumer| self.topology.queues_of(consumer)).collect();
        let exchange = self.topology.dead_exchange();
        let description = format!(
            "What a consumer gave up, with its words in the header `{}`, what could not be read, and what the broker delivered too often.",
            headers::REASON
        );
        let mut entry = self.publishing(&exchange, "{origin}", &every, &description);
        entry["parameters"] =
            json!({ "origin": { "description": "The work queue it comes from", "enum": work } });
        self.channels.insert("dead".to_owned(), entry);
        self.send("dead", &every, "A consumer gives a message up.");
        let queue = self.topology.dead_queue();
        let description =
            "All dead letters. Bodies that could not be read as an event lie here as they came.";
        let entry = self.queue(&queue, &every, description);
        self.channels.insert("dead.q".to_owned(), entry);
        self.receive("dead.q", &every, "`spotwright dlq list` shows dead letters, `replay` takes them out.");
    }
}

/// The short names of all events, in the order of the samples.
fn every_event() -> Vec<&'static str> {
    let mut names: Vec<&'static str> = Vec::new();
    for text in SAMPLES {
        if let Ok(event) = serde_json::from_str::<Event>(text) {
            let name = short_type(&event.payload);
            if !names.contains(&name) {
                names.push(name);
            }
        }
    }
    names
}

/// `spotwright.variant.scored.v1` without what all have in common: `variant.scored`.
fn short_type(payload: &Payload) -> &'static str {
    let name = payload.event_type();
    let name = name.strip_prefix("spotwright.").unwrap_or(name);
    name.rsplit_once('.').map_or(name, |(name, _)| name)
}

/// `variant.scored` as the name of a schema: `VariantScoredEvent`.
fn schema_name(kind: &str) -> String {
    let word = |word: &str| {
        let mut letters = word.chars();
        letters.next().map(|first| first.to_uppercase().chain(letters).collect::<String>())
    };
    kind.split('.').filter_map(word).collect::<String>() + "Event"
}

fn message_refs(events: &[&str]) -> Map<String, Value> {
    let entry =
        |kind: &&str| ((*kind).to_owned(), json!({ "$ref": format!("#/components/messages/{kind}") }));
    events.iter().map(entry).collect()
}

fn channel_message_refs(channel: &str, events: &[&str]) -> Vec<Value> {
    let entry = |kind: &&str| json!({ "$ref": format!("#/channels/{channel}/messages/{kind}") });
    events.iter().map(entry).collect()
}

/// A message for each type of event, with its samples.
fn messages(samples: &[(Event, Value)]) -> Map<String, Value> {
    let mut messages = Map::new();
    for kind in every_event() {
        let of_kind = samples.iter().filter(|(event, _)| short_type(&event.payload) == kind);
        let examples: Vec<Value> = of_kind.clone().map(|(_, text)| json!({ "payload": text })).collect();
        let name = of_kind.map(|(event, _)| event.payload.event_type()).next().unwrap_or_default();
        messages.insert(
            kind.to_owned(),
            json!({
                "name": name,
                "title": kind,
                "contentType": "application/cloudevents+json",
                "headers": { "$ref": "#/components/schemas/Headers" },
                "payload": { "$ref": format!("#/components/schemas/{}", schema_name(kind)) },
                "correlationId": {
                    "description": "W3C trace context: the run is the trace, the message the span.",
                    "location": format!("$message.header#/{}", headers::TRACE_PARENT),
                },
                "bindings": { "amqp": { "messageType": name, "bindingVersion": BINDING_VERSION } },
                "examples": examples,
            }),
        );
    }
    messages
}

/// The schemas of the events, taken apart: the envelope, each event, and what they use.
fn schemas(samples: &[(Event, Value)]) -> Result<Map<String, Value>, String> {
    let mut whole = schemars::schema_for!(Event).to_value();
    rewrite(&mut whole);
    let object = whole.as_object_mut().ok_or("the schema of events is no object")?;
    let definitions = object.remove("$defs").and_then(|value| value.as_object().cloned());
    let variants = object.remove("oneOf").and_then(|value| value.as_array().cloned());
    object.remove("$schema");
    let variants = variants.ok_or("the schema of events has no variants")?;
    let mut schemas = definitions.unwrap_or_default();
    object.insert("title".to_owned(), json!("Envelope"));
    object.insert("x-max-bytes".to_owned(), json!(MAX_EVENT_BYTES));
    schemas.insert("Envelope".to_owned(), whole);
    for (event, _) in samples {
        let name = event.payload.event_type();
        let variant = variants.iter().find(|one| one["properties"]["type"]["const"] == name);
        let variant = variant.ok_or_else(|| format!("{name} is not in the schema of events"))?;
        let schema = json!({ "allOf": [{ "$ref": "#/components/schemas/Envelope" }, variant] });
        schemas.insert(schema_name(short_type(&event.payload)), schema);
    }
    Ok(schemas)
}

/// Points references to where the definitions are in this document. What stands beside a `$ref` has
/// no effect in AsyncAPI's schemas, so a reference with a description is wrapped.
fn rewrite(schema: &mut Value) {
    match schema {
        Value::Array(items) => items.iter_mut().for_each(rewrite),
        Value::Object(object) => {
            object.values_mut().for_each(rewrite);
            let Some(Value::String(target)) = object.get("$ref") else { return };
            let target = target.replace("#/$defs/", "#/components/schemas/");
            object.remove("$ref");
            let reference = json!({ "$ref": target });
            if object.is_empty() {
                *schema = reference;
            } else {
                object.insert("allOf".to_owned(), json!([reference]));
            }
        }
        _ => {}
    }
}

fn header_schema() -> Value {
    json!({
        "type": "object",
        "description": "Headers of a message. The property `message_id` is its id in the outbox, `type` the type of the event.",
        "properties": {
            (headers::SEQUENCE): { "type": "integer", "minimum": 1, "description": "Position among the messages of the run" },
            (headers::ORGANIZATION): { "type": "string", "format": "uuid", "description": "The customer account" },
            (headers::ATTEMPT): { "type": "integer", "minimum": 1, "description": "How often it has been put into a work queue" },
            (headers::TRACE_PARENT): { "type": "string", "description": "W3C trace context", "pattern": "^00-[0-9a-f]{32}-[0-9a-f]{16}-01$" },
            (headers::REASON): { "type": "string", "description": "Of a dead letter that a consumer gave up: why" },
            (headers::ORIGIN): { "type": "string", "description": "Of such a dead letter: full name of the queue it comes from" },
            (headers::WAIT): { "type": "integer", "minimum": 0, "description": "Milliseconds still to wait when it is back from the retry ladder" },
        },
        "required": [headers::SEQUENCE, headers::ORGANIZATION, headers::ATTEMPT, headers::TRACE_PARENT],
    })
}
