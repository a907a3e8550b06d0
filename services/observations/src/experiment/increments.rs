//! What the advertisements added over the holdout's ghosts.

use spotwright_core::domain::experiment::Experiment;
use spotwright_experiment::analysis::Reason;
use spotwright_experiment::analysis::incrementality::{Exposed, Increment, increments, sentence};
use spotwright_experiment::analysis::moments::MeanSums;
use spotwright_schemas::Problem;
use spotwright_schemas::experiment::{
    ExperimentPhase, ReadOutGhosts, ReadOutIncrement, ReadOutIncrementality,
};

use super::{Met, ends, finite, in_both, refused};

/// The lift over the holdout; `None` without one.
pub(super) fn read(
    experiment: &Experiment,
    phase: &ExperimentPhase,
    users: &[Met],
) -> Result<Option<ReadOutIncrementality>, Problem> {
    if phase.holdout <= 0.0 {
        return Ok(None);
    }
    let design = &experiment.design;
    let mut arms: Vec<(String, Exposed)> =
        design.arms.iter().map(|arm| (arm.name.clone(), Exposed::default())).collect();
    let mut ghosts = MeanSums::default();
    for user in users {
        let outcome = user.conversions + user.organic;
        match arms.get_mut(user.cell) {
            None => ghosts.add(outcome),
            Some((_, own)) => {
                own.outcomes.add(outcome);
                own.attributed += user.conversions as u64;
                own.spend += user.spend;
            }
        }
    }
    let rows = increments(&ghosts, &arms, design.alpha, design.tuning).map_err(|error| refused(&error))?;
    Ok(Some(ReadOutIncrementality {
        outcome: "conversions_per_user".to_owned(),
        holdout: ReadOutGhosts {
            units: ghosts.units,
            conversions: ghosts.sum as u64,
            rate: (ghosts.units > 0).then(|| ghosts.sum / ghosts.units as f64),
        },
        rows: rows.iter().map(row).collect(),
        sentence: in_both(|language| sentence(&rows, design.alpha, language)),
    }))
}

fn row(own: &Increment) -> ReadOutIncrement {
    let (difference, relative) = (own.difference, own.relative);
    ReadOutIncrement {
        arm: own.arm.clone(),
        units: own.units,
        conversions: own.outcomes as u64,
        attributed: own.attributed,
        rate: (own.units > 0).then(|| own.outcomes / own.units as f64),
        difference: difference.and_then(|read| finite(read.interval.estimate)),
        difference_ci: difference.and_then(|read| ends(read.interval)),
        lift: relative.and_then(|read| finite(read.interval.estimate)),
        lift_ci: relative.and_then(|read| ends(read.interval)),
        p_value: difference.and_then(|read| finite(read.p_value)),
        adjusted_p_value: own.adjusted_p_value.and_then(finite),
        added: own.added.and_then(|added| finite(added.estimate)),
        added_ci: own.added.and_then(ends),
        cost_per_added_micros: own.cost_per_added.and_then(finite).map(|cost| cost.round() as i64),
        reason: own.unavailable.map(word).map(str::to_owned),
    }
}

/// A reason as it is written in JSON.
const fn word(reason: Reason) -> &'static str {
    match reason {
        Reason::TooFewUnits => "too_few_units",
        Reason::NoVariation => "no_variation",
        Reason::BaselineZero => "baseline_zero",
        Reason::DenominatorZero => "denominator_zero",
        Reason::Contradiction => "contradiction",
        Reason::KindsDiffer => "kinds_differ",
        Reason::NotFinite => "not_finite",
    }
}
