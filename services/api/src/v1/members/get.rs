//! `GET /v1/members/{id}`.

use axum::extract::{Path, State};
use axum::{Extension, Json};
use spotwright_core::use_cases::members;

use super::Member;
use crate::auth::Caller;
use crate::extract;
use crate::problem::ApiProblem;
use crate::state::App;

/// One member. The tag of the answer is what `PUT /v1/members/{id}/role` and `DELETE /v1/members/{id}` take.
#[utoipa::path(get, path = "/v1/members/{id}", operation_id = "getMember", tag = "members",
    params(("id" = Uuid, Path, description = "The person")),
    responses((status = 200, description = "The member", body = Member)))]
pub(crate) async fn handle(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<Member>, ApiProblem> {
    let id = extract::id(&id, "member")?;
    Ok(Json(members::get(app.state.people.as_ref(), &caller.principal, id).await?.into()))
}
