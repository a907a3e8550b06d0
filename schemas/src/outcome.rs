//! The files a run leaves behind: `winners.json`, `market.json` and the lines of `trace.jsonl`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::event::{FeedbackSource, StopReason};
use crate::ids::{PlacementId, RunId, VariantId};
use crate::locale::Locale;
use crate::money::{Currency, Micros};
use crate::placement::PlacementKind;
use crate::script::Script;

/// What the click model says about a variant.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Score {
    /// Relative appeal within the brief, in log-odds; 0 is the brief's average.
    pub appeal: f64,
    /// Standard deviation of `appeal`.
    pub appeal_sd: f64,
    /// Level of the brief: log-odds of the average variant's click probability.
    pub level: f64,
    /// Predicted click probability, in (0, 1).
    pub predicted_ctr: f64,
    /// 90 % interval of the click probability.
    pub interval: [f64; 2],
    /// Id of the model: name and hash of its weights.
    pub model: String,
}

/// What the audience did, in numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Delivery {
    /// Times shown.
    pub impressions: u64,
    /// Times clicked.
    pub clicks: u64,
    /// Orders, bookings or downloads.
    pub conversions: u64,
    /// Media cost.
    pub spend: Micros,
}

/// One winner of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Winner {
    /// Which variant.
    pub variant: VariantId,
    /// Its generation, from 1.
    pub generation: u32,
    /// Its number within the generation, from 1.
    pub number: u32,
    /// The variants of the generation before that it was bred from; empty in the first.
    pub parents: Vec<VariantId>,
    /// Path of the video relative to the output folder.
    pub file: String,
    /// BLAKE3 of the video, hexadecimal.
    pub blake3: String,
    /// What it says.
    pub script: Script,
    /// What the click model said before it was shown.
    pub score: Score,
    /// Where it was placed, and what came of it.
    pub placement: PlacementOutcome,
}

/// One placement in the market.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PlacementOutcome {
    /// Which placement.
    pub id: PlacementId,
    /// Where.
    pub kind: PlacementKind,
    /// Whether the numbers are simulated.
    pub source: FeedbackSource,
    /// The numbers.
    pub delivery: Delivery,
    /// Highest rung of the traffic ladder reached, in impressions.
    pub rung: u64,
}

/// `winners.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Winners {
    /// Always `spotwright.winners.v1`.
    pub format: String,
    /// Which run.
    pub run: RunId,
    /// Short name of the brief.
    pub brief: String,
    /// Language.
    pub locale: Locale,
    /// Seed of the run.
    pub seed: u64,
    /// Why the run ended.
    pub stopped: StopReason,
    /// Currency of every amount.
    pub currency: Currency,
    /// All winners, best realized click rate (shrunk to the mean) first.
    pub winners: Vec<Winner>,
}

/// One line of `trace.jsonl`: something that was decided or done, in the order of the story, not
/// of the clock. Wall times are not part of it, so two runs with the same seed can be compared.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TraceLine {
    /// Position in the trace, from 0.
    pub seq: u64,
    /// Generation, from 1; 0 for the run itself.
    pub generation: u32,
    /// What happened, e.g. `variant.scored`.
    pub what: String,
    /// The variant it is about, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variant: Option<VariantId>,
    /// Everything needed to follow it up.
    pub detail: serde_json::Value,
    /// BLAKE3 of the previous line's `hash` and this line without `hash`, hexadecimal.
    pub hash: String,
}
