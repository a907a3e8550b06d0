//! `GET /v1/members`.

use axum::extract::State;
use axum::http::Uri;
use axum::{Extension, Json};
use spotwright_core::use_cases::members;

use super::Member;
use crate::auth::Caller;
use crate::extract;
use crate::problem::ApiProblem;
use crate::state::App;
use crate::v1::{Listing, page_of};

/// The members of the organization, who joined last at first.
#[utoipa::path(get, path = "/v1/members", operation_id = "listMembers", tag = "members",
    responses((status = 200, description = "A page of members", body = Listing<Member>)))]
pub(crate) async fn handle(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    uri: Uri,
) -> Result<Json<Listing<Member>>, ApiProblem> {
    let query = extract::query(&uri)?;
    let (list, page, limit) = page_of(&app, &caller, "members", &query)?;
    let rows = members::list(app.state.people.as_ref(), &caller.principal, page).await?;
    Ok(Json(Listing::positioned(&app, list, rows, limit, Member::from)))
}
