//! One experiment: the frozen design, what was observed, every read-out, and the verdict.

use serde::Serialize;

use super::effect::{Difference, Effect, effect};
use super::mismatch::{Mismatch, Period, mismatch};
use super::moments::{Moments, Sums, common_slope};
use super::multiplicity::benjamini_hochberg;
use super::plan::{Baseline, Question, Stopping, Traffic, days_left, required};
use super::read_out::{AlwaysValid, Bayesian, FixedHorizon, Prior, always_valid, bayesian};
use super::read_out::{fixed_horizon, newcombe};
use super::{EffectInterval, Goal, Reason};
use crate::Error;

/// Tuning where none was planned: the default of GrowthBook's sequential tests, units in both arms.
pub const DEFAULT_TUNING: f64 = 5_000.0;

/// A metric of the experiment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Metric {
    /// Name, shown as it is.
    pub name: String,
    /// Which way is better.
    pub goal: Goal,
}

/// A metric that must not get worse by more than a margin.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Guardrail {
    /// The metric.
    pub metric: Metric,
    /// Relative change for the worse that is tolerated, a fraction of at least 0.
    pub margin: f64,
}

/// What has to be there before there is a verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Minimum {
    /// Days, so that every weekday is in it.
    pub days: u32,
    /// Units in each arm.
    pub units: u64,
    /// Successes in each arm, of a proportion: below it the normal approximation is poor.
    pub successes: u64,
}

impl Default for Minimum {
    /// One week, 200 units and 10 successes in each arm: from there on, always-valid read-outs of equal arms
    /// were false in at most 5 % of simulated tests, see `tests/guarantees.rs`.
    fn default() -> Self {
        Self { days: 7, units: 200, successes: 10 }
    }
}

/// What is frozen at the start.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Design {
    /// The metric that decides.
    pub primary: Metric,
    /// Metrics that can stop a winner.
    pub guardrails: Vec<Guardrail>,
    /// How effects of the primary metric are expressed.
    pub difference: Difference,
    /// Two-sided error rate in (0, 1).
    pub alpha: f64,
    /// Probability in (0, 1) of finding the smallest effect worth finding.
    pub power: f64,
    /// Smallest relative effect worth finding, a fraction above 0.
    pub smallest_effect: f64,
    /// Units in both arms at which the confidence sequence is narrowest.
    pub tuning: f64,
    /// Prior of the relative effect; flat without it.
    pub prior: Option<Prior>,
    /// What has to be there before there is a verdict.
    pub minimum: Minimum,
}

impl Design {
    /// A design for one metric: α 0.05, power 0.8, smallest effect 10 %, all else as usual.
    #[must_use]
    pub fn of(primary: Metric) -> Self {
        Self {
            primary,
            guardrails: Vec::new(),
            difference: Difference::Relative,
            alpha: 0.05,
            power: 0.8,
            smallest_effect: 0.1,
            tuning: DEFAULT_TUNING,
            prior: None,
            minimum: Minimum::default(),
        }
    }
}

/// What an arm showed.
#[derive(Debug, Clone, PartialEq)]
pub struct Arm {
    /// Name, shown as it is.
    pub name: String,
    /// Sums of the primary metric.
    pub primary: Sums,
    /// Sums of the guardrails, in the design's order.
    pub guardrails: Vec<Sums>,
}

/// What was observed so far.
#[derive(Debug, Clone, PartialEq)]
pub struct Observed {
    /// The arms, the control first.
    pub arms: Vec<Arm>,
    /// Units by arm in each span of constant weights.
    pub periods: Vec<Period>,
    /// Days so far; `None` where the data does not say.
    pub days: Option<f64>,
}

/// An arm's mean.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ArmReadOut {
    /// Name.
    pub arm: String,
    /// Units.
    pub units: u64,
    /// Mean and variance of the primary metric; `None` with the reason beside it.
    pub moments: Option<Moments>,
    /// Why there are none.
    pub unavailable: Option<Reason>,
}

