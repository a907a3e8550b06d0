//! `GET /v1/operations/{id}`.

use axum::extract::{Path, State};
use axum::{Extension, Json};
use spotwright_core::use_cases::reports;
use spotwright_schemas::ids::ReportId;

use super::OperationView;
use crate::auth::Caller;
use crate::extract;
use crate::problem::ApiProblem;
use crate::state::App;

/// Work in the background that a request has ordered.
#[utoipa::path(get, path = "/v1/operations/{id}", operation_id = "getOperation", tag = "reports",
    params(("id" = Uuid, Path, description = "The operation")),
    responses((status = 200, description = "The operation", body = OperationView)))]
pub(crate) async fn handle(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<OperationView>, ApiProblem> {
    let id: ReportId = extract::id(&id, "operation")?;
    let report = reports::get(app.state.accounts.as_ref(), &caller.principal, id).await?;
    Ok(Json(OperationView::of(&report)))
}
