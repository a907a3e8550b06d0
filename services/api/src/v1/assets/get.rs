//! `GET /v1/assets/{id}`.

use axum::extract::{Path, State};
use axum::{Extension, Json};
use spotwright_core::use_cases::assets;
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
    let asset = assets::get(app.state.accounts.as_ref(), &caller.principal, id).await?;
    Ok(Json(asset.into()))
}
