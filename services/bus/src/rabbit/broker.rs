//! Single conversations with the broker, each with an end: no wait on it is unbounded.

use std::io;
use std::time::Duration;

use lapin::options::{
    ExchangeDeclareOptions, ExchangeDeleteOptions, QueueBindOptions, QueueDeclareOptions, QueueDeleteOptions,
};
use lapin::tcp::OwnedTLSConfig;
use lapin::types::{AMQPValue, FieldTable, LongString, ShortString};
use lapin::uri::AMQPUri;
use lapin::{Channel, Connection, ConnectionProperties, ErrorKind, ExchangeKind};
use url::{Host, Url};

use super::topology::{Argument, Exchange, ExchangeType, FeedbackRouting, Queue, Topology};
use super::{ConnectError, RabbitOptions};

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

/// What an error means for somebody who has just written the address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning {
    /// The address cannot work: login, virtual host, certificate, or another kind of server.
    Address(&'static str),
    /// Nobody answers there.
    Unreachable,
    /// Anything else; it may pass.
    Passing,
}

impl BrokerError {
    /// The error of somebody who connects once and does not try again.
    pub(super) fn at_start(&self) -> ConnectError {
        match self.meaning() {
            Meaning::Address(advice) => ConnectError::Address(format!("{self}; {advice}")),
            Meaning::Unreachable | Meaning::Passing => ConnectError::Unavailable(self.to_string()),
        }
    }

    /// What the error means at the start.
    pub(super) fn meaning(&self) -> Meaning {
        const NO_BROKER: Meaning = Meaning::Address(
            "what answers there is no AMQP broker; its port without TLS is usually 5672, the one with TLS (`amqps://`) 5671",
        );
        let error = match self {
            Self::Silent(_) => return Meaning::Unreachable,
            Self::Refused(_) => return Meaning::Address("correct the address"),
            Self::Amqp(error) => error,
        };
        match error.kind() {
            // Connection errors of the protocol: access refused, not allowed.
            ErrorKind::ProtocolError(error) => match error.get_id() {
                403 => Meaning::Address(
                    "check user and password, special characters written as escapes such as `%23` for `#`, and that the user may configure, write and read; RabbitMQ lets `guest` in from its own machine only",
                ),
                530 => Meaning::Address(
                    "check the virtual host and that the user may use it; the default one is written `%2f`, as in `amqp://user:password@host:5672/%2f`",
                ),
                _ => Meaning::Passing,
            },
            ErrorKind::ParsingError(_) | ErrorKind::InvalidProtocolVersion(_) => NO_BROKER,
            ErrorKind::AuthProviderError(_) => Meaning::Address("check user and password"),
            ErrorKind::IOError(error) => {
                match error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
                    Some(rustls::Error::InvalidCertificate(_)) => Meaning::Address(
                        "the broker's certificate is not trusted or not for this host; name the PEM file of a private authority as `tls.ca_file`",
                    ),
                    Some(rustls::Error::InvalidMessage(_) | rustls::Error::PeerMisbehaved(_)) => {
                        Meaning::Address(
                            "the port does not speak TLS; with TLS it is usually 5671, and without it write `amqp://`",
                        )
                    }
                    Some(_) => Meaning::Address("TLS cannot be agreed on with the broker"),
                    None => match error.kind() {
                        io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput => NO_BROKER,
                        _ => Meaning::Unreachable,
                    },
                }
            }
            _ => Meaning::Passing,
        }
    }
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

/// Opens a connection whose name operators see in the broker's list. `amqps` is TLS, always: a server
/// that does not speak it is refused.
pub(super) async fn connect(options: &RabbitOptions, role: &str) -> Result<Connection, BrokerError> {
    let mut address = address(&options.url).map_err(BrokerError::Refused)?;
    // Whole seconds; 0 would mean none.
    let heartbeat = options.heartbeat.as_secs().clamp(1, 3600);
    address.query.heartbeat = u16::try_from(heartbeat).ok();
    let name = LongString::from(format!("spotwright {role}"));
    let properties = ConnectionProperties::default().with_connection_name(name);
    let trusted = OwnedTLSConfig { identity: None, cert_chain: options.authorities.clone() };
    let runtime = lapin::runtime::default_runtime()?;
    let connecting = Connection::connect_uri_with_config(address, properties, trusted, runtime);
    within(options.connect_timeout, connecting).await
}

/// Reads an address. What is said about a wrong one never repeats it.
pub(super) fn address(text: &str) -> Result<AMQPUri, String> {
    spotwright_schemas::address::check(text, &["amqp", "amqps"], false)?;
    let unreadable = || "is no AMQP address; it has the form `amqp://user:password@host:5672/%2f`".to_owned();
    let mut address: AMQPUri = text.parse().map_err(|_| unreadable())?;
    // The parser takes only names for hosts, and the default host for anything else.
    let url = Url::parse(text).map_err(|_| unreadable())?;
    match url.host().ok_or_else(unreadable)? {
        Host::Domain(_) => {}
        Host::Ipv4(ip) => address.authority.host = ip.to_string(),
        Host::Ipv6(ip) => address.authority.host = ip.to_string(),
    }
    Ok(address)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_keeps_its_host_whatever_it_is_written_as() {
        for (text, host, port) in [
            ("amqp://localhost/%2f", "localhost", 5672),
            ("amqps://10.0.0.1/%2f", "10.0.0.1", 5671),
            ("amqps://u:p@[::1]:5000", "::1", 5000),
        ] {
            let read = address(text).unwrap();
            assert_eq!((read.authority.host.as_str(), read.authority.port), (host, port), "{text}");
            assert_eq!(read.vhost, "/", "{text}");
        }
        assert_eq!(address("amqp://u:s3c%23ret@host/%2f").unwrap().authority.userinfo.password, "s3c#ret");
        for text in [
            "amqp:/127.0.0.1",
            "amqp://u:s3c#ret@host",
            "amqp://u:s3cret@host/?frame_max=s3cret",
            "amqp://%FFs3cret@host",
        ] {
            let message = address(text).unwrap_err();
            assert!(!message.contains("s3c"), "{message}");
        }
    }
}
