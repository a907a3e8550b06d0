//! `POST /v1/runs/{id}/pause`.

use axum::extract::{Path, State};
use axum::{Extension, Json};
use spotwright_core::use_cases::runs;
use spotwright_schemas::ids::RunId;

use super::Run;
use crate::auth::Caller;
use crate::extract;
use crate::problem::ApiProblem;
use crate::state::App;

/// Takes no new work of the run until it is resumed. Work under way is finished.
#[utoipa::path(post, path = "/v1/runs/{id}/pause", operation_id = "pauseRun", tag = "runs",
    params(("id" = Uuid, Path, description = "The run")),
    responses((status = 200, description = "The run", body = Run)))]
pub(crate) async fn handle(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<Run>, ApiProblem> {
    let id: RunId = extract::id(&id, "run")?;
    Ok(Json(runs::pause(&app.runs(&caller), &caller.principal, id).await?.into()))
}
