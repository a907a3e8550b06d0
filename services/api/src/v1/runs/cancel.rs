//! `POST /v1/runs/{id}/cancel`.

use axum::extract::{Path, State};
use axum::{Extension, Json};
use spotwright_core::domain::signal::Told;
use spotwright_core::use_cases::runs;
use spotwright_schemas::ids::RunId;

use super::Run;
use crate::auth::Caller;
use crate::extract;
use crate::problem::ApiProblem;
use crate::state::App;

/// Ends a run. Nothing new begins and renders stop at their next frame; a call that is charged is waited
/// for, with `cancelling` true until then. What the run made is kept, and `money.settled_micros` of the
/// finished run is what it cost.
#[utoipa::path(post, path = "/v1/runs/{id}/cancel", operation_id = "cancelRun", tag = "runs",
    params(("id" = Uuid, Path, description = "The run")),
    responses((status = 200, description = "The run", body = Run)))]
pub(crate) async fn handle(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<Run>, ApiProblem> {
    let id: RunId = extract::id(&id, "run")?;
    let (_, run) = runs::tell(&app.runs(&caller), &caller.principal, id, &Told::cancel(id)).await?;
    Ok(Json(run.into()))
}
