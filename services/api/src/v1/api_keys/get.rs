//! `GET /v1/api-keys/{id}`.

use axum::extract::{Path, State};
use axum::{Extension, Json};
use spotwright_core::use_cases::keys;
use spotwright_schemas::ids::KeyId;

use super::ApiKey;
use crate::auth::Caller;
use crate::extract;
use crate::problem::ApiProblem;
use crate::state::App;

/// One key, live or test, without its text.
#[utoipa::path(get, path = "/v1/api-keys/{id}", operation_id = "getApiKey", tag = "api-keys",
    params(("id" = Uuid, Path, description = "The key")),
    responses((status = 200, description = "The key", body = ApiKey)))]
pub(crate) async fn handle(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<ApiKey>, ApiProblem> {
    let id: KeyId = extract::id(&id, "key")?;
    let (mode, key) = keys::get(app.state.accounts.as_ref(), &caller.principal, id).await?;
    Ok(Json(ApiKey::of(mode, key)))
}
