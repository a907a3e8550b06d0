//! Organizations: in the hands of operators, and the own one.

use serde_json::json;
use spotwright_schemas::Problem;
use spotwright_schemas::error::Code;
use spotwright_schemas::ids::{KeyId, OrganizationId};
use spotwright_schemas::mode::Mode;

use super::invitations::{self, InvitationOrder, InvitationToken};
use super::names::check_name;
use super::people::PeoplePorts;
use super::principal::{Principal, Role};
use super::record::Record;
use crate::domain::account::{
    FoundedOrganization, KeyRecord, Limit, NewKey, NewOrganization, Organization, OrganizationBudget, Scope,
};
use crate::domain::audit::Action;
use crate::domain::people::{Email, Invitation};
use crate::ports::accounts::{AccountStore, Page, Positioned, WriteKey, Written};

/// Rows read at once where all are wanted.
const WHOLE_PAGE: u32 = 200;

/// An operator, in an organization that they name: they may do there what its members may.
///
/// # Errors
/// `Code::Forbidden` without `operator`; [`Code::NotFound`] for an organization that does not exist.
pub async fn named(
    accounts: &dyn AccountStore,
    by: &Principal,
    organization: OrganizationId,
) -> Result<Principal, Problem> {
    by.expect(Scope::Operator)?;
    let there = within(by, organization);
    accounts.organization(there.context()).await?;
    Ok(there)
}

/// As [`named`], for what operators must not do to themselves.
///
/// # Errors
/// As [`named`]; [`Code::RequestValue`] for their own organization.
pub async fn named_other(
    accounts: &dyn AccountStore,
    by: &Principal,
    organization: OrganizationId,
) -> Result<Principal, Problem> {
    let there = named(accounts, by, organization).await?;
    if organization == by.organization {
        return Err(Problem::new(Code::RequestValue, "id", "is your own organization"));
    }
    Ok(there)
}

fn within(by: &Principal, organization: OrganizationId) -> Principal {
    let mut scopes = Scope::CUSTOMER.to_vec();
    scopes.push(Scope::Operator);
    Principal { organization, who: by.who.clone(), scopes }
}

/// Makes an organization with its first key.
///
/// # Errors
/// `Code::Forbidden` without `operator`; [`Code::RequestValue`] for the name; those of repeated writes.
pub async fn found(
    accounts: &dyn AccountStore,
    record: &Record<'_>,
    by: &Principal,
    write: &WriteKey,
    new: &NewOrganization,
    key: &NewKey,
) -> Result<Written<FoundedOrganization>, Problem> {
    by.expect(Scope::Operator)?;
    check_name("name", &new.name)?;
    let written = accounts.create_organization(by.context(), write, new, key).await?;
    if let Written::Fresh(founded) = &written {
        let id = founded.organization.id;
        let after = json!({ "name": founded.organization.name, "key": founded.key.id });
        let target = ("organization", id);
        record.note(by, id, Action::OrganizationFounded, target, Some(after)).await;
    }
    Ok(written)
}

/// Invites the first owner of an organization, by the same order that made it.
///
/// # Errors
/// As [`invitations::invite`].
pub async fn invite_owner(
    ports: &PeoplePorts<'_>,
    by: &Principal,
    write: &WriteKey,
    organization: OrganizationId,
    email: Email,
    name: Option<String>,
) -> Result<(Written<Invitation>, InvitationToken), Problem> {
    by.expect(Scope::Operator)?;
    let there = within(by, organization);
    let order = InvitationOrder { email, name, role: Role::Owner };
    invitations::invite(ports, &there, &of_operator(write), order).await
}

/// The key of a write that an operator makes among an organization's own: none of its requests can have it.
fn of_operator(write: &WriteKey) -> WriteKey {
    WriteKey { key: format!("operator {}", write.key), fingerprint: write.fingerprint }
}

/// All organizations, newest first.
///
/// # Errors
/// `Code::Forbidden` without `operator`; those of the store.
pub async fn list(
    accounts: &dyn AccountStore,
    by: &Principal,
    page: Page,
) -> Result<Vec<Positioned<Organization>>, Problem> {
    by.expect(Scope::Operator)?;
    Ok(accounts.organizations(by.context(), page).await?)
}

