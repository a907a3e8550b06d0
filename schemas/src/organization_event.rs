//! Events that belong to an organization and to no run, and the log that holds them beside those of runs.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::event::{ContentType, Event, FeedbackSource, SpecVersion};
use crate::experiment::{ExperimentChoice, VerdictWord};
use crate::ids::{ExperimentId, MessageId, OrganizationId, RunId, WebhookId};
use crate::mode::Mode;
use crate::money::Micros;

/// A CloudEvents 1.0 envelope around [`OrganizationPayload`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
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
    /// `test` in the sandbox of an organization; missing everywhere else.
    #[serde(default, skip_serializing_if = "Mode::is_live")]
    pub mode: Mode,
    /// Type and data.
    #[serde(flatten)]
    pub payload: OrganizationPayload,
}

/// Type and data of an event of an organization.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", content = "data")]
pub enum OrganizationPayload {
    /// A webhook is not tried any more until somebody lets it go on.
    #[serde(rename = "spotwright.webhook.paused.v1")]
    WebhookPaused(WebhookPaused),
    /// An experiment began, or a new phase of it.
    #[serde(rename = "spotwright.experiment.started.v1")]
    ExperimentStarted(ExperimentStarted),
    /// A day of an experiment was read out.
    #[serde(rename = "spotwright.experiment.readout.v1")]
    ExperimentReadOut(ExperimentReadOut),
    /// Users of an experiment were not divided as configured: it has no verdict any more.
    #[serde(rename = "spotwright.experiment.srm_alarm.v1")]
    ExperimentSrmAlarm(ExperimentSrmAlarm),
    /// An experiment ended.
    #[serde(rename = "spotwright.experiment.stopped.v1")]
    ExperimentStopped(ExperimentStopped),
    /// An experiment was decided.
    #[serde(rename = "spotwright.experiment.decided.v1")]
    ExperimentDecided(ExperimentDecided),
}

impl OrganizationPayload {
    /// The CloudEvents type, e.g. `spotwright.webhook.paused.v1`.
    #[must_use]
    pub const fn event_type(&self) -> &'static str {
        match self {
            Self::WebhookPaused(_) => "spotwright.webhook.paused.v1",
            Self::ExperimentStarted(_) => "spotwright.experiment.started.v1",
            Self::ExperimentReadOut(_) => "spotwright.experiment.readout.v1",
            Self::ExperimentSrmAlarm(_) => "spotwright.experiment.srm_alarm.v1",
            Self::ExperimentStopped(_) => "spotwright.experiment.stopped.v1",
            Self::ExperimentDecided(_) => "spotwright.experiment.decided.v1",
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

/// Which experiment an event is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ExperimentSubject {
    /// Which experiment.
    pub experiment: ExperimentId,
    /// Its run.
    pub run: RunId,
    /// Its name.
    pub name: String,
    /// The last day that was played, from 1; 0 before the first.
    pub day: u32,
    /// Its phase, from 1.
    pub phase: u32,
    /// Who measures.
    pub source: FeedbackSource,
}

/// An experiment began, or a new phase of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ExperimentStarted {
    /// Which experiment.
    #[serde(flatten)]
    pub subject: ExperimentSubject,
    /// Names of its arms, the control first.
    pub arms: Vec<String>,
}

/// What an arm showed since its phase began.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ExperimentArmCounts {
    /// Its name.
    pub name: String,
    /// Users that were exposed.
    pub units: u64,
    /// Times shown.
    pub impressions: u64,
    /// Times clicked.
    pub clicks: u64,
    /// Conversions.
    pub conversions: u64,
    /// Spent.
    pub spend_micros: Micros,
}

/// A day of an experiment was read out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ExperimentReadOut {
    /// Which experiment.
    #[serde(flatten)]
    pub subject: ExperimentSubject,
    /// The standing verdict.
    pub verdict: VerdictWord,
    /// The arm it is about.
    pub arm: Option<String>,
    /// The guardrail it is about.
    pub metric: Option<String>,
    /// Probability of a division of users as far from the configured one.
    pub srm_p_value: Option<f64>,
    /// Whether that stops every verdict.
    pub srm_alarm: bool,
    /// The verdict in plain English.
    pub sentence_en: String,
    /// The verdict in plain Chinese.
    pub sentence_zh: String,
    /// The arms, the control first, the holdout last.
    pub arms: Vec<ExperimentArmCounts>,
    /// Currency of the amounts.
    pub currency: String,
}

/// Users of an experiment were not divided as configured.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ExperimentSrmAlarm {
    /// Which experiment.
    #[serde(flatten)]
    pub subject: ExperimentSubject,
    /// Probability of a division of users as far from the configured one.
    pub srm_p_value: Option<f64>,
}

/// An experiment ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ExperimentStopped {
    /// Which experiment.
    #[serde(flatten)]
    pub subject: ExperimentSubject,
    /// `person`, `maximum_days`, `arm_withdrawn`, `decided` or `failed`.
    pub because: String,
}

/// An experiment was decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ExperimentDecided {
    /// Which experiment.
    #[serde(flatten)]
    pub subject: ExperimentSubject,
    /// What was decided.
    pub choice: ExperimentChoice,
    /// The arm that was taken.
    pub arm: Option<String>,
    /// Whether the standing verdict said the same.
    pub agrees: bool,
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
    pub const TYPES: [&'static str; 14] = [
        "spotwright.creative.requested.v1",
        "spotwright.variant.requested.v1",
        "spotwright.variant.rendered.v1",
        "spotwright.variant.scored.v1",
        "spotwright.creative.won.v1",
        "spotwright.placement.feedback.v1",
        "spotwright.creative.fatigued.v1",
        "spotwright.run.finished.v1",
        "spotwright.webhook.paused.v1",
        "spotwright.experiment.started.v1",
        "spotwright.experiment.readout.v1",
        "spotwright.experiment.srm_alarm.v1",
        "spotwright.experiment.stopped.v1",
        "spotwright.experiment.decided.v1",
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
            mode: Mode::Live,
            payload: OrganizationPayload::WebhookPaused(WebhookPaused {
                webhook,
                reason: "no delivery was taken for 24 hours".to_owned(),
            }),
        };
        let written = serde_json::to_value(LoggedEvent::Organization(event.clone())).unwrap();
        assert_eq!(written["type"], "spotwright.webhook.paused.v1");
        assert_eq!(written["data"]["webhook"], webhook.to_string());
        assert_eq!(written["subject"], organization.to_string());
        assert_eq!(written.get("mode"), None, "live events say nothing of it");
        assert_eq!(serde_json::from_value::<OrganizationEvent>(written).unwrap(), event);
        let tried = serde_json::to_value(OrganizationEvent { mode: Mode::Test, ..event }).unwrap();
        assert_eq!(tried["mode"], "test");
    }
}
