//! Any OpenAI-compatible server, through async-openai.
//!
//! Order of asking: `json_schema`, then `json_object`, then plain text. A step down happens only on
//! 400, 404 or 422 that names the feature, and on a second blank answer; never on 429, 5xx or
//! timeouts. What works is remembered per (base URL, model) in a [`RungMemory`]. The answer is
//! validated here whatever the server promised; an unusable one is sent back with the reason at
//! most [`Options::max_repairs`] times.
//!
//! Retries: [`transport`](self) holds the only layer. It waits for 429, 500, 502, 503, 504, 529 and
//! failed connections, follows `Retry-After` up to [`Options::max_retry_wait`], and never repeats a
//! timeout or an exhausted quota.
//!
//! Charging: every call carries the step's idempotency key as `Idempotency-Key`; repair turns,
//! whose bodies differ, append their number. Servers may ignore the header, therefore answers are
//! also kept in memory by key; across restarts the caller's step store is what prevents a second
//! charge. What a failed call cost is not part of the port's errors; it is written to the log.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_openai::config::OpenAIConfig;
use async_openai::error::OpenAIError;
use async_openai::traits::RequestOptionsBuilder;
use async_trait::async_trait;
use spotwright_core::ports::language_model::{LanguageModel, LanguageModelError, LineRequest, Proposals};
use spotwright_schemas::money::Micros;

use crate::answer::{self, AnswerError};
use crate::prompt::Prompt;

mod memory;
mod transport;
mod wire;

use memory::Settings;
pub use memory::{Rung, RungMemory};
use transport::{HttpFailure, RetryPolicy, ServerError, excerpt};
use wire::{Body, Completion, Message, Reply, Usage};

/// Answers kept in memory so that a repeated step is not charged again.
const KEPT_ANSWERS: usize = 256;

/// Tokens added to a prompt by the server's chat template, at most.
const TEMPLATE_TOKENS: u64 = 64;

/// Longest part of an unusable answer that is sent back for repair, in characters.
const MAX_ECHO_CHARS: usize = 2_000;

/// Longest repair instruction in bytes; the longest of [`AnswerError`] is far shorter.
const MAX_REPAIR_BYTES: u64 = 2_000;

/// A key of the provider. Neither `Debug` nor any error shows it.
#[derive(Clone)]
pub struct ApiKey(String);

impl ApiKey {
    /// Takes a key.
    ///
    /// # Errors
    /// [`OptionsError::ApiKey`] where it is longer than 4,096 bytes or holds anything but visible
    /// ASCII, which no header could carry. An empty key is accepted: local servers need none.
    pub fn new(key: impl Into<String>) -> Result<Self, OptionsError> {
        let key = key.into();
        if key.len() <= 4_096 && key.bytes().all(|b| b.is_ascii_graphic()) {
            return Ok(Self(key));
        }
        Err(OptionsError::ApiKey)
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiKey(redacted)")
    }
}

/// Settings of the adapter.
#[derive(Debug, Clone)]
pub struct Options {
    /// Base of the paths, e.g. `https://api.example.com/v1`.
    pub base_url: String,
    /// The provider's key.
    pub api_key: ApiKey,
    /// Model name as the server knows it; there is no default.
    pub model: String,
    /// Price of one million tokens read.
    pub input_price: Micros,
    /// Price of one million tokens written.
    pub output_price: Micros,
    /// Largest answer in tokens, 16–32,768; doubled once for an answer that was cut off.
    pub max_output_tokens: u32,
    /// Sampling temperature, 0–2.
    pub temperature: f32,
    /// Longest wait for one answer.
    pub request_timeout: Duration,
    /// Repair turns after an unusable answer, 0–2.
    pub max_repairs: u32,
    /// Attempts per call where waiting may help, 1–10.
    pub max_attempts: u32,
    /// Wait before the second attempt where the server names none; doubled each time.
    pub retry_wait: Duration,
    /// Longest wait that is accepted from a server's `Retry-After`.
    pub max_retry_wait: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            base_url: String::new(),
            api_key: ApiKey(String::new()),
            model: String::new(),
            input_price: Micros::ZERO,
            output_price: Micros::ZERO,
            max_output_tokens: 1_024,
            temperature: 0.9,
            request_timeout: Duration::from_mins(1),
            max_repairs: 2,
            max_attempts: 3,
            retry_wait: Duration::from_millis(500),
            max_retry_wait: Duration::from_secs(20),
        }
    }
}

