//! Thompson sampling with a Bayesian linear model of log-odds.
//!
//! The prior of the arms' log-odds is normal: mean `logit(level) + ln r`, covariance
//! `σ_L² + σ_s² ln r(a) ln r(b) + σ_u² [a = b]`. Its posterior given the clicks is approximated by
//! the normal at its mode (Laplace; Rasmussen and Williams, Gaussian Processes for Machine
//! Learning, 2006, algorithms 3.1 and 3.2), which stays usable at a handful of clicks where a
//! normal working response does not.

use spotwright_schemas::random::Stream;

use super::{Allocation, Horizon, Propensities, State, block_sizes, check_count, cooled, curiosity, largest};
use crate::Error;

/// Newton steps; the objective is concave and a dozen are enough.
const MAX_STEPS: usize = 100;
/// Longest step of a log-odds, so that an arm without clicks does not run away.
const MAX_STEP: f64 = 1.5;
const TOLERANCE: f64 = 1e-10;

/// Log-odds of arm a: `level + slope·ln r(a) + u(a)`, all normal and independent: what an arm's
/// clicks tell moves the level and the trust in the prior, and through them every other arm.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LinearModel {
    /// Standard deviation of the slope around 1.
    pub slope_sd: f64,
    /// Standard deviation of what is particular to an arm.
    pub own_sd: f64,
}

/// Divides a batch into blocks, each to the arm with the largest of one joint draw of all arms'
/// log-odds.
///
/// The draw of an arm is centered so that its odds have the mean
///
/// `m(a) + curiosity · v(a)`,
///
/// m the posterior mean of the odds and v what looking at the arm is worth to the rest of the test
/// (the knowledge gradient of `curiosity.rs`). Its standard deviations are the posterior's times
/// `width` times the share of batches after this one to the power `cooling`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LinearThompson {
    /// What log-odds are made of.
    pub model: LinearModel,
    /// Standard deviations of a draw at the start; 1 for plain Thompson sampling. At least 0.
    pub width: f64,
    /// Power of the share of batches after this one; 0 keeps the width. At least 0.
    pub cooling: f64,
    /// Weight of what a look teaches against what it earns; at least 0.
    pub curiosity: f64,
    /// Blocks of a batch; at least 1.
    pub blocks: u32,
    /// Draws that the propensities are estimated with; at least 1.
    pub draws: u32,
}

impl LinearThompson {
    /// Without `log` the propensities are left out.
    pub(super) fn allocate(&self, state: &State<'_>, stream: Stream, log: bool) -> Result<Allocation, Error> {
        let width = cooled(self.width, self.cooling, &state.horizon)?;
        check_count("blocks", self.blocks)?;
        check_count("draws", self.draws)?;
        let weights =
            [("slope_sd", self.model.slope_sd), ("own_sd", self.model.own_sd), ("curiosity", self.curiosity)];
        if let Some((name, value)) =
            weights.into_iter().find(|(_, value)| !(value.is_finite() && *value >= 0.0))
        {
            return Err(Error::Setting { name, value });
        }
        let belief = belief(self.model, state)?;
        let centers = self.centers(&belief, width, &state.horizon);
        let leader = |stream: Stream| {
            let normals: Vec<f64> = (0..centers.len()).map(|arm| stream.normal(arm as u64)).collect();
            let values: Vec<f64> = centers
                .iter()
                .zip(&belief.factor)
                .map(|(center, row)| center + width * dot(row, &normals))
                .collect();
            largest(&values)
        };
        let mut impressions = vec![0; centers.len()];
        for (block, size) in block_sizes(state.horizon.impressions, self.blocks).enumerate() {
            impressions[leader(stream.child(0).child(block as u64))] += size;
        }
        let mut propensities = Vec::new();
        if log {
            propensities.resize(centers.len(), 0.0);
            for draw in 0..self.draws {
                propensities[leader(stream.child(1).child(u64::from(draw)))] += 1.0;
            }
            for wins in &mut propensities {
                *wins /= f64::from(self.draws);
            }
        }
        let computed = Propensities::MonteCarlo { draws: self.draws };
        Ok(Allocation { impressions, propensities, computed })
    }

