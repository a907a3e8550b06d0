//! Estimates of arms whose traffic followed the results.
//!
//! Under Thompson sampling and its like, the plain mean of an arm is biased: an arm that was unlucky early
//! gets little traffic later and keeps its bad luck. Weighing what was seen by the inverse of the
//! probability with which it was shown undoes that.

use serde::Serialize;

use super::EffectInterval;
use super::read_out::check_alpha;
use crate::Error;
use crate::interval::normal_quantile;

/// A batch: a span in which the probabilities did not change, e.g. one day.
#[derive(Debug, Clone, PartialEq)]
pub struct Batch {
    /// Probability of each arm, above 0, summing to 1 within 1e-6.
    pub propensities: Vec<f64>,
    /// What each arm showed.
    pub arms: Vec<ArmBatch>,
}

/// What one arm showed in one batch.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct ArmBatch {
    /// Units.
    pub units: u64,
    /// Σ y.
    pub sum: f64,
    /// Σ y².
    pub squares: f64,
}

/// An arm's mean, estimated in two ways.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct WeightedMean {
    /// Inverse-propensity estimate with the running mean as a control variate: unbiased at any size.
    pub unbiased: f64,
    /// The estimate that the interval is about: the same scores, weighted so that their variance is steady.
    pub mean: f64,
    /// Standard error of `mean`.
    pub standard_error: f64,
}

/// A difference of two arms of a test with adaptive allocation.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct WeightedEffect {
    /// Two-sided interval of m_B − m_A at 1 − α, by the normal law.
    pub interval: EffectInterval,
    /// The unbiased estimate of the difference.
    pub unbiased: f64,
    /// Standard error of the interval's estimate.
    pub standard_error: f64,
}

/// Scores of one arm in one batch: Γ = m̂ + 1{shown}(y − m̂)/e, with m̂ the arm's mean in earlier batches.
struct Scores {
    weight: f64,
    units: f64,
    /// Σ Γ over all units of the batch.
    sum: f64,
    /// Σ Γ².
    squares: f64,
}

/// The mean of arm `arm`.
///
/// The scores Γ of all units of a batch are averaged with weights h = √e (the arm's propensity), which keeps
/// the variance of h·Γ steady where e changes; plain averages of Γ are unbiased too, but their distribution
/// has heavy tails where e came near 0. m̂ comes from earlier batches only, so each score is unbiased.
///
/// # Errors
/// [`Error::Empty`]: no batch, or no unit at all. [`Error::Round`]: a batch whose arms or propensities do
/// not fit, with its index.
///
/// # Source
/// Hadad, Hirshberg, Zhan, Wager and Athey, "Confidence intervals for policy evaluation in adaptive
/// experiments", PNAS 118 (2021), arXiv 1911.02768: augmented scores eq. 5, adaptive weights eq. 7 and 10,
/// constant allocation rate section 2.3; here by batches.
pub fn weighted_mean(batches: &[Batch], arm: usize) -> Result<WeightedMean, Error> {
    check(batches)?;
    if batches.first().is_none_or(|batch| arm >= batch.arms.len()) {
        return Err(Error::Empty);
    }
    let scores = scores(batches, arm);
    let (mut weighted, mut weights, mut plain, mut units) = (0.0, 0.0, 0.0, 0.0);
    for batch in &scores {
        weighted += batch.weight * batch.sum;
        weights += batch.weight * batch.units;
        plain += batch.sum;
        units += batch.units;
    }
    if units == 0.0 {
        return Err(Error::Empty);
    }
    let mean = weighted / weights;
    let spread: f64 = scores
        .iter()
        .map(|batch| {
            let around = batch.squares - 2.0 * mean * batch.sum + mean * mean * batch.units;
            batch.weight * batch.weight * around.max(0.0)
        })
        .sum();
    Ok(WeightedMean { unbiased: plain / units, mean, standard_error: spread.sqrt() / weights })
}