/// Why options are not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OptionsError {
    /// Not an http(s) URL, or one with user name, query or fragment.
    #[error("llm.base_url must be an http or https URL without user name, query and fragment")]
    BaseUrl,
    /// Not usable in a header.
    #[error("llm.api_key must be at most 4096 visible ASCII characters")]
    ApiKey,
    /// Blank or too long.
    #[error("llm.model must be 1 to 200 characters")]
    Model,
    /// Outside the documented range.
    #[error("llm.{0} is out of range")]
    Range(&'static str),
    /// The HTTP client cannot be built.
    #[error("the HTTP client cannot be built: {0}")]
    Client(String),
}

/// Builds an HTTP client with a connect timeout of 10 s (or `timeout`, where shorter), without
/// redirects, which would carry the key elsewhere. A rustls provider must be installed.
///
/// # Errors
/// [`OptionsError::Client`].
pub fn build_client(timeout: Duration) -> Result<reqwest::Client, OptionsError> {
    reqwest::Client::builder()
        .timeout(timeout)
        .connect_timeout(timeout.min(Duration::from_secs(10)))
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .map_err(|error| OptionsError::Client(error.to_string()))
}

/// The adapter. See the [module](self) for what it does.
pub struct OpenAi {
    options: Options,
    client: async_openai::Client<OpenAIConfig>,
    memory: RungMemory,
    answered: Mutex<VecDeque<(String, Proposals)>>,
}

impl fmt::Debug for OpenAi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenAi").field("options", &self.options).finish_non_exhaustive()
    }
}

/// Why a call gave no reply.
enum CallFailure {
    /// The server refuses a feature that can be asked for otherwise.
    Feature(Feature, String),
    /// Everything else.
    Final(LanguageModelError),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Feature {
    ResponseFormat,
    TokenLimit,
    Temperature,
}

/// What the calls of one request read, wrote and cost.
#[derive(Debug, Clone, Copy, Default)]
struct Spent {
    tokens: [u64; 2],
    estimated: bool,
}

impl Spent {
    /// Adds what a call used. Missing counters are estimated from the characters; counters beyond
    /// what the limits allow are not believed and replaced by the estimate, too.
    fn add(&mut self, usage: Usage, bound: [u64; 2], sent: usize, received: usize) {
        // Four characters per token is the usual figure for English; never above the bound.
        let estimates = [sent, received].map(|chars| chars.div_ceil(4) as u64);
        for (idx, counter) in [usage.prompt_tokens, usage.completion_tokens].into_iter().enumerate() {
            let believed = counter.filter(|tokens| *tokens <= bound[idx]);
            self.estimated |= believed.is_none();
            self.tokens[idx] += believed.unwrap_or_else(|| estimates[idx].min(bound[idx]));
        }
    }
}

impl OpenAi {
    /// Joins options and HTTP client.
    ///
    /// # Errors
    /// [`OptionsError`] names the first option that is out of range.
    pub fn new(options: Options, http: reqwest::Client, memory: RungMemory) -> Result<Self, OptionsError> {
        check(&options)?;
        let policy = RetryPolicy {
            max_attempts: options.max_attempts,
            base_wait: options.retry_wait,
            max_wait: options.max_retry_wait,
            request_timeout: options.request_timeout,
        };
        // Every field is set, so nothing comes from environment variables.
        let config = OpenAIConfig::new()
            .with_api_base(options.base_url.trim_end_matches('/'))
            .with_api_key(options.api_key.0.clone())
            .with_org_id("")
            .with_project_id("");
        let service = {
            let http = http.clone();
            tower::service_fn(move |factory| transport::send(http.clone(), policy, factory))
        };
        let client = async_openai::Client::build(http, config).with_http_service(service);
        Ok(Self { options, client, memory, answered: Mutex::default() })
    }

