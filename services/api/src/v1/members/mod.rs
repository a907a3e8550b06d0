//! Members of the own organization.

pub(crate) mod get;
pub(crate) mod list;
pub(crate) mod remove;
pub(crate) mod role;

use axum::http::HeaderMap;
use serde::Serialize;
use spotwright_core::domain::people;
use spotwright_core::use_cases::{Role, members};
use spotwright_schemas::error::Code;
use spotwright_schemas::ids::PersonId;
use utoipa::ToSchema;
use uuid::Uuid;

use super::me::RoleName;
use super::time;
use crate::auth::Caller;
use crate::etag;
use crate::problem::ApiProblem;
use crate::state::App;

/// A person of the organization.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Member {
    /// The person's id.
    id: Uuid,
    /// The address that they sign in with.
    email: String,
    /// What they are called.
    name: String,
    /// What they are there for.
    #[schema(value_type = RoleName)]
    role: Role,
    /// Since when they are a member.
    #[schema(format = DateTime)]
    joined_at: String,
}

impl From<people::Member> for Member {
    fn from(member: people::Member) -> Self {
        Self {
            id: member.person.id.0,
            email: member.person.email.into(),
            name: member.person.name,
            role: member.role,
            joined_at: time(member.joined_at),
        }
    }
}

/// Refuses a change of a member who is not what the client has seen.
async fn expect_seen(
    app: &App,
    caller: &Caller,
    id: PersonId,
    headers: &HeaderMap,
) -> Result<(), ApiProblem> {
    if !etag::is_conditional(headers) {
        return Ok(());
    }
    let now = members::get(app.state.people.as_ref(), &caller.principal, id).await?;
    etag::expect(headers, &Member::from(now))
}

/// Reads a role.
pub(crate) fn role_of(word: &str) -> Result<Role, ApiProblem> {
    word.parse().map_err(|_| {
        let known = Role::ALL.map(Role::as_str).join(", ");
        ApiProblem::new(Code::RequestValue, "role", format!("must be one of {known}"))
    })
}
