//! `GET /v1/insight/market`.

use axum::extract::State;
use axum::http::Uri;
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use spotwright_core::domain::campaign::ServingStatus;
use spotwright_core::domain::observation::SourceKind;
use spotwright_core::use_cases::insight;
use spotwright_insight::market::{CampaignRow, CurrencyMarket, MarketView, market, win_rate};
use utoipa::ToSchema;

use crate::auth::Caller;
use crate::extract;
use crate::problem::ApiProblem;
use crate::state::App;
use crate::v1::campaigns::delivery::{PaceView, PriceView};
use crate::v1::campaigns::list::word;
use crate::v1::campaigns::{OriginName, StatusName};
use crate::v1::observations::SourceName;

/// The query of the market.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct MarketQuery {
    source: Option<String>,
    run: Option<String>,
    status: Option<String>,
}

/// The market as an organization sees it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MarketInsight {
    /// Whose numbers: only the simulator tells of auctions, so of imported ones there is nothing here.
    source: SourceName,
    /// How many campaigns.
    campaigns: usize,
    /// Auctions that they could take part in.
    auctions: u64,
    /// Those of them that they won.
    won: u64,
    /// Auctions won of all, in [0, 1]; `null` of none.
    win_rate: Option<f64>,
    /// By currency.
    currencies: Vec<CurrencyView>,
    /// Each campaign, newest first.
    rows: Vec<MarketRow>,
}

/// All campaigns of one currency together.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CurrencyView {
    /// ISO 4217 code; `null` for runs of older versions.
    currency: Option<String>,
    /// How many campaigns.
    campaigns: usize,
    /// Those of them that the market shows now.
    running: usize,
    /// Their auctions.
    auctions: u64,
    /// Those that they won.
    won: u64,
    /// Auctions won of all, in [0, 1]; `null` of none.
    win_rate: Option<f64>,
    /// Their impressions.
    impressions: u64,
    /// Their clicks.
    clicks: u64,
    /// Their conversions.
    conversions: u64,
    /// Most that they can spend.
    budget_micros: i64,
    /// What they spent.
    spend_micros: i64,
    /// What a thousand impressions cost on average; `null` without any.
    mean_cpm_micros: Option<i64>,
    /// Quantiles of prices per thousand impressions: own ones weighted by impressions, those of the market by
    /// auctions; of several campaigns joined by straight lines. Empty where no campaign tells prices.
    prices: Vec<PriceView>,
    /// Spend against plan by the hour, each campaign from its own beginning on, summed.
    pacing: Vec<PaceView>,
}

/// A campaign in the market.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MarketRow {
    /// Its id.
    campaign: String,
    /// Its name.
    name: String,
    /// Who made it.
    origin: OriginName,
    /// Where it stands.
    status: StatusName,
    /// ISO 4217 code.
    currency: Option<String>,
    /// Auctions that it could take part in.
    auctions: u64,
    /// Those of them that it won.
    won: u64,
    /// Auctions won of all, in [0, 1]; `null` of none.
    win_rate: Option<f64>,
    /// Its impressions.
    impressions: u64,
    /// Its clicks.
    clicks: u64,
    /// What a thousand impressions cost on average; `null` without any.
    mean_cpm_micros: Option<i64>,
    /// Most that it can spend; `null` until a run's own was played.
    budget_micros: Option<i64>,
    /// What it spent.
    spend_micros: i64,
    /// What an even spend would have come to by `hour`; `null` before it was played.
    planned_micros: Option<i64>,
    /// Spend over plan by that hour; `null` where nothing was planned.
    pace: Option<f64>,
    /// Logical hours since its beginning; `null` before it was played.
    hour: Option<f64>,
}

impl From<&CurrencyMarket> for CurrencyView {
    fn from(own: &CurrencyMarket) -> Self {
        Self {
            currency: own.currency.map(|currency| currency.code().to_owned()),
            campaigns: own.campaigns,
            running: own.running,
            auctions: own.auctions,
            won: own.won,
            win_rate: win_rate(own.won, own.auctions),
            impressions: own.delivery.impressions,
            clicks: own.delivery.clicks,
            conversions: own.delivery.conversions,
            budget_micros: own.budget.0,
            spend_micros: own.delivery.spend.0,
            mean_cpm_micros: own.mean_cpm.map(|cpm| cpm.0),
            prices: own.prices.iter().map(PriceView::from).collect(),
            pacing: own.pacing.iter().map(PaceView::from).collect(),
        }
    }
}

impl From<&CampaignRow> for MarketRow {
    fn from(row: &CampaignRow) -> Self {
        Self {
            campaign: row.campaign.clone(),
            name: row.name.clone(),
            origin: if row.is_made { OriginName::People } else { OriginName::Run },
            status: row.status.into(),
            currency: row.currency.map(|currency| currency.code().to_owned()),
            auctions: row.auctions,
            won: row.won,
            win_rate: win_rate(row.won, row.auctions),
            impressions: row.delivery.impressions,
            clicks: row.delivery.clicks,
            mean_cpm_micros: row.mean_cpm.map(|cpm| cpm.0),
            budget_micros: row.budget.map(|budget| budget.0),
            spend_micros: row.delivery.spend.0,
            planned_micros: row.planned.map(|planned| planned.0),
            pace: row.pace,
            hour: row.hour,
        }
    }
}

/// The market behind a query.
pub(super) async fn asked(
    app: &App,
    caller: &Caller,
    source: Option<&String>,
    run: Option<&String>,
    status: Option<&String>,
) -> Result<(SourceKind, MarketView), ApiProblem> {
    let source: Option<SourceName> = word("source", source)?;
    let source = source.map_or(SourceKind::Simulated, SourceKind::from);
    let run = run.map(|run| extract::id(run, "run")).transpose()?;
    let status: Option<ServingStatus> = word("status", status)?;
    let accounts = app.state.accounts.as_ref();
    let campaigns = insight::campaigns(accounts, &caller.principal, source, run, status).await?;
    Ok((source, market(&campaigns)))
}

/// The organization's newest campaigns in the market together, at most 200: auctions, prices, and spend
/// against plan.
#[utoipa::path(get, path = "/v1/insight/market", operation_id = "getMarket", tag = "insight",
    params(("source" = Option<String>, Query, description = "`simulated` (without it) or `imported`; never both"),
        ("run" = Option<Uuid>, Query, description = "Only campaigns of this run"),
        ("status" = Option<String>, Query, description = "Only `waiting`, `active`, `paused` or `ended` ones")),
    responses((status = 200, description = "The market", body = MarketInsight)))]
pub(crate) async fn handle(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    uri: Uri,
) -> Result<Json<MarketInsight>, ApiProblem> {
    let MarketQuery { source, run, status } = extract::query(&uri)?;
    let (source, view) = asked(&app, &caller, source.as_ref(), run.as_ref(), status.as_ref()).await?;
    Ok(Json(MarketInsight {
        source: source.into(),
        campaigns: view.rows.len(),
        auctions: view.auctions,
        won: view.won,
        win_rate: win_rate(view.won, view.auctions),
        currencies: view.currencies.iter().map(CurrencyView::from).collect(),
        rows: view.rows.iter().map(MarketRow::from).collect(),
    }))
}
