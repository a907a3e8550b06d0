//! `POST /v1/runs`.

use axum::Extension;
use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use serde::Deserialize;
use spotwright_core::domain::account::OrderedRun;
use spotwright_core::domain::run::{Approval, Clarify, Involvement};
use spotwright_core::use_cases::run_sizes::AskedSizes;
use spotwright_core::use_cases::runs::{self, RunWish};
use spotwright_schemas::ids::BriefId;
use utoipa::ToSchema;
use uuid::Uuid;

use super::Run;
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

/// Starts a run of a brief. Follow it by its events.
#[utoipa::path(post, path = "/v1/runs", operation_id = "createRun", tag = "runs",
    request_body = RunRequestBody,
    responses((status = 201, description = "The run as it is at its start", body = Run)))]
pub(crate) async fn handle(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    uri: Uri,
    body: JsonBody,
) -> Result<Response, ApiProblem> {
    let admitted = idempotency::admit(&app, &caller, &headers, &uri, &body.bytes)?;
    let asked: RunRequestBody = extract::json(&body.bytes)?;
    let ports = app.runs(&caller);
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
