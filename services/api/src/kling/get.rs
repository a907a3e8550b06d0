//! `GET /kling/v1/videos/{kind}/{id}`.

use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::{Extension, Json};

use super::{KlingAnswer, answer};
use crate::auth::Caller;
use crate::problem::ApiProblem;
use crate::state::App;
use crate::v1::videos::jobs;

/// A task by its id or by the client's own name.
#[utoipa::path(get, path = "/kling/v1/videos/{kind}/{id}", operation_id = "klingTask", tag = "kling",
    params(("kind" = String, Path, description = "`text2video` or `image2video`"),
        ("id" = String, Path, description = "The task")),
    responses((status = 200, description = "The task", body = KlingAnswer)))]
pub(crate) async fn handle(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path((kind, id)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Json<KlingAnswer>, ApiProblem> {
    if !matches!(kind.as_str(), "text2video" | "image2video") {
        return Err(ApiProblem::missing("kind of task"));
    }
    let found = jobs(&app)?.find(caller.context.organization, &id).await?;
    let job = found.ok_or_else(|| ApiProblem::missing("task"))?;
    Ok(Json(answer(&app, &headers, job)))
}
