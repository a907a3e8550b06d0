//! `POST /v1/brands/{id}/restore`.

use axum::extract::{Path, State};
use axum::{Extension, Json};
use spotwright_core::use_cases::brands;

use super::BrandSheet;
use crate::auth::Caller;
use crate::extract;
use crate::problem::ApiProblem;
use crate::state::App;

/// Restores an archived brand.
/// Done twice it changes nothing.
#[utoipa::path(post, path = "/v1/brands/{id}/restore", operation_id = "restoreBrand", tag = "brands",
    params(("id" = Uuid, Path, description = "The brand")),
    responses((status = 200, description = "The brand", body = BrandSheet)))]
pub(crate) async fn handle(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<BrandSheet>, ApiProblem> {
    let id = extract::id(&id, "brand")?;
    Ok(Json(brands::set_archived(&app.brands(&caller), &caller.principal, id, false).await?.into()))
}