/// A variant against the control, told in three ways.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Comparison {
    /// The variant.
    pub arm: String,
    /// The read-out at a fixed size.
    pub fixed_horizon: Option<FixedHorizon>,
    /// The read-out that decides.
    pub always_valid: Option<AlwaysValid>,
    /// Whether both arms have the units and successes from which on the always-valid read-out keeps its
    /// promise: it is asymptotic, and before that only a first impression.
    pub has_burned_in: bool,
    /// The read-out under the prior; its chances are of more of the metric, whatever its goal.
    pub bayesian: Option<Bayesian>,
    /// Probability that the variant is better, by the metric's goal.
    pub chance_to_be_better: Option<f64>,
    /// Expected loss of choosing the variant, by the metric's goal, in the effect's unit before scaling.
    pub expected_loss: Option<f64>,
    /// The always-valid p-value after correction for all variants.
    pub adjusted_p_value: Option<f64>,
    /// Of proportions: the absolute difference by a method that holds at few successes; fixed horizon.
    pub score_interval: Option<EffectInterval>,
    /// Why the other read-outs are not there.
    pub unavailable: Option<Reason>,
}

/// What a guardrail says of a variant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum GuardrailState {
    /// The always-valid interval lies wholly beyond the margin.
    Breached,
    /// The always-valid interval lies wholly within it.
    Held,
    /// Not known yet.
    Open,
}

/// A guardrail of a variant.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct GuardrailReadOut {
    /// The guardrail.
    pub metric: String,
    /// The variant.
    pub arm: String,
    /// Relative change, always valid.
    pub always_valid: Option<AlwaysValid>,
    /// What it says.
    pub state: GuardrailState,
}

/// Something that has to be there before there is a verdict.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Gate {
    /// `days`, `units` or `successes`.
    pub gate: &'static str,
    /// The arm, where the gate is about one.
    pub arm: Option<String>,
    /// Needed.
    pub needed: f64,
    /// There so far; `None` where the data does not say.
    pub have: Option<f64>,
    /// Whether it is there.
    pub passed: bool,
}

/// What may be concluded.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case", tag = "verdict")]
pub enum Verdict {
    /// Traffic was not divided as configured: nothing can be concluded.
    Mismatch,
    /// A gate is not passed yet.
    TooEarly,
    /// The variant is better than the control.
    Winner {
        /// The variant.
        arm: String,
    },
    /// The variant would win and breaks a guardrail.
    Guardrail {
        /// The variant.
        arm: String,
        /// The guardrail.
        metric: String,
    },
    /// Every variant is worse than the control.
    Control,
    /// Every variant is within the smallest effect worth finding of the control.
    NoDifference,
    /// Not known yet.
    Undecided,
}

/// Every read-out of an experiment.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Analysis {
    /// The design.
    pub design: Design,
    /// The arms, the control first.
    pub arms: Vec<ArmReadOut>,
    /// The variants against the control.
    pub comparisons: Vec<Comparison>,
    /// The guardrails of the variants.
    pub guardrails: Vec<GuardrailReadOut>,
    /// Whether traffic was divided as configured.
    pub mismatch: Mismatch,
    /// What has to be there before there is a verdict.
    pub gates: Vec<Gate>,
    /// Traffic that finds the smallest effect, by the control as observed; `None` where it cannot be told.
    pub needed: Option<Traffic>,
    /// Days until that is there at the present pace.
    pub days_left: Option<u64>,
    /// The conclusion.
    pub verdict: Verdict,
}

