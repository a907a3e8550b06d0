//! Briefs: what an organization wants advertised. A brief is never changed.

pub(crate) mod check;
pub(crate) mod create;
pub(crate) mod get;
pub(crate) mod list;

use serde::{Deserialize, Serialize};
use spotwright_core::domain::account;
use utoipa::ToSchema;
use uuid::Uuid;

use super::time;

/// A brief without its text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct BriefSummary {
    /// Its id.
    pub(crate) id: Uuid,
    /// The short name that it gives itself.
    pub(crate) name: String,
    /// When it was handed in.
    #[schema(format = DateTime)]
    pub(crate) created_at: String,
}

impl From<account::BriefSummary> for BriefSummary {
    fn from(brief: account::BriefSummary) -> Self {
        Self { id: brief.id.0, name: brief.name, created_at: time(brief.created_at) }
    }
}
