//! Webhooks over the shared queries, the same for every dialect.

use async_trait::async_trait;
use spotwright_core::domain::webhook::{
    Attempt, Delivery, DeliveryState, SecretMark, Verdict, Webhook, WebhookOrder, WebhookState,
};
use spotwright_core::ports::accounts::{AccountError, Page, Positioned, WriteKey, Written};
use spotwright_core::ports::step_store::StoreError;
use spotwright_core::ports::webhooks::{
    ClaimedDelivery, NewWebhook, Recorded, ReplayFrom, Replayed, WebhookError, WebhookStore,
};
use spotwright_schemas::ids::{DeliveryId, OrganizationId, WebhookId};
use spotwright_schemas::organization_event::OrganizationEvent;

use super::event_log_store::within;
use super::writer::{Wakes, Work};
use super::{Connection, Store, deliveries, webhooks};

fn failed(error: StoreError) -> WebhookError {
    AccountError::from(error).into()
}

impl Store {
    /// A write that belongs to no run and wakes nobody.
    async fn write_webhooks<T, F>(&self, work: F) -> Result<T, WebhookError>
    where
        T: Send + 'static,
        F: for<'c> FnOnce(&'c mut Connection) -> Work<'c, T> + Send + 'static,
    {
        self.writer.write(None, Wakes::default(), work).await.map_err(failed)
    }
}

#[async_trait]
impl WebhookStore for Store {
    async fn create_webhook(
        &self,
        organization: OrganizationId,
        write: &WriteKey,
        webhook: &NewWebhook,
    ) -> Result<Written<Webhook>, WebhookError> {
        let (write, new, most) = (write.clone(), webhook.clone(), webhook.most);
        let made = self
            .write_webhooks(move |conn| {
                Box::pin(async move { webhooks::create(conn, within(organization), &write, &new).await })
            })
            .await?;
        Ok(made.ok_or(WebhookError::TooMany { most })?.into_result()?)
    }

    async fn webhooks(
        &self,
        organization: OrganizationId,
        page: Page,
    ) -> Result<Vec<Positioned<Webhook>>, WebhookError> {
        let mut reader = self.tenant(within(organization)).await.map_err(failed)?;
        webhooks::list(&mut reader, organization, page).await.map_err(failed)
    }

    async fn webhook(&self, organization: OrganizationId, id: WebhookId) -> Result<Webhook, WebhookError> {
        let mut reader = self.tenant(within(organization)).await.map_err(failed)?;
        webhooks::get(&mut reader, organization, id).await.map_err(failed)
    }

    async fn update_webhook(
        &self,
        organization: OrganizationId,
        id: WebhookId,
        order: &WebhookOrder,
        state: WebhookState,
        seen: Option<i64>,
        now: i64,
    ) -> Result<Webhook, WebhookError> {
        let order = order.clone();
        let changed = self
            .write_webhooks(move |conn| {
                Box::pin(
                    async move { webhooks::update(conn, organization, id, &order, state, seen, now).await },
                )
            })
            .await?;
        changed.ok_or(WebhookError::Changed)
    }

    async fn delete_webhook(&self, organization: OrganizationId, id: WebhookId) -> Result<(), WebhookError> {
        self.write_webhooks(move |conn| Box::pin(webhooks::delete(conn, organization, id))).await
    }

    async fn rotate_secret(
        &self,
        organization: OrganizationId,
        id: WebhookId,
        version: u32,
        mark: &SecretMark,
        previous_until: i64,
        now: i64,
    ) -> Result<Webhook, WebhookError> {
        let mark = mark.clone();
        let rotated = self
            .write_webhooks(move |conn| {
                Box::pin(async move {
                    webhooks::rotate(conn, organization, id, version, &mark, previous_until, now).await
                })
            })
            .await?;
        rotated.ok_or(WebhookError::Rotated)
    }

    async fn deliveries(
        &self,
        organization: OrganizationId,
        webhook: WebhookId,
        state: Option<DeliveryState>,
        page: Page,
    ) -> Result<Vec<Positioned<Delivery>>, WebhookError> {
        let mut reader = self.tenant(within(organization)).await.map_err(failed)?;
        deliveries::list(&mut reader, organization, webhook, state, page).await.map_err(failed)
    }

    async fn replay_delivery(
        &self,
        organization: OrganizationId,
        webhook: WebhookId,
        delivery: DeliveryId,
        now: i64,
    ) -> Result<Delivery, WebhookError> {
        let replayed = self
            .write_webhooks(move |conn| {
                Box::pin(deliveries::replay_one(conn, organization, webhook, delivery, now))
            })
            .await?;
        replayed.ok_or(WebhookError::Waiting)
    }

    async fn replay(
        &self,
        organization: OrganizationId,
        webhook: WebhookId,
        from: ReplayFrom,
        limit: u32,
        now: i64,
    ) -> Result<Replayed, WebhookError> {
        self.write_webhooks(move |conn| {
            Box::pin(deliveries::replay(conn, organization, webhook, from, limit, now))
        })
        .await
    }

    async fn fan_out(&self, limit: u32, now: i64) -> Result<usize, WebhookError> {
        let mut reader = self.reader().await.map_err(failed)?;
        // Looked for often; a look costs no write transaction.
        if !deliveries::any_to_note(&mut reader).await.map_err(failed)? {
            return Ok(0);
        }
        drop(reader);
        self.write_webhooks(move |conn| Box::pin(deliveries::fan_out(conn, limit, now))).await
    }

    async fn claim_deliveries(
        &self,
        busy: &[WebhookId],
        of_each: u32,
        limit: u32,
        now: i64,
        lease_until: i64,
    ) -> Result<Vec<ClaimedDelivery>, WebhookError> {
        let mut reader = self.reader().await.map_err(failed)?;
        if !deliveries::any_due(&mut reader, now).await.map_err(failed)? {
            return Ok(Vec::new());
        }
        drop(reader);
        let busy = busy.to_vec();
        self.write_webhooks(move |conn| {
            Box::pin(async move { deliveries::claim(conn, &busy, of_each, limit, now, lease_until).await })
        })
        .await
    }

    async fn record(
        &self,
        claimed: &ClaimedDelivery,
        attempt: &Attempt,
        verdict: Verdict,
        now: i64,
    ) -> Result<Recorded, WebhookError> {
        let (claimed, attempt) = (claimed.clone(), attempt.clone());
        self.write_webhooks(move |conn| {
            Box::pin(async move { deliveries::record(conn, &claimed, &attempt, verdict, now).await })
        })
        .await
    }

    async fn pause_webhook(
        &self,
        webhook: WebhookId,
        reason: &str,
        event: &OrganizationEvent,
    ) -> Result<(), WebhookError> {
        let (reason, event) = (reason.to_owned(), event.clone());
        self.write_webhooks(move |conn| {
            Box::pin(async move { webhooks::pause(conn, webhook, &reason, &event).await })
        })
        .await
    }

    async fn forget_deliveries(&self, before: i64) -> Result<u64, WebhookError> {
        self.write_webhooks(move |conn| Box::pin(deliveries::forget(conn, before))).await
    }
}
