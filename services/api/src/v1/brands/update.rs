//! `PUT /v1/brands/{id}`.

use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::{Extension, Json};
use spotwright_core::use_cases::brands;
use spotwright_schemas::ids::BrandId;

use super::{BrandOrder, BrandSheet};
use crate::auth::Caller;
use crate::etag;
use crate::extract::{self, JsonBody};
use crate::problem::ApiProblem;
use crate::state::App;

/// Makes another version of a brand. Briefs that were made with an earlier one stay as they are. With
/// `If-Match` nothing that somebody else has changed meanwhile is lost.
#[utoipa::path(put, path = "/v1/brands/{id}", operation_id = "updateBrand", tag = "brands",
    params(("id" = Uuid, Path, description = "The brand")), request_body = BrandOrder,
    responses((status = 200, description = "The brand", body = BrandSheet)))]
pub(crate) async fn handle(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: JsonBody,
) -> Result<Json<BrandSheet>, ApiProblem> {
    let id: BrandId = extract::id(&id, "brand")?;
    let order: BrandOrder = extract::json(&body.bytes)?;
    let (ports, by) = (app.brands(&caller), &caller.principal);
    let expected = if etag::is_conditional(&headers) {
        let seen = brands::get(&ports, by, id, None).await?;
        let version = seen.version;
        etag::expect(&headers, &BrandSheet::from(seen))?;
        Some(version)
    } else {
        None
    };
    Ok(Json(brands::update(&ports, by, id, order.into(), expected).await?.into()))
}
