//! Intervals and shrunken estimates of click rates.

use statrs::distribution::{Beta, ContinuousCDF, Normal};

use crate::{Error, grid};

/// Trials and successes; never more successes than trials.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    trials: u64,
    successes: u64,
}

impl Counts {
    /// Counts `successes` in `trials`, e.g. clicks in impressions.
    ///
    /// # Errors
    /// [`Error::Counts`]: more successes than trials.
    pub const fn new(trials: u64, successes: u64) -> Result<Self, Error> {
        if successes > trials {
            Err(Error::Counts { trials, successes })
        } else {
            Ok(Self { trials, successes })
        }
    }

    /// Trials.
    #[must_use]
    pub const fn trials(self) -> u64 {
        self.trials
    }

    /// Successes.
    #[must_use]
    pub const fn successes(self) -> u64 {
        self.successes
    }

    /// Successes per trial; `None` without trials.
    #[must_use]
    pub fn rate(self) -> Option<f64> {
        (self.trials > 0).then(|| self.successes as f64 / self.trials as f64)
    }
}

/// A range of a rate, ends included.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// Lower end, in [0, 1].
    pub low: f64,
    /// The estimate the interval is about, in [low, high].
    pub estimate: f64,
    /// Upper end, in [0, 1].
    pub high: f64,
}

/// The Wilson score interval of a rate at `confidence` in (0, 1), two-sided.
///
/// Without trials the interval is [0, 1] and the estimate ½.
///
/// # Errors
/// [`Error::Confidence`].
///
/// # Source
/// Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22 (1927).
pub fn wilson(counts: Counts, confidence: f64) -> Result<Interval, Error> {
    check_confidence(confidence)?;
    let Some(rate) = counts.rate() else { return Ok(Interval { low: 0.0, estimate: 0.5, high: 1.0 }) };
    let n = counts.trials as f64;
    let z = normal_quantile(0.5 + confidence / 2.0);
    let denominator = 1.0 + z * z / n;
    let center = (rate + z * z / (2.0 * n)) / denominator;
    let half = z / denominator * (rate * (1.0 - rate) / n + z * z / (4.0 * n * n)).sqrt();
    // Rounding may leave the ends a hair inside the estimate where the rate is 0 or 1.
    let low = (center - half).clamp(0.0, rate);
    let high = (center + half).clamp(rate, 1.0);
    Ok(Interval { low, estimate: rate, high })
}

/// The standard normal quantile of `probability`; infinite at 0 and 1, NaN outside [0, 1].
#[must_use]
pub fn normal_quantile(probability: f64) -> f64 {
    if (0.0..=1.0).contains(&probability) { Normal::standard().inverse_cdf(probability) } else { f64::NAN }
}

/// A beta distribution of a rate: a prior, or what is known after some counts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BetaPosterior {
    alpha: f64,
    beta: f64,
}

impl BetaPosterior {
    /// The distribution with these parameters: `alpha` pseudo-successes, `beta` pseudo-failures.
    ///
    /// # Errors
    /// [`Error::Beta`]: a parameter is not finite or not above 0.
    pub fn new(alpha: f64, beta: f64) -> Result<Self, Error> {
        let good = |parameter: f64| parameter.is_finite() && parameter > 0.0;
        if good(alpha) && good(beta) { Ok(Self { alpha, beta }) } else { Err(Error::Beta { alpha, beta }) }
    }

    /// The prior whose mean is `rate` in (0, 1) and which weighs as much as `pseudo_trials` trials.
    ///
    /// # Errors
    /// [`Error::Beta`]: the rate is outside (0, 1) or the weight is not above 0.
    pub fn from_rate(rate: f64, pseudo_trials: f64) -> Result<Self, Error> {
        Self::new(rate * pseudo_trials, (1.0 - rate) * pseudo_trials)
    }

    /// The same for parameters known to be finite and above 0.
    pub(crate) const fn of(alpha: f64, beta: f64) -> Self {
        Self { alpha, beta }
    }

    /// Pseudo-successes.
    #[must_use]
    pub const fn alpha(&self) -> f64 {
        self.alpha
    }

