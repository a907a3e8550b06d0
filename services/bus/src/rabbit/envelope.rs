//! Messages as they travel: body, properties and headers, and how they are read back. Pure.

use lapin::BasicProperties;
use lapin::types::{AMQPValue, FieldTable, LongString, ShortString};
use spotwright_core::ports::event_bus::BusError;
use spotwright_core::ports::step_store::OutboxMessage;
use spotwright_schemas::event::Event;
use spotwright_schemas::ids::{MessageId, RunId};

use super::topology::Address;

/// Position of the message among those of its run.
pub const SEQUENCE: &str = "x-seq";
/// The customer account.
pub const ORGANIZATION: &str = "x-organization";
/// How often it has been put into a work queue, from 1.
pub const ATTEMPT: &str = "x-attempt";
/// Milliseconds still to wait when the message is back from the retry queue.
pub const WAIT: &str = "x-wait-ms";
/// Why a message is a dead letter.
pub const REASON: &str = "x-reason";
/// Full name of the queue a dead letter comes from.
pub const ORIGIN: &str = "x-origin";
/// W3C trace context.
pub const TRACE_PARENT: &str = "traceparent";
/// How often the broker has delivered it before from the same queue.
pub(super) const DELIVERY_COUNT: &str = "x-delivery-count";
/// The broker's record of dead-lettering, latest first.
const DEATHS: &str = "x-death";

/// Delivery mode of messages that survive a restart of the broker.
const PERSISTENT: u8 = 2;

/// What is handed to the broker.
#[derive(Debug, Clone)]
pub(super) struct Envelope {
    /// Names the message in answers and logs.
    pub(super) id: String,
    pub(super) address: Address,
    pub(super) properties: BasicProperties,
    pub(super) body: Vec<u8>,
}

/// Names are limited to 255 bytes by the protocol.
pub(super) fn short(text: &str) -> Result<ShortString, BusError> {
    ShortString::try_new(text).map_err(|_| BusError::Unroutable(text.to_owned()))
}

fn text(value: &str) -> AMQPValue {
    AMQPValue::LongString(LongString::from(value))
}

/// `traceparent` of a message: the run is the trace, the message the span.
///
/// # Source
/// W3C Trace Context, section 3.2: version, 16-byte trace id, 8-byte parent id, flags (sampled).
pub(super) fn trace_parent(run: RunId, message: MessageId) -> String {
    let span = blake3::hash(message.0.as_bytes()).to_hex();
    format!("00-{}-{}-01", run.0.simple(), &span[..16])
}

impl Envelope {
    /// An event on its way, for the time number `attempt`.
    pub(super) fn of(message: &OutboxMessage, address: Address, attempt: u32) -> Result<Self, BusError> {
        let event = &message.event;
        let body = serde_json::to_vec(event).map_err(|error| BusError::Unavailable(error.to_string()))?;
        let mut headers = FieldTable::default();
        headers.insert(
            SEQUENCE.into(),
            AMQPValue::LongLongInt(i64::try_from(event.sequence).unwrap_or(i64::MAX)),
        );
        headers.insert(ORGANIZATION.into(), text(&event.organization.to_string()));
        headers.insert(TRACE_PARENT.into(), text(&trace_parent(event.subject, message.id)));
        let properties =
            properties(Some(&message.id.to_string())).with_type(event.payload.event_type().into());
        let envelope =
            Self { id: message.id.to_string(), address, properties: properties.with_headers(headers), body };
        Ok(envelope.with_number(ATTEMPT, i64::from(attempt)))
    }

    /// Bytes that no event could be read from, as they came.
    pub(super) fn raw(id: &str, address: Address, body: Vec<u8>) -> Self {
        // An identifier that came in fits on the way out.
        Self { id: id.to_owned(), address, properties: properties(Some(id)), body }
    }

    pub(super) fn with_number(self, name: &str, number: i64) -> Self {
        self.with(name, AMQPValue::LongLongInt(number))
    }

    pub(super) fn with_text(self, name: &str, value: &str) -> Self {
        self.with(name, text(value))
    }

    fn with(mut self, name: &str, value: AMQPValue) -> Self {
        let mut headers = self.properties.headers().clone().unwrap_or_default();
        headers.insert(name.into(), value);
        self.properties = self.properties.with_headers(headers);
        self
    }
}

fn properties(id: Option<&str>) -> BasicProperties {
    let properties = BasicProperties::default()
        .with_delivery_mode(PERSISTENT)
        .with_content_type("application/cloudevents+json".into());
    match id.and_then(|id| ShortString::try_new(id).ok()) {
        Some(id) => properties.with_message_id(id),
        None => properties,
    }
}

/// Reads a delivered body.
pub(super) fn read(consumer: &str, body: &[u8]) -> Result<OutboxMessage, String> {
    let event: Event = serde_json::from_slice(body).map_err(|error| error.to_string())?;
    Ok(OutboxMessage { id: event.id, consumer: consumer.to_owned(), event })
}

/// The message id property, empty when there is none.
pub(super) fn id_of(properties: &BasicProperties) -> String {
    properties.message_id().as_ref().map(ToString::to_string).unwrap_or_default()
}

/// A header that is a number, whatever its width; `None` when it is absent or another thing.
pub(super) fn number(properties: &BasicProperties, name: &str) -> Option<i64> {
    as_number(properties.headers().as_ref()?.inner().get(name)?)
}

/// A header that is a text.
pub(super) fn string(properties: &BasicProperties, name: &str) -> Option<String> {
    as_string(properties.headers().as_ref()?.inner().get(name)?)
}

/// Queue and reason of the broker's latest dead-lettering.
pub(super) fn latest_death(properties: &BasicProperties) -> Option<(String, String)> {
    let AMQPValue::FieldArray(deaths) = properties.headers().as_ref()?.inner().get(DEATHS)? else {
        return None;
    };
    let AMQPValue::FieldTable(latest) = deaths.as_slice().first()? else { return None };
    let field = |name: &str| latest.inner().get(name).and_then(as_string);
    Some((field("queue")?, field("reason")?))
}

/// How often a message was delivered, this time included: the times it was put into its queue, and
/// the deliveries from there without a verdict.
pub(super) fn attempts(properties: &BasicProperties) -> u32 {
    let queued = number(properties, ATTEMPT).unwrap_or(1).max(1);
    let returned = number(properties, DELIVERY_COUNT).unwrap_or(0).max(0);
    u32::try_from(queued.saturating_add(returned)).unwrap_or(u32::MAX)
}

fn as_number(value: &AMQPValue) -> Option<i64> {
    Some(match value {
        AMQPValue::ShortShortInt(number) => i64::from(*number),
        AMQPValue::ShortShortUInt(number) => i64::from(*number),
        AMQPValue::ShortInt(number) => i64::from(*number),
        AMQPValue::ShortUInt(number) => i64::from(*number),
        AMQPValue::LongInt(number) => i64::from(*number),
        AMQPValue::LongUInt(number) => i64::from(*number),
        AMQPValue::LongLongInt(number) => *number,
        _ => return None,
    })
}

fn as_string(value: &AMQPValue) -> Option<String> {
    match value {
        AMQPValue::LongString(text) => Some(String::from_utf8_lossy(text.as_bytes()).into_owned()),
        AMQPValue::ShortString(text) => Some(text.to_string()),
        _ => None,
    }
}
