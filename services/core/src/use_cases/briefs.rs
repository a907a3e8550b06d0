//! Briefs of the own organization.

use serde_json::json;
use spotwright_schemas::Problem;
use spotwright_schemas::brief::Brief;
use spotwright_schemas::error::Code;
use spotwright_schemas::ids::{AssetId, BriefId};

use super::principal::Principal;
use super::record::Record;
use crate::domain::account::{BriefRecord, BriefSummary, NewBrief, Scope};
use crate::domain::audit::Action;
use crate::domain::copy_rules::terms;
use crate::ports::accounts::{AccountStore, Page, Positioned, WriteKey, Written};
use crate::ports::letters::{Letters, check_brief};

/// Reads a brief and checks it whole: its shape, its values, what an ad may say of it, and that it can be
/// drawn.
///
/// # Errors
/// `Code::Forbidden` without `briefs:write`; the brief's own, with the path of the field in it.
pub fn check(letters: &dyn Letters, by: &Principal, text: &[u8]) -> Result<Brief, Problem> {
    by.expect(Scope::BriefsWrite)?;
    let brief = Brief::from_json(text)?;
    terms::expect_sayable(&brief)?;
    check_brief(letters, &brief)?;
    Ok(brief)
}

/// Records a brief that was checked; its pictures must be the organization's.
///
/// # Errors
/// `Code::Forbidden` without `briefs:write`; [`Code::PictureUnreadable`] for a picture that is not there; those of
/// repeated writes.
pub async fn create(
    accounts: &dyn AccountStore,
    record: &Record<'_>,
    by: &Principal,
    write: &WriteKey,
    new: &NewBrief,
) -> Result<Written<BriefSummary>, Problem> {
    by.expect(Scope::BriefsWrite)?;
    let ids: Vec<AssetId> = new.assets.values().copied().collect();
    let found = accounts.assets_by_id(by.context(), &ids).await?;
    if let Some((file, _)) = new.assets.keys().zip(found).find(|(_, asset)| asset.is_none()) {
        let message = "there is no such asset; upload the picture first";
        return Err(Problem::new(Code::PictureUnreadable, format!("assets.{file}"), message));
    }
    let written = accounts.create_brief(by.context(), write, new).await?;
    if let Written::Fresh(made) = &written {
        let after = json!({ "name": made.name });
        record.note(by, by.organization, Action::BriefMade, ("brief", made.id), Some(after)).await;
    }
    Ok(written)
}

/// The briefs, newest first.
///
/// # Errors
/// `Code::Forbidden` without `briefs:read`; those of the store.
pub async fn list(
    accounts: &dyn AccountStore,
    by: &Principal,
    page: Page,
) -> Result<Vec<Positioned<BriefSummary>>, Problem> {
    by.expect(Scope::BriefsRead)?;
    Ok(accounts.briefs(by.context(), page).await?)
}

/// One brief.
///
/// # Errors
/// `Code::Forbidden` without `briefs:read`; [`Code::NotFound`].
pub async fn get(accounts: &dyn AccountStore, by: &Principal, id: BriefId) -> Result<BriefRecord, Problem> {
    by.expect(Scope::BriefsRead)?;
    Ok(accounts.brief(by.context(), id).await?)
}
