//! `GET /v1/reports/{id}`.

use axum::extract::{Path, State};
use axum::{Extension, Json};
use spotwright_core::use_cases::reports;
use spotwright_schemas::ids::ReportId;

use super::ReportView;
use crate::auth::Caller;
use crate::extract;
use crate::problem::ApiProblem;
use crate::state::App;

/// One report.
#[utoipa::path(get, path = "/v1/reports/{id}", operation_id = "getReport", tag = "reports",
    params(("id" = Uuid, Path, description = "The report")),
    responses((status = 200, description = "The report", body = ReportView)))]
pub(crate) async fn handle(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<ReportView>, ApiProblem> {
    let id: ReportId = extract::id(&id, "report")?;
    let report = reports::get(app.state.accounts.as_ref(), &caller.principal, id).await?;
    Ok(Json(ReportView::at(caller.clock.now_micros(), &report)))
}
