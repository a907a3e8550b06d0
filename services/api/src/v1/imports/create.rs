//! `POST /v1/imports`.

use std::sync::Arc;

use axum::Extension;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Uri, header};
use axum::response::Response;
use serde::Deserialize;
use spotwright_core::ports::entropy::random_id;
use spotwright_core::ports::observations::Mapping;
use spotwright_core::use_cases::results::{self, Handed, MOST_ROWS};
use spotwright_observations::{DateOrder, DecimalMark, Given, Platform, Window, export, record};
use spotwright_schemas::Problem;
use spotwright_schemas::error::Code;
use spotwright_schemas::ids::ImportId;
use url::form_urlencoded;
use utoipa::{IntoParams, ToSchema};

use super::{Import, LARGEST, answer};
use crate::auth::Caller;
use crate::extract;
use crate::form::read_form;
use crate::idempotency;
use crate::problem::ApiProblem;
use crate::state::App;

/// The field of a form that holds the file.
const FILE: &str = "file";

/// What is said about a file. In a form, fields of the same names say it too.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub(crate) struct ImportQuery {
    /// Name of the file, for people, 1–200 characters; in a form, the file's own name stands for it.
    #[param(min_length = 1, max_length = 200)]
    name: Option<String>,
    /// The platform, where it is not recognized: `meta`, `tiktok`, `google_ads`, `kuaishou`, `oceanengine`,
    /// `qianchuan`, `linkedin`, `amazon_ads`, `snapchat`, `pinterest` or `other`.
    source: Option<String>,
    /// Currency of the amounts, where the file names none, e.g. `EUR`.
    #[param(min_length = 3, max_length = 3)]
    currency: Option<String>,
    /// Time zone of the account, where the file names none, e.g. `Europe/Berlin`.
    time_zone: Option<String>,
    /// First day of the report, where its rows have no dates.
    #[param(format = Date)]
    from: Option<String>,
    /// Last day of the report.
    #[param(format = Date)]
    to: Option<String>,
    /// What stands before the decimals, where the file leaves it open: `point` or `comma`.
    decimals: Option<String>,
    /// What stands first in dates, where the file leaves it open: `day_first` or `month_first`.
    dates: Option<String>,
    /// Headers and what they hold, a JSON object such as `{"Kosten": "spend"}`. It is remembered for files
    /// with the same header.
    mapping: Option<String>,
    /// Take all rows in or none.
    atomic: bool,
    /// Only say what would be done.
    dry_run: bool,
}

/// A report in a form; what is said about it may stand in fields of the same names as the parameters.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only its schema matters: the form is read field by field")]
pub(crate) struct ImportForm {
    /// The report: CSV or XLSX.
    #[schema(value_type = String, format = Binary)]
    file: Vec<u8>,
}

/// Takes in a report of an advertising platform: CSV or XLSX, as the body or as the field `file` of a form,
/// at most 20 MB and 50,000 rows. What the file does not say is asked, and nothing is stored until it is
/// answered. The same report again changes nothing; a later one with corrected numbers replaces.
#[utoipa::path(post, path = "/v1/imports", operation_id = "createImport", tag = "results",
    params(ImportQuery),
    request_body(content((Vec<u8> = "application/octet-stream"), (ImportForm = "multipart/form-data")),
        description = "The report"),
    responses((status = 201, description = "It was taken in", body = Import),
        (status = 200, description = "Nothing was stored: a preview, or something is asked", body = Import)))]
pub(crate) async fn handle(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    request: Request<Body>,
) -> Result<Response, ApiProblem> {
    let (headers, uri) = (request.headers().clone(), request.uri().clone());
    let _upload = app.uploads.take(caller.context.organization).ok_or_else(|| {
        let message = "your organization is sending as many files as it may at once; try again";
        ApiProblem::whole(Code::Unavailable, message)
    })?;
    let bytes = extract::body(request, LARGEST).await?;
    let admitted = idempotency::admit(&app, &caller, &headers, &uri, &bytes)?;
    let file = file_of(&headers, &uri, bytes).await?;
    let (principal, store) = (caller.principal(), app.state.observations.as_ref());
    let header = record::header_key(&file.bytes, &file.name)?;
    let remembered = match (&header, &file.given.mapping) {
        (Some(header), None) => results::remembered_mapping(&principal, store, header).await?,
        _ => None,
    };
    let permit =
        Arc::clone(&app.imports).acquire_owned().await.map_err(|error| ApiProblem::internal(&error))?;
    let handed = tokio::task::spawn_blocking(move || {
        let _permit = permit;
        read(file, header, remembered)
    })
    .await
    .map_err(|error| ApiProblem::internal(&error))??;
    let id = ImportId(random_id(app.state.entropy.as_ref())?);
    Ok(answer(results::take_in(&principal, store, Some(&admitted.write), id, handed).await?))
}

