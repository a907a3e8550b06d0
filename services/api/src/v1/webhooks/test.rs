//! `POST /v1/webhooks/{id}/test`.

use axum::extract::{Path, State};
use axum::{Extension, Json};
use serde::Serialize;
use spotwright_core::ports::entropy::random_id;
use spotwright_schemas::ids::DeliveryId;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{WebhookAttempt, use_cases};
use crate::auth::Caller;
use crate::extract;
use crate::problem::ApiProblem;
use crate::state::App;

/// What the receiver said to a test.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WebhookTest {
    /// The id of the message, as the receiver got it in `webhook-id`.
    message: Uuid,
    /// Whether the receiver took it.
    taken: bool,
    /// What came of it.
    attempt: WebhookAttempt,
}

/// Sends a message of the type `webhook.test` at once, also to a webhook that is disabled or paused, and
/// tells what the receiver said. It is sent once and noted nowhere.
#[utoipa::path(post, path = "/v1/webhooks/{id}/test", operation_id = "testWebhook", tag = "webhooks",
    params(("id" = Uuid, Path, description = "The webhook")),
    responses((status = 200, description = "What the receiver said", body = WebhookTest)))]
pub(crate) async fn handle(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<WebhookTest>, ApiProblem> {
    let id = extract::id(&id, "webhook")?;
    let message = DeliveryId(random_id(app.state.entropy.as_ref())?);
    let attempt = use_cases(&app, &caller).test(&caller.principal(), id, message).await?;
    Ok(Json(WebhookTest { message: message.0, taken: attempt.was_taken(), attempt: attempt.into() }))
}
