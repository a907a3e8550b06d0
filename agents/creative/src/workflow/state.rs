//! What the agent remembers between decisions, and what can happen to it.

use serde::{Deserialize, Serialize};
use spotwright_core::domain::observation::Evidence;
use spotwright_core::domain::run::{RunRequest, RunView, Stage};
use spotwright_core::domain::topology::StepKind;
use spotwright_core::domain::variant::{Placement, Variant, VariantState};
use spotwright_core::ports::clip_library::ClipKey;
use spotwright_core::ports::marketplace::MarketReport;
use spotwright_core::ports::step_store::NewStep;
use spotwright_core::ports::video_backend::Rendered;
use spotwright_schemas::Problem;
use spotwright_schemas::error::Code;
use spotwright_schemas::event::{CreativeFatigued, PlacementFeedback, StopReason};
use spotwright_schemas::ids::{PlacementId, RunId, VariantId};
use spotwright_schemas::money::Micros;
use spotwright_schemas::outcome::Score;

use super::clips::{ClipOutcome, Clips};
use super::heard::Heard;
use super::stages::place::PlacedVariant;
use super::stages::serve::Holds;
use super::stages::speak::SpokenAd;
use crate::clarify::Question;
use crate::drafting::{Call, Dropped};
use crate::learn::{Beliefs, Lesson, Parent};
use crate::plan::Assignment;
use crate::select::Place;

/// What the agent remembers, stored with the run.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AgentState {
    /// What it believes about directions.
    pub beliefs: Beliefs,
    /// The plan of the current generation.
    pub assignments: Vec<Assignment>,
    /// Winners the current generation is bred from.
    pub parents: Vec<Parent>,
    /// Scored variants of the current generation that may still be rendered final, best first.
    pub waiting: Vec<VariantId>,
    /// What was learnt from all generations so far, surest first.
    pub lessons: Vec<Lesson>,
    /// Reports of the market, one per generation, without what became of each advertisement: that is
    /// stored with its placement, and every decision would have to carry it.
    pub reports: Vec<MarketReport>,
    /// Why the run ended.
    pub stopped: Option<StopReason>,
    /// What ended it, when it failed.
    pub failure: Option<Problem>,
    /// Whether it ends once the campaign under way has been paid; written by an earlier version, which
    /// did not keep this with the run itself.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub cancelling: bool,
    /// What people have said.
    #[serde(default, skip_serializing_if = "Heard::is_nothing")]
    pub heard: Heard,
    /// The clips it asked for.
    #[serde(default, skip_serializing_if = "Clips::is_nothing")]
    pub clips: Clips,
    /// What is held of the generation's campaign.
    #[serde(default, skip_serializing_if = "Holds::is_nothing")]
    pub holds: Holds,
}

impl AgentState {
    /// The state stored with a run; a new one before the first decision.
    ///
    /// # Errors
    /// [`Code::StoreFormat`].
    pub fn of(run: &RunView) -> Result<Self, Problem> {
        if run.state.is_null() {
            return Ok(Self::default());
        }
        serde_json::from_value(run.state.clone())
            .map_err(|error| Problem::new(Code::StoreFormat, "run.state", error.to_string()))
    }
}

impl AgentState {
    /// Puts what became of each advertisement back into the reports, from the run's placements by
    /// generation and number of the variant: the order in which campaigns are made.
    pub fn complete_reports(&mut self, placements: &[Placement]) {
        for (report, generation) in self.reports.iter_mut().zip(1_u32..) {
            // A report of an earlier version is whole.
            if report.creatives.is_empty() {
                let played = placements.iter().filter(|placement| placement.generation == generation);
                report.creatives = played.filter_map(|placement| placement.delivery.clone()).collect();
            }
        }
    }
}

