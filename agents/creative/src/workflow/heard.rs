//! What a run has heard from people.

use std::borrow::Cow;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use spotwright_core::domain::run::{RunRequest, RunView};
use spotwright_core::domain::signal::{AskedQuestion, Signal};
use spotwright_core::domain::withdrawal::Untrue;
use spotwright_schemas::Problem;
use spotwright_schemas::error::Code;
use spotwright_schemas::ids::{SignalId, VariantId};

use super::state::AgentState;
use crate::clarify::{Answer, Question};
use crate::learn::Taught;
use crate::plan::Assignment;

/// Most signals that one run takes in: each is remembered, or it could not count once.
pub const MAX_SIGNALS: usize = 1_000;

/// What a run has heard from people, stored with its state.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Heard {
    /// The signals that were taken in, oldest first.
    pub signals: Vec<HeardSignal>,
    /// What was asked about the brief and waits, or has waited, for an answer.
    pub questions: Vec<Question>,
    /// What became of the questions, in the order of the answers.
    pub answers: Vec<Answer>,
    /// What was taught, oldest first.
    pub taught: Vec<Taught>,
    /// Scripts of the current generation that may be rendered.
    pub approved: Vec<VariantId>,
    /// Whether all further scripts are approved unseen.
    pub approves_all: bool,
    /// The highest number that a variant of the current generation has or will have.
    pub numbers: u32,
    /// How often scripts of the current generation were written anew.
    pub redrafts: u32,
    /// What is being written anew, the one under way first.
    pub redrafting: Vec<Redraft>,
    /// What product feeds have made untrue, oldest first: no script that says it is placed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub untrue: Vec<Untrue>,
    /// How many changes of products were taken in.
    #[serde(skip_serializing_if = "is_zero")]
    pub product_changes: u32,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde asks for")]
const fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// A signal that was taken in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HeardSignal {
    /// Its id.
    pub id: SignalId,
    /// The first half of the BLAKE3 of what it said, hexadecimal.
    pub digest: String,
}

/// Scripts that are written in the place of others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Redraft {
    /// Which one of its generation, from 1.
    pub number: u32,
    /// What is to be written.
    pub assignments: Vec<Assignment>,
}

impl Redraft {
    /// The key of its step.
    pub(super) fn key(&self, generation: u32) -> String {
        format!("g{generation}-r{}", self.number)
    }
}

/// The redraft that a step's key names; `None` for the first draft of a generation.
pub(super) fn redraft_of(key: &str) -> Option<u32> {
    key.split_once("-r").and_then(|(_, number)| number.parse().ok())
}

impl Heard {
    /// Whether nobody has said anything and nothing was asked.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        *self == Self::default()
    }

    /// Whether a signal was taken in before.
    ///
    /// # Errors
    /// [`Code::IdempotencyConflict`] when another one was, under the same id.
    pub(super) fn knows(&self, id: SignalId, signal: &Signal) -> Result<bool, Problem> {
        let Some(known) = self.signals.iter().find(|known| known.id == id) else { return Ok(false) };
        if known.digest == digest(signal) {
            return Ok(true);
        }
        let message = "another signal was told under this id; give every signal an id of its own";
        Err(Problem::new(Code::IdempotencyConflict, "id", message))
    }

    /// The questions that nobody has answered.
    pub(super) fn open_questions(&self) -> impl Iterator<Item = &Question> {
        self.questions
            .iter()
            .filter(|question| self.answers.iter().all(|answer| answer.question != question.id))
    }

    /// What was asked, and what became of it. `waiting` says whether answers are still taken.
    #[must_use]
    pub fn asked(&self, waiting: bool) -> Vec<AskedQuestion> {
        let asked = |question: &Question| {
            let answer = self.answers.iter().find(|answer| answer.question == question.id);
            AskedQuestion {
                id: question.id.clone(),
                field: question.field.clone(),
                text: question.text.clone(),
                default: question.default.clone(),
                closed: answer.is_some() || !waiting,
                answer: answer.and_then(|answer| answer.fact.as_ref()).map(|fact| fact.text.clone()),
            }
        };
        self.questions.iter().map(asked).collect()
    }

    /// Forgets what belongs to one generation only.
    pub(super) fn next_generation(&mut self) {
        self.approved.clear();
        self.numbers = 0;
        self.redrafts = 0;
        self.redrafting.clear();
    }
}

/// What tells a signal from another one.
pub(super) fn digest(signal: &Signal) -> String {
    // Plain data, whose writing cannot fail; an empty text would only make two signals look alike.
    let written = serde_json::to_vec(signal).unwrap_or_default();
    let hash = blake3::hash(&written).to_hex();
    hash.as_str().chars().take(32).collect()
}

impl AgentState {
    /// The run with what was answered in its copy of the brief.
    #[must_use]
    pub fn informed<'r>(&self, run: &'r RunView) -> Cow<'r, RunView> {
        let facts: Vec<_> = self.heard.answers.iter().filter_map(|answer| answer.fact.clone()).collect();
        if facts.is_empty() {
            return Cow::Borrowed(run);
        }
        let mut request = RunRequest::clone(&run.request);
        request.brief.product.facts.extend(facts);
        Cow::Owned(RunView { request: Arc::new(request), ..run.clone() })
    }
}
