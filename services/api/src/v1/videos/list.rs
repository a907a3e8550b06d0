//! `GET /v1/videos`.

use axum::extract::State;
use axum::http::Uri;
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{Video, jobs};
use crate::auth::Caller;
use crate::extract;
use crate::problem::ApiProblem;
use crate::state::App;

/// The query of the list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct VideosQuery {
    /// Most clips, 1–200; 50 by default.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
}

/// Clips, newest first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub(crate) struct Videos {
    /// Always `list`.
    pub(crate) object: String,
    /// The clips.
    pub(crate) data: Vec<Video>,
}

/// The organization's clips, newest first.
#[utoipa::path(get, path = "/v1/videos", operation_id = "listVideos", tag = "videos", params(VideosQuery),
    responses((status = 200, description = "The clips", body = Videos)))]
pub(crate) async fn handle(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    uri: Uri,
) -> Result<Json<Videos>, ApiProblem> {
    let VideosQuery { limit } = extract::query(&uri)?;
    let limit = extract::limit(limit)? as usize;
    let data = jobs(&app)?.list(caller.context.organization, limit).await?;
    Ok(Json(Videos { object: "list".to_owned(), data: data.into_iter().map(Video::from).collect() }))
}