/// Reads out an experiment.
///
/// # Errors
/// [`Error::Empty`]: fewer than two arms. [`Error::Setting`]: a value of the design outside its range, an
/// arm without the sums of every guardrail, or periods that do not fit the arms.
pub fn analyze(design: Design, observed: &Observed) -> Result<Analysis, Error> {
    check(&design, observed)?;
    let primary: Vec<Sums> = observed.arms.iter().map(|arm| arm.primary).collect();
    let comparisons = comparisons(&design, &observed.arms, &primary)?;
    let guardrails = guardrails(&design, &observed.arms)?;
    let mismatch = mismatch(&observed.periods)?;
    let gates = gates(&design.minimum, observed);
    let verdict = verdict(&design, &comparisons, &guardrails, &mismatch, &gates);
    let slope = common_slope(&primary);
    let arms: Vec<ArmReadOut> = observed.arms.iter().map(|arm| arm_read_out(arm, slope)).collect();
    let needed = needed(&design, observed, arms.first().and_then(|arm| arm.moments));
    let have: u64 = primary.iter().map(Sums::units).sum();
    let days_left = match (&needed, observed.days) {
        (Some(traffic), Some(days)) if days > 0.0 => days_left(traffic.total, have, have as f64 / days),
        _ => None,
    };
    Ok(Analysis { design, arms, comparisons, guardrails, mismatch, gates, needed, days_left, verdict })
}

/// The verdict that stands after another look at the same phase of an experiment.
///
/// Always-valid read-outs hold at every look at once, so what one of them has shown stays shown, although a
/// later one alone may be undecided again. Only a mismatch or a broken guardrail of the winner takes a
/// verdict back: they say that the experiment, or the choice, was wrong. A new phase starts without one.
#[must_use]
pub fn standing(before: Option<&Verdict>, now: Verdict) -> Verdict {
    let is_settled = |verdict: &Verdict| {
        matches!(verdict, Verdict::Winner { .. } | Verdict::Control | Verdict::NoDifference)
    };
    match (before, now) {
        (_, now @ Verdict::Mismatch) => now,
        (Some(Verdict::Winner { arm }), Verdict::Guardrail { arm: broken, metric }) if *arm == broken => {
            Verdict::Guardrail { arm: broken, metric }
        }
        (Some(before), _) if is_settled(before) => before.clone(),
        (_, now) => now,
    }
}

fn check(design: &Design, observed: &Observed) -> Result<(), Error> {
    if observed.arms.len() < 2 {
        return Err(Error::Empty);
    }
    super::read_out::check_alpha(design.alpha)?;
    let settings = [
        ("power", design.power, design.power > 0.0 && design.power < 1.0),
        ("smallest effect", design.smallest_effect, design.smallest_effect > 0.0),
        ("tuning", design.tuning, design.tuning > 0.0 && design.tuning.is_finite()),
    ];
    for (name, value, good) in settings {
        if !good {
            return Err(Error::Setting { name, value });
        }
    }
    for guardrail in &design.guardrails {
        if !(guardrail.margin.is_finite() && guardrail.margin >= 0.0) {
            return Err(Error::Setting { name: "guardrail margin", value: guardrail.margin });
        }
    }
    if let Difference::Scaled { traffic_share, days } = design.difference {
        if !(traffic_share > 0.0 && traffic_share <= 1.0) {
            return Err(Error::Setting { name: "traffic share", value: traffic_share });
        }
        if !(days.is_finite() && days > 0.0) {
            return Err(Error::Setting { name: "days", value: days });
        }
    }
    for arm in &observed.arms {
        if arm.guardrails.len() != design.guardrails.len() {
            return Err(Error::Setting { name: "guardrails of an arm", value: arm.guardrails.len() as f64 });
        }
    }
    match observed.periods.iter().find(|period| period.units.len() != observed.arms.len()) {
        Some(period) => Err(Error::Setting { name: "arms of a period", value: period.units.len() as f64 }),
        None => Ok(()),
    }
}

fn arm_read_out(arm: &Arm, slope: f64) -> ArmReadOut {
    let moments = arm.primary.moments(slope);
    ArmReadOut {
        arm: arm.name.clone(),
        units: arm.primary.units(),
        moments: moments.ok(),
        unavailable: moments.err(),
    }
}

/// The effect of `variant` against `control`, with one slope for both.
fn effect_of(control: &Sums, variant: &Sums, slope: f64, difference: Difference) -> Result<Effect, Reason> {
    if std::mem::discriminant(control) != std::mem::discriminant(variant) {
        return Err(Reason::KindsDiffer);
    }
    effect(&control.moments(slope)?, &variant.moments(slope)?, difference)
}

