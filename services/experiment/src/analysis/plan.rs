//! How much traffic a test needs, what it can find, and when it will be done.

use serde::Serialize;

use super::read_out::{always_valid_width, check_alpha};
use crate::Error;
use crate::interval::normal_quantile;

/// What is known of the control before the test.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Baseline {
    /// Share of units that do it, in (0, 1).
    Proportion(f64),
    /// Mean per unit, not 0, and the variance of one unit, above 0. Of a ratio: the ratio and its
    /// delta-method variance.
    Mean {
        /// Mean per unit.
        mean: f64,
        /// Variance of one unit.
        variance: f64,
    },
}

/// When the test is read.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Stopping {
    /// Once, at the planned size.
    FixedHorizon,
    /// At any time, by the confidence sequence with this tuning; without it, tuned to the planned size.
    AlwaysValid {
        /// Units in both arms at which the sequence is narrowest.
        tuning: Option<f64>,
    },
}

/// What a plan is made for.
#[derive(Debug, Clone, PartialEq)]
pub struct Question {
    /// The control.
    pub baseline: Baseline,
    /// Smallest relative effect worth finding, a fraction that is not 0.
    pub effect: f64,
    /// Two-sided error rate in (0, 1), of all comparisons together.
    pub alpha: f64,
    /// Probability in (0, 1) of finding the effect where it is there.
    pub power: f64,
    /// Weights of the arms, the control first; only their ratios matter.
    pub weights: Vec<f64>,
    /// When the test is read.
    pub stopping: Stopping,
}

/// How much traffic a test needs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Traffic {
    /// Units in each arm, the control first.
    pub units: Vec<u64>,
    /// Units in all.
    pub total: u64,
    /// Tuning of the confidence sequence, to be frozen with the test; `None` for a fixed horizon.
    pub tuning: Option<f64>,
    /// Two-sided error rate of each comparison: α over the number of variants (Bonferroni), which is at
    /// least as strict as what the read-out applies.
    pub alpha_of_each: f64,
}

impl Question {
    fn check(&self) -> Result<(), Error> {
        check_alpha(self.alpha)?;
        if !(self.power > 0.0 && self.power < 1.0) {
            return Err(Error::Setting { name: "power", value: self.power });
        }
        if !(self.effect.is_finite() && self.effect != 0.0 && self.effect > -1.0) {
            return Err(Error::Setting { name: "effect", value: self.effect });
        }
        if self.weights.len() < 2 {
            return Err(Error::Empty);
        }
        if let Some(weight) = self.weights.iter().find(|weight| !(weight.is_finite() && **weight > 0.0)) {
            return Err(Error::Setting { name: "weight", value: *weight });
        }
        match self.baseline {
            Baseline::Proportion(rate) if !(rate > 0.0 && rate < 1.0) => {
                Err(Error::Setting { name: "baseline", value: rate })
            }
            Baseline::Mean { mean, .. } if !(mean.is_finite() && mean != 0.0) => {
                Err(Error::Setting { name: "baseline", value: mean })
            }
            Baseline::Mean { variance, .. } if !(variance.is_finite() && variance > 0.0) => {
                Err(Error::Setting { name: "variance", value: variance })
            }
            _ => Ok(()),
        }
    }

    /// The absolute effect and the variances of both arms under it.
    fn effect_and_variances(&self, effect: f64) -> Result<(f64, f64, f64), Error> {
        match self.baseline {
            Baseline::Proportion(rate) => {
                let other = rate * (1.0 + effect);
                if !(other > 0.0 && other < 1.0) {
                    return Err(Error::Setting { name: "effect", value: effect });
                }
                Ok((other - rate, rate * (1.0 - rate), other * (1.0 - other)))
            }
            Baseline::Mean { mean, variance } => Ok((mean * effect, variance, variance)),
        }
    }
}

