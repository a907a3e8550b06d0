//! Marketplaces: where winners are shown and an audience decides.

use serde::{Deserialize, Serialize};
use spotwright_schemas::brief::Objective;
use spotwright_schemas::event::FeedbackSource;
use spotwright_schemas::ids::{PlacementId, VariantId};
use spotwright_schemas::locale::Locale;
use spotwright_schemas::money::{Currency, Micros};
use spotwright_schemas::outcome::Delivery;
use spotwright_schemas::placement::PlacementKind;
use spotwright_schemas::script::Script;

use super::video_backend::FrameStatistics;

/// An advertisement in a campaign.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CampaignCreative {
    /// Its placement.
    pub placement: PlacementId,
    /// Which variant.
    pub variant: VariantId,
    /// What it says.
    pub script: Script,
    /// Statistics of the finished video's frames.
    pub statistics: FrameStatistics,
    /// What the advertiser's model predicts; used for bidding, never for clicking.
    pub predicted_ctr: f64,
}

/// One generation's campaign.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Campaign {
    /// Seed of the run. Tastes of the audience never depend on it; users and noise do.
    pub seed: u64,
    /// Which generation, from 1: the clock of the market goes on from one to the next.
    pub generation: u32,
    /// Kind of product, for the competition's level.
    pub category: String,
    /// Language.
    pub locale: Locale,
    /// What counts.
    pub objective: Objective,
    /// Where.
    pub placement: PlacementKind,
    /// Most that may be spent.
    pub budget: Micros,
    /// Its currency.
    pub currency: Currency,
    /// Opportunities the market offers: views for which the campaign may bid.
    pub opportunities: u64,
    /// The advertisements, 1–64, in a fixed order.
    pub creatives: Vec<CampaignCreative>,
}

/// What a segment of the audience did with one advertisement.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SegmentDelivery {
    /// Name of the segment.
    pub segment: String,
    /// The numbers.
    pub delivery: Delivery,
}

/// One step of an advertisement on the traffic ladder.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RungResult {
    /// Impressions that the rung grants in all.
    pub rung: u64,
    /// Impressions and clicks when it was decided.
    pub impressions: u64,
    /// See `impressions`.
    pub clicks: u64,
    /// Probability that the advertisement beats the campaign's median, in [0, 1].
    pub probability: f64,
    /// `promoted`, `held` or `stopped`.
    pub decision: String,
}

/// What became of one advertisement.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CreativeDelivery {
    /// Its placement.
    pub placement: PlacementId,
    /// Which variant.
    pub variant: VariantId,
    /// The numbers.
    pub delivery: Delivery,
    /// The same by segment.
    pub segments: Vec<SegmentDelivery>,
    /// Its way up the ladder.
    pub ladder: Vec<RungResult>,
    /// Mean number of times a reached user saw it.
    pub frequency: f64,
    /// Whether its click rate wore out.
    pub fatigued: bool,
}

/// A span of the campaign in which an advertisement was chosen with one probability.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlacementDecision {
    /// The placement chosen.
    pub placement: PlacementId,
    /// The variant it shows.
    pub variant: VariantId,
    /// Logical hours since the market opened, in the middle of the span.
    pub hour: f64,
    /// Probability of the choice, given everything decided before; in (0, 1], 1 where a rule decides.
    pub propensity: f64,
    /// Opportunities for which it was chosen.
    pub chosen: u64,
    /// Of these, those at which it was seen.
    pub impressions: u64,
    /// Of these, those at which it was clicked.
    pub clicks: u64,
}

/// What became of a campaign.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MarketReport {
    /// Whether the numbers are simulated.
    pub source: FeedbackSource,
    /// Name and version of the marketplace.
    pub marketplace: String,
    /// Hash of the audience's weights.
    pub audience: String,
    /// Auctions held.
    pub auctions: u64,
    /// Auctions the campaign won.
    pub won: u64,
    /// Competing campaigns.
    pub competitors: u32,
    /// Mean price per thousand impressions.
    pub mean_cpm: Micros,
    /// The campaign's budget; 0 in reports from before it was told.
    #[serde(default)]
    pub budget: Micros,
    /// One row per advertisement, in the order of the campaign.
    pub creatives: Vec<CreativeDelivery>,
}

/// Why a campaign was not played.
#[derive(Debug, Clone, thiserror::Error)]
pub enum MarketError {
    /// The campaign is impossible (permanent).
    #[error("campaign refused: {0}")]
    Refused(String),
}

/// Shows advertisements to an audience.
///
/// Contract:
/// 1. Equal campaigns give equal reports, whatever the number of threads.
/// 2. Spend never exceeds the budget; the spend of the report is the sum over its rows.
/// 3. Clicks never exceed impressions, conversions never exceed clicks.
/// 4. What the advertiser predicts changes bids, never whether a shown advertisement is clicked.
/// 5. Equal campaigns give equal decisions; their impressions and clicks add up to the report's.
pub trait Marketplace: Send + Sync {
    /// Plays a campaign to its end.
    ///
    /// # Errors
    /// [`MarketError`].
    fn play(&self, campaign: &Campaign) -> Result<MarketReport, MarketError>;

    /// The decisions behind the report of the same campaign, in the order of time.
    ///
    /// # Errors
    /// [`MarketError`].
    fn decisions(&self, campaign: &Campaign) -> Result<Vec<PlacementDecision>, MarketError>;
}
