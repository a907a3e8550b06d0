//! `POST /v1/api-keys/{id}/revoke`.

use axum::extract::{Path, State};
use axum::{Extension, Json};
use spotwright_core::use_cases::keys;
use spotwright_schemas::ids::KeyId;

use super::ApiKey;
use crate::auth::Caller;
use crate::extract;
use crate::problem::ApiProblem;
use crate::state::App;

/// Revokes a key. Revoking it again changes nothing; the last live one that may make keys and has no end
/// stays. Other processes of the service may honor the key for up to two seconds more.
#[utoipa::path(post, path = "/v1/api-keys/{id}/revoke", operation_id = "revokeApiKey", tag = "api-keys",
    params(("id" = Uuid, Path, description = "The key")),
    responses((status = 200, description = "The revoked key", body = ApiKey)))]
pub(crate) async fn handle(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<ApiKey>, ApiProblem> {
    let id: KeyId = extract::id(&id, "key")?;
    let (accounts, record) = (app.state.accounts.as_ref(), app.record(&caller));
    let (mode, revoked) = keys::revoke(accounts, &record, &caller.principal, id).await?;
    app.auth.forget(id);
    Ok(Json(ApiKey::of(mode, revoked)))
}
