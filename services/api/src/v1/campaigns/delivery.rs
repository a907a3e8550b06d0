//! `GET /v1/campaigns/{id}/delivery`.

use axum::extract::{Path, State};
use axum::{Extension, Json};
use serde::Serialize;
use spotwright_core::domain::campaign::Campaign;
use spotwright_core::ports::marketplace::{HoldSpan, MarketReport, PacePoint, PriceQuantile};
use spotwright_core::use_cases::campaigns;
use spotwright_schemas::event::FeedbackSource;
use utoipa::ToSchema;
use uuid::Uuid;

use super::rate;
use crate::auth::Caller;
use crate::openapi::foreign;
use crate::problem::ApiProblem;
use crate::state::App;
use crate::v1::ads::RungView;

/// How a campaign went.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CampaignDelivery {
    /// The campaign.
    campaign: String,
    /// Whether its numbers are simulated or come from a real platform.
    #[schema(value_type = foreign::FeedbackSource)]
    source: FeedbackSource,
    /// Name and version of the marketplace.
    marketplace: String,
    /// ISO 4217 code.
    currency: Option<String>,
    /// Most that it could spend.
    budget_micros: i64,
    /// What it spent.
    spend_micros: i64,
    /// Auctions that it could take part in.
    auctions: u64,
    /// Auctions that it won.
    won: u64,
    /// Auctions won of all, in [0, 1].
    win_rate: Option<f64>,
    /// Competing campaigns.
    competitors: u32,
    /// What a thousand impressions cost on average.
    mean_cpm_micros: i64,
    /// Quantiles of prices per thousand impressions, within 1 %; empty for campaigns of older versions.
    prices: Vec<PriceView>,
    /// Spend against plan, by the hour, summed from the beginning; empty for campaigns of older versions.
    pacing: Vec<PaceView>,
    /// Every decision of the traffic ladder, with the evidence that it was made on.
    climbs: Vec<ClimbView>,
    /// When ads took no impressions because somebody had paused or ended them.
    holds: Vec<HoldView>,
}

/// A quantile of prices.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PriceView {
    /// Which, in (0, 1).
    quantile: f64,
    /// Of the campaign's impressions: what the next offer, or the floor, asked per thousand. `null` without any.
    own_cpm_micros: Option<i64>,
    /// Of all auctions: the highest offer of a competitor, or the floor.
    market_cpm_micros: Option<i64>,
}

impl From<&PriceQuantile> for PriceView {
    fn from(price: &PriceQuantile) -> Self {
        Self {
            quantile: price.quantile,
            own_cpm_micros: price.own_cpm.map(|cpm| cpm.0),
            market_cpm_micros: price.market_cpm.map(|cpm| cpm.0),
        }
    }
}

/// A campaign until the end of an hour.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PaceView {
    /// Logical hours since the market opened; a generation lasts 24.
    hour: f64,
    /// What an even spend over the traffic would be by then.
    planned_micros: i64,
    /// What was spent.
    spent_micros: i64,
    /// Impressions.
    impressions: u64,
    /// Auctions won.
    won: u64,
}

impl From<&PacePoint> for PaceView {
    fn from(point: &PacePoint) -> Self {
        Self {
            hour: point.hour,
            planned_micros: point.planned.0,
            spent_micros: point.spent.0,
            impressions: point.impressions,
            won: point.won,
        }
    }
}

/// A decision of the traffic ladder about an ad.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ClimbView {
    /// The ad.
    ad: Uuid,
    /// The variant that it shows.
    variant: Uuid,
    #[serde(flatten)]
    rung: RungView,
}

/// A time in which an ad took no impressions.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct HoldView {
    /// The ad.
    ad: Uuid,
    /// Logical hours since the market opened.
    from_hour: f64,
    /// Where it went on; `null`: not before the campaign's end.
    until_hour: Option<f64>,
}

impl From<&HoldSpan> for HoldView {
    fn from(span: &HoldSpan) -> Self {
        Self { ad: span.placement.0, from_hour: span.from_hour, until_hour: span.until_hour }
    }
}

fn view(campaign: &Campaign, report: &MarketReport) -> CampaignDelivery {
    let rows = campaign.ads.iter().filter_map(|ad| ad.placement.delivery.as_ref());
    let climbs = rows.flat_map(|row| {
        row.ladder.iter().map(|rung| ClimbView {
            ad: row.placement.0,
            variant: row.variant.0,
            rung: RungView::from(rung),
        })
    });
    let (prices, pacing) =
        report.course.as_ref().map(|course| (&*course.prices, &*course.pacing)).unwrap_or_default();
    CampaignDelivery {
        campaign: campaign.id.to_string(),
        source: report.source,
        marketplace: report.marketplace.clone(),
        currency: campaign.currency.map(|currency| currency.code().to_owned()),
        budget_micros: report.budget.0,
        spend_micros: campaign.delivered().spend.0,
        auctions: report.auctions,
        won: report.won,
        win_rate: rate(report.won, report.auctions),
        competitors: report.competitors,
        mean_cpm_micros: report.mean_cpm.0,
        prices: prices.iter().map(PriceView::from).collect(),
        pacing: pacing.iter().map(PaceView::from).collect(),
        climbs: climbs.collect(),
        holds: report.holds.iter().map(HoldView::from).collect(),
    }
}

/// How a campaign went in the market: win rate, prices, pacing, the decisions of the traffic ladder. 404 before the
/// market has played it.
#[utoipa::path(get, path = "/v1/campaigns/{id}/delivery", operation_id = "getCampaignDelivery", tag = "campaigns",
    params(("id" = String, Path, description = "The campaign")),
    responses((status = 200, description = "How it went", body = CampaignDelivery)))]
pub(crate) async fn handle(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<CampaignDelivery>, ApiProblem> {
    let id = super::id(&id)?;
    let campaign = campaigns::get(app.state.accounts.as_ref(), &caller.principal, id).await?;
    let report =
        campaign.report.as_ref().ok_or_else(|| ApiProblem::missing("delivery of the campaign yet"))?;
    Ok(Json(view(&campaign, report)))
}
