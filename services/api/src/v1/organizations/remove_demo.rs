//! `DELETE /v1/organization/demo`.

use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse as _, Response};
use axum::{Extension, Json};
use spotwright_core::domain::experiment::StoppedBecause;
use spotwright_core::domain::experiment::machine::Command;
use spotwright_core::domain::run::Stage;
use spotwright_core::domain::signal::Told;
use spotwright_core::use_cases::{demo, experiments, runs};
use spotwright_schemas::error::Code;

use super::Organization;
use crate::auth::Caller;
use crate::problem::ApiProblem;
use crate::session;
use crate::state::App;
use crate::v1::{every, experiments as experiment};

/// Removes the demo that the caller is in, for good: its runs and experiments end, its keys, sessions and
/// links are refused from now on. What it did with money stays in the ledger. No other organization is
/// touched; an organization that is no demo is not found. Started again with `--demo`, the service makes
/// another one.
#[utoipa::path(delete, path = "/v1/organization/demo", operation_id = "removeDemo", tag = "organizations",
    responses((status = 200, description = "The demo as it was closed", body = Organization)))]
pub(crate) async fn handle(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
) -> Result<Response, ApiProblem> {
    let ports = app.people(&caller);
    let there = caller.within(demo::steward(&ports, &caller.principal, app.state.demo).await?);
    end_runs(&app, &there).await?;
    stop_experiments(&app, &there).await?;
    let closed = demo::close(&ports, app.state.accounts.as_ref(), &caller.principal, app.state.demo).await?;
    app.auth.forget_all_of(closed.id);
    app.auth.forget_all_of(closed.id.sandbox());
    let cookie = session::cookie(None, &headers);
    Ok(([(header::SET_COOKIE, cookie)], Json(Organization::from(closed))).into_response())
}

async fn end_runs(app: &App, there: &Caller) -> Result<(), ApiProblem> {
    let found = every(|page| app.state.accounts.runs(there.context, page)).await?;
    for run in found.into_iter().filter(|run| run.stage != Stage::Finished) {
        match runs::tell(&app.runs(there), &there.principal, run.id, &Told::cancel(run.id)).await {
            Ok(_) => {}
            // It ended by itself meanwhile.
            Err(problem) if problem.code == Code::RunState => {}
            Err(problem) => return Err(problem.into()),
        }
    }
    Ok(())
}

async fn stop_experiments(app: &App, there: &Caller) -> Result<(), ApiProblem> {
    let organization = there.principal.organization;
    let found = every(|page| app.state.experiments.experiments(organization, page)).await?;
    for one in found {
        let stop = Command::Stop(StoppedBecause::Person);
        let ports = experiment::ports(app, there);
        match experiments::command(&ports, &there.principal, one.id, stop, "the demo was removed").await {
            Ok(_) => {}
            // It is not running.
            Err(problem) if problem.code == Code::ExperimentState => {}
            Err(problem) => return Err(problem.into()),
        }
    }
    Ok(())
}