    /// Means of the draws' log-odds.
    fn centers(&self, belief: &Belief, width: f64, horizon: &Horizon) -> Vec<f64> {
        let worth = if self.curiosity > 0.0 {
            curiosity::worth(belief, horizon)
        } else {
            vec![0.0; belief.mode.len()]
        };
        let best = belief.best_log_mean();
        worth
            .iter()
            .enumerate()
            .map(|(arm, worth)| {
                let center = log_sum(belief.log_mean(arm), best + (self.curiosity * worth).ln());
                center - 0.5 * width * width * belief.covariance[arm][arm]
            })
            .collect()
    }
}

/// ln(eᵃ + eᵇ); a is finite, b may be −∞.
fn log_sum(a: f64, b: f64) -> f64 {
    a.max(b) + (-(a - b).abs()).exp().ln_1p()
}

/// Joint posterior of the arms' log-odds.
#[derive(Debug, Clone)]
pub(super) struct Belief {
    pub(super) mode: Vec<f64>,
    /// Symmetric, its diagonal at least 0.
    pub(super) covariance: Vec<Vec<f64>>,
    /// Lower Cholesky factor of the covariance, rows of equal length.
    factor: Vec<Vec<f64>>,
}

impl Belief {
    /// Logarithm of the posterior mean of an arm's odds, which are lognormal.
    pub(super) fn log_mean(&self, arm: usize) -> f64 {
        self.mode[arm] + 0.5 * self.covariance[arm][arm]
    }

    /// The largest of these.
    pub(super) fn best_log_mean(&self) -> f64 {
        (0..self.mode.len()).map(|arm| self.log_mean(arm)).fold(f64::NEG_INFINITY, f64::max)
    }
}

/// The posterior of `state` under `model`; the state's own checks have passed.
fn belief(model: LinearModel, state: &State<'_>) -> Result<Belief, Error> {
    let prior = &state.prior;
    let logs: Vec<f64> = state.arms.iter().map(|arm| arm.relative_rate.ln()).collect();
    let n = logs.len();
    let level_variance = 1.0 / (prior.level_impressions * prior.level * (1.0 - prior.level));
    let covariance: Vec<Vec<f64>> = (0..n)
        .map(|a| {
            (0..n)
                .map(|b| {
                    let own = if a == b { model.own_sd * model.own_sd } else { 0.0 };
                    level_variance + model.slope_sd * model.slope_sd * logs[a] * logs[b] + own
                })
                .collect()
        })
        .collect();
    let logit = (prior.level / (1.0 - prior.level)).ln();
    let mean: Vec<f64> = logs.iter().map(|log| logit + log).collect();
    let counts: Vec<(f64, f64)> =
        state.arms.iter().map(|arm| (arm.counts.trials() as f64, arm.counts.successes() as f64)).collect();
    let mode = mode(&mean, &covariance, &counts)?;
    let mut posterior = posterior_covariance(&covariance, &information(&mode, &counts))?;
    for (arm, row) in posterior.iter_mut().enumerate() {
        row[arm] = row[arm].max(0.0);
    }
    let factor = semidefinite_factor(&posterior);
    Ok(Belief { mode, covariance: posterior, factor })
}

fn information(log_odds: &[f64], counts: &[(f64, f64)]) -> Vec<f64> {
    log_odds
        .iter()
        .zip(counts)
        .map(|(value, (n, _))| {
            let rate = 1.0 / (1.0 + (-value).exp());
            n * rate * (1.0 - rate)
        })
        .collect()
}

/// `I + W½ Σ W½`, whose eigenvalues are at least 1, and its Cholesky factor.
fn conditioned(covariance: &[Vec<f64>], roots: &[f64]) -> Result<Vec<Vec<f64>>, Error> {
    let matrix: Vec<Vec<f64>> = (0..roots.len())
        .map(|a| {
            (0..roots.len())
                .map(|b| roots[a] * covariance[a][b] * roots[b] + if a == b { 1.0 } else { 0.0 })
                .collect()
        })
        .collect();
    factor(&matrix).ok_or(Error::Setting { name: "covariance", value: f64::NAN })
}

