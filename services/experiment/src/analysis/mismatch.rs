//! Sample-ratio mismatch: whether traffic was divided among the arms as configured.
//!
//! A mismatch means that something other than chance decided who was counted in which arm (a redirect
//! that loses users, a crash of one arm, a filter that looks at outcomes), and that no comparison of the
//! arms can be trusted, however many users it has.

use serde::Serialize;
use statrs::distribution::{ChiSquared, ContinuousCDF};

use crate::Error;

/// Below this p-value a mismatch stops the verdict: rare enough to look every day of a test.
pub const ALARM_BELOW: f64 = 0.001;
/// Below this p-value a mismatch is told, and the verdict stands: one look in a hundred at a good test is.
pub const WARNING_BELOW: f64 = 0.01;
/// The χ² approximation is used only where every expected count is at least this.
pub const LEAST_EXPECTED: f64 = 5.0;

/// A span in which the configured weights did not change.
#[derive(Debug, Clone, PartialEq)]
pub struct Period {
    /// Units counted in each arm.
    pub units: Vec<u64>,
    /// Configured weights of the arms, each above 0; only their ratios matter.
    pub weights: Vec<f64>,
}

/// What the counts say about the division of traffic.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Mismatch {
    /// Units counted in each arm, over all periods.
    pub observed: Vec<u64>,
    /// Units expected in each arm, over all periods.
    pub expected: Vec<f64>,
    /// Probability of counts at least as far from the expected ones, were the division as configured;
    /// `None` without any unit.
    pub p_value: Option<f64>,
    /// Whether every expected count is large enough for the test to say anything.
    pub is_testable: bool,
    /// Whether the division should be looked into: testable, and below [`WARNING_BELOW`].
    pub warning: bool,
    /// Whether the arms cannot be compared: testable, and below [`ALARM_BELOW`].
    pub alarm: bool,
}

/// Tests the division of traffic over periods, each with its own weights.
///
/// With one period this is Pearson's χ² = Σ (o − e)²/e with k − 1 degrees of freedom. With several, the
/// deviations d = Σ_p (o_p − e_p) are weighed by the sum of the periods' multinomial covariances:
/// χ² = dᵀ Σ⁻ d, so that a change of weights is no mismatch and a steady loss of one arm adds up.
///
/// # Errors
/// [`Error::Empty`]: no period, or fewer than two arms. [`Error::Setting`]: a weight that is not finite or
/// not above 0, or periods with different numbers of arms.
///
/// # Source
/// Fabijan et al., "Diagnosing sample ratio mismatch in online controlled experiments", KDD 2019; the
/// periods as strata, after Mantel, JASA 58 (1963).
pub fn mismatch(periods: &[Period]) -> Result<Mismatch, Error> {
    let n_arms = periods.first().map_or(0, |period| period.units.len());
    if n_arms < 2 {
        return Err(Error::Empty);
    }
    let mut observed = vec![0_u64; n_arms];
    let mut expected = vec![0.0; n_arms];
    let mut covariance = vec![vec![0.0; n_arms]; n_arms];
    for period in periods {
        let shares = shares(&period.weights, n_arms)?;
        if period.units.len() != n_arms {
            return Err(Error::Setting { name: "arms of a period", value: period.units.len() as f64 });
        }
        let total: f64 = period.units.iter().map(|units| *units as f64).sum();
        for (arm, share) in shares.iter().enumerate() {
            observed[arm] += period.units[arm];
            expected[arm] += total * share;
            for (other, other_share) in shares.iter().enumerate() {
                let own = if arm == other { *share } else { 0.0 };
                covariance[arm][other] += total * (own - share * other_share);
            }
        }
    }
    let apart: Vec<f64> = observed.iter().zip(&expected).map(|(o, e)| *o as f64 - e).collect();
    let p_value = chi_square(&covariance, &apart).map(|statistic| survival(statistic, n_arms - 1));
    let is_testable = expected.iter().all(|count| *count >= LEAST_EXPECTED);
    let is_below = |bound: f64| is_testable && p_value.is_some_and(|p| p < bound);
    let (warning, alarm) = (is_below(WARNING_BELOW), is_below(ALARM_BELOW));
    Ok(Mismatch { observed, expected, p_value, is_testable, warning, alarm })
}

