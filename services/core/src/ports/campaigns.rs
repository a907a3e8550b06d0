//! Campaigns of an organization, as they are placed and as they went.

use async_trait::async_trait;
use spotwright_schemas::ids::PlacementId;
use spotwright_schemas::launch::ExternalRef;

use super::accounts::{AccountError, Page, Positioned};
use crate::domain::account::OrganizationContext;
use crate::domain::campaign::{Campaign, CampaignFilter, CampaignId};

/// Reads campaigns and keeps their names at platforms.
///
/// Contract:
/// 1. Campaigns and ads of another organization are missing.
/// 2. A campaign is there from its first placement on. Lists are newest first and tell each campaign whole.
/// 3. Who holds, continues or ends an ad tells its run; nothing of that is written here.
/// 4. A name at a platform is of one campaign.
#[async_trait]
pub trait Campaigns: Send + Sync {
    /// Campaigns, newest first.
    async fn campaigns(
        &self,
        context: OrganizationContext,
        filter: &CampaignFilter,
        page: Page,
    ) -> Result<Vec<Positioned<Campaign>>, AccountError>;

    /// One campaign.
    async fn campaign(&self, context: OrganizationContext, id: CampaignId) -> Result<Campaign, AccountError>;

    /// The campaign of an ad.
    async fn campaign_of(
        &self,
        context: OrganizationContext,
        ad: PlacementId,
    ) -> Result<Campaign, AccountError>;

    /// Replaces a campaign's names at platforms; `Some` with the index of one that is another campaign's, and
    /// then nothing is changed.
    async fn put_campaign_refs(
        &self,
        context: OrganizationContext,
        id: CampaignId,
        refs: &[ExternalRef],
    ) -> Result<Option<usize>, AccountError>;
}
