//! `POST /v1/variants/{id}/approval/decisions`.

use axum::extract::{Path, State};
use axum::{Extension, Json};
use serde::Deserialize;
use spotwright_core::domain::review::ContentHash;
use spotwright_core::use_cases::reviews::approvals::{self, DecisionWish};
use utoipa::ToSchema;

use super::{Approval, DecisionWord};
use crate::auth::Caller;
use crate::extract::{self, JsonBody};
use crate::problem::ApiProblem;
use crate::state::App;

/// A decision on a variant.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DecisionOrder {
    /// What is decided.
    decision: DecisionWord,
    /// What was looked at: the `current_hash` of the approval.
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

/// Approves a variant or requests changes. The decision is bound to what was looked at: a variant that was
/// changed since is refused with 409, and one that is changed later is approved no more.
#[utoipa::path(post, path = "/v1/variants/{id}/approval/decisions", operation_id = "decideApproval",
    tag = "reviews", params(("id" = Uuid, Path, description = "The variant")), request_body = DecisionOrder,
    responses((status = 200, description = "The approval", body = Approval)))]
pub(crate) async fn handle(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    body: JsonBody,
) -> Result<Json<Approval>, ApiProblem> {
    let id = extract::id(&id, "variant")?;
    let DecisionOrder { decision, content_hash, note } = extract::json(&body.bytes)?;
    let wish = DecisionWish { verdict: decision.into(), content: ContentHash(content_hash), note };
    let ports = app.reviews(&caller);
    Ok(Json(approvals::decide(&ports, &caller.principal, id, wish).await?.into()))
}
