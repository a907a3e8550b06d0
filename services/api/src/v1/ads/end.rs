//! `POST /v1/ads/{id}/end`.

use axum::extract::{Path, State};
use axum::{Extension, Json};
use spotwright_core::domain::campaign::ServingWish;

use super::AdView;
use crate::auth::Caller;
use crate::problem::ApiProblem;
use crate::state::App;

/// Ends an ad: no impressions any more. What it delivered stays.
#[utoipa::path(post, path = "/v1/ads/{id}/end", operation_id = "endAd", tag = "campaigns",
    params(("id" = Uuid, Path, description = "The ad")),
    responses((status = 200, description = "The ad", body = AdView)))]
pub(crate) async fn handle(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<AdView>, ApiProblem> {
    Ok(Json(super::steer(&app, &caller, &id, ServingWish::End).await?))
}
