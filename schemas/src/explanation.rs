//! Why a click model scored an advertisement as it did: `explanations.json`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::{RunId, VariantId};
use crate::outcome::Score;

/// How much one group of features moves the prediction.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Contribution {
    /// Stable name: `level.archive`, `level.clicks`, `headline.layer.1`, `headline.question_marks`,
    /// `brief.archive_taste`, `brief.headline`, `brief.text`, `frames.motion`, `own.clicks`, …
    pub feature: String,
    /// Its part of the predicted log-odds.
    pub log_odds: f64,
}

/// Which of the texts a phrase stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TextPart {
    /// The first line on screen.
    Headline,
    /// Everything on screen.
    Text,
}

/// What the prediction loses without a phrase.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PhraseEffect {
    /// Where it stands.
    pub part: TextPart,
    /// The words, as they stand there.
    pub phrase: String,
    /// Predicted log-odds with the phrase less those without it, through this part alone.
    pub log_odds: f64,
}

/// An earlier advertisement that reads alike.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Neighbor {
    /// Its place in the history that the score was made with, from 0.
    pub history: usize,
    /// Cosine of the headlines' vectors, in [-1, 1].
    pub similarity: f64,
    /// Times it had been shown.
    pub impressions: u64,
    /// Times it had been clicked.
    pub clicks: u64,
}

/// What the prediction becomes with more evidence.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Outlook {
    /// Whether these clicks happened after the score was made; else they are supposed.
    pub happened: bool,
    /// Impressions after the score was made.
    pub impressions: u64,
    /// Clicks of these; a fraction where they are supposed.
    pub clicks: f64,
    /// The click probability that would then be predicted, in (0, 1).
    pub predicted_ctr: f64,
    /// Its 90 % interval.
    pub interval: [f64; 2],
}

/// How much evidence tells an advertisement from its rival.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Separation {
    /// The best predicted of the other advertisements explained together: its place among them.
    pub rival: usize,
    /// What is predicted of the rival; held fixed.
    pub rival_ctr: f64,
    /// Click rate at which impressions are supposed to come: the observed one, or else the predicted.
    pub rate: f64,
    /// Impressions after which the advertisement's own 90 % interval no longer holds `rival_ctr`;
    /// none when 100 million do not suffice.
    pub impressions: Option<u64>,
}

/// Why an advertisement was scored as it was.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Explanation {
    /// The score that is explained.
    pub score: Score,
    /// Parts of the predicted log-odds, which they add up to; parts that are exactly 0 are left out.
    pub contributions: Vec<Contribution>,
    /// Phrases in the order of the texts. Those of the whole text are left out where the brief has no
    /// clicks yet: nothing is known of whole texts then.
    pub phrases: Vec<PhraseEffect>,
    /// Earlier advertisements of the brief, most alike first.
    pub nearest: Vec<Neighbor>,
    /// What more evidence would make of the prediction.
    pub outlooks: Vec<Outlook>,
    /// What would tell it from its rival; none for an advertisement that is explained alone.
    pub separation: Option<Separation>,
}

/// The explanation of one winner.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExplainedWinner {
    /// Which variant.
    pub variant: VariantId,
    /// The variants of `nearest`, in its order.
    pub nearest_variants: Vec<VariantId>,
    /// The variant that `separation` is about.
    pub rival: Option<VariantId>,
    /// Why it was scored as it was.
    pub explanation: Explanation,
}

/// `explanations.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Explanations {
    /// Always `spotwright.explanations.v1`.
    pub format: String,
    /// Which run.
    pub run: RunId,
    /// The winners, by generation and number.
    pub winners: Vec<ExplainedWinner>,
    /// Winners that could not be explained, and why.
    pub unexplained: Vec<Unexplained>,
}

/// A winner without an explanation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Unexplained {
    /// Which variant.
    pub variant: VariantId,
    /// Why.
    pub reason: String,
}