/// What can happen to a run.
#[derive(Debug, Clone, PartialEq)]
pub enum AgentEvent {
    /// The run was asked for.
    Requested,
    /// The user ends it.
    Cancelled,
    /// Directions are chosen.
    Planned {
        /// One per variant.
        assignments: Vec<Assignment>,
        /// What would have helped to know, and what is assumed instead.
        questions: Vec<Question>,
        /// What real platforms have reported of the product's ads.
        imported: Vec<Evidence>,
    },
    /// The time for answers is over.
    AnswersDue,
    /// Scripts are written in the place of others.
    Redrafted {
        /// Which redraft of the generation.
        number: u32,
        /// One per accepted script.
        variants: Vec<Variant>,
        /// What was not taken.
        dropped: Vec<Dropped>,
        /// The language model's calls.
        calls: Vec<Call>,
        /// Why nothing was written, when the step failed for good.
        problem: Option<Problem>,
    },
    /// Scripts are written.
    Drafted {
        /// One per accepted script.
        variants: Vec<Variant>,
        /// What was not taken.
        dropped: Vec<Dropped>,
        /// The language model's calls.
        calls: Vec<Call>,
    },
    /// A preview was asked for.
    PreviewRequested(VariantId),
    /// A preview is stored.
    Previewed(Box<Variant>, Rendered),
    /// The scorer was told of a preview.
    PreviewAnnounced(VariantId),
    /// A score is there.
    Scored(Box<Variant>, Score),
    /// The agent was told of a score.
    ScoreAnnounced,
    /// Variants are ranked, best first, each with the reason.
    Selected(Vec<(Variant, Place)>),
    /// The work for a clip goes on in another step.
    ClipPassedOn(NewStep),
    /// A clip is there, or will not be.
    ClipEnded {
        /// Which.
        key: ClipKey,
        /// How it was got, or why there is none.
        outcome: Box<ClipOutcome>,
        /// The variants that wait for clips, in the order of their selection.
        waiting: Vec<Variant>,
    },
    /// A final render was asked for.
    FinalRequested(VariantId),
    /// A final render is stored.
    Rendered(Box<Variant>, Rendered, Option<Box<SpokenAd>>),
    /// The agent was told of a final render.
    FinalAnnounced {
        /// The rendered variant.
        variant: Box<Variant>,
        /// The variant that is next in order, if it is needed and there is one.
        next: Option<Box<Variant>>,
    },
    /// The market was told of a winner, which stands so by now.
    Won(VariantId, VariantState),
    /// The market has played.
    Played(MarketReport, Vec<PlacedVariant>),
    /// Feedback arrived.
    Feedback(PlacementFeedback),
    /// A creative wore out.
    Fatigued(CreativeFatigued),
    /// Beliefs are updated.
    Learned {
        /// What is believed now.
        beliefs: Beliefs,
        /// What was learnt.
        lessons: Vec<Lesson>,
        /// Winners to breed from.
        parents: Vec<Parent>,
    },
    /// Everybody was told that the run is over.
    FinishAnnounced,
    /// A step about one variant failed for good.
    VariantFailed {
        /// Which kind of step.
        kind: StepKind,
        /// The variant.
        variant: Box<Variant>,
        /// The variant that is next in order, if it is needed and there is one.
        next: Option<Box<Variant>>,
        /// Why.
        problem: Problem,
    },
    /// A step about the whole generation failed for good.
    GenerationFailed {
        /// Why.
        problem: Problem,
        /// What had been set aside for the campaign, when it was the campaign that failed.
        campaign: Option<Micros>,
    },
}

/// The message and placement keys of a run derive from it; so do variant ids.
#[must_use]
pub(super) fn variant_id(run: RunId, generation: u32, number: u32) -> VariantId {
    VariantId::child_of(run.0, "variant", (u64::from(generation) << 32) | u64::from(number))
}

/// The placement of a variant in its generation's campaign.
#[must_use]
pub(super) fn placement_id(run: RunId, generation: u32, variant: VariantId) -> PlacementId {
    PlacementId::child_of(run.0, &format!("placement/{variant}"), u64::from(generation))
}

/// Whether another generation follows the run's current one.
#[must_use]
pub(super) fn has_next(run: &RunView, request: &RunRequest) -> bool {
    run.stage != Stage::Finished && run.generation < request.generations
}
