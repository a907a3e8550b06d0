//! Webhooks: their rows, their secrets, and who sends to them.

use std::fmt;

use async_trait::async_trait;
use spotwright_schemas::Problem;
use spotwright_schemas::ids::{DeliveryId, OrganizationId, WebhookId};
use spotwright_schemas::organization_event::OrganizationEvent;

use super::accounts::{AccountError, Page, Positioned, WriteKey, Written};
use super::event_log::LogPosition;
use crate::domain::webhook::{
    Attempt, Delivery, DeliveryState, SecretMark, Verdict, Webhook, WebhookOrder, WebhookState,
};

/// Why the store did not do what was asked.
#[derive(Debug, Clone, thiserror::Error)]
pub enum WebhookError {
    /// As of every row of an organization.
    #[error(transparent)]
    Account(#[from] AccountError),
    /// The organization has as many webhooks as it may (permanent).
    #[error("the organization has {most} webhooks, as many as it may")]
    TooMany {
        /// How many it may have.
        most: u32,
    },
    /// The delivery waits already (permanent until it ends).
    #[error("the delivery waits to be sent")]
    Waiting,
    /// Somebody else has changed the webhook since it was read (permanent).
    #[error("the webhook was changed meanwhile")]
    Changed,
    /// The secret was rotated by somebody else at the same time (permanent).
    #[error("the secret was rotated meanwhile")]
    Rotated,
}

/// A webhook to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewWebhook {
    /// Its id.
    pub id: WebhookId,
    /// What is wanted.
    pub order: WebhookOrder,
    /// What its first secret is derived with.
    pub secret_mark: SecretMark,
    /// Most webhooks of the organization.
    pub most: u32,
    /// Now.
    pub now: i64,
}

/// A delivery that was claimed to be sent.
#[derive(Debug, Clone, PartialEq)]
pub struct ClaimedDelivery {
    /// Its id.
    pub id: DeliveryId,
    /// The webhook as it is now.
    pub webhook: Webhook,
    /// The type of its event.
    pub event_type: String,
    /// The body, byte for byte.
    pub body: String,
    /// Attempts so far.
    pub attempts: usize,
    /// Number of this claim; a record with an older one is dropped.
    pub fence: i64,
    /// How far the clock of its organization was moved, in microseconds.
    pub clock_moved: i64,
}

/// What is known of a webhook once an attempt is recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recorded {
    /// Nothing was recorded: the claim is no longer valid.
    Stale,
    /// It takes messages.
    Well,
    /// Everything that was sent has failed since a time.
    Failing {
        /// Since when.
        since: i64,
    },
}

/// What a replay did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Replayed {
    /// Deliveries that are sent again, or for the first time.
    pub queued: u64,
    /// Where to go on, when there is more than one call takes.
    pub next: Option<LogPosition>,
}

/// Where a replay begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReplayFrom {
    /// After a place in the log.
    After(LogPosition),
    /// With what was written at this time or later.
    Since(i64),
}

/// Webhooks, their deliveries, and the place up to which the log was noted for them.
///
/// Contract:
/// 1. A method that returns `Ok` has made its changes durable, all of them; one that returns an error has
///    changed nothing. Rows of another organization are missing.
/// 2. `fan_out` notes each event once for every webhook that wants it: of the webhook's organization, after
///    the place in the log at which it was made, and not while it is disabled. The place up to which the log
///    is noted moves in the same transaction.
/// 3. A delivery is claimed by one at a time until its lease ends, and only while it waits, its time has
///    come, its webhook is active, and no earlier delivery of the same webhook and run waits.
/// 4. `record` changes a delivery under the newest fence only, and says whether it did.
/// 5. A delivery that was taken makes the other ones of its webhook due at once, where it had failed.
/// 6. Times are those that the caller gives, moved by what the clock of the organization was moved by.
#[async_trait]
pub trait WebhookStore: Send + Sync {
    /// Makes a webhook.
    async fn create_webhook(
        &self,
        organization: OrganizationId,
        write: &WriteKey,
        webhook: &NewWebhook,
    ) -> Result<Written<Webhook>, WebhookError>;

    /// The organization's webhooks, newest first.
    async fn webhooks(
        &self,
        organization: OrganizationId,
        page: Page,
    ) -> Result<Vec<Positioned<Webhook>>, WebhookError>;

    /// One webhook.
    async fn webhook(&self, organization: OrganizationId, id: WebhookId) -> Result<Webhook, WebhookError>;

    /// Changes a webhook; with `seen` only one that was last changed at that time
    /// ([`WebhookError::Changed`]). One that becomes active is tried at once with everything that waits.
    async fn update_webhook(
        &self,
        organization: OrganizationId,
        id: WebhookId,
        order: &WebhookOrder,
        state: WebhookState,
        seen: Option<i64>,
        now: i64,
    ) -> Result<Webhook, WebhookError>;

