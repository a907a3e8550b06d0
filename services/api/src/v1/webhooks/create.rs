//! `POST /v1/webhooks`.

use axum::Extension;
use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use serde::Deserialize;
use spotwright_core::domain::webhook;
use spotwright_core::ports::entropy::random_id;
use spotwright_schemas::ids::WebhookId;
use utoipa::ToSchema;

use super::{EventName, WebhookMade, use_cases};
use crate::auth::Caller;
use crate::extract::{self, JsonBody};
use crate::idempotency::{self, created, is_replayed};
use crate::problem::ApiProblem;
use crate::state::App;

/// A webhook to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct WebhookOrder {
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
}

/// Makes a webhook. It is told what happens from now on; messages are signed by Standard Webhooks.
#[utoipa::path(post, path = "/v1/webhooks", operation_id = "createWebhook", tag = "webhooks",
    request_body = WebhookOrder,
    responses((status = 201, description = "The webhook and its secret", body = WebhookMade)))]
pub(crate) async fn handle(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    uri: Uri,
    body: JsonBody,
) -> Result<Response, ApiProblem> {
    let admitted = idempotency::admit(&app, &caller, &headers, &uri, &body.bytes)?;
    let WebhookOrder { url, name, events } = extract::json(&body.bytes)?;
    let order = webhook::WebhookOrder { url, name, events };
    let id = WebhookId(random_id(app.state.entropy.as_ref())?);
    let written = use_cases(&app, &caller).create(&caller.principal(), &admitted.write, id, order).await?;
    let replayed = is_replayed(&written);
    let made = written.into_inner();
    let made = WebhookMade::of(&app, made.webhook, made.secret.as_ref());
    Ok(created(replayed, &format!("/v1/webhooks/{}", made.webhook.id), &made))
}
