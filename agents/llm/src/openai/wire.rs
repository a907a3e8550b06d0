//! What is sent and what is read, with every field of the answer optional.
//!
//! Field shapes that were seen to differ between servers are read leniently: a field of another
//! type than expected counts as absent.

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::form::{Form, Rung, Stream, Thinking, TokenLimit};
use super::refusal::ServerError;
use super::{Options, Question};

/// A message of the conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Message {
    pub(super) role: &'static str,
    pub(super) content: String,
}

/// An unusable answer and what is wrong with it.
#[derive(Debug, Clone)]
pub(super) struct Repair {
    /// The answer, cut; empty where there was none.
    pub(super) answer: String,
    /// What is to be done about it.
    pub(super) instruction: String,
}

/// The messages of a question with its repairs. Turns of user and model alternate, none is empty.
pub(super) fn messages(question: &Question<'_>, repairs: &[Repair], form: Form) -> Vec<Message> {
    let mut rules = question.system.to_owned();
    if form.rung != Rung::JsonSchema {
        rules.push_str(&format!("\nThe answer is a JSON object of this JSON Schema: {}", question.schema));
    }
    let mut messages = if form.system_turn {
        vec![
            Message { role: "system", content: rules },
            Message { role: "user", content: question.user.to_owned() },
        ]
    } else {
        vec![Message { role: "user", content: format!("{rules}\n\n{}", question.user) }]
    };
    for repair in repairs {
        if form.echoes && !repair.answer.trim().is_empty() {
            messages.push(Message { role: "assistant", content: repair.answer.clone() });
            messages.push(Message { role: "user", content: repair.instruction.clone() });
        } else if let Some(last) = messages.last_mut() {
            last.content.push_str("\n\n");
            last.content.push_str(&repair.instruction);
        }
    }
    messages
}

/// Body of `POST /chat/completions`.
pub(super) fn body(
    options: &Options,
    question: &Question<'_>,
    messages: &[Message],
    form: Form,
    max_tokens: u32,
) -> Value {
    let mut body = Map::new();
    let mut put = |key: &str, value: Value| body.insert(key.to_owned(), value);
    put("model", json!(options.model));
    put("messages", json!(messages));
    match form.stream {
        Stream::Off => drop(put("stream", json!(false))),
        Stream::Unsaid => {}
        Stream::Plain => drop(put("stream", json!(true))),
        Stream::WithUsage => {
            put("stream", json!(true));
            put("stream_options", json!({"include_usage": true}));
        }
    }
    if form.temperature {
        put("temperature", json!(options.temperature));
    }
    match form.token_limit {
        TokenLimit::MaxTokens => drop(put("max_tokens", json!(max_tokens))),
        TokenLimit::MaxCompletionTokens => drop(put("max_completion_tokens", json!(max_tokens))),
        TokenLimit::Unsaid => {}
    }
    match form.thinking {
        Thinking::Unsaid | Thinking::GivenUp => {}
        Thinking::Flag => drop(put("enable_thinking", json!(false))),
        Thinking::Template => drop(put("chat_template_kwargs", json!({"enable_thinking": false}))),
        Thinking::Disabled => drop(put("thinking", json!({"type": "disabled"}))),
        Thinking::NoEffort => drop(put("reasoning_effort", json!("none"))),
    }
    match form.rung {
        Rung::JsonSchema => {
            let format = json!({"name": question.name, "strict": true, "schema": question.schema});
            put("response_format", json!({"type": "json_schema", "json_schema": format}));
        }
        Rung::ToolCall => {
            let function = json!({
                "name": question.name,
                "description": "Takes the answer.",
                "parameters": question.schema,
            });
            put("tools", json!([{"type": "function", "function": function}]));
            put("tool_choice", json!({"type": "function", "function": {"name": question.name}}));
        }
        Rung::JsonObject => drop(put("response_format", json!({"type": "json_object"}))),
        Rung::PlainText => {}
    }
    // What was configured counts more than what we would send.
    for (key, value) in &options.extra_body {
        body.insert(key.clone(), value.clone());
    }
    Value::Object(body)
}

