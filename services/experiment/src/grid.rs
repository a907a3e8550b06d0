//! Beta distributions on a common grid of log-odds, for probabilities of being the better one.
//!
//! On the log-odds scale a beta density is smooth and close to a normal one, so an equally spaced
//! sum converges much faster than on [0, 1].

use statrs::function::gamma::digamma;

use crate::interval::BetaPosterior;

/// Cells of the grid.
const CELLS: usize = 1_024;
/// Half width of the grid in standard deviations of each distribution.
const REACH: f64 = 8.0;

/// The probability mass of each distribution in each cell; every row sums to 1.
pub(crate) fn masses(posteriors: &[BetaPosterior]) -> Vec<Vec<f64>> {
    let mut low = f64::INFINITY;
    let mut high = f64::NEG_INFINITY;
    for posterior in posteriors {
        let (center, deviation) = log_odds_moments(posterior);
        low = low.min(center - REACH * deviation);
        high = high.max(center + REACH * deviation);
    }
    let width = (high - low) / CELLS as f64;
    posteriors.iter().map(|posterior| mass(posterior, low, width)).collect()
}

/// The probability that each distribution gives the largest draw; ties are split evenly.
pub(crate) fn best(posteriors: &[BetaPosterior]) -> Vec<f64> {
    wins(&masses(posteriors))
}

/// As [`best`], for distributions given by their masses in common cells.
pub(crate) fn wins(masses: &[Vec<f64>]) -> Vec<f64> {
    let mut below = vec![0.0; masses.len()];
    let mut wins = vec![0.0; masses.len()];
    for cell in 0..masses.first().map_or(0, Vec::len) {
        for (own, win) in wins.iter_mut().enumerate() {
            let others: f64 = (0..masses.len())
                .filter(|other| *other != own)
                .map(|other| below[other] + 0.5 * masses[other][cell])
                .product();
            *win += masses[own][cell] * others;
        }
        for (sum, row) in below.iter_mut().zip(masses) {
            *sum += row[cell];
        }
    }
    // Ties of three or more within one cell are counted slightly too low; the rest is spread
    // in proportion so that the result is a distribution.
    let total: f64 = wins.iter().sum();
    wins.iter().map(|win| win / total).collect()
}

fn mass(posterior: &BetaPosterior, low: f64, width: f64) -> Vec<f64> {
    // With t the log-odds of p, the density in t is p^alpha (1 - p)^beta / B(alpha, beta).
    let log_density = |cell: usize| {
        let log_odds = low + (cell as f64 + 0.5) * width;
        -posterior.alpha() * softplus(-log_odds) - posterior.beta() * softplus(log_odds)
    };
    let logs: Vec<f64> = (0..CELLS).map(log_density).collect();
    let peak = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let weights: Vec<f64> = logs.iter().map(|log| (log - peak).exp()).collect();
    let total: f64 = weights.iter().sum();
    weights.iter().map(|weight| weight / total).collect()
}

/// ln(1 + e^x) without overflow.
fn softplus(x: f64) -> f64 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}

/// Mean of the log-odds, and an upper bound of their standard deviation: the variance is
/// trigamma(alpha) + trigamma(beta), and trigamma(x) < 1/x + 1/x².
fn log_odds_moments(posterior: &BetaPosterior) -> (f64, f64) {
    let (alpha, beta) = (posterior.alpha(), posterior.beta());
    let variance = 1.0 / alpha + 1.0 / (alpha * alpha) + 1.0 / beta + 1.0 / (beta * beta);
    (digamma(alpha) - digamma(beta), variance.sqrt())
}
