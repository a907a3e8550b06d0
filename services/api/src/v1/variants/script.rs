//! `GET /v1/variants/{id}/script`.

use axum::extract::{Path, State};
use axum::{Extension, Json};
use spotwright_schemas::script::Script;

use crate::auth::Caller;
use crate::extract;
use crate::openapi::foreign;
use crate::problem::ApiProblem;
use crate::state::App;

/// What a variant says, line by line with the facts it rests on.
#[utoipa::path(get, path = "/v1/variants/{id}/script", operation_id = "getScript", tag = "variants",
    params(("id" = Uuid, Path, description = "The variant")),
    responses((status = 200, description = "The script", body = foreign::Script)))]
pub(crate) async fn handle(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<Script>, ApiProblem> {
    let id = extract::id(&id, "variant")?;
    let (variant, _) = app.state.accounts.variant(caller.context, id).await?;
    Ok(Json(variant.body.script))
}
