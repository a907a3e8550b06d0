//! Days of experiments, by configuration.

use std::sync::Arc;
use std::time::Duration;

use spotwright_core::ports::clock::SystemClock;
use spotwright_core::spine::{DayPorts, ExperimentDays, Shutdown};
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
    let ports = DayPorts {
        experiments: Arc::clone(&foundation.experiments),
        runs: Arc::clone(&foundation.store),
        market: Arc::new(market),
        analyst: Arc::new(ExperimentAnalyst),
        artifacts: Arc::clone(&foundation.artifacts),
        clock: Arc::new(SystemClock),
    };
    let days = ExperimentDays::new(ports, Duration::from_millis(config.engine.poll_ms));
    let shutdown = shutdown.clone();
    tasks.spawn(async move {
        days.run(shutdown).await;
        Ok(())
    });
    Ok(())
}
