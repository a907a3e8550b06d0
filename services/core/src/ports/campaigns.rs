//! Campaigns of an organization, as they are placed and as they went.

use async_trait::async_trait;
use spotwright_schemas::ids::{OrganizationId, PlacementId, RunId};
use spotwright_schemas::launch::ExternalRef;
use spotwright_schemas::outcome::Delivery;

use super::accounts::{AccountError, Page, Positioned, WriteKey, Written};
use super::marketplace::{CreativeDelivery, MarketReport};
use crate::domain::account::OrganizationContext;
use crate::domain::campaign::{Campaign, CampaignFilter, CampaignId, ServingWish};
use crate::domain::campaign_order::{CampaignOrder, MadeCampaign};

/// What an organization demands of campaigns that its people make.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CampaignRules {
    /// Whether every variant has to be approved as it is.
    pub approval_required: bool,
}

/// A campaign whose next day was claimed.
#[derive(Debug, Clone, PartialEq)]
pub struct ClaimedCampaign {
    /// Whose it is.
    pub organization: OrganizationId,
    /// The campaign as it was claimed.
    pub campaign: Campaign,
    /// What was ordered, and how far it has come.
    pub made: MadeCampaign,
    /// Number of the claim; what is written under an older one is dropped.
    pub fence: i64,
}

/// What a day came to for one ad.
#[derive(Debug, Clone, PartialEq)]
pub struct AdDay {
    /// Everything until the end of the day.
    pub so_far: CreativeDelivery,
    /// The day alone.
    pub of_day: Delivery,
}

/// What follows from a claimed day, or from not being able to play it.
#[derive(Debug, Clone, PartialEq)]
pub struct CampaignDay {
    /// What the market said until the end of the day, without rows of ads; `None` where nothing was played
    /// yet.
    pub report: Option<MarketReport>,
    /// The ads that took part in the day; empty where it was not played.
    pub ads: Vec<AdDay>,
    /// Ads that take no impressions any more.
    pub ended_ads: Vec<PlacementId>,
    /// How far the campaign has come.
    pub made: MadeCampaign,
    /// When the next day is due; `None`: the campaign has ended.
    pub next_at: Option<i64>,
}

/// Reads campaigns and keeps their names at platforms.
///
/// Contract:
/// 1. Campaigns and ads of another organization are missing.
/// 2. A campaign is there from its first placement on. Lists are newest first and tell each campaign whole.
/// 3. Who holds, continues or ends an ad of a run's own campaign tells the run; nothing of that is written
///    here.
/// 4. A name at a platform is of one campaign.
/// 5. A campaign that people make is written with its ads as one, and numbered within its run without a gap.
/// 6. A day of it is claimed by one at a time until its lease ends, and only while it is due and not paused.
///    It is ended under the newest fence only, with everything that follows from it; ending the campaign
///    voids the claim.
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

    /// Makes a campaign of a run's finished variants.
    async fn make_campaign(
        &self,
        context: OrganizationContext,
        write: &WriteKey,
        run: RunId,
        order: &CampaignOrder,
    ) -> Result<Written<CampaignId>, AccountError>;

    /// Holds, continues or ends a campaign that people made, or one ad of it. Whether it did: what has ended
    /// is neither held nor continued. What else may be wished is the caller's to know; a wish that is
    /// fulfilled already changes nothing.
    async fn steer_campaign(
        &self,
        context: OrganizationContext,
        id: CampaignId,
        ad: Option<PlacementId>,
        wish: ServingWish,
    ) -> Result<bool, AccountError>;

    /// Claims the campaign, of any organization, whose day has been due for longest.
    async fn claim_campaign(
        &self,
        now: i64,
        lease_until: i64,
    ) -> Result<Option<ClaimedCampaign>, AccountError>;

    /// Writes what follows from a claimed day. Whether the claim still held.
    async fn end_campaign_day(
        &self,
        claimed: &ClaimedCampaign,
        day: &CampaignDay,
    ) -> Result<bool, AccountError>;

    /// What the organization demands of campaigns.
    async fn campaign_rules(&self, context: OrganizationContext) -> Result<CampaignRules, AccountError>;

    /// Changes what the organization demands of campaigns.
    async fn set_campaign_rules(
        &self,
        context: OrganizationContext,
        rules: CampaignRules,
    ) -> Result<(), AccountError>;
}
