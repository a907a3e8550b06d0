//! Outages, odd answers and thinking: the answer is used where there is one.

use std::time::Duration;

use serde_json::{Value, json};
use spotwright_core::ports::language_model::{LanguageModel, LanguageModelError};
use spotwright_llm::openai::{Options, RungMemory};

use super::{
    SCRIPTS, adapter, ask, brief, completion, failure, is_usable, ok, one_script, options, request, with,
};
use crate::quirk_server::{Answer, QuirkServer};

fn content(text: &str) -> Vec<Answer> {
    vec![ok(text)]
}

#[tokio::test]
async fn answers_are_found_behind_thinking_channels_and_other_objects() {
    let as_text = serde_json::to_string(SCRIPTS).unwrap();
    for text in [
        format!(
            "<|channel|>analysis<|message|>{{\"scripts\": []}}<|end|><|start|>assistant<|channel|>final<|message|>{SCRIPTS}<|return|>"
        ),
        format!("analysisThey want {{\"scripts\":[{{\"lines\":[]}}]}}.assistantfinal{SCRIPTS}"),
        format!("<thinking>maybe {{\"scripts\": []}}</thinking>\n{SCRIPTS}"),
        format!("[THINK]maybe {{\"a\":1}}[/THINK]{SCRIPTS}"),
        format!("{{\"type\":\"object\",\"properties\":{{\"scripts\":{{\"type\":\"array\"}}}}}}\n{SCRIPTS}"),
        format!("{{\"result\": {SCRIPTS}}}"),
        format!("<think>{SCRIPTS}</think>"),
        as_text,
        SCRIPTS.replace("]}]}", "],},],}"),
    ] {
        let outcome = ask(content(&text)).await;
        is_usable(&outcome);
        assert_eq!(outcome.asked.len(), 1, "{text}");
    }
}

#[tokio::test]
async fn rows_19_and_20_answers_filed_as_a_tool_call_or_as_thinking_are_used() {
    let object: Value = serde_json::from_str(SCRIPTS).unwrap();
    for message in [
        json!({"content": null, "tool_calls": [{"function": {"name": "scripts", "arguments": object}}]}),
        json!({"content": "", "tool_calls": [{"function": {"arguments": format!("```json\n{SCRIPTS}\n```\nDone.")}}]}),
        json!({"content": null, "function_call": {"arguments": SCRIPTS}}),
        json!({"content": null, "reasoning_content": format!("So I answer {SCRIPTS}")}),
        json!({"content": [SCRIPTS]}),
    ] {
        let outcome = ask(with(|body| body["choices"][0]["message"] = message.clone())).await;
        is_usable(&outcome);
        assert_eq!(outcome.asked.len(), 1, "{message}");
    }
}

#[tokio::test]
async fn half_a_surrogate_pair_spoils_no_answer() {
    let in_body = completion("CONTENT")
        .to_string()
        .replace("CONTENT", &format!("{} Enjoy \\ud83d", SCRIPTS.replace('"', "\\\"")));
    let outcome = ask(vec![Answer::new(200, in_body)]).await;
    is_usable(&outcome);
    let half = one_script()
        .replace("\"number\":1", "\"number\":2")
        .replace("\"Ready for a calm morning?\"", "\"Calm \\ud83d\"");
    let outcome = ask(content(&format!("{{\"scripts\":[{},{half}]}}", one_script()))).await;
    is_usable(&outcome);
    let proposed = outcome.result.unwrap();
    assert_eq!(proposed.scripts.len(), 1, "the script with half a sign is refused");
    assert!(proposed.refused[0].reason.contains("cannot be shown"), "{:?}", proposed.refused);
}

#[tokio::test]
async fn a_blank_body_is_asked_for_once_more() {
    let blank = || Answer::new(200, "\n\n \n");
    let outcome = ask(vec![blank(), ok(SCRIPTS)]).await;
    is_usable(&outcome);
    let outcome = ask(vec![blank(), blank(), ok(SCRIPTS)]).await;
    assert!(failure(&outcome).contains("blank"), "{}", failure(&outcome));
    assert_eq!(outcome.asked.len(), 2);
    let late = format!("\u{FEFF}\n\n\n{}", completion(SCRIPTS));
    is_usable(&ask(vec![Answer::new(200, late)]).await);
}

#[tokio::test]
async fn an_error_inside_the_choice_is_an_outage_unless_there_is_an_answer() {
    let broken = |text: &str| {
        let mut body = completion(text);
        body["choices"][0]["finish_reason"] = json!("error");
        body["choices"][0]["error"] = json!({"code": 502, "message": "upstream went away"});
        Answer::new(200, body.to_string())
    };
    let outcome = ask(vec![broken(""), ok(SCRIPTS)]).await;
    is_usable(&outcome);
    assert_eq!(outcome.asked.len(), 2);
    let outcome = ask(vec![broken(SCRIPTS)]).await;
    is_usable(&outcome);
    let outcome = ask(vec![broken("{\"scripts\":[{\"lines\":[{\"capt"), ok(SCRIPTS)]).await;
    is_usable(&outcome);
    assert_eq!(
        outcome.asked[1].body["messages"].as_array().unwrap().len(),
        2,
        "half an answer is not sent back"
    );
    let outcome = ask((0..40).map(|_| broken("")).collect()).await;
    assert!(matches!(outcome.result, Err(LanguageModelError::Unavailable(_))), "{:?}", outcome.result);
    assert!(failure(&outcome).contains("upstream went away"));
}

