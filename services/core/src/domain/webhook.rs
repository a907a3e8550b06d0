//! Webhooks: addresses that are told what happens in an organization, and what becomes of each message.
//!
//! Everything here is pure: when a message is tried again, when it is given up, and when an address is left
//! alone. Times are microseconds since 1970 UTC of the clock that the caller has.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use spotwright_schemas::Problem;
use spotwright_schemas::error::Code;
use spotwright_schemas::ids::{DeliveryId, MessageId, OrganizationId, RunId, WebhookId};
use spotwright_schemas::mode::Mode;
use spotwright_schemas::organization_event::LoggedEvent;

use crate::ports::event_log::LogPosition;

/// Microseconds of a second.
const SECOND: i64 = 1_000_000;

/// Seconds before each attempt after the first one, counted from the attempt before: 24 hours in all.
pub const WAITS_SECONDS: [i64; 11] = [5, 30, 120, 600, 1_800, 3_600, 7_200, 10_800, 14_400, 21_600, 26_245];

/// How long an address may refuse everything before it is left alone: 24 hours, in microseconds.
pub const FAILING_MICROS: i64 = 24 * 3_600 * SECOND;

/// How long the secret before stays valid after a rotation: 24 hours, in microseconds.
pub const ROTATION_MICROS: i64 = 24 * 3_600 * SECOND;

/// How long deliveries are kept: 30 days, in microseconds.
pub const DELIVERIES_KEPT_MICROS: i64 = 30 * 24 * 3_600 * SECOND;

/// Most webhooks of one organization.
pub const MOST_WEBHOOKS: u32 = 20;

/// Bytes of an answer that are kept.
pub const ANSWER_BYTES: usize = 1_024;

/// The type of the message that a test sends.
pub const TEST_TYPE: &str = "webhook.test";

/// All types of events, as a webhook asks for them.
pub const EVERY_TYPE: &str = "*";

/// What a webhook is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WebhookState {
    /// It is told what happens.
    Active,
    /// Its organization does not want it to be told. What happens meanwhile is not noted for it.
    Disabled,
    /// It has failed for too long and is left alone. What happens meanwhile waits for it.
    Paused,
}

impl WebhookState {
    /// Every state.
    pub const ALL: [Self; 3] = [Self::Active, Self::Disabled, Self::Paused];

    /// The state as written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Disabled => "disabled",
            Self::Paused => "paused",
        }
    }
}

/// A word that names no state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no such state")]
pub struct UnknownState;

impl FromStr for WebhookState {
    type Err = UnknownState;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|state| state.as_str() == text).ok_or(UnknownState)
    }
}

/// What somebody wants of a webhook.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebhookOrder {
    /// Where messages are sent.
    pub url: String,
    /// What it is for, 1–80 characters.
    pub name: String,
    /// Types of events, or [`EVERY_TYPE`].
    pub events: Vec<String>,
}

impl WebhookOrder {
    /// Checks everything but the address, which whoever opens it checks.
    ///
    /// # Errors
    /// [`Code::RequestValue`] with the field.
    pub fn check(&self) -> Result<(), Problem> {
        let refused = |field: &str, message: String| Err(Problem::new(Code::RequestValue, field, message));
        let length = self.name.chars().count();
        if !(1..=80).contains(&length)
            || self.name.chars().any(char::is_control)
            || self.name.trim() != self.name
        {
            let message = "must be 1 to 80 characters without control characters or outer blanks";
            return refused("name", message.to_owned());
        }
        if self.events.is_empty() {
            return refused(
                "events",
                format!("must name at least one type of events, or `{EVERY_TYPE}` for all"),
            );
        }
        for (idx, word) in self.events.iter().enumerate() {
            let field = format!("events[{idx}]");
            if word != EVERY_TYPE && !LoggedEvent::TYPES.contains(&word.as_str()) {
                let known = LoggedEvent::TYPES.join(", ");
                return refused(&field, format!("must be `{EVERY_TYPE}` or one of {known}"));
            }
            if self.events[..idx].contains(word) {
                return refused(&field, "is named twice".to_owned());
            }
        }
        Ok(())
    }
}

/// Which key of the installation a secret was derived with; tells nothing about the secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecretMark(pub String);

/// An address that is told what happens in an organization.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Webhook {
    /// Its id.
    pub id: WebhookId,
    /// Whose it is.
    pub organization: OrganizationId,
    /// What was asked for.
    #[serde(flatten)]
    pub order: WebhookOrder,
    /// What it is doing.
    pub state: WebhookState,
    /// Why it is paused.
    pub paused_reason: Option<String>,
    /// Since when everything that was sent has failed.
    pub failing_since: Option<i64>,
    /// The number of its secret, from 1.
    pub secret_version: u32,
    /// What its secret was derived with.
    pub secret_mark: SecretMark,
    /// What the secret before was derived with, and until when it is valid.
    pub previous_secret: Option<(SecretMark, i64)>,
    /// When it was made.
    pub created_at: i64,
    /// When it was last changed by somebody.
    pub updated_at: i64,
}

