//! Events that belong to an organization and to no run, and the log that holds them beside those of runs.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::event::{ContentType, Event, SpecVersion};
use crate::ids::{MessageId, OrganizationId, RunId, WebhookId};

/// A CloudEvents 1.0 envelope around [`OrganizationPayload`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OrganizationEvent {
    /// Always `1.0`.
    pub specversion: SpecVersion,
    /// Id of the message.
    pub id: MessageId,
    /// Who sent it, e.g. `/spotwright/webhooks`.
    pub source: String,
    /// The organization it belongs to.
    pub subject: OrganizationId,
    /// When it was written, UTC.
    #[schemars(with = "String")]
    pub time: Timestamp,
    /// Always `application/json`.
    pub datacontenttype: ContentType,
    /// The customer account it belongs to; the same as `subject`.
    pub organization: OrganizationId,
    /// Type and data.
    #[serde(flatten)]
    pub payload: OrganizationPayload,
}

/// Type and data of an event of an organization.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", content = "data")]
pub enum OrganizationPayload {
    /// A webhook is not tried any more until somebody lets it go on.
    #[serde(rename = "spotwright.webhook.paused.v1")]
    WebhookPaused(WebhookPaused),
}

impl OrganizationPayload {
    /// The CloudEvents type, e.g. `spotwright.webhook.paused.v1`.
    #[must_use]
    pub const fn event_type(&self) -> &'static str {
        match self {
            Self::WebhookPaused(_) => "spotwright.webhook.paused.v1",
        }
    }
}

/// A webhook is not tried any more until somebody lets it go on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WebhookPaused {
    /// Which webhook.
    pub webhook: WebhookId,
    /// Why, for a person.
    pub reason: String,
}

/// An event of the log of an organization.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum LoggedEvent {
    /// Of a run.
    Run(Event),
    /// Of the organization itself.
    Organization(OrganizationEvent),
}

impl LoggedEvent {
    /// Every type of event that a log can hold, e.g. to choose some of them.
    pub const TYPES: [&'static str; 9] = [
        "spotwright.creative.requested.v1",
        "spotwright.variant.requested.v1",
        "spotwright.variant.rendered.v1",
        "spotwright.variant.scored.v1",
        "spotwright.creative.won.v1",
        "spotwright.placement.feedback.v1",
        "spotwright.creative.fatigued.v1",
        "spotwright.run.finished.v1",
        "spotwright.webhook.paused.v1",
    ];

    /// Its id.
    #[must_use]
    pub const fn id(&self) -> MessageId {
        match self {
            Self::Run(event) => event.id,
            Self::Organization(event) => event.id,
        }
    }

    /// The CloudEvents type.
    #[must_use]
    pub const fn event_type(&self) -> &'static str {
        match self {
            Self::Run(event) => event.payload.event_type(),
            Self::Organization(event) => event.payload.event_type(),
        }
    }

    /// When it was written.
    #[must_use]
    pub const fn time(&self) -> Timestamp {
        match self {
            Self::Run(event) => event.time,
            Self::Organization(event) => event.time,
        }
    }

    /// The organization it belongs to.
    #[must_use]
    pub const fn organization(&self) -> OrganizationId {
        match self {
            Self::Run(event) => event.organization,
            Self::Organization(event) => event.organization,
        }
    }

    /// The run it belongs to; `None` for one of the organization itself.
    #[must_use]
    pub const fn run(&self) -> Option<RunId> {
        match self {
            Self::Run(event) => Some(event.subject),
            Self::Organization(_) => None,
        }
    }

    /// Its number among those of its run, from 1; `None` for one of the organization itself.
    #[must_use]
    pub const fn sequence(&self) -> Option<u64> {
        match self {
            Self::Run(event) => Some(event.sequence),
            Self::Organization(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The names of the variants of a payload, as its JSON Schema has them.
    fn types_of<T: JsonSchema>() -> Vec<String> {
        fn constants(value: &serde_json::Value, found: &mut Vec<String>) {
            match value {
                serde_json::Value::Object(fields) => {
                    let text = fields.get("const").and_then(serde_json::Value::as_str);
                    found.extend(text.filter(|text| text.starts_with("spotwright.")).map(str::to_owned));
                    fields.values().for_each(|inner| constants(inner, found));
                }
                serde_json::Value::Array(values) => values.iter().for_each(|inner| constants(inner, found)),
                _ => {}
            }
        }
        let mut found = Vec::new();
        constants(schemars::schema_for!(T).as_value(), &mut found);
        found
    }

    #[test]
    fn the_list_of_types_is_whole() {
        let mut all = types_of::<crate::event::Payload>();
        all.extend(types_of::<OrganizationPayload>());
        assert_eq!(all, LoggedEvent::TYPES);
    }

    #[test]
    fn an_event_of_an_organization_is_a_cloud_event() {
        let organization = OrganizationId::derive(1, "organization", 0);
        let webhook = WebhookId::derive(1, "webhook", 0);
        let event = OrganizationEvent {
            specversion: SpecVersion::V1,
            id: MessageId::derive(1, "message", 0),
            source: "/spotwright/webhooks".to_owned(),
            subject: organization,
            time: Timestamp::UNIX_EPOCH,
            datacontenttype: ContentType::Json,
            organization,
            payload: OrganizationPayload::WebhookPaused(WebhookPaused {
                webhook,
                reason: "no delivery was taken for 24 hours".to_owned(),
            }),
        };
        let written = serde_json::to_value(LoggedEvent::Organization(event.clone())).unwrap();
        assert_eq!(written["type"], "spotwright.webhook.paused.v1");
        assert_eq!(written["data"]["webhook"], webhook.to_string());
        assert_eq!(written["subject"], organization.to_string());
        assert_eq!(serde_json::from_value::<OrganizationEvent>(written).unwrap(), event);
    }
}