    /// Most tokens that the call number `turn` (from 0) can read and write.
    fn bound(&self, prompt: &Prompt, turn: u32) -> [u64; 2] {
        let echo = (MAX_ECHO_CHARS * 4) as u64 + MAX_REPAIR_BYTES + TEMPLATE_TOKENS;
        let read = prompt.size_bytes() as u64 + TEMPLATE_TOKENS + u64::from(turn) * echo;
        [read, u64::from(self.options.max_output_tokens) * if turn == 0 { 1 } else { 2 }]
    }

    fn price(&self, tokens: [u64; 2]) -> Micros {
        let parts = tokens.map(i128::from);
        let total = parts[0] * i128::from(self.options.input_price.0)
            + parts[1] * i128::from(self.options.output_price.0);
        // Rounded up: a quote must stay an upper bound of what is charged.
        Micros(i64::try_from((total + 999_999) / 1_000_000).unwrap_or(i64::MAX))
    }

    fn remembered(&self, key: &str) -> Option<Proposals> {
        let answered = self.answered.lock().unwrap_or_else(PoisonError::into_inner);
        answered.iter().find(|(known, _)| known == key).map(|(_, proposals)| proposals.clone())
    }

    fn remember(&self, key: String, proposals: &Proposals) {
        let mut answered = self.answered.lock().unwrap_or_else(PoisonError::into_inner);
        if answered.len() == KEPT_ANSWERS {
            answered.pop_front();
        }
        answered.push_back((key, proposals.clone()));
    }

    /// One call with steps down until the server accepts the form of the question.
    async fn ask(
        &self,
        prompt: &Prompt,
        messages: &[Message],
        settings: &mut Settings,
        max_tokens: u32,
        key: &str,
    ) -> Result<Completion, LanguageModelError> {
        let mut switched_tokens = false;
        let mut step = 0;
        loop {
            let body = Body::new(
                &self.options.model,
                messages,
                prompt,
                *settings,
                self.options.temperature,
                max_tokens,
            );
            // Another body needs another key, or a server that honors keys would refuse it.
            let key = if step == 0 { key.to_owned() } else { format!("{key}-s{step}") };
            let (feature, message) = match self.call(&body, *settings, &key).await {
                Ok(completion) => {
                    self.memory.learn(&self.options.base_url, &self.options.model, *settings);
                    return Ok(completion);
                }
                Err(CallFailure::Final(error)) => return Err(error),
                Err(CallFailure::Feature(feature, message)) => (feature, message),
            };
            tracing::info!(?feature, rung = ?settings.rung, message, "server refuses a feature; asking otherwise");
            let refused = || LanguageModelError::Refused(message.clone());
            match feature {
                Feature::ResponseFormat => settings.rung = settings.rung.below().ok_or_else(refused)?,
                Feature::TokenLimit if !switched_tokens => {
                    switched_tokens = true;
                    settings.uses_completion_tokens = !settings.uses_completion_tokens;
                }
                Feature::Temperature if settings.sends_temperature => settings.sends_temperature = false,
                Feature::TokenLimit | Feature::Temperature => return Err(refused()),
            }
            step += 1;
        }
    }

    async fn call(&self, body: &Body<'_>, settings: Settings, key: &str) -> Result<Completion, CallFailure> {
        let chat = self.client.chat().header("Idempotency-Key", key).map_err(|_| {
            CallFailure::Final(LanguageModelError::Refused(
                "the idempotency key is no header value".to_owned(),
            ))
        })?;
        let completion: Completion = match chat.create_byot(body).await {
            Ok(completion) => completion,
            Err(error) => return Err(self.explain(error, settings)),
        };
        if let Some(error) = completion.error_value() {
            let error = ServerError::from_value(&error);
            return Err(self.explain_error_in_body(&error, settings));
        }
        Ok(completion)
    }

    fn explain(&self, error: OpenAIError, settings: Settings) -> CallFailure {
        let failure = match error {
            OpenAIError::Boxed(error) => match error.downcast::<HttpFailure>() {
                Ok(failure) => *failure,
                Err(error) => HttpFailure::Network(excerpt(&error.to_string())),
            },
            OpenAIError::JSONDeserialize(error, _) => HttpFailure::NotJson(error.to_string()),
            OpenAIError::InvalidArgument(message) => {
                return CallFailure::Final(LanguageModelError::Refused(excerpt(&message)));
            }
            other => HttpFailure::Network(excerpt(&other.to_string())),
        };
        let text = self.without_key(&failure.to_string());
        CallFailure::Final(match &failure {
            HttpFailure::Status { status, error } => {
                return Self::explain_status(status.as_u16(), error, settings, text);
            }
            HttpFailure::Timeout(_) | HttpFailure::Network(_) => LanguageModelError::Unavailable(text),
            HttpFailure::TooLarge | HttpFailure::NotJson(_) => LanguageModelError::Unusable(text),
        })
    }

