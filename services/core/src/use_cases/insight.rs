//! The rows behind what is told of an organization as a whole: what was predicted and came of it, and its
//! campaigns.

use spotwright_schemas::Problem;
use spotwright_schemas::ids::RunId;

use super::principal::Principal;
use crate::domain::account::Scope;
use crate::domain::campaign::{Campaign, CampaignFilter, ServingStatus};
use crate::domain::observation::SourceKind;
use crate::domain::report::{Exposure, ReportFormat, ReportKind, ReportOrder};
use crate::ports::accounts::{AccountStore, Page};

/// Most campaigns that the market is told over.
const MOST_CAMPAIGNS: u32 = 200;

/// What variants did by one kind of source, with what was predicted of them.
///
/// # Errors
/// `Code::Forbidden` without `results:read`; `Code::NotFound` for the run.
pub async fn exposures(
    accounts: &dyn AccountStore,
    by: &Principal,
    source: SourceKind,
    run: Option<RunId>,
) -> Result<Vec<Exposure>, Problem> {
    by.expect(Scope::ResultsRead)?;
    if let Some(run) = run {
        accounts.run(by.context(), run).await?;
    }
    let (kind, format) = (ReportKind::Performance, ReportFormat::Json);
    let order = ReportOrder { kind, format, source, run, from: None, to: None };
    Ok(accounts.shown_creatives(by.context(), &order).await?)
}

/// The newest campaigns, at most 200. Only the market tells of auctions, so there are none of imported
/// numbers.
///
/// # Errors
/// As [`exposures`].
pub async fn campaigns(
    accounts: &dyn AccountStore,
    by: &Principal,
    source: SourceKind,
    run: Option<RunId>,
    status: Option<ServingStatus>,
) -> Result<Vec<Campaign>, Problem> {
    by.expect(Scope::ResultsRead)?;
    if let Some(run) = run {
        accounts.run(by.context(), run).await?;
    }
    if source != SourceKind::Simulated {
        return Ok(Vec::new());
    }
    let filter = CampaignFilter { run, status, ..CampaignFilter::default() };
    let page = Page { before: None, limit: MOST_CAMPAIGNS };
    let found = accounts.campaigns(by.context(), &filter, page).await?;
    Ok(found.into_iter().map(|row| row.row).collect())
}
