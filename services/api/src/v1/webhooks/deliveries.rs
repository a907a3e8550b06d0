//! `GET /v1/webhooks/{id}/deliveries`.

use axum::extract::{Path, State};
use axum::http::Uri;
use axum::{Extension, Json};
use serde::Deserialize;
use spotwright_core::domain::webhook::DeliveryState;
use spotwright_core::ports::accounts::Page;
use spotwright_schemas::ids::WebhookId;

use super::{WebhookDelivery, use_cases};
use crate::auth::Caller;
use crate::cursor::List;
use crate::extract::{self, PageQuery};
use crate::problem::ApiProblem;
use crate::state::App;
use crate::v1::Listing;

/// The query of the list.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct DeliveriesQuery {
    cursor: Option<String>,
    limit: Option<u32>,
    state: Option<DeliveryState>,
}

/// Messages to a webhook, newest first, with what was sent and what was answered. They are kept for 30 days.
#[utoipa::path(get, path = "/v1/webhooks/{id}/deliveries", operation_id = "listDeliveries", tag = "webhooks",
    params(("id" = Uuid, Path, description = "The webhook"),
        ("state" = Option<String>, Query, pattern = "^(waiting|delivered|failed)$",
            description = "Only deliveries in this state: `waiting`, `delivered` or `failed`")),
    responses((status = 200, description = "A page of deliveries", body = Listing<WebhookDelivery>)))]
pub(crate) async fn handle(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    uri: Uri,
) -> Result<Json<Listing<WebhookDelivery>>, ApiProblem> {
    let id: WebhookId = extract::id(&id, "webhook")?;
    let DeliveriesQuery { cursor, limit, state } = extract::query(&uri)?;
    let mut of = id.0.as_bytes().to_vec();
    of.extend_from_slice(state.map_or("", DeliveryState::as_str).as_bytes());
    let list = List { organization: caller.context.organization.0, name: "deliveries", of: &of };
    let page = PageQuery { cursor, limit }.page(&app.state.pepper, list)?;
    let asked = Page { limit: page.limit + 1, ..page };
    let rows = use_cases(&app, &caller).deliveries(&caller.principal(), id, state, asked).await?;
    Ok(Json(Listing::positioned(&app, list, rows, page.limit, WebhookDelivery::from)))
}