    /// Removes a webhook and its deliveries.
    async fn delete_webhook(&self, organization: OrganizationId, id: WebhookId) -> Result<(), WebhookError>;

    /// Gives a webhook secret number `version`; the one before stays valid until `previous_until`.
    /// [`WebhookError::Rotated`] when it does not have the one before.
    async fn rotate_secret(
        &self,
        organization: OrganizationId,
        id: WebhookId,
        version: u32,
        mark: &SecretMark,
        previous_until: i64,
        now: i64,
    ) -> Result<Webhook, WebhookError>;

    /// Deliveries of a webhook, newest first; only those in `state` when one is given.
    async fn deliveries(
        &self,
        organization: OrganizationId,
        webhook: WebhookId,
        state: Option<DeliveryState>,
        page: Page,
    ) -> Result<Vec<Positioned<Delivery>>, WebhookError>;

    /// Sends a delivery that has ended again. [`WebhookError::Waiting`] for one that has not.
    async fn replay_delivery(
        &self,
        organization: OrganizationId,
        webhook: WebhookId,
        delivery: DeliveryId,
        now: i64,
    ) -> Result<Delivery, WebhookError>;

    /// Sends everything that the webhook wants of at most `limit` events again, also what happened before
    /// the webhook was made.
    async fn replay(
        &self,
        organization: OrganizationId,
        webhook: WebhookId,
        from: ReplayFrom,
        limit: u32,
        now: i64,
    ) -> Result<Replayed, WebhookError>;

    /// Notes up to `limit` further events of the log for the webhooks that want them; how many events.
    async fn fan_out(&self, limit: u32, now: i64) -> Result<usize, WebhookError>;

    /// Claims deliveries that are due until `lease_until`, at most `of_each` of one webhook, none of `busy`.
    async fn claim_deliveries(
        &self,
        busy: &[WebhookId],
        of_each: u32,
        limit: u32,
        now: i64,
        lease_until: i64,
    ) -> Result<Vec<ClaimedDelivery>, WebhookError>;

    /// Records an attempt and what follows.
    async fn record(
        &self,
        claimed: &ClaimedDelivery,
        attempt: &Attempt,
        verdict: Verdict,
        now: i64,
    ) -> Result<Recorded, WebhookError>;

    /// Leaves an active webhook alone and writes `event` about it; nothing where it is not active.
    async fn pause_webhook(
        &self,
        webhook: WebhookId,
        reason: &str,
        event: &OrganizationEvent,
    ) -> Result<(), WebhookError>;

    /// Drops deliveries that were noted before a time; how many.
    async fn forget_deliveries(&self, before: i64) -> Result<u64, WebhookError>;
}

/// The secret that messages to a webhook are signed with. Not shown by `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct WebhookSecret(pub [u8; 32]);

impl fmt::Debug for WebhookSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WebhookSecret(secret)")
    }
}

/// Secrets of webhooks, derived from a key of the installation, so that none is stored.
///
/// Contract:
/// 1. The same webhook and version give the same secret under the same key; others give unrelated ones.
/// 2. `recall` gives the secret that `derive` gave with that mark, or `None` when the key that it was
///    derived with is not there any more.
pub trait WebhookSecrets: Send + Sync {
    /// The secret under the newest key, and its mark.
    fn derive(&self, webhook: WebhookId, version: u32) -> (WebhookSecret, SecretMark);

    /// The secret that has this mark.
    fn recall(&self, webhook: WebhookId, version: u32, mark: &SecretMark) -> Option<WebhookSecret>;

    /// The secret as its holder gets it: `whsec_` and Base64.
    fn in_words(&self, secret: &WebhookSecret) -> String;
}

/// A message that is about to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutgoingMessage {
    /// Its id.
    pub id: DeliveryId,
    /// Where to.
    pub url: String,
    /// The body, byte for byte.
    pub body: String,
    /// Secrets that it is signed with, the newest first.
    pub secrets: Vec<WebhookSecret>,
    /// Now.
    pub now: i64,
}

/// Whoever sends messages to addresses that customers named.
///
/// Contract:
/// 1. Only addresses of the public internet are opened, or those that the installation allows beside them.
/// 2. Redirects are not followed; an answer is waited for and read within bounds.
/// 3. The message is signed by Standard Webhooks, once with each secret.
#[async_trait]
pub trait WebhookSender: Send + Sync {
    /// Checks an address without opening it.
    ///
    /// # Errors
    /// [`spotwright_schemas::error::Code::AddressRefused`] with the field `url`.
    fn check(&self, url: &str) -> Result<(), Problem>;

    /// Sends a message once. Whatever comes of it is an [`Attempt`].
    async fn send(&self, message: &OutgoingMessage) -> Attempt;
}
