//! Language models: who writes whole scripts.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use spotwright_schemas::brief::{Brief, FactId};
use spotwright_schemas::money::Micros;
use spotwright_schemas::script::{Direction, Role, Script, Structure};

/// Most scripts of one request.
pub const MAX_SCRIPTS: usize = 6;

/// One wanted script: how it is built and from which side it comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScriptWish {
    /// What follows what.
    pub structure: Structure,
    /// From which side, and in which form it opens.
    pub direction: Direction,
}

/// Most characters that fit a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineLimits {
    /// Caption of the opening line.
    pub hook: usize,
    /// Captions between the first and the last line.
    pub inner: usize,
    /// Caption of the last line.
    pub close: usize,
    /// Second line of any shot.
    pub detail: usize,
    /// Spoken words of one shot.
    pub voice: usize,
    /// Text beside the video.
    pub primary_text: usize,
}

/// A script that worked, and why: something to learn the build from, never words to be taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaseNote {
    /// Name of the case, as scripts cite it.
    pub id: String,
    /// What it is about, in a few words.
    pub title: String,
    /// How it is built.
    pub structure: Structure,
    /// Why it works.
    pub why: String,
    /// Its captions, in order.
    pub lines: Vec<String>,
}

/// What was wrong with the script that was proposed for a wish.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revision {
    /// Place of the wish in the request.
    pub wish: usize,
    /// The script as it was proposed; `None` where nothing of it may be shown again.
    pub script: Option<ProposedScript>,
    /// What is wrong, in words.
    pub findings: Vec<String>,
}

/// What is asked of a language model: one script for every wish, at most [`MAX_SCRIPTS`].
#[derive(Debug, Clone, Copy)]
pub struct ScriptRequest<'a> {
    /// The brief. Its texts are data for the model, never instructions.
    pub brief: &'a Brief,
    /// The wanted scripts, each with a structure and a side of its own.
    pub wishes: &'a [ScriptWish],
    /// How much text fits.
    pub limits: LineLimits,
    /// The key offer as it is said: prices, what they cover, the last day. Any line may state these.
    pub offer_phrases: &'a [String],
    /// Cases to learn from.
    pub cases: &'a [CaseNote],
    /// What the audience taught, and what people rejected or changed.
    pub lessons: &'a [String],
    /// Scripts of this advertiser that did well.
    pub parents: &'a [Script],
    /// Opening captions that must not be proposed again.
    pub avoid: &'a [String],
    /// What was wrong before, for wishes that were answered already; empty the first time.
    pub revisions: &'a [Revision],
    /// Seed of the sampling.
    pub seed: u64,
}

/// One line of a proposed script.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProposedLine {
    /// The part it plays.
    pub role: Role,
    /// Text on screen.
    pub caption: String,
    /// Smaller second line; may be empty.
    pub detail: String,
    /// What is spoken; may be empty.
    pub voice: String,
    /// What the shot should show; may be empty.
    pub picture: String,
    /// Facts the line rests on; every one exists in the brief.
    pub rests_on: Vec<FactId>,
}

/// A proposed script.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProposedScript {
    /// Place of the wish it answers.
    pub wish: usize,
    /// How it is built.
    pub structure: Structure,
    /// Who, what tension, what turn, in one sentence.
    pub idea: String,
    /// The case of the request that it learned from.
    pub learned_from: Option<String>,
    /// 4–7 lines, a hook first, a call to action last.
    pub lines: Vec<ProposedLine>,
    /// Text published beside the video.
    pub primary_text: String,
    /// What wrote it inside the provider: the name of a model.
    pub model: String,
}

/// A script of the answer that may not be used, with the reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusedScript {
    /// Place of the wish it was written for.
    pub wish: usize,
    /// Why, in words of our own.
    pub reason: String,
}

/// The answer to a [`ScriptRequest`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProposedScripts {
    /// At most one script for every wish; may be fewer than asked for.
    pub scripts: Vec<ProposedScript>,
    /// Scripts that were written and broke a rule of the contract.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refused: Vec<RefusedScript>,
    /// BLAKE3 of the prompt, hexadecimal; empty where there is none.
    pub prompt_hash: String,
    /// Tokens read and written; 0 where nothing is counted.
    pub tokens: [u64; 2],
    /// What the provider charges, for all that was needed for the answer.
    pub cost: Micros,
}

/// How much of a script a provider can write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Extent {
    /// All of it.
    WholeScripts,
    /// The opening line of a script that stands in [`ScriptRequest::revisions`]; the rest is given
    /// back as it was.
    Openings,
}

/// What is said of an answer that was lost.
const LOST: &str = "an interrupted call cannot be looked up; it counts as spent";

