//! Campaigns over the shared queries.

use async_trait::async_trait;
use spotwright_core::domain::account::OrganizationContext;
use spotwright_core::domain::campaign::{Campaign, CampaignFilter, CampaignId};
use spotwright_core::ports::accounts::{AccountError, Page, Positioned};
use spotwright_core::ports::campaigns::Campaigns;
use spotwright_core::ports::step_store::StoreError;
use spotwright_schemas::ids::PlacementId;
use spotwright_schemas::launch::ExternalRef;

use super::writer::Wakes;
use super::{Store, campaigns};

#[async_trait]
impl Campaigns for Store {
    async fn campaigns(
        &self,
        context: OrganizationContext,
        filter: &CampaignFilter,
        page: Page,
    ) -> Result<Vec<Positioned<Campaign>>, AccountError> {
        Ok(campaigns::list(&mut *self.tenant(context).await?, context, filter, page).await?)
    }

    async fn campaign(&self, context: OrganizationContext, id: CampaignId) -> Result<Campaign, AccountError> {
        Ok(campaigns::get(&mut *self.tenant(context).await?, context, id).await?)
    }

    async fn campaign_of(
        &self,
        context: OrganizationContext,
        ad: PlacementId,
    ) -> Result<Campaign, AccountError> {
        Ok(campaigns::of_ad(&mut *self.tenant(context).await?, context, ad).await?)
    }

    async fn put_campaign_refs(
        &self,
        context: OrganizationContext,
        id: CampaignId,
        refs: &[ExternalRef],
    ) -> Result<Option<usize>, AccountError> {
        let refs = refs.to_vec();
        let written: Result<Option<usize>, StoreError> = self
            .writer
            .write(Some(id.run), Wakes::default(), move |conn| {
                Box::pin(async move { campaigns::put_refs(conn, context, id, &refs).await })
            })
            .await;
        Ok(written?)
    }
}
