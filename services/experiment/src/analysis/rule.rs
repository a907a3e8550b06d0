//! Verdicts by another read-out than the always-valid one, for experiments that chose so before their start.

use super::EffectInterval;
use super::multiplicity::benjamini_hochberg;
use super::report::{Analysis, Comparison, GuardrailState, Verdict};
use crate::Error;

/// Which read-out decides.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Rule {
    /// The confidence sequence: right at every look.
    #[default]
    AlwaysValid,
    /// Welch's test, Benjamini–Hochberg over the variants: right at one size, chosen before. Whoever reads it
    /// earlier sees to it that the gates are not passed before.
    FixedHorizon,
    /// The posterior: a variant is better when the chance of that is at least 1 − α, worse when it is at most α.
    /// A belief under the prior of the design; it makes no promise about false positives.
    Bayesian,
}

/// What one variant shows by the rule.
struct Judged<'a> {
    own: &'a Comparison,
    /// Known to be better (`Some(true)`), known to be worse, or not known.
    is_better: Option<bool>,
    /// By how much, so that above 0 is better.
    effect: f64,
    /// Whether the interval lies within the smallest effect worth finding.
    is_within: bool,
}

/// The verdict by `rule`; by [`Rule::AlwaysValid`] that of the analysis. Mismatch, gates and guardrails count as
/// they do there: guardrails are always-valid, since a breach has to stop a winner whenever it is seen.
///
/// # Errors
/// Those of the correction for many variants; none for an analysis that was made from a design in range.
pub fn conclude(analysis: &Analysis, rule: Rule) -> Result<Verdict, Error> {
    if rule == Rule::AlwaysValid {
        return Ok(analysis.verdict.clone());
    }
    if analysis.mismatch.alarm {
        return Ok(Verdict::Mismatch);
    }
    if analysis.gates.iter().any(|gate| !gate.passed) {
        return Ok(Verdict::TooEarly);
    }
    let judged = judge(analysis, rule)?;
    let breached = |own: &Comparison| {
        analysis
            .guardrails
            .iter()
            .find(|guardrail| guardrail.arm == own.arm && guardrail.state == GuardrailState::Breached)
    };
    let mut better: Vec<&Judged<'_>> = judged.iter().filter(|own| own.is_better == Some(true)).collect();
    better.sort_by(|a, b| b.effect.total_cmp(&a.effect));
    if let Some(winner) = better.iter().find(|one| breached(one.own).is_none()) {
        return Ok(Verdict::Winner { arm: winner.own.arm.clone() });
    }
    if let Some((one, broken)) = better.iter().find_map(|one| Some((one, breached(one.own)?))) {
        return Ok(Verdict::Guardrail { arm: one.own.arm.clone(), metric: broken.metric.clone() });
    }
    if judged.iter().all(|one| one.is_better == Some(false)) {
        return Ok(Verdict::Control);
    }
    let is_alike = judged.iter().all(|one| one.is_within);
    Ok(if is_alike { Verdict::NoDifference } else { Verdict::Undecided })
}

fn judge(analysis: &Analysis, rule: Rule) -> Result<Vec<Judged<'_>>, Error> {
    let design = &analysis.design;
    let p_value = |own: &Comparison| own.fixed_horizon.map_or(1.0, |read| read.p_value);
    let p_values: Vec<f64> = analysis.comparisons.iter().map(p_value).collect();
    let adjusted = benjamini_hochberg(&p_values)?;
    let judged = analysis.comparisons.iter().zip(adjusted).map(|(own, adjusted)| {
        let interval: Option<EffectInterval> = match rule {
            Rule::Bayesian => own.bayesian.map(|read| read.interval),
            _ => own.fixed_horizon.map(|read| read.interval),
        };
        let effect = interval.map_or(0.0, |interval| design.primary.goal.oriented(interval.estimate));
        let is_better = match (rule, own.chance_to_be_better) {
            (Rule::Bayesian, Some(chance)) if chance >= 1.0 - design.alpha => Some(true),
            (Rule::Bayesian, Some(chance)) if chance <= design.alpha => Some(false),
            (Rule::Bayesian, _) => None,
            _ if own.fixed_horizon.is_some() && adjusted <= design.alpha => Some(effect > 0.0),
            _ => None,
        };
        let bound = design.smallest_effect;
        let is_within = interval.is_some_and(|interval| interval.low > -bound && interval.high < bound);
        Judged { own, is_better, effect, is_within }
    });
    Ok(judged.collect())
}

#[cfg(test)]
mod tests {
    use super::super::mismatch::Period;
    use super::super::moments::Sums;
    use super::super::report::{Arm, Design, Metric, Observed, analyze};
    use super::super::{Goal, mismatch};
    use super::*;
    use crate::interval::Counts;

    fn analysis(arms: &[(u64, u64)], goal: Goal) -> Analysis {
        let arm = |(idx, (units, successes)): (usize, &(u64, u64))| Arm {
            name: ["A", "B", "C"][idx].to_owned(),
            primary: Sums::Proportion(Counts::new(*units, *successes).expect("counts")),
            guardrails: vec![],
        };
        let units = arms.iter().map(|(units, _)| *units).collect();
        let observed = Observed {
            arms: arms.iter().enumerate().map(arm).collect(),
            periods: vec![Period { units, weights: vec![1.0; arms.len()] }],
            days: Some(14.0),
        };
        analyze(Design::of(Metric { name: "m".to_owned(), goal }), &observed).expect("an analysis")
    }

    #[test]
    fn rules_that_look_once_or_believe_find_more_than_the_sequence() {
        // z ≈ 2.5 of the relative effect: significant once, not at every look.
        let found = analysis(&[(10_000, 500), (10_000, 586)], Goal::Increase);
        assert_eq!(conclude(&found, Rule::AlwaysValid).unwrap(), Verdict::Undecided);
        let winner = Verdict::Winner { arm: "B".to_owned() };
        assert_eq!(conclude(&found, Rule::FixedHorizon).unwrap(), winner);
        assert_eq!(conclude(&found, Rule::Bayesian).unwrap(), winner);
        let cost = analysis(&[(10_000, 500), (10_000, 586)], Goal::Decrease);
        assert_eq!(conclude(&cost, Rule::FixedHorizon).unwrap(), Verdict::Control);
        assert_eq!(conclude(&cost, Rule::Bayesian).unwrap(), Verdict::Control);
    }

    #[test]
    fn many_variants_are_corrected_for_and_a_mismatch_stops_every_rule() {
        // z ≈ 2.06 with one variant is found; with a second one that shows nothing it is not.
        let one = analysis(&[(10_000, 500), (10_000, 570)], Goal::Increase);
        assert_eq!(conclude(&one, Rule::FixedHorizon).unwrap(), Verdict::Winner { arm: "B".to_owned() });
        let two = analysis(&[(10_000, 500), (10_000, 570), (10_000, 500)], Goal::Increase);
        assert_eq!(conclude(&two, Rule::FixedHorizon).unwrap(), Verdict::Undecided);
        let mut off = one;
        off.mismatch =
            mismatch::mismatch(&[Period { units: vec![9_000, 10_000], weights: vec![1.0, 1.0] }]).unwrap();
        for rule in [Rule::FixedHorizon, Rule::Bayesian] {
            assert_eq!(conclude(&off, rule).unwrap(), Verdict::Mismatch);
        }
    }
}
