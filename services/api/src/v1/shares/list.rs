//! `GET /v1/shares`.

use axum::extract::State;
use axum::http::Uri;
use axum::{Extension, Json};
use serde::Deserialize;
use spotwright_core::ports::accounts::Page;
use spotwright_core::use_cases::reviews::shares;
use spotwright_schemas::ids::RunId;

use super::ShareLink;
use crate::auth::Caller;
use crate::cursor::List;
use crate::extract::{self, PageQuery};
use crate::problem::ApiProblem;
use crate::state::App;
use crate::v1::Listing;

/// The query of the list.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SharesQuery {
    cursor: Option<String>,
    limit: Option<u32>,
    run: Option<RunId>,
}

/// The organization's links for reviewers, newest first, those that have ended among them.
#[utoipa::path(get, path = "/v1/shares", operation_id = "listShares", tag = "reviews",
    params(("run" = Option<Uuid>, Query, description = "Only links to this run")),
    responses((status = 200, description = "A page of links", body = Listing<ShareLink>)))]
pub(crate) async fn handle(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    uri: Uri,
) -> Result<Json<Listing<ShareLink>>, ApiProblem> {
    let SharesQuery { cursor, limit, run } = extract::query(&uri)?;
    let of = format!("{run:?}");
    let list = List { organization: caller.context.organization.0, name: "shares", of: of.as_bytes() };
    let page = PageQuery { cursor, limit }.page(&app.state.pepper, list)?;
    let asked = Page { limit: page.limit + 1, ..page };
    let ports = app.reviews(&caller);
    let rows = shares::list(&ports, &caller.principal, run, asked).await?;
    let now = ports.now();
    Ok(Json(Listing::positioned(&app, list, rows, page.limit, |share| ShareLink::at(share, now))))
}
