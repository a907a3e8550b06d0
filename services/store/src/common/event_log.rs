//! The log over the shared queries, the same for every dialect.

use async_trait::async_trait;
use spotwright_core::domain::account::OrganizationContext;
use spotwright_core::ports::accounts::AccountError;
use spotwright_core::ports::event_log::{EventLog, LogFilter, LogPosition, Logged};
use spotwright_schemas::ids::{KeyId, OrganizationId};
use spotwright_schemas::organization_event::OrganizationEvent;
use uuid::Uuid;

use super::writer::Wakes;
use super::{Store, event_log};

/// On behalf of an organization, whoever asks.
pub(super) fn within(organization: OrganizationId) -> OrganizationContext {
    OrganizationContext { organization, key: KeyId(Uuid::nil()) }
}

#[async_trait]
impl EventLog for Store {
    async fn events_of_organization(
        &self,
        organization: OrganizationId,
        after: LogPosition,
        filter: &LogFilter,
        limit: u32,
    ) -> Result<Vec<Logged>, AccountError> {
        let mut reader = self.tenant(within(organization)).await?;
        Ok(event_log::of_organization(&mut reader, organization, after, filter, limit).await?)
    }

    async fn newest(&self, organization: OrganizationId) -> Result<LogPosition, AccountError> {
        Ok(event_log::newest(&mut *self.tenant(within(organization)).await?, organization).await?)
    }

    async fn announce(&self, event: &OrganizationEvent) -> Result<(), AccountError> {
        let event = event.clone();
        self.writer
            .write(None, Wakes::default(), move |conn| {
                Box::pin(async move { event_log::announce(conn, &event).await })
            })
            .await?;
        Ok(())
    }
}
