//! Whether intervals hold what they promise.
//!
//! For every variant of a test with several headlines, the contrast between its observed log-odds
//! and the weighted mean of its rivals' is predicted: mean and variance from the fitted weights and
//! their posterior, a brief's own taste, the residual spread of each variant and the sampling noise
//! of all. A 90 % interval should hold 90 % of the observed contrasts. The residual spread is the
//! one free number; it is set on the validation split.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;
use spotwright_schemas::random::Stream;

use crate::data::ClickTestRow;
use crate::design::Design;
use crate::last_layer::LastLayer;
use crate::linear::dot;
use crate::metrics::{Estimate, percentile_interval};

/// Standard normal quantile of 0.95: both ends of a 90 % interval.
const Z_90: f64 = 1.644_853_626_951_472_2;

/// Coverage of 90 % intervals.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Coverage {
    /// Share of contrasts inside.
    pub share: Estimate,
    /// Contrasts.
    pub contrasts: u64,
    /// Mean width of an interval, in log-odds.
    pub mean_width: f64,
    /// Residual spread that was used.
    pub residual_sd: f64,
}

/// One observed contrast: error of the prediction and the parts of its variance.
struct Contrast {
    test: usize,
    error: f64,
    /// Variance without the residual spread.
    variance: f64,
    /// Factor of the residual spread's square.
    residuals: f64,
}

/// Contrasts of some rows, ready for any residual spread.
pub struct Contrasts {
    all: Vec<Contrast>,
}

impl Contrasts {
    /// Makes the contrasts of all variants in `rows` whose test has several headlines; `vectors`
    /// holds their headlines' vectors.
    #[must_use]
    pub fn new(layer: &LastLayer, rows: &[ClickTestRow], vectors: &[Arc<[f32]>]) -> Self {
        let design = Design::new(rows);
        let mut all = Vec::new();
        let tests = design.tests.iter().zip(&design.several_headlines).enumerate();
        for (number, (test, _)) in tests.filter(|(_, (_, several))| **several) {
            let columns: Vec<Vec<f64>> =
                test.iter().map(|&idx| layer.columns(&vectors[idx], &rows[idx].headline)).collect();
            let white: Vec<Vec<f64>> = columns.iter().map(|columns| layer.whiten(columns)).collect();
            let directions: Vec<Vec<f64>> = test.iter().map(|&idx| layer.direction(&vectors[idx])).collect();
            for own in 0..test.len() {
                all.push(contrast(layer, &design, test, number, own, &columns, &white, &directions));
            }
        }
        Self { all }
    }

    /// The residual spread at which 90 % of these contrasts lie inside (smallest such, to 1e-4).
    #[must_use]
    pub fn calibrated_residual_sd(&self) -> f64 {
        let (mut low, mut high) = (0.0, 2.0);
        while high - low > 1e-4 {
            let middle = 0.5 * (low + high);
            if self.inside(middle) >= 0.9 { high = middle } else { low = middle }
        }
        high
    }

    fn inside(&self, residual_sd: f64) -> f64 {
        let n = self.all.iter().filter(|contrast| contrast.holds(residual_sd)).count();
        n as f64 / self.all.len().max(1) as f64
    }

    /// Coverage with a given residual spread, with a bootstrap interval over tests.
    #[must_use]
    pub fn coverage(&self, residual_sd: f64, resamples: u64, seed: u64) -> Coverage {
        let mut tests = BTreeMap::<usize, (f64, f64)>::new();
        for contrast in &self.all {
            let (inside, n) = tests.entry(contrast.test).or_default();
            *inside += f64::from(u8::from(contrast.holds(residual_sd)));
            *n += 1.0;
        }
        let tests: Vec<(f64, f64)> = tests.into_values().collect();
        let stream = Stream::new(seed, "coverage/bootstrap");
        let resampled = (0..resamples)
            .map(|resample| {
                let draws = stream.child(resample);
                let (inside, n) = (0..tests.len())
                    .map(|idx| tests[draws.below(idx as u64, tests.len())])
                    .fold((0.0, 0.0), |(a, b), (c, d)| (a + c, b + d));
                inside / n
            })
            .collect();
        let width: f64 = self.all.iter().map(|contrast| 2.0 * Z_90 * contrast.sd(residual_sd)).sum();
        Coverage {
            share: Estimate { value: self.inside(residual_sd), interval: percentile_interval(resampled) },
            contrasts: self.all.len() as u64,
            mean_width: width / self.all.len().max(1) as f64,
            residual_sd,
        }
    }
}

impl Contrast {
    fn sd(&self, residual_sd: f64) -> f64 {
        (self.variance + self.residuals * residual_sd.powi(2)).max(0.0).sqrt()
    }

    fn holds(&self, residual_sd: f64) -> bool {
        self.error.abs() <= Z_90 * self.sd(residual_sd)
    }
}

fn contrast(
    layer: &LastLayer,
    design: &Design,
    test: &[usize],
    number: usize,
    own: usize,
    columns: &[Vec<f64>],
    white: &[Vec<f64>],
    directions: &[Vec<f64>],
) -> Contrast {
    let rivals: f64 = test.iter().map(|&idx| design.weight[idx]).sum::<f64>() - design.weight[test[own]];
    let share = |at: usize| {
        if at == own { 1.0 } else { -design.weight[test[at]] / rivals }
    };
    let combine = |vectors: &[Vec<f64>]| -> Vec<f64> {
        let mut sum = vec![0.0; vectors[0].len()];
        for (at, vector) in vectors.iter().enumerate() {
            crate::linear::add_scaled(&mut sum, vector, share(at));
        }
        sum
    };
    let (white, direction) = (combine(white), combine(directions));
    let (mut error, mut noise, mut residuals) = (-layer.archive_appeal(&combine(columns)), 0.0, 0.0);
    for (at, &idx) in test.iter().enumerate() {
        error += share(at) * design.response[idx];
        noise += share(at).powi(2) * design.noise[idx];
        residuals += share(at).powi(2);
    }
    let taste = layer.priors.headline_sd.powi(2) * dot(&direction, &direction);
    Contrast { test: number, error, variance: dot(&white, &white) + taste + noise, residuals }
}
