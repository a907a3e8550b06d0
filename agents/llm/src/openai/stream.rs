//! Answers that come as server-sent events, joined to one completion.
//!
//! Some models answer as a stream only, and some servers stream whatever they are asked. What they
//! were seen to send is read: comments and pings, empty events, chunks without choices, a chunk with
//! the usage, finish reasons that are no reasons, parts of a tool call without numbers, errors inside
//! the stream.

use serde_json::{Map, Value, json};

use super::refusal::excerpt;
use super::wire;
use crate::extract::mend_surrogates;

/// Why a stream is no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum StreamError {
    /// It ended without a finish reason and without `[DONE]`.
    CutOff,
    /// An event is not one JSON value; holds the event.
    Malformed(String),
}

/// A stream's completion, as far as it came.
#[derive(Debug, Default)]
pub(super) struct Joined {
    /// A body like that of an answer in one piece.
    pub(super) body: Value,
    /// Why it is not to be used.
    pub(super) error: Option<StreamError>,
}

/// Whether a body is a stream, whatever was asked for.
pub(super) fn is_stream(content_type: &str, body: &str) -> bool {
    let text = body.trim_start();
    let begins_like_one = ["data:", ": ", "event:"].iter().any(|begin| text.starts_with(begin));
    !text.starts_with(['{', '[']) && (content_type.starts_with("text/event-stream") || begins_like_one)
}

#[derive(Default)]
struct Parts {
    content: String,
    reasoning: String,
    refusal: String,
    calls: Vec<Call>,
    finish: Option<String>,
    usage: Option<Value>,
    error: Option<Value>,
}

struct Call {
    name: (Option<u64>, Option<String>),
    arguments: String,
}

/// Joins the events of a stream.
pub(super) fn join(text: &str) -> Joined {
    let mut parts = Parts::default();
    let mut done = false;
    let mut error = None;
    for event in events(text) {
        let data = event.trim();
        if data == "[DONE]" {
            done = true;
            break;
        }
        if data.is_empty() || data == "null" || data.starts_with(':') {
            continue;
        }
        let Ok(chunk) = serde_json::from_str::<Value>(&mend_surrogates(data)) else {
            error = Some(StreamError::Malformed(excerpt(data)));
            break;
        };
        parts.add(&chunk);
    }
    if error.is_none() && !done && parts.finish.is_none() && parts.error.is_none() {
        error = Some(StreamError::CutOff);
    }
    Joined { body: parts.into_body(), error }
}

/// The data of every event; an event ends at a blank line.
fn events(text: &str) -> Vec<String> {
    let mut events = Vec::new();
    let mut open: Option<String> = None;
    for line in text.lines() {
        let line = line.trim_end_matches('\r');
        if line.is_empty() {
            events.extend(open.take());
        } else if let Some(data) = line.strip_prefix("data:") {
            let data = data.strip_prefix(' ').unwrap_or(data);
            match &mut open {
                // Servers that forget the blank line write whole values line by line.
                Some(before) if serde_json::from_str::<Value>(before).is_ok() || before == "[DONE]" => {
                    events.extend(open.replace(data.to_owned()));
                }
                Some(before) => {
                    before.push('\n');
                    before.push_str(data);
                }
                None => open = Some(data.to_owned()),
            }
        }
    }
    events.extend(open);
    events
}

impl Parts {
    fn add(&mut self, chunk: &Value) {
        if let Some(error) = wire::error_in(chunk) {
            self.error.get_or_insert(error);
        }
        if let Some(usage) = chunk.get("usage").filter(|usage| usage.is_object()) {
            self.usage = Some(usage.clone());
        }
        let choices = chunk.get("choices").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        for choice in
            choices.iter().filter(|choice| choice.get("index").and_then(Value::as_u64).unwrap_or(0) == 0)
        {
            let delta = choice.get("delta").or_else(|| choice.get("message")).unwrap_or(choice);
            let text = |names: &[&str]| {
                let found = names.iter().find_map(|name| wire::text_of(delta.get(*name)?));
                found.unwrap_or_default()
            };
            self.content += &text(&["content", "text"]);
            self.reasoning += &text(&["reasoning_content", "reasoning"]);
            self.refusal += &text(&["refusal"]);
            let calls = delta.get("tool_calls").and_then(Value::as_array);
            for (place, call) in calls.into_iter().flatten().enumerate() {
                self.add_call(place, call);
            }
            if let Some(reason) = wire::finish_reason(choice) {
                self.finish = Some(reason);
            }
        }
    }

    /// Adds a part of a tool call to the call it belongs to: by number, else by id, else the last.
    fn add_call(&mut self, place: usize, call: &Value) {
        let index = call.get("index").and_then(Value::as_u64);
        let id = call.get("id").and_then(Value::as_str).filter(|id| !id.is_empty()).map(str::to_owned);
        let arguments = call.pointer("/function/arguments").map(wire::arguments).unwrap_or_default();
        let known = match (index, &id) {
            (Some(_), _) => self.calls.iter().position(|known| known.name.0 == index),
            (None, Some(_)) => self.calls.iter().position(|known| known.name.1 == id),
            (None, None) => (place < self.calls.len()).then(|| self.calls.len() - 1),
        };
        match known {
            Some(at) => self.calls[at].arguments += &arguments,
            None => self.calls.push(Call { name: (index, id), arguments }),
        }
    }

    fn into_body(self) -> Value {
        let calls: Vec<Value> =
            self.calls.into_iter().map(|call| json!({"function": {"arguments": call.arguments}})).collect();
        let mut body = Map::new();
        body.insert(
            "choices".to_owned(),
            json!([{
                "message": {
                    "content": self.content,
                    "reasoning_content": self.reasoning,
                    "refusal": self.refusal,
                    "tool_calls": calls,
                },
                "finish_reason": self.finish,
            }]),
        );
        body.extend(self.usage.map(|usage| ("usage".to_owned(), usage)));
        body.extend(self.error.map(|error| ("error".to_owned(), error)));
        Value::Object(body)
    }
}
