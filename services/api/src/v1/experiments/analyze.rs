//! `POST /v1/experiments/analyze`.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Extension;
use axum::Json;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use spotwright_experiment::analysis::report::{DEFAULT_TUNING, Design, Minimum, analyze};
use spotwright_observations::{told, trial};
use spotwright_schemas::error::Code;
use utoipa::{IntoParams, ToSchema};

use crate::auth::Caller;
use crate::extract;
use crate::problem::ApiProblem;
use crate::state::App;

/// Largest file in bytes.
const LARGEST: usize = 20 << 20;
/// Most guardrails, and most weights, that are said of a file.
const MOST_SAID: usize = 20;

/// What is said about the test of a file.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub(crate) struct AnalyzeQuery {
    /// Name of the file, for problems, 1–200 characters.
    #[param(min_length = 1, max_length = 200)]
    name: Option<String>,
    /// The control; by default `control`, or the first arm of the file.
    control: Option<String>,
    /// The metric that decides, where the file has several.
    metric: Option<String>,
    /// Whether less of the metric is better, e.g. of cost.
    less_is_better: bool,
    /// Metrics that must not get worse, separated by `;`: `NAME=MARGIN`, or `NAME=MARGIN,less` where less is
    /// better.
    guardrails: Option<String>,
    /// Configured weights of the arms, separated by `;`: `ARM=WEIGHT`; equal without any.
    weights: Option<String>,
    /// Two-sided error rate in (0, 1); 0.05 by default.
    alpha: Option<f64>,
    /// Smallest relative effect worth finding; 0.1 by default.
    smallest_effect: Option<f64>,
    /// Units in both arms at which the always-valid interval is narrowest; 5,000 by default.
    tuning: Option<f64>,
    /// Days of the test, where the file has no times.
    days: Option<f64>,
    /// Days before there is a verdict; 7 by default.
    minimum_days: Option<u32>,
    /// Units in each arm before there is a verdict; 200 by default.
    minimum_units: Option<u64>,
    /// What is answered: `json` (by default) or `csv`.
    format: Option<String>,
}

/// The read-out of a test that was run anywhere, told by every method.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only its schema matters: the document is written by the statistics")]
pub(crate) struct ExperimentAnalysis {
    /// `imported`, or `simulated` where every row of the file says so.
    source: String,
    /// The design that the read-out holds for.
    #[schema(value_type = Object)]
    design: (),
    /// The arms with their means, the control first.
    #[schema(value_type = Vec<Object>)]
    arms: (),
    /// Each variant against the control by every method: `method`, `lift`, `ci`, `p_value`, `chance_to_win`,
    /// `expected_loss`.
    #[schema(value_type = Vec<Object>)]
    comparisons: (),
    /// Comparisons that cannot be made, and why.
    #[schema(value_type = Vec<Object>)]
    unavailable: (),
    /// The guardrails of the variants.
    #[schema(value_type = Vec<Object>)]
    guardrails: (),
    /// Whether units were divided as configured.
    #[schema(value_type = Object)]
    srm: (),
    /// What has to be there before there is a verdict.
    #[schema(value_type = Vec<Object>)]
    gates: (),
    /// Traffic that finds the smallest effect; `null` where it cannot be told.
    #[schema(value_type = Option<Object>)]
    needed: (),
    /// Days until it is there.
    days_left: Option<u64>,
    /// What may be concluded.
    #[schema(value_type = Object)]
    verdict: (),
    /// The verdict in plain words, `zh-CN` and `en-US`.
    #[schema(value_type = Object)]
    sentence: (),
    /// What a reader should know.
    notes: Vec<String>,
}

/// Reads out a test that was run anywhere: counts of each arm, or one row for each unit, as CSV, XLSX, JSON
/// or parquet of at most 20 MB. Nothing is stored, and nothing is pooled with simulated results.
#[utoipa::path(post, path = "/v1/experiments/analyze", operation_id = "analyzeExperiment", tag = "experiments",
    params(AnalyzeQuery),
    request_body(content = Vec<u8>, content_type = "application/octet-stream", description = "The file"),
    responses((status = 200, description = "The read-out", content(
        (ExperimentAnalysis = "application/json"), (String = "text/csv")))))]
