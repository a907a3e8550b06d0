//! The scripts of a generation: asked for, judged, rewritten, filled up.
//!
//! A configured language model is asked for whole scripts, several in a call, each with a structure and
//! a side of its own (`models`). Every proposal is judged by the same rules as every other script
//! (`rules`); what fails goes back with the findings in words, at most [`MAX_REVISIONS`] times. A
//! model that writes openings only gets scripts of the copy engine (`openings`). What is missing in
//! the end is written by the copy engine (`engine`; `plain` for briefs of very few facts), marked
//! `fallback`; why stands in
//! [`Generation::calls`] and [`Generation::dropped`].

mod engine;
mod models;
mod openings;
pub(crate) mod plain;
mod rules;

use serde::{Deserialize, Serialize};
use spotwright_core::ports::language_model::{
    CaseNote, Extent, LanguageModel, LanguageModelError, ModelFault, ProposedScripts, Revision,
    ScriptRequest, ScriptWish,
};
use spotwright_core::ports::letters::Letters;
use spotwright_schemas::brief::Brief;
use spotwright_schemas::money::Micros;
use spotwright_schemas::random::Stream;
use spotwright_schemas::script::{Direction, Role, Script, Structure};

use crate::copy_engine::{PROVIDER, line_limits};
use crate::copywriter::{angle_of, offer_texts};
use crate::critique::Finding;
use crate::plan::Assignment;

/// How often a script that fails is written again.
pub const MAX_REVISIONS: u32 = 2;

/// Scripts asked for in one call: several, so that they differ on purpose; few enough for the longest
/// answer that a model gives by default.
pub const SCRIPTS_PER_CALL: usize = 4;

/// What a generation is drafted from.
#[derive(Debug, Clone, Copy)]
pub struct DraftRequest<'a> {
    /// The brief.
    pub brief: &'a Brief,
    /// Generation, from 1; part of every idempotency key and of every seed that scripts are written with.
    pub generation: u32,
    /// The plan: one script per assignment.
    pub assignments: &'a [Assignment],
    /// Cases for a language model to learn from.
    pub cases: &'a [CaseNote],
    /// Scripts that did well before.
    pub parents: &'a [Script],
    /// Hook captions of earlier generations, not to be repeated.
    pub avoid: &'a [String],
    /// What was learnt, as sentences in the brief's language for language models; what people taught comes
    /// first.
    pub lessons: &'a [String],
    /// Seed of the run.
    pub seed: u64,
    /// Prefix of the idempotency keys, e.g. the run's id.
    pub key_prefix: &'a str,
}

/// An accepted script.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Draft {
    /// Number of the variant within its generation.
    pub number: u32,
    /// The script; its angle is that of its structure, which differs from the assignment's where the
    /// brief's facts carry none of that side.
    pub script: Script,
    /// Warnings of the critique.
    pub warnings: Vec<Finding>,
}

/// Something that was proposed, or asked for, and is in no script.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dropped {
    /// Number of the variant.
    pub number: u32,
    /// Revision in which it failed, from 0.
    pub revision: u32,
    /// The direction it was written for.
    pub direction: Direction,
    /// The part of the line; `None` for a whole script.
    pub role: Option<Role>,
    /// Its caption, or the hook's caption for a whole script; blank where nothing came.
    pub caption: String,
    /// Why it was dropped.
    pub findings: Vec<Finding>,
}

/// One call of a language model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Call {
    /// Idempotency key.
    pub key: String,
    /// The provider.
    pub provider: String,
    /// Scripts asked for.
    #[serde(default)]
    pub asked: usize,
    /// Scripts received.
    pub received: usize,
    /// BLAKE3 of the prompt, hexadecimal; empty where there is none.
    pub prompt_hash: String,
    /// Tokens read and written, of a failed call, too.
    pub tokens: [u64; 2],
    /// What the provider bills, for a failed call, too.
    pub cost: Micros,
    /// The error, if it failed: in English, the provider's words with it.
    pub error: Option<String>,
    /// What kind of error it is; `None` for one that did not fail, and for those of earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<ModelFault>,
}

impl Call {
    /// The words of its error that are the provider's: without the beginning that names the kind of error,
    /// where the kind is known.
    #[must_use]
    pub fn reason(&self) -> &str {
        let error = self.error.as_deref().unwrap_or_default();
        let words = self.fault.and_then(|fault| error.strip_prefix(fault.prefix()));
        words.unwrap_or(error)
    }
}

/// The scripts of a generation and how they came about.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Generation {
    /// Accepted scripts in the order of the plan; fewer than planned only when the brief's facts
    /// hold no further different one.
    pub scripts: Vec<Draft>,
    /// Everything that was not used.
    pub dropped: Vec<Dropped>,
    /// Every call, in order.
    pub calls: Vec<Call>,
}

