//! `GET /v1/variants/{id}/storyboard`.

use axum::extract::{Path, State};
use axum::{Extension, Json};
use spotwright_schemas::storyboard::Storyboard;

use crate::auth::Caller;
use crate::extract;
use crate::openapi::foreign;
use crate::problem::ApiProblem;
use crate::state::App;

/// What a variant shows, shot by shot in frames.
#[utoipa::path(get, path = "/v1/variants/{id}/storyboard", operation_id = "getStoryboard", tag = "variants",
    params(("id" = Uuid, Path, description = "The variant")),
    responses((status = 200, description = "The storyboard", body = foreign::Storyboard)))]
pub(crate) async fn handle(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<Storyboard>, ApiProblem> {
    let id = extract::id(&id, "variant")?;
    let (variant, _) = app.state.accounts.variant(caller.context, id).await?;
    Ok(Json(variant.body.storyboard))
}
