//! Single conversations with the broker, each with an end: no wait on it is unbounded.

use std::time::Duration;

use lapin::options::{
    ExchangeDeclareOptions, ExchangeDeleteOptions, QueueBindOptions, QueueDeclareOptions, QueueDeleteOptions,
};
use lapin::types::{AMQPValue, FieldTable, LongString, ShortString};
use lapin::uri::AMQPUri;
use lapin::{Channel, Connection, ConnectionProperties, ErrorKind, ExchangeKind};

use super::RabbitOptions;
use super::topology::{Argument, Exchange, ExchangeType, FeedbackRouting, Queue, Topology};

/// Why a conversation ended early. Everything but closing the connection is tried again.
#[derive(Debug, Clone, thiserror::Error)]
pub(super) enum BrokerError {
    /// The broker or the connection said so.
    #[error("{0}")]
    Amqp(#[from] lapin::Error),
    /// No answer in time.
    #[error("no answer in {} ms", .0.as_millis())]
    Silent(Duration),
    /// Something in our own order is at odds with the protocol.
    #[error("{0}")]
    Refused(String),
}

/// Waits for the broker no longer than `limit`.
pub(super) async fn within<T>(
    limit: Duration,
    wait: impl Future<Output = Result<T, lapin::Error>>,
) -> Result<T, BrokerError> {
    match tokio::time::timeout(limit, wait).await {
        Ok(answer) => Ok(answer?),
        Err(_) => Err(BrokerError::Silent(limit)),
    }
}

/// Opens a connection whose name operators see in the broker's list.
pub(super) async fn connect(options: &RabbitOptions, role: &str) -> Result<Connection, BrokerError> {
    let mut address: AMQPUri =
        options.url.parse().map_err(|error| BrokerError::Refused(format!("not an AMQP address: {error}")))?;
    // Whole seconds; 0 would mean none.
    let heartbeat = options.heartbeat.as_secs().clamp(1, 3600);
    address.query.heartbeat = u16::try_from(heartbeat).ok();
    let name = LongString::from(format!("spotwright {role}"));
    let properties = ConnectionProperties::default().with_connection_name(name);
    within(options.connect_timeout, Connection::connect_uri(address, properties)).await
}

/// Ends a connection politely, if it still listens.
pub(super) async fn hang_up(connection: &Connection, limit: Duration) {
    if let Err(error) = within(limit, connection.close(200, "bye".into())).await {
        tracing::debug!(%error, "the broker did not take leave");
    }
}

/// Opens a channel.
pub(super) async fn open_channel(
    connection: &Connection,
    options: &RabbitOptions,
) -> Result<Channel, BrokerError> {
    within(options.operation_timeout, connection.create_channel()).await
}

fn name(name: &str) -> Result<ShortString, BrokerError> {
    ShortString::try_new(name).map_err(|error| BrokerError::Refused(error.to_string()))
}

/// Declares exchanges, queues and bindings; changes nothing where they are as they should be.
pub(super) async fn declare(
    connection: &Connection,
    options: &RabbitOptions,
    topology: &Topology,
    routing: FeedbackRouting,
) -> Result<(), BrokerError> {
    let channel = open_channel(connection, options).await?;
    let limit = options.operation_timeout;
    for Exchange { name: exchange, kind } in topology.exchanges(routing) {
        let kind = match kind {
            ExchangeType::Topic => ExchangeKind::Topic,
            ExchangeType::Direct => ExchangeKind::Direct,
            ExchangeType::ConsistentHash => ExchangeKind::Custom(kind.as_str().to_owned()),
        };
        let declare = ExchangeDeclareOptions { durable: true, ..Default::default() };
        let declared = channel.exchange_declare(name(&exchange)?, kind, declare, FieldTable::default());
        within(limit, declared).await?;
    }
    for Queue { name: queue, arguments } in topology.queues() {
        let mut table = FieldTable::default();
        for (argument, value) in arguments {
            table.insert(name(argument)?, amqp(&value));
        }
        let declare = QueueDeclareOptions { durable: true, ..Default::default() };
        within(limit, channel.queue_declare(name(&queue)?, declare, table)).await?;
    }
    for binding in topology.bindings(routing) {
        let (queue, exchange) = (name(&binding.queue)?, name(&binding.exchange)?);
        let key = name(&binding.key)?;
        let options = QueueBindOptions::default();
        within(limit, channel.queue_bind(queue, exchange, key, options, FieldTable::default())).await?;
    }
    within(limit, channel.close(200, "declared".into())).await
}

fn amqp(argument: &Argument) -> AMQPValue {
    match argument {
        Argument::Text(text) => AMQPValue::LongString(LongString::from(text.as_str())),
        Argument::Number(number) => AMQPValue::LongLongInt(*number),
        Argument::Flag(flag) => AMQPValue::Boolean(*flag),
    }
}

/// Deletes every exchange and queue of the topology with all messages in them.
pub(super) async fn delete(
    connection: &Connection,
    options: &RabbitOptions,
    topology: &Topology,
) -> Result<(), BrokerError> {
    let channel = open_channel(connection, options).await?;
    let limit = options.operation_timeout;
    for queue in topology.queues() {
        within(limit, channel.queue_delete(name(&queue.name)?, QueueDeleteOptions::default())).await?;
    }
    for exchange in topology.exchanges(FeedbackRouting::ConsistentHash) {
        let deleted = channel.exchange_delete(name(&exchange.name)?, ExchangeDeleteOptions::default());
        within(limit, deleted).await?;
    }
    Ok(())
}

/// Whether the broker answers: asks it for an exchange that every broker has.
pub(super) async fn probe(channel: &Channel, limit: Duration) -> Result<(), BrokerError> {
    let passive = ExchangeDeclareOptions { passive: true, durable: true, ..Default::default() };
    let asked =
        channel.exchange_declare("amq.topic".into(), ExchangeKind::Topic, passive, FieldTable::default());
    within(limit, asked).await
}

/// Whether the broker does not know the type of the feedback exchange, or knows the exchange under
/// another type: then the plug-in is missing, or was when the exchange was made.
pub(super) fn lacks_consistent_hash(error: &BrokerError) -> bool {
    // RabbitMQ answers 503 (command invalid) or 406 (precondition failed).
    matches!(error, BrokerError::Amqp(error)
        if matches!(error.kind(), ErrorKind::ProtocolError(error)
            if matches!(error.get_id(), 503 | 406)
                && (error.get_message().as_str().contains("exchange type")
                    || error.get_message().as_str().contains("inequivalent arg 'type'"))))
}