    fn explain_status(status: u16, error: &ServerError, settings: Settings, text: String) -> CallFailure {
        if error.is_quota() {
            return CallFailure::Final(LanguageModelError::Refused(text));
        }
        CallFailure::Final(match status {
            400 | 404 | 422 => match named_feature(error, settings) {
                Some(feature) => return CallFailure::Feature(feature, text),
                None => LanguageModelError::Refused(text),
            },
            408 | 425 | 429 | 500.. => LanguageModelError::Unavailable(text),
            _ => LanguageModelError::Refused(text),
        })
    }

    /// An error that came with status 200.
    fn explain_error_in_body(&self, error: &ServerError, settings: Settings) -> CallFailure {
        let text = self.without_key(&format!("error with status 200: {}", error.message));
        if let Some(status) = error.code.filter(|code| (400..600).contains(code)) {
            return Self::explain_status(status, error, settings, text);
        }
        CallFailure::Final(if error.is_quota() || error.labels.contains("auth") {
            LanguageModelError::Refused(text)
        } else if ["rate", "overload", "server_error", "unavailable", "timeout"]
            .iter()
            .any(|word| error.labels.contains(word))
        {
            LanguageModelError::Unavailable(text)
        } else {
            LanguageModelError::Unusable(text)
        })
    }

    /// Some servers quote the key in their message.
    fn without_key(&self, text: &str) -> String {
        match self.options.api_key.0.as_str() {
            key if key.len() >= 4 => text.replace(key, "[key]"),
            _ => text.to_owned(),
        }
    }

