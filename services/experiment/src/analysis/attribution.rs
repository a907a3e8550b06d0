//! What experiments show of the elements of creatives: of each value of an element (a form of the opening, a
//! call to action, a voice), how its arms did against the other arms of the same experiments.
//!
//! Within an experiment users are divided by chance, so the difference of two arms is caused by what their
//! creatives differ in. It is not caused by one element alone where they differ in several: only over
//! experiments in which the rest changes does the part of one element show. So the unit is the experiment,
//! and how much the effect moves from one experiment to the next is in the interval.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use statrs::distribution::{ContinuousCDF, Normal, StudentsT};

use super::multiplicity::benjamini_hochberg;
use super::read_out::{check_alpha, student_quantile};
use crate::Error;
use crate::interval::normal_quantile;

/// Experiments from which on an effect may be relied on.
const ENOUGH_EXPERIMENTS: usize = 3;

/// An arm of an experiment, and what its creative is made of.
#[derive(Debug, Clone, PartialEq)]
pub struct AttributedArm {
    /// The experiment, and the phase where it has several: what arms are comparable within.
    pub experiment: String,
    /// Values of its elements by their names, e.g. `hook` → `question`.
    pub elements: BTreeMap<String, String>,
    /// The metric, above 0.
    pub mean: f64,
    /// Variance of the metric's estimate, above 0.
    pub variance: f64,
}

/// What experiments show of a value of an element.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Attribution {
    /// The element.
    pub element: String,
    /// The value.
    pub value: String,
    /// Experiments that have arms with the value and arms with others.
    pub experiments: usize,
    /// Arms of these with the value.
    pub arms: usize,
    /// Relative effect against the other arms; 0.1 is 10 % more.
    pub lift: f64,
    /// Its interval at 1 − α.
    pub interval: [f64; 2],
    /// Of no effect, two-sided.
    pub p_value: f64,
    /// The same after Benjamini and Hochberg over all rows.
    pub adjusted_p_value: f64,
    /// Standard deviation of the effect (logarithm) between experiments.
    pub spread: f64,
    /// Whether there are enough experiments to rely on it.
    pub enough: bool,
}

/// A difference of logarithms in one experiment, with its variance.
#[derive(Debug, Clone, Copy)]
struct Contrast {
    difference: f64,
    variance: f64,
}

/// One row for each value of each element that some experiment compares with others, by element and value.
/// Arms whose mean or variance is not above 0 are left out: they have no logarithm yet.
///
/// Within an experiment the logarithms of the arms with the value and of the others are averaged with inverse
/// variances as weights; the differences are put together over experiments with random effects and read
/// against Student's t, or against the normal law where there is one experiment.
///
/// # Errors
/// [`Error::Setting`]: `alpha` outside (0, 1).
///
/// # Source
/// DerSimonian and Laird, "Meta-analysis in clinical trials", Controlled Clinical Trials 7 (1986), for the
/// variance between experiments; Hartung and Knapp, "A refined method for the meta-analysis of controlled
/// clinical trials", Statistics in Medicine 20 (2001), for the interval, never narrower than without their
/// factor.
pub fn attributed(arms: &[AttributedArm], alpha: f64) -> Result<Vec<Attribution>, Error> {
    check_alpha(alpha)?;
    let is_known = |arm: &&AttributedArm| {
        [arm.mean, arm.variance].into_iter().all(|number| number.is_finite() && number > 0.0)
    };
    let arms: Vec<&AttributedArm> = arms.iter().filter(is_known).collect();
    let values: BTreeSet<(&str, &str)> = arms
        .iter()
        .flat_map(|arm| arm.elements.iter().map(|(element, value)| (element.as_str(), value.as_str())))
        .collect();
    let mut rows = Vec::new();
    for (element, value) in values {
        rows.extend(row(&arms, element, value, alpha)?);
    }
    let p_values: Vec<f64> = rows.iter().map(|row| row.p_value).collect();
    for (row, adjusted) in rows.iter_mut().zip(benjamini_hochberg(&p_values)?) {
        row.adjusted_p_value = adjusted;
    }
    Ok(rows)
}

fn row(
    arms: &[&AttributedArm],
    element: &str,
    value: &str,
    alpha: f64,
) -> Result<Option<Attribution>, Error> {
    let mut experiments: BTreeMap<&str, [Vec<&AttributedArm>; 2]> = BTreeMap::new();
    for arm in arms {
        let Some(own) = arm.elements.get(element) else { continue };
        experiments.entry(arm.experiment.as_str()).or_default()[usize::from(own != value)].push(arm);
    }
    let (mut contrasts, mut with_value) = (Vec::new(), 0);
    for [own, others] in experiments.values() {
        let (Some(own_log), Some(others_log)) = (log_mean(own), log_mean(others)) else { continue };
        contrasts.push(Contrast {
            difference: own_log.difference - others_log.difference,
            variance: own_log.variance + others_log.variance,
        });
        with_value += own.len();
    }
    if contrasts.is_empty() {
        return Ok(None);
    }
    let (estimate, error, spread) = combined(&contrasts);
    let (quantile, p_value) = reach(estimate / error, contrasts.len(), alpha)?;
    Ok(Some(Attribution {
        element: element.to_owned(),
        value: value.to_owned(),
        experiments: contrasts.len(),
        arms: with_value,
        lift: estimate.exp() - 1.0,
        interval: [estimate - quantile * error, estimate + quantile * error].map(|end| end.exp() - 1.0),
        p_value,
        adjusted_p_value: p_value,
        spread,
        enough: contrasts.len() >= ENOUGH_EXPERIMENTS,
    }))
}

