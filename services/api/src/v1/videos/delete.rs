//! `DELETE /v1/videos/{id}`.

use axum::extract::{Path, State};
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use spotwright_core::domain::audit::Action;
use utoipa::ToSchema;

use super::{jobs, note};
use crate::auth::Caller;
use crate::problem::ApiProblem;
use crate::state::App;

/// A clip that is no more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct DeletedVideo {
    /// Its id.
    pub(crate) id: String,
    /// Always `video.deleted`.
    pub(crate) object: String,
    /// Always true.
    pub(crate) deleted: bool,
}

/// Stops a clip, where it has not ended, and forgets it.
#[utoipa::path(delete, path = "/v1/videos/{id}", operation_id = "deleteVideo", tag = "videos",
    params(("id" = String, Path, description = "The clip")),
    responses((status = 200, description = "It is no more", body = DeletedVideo)))]
pub(crate) async fn handle(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<DeletedVideo>, ApiProblem> {
    let removed = jobs(&app)?.remove(caller.context.organization, &id).await?;
    let job = removed.ok_or_else(|| ApiProblem::missing("video"))?;
    note(&app, &caller, Action::VideoDeleted, &job.id).await;
    Ok(Json(DeletedVideo { id: job.id, object: "video.deleted".to_owned(), deleted: true }))
}