/// The traffic that finds the effect of `question` with its power.
///
/// With δ the absolute effect, a and b the shares of the control and of the smallest variant, and N all
/// units: δ = (c + z_power)·√((v_A/a + v_B/b)/N), where c is z₁₋α/₂ for a fixed horizon and
/// [`always_valid_width`] of the pair's units for the confidence sequence. For two equal arms and a fixed
/// horizon this is n ≈ 2v(z₁₋α/₂ + z_power)²/δ² per arm. A sequential test stops earlier than that in most
/// cases; this size is the one at which the power is reached for certain.
///
/// # Errors
/// [`Error::Setting`] for a value outside its range, [`Error::Empty`] for fewer than two arms.
pub fn required(question: &Question) -> Result<Traffic, Error> {
    question.check()?;
    let (delta, of_a, of_b) = question.effect_and_variances(question.effect)?;
    let total_weight: f64 = question.weights.iter().sum();
    let control = question.weights[0] / total_weight;
    let least = question.weights[1..].iter().copied().fold(f64::INFINITY, f64::min) / total_weight;
    let alpha = question.alpha / (question.weights.len() - 1) as f64;
    let power = normal_quantile(question.power);
    let spread = of_a / control + of_b / least;
    let fixed = ((normal_quantile(1.0 - alpha / 2.0) + power) / delta).powi(2) * spread;
    let (needed, tuning) = match question.stopping {
        Stopping::FixedHorizon => (fixed, None),
        Stopping::AlwaysValid { tuning } => {
            let pair = control + least;
            let tuning = tuning.unwrap_or_else(|| (fixed * pair).ceil());
            if !(tuning.is_finite() && tuning > 0.0) {
                return Err(Error::Setting { name: "tuning", value: tuning });
            }
            let enough = |units: f64| {
                let reach = always_valid_width(units * pair, alpha, tuning) + power;
                reach * (spread / units).sqrt() <= delta.abs()
            };
            (least_where(enough, fixed), Some(tuning))
        }
    };
    if !needed.is_finite() || needed > MOST_UNITS {
        return Err(Error::Setting { name: "effect", value: question.effect });
    }
    let units: Vec<u64> = question
        .weights
        .iter()
        .map(|weight| (needed * weight / total_weight).ceil().max(2.0) as u64)
        .collect();
    Ok(Traffic { total: units.iter().sum(), units, tuning, alpha_of_each: alpha })
}

/// More units than this are no test: above it, counts are not whole numbers in `f64`.
const MOST_UNITS: f64 = 9e15;

/// The least number at which `enough` holds, to a relative 1e-9, or infinity; `enough` stays true once true.
fn least_where(enough: impl Fn(f64) -> bool, from: f64) -> f64 {
    let mut high = from.max(1.0);
    while !enough(high) {
        high *= 2.0;
        if high > MOST_UNITS {
            return f64::INFINITY;
        }
    }
    let mut low = high / 2.0;
    while high - low > 1e-9 * high {
        let middle = f64::midpoint(low, high);
        if enough(middle) { high = middle } else { low = middle }
    }
    high
}

/// The smallest relative increase that `units` units in all find with the question's power; `None` where
/// even the largest possible one is not found. The question's `effect` is not used.
///
/// # Errors
/// As [`required`].
pub fn smallest_effect(question: &Question, units: u64) -> Result<Option<f64>, Error> {
    let needs = |effect: f64| -> Result<bool, Error> {
        let traffic = required(&Question { effect, ..question.clone() })?;
        Ok(traffic.total <= units)
    };
    // Of a proportion, no increase goes beyond 1.
    let most = match question.baseline {
        Baseline::Proportion(rate) => (1.0 / rate - 1.0) * (1.0 - 1e-9),
        Baseline::Mean { .. } => 1e6,
    };
    required(&Question { effect: most, ..question.clone() })?;
    if !needs(most)? {
        return Ok(None);
    }
    let (mut low, mut high) = (0.0, most);
    for _ in 0..200 {
        let middle = f64::midpoint(low, high);
        // Effects too small to be found with any traffic are refused as such.
        if needs(middle).unwrap_or(false) { high = middle } else { low = middle }
    }
    Ok(Some(high))
}

