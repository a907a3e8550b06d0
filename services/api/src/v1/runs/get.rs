//! `GET /v1/runs/{id}`.

use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::{Extension, Json};
use spotwright_core::use_cases::runs;

use super::Run;
use crate::auth::Caller;
use crate::extract;
use crate::language::Language;
use crate::problem::ApiProblem;
use crate::state::App;

/// One run as it stands now.
#[utoipa::path(get, path = "/v1/runs/{id}", operation_id = "getRun", tag = "runs",
    params(("id" = Uuid, Path, description = "The run")),
    responses((status = 200, description = "The run", body = Run)))]
pub(crate) async fn handle(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Json<Run>, ApiProblem> {
    let id = extract::id(&id, "run")?;
    let run = runs::get(app.state.accounts.as_ref(), &caller.principal, id).await?;
    Ok(Json(Run::from(run).read_in(Language::asked(&headers))))
}
