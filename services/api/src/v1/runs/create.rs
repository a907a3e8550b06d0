//! `POST /v1/runs`.

use axum::Extension;
use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use serde::Deserialize;
use spotwright_core::domain::account::{OrderedRun, RunOrder};
use spotwright_core::domain::run::{Approval, Clarify, Involvement, NewRun, RunRequest, StoredPicture};
use spotwright_schemas::error::Code;
use spotwright_schemas::ids::{AssetId, BriefId, RunId};
use utoipa::ToSchema;
use uuid::Uuid;

use super::Run;
use crate::auth::Caller;
use crate::extract::{self, JsonBody};
use crate::idempotency::{self, created, is_replayed};
use crate::key;
use crate::problem::ApiProblem;
use crate::state::{App, RunDefaults};

/// Largest seed: the largest integer that every JSON reader keeps exactly.
const LARGEST_SEED: u64 = (1 << 53) - 1;

/// Longest wait for answers, in seconds: 31 days.
const LONGEST_WAIT_FOR_ANSWERS: u64 = 31 * 24 * 60 * 60;

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
    let accounts = app.state.accounts.as_ref();
    if let Some(answer) = accounts.recall(caller.context, &admitted.write).await? {
        let ordered: OrderedRun =
            serde_json::from_value(answer).map_err(|error| ApiProblem::internal(&error))?;
        return Ok(answer_of(true, ordered));
    }
    let sizes = sizes(&asked, app.state.run_defaults)?;
    let people = people(&asked)?;
    let brief = accounts.brief(caller.context, BriefId(asked.brief)).await?;
    let files = brief.brief.product.pictures.iter();
    let ids: Vec<AssetId> = files.filter_map(|picture| brief.assets.get(&picture.file).copied()).collect();
    let found = accounts.assets_by_id(caller.context, &ids).await?;
    let pictures: Vec<StoredPicture> = found
        .into_iter()
        .flatten()
        .map(|asset| StoredPicture { hash: asset.hash, width: asset.width, height: asset.height })
        .collect();
    if pictures.len() != brief.brief.product.pictures.len() {
        let message = "a picture of the brief was deleted; hand the brief in again with one that is there";
        return Err(ApiProblem::new(Code::PictureUnreadable, "brief", message));
    }
    let seed = asked.seed.unwrap_or(1);
    let order = RunOrder {
        brief: brief.id,
        generations: sizes.generations,
        variants: sizes.variants,
        winners: sizes.winners,
        seed,
        opportunities: sizes.opportunities,
        currency: brief.brief.budget.currency,
    };
    let run = NewRun {
        id: RunId(key::random_id(app.state.entropy.as_ref())?),
        organization: caller.context.organization,
        budget: brief.brief.budget.total,
        request: RunRequest {
            brief: brief.brief,
            pictures,
            generations: sizes.generations,
            variants: sizes.variants,
            winners: sizes.winners,
            seed,
            opportunities: sizes.opportunities,
            remarks: Vec::new(),
            people,
        },
    };
    let commit = app.state.runs.opening(&run)?;
    let written = accounts.order_run(caller.context, &admitted.write, order, &run, commit).await?;
    Ok(answer_of(is_replayed(&written), written.into_inner()))
}

fn answer_of(replayed: bool, ordered: OrderedRun) -> Response {
    let location = format!("/v1/runs/{}", ordered.id);
    created(replayed, &location, &Run::from(ordered))
}

/// The sizes of a run within the ranges that the command line has too.
fn sizes(asked: &RunRequestBody, defaults: RunDefaults) -> Result<RunDefaults, ApiProblem> {
    let variants = asked.variants.unwrap_or(defaults.variants);
    let sizes = RunDefaults {
        generations: asked.generations.unwrap_or(defaults.generations),
        variants,
        winners: asked.winners.unwrap_or_else(|| defaults.winners.min(variants)),
        opportunities: asked.opportunities.unwrap_or(defaults.opportunities),
    };
    within("generations", sizes.generations.into(), 1, 20)?;
    within("variants", sizes.variants.into(), 1, 64)?;
    within("winners", sizes.winners.into(), 1, sizes.variants.into())?;
    within("opportunities", sizes.opportunities, 1_000, 5_000_000)?;
    within("seed", asked.seed.unwrap_or(0), 0, LARGEST_SEED)?;
    Ok(sizes)
}

/// Where people take part in the run.
fn people(asked: &RunRequestBody) -> Result<Involvement, ApiProblem> {
    let asks = asked.clarify == ClarifyOption::Ask;
    if let Some(seconds) = asked.answers_within_seconds {
        within("answers_within_seconds", seconds.into(), 1, LONGEST_WAIT_FOR_ANSWERS)?;
        if !asks {
            let message = "is for a run with `\"clarify\": \"ask\"`";
            return Err(ApiProblem::new(Code::RequestValue, "answers_within_seconds", message));
        }
    }
    Ok(Involvement {
        clarify: if asks { Clarify::Ask } else { Clarify::Assume },
        answers_within_seconds: asked.answers_within_seconds,
        approval: match asked.approval {
            ApprovalOption::None => Approval::None,
            ApprovalOption::Scripts => Approval::Scripts,
        },
    })
}

fn within(field: &str, value: u64, min: u64, max: u64) -> Result<(), ApiProblem> {
    if (min..=max).contains(&value) {
        return Ok(());
    }
    Err(ApiProblem::new(Code::RequestValue, field, format!("must be within {min} and {max}")))
}
