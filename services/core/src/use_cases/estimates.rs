//! What a run would cost, told before anything is stored or charged.

use spotwright_schemas::Problem;

use super::principal::Principal;
use super::run_sizes::RunSizes;
use super::runs::{self, RunPorts, RunWish};
use crate::domain::account::Scope;
use crate::domain::estimate::RunEstimate;
use crate::ports::run_prices::RunPrices;

/// Finished runs that an estimate looks at.
const MEASURED_RUNS: u32 = 10;

/// What a run of a brief would cost, if it were ordered now. Nothing is written, also not to the audit log.
///
/// # Errors
/// As [`runs::order`], but for the organization's budget, which only an order is held against; those of
/// [`RunPrices::quotes`].
pub async fn estimate(
    ports: &RunPorts<'_>,
    prices: &dyn RunPrices,
    by: &Principal,
    wish: RunWish,
    usual: RunSizes,
) -> Result<RunEstimate, Problem> {
    by.expect(Scope::RunsWrite)?;
    let run = runs::planned(ports, by, &wish, usual).await?;
    let quotes = prices.quotes(&run).await?;
    let currency = run.request.brief.budget.currency;
    let measured = ports.accounts.measured_runs(by.context(), currency, MEASURED_RUNS).await?;
    Ok(RunEstimate::of(&run, wish.max_spend.map(|cap| cap.amount), quotes, measured))
}
