//! Servers and models that answer as a stream, asked for or not.

use serde_json::{Value, json};
use spotwright_core::ports::language_model::LanguageModelError;

use super::{SCRIPTS, ask, ask_server, failure, is_usable, ok};
use crate::quirk_server::{Answer, QuirkServer};

fn event(value: &Value) -> String {
    format!("data: {value}\n\n")
}

fn delta(delta: &Value, finish: &Value) -> Value {
    json!({"object": "chat.completion.chunk", "created": 1.5, "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]})
}

/// The lines in pieces, each a chunk whose finish reason is `finish`.
fn pieces(finish: &Value) -> String {
    SCRIPTS
        .as_bytes()
        .chunks(30)
        .map(|piece| event(&delta(&json!({"content": String::from_utf8_lossy(piece)}), finish)))
        .collect()
}

const USAGE: &str = "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":300,\"completion_tokens\":40}}\n\n";
const END: &str = "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n";

#[tokio::test]
async fn a_model_that_answers_streams_only_is_asked_for_one_and_that_is_remembered() {
    let refusal = json!({"error": {"message": "This model only supports stream mode, please enable the stream parameter"}});
    let server = QuirkServer::answering(9, move |asked| {
        Some(if asked.body["stream"] == json!(true) {
            Answer::stream(&format!("{}{END}{USAGE}data: [DONE]\n\n", pieces(&Value::Null)))
        } else {
            Answer::new(400, refusal.to_string())
        })
    })
    .await;
    let outcome = ask_server(server).await;
    is_usable(&outcome);
    assert_eq!(outcome.asked.len(), 2);
    assert_eq!(outcome.asked[1].body["stream_options"]["include_usage"], true);
    assert_eq!(outcome.result.unwrap().tokens, [300, 40]);
}

#[tokio::test]
async fn rows_1_2_6_7_13_and_14_odd_chunks_are_read_over() {
    let stream = [
        ": OPENROUTER PROCESSING\n\n",
        ": ping\n\n",
        "data: : OPENROUTER PROCESSING\n\n",
        "data:\n\n",
        "data: null\n\n",
        "event: ping\ndata: {}\n\n",
        "data: {\"choices\":[],\"prompt_filter_results\":[{}]}\n\n",
        "data: {\"choices\":null}\n\n",
        "data: {\"usage\":null}\n\n",
        &event(&delta(&json!({"role": "assistant", "content": null, "tool_calls": null}), &json!(""))),
        &event(&delta(&json!({"reasoning_content": "{\"scripts\":[]} hm"}), &json!("null"))),
        &pieces(&json!("")),
        &pieces(&json!("")).replace("\"index\":0", "\"index\":1"),
        END,
        USAGE,
        "data: [DONE]\n\n",
    ]
    .concat();
    // Streamed although an answer in one piece was asked for.
    let outcome = ask(vec![Answer::stream(&stream)]).await;
    is_usable(&outcome);
    assert_eq!(outcome.asked.len(), 1);
    let windows = stream.replace('\n', "\r\n");
    is_usable(&ask(vec![Answer::new(200, windows)]).await);
}

#[tokio::test]
async fn rows_3_17_and_18_tool_calls_in_parts_are_joined() {
    let (first, second) = SCRIPTS.split_at(40);
    let call = |call: Value| event(&delta(&json!({"tool_calls": [call]}), &Value::Null));
    for parts in [
        [
            json!({"index": 0, "function": {"arguments": first}}),
            json!({"index": 0, "function": {"arguments": second}}),
        ],
        [
            json!({"id": "a", "function": {"arguments": first}}),
            json!({"id": "a", "function": {"arguments": second}}),
        ],
        [json!({"id": "a", "function": {"arguments": first}}), json!({"function": {"arguments": second}})],
    ] {
        let stream: String = parts.into_iter().map(call).chain([END.to_owned()]).collect();
        let outcome = ask(vec![Answer::stream(&stream)]).await;
        is_usable(&outcome);
        assert_eq!(outcome.asked.len(), 1);
    }
}

#[tokio::test]
async fn row_12_an_error_inside_a_stream_is_no_empty_success() {
    let error =
        "event: error\ndata: {\"error\":{\"message\":\"overloaded\",\"code\":529},\"choices\":[]}\n\n";
    let outcome = ask(vec![Answer::stream(error), ok(SCRIPTS)]).await;
    is_usable(&outcome);
    let refused = "data: {\"object\":\"error\",\"message\":\"no such model\",\"code\":404}\n\n";
    let outcome = ask(vec![Answer::stream(refused)]).await;
    assert!(matches!(outcome.result, Err(LanguageModelError::Refused(_))), "{:?}", outcome.result);
}

#[tokio::test]
async fn rows_15_and_16_a_stream_that_ends_early_or_runs_together_is_a_failure() {
    let cut = format!("{}: ping\n\n", pieces(&Value::Null));
    let outcome = ask(vec![Answer::stream(&cut), Answer::stream(&cut)]).await;
    assert!(failure(&outcome).contains("no end"), "{}", failure(&outcome));
    assert!(outcome.billed[1] > 0, "what came is billed");
    let twice = format!(
        "data: {}{}\n\n",
        delta(&json!({"content": "a"}), &Value::Null),
        delta(&json!({"content": "b"}), &Value::Null)
    );
    let outcome = ask(vec![Answer::stream(&twice), Answer::stream(&twice)]).await;
    assert!(failure(&outcome).contains("not one JSON value"), "{}", failure(&outcome));
    let outcome = ask(vec![Answer::stream(&cut), ok(SCRIPTS)]).await;
    is_usable(&outcome);
}

#[tokio::test]
async fn a_stream_that_only_thinks_is_no_answer_and_one_that_thinks_first_is() {
    let thinks = event(&delta(&json!({"reasoning_content": "Let me think."}), &Value::Null));
    let first = format!("{thinks}{}{END}", pieces(&Value::Null));
    is_usable(&ask(vec![Answer::stream(&first)]).await);
    let only = format!("{thinks}data: {{\"choices\":[{{\"delta\":{{}},\"finish_reason\":\"length\"}}]}}\n\n");
    let outcome = ask(vec![Answer::stream(&only), ok(SCRIPTS)]).await;
    is_usable(&outcome);
    assert_eq!(outcome.asked[1].body["max_tokens"], 2048);
}
