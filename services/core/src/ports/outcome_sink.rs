//! Outcome sinks: who is told how predictions turned out.

use spotwright_schemas::event::FeedbackSource;
use spotwright_schemas::ids::PlacementId;

/// A prediction that was acted on, and what came of it.
#[derive(Debug, Clone, PartialEq)]
pub struct PredictionOutcome {
    /// The placement it was made for; one outcome per placement counts.
    pub placement: PlacementId,
    /// What kinds of placement and objective share a calibration, e.g. `feed_vertical/clicks`.
    pub field: String,
    /// Id of the model that predicted.
    pub model: String,
    /// Its predicted click probability, in (0, 1).
    pub predicted_ctr: f64,
    /// Times shown.
    pub impressions: u64,
    /// Times clicked; at most `impressions`.
    pub clicks: u64,
    /// Whether the numbers are simulated; the two kinds are never pooled.
    pub source: FeedbackSource,
}

/// Is told how predictions turned out.
///
/// Contract:
/// 1. The same outcome may be told more than once and counts once.
/// 2. Telling never fails and never waits: what is told is for those who watch, not for the work.
pub trait OutcomeSink: Send + Sync {
    /// Takes outcomes in.
    fn observe(&self, outcomes: &[PredictionOutcome]);
}
