//! `GET /v1/videos/{id}`.

use axum::extract::{Path, State};
use axum::{Extension, Json};

use super::{Video, jobs};
use crate::auth::Caller;
use crate::problem::ApiProblem;
use crate::state::App;

/// A clip by its id or by the client's own name.
#[utoipa::path(get, path = "/v1/videos/{id}", operation_id = "getVideo", tag = "videos",
    params(("id" = String, Path, description = "The clip")),
    responses((status = 200, description = "The clip", body = Video)))]
pub(crate) async fn handle(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<Video>, ApiProblem> {
    let found = jobs(&app)?.find(caller.context.organization, &id).await?;
    Ok(Json(found.ok_or_else(|| ApiProblem::missing("video"))?.into()))
}
