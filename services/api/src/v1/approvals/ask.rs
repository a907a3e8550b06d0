//! `POST /v1/variants/{id}/approval`.

use axum::extract::{Path, State};
use axum::{Extension, Json};
use serde::Deserialize;
use spotwright_core::use_cases::reviews::approvals;
use utoipa::ToSchema;

use super::Approval;
use crate::auth::Caller;
use crate::extract::{self, JsonBody};
use crate::problem::ApiProblem;
use crate::state::App;

/// A wish for a decision.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ApprovalWish {
    /// What shall be looked at, 1–2,000 characters.
    #[schema(
        min_length = 1,
        max_length = 2000,
        pattern = "^[^\\u0000-\\u0008\\u000b\\u000c\\u000e-\\u001f\\u007f-\\u009f]*[^\\s\\u0000-\\u001f\\u007f-\\u009f][^\\u0000-\\u0008\\u000b\\u000c\\u000e-\\u001f\\u007f-\\u009f]*$"
    )]
    note: Option<String>,
}

/// Asks for a decision on what the variant is now; it stands in the list of what waits from then on. Asking
/// again changes nothing until the variant is changed.
#[utoipa::path(post, path = "/v1/variants/{id}/approval", operation_id = "askForApproval", tag = "reviews",
    params(("id" = Uuid, Path, description = "The variant")), request_body = ApprovalWish,
    responses((status = 200, description = "The approval", body = Approval)))]
pub(crate) async fn handle(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    body: JsonBody,
) -> Result<Json<Approval>, ApiProblem> {
    let id = extract::id(&id, "variant")?;
    let ApprovalWish { note } = extract::json(&body.bytes)?;
    let ports = app.reviews(&caller);
    Ok(Json(approvals::ask(&ports, &caller.principal, id, note).await?.into()))
}
