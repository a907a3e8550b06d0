//! `GET /v1/reports`.

use axum::extract::State;
use axum::http::Uri;
use axum::{Extension, Json};
use spotwright_core::use_cases::reports;

use super::ReportView;
use crate::auth::Caller;
use crate::extract::{self, PageQuery};
use crate::problem::ApiProblem;
use crate::state::App;
use crate::v1::{Listing, page_of};

/// The organization's reports, newest first.
#[utoipa::path(get, path = "/v1/reports", operation_id = "listReports", tag = "reports",
    responses((status = 200, description = "A page of reports", body = Listing<ReportView>)))]
pub(crate) async fn handle(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    uri: Uri,
) -> Result<Json<Listing<ReportView>>, ApiProblem> {
    let query: PageQuery = extract::query(&uri)?;
    let (list, page, limit) = page_of(&app, &caller, "reports", &query)?;
    let rows = reports::list(app.state.accounts.as_ref(), &caller.principal, page).await?;
    let now = caller.clock.now_micros();
    Ok(Json(Listing::positioned(&app, list, rows, limit, |report| ReportView::at(now, &report))))
}
