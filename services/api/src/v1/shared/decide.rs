//! `POST /v1/shared/{token}/variants/{id}/decisions`.

use axum::Json;
use axum::extract::{Path, State};
use serde::Deserialize;
use spotwright_core::domain::review::ContentHash;
use spotwright_core::use_cases::reviews::approvals::DecisionWish;
use spotwright_core::use_cases::reviews::shared;
use utoipa::ToSchema;

use super::{SharedVariant, opened};
use crate::extract::{self, JsonBody, Origin};
use crate::problem::ApiProblem;
use crate::state::App;
use crate::v1::approvals::DecisionWord;

/// A decision of somebody without an account.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SharedDecisionOrder {
    /// What whoever decides is called, 1–80 characters.
    #[schema(
        min_length = 1,
        max_length = 80,
        pattern = "^[^\\s\\u0000-\\u001f\\u007f-\\u009f]([^\\u0000-\\u001f\\u007f-\\u009f]*[^\\s\\u0000-\\u001f\\u007f-\\u009f])?$"
    )]
    reviewer: String,
    /// What is decided.
    decision: DecisionWord,
    /// What was looked at: the variant's `content_hash`.
    #[schema(min_length = 64, max_length = 64)]
    content_hash: String,
    /// Why, 1–2,000 characters.
    #[schema(
        min_length = 1,
        max_length = 2000,
        pattern = "^[^\\u0000-\\u0008\\u000b\\u000c\\u000e-\\u001f\\u007f-\\u009f]*[^\\s\\u0000-\\u001f\\u007f-\\u009f][^\\u0000-\\u0008\\u000b\\u000c\\u000e-\\u001f\\u007f-\\u009f]*$"
    )]
    note: Option<String>,
}

/// Approves a variant or requests changes by a link that allows it, bound to what was looked at.
#[utoipa::path(post, path = "/v1/shared/{token}/variants/{id}/decisions", operation_id = "decideShared",
    tag = "shared",
    params(("token" = String, Path, description = "The token of the link"),
        ("id" = Uuid, Path, description = "The variant")),
    request_body = SharedDecisionOrder,
    responses((status = 200, description = "The variant", body = SharedVariant)))]
pub(crate) async fn handle(
    State(app): State<App>,
    origin: Origin,
    Path((token, id)): Path<(String, String)>,
    body: JsonBody,
) -> Result<Json<SharedVariant>, ApiProblem> {
    let ports = app.public_reviews(origin.request_id());
    let (guest, _place) = opened(&app, &ports, &token, &origin, true).await?;
    let id = extract::id(&id, "variant")?;
    let SharedDecisionOrder { reviewer, decision, content_hash, note } = extract::json(&body.bytes)?;
    let wish = DecisionWish { verdict: decision.into(), content: ContentHash(content_hash), note };
    let shown = shared::decide(&ports, &guest, id, &reviewer, wish).await?;
    Ok(Json(SharedVariant::of(&token, shown)))
}
