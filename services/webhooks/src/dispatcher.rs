//! The part of the program that sends what is due.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use spotwright_core::domain::webhook::{Attempt, DELIVERIES_KEPT_MICROS, Verdict, judge, pause_reason};
use spotwright_core::ports::clock::Clock;
use spotwright_core::ports::webhooks::{
    ClaimedDelivery, OutgoingMessage, Recorded, WebhookError, WebhookSecrets, WebhookSender, WebhookStore,
};
use spotwright_core::spine::Shutdown;
use spotwright_core::use_cases::webhooks::{lost_secret, valid_secrets};
use spotwright_schemas::event::{ContentType, SpecVersion};
use spotwright_schemas::ids::{MessageId, WebhookId};
use spotwright_schemas::mode::Mode;
use spotwright_schemas::organization_event::{OrganizationEvent, OrganizationPayload, WebhookPaused};
use tokio::task::JoinSet;

/// How messages are dispatched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DispatchOptions {
    /// Wait between two looks at the log and at what is due.
    pub poll: Duration,
    /// Events noted by one transaction.
    pub batch: u32,
    /// Messages of one webhook under way at the same time.
    pub of_each: u32,
    /// Messages under way at the same time.
    pub at_once: u32,
    /// How long a claimed delivery is nobody else's: longer than sending takes.
    pub lease: Duration,
    /// Wait between two looks for deliveries that are not kept any longer.
    pub forget: Duration,
}

impl Default for DispatchOptions {
    fn default() -> Self {
        Self {
            poll: Duration::from_secs(1),
            batch: 200,
            of_each: 4,
            at_once: 256,
            lease: Duration::from_mins(1),
            forget: Duration::from_hours(1),
        }
    }
}

/// What the dispatcher works with.
#[derive(Clone)]
pub struct DispatchPorts {
    /// Webhooks and deliveries.
    pub store: Arc<dyn WebhookStore>,
    /// Secrets.
    pub secrets: Arc<dyn WebhookSecrets>,
    /// Who sends.
    pub sender: Arc<dyn WebhookSender>,
    /// Time.
    pub clock: Arc<dyn Clock>,
}

/// Notes events for webhooks, sends what is due and records what came of it. Several may work on one store.
pub struct Dispatcher {
    ports: DispatchPorts,
    options: DispatchOptions,
    /// Messages under way, with their webhooks.
    sending: JoinSet<WebhookId>,
    under_way: HashMap<WebhookId, u32>,
}

impl std::fmt::Debug for Dispatcher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Dispatcher").field("options", &self.options).finish_non_exhaustive()
    }
}

impl Dispatcher {
    /// A dispatcher that does nothing yet.
    #[must_use]
    pub fn new(ports: DispatchPorts, options: DispatchOptions) -> Self {
        Self { ports, options, sending: JoinSet::new(), under_way: HashMap::new() }
    }

    /// Dispatches until told to stop, and then waits for what is under way, each for as long as it may take.
    /// Errors of the store are logged and tried again.
    pub async fn run(mut self, mut shutdown: Shutdown) {
        let mut forgotten_at = i64::MIN;
        while !shutdown.is_set() {
            let now = self.ports.clock.now_micros();
            if now.saturating_sub(forgotten_at) >= micros(self.options.forget) {
                forgotten_at = now;
                self.forget(now).await;
            }
            if self.look().await {
                // There may be more to do at once.
                tokio::task::yield_now().await;
                continue;
            }
            tokio::select! {
                () = shutdown.wait() => break,
                () = tokio::time::sleep(self.options.poll) => {}
                Some(ended) = self.sending.join_next(), if !self.sending.is_empty() => self.take(ended),
            }
        }
        while let Some(ended) = self.sending.join_next().await {
            self.take(ended);
        }
    }

    /// Notes what happened and begins to send what is due. Whether there is more to do at once.
    async fn look(&mut self) -> bool {
        while let Some(ended) = self.sending.try_join_next() {
            self.take(ended);
        }
        match self.note_and_send().await {
            Ok(more) => more,
            Err(error) => {
                tracing::warn!(%error, "webhooks cannot be served yet");
                false
            }
        }
    }

    async fn note_and_send(&mut self) -> Result<bool, WebhookError> {
        let now = self.ports.clock.now_micros();
        let noted = self.ports.store.fan_out(self.options.batch, now).await?;
        let begun = self.send_due(now).await?;
        Ok(noted > 0 || begun > 0)
    }

    /// Does everything that can be done at this time, and waits for it: for tests and for a clock that is
    /// moved.
    ///
    /// # Errors
    /// [`WebhookError`] of the store.
    pub async fn settle(&mut self) -> Result<(), WebhookError> {
        loop {
            let more = self.note_and_send().await?;
            if let Some(ended) = self.sending.join_next().await {
                self.take(ended);
            } else if !more {
                return Ok(());
            }
        }
    }

