//! The service about itself: whether it lives and is ready, its description, its error pages.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use spotwright_schemas::error::Code;
use utoipa::ToSchema;

use crate::problem::ApiProblem;
use crate::state::App;

/// Whether something is as it should be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct Health {
    /// Always `ok`; anything else is a problem.
    pub(crate) status: String,
}

fn ok() -> Json<Health> {
    Json(Health { status: "ok".to_owned() })
}

/// Whether the process answers.
#[utoipa::path(get, path = "/healthz", operation_id = "alive", tag = "service",
    responses((status = 200, description = "The process answers", body = Health)))]
pub(crate) async fn alive() -> Json<Health> {
    ok()
}

/// Whether the process can do its work: it is not about to stop, the database answers, and pictures and
/// videos can be written and read.
#[utoipa::path(get, path = "/readyz", operation_id = "ready", tag = "service",
    responses((status = 200, description = "Ready for requests", body = Health)))]
pub(crate) async fn ready(State(app): State<App>) -> Result<Json<Health>, ApiProblem> {
    if app.state.shutdown.is_set() {
        return Err(ApiProblem::whole(Code::Unavailable, "the service is about to stop"));
    }
    app.state.readiness.check().await.map_err(|error| {
        tracing::warn!(%error, cause = error.cause(), "not ready");
        ApiProblem::whole(Code::Unavailable, error.to_string())
    })?;
    Ok(ok())
}

/// This document.
#[utoipa::path(get, path = "/openapi.json", operation_id = "describe", tag = "service",
    responses((status = 200, description = "The OpenAPI 3.1 description of the service", body = Object,
        content_type = "application/json")))]
pub(crate) async fn openapi(State(app): State<App>) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], app.openapi.clone()).into_response()
}

/// The page of an error code: meaning, cause, what to do.
#[utoipa::path(get, path = "/errors/{code}", operation_id = "explain", tag = "service",
    params(("code" = String, Path, description = "A code, e.g. `SW1003`")),
    responses((status = 200, description = "The page", body = String, content_type = "text/markdown")))]
pub(crate) async fn error_page(Path(code): Path<String>) -> Result<Response, ApiProblem> {
    let known = Code::ALL.iter().find(|known| known.as_str() == code);
    let code = known.ok_or_else(|| ApiProblem::missing("error code"))?;
    Ok(([(header::CONTENT_TYPE, "text/markdown; charset=utf-8")], code.page()).into_response())
}
