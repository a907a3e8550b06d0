//! `POST /v1/experiments/{id}/allocation`.

use axum::extract::{Path, State};
use axum::{Extension, Json};
use serde::Deserialize;
use spotwright_core::domain::experiment::machine::Command;
use utoipa::ToSchema;

use super::{Experiment, act};
use crate::auth::Caller;
use crate::extract::{self, JsonBody};
use crate::problem::ApiProblem;
use crate::state::App;

/// Another division of the users.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExperimentAllocation {
    /// Weights of the arms, the control first; only their ratios matter.
    #[schema(min_items = 2, max_items = 8)]
    weights: Vec<f64>,
    /// Share of the holdout; as before without it.
    #[serde(default)]
    #[schema(minimum = 0.0, maximum = 0.5)]
    holdout: Option<f64>,
    /// Why, for the log of the experiment.
    #[schema(min_length = 1, max_length = 500, pattern = "\\S")]
    reason: String,
}

/// Divides users in another way from the next day on. That is another phase: it divides all users anew, counts
/// from 0 and begins without a verdict.
#[utoipa::path(post, path = "/v1/experiments/{id}/allocation", operation_id = "reallocateExperiment",
    tag = "experiments", params(("id" = Uuid, Path, description = "The experiment")),
    request_body = ExperimentAllocation,
    responses((status = 200, description = "The experiment", body = Experiment)))]
pub(crate) async fn handle(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    body: JsonBody,
) -> Result<Json<Experiment>, ApiProblem> {
    let ExperimentAllocation { weights, holdout, reason } = extract::json(&body.bytes)?;
    act(&app, &caller, &id, Command::Reallocate { weights, holdout }, &reason).await
}
