//! `GET /v1/webhooks`.

use axum::extract::State;
use axum::http::Uri;
use axum::{Extension, Json};

use super::{Webhook, use_cases};
use crate::auth::Caller;
use crate::extract;
use crate::problem::ApiProblem;
use crate::state::App;
use crate::v1::{Listing, page_of};

/// The organization's webhooks, newest first: at most 20.
#[utoipa::path(get, path = "/v1/webhooks", operation_id = "listWebhooks", tag = "webhooks",
    responses((status = 200, description = "A page of webhooks", body = Listing<Webhook>)))]
pub(crate) async fn handle(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    uri: Uri,
) -> Result<Json<Listing<Webhook>>, ApiProblem> {
    let query = extract::query(&uri)?;
    let (list, page, limit) = page_of(&app, &caller, "webhooks", &query)?;
    let rows = use_cases(&app, &caller).list(&caller.principal(), page).await?;
    Ok(Json(Listing::positioned(&app, list, rows, limit, Webhook::from)))
}
