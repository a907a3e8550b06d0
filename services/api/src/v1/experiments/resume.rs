//! `POST /v1/experiments/{id}/resume`.

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::Request;
use axum::{Extension, Json};
use spotwright_core::domain::experiment::machine::Command;

use super::{Experiment, ExperimentReason, act, reason};
use crate::auth::Caller;
use crate::problem::ApiProblem;
use crate::state::App;

/// Plays the days of a paused experiment again.
#[utoipa::path(post, path = "/v1/experiments/{id}/resume", operation_id = "resumeExperiment", tag = "experiments",
    params(("id" = Uuid, Path, description = "The experiment")), request_body = Option<ExperimentReason>,
    responses((status = 200, description = "The experiment", body = Experiment)))]
pub(crate) async fn handle(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    request: Request<Body>,
) -> Result<Json<Experiment>, ApiProblem> {
    let reason = reason(request).await?;
    act(&app, &caller, &id, Command::Resume, &reason).await
}
