//! Names, arguments and bindings of all exchanges and queues, and where each message goes. Pure.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};
use spotwright_core::domain::topology::{CONSUMERS, consumer_of};
use spotwright_core::ports::step_store::OutboxMessage;
use spotwright_schemas::event::{Payload, RenderStage};
use spotwright_schemas::ids::RunId;

/// The consumer whose messages are spread over shards by run.
const FEEDBACK: &str = "agent.feedback";
/// The class of every organization: there is one.
const ORGANIZATION_CLASS: &str = "standard";
/// The class of every renderer: there is one.
const RENDERER_CLASS: &str = "cpu";
/// Share of a shard in the consistent hash: that many points on the ring, the same for all.
const SHARD_WEIGHT: &str = "10";
/// Deliveries of a dead letter before the broker drops it. Looking at dead letters counts as
/// delivering them, and from version 4.0 on the broker's own limit is 20.
const DEAD_DELIVERY_LIMIT: i64 = 1_000_000;

/// What the topology is made from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopologyOptions {
    /// Stands before the name of every exchange and queue; at most 100 bytes.
    pub prefix: String,
    /// Delays of the retry queues, ascending, each at least 1 ms; at least one.
    pub retry_delays: Vec<Duration>,
    /// Queues that feedback is spread over, at least 1.
    pub feedback_shards: u32,
    /// Deliveries without a verdict after the first before a message is a dead letter, at least 1.
    pub delivery_limit: u32,
    /// Messages a work queue holds before it refuses more, at least 1.
    pub max_length: u32,
}

impl Default for TopologyOptions {
    fn default() -> Self {
        Self {
            prefix: "spotwright.".to_owned(),
            retry_delays: [5, 30, 300].map(Duration::from_secs).to_vec(),
            feedback_shards: 4,
            delivery_limit: 5,
            max_length: 100_000,
        }
    }
}

/// How an exchange chooses among its queues.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExchangeType {
    /// By patterns of the routing key.
    Topic,
    /// By the whole routing key.
    Direct,
    /// By a hash of the routing key; needs the plug-in `rabbitmq_consistent_hash_exchange`.
    ConsistentHash,
}

impl ExchangeType {
    /// The type as the broker names it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Topic => "topic",
            Self::Direct => "direct",
            Self::ConsistentHash => "x-consistent-hash",
        }
    }
}

/// How feedback finds its shard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FeedbackRouting {
    /// The broker hashes the run.
    ConsistentHash,
    /// The publisher hashes the run, for brokers without the plug-in.
    Direct,
}

/// An exchange; all are durable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exchange {
    /// Full name.
    pub name: String,
    /// How it routes.
    pub kind: ExchangeType,
}

/// A queue; all are durable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Queue {
    /// Full name.
    pub name: String,
    /// Arguments of its declaration.
    pub arguments: BTreeMap<&'static str, Argument>,
}

/// An argument of a queue's declaration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Argument {
    /// A text.
    Text(String),
    /// A number.
    Number(i64),
    /// A switch.
    Flag(bool),
}

/// A way from an exchange to a queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binding {
    /// Full name of the exchange.
    pub exchange: String,
    /// Full name of the queue.
    pub queue: String,
    /// Pattern, key or weight, by the exchange's type.
    pub key: String,
}

/// Where a message is published to.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Address {
    /// Full name of the exchange.
    pub exchange: String,
    /// Routing key.
    pub key: String,
}

/// A rung of the retry ladder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rung {
    /// Where to publish.
    pub address: Address,
    /// What must still pass when the message is back, zero for most.
    pub rest: Duration,
}

/// Names and addresses under one prefix.
#[derive(Debug, Clone)]
pub struct Topology {
    options: TopologyOptions,
}

fn milliseconds(delay: Duration) -> u64 {
    u64::try_from(delay.as_millis()).unwrap_or(u64::MAX)
}

