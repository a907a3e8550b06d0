//! Off-policy evaluation: what a policy would have earned, estimated from another policy's log.
//!
//! A round of the log has a reward r, the propensity p with which the logging policy chose the
//! action, the probability π with which the evaluated policy would have chosen it, and two outputs
//! of a reward model: q, its prediction for the logged action, and v, its prediction under the
//! evaluated policy (Σ over actions of π·q̂). With w = π / p:
//!
//! | estimator | value |
//! |---|---|
//! | [`Estimator::Ips`] | mean(w r) |
//! | [`Estimator::ClippedIps`] | mean(min(w, limit) r) |
//! | [`Estimator::Snips`] | Σ w r / Σ w |
//! | [`Estimator::Dm`] | mean(v) |
//! | [`Estimator::Dr`] | mean(v + w (r − q)) |
//! | [`Estimator::Sndr`] | mean(v) + Σ w (r − q) / Σ w |
//! | [`Estimator::SwitchDr`] | mean(v + w·1\[w ≤ limit\] (r − q)) |
//! | [`Estimator::DrOs`] | mean(v + λ w / (w² + λ) (r − q)) |
//!
//! All of them are unbiased, or consistent, only where the logging policy could choose whatever the
//! evaluated one would: a log of a deterministic policy says nothing of other actions, and no
//! estimator here can tell. Look at [`effective_rounds`] first.
//!
//! # Source
//! Dudík, Erhan, Langford and Li, "Doubly robust policy evaluation and optimization", Statistical
//! Science 29 (2014); Swaminathan and Joachims, NeurIPS 2015 (self-normalization); Wang, Agarwal
//! and Dudík, ICML 2017 (switch); Su et al., ICML 2020 (optimistic shrinkage).

use spotwright_schemas::random::Stream;

use crate::Error;
use crate::interval::normal_quantile;

/// One logged decision.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Round {
    /// What was earned.
    pub reward: f64,
    /// Probability with which the action was chosen, in (0, 1].
    pub propensity: f64,
    /// Probability with which the evaluated policy chooses that action, in [0, 1].
    pub target: f64,
    /// Predicted reward of the logged action; 0 without a reward model.
    pub predicted: f64,
    /// Predicted reward under the evaluated policy; 0 without a reward model.
    pub predicted_target: f64,
}

impl Round {
    /// The importance weight π / p.
    #[must_use]
    pub fn weight(&self) -> f64 {
        self.target / self.propensity
    }
}

/// How the value is estimated; formulas in the [module](self).
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Estimator {
    /// Inverse propensity score weighting.
    Ips,
    /// The same with weights of at most `limit`: less variance, biased downward for rewards ≥ 0.
    ClippedIps {
        /// Largest weight, above 0.
        limit: f64,
    },
    /// Self-normalized.
    Snips,
    /// Direct method: the reward model alone, as biased as the model.
    Dm,
    /// Doubly robust.
    Dr,
    /// Self-normalized doubly robust.
    Sndr,
    /// Doubly robust where the weight is at most `limit`, else the model alone.
    SwitchDr {
        /// Largest weight that is used, above 0.
        limit: f64,
    },
    /// Doubly robust with optimistic shrinkage of the weights.
    DrOs {
        /// λ, above 0; large values give [`Estimator::Dr`].
        shrinkage: f64,
    },
}

/// A value with its interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate {
    /// The estimate.
    pub value: f64,
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// A round's part: the value is `mean(base) + Σ correction / Σ share`.
#[derive(Debug, Clone, Copy)]
struct Part {
    base: f64,
    correction: f64,
    share: f64,
}