#[tokio::test]
async fn an_outage_inside_a_200_is_waited_for_as_it_asks() {
    let busy =
        json!({"error": {"code": 429, "message": "slow down", "metadata": {"retry_after_seconds": 0.2}}});
    let started = tokio::time::Instant::now();
    let outcome = ask(vec![Answer::new(200, busy.to_string()), ok(SCRIPTS)]).await;
    is_usable(&outcome);
    assert!(started.elapsed() >= Duration::from_millis(200), "{:?}", started.elapsed());
}

#[tokio::test]
async fn retry_after_is_obeyed_as_a_fraction_and_as_a_date() {
    for (headers, least) in [
        (vec![("retry-after", "0.3")], 300),
        (vec![("retry-after-ms", "200")], 200),
        (
            vec![("date", "Mon, 05 Jan 2026 10:00:03 GMT"), ("retry-after", "Mon, 05 Jan 2026 10:00:04 GMT")],
            1_000,
        ),
    ] {
        let mut busy = Answer::new(429, r#"{"error":{"message":"too many requests"}}"#);
        for (name, value) in headers {
            busy = busy.header(name, value);
        }
        let started = tokio::time::Instant::now();
        is_usable(&ask(vec![busy, ok(SCRIPTS)]).await);
        assert!(started.elapsed() >= Duration::from_millis(least), "{:?}", started.elapsed());
    }
    let too_long = Answer::new(503, "").header("retry-after", "3600");
    let outcome = ask(vec![too_long, ok(SCRIPTS)]).await;
    assert!(matches!(outcome.result, Err(LanguageModelError::Unavailable(_))));
}

#[tokio::test]
async fn a_server_that_was_waited_for_in_vain_is_not_waited_for_again_until_it_answers() {
    let mut answers: Vec<Answer> = (0..31).map(|_| Answer::new(503, "loading the model")).collect();
    answers.push(ok(SCRIPTS));
    answers.push(Answer::new(503, "busy"));
    answers.push(ok(SCRIPTS));
    let server = QuirkServer::start(answers).await;
    let model = adapter(options(&server), RungMemory::default());
    let brief = brief();
    let error = model.write(&request(&brief), "step-1").await.unwrap_err();
    assert!(error.to_string().contains("loading the model"), "{error}");
    assert_eq!(server.asked().len(), 30, "attempts have a bound");
    model.write(&request(&brief), "step-2").await.unwrap_err();
    assert_eq!(server.asked().len(), 31);
    model.write(&request(&brief), "step-3").await.unwrap();
    // It is back, so it is waited for again.
    model.write(&request(&brief), "step-4").await.unwrap();
    assert_eq!(server.asked().len(), 34);
}

#[tokio::test]
async fn an_answer_that_broke_off_is_asked_for_once_more() {
    let outcome = ask(vec![ok(SCRIPTS).broken_off(), ok(SCRIPTS)]).await;
    is_usable(&outcome);
    let outcome = ask(vec![ok(SCRIPTS).broken_off(), ok(SCRIPTS).broken_off(), ok(SCRIPTS)]).await;
    assert!(matches!(outcome.result, Err(LanguageModelError::Unavailable(_))), "{:?}", outcome.result);
    assert_eq!(outcome.asked.len(), 2);
    assert!(outcome.billed[1] >= 2 * 1024, "nobody can tell what was lost: {:?}", outcome.billed);
}

#[tokio::test]
async fn thinking_that_ate_the_answer_leaves_no_empty_turn_and_more_room() {
    let mut eaten = completion("");
    eaten["choices"][0]["finish_reason"] = json!("length");
    eaten["choices"][0]["message"]["reasoning_content"] = json!("Let me think about coffee.");
    let outcome = ask(vec![Answer::new(200, eaten.to_string()), ok(SCRIPTS)]).await;
    is_usable(&outcome);
    let turns = outcome.asked[1].body["messages"].as_array().unwrap();
    assert!(turns.iter().all(|turn| turn["content"] != "" && turn["role"] != "assistant"), "{turns:?}");
    assert_eq!(outcome.asked[1].body["max_tokens"], 2048);
    // What it needs is remembered, and reserved the next time.
    let server =
        QuirkServer::start(vec![Answer::new(200, eaten.to_string()), ok(SCRIPTS), ok(SCRIPTS)]).await;
    let model = adapter(options(&server), RungMemory::default());
    let (brief, before) = (brief(), model.quote(&request(&brief())));
    for key in ["step-1", "step-2"] {
        model.write(&request(&brief), key).await.unwrap();
    }
    assert_eq!(server.asked()[2].body["max_tokens"], 2048);
    assert!(model.quote(&request(&brief)) > before);
    let always = ask((0..3).map(|_| Answer::new(200, eaten.to_string())).collect()).await;
    assert!(failure(&always).contains("llm.max_output_tokens"), "{}", failure(&always));
}

#[tokio::test]
async fn whole_scripts_of_a_cut_off_answer_are_used() {
    let begun = format!("{{\"scripts\":[{},{{\"number\":2,\"lines\":[{{\"caption\":\"Slow", one_script());
    let mut cut = completion(&begun);
    cut["choices"][0]["finish_reason"] = json!("length");
    let outcome = ask(vec![Answer::new(200, cut.to_string())]).await;
    is_usable(&outcome);
}

#[tokio::test]
async fn patience_of_zero_means_one_attempt() {
    let server = QuirkServer::start(vec![Answer::new(503, ""), ok(SCRIPTS)]).await;
    let hasty = Options { patience: Duration::ZERO, ..options(&server) };
    adapter(hasty, RungMemory::default()).write(&request(&brief()), "step-1").await.unwrap_err();
    assert_eq!(server.asked().len(), 1);
}
