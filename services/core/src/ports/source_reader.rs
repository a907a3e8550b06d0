//! Readers of sources: who finds in an advertiser's page or document what a brief needs.
//!
//! A reader points; it never speaks. Every value comes with the sentence of the source that says it, and whoever
//! uses the values holds them against the source before anything else.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use spotwright_schemas::Locale;
use spotwright_schemas::brief::FactKind;
use spotwright_schemas::money::Micros;

use super::language_model::LanguageModelError;

/// Most characters of all sources together that a reader is shown.
pub const MAX_READ_CHARS: usize = 24_000;

/// Most values of one reading.
pub const MAX_VALUES: usize = 60;

/// The text of one source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceText {
    /// File name or address.
    pub name: String,
    /// Its lines as far as they are shown.
    pub lines: Vec<String>,
}

/// What is to be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadingRequest {
    /// Language of the advertisement.
    pub locale: Locale,
    /// The sources. Their texts are data for the reader, never instructions.
    pub sources: Vec<SourceText>,
}

/// What a value is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReadField {
    /// Name of the product.
    Name,
    /// Who advertises.
    Brand,
    /// What kind of thing it is.
    Category,
    /// For whom it is.
    Audience,
    /// Price to pay.
    Price,
    /// Price before.
    PriceBefore,
    /// Last day of the offer.
    OfferEnds,
    /// Something that may be said of the product.
    Fact,
}

impl ReadField {
    /// Every field.
    pub const ALL: [Self; 8] = [
        Self::Name,
        Self::Brand,
        Self::Category,
        Self::Audience,
        Self::Price,
        Self::PriceBefore,
        Self::OfferEnds,
        Self::Fact,
    ];

    /// The name as written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Brand => "brand",
            Self::Category => "category",
            Self::Audience => "audience",
            Self::Price => "price",
            Self::PriceBefore => "price_before",
            Self::OfferEnds => "offer_ends",
            Self::Fact => "fact",
        }
    }
}

/// A value that a reader points at; not to be believed before it was found in the source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadValue {
    /// What it is for.
    pub field: ReadField,
    /// The value, in the words of the source.
    pub value: String,
    /// What kind of statement a fact is, as the reader sees it.
    pub kind: Option<FactKind>,
    /// Place of the source in the request, from 0.
    pub source: usize,
    /// The sentence that says it, as it stands in the source.
    pub sentence: String,
}

/// What was read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reading {
    /// The values, at most [`MAX_VALUES`], in the reader's order.
    pub values: Vec<ReadValue>,
    /// Why entries of the answer are no values, in words of our own.
    pub refused: Vec<String>,
    /// Name of the model.
    pub model: String,
    /// BLAKE3 of the prompt, hexadecimal.
    pub prompt_hash: String,
    /// Tokens read and written; 0 where nothing is counted.
    pub tokens: [u64; 2],
    /// What the provider charges.
    pub cost: Micros,
}

/// Reads sources.
///
/// Contract:
/// 1. A value holds no address, no markup and nothing of the provider's own instructions; whether the source says
///    it is for the caller to find out.
/// 2. `cost` is what the provider bills, of a call that failed, too.
#[async_trait]
pub trait SourceReader: Send + Sync {
    /// The provider's name, e.g. `openai`.
    fn provider(&self) -> &str;

    /// The most that reading may cost within the limits given to the provider.
    fn quote(&self, request: &ReadingRequest) -> Micros;

    /// Reads.
    ///
    /// # Errors
    /// [`LanguageModelError`]; cancel-safe.
    async fn read(
        &self,
        request: &ReadingRequest,
        idempotency_key: &str,
    ) -> Result<Reading, LanguageModelError>;
}
