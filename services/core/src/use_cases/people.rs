//! Somebody about themselves.

use spotwright_schemas::Problem;
use spotwright_schemas::error::Code;
use spotwright_schemas::ids::{PersonId, SessionId};

use super::passwords::Passwords;
use super::principal::{Principal, Role, Who};
use super::record::Record;
use super::throttle::Throttle;
use crate::domain::audit::Action;
use crate::domain::people::{Membership, Person};
use crate::ports::people::{PeopleStore, TokenSeal};

/// What the use cases of people, members, invitations and sessions work with.
#[derive(Clone, Copy)]
pub struct PeoplePorts<'a> {
    /// People, members, invitations and sessions.
    pub people: &'a dyn PeopleStore,
    /// Codes of tokens.
    pub seal: &'a dyn TokenSeal,
    /// Hashes of passwords.
    pub passwords: &'a Passwords,
    /// Attempts to sign in.
    pub throttle: &'a Throttle,
    /// The audit log, the clock and random bytes.
    pub record: Record<'a>,
}

impl PeoplePorts<'_> {
    /// Now, by the clock of the program.
    #[must_use]
    pub fn now(&self) -> i64 {
        self.record.clock.now_micros()
    }
}

/// A person with their organizations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    /// Who it is.
    pub person: Person,
    /// What they are there for in the organization that they work in; `None` for who is no member any more.
    pub role: Option<Role>,
    /// Their organizations, the one joined first at first.
    pub memberships: Vec<Membership>,
}

/// Who asks, where that is a person.
///
/// # Errors
/// Those of the store.
pub async fn profile(people: &dyn PeopleStore, by: &Principal) -> Result<Option<Profile>, Problem> {
    let Who::Person(id) = by.who else { return Ok(None) };
    let Some(person) = people.person(id).await? else { return Ok(None) };
    let memberships = people.memberships(id).await?;
    let own = memberships.iter().find(|membership| membership.organization == by.organization);
    Ok(Some(Profile { person, role: own.map(|membership| membership.role), memberships }))
}

/// Changes the own password and ends the own sessions but `kept`; how many ended.
///
/// # Errors
/// `Code::Forbidden` for a key, `Code::RequestValue` for a password that is too short or too long,
/// `Code::Unauthenticated` for a wrong one, `Code::RateLimited` after many wrong ones.
pub async fn change_password(
    ports: &PeoplePorts<'_>,
    by: &Principal,
    current: &str,
    new: &str,
    kept: Option<SessionId>,
) -> Result<u64, Problem> {
    let id = expect_person(by)?;
    Passwords::check("new", new)?;
    let refused = || Problem::new(Code::Unauthenticated, "current", "is not your password");
    let person = ports.people.person(id).await?.ok_or_else(refused)?;
    let stored = ports.people.person_with(&person.email).await?.map(|(_, stored)| stored);
    ports.throttle.attempt(&person.email, None, ports.now())?;
    if !ports.passwords.is(current, stored.as_ref()).await? {
        return Err(refused());
    }
    ports.throttle.succeeded(&person.email, None);
    let hash = ports.passwords.hash(new, ports.record.entropy).await?;
    let actor = by.actor_in(by.organization);
    let entry = ports.record.entry(by.organization, actor, Action::PasswordChanged, ("person", id))?;
    Ok(ports.people.set_password(id, &hash, kept, &entry).await?)
}

fn expect_person(by: &Principal) -> Result<PersonId, Problem> {
    let Who::Person(id) = by.who else {
        let message = "a key has no password; sign in as a person";
        return Err(Problem::new(Code::Forbidden, "authorization", message));
    };
    Ok(id)
}