fn mode(mean: &[f64], covariance: &[Vec<f64>], counts: &[(f64, f64)]) -> Result<Vec<f64>, Error> {
    let mut log_odds = mean.to_vec();
    for _ in 0..MAX_STEPS {
        let weights = information(&log_odds, counts);
        let roots: Vec<f64> = weights.iter().map(|weight| weight.sqrt()).collect();
        let lower = conditioned(covariance, &roots)?;
        let target: Vec<f64> = (0..mean.len())
            .map(|arm| {
                let (n, k) = counts[arm];
                let rate = 1.0 / (1.0 + (-log_odds[arm]).exp());
                weights[arm] * (log_odds[arm] - mean[arm]) + k - n * rate
            })
            .collect();
        let pulled: Vec<f64> = product(covariance, &target).iter().zip(&roots).map(|(x, r)| x * r).collect();
        let solved = solve(&lower, &pulled);
        let coefficients: Vec<f64> =
            target.iter().zip(&roots).zip(&solved).map(|((target, root), x)| target - root * x).collect();
        let mut largest_step = 0.0_f64;
        for (value, (shift, center)) in
            log_odds.iter_mut().zip(product(covariance, &coefficients).iter().zip(mean))
        {
            let step = (center + shift - *value).clamp(-MAX_STEP, MAX_STEP);
            largest_step = largest_step.max(step.abs());
            *value += step;
        }
        if largest_step < TOLERANCE {
            break;
        }
    }
    Ok(log_odds)
}

/// `Σ − Σ W½ (I + W½ Σ W½)⁻¹ W½ Σ`.
fn posterior_covariance(covariance: &[Vec<f64>], weights: &[f64]) -> Result<Vec<Vec<f64>>, Error> {
    let roots: Vec<f64> = weights.iter().map(|weight| weight.sqrt()).collect();
    let lower = conditioned(covariance, &roots)?;
    let explained: Vec<Vec<f64>> = covariance
        .iter()
        .map(|row| forward(&lower, &row.iter().zip(&roots).map(|(x, root)| x * root).collect::<Vec<_>>()))
        .collect();
    Ok((0..weights.len())
        .map(|a| (0..weights.len()).map(|b| covariance[a][b] - dot(&explained[a], &explained[b])).collect())
        .collect())
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

fn product(matrix: &[Vec<f64>], vector: &[f64]) -> Vec<f64> {
    matrix.iter().map(|row| dot(row, vector)).collect()
}

/// The lower Cholesky factor; `None` when the matrix is not positive definite.
fn factor(matrix: &[Vec<f64>]) -> Option<Vec<Vec<f64>>> {
    let n = matrix.len();
    let mut lower = vec![vec![0.0; n]; n];
    for (i, row) in matrix.iter().enumerate() {
        for (j, value) in row[..=i].iter().enumerate() {
            let rest = value - dot(&lower[i][..j], &lower[j][..j]);
            if i == j {
                if !(rest > 0.0 && rest.is_finite()) {
                    return None;
                }
                lower[i][i] = rest.sqrt();
            } else {
                lower[i][j] = rest / lower[j][j];
            }
        }
    }
    Some(lower)
}

/// The factor of a covariance that may be singular up to rounding: a pivot that is not above
/// 1e-12 of its variance adds no direction of its own.
fn semidefinite_factor(matrix: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let n = matrix.len();
    let mut lower = vec![vec![0.0; n]; n];
    for (i, row) in matrix.iter().enumerate() {
        for (j, value) in row[..=i].iter().enumerate() {
            let rest = value - dot(&lower[i][..j], &lower[j][..j]);
            lower[i][j] = if i == j {
                if rest > 1e-12 * value { rest.sqrt() } else { 0.0 }
            } else if lower[j][j] > 0.0 {
                rest / lower[j][j]
            } else {
                0.0
            };
        }
    }
    lower
}

fn forward(lower: &[Vec<f64>], vector: &[f64]) -> Vec<f64> {
    let mut solved: Vec<f64> = Vec::with_capacity(vector.len());
    for (i, value) in vector.iter().enumerate() {
        let rest = value - dot(&lower[i][..i], &solved);
        solved.push(rest / lower[i][i]);
    }
    solved
}

fn solve(lower: &[Vec<f64>], vector: &[f64]) -> Vec<f64> {
    let mut solved = forward(lower, vector);
    for i in (0..solved.len()).rev() {
        let rest: f64 = (i + 1..solved.len()).map(|j| lower[j][i] * solved[j]).sum();
        solved[i] = (solved[i] - rest) / lower[i][i];
    }
    solved
}
