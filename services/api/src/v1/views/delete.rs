//! `DELETE /v1/views/{id}`.

use axum::extract::{Path, State};
use axum::{Extension, Json};
use spotwright_core::use_cases::views;

use super::SavedView;
use crate::auth::Caller;
use crate::extract;
use crate::problem::ApiProblem;
use crate::state::App;

/// Deletes a view. Nothing that it shows changes.
#[utoipa::path(delete, path = "/v1/views/{id}", operation_id = "deleteView", tag = "views",
    params(("id" = Uuid, Path, description = "The view")),
    responses((status = 200, description = "The view that was deleted", body = SavedView)))]
pub(crate) async fn handle(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<SavedView>, ApiProblem> {
    let id = extract::id(&id, "view")?;
    let record = app.record(&caller);
    let deleted = views::delete(app.state.accounts.as_ref(), &record, &caller.principal, id).await?;
    Ok(Json(deleted.into()))
}
