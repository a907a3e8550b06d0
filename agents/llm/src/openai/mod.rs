//! Any OpenAI-compatible server, through async-openai.
//!
//! | Part | What it does |
//! |---|---|
//! | [`Chat`] | asks one [`Question`] with a JSON Schema, reads and repairs the answer |
//! | `form` | the form of the question, and the next one after a refusal |
//! | [`RungMemory`] | what was learned about (base URL, model) |
//! | `transport` | HTTP, the only retry layer, what an attempt is billed for |
//! | `stream` | answers that come as server-sent events |
//! | `hint` | what the user can change |
//!
//! Order of asking: `json_schema`, then a forced call of a function that takes the answer, then
//! `json_object`, then plain text, then the rules in the user's turn, then without optional fields. A refusal (400, 404, 422, and 500 where it speaks of it) that
//! names a feature changes that feature alone; a 400 or 422 that names nothing known goes down the
//! order. What works is remembered; what was changed without need is tried again once. The answer is
//! validated here whatever the server promised; an unusable one is sent back with the reason at most
//! [`Options::max_repairs`] times.
//!
//! Retries: outages (408, 425, 429, 5xx, failed connections, errors of that kind inside a 200) are
//! waited for as long as [`Options::patience`] allows, as the server asks by `Retry-After` or in
//! growing steps; a blank body and a broken answer are asked for once more; a timeout and an
//! exhausted quota are not repeated. A server that was waited for in vain is not waited for again
//! until it answers.
//!
//! Charging: every call carries the step's idempotency key as `Idempotency-Key`; further attempts
//! with other bodies append their number. Servers may ignore the header, therefore answers are also
//! kept in memory by key; across restarts the caller's step store is what prevents a second charge.
//! Counters are taken as the server writes them, of every attempt that has some; what a failed call
//! costs is part of its error.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use spotwright_core::ports::language_model::{
    LanguageModel, LanguageModelError, ProposedScripts, RefusedScript, ScriptRequest,
};
use spotwright_schemas::money::Micros;

use crate::answer::{self, Answer, AnswerError};
use crate::prompt::{EXAMPLE, Prompt};

mod bill;
mod chat;
mod form;
mod hint;
mod memory;
mod options;
mod refusal;
mod retry_after;
mod stream;
mod transport;
mod wire;

pub use bill::{Bill, Sum};
pub use chat::{Chat, Question, Rejection};
pub use form::Rung;
pub use memory::RungMemory;
pub use options::{ApiKey, Options, OptionsError, build_client, is_loopback};

/// Answers kept in memory so that a repeated step is not charged again.
const KEPT_ANSWERS: usize = 256;

/// The adapter. See the [module](self) for what it does.
pub struct OpenAi {
    chat: Chat,
    answered: Mutex<VecDeque<(String, ProposedScripts)>>,
}

impl fmt::Debug for OpenAi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenAi").field("options", self.chat.options()).finish_non_exhaustive()
    }
}

impl OpenAi {
    /// Joins options and HTTP client.
    ///
    /// # Errors
    /// [`OptionsError`] names the first option that is out of range.
    pub fn new(options: Options, http: reqwest::Client, memory: RungMemory) -> Result<Self, OptionsError> {
        Ok(Self { chat: Chat::new(options, http, memory)?, answered: Mutex::default() })
    }

    fn remembered(&self, key: &str) -> Option<ProposedScripts> {
        let answered = self.answered.lock().unwrap_or_else(PoisonError::into_inner);
        answered.iter().find(|(known, _)| known == key).map(|(_, proposals)| proposals.clone())
    }

    fn remember(&self, key: String, proposals: &ProposedScripts) {
        let mut answered = self.answered.lock().unwrap_or_else(PoisonError::into_inner);
        if answered.len() == KEPT_ANSWERS {
            answered.pop_front();
        }
        answered.push_back((key, proposals.clone()));
    }
}

/// The question that a prompt asks.
fn question(prompt: &Prompt) -> Question<'_> {
    Question {
        name: "scripts",
        system: &prompt.system,
        user: &prompt.user,
        schema: &prompt.schema,
        example: EXAMPLE,
    }
}

#[async_trait]
impl LanguageModel for OpenAi {
    fn provider(&self) -> &'static str {
        "openai"
    }

    fn repeatable(&self) -> bool {
        false
    }

    fn quote(&self, request: &ScriptRequest<'_>) -> Micros {
        self.chat.quote(&question(&Prompt::new(request)))
    }

    async fn write(
        &self,
        request: &ScriptRequest<'_>,
        idempotency_key: &str,
    ) -> Result<ProposedScripts, LanguageModelError> {
        let prompt = Prompt::new(request);
        let prompt_hash = prompt.hash();
        let answer_key = format!("{idempotency_key}/{prompt_hash}");
        if let Some(proposals) = self.remembered(&answer_key) {
            return Ok(proposals);
        }
        let model = self.chat.options().model.as_str();
        let bill = Bill::default();
        let read = |text: &str| answer::parse(text, request, model).map_err(Rejection::from);
        let outcome = self.chat.ask(&question(&prompt), idempotency_key, &bill, &read).await;
        let sum = bill.sum();
        let cost = self.chat.price(sum.tokens);
        tracing::info!(
            model,
            prompt.hash = prompt_hash,
            requests = sum.attempts,
            tokens_read = sum.tokens[0],
            tokens_written = sum.tokens[1],
            tokens_estimated = sum.estimated,
            cost_micros = cost.0,
            usable = outcome.is_ok(),
            "language model was asked"
        );
        match outcome {
            Ok(answer) => {
                let Answer { scripts, refused } = answer;
                let refused = refused
                    .into_iter()
                    .map(|refusal| RefusedScript { wish: refusal.wish, reason: refusal.to_string() })
                    .collect();
                let proposals = ProposedScripts { scripts, refused, prompt_hash, tokens: sum.tokens, cost };
                self.remember(answer_key, &proposals);
                Ok(proposals)
            }
            Err(error) if sum.tokens == [0, 0] => Err(error),
            Err(error) => Err(LanguageModelError::Billed {
                error: Box::new(error),
                prompt_hash,
                tokens: sum.tokens,
                cost,
            }),
        }
    }
}

impl From<AnswerError> for Rejection {
    fn from(error: AnswerError) -> Self {
        Self { is_blank: error == AnswerError::Blank, message: error.to_string() }
    }
}
