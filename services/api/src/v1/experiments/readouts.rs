//! `GET /v1/experiments/{id}/readouts`.

use axum::extract::{Path, State};
use axum::{Extension, Json};
use serde::Serialize;
use spotwright_core::use_cases::experiments;
use spotwright_schemas::experiment::ReadOut;
use utoipa::ToSchema;

use crate::auth::Caller;
use crate::extract;
use crate::openapi::foreign;
use crate::problem::ApiProblem;
use crate::state::App;

/// All read-outs of an experiment: at most one for each of its days, so there is never another page.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ReadOutList {
    /// The read-outs, oldest first.
    #[schema(value_type = Vec<foreign::ReadOut>)]
    data: Vec<ReadOut>,
    /// Always `null`.
    next_cursor: Option<String>,
    /// Always `false`.
    has_more: bool,
}

/// What the experiment showed after each day, in three ways side by side.
#[utoipa::path(get, path = "/v1/experiments/{id}/readouts", operation_id = "listExperimentReadOuts",
    tag = "experiments", params(("id" = Uuid, Path, description = "The experiment")),
    responses((status = 200, description = "The read-outs", body = ReadOutList)))]
pub(crate) async fn handle(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<ReadOutList>, ApiProblem> {
    let id = extract::id(&id, "experiment")?;
    let data = experiments::read_outs(app.state.experiments.as_ref(), &caller.principal, id).await?;
    Ok(Json(ReadOutList { data, next_cursor: None, has_more: false }))
}
