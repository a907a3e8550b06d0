//! Variants of the own organization's runs.

use spotwright_schemas::Problem;
use spotwright_schemas::ids::{RunId, VariantId};

use super::principal::Principal;
use crate::domain::account::Scope;
use crate::domain::variant::{Placement, Variant, VariantState};
use crate::ports::accounts::AccountStore;
use crate::ports::step_store::TraceEntry;

/// Variants of a run after a generation and number, in that order; only those in `state` when one is given.
///
/// # Errors
/// `Code::Forbidden` without `runs:read`; `Code::NotFound` for the run.
pub async fn list(
    accounts: &dyn AccountStore,
    by: &Principal,
    run: RunId,
    after: (u32, u32),
    state: Option<VariantState>,
    limit: u32,
) -> Result<Vec<Variant>, Problem> {
    by.expect(Scope::RunsRead)?;
    Ok(accounts.variants(by.context(), run, after, state, limit).await?)
}

/// One variant, with its placement in its own generation if it was placed.
///
/// # Errors
/// `Code::Forbidden` without `runs:read`; `Code::NotFound`.
pub async fn get(
    accounts: &dyn AccountStore,
    by: &Principal,
    id: VariantId,
) -> Result<(Variant, Option<Placement>), Problem> {
    by.expect(Scope::RunsRead)?;
    Ok(accounts.variant(by.context(), id).await?)
}

/// Lines of a run's trace after a place, in order.
///
/// # Errors
/// `Code::Forbidden` without `runs:read`; `Code::NotFound` for the run.
pub async fn trace(
    accounts: &dyn AccountStore,
    by: &Principal,
    run: RunId,
    after: &str,
    limit: u32,
) -> Result<Vec<TraceEntry>, Problem> {
    by.expect(Scope::RunsRead)?;
    Ok(accounts.trace(by.context(), run, after, limit).await?)
}
