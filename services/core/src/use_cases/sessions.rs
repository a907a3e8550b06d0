//! Sessions: signing in and out, and the own sessions.

use std::net::IpAddr;

use spotwright_schemas::Problem;
use spotwright_schemas::error::Code;
use spotwright_schemas::ids::{OrganizationId, PersonId, SessionId};

use super::people::PeoplePorts;
use super::principal::{Principal, Who};
use crate::domain::audit::{Action, Actor};
use crate::domain::people::{Email, Holder, Membership, NewSession, Session, SessionRights};
use crate::ports::entropy::random_id;

/// How long a session lasts: 12 hours, a working day.
pub const SESSION_MICROS: i64 = 12 * 3_600 * 1_000_000;

/// The purpose of a session's codes.
pub const PURPOSE: &str = "session";

/// Somebody who signs in with a password.
pub struct Attempt<'a> {
    /// The address, as it was given.
    pub email: &'a str,
    /// The password.
    pub password: &'a str,
    /// Where they want to work; without it, in the organization that they joined first.
    pub organization: Option<OrganizationId>,
    /// Where they ask from.
    pub address: Option<IpAddr>,
}

/// Checks who signs in with a password, and where they work. Whether the address is unknown, the password
/// wrong, or the person no member, is not told, and takes the same time to find.
///
/// # Errors
/// `Code::Unauthenticated`; `Code::RateLimited` after many attempts; `Code::Frozen` when the operator holds
/// the organization.
pub async fn sign_in(
    ports: &PeoplePorts<'_>,
    attempt: &Attempt<'_>,
) -> Result<(PersonId, Membership), Problem> {
    let refused =
        || Problem::new(Code::Unauthenticated, "email", "the e-mail address or the password is wrong");
    // What is no address is nobody's.
    let email: Email = attempt.email.parse().map_err(|_| refused())?;
    ports.throttle.attempt(&email, attempt.address, ports.now())?;
    let found = ports.people.person_with(&email).await?;
    let stored = found.as_ref().map(|(_, stored)| stored);
    let fits = ports.passwords.is(attempt.password, stored).await?;
    let Some((person, _)) = found.filter(|_| fits) else { return Err(refused()) };
    let memberships = ports.people.memberships(person.id).await?;
    let mut wanted = memberships
        .into_iter()
        .filter(|membership| attempt.organization.is_none_or(|wanted| membership.organization == wanted));
    let first = wanted.next().ok_or_else(refused)?;
    ports.throttle.succeeded(&email, attempt.address);
    let membership =
        if first.frozen { wanted.find(|membership| !membership.frozen).unwrap_or(first) } else { first };
    if membership.frozen {
        let message = "the operator has frozen the organization; nobody signs in";
        return Err(Problem::new(Code::Frozen, "organization", message));
    }
    Ok((person.id, membership))
}

/// Opens a session with the rights of a holder; `token` is what its owner will show.
///
/// # Errors
/// Those of the store, and `Code::Unavailable` without random bytes.
pub async fn open(
    ports: &PeoplePorts<'_>,
    organization: OrganizationId,
    holder: Holder,
    token: &str,
) -> Result<Session, Problem> {
    let now = ports.now();
    let session = NewSession {
        id: SessionId(random_id(ports.record.entropy)?),
        mac: ports.seal.codes(PURPOSE, token).current,
        organization,
        holder,
        created_at: now,
        until: now.saturating_add(SESSION_MICROS),
    };
    let entry =
        ports.record.entry(organization, actor(holder), Action::SessionOpened, ("session", session.id))?;
    ports.people.open_session(&session, &entry).await?;
    let NewSession { id, created_at, until, .. } = session;
    Ok(Session { id, organization, holder, created_at, until })
}

/// Whose sessions a principal may see and end: their own.
fn holder(by: &Principal) -> Result<Holder, Problem> {
    match by.who {
        Who::Key(key) => Ok(Holder::Key(key)),
        Who::Person(person) => Ok(Holder::Person(person)),
        Who::Service(_) => Err(Problem::new(Code::Forbidden, "authorization", "the program has no sessions")),
    }
}

/// The own sessions that go on, newest first.
///
/// # Errors
/// Those of the store.
pub async fn list(ports: &PeoplePorts<'_>, by: &Principal) -> Result<Vec<Session>, Problem> {
    Ok(ports.people.sessions(holder(by)?, ports.now()).await?)
}

/// Ends one of the own sessions.
///
/// # Errors
/// `Code::NotFound` for one that is not there or somebody else's; those of the store.
pub async fn end(ports: &PeoplePorts<'_>, by: &Principal, id: SessionId) -> Result<Session, Problem> {
    end_of(ports, holder(by)?, by.organization, id).await
}

/// Ends the session of a token, if it goes on: whoever has the token may.
///
/// # Errors
/// Those of the store, and `Code::Unavailable` without random bytes.
pub async fn end_presented(ports: &PeoplePorts<'_>, token: &str) -> Result<(), Problem> {
    let codes = ports.seal.codes(PURPOSE, token);
    let Some(SessionRights { session, .. }) = ports.people.session(&codes, ports.now()).await? else {
        return Ok(());
    };
    match end_of(ports, session.holder, session.organization, session.id).await {
        // Somebody else ended it meanwhile.
        Err(problem) if problem.code == Code::NotFound => Ok(()),
        ended => ended.map(|_| ()),
    }
}

async fn end_of(
    ports: &PeoplePorts<'_>,
    holder: Holder,
    organization: OrganizationId,
    id: SessionId,
) -> Result<Session, Problem> {
    let entry = ports.record.entry(organization, actor(holder), Action::SessionEnded, ("session", id))?;
    Ok(ports.people.end_session(holder, id, &entry).await?)
}

const fn actor(holder: Holder) -> Actor {
    match holder {
        Holder::Key(key) => Actor::Key(key),
        Holder::Person(person) => Actor::Person(person),
    }
}
