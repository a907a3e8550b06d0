//! `GET /v1/organization/budget`.

use axum::extract::State;
use axum::{Extension, Json};

use super::budget::OrganizationBudget;
use crate::auth::Caller;
use crate::problem::ApiProblem;
use crate::state::App;

/// What the own organization may spend, and what is committed of it. Only operators change it.
#[utoipa::path(get, path = "/v1/organization/budget", operation_id = "getOwnBudget", tag = "organizations",
    responses((status = 200, description = "The limit in force", body = OrganizationBudget)))]
pub(crate) async fn handle(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
) -> Result<Json<OrganizationBudget>, ApiProblem> {
    let budget = app.state.accounts.organization_budget(caller.context.organization).await?;
    Ok(Json(budget.map(OrganizationBudget::from).unwrap_or_default()))
}
