//! The part of `spotwright bench pipeline` about long runs: what a variant costs in a small run and in the
//! largest one that can be ordered. Equal when no work grows with what the run has made before.

use std::sync::Arc;

use jiff::Timestamp;
use serde::Serialize;
use spotwright_core::domain::run::{NewRun, Stage};
use spotwright_core::ports::clock::{Clock, SystemClock};
use spotwright_core::ports::step_store::StepStore;
use spotwright_creative::workflow::first_commit;
use spotwright_schemas::Problem;
use spotwright_schemas::brief::Brief;
use spotwright_schemas::error::Code;
use spotwright_schemas::money::Micros;

use super::bench_pipeline::{bench_run, failed, until};
use crate::config::Config;
use crate::standins::{StandInClickModel, StandInGate, StandInMarket, StandInVideo, StandInWords};
use crate::wiring::{EngineSetup, Running, World};

/// Variants and generations of the small run and of the largest.
const SIZES: [(u32, u32); 2] = [(12, 2), (64, 20)];
/// Winners of each generation, as ordered by default.
const WINNERS: u32 = 3;
/// Seeds of the small run, so that it is measured over as many variants as vary little.
const SMALL_RUNS: u64 = 16;

/// What a variant costs, in milliseconds of one worker.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Growth {
    /// In runs of 12 variants and 2 generations.
    pub variant_ms_12x2: f64,
    /// In a run of 64 variants and 20 generations.
    pub variant_ms_64x20: f64,
    /// The second as a multiple of the first.
    pub ratio: f64,
}

/// Measures on a store of each size: one run at a time, one worker, everything outside of the spine and the
/// agent a stand-in.
///
/// # Errors
/// [`Code::Store`] and [`Code::StepFailed`] as for the other parts.
pub(super) async fn measure(
    stores: [Arc<dyn StepStore>; 2],
    config: &Config,
    brief: &Brief,
) -> Result<Growth, Problem> {
    let [small, large] = stores;
    let variant_ms_12x2 = variant_ms(small, config, brief, SIZES[0], SMALL_RUNS).await?;
    let variant_ms_64x20 = variant_ms(large, config, brief, SIZES[1], 1).await?;
    Ok(Growth { variant_ms_12x2, variant_ms_64x20, ratio: variant_ms_64x20 / variant_ms_12x2 })
}

/// Milliseconds for each variant of `runs` runs, one after the other.
async fn variant_ms(
    store: Arc<dyn StepStore>,
    config: &Config,
    brief: &Brief,
    (variants, generations): (u32, u32),
    runs: u64,
) -> Result<f64, Problem> {
    let world = World {
        language_model: Arc::new(StandInWords),
        video: Arc::new(StandInVideo { artifacts: None, witness: None, price: Micros(1_000) }),
        studio: None,
        gate: Arc::new(StandInGate::default()),
        click_model: Arc::new(StandInClickModel),
        marketplace: Arc::new(StandInMarket::default()),
        footage: None,
        voice: None,
        notices: Vec::new(),
    };
    let clock = SystemClock;
    let running = Running::start(EngineSetup::new(store.clone(), 1, config), &world);
    let started = clock.now_micros();
    let mut made = 0;
    for seed in 1..=runs {
        let mut run = bench_run(brief, variants, seed);
        run.request.generations = generations;
        run.request.winners = WINNERS;
        // Enough for a campaign in every generation.
        run.budget = Micros(i64::from(generations) * 100_000_000);
        made += made_by(&store, &run, generations).await?;
    }
    let took = (clock.now_micros() - started) as f64 / 1_000.0;
    running.stop().await;
    Ok(took / made as f64)
}

/// Lets a run go to its end; how many variants it made.
async fn made_by(store: &Arc<dyn StepStore>, run: &NewRun, generations: u32) -> Result<usize, Problem> {
    let now = Timestamp::from_microsecond(SystemClock.now_micros()).unwrap_or(Timestamp::UNIX_EPOCH);
    store.create_run(run, first_commit(run, now)).await.map_err(|error| failed(&error))?;
    until(|| async {
        let view = store.run(run.id).await.map_err(|error| failed(&error))?;
        Ok(view.stage == Stage::Finished)
    })
    .await?;
    let view = store.run(run.id).await.map_err(|error| failed(&error))?;
    if view.generation != generations {
        let message = format!("the run ended in generation {} of {generations}", view.generation);
        return Err(Problem::new(Code::StepFailed, "", message));
    }
    Ok(store.variants(run.id).await.map_err(|error| failed(&error))?.len())
}