/// The difference of arm `treatment` from arm `control`.
///
/// # Errors
/// As [`weighted_mean`]; [`Error::Setting`]: `alpha` outside (0, 1).
///
/// # Source
/// As [`weighted_mean`], section 3: the variances of the two arms add up, as their covariance vanishes.
pub fn weighted_effect(
    batches: &[Batch],
    control: usize,
    treatment: usize,
    alpha: f64,
) -> Result<WeightedEffect, Error> {
    check_alpha(alpha)?;
    let (a, b) = (weighted_mean(batches, control)?, weighted_mean(batches, treatment)?);
    let standard_error = a.standard_error.hypot(b.standard_error);
    let half = normal_quantile(1.0 - alpha / 2.0) * standard_error;
    Ok(WeightedEffect {
        interval: EffectInterval::around(b.mean - a.mean, half),
        unbiased: b.unbiased - a.unbiased,
        standard_error,
    })
}

fn check(batches: &[Batch]) -> Result<(), Error> {
    let n_arms = batches.first().map_or(0, |batch| batch.arms.len());
    for (index, batch) in batches.iter().enumerate() {
        let wrong = |name: &'static str, value: f64| Err(Error::Round { index, name, value });
        if batch.arms.len() != n_arms || batch.propensities.len() != n_arms {
            return wrong("arms", batch.arms.len() as f64);
        }
        if let Some(value) = batch.propensities.iter().find(|e| !(**e > 0.0 && **e <= 1.0)) {
            return wrong("propensity", *value);
        }
        let total: f64 = batch.propensities.iter().sum();
        if (total - 1.0).abs() > 1e-6 {
            return wrong("sum of propensities", total);
        }
        for arm in &batch.arms {
            let least = arm.sum * arm.sum / (arm.units as f64).max(1.0);
            if !(arm.sum.is_finite() && arm.squares.is_finite()) || arm.squares < least * (1.0 - 1e-9) {
                return wrong("sum", arm.sum);
            }
        }
    }
    Ok(())
}

fn scores(batches: &[Batch], arm: usize) -> Vec<Scores> {
    let (mut seen, mut sum) = (0.0, 0.0);
    let mut scores = Vec::with_capacity(batches.len());
    for batch in batches {
        let own = batch.arms[arm];
        let units: f64 = batch.arms.iter().map(|arm| arm.units as f64).sum();
        let propensity = batch.propensities[arm];
        // Before the first unit the control variate is 0, which is as unbiased.
        let guess = if seen > 0.0 { sum / seen } else { 0.0 };
        let n = own.units as f64;
        // Of a shown unit Γ = g + (y − g)/e, of another g.
        let apart = (own.sum - n * guess) / propensity;
        let squared_apart =
            (own.squares - 2.0 * guess * own.sum + n * guess * guess) / (propensity * propensity);
        scores.push(Scores {
            weight: propensity.sqrt(),
            units,
            sum: units * guess + apart,
            squares: units * guess * guess + 2.0 * guess * apart + squared_apart,
        });
        seen += n;
        sum += own.sum;
    }
    scores
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(e: f64, a: (u64, f64), b: (u64, f64)) -> Batch {
        let arm = |(units, sum): (u64, f64)| ArmBatch { units, sum, squares: sum };
        Batch { propensities: vec![e, 1.0 - e], arms: vec![arm(a), arm(b)] }
    }

    #[test]
    fn one_batch_of_equal_shares_is_the_plain_mean() {
        let batches = [batch(0.5, (500, 50.0), (500, 60.0))];
        let effect = weighted_effect(&batches, 0, 1, 0.05).unwrap();
        assert!((effect.interval.estimate - 0.02).abs() < 1e-12, "{effect:?}");
        assert!((effect.unbiased - 0.02).abs() < 1e-12);
    }

    #[test]
    fn batches_that_do_not_fit_are_named() {
        let good = batch(0.5, (10, 1.0), (10, 2.0));
        let mut bad = good.clone();
        bad.propensities = vec![0.0, 1.0];
        let wrong = weighted_mean(&[good.clone(), bad], 0);
        assert!(matches!(wrong, Err(Error::Round { index: 1, name: "propensity", .. })));
        let mut bad = good.clone();
        bad.propensities = vec![0.5, 0.6];
        assert!(matches!(weighted_mean(&[bad], 0), Err(Error::Round { name: "sum of propensities", .. })));
        let mut bad = good.clone();
        bad.arms.pop();
        assert!(matches!(weighted_mean(&[good.clone(), bad], 0), Err(Error::Round { name: "arms", .. })));
        assert_eq!(weighted_mean(&[], 0), Err(Error::Empty));
        assert_eq!(weighted_mean(&[good], 2), Err(Error::Empty));
    }
}
