//! Webhooks: addresses that are told what happens in the organization.

pub(crate) mod create;
pub(crate) mod delete;
pub(crate) mod deliveries;
pub(crate) mod get;
pub(crate) mod list;
pub(crate) mod replay;
pub(crate) mod replay_delivery;
pub(crate) mod rotate;
pub(crate) mod test;
pub(crate) mod update;

use axum::http::HeaderMap;
use serde::{Deserialize, Serialize};
use spotwright_core::domain::webhook::{self, EVERY_TYPE};
use spotwright_core::ports::webhooks::{WebhookError, WebhookSecret, WebhookSecrets as _};
use spotwright_core::use_cases::Principal;
use spotwright_core::use_cases::webhooks::{Webhooks, WebhooksError};
use spotwright_schemas::error::Code;
use spotwright_schemas::ids::WebhookId;
use spotwright_schemas::organization_event::LoggedEvent;
use utoipa::openapi::schema::Type;
use utoipa::openapi::{ObjectBuilder, RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};
use uuid::Uuid;

use super::time;
use crate::auth::Caller;
use crate::etag;
use crate::problem::ApiProblem;
use crate::state::App;

/// An address that is told what happens in the organization.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct Webhook {
    /// Its id.
    pub(crate) id: Uuid,
    /// Where messages are sent.
    pub(crate) url: String,
    /// What it is for.
    pub(crate) name: String,
    /// Types of events that it is told of; `*` for all.
    pub(crate) events: Vec<String>,
    /// `active`, `disabled` (by you) or `paused` (by the service).
    pub(crate) state: String,
    /// Why it is paused.
    pub(crate) paused_reason: Option<String>,
    /// Since when everything that was sent has failed.
    #[schema(format = DateTime)]
    pub(crate) failing_since: Option<String>,
    /// The number of its secret, from 1.
    pub(crate) secret_version: u32,
    /// Until when messages are signed with the secret before as well.
    #[schema(format = DateTime)]
    pub(crate) previous_secret_until: Option<String>,
    /// When it was made.
    #[schema(format = DateTime)]
    pub(crate) created_at: String,
    /// When somebody last changed it.
    #[schema(format = DateTime)]
    pub(crate) updated_at: String,
}

impl From<webhook::Webhook> for Webhook {
    fn from(webhook: webhook::Webhook) -> Self {
        Self {
            id: webhook.id.0,
            url: webhook.order.url,
            name: webhook.order.name,
            events: webhook.order.events,
            state: webhook.state.as_str().to_owned(),
            paused_reason: webhook.paused_reason,
            failing_since: webhook.failing_since.map(time),
            secret_version: webhook.secret_version,
            previous_secret_until: webhook.previous_secret.map(|(_, until)| time(until)),
            created_at: time(webhook.created_at),
            updated_at: time(webhook.updated_at),
        }
    }
}

/// A webhook and its secret. Not printable, because it holds a secret.
#[derive(Serialize, ToSchema)]
pub(crate) struct WebhookMade {
    /// The webhook.
    pub(crate) webhook: Webhook,
    /// What messages are signed with, `whsec_…`; `null` when the request is a repetition and the secret was
    /// rotated since.
    pub(crate) secret: Option<String>,
}

impl WebhookMade {
    fn of(app: &App, webhook: webhook::Webhook, secret: Option<&WebhookSecret>) -> Self {
        Self { webhook: webhook.into(), secret: secret.map(|secret| app.state.pepper.in_words(secret)) }
    }
}

/// One try to send a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct WebhookAttempt {
    /// When it began.
    #[schema(format = DateTime)]
    pub(crate) at: String,
    /// Milliseconds that it took.
    pub(crate) ms: u64,
    /// The status of the answer; any from 200 to 299 says that the message was taken.
    pub(crate) status: Option<u16>,
    /// The first 1,024 bytes of the answer.
    pub(crate) answer: Option<String>,
    /// Why there was no answer.
    pub(crate) error: Option<String>,
}

impl From<webhook::Attempt> for WebhookAttempt {
    fn from(attempt: webhook::Attempt) -> Self {
        Self {
            at: time(attempt.at),
            ms: attempt.millis,
            status: attempt.status,
            answer: attempt.answer,
            error: attempt.error,
        }
    }
}

