//! The demo of a service, which its visitor closes for good.
//!
//! What it did with money stays in the ledger, as everybody's; nothing else of it can be reached any more:
//! its keys, sessions and links are refused, its runs have ended. No other organization is touched.

use spotwright_schemas::Problem;
use spotwright_schemas::error::Code;
use spotwright_schemas::ids::OrganizationId;

use super::people::PeoplePorts;
use super::principal::{Principal, Role, Who};
use crate::domain::account::{Organization, Scope};
use crate::domain::audit::Action;
use crate::ports::accounts::{AccountStore, Page};

/// Rows read at once where all are wanted.
const WHOLE_PAGE: u32 = 200;

/// Who closes the demo: an owner, or who has its key. With the rights that ending its work takes.
///
/// # Errors
/// `Code::Forbidden` without `members:admin` and for a person who is no owner; [`Code::NotFound`] in an
/// organization that is no demo.
pub async fn steward(
    ports: &PeoplePorts<'_>,
    by: &Principal,
    demo: Option<OrganizationId>,
) -> Result<Principal, Problem> {
    by.expect(Scope::MembersAdmin)?;
    if demo != Some(by.organization) {
        return Err(Problem::new(Code::NotFound, "", "this organization is no demo; nothing was removed"));
    }
    if let Who::Person(person) = by.who
        && ports.people.member(by.context(), person).await?.role != Role::Owner
    {
        return Err(Problem::new(Code::Forbidden, "", "only an owner removes the demo; sign in as one"));
    }
    Ok(Principal { organization: by.organization, who: by.who.clone(), scopes: Scope::CUSTOMER.to_vec() })
}

/// Closes the demo: nobody enters it any more, also where a key was stored elsewhere.
///
/// # Errors
/// As [`steward`]; those of the store.
pub async fn close(
    ports: &PeoplePorts<'_>,
    accounts: &dyn AccountStore,
    by: &Principal,
    demo: Option<OrganizationId>,
) -> Result<Organization, Problem> {
    let steward = steward(ports, by, demo).await?;
    let closed = accounts.set_frozen(steward.organization, true).await?;
    let target = ("organization", steward.organization);
    ports.record.note(by, steward.organization, Action::DemoRemoved, target, None).await;
    let mut page = Page { before: None, limit: WHOLE_PAGE };
    loop {
        let found = accounts.keys(steward.context(), page).await?;
        let Some(last) = found.last() else { return Ok(closed) };
        page.before = Some(last.position);
        for key in found.into_iter().map(|key| key.row).filter(|key| key.revoked_at.is_none()) {
            accounts.revoke_key(steward.context(), key.id, false).await?;
        }
    }
}
