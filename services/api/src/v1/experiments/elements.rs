//! `GET /v1/experiments/elements`.

use axum::extract::State;
use axum::http::Uri;
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use spotwright_core::use_cases::experiments::elements;
use spotwright_experiment::analysis::attribution::{AttributedArm, Attribution, attributed};
use spotwright_schemas::error::Code;
use spotwright_schemas::event::FeedbackSource;
use spotwright_schemas::experiment::ExperimentMetric;
use utoipa::{IntoParams, ToSchema};

use crate::auth::Caller;
use crate::extract;
use crate::openapi::foreign;
use crate::problem::ApiProblem;
use crate::state::App;

/// Intervals are at 1 − this, and so is the share of false ones among the rows that are called significant.
const ALPHA: f64 = 0.05;

/// Which experiments are looked at.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub(crate) struct ElementQuery {
    /// `simulated` (by default) or `imported`; the two are never pooled.
    source: Option<String>,
    /// The metric that decides the experiments: `ctr` (by default), `cvr`, `cpc`, `cpa` or
    /// `revenue_per_impression`.
    metric: Option<String>,
}

/// What experiments show of the elements of creatives.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ElementAttribution {
    /// Who measured.
    #[schema(value_type = foreign::FeedbackSource)]
    source: FeedbackSource,
    /// The metric.
    metric: String,
    /// Share of false ones among the rows that are called significant.
    alpha: f64,
    /// One row for each value of an element that an experiment compares with others.
    data: Vec<AttributedElement>,
}

/// What experiments show of a value of an element.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AttributedElement {
    /// `hook`, `angle`, `structure`, `call_to_action`, `visual_style` or `voice`.
    element: String,
    /// The value.
    value: String,
    /// Experiments that have arms with the value and arms with others.
    experiments: usize,
    /// Their arms with the value.
    arms: usize,
    /// Relative effect against the other arms of the same experiments; 0.1 is 10 % more.
    lift: f64,
    /// Ends of its interval.
    ci: [f64; 2],
    /// Of no effect, two-sided.
    p_value: f64,
    /// The same after Benjamini and Hochberg over all rows.
    adjusted_p_value: f64,
    /// Whether it is significant after the correction, with three experiments at least.
    significant: bool,
    /// Whether there are three experiments at least: in fewer, arms differ in more than the element.
    enough: bool,
}

/// What parts of creatives (opening, call to action, visuals, voice) the experiments speak for, with the
/// experiment as the unit: over the newest 200 of one source, without those whose users were not divided as
/// configured.
#[utoipa::path(get, path = "/v1/experiments/elements", operation_id = "attributeElements", tag = "experiments",
    params(ElementQuery),
    responses((status = 200, description = "The elements", body = ElementAttribution)))]
pub(crate) async fn handle(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    uri: Uri,
) -> Result<Json<ElementAttribution>, ApiProblem> {
    let query: ElementQuery = extract::query(&uri)?;
    let (source, metric) = (source_of(query.source.as_deref())?, metric_of(query.metric.as_deref())?);
    let (store, accounts) = (app.state.experiments.as_ref(), app.state.accounts.as_ref());
    let arms = elements::arms(store, accounts, &caller.principal, source, metric).await?;
    let arms: Vec<AttributedArm> = arms
        .into_iter()
        .map(|arm| AttributedArm {
            experiment: arm.experiment,
            elements: arm.elements,
            mean: arm.value,
            variance: arm.standard_error * arm.standard_error,
        })
        .collect();
    let rows = attributed(&arms, ALPHA).map_err(|error| ApiProblem::internal(&error))?;
    let data = rows.into_iter().map(AttributedElement::from).collect();
    Ok(Json(ElementAttribution { source, metric: metric.as_str().to_owned(), alpha: ALPHA, data }))
}

impl From<Attribution> for AttributedElement {
    fn from(row: Attribution) -> Self {
        Self {
            significant: row.enough && row.adjusted_p_value <= ALPHA,
            element: row.element,
            value: row.value,
            experiments: row.experiments,
            arms: row.arms,
            lift: row.lift,
            ci: row.interval,
            p_value: row.p_value,
            adjusted_p_value: row.adjusted_p_value,
            enough: row.enough,
        }
    }
}

fn source_of(text: Option<&str>) -> Result<FeedbackSource, ApiProblem> {
    match text {
        None | Some("simulated") => Ok(FeedbackSource::Simulated),
        Some("imported") => Ok(FeedbackSource::Imported),
        Some(_) => Err(ApiProblem::new(Code::RequestValue, "source", "is `simulated` or `imported`")),
    }
}

fn metric_of(text: Option<&str>) -> Result<ExperimentMetric, ApiProblem> {
    let all = [
        ExperimentMetric::Ctr,
        ExperimentMetric::Cvr,
        ExperimentMetric::Cpc,
        ExperimentMetric::Cpa,
        ExperimentMetric::RevenuePerImpression,
    ];
    let text = text.unwrap_or(ExperimentMetric::Ctr.as_str());
    all.into_iter().find(|metric| metric.as_str() == text).ok_or_else(|| {
        let message = "is `ctr`, `cvr`, `cpc`, `cpa` or `revenue_per_impression`";
        ApiProblem::new(Code::RequestValue, "metric", message)
    })
}
