//! `GET /v1/brands/{id}`.

use axum::extract::{Path, State};
use axum::http::Uri;
use axum::{Extension, Json};
use serde::Deserialize;
use spotwright_core::use_cases::brands;

use super::BrandSheet;
use crate::auth::Caller;
use crate::extract;
use crate::problem::ApiProblem;
use crate::state::App;

/// The query of a brand.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct VersionQuery {
    version: Option<u32>,
}

/// One brand, as it is or as it was in a version.
#[utoipa::path(get, path = "/v1/brands/{id}", operation_id = "getBrand", tag = "brands",
    params(("id" = Uuid, Path, description = "The brand"),
        ("version" = Option<u32>, Query, minimum = 1, description = "As it was in this version")),
    responses((status = 200, description = "The brand", body = BrandSheet)))]
pub(crate) async fn handle(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    uri: Uri,
) -> Result<Json<BrandSheet>, ApiProblem> {
    let id = extract::id(&id, "brand")?;
    let VersionQuery { version } = extract::query(&uri)?;
    Ok(Json(brands::get(&app.brands(&caller), &caller.principal, id, version).await?.into()))
}
