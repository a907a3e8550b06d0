//! Observations over the shared queries, the same for every dialect: reads on the readers, as the
//! organization where the database knows one, and writes through the writer's groups.

use std::collections::BTreeMap;

use async_trait::async_trait;
use jiff::civil::Date;
use spotwright_core::domain::account::OrganizationContext;
use spotwright_core::domain::observation::{
    Evidence, Fate, ImportRecord, Link, NewObservation, Observation, ObservationRecord, PlatformName,
    ProductKey, SourceKind,
};
use spotwright_core::ports::accounts::{AccountError, Page, Positioned, WriteKey};
use spotwright_core::ports::observations::{
    Mapping, NewImport, ObservationFilter, ObservationStore, TakenIn, Winner,
};
use spotwright_schemas::ids::{ImportId, KeyId, OrganizationId, VariantId};
use spotwright_schemas::launch::ExternalRef;
use uuid::Uuid;

use super::observations::Intake;
use super::writer::Wakes;
use super::{Store, external_refs, observations};

/// The organization as queries name it. Only the organization matters there: whether somebody may ask was
/// decided by the use case.
const fn within(organization: OrganizationId) -> OrganizationContext {
    OrganizationContext { organization, key: KeyId(Uuid::nil()) }
}

#[async_trait]
impl ObservationStore for Store {
    async fn fates(
        &self,
        organization: OrganizationId,
        rows: &[NewObservation],
    ) -> Result<Vec<Fate>, AccountError> {
        let mut reader = self.tenant(within(organization)).await?;
        let mut fates = Vec::with_capacity(rows.len());
        for row in rows {
            fates.push(observations::fate(&mut reader, organization, &row.observation).await?);
        }
        Ok(fates)
    }

    async fn take_in(
        &self,
        organization: OrganizationId,
        write: Option<&WriteKey>,
        import: NewImport,
    ) -> Result<TakenIn, AccountError> {
        let write = write.cloned();
        let taken = self
            .writer
            .write(None, Wakes::default(), move |conn| {
                Box::pin(async move {
                    observations::take_in(conn, organization, within(organization), write.as_ref(), import)
                        .await
                })
            })
            .await?;
        match taken {
            Intake::Done(outcome) => Ok(TakenIn::Done(outcome.into_result()?)),
            Intake::Refused(rows) => Ok(TakenIn::Refused(rows)),
        }
    }

    async fn observations(
        &self,
        organization: OrganizationId,
        filter: &ObservationFilter,
        page: Page,
    ) -> Result<Vec<Positioned<ObservationRecord>>, AccountError> {
        let mut reader = self.tenant(within(organization)).await?;
        Ok(observations::list(&mut reader, organization, filter, page).await?)
    }

    async fn of_ads(
        &self,
        organization: OrganizationId,
        platform: &PlatformName,
        ids: &[String],
        from: Date,
        until: Date,
    ) -> Result<Vec<Observation>, AccountError> {
        let mut reader = self.tenant(within(organization)).await?;
        let mut found = Vec::new();
        for id in ids {
            found.extend(observations::of_ad(&mut reader, organization, platform, id, from, until).await?);
        }
        Ok(found)
    }

    async fn imports(
        &self,
        organization: OrganizationId,
        page: Page,
    ) -> Result<Vec<Positioned<ImportRecord>>, AccountError> {
        let mut reader = self.tenant(within(organization)).await?;
        Ok(observations::imports(&mut reader, organization, page).await?)
    }

    async fn import(&self, organization: OrganizationId, id: ImportId) -> Result<ImportRecord, AccountError> {
        let mut reader = self.tenant(within(organization)).await?;
        Ok(observations::import(&mut reader, organization, id).await?)
    }

    async fn mapping(
        &self,
        organization: OrganizationId,
        header: &str,
    ) -> Result<Option<Mapping>, AccountError> {
        let mut reader = self.tenant(within(organization)).await?;
        Ok(observations::mapping(&mut reader, organization, header).await?)
    }

    async fn put_refs(
        &self,
        organization: OrganizationId,
        variant: VariantId,
        refs: &[ExternalRef],
    ) -> Result<Option<usize>, AccountError> {
        let refs = refs.to_vec();
        let held = self
            .writer
            .write(None, Wakes::default(), move |conn| {
                Box::pin(async move { external_refs::put_refs(conn, organization, variant, &refs).await })
            })
            .await?;
        Ok(held)
    }

    async fn refs(
        &self,
        organization: OrganizationId,
        variant: VariantId,
    ) -> Result<Vec<ExternalRef>, AccountError> {
        let mut reader = self.tenant(within(organization)).await?;
        Ok(external_refs::refs(&mut reader, organization, variant).await?)
    }

    async fn links(
        &self,
        organization: OrganizationId,
        platform: &PlatformName,
        ids: &[String],
    ) -> Result<BTreeMap<String, Link>, AccountError> {
        let mut reader = self.tenant(within(organization)).await?;
        Ok(external_refs::links(&mut reader, organization, platform, ids).await?)
    }

    async fn winners_numbered(
        &self,
        organization: OrganizationId,
        generation: u32,
        number: u32,
        limit: u32,
    ) -> Result<Vec<Winner>, AccountError> {
        let mut reader = self.tenant(within(organization)).await?;
        Ok(external_refs::winners_numbered(&mut reader, organization, generation, number, limit).await?)
    }

    async fn evidence(
        &self,
        organization: OrganizationId,
        product: &ProductKey,
        source: SourceKind,
    ) -> Result<Vec<Evidence>, AccountError> {
        let mut reader = self.tenant(within(organization)).await?;
        Ok(observations::evidence(&mut reader, organization, product, source).await?)
    }
}
