//! `GET` and `PUT /v1/campaigns/{id}/external-refs`.

use axum::extract::{Path, State};
use axum::{Extension, Json};
use spotwright_core::use_cases::campaigns;

use crate::auth::Caller;
use crate::extract::{self, JsonBody};
use crate::problem::ApiProblem;
use crate::state::App;
use crate::v1::variants::external_refs::ExternalRefs;

/// The names of a campaign at platforms.
#[utoipa::path(get, path = "/v1/campaigns/{id}/external-refs", operation_id = "listCampaignRefs", tag = "campaigns",
    params(("id" = String, Path, description = "The campaign")),
    responses((status = 200, description = "Its names", body = ExternalRefs)))]
pub(crate) async fn read(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<ExternalRefs>, ApiProblem> {
    let id = super::id(&id)?;
    let campaign = campaigns::get(app.state.accounts.as_ref(), &caller.principal, id).await?;
    Ok(Json(ExternalRefs::of(campaign.external_refs)))
}

/// Says under which names platforms know a campaign; the whole list is replaced. A name is of one campaign.
#[utoipa::path(put, path = "/v1/campaigns/{id}/external-refs", operation_id = "setCampaignRefs", tag = "campaigns",
    params(("id" = String, Path, description = "The campaign")), request_body = ExternalRefs,
    responses((status = 200, description = "Its names as set", body = ExternalRefs)))]
pub(crate) async fn set(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    body: JsonBody,
) -> Result<Json<ExternalRefs>, ApiProblem> {
    let id = super::id(&id)?;
    let refs = extract::json::<ExternalRefs>(&body.bytes)?.into_refs();
    let ports = app.runs(&caller);
    let campaign = campaigns::put_external_refs(&ports, &caller.principal, id, &refs).await?;
    Ok(Json(ExternalRefs::of(campaign.external_refs)))
}
