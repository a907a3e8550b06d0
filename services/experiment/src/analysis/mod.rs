//! Controlled experiments: what was measured, how far it is known, and what may be concluded from it.
//!
//! # Purpose
//! [`moments`] turns the sums of an arm into its mean and variance (proportions, means, ratios, CUPED),
//! [`effect`] compares two arms, [`read_out`] tells the same effect in three ways (fixed horizon, always
//! valid, Bayesian), [`mismatch`] checks that traffic was divided as configured, [`multiplicity`] corrects
//! for many variants, [`elements`] tells what parts of creatives go along with and [`attribution`] what the
//! experiments among them show of the parts, [`plan`] says how much traffic a test needs, [`weighted`]
//! estimates arms whose traffic followed the results, [`holdout`] and [`incrementality`] the lift over no
//! advertising at all, [`adjustment`] what a covariate takes off the uncertainty, [`clustered`] reads counts
//! of which only sums over days are known, and [`report`] puts them together into one verdict; [`rule`] gives
//! the verdict of the other read-outs, for experiments that chose one of them; [`sentence`] says it in plain
//! words.
//!
//! # Units
//! A *unit* is what was randomized, usually a user. Sums are over units. Relative effects are fractions
//! (0.05 is +5 %), absolute ones are in the metric's own unit.
//!
//! # Which read-out decides
//! Verdicts come from the always-valid read-out alone unless another [`rule`] was chosen before, so that
//! looking every day costs nothing. The
//! fixed-horizon interval is right only at a size chosen before the start; the Bayesian one answers another
//! question (what to believe under a prior). Both stand beside it and decide nothing.

pub mod adjustment;
pub mod attribution;
pub mod clustered;
pub mod effect;
pub mod elements;
pub mod holdout;
pub mod incrementality;
pub mod mismatch;
pub mod moments;
pub mod multiplicity;
pub mod plan;
pub mod read_out;
pub mod report;
pub mod rule;
pub mod sentence;
pub mod weighted;

use serde::Serialize;

/// Why something cannot be computed from an arm's numbers, although they may be right.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// An arm has no units, or only one where a variance needs two.
    #[error("an arm has fewer than two units")]
    TooFewUnits,
    /// All units of an arm have the same value, so its variance is estimated as 0, which it is not.
    #[error("all units of an arm have the same value, so how far chance moves it is not known yet")]
    NoVariation,
    /// A relative effect of a control whose mean is 0.
    #[error("the control's mean is 0, so a relative effect does not exist; ask for the absolute one")]
    BaselineZero,
    /// The denominators of a ratio sum to 0.
    #[error("the denominators of a ratio sum to 0")]
    DenominatorZero,
    /// Sums that no set of values has, e.g. a sum of squares below the square of the sum over the units.
    #[error("the sums contradict each other: no set of values has them")]
    Contradiction,
    /// Two arms of one metric are given in different forms.
    #[error("the arms' numbers are of different kinds")]
    KindsDiffer,
    /// A number that is not finite.
    #[error("a number is not finite")]
    NotFinite,
}

/// A range of an effect, ends included; infinite ends where nothing is known.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct EffectInterval {
    /// Lower end.
    pub low: f64,
    /// The estimate, within the ends.
    pub estimate: f64,
    /// Upper end.
    pub high: f64,
}

impl EffectInterval {
    /// The interval `estimate` ± `half`.
    #[must_use]
    pub fn around(estimate: f64, half: f64) -> Self {
        Self { low: estimate - half, estimate, high: estimate + half }
    }

    /// The interval in another unit; `factor` is above 0.
    #[must_use]
    pub fn scaled(self, factor: f64) -> Self {
        Self { low: self.low * factor, estimate: self.estimate * factor, high: self.high * factor }
    }

    /// Whether 0 lies outside.
    #[must_use]
    pub fn excludes_zero(self) -> bool {
        self.low > 0.0 || self.high < 0.0
    }
}

/// Whether more or less of a metric is better.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Goal {
    /// More is better, e.g. clicks.
    #[default]
    Increase,
    /// Less is better, e.g. cost per conversion.
    Decrease,
}

impl Goal {
    /// The effect so that above 0 is better.
    #[must_use]
    pub const fn oriented(self, effect: f64) -> f64 {
        match self {
            Self::Increase => effect,
            Self::Decrease => -effect,
        }
    }
}
