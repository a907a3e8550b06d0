//! Reads experiments out: from exposures to one read-out a day.
//!
//! Exposures are summed by user over the present phase, so that a user who comes on many days is one unit,
//! and the variance of a ratio is that of users. Earlier phases count for the division of users alone.

mod adjusted;
mod imported;
mod increments;
mod log;
mod segments;

use std::collections::HashMap;

use spotwright_core::domain::experiment::exposure::{Exposure, ImportedRow, SegmentName};
use spotwright_core::domain::experiment::order::HOLDOUT;
use spotwright_core::domain::experiment::{Experiment, ExperimentState};
use spotwright_core::ports::experiments::Analyst;
use spotwright_experiment::analysis::effect::Difference;
use spotwright_experiment::analysis::mismatch::{Mismatch, Period, mismatch};
use spotwright_experiment::analysis::moments::{RatioSums, Sums};
use spotwright_experiment::analysis::read_out::Prior;
use spotwright_experiment::analysis::report::{
    Analysis, Arm, Comparison, Design, Gate, Guardrail, GuardrailState, Metric, Minimum, Observed, Verdict,
    analyze, standing,
};
use spotwright_experiment::analysis::rule::{Rule, conclude};
use spotwright_experiment::analysis::sentence::sentence;
use spotwright_experiment::analysis::{EffectInterval, Goal};
use spotwright_schemas::error::Code;
use spotwright_schemas::experiment::{
    ArmRole, ExperimentDesign, ExperimentMetric, ExperimentPhase, ExperimentVerdict, GuardrailWord, ReadOut,
    ReadOutAdjusted, ReadOutArm, ReadOutComparison, ReadOutGate, ReadOutGuardrail, ReadOutIncrementality,
    ReadOutMethod, ReadOutMetric, ReadOutRequired, ReadOutSegments, ReadOutSrm, Sentences, StoppingRule,
    VerdictWord,
};
use spotwright_schemas::money::Micros;
use spotwright_schemas::{Language, Problem};

/// Standard deviation of the prior of a relative effect, of experiments that are decided by belief: a
/// creative seldom changes a click rate by more than half.
const PRIOR_DEVIATION: f64 = 0.3;

/// Reads experiments out, and keeps their exposures as parquet.
#[derive(Debug, Clone, Copy, Default)]
pub struct ExperimentAnalyst;

impl Analyst for ExperimentAnalyst {
    fn read_out(
        &self,
        experiment: &Experiment,
        day: u32,
        exposures: &[Exposure],
        at: i64,
    ) -> Result<ReadOut, Problem> {
        read_out(experiment, day, exposures, at)
    }

    fn read_out_imported(
        &self,
        experiment: &Experiment,
        day: u32,
        rows: &[ImportedRow],
        at: i64,
    ) -> Result<ReadOut, Problem> {
        imported::read_out(experiment, day, rows, at)
    }

    fn write_imported(&self, experiment: &Experiment, rows: &[ImportedRow]) -> Vec<u8> {
        imported::write(experiment, rows)
    }

    fn write(&self, experiment: &Experiment, exposures: &[Exposure]) -> Result<Vec<u8>, Problem> {
        log::write(experiment, exposures)
            .map_err(|error| Problem::new(Code::Internal, "exposures", error.to_string()))
    }

    fn read(&self, experiment: &Experiment, file: &[u8]) -> Result<Vec<Exposure>, Problem> {
        log::read(experiment, file)
    }
}

/// What a user met in one phase.
#[derive(Debug, Clone, Copy, Default)]
struct Met {
    cell: usize,
    impressions: f64,
    clicks: f64,
    conversions: f64,
    /// Conversions without a click.
    organic: f64,
    spend: f64,
    /// Clicks before the experiment.
    earlier: f64,
    segment: SegmentName,
}

impl Met {
    /// Numerator and denominator of a metric; money in micros.
    fn ratio(&self, metric: ExperimentMetric, value: Option<Micros>) -> (f64, f64) {
        match metric {
            ExperimentMetric::Ctr => (self.clicks, self.impressions),
            ExperimentMetric::Cvr => (self.conversions, self.clicks),
            ExperimentMetric::Cpc => (self.spend, self.clicks),
            ExperimentMetric::Cpa => (self.spend, self.conversions),
            ExperimentMetric::RevenuePerImpression => {
                (self.conversions * value.map_or(0.0, |value| value.0 as f64), self.impressions)
            }
        }
    }
}

