//! One question that is answered in JSON: asked in the form the server accepts, waited for, read,
//! and repaired.
//!
//! Nothing here knows what is asked for: a [`Question`] brings its rules, its data and its JSON
//! Schema, and its asker says of every answer whether it can be used.

use std::time::Duration;

use async_openai::config::OpenAIConfig;
use async_openai::error::OpenAIError;
use async_openai::traits::RequestOptionsBuilder;
use serde_json::Value;
use spotwright_core::ports::language_model::LanguageModelError;
use spotwright_schemas::money::Micros;

use super::bill::Bill;
use super::form::Form;
use super::hint::{hint, named_extra_field};
use super::memory::{RungMemory, Start};
use super::options::{Options, OptionsError, check};
use super::refusal::{Cause, ServerError, excerpt};
use super::transport::{self, HttpFailure, Sending, is_outage};
use super::wire::{self, Repair, Reply};

/// Tokens added to a prompt by the server's chat template, at most.
const TEMPLATE_TOKENS: u64 = 64;

/// Longest part of an unusable answer that is sent back for repair, in characters.
const MAX_ECHO_CHARS: usize = 2_000;

/// Longest repair instruction in bytes.
const MAX_REPAIR_BYTES: u64 = 2_000;

/// A question.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// Name of the answer's schema, for servers that want one.
    pub name: &'a str,
    /// The rules.
    pub system: &'a str,
    /// What they are about.
    pub user: &'a str,
    /// JSON Schema of the answer.
    pub schema: &'a Value,
    /// The shape of an answer in short, shown again with a repair.
    pub example: &'a str,
}

/// Why an answer cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    /// In our own words, which are sent back to the model.
    pub message: String,
    /// Whether there was nothing to read.
    pub is_blank: bool,
}

/// Asks questions of one server and model. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Chat {
    options: Options,
    http: reqwest::Client,
    memory: RungMemory,
}

/// The form of one call as it changes.
struct Asking {
    start: Start,
    form: Form,
    /// Every change: form before, form after, whether the server named it.
    changes: Vec<(Form, Form, bool)>,
}

impl Chat {
    /// Joins options, HTTP client and what is known of servers.
    ///
    /// # Errors
    /// [`OptionsError`] names the first option that is out of range.
    pub fn new(options: Options, http: reqwest::Client, memory: RungMemory) -> Result<Self, OptionsError> {
        check(&options)?;
        Ok(Self { options, http, memory })
    }

    /// The options.
    #[must_use]
    pub const fn options(&self) -> &Options {
        &self.options
    }

    /// The most that a question costs, repairs included, at a server that keeps to its limits.
    #[must_use]
    pub fn quote(&self, question: &Question<'_>) -> Micros {
        // Every token of a byte-level vocabulary stands for at least one byte.
        let size = question.system.len() + question.user.len() + question.schema.to_string().len();
        let echo = (MAX_ECHO_CHARS * 4) as u64 + MAX_REPAIR_BYTES + TEMPLATE_TOKENS;
        let form = self.memory.form(&self.options.base_url, &self.options.model);
        let mut tokens = [0, 0];
        for turn in 0..=self.options.max_repairs {
            tokens[0] += size as u64 + TEMPLATE_TOKENS + u64::from(turn) * echo;
            tokens[1] += u64::from(self.limit(Form { roomy: form.roomy || turn > 0, ..form }));
        }
        self.price(tokens)
    }

    /// Largest answer in tokens.
    const fn limit(&self, form: Form) -> u32 {
        self.options.max_output_tokens.saturating_mul(if form.roomy { 2 } else { 1 })
    }

    /// What tokens read and written cost, rounded up.
    #[must_use]
    pub fn price(&self, tokens: [u64; 2]) -> Micros {
        let parts = tokens.map(i128::from);
        let total = parts[0] * i128::from(self.options.input_price.0)
            + parts[1] * i128::from(self.options.output_price.0);
        Micros(i64::try_from((total + 999_999) / 1_000_000).unwrap_or(i64::MAX))
    }

