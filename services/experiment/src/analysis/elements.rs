//! What the elements of creatives go along with: of each value of an element (a form of the opening, a voice), how
//! its creatives did against all others of the same blocks.
//!
//! A block is what makes creatives comparable: the same brief, the same generation. Nobody assigned the values by
//! chance and traffic followed the results, so a lift is an association; a controlled test says whether the element
//! is why. Creatives differ beyond the element, so the unit is the creative and not the impression: intervals are
//! as wide as a few creatives make them.

use std::collections::BTreeMap;

use serde::Serialize;
use statrs::distribution::{ContinuousCDF, StudentsT};

use super::multiplicity::benjamini_hochberg;
use super::read_out::{check_alpha, student_quantile};
use crate::Error;
use crate::interval::{Counts, wilson};

/// Creatives on each side from which on a lift may be relied on.
const ENOUGH_UNITS: usize = 3;

/// Successes of the value's creatives from which on a lift may be relied on.
const ENOUGH_SUCCESSES: u64 = 20;

/// What one creative with a value of an element did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ElementUnit {
    /// The element, e.g. `hook`.
    pub element: String,
    /// Its value, e.g. `question`.
    pub value: String,
    /// What it is comparable within.
    pub block: String,
    /// Its impressions.
    pub trials: u64,
    /// Its clicks.
    pub successes: u64,
}

/// How the creatives with a value of an element did.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ElementRow {
    /// The element.
    pub element: String,
    /// The value.
    pub value: String,
    /// How many creatives.
    pub units: usize,
    /// Their impressions.
    pub trials: u64,
    /// Their clicks.
    pub successes: u64,
    /// Clicks per impression with their interval (Wilson); `None` without impressions.
    pub rate: Option<(f64, [f64; 2])>,
    /// Against all others of the same blocks; `None` where there is nothing to compare or no variance is known.
    pub lift: Option<ElementLift>,
}

/// A relative difference of rates.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct ElementLift {
    /// The estimate, a fraction: 0.1 is 10 % more.
    pub estimate: f64,
    /// Its interval.
    pub interval: [f64; 2],
    /// Of no difference, two-sided.
    pub p_value: f64,
    /// The same after Benjamini and Hochberg over all rows.
    pub p_adjusted: f64,
    /// Whether there are enough creatives and clicks to rely on it.
    pub enough: bool,
}

/// One side of a block.
#[derive(Debug, Clone, Copy, Default)]
struct Side {
    units: f64,
    trials: f64,
    successes: f64,
    /// Sums of squares and products, for the variance between creatives.
    ss: f64,
    st: f64,
    tt: f64,
}

impl Side {
    fn add(&mut self, unit: &ElementUnit) {
        let (trials, successes) = (unit.trials as f64, unit.successes as f64);
        self.units += 1.0;
        self.trials += trials;
        self.successes += successes;
        self.ss += successes * successes;
        self.st += successes * trials;
        self.tt += trials * trials;
    }

    /// The logarithm of the rate, and its variance: between creatives, and never less than chance alone makes it.
    fn log_rate(&self) -> Option<(f64, f64)> {
        if self.units < 2.0 || self.successes <= 0.0 {
            return None;
        }
        let rate = self.successes / self.trials;
        let residuals = (self.ss - 2.0 * rate * self.st + rate * rate * self.tt).max(0.0);
        let between = self.units / (self.units - 1.0) * residuals / (self.successes * self.successes);
        let chance = (1.0 - rate) / self.successes;
        let variance = between.max(chance);
        (variance > 0.0).then(|| (rate.ln(), variance))
    }
}

