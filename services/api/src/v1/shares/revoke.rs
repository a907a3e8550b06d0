//! `POST /v1/shares/{id}/revoke`.

use axum::extract::{Path, State};
use axum::{Extension, Json};
use spotwright_core::use_cases::reviews::shares;

use super::ShareLink;
use crate::auth::Caller;
use crate::extract;
use crate::problem::ApiProblem;
use crate::state::App;

/// Revokes a link, at once and for ever. What was said by it stays. Done twice it changes nothing.
#[utoipa::path(post, path = "/v1/shares/{id}/revoke", operation_id = "revokeShare", tag = "reviews",
    params(("id" = Uuid, Path, description = "The link")),
    responses((status = 200, description = "The link", body = ShareLink)))]
pub(crate) async fn handle(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<ShareLink>, ApiProblem> {
    let id = extract::id(&id, "link")?;
    let ports = app.reviews(&caller);
    let share = shares::revoke(&ports, &caller.principal, id).await?;
    Ok(Json(ShareLink::at(share, ports.now())))
}
