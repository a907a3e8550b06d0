//! `GET /v1/shares/{id}`.

use axum::extract::{Path, State};
use axum::{Extension, Json};
use spotwright_core::use_cases::reviews::shares;

use super::ShareLink;
use crate::auth::Caller;
use crate::extract;
use crate::problem::ApiProblem;
use crate::state::App;

/// One link, without its token.
#[utoipa::path(get, path = "/v1/shares/{id}", operation_id = "getShare", tag = "reviews",
    params(("id" = Uuid, Path, description = "The link")),
    responses((status = 200, description = "The link", body = ShareLink)))]
pub(crate) async fn handle(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<ShareLink>, ApiProblem> {
    let id = extract::id(&id, "link")?;
    let ports = app.reviews(&caller);
    let share = shares::get(&ports, &caller.principal, id).await?;
    Ok(Json(ShareLink::at(share, ports.now())))
}
