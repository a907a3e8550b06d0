//! Invitations: how people come into an organization.

use std::fmt;
use std::fmt::Write as _;
use std::net::IpAddr;

use serde_json::json;
use spotwright_schemas::Problem;
use spotwright_schemas::error::Code;
use spotwright_schemas::ids::{InvitationId, PersonId};

use super::members::expect_owner;
use super::names::check_name;
use super::passwords::Passwords;
use super::people::PeoplePorts;
use super::principal::{Principal, Role};
use crate::domain::account::Scope;
use crate::domain::audit::{Action, Actor, NewAuditEntry};
use crate::domain::people::{
    Email, Invitation, InvitationState, NewInvitation, NewPerson, ReceivedInvitation,
};
use crate::ports::accounts::{Page, Positioned, WriteKey, Written};
use crate::ports::entropy::random_id;
use crate::ports::entropy::{Entropy, EntropyError};
use crate::ports::people::{Accepted, Newcomer, PeopleError, PeopleStore};

/// How long an invitation is good for: a week.
pub const INVITATION_MICROS: i64 = 7 * 24 * 3_600 * 1_000_000;

/// The purpose of an invitation's codes.
const PURPOSE: &str = "invitation";

const TOKEN_BYTES: usize = 32;

/// The text that accepts an invitation. Not shown by `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct InvitationToken(String);

impl InvitationToken {
    /// A token of 64 random hexadecimal digits.
    fn generate(entropy: &dyn Entropy) -> Result<Self, EntropyError> {
        let mut bytes = [0_u8; TOKEN_BYTES];
        entropy.fill(&mut bytes)?;
        let mut text = String::with_capacity(2 * TOKEN_BYTES);
        for byte in bytes {
            // Writing to a text cannot fail.
            write!(text, "{byte:02x}").ok();
        }
        Ok(Self(text))
    }

    /// The text itself, for the one answer that shows it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for InvitationToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("InvitationToken(secret)")
    }
}

/// Who is invited, and as what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvitationOrder {
    /// Their address.
    pub email: Email,
    /// What they are called, where that is known.
    pub name: Option<String>,
    /// What they shall be there for.
    pub role: Role,
}

/// Somebody who accepts an invitation.
pub struct Acceptance<'a> {
    /// The token of the invitation.
    pub token: &'a str,
    /// What somebody who is new wants to be called; without it, what the invitation calls them.
    pub name: Option<&'a str>,
    /// The password that somebody who is new chooses, or that a known person has.
    pub password: &'a str,
    /// Where they ask from.
    pub address: Option<IpAddr>,
}

/// Invites somebody. The token is for whoever sends the invitation on; it is kept nowhere.
///
/// # Errors
/// `Code::Forbidden` without `members:admin`, and for an owner without being one; `Code::RequestValue` for a
/// name; `Code::MemberAlready`; those of repeated writes.
pub async fn invite(
    ports: &PeoplePorts<'_>,
    by: &Principal,
    write: &WriteKey,
    order: InvitationOrder,
) -> Result<(Written<Invitation>, InvitationToken), Problem> {
    by.expect(Scope::MembersAdmin)?;
    if order.role == Role::Owner {
        expect_owner(ports.people, by).await?;
    }
    if let Some(name) = &order.name {
        check_name("name", name)?;
    }
    let token = InvitationToken::generate(ports.record.entropy)?;
    let now = ports.now();
    let new = NewInvitation {
        id: InvitationId(random_id(ports.record.entropy)?),
        email: order.email,
        name: order.name,
        role: order.role,
        mac: ports.seal.codes(PURPOSE, token.expose()).current,
        created_at: now,
        expires_at: now.saturating_add(INVITATION_MICROS),
    };
    let actor = by.actor_in(by.organization);
    let entry = ports.record.entry(by.organization, actor, Action::InvitationMade, ("invitation", new.id))?;
    let entry = NewAuditEntry { after: Some(json!({ "email": new.email, "role": new.role })), ..entry };
    Ok((ports.people.invite(by.context(), write, &new, &entry).await?, token))
}

/// The invitations, newest first.
///
/// # Errors
/// `Code::Forbidden` without `members:admin`; those of the store.
pub async fn list(
    people: &dyn PeopleStore,
    by: &Principal,
    page: Page,
) -> Result<Vec<Positioned<Invitation>>, Problem> {
    by.expect(Scope::MembersAdmin)?;
    Ok(people.invitations(by.context(), page).await?)
}

