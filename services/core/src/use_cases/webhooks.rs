//! Webhooks of an organization. Everything here needs `webhooks:admin`.

use jiff::Timestamp;
use spotwright_schemas::Problem;
use spotwright_schemas::error::Code;
use spotwright_schemas::ids::{DeliveryId, WebhookId};

use super::Principal;
use crate::domain::account::Scope;
use crate::domain::webhook::{
    Attempt, Delivery, DeliveryState, MOST_WEBHOOKS, ROTATION_MICROS, Webhook, WebhookOrder, WebhookState,
    test_body,
};
use crate::ports::accounts::{Page, Positioned, WriteKey, Written};
use crate::ports::webhooks::{
    NewWebhook, OutgoingMessage, ReplayFrom, Replayed, WebhookError, WebhookSecret, WebhookSecrets,
    WebhookSender, WebhookStore,
};

/// Most events that one replay looks at.
pub const REPLAYED_AT_ONCE: u32 = 1_000;

/// Why something was not done.
#[derive(Debug, Clone, thiserror::Error)]
pub enum WebhooksError {
    /// What was asked is not allowed or not right (permanent).
    #[error(transparent)]
    Refused(#[from] Problem),
    /// The store says no.
    #[error(transparent)]
    Store(#[from] WebhookError),
}

/// A webhook and its secret, which is told when it is made or rotated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookMade {
    /// The webhook.
    pub webhook: Webhook,
    /// Its secret; `None` when the request is a repetition and the secret was rotated since.
    pub secret: Option<WebhookSecret>,
}

/// What the use cases of webhooks work with.
pub struct Webhooks<'a> {
    /// Their rows.
    pub store: &'a dyn WebhookStore,
    /// Their secrets.
    pub secrets: &'a dyn WebhookSecrets,
    /// Who sends to them.
    pub sender: &'a dyn WebhookSender,
    /// Now by the clock of the organization, in microseconds since 1970 UTC.
    pub now: i64,
    /// Now by the clock of receivers, which judge signatures by it; the same but in a sandbox.
    pub sent_at: i64,
}

impl std::fmt::Debug for Webhooks<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Webhooks").field("now", &self.now).finish_non_exhaustive()
    }
}

