//! Keys of the own organization.

use serde_json::json;
use spotwright_schemas::Problem;
use spotwright_schemas::error::Code;
use spotwright_schemas::ids::KeyId;

use super::names::check_name;
use super::principal::Principal;
use super::record::Record;
use crate::domain::account::{KeyRecord, NewKey, Scope};
use crate::domain::audit::Action;
use crate::ports::accounts::{AccountStore, Page, Positioned, WriteKey, Written};

/// Makes a key. Nobody can give what they do not have.
///
/// # Errors
/// `Code::Forbidden` without `keys:admin`, and for a scope that the principal does not have;
/// [`Code::RequestValue`] for a name or without a scope; those of repeated writes.
pub async fn create(
    accounts: &dyn AccountStore,
    record: &Record<'_>,
    by: &Principal,
    write: &WriteKey,
    key: &NewKey,
) -> Result<Written<KeyRecord>, Problem> {
    by.expect(Scope::KeysAdmin)?;
    check_name("name", &key.name)?;
    if key.scopes.is_empty() {
        return Err(Problem::new(Code::RequestValue, "scopes", "must hold at least one scope"));
    }
    if let Some(idx) = key.scopes.iter().position(|scope| !by.may(*scope)) {
        let message = format!("the asking key does not have the scope `{}` itself", key.scopes[idx]);
        return Err(Problem::new(Code::Forbidden, format!("scopes[{idx}]"), message));
    }
    let written = accounts.create_key(by.context(), write, key).await?;
    note_made(record, by, &written).await;
    Ok(written)
}

async fn note_made(record: &Record<'_>, by: &Principal, written: &Written<KeyRecord>) {
    if let Written::Fresh(made) = written {
        let after = json!({ "name": made.name, "scopes": made.scopes });
        record.note(by, by.organization, Action::KeyMade, ("key", made.id), Some(after)).await;
    }
}

/// The keys, newest first; revoked and expired ones too.
///
/// # Errors
/// `Code::Forbidden` without `keys:admin`; those of the store.
pub async fn list(
    accounts: &dyn AccountStore,
    by: &Principal,
    page: Page,
) -> Result<Vec<Positioned<KeyRecord>>, Problem> {
    by.expect(Scope::KeysAdmin)?;
    Ok(accounts.keys(by.context(), page).await?)
}

/// One key, without its text.
///
/// # Errors
/// `Code::Forbidden` without `keys:admin`; [`Code::NotFound`].
pub async fn get(accounts: &dyn AccountStore, by: &Principal, id: KeyId) -> Result<KeyRecord, Problem> {
    by.expect(Scope::KeysAdmin)?;
    Ok(accounts.key(by.context(), id).await?)
}

/// Revokes a key; the last one that may make keys and has no end stays. Revoking it again changes nothing.
///
/// # Errors
/// `Code::Forbidden` without `keys:admin`; [`Code::NotFound`]; [`Code::LastKey`].
pub async fn revoke(
    accounts: &dyn AccountStore,
    record: &Record<'_>,
    by: &Principal,
    id: KeyId,
) -> Result<KeyRecord, Problem> {
    by.expect(Scope::KeysAdmin)?;
    let before = accounts.key(by.context(), id).await?;
    let revoked = accounts.revoke_key(by.context(), id, true).await?;
    if before.revoked_at.is_none() {
        record.note(by, by.organization, Action::KeyRevoked, ("key", id), None).await;
    }
    Ok(revoked)
}
