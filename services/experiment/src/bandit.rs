//! Which arm is shown next, and with what probability it was chosen.
//!
//! Every choice carries its propensity, so that what was logged can be re-weighted for another
//! policy (inverse propensity weighting) without guessing.

use spotwright_schemas::random::Stream;

use crate::interval::BetaPosterior;
use crate::{Error, grid};

/// How an arm is chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Policy {
    /// Every arm alike.
    Uniform,
    /// One draw from each posterior, the largest wins; the propensity is the posterior
    /// probability of being best.
    Thompson,
    /// The largest posterior mean, the first of equals: empirical-Bayes greedy where the prior
    /// was fitted. Its propensities are 0 and 1, so its log cannot be re-weighted.
    Greedy,
}

/// A choice and its probability.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Choice {
    /// Index of the chosen arm.
    pub arm: usize,
    /// Probability that the policy chose it, in [0, 1].
    pub propensity: f64,
}

/// The probability with which `policy` chooses each arm; sums to 1.
///
/// # Errors
/// [`Error::Empty`]: no arms.
pub fn propensities(policy: Policy, arms: &[BetaPosterior]) -> Result<Vec<f64>, Error> {
    match policy {
        _ if arms.is_empty() => Err(Error::Empty),
        Policy::Uniform => Ok(vec![1.0 / arms.len() as f64; arms.len()]),
        Policy::Thompson => Ok(grid::best(arms)),
        Policy::Greedy => {
            let best = greedy(arms);
            Ok((0..arms.len()).map(|arm| if arm == best { 1.0 } else { 0.0 }).collect())
        }
    }
}

/// Chooses an arm with draw number `index` of `stream`.
///
/// # Errors
/// [`Error::Empty`]: no arms.
pub fn choose(policy: Policy, arms: &[BetaPosterior], stream: Stream, index: u64) -> Result<Choice, Error> {
    let propensities = propensities(policy, arms)?;
    let arm = match policy {
        Policy::Uniform => stream.below(index, arms.len()),
        Policy::Greedy => greedy(arms),
        Policy::Thompson => {
            let draws = stream.child(index);
            largest(arms.iter().enumerate().map(|(arm, posterior)| draw(posterior, draws, arm as u64)))
        }
    };
    Ok(Choice { arm, propensity: propensities[arm] })
}

/// Draw number `index` of `stream` from a beta distribution, in [0, 1].
#[must_use]
pub fn draw(posterior: &BetaPosterior, stream: Stream, index: u64) -> f64 {
    let stream = stream.child(index);
    let a = stream.child(0).gamma(posterior.alpha());
    let b = stream.child(1).gamma(posterior.beta());
    if a + b > 0.0 { a / (a + b) } else { posterior.mean() }
}

fn greedy(arms: &[BetaPosterior]) -> usize {
    largest(arms.iter().map(BetaPosterior::mean))
}

/// Index of the largest value, the first of equals.
fn largest(values: impl Iterator<Item = f64>) -> usize {
    let mut best = (0, f64::NEG_INFINITY);
    for (idx, value) in values.enumerate() {
        if value > best.1 {
            best = (idx, value);
        }
    }
    best.0
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn posteriors() -> impl Strategy<Value = Vec<BetaPosterior>> {
        prop::collection::vec((0.3_f64..80.0, 20.0_f64..5_000.0), 1..7)
            .prop_map(|arms| arms.into_iter().map(|(a, b)| BetaPosterior::new(a, b).unwrap()).collect())
    }

    #[test]
    fn beta_draws_have_the_moments_of_the_distribution() {
        for (alpha, beta) in [(0.5, 2.0), (2.0, 5.0), (30.0, 2_000.0)] {
            let posterior = BetaPosterior::new(alpha, beta).unwrap();
            let n = 40_000;
            let draws: Vec<f64> = (0..n).map(|i| draw(&posterior, Stream::new(1, "beta"), i)).collect();
            let mean = draws.iter().sum::<f64>() / n as f64;
            let variance = draws.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / n as f64;
            let truth = alpha * beta / ((alpha + beta).powi(2) * (alpha + beta + 1.0));
            assert!((mean / posterior.mean() - 1.0).abs() < 0.03, "{alpha} {mean}");
            assert!((variance / truth - 1.0).abs() < 0.05, "{alpha} {variance} {truth}");
        }
    }

    #[test]
    fn thompson_chooses_as_often_as_its_propensity_says() {
        let arms = [(20.0, 980.0), (25.0, 975.0), (15.0, 985.0)]
            .map(|(alpha, beta)| BetaPosterior::new(alpha, beta).unwrap());
        let expected = propensities(Policy::Thompson, &arms).unwrap();
        let mut counts = [0_u32; 3];
        for i in 0..4_000 {
            counts[choose(Policy::Thompson, &arms, Stream::new(5, "choice"), i).unwrap().arm] += 1;
        }
        for (count, propensity) in counts.iter().zip(&expected) {
            assert!((f64::from(*count) / 4_000.0 - propensity).abs() < 0.03, "{counts:?} {expected:?}");
        }
    }

    #[test]
    fn nothing_to_choose_from_is_an_error() {
        for policy in [Policy::Uniform, Policy::Thompson, Policy::Greedy] {
            assert_eq!(choose(policy, &[], Stream::new(1, "x"), 0), Err(Error::Empty));
        }
    }

    proptest! {
        #[test]
        fn propensities_are_a_distribution(arms in posteriors(), index in 0_u64..1_000) {
            for policy in [Policy::Uniform, Policy::Thompson, Policy::Greedy] {
                let shares = propensities(policy, &arms).unwrap();
                prop_assert!(shares.iter().all(|share| (0.0..=1.0).contains(share)));
                prop_assert!((shares.iter().sum::<f64>() - 1.0).abs() < 1e-9);
                let choice = choose(policy, &arms, Stream::new(3, "law"), index).unwrap();
                prop_assert_eq!(choice.propensity, shares[choice.arm]);
            }
        }

        #[test]
        fn equal_arms_have_equal_propensities(alpha in 0.5_f64..50.0, beta in 20.0_f64..3_000.0, n in 2_usize..6) {
            let arms = vec![BetaPosterior::new(alpha, beta).unwrap(); n];
            for share in propensities(Policy::Thompson, &arms).unwrap() {
                prop_assert!((share - 1.0 / n as f64).abs() < 1e-9);
            }
        }
    }
}
