//! What is read out of an experiment after each of its days.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ArmRole, ExperimentMetric, ExperimentVerdict};
use crate::event::FeedbackSource;
use crate::money::Micros;

/// The metric that decides, and which way is better.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReadOutMetric {
    /// The metric.
    pub metric: ExperimentMetric,
    /// `increase` or `decrease`.
    pub goal: String,
}

/// What an arm showed since its phase began.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ReadOutArm {
    /// Its name; `holdout` for the holdout.
    pub name: String,
    /// What it is there for.
    pub role: ArmRole,
    /// Users that were exposed; of the holdout, users that would have been.
    pub units: u64,
    /// Times shown.
    pub impressions: u64,
    /// Times clicked.
    pub clicks: u64,
    /// Conversions within the attribution window.
    pub conversions: u64,
    /// Spent, in micros of the currency.
    pub spend_micros: Micros,
    /// Value of the conversions, where the order said what one is worth.
    pub revenue_micros: Option<Micros>,
    /// The metric that decides; costs and values in micros.
    pub value: Option<f64>,
    /// Standard error of the value, over users.
    #[serde(default)]
    pub standard_error: Option<f64>,
    /// Its share of all users, within 0 and 1.
    pub weight: f64,
}

/// How an effect is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReadOutMethod {
    /// Right at every look.
    AlwaysValid,
    /// Right once.
    FixedHorizon,
    /// A belief under a prior.
    Bayesian,
}

/// A variant against the control, told in one way. What is not known is `null`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ReadOutComparison {
    /// The variant.
    pub arm: String,
    /// How it is told.
    pub method: ReadOutMethod,
    /// Relative effect; 0.1 is 10 % more.
    pub lift: Option<f64>,
    /// Ends of its interval.
    pub ci: Option<[f64; 2]>,
    /// The p-value.
    pub p_value: Option<f64>,
    /// The p-value corrected for all variants.
    pub adjusted_p_value: Option<f64>,
    /// Probability that the variant is better.
    pub chance_to_win: Option<f64>,
    /// Expected relative loss of choosing the variant.
    pub expected_loss: Option<f64>,
}

/// Whether users were divided as configured, over all phases.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ReadOutSrm {
    /// Probability of counts as far from the expected ones; `null` without any user.
    pub p_value: Option<f64>,
    /// Below 0.01: worth a look.
    pub warning: bool,
    /// Below 0.001 on this day or an earlier one: nothing can be concluded any more.
    pub alarm: bool,
    /// Users counted, in the order of the arms, the holdout last.
    pub observed: Vec<u64>,
    /// Users expected, in the same order.
    pub expected: Vec<f64>,
}

/// What a guardrail says of a variant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum GuardrailWord {
    /// Worse than tolerated.
    Breached,
    /// Within what is tolerated.
    Held,
    /// Not known yet.
    Open,
}

/// A guardrail of a variant.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ReadOutGuardrail {
    /// The metric.
    pub metric: ExperimentMetric,
    /// The variant.
    pub arm: String,
    /// Relative change for the worse that is tolerated.
    pub margin: f64,
    /// What it says.
    pub state: GuardrailWord,
    /// Relative effect, always valid.
    pub lift: Option<f64>,
    /// Ends of its interval.
    pub ci: Option<[f64; 2]>,
}

/// Something that has to be there before there is a verdict.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ReadOutGate {
    /// `days`, `units` or `successes`.
    pub gate: String,
    /// The arm, where it is about one.
    pub arm: Option<String>,
    /// Needed.
    pub needed: f64,
    /// There so far.
    pub have: Option<f64>,
    /// Whether it is there.
    pub passed: bool,
}

/// Traffic that finds the smallest effect.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReadOutRequired {
    /// Users in each arm, the control first.
    pub units: Vec<u64>,
    /// Users in all arms.
    pub total: u64,
    /// Days until they are there at the present pace; `null` where it cannot be told.
    pub days_left: Option<u64>,
}

/// A text in both languages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Sentences {
    /// English.
    pub en: String,
    /// Chinese in simplified characters.
    pub zh: String,
}

/// An experiment as it stood after a logical day.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ReadOut {
    /// The day, from 1.
    pub day: u32,
    /// Its phase.
    pub phase: u32,
    /// The day of the phase, from 1.
    pub phase_day: u32,
    /// Who measured.
    pub source: FeedbackSource,
    /// When it was read out, by the wall clock (RFC 3339, UTC).
    pub at: String,
    /// Currency of the amounts.
    pub currency: String,
    /// The metric that decides.
    pub primary: ReadOutMetric,
    /// The arms, the control first, the holdout last.
    pub arms: Vec<ReadOutArm>,
    /// Each variant against the control, told in three ways.
    pub comparisons: Vec<ReadOutComparison>,
    /// Whether users were divided as configured.
    pub srm: ReadOutSrm,
    /// The guardrails of the variants.
    pub guardrails: Vec<ReadOutGuardrail>,
    /// What has to be there before there is a verdict.
    pub gates: Vec<ReadOutGate>,
    /// Traffic that finds the smallest effect; `null` where it cannot be told.
    pub required: Option<ReadOutRequired>,
    /// What this day alone says.
    pub verdict: ExperimentVerdict,
    /// What stands since the phase began: what was found stays found.
    pub standing: ExperimentVerdict,
    /// The standing verdict in plain words.
    pub sentence: Sentences,
    /// The same comparisons with what is known of the users from before; `null` where nothing is. It decides
    /// nothing.
    #[serde(default)]
    pub adjusted: Option<ReadOutAdjusted>,
    /// What the advertisements added over none at all; `null` without a holdout.
    #[serde(default)]
    pub incrementality: Option<ReadOutIncrementality>,
    /// The arms within each segment of the audience; `null` where segments are not known. It decides nothing.
    #[serde(default)]
    pub segments: Option<ReadOutSegments>,
    /// What a reader should know of the numbers.
    #[serde(default)]
    pub notes: Vec<Sentences>,
}

