//! `GET /v1/experiments/{id}`.

use axum::extract::{Path, State};
use axum::{Extension, Json};
use spotwright_core::use_cases::experiments;

use super::Experiment;
use crate::auth::Caller;
use crate::extract;
use crate::problem::ApiProblem;
use crate::state::App;

/// One experiment.
#[utoipa::path(get, path = "/v1/experiments/{id}", operation_id = "getExperiment", tag = "experiments",
    params(("id" = Uuid, Path, description = "The experiment")),
    responses((status = 200, description = "The experiment", body = Experiment)))]
pub(crate) async fn handle(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<Experiment>, ApiProblem> {
    let id = extract::id(&id, "experiment")?;
    Ok(Json(experiments::get(app.state.experiments.as_ref(), &caller.principal, id).await?.into()))
}