/// The mean of the arms' logarithms, each with the inverse of its variance (v/m², by the delta method) as
/// weight.
fn log_mean(arms: &[&AttributedArm]) -> Option<Contrast> {
    let (mut weights, mut sum) = (0.0, 0.0);
    for arm in arms {
        let weight = arm.mean * arm.mean / arm.variance;
        weights += weight;
        sum += weight * arm.mean.ln();
    }
    (weights > 0.0).then(|| Contrast { difference: sum / weights, variance: 1.0 / weights })
}

/// Estimate, standard error and standard deviation between experiments.
fn combined(contrasts: &[Contrast]) -> (f64, f64, f64) {
    let sums = |between: f64| {
        contrasts.iter().fold((0.0, 0.0, 0.0), |(weights, sum, squares), own| {
            let weight = 1.0 / (own.variance + between);
            (weights + weight, sum + weight * own.difference, squares + weight * weight)
        })
    };
    let scatter = |estimate: f64, between: f64| -> f64 {
        contrasts.iter().map(|own| (own.difference - estimate).powi(2) / (own.variance + between)).sum()
    };
    let freedom = contrasts.len() as f64 - 1.0;
    let (weights, sum, squares) = sums(0.0);
    if freedom < 1.0 {
        return (sum / weights, (1.0 / weights).sqrt(), 0.0);
    }
    let between = ((scatter(sum / weights, 0.0) - freedom) / (weights - squares / weights)).max(0.0);
    let (weights, sum, _) = sums(between);
    let estimate = sum / weights;
    let factor = (scatter(estimate, between) / freedom).max(1.0);
    (estimate, (factor / weights).sqrt(), between.sqrt())
}

/// How many standard errors the interval reaches, and the p-value of a statistic.
fn reach(statistic: f64, experiments: usize, alpha: f64) -> Result<(f64, f64), Error> {
    if experiments < 2 {
        let p_value = 2.0 * Normal::standard().sf(statistic.abs());
        return Ok((normal_quantile(1.0 - alpha / 2.0), p_value.min(1.0)));
    }
    let freedom = experiments as f64 - 1.0;
    let student = StudentsT::new(0.0, 1.0, freedom)
        .map_err(|_| Error::Setting { name: "degrees of freedom", value: freedom })?;
    let p_value = 2.0 * student.sf(statistic.abs());
    Ok((student_quantile(&student, 1.0 - alpha / 2.0), p_value.min(1.0)))
}

#[cfg(test)]
mod tests {
    use spotwright_schemas::random::Stream;

    use super::*;

    fn arm(experiment: &str, values: [&str; 2], mean: f64) -> AttributedArm {
        let elements = ["hook", "voice"].into_iter().zip(values);
        AttributedArm {
            experiment: experiment.to_owned(),
            elements: elements.map(|(element, value)| (element.to_owned(), value.to_owned())).collect(),
            mean,
            variance: (0.05 * mean).powi(2),
        }
    }

    #[test]
    fn an_effect_is_told_from_the_level_of_each_experiment() {
        // Level 1 % and 4 %; the question earns 20 % more in each, the voices are alike.
        let arms: Vec<AttributedArm> = [("x", 0.01), ("y", 0.04), ("z", 0.02)]
            .into_iter()
            .flat_map(|(name, level)| {
                [arm(name, ["price", "a"], level), arm(name, ["question", "a"], 1.2 * level)]
            })
            .collect();
        let rows = attributed(&arms, 0.05).unwrap();
        let told: Vec<(&str, &str)> =
            rows.iter().map(|row| (row.element.as_str(), row.value.as_str())).collect();
        assert_eq!(told, [("hook", "price"), ("hook", "question")], "one voice is compared with nothing");
        let question = &rows[1];
        assert!((question.lift - 0.2).abs() < 1e-9 && question.enough && question.spread < 1e-9);
        assert_eq!((question.experiments, question.arms), (3, 3));
        // √(2·0.05²/3) = 0.0408 of the logarithm, 4.30 of them at two degrees of freedom.
        let half = (question.interval[1] + 1.0).ln() - 1.2_f64.ln();
        assert!((half - 4.302_65 * 0.040_825).abs() < 1e-4, "{half}");
    }

    #[test]
    fn one_experiment_is_not_enough_and_arms_without_a_rate_are_left_out() {
        let arms = [
            arm("x", ["price", "a"], 0.01),
            arm("x", ["question", "b"], 0.02),
            arm("x", ["story", "b"], 0.0),
        ];
        let rows = attributed(&arms, 0.05).unwrap();
        assert_eq!(rows.len(), 4, "{rows:?}");
        assert!(rows.iter().all(|row| !row.enough && row.experiments == 1 && row.p_value < 0.05));
        assert!(attributed(&[], 0.05).unwrap().is_empty());
        assert!(attributed(&arms, 0.0).is_err());
    }

    /// Without any effect of the hook, and creatives that differ among themselves, few hooks are called
    /// significant.
    #[test]
    fn values_without_an_effect_are_seldom_called_significant() {
        let (mut false_ones, mut rows) = (0, 0);
        for seed in 0..300 {
            let draws = Stream::new(seed, "attribution");
            let mut arms = Vec::new();
            for experiment in 0..8_u64 {
                for (number, hook) in ["a", "b", "c"].into_iter().enumerate() {
                    let own = draws.child(experiment * 3 + number as u64);
                    let mean = 0.02 * (0.2 * own.normal(0) + 0.05 * own.normal(1)).exp();
                    arms.push(arm(&experiment.to_string(), [hook, "v"], mean));
                }
            }
            for row in attributed(&arms, 0.05).unwrap() {
                rows += 1;
                false_ones += u32::from(row.p_value < 0.05);
            }
        }
        let share = f64::from(false_ones) / f64::from(rows);
        assert!((0.02..0.08).contains(&share), "{share}");
    }
}
