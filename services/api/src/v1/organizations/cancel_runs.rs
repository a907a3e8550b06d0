//! `POST /v1/organizations/{id}/runs/cancel`.

use axum::extract::{Path, State};
use axum::{Extension, Json};
use serde::Serialize;
use spotwright_core::domain::run::Stage;
use spotwright_core::domain::signal::Told;
use spotwright_core::use_cases::runs;
use spotwright_schemas::error::Code;
use utoipa::ToSchema;
use uuid::Uuid;

use super::named;
use crate::auth::Caller;
use crate::problem::ApiProblem;
use crate::state::App;
use crate::v1::every;

/// Runs that were told to end.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CancelledRuns {
    /// Their ids, newest first; those that had ended already are not among them.
    cancelled: Vec<Uuid>,
}

/// Ends every run of the organization that goes on. What they made is kept, and what they were charged
/// is paid.
#[utoipa::path(post, path = "/v1/organizations/{id}/runs/cancel", operation_id = "cancelOrganizationRuns",
    tag = "organizations", params(("id" = Uuid, Path, description = "The organization")),
    responses((status = 200, description = "The runs that were told to end", body = CancelledRuns)))]
pub(crate) async fn handle(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<CancelledRuns>, ApiProblem> {
    let there = named(&app, &caller, &id).await?;
    let found = every(|page| app.state.accounts.runs(there.context, page)).await?;
    let mut cancelled = Vec::new();
    for run in found.into_iter().filter(|run| run.stage != Stage::Finished) {
        match runs::tell(&app.runs(&there), &there.principal, run.id, &Told::cancel(run.id)).await {
            Ok(_) => cancelled.push(run.id.0),
            // It ended by itself meanwhile.
            Err(problem) if problem.code == Code::RunState => {}
            Err(problem) => return Err(problem.into()),
        }
    }
    Ok(Json(CancelledRuns { cancelled }))
}
