//! `GET /v1/assets/{id}/content`.

use axum::Extension;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use spotwright_core::use_cases::assets;
use spotwright_schemas::ids::AssetId;

use crate::auth::Caller;
use crate::problem::ApiProblem;
use crate::state::App;
use crate::{download, extract};

/// The picture itself, as it was written anew. One byte range can be asked for.
#[utoipa::path(get, path = "/v1/assets/{id}/content", operation_id = "getAssetContent", tag = "assets",
    params(("id" = Uuid, Path, description = "The asset"),
        ("range" = Option<String>, Header, description = "One byte range (RFC 9110 section 14)"),
        ("if-none-match" = Option<String>, Header, description = "The `ETag` of an earlier answer")),
    responses((status = 200, description = "The picture", body = Vec<u8>, content_type = "image/png"),
        (status = 206, description = "A range of it", body = Vec<u8>, content_type = "image/png"),
        (status = 304, description = "The picture is the one that the client has")))]
pub(crate) async fn handle(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, ApiProblem> {
    let id: AssetId = extract::id(&id, "asset")?;
    let asset = assets::get(app.state.accounts.as_ref(), &caller.principal, id).await?;
    download::artifact(&app, asset.hash, &headers).await
}
