//! Reports over the shared queries.

use std::time::Duration;

use async_trait::async_trait;
use spotwright_core::domain::account::OrganizationContext;
use spotwright_core::domain::report::{ClaimedReport, Exposure, Report, ReportFile, ReportOrder};
use spotwright_core::ports::accounts::{AccountError, Page, Positioned, WriteKey, Written};
use spotwright_core::ports::reports::Reports;
use spotwright_schemas::Problem;
use spotwright_schemas::ids::ReportId;

use super::answers::Outcome;
use super::writer::Wakes;
use super::{Store, reports};

#[async_trait]
impl Reports for Store {
    async fn order_report(
        &self,
        context: OrganizationContext,
        write: &WriteKey,
        id: ReportId,
        order: &ReportOrder,
    ) -> Result<Written<ReportId>, AccountError> {
        let (write, order) = (write.clone(), order.clone());
        self.writer
            .write(None, Wakes::default(), move |conn| {
                Box::pin(async move { reports::order(conn, context, &write, id, &order).await })
            })
            .await
            .map_or_else(|error| Err(error.into()), Outcome::into_result)
    }

    async fn report(&self, context: OrganizationContext, id: ReportId) -> Result<Report, AccountError> {
        Ok(reports::get(&mut *self.tenant(context).await?, context, id).await?)
    }

    async fn reports(
        &self,
        context: OrganizationContext,
        page: Page,
    ) -> Result<Vec<Positioned<Report>>, AccountError> {
        Ok(reports::list(&mut *self.tenant(context).await?, context, page).await?)
    }

    async fn claim_report(&self, lease: Duration) -> Result<Option<ClaimedReport>, AccountError> {
        let claimed = self
            .writer
            .write(None, Wakes::default(), move |conn| {
                Box::pin(async move { reports::claim(conn, lease).await })
            })
            .await?;
        Ok(claimed)
    }

    async fn end_report(
        &self,
        claim: &ClaimedReport,
        end: Result<ReportFile, Problem>,
    ) -> Result<bool, AccountError> {
        let claim = claim.clone();
        let held = self
            .writer
            .write(None, Wakes::default(), move |conn| {
                Box::pin(async move { reports::end(conn, &claim, &end).await })
            })
            .await?;
        Ok(held)
    }

    async fn shown_creatives(
        &self,
        context: OrganizationContext,
        order: &ReportOrder,
    ) -> Result<Vec<Exposure>, AccountError> {
        Ok(reports::exposures(&mut *self.tenant(context).await?, context, order).await?)
    }
}
