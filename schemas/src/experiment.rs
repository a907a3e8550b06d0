//! Experiments: what is frozen at their start, and what is read out of them day by day.

mod read_out;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::event::FeedbackSource;
use crate::ids::{RunId, VariantId};
use crate::money::Micros;

pub use read_out::{
    GuardrailWord, ReadOut, ReadOutAdjusted, ReadOutArm, ReadOutComparison, ReadOutGate, ReadOutGhosts,
    ReadOutGuardrail, ReadOutIncrement, ReadOutIncrementality, ReadOutMethod, ReadOutMetric,
    ReadOutReduction, ReadOutRequired, ReadOutSegment, ReadOutSegmentArm, ReadOutSegmentLift,
    ReadOutSegments, ReadOutSrm, Sentences,
};

/// What an arm is measured by; the user is the unit of all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ExperimentMetric {
    /// Clicks per impression.
    Ctr,
    /// Conversions per click.
    Cvr,
    /// Spend per click; less is better.
    Cpc,
    /// Spend per conversion; less is better.
    Cpa,
    /// Value of the conversions per impression.
    RevenuePerImpression,
}

impl ExperimentMetric {
    /// The metric as written, e.g. `ctr`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ctr => "ctr",
            Self::Cvr => "cvr",
            Self::Cpc => "cpc",
            Self::Cpa => "cpa",
            Self::RevenuePerImpression => "revenue_per_impression",
        }
    }

    /// Whether less of it is better.
    #[must_use]
    pub const fn is_cost(self) -> bool {
        matches!(self, Self::Cpc | Self::Cpa)
    }
}

/// Which read-out decides.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum StoppingRule {
    /// The confidence sequence, right at every look.
    #[default]
    AlwaysValid,
    /// Welch's test, once, on the last day.
    FixedHorizon,
    /// The posterior under the prior of the design.
    Bayesian,
}

/// When an experiment may be decided, and when it ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ExperimentStopping {
    /// Which read-out decides.
    pub rule: StoppingRule,
    /// Days before there is a verdict.
    #[schemars(range(min = 1, max = 60))]
    pub minimum_days: u32,
    /// Users in each arm before there is a verdict.
    #[schemars(range(min = 2, max = 1_000_000))]
    pub minimum_units: u64,
    /// Days after which the experiment stops by itself.
    #[schemars(range(min = 1, max = 60))]
    pub maximum_days: u32,
}

impl Default for ExperimentStopping {
    fn default() -> Self {
        Self { rule: StoppingRule::AlwaysValid, minimum_days: 7, minimum_units: 200, maximum_days: 28 }
    }
}

/// The traffic of an experiment, apart from that of the run's own campaign.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ExperimentTraffic {
    /// Opportunities of a logical day: views for which the experiment may bid.
    #[schemars(range(min = 500, max = 50_000))]
    pub opportunities_per_day: u64,
    /// Most that may be spent in a logical day, in micros of the run's currency.
    #[schemars(range(min = 1, max = 1_000_000_000_000_000_i64))]
    pub daily_budget_micros: Micros,
    /// Seconds of the wall clock between two logical days; 0 for full speed.
    #[schemars(range(min = 0, max = 86_400))]
    pub day_seconds: u32,
    /// Share of the users who convert on a day on which they are exposed, were they shown no advertisement:
    /// an assumption of the simulated market, over which the lift of a holdout is measured.
    #[schemars(range(min = 0.0, max = 0.5))]
    pub organic_conversions: f64,
}

impl Default for ExperimentTraffic {
    fn default() -> Self {
        Self {
            opportunities_per_day: 20_000,
            daily_budget_micros: Micros(50_000_000),
            day_seconds: 0,
            organic_conversions: 0.001,
        }
    }
}

/// A metric that must not get worse by more than a margin.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExperimentGuardrail {
    /// The metric.
    pub metric: ExperimentMetric,
    /// Relative change for the worse that is tolerated, e.g. 0.1 for 10 %.
    #[schemars(range(min = 0.0, max = 10.0))]
    pub margin: f64,
}

/// An advertisement of a platform, as its reports name it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExternalAd {
    /// The platform, e.g. `meta`.
    #[schemars(length(min = 1, max = 40))]
    pub platform: String,
    /// The advertisement's id there, as text.
    #[schemars(length(min = 1, max = 200))]
    pub id: String,
}

