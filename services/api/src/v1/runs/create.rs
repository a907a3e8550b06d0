//! `POST /v1/runs`.

use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::Deserialize;
use spotwright_core::domain::account::OrderedRun;
use spotwright_core::domain::run::{Approval, Clarify, Involvement};
use spotwright_core::use_cases::estimates;
use spotwright_core::use_cases::run_sizes::AskedSizes;
use spotwright_core::use_cases::runs::{self, MaxSpend, RunWish};
use spotwright_schemas::error::Code;
use spotwright_schemas::ids::BriefId;
use spotwright_schemas::money::{Currency, Micros};
use utoipa::ToSchema;
use uuid::Uuid;

use super::Run;
use super::estimate::RunEstimateView;
use crate::auth::Caller;
use crate::extract::{self, JsonBody};
use crate::idempotency::{self, created, is_replayed};
use crate::problem::ApiProblem;
use crate::state::App;

/// A run to be started.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RunRequestBody {
    /// The brief; its budget is the budget of the run.
    brief: Uuid,
    /// Turns of the loop, 1–20.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 20)]
    generations: Option<u32>,
    /// Variants drafted in each generation, 1–64.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 64)]
    variants: Option<u32>,
    /// Variants of each generation rendered final and placed, 1–`variants`; more are refused with 400.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 64)]
    winners: Option<u32>,
    /// Seed of everything random, at most 2^53 − 1. Without it, 1.
    #[serde(default)]
    #[schema(maximum = 9_007_199_254_740_991_u64)]
    seed: Option<u64>,
    /// Views that the market offers in each generation, 1,000–5,000,000.
    #[serde(default)]
    #[schema(minimum = 1000, maximum = 5_000_000)]
    opportunities: Option<u64>,
    /// What becomes of questions about the brief: `assume` takes their defaults, `ask` waits for answers.
    #[serde(default)]
    clarify: ClarifyOption,
    /// With `"clarify": "ask"`: seconds after which the run goes on with the defaults, at most a month;
    /// without it, it waits until every question is answered.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 2_678_400)]
    answers_within_seconds: Option<u32>,
    /// What waits for approval before it costs money: `none`, or the `scripts` of each generation.
    #[serde(default)]
    approval: ApprovalOption,
    /// Most that the run may spend on everything: language model, renders, clips and media. Without it the
    /// brief's budget alone is the limit.
    #[serde(default)]
    max_spend: Option<MaxSpendBody>,
}

/// An amount of money.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MaxSpendBody {
    /// How much, in millionths of the currency.
    #[schema(minimum = 1)]
    amount_micros: i64,
    /// ISO 4217 code; the brief's currency.
    #[schema(value_type = String, pattern = "^[A-Z]{3}$")]
    currency: Currency,
}

/// The query of an order.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct OrderQuery {
    dry_run: Option<String>,
}

impl OrderQuery {
    /// Whether the order is only to be priced.
    fn is_estimate(&self) -> Result<bool, ApiProblem> {
        match self.dry_run.as_deref() {
            None => Ok(false),
            Some("estimate") => Ok(true),
            Some(_) => Err(ApiProblem::new(Code::RequestValue, "dry_run", "must be `estimate`")),
        }
    }
}

/// What becomes of questions about the brief.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ClarifyOption {
    /// Their defaults are taken and recorded.
    #[default]
    Assume,
    /// They are asked, and the run waits.
    Ask,
}

/// What waits for approval before it costs money.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ApprovalOption {
    /// Nothing.
    #[default]
    None,
    /// The scripts of each generation.
    Scripts,
}

/// Starts a run of a brief. Follow it by its events. With `dry_run=estimate` nothing is stored or charged, and the
/// answer tells what the run would cost.
#[utoipa::path(post, path = "/v1/runs", operation_id = "createRun", tag = "runs",
    params(("dry_run" = Option<String>, Query, description = "`estimate`: tell what the run would cost")),
    request_body = RunRequestBody,
    responses((status = 201, description = "The run as it is at its start", body = Run),
        (status = 200, description = "What the run would cost", body = RunEstimateView)))]
pub(crate) async fn handle(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    uri: Uri,
    body: JsonBody,
) -> Result<Response, ApiProblem> {
    let ports = app.runs(&caller);
    if extract::query::<OrderQuery>(&uri)?.is_estimate()? {
        let asked: RunRequestBody = extract::json(&body.bytes)?;
        let (prices, usual) = (app.state.prices.as_ref(), app.state.run_defaults);
        let estimate = estimates::estimate(&ports, prices, &caller.principal, asked.into(), usual).await?;
        return Ok(Json(RunEstimateView::from(estimate)).into_response());
    }
    let admitted = idempotency::admit(&app, &caller, &headers, &uri, &body.bytes)?;
    let asked: RunRequestBody = extract::json(&body.bytes)?;
    let written =
        runs::order(&ports, &caller.principal, &admitted.write, asked.into(), app.state.run_defaults).await?;
    Ok(answer_of(is_replayed(&written), written.into_inner()))
}

fn answer_of(replayed: bool, ordered: OrderedRun) -> Response {
    let location = format!("/v1/runs/{}", ordered.id);
    created(replayed, &location, &Run::from(ordered))
}

impl From<RunRequestBody> for RunWish {
    fn from(asked: RunRequestBody) -> Self {
        Self {
            brief: BriefId(asked.brief),
            sizes: AskedSizes {
                generations: asked.generations,
                variants: asked.variants,
                winners: asked.winners,
                opportunities: asked.opportunities,
            },
            seed: asked.seed,
            max_spend: asked
                .max_spend
                .map(|cap| MaxSpend { amount: Micros(cap.amount_micros), currency: cap.currency }),
            people: Involvement {
                clarify: match asked.clarify {
                    ClarifyOption::Assume => Clarify::Assume,
                    ClarifyOption::Ask => Clarify::Ask,
                },
                answers_within_seconds: asked.answers_within_seconds,
                approval: match asked.approval {
                    ApprovalOption::None => Approval::None,
                    ApprovalOption::Scripts => Approval::Scripts,
                },
            },
        }
    }
}
