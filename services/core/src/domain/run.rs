//! Runs: one execution of the agent loop.

use serde::{Deserialize, Serialize};
use spotwright_schemas::brief::Brief;
use spotwright_schemas::ids::{OrganizationId, RunId};
use spotwright_schemas::money::Micros;

use super::revision::Revision;
use crate::ports::artifacts::ArtifactHash;

/// What a run was asked to do. Written once, when the run is created.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunRequest {
    /// The validated brief.
    pub brief: Brief,
    /// The brief's pictures that can be used, in its order, as stored.
    pub pictures: Vec<StoredPicture>,
    /// How many generations, 1–20.
    pub generations: u32,
    /// How many variants in each generation, 1–64.
    pub variants: u32,
    /// How many of them are rendered final and placed, 1–`variants`.
    pub winners: u32,
    /// Seed of everything random.
    pub seed: u64,
    /// Views that the market offers in each generation.
    pub opportunities: u64,
    /// What the person should know of the input, one sentence each: pictures that are left out,
    /// grounds that were chosen.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remarks: Vec<String>,
    /// Where people take part.
    #[serde(default, skip_serializing_if = "Involvement::is_none")]
    pub people: Involvement,
    /// The edited advertisement that the run is made for; nothing is planned or written then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<Box<Revision>>,
}

/// Where people take part in a run; nowhere unless it is said.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Involvement {
    /// What becomes of questions about the brief.
    pub clarify: Clarify,
    /// With [`Clarify::Ask`]: seconds after which the run goes on with the defaults of the questions that are
    /// open; without a number it waits until all are answered.
    pub answers_within_seconds: Option<u32>,
    /// What is shown to people before it costs money.
    pub approval: Approval,
}

impl Involvement {
    /// Whether nobody takes part.
    #[must_use]
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }
}

/// What becomes of questions about the brief.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Clarify {
    /// Their defaults are taken and recorded.
    #[default]
    Assume,
    /// They are asked, and the run waits.
    Ask,
}

/// What is shown to people before it costs money.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Approval {
    /// Nothing.
    #[default]
    None,
    /// The scripts of each generation, before anything of them is rendered.
    Scripts,
}

/// A picture of the brief after import.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoredPicture {
    /// The re-encoded picture.
    pub hash: ArtifactHash,
    /// Pixels from left to right.
    pub width: u32,
    /// Pixels from top to bottom.
    pub height: u32,
}

/// Where a run stands. Allowed transitions: each stage to the next, past those that wait for people where
/// nobody takes part; `WaitingForAnswers` back to `Planning`; `Learning` back to `Planning` for another
/// generation; every stage to `Finished`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Created, not yet picked up.
    Requested,
    /// Directions are being chosen.
    Planning,
    /// Questions about the brief wait for answers.
    WaitingForAnswers,
    /// Scripts are being written and criticized.
    Drafting,
    /// Scripts wait for approval; nothing of them is rendered yet.
    WaitingForApproval,
    /// Previews are being rendered and scored.
    Scoring,
    /// Variants are being chosen.
    Selecting,
    /// Chosen variants are being rendered final, checked and published.
    Rendering,
    /// The market shows the winners.
    Playing,
    /// What the audience did is being taken in.
    Observing,
    /// Beliefs are being updated.
    Learning,
    /// Ended; see the stop reason.
    Finished,
}

impl Stage {
    /// The stage as stored.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Requested => "requested",
            Self::Planning => "planning",
            Self::WaitingForAnswers => "waiting_for_answers",
            Self::Drafting => "drafting",
            Self::WaitingForApproval => "waiting_for_approval",
            Self::Scoring => "scoring",
            Self::Selecting => "selecting",
            Self::Rendering => "rendering",
            Self::Playing => "playing",
            Self::Observing => "observing",
            Self::Learning => "learning",
            Self::Finished => "finished",
        }
    }
}

/// A new run.
#[derive(Debug, Clone, PartialEq)]
pub struct NewRun {
    /// Its id.
    pub id: RunId,
    /// Whose it is.
    pub organization: OrganizationId,
    /// What it shall do.
    pub request: RunRequest,
    /// Most that production and media together may cost.
    pub budget: Micros,
}

/// A run as stored, with the counts that joins are decided on.
#[derive(Debug, Clone, PartialEq)]
pub struct RunView {
    /// Its id.
    pub id: RunId,
    /// Whose it is.
    pub organization: OrganizationId,
    /// What it shall do.
    pub request: std::sync::Arc<RunRequest>,
    /// Grows by one with every commit; a commit that expects another version is refused.
    pub version: i64,
    /// Where it stands.
    pub stage: Stage,
    /// The generation it is in, from 1; 0 before the first.
    pub generation: u32,
    /// The workflow's own state; JSON `null` before the first decision.
    pub state: serde_json::Value,
    /// Messages written so far; the next one gets this number plus one.
    pub messages: u64,
    /// Variants and placements of the current generation by state, counted by SQL.
    pub counts: Counts,
    /// Money settled so far.
    pub settled: Micros,
    /// Money reserved and not yet settled or released.
    pub reserved: Micros,
    /// Most that may be spent.
    pub budget: Micros,
    /// Whether its steps are held back.
    pub paused: bool,
    /// Whether it is being ended: it gets no new work, and ends with the work under way.
    pub cancelling: bool,
    /// Its steps that are not ended; counted only while it is being ended, 0 else.
    pub working: u64,
}

/// Counts of the current generation, read in the same statement as the run's version.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Variants drafted and not yet previewed.
    pub drafted: u64,
    /// Variants previewed and not yet scored.
    pub previewed: u64,
    /// Variants scored and not selected.
    pub scored: u64,
    /// Variants selected and not yet rendered.
    pub selected: u64,
    /// Variants rendered and not yet judged.
    pub rendered: u64,
    /// Variants that won.
    pub won: u64,
    /// Variants that did not pass the final gate, or that a person has rejected.
    pub rejected: u64,
    /// Variants that failed.
    pub failed: u64,
    /// Variants that were withdrawn.
    pub withdrawn: u64,
    /// Placements made, but for those that ended before they were shown.
    pub placed: u64,
    /// Placements whose feedback was taken in.
    pub observed: u64,
}