impl Topology {
    /// The topology of these options.
    ///
    /// # Errors
    /// A sentence that names the option out of its range.
    pub fn new(options: TopologyOptions) -> Result<Self, String> {
        let delays = &options.retry_delays;
        // The broker keeps a message's time to live in 32 bits.
        let in_range = |delay: &Duration| (1..=u64::from(u32::MAX)).contains(&milliseconds(*delay));
        if options.prefix.len() > 100 {
            return Err("the prefix is longer than 100 bytes".to_owned());
        }
        if delays.is_empty() || !delays.iter().all(in_range) || !delays.is_sorted_by(|a, b| a < b) {
            return Err("retry delays are one or more, ascending, from 1 ms to 49 days".to_owned());
        }
        if options.feedback_shards == 0 || options.delivery_limit == 0 || options.max_length == 0 {
            return Err("feedback shards, delivery limit and longest queue are at least 1".to_owned());
        }
        Ok(Self { options })
    }

    fn name(&self, name: &str) -> String {
        format!("{}{name}", self.options.prefix)
    }

    /// The topic exchange of all events but feedback.
    #[must_use]
    pub fn events_exchange(&self) -> String {
        self.name("events")
    }

    /// The exchange that spreads feedback over its shards.
    #[must_use]
    pub fn feedback_exchange(&self) -> String {
        self.name("feedback")
    }

    /// The exchange in front of the retry queues.
    #[must_use]
    pub fn retry_exchange(&self) -> String {
        self.name("retry")
    }

    /// The exchange that addresses one work queue by its full name.
    #[must_use]
    pub fn requeue_exchange(&self) -> String {
        self.name("requeue")
    }

    /// The exchange in front of the dead letters.
    #[must_use]
    pub fn dead_exchange(&self) -> String {
        self.name("dead")
    }

    /// The queue of dead letters.
    #[must_use]
    pub fn dead_queue(&self) -> String {
        self.name("dead.q")
    }

