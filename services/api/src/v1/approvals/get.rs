//! `GET /v1/variants/{id}/approval`.

use axum::extract::{Path, State};
use axum::{Extension, Json};
use spotwright_core::use_cases::reviews::approvals;

use super::Approval;
use crate::auth::Caller;
use crate::extract;
use crate::problem::ApiProblem;
use crate::state::App;

/// Where a variant stands with its reviewers: `none` as long as nobody asked.
#[utoipa::path(get, path = "/v1/variants/{id}/approval", operation_id = "getApproval", tag = "reviews",
    params(("id" = Uuid, Path, description = "The variant")),
    responses((status = 200, description = "The approval", body = Approval)))]
pub(crate) async fn handle(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<Approval>, ApiProblem> {
    let id = extract::id(&id, "variant")?;
    let ports = app.reviews(&caller);
    let review = approvals::get(&ports, &caller.principal, id).await?;
    Ok(Json(Approval::from(review)))
}
