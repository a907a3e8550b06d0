//! `GET /v1/views`.

use axum::extract::State;
use axum::http::Uri;
use axum::{Extension, Json};
use spotwright_core::use_cases::views;

use super::SavedView;
use crate::auth::Caller;
use crate::extract::{self, PageQuery};
use crate::problem::ApiProblem;
use crate::state::App;
use crate::v1::{Listing, page_of};

/// The organization's views of the portal, newest first.
#[utoipa::path(get, path = "/v1/views", operation_id = "listViews", tag = "views",
    responses((status = 200, description = "A page of views", body = Listing<SavedView>)))]
pub(crate) async fn handle(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    uri: Uri,
) -> Result<Json<Listing<SavedView>>, ApiProblem> {
    let query: PageQuery = extract::query(&uri)?;
    let (list, page, limit) = page_of(&app, &caller, "views", &query)?;
    let rows = views::list(app.state.accounts.as_ref(), &caller.principal, page).await?;
    Ok(Json(Listing::positioned(&app, list, rows, limit, SavedView::from)))
}
