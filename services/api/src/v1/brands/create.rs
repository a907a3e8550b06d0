//! `POST /v1/brands`.

use axum::Extension;
use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use spotwright_core::use_cases::brands;

use super::{BrandOrder, BrandSheet};
use crate::auth::Caller;
use crate::extract::{self, JsonBody};
use crate::idempotency::{self, created, is_replayed};
use crate::problem::ApiProblem;
use crate::state::App;

/// Makes a brand. Briefs that name it get what they lack from it.
#[utoipa::path(post, path = "/v1/brands", operation_id = "createBrand", tag = "brands",
    request_body = BrandOrder,
    responses((status = 201, description = "The brand", body = BrandSheet)))]
pub(crate) async fn handle(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    uri: Uri,
    body: JsonBody,
) -> Result<Response, ApiProblem> {
    let admitted = idempotency::admit(&app, &caller, &headers, &uri, &body.bytes)?;
    let order: BrandOrder = extract::json(&body.bytes)?;
    let ports = app.brands(&caller);
    let written = brands::create(&ports, &caller.principal, &admitted.write, order.into()).await?;
    let replayed = is_replayed(&written);
    let sheet = BrandSheet::from(written.into_inner());
    Ok(created(replayed, &format!("/v1/brands/{}", sheet.id), &sheet))
}
