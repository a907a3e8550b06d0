//! `PUT /v1/webhooks/{id}`.

use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::{Extension, Json};
use serde::Deserialize;
use spotwright_core::domain::webhook;
use utoipa::ToSchema;

use super::{EventName, Webhook, seen, use_cases};
use crate::auth::Caller;
use crate::extract::{self, JsonBody};
use crate::problem::ApiProblem;
use crate::state::App;

/// A webhook as it is to be, whole.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct WebhookChange {
    /// Where messages are sent: `https`, a server of the public internet, port 443.
    #[schema(min_length = 1, max_length = 2000)]
    url: String,
    /// What it is for, 1–80 characters.
    #[schema(
        min_length = 1,
        max_length = 80,
        pattern = "^[^\\s\\u0000-\\u001f\\u007f-\\u009f]([^\\u0000-\\u001f\\u007f-\\u009f]*[^\\s\\u0000-\\u001f\\u007f-\\u009f])?$"
    )]
    name: String,
    /// Types of events that it is told of; `*` for all. Each once.
    #[schema(value_type = Vec<EventName>, min_items = 1)]
    events: Vec<String>,
    /// Whether it is told anything. What happens while it is not is not noted for it.
    enabled: bool,
}

/// Changes a webhook. With `enabled` one that was paused goes on with everything that waits for it.
/// With `If-Match` nothing that somebody else has changed meanwhile is lost.
#[utoipa::path(put, path = "/v1/webhooks/{id}", operation_id = "updateWebhook", tag = "webhooks",
    params(("id" = Uuid, Path, description = "The webhook")),
    request_body = WebhookChange,
    responses((status = 200, description = "The webhook", body = Webhook)))]
pub(crate) async fn handle(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: JsonBody,
) -> Result<Json<Webhook>, ApiProblem> {
    let id = extract::id(&id, "webhook")?;
    let WebhookChange { url, name, events, enabled } = extract::json(&body.bytes)?;
    let order = webhook::WebhookOrder { url, name, events };
    let (webhooks, by) = (use_cases(&app, &caller), caller.principal());
    let seen = seen(&webhooks, &by, id, &headers).await?;
    Ok(Json(webhooks.update(&by, id, &order, enabled, seen).await?.into()))
}
