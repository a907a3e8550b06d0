//! `POST /v1/campaigns/{id}/resume`.

use axum::extract::{Path, State};
use axum::{Extension, Json};
use spotwright_core::domain::campaign::ServingWish;

use super::CampaignView;
use crate::auth::Caller;
use crate::problem::ApiProblem;
use crate::state::App;

/// Continues a paused campaign.
#[utoipa::path(post, path = "/v1/campaigns/{id}/resume", operation_id = "resumeCampaign", tag = "campaigns",
    params(("id" = String, Path, description = "The campaign")),
    responses((status = 200, description = "The campaign", body = CampaignView)))]
pub(crate) async fn handle(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<CampaignView>, ApiProblem> {
    Ok(Json(super::steer(&app, &caller, &id, ServingWish::Resume).await?))
}
