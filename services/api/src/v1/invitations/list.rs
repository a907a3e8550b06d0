//! `GET /v1/invitations`.

use axum::extract::State;
use axum::http::Uri;
use axum::{Extension, Json};
use spotwright_core::use_cases::invitations;

use super::Invitation;
use crate::auth::Caller;
use crate::extract;
use crate::problem::ApiProblem;
use crate::state::App;
use crate::v1::{Listing, page_of};

/// The invitations of the organization, newest first, whatever has become of them.
#[utoipa::path(get, path = "/v1/invitations", operation_id = "listInvitations", tag = "members",
    responses((status = 200, description = "A page of invitations", body = Listing<Invitation>)))]
pub(crate) async fn handle(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    uri: Uri,
) -> Result<Json<Listing<Invitation>>, ApiProblem> {
    let query = extract::query(&uri)?;
    let (list, page, limit) = page_of(&app, &caller, "invitations", &query)?;
    let rows = invitations::list(app.state.people.as_ref(), &caller.principal, page).await?;
    let now = caller.clock.now_micros();
    Ok(Json(Listing::positioned(&app, list, rows, limit, |row| Invitation::at(row, now))))
}
