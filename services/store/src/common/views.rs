//! Views over the shared queries.

use async_trait::async_trait;
use spotwright_core::domain::account::OrganizationContext;
use spotwright_core::ports::accounts::{AccountError, Page, Positioned, WriteKey, Written};
use spotwright_core::ports::views::{NewView, SavedView, Views};
use uuid::Uuid;

use super::answers::Outcome;
use super::writer::Wakes;
use super::{Store, views};

#[async_trait]
impl Views for Store {
    async fn keep_view(
        &self,
        context: OrganizationContext,
        write: &WriteKey,
        view: &NewView,
    ) -> Result<Option<Written<SavedView>>, AccountError> {
        let (write, view) = (write.clone(), view.clone());
        let kept = self
            .writer
            .write(None, Wakes::default(), move |conn| {
                Box::pin(async move { views::keep(conn, context, &write, &view).await })
            })
            .await?;
        kept.map(Outcome::into_result).transpose()
    }

    async fn views(
        &self,
        context: OrganizationContext,
        page: Page,
    ) -> Result<Vec<Positioned<SavedView>>, AccountError> {
        Ok(views::list(&mut *self.tenant(context).await?, context, page).await?)
    }

    async fn delete_view(&self, context: OrganizationContext, id: Uuid) -> Result<SavedView, AccountError> {
        let deleted = self
            .writer
            .write(None, Wakes::default(), move |conn| {
                Box::pin(async move { views::delete(conn, context, id).await })
            })
            .await?;
        Ok(deleted)
    }
}
