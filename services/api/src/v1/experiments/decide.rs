//! `POST /v1/experiments/{id}/decide`.

use axum::extract::{Path, State};
use axum::{Extension, Json};
use serde::Deserialize;
use spotwright_core::domain::experiment::machine::Command;
use spotwright_schemas::experiment::ExperimentChoice;
use utoipa::ToSchema;

use super::{Experiment, act};
use crate::auth::Caller;
use crate::extract::{self, JsonBody};
use crate::openapi::foreign;
use crate::problem::ApiProblem;
use crate::state::App;

/// What is decided of an experiment.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExperimentDecide {
    /// What. After a sample-ratio mismatch only `inconclusive` is possible.
    #[schema(value_type = foreign::ExperimentChoice)]
    choice: ExperimentChoice,
    /// The arm that is taken; for `adopt`, and for nothing else.
    #[serde(default)]
    arm: Option<String>,
    /// Why, for the log of the experiment.
    #[schema(min_length = 1, max_length = 500, pattern = "\\S")]
    reason: String,
}

/// Decides an experiment, and stops it where it runs. The decision may differ from the standing verdict; the log
/// says whether it does.
#[utoipa::path(post, path = "/v1/experiments/{id}/decide", operation_id = "decideExperiment", tag = "experiments",
    params(("id" = Uuid, Path, description = "The experiment")), request_body = ExperimentDecide,
    responses((status = 200, description = "The experiment", body = Experiment)))]
pub(crate) async fn handle(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    body: JsonBody,
) -> Result<Json<Experiment>, ApiProblem> {
    let ExperimentDecide { choice, arm, reason } = extract::json(&body.bytes)?;
    act(&app, &caller, &id, Command::Decide { choice, arm }, &reason).await
}
