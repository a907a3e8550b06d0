//! What a server says about a failure, in whichever shape, and what it means.

use serde_json::Value;

/// Longest excerpt of a server's message in our own errors, in characters.
pub(super) const MAX_EXCERPT_CHARS: usize = 240;

/// How deep inside an error a wait is looked for.
const MAX_DEPTH: u32 = 4;

/// What a server says about a failure.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct ServerError {
    /// Message, cleaned of control characters and cut.
    pub(super) message: String,
    /// Code, type, parameter and status joined by spaces, lowercase.
    pub(super) labels: String,
    /// Numeric code, where there is one.
    pub(super) code: Option<u16>,
    /// Milliseconds to wait, where the body says so.
    pub(super) wait_ms: Option<u64>,
    /// Whether this is a page or plain text, which no such server writes by itself.
    pub(super) is_page: bool,
}

/// What a failure is about, as far as another form of the question cannot mend it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cause {
    Key,
    Quota,
    Model,
    Length,
    Content,
}

impl ServerError {
    /// Reads `{error: {...}}`, `{error: "..."}`, a bare error object, a list of one of them, or any
    /// text.
    pub(super) fn read(body: &[u8]) -> Self {
        match serde_json::from_slice::<Value>(body) {
            Ok(value) if value.is_object() || value.is_array() => Self::from_value(&value),
            Ok(value) => Self::from_value(&value),
            Err(_) => {
                let text = String::from_utf8_lossy(body);
                Self { message: excerpt(&text), is_page: true, ..Self::default() }
            }
        }
    }

    /// Reads an error, wrapped or bare.
    pub(super) fn from_value(value: &Value) -> Self {
        let mut error = value;
        while let Some(inner) = match error {
            Value::Array(list) => list.first(),
            Value::Object(object) => object.get("error").filter(|inner| !inner.is_null()),
            _ => None,
        } {
            error = inner;
        }
        let text = |key: &str| match error.get(key) {
            Some(Value::String(text)) => text.clone(),
            Some(Value::Number(number)) => number.to_string(),
            _ => String::new(),
        };
        let message = match error {
            Value::String(message) => message.clone(),
            _ => [text("message"), text("detail"), text("msg")]
                .into_iter()
                .find(|message| !message.is_empty())
                .unwrap_or_else(|| error.to_string()),
        };
        let labels = [text("code"), text("type"), text("param"), text("status")].join(" ");
        Self {
            message: excerpt(&message),
            labels: labels.to_lowercase(),
            code: text("code").parse().ok(),
            wait_ms: wait_ms(value, 0),
            is_page: false,
        }
    }

    /// Labels and message in lowercase.
    pub(super) fn lowercase(&self) -> String {
        format!("{} {}", self.labels, self.message.to_lowercase())
    }

    /// Whether the account has run out of money, which no waiting mends.
    pub(super) fn is_quota(&self) -> bool {
        self.cause() == Some(Cause::Quota)
    }

    /// What the failure is about, where the words tell.
    pub(super) fn cause(&self) -> Option<Cause> {
        let text = self.lowercase();
        let names = |words: &[&str]| words.iter().any(|word| text.contains(word));
        if names(&["insufficient_quota", "insufficient balance", "insufficient_balance", "billing", "credit"])
        {
            return Some(Cause::Quota);
        }
        if names(&["api key", "api_key", "apikey", "unauthorized", "authentication", "invalid token"]) {
            return Some(Cause::Key);
        }
        let missing =
            ["not found", "not_found", "not exist", "no such", "unknown", "not a valid", "invalid model"];
        if text.contains("model") && names(&missing) && !names(&["field", "parameter", "argument", "keyword"])
        {
            return Some(Cause::Model);
        }
        if names(&[
            "context length",
            "context_length",
            "context window",
            "maximum context",
            "prompt is too long",
        ]) {
            return Some(Cause::Length);
        }
        names(&[
            "content_policy",
            "content policy",
            "content_filter",
            "moderation",
            "flagged",
            "data_inspection",
        ])
        .then_some(Cause::Content)
    }

