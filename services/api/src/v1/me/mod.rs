//! Whoever asks, about themselves.

pub(crate) mod get;
pub(crate) mod password;
pub(crate) mod session_end;
pub(crate) mod sessions;

use serde::Serialize;
use spotwright_core::domain::people;
use spotwright_core::use_cases::Role;
use utoipa::openapi::schema::Type;
use utoipa::openapi::{ObjectBuilder, RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};
use uuid::Uuid;

use super::time;
use crate::auth::Caller;

/// Somebody who signs in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Person {
    /// Its id.
    id: Uuid,
    /// The address that they sign in with.
    email: String,
    /// What they are called.
    name: String,
}

impl From<people::Person> for Person {
    fn from(person: people::Person) -> Self {
        Self { id: person.id.0, email: person.email.into(), name: person.name }
    }
}

/// An organization by its name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct OrganizationName {
    /// Its id.
    pub(crate) id: Uuid,
    /// Its name.
    pub(crate) name: String,
}

/// An organization of a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Membership {
    /// The organization.
    organization: OrganizationName,
    /// What the person is there for.
    #[schema(value_type = RoleName)]
    role: Role,
}

impl From<people::Membership> for Membership {
    fn from(own: people::Membership) -> Self {
        let organization = OrganizationName { id: own.organization.0, name: own.organization_name };
        Self { organization, role: own.role }
    }
}

/// What a member is there for; only described, the words are those of [`Role`].
pub(crate) struct RoleName;

impl PartialSchema for RoleName {
    fn schema() -> RefOr<Schema> {
        let words = Role::ALL.map(Role::as_str);
        ObjectBuilder::new().schema_type(Type::String).enum_values(Some(words)).into()
    }
}

impl ToSchema for RoleName {}

/// One of the own sessions.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OwnSession {
    /// Its id.
    id: Uuid,
    /// The organization that it works in.
    organization: Uuid,
    /// When it was opened.
    #[schema(format = DateTime)]
    created_at: String,
    /// When it ends.
    #[schema(format = DateTime)]
    expires_at: String,
    /// Whether it carries this request.
    current: bool,
}

impl OwnSession {
    fn of(session: people::Session, caller: &Caller) -> Self {
        Self {
            id: session.id.0,
            organization: session.organization.0,
            created_at: time(session.created_at),
            expires_at: time(session.until),
            current: caller.session.is_some_and(|(id, _)| id == session.id),
        }
    }
}
