//! Errors of these servers: by status first, then by words.

use serde_json::Value;
use spotwright_core::ports::clip_source::{ClipError, ClipErrorKind};

use crate::http::{Answer, Effect, Http};
use crate::words::{bad_answer, is_policy};

/// The JSON of an answer with a status of success, or the error that it is.
pub(super) fn json(http: &Http, answer: &Answer, effect: Effect) -> Result<Value, ClipError> {
    let body = answer.json();
    if answer.status.is_success() {
        let began = effect == Effect::Begins;
        let value = body.filter(Value::is_object);
        return value.ok_or_else(|| ClipError {
            may_have_begun: began,
            ..bad_answer("the answer is no JSON object")
        });
    }
    let text = String::from_utf8_lossy(&answer.body);
    let (code, words) = body.as_ref().map_or_else(|| (None, text.as_ref().to_owned()), said);
    let status = answer.status.as_u16();
    let kind = match status {
        401 => ClipErrorKind::Authentication,
        402 => ClipErrorKind::NoFunds,
        403 => ClipErrorKind::NotAllowed,
        404 | 410 if effect == Effect::None => ClipErrorKind::UnknownJob,
        404 | 405 => ClipErrorKind::NotAllowed,
        408 | 425 | 500..=599 => ClipErrorKind::Unavailable,
        // A queue that is full, and too many requests, look alike; one waits for either.
        429 if words.to_lowercase().contains("queue") => ClipErrorKind::Busy,
        429 => ClipErrorKind::TooFast,
        400..=499 if is_policy(&words) => ClipErrorKind::Policy,
        400..=499 => ClipErrorKind::BadRequest,
        _ => ClipErrorKind::BadAnswer,
    };
    let said = http.excerpt(&words);
    Err(ClipError {
        code: code.or_else(|| Some(status.to_string())),
        retry_after: answer.retry_after,
        may_have_begun: effect == Effect::Begins
            && matches!(kind, ClipErrorKind::Unavailable | ClipErrorKind::BadAnswer),
        ..ClipError::new(
            kind,
            if said.is_empty() { format!("status {status}") } else { format!("{status}: {said}") },
        )
    })
}

/// The error of a job that failed.
pub(super) fn of_job(http: &Http, job: &Value) -> ClipError {
    let (code, words) = said(&job["error"]);
    let kind = if is_policy(&words) { ClipErrorKind::Policy } else { ClipErrorKind::Failed };
    let said = http.excerpt(&words);
    let message = if said.is_empty() { "the job failed".to_owned() } else { said };
    ClipError { code, ..ClipError::new(kind, message) }
}

/// Code and words of `{error: {code, message}}`, `{error: "…"}`, `{detail: …}` and bare errors.
fn said(value: &Value) -> (Option<String>, String) {
    let error = if value["error"].is_null() { value } else { &value["error"] };
    let code = match &error["code"] {
        Value::String(code) => Some(code.clone()),
        Value::Number(code) => Some(code.to_string()),
        _ => None,
    };
    let words = match error {
        Value::String(words) => words.clone(),
        Value::Null => String::new(),
        other => ["message", "detail"]
            .into_iter()
            .find_map(|name| match &other[name] {
                Value::Null => None,
                Value::String(words) => Some(words.clone()),
                other => Some(other.to_string()),
            })
            .unwrap_or_else(|| other.to_string()),
    };
    (code, words)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn errors_of_every_shape_are_read() {
        let shapes = [
            json!({"error": {"code": 400, "message": "no"}}),
            json!({"error": "no"}),
            json!({"detail": "no"}),
            json!({"message": "no"}),
        ];
        for shape in shapes {
            assert_eq!(said(&shape).1, "no", "{shape}");
        }
        assert_eq!(said(&json!({"detail": [{"loc": ["seed"]}]})).1, r#"[{"loc":["seed"]}]"#);
        assert_eq!(said(&Value::Null), (None, String::new()));
    }
}
