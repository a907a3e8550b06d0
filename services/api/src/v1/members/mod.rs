//! Members of the own organization.

pub(crate) mod list;
pub(crate) mod remove;
pub(crate) mod role;

use serde::Serialize;
use spotwright_core::domain::people;
use spotwright_core::use_cases::Role;
use spotwright_schemas::error::Code;
use utoipa::ToSchema;
use uuid::Uuid;

use super::me::RoleName;
use super::time;
use crate::problem::ApiProblem;

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

/// Reads a role.
pub(crate) fn role_of(word: &str) -> Result<Role, ApiProblem> {
    word.parse().map_err(|_| {
        let known = Role::ALL.map(Role::as_str).join(", ");
        ApiProblem::new(Code::RequestValue, "role", format!("must be one of {known}"))
    })
}