impl Webhooks<'_> {
    /// Makes a webhook with the id `id`. It hears what happens from now on.
    ///
    /// # Errors
    /// [`WebhooksError`]: a value, or an address that is not opened; [`WebhookError::TooMany`].
    pub async fn create(
        &self,
        principal: &Principal,
        write: &WriteKey,
        id: WebhookId,
        order: WebhookOrder,
    ) -> Result<Written<WebhookMade>, WebhooksError> {
        principal.expect(Scope::WebhooksAdmin)?;
        order.check()?;
        self.sender.check(&order.url)?;
        let (_, secret_mark) = self.secrets.derive(id, 1);
        let new = NewWebhook { id, order, secret_mark, most: MOST_WEBHOOKS, now: self.now };
        let made = |webhook: Webhook| {
            let first = webhook.secret_version == 1;
            let secret = first.then(|| self.secrets.recall(webhook.id, 1, &webhook.secret_mark)).flatten();
            WebhookMade { webhook, secret }
        };
        Ok(match self.store.create_webhook(principal.organization, write, &new).await? {
            Written::Fresh(webhook) => Written::Fresh(made(webhook)),
            Written::Replayed(webhook) => Written::Replayed(made(webhook)),
        })
    }

    /// The organization's webhooks, newest first.
    ///
    /// # Errors
    /// [`WebhooksError`].
    pub async fn list(
        &self,
        principal: &Principal,
        page: Page,
    ) -> Result<Vec<Positioned<Webhook>>, WebhooksError> {
        principal.expect(Scope::WebhooksAdmin)?;
        Ok(self.store.webhooks(principal.organization, page).await?)
    }

    /// One webhook.
    ///
    /// # Errors
    /// [`WebhooksError`].
    pub async fn get(&self, principal: &Principal, id: WebhookId) -> Result<Webhook, WebhooksError> {
        principal.expect(Scope::WebhooksAdmin)?;
        Ok(self.store.webhook(principal.organization, id).await?)
    }

    /// Changes a webhook. One that was paused goes on when it is to be enabled. With `seen` only one that
    /// nobody has changed after that time.
    ///
    /// # Errors
    /// [`WebhooksError`]: a value, or an address that is not opened; [`WebhookError::Changed`].
    pub async fn update(
        &self,
        principal: &Principal,
        id: WebhookId,
        order: &WebhookOrder,
        enabled: bool,
        seen: Option<i64>,
    ) -> Result<Webhook, WebhooksError> {
        principal.expect(Scope::WebhooksAdmin)?;
        order.check()?;
        self.sender.check(&order.url)?;
        let state = if enabled { WebhookState::Active } else { WebhookState::Disabled };
        Ok(self.store.update_webhook(principal.organization, id, order, state, seen, self.now).await?)
    }

    /// Removes a webhook and its deliveries.
    ///
    /// # Errors
    /// [`WebhooksError`].
    pub async fn delete(&self, principal: &Principal, id: WebhookId) -> Result<(), WebhooksError> {
        principal.expect(Scope::WebhooksAdmin)?;
        Ok(self.store.delete_webhook(principal.organization, id).await?)
    }

    /// Gives a webhook another secret. For [`ROTATION_MICROS`] messages are signed with both.
    ///
    /// # Errors
    /// [`WebhooksError`].
    pub async fn rotate(&self, principal: &Principal, id: WebhookId) -> Result<WebhookMade, WebhooksError> {
        principal.expect(Scope::WebhooksAdmin)?;
        let version = self.store.webhook(principal.organization, id).await?.secret_version.saturating_add(1);
        let (secret, mark) = self.secrets.derive(id, version);
        let until = self.now.saturating_add(ROTATION_MICROS);
        let rotated =
            self.store.rotate_secret(principal.organization, id, version, &mark, until, self.now).await?;
        Ok(WebhookMade { webhook: rotated, secret: Some(secret) })
    }

    /// Sends a test message at once and tells what came of it. `message` is its id.
    ///
    /// # Errors
    /// [`WebhooksError`]: `Code::WebhookState` when the secret cannot be derived any more.
    pub async fn test(
        &self,
        principal: &Principal,
        id: WebhookId,
        message: DeliveryId,
    ) -> Result<Attempt, WebhooksError> {
        principal.expect(Scope::WebhooksAdmin)?;
        let webhook = self.store.webhook(principal.organization, id).await?;
        let secrets = valid_secrets(self.secrets, &webhook, self.now).ok_or_else(lost_secret)?;
        let time = Timestamp::from_microsecond(self.now).unwrap_or(Timestamp::UNIX_EPOCH);
        let body = test_body(&webhook, &time.to_string());
        let url = webhook.order.url;
        let outgoing = OutgoingMessage { id: message, url, body, secrets, now: self.sent_at };
        let attempt = self.sender.send(&outgoing).await;
        Ok(Attempt { at: attempt.at.saturating_add(self.now - self.sent_at), ..attempt })
    }

    /// Deliveries of a webhook, newest first.
    ///
    /// # Errors
    /// [`WebhooksError`].
    pub async fn deliveries(
        &self,
        principal: &Principal,
        id: WebhookId,
        state: Option<DeliveryState>,
        page: Page,
    ) -> Result<Vec<Positioned<Delivery>>, WebhooksError> {
        principal.expect(Scope::WebhooksAdmin)?;
        Ok(self.store.deliveries(principal.organization, id, state, page).await?)
    }

    /// Sends one delivery that has ended again, under its id.
    ///
    /// # Errors
    /// [`WebhooksError`]: [`WebhookError::Waiting`].
    pub async fn replay_delivery(
        &self,
        principal: &Principal,
        id: WebhookId,
        delivery: DeliveryId,
    ) -> Result<Delivery, WebhooksError> {
        principal.expect(Scope::WebhooksAdmin)?;
        Ok(self.store.replay_delivery(principal.organization, id, delivery, self.now).await?)
    }

    /// Sends everything from a point on again, [`REPLAYED_AT_ONCE`] events with one call.
    ///
    /// # Errors
    /// [`WebhooksError`].
    pub async fn replay(
        &self,
        principal: &Principal,
        id: WebhookId,
        from: ReplayFrom,
    ) -> Result<Replayed, WebhooksError> {
        principal.expect(Scope::WebhooksAdmin)?;
        Ok(self.store.replay(principal.organization, id, from, REPLAYED_AT_ONCE, self.now).await?)
    }
}

/// The secrets that a message is signed with now, the newest first; `None` when the newest one cannot be
/// derived any more, because the installation has another key. The one before is left out then as well as
/// after its time.
#[must_use]
pub fn valid_secrets(
    secrets: &dyn WebhookSecrets,
    webhook: &Webhook,
    now: i64,
) -> Option<Vec<WebhookSecret>> {
    let newest = secrets.recall(webhook.id, webhook.secret_version, &webhook.secret_mark)?;
    let mut valid = vec![newest];
    if let Some((mark, until)) = &webhook.previous_secret
        && now < *until
    {
        valid.extend(secrets.recall(webhook.id, webhook.secret_version.saturating_sub(1), mark));
    }
    Some(valid)
}

/// The secret was derived with a key of the installation that is not there any more.
#[must_use]
pub fn lost_secret() -> Problem {
    let message =
        "the secret was derived with a pepper that the service does not have any more; rotate the secret";
    Problem::new(Code::WebhookState, "", message)
}