/// A file and what is said about it.
struct File {
    name: String,
    bytes: Vec<u8>,
    given: Given,
    atomic: bool,
    dry_run: bool,
}

/// The file of a request, raw or in a form.
async fn file_of(headers: &HeaderMap, uri: &Uri, bytes: Vec<u8>) -> Result<File, ApiProblem> {
    let given = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
    let query = uri.query().unwrap_or("");
    if !given.trim_start().to_ascii_lowercase().starts_with("multipart/form-data") {
        return file(extract::pairs(query)?, None, bytes);
    }
    let fields = read_form(headers, bytes).await?;
    let mut pairs = form_urlencoded::Serializer::new(query.to_owned());
    let mut found = None;
    for field in fields {
        if field.name == FILE {
            found = Some((field.file_name, field.value));
            continue;
        }
        let text = String::from_utf8(field.value)
            .map_err(|_| ApiProblem::new(Code::RequestShape, field.name.as_str(), "must be text in UTF-8"))?;
        pairs.append_pair(&field.name, &text);
    }
    let (name, bytes) =
        found.ok_or_else(|| ApiProblem::new(Code::RequestShape, FILE, "the form has no such field"))?;
    file(extract::pairs(&pairs.finish())?, name, bytes)
}

fn file(query: ImportQuery, file_name: Option<String>, bytes: Vec<u8>) -> Result<File, ApiProblem> {
    let name = query.name.clone().or(file_name).unwrap_or_default();
    let length = name.chars().count();
    if !(1..=200).contains(&length) || name.chars().any(char::is_control) || name.trim().is_empty() {
        let message = "must be 1 to 200 characters without control characters";
        return Err(ApiProblem::new(Code::RequestValue, "name", message));
    }
    let (atomic, dry_run) = (query.atomic, query.dry_run);
    Ok(File { name, bytes, given: given(query)?, atomic, dry_run })
}

fn wrong(field: &str, message: impl Into<String>) -> ApiProblem {
    ApiProblem::new(Code::RequestValue, field, message)
}

fn given(query: ImportQuery) -> Result<Given, ApiProblem> {
    let day =
        |text: &str, field: &str| text.parse().map_err(|_| wrong(field, "is a date such as 2026-09-07"));
    let window = match (&query.from, &query.to) {
        (None, None) => None,
        (Some(from), Some(to)) => Some(Window { start: day(from, "from")?, end: day(to, "to")? }),
        (Some(_), None) => return Err(wrong("to", "is needed with `from`")),
        (None, Some(_)) => return Err(wrong("from", "is needed with `to`")),
    };
    let decimal_mark = match query.decimals.as_deref() {
        None => None,
        Some("point") => Some(DecimalMark::Point),
        Some("comma") => Some(DecimalMark::Comma),
        Some(_) => return Err(wrong("decimals", "is `point` or `comma`")),
    };
    let date_order = match query.dates.as_deref() {
        None => None,
        Some("day_first") => Some(DateOrder::DayFirst),
        Some("month_first") => Some(DateOrder::MonthFirst),
        Some(_) => return Err(wrong("dates", "is `day_first` or `month_first`")),
    };
    let mapping: Option<Mapping> = query
        .mapping
        .as_deref()
        .map(|text| {
            serde_json::from_str(text)
                .map_err(|error| wrong("mapping", format!("is no JSON object of texts: {error}")))
        })
        .transpose()?;
    let source = query.source.as_deref().map(Platform::parse).transpose();
    Ok(Given {
        source: source.map_err(|problem| wrong("source", problem.message))?,
        mapping,
        currency: query.currency,
        time_zone: query.time_zone,
        window,
        decimal_mark,
        date_order,
        // Rows are counted first, so that all are told and not only the first.
        atomic: false,
    })
}

/// Reads a file; by the remembered mapping where the file is of no platform that is known.
fn read(file: File, header: Option<String>, remembered: Option<Mapping>) -> Result<Handed, ApiProblem> {
    let File { name, bytes, mut given, atomic, dry_run } = file;
    let mapping_given = given.mapping.clone();
    let (reading, mapping_remembered) = match (export::read(&bytes, &name, &given), remembered) {
        (Err(problem), Some(mapping)) if problem.code == Code::Export => {
            given.mapping = Some(mapping);
            (export::read(&bytes, &name, &given)?, true)
        }
        (read, _) => (read?, false),
    };
    if reading.observations.len() > MOST_ROWS {
        let message = format!("has more than {MOST_ROWS} rows; split it");
        return Err(Problem::new(Code::RequestValue, "body", message).into());
    }
    let mut report = record::report(&reading, &name);
    report.mapping_remembered = mapping_remembered;
    let rows = if reading.is_complete() { record::rows(&reading)? } else { Vec::new() };
    let mapping = header.zip(mapping_given);
    Ok(Handed { report, rows, atomic, dry_run, mapping })
}
