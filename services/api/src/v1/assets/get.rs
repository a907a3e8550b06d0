//! `GET /v1/assets/{id}`.

use axum::extract::{Path, State};
use axum::{Extension, Json};
use spotwright_schemas::ids::AssetId;

use super::Asset;
use crate::auth::Caller;
use crate::extract;
use crate::problem::ApiProblem;
use crate::state::App;

/// One picture: what is known of it, with its size.
#[utoipa::path(get, path = "/v1/assets/{id}", operation_id = "getAsset", tag = "assets",
    params(("id" = Uuid, Path, description = "The asset")),
    responses((status = 200, description = "The asset", body = Asset)))]
pub(crate) async fn handle(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<Asset>, ApiProblem> {
    let id: AssetId = extract::id(&id, "asset")?;
    let found = app.state.accounts.assets_by_id(caller.context, &[id]).await?;
    let asset = found.into_iter().flatten().next().ok_or_else(|| ApiProblem::missing("asset"))?;
    Ok(Json(asset.into()))
}
