//! `DELETE /v1/assets/{id}`.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::{Extension, Json};
use spotwright_core::use_cases::assets;
use spotwright_schemas::ids::AssetId;

use super::Asset;
use crate::auth::Caller;
use crate::extract;
use crate::problem::ApiProblem;
use crate::state::App;

/// Deletes a picture. Runs that have begun keep theirs; a brief that names it stays, and no run of it can
/// begin any more. The file itself is removed unless another picture or a run has the same one.
#[utoipa::path(delete, path = "/v1/assets/{id}", operation_id = "deleteAsset", tag = "assets",
    params(("id" = Uuid, Path, description = "The asset")),
    responses((status = 200, description = "The asset as it was", body = Asset)))]
pub(crate) async fn handle(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<Asset>, ApiProblem> {
    let id: AssetId = extract::id(&id, "asset")?;
    let (accounts, record) = (app.state.accounts.as_ref(), app.record(&caller));
    let (asset, unused) = assets::delete(accounts, &record, &caller.principal, id).await?;
    if unused {
        let (artifacts, hash) = (Arc::clone(&app.state.artifacts), asset.hash.clone());
        let removed = tokio::task::spawn_blocking(move || artifacts.remove(&hash)).await;
        // The picture is gone for everybody who could ask for it; only its bytes may stay behind.
        match removed {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, asset = %id, "the file of a deleted picture stays"),
            Err(error) => tracing::warn!(%error, asset = %id, "the file of a deleted picture stays"),
        }
    }
    Ok(Json(asset.into()))
}
