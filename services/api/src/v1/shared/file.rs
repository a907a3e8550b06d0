//! `GET /v1/shared/{token}/variants/{id}/files/{file}`.

use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use spotwright_core::domain::variant::Variant;
use spotwright_core::ports::artifacts::ArtifactHash;
use spotwright_core::ports::video_backend::RenderError;
use spotwright_core::ports::watermarks::Medium;
use spotwright_core::use_cases::reviews::shared;

use super::opened;
use crate::extract::Origin;
use crate::problem::ApiProblem;
use crate::state::App;
use crate::{download, extract};

/// A file of a variant that a link shows: `preview`, its newest video, small and with a watermark in every
/// picture, or `poster`, the still picture of it, with the same watermark. No file without one is handed out.
/// One byte range can be asked for.
#[utoipa::path(get, path = "/v1/shared/{token}/variants/{id}/files/{file}", operation_id = "getSharedFile",
    tag = "shared",
    params(("token" = String, Path, description = "The token of the link"),
        ("id" = Uuid, Path, description = "The variant"),
        ("file" = String, Path, description = "`preview` or `poster`"),
        ("range" = Option<String>, Header, description = "One byte range (RFC 9110 section 14)"),
        ("if-none-match" = Option<String>, Header, description = "The `ETag` of an earlier answer")),
    responses((status = 200, description = "The file", body = Vec<u8>, content_type = "video/mp4"),
        (status = 206, description = "A range of it", body = Vec<u8>, content_type = "video/mp4"),
        (status = 304, description = "The file is the one that the client has")))]
pub(crate) async fn handle(
    State(app): State<App>,
    origin: Origin,
    Path((token, id, file)): Path<(String, String, String)>,
    headers: HeaderMap,
) -> Result<Response, ApiProblem> {
    let ports = app.public_reviews(origin.request_id());
    let (guest, _place) = opened(&app, &ports, &token, &origin, false).await?;
    let variant = shared::variant(&ports, &guest, extract::id(&id, "variant")?).await?;
    let (medium, hash) = source(&variant, &file).ok_or_else(|| ApiProblem::missing("file"))?;
    download::present(&app, hash).await?;
    let words = shared::watermark(&guest, &variant);
    let marked = app.state.watermarks.marked(hash, medium, &words).await.map_err(|error| match error {
        RenderError::Unavailable(_) | RenderError::NoRoom(_) | RenderError::Stopped => {
            ApiProblem::unavailable(&error)
        }
        RenderError::Impossible(_) => ApiProblem::internal(&error),
    })?;
    download::artifact(&app, marked, &headers).await
}

/// The artifact behind a file's name, once it is made: what the watermark is burnt into.
fn source<'a>(variant: &'a Variant, file: &str) -> Option<(Medium, &'a ArtifactHash)> {
    let newest = variant.body.final_render.as_ref().or(variant.body.preview.as_ref())?;
    match file {
        "preview" => Some((Medium::Video, &newest.artifact)),
        "poster" => Some((Medium::Still, &newest.poster)),
        _ => None,
    }
}
