//! `DELETE /v1/sandbox/data`.

use axum::extract::State;
use axum::{Extension, Json};
use serde::Serialize;
use spotwright_core::use_cases::sandbox;
use utoipa::ToSchema;

use crate::auth::Caller;
use crate::problem::ApiProblem;
use crate::state::App;

/// What was removed.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SandboxEmptied {
    /// How many runs were in it.
    runs: u64,
}

/// Empties the sandbox: briefs, runs and everything made by them, brands, webhooks, experiments, reports,
/// results, the ledger and the log of events. Test keys, members, the audit log and the clock stay. Work
/// under way is dropped.
#[utoipa::path(delete, path = "/v1/sandbox/data", operation_id = "emptySandbox", tag = "sandbox",
    responses((status = 200, description = "What was removed", body = SandboxEmptied)))]
pub(crate) async fn handle(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
) -> Result<Json<SandboxEmptied>, ApiProblem> {
    let (accounts, record) = (app.state.accounts.as_ref(), app.record(&caller));
    let runs = sandbox::empty(accounts, &record, &caller.principal).await?;
    Ok(Json(SandboxEmptied { runs }))
}
