//! `GET /v1/webhooks/{id}`.

use axum::extract::{Path, State};
use axum::{Extension, Json};

use super::{Webhook, use_cases};
use crate::auth::Caller;
use crate::extract;
use crate::problem::ApiProblem;
use crate::state::App;

/// One webhook, without its secret.
#[utoipa::path(get, path = "/v1/webhooks/{id}", operation_id = "getWebhook", tag = "webhooks",
    params(("id" = Uuid, Path, description = "The webhook")),
    responses((status = 200, description = "The webhook", body = Webhook)))]
pub(crate) async fn handle(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<Webhook>, ApiProblem> {
    let id = extract::id(&id, "webhook")?;
    Ok(Json(use_cases(&app, &caller).get(&caller.principal(), id).await?.into()))
}
