//! What is known of a clip's work between its attempts.

use serde::{Deserialize, Serialize};
use spotwright_core::domain::reason::ClipReason;
use spotwright_core::domain::routing::Route;
use spotwright_core::domain::topology::StepKind;
use spotwright_core::ports::artifacts::ArtifactHash;
use spotwright_core::ports::clip_source::{ClipRequest, JobId};
use spotwright_core::ports::step_store::ClaimedStep;
use spotwright_schemas::Problem;
use spotwright_schemas::money::Micros;

use crate::workflow::agent::parse;
use crate::workflow::clips::{ClipOutcome, Tried, TryEnd};

/// Most characters of somebody else's words that are kept.
const MAX_WORDS: usize = 300;

/// What a clip's step is created with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::workflow) struct ClipStep {
    pub(in crate::workflow) request: ClipRequest,
    pub(in crate::workflow) shows_product: bool,
    /// What was done in a step of another kind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) before: Option<Progress>,
}

impl ClipStep {
    pub(in crate::workflow) fn new(request: ClipRequest, shows_product: bool) -> Self {
        Self { request, shows_product, before: None }
    }
}

/// How a clip's step ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(in crate::workflow) enum ClipResult {
    /// There is a clip, or there will be none.
    Ended(Box<ClipOutcome>),
    /// A machine of another kind goes on.
    PassedOn { kind: StepKind, key: String, step: Box<ClipStep> },
}

/// What was done so far.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Progress {
    /// Whom to ask; `None` before the first look.
    pub(super) route: Option<Route>,
    /// Who was asked without a usable clip.
    pub(super) tries: Vec<Tried>,
    /// Who is being asked.
    pub(super) current: Option<Current>,
}

/// A source that is being asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Current {
    pub(super) source: String,
    pub(super) seed: u32,
    /// What its call reserves.
    pub(super) quote: Micros,
    /// When it was chosen.
    pub(super) since_micros: i64,
    /// Its job, once the source has named one.
    pub(super) job: Option<JobId>,
    /// How often it was looked at.
    pub(super) looks: u32,
    /// Answers in a row that were of no use.
    pub(super) faults: u32,
}

/// The answer to a paid call for a clip.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Fetched {
    /// What came, as it came; `None` where the run had ended and nobody wanted it any more.
    pub(super) raw: Option<ArtifactHash>,
    /// The seed that was used, where the provider tells.
    pub(super) seed: Option<u64>,
    /// What was charged.
    pub(super) charged: Micros,
}

impl Current {
    /// The end of this try.
    pub(super) fn over(&self, ended: TryEnd, why: ClipReason, cost: Micros) -> Tried {
        Tried { source: self.source.clone(), seed: self.seed, ended, why, cost, fidelity: None }
    }
}

impl Progress {
    /// What was done before this attempt of a step.
    pub(super) fn of(step: &ClaimedStep, asked: &ClipStep) -> Result<Self, Problem> {
        match &step.progress {
            Some(progress) => parse(progress.clone()),
            None => Ok(asked.before.clone().unwrap_or_default()),
        }
    }

    /// What was spent on tries so far.
    pub(super) fn spent(&self) -> Micros {
        self.tries.iter().map(|tried| tried.cost).sum()
    }

    /// Why nobody makes the clip.
    pub(super) fn reasons(&self) -> ClipReason {
        let of = |source: &str, why: ClipReason| ClipReason::Tried {
            source: source.to_owned(),
            why: Box::new(why),
        };
        let mut reasons: Vec<ClipReason> =
            self.tries.iter().map(|tried| of(&tried.source, tried.why.clone())).collect();
        if reasons.is_empty() {
            let route = self.route.iter();
            reasons.extend(route.clone().flat_map(|route| {
                route
                    .left_out
                    .iter()
                    .map(|left| ClipReason::LeftOut { source: left.source.clone(), why: left.why.clone() })
            }));
            let unknown = route.flat_map(|route| &route.unknown);
            reasons.extend(unknown.map(|name| of(name, ClipReason::NotConfigured)));
        }
        ClipReason::Several { reasons }
    }

    /// The end of the work without a clip.
    pub(super) fn without_clip(self, why: ClipReason) -> ClipOutcome {
        let Route { sources, left_out, unknown, leaves_away } = self.route.unwrap_or_default();
        ClipOutcome { made: None, why, route: sources, left_out, unknown, leaves_away, tries: self.tries }
    }
}

/// Words of bounded length, on one line.
pub(super) fn bounded(words: &str) -> String {
    let plain: String = words.chars().map(|c| if c.is_control() { ' ' } else { c }).take(MAX_WORDS).collect();
    plain.trim().to_owned()
}
