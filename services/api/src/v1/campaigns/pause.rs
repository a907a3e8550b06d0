//! `POST /v1/campaigns/{id}/pause`.

use axum::extract::{Path, State};
use axum::{Extension, Json};
use spotwright_core::domain::campaign::ServingWish;

use super::CampaignView;
use crate::auth::Caller;
use crate::problem::ApiProblem;
use crate::state::App;

/// Pauses a campaign whole: no impressions until it is resumed. Where the market has not opened yet, it waits; where it
/// has, the time goes on without them.
#[utoipa::path(post, path = "/v1/campaigns/{id}/pause", operation_id = "pauseCampaign", tag = "campaigns",
    params(("id" = String, Path, description = "The campaign")),
    responses((status = 200, description = "The campaign", body = CampaignView)))]
pub(crate) async fn handle(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<CampaignView>, ApiProblem> {
    Ok(Json(super::steer(&app, &caller, &id, ServingWish::Pause).await?))
}