/// A message to a webhook.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub(crate) struct WebhookDelivery {
    /// Its id, the same as the header `webhook-id` of every attempt.
    pub(crate) id: Uuid,
    /// The event that it is about.
    pub(crate) event: Uuid,
    /// The event's type.
    pub(crate) r#type: String,
    /// The event's run.
    pub(crate) run: Option<Uuid>,
    /// The event's place in the log.
    pub(crate) position: String,
    /// `waiting`, `delivered` or `failed`.
    pub(crate) state: String,
    /// When it was noted.
    #[schema(format = DateTime)]
    pub(crate) created_at: String,
    /// When it is tried next, while it waits: at the earliest, since earlier messages about its run come
    /// first.
    #[schema(format = DateTime)]
    pub(crate) next_attempt_at: Option<String>,
    /// When it was taken.
    #[schema(format = DateTime)]
    pub(crate) delivered_at: Option<String>,
    /// The body as it is sent.
    #[schema(value_type = Object)]
    pub(crate) request: serde_json::Value,
    /// Attempts so far, oldest first.
    pub(crate) attempts: Vec<WebhookAttempt>,
}

impl From<webhook::Delivery> for WebhookDelivery {
    fn from(delivery: webhook::Delivery) -> Self {
        let delivered = delivery.state == webhook::DeliveryState::Delivered;
        Self {
            id: delivery.id.0,
            event: delivery.event.0,
            r#type: delivery.event_type,
            run: delivery.run.map(|run| run.0),
            position: delivery.position.to_string(),
            state: delivery.state.as_str().to_owned(),
            created_at: time(delivery.created_at),
            next_attempt_at: delivery.next_at.map(time),
            delivered_at: delivery.ended_at.filter(|_| delivered).map(time),
            request: serde_json::from_str(&delivery.body).unwrap_or_default(),
            attempts: delivery.attempts.into_iter().map(WebhookAttempt::from).collect(),
        }
    }
}

/// A word that names events; only described, the words are those of [`LoggedEvent`].
pub(crate) struct EventName;

impl PartialSchema for EventName {
    fn schema() -> RefOr<Schema> {
        let words = LoggedEvent::TYPES.into_iter().chain([EVERY_TYPE]);
        ObjectBuilder::new().schema_type(Type::String).enum_values(Some(words)).into()
    }
}

impl ToSchema for EventName {}

/// When the webhook was last changed that a request has seen; `None` where it does not say what it has seen.
async fn seen(
    webhooks: &Webhooks<'_>,
    by: &Principal,
    id: WebhookId,
    headers: &HeaderMap,
) -> Result<Option<i64>, ApiProblem> {
    if !etag::is_conditional(headers) {
        return Ok(None);
    }
    let now = webhooks.get(by, id).await?;
    let updated_at = now.updated_at;
    etag::expect(headers, &Webhook::from(now))?;
    Ok(Some(updated_at))
}

/// The use cases, at this moment of a caller.
pub(crate) fn use_cases<'a>(app: &'a App, caller: &Caller) -> Webhooks<'a> {
    Webhooks {
        store: app.state.webhooks.as_ref(),
        secrets: &app.state.pepper,
        sender: app.state.webhook_sender.as_ref(),
        now: caller.clock.now_micros(),
        sent_at: app.state.clock.now_micros(),
    }
}

impl From<WebhooksError> for ApiProblem {
    fn from(error: WebhooksError) -> Self {
        match error {
            WebhooksError::Refused(problem) => problem.into(),
            WebhooksError::Store(WebhookError::Account(error)) => error.into(),
            WebhooksError::Store(WebhookError::TooMany { most }) => Self::whole(
                Code::WebhookQuota,
                format!(
                    "your organization has {most} webhooks, as many as it may; delete one that you do not need"
                ),
            ),
            WebhooksError::Store(WebhookError::Waiting) => {
                Self::whole(Code::WebhookState, "the delivery waits and is sent by itself")
            }
            WebhooksError::Store(WebhookError::Changed) => etag::changed_meanwhile(),
            WebhooksError::Store(WebhookError::Rotated) => {
                Self::whole(Code::WebhookState, "the secret was rotated by another request meanwhile")
            }
        }
    }
}