/// What became of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryState {
    /// It is yet to be taken.
    Waiting,
    /// It was taken.
    Delivered,
    /// It was given up.
    Failed,
}

impl DeliveryState {
    /// Every state.
    pub const ALL: [Self; 3] = [Self::Waiting, Self::Delivered, Self::Failed];

    /// The state as written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
        }
    }
}

impl fmt::Display for DeliveryState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for DeliveryState {
    type Err = UnknownState;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|state| state.as_str() == text).ok_or(UnknownState)
    }
}

/// One try to send a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// When it began.
    pub at: i64,
    /// Milliseconds that it took.
    pub millis: u64,
    /// The status of the answer.
    pub status: Option<u16>,
    /// The first [`ANSWER_BYTES`] bytes of the answer as text.
    pub answer: Option<String>,
    /// Why there was no answer.
    pub error: Option<String>,
}

impl Attempt {
    /// Whether the receiver took the message: any status from 200 to 299. A redirect is none, because
    /// following it would send the message to an address that nobody named.
    #[must_use]
    pub const fn was_taken(&self) -> bool {
        matches!(self.status, Some(200..=299))
    }

    /// Whether the receiver says that it is there no more.
    #[must_use]
    pub const fn is_gone(&self) -> bool {
        matches!(self.status, Some(410))
    }

    /// What happened, in a few words.
    #[must_use]
    pub fn in_words(&self) -> String {
        match (&self.error, self.status) {
            (Some(error), _) => error.clone(),
            (None, Some(status)) => format!("was answered with {status}"),
            (None, None) => "was not answered".to_owned(),
        }
    }
}

/// A message to one webhook.
#[derive(Debug, Clone, PartialEq)]
pub struct Delivery {
    /// Its id, which the receiver gets as `webhook-id` with every attempt.
    pub id: DeliveryId,
    /// To which webhook.
    pub webhook: WebhookId,
    /// About which event.
    pub event: MessageId,
    /// The event's type.
    pub event_type: String,
    /// The event's run.
    pub run: Option<RunId>,
    /// The event's place in the log.
    pub position: LogPosition,
    /// What became of it.
    pub state: DeliveryState,
    /// The body as it is sent, byte for byte.
    pub body: String,
    /// Attempts so far, oldest first.
    pub attempts: Vec<Attempt>,
    /// When it is tried next, while it waits.
    pub next_at: Option<i64>,
    /// When it was noted.
    pub created_at: i64,
    /// When it was taken or given up.
    pub ended_at: Option<i64>,
}

/// What follows from an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The message was taken.
    Delivered,
    /// It is tried again at this time.
    Again {
        /// When.
        at: i64,
    },
    /// It is given up.
    GivenUp,
}

/// What follows from attempt number `attempts`, from 1, which ended at `now`.
#[must_use]
pub fn judge(attempts: usize, attempt: &Attempt, now: i64) -> Verdict {
    if attempt.was_taken() {
        return Verdict::Delivered;
    }
    match WAITS_SECONDS.get(attempts.saturating_sub(1)) {
        Some(seconds) => Verdict::Again { at: now.saturating_add(seconds * SECOND) },
        None => Verdict::GivenUp,
    }
}

/// Why a webhook is to be left alone after an attempt that failed at `now`, if it is.
#[must_use]
pub fn pause_reason(failing_since: Option<i64>, attempt: &Attempt, now: i64) -> Option<String> {
    if attempt.is_gone() {
        return Some("the address answers that it is gone (410)".to_owned());
    }
    let since = failing_since?;
    (!attempt.was_taken() && now.saturating_sub(since) >= FAILING_MICROS).then(|| {
        let hours = FAILING_MICROS / (3_600 * SECOND);
        format!("no message was taken for {hours} hours; the last one {}", attempt.in_words())
    })
}

/// Whether an event is one of those that a webhook asks for.
#[must_use]
pub fn wants(events: &[String], event_type: &str) -> bool {
    events.iter().any(|word| word == EVERY_TYPE || word == event_type)
}

/// The id of the message about an event to a webhook: the same however often it is made.
#[must_use]
pub fn delivery_of(webhook: WebhookId, event: MessageId) -> DeliveryId {
    DeliveryId::child_of(webhook.0, &event.to_string(), 0)
}