/// Numerator and denominator of a metric of one exposure.
fn ratio_of(exposure: &Exposure, metric: ExperimentMetric, value: Option<Micros>) -> (f64, f64) {
    met(exposure).ratio(metric, value)
}

fn met(exposure: &Exposure) -> Met {
    Met {
        cell: exposure.arm as usize,
        impressions: f64::from(exposure.impressions),
        clicks: f64::from(exposure.clicks),
        conversions: f64::from(exposure.conversions),
        organic: f64::from(exposure.organic),
        spend: exposure.spend.0 as f64,
        earlier: f64::from(exposure.earlier_clicks),
        segment: exposure.segment,
    }
}

/// Users of one phase, by their number; refused when one is in two arms.
fn users_of(
    exposures: &[Exposure],
    phase: &ExperimentPhase,
    cells: usize,
) -> Result<HashMap<u64, Met>, Problem> {
    let mut users: HashMap<u64, Met> = HashMap::new();
    for exposure in exposures.iter().filter(|exposure| exposure.phase == phase.phase) {
        let own = met(exposure);
        if own.cell >= cells {
            return Err(wrong(format!("user {} is in an arm that there is not", exposure.unit)));
        }
        let user = users.entry(exposure.unit).or_insert_with(|| Met {
            cell: own.cell,
            earlier: own.earlier,
            segment: own.segment,
            ..Met::default()
        });
        if user.cell != own.cell {
            return Err(wrong(format!("user {} is in two arms of phase {}", exposure.unit, phase.phase)));
        }
        user.impressions += own.impressions;
        user.clicks += own.clicks;
        user.conversions += own.conversions;
        user.organic += own.organic;
        user.spend += own.spend;
    }
    Ok(users)
}

fn wrong(message: String) -> Problem {
    Problem::new(Code::Trial, "exposures", message)
}

fn refused(error: &spotwright_experiment::Error) -> Problem {
    wrong(error.to_string())
}

fn counted(users: &HashMap<u64, Met>, cells: usize) -> Vec<u64> {
    let mut units = vec![0; cells];
    for user in users.values() {
        units[user.cell] += 1;
    }
    units
}

fn read_out(experiment: &Experiment, day: u32, exposures: &[Exposure], at: i64) -> Result<ReadOut, Problem> {
    debug_assert!(experiment.state != ExperimentState::Draft, "a draft has no days");
    let design = &experiment.design;
    let phase = experiment.phases.last().ok_or_else(|| wrong("there is no phase".to_owned()))?;
    let cells = phase.shares().len();
    let mut periods = Vec::new();
    let mut users = HashMap::new();
    for one in &experiment.phases {
        let of_phase = users_of(exposures, one, cells)?;
        let units = counted(&of_phase, cells);
        if units.iter().any(|units| *units > 0) {
            periods.push(Period { units, weights: one.shares() });
        }
        users = of_phase;
    }
    if periods.is_empty() {
        periods.push(Period { units: vec![0; cells], weights: phase.shares() });
    }
    let srm = mismatch(&periods).map_err(|error| refused(&error))?;
    let phase_day = day + 1 - phase.from_day;
    let observed = observed(design, phase, &users, phase_day);
    let asked = analysis_design(design, phase);
    let mut analysis = analyze(asked.clone(), &observed).map_err(|error| refused(&error))?;
    analysis.gates.extend(event_gates(design, &users));
    let alarm = experiment.srm_alarm || srm.alarm || analysis.mismatch.alarm;
    analysis.mismatch = Mismatch { alarm, ..srm };
    let verdict = verdict_now(design, &analysis)?;
    let ordered = in_order(&users);
    let told = Told {
        day,
        phase_day,
        at,
        arms: arms(design, phase, exposures, &users, &analysis),
        adjusted: adjusted::read(design, &asked, &observed, &ordered)?,
        incrementality: increments::read(experiment, phase, &ordered)?,
        segments: segments::read(design, &asked, &ordered)?,
        notes: Vec::new(),
    };
    Ok(told.read_out(experiment, phase, analysis, &verdict))
}

/// What this day alone says.
fn verdict_now(design: &ExperimentDesign, analysis: &Analysis) -> Result<Verdict, Problem> {
    if analysis.mismatch.alarm {
        Ok(Verdict::Mismatch)
    } else if analysis.gates.iter().any(|gate| !gate.passed) {
        Ok(Verdict::TooEarly)
    } else {
        conclude(analysis, rule_of(design.stopping.rule)).map_err(|error| refused(&error))
    }
}

