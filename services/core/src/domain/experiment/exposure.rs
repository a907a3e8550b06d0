//! Exposures: which user an experiment reached on which day, and what came of it.

use spotwright_schemas::money::Micros;

/// What one user met of an experiment on one day. The unit of every statistic is the user.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Exposure {
    /// The user.
    pub unit: u64,
    /// Index of the arm in the design; the number of arms for the holdout.
    pub arm: u32,
    /// The phase, from 1.
    pub phase: u32,
    /// The day, from 1.
    pub day: u32,
    /// Logical hours since the market opened at which the user was first exposed on this day.
    pub hour: f64,
    /// Probability of the user's arm, in (0, 1).
    pub propensity: f64,
    /// Times shown; 0 in the holdout, where an arm would have been shown.
    pub impressions: u32,
    /// Times clicked.
    pub clicks: u32,
    /// Conversions.
    pub conversions: u32,
    /// What the clicks cost.
    pub spend: Micros,
    /// Clicks of the user on other ads before the experiment: no arm can have changed them.
    pub earlier_clicks: u32,
    /// What the user remembers of the arm at the end, in exposures.
    pub remembered: f32,
    /// Logical hour of the last exposure.
    pub last_hour: f64,
}
