//! Voice: who speaks the lines of an advertisement.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use spotwright_schemas::brief::Pronunciation;
use spotwright_schemas::locale::Locale;
use spotwright_schemas::speech::WordTime;

use crate::domain::reason::{VoiceFault, VoiceReason};

/// Slowest and fastest pace at which an advertisement may be spoken; 1 is the voice's own.
pub const SPEEDS: [f64; 2] = [0.9, 1.2];

/// A line that is to be spoken.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Utterance {
    /// The line as it is written, with its prices, units and dates.
    pub text: String,
    /// Language of the line.
    pub locale: Locale,
    /// Name of the voice; empty for the one that the speaker has for the language.
    pub voice: String,
    /// Pace, in [`SPEEDS`]; values outside are moved to the nearer end.
    pub speed: f64,
    /// How names are said.
    pub pronunciations: Vec<Pronunciation>,
}

/// A spoken line.
#[derive(Debug, Clone, PartialEq)]
pub struct Spoken {
    /// Mono samples in [-1, 1], without silence before and behind the words.
    pub pcm: Vec<f32>,
    /// Samples per second.
    pub rate: u32,
    /// The words as they are written, with their times in `pcm`; empty where the engine tells none.
    pub words: Vec<WordTime>,
    /// Name of the engine that spoke, e.g. `kokoro`.
    pub engine: String,
    /// Name of the voice that spoke.
    pub voice: String,
    /// Pace at which it was spoken.
    pub speed: f64,
    /// Why this engine and voice and no other, one reason for each that was passed over.
    pub why: Vec<VoiceReason>,
}

impl Spoken {
    /// Length in seconds.
    #[must_use]
    pub fn seconds(&self) -> f64 {
        self.pcm.len() as f64 / f64::from(self.rate.max(1))
    }
}

/// Why a line was not spoken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VoiceError {
    /// The engine is not there, or not now (retryable).
    #[error("{0}")]
    Unavailable(VoiceReason),
    /// File descriptors or memory are used up for the moment: the same line is spoken once there are some
    /// again (retryable, without using up attempts).
    #[error("{0}")]
    NoRoom(String),
    /// The engine cannot speak this line, language or voice (permanent).
    #[error("{0}")]
    Impossible(VoiceReason),
}

impl VoiceError {
    /// An engine that is not there, or not now.
    #[must_use]
    pub const fn unavailable(fault: VoiceFault) -> Self {
        Self::Unavailable(VoiceReason::Fault(fault))
    }

    /// A line, language or voice that an engine cannot speak.
    #[must_use]
    pub const fn impossible(fault: VoiceFault) -> Self {
        Self::Impossible(VoiceReason::Fault(fault))
    }
}

/// Speaks lines.
///
/// Contract:
/// 1. Samples are finite and within [-1, 1]; the rate is above 0.
/// 2. Words stand in the order of the text, do not overlap, and end within the samples.
/// 3. Equal utterances give equal samples on one machine.
/// 4. Nothing is spoken in part: a line that cannot be read to its end is an error.
/// 5. `why` holds a reason for everything that was asked for and not done.
#[async_trait]
pub trait Voice: Send + Sync {
    /// Stable name of the engine.
    fn name(&self) -> &str;

    /// Speaks a line. Dropping the future lets a computation under way run to its end unheard.
    ///
    /// # Errors
    /// [`VoiceError`].
    async fn speak(&self, utterance: &Utterance) -> Result<Spoken, VoiceError>;
}
