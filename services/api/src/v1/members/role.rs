//! `PUT /v1/members/{id}/role`.

use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::{Extension, Json};
use serde::Deserialize;
use spotwright_core::domain::people::Holder;
use spotwright_core::use_cases::members;
use spotwright_schemas::ids::PersonId;
use utoipa::ToSchema;

use super::{Member, expect_seen, role_of};
use crate::auth::Caller;
use crate::extract::{self, JsonBody};
use crate::problem::ApiProblem;
use crate::state::App;
use crate::v1::me::RoleName;

/// Another role.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RoleChange {
    /// What the member shall be there for.
    #[schema(value_type = RoleName)]
    role: String,
}

/// Gives a member another role, from their next request on; other processes of the service may honor the one
/// before for up to two seconds more. Only owners make owners and take that role away (403); the last owner
/// keeps it (409).
#[utoipa::path(put, path = "/v1/members/{id}/role", operation_id = "changeRole", tag = "members",
    params(("id" = Uuid, Path, description = "The person")), request_body = RoleChange,
    responses((status = 200, description = "The member", body = Member)))]
pub(crate) async fn handle(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: JsonBody,
) -> Result<Json<Member>, ApiProblem> {
    let id: PersonId = extract::id(&id, "member")?;
    let RoleChange { role } = extract::json(&body.bytes)?;
    expect_seen(&app, &caller, id, &headers).await?;
    let ports = app.people(&caller);
    let member = members::change_role(&ports, &caller.principal, id, role_of(&role)?).await?;
    app.auth.forget_sessions_of(Holder::Person(id));
    Ok(Json(member.into()))
}
