//! What is sent and what is read, with every field of the answer optional.
//!
//! Field shapes that were seen to differ between servers are read leniently: a field of another
//! type than expected counts as absent.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Value, json};

use super::Rung;
use super::memory::Settings;
use crate::prompt::Prompt;

/// A message of the conversation.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Message {
    pub(super) role: &'static str,
    pub(super) content: String,
}

/// Body of `POST /chat/completions`.
#[derive(Debug, Serialize)]
pub(super) struct Body<'a> {
    model: &'a str,
    messages: &'a [Message],
    stream: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_completion_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_format: Option<Value>,
}

impl<'a> Body<'a> {
    pub(super) fn new(
        model: &'a str,
        messages: &'a [Message],
        prompt: &Prompt,
        settings: Settings,
        temperature: f32,
        max_tokens: u32,
    ) -> Self {
        let response_format = match settings.rung {
            Rung::JsonSchema => Some(json!({
                "type": "json_schema",
                "json_schema": {"name": "lines", "strict": true, "schema": prompt.schema},
            })),
            Rung::JsonObject => Some(json!({"type": "json_object"})),
            Rung::PlainText => None,
        };
        Self {
            model,
            messages,
            stream: false,
            temperature: settings.sends_temperature.then_some(temperature),
            max_tokens: (!settings.uses_completion_tokens).then_some(max_tokens),
            max_completion_tokens: settings.uses_completion_tokens.then_some(max_tokens),
            response_format,
        }
    }
}

/// An answer of a server; unknown fields are ignored.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Completion {
    #[serde(default, deserialize_with = "lenient")]
    pub(super) choices: Option<Vec<Value>>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) usage: Option<Usage>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) error: Option<Value>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) message: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) object: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) code: Option<Value>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) r#type: Option<String>,
}

/// Token counters; numbers may come as text or with decimals.
#[derive(Debug, Default, Clone, Copy, Deserialize)]
pub(super) struct Usage {
    #[serde(default, deserialize_with = "counter")]
    pub(super) prompt_tokens: Option<u64>,
    #[serde(default, deserialize_with = "counter")]
    pub(super) completion_tokens: Option<u64>,
}

#[derive(Debug, Default, Deserialize)]
struct Choice {
    #[serde(default, deserialize_with = "lenient")]
    message: Option<ChoiceMessage>,
    #[serde(default, deserialize_with = "lenient")]
    text: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    finish_reason: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
struct ChoiceMessage {
    #[serde(default, deserialize_with = "lenient")]
    content: Option<Value>,
    #[serde(default, deserialize_with = "lenient")]
    refusal: Option<String>,
}

/// The first choice of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reply {
    pub(super) text: String,
    pub(super) cut_off: bool,
    pub(super) refused: bool,
}

impl Completion {
    /// The error inside a body that came with status 200, wrapped or bare.
    pub(super) fn error_value(&self) -> Option<Value> {
        let is_bare = self.choices.is_none()
            && (self.object.as_deref() == Some("error") || (self.message.is_some() && self.code.is_some()));
        match &self.error {
            Some(Value::Null) | None => {
                is_bare.then(|| json!({"message": self.message, "code": self.code, "type": self.r#type}))
            }
            Some(Value::Bool(false)) => None,
            Some(error) => Some(error.clone()),
        }
    }

    /// The first choice; `None` where the server sent none.
    pub(super) fn reply(&self) -> Option<Reply> {
        let choice = Choice::deserialize(self.choices.as_ref()?.first()?).ok()?;
        let message = choice.message.unwrap_or_default();
        let text = match message.content {
            Some(Value::String(text)) => text,
            Some(Value::Array(parts)) => parts.iter().filter_map(|part| part.get("text")?.as_str()).collect(),
            _ => choice.text.unwrap_or_default(),
        };
        // "null" and "" are how some servers write that there is no reason.
        let reason = choice.finish_reason.unwrap_or_default();
        let refused =
            message.refusal.is_some_and(|refusal| !refusal.trim().is_empty()) || reason == "content_filter";
        Some(Reply { text, cut_off: reason == "length", refused })
    }
}

fn lenient<'de, D: Deserializer<'de>, T: DeserializeOwned>(deserializer: D) -> Result<Option<T>, D::Error> {
    let value = Value::deserialize(deserializer)?;
    Ok(if value.is_null() { None } else { serde_json::from_value(value).ok() })
}

fn counter<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    let number = match Value::deserialize(deserializer)? {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    Ok(number.filter(|n| n.is_finite() && *n >= 0.0).map(|n| n as u64))
}
