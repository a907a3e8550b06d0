//! Refusals that teach: the next form down, remembered.

use serde_json::{Map, Value, json};
use spotwright_core::ports::language_model::{LanguageModel, LanguageModelError};
use spotwright_llm::extract::{ExtractError, candidates};
use spotwright_llm::openai::{Bill, Chat, Options, Question, Rejection, Rung, RungMemory, build_client};

use super::{SCRIPTS, adapter, ask, ask_server, brief, is_usable, ok, options, request};
use crate::quirk_server::{Answer, Asked, QuirkServer};

fn refusal(message: &str) -> Answer {
    Answer::new(400, json!({"error": {"message": message, "type": "invalid_request_error"}}).to_string())
}

/// A server that refuses with `message` what `refuses` says, and answers everything else.
async fn refusing(message: &'static str, refuses: fn(&Asked) -> bool) -> QuirkServer {
    QuirkServer::answering(60, move |asked| Some(if refuses(asked) { refusal(message) } else { ok(SCRIPTS) }))
        .await
}

fn format(asked: &Asked) -> &str {
    asked.body["response_format"]["type"].as_str().unwrap_or("")
}

fn has_system(asked: &Asked) -> bool {
    asked.body["messages"][0]["role"] == "system"
}

/// Asks twice and gives the number of requests that each call took.
async fn requests_of_two_calls(server: &QuirkServer) -> [usize; 2] {
    let model = adapter(options(server), RungMemory::default());
    let brief = brief();
    let mut counts = [0, 0];
    for (idx, key) in ["step-1", "step-2"].into_iter().enumerate() {
        let before = server.asked().len();
        model.write(&request(&brief), key).await.unwrap();
        counts[idx] = server.asked().len() - before;
    }
    counts
}

#[tokio::test]
async fn a_refused_schema_keyword_steps_down_whatever_its_words_and_is_remembered() {
    for message in [
        "Invalid schema: unsupported keyword 'maxItems'",
        "generation_config.response_schema: the name \"additionalProperties\" is not known here",
        "failed to compile the grammar: too many repetitions",
        "output_config: minLength is not permitted",
        "Invalid request",
    ] {
        let server = refusing(message, |asked| format(asked) == "json_schema").await;
        assert_eq!(requests_of_two_calls(&server).await, [2, 1], "{message}");
        let asked = server.asked();
        assert_eq!(asked[1].body["tool_choice"]["function"]["name"], "scripts");
        assert!(asked[1].body.get("response_format").is_none());
        let rules = asked[1].body["messages"][0]["content"].as_str().unwrap();
        assert!(
            rules.contains("\"additionalProperties\":false"),
            "the schema is in the prompt then: {rules}"
        );
    }
    // The error in a list, as one provider wraps it.
    let list = json!([{"error": {"code": 400, "message": "unknown name", "status": "INVALID_ARGUMENT"}}]);
    let outcome = ask(vec![Answer::new(400, list.to_string()), ok(SCRIPTS)]).await;
    is_usable(&outcome);
    assert_eq!(outcome.rung, Rung::ToolCall);
}

#[tokio::test]
async fn without_a_system_role_the_rules_stand_in_the_users_turn() {
    for message in
        ["this chat template has no system role", "Conversation roles must alternate user/assistant"]
    {
        let server = refusing(message, has_system).await;
        assert_eq!(requests_of_two_calls(&server).await, [2, 1], "{message}");
        let asked = server.asked();
        assert_eq!(asked[1].body["messages"].as_array().unwrap().len(), 1);
        assert_eq!(format(&asked[1]), "json_schema", "nothing else changes");
        let content = asked[1].body["messages"][0]["content"].as_str().unwrap();
        assert!(
            content.contains("You write video advertisements") && content.contains("<data>"),
            "{content}"
        );
    }
}

#[tokio::test]
async fn what_was_given_up_without_need_is_tried_again_once() {
    let server = refusing("Bad Request", has_system).await;
    // Down to plain text before the turn of the system goes; the second call asks by schema again.
    assert_eq!(requests_of_two_calls(&server).await, [5, 1]);
    let asked = server.asked();
    let formats: Vec<&str> = asked.iter().map(format).collect();
    assert_eq!(formats, ["json_schema", "", "json_object", "", "", "json_schema"]);
    assert!(!has_system(&asked[5]));

    let both = |asked: &Asked| has_system(asked) || format(asked) == "json_schema";
    let server = refusing("Bad Request", both).await;
    let model = adapter(options(&server), RungMemory::default());
    let brief = brief();
    for key in ["step-1", "step-2", "step-3"] {
        model.write(&request(&brief), key).await.unwrap();
    }
    assert_eq!(server.asked().len(), 5 + 2 + 1, "the attempt fails once and is not made again");
}

