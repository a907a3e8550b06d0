//! `/v1/organizations/{id}/api-keys`: keys of an organization in the hands of the operator, for when its own
//! were lost or stolen.

use axum::extract::{Path, State};
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use spotwright_core::domain::account::Scope;
use spotwright_schemas::ids::KeyId;
use utoipa::ToSchema;

use super::{named, named_other};
use crate::auth::Caller;
use crate::extract::{self, JsonBody};
use crate::idempotency::{self, created, is_replayed};
use crate::key;
use crate::problem::ApiProblem;
use crate::state::App;
use crate::v1::api_keys::create::KeyMade;
use crate::v1::api_keys::{ApiKey, check_name};
use crate::v1::{Listing, every, page_of};

/// A key for an organization that has none left.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReplacementOrder {
    /// What it is for, 1–80 characters.
    #[schema(
        min_length = 1,
        max_length = 80,
        pattern = "^[^\\s\\u0000-\\u001f\\u007f-\\u009f]([^\\u0000-\\u001f\\u007f-\\u009f]*[^\\s\\u0000-\\u001f\\u007f-\\u009f])?$"
    )]
    name: String,
}

/// Keys that were revoked.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RevokedKeys {
    /// Those that were valid until now, newest first.
    revoked: Vec<ApiKey>,
}

/// The keys of an organization, newest first.
#[utoipa::path(get, path = "/v1/organizations/{id}/api-keys", operation_id = "listOrganizationKeys",
    tag = "organizations", params(("id" = Uuid, Path, description = "The organization")),
    responses((status = 200, description = "A page of keys", body = Listing<ApiKey>)))]
pub(crate) async fn list(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    uri: Uri,
) -> Result<Json<Listing<ApiKey>>, ApiProblem> {
    let context = named(&app, &caller, &id).await?;
    let owner = Caller { context, ..caller };
    let query = extract::query(&uri)?;
    let (list, page, limit) = page_of(&app, &owner, "api-keys", &query)?;
    let rows = app.state.accounts.keys(context, page).await?;
    Ok(Json(Listing::positioned(&app, list, rows, limit, ApiKey::from)))
}

/// Makes a key that may do everything within the organization, as its first one may: for an organization
/// that has lost its keys, or never received the first one.
#[utoipa::path(post, path = "/v1/organizations/{id}/api-keys", operation_id = "replaceOrganizationKey",
    tag = "organizations", params(("id" = Uuid, Path, description = "The organization")),
    request_body = ReplacementOrder,
    responses((status = 201, description = "The key and its text", body = KeyMade)))]
pub(crate) async fn create(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    headers: HeaderMap,
    uri: Uri,
    body: JsonBody,
) -> Result<Response, ApiProblem> {
    let context = named(&app, &caller, &id).await?;
    let admitted = idempotency::admit(&app, &caller, &headers, &uri, &body.bytes)?;
    let order: ReplacementOrder = extract::json(&body.bytes)?;
    check_name(&order.name)?;
    let entropy = app.state.entropy.as_ref();
    let (new, text) = key::issue(&app.state.pepper, entropy, &order.name, &Scope::CUSTOMER, None)?;
    // Stored among the organization's answers, under a key that none of its own requests can have.
    let mut write = admitted.write.clone();
    write.key.insert_str(0, "operator ");
    let written = app.state.accounts.create_key(context, &write, &new).await?;
    let replayed = is_replayed(&written);
    let secret = (!replayed).then(|| text.expose().to_owned());
    let location = uri.path().to_owned();
    Ok(created(replayed, &location, &KeyMade { key: written.into_inner().into(), secret }))
}

/// Revokes every key of the organization.
#[utoipa::path(post, path = "/v1/organizations/{id}/api-keys/revoke", operation_id = "revokeOrganizationKeys",
    tag = "organizations", params(("id" = Uuid, Path, description = "The organization")),
    responses((status = 200, description = "The keys that were revoked", body = RevokedKeys)))]
pub(crate) async fn revoke_all(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<RevokedKeys>, ApiProblem> {
    let context = named_other(&app, &caller, &id).await?;
    let keys = every(|page| app.state.accounts.keys(context, page)).await?;
    let mut revoked = Vec::new();
    for key in keys.into_iter().filter(|key| key.revoked_at.is_none()) {
        revoked.push(app.state.accounts.revoke_key(context, key.id, false).await?.into());
    }
    app.auth.forget_all_of(context.organization);
    Ok(Json(RevokedKeys { revoked }))
}

/// Revokes one key of the organization, the last one too.
#[utoipa::path(post, path = "/v1/organizations/{id}/api-keys/{key}/revoke",
    operation_id = "revokeOrganizationKey", tag = "organizations",
    params(("id" = Uuid, Path, description = "The organization"), ("key" = Uuid, Path, description = "The key")),
    responses((status = 200, description = "The revoked key", body = ApiKey)))]
pub(crate) async fn revoke(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path((id, key)): Path<(String, String)>,
) -> Result<Json<ApiKey>, ApiProblem> {
    let context = named_other(&app, &caller, &id).await?;
    let key: KeyId = extract::id(&key, "key")?;
    let revoked = app.state.accounts.revoke_key(context, key, false).await?;
    app.auth.forget(key);
    Ok(Json(revoked.into()))
}
