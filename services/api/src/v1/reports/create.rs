//! `POST /v1/reports`.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use spotwright_core::use_cases::reports;
use utoipa::ToSchema;

use super::{Filters, FormatName, KindName, ReportView};
use crate::auth::Caller;
use crate::extract::{self, JsonBody};
use crate::idempotency::{self, REPLAYED};
use crate::problem::ApiProblem;
use crate::state::App;
use crate::v1::operations::OperationView;

/// A report to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReportRequestBody {
    /// What it tells.
    kind: KindName,
    /// How it is written.
    format: FormatName,
    /// What it is about.
    filters: Filters,
}

/// A report that is being made.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ReportOrdered {
    /// The work; ask for it until it has ended.
    operation: OperationView,
    /// The report.
    report: ReportView,
}

/// Orders a report. It is made in the background: ask `GET /v1/operations/{id}` until it has ended, then
/// fetch it.
#[utoipa::path(post, path = "/v1/reports", operation_id = "createReport", tag = "reports",
    request_body = ReportRequestBody,
    responses((status = 202, description = "It will be made", body = ReportOrdered)))]
pub(crate) async fn handle(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    uri: Uri,
    body: JsonBody,
) -> Result<Response, ApiProblem> {
    let admitted = idempotency::admit(&app, &caller, &headers, &uri, &body.bytes)?;
    let ReportRequestBody { kind, format, filters } = extract::json(&body.bytes)?;
    let order = super::order(kind, format, filters);
    let record = app.record(&caller);
    let accounts = app.state.accounts.as_ref();
    let (replayed, report) =
        reports::order(accounts, &record, &caller.principal, &admitted.write, &order).await?;
    let answer = ReportOrdered {
        operation: OperationView::of(&report),
        report: ReportView::at(caller.clock.now_micros(), &report),
    };
    let location = format!("/v1/operations/{}", report.id);
    let mut response = (StatusCode::ACCEPTED, [(header::LOCATION, location)], Json(answer)).into_response();
    if replayed {
        response.headers_mut().insert(REPLAYED, axum::http::HeaderValue::from_static("true"));
    }
    Ok(response)
}