/// Comparisons after the part of the metric that a covariate foretells was taken out (CUPED).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ReadOutAdjusted {
    /// The covariate, measured before the start: `earlier_clicks`.
    pub covariate: String,
    /// Each variant against the control, told in three ways.
    pub comparisons: Vec<ReadOutComparison>,
    /// How much less uncertain each comparison became.
    pub reductions: Vec<ReadOutReduction>,
}

/// How much less uncertain a comparison became.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ReadOutReduction {
    /// The variant.
    pub arm: String,
    /// Share of the effect's variance that is gone, at most 1; `null` where it is not known.
    pub variance_reduction: Option<f64>,
}

/// Lift over users who would have been exposed and were shown nothing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ReadOutIncrementality {
    /// What is compared: `conversions_per_user`, with or without a click.
    pub outcome: String,
    /// The holdout.
    pub holdout: ReadOutGhosts,
    /// All arms together first, then each arm.
    pub rows: Vec<ReadOutIncrement>,
    /// The lift in plain words.
    pub sentence: Sentences,
}

/// Users of the holdout who would have been exposed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ReadOutGhosts {
    /// Users.
    pub units: u64,
    /// Their conversions.
    pub conversions: u64,
    /// Conversions of a user; `null` without any user.
    pub rate: Option<f64>,
}

/// What advertising added. What is not known is `null`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ReadOutIncrement {
    /// The arm; `null` for all together.
    pub arm: Option<String>,
    /// Exposed users.
    pub units: u64,
    /// Their conversions, with or without a click.
    pub conversions: u64,
    /// Conversions after a click, as platforms count them.
    pub attributed: u64,
    /// Conversions of a user.
    pub rate: Option<f64>,
    /// Conversions of a user more than in the holdout.
    pub difference: Option<f64>,
    /// Ends of its always-valid interval.
    pub difference_ci: Option<[f64; 2]>,
    /// The same as a fraction of the holdout's.
    pub lift: Option<f64>,
    /// Ends of its always-valid interval.
    pub lift_ci: Option<[f64; 2]>,
    /// Always-valid p-value of no difference.
    pub p_value: Option<f64>,
    /// The same corrected for all arms; of all together, as it is.
    pub adjusted_p_value: Option<f64>,
    /// Conversions that would not have been there.
    pub added: Option<f64>,
    /// Ends of their interval.
    pub added_ci: Option<[f64; 2]>,
    /// Spend for each of them in micros; `null` unless the whole interval is above 0.
    pub cost_per_added_micros: Option<i64>,
    /// Why nothing is known, e.g. `no_variation`.
    pub reason: Option<String>,
}

/// The arms within each segment of the audience. Exploratory: it decides nothing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ReadOutSegments {
    /// Always `true`: segments were not asked about before the start.
    pub exploratory: bool,
    /// Comparisons that are corrected together.
    pub tested: u32,
    /// What stands out, and how much that is worth.
    pub sentence: Sentences,
    /// The segments.
    pub rows: Vec<ReadOutSegment>,
}

/// A segment of the audience.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ReadOutSegment {
    /// Its name, e.g. `commuters`.
    pub segment: String,
    /// Its name for people.
    pub label: Sentences,
    /// Users of all arms in it, without the holdout's.
    pub units: u64,
    /// The arms, the control first.
    pub arms: Vec<ReadOutSegmentArm>,
    /// Each variant against the control, always valid.
    pub comparisons: Vec<ReadOutSegmentLift>,
}

/// An arm within a segment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ReadOutSegmentArm {
    /// Its name.
    pub name: String,
    /// What it is there for.
    pub role: ArmRole,
    /// Users that were exposed.
    pub units: u64,
    /// Times shown.
    pub impressions: u64,
    /// Times clicked.
    pub clicks: u64,
    /// Conversions after a click.
    pub conversions: u64,
    /// Spent, in micros of the currency.
    pub spend_micros: Micros,
    /// The metric that decides.
    pub value: Option<f64>,
}

/// A variant against the control within a segment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ReadOutSegmentLift {
    /// The variant.
    pub arm: String,
    /// Relative effect; 0.1 is 10 % more.
    pub lift: Option<f64>,
    /// Ends of its always-valid interval.
    pub ci: Option<[f64; 2]>,
    /// The always-valid p-value.
    pub p_value: Option<f64>,
    /// The same after Benjamini and Hochberg over all segments and variants.
    pub adjusted_p_value: Option<f64>,
    /// Whether the corrected p-value is at most α, with enough users and events on both sides.
    pub stands_out: bool,
}
