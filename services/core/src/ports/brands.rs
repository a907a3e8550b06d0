//! Brands of organizations.

use async_trait::async_trait;
use spotwright_schemas::ids::{BrandId, OrganizationId};

use super::accounts::{AccountError, Page, Positioned, WriteKey, Written};
use super::step_store::StoreError;
use crate::domain::brand::{Brand, BrandContent};

/// Why the store did not do what was asked.
#[derive(Debug, Clone, thiserror::Error)]
pub enum BrandError {
    /// As of every row of an organization.
    #[error(transparent)]
    Account(#[from] AccountError),
    /// The organization has as many brands as it may (permanent).
    #[error("there are {most} brands, as many as there may be")]
    TooMany {
        /// How many there may be.
        most: u32,
    },
    /// The brand is not in the version that was expected (permanent).
    #[error("the brand was changed meanwhile")]
    Changed,
    /// The brand is archived (permanent until it is restored).
    #[error("the brand is archived")]
    Archived,
}

impl From<StoreError> for BrandError {
    fn from(error: StoreError) -> Self {
        Self::Account(error.into())
    }
}

/// A brand to be made.
#[derive(Debug, Clone, PartialEq)]
pub struct NewBrand {
    /// Its id.
    pub id: BrandId,
    /// What it is.
    pub content: BrandContent,
    /// Most brands of the organization that are not archived.
    pub most: u32,
    /// Now.
    pub now: i64,
}

/// Brands and their versions.
///
/// Contract:
/// 1. A method that returns `Ok` has made its changes durable, all of them; one that returns an error has
///    changed nothing. Rows of another organization are missing.
/// 2. A change is a version of its own, numbered without gaps, and the versions before stay as they were.
/// 3. Of changes that expect the same version, one is made.
/// 4. Times are the caller's. Lists are newest first.
#[async_trait]
pub trait BrandStore: Send + Sync {
    /// Makes a brand, version 1.
    async fn create_brand(
        &self,
        organization: OrganizationId,
        write: &WriteKey,
        brand: &NewBrand,
    ) -> Result<Written<Brand>, BrandError>;

    /// The organization's brands, those that are archived or those that are not.
    async fn brands(
        &self,
        organization: OrganizationId,
        archived: bool,
        page: Page,
    ) -> Result<Vec<Positioned<Brand>>, BrandError>;

    /// One brand, as it is or as it was in a version.
    async fn brand(
        &self,
        organization: OrganizationId,
        id: BrandId,
        version: Option<u32>,
    ) -> Result<Brand, BrandError>;

    /// Makes another version; with `expected` only of a brand in that version.
    async fn update_brand(
        &self,
        organization: OrganizationId,
        id: BrandId,
        content: &BrandContent,
        expected: Option<u32>,
        now: i64,
    ) -> Result<Brand, BrandError>;

    /// Archives a brand or restores it; done twice it changes nothing. [`BrandError::TooMany`] when `most`
    /// others are not archived.
    async fn set_archived(
        &self,
        organization: OrganizationId,
        id: BrandId,
        archived: bool,
        most: u32,
        now: i64,
    ) -> Result<Brand, BrandError>;
}
