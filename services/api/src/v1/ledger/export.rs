//! `GET /v1/ledger.csv`.

use axum::Extension;
use axum::extract::State;
use axum::http::{Uri, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use spotwright_core::domain::books::LedgerLine;

use super::{Asked, entry_name};
use crate::auth::Caller;
use crate::extract;
use crate::problem::ApiProblem;
use crate::state::App;
use crate::v1::{every, time};

const HEADER: [&str; 8] =
    ["at", "run", "entry", "amount_micros", "currency", "source", "provider", "reserve"];

/// The query of the export.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ExportQuery {
    run: Option<String>,
    from: Option<String>,
    to: Option<String>,
}

/// The ledger as CSV, newest first, whole.
#[utoipa::path(get, path = "/v1/ledger.csv", operation_id = "exportLedger", tag = "money",
    params(("run" = Option<Uuid>, Query, description = "Only movements of this run"),
        ("from" = Option<String>, Query, description = "Only from this time on (RFC 3339)"),
        ("to" = Option<String>, Query, description = "Only before this time (RFC 3339); at most 366 days after `from`")),
    responses((status = 200, description = "Lines of `at,run,entry,amount_micros,currency,source,provider,reserve`",
        body = String, content_type = "text/csv")))]
pub(crate) async fn handle(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    uri: Uri,
) -> Result<Response, ApiProblem> {
    let ExportQuery { run, from, to } = extract::query(&uri)?;
    let filter = Asked { run, from, to }.filter(&caller)?;
    let accounts = &app.state.accounts;
    let lines = every(|page| accounts.ledger(caller.context, filter, page)).await?;
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(HEADER).map_err(|error| ApiProblem::internal(&error))?;
    for line in &lines {
        writer.write_record(fields(line)).map_err(|error| ApiProblem::internal(&error))?;
    }
    let text = writer.into_inner().map_err(|error| ApiProblem::internal(error.error()))?;
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"ledger.csv\""),
    ];
    Ok((headers, text).into_response())
}

fn fields(line: &LedgerLine) -> [String; 8] {
    [
        time(line.at),
        line.run.to_string(),
        entry_name(line.kind).to_owned(),
        line.amount.0.to_string(),
        line.currency.map_or_else(String::new, |currency| currency.code().to_owned()),
        if line.provider.is_some() { "provider" } else { "simulated" }.to_owned(),
        line.provider.clone().unwrap_or_default(),
        line.reserve.clone(),
    ]
}