fn comparisons(design: &Design, arms: &[Arm], primary: &[Sums]) -> Result<Vec<Comparison>, Error> {
    let slope = common_slope(primary);
    let mut comparisons = Vec::with_capacity(arms.len() - 1);
    for arm in &arms[1..] {
        let score_interval = match (&arms[0].primary, &arm.primary) {
            (Sums::Proportion(control), Sums::Proportion(variant)) => {
                newcombe(*control, *variant, design.alpha)?
            }
            _ => None,
        };
        let mut comparison = Comparison {
            arm: arm.name.clone(),
            fixed_horizon: None,
            always_valid: None,
            has_burned_in: has_burned_in(&design.minimum, [&arms[0].primary, &arm.primary]),
            bayesian: None,
            chance_to_be_better: None,
            expected_loss: None,
            adjusted_p_value: None,
            score_interval,
            unavailable: None,
        };
        match effect_of(&arms[0].primary, &arm.primary, slope, design.difference) {
            Ok(effect) => read(design, &effect, &mut comparison)?,
            Err(reason) => comparison.unavailable = Some(reason),
        }
        comparisons.push(comparison);
    }
    // A variant without a read-out is one more that could have been found: it counts with p = 1.
    let p_values: Vec<f64> =
        comparisons.iter().map(|own| own.always_valid.map_or(1.0, |read| read.p_value)).collect();
    for (comparison, adjusted) in comparisons.iter_mut().zip(benjamini_hochberg(&p_values)?) {
        comparison.adjusted_p_value = comparison.always_valid.map(|_| adjusted);
    }
    Ok(comparisons)
}

/// Whether both arms have the least units and, of a proportion, successes.
#[must_use]
pub fn has_burned_in(minimum: &Minimum, arms: [&Sums; 2]) -> bool {
    arms.into_iter().all(|sums| {
        let successes = if let Sums::Proportion(counts) = sums { counts.successes() } else { u64::MAX };
        sums.units() >= minimum.units && successes >= minimum.successes
    })
}

fn read(design: &Design, effect: &Effect, comparison: &mut Comparison) -> Result<(), Error> {
    let bayesian = bayesian(effect, design.alpha, design.prior)?;
    let is_more = design.primary.goal == Goal::Increase;
    comparison.fixed_horizon = Some(fixed_horizon(effect, design.alpha)?);
    comparison.always_valid = Some(always_valid(effect, design.alpha, design.tuning)?);
    comparison.bayesian = Some(bayesian);
    comparison.chance_to_be_better =
        Some(if is_more { bayesian.chance_to_win } else { 1.0 - bayesian.chance_to_win });
    // Where less is better, choosing the variant loses what staying would have lost otherwise.
    comparison.expected_loss =
        Some(if is_more { bayesian.risk_of_treatment } else { bayesian.risk_of_control });
    Ok(())
}

fn guardrails(design: &Design, arms: &[Arm]) -> Result<Vec<GuardrailReadOut>, Error> {
    let mut read_outs = Vec::new();
    for (idx, guardrail) in design.guardrails.iter().enumerate() {
        let sums: Vec<Sums> = arms.iter().map(|arm| arm.guardrails[idx]).collect();
        let slope = common_slope(&sums);
        for (arm, own) in arms.iter().zip(&sums).skip(1) {
            let read = match effect_of(&sums[0], own, slope, Difference::Relative) {
                Ok(effect) => Some(always_valid(&effect, design.alpha, design.tuning)?),
                Err(_) => None,
            };
            read_outs.push(GuardrailReadOut {
                metric: guardrail.metric.name.clone(),
                arm: arm.name.clone(),
                always_valid: read,
                state: read.map_or(GuardrailState::Open, |read| state(guardrail, read.interval)),
            });
        }
    }
    Ok(read_outs)
}