impl Estimator {
    fn part(self, round: &Round) -> Part {
        let weight = round.weight();
        let residual = round.reward - round.predicted;
        let plain = |correction| Part { base: 0.0, correction, share: 1.0 };
        let robust =
            |weight: f64| Part { base: round.predicted_target, correction: weight * residual, share: 1.0 };
        match self {
            Self::Ips => plain(weight * round.reward),
            Self::ClippedIps { limit } => plain(weight.min(limit) * round.reward),
            Self::Snips => Part { base: 0.0, correction: weight * round.reward, share: weight },
            Self::Dm => robust(0.0),
            Self::Dr => robust(weight),
            Self::Sndr => Part { share: weight, ..robust(weight) },
            Self::SwitchDr { limit } => robust(if weight <= limit { weight } else { 0.0 }),
            Self::DrOs { shrinkage } => robust(shrinkage * weight / (weight * weight + shrinkage)),
        }
    }

    /// Whether the value is a mean of independent parts.
    const fn is_mean(self) -> bool {
        !matches!(self, Self::Snips | Self::Sndr)
    }

    fn parts(self, rounds: &[Round]) -> Result<Vec<Part>, Error> {
        let parameter = match self {
            Self::ClippedIps { limit } | Self::SwitchDr { limit } => Some(("limit", limit)),
            Self::DrOs { shrinkage } => Some(("shrinkage", shrinkage)),
            _ => None,
        };
        if let Some((name, value)) = parameter {
            if !(value > 0.0 && value.is_finite()) {
                return Err(Error::Setting { name, value });
            }
        }
        if rounds.is_empty() {
            return Err(Error::Empty);
        }
        rounds
            .iter()
            .enumerate()
            .map(|(index, round)| {
                check(index, round)?;
                Ok(self.part(round))
            })
            .collect()
    }
}

fn check(index: usize, round: &Round) -> Result<(), Error> {
    let fail = |name, value| Err(Error::Round { index, name, value });
    if !(round.propensity > 0.0 && round.propensity <= 1.0) {
        return fail("propensity", round.propensity);
    }
    if !(0.0..=1.0).contains(&round.target) {
        return fail("target", round.target);
    }
    for (name, value) in [
        ("reward", round.reward),
        ("predicted", round.predicted),
        ("predicted_target", round.predicted_target),
    ] {
        if !value.is_finite() {
            return fail(name, value);
        }
    }
    Ok(())
}

/// Sums of the parts; NaN where no weight is above 0 and the estimator is self-normalized.
fn value_of(parts: impl Iterator<Item = Part>) -> f64 {
    let (mut n, mut base, mut correction, mut share) = (0.0, 0.0, 0.0, 0.0);
    for part in parts {
        n += 1.0;
        base += part.base;
        correction += part.correction;
        share += part.share;
    }
    base / n + correction / share
}

/// The estimated mean reward per round of the evaluated policy.
///
/// # Errors
/// - [`Error::Empty`]: no rounds, or no weight above 0 with a self-normalized estimator.
/// - [`Error::Round`]: a field is outside its range.
/// - [`Error::Setting`]: the estimator's parameter is not above 0.
pub fn estimate(estimator: Estimator, rounds: &[Round]) -> Result<f64, Error> {
    let value = value_of(estimator.parts(rounds)?.into_iter());
    if value.is_finite() { Ok(value) } else { Err(Error::Empty) }
}

/// (Σ w)² / Σ w²: how many rounds the weighted log is worth, at most their number; 0 where no
/// weight is above 0.
#[must_use]
pub fn effective_rounds(rounds: &[Round]) -> f64 {
    let (mut sum, mut squares) = (0.0, 0.0);
    for round in rounds {
        sum += round.weight();
        squares += round.weight() * round.weight();
    }
    if squares > 0.0 { sum * sum / squares } else { 0.0 }
}