/// The body of the message about an event: `type`, `timestamp` and `data` of Standard Webhooks, and beside
/// them what the event belongs to.
#[must_use]
pub fn message_body(event: &LoggedEvent) -> String {
    let written = serde_json::to_value(event).unwrap_or_default();
    let mut body = json!({
        "type": event.event_type(),
        "timestamp": event.time().to_string(),
        "id": event.id(),
        "organization": event.organization(),
        "run": event.run(),
        "sequence": event.sequence(),
        "data": written.get("data").cloned().unwrap_or(Value::Null),
    });
    mark(&mut body, event.organization());
    body.to_string()
}

/// The body of the message that a test sends.
#[must_use]
pub fn test_body(webhook: &Webhook, timestamp: &str) -> String {
    let mut body = json!({
        "type": TEST_TYPE,
        "timestamp": timestamp,
        "organization": webhook.organization,
        "data": { "webhook": webhook.id, "name": webhook.order.name },
    });
    mark(&mut body, webhook.organization);
    body.to_string()
}

/// Says of a message of a sandbox that it is one.
fn mark(body: &mut Value, organization: OrganizationId) {
    let mode = Mode::of(organization);
    if !mode.is_live() {
        body["mode"] = json!(mode);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn answered(status: u16) -> Attempt {
        Attempt { at: 0, millis: 1, status: Some(status), answer: None, error: None }
    }

    #[test]
    fn a_message_is_tried_for_a_day() {
        assert_eq!(WAITS_SECONDS.iter().sum::<i64>(), 24 * 3_600);
        assert!(WAITS_SECONDS.windows(2).all(|pair| pair[0] < pair[1]));
        let mut now = 0;
        let mut attempts = 0;
        loop {
            attempts += 1;
            match judge(attempts, &answered(500), now) {
                Verdict::Again { at } => now = at,
                verdict => {
                    assert_eq!(verdict, Verdict::GivenUp);
                    break;
                }
            }
        }
        assert_eq!((attempts, now), (12, FAILING_MICROS));
    }

    #[test]
    fn a_redirect_is_no_answer_that_counts() {
        for status in [200, 201, 202, 204, 299] {
            assert_eq!(judge(1, &answered(status), 0), Verdict::Delivered, "{status}");
        }
        for status in [100, 199, 300, 301, 302, 307, 308, 400, 401, 404, 410, 429, 500, 503] {
            assert_eq!(judge(1, &answered(status), 0), Verdict::Again { at: 5 * SECOND }, "{status}");
        }
    }

    #[test]
    fn an_address_that_fails_for_a_day_is_left_alone() {
        assert_eq!(pause_reason(Some(0), &answered(500), FAILING_MICROS - 1), None);
        let reason = pause_reason(Some(0), &answered(503), FAILING_MICROS).expect("a reason");
        assert!(reason.contains("24 hours") && reason.contains("503"), "{reason}");
        assert_eq!(pause_reason(None, &answered(500), FAILING_MICROS), None);
        assert_eq!(pause_reason(Some(0), &answered(200), FAILING_MICROS), None);
        assert!(pause_reason(None, &answered(410), 0).is_some_and(|reason| reason.contains("410")));
    }

    #[test]
    fn an_order_names_events_that_there_are() {
        let order = |name: &str, events: &[&str]| WebhookOrder {
            url: "https://example.com/".to_owned(),
            name: name.to_owned(),
            events: events.iter().map(|&word| word.to_owned()).collect(),
        };
        let field = |order: WebhookOrder| order.check().err().map(|problem| problem.field);
        assert_eq!(field(order("shop", &["*"])), None);
        assert_eq!(field(order("shop", &["spotwright.run.finished.v1", "spotwright.creative.won.v1"])), None);
        assert_eq!(field(order("", &["*"])).as_deref(), Some("name"));
        assert_eq!(field(order(" shop", &["*"])).as_deref(), Some("name"));
        assert_eq!(field(order("shop", &[])).as_deref(), Some("events"));
        assert_eq!(field(order("shop", &["*", "run.finished"])).as_deref(), Some("events[1]"));
        assert_eq!(field(order("shop", &["*", "*"])).as_deref(), Some("events[1]"));
    }

    proptest! {
        #[test]
        fn waits_never_shrink_and_end(attempts in 1_usize..40, now in 0_i64..1_000_000_000_000) {
            match (judge(attempts, &answered(500), now), judge(attempts + 1, &answered(500), now)) {
                (Verdict::Again { at }, Verdict::Again { at: later }) => prop_assert!(at < later && at > now),
                (Verdict::Again { at }, Verdict::GivenUp) => prop_assert!(at > now),
                (Verdict::GivenUp, next) => prop_assert_eq!(next, Verdict::GivenUp),
                (one, other) => prop_assert!(false, "{:?} {:?}", one, other),
            }
        }
    }
}
