//! `POST /v1/experiments`.

use axum::Extension;
use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use spotwright_core::use_cases::experiments;
use spotwright_schemas::experiment::ExperimentOrder;

use super::{Experiment, ports};
use crate::auth::Caller;
use crate::extract::{self, JsonBody};
use crate::idempotency::{self, created, is_replayed};
use crate::openapi::foreign;
use crate::problem::ApiProblem;
use crate::state::App;

/// Makes a draft of variants of a run. Nothing is shown before it is started.
#[utoipa::path(post, path = "/v1/experiments", operation_id = "createExperiment", tag = "experiments",
    request_body = foreign::ExperimentOrder,
    responses((status = 201, description = "The draft", body = Experiment)))]
pub(crate) async fn handle(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    uri: Uri,
    body: JsonBody,
) -> Result<Response, ApiProblem> {
    let admitted = idempotency::admit(&app, &caller, &headers, &uri, &body.bytes)?;
    let order: ExperimentOrder = extract::json(&body.bytes)?;
    let ports = ports(&app, &caller);
    let written = experiments::create(&ports, &caller.principal, &admitted.write, &order).await?;
    let replayed = is_replayed(&written);
    let made = written.into_inner();
    let location = format!("/v1/experiments/{}", made.id);
    Ok(created(replayed, &location, &Experiment::from(made)))
}