/// Drafts a generation.
///
/// Never fails: a failing model is replaced by the copy engine, script by script, and so is a script
/// that `letters` cannot draw. Deterministic for a repeatable model. Cancel-safe; calls that were
/// answered carry an idempotency key.
pub async fn draft_generation(
    request: &DraftRequest<'_>,
    model: &dyn LanguageModel,
    letters: &dyn Letters,
) -> Generation {
    let mut desk = Desk::new(request, model, letters);
    if model.provider() == PROVIDER {
        desk.fill(false);
    } else if model.writes() == Extent::Openings {
        desk.fill(false);
        desk.open_anew().await;
    } else {
        desk.ask_for_all().await;
        desk.fill(true);
    }
    desk.generation.scripts.sort_by_key(|draft| draft.number);
    desk.generation
}

/// Where the scripts of one generation come together.
struct Desk<'a> {
    request: &'a DraftRequest<'a>,
    model: &'a dyn LanguageModel,
    letters: &'a dyn Letters,
    /// Structures that the brief's facts carry.
    possible: Vec<Structure>,
    /// The key offer as it is said.
    offer: Vec<String>,
    generation: Generation,
}

impl<'a> Desk<'a> {
    fn new(request: &'a DraftRequest<'a>, model: &'a dyn LanguageModel, letters: &'a dyn Letters) -> Self {
        Self {
            request,
            model,
            letters,
            possible: crate::copywriter::possible_structures(request.brief),
            offer: offer_texts(request.brief),
            generation: Generation::default(),
        }
    }

    /// Scripts accepted so far.
    fn accepted(&self) -> Vec<Script> {
        self.generation.scripts.iter().map(|draft| draft.script.clone()).collect()
    }

    /// Assignments without a script.
    fn open(&self) -> Vec<Assignment> {
        let taken = |number: u32| self.generation.scripts.iter().any(|draft| draft.number == number);
        self.request.assignments.iter().filter(|assignment| !taken(assignment.number)).copied().collect()
    }

    /// A structure that approaches from the assignment's side; the next possible one where the brief's
    /// facts carry none. Variants of one side take turns.
    fn structure_for(&self, assignment: &Assignment) -> Option<Structure> {
        let fitting: Vec<Structure> = self
            .possible
            .iter()
            .copied()
            .filter(|structure| angle_of(*structure) == assignment.direction.angle)
            .collect();
        let pool = if fitting.is_empty() { &self.possible } else { &fitting };
        let turn = (assignment.number as usize).saturating_sub(1);
        pool.get(turn % pool.len().max(1)).copied()
    }

    /// Openings that must not come again: of earlier generations, and of this one so far.
    fn used_openings(&self) -> Vec<String> {
        let mut used = self.request.avoid.to_vec();
        let own = self.generation.scripts.iter().filter_map(|draft| draft.script.lines.first());
        used.extend(own.map(|line| line.caption.clone()));
        used
    }

    /// Seed of what a language model samples: another one in every generation.
    fn model_seed(&self) -> u64 {
        Stream::new(self.request.seed, "drafting").bits(u64::from(self.request.generation))
    }

    /// Name of a call, as providers and databases know it.
    fn key(&self, name: &str) -> String {
        format!("{}/generation-{}/{name}", self.request.key_prefix, self.request.generation)
    }

    /// Asks the model; the call is noted whatever comes of it.
    async fn ask(
        &mut self,
        key: String,
        wishes: &[ScriptWish],
        revisions: &[Revision],
    ) -> Result<ProposedScripts, LanguageModelError> {
        let avoid = self.used_openings();
        let script_request = ScriptRequest {
            brief: self.request.brief,
            wishes,
            limits: line_limits(self.request.brief.locale),
            offer_phrases: &self.offer,
            cases: self.request.cases,
            lessons: self.request.lessons,
            parents: self.request.parents,
            avoid: &avoid,
            revisions,
            seed: self.model_seed(),
        };
        let answer = self.model.write(&script_request, &key).await;
        let mut call = Call {
            key,
            provider: self.model.provider().to_owned(),
            asked: wishes.len(),
            received: 0,
            prompt_hash: String::new(),
            tokens: [0, 0],
            cost: Micros::ZERO,
            error: None,
            fault: None,
        };
        match &answer {
            Ok(answer) => {
                call.received = answer.scripts.len();
                call.prompt_hash.clone_from(&answer.prompt_hash);
                call.tokens = answer.tokens;
                call.cost = answer.cost;
            }
            Err(error) => {
                tracing::warn!(
                    provider = call.provider, key = call.key, %error,
                    "the copy engine writes instead of the language model"
                );
                call.tokens = error.tokens();
                call.cost = error.cost();
                call.error = Some(error.to_string());
                call.fault = Some(error.kind());
            }
        }
        self.generation.calls.push(call);
        answer
    }
}

#[cfg(test)]
mod tests;
