//! Prices of runs: what the providers ask for the work of a run that is not ordered yet.

use async_trait::async_trait;
use spotwright_schemas::Problem;

use crate::domain::estimate::Quotes;
use crate::domain::run::NewRun;

/// Quotes the paid work of runs.
///
/// Contract:
/// 1. Nothing is stored, reserved or sent to a provider; equal runs have equal quotes until a price changes.
/// 2. Providers have the names that the ledger knows them by.
/// 3. Amounts are in the run's currency; a source in another one is not asked by a run and has no quote.
#[async_trait]
pub trait RunPrices: Send + Sync {
    /// The paid work of a run.
    ///
    /// # Errors
    /// `Code::FactsUnsayable` for a brief that no script can be made of.
    async fn quotes(&self, run: &NewRun) -> Result<Quotes, Problem>;
}
