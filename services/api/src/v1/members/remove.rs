//! `DELETE /v1/members/{id}`.

use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::{Extension, Json};
use spotwright_core::domain::people::Holder;
use spotwright_core::use_cases::members;
use spotwright_schemas::ids::PersonId;

use super::{Member, expect_seen};
use crate::auth::Caller;
use crate::extract;
use crate::problem::ApiProblem;
use crate::state::App;

/// Removes a member: their sessions in the organization end. Keys that they have made stay; revoke those
/// apart. Only owners remove owners (403); the last owner stays (409).
#[utoipa::path(delete, path = "/v1/members/{id}", operation_id = "removeMember", tag = "members",
    params(("id" = Uuid, Path, description = "The person")),
    responses((status = 200, description = "The member that was removed", body = Member)))]
pub(crate) async fn handle(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Json<Member>, ApiProblem> {
    let id: PersonId = extract::id(&id, "member")?;
    expect_seen(&app, &caller, id, &headers).await?;
    let ports = app.people(&caller);
    let removed = members::remove(&ports, &caller.principal, id).await?;
    app.auth.forget_sessions_of(Holder::Person(id));
    Ok(Json(removed.into()))
}
