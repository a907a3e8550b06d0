//! `DELETE /v1/webhooks/{id}`.

use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::{Extension, Json};

use super::{Webhook, use_cases};
use crate::auth::Caller;
use crate::problem::ApiProblem;
use crate::state::App;
use crate::{etag, extract};

/// Deletes a webhook and its deliveries, those that wait as well.
#[utoipa::path(delete, path = "/v1/webhooks/{id}", operation_id = "deleteWebhook", tag = "webhooks",
    params(("id" = Uuid, Path, description = "The webhook")),
    responses((status = 200, description = "The webhook as it was", body = Webhook)))]
pub(crate) async fn handle(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Json<Webhook>, ApiProblem> {
    let id = extract::id(&id, "webhook")?;
    let (webhooks, principal) = (use_cases(&app, &caller), caller.principal());
    let webhook = webhooks.get(&principal, id).await?;
    let webhook = Webhook::from(webhook);
    etag::expect(&headers, &webhook)?;
    webhooks.delete(&principal, id).await?;
    Ok(Json(webhook))
}
