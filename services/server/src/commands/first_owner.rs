//! The way in of a new installation: `serve` on an empty store makes an organization and prints a link, by
//! which its first owner joins.
//!
//! The link is an invitation as any other: it is good once and for a week, and opens the page where invited
//! people choose a name and a password. As long as nobody has followed one, every start prints a new one.

use spotwright_api::key::{self, Pepper};
use spotwright_core::domain::account::{NewOrganization, OrganizationContext, Scope};
use spotwright_core::domain::people::Email;
use spotwright_core::ports::accounts::{Page, WriteKey};
use spotwright_core::ports::clock::SystemClock;
use spotwright_core::ports::entropy::random_id;
use spotwright_core::use_cases::invitations::{self, InvitationOrder};
use spotwright_core::use_cases::{Passwords, PeoplePorts, Principal, Record, Role, Throttle};
use spotwright_schemas::Problem;
use spotwright_schemas::error::Code;
use spotwright_schemas::ids::{KeyId, OrganizationId};
use uuid::Uuid;

use super::print_text;
use crate::config::Config;
use crate::control::OperatingSystem;
use crate::foundation::Foundation;

/// What the organization is called until its owner is asked.
const NAME: &str = "My organization";

/// How long the organization's first key is valid, whose text nobody has seen: a microsecond.
const KEY_MICROS: i64 = 1;

/// The organization that the first owner joins, the same in every database.
fn organization() -> OrganizationId {
    OrganizationId::derive(0, "first", 0)
}

/// Prints the link of the first owner, where one is awaited.
///
/// # Errors
/// As [`link`].
pub(crate) async fn offer(config: &Config, foundation: &Foundation, pepper: &Pepper) -> Result<(), Problem> {
    if let Some(link) = link(config, foundation, pepper).await? {
        print_text(&format!(
            "Nobody is here yet. The first owner joins by this link, once, within the week:\n{link}\n"
        ));
    }
    Ok(())
}

/// The link of the first owner, where the store holds no organization, or only the one of an owner who has
/// not come yet; `None` where nobody is awaited.
///
/// # Errors
/// [`Code::Option`] when `serve.owner_email` is no address; [`Code::Store`].
async fn link(config: &Config, foundation: &Foundation, pepper: &Pepper) -> Result<Option<String>, Problem> {
    let accounts = foundation.accounts.as_ref();
    let first = OrganizationContext { organization: organization(), key: KeyId(Uuid::nil()) };
    let there = accounts.organizations(first, Page { before: None, limit: 2 }).await?;
    let awaited = match there.as_slice() {
        [] => true,
        [only] => only.row.id == first.organization && !foundation.people.has_owner(first).await?,
        _ => false,
    };
    if !awaited {
        return Ok(None);
    }
    let named = NewOrganization { id: first.organization, name: NAME.to_owned() };
    let (unseen, _) = key::issue(pepper, &OperatingSystem, "first key", &Scope::CUSTOMER, Some(KEY_MICROS))
        .map_err(|error| Problem::new(Code::Prerequisite, "", error.to_string()))?;
    accounts.bootstrap(&named, &unseen).await?;
    invite(config, foundation, pepper, first.organization).await.map(Some)
}

/// Invites the first owner; the address that lets them in.
async fn invite(
    config: &Config,
    foundation: &Foundation,
    pepper: &Pepper,
    organization: OrganizationId,
) -> Result<String, Problem> {
    let email: Email =
        config.serve.owner_email.parse().map_err(|error: spotwright_core::domain::people::NoEmail| {
            Problem::new(Code::Option, "serve.owner_email", error.to_string())
        })?;
    let (passwords, throttle) = (Passwords::default(), Throttle::default());
    let ports = ports(foundation, pepper, &passwords, &throttle);
    let by = Principal::service(organization, "first owner");
    let key = format!("first owner {}", random_id(&OperatingSystem)?);
    let write = WriteKey { key, fingerprint: [0; 32] };
    let order = InvitationOrder { email, name: None, role: Role::Owner };
    let (_, token) = invitations::invite(&ports, &by, &write, order).await?;
    let host = super::demo::host(&config.serve.address);
    Ok(format!("http://{host}/portal/join#token={}", token.expose()))
}

/// What the use cases of people work with.
fn ports<'a>(
    foundation: &'a Foundation,
    pepper: &'a Pepper,
    passwords: &'a Passwords,
    throttle: &'a Throttle,
) -> PeoplePorts<'a> {
    let record = Record {
        log: foundation.audit.as_ref(),
        clock: &SystemClock,
        entropy: &OperatingSystem,
        request_id: None,
    };
    PeoplePorts { people: foundation.people.as_ref(), seal: pepper, passwords, throttle, record }
}

#[cfg(test)]
mod tests {
    use spotwright_core::domain::topology;
    use spotwright_core::use_cases::invitations::Acceptance;

    use super::*;

    async fn opened(folder: &tempfile::TempDir) -> (Config, Foundation) {
        let mut config = Config::load(None).unwrap();
        config.serve.folder = folder.path().display().to_string();
        let foundation = Foundation::open(&config, &topology::Role::ALL).await.unwrap();
        (config, foundation)
    }

    #[tokio::test]
    async fn the_first_owner_joins_by_a_link_and_after_that_there_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let (config, foundation) = opened(&folder).await;
        let pepper = Pepper::new([7; 32]);
        let unused = link(&config, &foundation, &pepper).await.unwrap().unwrap();
        let link_again = link(&config, &foundation, &pepper).await.unwrap().unwrap();
        assert_ne!(unused, link_again, "as long as nobody has come, every start prints one");
        let (page, token) = link_again.split_once("#token=").unwrap();
        assert_eq!(page, "http://127.0.0.1:8080/portal/join");

        let (passwords, throttle) = (Passwords::default(), Throttle::default());
        let ports = ports(&foundation, &pepper, &passwords, &throttle);
        let acceptance =
            Acceptance { token, name: Some("Ada"), password: "correct horse battery", address: None };
        let accepted = invitations::accept(&ports, &acceptance).await.unwrap();
        assert_eq!((accepted.organization, accepted.member.role), (organization(), Role::Owner));
        assert_eq!(invitations::look(&ports, token).await.unwrap_err().code, Code::Unauthenticated);
        assert_eq!(link(&config, &foundation, &pepper).await.unwrap(), None);
    }

    #[tokio::test]
    async fn where_an_operator_makes_organizations_nobody_is_awaited() {
        let folder = tempfile::tempdir().unwrap();
        let (config, foundation) = opened(&folder).await;
        let pepper = Pepper::new([7; 32]);
        let (operators, key, _) = key::operator(&pepper, &OperatingSystem).unwrap();
        assert!(foundation.accounts.bootstrap(&operators, &key).await.unwrap());
        assert_eq!(link(&config, &foundation, &pepper).await.unwrap(), None);
    }
}
