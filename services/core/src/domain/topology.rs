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
    /// Have a clip made by another service: hand the work over, wait, fetch; key is the clip's.
    ClipRemote,
    /// Make a clip on this machine's GPU; key is the clip's.
    ClipGpu,
    /// Play a generation's campaign in the market; key `g<generation>`.
    Play,
    /// Update beliefs after a generation; key `g<generation>`.
    Learn,
}

impl StepKind {
    /// Every kind.
    pub const ALL: [Self; 10] = [
        Self::Plan,
        Self::Draft,
        Self::Preview,
        Self::Score,
        Self::Select,
        Self::Render,
        Self::ClipRemote,
        Self::ClipGpu,
        Self::Play,
        Self::Learn,
    ];

    /// Whether it makes a clip for a storyboard, which only briefs with generated shots ask for.
    #[must_use]
    pub const fn makes_clip(self) -> bool {
        matches!(self, Self::ClipRemote | Self::ClipGpu)
    }

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
    /// Renders previews and finals, and has clips made by other services: [`Role::RenderCpu`] and
    /// [`Role::RenderRemote`] in one process.
    Render,
    /// Renders previews and finals.
    #[serde(rename = "render.cpu")]
    #[strum(serialize = "render.cpu")]
    RenderCpu,
    /// Makes clips on this machine's GPU.
    #[serde(rename = "render.gpu")]
    #[strum(serialize = "render.gpu")]
    RenderGpu,
    /// Has clips made by other services, which takes a worker for moments only.
    #[serde(rename = "render.remote")]
    #[strum(serialize = "render.remote")]
    RenderRemote,
    /// Scores.
    Score,
    /// Plays campaigns.
    Market,
    /// Moves messages from the outbox to the bus.
    Relay,
}

impl Role {
    /// Roles that do everything together, and nothing twice: what one process alone plays.
    pub const ALL: [Self; 7] =
        [Self::Api, Self::Agent, Self::Render, Self::RenderGpu, Self::Score, Self::Market, Self::Relay];

    /// Every role there is.
    pub const NAMED: [Self; 9] = [
        Self::Api,
        Self::Agent,
        Self::Render,
        Self::RenderCpu,
        Self::RenderGpu,
        Self::RenderRemote,
        Self::Score,
        Self::Market,
        Self::Relay,
    ];

    /// Whether `roles` do everything together, so that there is no other process to share with.
    #[must_use]
    pub fn are_whole(roles: &[Self]) -> bool {
        Self::ALL.iter().all(|part| match part {
            Self::Render => {
                roles.contains(part)
                    || [Self::RenderCpu, Self::RenderRemote].iter().all(|one| roles.contains(one))
            }
            _ => roles.contains(part),
        })
    }

    /// The steps that `roles` execute together, each kind once.
    #[must_use]
    pub fn kinds_of(roles: &[Self]) -> Vec<StepKind> {
        StepKind::ALL
            .into_iter()
            .filter(|kind| roles.iter().any(|role| role.kinds().contains(kind)))
            .collect()
    }

    /// The consumers that `roles` run together, each once.
    #[must_use]
    pub fn consumers_of(roles: &[Self]) -> Vec<&'static str> {
        CONSUMERS
            .into_iter()
            .filter(|name| roles.iter().any(|role| role.consumers().contains(name)))
            .collect()
    }

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
            Self::Render => &[StepKind::Preview, StepKind::Render, StepKind::ClipRemote],
            Self::RenderCpu => &[StepKind::Preview, StepKind::Render],
            Self::RenderGpu => &[StepKind::ClipGpu],
            Self::RenderRemote => &[StepKind::ClipRemote],
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
            Self::Render | Self::RenderCpu => &["render.cpu"],
            Self::Score => &["score.variant-rendered"],
            Self::Market => &["market.creative-won"],
            Self::RenderGpu | Self::RenderRemote | Self::Relay => &[],
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
    fn every_kind_and_every_consumer_has_one_role_of_all() {
        let kinds: Vec<StepKind> = Role::ALL.iter().flat_map(|role| role.kinds()).copied().collect();
        assert_eq!(kinds.len(), StepKind::ALL.len());
        assert!(StepKind::ALL.iter().all(|kind| kinds.contains(kind)));
        let consumers: Vec<&str> = Role::ALL.iter().flat_map(|role| role.consumers()).copied().collect();
        assert_eq!(consumers.len(), CONSUMERS.len());
        assert_eq!(consumers.iter().collect::<BTreeSet<_>>(), CONSUMERS.iter().collect());
    }

    #[test]
    fn every_name_is_read_as_it_is_written() {
        assert!(Role::NAMED.iter().all(|role| Role::parse(role.as_str()) == Some(*role)));
        assert!(Role::NAMED.iter().all(|role| serde_json::to_value(role).unwrap() == role.as_str()));
        let dotted = [Role::RenderCpu, Role::RenderGpu, Role::RenderRemote].map(Role::as_str);
        assert_eq!(dotted, ["render.cpu", "render.gpu", "render.remote"]);
        assert!(StepKind::ALL.iter().all(|kind| StepKind::parse(kind.as_str()) == Some(*kind)));
        assert_eq!(
            [StepKind::ClipRemote, StepKind::ClipGpu].map(StepKind::as_str),
            ["clip_remote", "clip_gpu"]
        );
    }

    #[test]
    fn render_is_its_cpu_and_its_remote_part() {
        let parts = [Role::RenderCpu, Role::RenderRemote];
        assert_eq!(Role::kinds_of(&parts), Role::kinds_of(&[Role::Render]));
        assert_eq!(Role::consumers_of(&parts), Role::consumers_of(&[Role::Render]));
        let twice = [Role::Render, Role::RenderCpu, Role::RenderRemote];
        assert_eq!(Role::kinds_of(&twice), Role::kinds_of(&parts), "nothing twice");
        assert_eq!(Role::consumers_of(&twice), ["render.cpu"]);
        assert_eq!(Role::kinds_of(&[Role::RenderGpu]), [StepKind::ClipGpu]);
    }

    #[test]
    fn roles_are_whole_when_nothing_is_left_to_others() {
        assert!(Role::are_whole(&Role::ALL) && Role::are_whole(&Role::NAMED));
        let but = |left_out: &[Role]| {
            let rest: Vec<Role> = Role::NAMED.into_iter().filter(|role| !left_out.contains(role)).collect();
            Role::are_whole(&rest)
        };
        assert!(but(&[Role::Render]), "its parts are there");
        assert!(but(&[Role::RenderCpu]), "the whole of it is there");
        assert!(!but(&[Role::Render, Role::RenderRemote]));
        assert!(!but(&[Role::RenderGpu]));
        assert!(!but(&[Role::Market]));
    }
}
