//! `POST /v1/webhooks/{id}/deliveries/{delivery}/replay`.

use axum::extract::{Path, State};
use axum::{Extension, Json};

use super::{WebhookDelivery, use_cases};
use crate::auth::Caller;
use crate::extract;
use crate::problem::ApiProblem;
use crate::state::App;

/// Sends a message again that was taken or given up, under the same `webhook-id` and with as many attempts
/// as a new one.
#[utoipa::path(post, path = "/v1/webhooks/{id}/deliveries/{delivery}/replay", operation_id = "replayDelivery",
    tag = "webhooks",
    params(("id" = Uuid, Path, description = "The webhook"),
        ("delivery" = Uuid, Path, description = "The delivery")),
    responses((status = 200, description = "The delivery, waiting", body = WebhookDelivery)))]
pub(crate) async fn handle(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path((id, delivery)): Path<(String, String)>,
) -> Result<Json<WebhookDelivery>, ApiProblem> {
    let (id, delivery) = (extract::id(&id, "webhook")?, extract::id(&delivery, "delivery")?);
    Ok(Json(use_cases(&app, &caller).replay_delivery(&caller.principal(), id, delivery).await?.into()))
}