/// What the first choice of an answer says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Reply {
    /// Where the asked JSON may stand, likeliest first: none is blank.
    pub(super) texts: Vec<String>,
    /// Whether the answer ended at its limit.
    pub(super) cut_off: bool,
    /// The model's words where it refuses.
    pub(super) refusal: Option<String>,
    /// What failed while the answer was written.
    pub(super) error: Option<ServerError>,
    /// Whether the body has a choice.
    pub(super) has_choice: bool,
    /// Characters of everything the model wrote.
    pub(super) chars: usize,
}

impl Reply {
    /// Reads a body.
    pub(super) fn of(body: &Value) -> Self {
        let error = error_in(body).map(|error| ServerError::from_value(&error));
        let choice = body.get("choices").and_then(Value::as_array).and_then(|choices| choices.first());
        let Some(choice) = choice.filter(|choice| choice.is_object()) else {
            return Self { error, ..Self::default() };
        };
        let message = choice.get("message").unwrap_or(&Value::Null);
        let field = |name: &str| message.get(name).and_then(text_of).unwrap_or_default();
        let call = message.pointer("/tool_calls/0/function/arguments");
        let call = call.or_else(|| message.pointer("/function_call/arguments")).map(arguments);
        let bare = choice.get("text").and_then(text_of).unwrap_or_default();
        let reason = finish_reason(choice).unwrap_or_default();
        let cut_off = reason == "length" || reason == "max_tokens";
        let mut texts = vec![field("content"), call.unwrap_or_default(), bare];
        let thought = [field("reasoning_content"), field("reasoning")].concat();
        let chars = texts.iter().chain([&thought]).map(|text| text.chars().count()).sum();
        texts.retain(|text| !text.trim().is_empty());
        // Some servers file the whole answer under thinking; half of a thought is no answer.
        if texts.is_empty() && !cut_off && !thought.trim().is_empty() {
            texts.push(thought);
        }
        let refusal = Some(field("refusal")).filter(|words| !words.trim().is_empty());
        let filtered =
            (reason == "content_filter").then(|| "the provider's filter held the answer back".to_owned());
        Self { texts, cut_off, refusal: refusal.or(filtered), error, has_choice: true, chars }
    }
}

/// The error inside a body that came with status 200: wrapped, bare, or in the first choice.
pub(super) fn error_in(body: &Value) -> Option<Value> {
    let says_something =
        |error: &&Value| !matches!(error, Value::Null | Value::Bool(false)) && *error != &json!("");
    if let Some(error) = body.get("error").filter(says_something) {
        return Some(error.clone());
    }
    if let Some(choice) = body.pointer("/choices/0") {
        if let Some(error) = choice.get("error").filter(says_something) {
            return Some(error.clone());
        }
        return (finish_reason(choice).as_deref() == Some("error"))
            .then(|| json!({"message": "the server gave up while it answered", "type": "server_error"}));
    }
    let has = |key: &str| body.get(key).is_some_and(|value| !value.is_null());
    let is_bare =
        body.get("object").is_some_and(|object| object == "error") || (has("message") && has("code"));
    (is_bare && !has("choices")).then(|| body.clone())
}

/// Why an answer ended; "null" and "" are how some servers write that there is no reason.
pub(super) fn finish_reason(choice: &Value) -> Option<String> {
    let reason = choice.get("finish_reason")?.as_str()?;
    (!reason.is_empty() && reason != "null").then(|| reason.to_owned())
}

/// A text, or the texts of a list of parts.
pub(super) fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Array(parts) => Some(
            parts.iter().filter_map(|part| part.as_str().or_else(|| part.get("text")?.as_str())).collect(),
        ),
        _ => None,
    }
}

/// Arguments of a tool call, which some servers send as an object instead of its text.
pub(super) fn arguments(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}
