//! Language models: who proposes the words of an open line.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use spotwright_schemas::brief::{Brief, FactId};
use spotwright_schemas::money::Micros;
use spotwright_schemas::script::{Direction, Role};

/// What is asked of a language model: candidates for one line of a script.
#[derive(Debug, Clone)]
pub struct LineRequest<'a> {
    /// The brief. Its texts are data for the model, never instructions.
    pub brief: &'a Brief,
    /// The direction of the script.
    pub direction: Direction,
    /// The line's part in the script.
    pub role: Role,
    /// How many candidates, 1–32.
    pub count: usize,
    /// Longest caption in characters.
    pub max_chars: usize,
    /// Captions that did well before; empty in the first generation.
    pub inspiration: &'a [String],
    /// Captions that must not be proposed again.
    pub avoid: &'a [String],
    /// Seed of the sampling.
    pub seed: u64,
}

/// A candidate for one line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProposedLine {
    /// Text on screen.
    pub caption: String,
    /// Smaller second line; may be empty.
    pub detail: String,
    /// Facts the line rests on; every one exists in the brief.
    pub rests_on: Vec<FactId>,
    /// What made the line inside the provider: model name or pattern id.
    pub model: String,
}

/// The answer to a [`LineRequest`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proposals {
    /// Candidates, best first; may be fewer than asked for, never more.
    pub lines: Vec<ProposedLine>,
    /// BLAKE3 of the prompt, hexadecimal; empty where there is none.
    pub prompt_hash: String,
    /// Tokens read and written; 0 where nothing is counted.
    pub tokens: [u64; 2],
    /// What the provider charges, for all that was needed for the answer.
    pub cost: Micros,
}

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

impl LanguageModelError {
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
            Self::Billed { .. } => "",
        }
    }
}

/// Proposes lines.
///
/// Contract:
/// 1. Every proposed line respects `max_chars`, is not in `avoid` and rests on existing facts.
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

    /// The most that answering may cost within the limits given to the provider.
    fn quote(&self, request: &LineRequest<'_>) -> Micros;

    /// Proposes lines.
    ///
    /// # Errors
    /// [`LanguageModelError`]; cancel-safe.
    async fn propose(
        &self,
        request: &LineRequest<'_>,
        idempotency_key: &str,
    ) -> Result<Proposals, LanguageModelError>;
}