#[tokio::test]
async fn thinking_is_switched_off_where_it_must_be() {
    let on = |asked: &Asked| asked.body["enable_thinking"] != json!(false);
    let server = refusing("enable_thinking has to be false when the answer is not streamed", on).await;
    assert_eq!(requests_of_two_calls(&server).await, [2, 1]);
    let server = refusing("thinking is not possible with this format", |asked| {
        asked.body["thinking"]["type"] != "disabled"
    })
    .await;
    assert_eq!(requests_of_two_calls(&server).await, [2, 1]);
    // Configured by hand, nothing has to be learned.
    let server = refusing("enable_thinking has to be false", on).await;
    let extra_body: Map<String, Value> =
        [("enable_thinking".to_owned(), json!(false)), ("top_k".to_owned(), json!(20))].into_iter().collect();
    let model = adapter(Options { extra_body, ..options(&server) }, RungMemory::default());
    model.write(&request(&brief()), "step-1").await.unwrap();
    assert_eq!(server.asked().len(), 1);
    assert_eq!(server.asked()[0].body["top_k"], 20);
}

#[tokio::test]
async fn unknown_fields_are_left_out_and_configured_ones_never() {
    for (message, field) in [
        ("Unrecognized request argument supplied: temperature", "temperature"),
        ("Extra inputs are not permitted: stream", "stream"),
        ("invalid request", "stream"),
    ] {
        let server = QuirkServer::answering(20, move |asked| {
            Some(if asked.body.get(field).is_some() { refusal(message) } else { ok(SCRIPTS) })
        })
        .await;
        requests_of_two_calls(&server).await;
        let last = server.asked().pop().unwrap();
        assert!(last.body.get(field).is_none(), "{message}");
    }
    let server = refusing("unknown field `data_policy`", |_| true).await;
    let extra_body: Map<String, Value> = [("data_policy".to_owned(), json!("deny"))].into_iter().collect();
    let model = adapter(Options { extra_body, ..options(&server) }, RungMemory::default());
    let error = model.write(&request(&brief()), "step-1").await.unwrap_err().to_string();
    assert!(error.contains("llm.extra_body"), "{error}");
    assert!(server.asked().iter().all(|asked| asked.body["data_policy"] == "deny"));
    assert_eq!(server.asked().len(), 1);
}

#[tokio::test]
async fn a_server_that_refuses_every_form_is_asked_once_the_next_time() {
    let server = refusing("Bad Request", |_| true).await;
    let model = adapter(options(&server), RungMemory::default());
    let brief = brief();
    let first = model.write(&request(&brief), "step-1").await.unwrap_err();
    assert!(first.to_string().contains("Bad Request"), "{first}");
    let forms = server.asked().len();
    assert!((4..=8).contains(&forms), "{forms}");
    model.write(&request(&brief), "step-2").await.unwrap_err();
    assert_eq!(server.asked().len(), forms + 1);
}

#[tokio::test]
async fn a_server_error_that_speaks_of_the_schema_steps_down_without_waiting() {
    let error = json!({"error": {"code": 500, "message": "JSON schema conversion failed: unsupported"}});
    let outcome = ask(vec![Answer::new(500, error.to_string()), ok(SCRIPTS)]).await;
    is_usable(&outcome);
    assert_eq!(outcome.rung, Rung::ToolCall);
    let outcome = ask(vec![Answer::new(500, "oops"), ok(SCRIPTS)]).await;
    is_usable(&outcome);
    assert_eq!(outcome.rung, Rung::JsonSchema);
}

#[tokio::test]
async fn row_22_and_23_a_repair_goes_without_the_models_turn_where_that_is_refused() {
    let unusable = json!({"choices": [{"message": {
        "content": "I cannot decide.", "reasoning_content": "hm",
        "extra_content": {"google": {"thought_signature": "x"}},
    }, "finish_reason": "stop"}]})
    .to_string();
    for message in [
        "The `reasoning_content` in the thinking mode must be passed back to the API",
        "Function call is missing a thought_signature",
        "assistant turns are not accepted",
    ] {
        let unusable = unusable.clone();
        let server = QuirkServer::answering(9, move |asked| {
            let turns = asked.body["messages"].as_array().unwrap();
            Some(match turns.iter().any(|turn| turn["role"] == "assistant") {
                true => refusal(message),
                false if turns[1]["content"].as_str().unwrap().contains("cannot be used") => ok(SCRIPTS),
                false => Answer::new(200, unusable.clone()),
            })
        })
        .await;
        let outcome = ask_server(server).await;
        is_usable(&outcome);
        let last = outcome.asked.last().unwrap();
        assert_eq!(last.body["messages"].as_array().unwrap().len(), 2, "{message}");
    }
}

