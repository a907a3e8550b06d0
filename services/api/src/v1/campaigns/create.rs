//! `POST /v1/campaigns`.

use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use jiff::Timestamp;
use serde::Deserialize;
use spotwright_core::use_cases::campaign_orders::{self, CampaignOrderPorts, CampaignWish};
use spotwright_schemas::brief::Objective;
use spotwright_schemas::error::Code;
use spotwright_schemas::ids::{RunId, VariantId};
use spotwright_schemas::money::{Currency, Micros};
use utoipa::ToSchema;
use uuid::Uuid;

use super::CampaignView;
use super::estimate::CampaignEstimateView;
use super::plan::StrategyName;
use crate::auth::Caller;
use crate::extract::{self, JsonBody};
use crate::idempotency::{self, created, is_replayed};
use crate::problem::ApiProblem;
use crate::state::App;

/// What a day may spend where the order says nothing of money: 50 units.
const USUAL_DAILY: Micros = Micros(50_000_000);

const fn usual_seed() -> u64 {
    1
}

const fn usual_opportunities() -> u64 {
    20_000
}

const fn usual_days() -> u32 {
    7
}

/// A campaign to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CampaignRequestBody {
    /// Its name; the product's without it.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 80)]
    name: Option<String>,
    /// The run whose ads are placed.
    run: Uuid,
    /// What its ads show: variants of the run with a finished video that passed the gate. All its winners
    /// without it.
    #[serde(default)]
    #[schema(min_items = 1, max_items = 64)]
    variants: Option<Vec<Uuid>>,
    /// What counts, in the words of briefs, e.g. `clicks`; the brief's objective without it.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    objective: Option<Objective>,
    /// What is bid for; what the objective asks for without it.
    #[serde(default)]
    bid_strategy: Option<StrategyName>,
    /// Its money; 50 a day in the run's currency without it.
    #[serde(default)]
    budget: CampaignBudgetBody,
    /// The market that it is placed in.
    #[serde(default)]
    market: CampaignMarketBody,
    /// When and how long.
    #[serde(default)]
    schedule: CampaignScheduleBody,
}

/// The money of a campaign.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CampaignBudgetBody {
    /// ISO 4217 code: the run's currency, and no other.
    #[serde(default)]
    #[schema(value_type = Option<String>, pattern = "^[A-Z]{3}$")]
    currency: Option<Currency>,
    /// Most that a logical day may spend, in millionths of the currency.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 1_000_000_000_000_000_i64)]
    daily_micros: Option<i64>,
    /// Most that all days together may spend.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 1_000_000_000_000_000_i64)]
    total_micros: Option<i64>,
}

/// The market of a campaign.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CampaignMarketBody {
    /// Another seed is another audience on another day; its tastes are the same. 1 without it.
    #[serde(default = "usual_seed")]
    #[schema(maximum = 9_007_199_254_740_991_u64)]
    seed: u64,
    /// Views of a logical day for which it may bid; 20,000 without it.
    #[serde(default = "usual_opportunities")]
    #[schema(minimum = 500, maximum = 50_000)]
    opportunities_per_day: u64,
}

impl Default for CampaignMarketBody {
    fn default() -> Self {
        Self { seed: usual_seed(), opportunities_per_day: usual_opportunities() }
    }
}

/// When a campaign is played.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CampaignScheduleBody {
    /// When its first day is due (RFC 3339); at once without it.
    #[serde(default)]
    #[schema(format = DateTime)]
    starts_at: Option<String>,
    /// Logical days; 7 without it.
    #[serde(default = "usual_days")]
    #[schema(minimum = 1, maximum = 60)]
    days: u32,
    /// Seconds of the wall clock between two logical days; 0, full speed, without it.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 86_400)]
    day_seconds: u32,
}

impl Default for CampaignScheduleBody {
    fn default() -> Self {
        Self { starts_at: None, days: usual_days(), day_seconds: 0 }
    }
}

/// The query of an order.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct OrderQuery {
    dry_run: Option<String>,
}

impl CampaignRequestBody {
    fn wish(self) -> Result<CampaignWish, ApiProblem> {
        let CampaignBudgetBody { currency, daily_micros, total_micros } = self.budget;
        let is_open = daily_micros.is_none() && total_micros.is_none();
        let read = |text: String| {
            let wrong =
                |_| ApiProblem::new(Code::RequestValue, "schedule.starts_at", "must be a time (RFC 3339)");
            text.parse::<Timestamp>().map(Timestamp::as_microsecond).map_err(wrong)
        };
        Ok(CampaignWish {
            name: self.name,
            run: RunId(self.run),
            variants: self.variants.map(|ids| ids.into_iter().map(VariantId).collect()),
            objective: self.objective,
            bid_strategy: self.bid_strategy.map(Into::into),
            currency,
            daily: if is_open { Some(USUAL_DAILY) } else { daily_micros.map(Micros) },
            total: total_micros.map(Micros),
            seed: self.market.seed,
            opportunities_per_day: self.market.opportunities_per_day,
            starts_at: self.schedule.starts_at.map(read).transpose()?,
            days: self.schedule.days,
            day_seconds: self.schedule.day_seconds,
        })
    }
}

/// Makes a campaign of a run's winners, or of chosen variants of it, and places them in the market simulator,
/// which plays it day by day. Everything that it delivers is simulated, and says so. With `dry_run=estimate`
/// nothing is stored, and the answer tells what the campaign would come to.
#[utoipa::path(post, path = "/v1/campaigns", operation_id = "createCampaign", tag = "campaigns",
    params(("dry_run" = Option<String>, Query, description = "`estimate`: tell what the campaign would come to")),
    request_body = CampaignRequestBody,
    responses((status = 201, description = "The campaign", body = CampaignView),
        (status = 200, description = "What the campaign would come to", body = CampaignEstimateView)))]
pub(crate) async fn handle(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    uri: Uri,
    body: JsonBody,
) -> Result<Response, ApiProblem> {
    let ports = CampaignOrderPorts {
        accounts: app.state.accounts.as_ref(),
        reviews: app.state.reviews.as_ref(),
        record: app.record(&caller),
    };
    let asked =
        || -> Result<CampaignWish, ApiProblem> { extract::json::<CampaignRequestBody>(&body.bytes)?.wish() };
    match extract::query::<OrderQuery>(&uri)?.dry_run.as_deref() {
        None => {}
        Some("estimate") => {
            let estimate = campaign_orders::estimate(&ports, &caller.principal, &asked()?).await?;
            return Ok(Json(CampaignEstimateView::from(estimate)).into_response());
        }
        Some(_) => return Err(ApiProblem::new(Code::RequestValue, "dry_run", "must be `estimate`")),
    }
    let admitted = idempotency::admit(&app, &caller, &headers, &uri, &body.bytes)?;
    let written = campaign_orders::make(&ports, &caller.principal, &admitted.write, &asked()?).await?;
    let replayed = is_replayed(&written);
    let campaign = CampaignView::from(written.into_inner());
    let location = format!("/v1/campaigns/{}", campaign.id);
    Ok(created(replayed, &location, &campaign))
}