/// What a read-out tells beside its analysis.
struct Told {
    day: u32,
    phase_day: u32,
    at: i64,
    arms: Vec<ReadOutArm>,
    adjusted: Option<ReadOutAdjusted>,
    incrementality: Option<ReadOutIncrementality>,
    segments: Option<ReadOutSegments>,
    notes: Vec<Sentences>,
}

impl Told {
    /// The read-out of an analysis whose own verdict of the day is `verdict`.
    fn read_out(
        self,
        experiment: &Experiment,
        phase: &ExperimentPhase,
        mut analysis: Analysis,
        verdict: &Verdict,
    ) -> ReadOut {
        let design = &experiment.design;
        let before = experiment.verdict.as_ref().map(verdict_back);
        // Only read-outs that hold at every look at once stand once they are there.
        let stands = if rule_of(design.stopping.rule) == Rule::AlwaysValid {
            standing(before.as_ref(), verdict.clone())
        } else {
            verdict.clone()
        };
        analysis.verdict = stands.clone();
        let sentence = in_both(|language| sentence(&analysis, language));
        let at = jiff::Timestamp::from_microsecond(self.at).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
        ReadOut {
            day: self.day,
            phase: phase.phase,
            phase_day: self.phase_day,
            source: design.source,
            at: at.to_string(),
            currency: experiment.currency.code().to_owned(),
            primary: ReadOutMetric {
                metric: design.primary,
                goal: if design.primary.is_cost() { "decrease" } else { "increase" }.to_owned(),
            },
            arms: self.arms,
            comparisons: analysis.comparisons.iter().flat_map(compared).collect(),
            srm: srm_of(&analysis.mismatch),
            guardrails: guardrails(design, &analysis),
            gates: gates(&analysis),
            required: analysis.needed.as_ref().map(|needed| ReadOutRequired {
                units: needed.units.clone(),
                total: needed.total,
                days_left: analysis.days_left,
            }),
            verdict: verdict_of(verdict),
            standing: verdict_of(&stands),
            sentence,
            adjusted: self.adjusted,
            incrementality: self.incrementality,
            segments: self.segments,
            notes: self.notes,
        }
    }
}

/// A text in both languages.
fn in_both(said: impl Fn(Language) -> String) -> Sentences {
    Sentences { en: said(Language::English), zh: said(Language::Chinese) }
}

/// Users by their numbers: sums of floating-point numbers depend on their order, and that of a map on chance.
fn in_order(users: &HashMap<u64, Met>) -> Vec<Met> {
    let mut ordered: Vec<(&u64, &Met)> = users.iter().collect();
    ordered.sort_unstable_by_key(|(unit, _)| **unit);
    ordered.into_iter().map(|(_, met)| *met).collect()
}

/// Ratios have no successes of their own, and are as poorly known with few events as proportions are: each
/// arm needs as many clicks, or conversions where those are counted, as a proportion needs successes.
fn event_gates(design: &ExperimentDesign, users: &HashMap<u64, Met>) -> Vec<Gate> {
    let needed = Minimum::default().successes as f64;
    let event = |met: &Met| match design.primary {
        ExperimentMetric::Ctr | ExperimentMetric::Cpc => met.clicks,
        ExperimentMetric::Cvr | ExperimentMetric::Cpa | ExperimentMetric::RevenuePerImpression => {
            met.conversions
        }
    };
    let gate = |(cell, arm): (usize, &spotwright_schemas::experiment::ExperimentArm)| {
        // Sums of whole numbers: their order does not matter.
        let have: f64 = users.values().filter(|met| met.cell == cell).map(event).sum();
        let (arm, passed) = (Some(arm.name.clone()), have >= needed);
        Gate { gate: "successes", arm, needed, have: Some(have), passed }
    };
    design.arms.iter().enumerate().map(gate).collect()
}

const fn rule_of(rule: StoppingRule) -> Rule {
    match rule {
        StoppingRule::AlwaysValid => Rule::AlwaysValid,
        StoppingRule::FixedHorizon => Rule::FixedHorizon,
        StoppingRule::Bayesian => Rule::Bayesian,
    }
}

fn metric_of(metric: ExperimentMetric) -> Metric {
    let goal = if metric.is_cost() { Goal::Decrease } else { Goal::Increase };
    Metric { name: metric.as_str().to_owned(), goal }
}

