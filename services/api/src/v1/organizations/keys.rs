//! `/v1/organizations/{id}/api-keys`: keys of an organization in the hands of the operator, for when its own
//! were lost or stolen.

use axum::extract::{Path, State};
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use spotwright_core::domain::account::Scope;
use spotwright_core::use_cases::{keys, organizations};
use spotwright_schemas::ids::{KeyId, OrganizationId};
use spotwright_schemas::mode::Mode;
use utoipa::ToSchema;

use super::named;
use crate::auth::Caller;
use crate::extract::{self, JsonBody};
use crate::idempotency::{self, created, is_replayed};
use crate::key;
use crate::problem::ApiProblem;
use crate::state::App;
use crate::v1::api_keys::ApiKey;
use crate::v1::api_keys::create::KeyMade;
use crate::v1::{Listing, page_of};

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
    let there = named(&app, &caller, &id).await?;
    let query = extract::query(&uri)?;
    let (list, page, limit) = page_of(&app, &there, "api-keys", &query)?;
    let mode = there.mode();
    let rows = keys::list(app.state.accounts.as_ref(), &there.principal, mode, page).await?;
    Ok(Json(Listing::positioned(&app, list, rows, limit, |key| ApiKey::of(mode, key))))
}

/// Makes a key that may do everything within the organization, as its first one may: for an organization
/// that has lost its keys, or never received the first one. One for a sandbox is a test key.
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
    let there = named(&app, &caller, &id).await?.principal.organization;
    let admitted = idempotency::admit(&app, &caller, &headers, &uri, &body.bytes)?;
    let order: ReplacementOrder = extract::json(&body.bytes)?;
    let entropy = app.state.entropy.as_ref();
    let (mode, pepper) = (Mode::of(there), &app.state.pepper);
    let (new, text) = key::issue_in(mode, pepper, entropy, &order.name, &Scope::CUSTOMER, None)?;
    let (accounts, record) = (app.state.accounts.as_ref(), app.record(&caller));
    let written =
        organizations::replace_key(accounts, &record, &caller.principal, there, &admitted.write, &new)
            .await?;
    let replayed = is_replayed(&written);
    let secret = (!replayed).then(|| text.expose().to_owned());
    let location = uri.path().to_owned();
    Ok(created(replayed, &location, &KeyMade { key: ApiKey::of(mode, written.into_inner()), secret }))
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
    let id: OrganizationId = extract::id(&id, "organization")?;
    let (accounts, record) = (app.state.accounts.as_ref(), app.record(&caller));
    let revoked = organizations::revoke_keys(accounts, &record, &caller.principal, id).await?;
    app.auth.forget_all_of(id);
    let mode = Mode::of(id);
    Ok(Json(RevokedKeys { revoked: revoked.into_iter().map(|key| ApiKey::of(mode, key)).collect() }))
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
    let id: OrganizationId = extract::id(&id, "organization")?;
    let key: KeyId = extract::id(&key, "key")?;
    let (accounts, record) = (app.state.accounts.as_ref(), app.record(&caller));
    let revoked = organizations::revoke_key(accounts, &record, &caller.principal, id, key).await?;
    app.auth.forget(key);
    Ok(Json(ApiKey::of(Mode::of(id), revoked)))
}
