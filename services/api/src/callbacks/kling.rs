//! `POST /callbacks/kling/{source}`.

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::http::HeaderMap;
use serde::{Deserialize, Serialize};
use spotwright_core::ports::clip_hints::HintError;
use spotwright_schemas::error::Code;
use utoipa::ToSchema;

use crate::extract;
use crate::problem::ApiProblem;
use crate::state::App;

/// Largest body in bytes.
const MAX_BYTES: usize = 1 << 20;

/// The answer to a callback that was taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct CallbackTaken {
    /// Always `true`.
    pub(crate) taken: bool,
}

/// Takes a callback of Kling for one of the configured sources. It must be signed with the source's webhook
/// secret; then the task that it names is looked at now rather than later. Nothing that it says is believed.
#[utoipa::path(post, path = "/callbacks/kling/{source}", operation_id = "klingCallback", tag = "kling",
    params(("source" = String, Path, description = "Name of the source in `[video.sources]`")),
    request_body(content = Vec<u8>, content_type = "application/json", description = "The task, as it was signed"),
    responses((status = 200, description = "Taken", body = CallbackTaken)))]
pub(crate) async fn handle(
    State(app): State<App>,
    Path(source): Path<String>,
    headers: HeaderMap,
    request: Request<Body>,
) -> Result<Json<CallbackTaken>, ApiProblem> {
    let body = extract::body(request, MAX_BYTES).await?;
    let headers: Vec<(&str, &str)> =
        headers.iter().filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?))).collect();
    let hints = app.state.clip_hints.as_ref().ok_or_else(|| ApiProblem::missing("source"))?;
    hints.take(&source, &headers, &body).await.map_err(|error| match error {
        HintError::Unknown => ApiProblem::missing("source"),
        HintError::Refused(message) => ApiProblem::whole(Code::Forbidden, message),
        HintError::Unavailable(message) => ApiProblem::unavailable(&message),
    })?;
    Ok(Json(CallbackTaken { taken: true }))
}