fn analysis_design(design: &ExperimentDesign, phase: &ExperimentPhase) -> Design {
    let stopping = &design.stopping;
    // A fixed horizon is read once: no gate is passed before the last day.
    let days = match stopping.rule {
        StoppingRule::FixedHorizon => stopping.maximum_days.saturating_sub(phase.from_day - 1),
        StoppingRule::AlwaysValid | StoppingRule::Bayesian => stopping.minimum_days,
    };
    let prior = (stopping.rule == StoppingRule::Bayesian)
        .then_some(Prior { mean: 0.0, variance: PRIOR_DEVIATION * PRIOR_DEVIATION });
    let guardrail = |own: &spotwright_schemas::experiment::ExperimentGuardrail| Guardrail {
        metric: metric_of(own.metric),
        margin: own.margin,
    };
    Design {
        primary: metric_of(design.primary),
        guardrails: design.guardrails.iter().map(guardrail).collect(),
        difference: Difference::Relative,
        alpha: design.alpha,
        power: design.power,
        smallest_effect: design.smallest_effect,
        tuning: design.tuning,
        prior,
        minimum: Minimum { days, units: stopping.minimum_units, ..Minimum::default() },
    }
}

fn observed(
    design: &ExperimentDesign,
    phase: &ExperimentPhase,
    users: &HashMap<u64, Met>,
    phase_day: u32,
) -> Observed {
    let n_arms = design.arms.len();
    let metrics: Vec<ExperimentMetric> =
        std::iter::once(design.primary).chain(design.guardrails.iter().map(|own| own.metric)).collect();
    let mut sums = vec![vec![RatioSums::default(); metrics.len()]; n_arms];
    for user in in_order(users).iter().filter(|user| user.cell < n_arms) {
        for (metric, sums) in metrics.iter().zip(&mut sums[user.cell]) {
            let (numerator, denominator) = user.ratio(*metric, design.conversion_value_micros);
            sums.add(numerator, denominator);
        }
    }
    let arms = design.arms.iter().zip(&sums).map(|(arm, sums)| Arm {
        name: arm.name.clone(),
        primary: Sums::Ratio(sums[0]),
        guardrails: sums[1..].iter().map(|sums| Sums::Ratio(*sums)).collect(),
    });
    let units = sums.iter().map(|sums| sums[0].units).collect();
    Observed {
        arms: arms.collect(),
        periods: vec![Period { units, weights: phase.weights.clone() }],
        days: Some(f64::from(phase_day)),
    }
}

fn arms(
    design: &ExperimentDesign,
    phase: &ExperimentPhase,
    exposures: &[Exposure],
    users: &HashMap<u64, Met>,
    analysis: &Analysis,
) -> Vec<ReadOutArm> {
    let shares = phase.shares();
    let units = counted(users, shares.len());
    let mut arms: Vec<ReadOutArm> = shares
        .iter()
        .enumerate()
        .map(|(cell, weight)| {
            let arm = design.arms.get(cell);
            ReadOutArm {
                name: arm.map_or_else(|| HOLDOUT.to_owned(), |arm| arm.name.clone()),
                role: arm.map_or(ArmRole::Holdout, |arm| arm.role),
                units: units[cell],
                impressions: 0,
                clicks: 0,
                conversions: 0,
                spend_micros: Micros::ZERO,
                revenue_micros: None,
                value: analysis.arms.get(cell).and_then(|own| finite(own.moments?.mean)),
                standard_error: standard_error(analysis, cell),
                weight: *weight,
            }
        })
        .collect();
    for exposure in exposures.iter().filter(|exposure| exposure.phase == phase.phase) {
        let arm = &mut arms[exposure.arm as usize];
        arm.impressions += u64::from(exposure.impressions);
        arm.clicks += u64::from(exposure.clicks);
        arm.conversions += u64::from(exposure.conversions);
        arm.spend_micros += exposure.spend;
    }
    for arm in &mut arms {
        arm.revenue_micros = design
            .conversion_value_micros
            .and_then(|value| Some(Micros(value.0.checked_mul(i64::try_from(arm.conversions).ok()?)?)));
    }
    arms
}

/// The standard error of an arm's metric.
fn standard_error(analysis: &Analysis, arm: usize) -> Option<f64> {
    let moments = analysis.arms.get(arm)?.moments?;
    finite((moments.variance / moments.units).sqrt())
}

fn finite(value: f64) -> Option<f64> {
    value.is_finite().then_some(value)
}

fn ends(interval: EffectInterval) -> Option<[f64; 2]> {
    Some([finite(interval.low)?, finite(interval.high)?])
}

