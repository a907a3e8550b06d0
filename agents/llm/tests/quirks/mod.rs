//! What the tests share: one request, and an adapter that asks a scripted server.

use std::time::Duration;

use serde_json::{Value, json};
use spotwright_core::ports::language_model::{LanguageModel, LanguageModelError, LineRequest, Proposals};
use spotwright_llm::openai::{ApiKey, OpenAi, Options, Rung, RungMemory, build_client};
use spotwright_schemas::brief::Brief;
use spotwright_schemas::money::Micros;
use spotwright_schemas::script::{Angle, Direction, Hook, Role};

use crate::quirk_server::{Answer, Asked, QuirkServer};

mod forms;
mod money;
mod outages;
mod streams;

pub(crate) const BRIEF: &str = include_str!("../data/morning-roast.yaml");
pub(crate) const LINES: &str =
    r#"{"lines":[{"caption":"Ready for a calm morning?","detail":"Smooth taste","rests_on":["smooth"]}]}"#;

pub(crate) fn brief() -> Brief {
    Brief::from_yaml(BRIEF.as_bytes()).unwrap()
}

pub(crate) fn request(brief: &Brief) -> LineRequest<'_> {
    LineRequest {
        brief,
        direction: Direction { angle: Angle::Benefit, hook: Hook::Question },
        role: Role::Hook,
        count: 3,
        max_chars: 40,
        inspiration: &[],
        avoid: &[],
        seed: 1,
    }
}

pub(crate) fn options(server: &QuirkServer) -> Options {
    Options {
        base_url: server.base_url.clone(),
        api_key: ApiKey::new("sk-very-secret").unwrap(),
        model: "test-model".to_owned(),
        input_price: Micros(1_000_000),
        output_price: Micros(4_000_000),
        retry_wait: Duration::ZERO,
        ..Options::default()
    }
}

pub(crate) fn adapter(options: Options, memory: RungMemory) -> OpenAi {
    rustls::crypto::ring::default_provider().install_default().ok();
    let client = build_client(&options.base_url, Duration::from_secs(10)).unwrap();
    OpenAi::new(options, client, memory).unwrap()
}

pub(crate) struct Outcome {
    /// What came of it; what a failure was billed is in `billed`.
    pub(crate) result: Result<Proposals, LanguageModelError>,
    /// Tokens that a failure was billed for.
    pub(crate) billed: [u64; 2],
    /// Everything the server was asked.
    pub(crate) asked: Vec<Asked>,
    /// The rung that the next call begins with.
    pub(crate) rung: Rung,
    /// The quote.
    pub(crate) quote: Micros,
}

pub(crate) async fn ask(answers: Vec<Answer>) -> Outcome {
    ask_server(QuirkServer::start(answers).await).await
}

pub(crate) async fn ask_server(server: QuirkServer) -> Outcome {
    let memory = RungMemory::default();
    let model = adapter(options(&server), memory.clone());
    let brief = brief();
    let request = request(&brief);
    let result = model.propose(&request, "step-1").await;
    let billed = result.as_ref().err().map_or([0, 0], LanguageModelError::tokens);
    let result = result.map_err(|error| error.reason().clone());
    let rung = memory.rung(&server.base_url, "test-model");
    Outcome { result, billed, asked: server.asked(), rung, quote: model.quote(&request) }
}

/// What a failed call says.
pub(crate) fn failure(outcome: &Outcome) -> String {
    outcome.result.as_ref().unwrap_err().to_string()
}

pub(crate) fn completion(content: &str) -> Value {
    json!({
        "id": "c", "object": "chat.completion", "created": 1, "model": "test-model",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": content}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 300, "completion_tokens": 40, "total_tokens": 340},
    })
}

pub(crate) fn ok(content: &str) -> Answer {
    Answer::new(200, completion(content).to_string())
}

pub(crate) fn with(change: impl FnOnce(&mut Value)) -> Vec<Answer> {
    let mut body = completion(LINES);
    change(&mut body);
    vec![Answer::new(200, body.to_string())]
}

pub(crate) fn is_usable(outcome: &Outcome) {
    let proposals = outcome.result.as_ref().unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(proposals.lines[0].caption, "Ready for a calm morning?");
    assert!(proposals.cost <= outcome.quote, "{:?} > {:?}", proposals.cost, outcome.quote);
}
