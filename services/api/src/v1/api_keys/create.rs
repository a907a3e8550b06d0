//! `POST /v1/api-keys`.

use axum::Extension;
use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use serde::{Deserialize, Serialize};
use spotwright_core::domain::account::Scope;
use spotwright_core::use_cases::keys;
use spotwright_schemas::error::Code;
use utoipa::ToSchema;

use super::{ApiKey, KeyMode, ScopeName, mode_of};
use crate::auth::Caller;
use crate::extract::{self, JsonBody};
use crate::idempotency::{self, created, is_replayed};
use crate::key;
use crate::problem::ApiProblem;
use crate::state::App;

/// Longest lifetime of a key with an end: ten years, in seconds.
const LONGEST_LIFETIME: u64 = 10 * 366 * 24 * 3600;

/// A key to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct KeyOrder {
    /// What it is for, 1–80 characters.
    #[schema(
        min_length = 1,
        max_length = 80,
        pattern = "^[^\\s\\u0000-\\u001f\\u007f-\\u009f]([^\\u0000-\\u001f\\u007f-\\u009f]*[^\\s\\u0000-\\u001f\\u007f-\\u009f])?$"
    )]
    name: String,
    /// `test`: the key works in the sandbox of the organization, where nothing is charged. Without it, the
    /// mode of the asking key; a test key makes test keys only.
    #[serde(default)]
    #[schema(value_type = Option<KeyMode>)]
    mode: Option<String>,
    /// What it allows, at least one thing; none that the asking key does not have itself.
    #[schema(value_type = Vec<ScopeName>, min_items = 1)]
    scopes: Vec<String>,
    /// Seconds until it stops being valid, 1 to ten years; without it the key is valid until revoked.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 316_224_000)]
    expires_in_seconds: Option<u64>,
}

/// A key that was just made. Not printable, because it holds a secret.
#[derive(Serialize, ToSchema)]
pub(crate) struct KeyMade {
    /// The key.
    pub(crate) key: ApiKey,
    /// Its text. Shown this once: a repeated request answers `null`. When the first answer was lost on
    /// its way, make another key and revoke this one.
    pub(crate) secret: Option<String>,
}

/// Makes a key.
#[utoipa::path(post, path = "/v1/api-keys", operation_id = "createApiKey", tag = "api-keys",
    request_body = KeyOrder,
    responses((status = 201, description = "The key and its text", body = KeyMade)))]
pub(crate) async fn handle(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    uri: Uri,
    body: JsonBody,
) -> Result<Response, ApiProblem> {
    let admitted = idempotency::admit(&app, &caller, &headers, &uri, &body.bytes)?;
    let order: KeyOrder = extract::json(&body.bytes)?;
    let scopes = scopes(&order.scopes)?;
    let lifetime = lifetime_micros(order.expires_in_seconds)?;
    let mode = order.mode.as_deref().map_or_else(|| Ok(caller.mode()), mode_of)?;
    let (pepper, entropy) = (&app.state.pepper, app.state.entropy.as_ref());
    let (new, text) = key::issue_in(mode, pepper, entropy, &order.name, &scopes, lifetime)?;
    let (accounts, record) = (app.state.accounts.as_ref(), app.record(&caller));
    let written = keys::create(accounts, &record, &caller.principal, &admitted.write, (mode, &new)).await?;
    let replayed = is_replayed(&written);
    let secret = (!replayed).then(|| text.expose().to_owned());
    let body = KeyMade { key: ApiKey::of(mode, written.into_inner()), secret };
    Ok(created(replayed, &format!("/v1/api-keys/{}", body.key.id), &body))
}

/// The scopes asked for, each once.
fn scopes(asked: &[String]) -> Result<Vec<Scope>, ApiProblem> {
    let mut scopes = Vec::new();
    for (idx, word) in asked.iter().enumerate() {
        let field = format!("scopes[{idx}]");
        let scope: Scope = word.parse().map_err(|_| {
            let known = Scope::ALL.map(Scope::as_str).join(", ");
            ApiProblem::new(Code::RequestValue, field, format!("must be one of {known}"))
        })?;
        if !scopes.contains(&scope) {
            scopes.push(scope);
        }
    }
    Ok(scopes)
}

fn lifetime_micros(seconds: Option<u64>) -> Result<Option<i64>, ApiProblem> {
    let Some(seconds) = seconds else { return Ok(None) };
    let micros = i64::try_from(seconds).ok().and_then(|seconds| seconds.checked_mul(1_000_000));
    match micros {
        Some(micros) if (1..=LONGEST_LIFETIME).contains(&seconds) => Ok(Some(micros)),
        _ => Err(ApiProblem::new(
            Code::RequestValue,
            "expires_in_seconds",
            format!("must be within 1 and {LONGEST_LIFETIME}"),
        )),
    }
}
