//! `GET /v1/insight/calibration.csv`.

use axum::Extension;
use axum::extract::State;
use axum::http::Uri;
use axum::response::Response;
use spotwright_insight::calibration::table;

use crate::auth::Caller;
use crate::problem::ApiProblem;
use crate::state::App;

/// The same as CSV: one row for each bin of each model.
#[utoipa::path(get, path = "/v1/insight/calibration.csv", operation_id = "exportCalibration", tag = "insight",
    params(("source" = Option<String>, Query, description = "`simulated` (without it) or `imported`; never both"),
        ("run" = Option<Uuid>, Query, description = "Only ads of this run"),
        ("bins" = Option<usize>, Query, description = "Most bins, 2 to 20; 10 without it")),
    responses((status = 200, description = "Lines of `source,model,bin,predicted_low,predicted_high,ads,impressions,\
        clicks,predicted_ctr,ctr,ctr_low,ctr_high`", body = String, content_type = "text/csv")))]
pub(crate) async fn handle(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    uri: Uri,
) -> Result<Response, ApiProblem> {
    let (source, models) = super::calibration::asked(&app, &caller, &uri).await?;
    Ok(super::csv(&table(source.as_str(), &models), "calibration"))
}
