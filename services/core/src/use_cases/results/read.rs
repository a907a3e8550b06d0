//! Reads what was measured and what was handed in.

use spotwright_schemas::ids::ImportId;

use super::ResultsError;
use crate::domain::account::Scope;
use crate::domain::observation::{ImportRecord, ObservationRecord};
use crate::ports::accounts::{Page, Positioned};
use crate::ports::observations::{ObservationFilter, ObservationStore};
use crate::use_cases::Principal;

/// Observations of one kind of source, newest first.
///
/// # Errors
/// `Code::Forbidden` without `results:read`; what the store says.
pub async fn observations(
    principal: &Principal,
    store: &dyn ObservationStore,
    filter: &ObservationFilter,
    page: Page,
) -> Result<Vec<Positioned<ObservationRecord>>, ResultsError> {
    principal.expect(Scope::ResultsRead)?;
    Ok(store.observations(principal.organization, filter, page).await?)
}

/// Imports, newest first.
///
/// # Errors
/// As [`observations`].
pub async fn imports(
    principal: &Principal,
    store: &dyn ObservationStore,
    page: Page,
) -> Result<Vec<Positioned<ImportRecord>>, ResultsError> {
    principal.expect(Scope::ResultsRead)?;
    Ok(store.imports(principal.organization, page).await?)
}

/// One import.
///
/// # Errors
/// As [`observations`]; `AccountError::Missing` for one of another organization.
pub async fn import(
    principal: &Principal,
    store: &dyn ObservationStore,
    id: ImportId,
) -> Result<ImportRecord, ResultsError> {
    principal.expect(Scope::ResultsRead)?;
    Ok(store.import(principal.organization, id).await?)
}
