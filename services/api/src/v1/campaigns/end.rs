//! `POST /v1/campaigns/{id}/end`.

use axum::extract::{Path, State};
use axum::{Extension, Json};
use spotwright_core::domain::campaign::ServingWish;

use super::CampaignView;
use crate::auth::Caller;
use crate::problem::ApiProblem;
use crate::state::App;

/// Ends a campaign: no impressions any more. What it delivered stays, and the run goes on.
#[utoipa::path(post, path = "/v1/campaigns/{id}/end", operation_id = "endCampaign", tag = "campaigns",
    params(("id" = String, Path, description = "The campaign")),
    responses((status = 200, description = "The campaign", body = CampaignView)))]
pub(crate) async fn handle(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<CampaignView>, ApiProblem> {
    Ok(Json(super::steer(&app, &caller, &id, ServingWish::End).await?))
}
