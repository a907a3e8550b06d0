//! Which consumer each event goes to, and what kinds of work there are.

use serde::{Deserialize, Serialize};
use spotwright_schemas::event::{Payload, RenderStage};

/// The kinds of steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepKind {
    /// Choose directions for a generation; key `g<generation>`.
    Plan,
    /// Write and criticize the scripts of a generation; key `g<generation>`.
    Draft,
    /// Render a preview; key is the variant's id.
    Preview,
    /// Score a variant; key is the variant's id.
    Score,
    /// Choose variants for final rendering; key `g<generation>`.
    Select,
    /// Render a variant final; key is the variant's id.
    Render,
    /// Play a generation's campaign in the market; key `g<generation>`.
    Play,
    /// Update beliefs after a generation; key `g<generation>`.
    Learn,
}

impl StepKind {
    /// Every kind.
    pub const ALL: [Self; 8] = [
        Self::Plan,
        Self::Draft,
        Self::Preview,
        Self::Score,
        Self::Select,
        Self::Render,
        Self::Play,
        Self::Learn,
    ];

    /// The kind as stored.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Plan => "plan",
            Self::Draft => "draft",
            Self::Preview => "preview",
            Self::Score => "score",
            Self::Select => "select",
            Self::Render => "render",
            Self::Play => "play",
            Self::Learn => "learn",
        }
    }

    /// The kind with this stored name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

/// The consumers; each has a queue of its own name.
pub const CONSUMERS: [&str; 9] = [
    "agent.creative-requested",
    "render.cpu",
    "score.variant-rendered",
    "agent.variant-scored",
    "agent.variant-rendered",
    "market.creative-won",
    "agent.feedback",
    "agent.creative-fatigued",
    "api.run-finished",
];

/// The one consumer that takes an event.
#[must_use]
pub const fn consumer_of(payload: &Payload) -> &'static str {
    match payload {
        Payload::CreativeRequested(_) => "agent.creative-requested",
        Payload::VariantRequested(_) => "render.cpu",
        Payload::VariantRendered(rendered) => match rendered.stage {
            RenderStage::Preview => "score.variant-rendered",
            RenderStage::Final => "agent.variant-rendered",
        },
        Payload::VariantScored(_) => "agent.variant-scored",
        Payload::CreativeWon(_) => "market.creative-won",
        Payload::PlacementFeedback(_) => "agent.feedback",
        Payload::CreativeFatigued(_) => "agent.creative-fatigued",
        Payload::RunFinished(_) => "api.run-finished",
    }
}
