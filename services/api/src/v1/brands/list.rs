//! `GET /v1/brands`.

use axum::extract::State;
use axum::http::Uri;
use axum::{Extension, Json};
use serde::Deserialize;
use spotwright_core::ports::accounts::Page;
use spotwright_core::use_cases::brands;

use super::BrandSheet;
use crate::auth::Caller;
use crate::cursor::List;
use crate::extract::{self, PageQuery};
use crate::problem::ApiProblem;
use crate::state::App;
use crate::v1::Listing;

/// The query of the list.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct BrandsQuery {
    cursor: Option<String>,
    limit: Option<u32>,
    archived: Option<bool>,
}

/// The organization's brands, newest first: those that are not archived, or those that are.
#[utoipa::path(get, path = "/v1/brands", operation_id = "listBrands", tag = "brands",
    params(("archived" = Option<bool>, Query, description = "`true` for those that are archived")),
    responses((status = 200, description = "A page of brands", body = Listing<BrandSheet>)))]
pub(crate) async fn handle(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    uri: Uri,
) -> Result<Json<Listing<BrandSheet>>, ApiProblem> {
    let BrandsQuery { cursor, limit, archived } = extract::query(&uri)?;
    let archived = archived.unwrap_or(false);
    let of: &[u8] = if archived { b"archived" } else { b"" };
    let list = List { organization: caller.context.organization.0, name: "brands", of };
    let page = PageQuery { cursor, limit }.page(&app.state.pepper, list)?;
    let asked = Page { limit: page.limit + 1, ..page };
    let rows = brands::list(&app.brands(&caller), &caller.principal, archived, asked).await?;
    Ok(Json(Listing::positioned(&app, list, rows, page.limit, BrandSheet::from)))
}