pub(crate) async fn handle(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    request: Request<Body>,
) -> Result<Response, ApiProblem> {
    let query: AnalyzeQuery = extract::query(request.uri())?;
    let _upload = app.uploads.take(caller.context.organization).ok_or_else(|| {
        let message = "your organization is sending as many files as it may at once; try again";
        ApiProblem::whole(Code::Unavailable, message)
    })?;
    let bytes = extract::body(request, LARGEST).await?;
    let permit =
        Arc::clone(&app.imports).acquire_owned().await.map_err(|error| ApiProblem::internal(&error))?;
    let told = tokio::task::spawn_blocking(move || {
        let _permit = permit;
        analyzed(&query, &bytes)
    });
    told.await.map_err(|error| ApiProblem::internal(&error))?
}

fn wrong(field: &str, message: impl Into<String>) -> ApiProblem {
    ApiProblem::new(Code::RequestValue, field, message)
}

fn analyzed(query: &AnalyzeQuery, bytes: &[u8]) -> Result<Response, ApiProblem> {
    let is_csv = match query.format.as_deref() {
        None | Some("json") => false,
        Some("csv") => true,
        Some(_) => return Err(wrong("format", "is `json` or `csv`")),
    };
    let name = query.name.as_deref().unwrap_or("file");
    if !(1..=200).contains(&name.chars().count()) || name.chars().any(char::is_control) {
        return Err(wrong("name", "must be 1 to 200 characters without control characters"));
    }
    let trial = trial::read(bytes, name, &asked(query)?)?;
    let minimum = Minimum::default();
    let design = Design {
        alpha: query.alpha.unwrap_or(0.05),
        smallest_effect: query.smallest_effect.unwrap_or(0.1),
        tuning: query.tuning.unwrap_or(DEFAULT_TUNING),
        minimum: Minimum {
            days: query.minimum_days.unwrap_or(minimum.days),
            units: query.minimum_units.unwrap_or(minimum.units),
            ..minimum
        },
        ..trial.design()
    };
    let analysis = analyze(design, &trial.observed).map_err(|error| match error {
        spotwright_experiment::Error::Setting { name, .. } => {
            wrong(&name.replace(' ', "_"), error.to_string())
        }
        _ => ApiProblem::new(Code::Trial, "", error.to_string()),
    })?;
    if is_csv {
        let headers = [(header::CONTENT_TYPE, "text/csv; charset=utf-8")];
        return Ok((headers, told::analysis(&analysis, trial.source)).into_response());
    }
    Ok(Json(told::document(&analysis, trial.source, &trial.notes)).into_response())
}

fn asked(query: &AnalyzeQuery) -> Result<trial::Asked, ApiProblem> {
    if let Some(days) = query.days.filter(|days| !(days.is_finite() && *days > 0.0)) {
        return Err(wrong("days", format!("{days} is not above 0")));
    }
    let mut guardrails = Vec::new();
    for (metric, rest) in said(query.guardrails.as_deref(), "guardrails")? {
        let (margin, less_is_better) = match rest.split_once(',') {
            Some((margin, "less")) => (margin, true),
            Some(_) => return Err(wrong("guardrails", "is NAME=MARGIN or NAME=MARGIN,less")),
            None => (rest, false),
        };
        let margin = number(margin, "guardrails")?;
        guardrails.push(trial::Guarded { metric: metric.to_owned(), less_is_better, margin });
    }
    let mut weights = BTreeMap::new();
    for (arm, weight) in said(query.weights.as_deref(), "weights")? {
        if weights.insert(arm.to_owned(), number(weight, "weights")?).is_some() {
            return Err(wrong("weights", format!("has the arm `{arm:.60}` twice")));
        }
    }
    Ok(trial::Asked {
        control: query.control.clone(),
        primary: query.metric.clone(),
        less_is_better: query.less_is_better,
        guardrails,
        weights,
        days: query.days,
    })
}

/// Pairs `NAME=VALUE` between semicolons.
fn said<'a>(text: Option<&'a str>, field: &str) -> Result<Vec<(&'a str, &'a str)>, ApiProblem> {
    let parts = text.unwrap_or_default().split(';').filter(|part| !part.trim().is_empty());
    let pairs = parts.map(|part| {
        part.trim().rsplit_once('=').ok_or_else(|| wrong(field, format!("`{part:.60}` has no `=`")))
    });
    let pairs = pairs.collect::<Result<Vec<_>, _>>()?;
    if pairs.len() > MOST_SAID {
        return Err(wrong(field, format!("may name {MOST_SAID} at most")));
    }
    Ok(pairs)
}

fn number(text: &str, field: &str) -> Result<f64, ApiProblem> {
    let found = text.trim().parse::<f64>().ok().filter(|number| number.is_finite());
    found.ok_or_else(|| wrong(field, format!("`{text:.30}` is not a number")))
}
