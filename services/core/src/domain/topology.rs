//! Which consumer each event goes to, and what kinds of work there are.

use serde::{Deserialize, Serialize};
use spotwright_schemas::event::{Payload, RenderStage};
use strum::{EnumString, IntoStaticStr};

/// The kinds of steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, EnumString, IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
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
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// The kind with this stored name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        name.parse().ok()
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

/// A part that a process can play; one process may play several.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    EnumString,
    IntoStaticStr,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Role {
    /// Serves the REST API.
    Api,
    /// Plans, writes, selects and learns.
    Agent,
    /// Renders previews and finals.
    Render,
    /// Scores.
    Score,
    /// Plays campaigns.
    Market,
    /// Moves messages from the outbox to the bus.
    Relay,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 6] = [Self::Api, Self::Agent, Self::Render, Self::Score, Self::Market, Self::Relay];

    /// The role as written on the command line.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// The role with this name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        name.parse().ok()
    }

    /// The steps it executes.
    #[must_use]
    pub const fn kinds(self) -> &'static [StepKind] {
        match self {
            Self::Agent => &[StepKind::Plan, StepKind::Draft, StepKind::Select, StepKind::Learn],
            Self::Render => &[StepKind::Preview, StepKind::Render],
            Self::Score => &[StepKind::Score],
            Self::Market => &[StepKind::Play],
            Self::Api | Self::Relay => &[],
        }
    }

    /// The consumers it runs.
    #[must_use]
    pub const fn consumers(self) -> &'static [&'static str] {
        match self {
            Self::Api => &["api.run-finished"],
            Self::Agent => &[
                "agent.creative-requested",
                "agent.variant-scored",
                "agent.variant-rendered",
                "agent.feedback",
                "agent.creative-fatigued",
            ],
            Self::Render => &["render.cpu"],
            Self::Score => &["score.variant-rendered"],
            Self::Market => &["market.creative-won"],
            Self::Relay => &[],
        }
    }
}

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

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_kind_and_every_consumer_has_one_role() {
        let kinds: Vec<StepKind> = Role::ALL.iter().flat_map(|role| role.kinds()).copied().collect();
        assert_eq!(kinds.len(), StepKind::ALL.len());
        assert!(StepKind::ALL.iter().all(|kind| kinds.contains(kind)));
        let consumers: Vec<&str> = Role::ALL.iter().flat_map(|role| role.consumers()).copied().collect();
        assert_eq!(consumers.len(), CONSUMERS.len());
        assert_eq!(consumers.iter().collect::<BTreeSet<_>>(), CONSUMERS.iter().collect());
        assert!(Role::ALL.iter().all(|role| Role::parse(role.as_str()) == Some(*role)));
    }
}