/// Days until `needed` units are there, at `units_per_day`; 0 when they are, `None` without traffic.
#[must_use]
pub fn days_left(needed: u64, have: u64, units_per_day: f64) -> Option<u64> {
    let missing = needed.saturating_sub(have);
    if missing == 0 {
        return Some(0);
    }
    let days = (missing as f64 / units_per_day).ceil();
    (units_per_day > 0.0 && days.is_finite() && days < 1e9).then_some(days as u64)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn question(effect: f64, stopping: Stopping) -> Question {
        Question {
            baseline: Baseline::Proportion(0.05),
            effect,
            alpha: 0.05,
            power: 0.8,
            weights: vec![1.0, 1.0],
            stopping,
        }
    }

    #[test]
    fn two_equal_arms_need_what_the_textbook_says() {
        // Means: n = 2·v·(1.959964 + 0.841621)²/δ² = 2·100·7.848880/1 = 1,569.8 for v = 100 and δ = 1.
        let plan = required(&Question {
            baseline: Baseline::Mean { mean: 10.0, variance: 100.0 },
            ..question(0.1, Stopping::FixedHorizon)
        })
        .unwrap();
        assert_eq!(plan.units, [1_570, 1_570]);
        assert_eq!(plan.total, 3_140);
    }

    #[test]
    fn looking_at_any_time_costs_traffic_and_more_arms_cost_more() {
        let fixed = required(&question(0.1, Stopping::FixedHorizon)).unwrap();
        let any = required(&question(0.1, Stopping::AlwaysValid { tuning: None })).unwrap();
        assert!(any.total > fixed.total && any.total < 3 * fixed.total, "{fixed:?} {any:?}");
        let three = required(&Question {
            weights: vec![1.0; 3],
            ..question(0.1, Stopping::AlwaysValid { tuning: None })
        })
        .unwrap();
        assert!(three.total > any.total && three.alpha_of_each < 0.05);
    }

    #[test]
    fn values_out_of_range_are_named() {
        let bad = [
            Question { alpha: 0.0, ..question(0.1, Stopping::FixedHorizon) },
            Question { power: 1.0, ..question(0.1, Stopping::FixedHorizon) },
            question(0.0, Stopping::FixedHorizon),
            question(f64::NAN, Stopping::FixedHorizon),
            question(30.0, Stopping::FixedHorizon),
            question(1e-12, Stopping::FixedHorizon),
            Question { weights: vec![1.0], ..question(0.1, Stopping::FixedHorizon) },
            Question { weights: vec![1.0, -1.0], ..question(0.1, Stopping::FixedHorizon) },
            Question { baseline: Baseline::Proportion(1.0), ..question(0.1, Stopping::FixedHorizon) },
            question(0.1, Stopping::AlwaysValid { tuning: Some(-1.0) }),
        ];
        for (idx, question) in bad.iter().enumerate() {
            assert!(required(question).is_err(), "{idx}");
        }
        assert_eq!(days_left(10, 10, 0.0), Some(0));
        assert_eq!(days_left(10, 4, 0.0), None);
        assert_eq!(days_left(10, 4, 4.0), Some(2));
    }

    proptest! {
        #[test]
        fn the_smallest_effect_undoes_the_required_traffic(
            effect in 0.02_f64..0.6,
            always in any::<bool>(),
            weight in 0.3_f64..3.0,
        ) {
            let stopping =
                if always { Stopping::AlwaysValid { tuning: None } } else { Stopping::FixedHorizon };
            let question = Question { weights: vec![1.0, weight], ..question(effect, stopping) };
            let traffic = required(&question)?;
            let found = smallest_effect(&question, traffic.total)?.unwrap_or(f64::NAN);
            prop_assert!((found / effect - 1.0).abs() < 0.01, "{found} {effect}");
        }
    }
}
