//! `POST /v1/experiments/plan`.

use axum::Json;
use serde::{Deserialize, Serialize};
use spotwright_experiment::Error;
use spotwright_experiment::analysis::plan::{
    Baseline, Question, Stopping, days_left, required, smallest_effect,
};
use spotwright_schemas::error::Code;
use utoipa::ToSchema;

use crate::extract::{self, JsonBody};
use crate::problem::ApiProblem;

/// Most arms of one experiment.
const MOST_ARMS: usize = 20;

/// An experiment that is thought of: give the smallest effect worth finding, or the units that there will be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PlanRequest {
    /// Rate of the control, within 0 and 1, e.g. 0.01 for a click rate of 1 %.
    #[schema(exclusive_minimum = 0.0, exclusive_maximum = 1.0)]
    baseline: f64,
    /// Smallest relative effect worth finding, e.g. 0.1 for +10 %.
    #[serde(default)]
    smallest_effect: Option<f64>,
    /// Units in all, where the smallest effect that they find is asked.
    #[serde(default)]
    #[schema(minimum = 4)]
    units: Option<u64>,
    /// Two-sided error rate of all comparisons together; 0.05 by default.
    #[serde(default = "usual_alpha")]
    alpha: f64,
    /// Probability of finding the effect where it is there; 0.8 by default.
    #[serde(default = "usual_power")]
    power: f64,
    /// Weights of the arms, the control first; two equal ones by default.
    #[serde(default = "two_arms")]
    #[schema(min_items = 2, max_items = 20)]
    weights: Vec<f64>,
    /// Units that come in a day, where the days are asked.
    #[serde(default)]
    units_per_day: Option<f64>,
    /// When the experiment is read.
    #[serde(default)]
    stopping: StoppingName,
}

/// When an experiment is read.
#[derive(Debug, Clone, Copy, Default, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum StoppingName {
    /// At any time, as often as wanted.
    #[default]
    AlwaysValid,
    /// Once, at the planned size.
    FixedHorizon,
}

const fn usual_alpha() -> f64 {
    0.05
}

const fn usual_power() -> f64 {
    0.8
}

fn two_arms() -> Vec<f64> {
    vec![1.0, 1.0]
}

/// How much traffic an experiment needs.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ExperimentPlan {
    /// Units in each arm, the control first.
    units: Vec<u64>,
    /// Units in all.
    total: u64,
    /// Days until they are there; `null` where the traffic of a day was not given.
    days: Option<u64>,
    /// The relative effect that is found with the power.
    smallest_effect: f64,
    /// Tuning of the always-valid read-out, to be kept for the experiment; `null` for a fixed horizon.
    tuning: Option<f64>,
    /// Two-sided error rate of each comparison with the control.
    alpha_of_each: f64,
}

/// Says how much traffic and how many days an experiment needs, or which effect the traffic finds.
#[utoipa::path(post, path = "/v1/experiments/plan", operation_id = "planExperiment", tag = "results",
    request_body = PlanRequest,
    responses((status = 200, description = "The plan", body = ExperimentPlan)))]
pub(crate) async fn handle(body: JsonBody) -> Result<Json<ExperimentPlan>, ApiProblem> {
    Ok(Json(plan(extract::json(&body.bytes)?)?))
}

fn wrong(field: &str, message: impl Into<String>) -> ApiProblem {
    ApiProblem::new(Code::RequestValue, field, message)
}

/// A setting that the statistics refuse, by the name that it has in the request.
fn refused(error: &Error) -> ApiProblem {
    let field = match error {
        Error::Setting { name: "alpha", .. } => "alpha",
        Error::Setting { name: "power", .. } => "power",
        Error::Setting { name: "baseline", .. } => "baseline",
        Error::Setting { name: "effect", .. } => "smallest_effect",
        Error::Setting { name: "weight", .. } | Error::Empty => "weights",
        _ => "",
    };
    wrong(field, error.to_string())
}

fn plan(asked: PlanRequest) -> Result<ExperimentPlan, ApiProblem> {
    if asked.weights.len() > MOST_ARMS {
        return Err(wrong("weights", format!("an experiment has at most {MOST_ARMS} arms")));
    }
    if let Some(units) = asked.units_per_day.filter(|units| !(units.is_finite() && *units > 0.0)) {
        return Err(wrong("units_per_day", format!("{units} is not above 0")));
    }
    let stopping = match asked.stopping {
        StoppingName::AlwaysValid => Stopping::AlwaysValid { tuning: None },
        StoppingName::FixedHorizon => Stopping::FixedHorizon,
    };
    let mut question = Question {
        baseline: Baseline::Proportion(asked.baseline),
        effect: asked.smallest_effect.unwrap_or(0.1),
        alpha: asked.alpha,
        power: asked.power,
        weights: asked.weights,
        stopping,
    };
    match (asked.smallest_effect, asked.units) {
        (Some(_), None) => {}
        (None, Some(units)) => {
            let found = smallest_effect(&question, units).map_err(|error| refused(&error))?;
            question.effect =
                found.ok_or_else(|| wrong("units", format!("{units} units find no effect at all")))?;
        }
        _ => return Err(wrong("smallest_effect", "give either this or `units`")),
    }
    let traffic = required(&question).map_err(|error| refused(&error))?;
    Ok(ExperimentPlan {
        days: asked.units_per_day.and_then(|per_day| days_left(traffic.total, 0, per_day)),
        units: traffic.units,
        total: traffic.total,
        smallest_effect: question.effect,
        tuning: traffic.tuning,
        alpha_of_each: traffic.alpha_of_each,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(text: &str) -> Result<ExperimentPlan, ApiProblem> {
        plan(extract::json(text.as_bytes())?)
    }

    #[test]
    fn traffic_and_effect_answer_each_other() {
        let traffic = asked(
            r#"{"baseline":0.05,"smallest_effect":0.2,"stopping":"fixed_horizon","units_per_day":1000}"#,
        )
        .unwrap();
        // n ≈ (1.959964 + 0.841621)²·(0.05·0.95 + 0.06·0.94)/0.01² = 8,155 in each arm.
        assert_eq!(traffic.units, [8_155, 8_155]);
        assert_eq!(traffic.days, Some(17));
        let effect =
            asked(r#"{"baseline":0.05,"units":16310,"stopping":"fixed_horizon"}"#).unwrap().smallest_effect;
        assert!((effect - 0.2).abs() < 1e-3, "{effect}");
    }

    #[test]
    fn a_wrong_setting_is_named() {
        for (text, field) in [
            (r#"{"baseline":1.5,"smallest_effect":0.1}"#, "baseline"),
            (r#"{"baseline":0.05,"smallest_effect":0}"#, "smallest_effect"),
            (r#"{"baseline":0.05}"#, "smallest_effect"),
            (r#"{"baseline":0.05,"smallest_effect":0.1,"alpha":2}"#, "alpha"),
            (r#"{"baseline":0.05,"smallest_effect":0.1,"weights":[1]}"#, "weights"),
            (r#"{"baseline":0.05,"smallest_effect":0.1,"units_per_day":-1}"#, "units_per_day"),
        ] {
            assert_eq!(asked(text).unwrap_err().problem.field, field, "{text}");
        }
    }
}
