//! What is told of an organization as a whole.

pub(crate) mod calibration;
pub(crate) mod calibration_csv;
pub(crate) mod market;
pub(crate) mod market_csv;

use axum::http::header;
use axum::response::{IntoResponse, Response};
use spotwright_core::domain::report::Table;

/// A table as an answer.
fn csv(table: &Table, name: &str) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}.csv\"")),
    ];
    (headers, table.csv()).into_response()
}
