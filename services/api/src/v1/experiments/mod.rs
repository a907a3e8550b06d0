//! Experiments: variants of a run, shown to users that chance divides.

pub(crate) mod allocation;
pub(crate) mod analyze;
pub(crate) mod archive;
pub(crate) mod create;
pub(crate) mod decide;
pub(crate) mod decisions;
pub(crate) mod elements;
pub(crate) mod exposures;
pub(crate) mod get;
pub(crate) mod list;
pub(crate) mod pause;
pub(crate) mod plan;
pub(crate) mod readouts;
pub(crate) mod resume;
pub(crate) mod start;
pub(crate) mod stop;

use axum::Json;
use axum::body::Body;
use axum::http::Request;
use serde::{Deserialize, Serialize};
use spotwright_core::domain::experiment;
use spotwright_core::domain::experiment::machine::Command;
use spotwright_core::use_cases::experiments::{self, ExperimentPorts};
use spotwright_schemas::event::FeedbackSource;
use spotwright_schemas::experiment::{
    ExperimentChoice, ExperimentDesign, ExperimentPhase, ExperimentVerdict,
};
use utoipa::ToSchema;
use uuid::Uuid;

use super::time;
use crate::auth::Caller;
use crate::extract;
use crate::openapi::foreign;
use crate::problem::ApiProblem;
use crate::state::App;

/// An experiment.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(crate) struct Experiment {
    /// Its id.
    id: Uuid,
    /// Its name.
    name: String,
    /// `draft`, `running`, `paused`, `stopped`, `decided` or `archived`.
    state: String,
    /// The phase that holds, from 1.
    phase: u32,
    /// The last day that was played; 0 before the first.
    day: u32,
    /// Who measures.
    #[schema(value_type = foreign::FeedbackSource)]
    source: FeedbackSource,
    /// The run whose variants it compares.
    run: Uuid,
    /// Currency of its amounts.
    currency: String,
    /// What it tests, and how; frozen.
    #[schema(value_type = foreign::ExperimentDesign)]
    design: ExperimentDesign,
    /// How users are divided; the last phase holds.
    #[schema(value_type = Vec<foreign::ExperimentPhase>)]
    phases: Vec<ExperimentPhase>,
    /// The standing verdict of the present phase; `null` before its first read-out.
    #[schema(value_type = Option<foreign::ExperimentVerdict>)]
    verdict: Option<ExperimentVerdict>,
    /// Whether users were not divided as configured, so that nothing can be concluded.
    srm_alarm: bool,
    /// `person`, `maximum_days`, `arm_withdrawn`, `decided` or `failed`.
    stopped_because: Option<String>,
    /// What was decided.
    decision: Option<ExperimentOutcome>,
    /// When it was made.
    #[schema(format = DateTime)]
    created_at: String,
    /// When it started.
    #[schema(format = DateTime)]
    started_at: Option<String>,
    /// When it ended.
    #[schema(format = DateTime)]
    stopped_at: Option<String>,
    /// When its next day is due; `null` unless it runs.
    #[schema(format = DateTime)]
    next_day_at: Option<String>,
}

/// What was decided of an experiment.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(crate) struct ExperimentOutcome {
    /// What.
    #[schema(value_type = foreign::ExperimentChoice)]
    choice: ExperimentChoice,
    /// The arm that was taken.
    arm: Option<String>,
    /// Why.
    reason: String,
    /// When.
    #[schema(format = DateTime)]
    at: String,
    /// Whether the standing verdict said the same.
    agrees: bool,
}

impl From<experiment::Experiment> for Experiment {
    fn from(experiment: experiment::Experiment) -> Self {
        Self {
            phase: experiment.phase(),
            id: experiment.id.0,
            name: experiment.name,
            state: experiment.state.as_str().to_owned(),
            day: experiment.day,
            source: experiment.design.source,
            run: experiment.run.0,
            currency: experiment.currency.code().to_owned(),
            design: experiment.design,
            phases: experiment.phases,
            verdict: experiment.verdict,
            srm_alarm: experiment.srm_alarm,
            stopped_because: experiment.stopped_because.map(|because| because.as_str().to_owned()),
            decision: experiment.decision.map(|decision| ExperimentOutcome {
                choice: decision.choice,
                arm: decision.arm,
                reason: decision.reason,
                at: time(decision.at),
                agrees: decision.agrees,
            }),
            created_at: time(experiment.created_at),
            started_at: experiment.started_at.map(time),
            stopped_at: experiment.stopped_at.map(time),
            next_day_at: experiment.next_day_at.map(time),
        }
    }
}

/// Why something is done with an experiment.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExperimentReason {
    /// Why, for the log of the experiment.
    #[serde(default)]
    #[schema(max_length = 500)]
    reason: String,
}

/// The reason in a body that may be left out.
async fn reason(request: Request<Body>) -> Result<String, ApiProblem> {
    let headers = request.headers().clone();
    let bytes = extract::body(request, extract::JSON_BYTES).await?;
    if bytes.is_empty() {
        return Ok(String::new());
    }
    extract::must_be_json(&headers)?;
    Ok(extract::json::<ExperimentReason>(&bytes)?.reason)
}

/// Does something with an experiment and answers with it.
async fn act(
    app: &App,
    caller: &Caller,
    id: &str,
    command: Command,
    reason: &str,
) -> Result<Json<Experiment>, ApiProblem> {
    let id = extract::id(id, "experiment")?;
    let changed = experiments::command(&ports(app, caller), &caller.principal, id, command, reason).await?;
    Ok(Json(changed.into()))
}

/// What the use cases of experiments work with, on behalf of a caller.
pub(super) fn ports<'a>(app: &'a App, caller: &'a Caller) -> ExperimentPorts<'a> {
    ExperimentPorts {
        experiments: app.state.experiments.as_ref(),
        accounts: app.state.accounts.as_ref(),
        record: app.record(caller),
    }
}