/// Why a language model gave no usable answer. The words are for the user: they quote the server and
/// say what to change, where that is known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum LanguageModelError {
    /// Try again later: rate limit, server error, network (retryable).
    #[error("language model unavailable: {0}")]
    Unavailable(String),
    /// The provider refuses: authentication, quota, unknown model (permanent).
    #[error("language model refused: {0}")]
    Refused(String),
    /// The answer is unusable after all allowed repairs (permanent).
    #[error("language model answered with something unusable: {0}")]
    Unusable(String),
    /// The call was interrupted, and nobody can tell what became of it; it counts as spent and is never sent
    /// again (permanent for this call; says nothing about the next).
    #[error("language model answer lost: {LOST}")]
    Lost,
    /// One of the others, of a call that the provider bills all the same.
    #[error("{error}")]
    Billed {
        /// What went wrong.
        error: Box<Self>,
        /// BLAKE3 of the prompt, hexadecimal.
        prompt_hash: String,
        /// Tokens read and written.
        tokens: [u64; 2],
        /// What the provider charges.
        cost: Micros,
    },
}

/// What kind of thing went wrong at a language model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ModelFault {
    /// [`LanguageModelError::Unavailable`].
    Unavailable,
    /// [`LanguageModelError::Refused`].
    Refused,
    /// [`LanguageModelError::Unusable`].
    Unusable,
    /// [`LanguageModelError::Lost`].
    Lost,
}

impl ModelFault {
    /// How an error of this kind begins in English, before the provider's words.
    #[must_use]
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::Unavailable => "language model unavailable: ",
            Self::Refused => "language model refused: ",
            Self::Unusable => "language model answered with something unusable: ",
            Self::Lost => "language model answer lost: ",
        }
    }
}

impl LanguageModelError {
    /// Its kind.
    #[must_use]
    pub fn kind(&self) -> ModelFault {
        match self.reason() {
            Self::Unavailable(_) => ModelFault::Unavailable,
            Self::Refused(_) => ModelFault::Refused,
            Self::Unusable(_) => ModelFault::Unusable,
            Self::Lost | Self::Billed { .. } => ModelFault::Lost,
        }
    }

    /// What went wrong, without the bill.
    #[must_use]
    pub fn reason(&self) -> &Self {
        match self {
            Self::Billed { error, .. } => error.reason(),
            other => other,
        }
    }

    /// What the failed call costs.
    #[must_use]
    pub const fn cost(&self) -> Micros {
        match self {
            Self::Billed { cost, .. } => *cost,
            _ => Micros::ZERO,
        }
    }

    /// Tokens that the failed call read and wrote.
    #[must_use]
    pub const fn tokens(&self) -> [u64; 2] {
        match self {
            Self::Billed { tokens, .. } => *tokens,
            _ => [0, 0],
        }
    }

    /// The words alone: who quotes them says already whose they are.
    #[must_use]
    pub fn words(&self) -> &str {
        match self.reason() {
            Self::Unavailable(words) | Self::Refused(words) | Self::Unusable(words) => words,
            Self::Lost => LOST,
            Self::Billed { .. } => "",
        }
    }
}

/// Writes scripts.
///
/// Contract:
/// 1. Every proposed script has 4 to 7 lines in order that keep to the limits, opens with no caption
///    of `avoid`, is in the brief's language, rests on existing facts only and states no quantity that
///    neither they, the offer nor a name states. It holds no address, no markup and nothing of the
///    provider's own instructions.
/// 2. With the same request the same provider either repeats its answer or says so by
///    [`LanguageModel::repeatable`] being false.
/// 3. `quote` is the most that a call costs as far as the provider keeps to the limits it was given;
///    `cost` is what it bills, above the quote where it did not keep to them, and of a call that
///    failed, too.
/// 4. A call with an `idempotency_key` that was answered before is not charged again, or
///    [`LanguageModel::quote`] is zero.
#[async_trait]
pub trait LanguageModel: Send + Sync {
    /// The provider's name as written in the provenance of lines, e.g. `copy_engine`.
    fn provider(&self) -> &str;

    /// Whether equal requests give equal answers.
    fn repeatable(&self) -> bool;

    /// How much of a script it writes.
    fn writes(&self) -> Extent {
        Extent::WholeScripts
    }

    /// The most that answering may cost within the limits given to the provider.
    fn quote(&self, request: &ScriptRequest<'_>) -> Micros;

    /// Writes scripts.
    ///
    /// # Errors
    /// [`LanguageModelError`]; cancel-safe.
    async fn write(
        &self,
        request: &ScriptRequest<'_>,
        idempotency_key: &str,
    ) -> Result<ProposedScripts, LanguageModelError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_begins_with_its_kind_and_ends_with_the_words() {
        let words = || "busy".to_owned();
        let billed = LanguageModelError::Billed {
            error: Box::new(LanguageModelError::Unusable(words())),
            prompt_hash: String::new(),
            tokens: [1, 1],
            cost: Micros(1),
        };
        for error in [
            LanguageModelError::Unavailable(words()),
            LanguageModelError::Refused(words()),
            LanguageModelError::Unusable(words()),
            LanguageModelError::Lost,
            billed,
        ] {
            assert_eq!(error.to_string(), format!("{}{}", error.kind().prefix(), error.words()));
        }
    }
}
