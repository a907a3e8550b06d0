//! `GET /v1/insight/market.csv`.

use axum::Extension;
use axum::extract::State;
use axum::http::Uri;
use axum::response::Response;
use serde::Deserialize;
use spotwright_insight::market::{campaign_table, pacing_table, price_table};
use spotwright_schemas::error::Code;

use crate::auth::Caller;
use crate::extract;
use crate::problem::ApiProblem;
use crate::state::App;

/// The query of the export.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ExportQuery {
    table: Option<String>,
    source: Option<String>,
    run: Option<String>,
    status: Option<String>,
}

/// The same as CSV: a row for each campaign, for each quantile of prices, or for each hour of the pacing.
#[utoipa::path(get, path = "/v1/insight/market.csv", operation_id = "exportMarket", tag = "insight",
    params(("table" = Option<String>, Query, description = "`campaigns` (without it), `prices` or `pacing`"),
        ("source" = Option<String>, Query, description = "`simulated` (without it) or `imported`; never both"),
        ("run" = Option<Uuid>, Query, description = "Only campaigns of this run"),
        ("status" = Option<String>, Query, description = "Only `waiting`, `active`, `paused` or `ended` ones")),
    responses((status = 200, description = "The rows", body = String, content_type = "text/csv")))]
pub(crate) async fn handle(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    uri: Uri,
) -> Result<Response, ApiProblem> {
    let ExportQuery { table, source, run, status } = extract::query(&uri)?;
    let name = table.as_deref().unwrap_or("campaigns");
    let write = match name {
        "campaigns" => campaign_table,
        "prices" => price_table,
        "pacing" => pacing_table,
        _ => {
            let message = "must be `campaigns`, `prices` or `pacing`";
            return Err(ApiProblem::new(Code::RequestValue, "table", message));
        }
    };
    let asked = super::market::asked(&app, &caller, source.as_ref(), run.as_ref(), status.as_ref());
    let (source, view) = asked.await?;
    Ok(super::csv(&write(source.as_str(), &view), &format!("market-{name}")))
}
