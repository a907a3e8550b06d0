//! `GET /v1/reports/{id}/content`.

use axum::Extension;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::Response;
use spotwright_core::domain::report::{ReportFormat, ReportState};
use spotwright_core::use_cases::reports;
use spotwright_schemas::error::Code;
use spotwright_schemas::ids::ReportId;

use crate::auth::Caller;
use crate::problem::ApiProblem;
use crate::state::App;
use crate::{download, extract};

/// The report itself. One byte range can be asked for. 404 until it is made, 410 after it has expired.
#[utoipa::path(get, path = "/v1/reports/{id}/content", operation_id = "getReportContent", tag = "reports",
    params(("id" = Uuid, Path, description = "The report"),
        ("range" = Option<String>, Header, description = "One byte range (RFC 9110 section 14)"),
        ("if-none-match" = Option<String>, Header, description = "The `ETag` of an earlier answer")),
    responses((status = 200, description = "The report", body = String, content_type = "text/csv"),
        (status = 206, description = "A range of it", body = String, content_type = "text/csv"),
        (status = 304, description = "The report is the one that the client has")))]
pub(crate) async fn handle(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, ApiProblem> {
    let id: ReportId = extract::id(&id, "report")?;
    let report = reports::get(app.state.accounts.as_ref(), &caller.principal, id).await?;
    let ReportState::Done(file) = &report.state else { return Err(ApiProblem::missing("report yet")) };
    if report.expires_at().is_some_and(|end| end <= caller.clock.now_micros()) {
        return Err(ApiProblem::whole(Code::FileLost, "the report has expired; order it again"));
    }
    let mut response = download::artifact(&app, file.hash.clone(), &headers).await?;
    let media = match report.order.format {
        ReportFormat::Json => "application/json",
        ReportFormat::Csv => "text/csv; charset=utf-8",
        ReportFormat::Parquet => "application/vnd.apache.parquet",
    };
    if response.headers().contains_key(header::CONTENT_TYPE) {
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(media));
    }
    Ok(response)
}
