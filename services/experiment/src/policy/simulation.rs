//! Tests with known click rates, played by a policy: what it earns against uniform traffic and
//! against the best arm.
//!
//! One test of K arms has K × (impressions per arm) impressions in all, in equal batches; what
//! does not divide is left out. Clicks are binomial with the arm's true rate.

use spotwright_schemas::random::Stream;

use super::{Arm, Horizon, Policy, Prior, State, divide, largest};
use crate::Error;
use crate::interval::{BetaPosterior, Counts};

/// Batches of a simulated test.
pub const BATCHES: u32 = 20;

/// An arm whose click rate is known to the simulation only.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SimulatedArm {
    /// What the policy is told, see [`Arm::relative_rate`].
    pub relative_rate: f64,
    /// The true click rate, in [0, 1].
    pub rate: f64,
}

/// What one test earned.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Outcome {
    /// Impressions used.
    pub impressions: u64,
    /// Clicks drawn.
    pub clicks: u64,
    /// Clicks expected of the impressions as they were divided: the same value without the noise of
    /// the clicks themselves.
    pub expected_clicks: f64,
    /// Expected clicks had the impressions been divided evenly.
    pub uniform: f64,
    /// Expected clicks had all gone to the best arm.
    pub optimal: f64,
    /// Whether the arm with the largest posterior mean before the last batch is the best one.
    pub found_best: bool,
}

/// Plays one test.
///
/// # Errors
/// As [`super::allocate`].
pub fn play(
    policy: Policy,
    prior: Prior,
    test: &[SimulatedArm],
    impressions_per_arm: u64,
    stream: Stream,
) -> Result<Outcome, Error> {
    let mut arms: Vec<Arm> =
        test.iter().map(|arm| Arm { relative_rate: arm.relative_rate, counts: Counts::default() }).collect();
    let batch_size = impressions_per_arm * test.len() as u64 / u64::from(BATCHES);
    let mut outcome = Outcome::default();
    for batch in 0..BATCHES {
        let remaining = batch_size * u64::from(BATCHES - 1 - batch);
        let horizon = Horizon { batch, batches: BATCHES, impressions: batch_size, remaining };
        let state = State { arms: &arms, prior, horizon };
        if batch + 1 == BATCHES {
            let means: Vec<f64> = prior.posteriors(&arms)?.iter().map(BetaPosterior::mean).collect();
            let best = test.iter().map(|arm| arm.rate).fold(f64::NEG_INFINITY, f64::max);
            outcome.found_best = test[largest(&means)].rate == best;
        }
        let draws = stream.child(u64::from(batch));
        let divided = divide(policy, &state, draws.child(0))?;
        for (idx, impressions) in divided.into_iter().enumerate() {
            let coins = draws.child(1 + idx as u64);
            let clicks = (0..impressions).filter(|draw| coins.uniform(*draw) < test[idx].rate).count() as u64;
            let counts = arms[idx].counts;
            arms[idx].counts = Counts::new(counts.trials() + impressions, counts.successes() + clicks)?;
            outcome.clicks += clicks;
            outcome.expected_clicks += impressions as f64 * test[idx].rate;
            outcome.impressions += impressions;
        }
    }
    let mean = test.iter().map(|arm| arm.rate).sum::<f64>() / test.len() as f64;
    let best = test.iter().map(|arm| arm.rate).fold(0.0, f64::max);
    outcome.uniform = mean * outcome.impressions as f64;
    outcome.optimal = best * outcome.impressions as f64;
    Ok(outcome)
}

/// How many pseudo-impressions the arms' rates are worth, fitted from the spread of observed rates
/// between the arms of each test: the method of moments of
/// [`SharedPrior::fit`](crate::interval::SharedPrior::fit), summed over tests that each have a level
/// of their own. `None` when the arms differ by no more than chance.
///
/// With the sums over tests, `rho = Σ (S/(g(1−g)) − (K−1)) / Σ (N − Σn²/N − (K−1))` and the
/// result is `1/rho − 1`.
#[must_use]
pub fn fit_pseudo_impressions(tests: &[Vec<Counts>]) -> Option<f64> {
    let (mut excess, mut room) = (0.0, 0.0);
    for test in tests {
        let trials: f64 = test.iter().map(|arm| arm.trials() as f64).sum();
        let clicks: f64 = test.iter().map(|arm| arm.successes() as f64).sum();
        let rate = clicks / trials;
        if !(rate > 0.0 && rate < 1.0) {
            continue;
        }
        let rates = || test.iter().filter_map(|arm| Some((arm.trials() as f64, arm.rate()?)));
        let free = rates().count() as f64 - 1.0;
        let scatter: f64 = rates().map(|(n, own)| n * (own - rate) * (own - rate)).sum();
        let squares: f64 = rates().map(|(n, _)| n * n).sum();
        excess += scatter / (rate * (1.0 - rate)) - free;
        room += trials - squares / trials - free;
    }
    (excess > 0.0 && room > 0.0).then(|| room / excess - 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bandit::draw;

    fn test(seed: u64) -> Vec<SimulatedArm> {
        let stream = Stream::new(seed, "rates");
        (0..5)
            .map(|arm| {
                let rate = 0.012 * (0.3 * stream.normal(arm)).exp();
                SimulatedArm { relative_rate: 1.0, rate }
            })
            .collect()
    }

    fn lift(policy: Policy, informed: bool) -> f64 {
        let (mut clicks, mut uniform) = (0.0, 0.0);
        for seed in 0..120 {
            let mut arms = test(seed);
            if informed {
                for arm in &mut arms {
                    arm.relative_rate = arm.rate / 0.0125;
                }
            }
            let outcome = play(policy, Prior::default(), &arms, 1_000, Stream::new(seed, "play")).unwrap();
            assert_eq!(outcome.impressions, 5_000);
            assert!(outcome.expected_clicks <= outcome.optimal + 1e-9);
            clicks += outcome.expected_clicks;
            uniform += outcome.uniform;
        }
        clicks / uniform - 1.0
    }

    #[test]
    fn policies_that_learn_earn_more_than_uniform_and_scores_help() {
        let uniform = lift(Policy::Uniform, false);
        assert!(uniform.abs() < 0.01, "{uniform}");
        for policy in [
            Policy::cooled_thompson(),
            Policy::curious_thompson(),
            Policy::block_knowledge_gradient(),
            Policy::Thompson,
        ] {
            let (blind, informed) = (lift(policy, false), lift(policy, true));
            assert!(blind > 0.06 && informed > blind + 0.05, "{policy:?} {blind} {informed}");
        }
    }

    #[test]
    fn the_spread_between_arms_is_recovered() {
        let tests: Vec<Vec<Counts>> = (0..300)
            .map(|seed| {
                let stream = Stream::new(seed, "spread");
                let level = 0.01 + 0.01 * stream.uniform(0);
                let prior = BetaPosterior::from_rate(level, 900.0).unwrap();
                (0..5)
                    .map(|arm| {
                        let rate = draw(&prior, stream.child(1), arm);
                        let coins = stream.child(2).child(arm);
                        Counts::new(3_000, (0..3_000).filter(|i| coins.uniform(*i) < rate).count() as u64)
                            .unwrap()
                    })
                    .collect()
            })
            .collect();
        let fitted = fit_pseudo_impressions(&tests).unwrap();
        assert!((700.0..1_150.0).contains(&fitted), "{fitted}");
        assert_eq!(fit_pseudo_impressions(&[vec![Counts::new(100, 1).unwrap(); 3]]), None);
    }
}
