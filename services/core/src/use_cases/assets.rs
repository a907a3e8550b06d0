//! Pictures of the own organization.

use serde_json::json;
use spotwright_schemas::Problem;
use spotwright_schemas::error::Code;
use spotwright_schemas::ids::AssetId;

use super::principal::Principal;
use super::record::Record;
use crate::domain::account::{Asset, NewAsset, Scope};
use crate::domain::audit::Action;
use crate::ports::accounts::{AccountError, AccountStore, Page, Positioned, WriteKey, Written};

/// The answer that was given to the same upload before, so that the picture need not be decoded again.
///
/// # Errors
/// `Code::Forbidden` without `briefs:write`; those of repeated writes.
pub async fn recall(
    accounts: &dyn AccountStore,
    by: &Principal,
    write: &WriteKey,
) -> Result<Option<Asset>, Problem> {
    by.expect(Scope::BriefsWrite)?;
    let Some(answer) = accounts.recall(by.context(), write).await? else { return Ok(None) };
    let read = serde_json::from_value(answer);
    read.map(Some).map_err(|error| Problem::new(Code::StoreFormat, "", error.to_string()))
}

/// Refuses a picture for which there is no room. Decided for good where it is recorded; here so that no file is
/// left of what is refused there.
///
/// # Errors
/// `Code::Forbidden` without `briefs:write`; [`Code::AssetQuota`].
pub async fn expect_room(
    accounts: &dyn AccountStore,
    by: &Principal,
    bytes: u64,
    quota: u64,
) -> Result<(), Problem> {
    by.expect(Scope::BriefsWrite)?;
    let used = accounts.asset_usage(by.context()).await?.bytes;
    if used.saturating_add(bytes) > quota {
        return Err(AccountError::Quota { quota, used }.into());
    }
    Ok(())
}

/// Records a picture whose file is stored.
///
/// # Errors
/// `Code::Forbidden` without `briefs:write`; [`Code::AssetQuota`]; those of repeated writes.
pub async fn create(
    accounts: &dyn AccountStore,
    record: &Record<'_>,
    by: &Principal,
    write: &WriteKey,
    new: &NewAsset,
) -> Result<Written<Asset>, Problem> {
    by.expect(Scope::BriefsWrite)?;
    let written = accounts.create_asset(by.context(), write, new).await?;
    if let Written::Fresh(asset) = &written {
        let after = json!({ "name": asset.name, "bytes": asset.bytes });
        record.note(by, by.organization, Action::AssetMade, ("asset", asset.id), Some(after)).await;
    }
    Ok(written)
}

/// The pictures, newest first.
///
/// # Errors
/// `Code::Forbidden` without `briefs:read`; those of the store.
pub async fn list(
    accounts: &dyn AccountStore,
    by: &Principal,
    page: Page,
) -> Result<Vec<Positioned<Asset>>, Problem> {
    by.expect(Scope::BriefsRead)?;
    Ok(accounts.assets(by.context(), page).await?)
}

/// One picture.
///
/// # Errors
/// `Code::Forbidden` without `briefs:read`; [`Code::NotFound`].
pub async fn get(accounts: &dyn AccountStore, by: &Principal, id: AssetId) -> Result<Asset, Problem> {
    by.expect(Scope::BriefsRead)?;
    let found = accounts.assets_by_id(by.context(), &[id]).await?;
    found.into_iter().flatten().next().ok_or_else(|| AccountError::Missing("asset".to_owned()).into())
}

/// Deletes a picture, and says whether nothing else has its file.
///
/// # Errors
/// `Code::Forbidden` without `briefs:write`; [`Code::NotFound`].
pub async fn delete(
    accounts: &dyn AccountStore,
    record: &Record<'_>,
    by: &Principal,
    id: AssetId,
) -> Result<(Asset, bool), Problem> {
    by.expect(Scope::BriefsWrite)?;
    let (asset, unused) = accounts.delete_asset(by.context(), id).await?;
    record.note(by, by.organization, Action::AssetDeleted, ("asset", id), None).await;
    Ok((asset, unused))
}