#[tokio::test]
async fn wrong_addresses_models_and_keys_are_named_with_what_to_change() {
    let ask_at = async |path: &str, answer: Answer| {
        let server = QuirkServer::start(vec![answer]).await;
        let base_url = server.base_url.replace("/v1", path);
        let model = adapter(Options { base_url, ..options(&server) }, RungMemory::default());
        let error = model.write(&request(&brief()), "step-1").await.unwrap_err();
        assert!(
            matches!(error, LanguageModelError::Refused(_) | LanguageModelError::Unusable(_)),
            "{error:?}"
        );
        assert_eq!(server.asked().len(), 1);
        error.to_string()
    };
    let missing = || Answer::new(404, "404 page not found");
    let said = ask_at("", missing()).await;
    assert!(said.contains("404 page not found") && said.contains("/v1`"), "{said}");
    let said = ask_at("/v1/chat/completions", missing()).await;
    assert!(said.contains("without `/chat/completions`"), "{said}");
    let said = ask_at("/", Answer::new(200, "<html>Welcome</html>")).await;
    assert!(said.contains("Welcome") && said.contains("/v1`"), "{said}");
    let model =
        json!({"error": {"message": "The model `test-model` does not exist", "code": "model_not_found"}});
    let said = ask_at("/v1", Answer::new(404, model.to_string())).await;
    assert!(said.contains("llm.model") && said.contains("/v1/models"), "{said}");
    let said = ask_at("/v1", Answer::new(401, "{}")).await;
    assert!(said.contains("llm.api_key"), "{said}");
    let broke =
        json!({"error": {"message": "You exceeded your current quota", "code": "insufficient_quota"}});
    let said = ask_at("/v1", Answer::new(429, broke.to_string())).await;
    assert!(said.contains("no money left"), "{said}");
    let absent = Options {
        base_url: "http://127.0.0.1:9/v1".to_owned(),
        ..options(&QuirkServer::start(vec![]).await)
    };
    let error = adapter(absent, RungMemory::default()).write(&request(&brief()), "step-1").await.unwrap_err();
    assert!(error.to_string().contains("http://127.0.0.1:9/v1"), "{error}");
}

#[tokio::test]
async fn any_question_with_a_schema_is_asked_repaired_and_billed_the_same_way() {
    let schema =
        json!({"type": "object", "required": ["scripts"], "properties": {"scripts": {"type": "array"}}});
    let question = Question {
        name: "scripts",
        system: "You write scripts.",
        user: "<data>{}</data>",
        schema: &schema,
        example: r#"{"scripts":[...]}"#,
    };
    let read = |text: &str| {
        let found = candidates(text, &["scripts"]).map_err(|error| Rejection {
            message: error.to_string(),
            is_blank: error == ExtractError::Blank,
        })?;
        let scripts = found[0]["scripts"].as_array().filter(|scripts| !scripts.is_empty());
        let scripts =
            scripts.ok_or_else(|| Rejection { message: "there is no script".to_owned(), is_blank: false })?;
        Ok(scripts.len())
    };
    let server = QuirkServer::start(vec![
        refusal("response_format is unknown here"),
        ok(r#"{"scripts":[]}"#),
        ok(r#"<think>{"scripts":[]}</think>{"scripts":[1,2]}"#),
    ])
    .await;
    let options = options(&server);
    rustls::crypto::ring::default_provider().install_default().ok();
    let http = build_client(&options.base_url, options.request_timeout).unwrap();
    let chat = Chat::new(options, http, RungMemory::default()).unwrap();
    let bill = Bill::default();
    assert_eq!(chat.ask(&question, "key", &bill, &read).await, Ok(2));
    assert_eq!(bill.sum().tokens, [600, 80]);
    assert!(chat.price(bill.sum().tokens) <= chat.quote(&question));
    let asked = server.asked();
    assert_eq!(asked[0].body["response_format"]["json_schema"]["name"], "scripts");
    assert!(asked[2].body["messages"][3]["content"].as_str().unwrap().contains("there is no script"));
}