/// A variant against the control in three ways.
fn compared(own: &Comparison) -> [ReadOutComparison; 3] {
    let row = |method, interval: Option<EffectInterval>, p_value: Option<f64>| ReadOutComparison {
        arm: own.arm.clone(),
        method,
        lift: interval.and_then(|interval| finite(interval.estimate)),
        ci: interval.and_then(ends),
        p_value: p_value.and_then(finite),
        adjusted_p_value: None,
        chance_to_win: None,
        expected_loss: None,
    };
    let always = own.always_valid;
    let fixed = own.fixed_horizon;
    [
        ReadOutComparison {
            adjusted_p_value: own.adjusted_p_value.and_then(finite),
            ..row(
                ReadOutMethod::AlwaysValid,
                always.map(|read| read.interval),
                always.map(|read| read.p_value),
            )
        },
        row(ReadOutMethod::FixedHorizon, fixed.map(|read| read.interval), fixed.map(|read| read.p_value)),
        ReadOutComparison {
            chance_to_win: own.chance_to_be_better.and_then(finite),
            expected_loss: own.expected_loss.and_then(finite),
            ..row(ReadOutMethod::Bayesian, own.bayesian.map(|read| read.interval), None)
        },
    ]
}

fn srm_of(mismatch: &Mismatch) -> ReadOutSrm {
    ReadOutSrm {
        p_value: mismatch.p_value.and_then(finite),
        warning: mismatch.warning,
        alarm: mismatch.alarm,
        observed: mismatch.observed.clone(),
        expected: mismatch.expected.clone(),
    }
}

fn guardrails(design: &ExperimentDesign, analysis: &Analysis) -> Vec<ReadOutGuardrail> {
    let of = |own: &spotwright_experiment::analysis::report::GuardrailReadOut| {
        let guardrail = design.guardrails.iter().find(|one| one.metric.as_str() == own.metric)?;
        Some(ReadOutGuardrail {
            metric: guardrail.metric,
            arm: own.arm.clone(),
            margin: guardrail.margin,
            state: match own.state {
                GuardrailState::Breached => GuardrailWord::Breached,
                GuardrailState::Held => GuardrailWord::Held,
                GuardrailState::Open => GuardrailWord::Open,
            },
            lift: own.always_valid.and_then(|read| finite(read.interval.estimate)),
            ci: own.always_valid.and_then(|read| ends(read.interval)),
        })
    };
    analysis.guardrails.iter().filter_map(of).collect()
}

fn gates(analysis: &Analysis) -> Vec<ReadOutGate> {
    let of = |gate: &Gate| ReadOutGate {
        gate: gate.gate.to_owned(),
        arm: gate.arm.clone(),
        needed: gate.needed,
        have: gate.have,
        passed: gate.passed,
    };
    analysis.gates.iter().map(of).collect()
}

fn verdict_of(verdict: &Verdict) -> ExperimentVerdict {
    match verdict {
        Verdict::Mismatch => ExperimentVerdict::of(VerdictWord::Mismatch),
        Verdict::TooEarly => ExperimentVerdict::of(VerdictWord::TooEarly),
        Verdict::Winner { arm } => {
            ExperimentVerdict { arm: Some(arm.clone()), ..ExperimentVerdict::of(VerdictWord::Winner) }
        }
        Verdict::Guardrail { arm, metric } => ExperimentVerdict {
            verdict: VerdictWord::Guardrail,
            arm: Some(arm.clone()),
            metric: Some(metric.clone()),
        },
        Verdict::Control => ExperimentVerdict::of(VerdictWord::Control),
        Verdict::NoDifference => ExperimentVerdict::of(VerdictWord::NoDifference),
        Verdict::Undecided => ExperimentVerdict::of(VerdictWord::Undecided),
    }
}

fn verdict_back(verdict: &ExperimentVerdict) -> Verdict {
    let arm = || verdict.arm.clone().unwrap_or_default();
    match verdict.verdict {
        VerdictWord::Mismatch => Verdict::Mismatch,
        VerdictWord::TooEarly => Verdict::TooEarly,
        VerdictWord::Winner => Verdict::Winner { arm: arm() },
        VerdictWord::Guardrail => {
            Verdict::Guardrail { arm: arm(), metric: verdict.metric.clone().unwrap_or_default() }
        }
        VerdictWord::Control => Verdict::Control,
        VerdictWord::NoDifference => Verdict::NoDifference,
        VerdictWord::Undecided => Verdict::Undecided,
    }
}

#[cfg(test)]
mod tests;
