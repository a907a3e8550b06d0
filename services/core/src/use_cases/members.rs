//! Members of the own organization.

use spotwright_schemas::Problem;
use spotwright_schemas::error::Code;
use spotwright_schemas::ids::PersonId;

use super::people::PeoplePorts;
use super::principal::{Principal, Role, Who};
use crate::domain::account::Scope;
use crate::domain::audit::Action;
use crate::domain::people::Member;
use crate::ports::accounts::{Page, Positioned};
use crate::ports::people::PeopleStore;

/// The members, newest first.
///
/// # Errors
/// `Code::Forbidden` without `members:admin`; those of the store.
pub async fn list(
    people: &dyn PeopleStore,
    by: &Principal,
    page: Page,
) -> Result<Vec<Positioned<Member>>, Problem> {
    by.expect(Scope::MembersAdmin)?;
    Ok(people.members(by.context(), page).await?)
}

/// One member.
///
/// # Errors
/// `Code::Forbidden` without `members:admin`; `Code::NotFound`.
pub async fn get(people: &dyn PeopleStore, by: &Principal, person: PersonId) -> Result<Member, Problem> {
    by.expect(Scope::MembersAdmin)?;
    Ok(people.member(by.context(), person).await?)
}

/// Gives a member another role.
///
/// # Errors
/// `Code::Forbidden` without `members:admin`, and for an owner's role without being one; `Code::NotFound`;
/// `Code::LastOwner`.
pub async fn change_role(
    ports: &PeoplePorts<'_>,
    by: &Principal,
    person: PersonId,
    role: Role,
) -> Result<Member, Problem> {
    by.expect(Scope::MembersAdmin)?;
    let member = ports.people.member(by.context(), person).await?;
    if role == Role::Owner || member.role == Role::Owner {
        expect_owner(ports.people, by).await?;
    }
    let actor = by.actor_in(by.organization);
    let entry = ports.record.entry(by.organization, actor, Action::RoleChanged, ("member", person))?;
    Ok(ports.people.change_role(by.context(), person, role, &entry).await?)
}

/// Removes a member, whose sessions in the organization end.
///
/// # Errors
/// As [`change_role`].
pub async fn remove(ports: &PeoplePorts<'_>, by: &Principal, person: PersonId) -> Result<Member, Problem> {
    by.expect(Scope::MembersAdmin)?;
    let member = ports.people.member(by.context(), person).await?;
    if member.role == Role::Owner {
        expect_owner(ports.people, by).await?;
    }
    let actor = by.actor_in(by.organization);
    let entry = ports.record.entry(by.organization, actor, Action::MemberRemoved, ("member", person))?;
    Ok(ports.people.remove_member(by.context(), person, &entry).await?)
}

/// Refuses who may not make and remove owners: that is an owner's, an operator's, and, in an organization
/// that has no owner yet, everybody's who may invite.
pub(super) async fn expect_owner(people: &dyn PeopleStore, by: &Principal) -> Result<(), Problem> {
    let allowed = match by.who {
        Who::Person(person) => people.member(by.context(), person).await?.role == Role::Owner,
        Who::Service(_) => true,
        Who::Key(_) => by.may(Scope::Operator),
    };
    if allowed || !people.has_owner(by.context()).await? {
        return Ok(());
    }
    let message = "only an owner makes and removes owners; sign in as one";
    Err(Problem::new(Code::Forbidden, "role", message))
}
