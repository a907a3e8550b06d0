//! Reports: orders for tables, who makes them, and what they are made from.

use std::time::Duration;

use async_trait::async_trait;
use spotwright_schemas::Problem;
use spotwright_schemas::ids::ReportId;

use super::accounts::{AccountError, Page, Positioned, WriteKey, Written};
use crate::domain::account::OrganizationContext;
use crate::domain::report::{ClaimedReport, Exposure, Report, ReportFile, ReportFormat, ReportOrder, Table};

/// Keeps orders for reports, as durable work.
///
/// Contract:
/// 1. Reports of another organization are missing.
/// 2. A report that was ordered is made, also after a restart: one whose maker has not ended it within its
///    lease can be claimed again.
/// 3. A report ends once, by the maker that holds its newest claim; the end of an older one is refused.
/// 4. Exposures are of one kind of source.
#[async_trait]
pub trait Reports: Send + Sync {
    /// Orders a report.
    async fn order_report(
        &self,
        context: OrganizationContext,
        write: &WriteKey,
        id: ReportId,
        order: &ReportOrder,
    ) -> Result<Written<ReportId>, AccountError>;

    /// One report.
    async fn report(&self, context: OrganizationContext, id: ReportId) -> Result<Report, AccountError>;

    /// Reports, newest first.
    async fn reports(
        &self,
        context: OrganizationContext,
        page: Page,
    ) -> Result<Vec<Positioned<Report>>, AccountError>;

    /// Takes the oldest report that nobody makes, of any organization; `None` where there is none.
    async fn claim_report(&self, lease: Duration) -> Result<Option<ClaimedReport>, AccountError>;

    /// Ends a claimed report. Whether the claim still held.
    async fn end_report(
        &self,
        claim: &ClaimedReport,
        end: Result<ReportFile, Problem>,
    ) -> Result<bool, AccountError>;

    /// What variants did by one kind of source, in the asked time.
    async fn shown_creatives(
        &self,
        context: OrganizationContext,
        order: &ReportOrder,
    ) -> Result<Vec<Exposure>, AccountError>;
}

/// Says what the elements of ads go along with.
pub trait ElementAnalysis: Send + Sync {
    /// One row for each value of each element, under the columns of the elements report.
    ///
    /// # Errors
    /// A problem of the numbers.
    fn attribute(&self, source: &'static str, exposures: &[Exposure]) -> Result<Table, Problem>;
}

/// Writes tables as files.
///
/// Contract:
/// 1. Equal tables give equal bytes.
/// 2. Every cell can be read back; one that holds nothing is read back as nothing.
pub trait TableWriter: Send + Sync {
    /// The table in one of the formats.
    ///
    /// # Errors
    /// [`spotwright_schemas::error::Code::Internal`]: the file cannot be written.
    fn write(&self, table: &Table, format: ReportFormat) -> Result<Vec<u8>, Problem>;
}
