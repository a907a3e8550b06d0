//! Reading the audit log.

use spotwright_schemas::Problem;

use super::principal::Principal;
use crate::domain::account::Scope;
use crate::domain::audit::{AuditEntry, AuditFilter};
use crate::ports::accounts::{Page, Positioned};
use crate::ports::audit::AuditLog;

/// What was changed in the own organization, newest first.
///
/// # Errors
/// `Code::Forbidden` without `audit:read`; those of the store.
pub async fn list(
    log: &dyn AuditLog,
    by: &Principal,
    filter: &AuditFilter,
    page: Page,
) -> Result<Vec<Positioned<AuditEntry>>, Problem> {
    by.expect(Scope::AuditRead)?;
    Ok(log.entries(by.context(), filter, page).await?)
}
