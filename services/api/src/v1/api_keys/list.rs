//! `GET /v1/api-keys`.

use axum::extract::State;
use axum::http::Uri;
use axum::{Extension, Json};
use serde::Deserialize;
use spotwright_core::use_cases::keys;

use super::{ApiKey, mode_of};
use crate::auth::Caller;
use crate::extract::{self, PageQuery};
use crate::problem::ApiProblem;
use crate::state::App;
use crate::v1::{Listing, page_of};

/// Which keys are asked for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyQuery {
    cursor: Option<String>,
    limit: Option<u32>,
    mode: Option<String>,
}

/// The organization's keys of one mode, newest first; revoked and expired ones too.
#[utoipa::path(get, path = "/v1/api-keys", operation_id = "listApiKeys", tag = "api-keys",
    params(("mode" = Option<String>, Query,
        description = "`live` or `test`: only keys of this mode; without it, that of the asking key")),
    responses((status = 200, description = "A page of keys", body = Listing<ApiKey>)))]
pub(crate) async fn handle(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    uri: Uri,
) -> Result<Json<Listing<ApiKey>>, ApiProblem> {
    let KeyQuery { cursor, limit, mode } = extract::query(&uri)?;
    let mode = mode.as_deref().map_or_else(|| Ok(caller.mode()), mode_of)?;
    let query = PageQuery { cursor, limit };
    let name = format!("api-keys/{}", mode.as_str());
    let (list, page, limit) = page_of(&app, &caller, &name, &query)?;
    let rows = keys::list(app.state.accounts.as_ref(), &caller.principal, mode, page).await?;
    Ok(Json(Listing::positioned(&app, list, rows, limit, |key| ApiKey::of(mode, key))))
}
