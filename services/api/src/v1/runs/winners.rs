//! `GET /v1/runs/{id}/winners`.

use axum::extract::{Path, State};
use axum::{Extension, Json};
use serde::Serialize;
use spotwright_core::use_cases::variants;
use spotwright_insight::Shown;
use spotwright_insight::ranking::{Ranked, ranked};
use spotwright_schemas::event::FeedbackSource;
use spotwright_schemas::outcome::{Delivery, Score};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::auth::Caller;
use crate::extract;
use crate::openapi::foreign;
use crate::problem::ApiProblem;
use crate::state::App;

/// A winner at its place.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RankedWinner {
    /// Its place, from 1.
    rank: usize,
    /// The variant.
    variant: Uuid,
    /// Its generation, from 1.
    generation: u32,
    /// Its number within the generation, from 1.
    number: u32,
    /// What the order follows: the posterior mean of its click rate, in [0, 1].
    posterior_ctr: f64,
    /// What was predicted of it.
    #[schema(value_type = foreign::Score)]
    score: Score,
    /// The placement.
    placement: Uuid,
    /// Whether the numbers are simulated or come from a real platform.
    #[schema(value_type = foreign::FeedbackSource)]
    source: FeedbackSource,
    /// What came of it; zeros when it was not shown.
    #[schema(value_type = foreign::Delivery)]
    delivery: Delivery,
    /// Highest step of the traffic ladder that was decided on, in impressions; 0 without any.
    rung: u64,
}

/// The winners of a run.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RankedWinners {
    /// Best first.
    data: Vec<RankedWinner>,
}

fn view((idx, own): (usize, &Ranked<'_>)) -> RankedWinner {
    RankedWinner {
        rank: idx + 1,
        variant: own.variant.id.0,
        generation: own.variant.generation,
        number: own.variant.number,
        posterior_ctr: own.rate,
        score: own.score.clone(),
        placement: own.placement.id.0,
        // Runs place in the market simulator; other platforms report by import.
        source: FeedbackSource::Simulated,
        delivery: own.delivery,
        rung: own.rung,
    }
}

/// The winners of a run that were placed, in the order of `winners.json` and the report: by the posterior
/// mean of the click rate, so that few impressions put nobody on top.
#[utoipa::path(get, path = "/v1/runs/{id}/winners", operation_id = "listWinners", tag = "runs",
    params(("id" = Uuid, Path, description = "The run")),
    responses((status = 200, description = "The winners, best first", body = RankedWinners)))]
pub(crate) async fn handle(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<RankedWinners>, ApiProblem> {
    let run = extract::id(&id, "run")?;
    let (variants, placements) =
        variants::winners(app.state.accounts.as_ref(), &caller.principal, run).await?;
    let rows = ranked(Shown { variants: &variants, placements: &placements });
    Ok(Json(RankedWinners { data: rows.iter().enumerate().map(view).collect() }))
}
