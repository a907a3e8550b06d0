//! Click models: how likely an advertisement is to be clicked.

use serde::{Deserialize, Serialize};
use spotwright_schemas::explanation::Explanation;
use spotwright_schemas::locale::Locale;
use spotwright_schemas::outcome::Score;

use super::video_backend::FrameStatistics;

/// What a click model gets to see of an advertisement.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScoreInput {
    /// The first line on screen; 1–2,000 characters.
    pub headline: String,
    /// Everything on screen; 1–10,000 characters.
    pub text: String,
    /// Language of the texts.
    pub locale: Locale,
    /// Statistics of the preview's frames.
    pub statistics: FrameStatistics,
}

/// An advertisement of the same brief that was shown, and what came of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ObservedInput {
    /// The advertisement.
    pub input: ScoreInput,
    /// Times shown.
    pub impressions: u64,
    /// Times clicked.
    pub clicks: u64,
}

/// Why a score could not be given.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ClickModelError {
    /// An input is empty, too long or not finite (permanent). Names the field.
    #[error("input {index}, {field}: {message}")]
    Input {
        /// Which input, from 0.
        index: usize,
        /// Which field.
        field: &'static str,
        /// What is wrong.
        message: String,
    },
    /// The model's files are damaged or missing (permanent).
    #[error("model: {0}")]
    Model(String),
}

/// Scores advertisements of one brief.
///
/// Contract:
/// 1. Equal inputs and history give bit-equal scores, whatever the number of threads and whatever
///    else is scored in the same call.
/// 2. Every probability lies strictly between 0 and 1, inside its interval.
/// 3. More history never widens the interval of the advertisement it is about, in log-odds.
/// 4. Bad input is an error for the whole call; no default score is made up.
/// 5. Only the brief's own history counts: nothing is remembered between calls.
/// 6. An explanation holds the score that [`ClickModel::score`] gives, bit for bit, and its
///    contributions add up to the predicted log-odds, unless these were cut off.
pub trait ClickModel: Send + Sync {
    /// Name and hash of the weights, e.g. `minilm-ridge@4f1c…`.
    fn id(&self) -> String;

    /// What the model is in one sentence, for people.
    fn description(&self) -> String;

    /// Scores every input, given what is known of earlier advertisements of the brief.
    ///
    /// # Errors
    /// [`ClickModelError`].
    fn score(&self, inputs: &[ScoreInput], history: &[ObservedInput]) -> Result<Vec<Score>, ClickModelError>;

    /// Says why inputs are scored as they are with this history, and what evidence would change that.
    /// Each input comes with what became of it after it was scored: zero impressions where nothing is
    /// known. These numbers enter the outlooks and never the score. Inputs are one another's rivals.
    ///
    /// # Errors
    /// As [`ClickModel::score`]; also for an input with more clicks than impressions.
    fn explain(
        &self,
        inputs: &[ObservedInput],
        history: &[ObservedInput],
    ) -> Result<Vec<Explanation>, ClickModelError>;
}