/// An arm as it is ordered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ArmOrder {
    /// Its name; `A`, `B` and so on without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 24))]
    pub name: Option<String>,
    /// The variant it shows: of the run, with a finished video. Needed in the market; of imported results it
    /// may be left out, e.g. for an advertisement that was there before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variant: Option<VariantId>,
    /// The advertisements whose imported results are this arm's; for `source: imported` only, where each arm
    /// has one at least.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 20))]
    pub external_ads: Vec<ExternalAd>,
    /// Its weight; only ratios matter.
    #[serde(default = "one")]
    #[schemars(range(min = 0.000_1, max = 10_000.0))]
    pub weight: f64,
}

const fn one() -> f64 {
    1.0
}

const fn simulated() -> FeedbackSource {
    FeedbackSource::Simulated
}

const fn usual_effect() -> f64 {
    0.1
}

const fn usual_alpha() -> f64 {
    0.05
}

const fn usual_power() -> f64 {
    0.8
}

const fn usual_seed() -> u64 {
    1
}

/// An experiment to be made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExperimentOrder {
    /// Its name.
    #[schemars(length(min = 1, max = 80))]
    pub name: String,
    /// Who measures: the simulated market plays the days, or they are read from imported results.
    #[serde(default = "simulated")]
    pub source: FeedbackSource,
    /// The first day of the imported results that counts, e.g. `2026-09-07`; for `source: imported` only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 10, max = 10))]
    pub starts_on: Option<String>,
    /// The run whose variants are compared.
    pub run: RunId,
    /// What is believed before the start.
    #[schemars(length(min = 1, max = 500))]
    pub hypothesis: String,
    /// The metric that decides.
    pub primary: ExperimentMetric,
    /// Metrics that can stop a winner.
    #[serde(default)]
    #[schemars(length(max = 4))]
    pub guardrails: Vec<ExperimentGuardrail>,
    /// Smallest relative effect worth finding, e.g. 0.1 for 10 %.
    #[serde(default = "usual_effect")]
    #[schemars(range(min = 0.001, max = 10.0))]
    pub smallest_effect: f64,
    /// Two-sided error rate of all comparisons together.
    #[serde(default = "usual_alpha")]
    #[schemars(range(min = 0.000_1, max = 0.5))]
    pub alpha: f64,
    /// Probability of finding the effect where it is there.
    #[serde(default = "usual_power")]
    #[schemars(range(min = 0.5, max = 0.999))]
    pub power: f64,
    /// The arms, the control first.
    #[schemars(length(min = 2, max = 8))]
    pub arms: Vec<ArmOrder>,
    /// Share of the users that are shown none of the arms.
    #[serde(default)]
    #[schemars(range(min = 0.0, max = 0.5))]
    pub holdout: f64,
    /// When it may be decided, and when it ends.
    #[serde(default)]
    pub stopping: ExperimentStopping,
    /// Divides the users; another seed divides them anew.
    #[serde(default = "usual_seed")]
    #[schemars(range(min = 0, max = 9_007_199_254_740_991_i64))]
    pub seed: u64,
    /// Its traffic.
    #[serde(default)]
    pub traffic: ExperimentTraffic,
    /// What a conversion is worth; needed for `revenue_per_impression`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1_000_000_000_000_000_i64))]
    pub conversion_value_micros: Option<Micros>,
}

/// What an arm is there for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ArmRole {
    /// The others are compared with it.
    Control,
    /// It is compared with the control.
    Treatment,
    /// Its users are shown none of the arms.
    Holdout,
}

/// An arm of a frozen design.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ExperimentArm {
    /// Its name, unique in the experiment.
    pub name: String,
    /// The variant it shows; `null` of imported results that are of no variant.
    pub variant: Option<VariantId>,
    /// The advertisements whose imported results are this arm's; empty in the market.
    #[serde(default)]
    pub external_ads: Vec<ExternalAd>,
    /// `control` for the first one, `treatment` for the others.
    pub role: ArmRole,
}

/// What is frozen when an experiment starts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ExperimentDesign {
    /// Who measures.
    #[serde(default = "simulated")]
    pub source: FeedbackSource,
    /// The first day of the imported results that counts, an ISO date; `null` in the market.
    #[serde(default)]
    pub starts_on: Option<String>,
    /// What is believed before the start.
    pub hypothesis: String,
    /// The metric that decides.
    pub primary: ExperimentMetric,
    /// Metrics that can stop a winner.
    pub guardrails: Vec<ExperimentGuardrail>,
    /// Smallest relative effect worth finding.
    pub smallest_effect: f64,
    /// Two-sided error rate.
    pub alpha: f64,
    /// Probability of finding the effect where it is there.
    pub power: f64,
    /// Users in two arms at which the confidence sequence is narrowest.
    pub tuning: f64,
    /// When it may be decided, and when it ends.
    pub stopping: ExperimentStopping,
    /// The arms, the control first.
    pub arms: Vec<ExperimentArm>,
    /// Divides the users.
    pub seed: u64,
    /// Its traffic.
    pub traffic: ExperimentTraffic,
    /// What a conversion is worth, in micros of the run's currency.
    pub conversion_value_micros: Option<Micros>,
}

