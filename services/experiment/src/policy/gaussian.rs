//! The probability of the largest of independent normal draws.

use statrs::function::erf::erfc;

use crate::grid;

/// Cells of the common grid.
const CELLS: usize = 512;
/// Half width of the grid in standard deviations of each distribution.
const REACH: f64 = 8.0;

/// The probability that each normal gives the largest draw. Standard deviations are at least 0, and
/// one of them is above 0. Normals much narrower than a cell count as points, ties are split.
pub(super) fn best(means: &[f64], deviations: &[f64]) -> Vec<f64> {
    let mut low = f64::INFINITY;
    let mut high = f64::NEG_INFINITY;
    for (mean, deviation) in means.iter().zip(deviations) {
        low = low.min(mean - REACH * deviation);
        high = high.max(mean + REACH * deviation);
    }
    let width = (high - low) / CELLS as f64;
    let masses: Vec<Vec<f64>> = means
        .iter()
        .zip(deviations)
        .map(|(mean, deviation)| {
            let cdf = |edge: usize| cumulative(low + edge as f64 * width, *mean, *deviation);
            let mut below = 0.0;
            (1..=CELLS)
                .map(|edge| {
                    let own = if edge == CELLS { 1.0 } else { cdf(edge) };
                    let mass = own - below;
                    below = own;
                    mass
                })
                .collect()
        })
        .collect();
    grid::wins(&masses)
}

fn cumulative(x: f64, mean: f64, deviation: f64) -> f64 {
    if deviation == 0.0 {
        return if x >= mean { 1.0 } else { 0.0 };
    }
    0.5 * erfc((mean - x) / (deviation * std::f64::consts::SQRT_2))
}
