//! `POST /v1/organizations/{id}/budget`.

use axum::Json;
use axum::extract::{Path, State};
use serde::{Deserialize, Serialize};
use spotwright_schemas::error::Code;
use spotwright_schemas::ids::OrganizationId;
use spotwright_schemas::money::Micros;
use utoipa::ToSchema;

use crate::extract::{self, JsonBody};
use crate::problem::ApiProblem;
use crate::state::App;

/// What an organization may spend over all its runs.
#[derive(Debug, Clone, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct OrganizationBudget {
    /// In micros of its runs' currency, from 0; `null` for no limit. A run counts with its whole budget
    /// until it ends, and then with what it spent.
    #[schema(minimum = 0)]
    cap_micros: Option<i64>,
}

/// Limits what an organization may spend. Runs whose budget does not fit any more are refused.
#[utoipa::path(post, path = "/v1/organizations/{id}/budget", operation_id = "limitOrganization", tag = "organizations",
    params(("id" = Uuid, Path, description = "The organization")), request_body = OrganizationBudget,
    responses((status = 200, description = "The limit as set", body = OrganizationBudget)))]
pub(crate) async fn handle(
    State(app): State<App>,
    Path(id): Path<String>,
    body: JsonBody,
) -> Result<Json<OrganizationBudget>, ApiProblem> {
    let id: OrganizationId = extract::id(&id, "organization")?;
    let budget: OrganizationBudget = extract::json(&body.bytes)?;
    if budget.cap_micros.is_some_and(|cap| cap < 0) {
        return Err(ApiProblem::new(Code::RequestValue, "cap_micros", "must be 0 or more"));
    }
    app.state.accounts.limit_organization(id, budget.cap_micros.map(Micros)).await?;
    Ok(Json(budget))
}
