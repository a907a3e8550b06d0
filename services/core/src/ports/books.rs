//! The books: ledger, usage and campaigns of an organization, read only.

use async_trait::async_trait;
use spotwright_schemas::ids::RunId;
use spotwright_schemas::money::Currency;

use super::accounts::{AccountError, Page, Positioned};
use crate::domain::account::OrganizationContext;
use crate::domain::books::{LedgerFilter, LedgerLine, Usage};
use crate::domain::estimate::MeasuredRun;
use crate::domain::variant::Placement;

/// Reads what an organization's money did.
///
/// Contract:
/// 1. Rows of another organization are missing.
/// 2. The ledger is newest first; a line never changes once it was read.
/// 3. Sums are sums of the ledger's lines, by currency: amounts of two currencies are never added.
#[async_trait]
pub trait Books: Send + Sync {
    /// Movements of money.
    async fn ledger(
        &self,
        context: OrganizationContext,
        filter: LedgerFilter,
        page: Page,
    ) -> Result<Vec<Positioned<LedgerLine>>, AccountError>;

    /// What was settled at or after `from` and before `to`, and what stands reserved now.
    async fn usage(
        &self,
        context: OrganizationContext,
        from: Option<i64>,
        to: Option<i64>,
    ) -> Result<Usage, AccountError>;

    /// The placements of a run, by generation.
    async fn placements(
        &self,
        context: OrganizationContext,
        run: RunId,
    ) -> Result<Vec<Placement>, AccountError>;

    /// What the newest runs that were ordered in a currency and did what they could were charged, newest first:
    /// those that are completed or have used their budget up, not those that failed or were ended.
    async fn measured_runs(
        &self,
        context: OrganizationContext,
        currency: Currency,
        limit: u32,
    ) -> Result<Vec<MeasuredRun>, AccountError>;
}
