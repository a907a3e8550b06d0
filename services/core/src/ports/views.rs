//! Views of the portal that are kept under a name.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::accounts::{AccountError, Page, Positioned, WriteKey, Written};
use crate::domain::account::OrganizationContext;

/// Most views that an organization keeps.
pub const MOST_VIEWS: u32 = 200;

/// A page with everything that was chosen on it, under a name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavedView {
    /// Its id.
    pub id: Uuid,
    /// What it is called.
    pub name: String,
    /// Where it is: a path of the portal with its query, e.g. `/market?status=active`.
    pub address: String,
    /// When it was kept, in microseconds.
    pub created_at: i64,
}

/// A view to be kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewView {
    /// Its id.
    pub id: Uuid,
    /// What it is called.
    pub name: String,
    /// Where it is.
    pub address: String,
}

/// Keeps views. Those of another organization are missing.
#[async_trait]
pub trait Views: Send + Sync {
    /// Keeps a view; `None` where the organization has [`MOST_VIEWS`] already.
    async fn keep_view(
        &self,
        context: OrganizationContext,
        write: &WriteKey,
        view: &NewView,
    ) -> Result<Option<Written<SavedView>>, AccountError>;

    /// Views, newest first.
    async fn views(
        &self,
        context: OrganizationContext,
        page: Page,
    ) -> Result<Vec<Positioned<SavedView>>, AccountError>;

    /// Deletes a view; what it was.
    async fn delete_view(&self, context: OrganizationContext, id: Uuid) -> Result<SavedView, AccountError>;
}
