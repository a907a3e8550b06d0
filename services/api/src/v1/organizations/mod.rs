//! Organizations: customer accounts.

pub(crate) mod budget;
pub(crate) mod create;
pub(crate) mod get;
pub(crate) mod list;

use serde::{Deserialize, Serialize};
use spotwright_core::domain::account;
use utoipa::ToSchema;
use uuid::Uuid;

use super::time;

/// A customer account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct Organization {
    /// Its id.
    pub(crate) id: Uuid,
    /// Its name.
    pub(crate) name: String,
    /// When it was made.
    #[schema(format = DateTime)]
    pub(crate) created_at: String,
}

impl From<account::Organization> for Organization {
    fn from(made: account::Organization) -> Self {
        Self { id: made.id.0, name: made.name, created_at: time(made.created_at) }
    }
}