/// Refuses the keys and sessions of an organization, or takes them again.
///
/// # Errors
/// As [`named_other`].
pub async fn set_frozen(
    accounts: &dyn AccountStore,
    record: &Record<'_>,
    by: &Principal,
    organization: OrganizationId,
    frozen: bool,
) -> Result<Organization, Problem> {
    named_other(accounts, by, organization).await?;
    let changed = accounts.set_frozen(organization, frozen).await?;
    let action = if frozen { Action::OrganizationFrozen } else { Action::OrganizationUnfrozen };
    record.note(by, organization, action, ("organization", organization), None).await;
    Ok(changed)
}

/// What an organization may spend; `None` when nothing limits it.
///
/// # Errors
/// `Code::Forbidden` without `operator`; those of the store.
pub async fn budget(
    accounts: &dyn AccountStore,
    by: &Principal,
    organization: OrganizationId,
) -> Result<Option<OrganizationBudget>, Problem> {
    by.expect(Scope::Operator)?;
    Ok(accounts.organization_budget(organization).await?)
}

/// Limits what an organization may spend.
///
/// # Errors
/// `Code::Forbidden` without `operator`; [`Code::NotFound`]; those of the store.
pub async fn limit(
    accounts: &dyn AccountStore,
    record: &Record<'_>,
    by: &Principal,
    organization: OrganizationId,
    limit: Limit,
) -> Result<OrganizationBudget, Problem> {
    by.expect(Scope::Operator)?;
    let budget = accounts.limit_organization(organization, limit).await?;
    let after = json!({ "cap_micros": budget.cap, "currency": budget.currency });
    let target = ("organization", organization);
    record.note(by, organization, Action::BudgetSet, target, Some(after)).await;
    Ok(budget)
}

/// Takes the limit of an organization away.
///
/// # Errors
/// `Code::Forbidden` without `operator`; [`Code::NotFound`]; those of the store.
pub async fn unlimit(
    accounts: &dyn AccountStore,
    record: &Record<'_>,
    by: &Principal,
    organization: OrganizationId,
) -> Result<(), Problem> {
    by.expect(Scope::Operator)?;
    accounts.unlimit_organization(organization).await?;
    let target = ("organization", organization);
    record.note(by, organization, Action::BudgetRemoved, target, None).await;
    Ok(())
}

/// Makes a key that may do everything within an organization; of its mode.
///
/// # Errors
/// As [`named`]; [`Code::RequestValue`] for its name; those of repeated writes.
pub async fn replace_key(
    accounts: &dyn AccountStore,
    record: &Record<'_>,
    by: &Principal,
    organization: OrganizationId,
    write: &WriteKey,
    key: &NewKey,
) -> Result<Written<KeyRecord>, Problem> {
    let there = named(accounts, by, organization).await?;
    super::keys::create(accounts, record, &there, &of_operator(write), (Mode::of(organization), key)).await
}

/// The keys of an organization, newest first.
///
/// # Errors
/// As [`named`].
pub async fn keys(
    accounts: &dyn AccountStore,
    by: &Principal,
    organization: OrganizationId,
    page: Page,
) -> Result<Vec<Positioned<KeyRecord>>, Problem> {
    let there = named(accounts, by, organization).await?;
    super::keys::list(accounts, &there, Mode::of(organization), page).await
}

/// Revokes a key of an organization, the last one too.
///
/// # Errors
/// As [`named_other`]; [`Code::NotFound`] for the key.
pub async fn revoke_key(
    accounts: &dyn AccountStore,
    record: &Record<'_>,
    by: &Principal,
    organization: OrganizationId,
    key: KeyId,
) -> Result<KeyRecord, Problem> {
    let there = named_other(accounts, by, organization).await?;
    let revoked = accounts.revoke_key(there.context(), key, false).await?;
    record.note(by, organization, Action::KeyRevoked, ("key", key), None).await;
    Ok(revoked)
}

/// Revokes every key of an organization; those that were valid until now, newest first.
///
/// # Errors
/// As [`named_other`].
pub async fn revoke_keys(
    accounts: &dyn AccountStore,
    record: &Record<'_>,
    by: &Principal,
    organization: OrganizationId,
) -> Result<Vec<KeyRecord>, Problem> {
    let there = named_other(accounts, by, organization).await?;
    let mut revoked = Vec::new();
    let mut page = Page { before: None, limit: WHOLE_PAGE };
    loop {
        let found = accounts.keys(there.context(), page).await?;
        let Some(last) = found.last() else { return Ok(revoked) };
        page.before = Some(last.position);
        for key in found.into_iter().map(|key| key.row).filter(|key| key.revoked_at.is_none()) {
            revoked.push(accounts.revoke_key(there.context(), key.id, false).await?);
            record.note(by, organization, Action::KeyRevoked, ("key", key.id), None).await;
        }
    }
}