/// Revokes an invitation that nobody has accepted; revoking it again changes nothing.
///
/// # Errors
/// `Code::Forbidden` without `members:admin`; `Code::NotFound`; `Code::MemberAlready` for one that was
/// accepted.
pub async fn revoke(
    ports: &PeoplePorts<'_>,
    by: &Principal,
    id: InvitationId,
) -> Result<Invitation, Problem> {
    by.expect(Scope::MembersAdmin)?;
    let actor = by.actor_in(by.organization);
    let entry = ports.record.entry(by.organization, actor, Action::InvitationRevoked, ("invitation", id))?;
    ports.people.revoke_invitation(by.context(), id, ports.now(), &entry).await.map_err(|error| match error {
        PeopleError::NotOpen => {
            let message = "was accepted already; remove the member instead";
            Problem::new(Code::MemberAlready, "id", message)
        }
        other => other.into(),
    })
}

/// What an open invitation says, for whoever has its token.
///
/// # Errors
/// `Code::Unauthenticated`: it is unknown, was accepted or revoked, or has expired.
pub async fn look(ports: &PeoplePorts<'_>, token: &str) -> Result<ReceivedInvitation, Problem> {
    let codes = ports.seal.codes(PURPOSE, token.trim());
    let received = ports.people.received(&codes).await?.ok_or(PeopleError::NotOpen)?;
    if received.invitation.state(ports.now().saturating_add(received.clock_moved)) != InvitationState::Open {
        return Err(PeopleError::NotOpen.into());
    }
    Ok(received)
}

/// Accepts an invitation: somebody new chooses a name and a password, a known person proves who they are.
///
/// # Errors
/// `Code::Unauthenticated` for a token as with [`look`], and for a wrong password; `Code::RequestValue` for a
/// name or a password that cannot be; `Code::RateLimited`; `Code::IdempotencyInFlight` when the same person
/// accepts another invitation at the same time.
pub async fn accept(ports: &PeoplePorts<'_>, acceptance: &Acceptance<'_>) -> Result<Accepted, Problem> {
    let received = look(ports, acceptance.token).await?;
    let newcomer = match received.known {
        Some(person) => Newcomer::Known(proved(ports, person, &received.invitation.email, acceptance).await?),
        None => Newcomer::New(new_person(ports, &received.invitation, acceptance).await?),
    };
    let person = match &newcomer {
        Newcomer::New(new) => new.id,
        Newcomer::Known(person) => *person,
    };
    let actor = Actor::Person(person);
    let entry = ports.record.entry(received.organization, actor, Action::MemberJoined, ("member", person))?;
    let after = json!({ "role": received.invitation.role, "invitation": received.invitation.id });
    let entry = NewAuditEntry { after: Some(after), ..entry };
    let now = ports.now().saturating_add(received.clock_moved);
    Ok(ports.people.accept(received.invitation.id, &newcomer, now, &entry).await?)
}

/// A known person whose password is right.
async fn proved(
    ports: &PeoplePorts<'_>,
    person: PersonId,
    email: &Email,
    acceptance: &Acceptance<'_>,
) -> Result<PersonId, Problem> {
    ports.throttle.attempt(email, acceptance.address, ports.now())?;
    let stored = ports.people.person_with(email).await?.map(|(_, stored)| stored);
    if !ports.passwords.is(acceptance.password, stored.as_ref()).await? {
        let message = "is not the password that you sign in with";
        return Err(Problem::new(Code::Unauthenticated, "password", message));
    }
    ports.throttle.succeeded(email, acceptance.address);
    Ok(person)
}

async fn new_person(
    ports: &PeoplePorts<'_>,
    invitation: &Invitation,
    acceptance: &Acceptance<'_>,
) -> Result<NewPerson, Problem> {
    let name = acceptance.name.or(invitation.name.as_deref()).unwrap_or_default();
    check_name("name", name)?;
    Passwords::check("password", acceptance.password)?;
    Ok(NewPerson {
        id: PersonId(random_id(ports.record.entropy)?),
        name: name.to_owned(),
        password: ports.passwords.hash(acceptance.password, ports.record.entropy).await?,
    })
}
