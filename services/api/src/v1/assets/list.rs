//! `GET /v1/assets`.

use axum::extract::State;
use axum::http::Uri;
use axum::{Extension, Json};
use spotwright_core::use_cases::assets;

use super::Asset;
use crate::auth::Caller;
use crate::extract;
use crate::problem::ApiProblem;
use crate::state::App;
use crate::v1::{Listing, page_of};

/// The organization's pictures, newest first.
#[utoipa::path(get, path = "/v1/assets", operation_id = "listAssets", tag = "assets",
    responses((status = 200, description = "A page of assets", body = Listing<Asset>)))]
pub(crate) async fn handle(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    uri: Uri,
) -> Result<Json<Listing<Asset>>, ApiProblem> {
    let query = extract::query(&uri)?;
    let (list, page, limit) = page_of(&app, &caller, "assets", &query)?;
    let rows = assets::list(app.state.accounts.as_ref(), &caller.principal, page).await?;
    Ok(Json(Listing::positioned(&app, list, rows, limit, Asset::from)))
}
