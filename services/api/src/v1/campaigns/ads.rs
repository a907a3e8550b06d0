//! `GET /v1/campaigns/{id}/ads`.

use axum::extract::{Path, State};
use axum::{Extension, Json};
use serde::Serialize;
use spotwright_core::use_cases::campaigns;
use utoipa::ToSchema;

use crate::auth::Caller;
use crate::problem::ApiProblem;
use crate::state::App;
use crate::v1::ads::AdView;

/// The ads of a campaign.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Ads {
    /// By the number of their variants.
    data: Vec<AdView>,
}

/// The ads of a campaign: one for each winner of its generation.
#[utoipa::path(get, path = "/v1/campaigns/{id}/ads", operation_id = "listAds", tag = "campaigns",
    params(("id" = String, Path, description = "The campaign")),
    responses((status = 200, description = "Its ads", body = Ads)))]
pub(crate) async fn handle(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<Ads>, ApiProblem> {
    let id = super::id(&id)?;
    let campaign = campaigns::get(app.state.accounts.as_ref(), &caller.principal, id).await?;
    Ok(Json(Ads { data: campaign.ads.iter().map(|ad| AdView::of(&campaign, ad)).collect() }))
}
