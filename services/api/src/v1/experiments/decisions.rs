//! `GET /v1/experiments/{id}/decisions`.

use axum::extract::{Path, State};
use axum::{Extension, Json};
use serde::Serialize;
use serde_json::Value;
use spotwright_core::domain::experiment::LogEntry;
use spotwright_core::use_cases::experiments;
use utoipa::ToSchema;

use crate::auth::Caller;
use crate::extract;
use crate::problem::ApiProblem;
use crate::state::App;
use crate::v1::time;

/// The whole log of an experiment: there is never another page.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ExperimentDecisionList {
    /// The entries, oldest first.
    data: Vec<ExperimentDecision>,
    /// Always `null`.
    next_cursor: Option<String>,
    /// Always `false`.
    has_more: bool,
}

/// Who did something with an experiment.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ExperimentAuthor {
    /// `person`, `key` or `service`.
    kind: String,
    /// The id of the person or key.
    id: Option<String>,
}

/// An entry of the log: who did what, when and why.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ExperimentDecision {
    /// When.
    #[schema(format = DateTime)]
    at: String,
    /// Who.
    by: ExperimentAuthor,
    /// `created`, `started`, `paused`, `resumed`, `reallocated`, `srm_alarm`, `verdict`, `stopped`, `decided` or
    /// `archived`.
    kind: String,
    /// Why, in the words of whoever did it; the sentence of a verdict.
    text: String,
    /// In which phase.
    phase: u32,
    /// After which day; 0 before the first.
    day: u32,
    /// What else belongs to it.
    #[schema(value_type = Object)]
    detail: Value,
}

impl From<LogEntry> for ExperimentDecision {
    fn from(entry: LogEntry) -> Self {
        Self {
            at: time(entry.at),
            by: ExperimentAuthor { kind: entry.by.kind, id: entry.by.id },
            kind: entry.kind.as_str().to_owned(),
            text: entry.text,
            phase: entry.phase,
            day: entry.day,
            detail: entry.detail,
        }
    }
}

/// Who did what with the experiment, when and why, and what it found by itself.
#[utoipa::path(get, path = "/v1/experiments/{id}/decisions", operation_id = "listExperimentDecisions",
    tag = "experiments", params(("id" = Uuid, Path, description = "The experiment")),
    responses((status = 200, description = "The log", body = ExperimentDecisionList)))]
pub(crate) async fn handle(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<ExperimentDecisionList>, ApiProblem> {
    let id = extract::id(&id, "experiment")?;
    let entries = experiments::decisions(app.state.experiments.as_ref(), &caller.principal, id).await?;
    let data = entries.into_iter().map(ExperimentDecision::from).collect();
    Ok(Json(ExperimentDecisionList { data, next_cursor: None, has_more: false }))
}
