//! `GET /kling/files/{organization}/{token}`.

use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use spotwright_core::ports::video_jobs::VideoJobState;
use spotwright_schemas::ids::OrganizationId;

use super::links;
use crate::problem::ApiProblem;
use crate::state::App;
use crate::v1::videos::jobs;
use crate::{download, extract};

/// The MP4 behind a link of a task's result: whoever has the link may fetch it, for 30 days.
#[utoipa::path(get, path = "/kling/files/{organization}/{token}", operation_id = "klingFile", tag = "kling",
    params(("organization" = String, Path, description = "Part of the link"),
        ("token" = String, Path, description = "Part of the link")),
    responses((status = 200, description = "The file", body = Vec<u8>, content_type = "video/mp4"),
        (status = 206, description = "A range of it", body = Vec<u8>, content_type = "video/mp4"),
        (status = 304, description = "The file is the one that the client has")))]
pub(crate) async fn handle(
    State(app): State<App>,
    Path((organization, token)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, ApiProblem> {
    // A link that is no link, one that has run out and one whose clip is gone are all the same to a stranger.
    let gone = || ApiProblem::missing("file");
    let organization: OrganizationId = extract::id(&organization, "file")?;
    let place = links(organization).place(&app.state.pepper, &token).map_err(|_| gone())?;
    let (until, id) = place.split_at_checked(8).ok_or_else(gone)?;
    let until = i64::from_be_bytes(until.try_into().map_err(|_| gone())?);
    let id = std::str::from_utf8(id).map_err(|_| gone())?;
    if until < app.state.clock.now_micros() {
        return Err(gone());
    }
    match jobs(&app)?.find(organization, id).await?.ok_or_else(gone)?.state {
        VideoJobState::Done { video, .. } => download::artifact(&app, video, &headers).await,
        _ => Err(gone()),
    }
}
