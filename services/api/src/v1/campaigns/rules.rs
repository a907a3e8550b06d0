//! `GET` and `PUT /v1/organization/campaign-rules`.

use axum::extract::State;
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use spotwright_core::ports::campaigns::CampaignRules;
use spotwright_core::use_cases::campaign_orders;
use utoipa::ToSchema;

use crate::auth::Caller;
use crate::extract::{self, JsonBody};
use crate::problem::ApiProblem;
use crate::state::App;

/// What the organization demands of campaigns that its people make.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CampaignRulesBody {
    /// Whether every variant has to be approved as it is before it is placed.
    approval_required: bool,
}

/// What the organization demands of campaigns.
#[utoipa::path(get, path = "/v1/organization/campaign-rules", operation_id = "getCampaignRules", tag = "campaigns",
    responses((status = 200, description = "The rules", body = CampaignRulesBody)))]
pub(crate) async fn read(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
) -> Result<Json<CampaignRulesBody>, ApiProblem> {
    let rules = campaign_orders::rules(app.state.accounts.as_ref(), &caller.principal).await?;
    Ok(Json(CampaignRulesBody { approval_required: rules.approval_required }))
}

/// Changes what the organization demands of campaigns. Campaigns that were made before stay as they are.
#[utoipa::path(put, path = "/v1/organization/campaign-rules", operation_id = "setCampaignRules", tag = "campaigns",
    request_body = CampaignRulesBody,
    responses((status = 200, description = "The rules", body = CampaignRulesBody)))]
pub(crate) async fn set(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    body: JsonBody,
) -> Result<Json<CampaignRulesBody>, ApiProblem> {
    let CampaignRulesBody { approval_required } = extract::json(&body.bytes)?;
    let record = app.record(&caller);
    let (accounts, wished) = (app.state.accounts.as_ref(), CampaignRules { approval_required });
    let rules = campaign_orders::set_rules(accounts, &record, &caller.principal, wished).await?;
    Ok(Json(CampaignRulesBody { approval_required: rules.approval_required }))
}