    /// Pseudo-failures.
    #[must_use]
    pub const fn beta(&self) -> f64 {
        self.beta
    }

    /// What is known after `counts` more trials (beta-binomial update).
    #[must_use]
    pub fn updated(&self, counts: Counts) -> Self {
        Self {
            alpha: self.alpha + counts.successes as f64,
            beta: self.beta + (counts.trials - counts.successes) as f64,
        }
    }

    /// The mean, in (0, 1).
    #[must_use]
    pub fn mean(&self) -> f64 {
        self.alpha / (self.alpha + self.beta)
    }

    /// The equal-tailed credible interval at `confidence` in (0, 1); its estimate is the mean.
    ///
    /// A very skewed distribution may have its mean outside the equal-tailed interval; the
    /// interval is then widened to hold it.
    ///
    /// # Errors
    /// [`Error::Confidence`].
    pub fn credible(&self, confidence: f64) -> Result<Interval, Error> {
        check_confidence(confidence)?;
        let beta = Beta::new(self.alpha, self.beta)
            .map_err(|_| Error::Beta { alpha: self.alpha, beta: self.beta })?;
        let tail = (1.0 - confidence) / 2.0;
        let estimate = self.mean();
        let low = beta.inverse_cdf(tail).clamp(0.0, estimate);
        let high = beta.inverse_cdf(1.0 - tail).clamp(estimate, 1.0);
        Ok(Interval { low, estimate, high })
    }

    /// The probability that a rate drawn from this distribution exceeds one drawn from `other`.
    ///
    /// Computed as a sum over 1,024 cells of log-odds; agrees with the closed form for whole
    /// parameters to 1e-4 where the weights are within a factor of 1,000 of each other (tested).
    #[must_use]
    pub fn probability_beats(&self, other: &Self) -> f64 {
        let masses = grid::masses(&[*self, *other]);
        let mut below = 0.0;
        let mut probability = 0.0;
        for (own, others) in masses[0].iter().zip(&masses[1]) {
            probability += own * (below + 0.5 * others);
            below += others;
        }
        probability.clamp(0.0, 1.0)
    }
}

/// A prior for the arms of one test: their common rate and how much it weighs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SharedPrior {
    /// Successes per trial of all arms together, kept within (0, 1) by half a success.
    pub rate: f64,
    /// Trials the common rate weighs, within [`MIN_PSEUDO_TRIALS`] and [`MAX_PSEUDO_TRIALS`].
    pub pseudo_trials: f64,
}

/// Least weight of a fitted prior: below it a single click would move an arm by more than 1 %.
pub const MIN_PSEUDO_TRIALS: f64 = 50.0;
/// Weight of a fitted prior where the arms differ by no more than chance.
pub const MAX_PSEUDO_TRIALS: f64 = 20_000.0;

impl SharedPrior {
    /// Fits the prior to the arms by the method of moments.
    ///
    /// With N trials in all, g their rate, S = Σ n (k/n − g)² and K arms with trials,
    /// rho = (S / (g (1 − g)) − (K − 1)) / (N − Σ n²/N − (K − 1)) and the weight is 1/rho − 1.
    /// Without any trial the rate is ½ and the weight the least one.
    ///
    /// # Source
    /// Kleinman, "Proportions with extraneous variance", JASA 68 (1973), with weights n.
    #[must_use]
    pub fn fit(arms: &[Counts]) -> Self {
        let trials: f64 = arms.iter().map(|arm| arm.trials as f64).sum();
        let successes: f64 = arms.iter().map(|arm| arm.successes as f64).sum();
        if trials == 0.0 {
            return Self { rate: 0.5, pseudo_trials: MIN_PSEUDO_TRIALS };
        }
        let rate = (successes + 0.5) / (trials + 1.0);
        let rates = || arms.iter().filter_map(|arm| Some((arm.trials as f64, arm.rate()?)));
        let free = rates().count() as f64 - 1.0;
        let scatter: f64 = rates().map(|(n, p)| n * (p - rate) * (p - rate)).sum();
        let squares: f64 = rates().map(|(n, _)| n * n).sum();
        let room = trials - squares / trials - free;
        let rho = if room > 0.0 { (scatter / (rate * (1.0 - rate)) - free) / room } else { 0.0 };
        let pseudo_trials = if rho > 0.0 { 1.0 / rho - 1.0 } else { MAX_PSEUDO_TRIALS };
        Self { rate, pseudo_trials: pseudo_trials.clamp(MIN_PSEUDO_TRIALS, MAX_PSEUDO_TRIALS) }
    }

