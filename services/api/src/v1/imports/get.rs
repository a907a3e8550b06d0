//! `GET /v1/imports/{id}`.

use axum::extract::{Path, State};
use axum::{Extension, Json};
use spotwright_core::use_cases::results;

use super::Import;
use crate::auth::Caller;
use crate::extract;
use crate::problem::ApiProblem;
use crate::state::App;

/// One import: what was understood, what was refused, which ads are of no variant.
#[utoipa::path(get, path = "/v1/imports/{id}", operation_id = "getImport", tag = "results",
    params(("id" = Uuid, Path, description = "The import")),
    responses((status = 200, description = "The import", body = Import)))]
pub(crate) async fn handle(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<Import>, ApiProblem> {
    let id = extract::id(&id, "import")?;
    let found = results::import(&caller.principal(), app.state.observations.as_ref(), id).await?;
    Ok(Json(found.into()))
}
