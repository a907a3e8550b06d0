//! Campaigns over the shared queries.

use async_trait::async_trait;
use spotwright_core::domain::account::OrganizationContext;
use spotwright_core::domain::campaign::{Campaign, CampaignFilter, CampaignId, ServingWish};
use spotwright_core::domain::campaign_order::CampaignOrder;
use spotwright_core::ports::accounts::{AccountError, Page, Positioned, WriteKey, Written};
use spotwright_core::ports::campaigns::{CampaignDay, CampaignRules, Campaigns, ClaimedCampaign};
use spotwright_core::ports::step_store::StoreError;
use spotwright_schemas::ids::{PlacementId, RunId};
use spotwright_schemas::launch::ExternalRef;

use super::writer::Wakes;
use super::{Store, campaigns, made_campaigns};

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

    async fn make_campaign(
        &self,
        context: OrganizationContext,
        write: &WriteKey,
        run: RunId,
        order: &CampaignOrder,
    ) -> Result<Written<CampaignId>, AccountError> {
        let (write, order) = (write.clone(), order.clone());
        let written = self
            .writer
            .write(Some(run), Wakes::default(), move |conn| {
                Box::pin(async move { made_campaigns::make(conn, context, &write, run, &order).await })
            })
            .await?
            .into_result()?;
        let named = |text: String| text.parse().map_err(|_| AccountError::Format(format!("answer {text:?}")));
        Ok(match written {
            Written::Fresh(text) => Written::Fresh(named(text)?),
            Written::Replayed(text) => Written::Replayed(named(text)?),
        })
    }

    async fn steer_campaign(
        &self,
        context: OrganizationContext,
        id: CampaignId,
        ad: Option<PlacementId>,
        wish: ServingWish,
    ) -> Result<bool, AccountError> {
        let written: Result<bool, StoreError> = self
            .writer
            .write(Some(id.run), Wakes::default(), move |conn| {
                Box::pin(async move { made_campaigns::steer(conn, context, id, ad, wish).await })
            })
            .await;
        Ok(written?)
    }

    async fn claim_campaign(
        &self,
        now: i64,
        lease_until: i64,
    ) -> Result<Option<ClaimedCampaign>, AccountError> {
        let mut reader = self.reader().await?;
        // Looked for often; a look costs no write transaction.
        if !made_campaigns::any_due(&mut reader, now).await? {
            return Ok(None);
        }
        drop(reader);
        let claimed = self
            .writer
            .write(None, Wakes::default(), move |conn| {
                Box::pin(async move { made_campaigns::claim(conn, now, lease_until).await })
            })
            .await?;
        Ok(claimed)
    }

    async fn end_campaign_day(
        &self,
        claimed: &ClaimedCampaign,
        day: &CampaignDay,
    ) -> Result<bool, AccountError> {
        let (claimed, day) = (claimed.clone(), day.clone());
        let held = self
            .writer
            .write(None, Wakes::default(), move |conn| {
                Box::pin(async move { made_campaigns::end_day(conn, &claimed, &day).await })
            })
            .await?;
        Ok(held)
    }

    async fn campaign_rules(&self, context: OrganizationContext) -> Result<CampaignRules, AccountError> {
        Ok(made_campaigns::rules(&mut *self.reader().await?, context).await?)
    }

    async fn set_campaign_rules(
        &self,
        context: OrganizationContext,
        rules: CampaignRules,
    ) -> Result<(), AccountError> {
        let written: Result<(), StoreError> = self
            .writer
            .write(None, Wakes::default(), move |conn| {
                Box::pin(async move { made_campaigns::set_rules(conn, context, rules).await })
            })
            .await;
        Ok(written?)
    }
}
