//! Ads: the winners of a campaign, each in its placement.

pub(crate) mod end;
pub(crate) mod get;
pub(crate) mod pause;
pub(crate) mod resume;

use serde::Serialize;
use spotwright_core::domain::campaign::{Ad, Campaign, ServingWish};
use spotwright_core::ports::marketplace::{RungResult, SegmentDelivery};
use spotwright_core::use_cases::campaigns;
use spotwright_schemas::event::FeedbackSource;
use spotwright_schemas::ids::PlacementId;
use spotwright_schemas::outcome::Delivery;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::auth::Caller;
use crate::extract;
use crate::openapi::foreign;
use crate::problem::ApiProblem;
use crate::state::App;
use crate::v1::campaigns::{StatusName, WishName, ad_group_of, rate};
use crate::v1::variants::external_refs::ExternalRefView;

/// An ad.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AdView {
    /// Its id: that of its placement.
    id: Uuid,
    /// Its campaign.
    campaign: String,
    /// Its ad group.
    ad_group: String,
    /// The run.
    run: Uuid,
    /// The generation, from 1; 0 for an ad of a campaign that people made.
    generation: u32,
    /// The variant that it shows.
    variant: Uuid,
    /// Where it is shown, e.g. `simulated_feed`.
    placement: String,
    /// Where it stands.
    status: StatusName,
    /// Whether its numbers are simulated or come from a real platform; never both.
    #[schema(value_type = foreign::FeedbackSource)]
    source: FeedbackSource,
    /// ISO 4217 code.
    currency: Option<String>,
    /// What it delivered; `null` until the market has played.
    #[schema(value_type = Option<foreign::Delivery>)]
    delivery: Option<Delivery>,
    /// Auctions that it was chosen for; `null` until the market has played, and where an older version did.
    auctions: Option<u64>,
    /// Auctions that it won.
    won: Option<u64>,
    /// Auctions won of those that it was chosen for, in [0, 1].
    win_rate: Option<f64>,
    /// Mean number of times a reached user saw it.
    frequency: Option<f64>,
    /// Whether its click rate wore out.
    fatigued: bool,
    /// Impressions of the highest step of the traffic ladder that was decided on; `null` without any.
    rung: Option<u64>,
    /// Its way up the traffic ladder.
    ladder: Vec<RungView>,
    /// What it delivered by segment of the audience.
    segments: Vec<SegmentView>,
    /// The ads of platforms that show its variant.
    external_refs: Vec<ExternalRefView>,
    /// What may be wished of it now.
    allowed: Vec<WishName>,
}

/// A decision of the traffic ladder.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RungView {
    /// Impressions that the step grants in all.
    rung: u64,
    /// Impressions when it was decided.
    impressions: u64,
    /// Clicks when it was decided.
    clicks: u64,
    /// Probability that the ad beats the campaign's median, in [0, 1].
    probability: f64,
    /// `promoted`, `held` or `stopped`.
    decision: String,
}

impl From<&RungResult> for RungView {
    fn from(rung: &RungResult) -> Self {
        Self {
            rung: rung.rung,
            impressions: rung.impressions,
            clicks: rung.clicks,
            probability: rung.probability,
            decision: rung.decision.clone(),
        }
    }
}

/// What an ad delivered to a segment of the audience.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SegmentView {
    /// Name of the segment.
    segment: String,
    /// The numbers.
    #[schema(value_type = foreign::Delivery)]
    delivery: Delivery,
}

impl From<&SegmentDelivery> for SegmentView {
    fn from(row: &SegmentDelivery) -> Self {
        Self { segment: row.segment.clone(), delivery: row.delivery }
    }
}

impl AdView {
    /// An ad of a campaign.
    pub(crate) fn of(campaign: &Campaign, ad: &Ad) -> Self {
        let (id, placement) = (campaign.id, &ad.placement);
        let row = placement.delivery.as_ref();
        // Reports of older versions do not tell.
        let auctions = row.filter(|row| row.auctions > 0 || row.delivery == Delivery::default());
        Self {
            id: placement.id.0,
            campaign: id.to_string(),
            ad_group: ad_group_of(id),
            run: id.run.0,
            generation: id.generation(),
            variant: placement.variant.0,
            placement: campaign.placement.as_str().to_owned(),
            status: campaign.status_of(ad).into(),
            // Runs place in the market simulator; other platforms report by import.
            source: campaign.report.as_ref().map_or(FeedbackSource::Simulated, |report| report.source),
            currency: campaign.currency.map(|currency| currency.code().to_owned()),
            delivery: row.map(|row| row.delivery),
            auctions: auctions.map(|row| row.auctions),
            won: auctions.map(|row| row.won),
            win_rate: auctions.and_then(|row| rate(row.won, row.auctions)),
            frequency: row.map(|row| row.frequency),
            fatigued: row.is_some_and(|row| row.fatigued),
            rung: row.and_then(|row| row.ladder.iter().map(|rung| rung.rung).max()),
            ladder: row.map(|row| row.ladder.iter().map(RungView::from).collect()).unwrap_or_default(),
            segments: row.map(|row| row.segments.iter().map(SegmentView::from).collect()).unwrap_or_default(),
            external_refs: ad.external_refs.iter().cloned().map(ExternalRefView::from).collect(),
            allowed: WishName::all_of(campaign.allows_of(ad)),
        }
    }

    /// The ad of a campaign with this id.
    fn find(campaign: &Campaign, id: PlacementId) -> Result<Self, ApiProblem> {
        let ad = campaign.ads.iter().find(|ad| ad.placement.id == id);
        ad.map(|ad| Self::of(campaign, ad)).ok_or_else(|| ApiProblem::missing("ad"))
    }
}

/// Tells an ad something, and answers it.
async fn steer(app: &App, caller: &Caller, id: &str, wish: ServingWish) -> Result<AdView, ApiProblem> {
    let id: PlacementId = extract::id(id, "ad")?;
    let campaign = campaigns::steer_ad(&app.runs(caller), &caller.principal, id, wish).await?;
    AdView::find(&campaign, id)
}
