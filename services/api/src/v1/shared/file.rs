//! `GET /v1/shared/{token}/variants/{id}/files/{file}`.

use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use spotwright_core::domain::variant::Variant;
use spotwright_core::ports::artifacts::ArtifactHash;
use spotwright_core::use_cases::reviews::shared;

use super::opened;
use crate::extract::Origin;
use crate::problem::ApiProblem;
use crate::state::App;
use crate::{download, extract};

/// A file of a variant that a link shows: `preview`, the video in its cheap form, or `poster`, its still
/// picture. The finished video is not handed out. One byte range can be asked for.
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
    let ports = app.reviews(origin.request_id());
    let (guest, _place) = opened(&app, &ports, &token, &origin, false).await?;
    let variant = shared::variant(&ports, &guest, extract::id(&id, "variant")?).await?;
    let hash = artifact(&variant, &file).ok_or_else(|| ApiProblem::missing("file"))?.clone();
    download::artifact(&app, hash, &headers).await
}

/// The artifact behind a file's name, once it is made.
fn artifact<'a>(variant: &'a Variant, file: &str) -> Option<&'a ArtifactHash> {
    let (preview, finished) = (variant.body.preview.as_ref(), variant.body.final_render.as_ref());
    match file {
        "preview" => preview.map(|rendered| &rendered.artifact),
        "poster" => finished.or(preview).map(|rendered| &rendered.poster),
        _ => None,
    }
}
