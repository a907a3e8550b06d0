//! Brands over the shared queries, the same for every dialect.

use async_trait::async_trait;
use spotwright_core::domain::brand::{Brand, BrandContent};
use spotwright_core::ports::accounts::{Page, Positioned, WriteKey, Written};
use spotwright_core::ports::brands::{BrandError, BrandStore, NewBrand};
use spotwright_schemas::ids::{BrandId, OrganizationId};

use super::brands::Changed;
use super::event_log_store::within;
use super::writer::Wakes;
use super::{Store, brands};

#[async_trait]
impl BrandStore for Store {
    async fn create_brand(
        &self,
        organization: OrganizationId,
        write: &WriteKey,
        brand: &NewBrand,
    ) -> Result<Written<Brand>, BrandError> {
        let (write, new, most) = (write.clone(), brand.clone(), brand.most);
        let made = self
            .writer
            .write(None, Wakes::default(), move |conn| {
                Box::pin(async move { brands::create(conn, within(organization), &write, &new).await })
            })
            .await?;
        Ok(made.ok_or(BrandError::TooMany { most })?.into_result()?)
    }

    async fn brands(
        &self,
        organization: OrganizationId,
        archived: bool,
        page: Page,
    ) -> Result<Vec<Positioned<Brand>>, BrandError> {
        let mut reader = self.tenant(within(organization)).await?;
        Ok(brands::list(&mut reader, organization, archived, page).await?)
    }

    async fn brand(
        &self,
        organization: OrganizationId,
        id: BrandId,
        version: Option<u32>,
    ) -> Result<Brand, BrandError> {
        let mut reader = self.tenant(within(organization)).await?;
        Ok(match version {
            Some(version) => brands::version(&mut reader, organization, id, version).await?,
            None => brands::get(&mut reader, organization, id).await?,
        })
    }

    async fn update_brand(
        &self,
        organization: OrganizationId,
        id: BrandId,
        content: &BrandContent,
        expected: Option<u32>,
        now: i64,
    ) -> Result<Brand, BrandError> {
        let content = content.clone();
        let changed = self
            .writer
            .write(None, Wakes::default(), move |conn| {
                Box::pin(async move { brands::update(conn, organization, id, &content, expected, now).await })
            })
            .await?;
        match changed {
            Changed::Done(brand) => Ok(*brand),
            Changed::Meanwhile => Err(BrandError::Changed),
            Changed::Archived => Err(BrandError::Archived),
        }
    }

    async fn set_archived(
        &self,
        organization: OrganizationId,
        id: BrandId,
        archived: bool,
        most: u32,
        now: i64,
    ) -> Result<Brand, BrandError> {
        let changed = self
            .writer
            .write(None, Wakes::default(), move |conn| {
                Box::pin(brands::set_archived(conn, organization, id, archived, most, now))
            })
            .await?;
        changed.ok_or(BrandError::TooMany { most })
    }
}
