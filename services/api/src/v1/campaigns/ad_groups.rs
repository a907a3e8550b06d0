//! `GET /v1/campaigns/{id}/ad-groups`.

use axum::extract::{Path, State};
use axum::{Extension, Json};
use serde::Serialize;
use spotwright_core::use_cases::campaigns;
use utoipa::ToSchema;

use super::{StatusName, ad_group_of};
use crate::auth::Caller;
use crate::problem::ApiProblem;
use crate::state::App;

/// The ads of a campaign for one kind of placement.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AdGroupView {
    /// Its id.
    id: String,
    /// Its campaign.
    campaign: String,
    /// Where its ads are shown, e.g. `simulated_feed`.
    placement: String,
    /// Where it stands: as its campaign.
    status: StatusName,
    /// How many ads it has.
    ads: usize,
}

/// The ad groups of a campaign.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AdGroups {
    /// One: the videos of a generation are made for one kind of placement.
    data: Vec<AdGroupView>,
}

/// The ad groups of a campaign.
#[utoipa::path(get, path = "/v1/campaigns/{id}/ad-groups", operation_id = "listAdGroups", tag = "campaigns",
    params(("id" = String, Path, description = "The campaign")),
    responses((status = 200, description = "Its ad groups", body = AdGroups)))]
pub(crate) async fn handle(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<AdGroups>, ApiProblem> {
    let id = super::id(&id)?;
    let campaign = campaigns::get(app.state.accounts.as_ref(), &caller.principal, id).await?;
    let group = AdGroupView {
        id: ad_group_of(id),
        campaign: id.to_string(),
        placement: campaign.placement.as_str().to_owned(),
        status: campaign.status.into(),
        ads: campaign.ads.len(),
    };
    Ok(Json(AdGroups { data: vec![group] }))
}