    /// Asks until `read` takes an answer, at most [`Options::max_repairs`] times more than once.
    /// Whatever the attempts are billed for is added to `bill`, also where there is no answer.
    ///
    /// # Errors
    /// [`LanguageModelError`] with the server's words and what to change; never `Billed`.
    pub async fn ask<T>(
        &self,
        question: &Question<'_>,
        key: &str,
        bill: &Bill,
        read: &(dyn Fn(&str) -> Result<T, Rejection> + Sync),
    ) -> Result<T, LanguageModelError> {
        let start = self.memory.begin(&self.options.base_url, &self.options.model);
        let mut asking = Asking { start, form: start.form, changes: Vec::new() };
        let mut repairs: Vec<Repair> = Vec::new();
        let mut blanks = 0;
        let mut turn = 0;
        loop {
            let key = if turn == 0 { key.to_owned() } else { format!("{key}-r{turn}") };
            let body = self.put(question, &repairs, &mut asking, &key, bill).await?;
            let reply = Reply::of(&body);
            if !reply.has_choice {
                return Err(self.explain(&HttpFailure::NoChoice(excerpt(&body.to_string()))));
            }
            let rejection = match judge(&reply, read)? {
                Ok(answer) => return Ok(answer),
                Err(rejection) => rejection,
            };
            tracing::info!(turn, rung = ?asking.form.rung, error = rejection.message, "answer cannot be used");
            if turn >= self.options.max_repairs {
                return Err(self.give_up(&reply, &rejection));
            }
            turn += 1;
            if reply.cut_off {
                asking.change(Form { roomy: true, ..asking.form }, true);
            }
            if reply.error.is_some() {
                continue;
            }
            if rejection.is_blank && !reply.cut_off {
                // Blank once: ask the same again. Blank twice: this rung does not work here.
                blanks += 1;
                if blanks >= 2 {
                    let rung = asking.form.rung.below().unwrap_or(asking.form.rung);
                    asking.change(Form { rung, ..asking.form }, true);
                }
                continue;
            }
            repairs.push(repair(question, &reply, &rejection));
        }
    }

    /// One answer, asked for in one form after the other until the server accepts it.
    async fn put(
        &self,
        question: &Question<'_>,
        repairs: &[Repair],
        asking: &mut Asking,
        key: &str,
        bill: &Bill,
    ) -> Result<Value, LanguageModelError> {
        let (url, model) = (&self.options.base_url, &self.options.model);
        let mut first: Option<HttpFailure> = None;
        let mut step = 0;
        loop {
            let messages = wire::messages(question, repairs, asking.form);
            let body = wire::body(&self.options, question, &messages, asking.form, self.limit(asking.form));
            // Another body needs another key, or a server that honors keys would refuse it.
            let key = if step == 0 { key.to_owned() } else { format!("{key}-s{step}") };
            step += 1;
            let failure = match self.call(&body, asking, &key, bill).await? {
                Ok(answer) => {
                    self.memory.learn(url, model, asking.form, asking.better());
                    return Ok(answer);
                }
                Err(failure) => failure,
            };
            if is_outage(&failure, asking.form) {
                if !matches!(failure, HttpFailure::Blank | HttpFailure::Broken(_)) {
                    self.memory.down(url, model);
                }
                return Err(self.explain(&failure));
            }
            let Some((error, may_guess)) = self.refusal(&failure) else {
                return Err(self.explain(&failure));
            };
            if let Some(proven) = asking.start.proven.take() {
                (asking.form, asking.start.form) = (proven, proven);
                asking.changes.clear();
                continue;
            }
            let echoed = messages.iter().any(|message| message.role == "assistant");
            let next = asking.form.after(error, echoed, may_guess && asking.start.may_guess);
            let Some(next) = next else {
                if may_guess {
                    self.memory.refused(url, model);
                }
                // What came first was said of the question as it is meant.
                return Err(self.explain(first.as_ref().unwrap_or(&failure)));
            };
            tracing::info!(
                named = next.named, form = ?next.form, message = self.options.api_key.hidden_in(&error.message),
                "server refuses the form of the question; asking otherwise"
            );
            asking.change(next.form, next.named);
            first.get_or_insert(failure);
        }
    }

