//! Views of the portal that are kept under a name.

pub(crate) mod create;
pub(crate) mod delete;
pub(crate) mod list;

use serde::Serialize;
use spotwright_core::ports::views;
use utoipa::ToSchema;
use uuid::Uuid;

use super::time;

/// A page of the portal with everything that was chosen on it, under a name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct SavedView {
    /// Its id.
    pub(crate) id: Uuid,
    /// What it is called.
    name: String,
    /// Where it is: a path of the portal with its query, e.g. `/market?status=active`.
    address: String,
    /// When it was kept.
    #[schema(format = DateTime)]
    created_at: String,
}

impl From<views::SavedView> for SavedView {
    fn from(view: views::SavedView) -> Self {
        Self { id: view.id, name: view.name, address: view.address, created_at: time(view.created_at) }
    }
}
