//! `GET /v1/campaigns/{id}`.

use axum::extract::{Path, State};
use axum::{Extension, Json};
use spotwright_core::use_cases::campaigns;

use super::CampaignView;
use crate::auth::Caller;
use crate::problem::ApiProblem;
use crate::state::App;

/// One campaign.
#[utoipa::path(get, path = "/v1/campaigns/{id}", operation_id = "getCampaign", tag = "campaigns",
    params(("id" = String, Path, description = "The campaign: `<run>-g<generation>` or `<run>-c<number>`")),
    responses((status = 200, description = "The campaign", body = CampaignView)))]
pub(crate) async fn handle(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<CampaignView>, ApiProblem> {
    let id = super::id(&id)?;
    Ok(Json(campaigns::get(app.state.accounts.as_ref(), &caller.principal, id).await?.into()))
}