/// The weights as shares of 1.
fn shares(weights: &[f64], n_arms: usize) -> Result<Vec<f64>, Error> {
    if weights.len() != n_arms {
        return Err(Error::Setting { name: "weights of a period", value: weights.len() as f64 });
    }
    if let Some(weight) = weights.iter().find(|weight| !(weight.is_finite() && **weight > 0.0)) {
        return Err(Error::Setting { name: "weight", value: *weight });
    }
    let total: f64 = weights.iter().sum();
    Ok(weights.iter().map(|weight| weight / total).collect())
}

fn survival(statistic: f64, degrees_of_freedom: usize) -> f64 {
    ChiSquared::new(degrees_of_freedom as f64).map_or(f64::NAN, |chi| chi.sf(statistic)).min(1.0)
}

/// dᵀ Σ⁻ d. The last arm is left out, as its deviation follows from the others and Σ without it can be
/// inverted; `None` where it still cannot, for want of units.
fn chi_square(covariance: &[Vec<f64>], apart: &[f64]) -> Option<f64> {
    let n = apart.len() - 1;
    let mut rows: Vec<Vec<f64>> = (0..n)
        .map(|row| covariance[row][..n].iter().copied().chain(std::iter::once(apart[row])).collect())
        .collect();
    // Gauss with pivots on the diagonal: the matrix is symmetric and positive definite.
    for pivot in 0..n {
        let top = rows[pivot][pivot];
        if top.is_nan() || top <= 0.0 {
            return None;
        }
        for row in pivot + 1..n {
            let factor = rows[row][pivot] / top;
            let above = rows[pivot].clone();
            for (own, above) in rows[row].iter_mut().zip(&above).skip(pivot) {
                *own -= factor * above;
            }
        }
    }
    let mut solved = vec![0.0; n];
    for row in (0..n).rev() {
        let known: f64 = (row + 1..n).map(|column| rows[row][column] * solved[column]).sum();
        solved[row] = (rows[row][n] - known) / rows[row][row];
    }
    Some(solved.iter().zip(apart).map(|(a, b)| a * b).sum::<f64>().max(0.0))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn one(units: &[u64], weights: &[f64]) -> Mismatch {
        mismatch(&[Period { units: units.to_vec(), weights: weights.to_vec() }]).unwrap()
    }

    #[test]
    fn few_expected_units_raise_no_alarm() {
        let few = one(&[12, 0], &[0.9, 0.1]);
        assert!(!few.is_testable && !few.alarm, "{few:?}");
        assert_eq!(one(&[0, 0], &[1.0, 1.0]).p_value, None);
    }

    #[test]
    fn a_change_of_weights_is_no_mismatch_and_a_steady_loss_is_one() {
        let periods = |lost: u64| {
            [
                Period { units: vec![50_000 - lost, 50_000], weights: vec![1.0, 1.0] },
                Period { units: vec![90_000 - lost, 10_000], weights: vec![9.0, 1.0] },
            ]
        };
        let fine = mismatch(&periods(0)).unwrap();
        assert_eq!(fine.p_value, Some(1.0));
        // Pooled, the same counts against equal weights would be far off.
        assert!(one(&[140_000, 60_000], &[1.0, 1.0]).alarm);
        assert!(mismatch(&periods(1_500)).unwrap().alarm);
    }

    #[test]
    fn weights_that_are_none_are_refused() {
        let period = |weights: Vec<f64>| [Period { units: vec![1, 2], weights }];
        for weights in [vec![0.0, 1.0], vec![f64::NAN, 1.0], vec![-1.0, 2.0], vec![1.0]] {
            assert!(matches!(mismatch(&period(weights)), Err(Error::Setting { .. })));
        }
        assert_eq!(mismatch(&[]), Err(Error::Empty));
    }

    proptest! {
        #[test]
        fn one_period_is_pearsons_test(
            cells in prop::collection::vec((1_u64..5_000, 0.1_f64..5.0), 2..6),
        ) {
            let units: Vec<u64> = cells.iter().map(|cell| cell.0).collect();
            let weights: Vec<f64> = cells.iter().map(|cell| cell.1).collect();
            let found = one(&units, &weights);
            let pearson: f64 = found
                .observed
                .iter()
                .zip(&found.expected)
                .map(|(o, e)| (*o as f64 - e).powi(2) / e)
                .sum();
            let wanted = survival(pearson, cells.len() - 1);
            prop_assert!((found.p_value.unwrap_or(f64::NAN) - wanted).abs() < 1e-9);
        }
    }
}
