//! `GET /v1/variants/{id}/files/{file}`.

use axum::Extension;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use spotwright_core::domain::variant::Variant;
use spotwright_core::ports::artifacts::ArtifactHash;
use spotwright_core::use_cases::variants;

use crate::auth::Caller;
use crate::problem::ApiProblem;
use crate::state::App;
use crate::{download, extract};

/// A file of a variant: `video`, the finished video; `preview`, the cheap one it was scored by;
/// `poster`, the still picture of the newest of the two. One byte range can be asked for.
#[utoipa::path(get, path = "/v1/variants/{id}/files/{file}", operation_id = "getVariantFile", tag = "variants",
    params(("id" = Uuid, Path, description = "The variant"),
        ("file" = String, Path, description = "`video`, `preview` or `poster`"),
        ("range" = Option<String>, Header, description = "One byte range (RFC 9110 section 14)"),
        ("if-none-match" = Option<String>, Header, description = "The `ETag` of an earlier answer")),
    responses((status = 200, description = "The file", body = Vec<u8>, content_type = "video/mp4"),
        (status = 206, description = "A range of it", body = Vec<u8>, content_type = "video/mp4"),
        (status = 304, description = "The file is the one that the client has")))]
pub(crate) async fn handle(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path((id, file)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, ApiProblem> {
    let id = extract::id(&id, "variant")?;
    let (variant, _) = variants::get(app.state.accounts.as_ref(), &caller.principal, id).await?;
    let hash = artifact(&variant, &file).ok_or_else(|| ApiProblem::missing("file"))?.clone();
    download::artifact(&app, hash, &headers).await
}

/// The artifact behind a file's name, once it is made.
fn artifact<'a>(variant: &'a Variant, file: &str) -> Option<&'a ArtifactHash> {
    let (preview, finished) = (variant.body.preview.as_ref(), variant.body.final_render.as_ref());
    match file {
        "video" => finished.map(|rendered| &rendered.artifact),
        "preview" => preview.map(|rendered| &rendered.artifact),
        "poster" => finished.or(preview).map(|rendered| &rendered.poster),
        _ => None,
    }
}
