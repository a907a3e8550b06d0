//! Who asks, for which organization, and what they may do there.

use std::str::FromStr;

use serde::{Deserialize, Serialize};
use spotwright_schemas::Problem;
use spotwright_schemas::error::Code;
use spotwright_schemas::ids::{KeyId, OrganizationId, PersonId};

use crate::domain::account::Scope;

/// What a member of an organization is there for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Everything, and the only one who may make or remove owners.
    Owner,
    /// Everything but owners.
    Admin,
    /// Makes briefs and runs.
    Editor,
    /// Approves and rejects.
    Approver,
    /// Hands in results, plans and decides experiments.
    Analyst,
    /// Reads.
    Viewer,
}

impl Role {
    /// Every role, the most powerful first.
    pub const ALL: [Self; 6] =
        [Self::Owner, Self::Admin, Self::Editor, Self::Approver, Self::Analyst, Self::Viewer];

    /// The role as written, e.g. `viewer`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Admin => "admin",
            Self::Editor => "editor",
            Self::Approver => "approver",
            Self::Analyst => "analyst",
            Self::Viewer => "viewer",
        }
    }

    /// What a member with this role may do.
    #[must_use]
    pub const fn scopes(self) -> &'static [Scope] {
        match self {
            Self::Owner | Self::Admin => &Scope::CUSTOMER,
            Self::Editor => &[
                Scope::BriefsRead,
                Scope::BriefsWrite,
                Scope::RunsRead,
                Scope::RunsWrite,
                Scope::ResultsRead,
            ],
            Self::Approver => {
                &[Scope::BriefsRead, Scope::RunsRead, Scope::ApprovalsWrite, Scope::ResultsRead]
            }
            Self::Analyst => &[
                Scope::BriefsRead,
                Scope::RunsRead,
                Scope::ResultsRead,
                Scope::ResultsWrite,
                Scope::ExperimentsWrite,
            ],
            Self::Viewer => &[Scope::BriefsRead, Scope::RunsRead, Scope::ResultsRead],
        }
    }
}

impl std::fmt::Display for Role {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A word that names no role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no such role")]
pub struct UnknownRole;

impl FromStr for Role {
    type Err = UnknownRole;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|role| role.as_str() == text).ok_or(UnknownRole)
    }
}

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Who {
    /// The holder of a key.
    Key(KeyId),
    /// A person who is signed in.
    Person(PersonId),
    /// The program itself, on behalf of an organization: which part of it.
    Service(&'static str),
}

/// Somebody who asks for something in one organization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// The only organization whose rows may be touched.
    pub organization: OrganizationId,
    /// Who it is.
    pub who: Who,
    /// What they may do.
    pub scopes: Vec<Scope>,
}

impl Principal {
    /// The program itself, which may do everything within `organization`.
    #[must_use]
    pub fn service(organization: OrganizationId, part: &'static str) -> Self {
        Self { organization, who: Who::Service(part), scopes: Scope::CUSTOMER.to_vec() }
    }

    /// Whether they may do what `scope` allows.
    #[must_use]
    pub fn may(&self, scope: Scope) -> bool {
        self.scopes.contains(&scope)
    }

    /// Refuses who may not do what `scope` allows.
    ///
    /// # Errors
    /// `Code::Forbidden`, with the scope that is missing.
    pub fn expect(&self, scope: Scope) -> Result<(), Problem> {
        if self.may(scope) {
            return Ok(());
        }
        let message = format!("this needs the permission `{scope}`");
        Err(Problem::new(Code::Forbidden, "authorization", message))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_without_the_permission_gets_through() {
        let organization = OrganizationId::derive(1, "organization", 0);
        let person = PersonId::derive(1, "person", 0);
        for role in Role::ALL {
            let principal =
                Principal { organization, who: Who::Person(person), scopes: role.scopes().to_vec() };
            for scope in Scope::ALL {
                assert_eq!(principal.expect(scope).is_ok(), role.scopes().contains(&scope));
            }
            assert!(!principal.may(Scope::Operator), "no role of an organization runs the service");
            assert_eq!(role.as_str().parse(), Ok(role));
        }
    }

    #[test]
    fn everybody_reads_and_only_owners_and_admins_hand_out_rights() {
        for role in Role::ALL {
            assert!(role.scopes().contains(&Scope::RunsRead));
            let hands_out = matches!(role, Role::Owner | Role::Admin);
            assert_eq!(role.scopes().contains(&Scope::MembersAdmin), hands_out);
            assert_eq!(role.scopes().contains(&Scope::KeysAdmin), hands_out);
        }
    }
}