    async fn converse(
        &self,
        request: &LineRequest<'_>,
        prompt: &Prompt,
        key: &str,
        spent: &mut Spent,
    ) -> Result<answer::Answer, LanguageModelError> {
        let mut settings = self.memory.begin(&self.options.base_url, &self.options.model);
        let mut messages = vec![
            Message { role: "system", content: prompt.system.clone() },
            Message { role: "user", content: prompt.user.clone() },
        ];
        let mut max_tokens = self.options.max_output_tokens;
        let mut blank_answers = 0;
        for turn in 0.. {
            let key = if turn == 0 { key.to_owned() } else { format!("{key}-r{turn}") };
            let sent: usize = messages.iter().map(|message| message.content.chars().count()).sum();
            let completion = self.ask(prompt, &messages, &mut settings, max_tokens, &key).await?;
            let reply = completion.reply();
            let received = reply.as_ref().map_or(0, |reply| reply.text.chars().count());
            let usage = completion.usage.unwrap_or_default();
            spent.add(usage, self.bound(prompt, turn), sent, received);
            let reply =
                reply.ok_or_else(|| LanguageModelError::Unusable("the answer holds no choice".to_owned()))?;
            let error = match self.judge(&reply, request)? {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            tracing::info!(turn, rung = ?settings.rung, %error, "answer cannot be used");
            if turn >= self.options.max_repairs {
                return Err(LanguageModelError::Unusable(error.to_string()));
            }
            if error == AnswerError::Blank && !reply.cut_off {
                // Blank once: ask the same again. Blank twice: this rung does not work here.
                blank_answers += 1;
                if blank_answers >= 2 {
                    settings.rung = settings.rung.below().unwrap_or(Rung::PlainText);
                }
                continue;
            }
            if reply.cut_off {
                max_tokens = self.options.max_output_tokens * 2;
            }
            messages.extend(repair_turn(&reply, &error));
        }
        Err(LanguageModelError::Unusable("no answer".to_owned()))
    }

    /// The usable lines, or why there are none; the outer error ends the conversation.
    fn judge(
        &self,
        reply: &Reply,
        request: &LineRequest<'_>,
    ) -> Result<Result<answer::Answer, AnswerError>, LanguageModelError> {
        if reply.refused {
            return Err(LanguageModelError::Unusable("the model refuses to answer".to_owned()));
        }
        Ok(answer::parse(&reply.text, request, &self.options.model))
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

    fn quote(&self, request: &LineRequest<'_>) -> Micros {
        let prompt = Prompt::new(request);
        let mut tokens = [0, 0];
        for turn in 0..=self.options.max_repairs {
            let bound = self.bound(&prompt, turn);
            tokens = [tokens[0] + bound[0], tokens[1] + bound[1]];
        }
        self.price(tokens)
    }

    async fn propose(
        &self,
        request: &LineRequest<'_>,
        idempotency_key: &str,
    ) -> Result<Proposals, LanguageModelError> {
        let prompt = Prompt::new(request);
        let prompt_hash = prompt.hash();
        let answer_key = format!("{idempotency_key}/{prompt_hash}");
        if let Some(proposals) = self.remembered(&answer_key) {
            return Ok(proposals);
        }
        let mut spent = Spent::default();
        let outcome = self.converse(request, &prompt, idempotency_key, &mut spent).await;
        let cost = self.price(spent.tokens);
        tracing::info!(
            model = self.options.model,
            prompt.hash = prompt_hash,
            tokens_read = spent.tokens[0],
            tokens_written = spent.tokens[1],
            tokens_estimated = spent.estimated,
            cost_micros = cost.0,
            usable = outcome.is_ok(),
            "language model was asked"
        );
        let answer = outcome?;
        let proposals = Proposals { lines: answer.lines, prompt_hash, tokens: spent.tokens, cost };
        self.remember(answer_key, &proposals);
        Ok(proposals)
    }
}

/// The unusable answer and what is wrong with it. The reason is our own wording; the answer goes
/// back as the model's own turn.
fn repair_turn(reply: &Reply, error: &AnswerError) -> [Message; 2] {
    let echo: String = reply.text.chars().take(MAX_ECHO_CHARS).collect();
    let shorter = if reply.cut_off { " Keep it short." } else { "" };
    let content = format!(
        "This answer cannot be used: {error}. Answer again with one JSON object \
         {{\"lines\":[{{\"caption\":\"...\",\"detail\":\"...\",\"rests_on\":[\"fact id\"]}}]}} \
         that follows every rule, and nothing else.{shorter}"
    );
    [Message { role: "assistant", content: echo }, Message { role: "user", content }]
}

/// The feature that a refusal names, if it was part of the question.
fn named_feature(error: &ServerError, settings: Settings) -> Option<Feature> {
    let text = format!("{} {}", error.labels, error.message.to_lowercase());
    let names = |words: &[&str]| words.iter().any(|word| text.contains(word));
    if names(&["max_tokens", "max_completion_tokens"]) {
        return Some(Feature::TokenLimit);
    }
    if settings.rung != Rung::PlainText
        && names(&[
            "response_format",
            "response format",
            "json_schema",
            "json_object",
            "json schema",
            "structured output",
        ])
    {
        return Some(Feature::ResponseFormat);
    }
    (settings.sends_temperature && names(&["temperature"])).then_some(Feature::Temperature)
}

fn check(options: &Options) -> Result<(), OptionsError> {
    let url = reqwest::Url::parse(&options.base_url).map_err(|_| OptionsError::BaseUrl)?;
    let plain = url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none();
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() || !plain {
        return Err(OptionsError::BaseUrl);
    }
    if options.model.trim().is_empty() || options.model.chars().count() > 200 {
        return Err(OptionsError::Model);
    }
    let in_range = [
        ("input_price", options.input_price.0 >= 0),
        ("output_price", options.output_price.0 >= 0),
        ("max_output_tokens", (16..=32_768).contains(&options.max_output_tokens)),
        ("temperature", (0.0..=2.0).contains(&options.temperature)),
        ("request_timeout", !options.request_timeout.is_zero()),
        ("max_repairs", options.max_repairs <= 2),
        ("max_attempts", (1..=10).contains(&options.max_attempts)),
    ];
    match in_range.into_iter().find(|(_, fits)| !fits) {
        Some((name, _)) => Err(OptionsError::Range(name)),
        None => Ok(()),
    }
}
