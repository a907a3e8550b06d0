//! Marketplaces: where winners are shown and an audience decides.

use std::sync::atomic::{AtomicU64, Ordering};

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
    /// Auctions that it was chosen for; 0 in reports from before it was told.
    #[serde(default, skip_serializing_if = "is_nothing")]
    pub auctions: u64,
    /// Of these, those that it won; 0 in reports from before it was told.
    #[serde(default, skip_serializing_if = "is_nothing")]
    pub won: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks with a reference")]
const fn is_nothing(count: &u64) -> bool {
    *count == 0
}

/// A time in which an advertisement took no impressions because somebody held it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HoldSpan {
    /// The placement.
    pub placement: PlacementId,
    /// Logical hours since the market opened at which it began.
    pub from_hour: f64,
    /// Where it went on; `None`: not before the campaign's end.
    pub until_hour: Option<f64>,
}

impl HoldSpan {
    fn covers(&self, hour: f64) -> bool {
        self.from_hour <= hour && self.until_hour.is_none_or(|until| hour < until)
    }
}

/// Which advertisements of a campaign take no impressions, told while it is played, or as it was told then.
#[derive(Debug, Default)]
pub struct Held {
    now: AtomicU64,
    spans: Vec<HoldSpan>,
}

impl Held {
    /// As it was told to a campaign that has been played.
    #[must_use]
    pub const fn as_then(spans: Vec<HoldSpan>) -> Self {
        Self { now: AtomicU64::new(0), spans }
    }

    /// From now on these are held: bit i for the campaign's advertisement i.
    pub fn set(&self, bits: u64) {
        self.now.store(bits, Ordering::Relaxed);
    }

    /// The advertisements that are held at a logical hour: bit i for the campaign's advertisement i.
    #[must_use]
    pub fn at(&self, campaign: &Campaign, hour: f64) -> u64 {
        let mut bits = self.now.load(Ordering::Relaxed);
        for span in self.spans.iter().filter(|span| span.covers(hour)) {
            if let Some(place) = campaign.creatives.iter().position(|own| own.placement == span.placement) {
                bits |= 1 << place;
            }
        }
        bits
    }
}

/// How a campaign went, beyond its sums.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CampaignCourse {
    /// What impressions cost.
    pub prices: Vec<PriceQuantile>,
    /// Spend against plan, by the hour, summed from the beginning.
    pub pacing: Vec<PacePoint>,
}

/// A quantile of prices per thousand impressions, within 1 %.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PriceQuantile {
    /// Which, in (0, 1).
    pub quantile: f64,
    /// Of the campaign's impressions: what the next offer, or the floor, asked. `None` without impressions.
    pub own_cpm: Option<Micros>,
    /// Of all auctions: the highest offer of a competitor, or the floor.
    pub market_cpm: Option<Micros>,
}

/// A campaign until the end of an hour.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PacePoint {
    /// Logical hours since the market opened.
    pub hour: f64,
    /// What an even spend over the traffic would be.
    pub planned: Micros,
    /// What was spent.
    pub spent: Micros,
    /// Auctions won.
    pub won: u64,
    /// Impressions.
    pub impressions: u64,
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
    /// When advertisements were held.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub holds: Vec<HoldSpan>,
    /// How it went; `None` in reports from before it was told, and of markets that do not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub course: Option<CampaignCourse>,
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
/// 1. Equal campaigns, held alike, give equal reports, whatever the number of threads.
/// 2. Spend never exceeds the budget; the spend of the report is the sum over its rows.
/// 3. Clicks never exceed impressions, conversions never exceed clicks.
/// 4. What the advertiser predicts changes bids, never whether a shown advertisement is clicked.
/// 5. Equal campaigns, held alike, give equal decisions; their impressions and clicks add up to the report's.
/// 6. An advertisement that is held takes no impressions, from at most a quarter of a logical hour after it was
///    told; the time goes on without it. The report has a row for it all the same, and says when it was held.
pub trait Marketplace: Send + Sync {
    /// Plays a campaign to its end, with all its advertisements.
    ///
    /// # Errors
    /// [`MarketError`].
    fn play(&self, campaign: &Campaign) -> Result<MarketReport, MarketError> {
        self.play_held(campaign, &Held::default())
    }

    /// Plays a campaign to its end; advertisements are held as `held` says, which may change meanwhile.
    ///
    /// # Errors
    /// [`MarketError`].
    fn play_held(&self, campaign: &Campaign, held: &Held) -> Result<MarketReport, MarketError>;

    /// The decisions behind the report of the same campaign, held as then, in the order of time.
    ///
    /// # Errors
    /// [`MarketError`].
    fn decisions(&self, campaign: &Campaign, held: &Held) -> Result<Vec<PlacementDecision>, MarketError>;
}