    /// A full name without the prefix.
    #[must_use]
    pub fn short_name<'a>(&self, name: &'a str) -> &'a str {
        name.strip_prefix(self.options.prefix.as_str()).unwrap_or(name)
    }

    /// Full names of the queues a consumer reads; none when there is no such consumer.
    #[must_use]
    pub fn queues_of(&self, consumer: &str) -> Vec<String> {
        if consumer == FEEDBACK {
            return (0..self.options.feedback_shards).map(|shard| self.shard(shard)).collect();
        }
        CONSUMERS.contains(&consumer).then(|| self.name(consumer)).into_iter().collect()
    }

    fn shard(&self, shard: u32) -> String {
        self.name(&format!("{FEEDBACK}.{shard}"))
    }

    /// All exchanges.
    #[must_use]
    pub fn exchanges(&self, routing: FeedbackRouting) -> Vec<Exchange> {
        let feedback = match routing {
            FeedbackRouting::ConsistentHash => ExchangeType::ConsistentHash,
            FeedbackRouting::Direct => ExchangeType::Direct,
        };
        let exchange = |name, kind| Exchange { name, kind };
        vec![
            exchange(self.events_exchange(), ExchangeType::Topic),
            exchange(self.feedback_exchange(), feedback),
            exchange(self.retry_exchange(), ExchangeType::Direct),
            exchange(self.requeue_exchange(), ExchangeType::Direct),
            exchange(self.dead_exchange(), ExchangeType::Topic),
        ]
    }

    /// Full names of all work queues.
    fn work_queues(&self) -> Vec<String> {
        CONSUMERS.iter().flat_map(|consumer| self.queues_of(consumer)).collect()
    }

    /// All queues: work queues, their retry queues, and the dead letters.
    #[must_use]
    pub fn queues(&self) -> Vec<Queue> {
        let text = |value: &str| Argument::Text(value.to_owned());
        let mut queues = Vec::new();
        for name in self.work_queues() {
            let mut arguments = BTreeMap::from([
                ("x-queue-type", text("quorum")),
                ("x-delivery-limit", Argument::Number(i64::from(self.options.delivery_limit))),
                ("x-dead-letter-exchange", Argument::Text(self.dead_exchange())),
                ("x-dead-letter-strategy", text("at-least-once")),
                ("x-overflow", text("reject-publish")),
                ("x-max-length", Argument::Number(i64::from(self.options.max_length))),
            ]);
            if self.short_name(&name).starts_with(FEEDBACK) {
                // One consumer at a time keeps the order within a run.
                arguments.insert("x-single-active-consumer", Argument::Flag(true));
            }
            for delay in &self.options.retry_delays {
                queues.push(self.retry_queue(&name, *delay));
            }
            queues.push(Queue { name, arguments });
        }
        let limit = Argument::Number(DEAD_DELIVERY_LIMIT);
        let arguments = BTreeMap::from([("x-queue-type", text("quorum")), ("x-delivery-limit", limit)]);
        queues.push(Queue { name: self.dead_queue(), arguments });
        queues
    }

    fn retry_queue(&self, origin: &str, delay: Duration) -> Queue {
        let text = |value: &str| Argument::Text(value.to_owned());
        let delay = i64::try_from(milliseconds(delay)).unwrap_or(i64::MAX);
        let arguments = BTreeMap::from([
            ("x-queue-type", text("quorum")),
            ("x-dead-letter-strategy", text("at-least-once")),
            ("x-overflow", text("reject-publish")),
            ("x-message-ttl", Argument::Number(delay)),
            ("x-dead-letter-exchange", Argument::Text(self.requeue_exchange())),
            ("x-dead-letter-routing-key", text(origin)),
        ]);
        Queue { name: self.name(&format!("retry.{}.{delay}ms", self.short_name(origin))), arguments }
    }

    /// All bindings.
    #[must_use]
    pub fn bindings(&self, routing: FeedbackRouting) -> Vec<Binding> {
        let mut bindings = Vec::new();
        let mut bind = |exchange: String, queue: &str, key: &str| {
            bindings.push(Binding { exchange, queue: queue.to_owned(), key: key.to_owned() });
        };
        for consumer in CONSUMERS {
            for (shard, queue) in self.queues_of(consumer).iter().enumerate() {
                match (binding_pattern(consumer), routing) {
                    (Some(pattern), _) => bind(self.events_exchange(), queue, &pattern),
                    (None, FeedbackRouting::ConsistentHash) => {
                        bind(self.feedback_exchange(), queue, SHARD_WEIGHT);
                    }
                    (None, FeedbackRouting::Direct) => {
                        bind(self.feedback_exchange(), queue, &shard.to_string());
                    }
                }
                bind(self.requeue_exchange(), queue, queue);
                for delay in &self.options.retry_delays {
                    let retry = self.retry_queue(queue, *delay).name;
                    bind(self.retry_exchange(), &retry, &retry);
                }
            }
        }
        bind(self.dead_exchange(), &self.dead_queue(), "#");
        bindings
    }

    /// Where a message of the outbox goes.
    ///
    /// A message that names another consumer than its event's goes to the queue of that name, if
    /// there is one.
    #[must_use]
    pub fn address(&self, message: &OutboxMessage, routing: FeedbackRouting) -> Address {
        let payload = &message.event.payload;
        if message.consumer != consumer_of(payload) {
            return self.requeue(&self.name(&message.consumer));
        }
        match (routing_key(payload), routing) {
            (Some(key), _) => Address { exchange: self.events_exchange(), key },
            (None, FeedbackRouting::ConsistentHash) => {
                Address { exchange: self.feedback_exchange(), key: message.event.subject.to_string() }
            }
            (None, FeedbackRouting::Direct) => {
                Address { exchange: self.feedback_exchange(), key: self.shard_of(message.event.subject) }
            }
        }
    }

    /// The shard of a run, where the publisher chooses it.
    fn shard_of(&self, run: RunId) -> String {
        let mut bytes = [0_u8; 8];
        bytes.copy_from_slice(&blake3::hash(run.0.as_bytes()).as_bytes()[..8]);
        (u64::from_le_bytes(bytes) % u64::from(self.options.feedback_shards)).to_string()
    }

    /// Back to a work queue, by its full name.
    #[must_use]
    pub fn requeue(&self, queue: &str) -> Address {
        Address { exchange: self.requeue_exchange(), key: queue.to_owned() }
    }

    /// To the dead letters, from a work queue.
    #[must_use]
    pub fn dead(&self, queue: &str) -> Address {
        Address { exchange: self.dead_exchange(), key: queue.to_owned() }
    }

    /// The shortest delay of the ladder that is not shorter than `delay`. A delay beyond the ladder
    /// takes its longest rung, and more rungs when the message is back.
    #[must_use]
    pub fn rung(&self, queue: &str, delay: Duration) -> Rung {
        let delays = &self.options.retry_delays;
        let longest = delays.last().copied().unwrap_or_default();
        let chosen = delays.iter().copied().find(|rung| *rung >= delay).unwrap_or(longest);
        let key = self.retry_queue(queue, chosen).name;
        Rung { address: Address { exchange: self.retry_exchange(), key }, rest: delay.saturating_sub(chosen) }
    }

    /// The topology as the broker's own definitions file, to import before the first start.
    #[must_use]
    pub fn definitions(&self) -> Value {
        let routing = FeedbackRouting::ConsistentHash;
        let exchanges: Vec<Value> = self
            .exchanges(routing)
            .into_iter()
            .map(|exchange| {
                json!({
                    "name": exchange.name, "vhost": "/", "type": exchange.kind.as_str(),
                    "durable": true, "auto_delete": false, "internal": false, "arguments": {},
                })
            })
            .collect();
        let queues: Vec<Value> = self
            .queues()
            .into_iter()
            .map(|queue| {
                let arguments: BTreeMap<_, _> =
                    queue.arguments.into_iter().map(|(name, value)| (name, value.to_json())).collect();
                json!({
                    "name": queue.name, "vhost": "/", "durable": true, "auto_delete": false,
                    "arguments": arguments,
                })
            })
            .collect();
        let bindings: Vec<Value> = self
            .bindings(routing)
            .into_iter()
            .map(|binding| {
                json!({
                    "source": binding.exchange, "vhost": "/", "destination": binding.queue,
                    "destination_type": "queue", "routing_key": binding.key, "arguments": {},
                })
            })
            .collect();
        json!({ "vhosts": [{ "name": "/" }], "exchanges": exchanges, "queues": queues, "bindings": bindings })
    }
}