    /// The arm's rate drawn toward the common one, in (0, 1).
    #[must_use]
    pub fn shrunken_rate(&self, arm: Counts) -> f64 {
        (arm.successes as f64 + self.rate * self.pseudo_trials) / (arm.trials as f64 + self.pseudo_trials)
    }

    /// The prior as a beta distribution.
    ///
    /// # Errors
    /// [`Error::Beta`]: the fields were set by hand to values outside their ranges.
    pub fn posterior(&self, arm: Counts) -> Result<BetaPosterior, Error> {
        Ok(BetaPosterior::from_rate(self.rate, self.pseudo_trials)?.updated(arm))
    }
}

fn check_confidence(confidence: f64) -> Result<(), Error> {
    if confidence > 0.0 && confidence < 1.0 { Ok(()) } else { Err(Error::Confidence(confidence)) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use statrs::function::beta::ln_beta;

    use super::*;

    fn counts() -> impl Strategy<Value = Counts> {
        (0_u64..50_000).prop_flat_map(|n| (Just(n), 0..=n)).prop_map(|(n, k)| Counts::new(n, k).unwrap())
    }

    #[test]
    fn wilson_agrees_with_a_published_value() {
        // 15 of 148: Newcombe, Statistics in Medicine 17 (1998), table I gives 0.0624–0.1605.
        let interval = wilson(Counts::new(148, 15).unwrap(), 0.95).unwrap();
        assert!((interval.low - 0.0624).abs() < 5e-5, "{interval:?}");
        assert!((interval.high - 0.1605).abs() < 5e-5, "{interval:?}");
    }

    #[test]
    fn beating_agrees_with_the_closed_form() {
        // Miller, "Formulas for Bayesian A/B testing" (2015), for a whole first parameter of `b`.
        let closed = |a: &BetaPosterior, b: &BetaPosterior| -> f64 {
            let terms = (0..b.alpha() as u32).map(|i| {
                let i = f64::from(i);
                ln_beta(a.alpha() + i, a.beta() + b.beta())
                    - (b.beta() + i).ln()
                    - ln_beta(1.0 + i, b.beta())
                    - ln_beta(a.alpha(), a.beta())
            });
            terms.map(f64::exp).sum()
        };
        for (a, b) in [
            ((2.0, 98.0), (3.0, 97.0)),
            ((20.0, 980.0), (25.0, 975.0)),
            ((1.5, 98.5), (1_500.0, 98_500.0)),
            ((9.0, 591.0), (90.0, 5_000.0)),
        ] {
            let a = BetaPosterior::new(a.0, a.1).unwrap();
            let b = BetaPosterior::new(b.0, b.1).unwrap();
            let (sum, exact) = (b.probability_beats(&a), closed(&a, &b));
            assert!((sum - exact).abs() < 1e-4, "{a:?} {b:?} {sum} {exact}");
        }
    }

    #[test]
    fn pseudo_trials_are_recovered_from_arms_that_differ_by_a_known_spread() {
        // 200 arms of 100,000 trials whose rates are the quantiles of a beta with weight 600.
        let truth = Beta::new(9.0, 591.0).unwrap();
        let arms: Vec<Counts> = (0..200)
            .map(|i| {
                let rate = truth.inverse_cdf((f64::from(i) + 0.5) / 200.0);
                Counts::new(100_000, (rate * 100_000.0).round() as u64).unwrap()
            })
            .collect();
        let prior = SharedPrior::fit(&arms);
        assert!((prior.rate - 0.015).abs() < 2e-4, "{prior:?}");
        assert!((prior.pseudo_trials / 600.0 - 1.0).abs() < 0.15, "{prior:?}");
    }

    #[test]
    fn equal_arms_are_shrunken_entirely() {
        let arms = [Counts::new(1_000, 15).unwrap(); 5];
        assert_eq!(SharedPrior::fit(&arms).pseudo_trials, MAX_PSEUDO_TRIALS);
    }

    #[test]
    fn bad_input_is_an_error() {
        assert_eq!(Counts::new(1, 2), Err(Error::Counts { trials: 1, successes: 2 }));
        assert_eq!(wilson(Counts::default(), 1.0), Err(Error::Confidence(1.0)));
        assert!(BetaPosterior::new(0.0, 1.0).is_err());
        assert!(BetaPosterior::new(f64::NAN, 1.0).is_err());
    }

    proptest! {
        #[test]
        fn intervals_contain_their_estimate(counts in counts(), confidence in 0.01_f64..0.999) {
            let wilson = wilson(counts, confidence).unwrap();
            prop_assert!(0.0 <= wilson.low && wilson.low <= wilson.estimate);
            prop_assert!(wilson.estimate <= wilson.high && wilson.high <= 1.0);
            let credible = BetaPosterior::new(1.5, 98.5).unwrap().updated(counts).credible(confidence).unwrap();
            prop_assert!(0.0 <= credible.low && credible.low <= credible.estimate);
            prop_assert!(credible.estimate <= credible.high && credible.high <= 1.0);
        }

        #[test]
        fn ten_times_the_trials_narrow_the_interval(n in 10_u64..10_000, share in 0.0_f64..1.0) {
            let k = (n as f64 * share) as u64;
            let small = wilson(Counts::new(n, k).unwrap(), 0.9).unwrap();
            let large = wilson(Counts::new(10 * n, 10 * k).unwrap(), 0.9).unwrap();
            prop_assert!(large.high - large.low < small.high - small.low);
        }

        #[test]
        fn wilson_is_symmetric_in_success_and_failure(counts in counts()) {
            let mirrored = Counts::new(counts.trials(), counts.trials() - counts.successes()).unwrap();
            let (a, b) = (wilson(counts, 0.95).unwrap(), wilson(mirrored, 0.95).unwrap());
            prop_assert!((a.low - (1.0 - b.high)).abs() < 1e-12);
        }

        #[test]
        fn beating_is_antisymmetric_and_a_probability(a in counts(), b in counts()) {
            let prior = BetaPosterior::new(1.0, 60.0).unwrap();
            let (a, b) = (prior.updated(a), prior.updated(b));
            let forth = a.probability_beats(&b);
            prop_assert!((0.0..=1.0).contains(&forth));
            prop_assert!((forth + b.probability_beats(&a) - 1.0).abs() < 1e-9);
            prop_assert!((a.probability_beats(&a) - 0.5).abs() < 1e-9);
        }

        #[test]
        fn one_more_success_never_makes_beating_less_likely(n in 50_u64..5_000, share in 0.0_f64..0.2) {
            let k = (n as f64 * share) as u64;
            let prior = BetaPosterior::new(1.5, 98.5).unwrap();
            let rival = prior.updated(Counts::new(1_000, 15).unwrap());
            let before = prior.updated(Counts::new(n, k).unwrap()).probability_beats(&rival);
            let after = prior.updated(Counts::new(n, k + 1).unwrap()).probability_beats(&rival);
            prop_assert!(after >= before - 1e-9);
        }

        #[test]
        fn shrinking_lies_between_the_arm_and_the_common_rate(arms in prop::collection::vec(counts(), 1..8)) {
            let prior = SharedPrior::fit(&arms);
            for arm in &arms {
                let shrunken = prior.shrunken_rate(*arm);
                let rate = arm.rate().unwrap_or(prior.rate);
                prop_assert!(rate.min(prior.rate) - 1e-12 <= shrunken);
                prop_assert!(shrunken <= rate.max(prior.rate) + 1e-12);
            }
        }
    }
}
