//! What the tests share: one request, and an adapter that asks a scripted server.

use std::time::Duration;

use serde_json::{Value, json};
use spotwright_core::ports::language_model::{
    LanguageModel, LanguageModelError, LineLimits, ProposedScripts, ScriptRequest, ScriptWish,
};
use spotwright_llm::openai::{ApiKey, OpenAi, Options, Rung, RungMemory, build_client};
use spotwright_schemas::brief::Brief;
use spotwright_schemas::money::Micros;
use spotwright_schemas::script::{Angle, Direction, Hook, Structure};

use crate::quirk_server::{Answer, Asked, QuirkServer};

mod forms;
mod money;
mod outages;
mod streams;

pub(crate) const BRIEF: &str = include_str!("../data/morning-roast.yaml");
pub(crate) const SCRIPTS: &str = r#"{"scripts":[{"number":1,"structure":"question_answer","idea":"Who fears the first sip finds it smooth","learned_from":"","primary_text":"Ready for a calm morning? Morning Roast, $12.50 for 250 g.","lines":[{"role":"hook","caption":"Ready for a calm morning?","detail":"Smooth taste","voice":"Ready for a calm morning?","picture":"a kettle","rests_on":["smooth"]},{"role":"body","caption":"Morning Roast, slow roasted","detail":"","voice":"","picture":"","rests_on":["roast"]},{"role":"proof","caption":"9 of 10 tasters drank a second cup","detail":"","voice":"","picture":"","rests_on":["panel"]},{"role":"cta","caption":"$12.50 for 250 g","detail":"20% off the first order","voice":"Order now.","picture":"","rests_on":["price","offer"]}]}]}"#;

/// Two wishes, of which [`SCRIPTS`] answers the first.
pub(crate) const WISHES: [ScriptWish; 2] = [
    ScriptWish {
        structure: Structure::QuestionAnswer,
        direction: Direction { angle: Angle::Benefit, hook: Hook::Question },
    },
    ScriptWish {
        structure: Structure::Demonstration,
        direction: Direction { angle: Angle::Proof, hook: Hook::Scene },
    },
];

/// The script of [`SCRIPTS`] alone.
pub(crate) fn one_script() -> &'static str {
    SCRIPTS.strip_prefix("{\"scripts\":[").and_then(|rest| rest.strip_suffix("]}")).unwrap()
}

pub(crate) fn brief() -> Brief {
    Brief::from_yaml(BRIEF.as_bytes()).unwrap()
}

pub(crate) fn request(brief: &Brief) -> ScriptRequest<'_> {
    ScriptRequest {
        brief,
        wishes: &WISHES,
        limits: LineLimits { hook: 48, inner: 56, close: 64, detail: 72, voice: 180, primary_text: 220 },
        offer_phrases: &[],
        cases: &[],
        lessons: &[],
        parents: &[],
        avoid: &[],
        revisions: &[],
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
        max_output_tokens: 1_024,
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
    pub(crate) result: Result<ProposedScripts, LanguageModelError>,
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
    let result = model.write(&request, "step-1").await;
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
    let mut body = completion(SCRIPTS);
    change(&mut body);
    vec![Answer::new(200, body.to_string())]
}

pub(crate) fn is_usable(outcome: &Outcome) {
    let proposals = outcome.result.as_ref().unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(proposals.scripts[0].lines[0].caption, "Ready for a calm morning?");
    assert!(proposals.cost <= outcome.quote, "{:?} > {:?}", proposals.cost, outcome.quote);
}
