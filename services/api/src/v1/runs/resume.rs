//! `POST /v1/runs/{id}/resume`.

use axum::extract::{Path, State};
use axum::{Extension, Json};
use spotwright_core::use_cases::runs;
use spotwright_schemas::ids::RunId;

use super::Run;
use crate::auth::Caller;
use crate::extract;
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
    let id: RunId = extract::id(&id, "run")?;
    Ok(Json(runs::resume(&app.runs(&caller), &caller.principal, id).await?.into()))
}
