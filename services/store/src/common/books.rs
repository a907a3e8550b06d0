//! The books over the shared queries, read on the readers.

use async_trait::async_trait;
use spotwright_core::domain::account::OrganizationContext;
use spotwright_core::domain::books::{LedgerFilter, LedgerLine, Usage};
use spotwright_core::domain::estimate::MeasuredRun;
use spotwright_core::domain::variant::Placement;
use spotwright_core::ports::accounts::{AccountError, Page, Positioned};
use spotwright_core::ports::books::Books;
use spotwright_schemas::ids::RunId;
use spotwright_schemas::money::Currency;

use super::{Store, books};

#[async_trait]
impl Books for Store {
    async fn ledger(
        &self,
        context: OrganizationContext,
        filter: LedgerFilter,
        page: Page,
    ) -> Result<Vec<Positioned<LedgerLine>>, AccountError> {
        Ok(books::ledger(&mut *self.tenant(context).await?, context, filter, page).await?)
    }

    async fn usage(
        &self,
        context: OrganizationContext,
        from: Option<i64>,
        to: Option<i64>,
    ) -> Result<Usage, AccountError> {
        Ok(books::usage(&mut *self.tenant(context).await?, context, from, to).await?)
    }

    async fn placements(
        &self,
        context: OrganizationContext,
        run: RunId,
    ) -> Result<Vec<Placement>, AccountError> {
        Ok(books::placements(&mut *self.tenant(context).await?, context, run).await?)
    }

    async fn measured_runs(
        &self,
        context: OrganizationContext,
        currency: Currency,
        limit: u32,
    ) -> Result<Vec<MeasuredRun>, AccountError> {
        Ok(books::measured_runs(&mut *self.tenant(context).await?, context, currency, limit).await?)
    }
}
