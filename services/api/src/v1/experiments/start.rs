//! `POST /v1/experiments/{id}/start`.

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::Request;
use axum::{Extension, Json};
use spotwright_core::domain::experiment::machine::Command;

use super::{Experiment, ExperimentReason, act, reason};
use crate::auth::Caller;
use crate::problem::ApiProblem;
use crate::state::App;

/// Starts a draft: its design and the division of users are frozen, and its days are played.
#[utoipa::path(post, path = "/v1/experiments/{id}/start", operation_id = "startExperiment", tag = "experiments",
    params(("id" = Uuid, Path, description = "The experiment")), request_body = Option<ExperimentReason>,
    responses((status = 200, description = "The experiment", body = Experiment)))]
pub(crate) async fn handle(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    request: Request<Body>,
) -> Result<Json<Experiment>, ApiProblem> {
    let reason = reason(request).await?;
    act(&app, &caller, &id, Command::Start, &reason).await
}