/// A span in which users are divided in one way. Each divides them anew, and counts from 0.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ExperimentPhase {
    /// Its number, from 1.
    pub phase: u32,
    /// Its first day, from 1.
    pub from_day: u32,
    /// Weights of the arms, the control first; only their ratios matter.
    pub weights: Vec<f64>,
    /// Share of the users that are shown none of the arms.
    pub holdout: f64,
}

impl ExperimentPhase {
    /// Shares of the users, of the arms in their order and then, where there is one, of the holdout. They add
    /// up to 1.
    #[must_use]
    pub fn shares(&self) -> Vec<f64> {
        let total: f64 = self.weights.iter().sum();
        let mut shares: Vec<f64> =
            self.weights.iter().map(|weight| weight / total * (1.0 - self.holdout)).collect();
        if self.holdout > 0.0 {
            shares.push(self.holdout);
        }
        shares
    }
}

/// What may be concluded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum VerdictWord {
    /// Users were not divided as configured: nothing can be concluded.
    Mismatch,
    /// Something that has to be there is not there yet.
    TooEarly,
    /// A variant is better than the control.
    Winner,
    /// A variant would win and breaks a guardrail.
    Guardrail,
    /// Every variant is worse than the control.
    Control,
    /// Every variant is within the smallest effect of the control.
    NoDifference,
    /// Not known yet.
    Undecided,
}

impl VerdictWord {
    /// The word as written, e.g. `no_difference`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Mismatch => "mismatch",
            Self::TooEarly => "too_early",
            Self::Winner => "winner",
            Self::Guardrail => "guardrail",
            Self::Control => "control",
            Self::NoDifference => "no_difference",
            Self::Undecided => "undecided",
        }
    }
}

/// A conclusion, with what it is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ExperimentVerdict {
    /// What may be concluded.
    pub verdict: VerdictWord,
    /// The arm, of `winner` and `guardrail`.
    pub arm: Option<String>,
    /// The guardrail, of `guardrail`.
    pub metric: Option<String>,
}

impl ExperimentVerdict {
    /// A verdict that is about no arm.
    #[must_use]
    pub const fn of(verdict: VerdictWord) -> Self {
        Self { verdict, arm: None, metric: None }
    }
}

/// What somebody decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ExperimentChoice {
    /// A variant is taken.
    Adopt,
    /// The control is kept.
    KeepControl,
    /// Nothing follows.
    Inconclusive,
}

impl ExperimentChoice {
    /// The choice as written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Adopt => "adopt",
            Self::KeepControl => "keep_control",
            Self::Inconclusive => "inconclusive",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_add_up_to_all_users() {
        for (holdout, cells) in [(0.0, 3), (0.2, 4)] {
            let phase = ExperimentPhase { phase: 1, from_day: 1, weights: vec![2.0, 1.0, 1.0], holdout };
            let shares = phase.shares();
            assert_eq!(shares.len(), cells);
            assert!((shares.iter().sum::<f64>() - 1.0).abs() < 1e-12, "{shares:?}");
            assert!((shares[0] - 2.0 * shares[1]).abs() < 1e-12);
        }
    }

    #[test]
    fn an_order_needs_little() {
        let text = r#"{"name":"hook","run":"01890000-0000-7000-8000-000000000000","hypothesis":"h","primary":"ctr",
            "arms":[{"variant":"01890000-0000-7000-8000-000000000001"},{"variant":"01890000-0000-7000-8000-000000000002"}]}"#;
        let order: ExperimentOrder = serde_json::from_str(text).unwrap();
        assert_eq!(order.stopping, ExperimentStopping::default());
        assert_eq!((order.arms[1].weight, order.alpha, order.seed), (1.0, 0.05, 1));
        assert!(
            serde_json::from_str::<ExperimentOrder>(&text.replace("\"hook\"", "\"hook\",\"x\":1")).is_err()
        );
    }
}
