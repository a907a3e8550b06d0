//! What the models of this suite cost on one core.

use std::time::{Duration, Instant};

use serde::Serialize;
use spotwright_schemas::Problem;
use spotwright_schemas::random::Stream;
use spotwright_scoring::cross::train::{Settings, fit};
use spotwright_scoring::cross::{CrossNetwork, Rows};

use super::data::{self, Customer, Part};
use super::design::{Columns, Design, SHAPE};
use super::fit::{fit_network, fit_regression, settings};
use super::peer;
use crate::command::Places;
use crate::problem::scoring_problem;

/// Rows of the batch that is scored again and again.
const ROWS: usize = 8_192;
/// Fits of each kind; the shortest counts, for all alike.
const FITS: usize = 3;

/// Seconds to fit the train part of the promo table, each the shortest of three fits on one thread,
/// from the customers in memory to the fitted model.
#[derive(Debug, Clone, Serialize)]
pub struct FitSeconds {
    /// Rows fitted.
    pub rows: usize,
    /// Logistic regression with curves and products.
    pub regression: f64,
    /// One DCN-v2.
    pub dcn: f64,
    /// LightGBM with one thread, its data set included; `null` when it is not installed.
    pub lightgbm: Option<f64>,
}

#[expect(clippy::disallowed_methods, reason = "a measurement of speed reads the clock")]
fn now() -> Instant {
    Instant::now()
}

/// Rows per second of the serving kernel on the calling thread, measured for `budget`: a network of
/// this suite's sizes on made-up rows, since the work does not depend on the numbers.
///
/// # Errors
/// A [`Problem`]: the fit of the network failed.
pub(crate) fn dcn_rows_per_core_second(budget: Duration) -> Result<f64, Problem> {
    let draws = Stream::new(1, "promo/speed");
    let slots: Vec<u32> =
        (0..ROWS * SHAPE.slots()).map(|idx| draws.below(idx as u64, SHAPE.table()) as u32).collect();
    let dense: Vec<f32> =
        (0..ROWS * SHAPE.dense).map(|idx| draws.child(1).uniform(idx as u64) as f32 - 0.5).collect();
    let few = 512;
    let labels: Vec<f32> = (0..few).map(|row| f32::from(row % 7 == 0)).collect();
    let rows =
        Rows { slots: &slots[..few as usize * SHAPE.slots()], dense: &dense[..few as usize * SHAPE.dense] };
    let file = fit(SHAPE, rows, &labels, &Settings { epochs: 1, ..settings(1) })
        .map_err(|error| scoring_problem(&error))?;
    let network = CrossNetwork::from_bytes(&file, "network").map_err(|error| scoring_problem(&error))?;
    let rows = Rows { slots: &slots, dense: &dense };
    let (start, mut scored) = (now(), 0);
    while scored == 0 || start.elapsed() < budget {
        let found = network.log_odds(std::hint::black_box(rows)).map_err(|error| scoring_problem(&error))?;
        scored += std::hint::black_box(found).len();
    }
    Ok(scored as f64 / start.elapsed().as_secs_f64())
}

/// Measures the fits; call it from a pool of one thread. `None` when the table is not there.
///
/// # Errors
/// A [`Problem`]: the tables are damaged, or a fit failed.
pub(crate) fn fit_seconds(places: &Places) -> Result<Option<FitSeconds>, Problem> {
    if data::folder(places).is_err() {
        return Ok(None);
    }
    let folder = data::folder(places)?;
    let (customers, parts) = data::read(places)?;
    let train = data::of(&customers, &parts, Part::Train);
    let regression = shortest(&train, |design, train| {
        std::hint::black_box(fit_regression(design, Columns::Curved, train)?);
        Ok(())
    })?;
    let dcn = shortest(&train, |design, train| {
        std::hint::black_box(fit_network(design, train, &settings(1))?);
        Ok(())
    })?;
    let mut lightgbm: Option<f64> = None;
    for _ in 0..FITS {
        let Some(trees) = peer::trees(&folder, customers.len())? else { break };
        lightgbm = Some(lightgbm.map_or(trees.seconds, |least| least.min(trees.seconds)));
    }
    Ok(Some(FitSeconds { rows: train.len(), regression, dcn, lightgbm }))
}

/// Seconds of the shortest of [`FITS`] fits, each with a design of its own.
fn shortest(
    train: &[&Customer],
    work: impl Fn(&Design, &[&Customer]) -> Result<(), Problem>,
) -> Result<f64, Problem> {
    let mut least = f64::INFINITY;
    for _ in 0..FITS {
        let start = now();
        work(&Design::new(train), train)?;
        least = least.min(start.elapsed().as_secs_f64());
    }
    Ok(least)
}
