//! What a campaign would come to: the answer of `POST /v1/campaigns?dry_run=estimate`.

use serde::Serialize;
use spotwright_core::domain::campaign_estimate::{CampaignEstimate, EstimateBasis, MeasuredCampaign};
use spotwright_core::domain::estimate::Band;
use spotwright_schemas::event::FeedbackSource;
use utoipa::ToSchema;

use super::rate;
use crate::openapi::foreign;
use crate::v1::runs::estimate::CostBand;

/// What a campaign would come to, if it were made now.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CampaignEstimateView {
    /// Always `campaign_estimate`.
    object: &'static str,
    /// Whether the numbers are simulated or come from a real platform.
    #[schema(value_type = foreign::FeedbackSource)]
    source: FeedbackSource,
    /// ISO 4217 code of all amounts.
    currency: String,
    /// How many ads it would have.
    ads: usize,
    /// Logical days.
    days: u32,
    /// Most that it could spend.
    budget_micros: i64,
    /// Impressions of all days; `null` with the basis `none`.
    impressions: Option<CountBand>,
    /// Their clicks; `null` with the basis `none`.
    clicks: Option<CountBand>,
    /// Their spend; `null` with the basis `none`.
    spend: Option<CostBand>,
    /// Whether the whole budget might be spent.
    reaches_budget: bool,
    /// `run` (campaigns of the run that were played), `organization` (those of others in the currency) or
    /// `none`.
    basis: &'static str,
    /// The campaigns that it rests on, newest first. The bounds are theirs: a single one gives no width.
    measured_campaigns: Vec<MeasuredCampaignView>,
}

/// A count of which only the bounds are certain.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CountBand {
    /// The least.
    low: u64,
    /// What is expected.
    expected: u64,
    /// The most.
    high: u64,
}

impl From<Band<u64>> for CountBand {
    fn from(band: Band<u64>) -> Self {
        Self { low: band.low, expected: band.expected, high: band.high }
    }
}

/// A campaign that was played.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MeasuredCampaignView {
    /// Its id.
    campaign: String,
    /// Auctions that it could take part in.
    auctions: u64,
    /// Its impressions.
    impressions: u64,
    /// Its clicks.
    clicks: u64,
    /// What it spent.
    spend_micros: i64,
    /// Auctions won of all, in [0, 1].
    win_rate: Option<f64>,
    /// What a thousand impressions cost on average.
    mean_cpm_micros: Option<i64>,
}

impl From<&MeasuredCampaign> for MeasuredCampaignView {
    fn from(own: &MeasuredCampaign) -> Self {
        let cpm = (i128::from(own.spend.0) * 1_000).checked_div(i128::from(own.impressions));
        Self {
            campaign: own.id.to_string(),
            auctions: own.auctions,
            impressions: own.impressions,
            clicks: own.clicks,
            spend_micros: own.spend.0,
            win_rate: rate(own.won, own.auctions),
            mean_cpm_micros: cpm.and_then(|cpm| i64::try_from(cpm).ok()),
        }
    }
}

impl From<CampaignEstimate> for CampaignEstimateView {
    fn from(estimate: CampaignEstimate) -> Self {
        let order = &estimate.order;
        Self {
            object: "campaign_estimate",
            // People place in the market simulator; other platforms report by import.
            source: FeedbackSource::Simulated,
            currency: order.currency.code().to_owned(),
            ads: order.variants.len(),
            days: order.days,
            budget_micros: order.budget().0,
            impressions: estimate.impressions.map(CountBand::from),
            clicks: estimate.clicks.map(CountBand::from),
            spend: estimate.spend.map(CostBand::from),
            reaches_budget: estimate.reaches_budget(),
            basis: match estimate.basis {
                EstimateBasis::Run => "run",
                EstimateBasis::Organization => "organization",
                EstimateBasis::None => "none",
            },
            measured_campaigns: estimate.measured.iter().map(MeasuredCampaignView::from).collect(),
        }
    }
}
