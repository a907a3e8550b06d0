//! `POST /v1/runs/{id}/resume`.

use axum::extract::{Path, State};
use axum::{Extension, Json};

use super::{Run, Wish, control};
use crate::auth::Caller;
use crate::problem::ApiProblem;
use crate::state::App;

/// Continues a paused run.
#[utoipa::path(post, path = "/v1/runs/{id}/resume", operation_id = "resumeRun", tag = "runs",
    params(("id" = Uuid, Path, description = "The run")),
    responses((status = 200, description = "The run", body = Run)))]
pub(crate) async fn handle(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<Run>, ApiProblem> {
    Ok(Json(control(&app, &caller, &id, Wish::Resume).await?))
}
