//! The audit log of each organization.

use async_trait::async_trait;

use super::accounts::{AccountError, Page, Positioned};
use crate::domain::account::OrganizationContext;
use crate::domain::audit::{AuditEntry, AuditFilter, NewAuditEntry};

/// Keeps what was changed, when, and by whom.
///
/// Contract:
/// 1. What was appended is never changed and never removed.
/// 2. An entry keeps what its actor was called when it was written.
/// 3. Entries of another organization are not there.
/// 4. Lists are newest first, as those of the accounts.
#[async_trait]
pub trait AuditLog: Send + Sync {
    /// Writes an entry down, after a change that was made already. Changes of people write theirs in their
    /// own transaction instead; see [`super::people::PeopleStore`].
    async fn append(&self, entry: &NewAuditEntry) -> Result<(), AccountError>;

    /// The organization's entries.
    async fn entries(
        &self,
        context: OrganizationContext,
        filter: &AuditFilter,
        page: Page,
    ) -> Result<Vec<Positioned<AuditEntry>>, AccountError>;
}
