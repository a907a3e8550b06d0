//! Keys of the own organization, and of its sandbox.

use serde_json::json;
use spotwright_schemas::Problem;
use spotwright_schemas::error::Code;
use spotwright_schemas::ids::KeyId;
use spotwright_schemas::mode::Mode;

use super::names::check_name;
use super::principal::Principal;
use super::record::Record;
use crate::domain::account::{KeyRecord, NewKey, OrganizationContext, Scope};
use crate::domain::audit::Action;
use crate::ports::accounts::{AccountError, AccountStore, Page, Positioned, WriteKey, Written};

/// Makes a key. Nobody can give what they do not have, and a test key makes test keys only.
///
/// # Errors
/// `Code::Forbidden` without `keys:admin`, for a scope that the principal does not have, and for a live key
/// asked for with a test key; [`Code::RequestValue`] for a name, without a scope, or for a test key of an
/// operator; those of repeated writes.
pub async fn create(
    accounts: &dyn AccountStore,
    record: &Record<'_>,
    by: &Principal,
    write: &WriteKey,
    (mode, key): (Mode, &NewKey),
) -> Result<Written<KeyRecord>, Problem> {
    let context = within(by, mode)?;
    check_name("name", &key.name)?;
    if key.scopes.is_empty() {
        return Err(Problem::new(Code::RequestValue, "scopes", "must hold at least one scope"));
    }
    if let Some(idx) = key.scopes.iter().position(|scope| !by.may(*scope)) {
        let message = format!("the asking key does not have the scope `{}` itself", key.scopes[idx]);
        return Err(Problem::new(Code::Forbidden, format!("scopes[{idx}]"), message));
    }
    let reaches_out = key.scopes.iter().position(|scope| *scope == Scope::Operator && !mode.is_live());
    if let Some(idx) = reaches_out {
        let message = "reaches organizations outside of the sandbox; a test key cannot have it";
        return Err(Problem::new(Code::RequestValue, format!("scopes[{idx}]"), message));
    }
    if !mode.is_live() {
        accounts.open_sandbox(by.organization).await?;
    }
    let written = accounts.create_key(context, write, key).await?;
    note_made(record, by, mode, &written).await;
    Ok(written)
}

async fn note_made(record: &Record<'_>, by: &Principal, mode: Mode, written: &Written<KeyRecord>) {
    if let Written::Fresh(made) = written {
        let after = json!({ "name": made.name, "scopes": made.scopes, "mode": mode });
        record.note(by, by.organization, Action::KeyMade, ("key", made.id), Some(after)).await;
    }
}

/// The keys of a mode, newest first; revoked and expired ones too.
///
/// # Errors
/// `Code::Forbidden` without `keys:admin`, and for live keys asked for with a test key; those of the store.
pub async fn list(
    accounts: &dyn AccountStore,
    by: &Principal,
    mode: Mode,
    page: Page,
) -> Result<Vec<Positioned<KeyRecord>>, Problem> {
    Ok(accounts.keys(within(by, mode)?, page).await?)
}

/// One key, without its text, and its mode.
///
/// # Errors
/// `Code::Forbidden` without `keys:admin`; [`Code::NotFound`].
pub async fn get(
    accounts: &dyn AccountStore,
    by: &Principal,
    id: KeyId,
) -> Result<(Mode, KeyRecord), Problem> {
    by.expect(Scope::KeysAdmin)?;
    let own = Mode::of(by.organization);
    match accounts.key(by.context(), id).await {
        Err(AccountError::Missing(_)) if own.is_live() => {
            Ok((Mode::Test, accounts.key(within(by, Mode::Test)?, id).await?))
        }
        found => Ok((own, found?)),
    }
}

/// Revokes a key; the last live one that may make keys and has no end stays. Revoking it again changes
/// nothing.
///
/// # Errors
/// `Code::Forbidden` without `keys:admin`; [`Code::NotFound`]; [`Code::LastKey`].
pub async fn revoke(
    accounts: &dyn AccountStore,
    record: &Record<'_>,
    by: &Principal,
    id: KeyId,
) -> Result<(Mode, KeyRecord), Problem> {
    let (mode, before) = get(accounts, by, id).await?;
    // A live key makes another test key, so a sandbox may lose all of its own.
    let revoked = accounts.revoke_key(within(by, mode)?, id, mode.is_live()).await?;
    if before.revoked_at.is_none() {
        record.note(by, by.organization, Action::KeyRevoked, ("key", id), None).await;
    }
    Ok((mode, revoked))
}

/// Where the keys of a mode stand, as far as the principal may reach.
fn within(by: &Principal, mode: Mode) -> Result<OrganizationContext, Problem> {
    by.expect(Scope::KeysAdmin)?;
    let context = by.context();
    match (Mode::of(by.organization), mode) {
        (Mode::Test, Mode::Live) => {
            let message = "a test key reaches no live keys";
            Err(Problem::new(Code::Forbidden, "mode", message))
        }
        (_, Mode::Test) => Ok(OrganizationContext { organization: by.organization.sandbox(), ..context }),
        (Mode::Live, Mode::Live) => Ok(context),
    }
}
