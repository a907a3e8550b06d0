//! Variants and placements.

use serde::{Deserialize, Serialize};
use spotwright_schemas::ids::{PlacementId, RunId, VariantId};
use spotwright_schemas::outcome::Score;
use spotwright_schemas::script::Script;
use spotwright_schemas::storyboard::Storyboard;

use super::campaign::Hold;
use super::reason::VoiceReason;
use super::withdrawal::Withdrawal;
use crate::ports::marketplace::CreativeDelivery;
use crate::ports::video_backend::Rendered;

/// Where a variant stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VariantState {
    /// Written.
    Drafted,
    /// Its preview is stored.
    Previewed,
    /// Scored.
    Scored,
    /// Chosen for a final render.
    Selected,
    /// Its final render is stored.
    Rendered,
    /// Passed the final gate and published.
    Won,
    /// Did not pass the final gate, or was rejected by a person, for the reason under `failure`.
    Rejected,
    /// Could not be made.
    Failed,
    /// Says what a product feed has made untrue, for the reason under `withdrawal`. It is not placed any
    /// more; a placement that it had has ended. Nothing follows on this state.
    Withdrawn,
}

impl VariantState {
    /// The state as stored.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Drafted => "drafted",
            Self::Previewed => "previewed",
            Self::Scored => "scored",
            Self::Selected => "selected",
            Self::Rendered => "rendered",
            Self::Won => "won",
            Self::Rejected => "rejected",
            Self::Failed => "failed",
            Self::Withdrawn => "withdrawn",
        }
    }
}

/// A variant as stored.
#[derive(Debug, Clone, PartialEq)]
pub struct Variant {
    /// Its id.
    pub id: VariantId,
    /// Its run.
    pub run: RunId,
    /// Its generation, from 1.
    pub generation: u32,
    /// Its number within the generation, from 1.
    pub number: u32,
    /// Where it stands.
    pub state: VariantState,
    /// The final gate's verdict: `Some(true)` passed, `Some(false)` failed.
    pub final_gate: Option<bool>,
    /// Everything else.
    pub body: VariantBody,
}

/// What was made of a variant so far.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VariantBody {
    /// What it says.
    pub script: Script,
    /// What it shows.
    pub storyboard: Storyboard,
    /// The variants it was bred from.
    pub parents: Vec<VariantId>,
    /// The preview.
    pub preview: Option<Rendered>,
    /// The click model's verdict.
    pub score: Option<Score>,
    /// Why it was selected, for people.
    pub selected_because: Option<String>,
    /// The finished video.
    pub final_render: Option<Rendered>,
    /// Why it failed, or why a person rejected it.
    pub failure: Option<String>,
    /// Why it was withdrawn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub withdrawal: Option<Withdrawal>,
    /// Who speaks in the finished video, and why; `None` where no voice was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub voice: Option<VoiceReport>,
}

/// Who speaks in an ad.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VoiceReport {
    /// The spoken lines, in the order of their shots.
    pub lines: Vec<SpokenBy>,
    /// Why shots stay without a voice, or were spoken otherwise than asked.
    pub why: Vec<VoiceReason>,
}

/// Who spoke one line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SpokenBy {
    /// Number of the shot, from 1.
    pub shot: u32,
    /// Name of the engine, e.g. `kokoro`.
    pub engine: String,
    /// Name of the voice.
    pub voice: String,
    /// Pace, 1 for the voice's own.
    pub speed: f64,
    /// Length of the line in seconds.
    pub seconds: f64,
    /// Why this voice and no other, one reason for each that was passed over.
    pub why: Vec<VoiceReason>,
}

/// A placement as stored.
#[derive(Debug, Clone, PartialEq)]
pub struct Placement {
    /// Its id.
    pub id: PlacementId,
    /// Its run.
    pub run: RunId,
    /// The market's campaign: one per run and generation.
    pub campaign: String,
    /// The variant that is shown.
    pub variant: VariantId,
    /// Its generation, from 1.
    pub generation: u32,
    /// What became of it; `None` until the market has played.
    pub delivery: Option<CreativeDelivery>,
    /// Whether the agent has taken the feedback in.
    pub observed: bool,
    /// Whether it ended because its variant was withdrawn; what was delivered by then stands in `delivery`.
    pub ended: bool,
    /// How somebody holds it; `None`: not.
    pub held: Option<Hold>,
}