/// One row for each value of each element, ordered by element and value. Creatives without impressions are left
/// out.
///
/// Within a block the rates of a value's creatives and of all others are ratios of sums, with variances between
/// creatives; differences of their logarithms are put together with inverse variances as weights and read against
/// Student's t.
///
/// # Source
/// Satterthwaite, "An approximate distribution of estimates of variance components", Biometrics Bulletin 2 (1946),
/// for the degrees of freedom.
///
/// # Errors
/// [`Error::Setting`]: `alpha` outside (0, 1). [`Error::Counts`]: more clicks than impressions.
pub fn elements(units: &[ElementUnit], alpha: f64) -> Result<Vec<ElementRow>, Error> {
    check_alpha(alpha)?;
    let mut values: BTreeMap<(&str, &str), Vec<&ElementUnit>> = BTreeMap::new();
    for unit in units.iter().filter(|unit| unit.trials > 0) {
        values.entry((unit.element.as_str(), unit.value.as_str())).or_default().push(unit);
    }
    let mut rows = Vec::with_capacity(values.len());
    for ((element, value), own) in &values {
        let trials = own.iter().map(|unit| unit.trials).sum();
        let successes = own.iter().map(|unit| unit.successes).sum();
        let counts = Counts::new(trials, successes)?;
        rows.push(ElementRow {
            element: (*element).to_owned(),
            value: (*value).to_owned(),
            units: own.len(),
            trials,
            successes,
            rate: rate_of(counts, alpha)?,
            lift: lift(units, element, value, alpha)?,
        });
    }
    let known: Vec<f64> = rows.iter().filter_map(|row| row.lift.map(|lift| lift.p_value)).collect();
    let adjusted = benjamini_hochberg(&known)?;
    let lifts = rows.iter_mut().filter_map(|row| row.lift.as_mut());
    for (lift, p_adjusted) in lifts.zip(adjusted) {
        lift.p_adjusted = p_adjusted;
    }
    Ok(rows)
}

fn rate_of(counts: Counts, alpha: f64) -> Result<Option<(f64, [f64; 2])>, Error> {
    let Some(rate) = counts.rate() else { return Ok(None) };
    let interval = wilson(counts, 1.0 - alpha)?;
    Ok(Some((rate, [interval.low, interval.high])))
}

