//! Experiments over the shared queries, the same for every dialect.

use async_trait::async_trait;
use spotwright_core::domain::experiment::machine::Change;
use spotwright_core::domain::experiment::{Experiment, LogEntry, PlayedDay};
use spotwright_core::ports::accounts::{AccountError, Page, Positioned, WriteKey, Written};
use spotwright_core::ports::artifacts::ArtifactHash;
use spotwright_core::ports::experiments::{Amended, ClaimedDay, ExperimentStore};
use spotwright_schemas::experiment::ReadOut;
use spotwright_schemas::ids::{ExperimentId, OrganizationId};

use super::event_log_store::within;
use super::writer::Wakes;
use super::{Store, experiments};

#[async_trait]
impl ExperimentStore for Store {
    async fn create_experiment(
        &self,
        write: &WriteKey,
        experiment: &Experiment,
        entry: &LogEntry,
    ) -> Result<Written<Experiment>, AccountError> {
        let (write, experiment, entry) = (write.clone(), experiment.clone(), entry.clone());
        self.writer
            .write(None, Wakes::default(), move |conn| {
                Box::pin(async move {
                    let context = within(experiment.organization);
                    experiments::create(conn, context, &write, &experiment, &entry).await
                })
            })
            .await?
            .into_result()
    }

    async fn experiments(
        &self,
        organization: OrganizationId,
        page: Page,
    ) -> Result<Vec<Positioned<Experiment>>, AccountError> {
        let mut reader = self.tenant(within(organization)).await?;
        Ok(experiments::list(&mut reader, organization, page).await?)
    }

    async fn experiment(
        &self,
        organization: OrganizationId,
        id: ExperimentId,
    ) -> Result<Experiment, AccountError> {
        let mut reader = self.tenant(within(organization)).await?;
        Ok(experiments::get(&mut reader, organization, id).await?)
    }

    async fn read_outs(
        &self,
        organization: OrganizationId,
        id: ExperimentId,
    ) -> Result<Vec<ReadOut>, AccountError> {
        let mut reader = self.tenant(within(organization)).await?;
        Ok(experiments::read_outs(&mut reader, organization, id).await?)
    }

    async fn decisions(
        &self,
        organization: OrganizationId,
        id: ExperimentId,
    ) -> Result<Vec<LogEntry>, AccountError> {
        let mut reader = self.tenant(within(organization)).await?;
        Ok(experiments::entries(&mut reader, organization, id).await?)
    }

    async fn exposures(
        &self,
        organization: OrganizationId,
        id: ExperimentId,
    ) -> Result<Vec<ArtifactHash>, AccountError> {
        let mut reader = self.tenant(within(organization)).await?;
        Ok(experiments::exposures(&mut reader, organization, id).await?)
    }

    async fn amend_experiment(&self, change: &Change) -> Result<Amended, AccountError> {
        let change = change.clone();
        let amended = self
            .writer
            .write(None, Wakes::default(), move |conn| {
                Box::pin(async move { experiments::amend(conn, &change, None, None).await })
            })
            .await?;
        Ok(amended)
    }

    async fn claim_day(&self, now: i64, lease_until: i64) -> Result<Option<ClaimedDay>, AccountError> {
        let mut reader = self.reader().await?;
        // Looked for often; a look costs no write transaction.
        if !experiments::any_due(&mut reader, now).await? {
            return Ok(None);
        }
        drop(reader);
        let claimed = self
            .writer
            .write(None, Wakes::default(), move |conn| {
                Box::pin(async move { experiments::claim(conn, now, lease_until).await })
            })
            .await?;
        Ok(claimed)
    }

    async fn end_day(
        &self,
        claimed: &ClaimedDay,
        change: &Change,
        day: Option<&PlayedDay>,
    ) -> Result<Amended, AccountError> {
        let (fence, change, day) = (claimed.fence, change.clone(), day.cloned());
        let amended = self
            .writer
            .write(None, Wakes::default(), move |conn| {
                Box::pin(async move { experiments::amend(conn, &change, Some(fence), day.as_ref()).await })
            })
            .await?;
        Ok(amended)
    }
}