impl Argument {
    fn to_json(&self) -> Value {
        match self {
            Self::Text(text) => json!(text),
            Self::Number(number) => json!(number),
            Self::Flag(flag) => json!(flag),
        }
    }
}

/// The routing key of an event; `None` for feedback, whose key is its run.
fn routing_key(payload: &Payload) -> Option<String> {
    let (what, class) = match payload {
        Payload::CreativeRequested(_) => ("creative.requested", ORGANIZATION_CLASS),
        Payload::VariantRequested(_) => ("variant.requested", RENDERER_CLASS),
        Payload::VariantRendered(rendered) => match rendered.stage {
            RenderStage::Preview => ("variant.rendered.preview", ORGANIZATION_CLASS),
            RenderStage::Final => ("variant.rendered.final", ORGANIZATION_CLASS),
        },
        Payload::VariantScored(_) => ("variant.scored", ORGANIZATION_CLASS),
        Payload::CreativeWon(_) => ("creative.won", ORGANIZATION_CLASS),
        Payload::PlacementFeedback(_) => return None,
        Payload::CreativeFatigued(_) => ("creative.fatigued", ORGANIZATION_CLASS),
        Payload::RunFinished(_) => ("run.finished", ORGANIZATION_CLASS),
    };
    Some(format!("{what}.{class}"))
}

/// Which routing keys a consumer takes; `None` for feedback.
fn binding_pattern(consumer: &str) -> Option<String> {
    let pattern = match consumer {
        "agent.creative-requested" => "creative.requested.*",
        "score.variant-rendered" => "variant.rendered.preview.*",
        "agent.variant-rendered" => "variant.rendered.final.*",
        "agent.variant-scored" => "variant.scored.*",
        "market.creative-won" => "creative.won.*",
        "agent.creative-fatigued" => "creative.fatigued.*",
        "api.run-finished" => "run.finished.*",
        FEEDBACK => return None,
        // One queue for each class of renderers.
        other => return Some(format!("variant.requested.{}", other.rsplit('.').next().unwrap_or(other))),
    };
    Some(pattern.to_owned())
}