/// The percentile bootstrap over rounds: `resamples` (at least 1) resamples drawn from `stream`.
/// Resamples without a weight above 0 are left out for self-normalized estimators.
///
/// # Errors
/// As [`estimate`]; [`Error::Confidence`]; [`Error::Setting`] without resamples.
pub fn bootstrap(
    estimator: Estimator,
    rounds: &[Round],
    confidence: f64,
    resamples: u32,
    stream: Stream,
) -> Result<Estimate, Error> {
    check_confidence(confidence)?;
    if resamples == 0 {
        return Err(Error::Setting { name: "resamples", value: 0.0 });
    }
    let value = estimate(estimator, rounds)?;
    let parts = estimator.parts(rounds)?;
    let mut values: Vec<f64> = (0..resamples)
        .map(|resample| {
            let draws = stream.child(u64::from(resample));
            value_of((0..parts.len()).map(|idx| parts[draws.below(idx as u64, parts.len())]))
        })
        .filter(|value| value.is_finite())
        .collect();
    values.sort_by(f64::total_cmp);
    let tail = (1.0 - confidence) / 2.0;
    let low = percentile(&values, tail).unwrap_or(value);
    let high = percentile(&values, 1.0 - tail).unwrap_or(value);
    // A percentile interval may miss its estimate where the rewards are few; it is then widened.
    Ok(Estimate { value, low: low.min(value), high: high.max(value) })
}

/// Linear interpolation between order statistics.
fn percentile(sorted: &[f64], share: f64) -> Option<f64> {
    let position = share * (sorted.len().checked_sub(1)?) as f64;
    let below = position.floor() as usize;
    let above = (below + 1).min(sorted.len() - 1);
    Some(sorted[below] + (position - below as f64) * (sorted[above] - sorted[below]))
}

/// The normal interval from the variance of the parts; for self-normalized estimators from that of
/// their linearization (delta method).
///
/// # Errors
/// As [`estimate`]; [`Error::Confidence`].
pub fn normal(estimator: Estimator, rounds: &[Round], confidence: f64) -> Result<Estimate, Error> {
    check_confidence(confidence)?;
    let value = estimate(estimator, rounds)?;
    let parts = estimator.parts(rounds)?;
    let n = parts.len() as f64;
    let mean = |field: fn(&Part) -> f64| parts.iter().map(field).sum::<f64>() / n;
    let (base, correction, share) = (mean(|p| p.base), mean(|p| p.correction), mean(|p| p.share));
    let variance = parts
        .iter()
        .map(|part| {
            let influence = part.base - base + (part.correction - correction / share * part.share) / share;
            influence * influence
        })
        .sum::<f64>()
        / (n - 1.0).max(1.0);
    let half = normal_quantile(0.5 + confidence / 2.0) * (variance / n).sqrt();
    Ok(Estimate { value, low: value - half, high: value + half })
}

/// The empirical Bernstein interval, which holds for every number of rounds, given that the parts
/// of the estimate lie within an interval of length `range` (for IPS with rewards in [0, 1] the
/// largest possible weight). `None` for self-normalized estimators, which are no means.
///
/// # Errors
/// As [`estimate`]; [`Error::Confidence`]; [`Error::Setting`]: `range` is not above 0 or the parts
/// do not lie within it.
///
/// # Source
/// Maurer and Pontil, "Empirical Bernstein bounds and sample variance penalization", COLT 2009,
/// theorem 4, for both sides.
pub fn empirical_bernstein(
    estimator: Estimator,
    rounds: &[Round],
    range: f64,
    confidence: f64,
) -> Result<Option<Estimate>, Error> {
    check_confidence(confidence)?;
    let value = estimate(estimator, rounds)?;
    if !estimator.is_mean() {
        return Ok(None);
    }
    let values: Vec<f64> = estimator.parts(rounds)?.iter().map(|part| part.base + part.correction).collect();
    let low = values.iter().copied().fold(f64::INFINITY, f64::min);
    let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if !(range.is_finite() && range > 0.0 && high - low <= range * (1.0 + 1e-12)) {
        return Err(Error::Setting { name: "range", value: range });
    }
    let n = values.len() as f64;
    if n < 2.0 {
        return Ok(Some(Estimate { value, low: value - range, high: value + range }));
    }
    let variance = values.iter().map(|x| (x - value).powi(2)).sum::<f64>() / (n - 1.0);
    let logarithm = (4.0 / (1.0 - confidence)).ln();
    let half = (2.0 * variance * logarithm / n).sqrt() + 7.0 * range * logarithm / (3.0 * (n - 1.0));
    Ok(Some(Estimate { value, low: value - half, high: value + half }))
}

