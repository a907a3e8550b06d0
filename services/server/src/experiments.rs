//! Days of experiments and of campaigns that people made, by configuration.

use std::sync::Arc;
use std::time::Duration;

use spotwright_core::ports::clock::SystemClock;
use spotwright_core::ports::experiments::ExperimentMarket;
use spotwright_core::ports::marketplace::Marketplace;
use spotwright_core::spine::{CampaignDays, CampaignPorts, DayPorts, ExperimentDays, Shutdown};
use spotwright_market::simulator::{Options, Simulator};
use spotwright_observations::experiment::ExperimentAnalyst;
use spotwright_schemas::Problem;
use spotwright_schemas::error::Code;
use tokio::task::JoinSet;

use crate::config::Config;
use crate::foundation::Foundation;

/// Starts to play the days that are due.
///
/// # Errors
/// `Code::Internal` when the market of this program is damaged.
pub fn start(
    config: &Config,
    foundation: &Foundation,
    shutdown: &Shutdown,
    tasks: &mut JoinSet<Result<(), Problem>>,
) -> Result<(), Problem> {
    let market = Simulator::new(Options::default())
        .map_err(|error| Problem::new(Code::Internal, "", error.to_string()))?;
    let market = Arc::new(market);
    let poll = Duration::from_millis(config.engine.poll_ms);
    let ports = DayPorts {
        experiments: Arc::clone(&foundation.experiments),
        runs: Arc::clone(&foundation.store),
        observations: Arc::clone(&foundation.observations),
        market: Arc::clone(&market) as Arc<dyn ExperimentMarket>,
        analyst: Arc::new(ExperimentAnalyst),
        artifacts: Arc::clone(&foundation.artifacts),
        clock: Arc::new(SystemClock),
    };
    let campaigns = CampaignPorts {
        accounts: Arc::clone(&foundation.accounts),
        runs: Arc::clone(&foundation.store),
        market: market as Arc<dyn Marketplace>,
        clock: Arc::new(SystemClock),
    };
    let (days, stopping) = (CampaignDays::new(campaigns, poll), shutdown.clone());
    tasks.spawn(async move {
        days.run(stopping).await;
        Ok(())
    });
    let days = ExperimentDays::new(ports, poll);
    let shutdown = shutdown.clone();
    tasks.spawn(async move {
        days.run(shutdown).await;
        Ok(())
    });
    Ok(())
}