fn state(guardrail: &Guardrail, interval: EffectInterval) -> GuardrailState {
    let ends = (guardrail.metric.goal.oriented(interval.low), guardrail.metric.goal.oriented(interval.high));
    let (worst, best) = (ends.0.min(ends.1), ends.0.max(ends.1));
    if best < -guardrail.margin {
        GuardrailState::Breached
    } else if worst >= -guardrail.margin {
        GuardrailState::Held
    } else {
        GuardrailState::Open
    }
}

fn gates(minimum: &Minimum, observed: &Observed) -> Vec<Gate> {
    let days = f64::from(minimum.days);
    let mut gates = vec![Gate {
        gate: "days",
        arm: None,
        needed: days,
        have: observed.days,
        // Data without times cannot tell; the minimum of 0 days says that it need not.
        passed: observed.days.map_or(minimum.days == 0, |have| have >= days),
    }];
    for arm in &observed.arms {
        let mut gate = |gate: &'static str, needed: u64, have: u64| {
            gates.push(Gate {
                gate,
                arm: Some(arm.name.clone()),
                needed: needed as f64,
                have: Some(have as f64),
                passed: have >= needed,
            });
        };
        gate("units", minimum.units, arm.primary.units());
        if let Sums::Proportion(counts) = arm.primary {
            gate("successes", minimum.successes, counts.successes());
        }
    }
    gates
}

fn needed(design: &Design, observed: &Observed, control: Option<Moments>) -> Option<Traffic> {
    let control = control?;
    let baseline = match observed.arms.first()?.primary {
        Sums::Proportion(_) => Baseline::Proportion(control.mean),
        _ => Baseline::Mean { mean: control.unadjusted_mean, variance: control.variance },
    };
    let question = Question {
        baseline,
        effect: design.smallest_effect,
        alpha: design.alpha,
        power: design.power,
        weights: observed.periods.last()?.weights.clone(),
        stopping: Stopping::AlwaysValid { tuning: Some(design.tuning) },
    };
    required(&question).ok()
}

fn verdict(
    design: &Design,
    comparisons: &[Comparison],
    guardrails: &[GuardrailReadOut],
    mismatch: &Mismatch,
    gates: &[Gate],
) -> Verdict {
    if mismatch.alarm {
        return Verdict::Mismatch;
    }
    if gates.iter().any(|gate| !gate.passed) {
        return Verdict::TooEarly;
    }
    let goal = design.primary.goal;
    let oriented =
        |own: &Comparison| own.always_valid.map_or(0.0, |read| goal.oriented(read.interval.estimate));
    let is_found = |own: &Comparison| own.adjusted_p_value.is_some_and(|p| p <= design.alpha);
    let breached =
        |arm: &str| guardrails.iter().find(|own| own.arm == arm && own.state == GuardrailState::Breached);
    let mut better: Vec<&Comparison> =
        comparisons.iter().filter(|own| is_found(own) && oriented(own) > 0.0).collect();
    better.sort_by(|a, b| oriented(b).total_cmp(&oriented(a)));
    if let Some(winner) = better.iter().find(|own| breached(&own.arm).is_none()) {
        return Verdict::Winner { arm: winner.arm.clone() };
    }
    if let Some((own, broken)) = better.iter().find_map(|own| Some((own, breached(&own.arm)?))) {
        return Verdict::Guardrail { arm: own.arm.clone(), metric: broken.metric.clone() };
    }
    if comparisons.iter().all(|own| is_found(own) && oriented(own) < 0.0) {
        return Verdict::Control;
    }
    if comparisons.iter().all(|own| is_within(design, own)) {
        Verdict::NoDifference
    } else {
        Verdict::Undecided
    }
}

/// Whether the always-valid interval lies within the smallest effect worth finding. Only relative effects
/// can tell, as the smallest effect is one.
fn is_within(design: &Design, comparison: &Comparison) -> bool {
    let bound = design.smallest_effect;
    matches!(design.difference, Difference::Relative)
        && comparison
            .always_valid
            .is_some_and(|read| read.interval.low > -bound && read.interval.high < bound)
}

#[cfg(test)]
mod tests;