fn check_confidence(confidence: f64) -> Result<(), Error> {
    if confidence > 0.0 && confidence < 1.0 { Ok(()) } else { Err(Error::Confidence(confidence)) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ALL: [Estimator; 8] = [
        Estimator::Ips,
        Estimator::ClippedIps { limit: 2.0 },
        Estimator::Snips,
        Estimator::Dm,
        Estimator::Dr,
        Estimator::Sndr,
        Estimator::SwitchDr { limit: 2.0 },
        Estimator::DrOs { shrinkage: 4.0 },
    ];

    /// Weights 4, 1, ½ and 0.
    fn four() -> Vec<Round> {
        [
            (1.0, 0.2, 0.8, 0.5, 0.6),
            (0.0, 0.5, 0.5, 0.25, 0.4),
            (2.0, 0.8, 0.4, 1.0, 0.8),
            (1.0, 0.5, 0.0, 0.5, 0.2),
        ]
        .map(|(reward, propensity, target, predicted, predicted_target)| Round {
            reward,
            propensity,
            target,
            predicted,
            predicted_target,
        })
        .to_vec()
    }

    #[test]
    fn four_rounds_by_hand() {
        // Σ w = 5.5; w r = 4, 0, 1, 0; v = .6, .4, .8, .2 (mean .5); w (r − q) = 2, −.25, .5, 0.
        let expected = [
            1.25,
            (2.0 + 1.0) / 4.0,
            5.0 / 5.5,
            0.5,
            0.5 + 2.25 / 4.0,
            0.5 + 2.25 / 5.5,
            0.5 + 0.25 / 4.0,
            // λ w / (w² + λ) = .8, .8, 8/17, 0 times the residuals .5, −.25, 1, .5.
            0.5 + (0.4 - 0.2 + 8.0 / 17.0) / 4.0,
        ];
        for (estimator, expected) in ALL.into_iter().zip(expected) {
            let value = estimate(estimator, &four()).unwrap();
            assert!((value - expected).abs() < 1e-12, "{estimator:?} {value} {expected}");
        }
        assert!((effective_rounds(&four()) - 5.5 * 5.5 / 17.25).abs() < 1e-12);
    }

    /// A log of three actions under a softmax policy, with the truth known.
    fn logged(n: u64, seed: u64) -> (Vec<Round>, f64) {
        let (logging, target, rates) = ([0.5, 0.3, 0.2], [0.1, 0.2, 0.7], [0.05, 0.10, 0.20]);
        let model = [0.06, 0.08, 0.22];
        let stream = Stream::new(seed, "log");
        let direct: f64 = target.iter().zip(model).map(|(p, q)| p * q).sum();
        let rounds = (0..n)
            .map(|i| {
                let draw = stream.child(i);
                let u = draw.uniform(0);
                let action = if u < 0.5 {
                    0
                } else if u < 0.8 {
                    1
                } else {
                    2
                };
                Round {
                    reward: f64::from(u8::from(draw.uniform(1) < rates[action])),
                    propensity: logging[action],
                    target: target[action],
                    predicted: model[action],
                    predicted_target: direct,
                }
            })
            .collect();
        (rounds, target.iter().zip(rates).map(|(p, r)| p * r).sum())
    }

    #[test]
    fn intervals_of_unbiased_estimators_cover_the_truth() {
        let runs = 200;
        for estimator in [Estimator::Ips, Estimator::Snips, Estimator::Dr, Estimator::Sndr] {
            let mut covered = [0_u32; 2];
            for seed in 0..runs {
                let (rounds, truth) = logged(600, seed);
                let interval = normal(estimator, &rounds, 0.9).unwrap();
                covered[0] += u32::from(interval.low <= truth && truth <= interval.high);
                let interval = bootstrap(estimator, &rounds, 0.9, 100, Stream::new(seed, "boot")).unwrap();
                covered[1] += u32::from(interval.low <= truth && truth <= interval.high);
            }
            assert!(covered.iter().all(|n| (165..=196).contains(n)), "{estimator:?} {covered:?}");
        }
    }

    #[test]
    fn bernstein_is_wider_and_covers() {
        for seed in 0..50 {
            let (rounds, truth) = logged(2_000, seed);
            let wide = empirical_bernstein(Estimator::Ips, &rounds, 3.5, 0.95).unwrap().unwrap();
            let narrow = normal(Estimator::Ips, &rounds, 0.95).unwrap();
            assert!(wide.low < narrow.low && wide.high > narrow.high);
            assert!(wide.low <= truth && truth <= wide.high);
        }
        assert_eq!(empirical_bernstein(Estimator::Snips, &four(), 10.0, 0.9), Ok(None));
        assert!(matches!(
            empirical_bernstein(Estimator::Ips, &four(), 1.0, 0.9),
            Err(Error::Setting { name: "range", .. })
        ));
    }

    #[test]
    fn bad_logs_are_errors() {
        for (name, broken) in [
            ("propensity", Round { propensity: 0.0, ..four()[0] }),
            ("target", Round { target: 1.5, ..four()[0] }),
            ("reward", Round { reward: f64::NAN, ..four()[0] }),
            ("predicted", Round { predicted: f64::INFINITY, ..four()[0] }),
        ] {
            let rounds = [four()[1], broken];
            for estimator in ALL {
                let error = estimate(estimator, &rounds).unwrap_err();
                assert!(
                    matches!(error, Error::Round { index: 1, name: found, .. } if found == name),
                    "{error}"
                );
            }
        }
        assert_eq!(estimate(Estimator::Ips, &[]), Err(Error::Empty));
        assert_eq!(estimate(Estimator::Snips, &four()[3..]), Err(Error::Empty));
        assert!(matches!(
            estimate(Estimator::DrOs { shrinkage: 0.0 }, &four()),
            Err(Error::Setting { name: "shrinkage", .. })
        ));
        assert_eq!(normal(Estimator::Ips, &four(), 1.0), Err(Error::Confidence(1.0)));
    }

    fn rounds() -> impl Strategy<Value = Vec<Round>> {
        let round = (0.0_f64..1.0, 0.01_f64..1.0, 0.0_f64..1.0, 0.0_f64..1.0, 0.0_f64..1.0);
        prop::collection::vec(round, 1..40).prop_map(|rounds| {
            rounds
                .into_iter()
                .map(|(reward, propensity, target, predicted, predicted_target)| Round {
                    reward,
                    propensity,
                    target: target.max(1e-3),
                    predicted,
                    predicted_target,
                })
                .collect()
        })
    }

    proptest! {
        #[test]
        fn limits_give_their_neighbors(rounds in rounds()) {
            let value = |estimator| estimate(estimator, &rounds).unwrap();
            let near = |a: f64, b: f64| (a - b).abs() <= 1e-6 * (1.0 + a.abs());
            for (limit, neighbor) in [
                (Estimator::ClippedIps { limit: 1e9 }, Estimator::Ips),
                (Estimator::SwitchDr { limit: 1e9 }, Estimator::Dr),
                (Estimator::SwitchDr { limit: 1e-9 }, Estimator::Dm),
                (Estimator::DrOs { shrinkage: 1e12 }, Estimator::Dr),
            ] {
                prop_assert!(near(value(limit), value(neighbor)));
            }
            let snips = value(Estimator::Snips);
            prop_assert!((0.0..=1.0).contains(&snips), "stays within the rewards");
        }

        #[test]
        fn intervals_hold_their_estimate_and_repeat(rounds in rounds(), seed in 0_u64..50) {
            for estimator in ALL {
                let one = bootstrap(estimator, &rounds, 0.9, 20, Stream::new(seed, "boot")).unwrap();
                prop_assert!(one.low <= one.value && one.value <= one.high);
                prop_assert_eq!(one, bootstrap(estimator, &rounds, 0.9, 20, Stream::new(seed, "boot")).unwrap());
                let two = normal(estimator, &rounds, 0.9).unwrap();
                prop_assert!(two.low <= two.value && two.value <= two.high);
            }
        }
    }
}
