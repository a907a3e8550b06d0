//! `POST /v1/experiments/{id}/stop`.

use axum::extract::{Path, State};
use axum::{Extension, Json};
use serde::Deserialize;
use spotwright_core::domain::experiment::StoppedBecause;
use spotwright_core::domain::experiment::machine::Command;
use utoipa::ToSchema;

use super::{Experiment, act};
use crate::auth::Caller;
use crate::extract::{self, JsonBody};
use crate::problem::ApiProblem;
use crate::state::App;

/// Why an experiment is stopped.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExperimentStop {
    /// Why, for the log of the experiment.
    #[schema(min_length = 1, max_length = 500, pattern = "\\S")]
    reason: String,
}

/// Plays no day of the experiment any more. What it showed stays, and can be decided.
#[utoipa::path(post, path = "/v1/experiments/{id}/stop", operation_id = "stopExperiment", tag = "experiments",
    params(("id" = Uuid, Path, description = "The experiment")), request_body = ExperimentStop,
    responses((status = 200, description = "The experiment", body = Experiment)))]
pub(crate) async fn handle(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    body: JsonBody,
) -> Result<Json<Experiment>, ApiProblem> {
    let ExperimentStop { reason } = extract::json(&body.bytes)?;
    act(&app, &caller, &id, Command::Stop(StoppedBecause::Person), &reason).await
}
