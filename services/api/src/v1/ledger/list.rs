//! `GET /v1/ledger`.

use axum::extract::State;
use axum::http::Uri;
use axum::{Extension, Json};
use serde::Deserialize;

use super::{Asked, LedgerEntry};
use crate::auth::Caller;
use crate::cursor::List;
use crate::extract::{self, PageQuery};
use crate::problem::ApiProblem;
use crate::state::App;
use crate::v1::Listing;
use spotwright_core::ports::accounts::Page;

/// The query of the list.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct LedgerQuery {
    cursor: Option<String>,
    limit: Option<u32>,
    run: Option<String>,
    from: Option<String>,
    to: Option<String>,
}

/// Every movement of the organization's money, newest first. Amounts of two currencies are never added.
#[utoipa::path(get, path = "/v1/ledger", operation_id = "listLedger", tag = "money",
    params(("run" = Option<Uuid>, Query, description = "Only movements of this run"),
        ("from" = Option<String>, Query, description = "Only from this time on (RFC 3339)"),
        ("to" = Option<String>, Query, description = "Only before this time (RFC 3339); at most 366 days after `from`")),
    responses((status = 200, description = "A page of movements", body = Listing<LedgerEntry>)))]
pub(crate) async fn handle(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    uri: Uri,
) -> Result<Json<Listing<LedgerEntry>>, ApiProblem> {
    let LedgerQuery { cursor, limit, run, from, to } = extract::query(&uri)?;
    let asked = Asked { run, from, to };
    let filter = asked.filter(&caller)?;
    let mark = asked.mark();
    let list = List { organization: caller.context.organization.0, name: "ledger", of: &mark };
    let page = PageQuery { cursor, limit }.page(&app.state.pepper, list)?;
    let more = Page { limit: page.limit + 1, ..page };
    let rows = app.state.accounts.ledger(caller.context, filter, more).await?;
    Ok(Json(Listing::positioned(&app, list, rows, page.limit, LedgerEntry::from)))
}
