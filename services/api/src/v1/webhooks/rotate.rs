//! `POST /v1/webhooks/{id}/rotate`.

use axum::extract::{Path, State};
use axum::{Extension, Json};

use super::{WebhookMade, use_cases};
use crate::auth::Caller;
use crate::extract;
use crate::problem::ApiProblem;
use crate::state::App;

/// Gives a webhook another secret. For 24 hours messages are signed with both, so that the receiver can
/// change over without losing any. Each call makes another secret, and one that is two rotations old is
/// valid no more.
#[utoipa::path(post, path = "/v1/webhooks/{id}/rotate", operation_id = "rotateWebhookSecret", tag = "webhooks",
    params(("id" = Uuid, Path, description = "The webhook")),
    responses((status = 200, description = "The webhook and its new secret", body = WebhookMade)))]
pub(crate) async fn handle(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<WebhookMade>, ApiProblem> {
    let id = extract::id(&id, "webhook")?;
    let made = use_cases(&app, &caller).rotate(&caller.principal(), id).await?;
    Ok(Json(WebhookMade::of(&app, made.webhook, made.secret.as_ref())))
}
