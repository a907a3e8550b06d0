//! Operations: work in the background that a request has ordered.

pub(crate) mod get;

use serde::Serialize;
use spotwright_core::domain::report::{DEADLINE, Report, ReportState};
use spotwright_schemas::Problem;
use spotwright_schemas::error::Code;
use utoipa::ToSchema;
use uuid::Uuid;

use super::time;
use crate::openapi::foreign;
use crate::v1::reports::stage;

/// Work in the background.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OperationView {
    /// Its id.
    id: Uuid,
    /// What is made: `report`.
    kind: &'static str,
    /// `queued`, `running`, `done` or `failed`.
    stage: &'static str,
    /// How much of it is done, in [0, 1].
    progress: f64,
    /// When it ends at the latest (RFC 3339, UTC).
    #[schema(format = DateTime)]
    deadline: String,
    /// Why it failed.
    #[schema(value_type = Option<foreign::Problem>)]
    error: Option<Problem>,
    /// Whether the same order may succeed later.
    retryable: bool,
    /// What it costs. Reports are free.
    charge_micros: i64,
    /// The id of what was made.
    result: Option<Uuid>,
    /// When it was ordered (RFC 3339, UTC).
    #[schema(format = DateTime)]
    created_at: String,
    /// When it ended (RFC 3339, UTC).
    #[schema(format = DateTime)]
    ended_at: Option<String>,
}

impl OperationView {
    /// The making of a report.
    pub(crate) fn of(report: &Report) -> Self {
        let (error, done) = match &report.state {
            ReportState::Failed(problem) => (Some(problem.clone()), false),
            ReportState::Done(_) => (None, true),
            ReportState::Queued | ReportState::Running => (None, false),
        };
        // What the order itself is refused for stays so; a store that was away does not.
        let retryable = error.as_ref().is_some_and(|problem| problem.code != Code::RequestValue);
        Self {
            id: report.id.0,
            kind: "report",
            stage: stage(&report.state),
            progress: if done { 1.0 } else { 0.0 },
            deadline: time(report.created_at + DEADLINE),
            error,
            retryable,
            charge_micros: 0,
            result: done.then_some(report.id.0),
            created_at: time(report.created_at),
            ended_at: report.ended_at.map(time),
        }
    }
}
