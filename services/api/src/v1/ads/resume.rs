//! `POST /v1/ads/{id}/resume`.

use axum::extract::{Path, State};
use axum::{Extension, Json};
use spotwright_core::domain::campaign::ServingWish;

use super::AdView;
use crate::auth::Caller;
use crate::problem::ApiProblem;
use crate::state::App;

/// Continues a paused ad.
#[utoipa::path(post, path = "/v1/ads/{id}/resume", operation_id = "resumeAd", tag = "campaigns",
    params(("id" = Uuid, Path, description = "The ad")),
    responses((status = 200, description = "The ad", body = AdView)))]
pub(crate) async fn handle(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<AdView>, ApiProblem> {
    Ok(Json(super::steer(&app, &caller, &id, ServingWish::Resume).await?))
}
