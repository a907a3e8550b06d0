//! Classes of errors by the provider's code. Six codes share HTTP 429, so the status alone decides nothing.

use std::time::Duration;

use serde_json::Value;
use spotwright_core::ports::clip_source::{ClipError, ClipErrorKind};

use crate::http::{Answer, Effect, Http};
use crate::words::{bad_answer, is_policy};

/// Shortest wait after "too many tasks at once", as the provider advises.
const BUSY_WAIT: Duration = Duration::from_secs(1);

/// What a code means.
///
/// # Source
/// The vendor's page "Error codes".
pub(super) const fn kind_of(code: i64) -> Option<ClipErrorKind> {
    Some(match code {
        1_000..=1_004 => ClipErrorKind::Authentication,
        1_101 | 1_102 => ClipErrorKind::NoFunds,
        1_100 | 1_103 | 1_304 => ClipErrorKind::NotAllowed,
        1_200..=1_203 => ClipErrorKind::BadRequest,
        1_300 | 1_301 => ClipErrorKind::Policy,
        1_302 => ClipErrorKind::TooFast,
        1_303 => ClipErrorKind::Busy,
        5_000..=5_002 => ClipErrorKind::Unavailable,
        _ => return None,
    })
}

const fn kind_of_status(status: u16) -> ClipErrorKind {
    match status {
        401 => ClipErrorKind::Authentication,
        402 => ClipErrorKind::NoFunds,
        403 => ClipErrorKind::NotAllowed,
        408 | 425 | 500..=599 => ClipErrorKind::Unavailable,
        429 => ClipErrorKind::TooFast,
        400..=499 => ClipErrorKind::BadRequest,
        _ => ClipErrorKind::BadAnswer,
    }
}

/// The `data` of an answer whose code is 0, or the error that it is.
pub(super) fn data(http: &Http, answer: &Answer, effect: Effect) -> Result<Value, ClipError> {
    let began = effect == Effect::Begins;
    let body = answer.json();
    let code = body.as_ref().and_then(|body| body["code"].as_i64());
    let Some(mut body) = body.filter(Value::is_object) else {
        if answer.status.is_success() {
            return Err(ClipError { may_have_begun: began, ..bad_answer("the answer is no JSON object") });
        }
        return Err(failure(http, answer, None, &String::from_utf8_lossy(&answer.body), effect));
    };
    if answer.status.is_success() && code == Some(0) {
        return Ok(body["data"].take());
    }
    let words = body["message"].as_str().unwrap_or_default().to_owned();
    Err(failure(http, answer, code, &words, effect))
}

fn failure(http: &Http, answer: &Answer, code: Option<i64>, words: &str, effect: Effect) -> ClipError {
    let status = answer.status.as_u16();
    let kind = code.and_then(kind_of).unwrap_or_else(|| kind_of_status(status));
    let said = http.excerpt(words);
    let code = code.map_or_else(|| status.to_string(), |code| code.to_string());
    let message = if said.is_empty() { format!("error {code}") } else { format!("error {code}: {said}") };
    let own_wait = (kind == ClipErrorKind::Busy).then_some(BUSY_WAIT);
    ClipError {
        retry_after: answer.retry_after.or(own_wait),
        code: Some(code),
        // A server that broke down over a request may have taken it: "internal time-out, usually due to a
        // backlog" is one of these.
        may_have_begun: effect == Effect::Begins
            && matches!(kind, ClipErrorKind::Unavailable | ClipErrorKind::BadAnswer),
        ..ClipError::new(kind, message)
    }
}

/// The error of a task that failed, which comes in words only.
pub(super) fn of_task(http: &Http, words: &str) -> ClipError {
    let kind = if is_policy(words) { ClipErrorKind::Policy } else { ClipErrorKind::Failed };
    let said = http.excerpt(words);
    ClipError::new(kind, if said.is_empty() { "the task failed".to_owned() } else { said })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_of_the_table_has_a_class() {
        use ClipErrorKind::{
            Authentication, BadRequest, Busy, NoFunds, NotAllowed, Policy, TooFast, Unavailable,
        };
        for (codes, kind) in [
            (vec![1_000, 1_001, 1_002, 1_003, 1_004], Authentication),
            (vec![1_101, 1_102], NoFunds),
            (vec![1_100, 1_103, 1_304], NotAllowed),
            (vec![1_200, 1_201, 1_202, 1_203], BadRequest),
            (vec![1_300, 1_301], Policy),
            (vec![1_302], TooFast),
            (vec![1_303], Busy),
            (vec![5_000, 5_001, 5_002], Unavailable),
        ] {
            for code in codes {
                assert_eq!(kind_of(code), Some(kind), "{code}");
            }
        }
        assert_eq!(kind_of(9_999), None);
        assert_eq!(kind_of_status(429), TooFast);
    }
}
