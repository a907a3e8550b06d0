//! Events: what the parts of Spotwright tell each other.
//!
//! Each event is a CloudEvents 1.0 message in structured JSON mode. Events carry ids, never media
//! or prompts, and stay below 4 KiB. The database is the truth; an event is a reason to look.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::{MessageId, OrganizationId, PlacementId, RunId, VariantId};
use crate::mode::Mode;
use crate::money::Micros;

/// Largest encoded event in bytes.
pub const MAX_EVENT_BYTES: usize = 4096;

/// Which of its two renders a variant is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RenderStage {
    /// Cheap key frames, for scoring.
    Preview,
    /// The finished video.
    Final,
}

/// A CloudEvents 1.0 envelope around [`Payload`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Event {
    /// Always `1.0`.
    pub specversion: SpecVersion,
    /// Id of the message; also its id in the outbox.
    pub id: MessageId,
    /// Who sent it, e.g. `/spotwright/agent`.
    pub source: String,
    /// The run it belongs to.
    pub subject: RunId,
    /// When it was written, UTC.
    #[schemars(with = "String")]
    pub time: Timestamp,
    /// Always `application/json`.
    pub datacontenttype: ContentType,
    /// The customer account it belongs to.
    pub organization: OrganizationId,
    /// `test` in the sandbox of an organization; missing everywhere else.
    #[serde(default, skip_serializing_if = "Mode::is_live")]
    pub mode: Mode,
    /// Position among the messages of the run, from 1, without gaps.
    pub sequence: u64,
    /// Type and data.
    #[serde(flatten)]
    pub payload: Payload,
}

/// The CloudEvents version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum SpecVersion {
    /// Version 1.0.
    #[serde(rename = "1.0")]
    V1,
}

/// The encoding of `data`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum ContentType {
    /// JSON.
    #[serde(rename = "application/json")]
    Json,
}

/// Type and data of an event.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", content = "data")]
pub enum Payload {
    /// A run was asked for.
    #[serde(rename = "spotwright.creative.requested.v1")]
    CreativeRequested(CreativeRequested),
    /// A render of a variant was asked for.
    #[serde(rename = "spotwright.variant.requested.v1")]
    VariantRequested(VariantRequested),
    /// A render of a variant is stored.
    #[serde(rename = "spotwright.variant.rendered.v1")]
    VariantRendered(VariantRendered),
    /// A variant was scored.
    #[serde(rename = "spotwright.variant.scored.v1")]
    VariantScored(VariantScored),
    /// A variant passed the quality gate and may be placed.
    #[serde(rename = "spotwright.creative.won.v1")]
    CreativeWon(CreativeWon),
    /// What the audience did with one placement.
    #[serde(rename = "spotwright.placement.feedback.v1")]
    PlacementFeedback(PlacementFeedback),
    /// The audience has seen a creative too often.
    #[serde(rename = "spotwright.creative.fatigued.v1")]
    CreativeFatigued(CreativeFatigued),
    /// A run came to its end.
    #[serde(rename = "spotwright.run.finished.v1")]
    RunFinished(RunFinished),
}

impl Payload {
    /// The CloudEvents type, e.g. `spotwright.variant.scored.v1`.
    #[must_use]
    pub const fn event_type(&self) -> &'static str {
        match self {
            Self::CreativeRequested(_) => "spotwright.creative.requested.v1",
            Self::VariantRequested(_) => "spotwright.variant.requested.v1",
            Self::VariantRendered(_) => "spotwright.variant.rendered.v1",
            Self::VariantScored(_) => "spotwright.variant.scored.v1",
            Self::CreativeWon(_) => "spotwright.creative.won.v1",
            Self::PlacementFeedback(_) => "spotwright.placement.feedback.v1",
            Self::CreativeFatigued(_) => "spotwright.creative.fatigued.v1",
            Self::RunFinished(_) => "spotwright.run.finished.v1",
        }
    }
}

/// A run was asked for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CreativeRequested {
    /// Short name of the brief.
    pub brief: String,
    /// How many generations, at least 1.
    pub generations: u32,
    /// How many variants in each, at least 1.
    pub variants: u32,
}

/// A render of a variant was asked for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct VariantRequested {
    /// Which variant.
    pub variant: VariantId,
    /// Its generation, from 1.
    pub generation: u32,
    /// Preview or final.
    pub stage: RenderStage,
}

/// A render of a variant is stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct VariantRendered {
    /// Which variant.
    pub variant: VariantId,
    /// Its generation, from 1.
    pub generation: u32,
    /// Preview or final.
    pub stage: RenderStage,
    /// BLAKE3 of the stored file, hexadecimal.
    pub artifact: String,
}

/// A variant was scored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct VariantScored {
    /// Which variant.
    pub variant: VariantId,
    /// Its generation, from 1.
    pub generation: u32,
    /// Predicted click probability.
    pub predicted_ctr: f64,
    /// Id of the model.
    pub model: String,
}

/// A variant passed the quality gate and may be placed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CreativeWon {
    /// Which variant.
    pub variant: VariantId,
    /// Its generation, from 1.
    pub generation: u32,
    /// BLAKE3 of the finished video, hexadecimal.
    pub artifact: String,
}

/// What the audience did with one placement.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PlacementFeedback {
    /// Which placement.
    pub placement: PlacementId,
    /// Which variant.
    pub variant: VariantId,
    /// Its generation, from 1.
    pub generation: u32,
    /// Whether the numbers are simulated or come from a real platform; never pooled.
    pub source: FeedbackSource,
    /// Times shown.
    pub impressions: u64,
    /// Times clicked.
    pub clicks: u64,
    /// Orders, bookings or downloads within the attribution window.
    pub conversions: u64,
    /// Media cost.
    pub spend: Micros,
}

/// Where observed numbers come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FeedbackSource {
    /// The built-in market simulator.
    Simulated,
    /// A real platform's report.
    Imported,
}

/// The audience has seen a creative too often.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CreativeFatigued {
    /// Which variant.
    pub variant: VariantId,
    /// Its generation, from 1.
    pub generation: u32,
    /// Mean number of times a reached user has seen it.
    pub frequency: f64,
}

/// A run came to its end.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RunFinished {
    /// Why it ended.
    pub reason: StopReason,
    /// Generations completed.
    pub generations: u32,
}

/// Why a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum StopReason {
    /// All generations asked for are done.
    Completed,
    /// The budget cannot pay for another generation.
    BudgetExhausted,
    /// A step failed for good.
    Failed,
    /// The user ended it.
    Cancelled,
}
