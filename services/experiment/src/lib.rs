//! Statistics and allocation policies of creative tests, as pure functions.
//!
//! # Purpose
//! [`analysis`] reads out controlled experiments: intervals and p-values that hold however often they are
//! looked at, beside fixed-horizon and Bayesian ones, and the checks and plans around them.
//! [`interval`] says how far a click rate is known, [`ladder`] whether an advertisement earns more
//! traffic, [`bandit`] which advertisement is shown next and with what probability, [`policy`] how a
//! test with a known horizon divides its batches, [`linear_bandit`] and [`tree_bandit`] learn rewards
//! of contexts (numbers, categories), and [`off_policy`] says what another policy would have earned
//! on a log.
//!
//! It deliberately does no I/O, keeps no state and knows nothing of auctions, creatives or
//! storage. Decisions of [`ladder`] and [`policy`] are Bayesian: thresholds on posterior probabilities,
//! so they bound the expected share of wrong decisions under the prior and make no promise about a
//! test's false-positive rate under continuous peeking. Verdicts of [`analysis`] do.
//!
//! # Invariants
//! - Equal inputs give equal results; randomness comes from a [`Stream`] that the caller passes.
//! - Every probability returned lies in [0, 1]; every interval contains its estimate.
//! - `probability_beats(a, b) + probability_beats(b, a)` is 1 up to rounding.
//!
//! # Example
//! ```
//! use spotwright_experiment::interval::{BetaPosterior, Counts, wilson};
//!
//! let counts = Counts::new(1_000, 15)?;
//! let interval = wilson(counts, 0.95)?;
//! assert!(interval.low < 0.015 && 0.015 < interval.high);
//!
//! let prior = BetaPosterior::new(1.3, 98.7)?;
//! let better = prior.updated(Counts::new(5_000, 90)?);
//! let worse = prior.updated(Counts::new(5_000, 50)?);
//! assert!(better.probability_beats(&worse) > 0.99);
//! # Ok::<(), spotwright_experiment::Error>(())
//! ```
//!
//! [`Stream`]: spotwright_schemas::random::Stream

pub mod analysis;
pub mod bandit;
mod grid;
pub mod interval;
pub mod ladder;
pub mod level;
pub mod linear_bandit;
pub mod off_policy;
pub mod policy;
pub mod tree_bandit;

/// Why a statistic could not be computed. Every variant is permanent: the input is at fault.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Error {
    /// More successes than trials.
    #[error("{successes} successes in {trials} trials")]
    Counts {
        /// Trials given.
        trials: u64,
        /// Successes given.
        successes: u64,
    },
    /// A confidence outside (0, 1).
    #[error("confidence {0} is not within 0 and 1")]
    Confidence(f64),
    /// A parameter of a beta distribution that is not a finite number above 0.
    #[error("beta parameters {alpha} and {beta} must be finite and above 0")]
    Beta {
        /// First parameter.
        alpha: f64,
        /// Second parameter.
        beta: f64,
    },
    /// A choice among nothing.
    #[error("there is nothing to choose from")]
    Empty,
    /// A relative rate that is not a finite number above 0.
    #[error("arm {index}: relative rate {relative_rate} must be finite and above 0")]
    Arm {
        /// Which arm.
        index: usize,
        /// The rate given.
        relative_rate: f64,
    },
    /// A setting outside its range.
    #[error("{name} is {value}, outside its range")]
    Setting {
        /// Which one.
        name: &'static str,
        /// The value given.
        value: f64,
    },
    /// A row of a log that cannot be re-weighted.
    #[error("round {index}: {name} is {value}, outside its range")]
    Round {
        /// Which round.
        index: usize,
        /// Which of its fields.
        name: &'static str,
        /// The value given.
        value: f64,
    },
}
