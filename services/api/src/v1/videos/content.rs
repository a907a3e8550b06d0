//! `GET /v1/videos/{id}/content`.

use axum::Extension;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use spotwright_core::ports::video_jobs::VideoJobState;

use super::jobs;
use crate::auth::Caller;
use crate::download;
use crate::problem::ApiProblem;
use crate::state::App;

/// The MP4 of a clip, once it is completed. One byte range can be asked for.
#[utoipa::path(get, path = "/v1/videos/{id}/content", operation_id = "getVideoContent", tag = "videos",
    params(("id" = String, Path, description = "The clip"),
        ("range" = Option<String>, Header, description = "One byte range (RFC 9110 section 14)"),
        ("if-none-match" = Option<String>, Header, description = "The `ETag` of an earlier answer")),
    responses((status = 200, description = "The file", body = Vec<u8>, content_type = "video/mp4"),
        (status = 206, description = "A range of it", body = Vec<u8>, content_type = "video/mp4"),
        (status = 304, description = "The file is the one that the client has")))]
pub(crate) async fn handle(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, ApiProblem> {
    let found = jobs(&app)?.find(caller.context.organization, &id).await?;
    match found.ok_or_else(|| ApiProblem::missing("video"))?.state {
        VideoJobState::Done { video, .. } => download::artifact(&app, video, &headers).await,
        _ => Err(ApiProblem::missing("file")),
    }
}