/// A value against the others of its element.
fn lift(units: &[ElementUnit], element: &str, value: &str, alpha: f64) -> Result<Option<ElementLift>, Error> {
    let mut blocks: BTreeMap<&str, [Side; 2]> = BTreeMap::new();
    for unit in units.iter().filter(|unit| unit.trials > 0 && unit.element == element) {
        let side = usize::from(unit.value != value);
        blocks.entry(unit.block.as_str()).or_default()[side].add(unit);
    }
    let (mut weights, mut sum) = (0.0, 0.0);
    // Of each side: what it adds to the sum's variance, in parts of the weights, and its degrees of freedom.
    let mut parts: Vec<(f64, f64)> = Vec::new();
    let (mut compared, mut successes) = ([0.0; 2], 0.0);
    for [own, others] in blocks.values() {
        let (Some((log_own, own_variance)), Some((log_others, others_variance))) =
            (own.log_rate(), others.log_rate())
        else {
            continue;
        };
        let weight = 1.0 / (own_variance + others_variance);
        weights += weight;
        sum += weight * (log_own - log_others);
        parts.push((weight * weight * own_variance, own.units - 1.0));
        parts.push((weight * weight * others_variance, others.units - 1.0));
        compared[0] += own.units;
        compared[1] += others.units;
        successes += own.successes;
    }
    if weights <= 0.0 {
        return Ok(None);
    }
    let (log, error) = (sum / weights, (1.0 / weights).sqrt());
    // Welch and Satterthwaite: the side whose variance counts most decides how well the sum's is known.
    let known: f64 = parts.iter().map(|(part, freedom)| part * part / freedom).sum();
    let freedom = weights * weights / known;
    let student = StudentsT::new(0.0, 1.0, freedom)
        .map_err(|_| Error::Setting { name: "degrees of freedom", value: freedom })?;
    let reach = student_quantile(&student, 1.0 - alpha / 2.0) * error;
    let p_value = (2.0 * student.sf(log.abs() / error)).clamp(0.0, 1.0);
    let interval = [log - reach, log + reach].map(|end| end.exp() - 1.0);
    let enough =
        compared.iter().all(|units| *units >= ENOUGH_UNITS as f64) && successes >= ENOUGH_SUCCESSES as f64;
    Ok(Some(ElementLift { estimate: log.exp() - 1.0, interval, p_value, p_adjusted: p_value, enough }))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use spotwright_schemas::random::Stream;

    use super::*;

    fn unit(value: &str, block: &str, trials: u64, successes: u64) -> ElementUnit {
        ElementUnit {
            element: "hook".to_owned(),
            value: value.to_owned(),
            block: block.to_owned(),
            trials,
            successes,
        }
    }

    #[test]
    fn a_value_is_compared_within_its_block_only() {
        // Block b has twice the level; within each, a and b do equally well but for chance.
        let units = [
            unit("question", "a", 10_000, 100),
            unit("question", "a", 10_000, 110),
            unit("number", "a", 10_000, 100),
            unit("number", "a", 10_000, 110),
            unit("question", "b", 10_000, 200),
            unit("question", "b", 10_000, 220),
            unit("number", "b", 10_000, 200),
            unit("number", "b", 10_000, 220),
            unit("number", "b", 10_000, 210),
        ];
        let rows = elements(&units, 0.05).unwrap();
        assert_eq!(rows.iter().map(|row| row.value.as_str()).collect::<Vec<_>>(), ["number", "question"]);
        let lift = rows[1].lift.unwrap();
        assert!(lift.estimate.abs() < 1e-9, "{lift:?}");
        assert!((lift.p_value - 1.0).abs() < 1e-6 && lift.enough);
        assert_eq!((rows[1].units, rows[1].trials, rows[1].successes), (4, 40_000, 630));
    }

    #[test]
    fn a_difference_between_few_creatives_is_told_with_little_certainty() {
        let alike = [
            unit("a", "x", 5_000, 100),
            unit("a", "x", 5_000, 20),
            unit("b", "x", 5_000, 30),
            unit("b", "x", 5_000, 34),
        ];
        let lift = elements(&alike, 0.05).unwrap()[0].lift.unwrap();
        // As impressions, 120 of 10,000 against 64 of 10,000 would be certain.
        assert!(lift.estimate > 0.8 && lift.p_value > 0.2, "{lift:?}");
        assert!(!lift.enough, "two creatives are not enough");
    }

    #[test]
    fn nothing_to_compare_has_no_lift() {
        let rows = elements(&[unit("a", "x", 100, 2), unit("a", "x", 100, 3), unit("b", "y", 100, 0)], 0.05)
            .unwrap();
        assert!(rows.iter().all(|row| row.lift.is_none()));
        assert!(elements(&[unit("a", "x", 1, 2)], 0.05).is_err());
        assert_eq!(elements(&[unit("a", "x", 0, 0)], 0.05).unwrap(), []);
        assert!(elements(&[], 1.5).is_err());
    }

    /// With no effect at all and creatives that differ among themselves, few values are called significant.
    #[test]
    fn values_without_an_effect_are_seldom_called_significant() {
        let (mut false_ones, mut rows) = (0, 0);
        for seed in 0..400 {
            let draws = Stream::new(seed, "elements");
            let units: Vec<ElementUnit> = (0..24_u64)
                .map(|i| {
                    let rate = 0.02 * (0.3 * draws.child(1).normal(i)).exp();
                    let trials = 2_000 + draws.bits(i) % 3_000;
                    let mean = rate * trials as f64;
                    let successes = (mean + mean.sqrt() * draws.child(2).normal(i)).round().max(0.0) as u64;
                    unit(["a", "b", "c", "d"][(i % 4) as usize], "x", trials, successes.min(trials))
                })
                .collect();
            for row in elements(&units, 0.05).unwrap() {
                rows += 1;
                false_ones += usize::from(row.lift.is_some_and(|lift| lift.p_value < 0.05));
            }
        }
        let share = false_ones as f64 / rows as f64;
        assert!((0.02..0.08).contains(&share), "{share}");
    }

    proptest! {
        #[test]
        fn intervals_hold_their_estimates_and_p_values_are_probabilities(
            counts in prop::collection::vec((1_u64..10_000, 0.0_f64..0.2, 0_usize..3, 0_usize..3), 1..40),
        ) {
            let units: Vec<ElementUnit> = counts
                .into_iter()
                .map(|(trials, rate, value, block)| {
                    let successes = (trials as f64 * rate) as u64;
                    unit(["a", "b", "c"][value], ["x", "y", "z"][block], trials, successes)
                })
                .collect();
            for row in elements(&units, 0.05).unwrap() {
                let Some(lift) = row.lift else { continue };
                prop_assert!(lift.interval[0] <= lift.estimate && lift.estimate <= lift.interval[1]);
                prop_assert!((0.0..=1.0).contains(&lift.p_value) && lift.p_value <= lift.p_adjusted);
            }
        }
    }
}