    /// Whether a failure that came without a telling status is one that waiting mends.
    pub(super) fn is_outage(&self) -> bool {
        match self.code {
            Some(408 | 425 | 429 | 500..=599) => !self.is_quota(),
            Some(400..=499) => false,
            _ => {
                let text = self.lowercase();
                let words = [
                    "rate limit",
                    "rate_limit",
                    "ratelimit",
                    "overload",
                    "server_error",
                    "server error",
                    "internal error",
                    "internal_error",
                    "unavailable",
                    "timeout",
                    "timed out",
                    "upstream",
                    "busy",
                    "too many requests",
                    "try again",
                    "bad gateway",
                ];
                !self.is_quota() && words.iter().any(|word| text.contains(word))
            }
        }
    }
}

/// How long an error asks to wait: `retry_after: 2`, `retry_after_ms: 300`, `retryDelay: "17s"`.
fn wait_ms(value: &Value, depth: u32) -> Option<u64> {
    if depth > MAX_DEPTH {
        return None;
    }
    match value {
        Value::Object(object) => object.iter().find_map(|(key, value)| {
            let key: String = key.to_lowercase().chars().filter(char::is_ascii_alphanumeric).collect();
            let scale = match key.as_str() {
                "retryafterms" => 1.0,
                "retryafter" | "retryafterseconds" | "retrydelay" => 1_000.0,
                _ => return wait_ms(value, depth + 1),
            };
            let number = match value {
                Value::Number(number) => number.as_f64(),
                Value::String(text) => text.trim().trim_end_matches('s').parse().ok(),
                _ => None,
            };
            number
                .filter(|n: &f64| n.is_finite() && (0.0..1e9).contains(n))
                .map(|n| (n * scale).ceil() as u64)
        }),
        Value::Array(list) => list.iter().find_map(|value| wait_ms(value, depth + 1)),
        _ => None,
    }
}

/// Cuts a foreign text to something that can stand in a log line.
pub(super) fn excerpt(text: &str) -> String {
    let clean = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    let cut: String = clean.take(MAX_EXCERPT_CHARS).collect();
    cut.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_of_every_shape_are_read() {
        for (body, message, code) in [
            (r#"{"error":{"message":"no","code":400,"type":"BadRequest"}}"#, "no", Some(400)),
            (r#"{"error":{"message":"no","code":"400","param":null}}"#, "no", Some(400)),
            (r#"{"object":"error","message":"no","type":"x","code":404}"#, "no", Some(404)),
            (r#"[{"error":{"code":400,"message":"no","status":"INVALID_ARGUMENT"}}]"#, "no", Some(400)),
            (r#"{"error":"no"}"#, "no", None),
            (r#"{"detail":"no"}"#, "no", None),
            ("<html>\n<b>no</b></html>", "<html> <b>no</b></html>", None),
            ("", "", None),
        ] {
            let error = ServerError::read(body.as_bytes());
            assert_eq!((error.message.as_str(), error.code), (message, code), "{body}");
        }
        assert!(ServerError::read(&[b'x'; 9000]).message.len() <= MAX_EXCERPT_CHARS);
    }

    #[test]
    fn causes_that_no_other_form_mends_are_told_apart() {
        for (message, cause) in [
            ("Incorrect API key provided", Some(Cause::Key)),
            ("You exceeded your billing limit", Some(Cause::Quota)),
            ("The model `x` does not exist", Some(Cause::Model)),
            ("This model's maximum context length is 4096 tokens", Some(Cause::Length)),
            ("flagged by our content policy", Some(Cause::Content)),
            ("unknown field `stream` for this model", None),
            ("Bad Request", None),
        ] {
            let error = ServerError { message: message.to_owned(), ..ServerError::default() };
            assert_eq!(error.cause(), cause, "{message}");
        }
    }

    #[test]
    fn waits_inside_errors_are_read() {
        for (body, wait) in [
            (r#"{"error":{"code":429,"metadata":{"retry_after_seconds":1.5}}}"#, Some(1_500)),
            (r#"{"error":{"details":[{"retryDelay":"17s"}]}}"#, Some(17_000)),
            (r#"{"retry_after_ms":"20"}"#, Some(20)),
            (r#"{"error":{"retry_after":-1}}"#, None),
            (r#"{"error":"busy"}"#, None),
        ] {
            assert_eq!(ServerError::read(body.as_bytes()).wait_ms, wait, "{body}");
        }
    }
}