    /// Claims what is due, within the limits, and begins to send it; how many.
    async fn send_due(&mut self, now: i64) -> Result<usize, WebhookError> {
        let free = (self.options.at_once as usize).saturating_sub(self.sending.len());
        if free == 0 {
            return Ok(0);
        }
        let busy: Vec<WebhookId> = self
            .under_way
            .iter()
            .filter(|(_, count)| **count >= self.options.of_each)
            .map(|(id, _)| *id)
            .collect();
        // As many for each as the one with most under way has room for: the others get theirs with further
        // looks.
        let most = self.under_way.values().filter(|count| **count < self.options.of_each).max();
        let of_each = self.options.of_each - most.copied().unwrap_or(0);
        let lease_until = now.saturating_add(micros(self.options.lease));
        let limit = u32::try_from(free).unwrap_or(u32::MAX);
        let claimed = self.ports.store.claim_deliveries(&busy, of_each, limit, now, lease_until).await?;
        let count = claimed.len();
        for delivery in claimed {
            let webhook = delivery.webhook.id;
            *self.under_way.entry(webhook).or_default() += 1;
            let ports = self.ports.clone();
            self.sending.spawn(async move {
                deliver(&ports, &delivery).await;
                webhook
            });
        }
        Ok(count)
    }

    fn take(&mut self, ended: Result<WebhookId, tokio::task::JoinError>) {
        match ended {
            Ok(webhook) => {
                if let Some(count) = self.under_way.get_mut(&webhook) {
                    *count -= 1;
                    if *count == 0 {
                        self.under_way.remove(&webhook);
                    }
                }
            }
            Err(error) => {
                // Which one is lost with it: nothing of what is under way is counted any more, and the leases
                // keep it from being sent twice at the same time.
                tracing::error!(%error, "sending a message ended abnormally");
                self.under_way.clear();
                self.sending.detach_all();
            }
        }
    }

    async fn forget(&self, now: i64) {
        let before = now.saturating_sub(DELIVERIES_KEPT_MICROS);
        match self.ports.store.forget_deliveries(before).await {
            Ok(dropped) => tracing::debug!(dropped, "old deliveries of webhooks were dropped"),
            Err(error) => tracing::warn!(%error, "old deliveries of webhooks cannot be dropped yet"),
        }
    }
}

/// Sends one delivery and records what came of it. An error of the store leaves the delivery to its lease: it
/// is sent again under the same id.
async fn deliver(ports: &DispatchPorts, delivery: &ClaimedDelivery) {
    let now = ports.clock.now_micros();
    let ours = now.saturating_add(delivery.clock_moved);
    let attempt = match valid_secrets(ports.secrets.as_ref(), &delivery.webhook, ours) {
        Some(secrets) => {
            let url = delivery.webhook.order.url.clone();
            // Signed with the receiver's time, whatever the clock of a sandbox shows.
            let message = OutgoingMessage { id: delivery.id, url, body: delivery.body.clone(), secrets, now };
            let attempt = ports.sender.send(&message).await;
            Attempt { at: attempt.at.saturating_add(delivery.clock_moved), ..attempt }
        }
        None => {
            Attempt { at: ours, millis: 0, status: None, answer: None, error: Some(lost_secret().message) }
        }
    };
    let now = ports.clock.now_micros().saturating_add(delivery.clock_moved);
    let verdict = judge(delivery.attempts + 1, &attempt, now);
    tracing::debug!(
        delivery.id = %delivery.id, webhook.id = %delivery.webhook.id, status = attempt.status,
        duration_ms = attempt.millis, delivered = verdict == Verdict::Delivered, "a message to a webhook was sent"
    );
    if let Err(error) = record(ports, delivery, &attempt, verdict, now).await {
        tracing::warn!(%error, delivery.id = %delivery.id, "a sent message cannot be recorded; it will be sent again");
    }
}

async fn record(
    ports: &DispatchPorts,
    delivery: &ClaimedDelivery,
    attempt: &Attempt,
    verdict: Verdict,
    now: i64,
) -> Result<(), WebhookError> {
    let Recorded::Failing { since } = ports.store.record(delivery, attempt, verdict, now).await? else {
        return Ok(());
    };
    let Some(reason) = pause_reason(Some(since), attempt, now) else { return Ok(()) };
    tracing::info!(webhook.id = %delivery.webhook.id, reason, "a webhook is paused");
    let event = paused_event(delivery, &reason, now);
    ports.store.pause_webhook(delivery.webhook.id, &reason, &event).await
}

fn paused_event(delivery: &ClaimedDelivery, reason: &str, now: i64) -> OrganizationEvent {
    let webhook = &delivery.webhook;
    OrganizationEvent {
        specversion: SpecVersion::V1,
        id: MessageId::child_of(webhook.id.0, "paused", now.unsigned_abs()),
        source: "/spotwright/webhooks".to_owned(),
        subject: webhook.organization,
        time: Timestamp::from_microsecond(now).unwrap_or(Timestamp::UNIX_EPOCH),
        datacontenttype: ContentType::Json,
        organization: webhook.organization,
        mode: Mode::of(webhook.organization),
        payload: OrganizationPayload::WebhookPaused(WebhookPaused {
            webhook: webhook.id,
            reason: reason.to_owned(),
        }),
    }
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX / 4)
}
