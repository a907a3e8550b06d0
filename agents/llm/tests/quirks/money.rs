//! What the provider bills is what is reported, whatever came of the call.

use serde_json::{Value, json};
use spotwright_core::ports::language_model::{LanguageModel, LanguageModelError};
use spotwright_llm::openai::RungMemory;
use spotwright_schemas::money::Micros;

use super::{SCRIPTS, adapter, ask, brief, completion, ok, options, request, with};
use crate::quirk_server::{Answer, QuirkServer};

/// At the prices of the tests: one micro per token read, four per token written.
fn cost(tokens: [u64; 2]) -> Micros {
    Micros(i64::try_from(tokens[0] + 4 * tokens[1]).unwrap())
}

#[tokio::test]
async fn unusable_answers_are_billed_with_the_error() {
    let server = QuirkServer::start((0..3).map(|_| ok("I cannot decide.")).collect()).await;
    let model = adapter(options(&server), RungMemory::default());
    let failed = model.write(&request(&brief()), "step-1").await.unwrap_err();
    assert!(matches!(failed.reason(), LanguageModelError::Unusable(_)), "{failed:?}");
    assert_eq!(failed.tokens(), [900, 120], "three answers");
    assert_eq!(failed.cost(), cost([900, 120]));
}

#[tokio::test]
async fn counters_above_the_limit_are_what_is_billed() {
    let usage = json!({"prompt_tokens": 900, "completion_tokens": 9000, "total_tokens": 9900,
        "completion_tokens_details": {"reasoning_tokens": 8900}});
    let outcome = ask(with(|body| body["usage"] = usage)).await;
    let proposals = outcome.result.unwrap();
    assert_eq!((proposals.tokens, proposals.cost), ([900, 9000], cost([900, 9000])));
    // Thinking that only the total counts.
    let usage = json!({"prompt_tokens": 300, "completion_tokens": 40, "total_tokens": 1340});
    let outcome = ask(with(|body| body["usage"] = usage)).await;
    assert_eq!(outcome.result.unwrap().tokens, [300, 1040]);
}

#[tokio::test]
async fn every_attempt_of_a_call_is_on_its_bill() {
    let with_usage = |mut body: Value, tokens: [u64; 2]| {
        body["usage"] = json!({"prompt_tokens": tokens[0], "completion_tokens": tokens[1]});
        body
    };
    let busy = with_usage(json!({"error": {"message": "overloaded", "code": 503}}), [7, 0]);
    let refused = with_usage(json!({"error": {"message": "response_format is not supported"}}), [11, 0]);
    let half = {
        let mut body = with_usage(completion(""), [300, 500]);
        body["choices"][0]["finish_reason"] = json!("error");
        body
    };
    let nonsense = with_usage(completion("no"), [310, 2]);
    let outcome = ask(vec![
        Answer::new(200, busy.to_string()),
        Answer::new(400, refused.to_string()),
        Answer::new(200, half.to_string()),
        Answer::new(200, nonsense.to_string()),
        ok(SCRIPTS),
    ])
    .await;
    let proposals = outcome.result.unwrap();
    assert_eq!(proposals.tokens, [7 + 11 + 300 + 310 + 300, 500 + 2 + 40]);
    assert_eq!(proposals.cost, cost(proposals.tokens));
}

#[tokio::test]
async fn refusals_and_outages_without_counters_cost_nothing() {
    let outcome = ask(vec![Answer::new(401, r#"{"error":{"message":"no"}}"#)]).await;
    assert_eq!(outcome.billed, [0, 0]);
    let outcome = ask(vec![Answer::new(503, "")]).await;
    assert_eq!(outcome.billed, [0, 0]);
}