    /// What a failure says where another form of the question may mend it, and whether forms may be
    /// tried that it does not name.
    fn refusal<'f>(&self, failure: &'f HttpFailure) -> Option<(&'f ServerError, bool)> {
        let (status, error) = match failure {
            HttpFailure::Status { status, error } => (Some(status.as_u16()), error),
            HttpFailure::InBody(error) => (error.code, error),
            _ => return None,
        };
        if matches!(error.cause(), Some(Cause::Key | Cause::Quota)) || matches!(status, Some(401..=403)) {
            return None;
        }
        // What was configured is never left out: it may be there for safety.
        if named_extra_field(error, &self.options).is_some() {
            return None;
        }
        match status {
            Some(400 | 422) => Some((error, error.cause().is_none())),
            Some(404 | 405 | 415 | 500 | 501) | None => Some((error, false)),
            _ => None,
        }
    }

    /// Sends one body; the outer error is one of our own.
    async fn call(
        &self,
        body: &Value,
        asking: &Asking,
        key: &str,
        bill: &Bill,
    ) -> Result<Result<Value, HttpFailure>, LanguageModelError> {
        let sending = Sending {
            base_wait: self.options.retry_wait,
            patience: if asking.start.is_down { Duration::ZERO } else { self.options.patience },
            request_timeout: self.options.request_timeout,
            answers: asking.start.answers,
            form: asking.form,
            sent: body.to_string().chars().count(),
            max_tokens: self.limit(asking.form),
            key: self.options.api_key.clone(),
            clock: self.options.clock.clone(),
            bill: bill.clone(),
        };
        // Every field is set, so nothing comes from environment variables.
        let config = OpenAIConfig::new()
            .with_api_base(self.options.base_url.trim_end_matches('/'))
            .with_api_key(self.options.api_key.0.clone())
            .with_org_id("")
            .with_project_id("");
        let http = self.http.clone();
        let service =
            tower::service_fn(move |factory| transport::send(http.clone(), sending.clone(), factory));
        let client = async_openai::Client::build(self.http.clone(), config).with_http_service(service);
        let chat = client.chat().header("Idempotency-Key", key);
        let chat = chat
            .map_err(|_| LanguageModelError::Refused("the idempotency key is no header value".to_owned()))?;
        let sent: Result<Value, OpenAIError> = chat.create_byot(body).await;
        Ok(sent.map_err(|error| match error {
            OpenAIError::Boxed(error) => match error.downcast::<HttpFailure>() {
                Ok(failure) => *failure,
                Err(error) => HttpFailure::Network(excerpt(&error.to_string())),
            },
            OpenAIError::JSONDeserialize(error, _) => HttpFailure::NotJson(error.to_string()),
            other => HttpFailure::Network(excerpt(&other.to_string())),
        }))
    }

    /// The server's words, and what to change.
    fn explain(&self, failure: &HttpFailure) -> LanguageModelError {
        let hint = hint(failure, &self.options);
        let join = if hint.is_empty() { "" } else { "; " };
        let text = self.options.api_key.hidden_in(&format!("{failure}{join}{hint}"));
        match failure {
            HttpFailure::Status { status, error } => match status.as_u16() {
                408 | 425 | 429 | 500.. if !error.is_quota() => LanguageModelError::Unavailable(text),
                _ => LanguageModelError::Refused(text),
            },
            HttpFailure::InBody(error) if error.is_outage() => LanguageModelError::Unavailable(text),
            HttpFailure::InBody(error) if error.cause().is_some() || error.code.is_some() => {
                LanguageModelError::Refused(text)
            }
            HttpFailure::Timeout(_) | HttpFailure::Network(_) | HttpFailure::Broken(_) => {
                LanguageModelError::Unavailable(text)
            }
            HttpFailure::InBody(_)
            | HttpFailure::TooLarge
            | HttpFailure::Blank
            | HttpFailure::NotJson(_)
            | HttpFailure::NoChoice(_) => LanguageModelError::Unusable(text),
        }
    }

    /// Why the last answer was not used either.
    fn give_up(&self, reply: &Reply, rejection: &Rejection) -> LanguageModelError {
        if let Some(error) = &reply.error {
            return self.explain(&HttpFailure::InBody(error.clone()));
        }
        let mut text = rejection.message.clone();
        if reply.cut_off {
            text.push_str(
                "; the answer was cut off at its limit: raise `llm.max_output_tokens`, or switch thinking off \
                 in `llm.extra_body`",
            );
        } else if let Some(words) = reply.texts.first() {
            let words: String = excerpt(words).chars().take(80).collect();
            text.push_str(&format!("; it begins: {words}"));
        }
        LanguageModelError::Unusable(self.options.api_key.hidden_in(&text))
    }
}

impl Asking {
    fn change(&mut self, form: Form, named: bool) {
        self.changes.push((self.form, form, named));
        self.form = form;
    }

    /// The form with what the server named and what was changed last, where other things were changed
    /// on the way: they may have been fine.
    fn better(&mut self) -> Option<Form> {
        let last = self.changes.len().checked_sub(1)?;
        let mut form = self.start.form;
        for (idx, (before, after, named)) in self.changes.drain(..).enumerate() {
            if named || idx == last {
                form = form.changed_as(before, after);
            }
        }
        // The call goes on from what works.
        self.start.form = self.form;
        (form != self.form).then_some(form)
    }
}

/// What `read` makes of a reply; the outer error ends the conversation.
fn judge<T>(
    reply: &Reply,
    read: &(dyn Fn(&str) -> Result<T, Rejection> + Sync),
) -> Result<Result<T, Rejection>, LanguageModelError> {
    let mut rejection = None;
    for text in &reply.texts {
        match read(text) {
            Ok(answer) => return Ok(Ok(answer)),
            Err(error) => rejection = rejection.or(Some(error)),
        }
    }
    if let Some(words) = &reply.refusal {
        let words = excerpt(words);
        return Err(LanguageModelError::Unusable(format!("the model refuses to answer: {words}")));
    }
    Ok(Err(
        rejection.unwrap_or_else(|| Rejection { message: "the answer is blank".to_owned(), is_blank: true })
    ))
}

/// The unusable answer and what to do. The reason is our own wording; the answer goes back as the
/// model's own turn.
fn repair(question: &Question<'_>, reply: &Reply, rejection: &Rejection) -> Repair {
    let answer = reply.texts.first().map(|text| text.chars().take(MAX_ECHO_CHARS).collect());
    let shorter = if reply.cut_off { " Think little and keep it short." } else { "" };
    let what = if answer.is_some() { "This answer" } else { "Your last answer" };
    let instruction = format!(
        "{what} cannot be used: {}. Answer again with one JSON object {} that follows every rule, and \
         nothing else.{shorter}",
        rejection.message, question.example,
    );
    Repair { answer: answer.unwrap_or_default(), instruction }
}
