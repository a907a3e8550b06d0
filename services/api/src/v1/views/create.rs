//! `POST /v1/views`.

use axum::Extension;
use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use serde::Deserialize;
use spotwright_core::use_cases::views;
use utoipa::ToSchema;

use super::SavedView;
use crate::auth::Caller;
use crate::extract::{self, JsonBody};
use crate::idempotency::{self, created, is_replayed};
use crate::problem::ApiProblem;
use crate::state::App;

/// A view to be kept.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SavedViewOrder {
    /// What it is called, 1–80 characters.
    #[schema(
        min_length = 1,
        max_length = 80,
        pattern = "^[^\\s\\u0000-\\u001f\\u007f-\\u009f]([^\\u0000-\\u001f\\u007f-\\u009f]*[^\\s\\u0000-\\u001f\\u007f-\\u009f])?$"
    )]
    name: String,
    /// A path of the portal with its query, e.g. `/market?status=active`, at most 2,000 bytes.
    #[schema(min_length = 1, max_length = 2000, pattern = "^/([^/\\\\\\s][^\\\\\\s]*)?$")]
    address: String,
}

/// Keeps a page of the portal, with everything that was chosen on it, under a name for everybody of the
/// organization.
#[utoipa::path(post, path = "/v1/views", operation_id = "createView", tag = "views",
    request_body = SavedViewOrder,
    responses((status = 201, description = "The view", body = SavedView)))]
pub(crate) async fn handle(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    uri: Uri,
    body: JsonBody,
) -> Result<Response, ApiProblem> {
    let admitted = idempotency::admit(&app, &caller, &headers, &uri, &body.bytes)?;
    let SavedViewOrder { name, address } = extract::json(&body.bytes)?;
    let record = app.record(&caller);
    let accounts = app.state.accounts.as_ref();
    let written = views::keep(accounts, &record, &caller.principal, &admitted.write, (name, address)).await?;
    let replayed = is_replayed(&written);
    let view = SavedView::from(written.into_inner());
    let location = format!("/v1/views/{}", view.id);
    Ok(created(replayed, &location, &view))
}
