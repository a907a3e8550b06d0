//! The HTTP path below async-openai: body limits, status codes and the only retry layer.
//!
//! async-openai retries by itself only in its default executor; installing this service replaces
//! that executor. A client error keeps its status here, where async-openai would lose it for
//! bodies that are not of OpenAI's own shape. Whatever an attempt says it used goes on the bill.

use std::sync::Arc;
use std::time::Duration;

use async_openai::error::OpenAIError;
use async_openai::middleware::HttpRequestFactory;
use reqwest::StatusCode;
use reqwest::header::CONTENT_TYPE;
use serde_json::Value;
use spotwright_core::ports::clock::Clock;
use spotwright_schemas::random::mix;

use super::bill::Bill;
use super::form::Form;
use super::options::ApiKey;
use super::refusal::{ServerError, excerpt};
use super::retry_after;
use super::stream::{self, StreamError};
use super::wire::Reply;
use crate::extract::mend_surrogates;

/// Largest body that is read, in bytes: the largest usable answer with every character escaped,
/// and room for a model's thinking.
pub(super) const MAX_BODY_BYTES: usize = 2 * 1024 * 1024;

/// Longest wait between two attempts where the server names none.
const MAX_OWN_WAIT: Duration = Duration::from_secs(15);

/// Attempts at a server that has never answered: its address is more likely wrong than it is away.
const UNKNOWN_SERVER_ATTEMPTS: u32 = 5;

/// Attempts of one call at most, however short the waits are.
const MAX_ATTEMPTS: u32 = 30;

/// How patiently a request is sent again, and what is known of the request.
#[derive(Clone)]
pub(super) struct Sending {
    pub(super) base_wait: Duration,
    /// Longest wait in all.
    pub(super) patience: Duration,
    pub(super) request_timeout: Duration,
    /// Whether the server has answered before.
    pub(super) answers: bool,
    pub(super) form: Form,
    /// Characters sent and limit of the answer in tokens.
    pub(super) sent: usize,
    pub(super) max_tokens: u32,
    pub(super) key: ApiKey,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) bill: Bill,
}

/// Why there is no answer to look at.
#[derive(Debug, Clone, thiserror::Error)]
pub(super) enum HttpFailure {
    /// The server answered with a status other than 2xx.
    #[error("{status}: {}", .error.message)]
    Status { status: StatusCode, error: ServerError },
    /// An error, and no text, in an answer with a status of 2xx.
    #[error("error with status 200: {}", .0.message)]
    InBody(ServerError),
    /// No answer in time.
    #[error("no answer within {0:?}")]
    Timeout(Duration),
    /// Connection or TLS: the request was not taken.
    #[error("{0}")]
    Network(String),
    /// The answer broke off.
    #[error("the answer broke off: {0}")]
    Broken(String),
    /// More than [`MAX_BODY_BYTES`].
    #[error("the body has more than {MAX_BODY_BYTES} bytes")]
    TooLarge,
    /// 2xx with nothing in it.
    #[error("the body is blank")]
    Blank,
    /// 2xx with something other than a JSON object, such as a proxy's page.
    #[error("the body is not a JSON object: {0}")]
    NotJson(String),
    /// A JSON object that is no completion.
    #[error("the answer holds no choice: {0}")]
    NoChoice(String),
}

/// An attempt that failed, and how long the server asks to wait.
type Failed = (HttpFailure, Option<Duration>);

/// Sends a request until there is an answer, an error that waiting does not mend, or no patience left.
pub(super) async fn send(
    client: reqwest::Client,
    sending: Sending,
    factory: HttpRequestFactory,
) -> Result<reqwest::Response, OpenAIError> {
    let mut attempt = 1;
    let mut answers = sending.answers;
    let mut waited = Duration::ZERO;
    loop {
        let request = factory.build().await?;
        sending.bill.attempt();
        let sent = tokio::time::timeout(sending.request_timeout, send_once(&client, request, &sending)).await;
        let (failure, asked) = match sent {
            Ok(Ok(body)) => return Ok(http::Response::new(body).into()),
            Ok(Err(failed)) => failed,
            Err(_) => {
                sending.bill.lost(sending.sent, sending.max_tokens);
                (HttpFailure::Timeout(sending.request_timeout), None)
            }
        };
        answers |= !matches!(failure, HttpFailure::Network(_));
        let left = sending.patience.saturating_sub(waited);
        match wait_before_retry(&failure, asked, attempt, answers, left, &sending) {
            Some(wait) => {
                let error = sending.key.hidden_in(&failure.to_string());
                tracing::warn!(
                    attempt,
                    wait_ms = wait.as_millis() as u64,
                    error,
                    "language model is asked again"
                );
                tokio::time::sleep(wait).await;
                waited += wait;
                attempt += 1;
            }
            None => return Err(OpenAIError::Boxed(Box::new(failure))),
        }
    }
}

/// Whether a failure is the server's for the moment, so that waiting may mend it.
pub(super) fn is_outage(failure: &HttpFailure, form: Form) -> bool {
    match failure {
        HttpFailure::Status { status, error } => match status.as_u16() {
            // Some servers answer so where a schema or a role cannot be had.
            500 | 501 => !error.is_quota() && !form.is_named_by(error),
            408 | 425 | 429 | 502..=504 | 520..=529 => !error.is_quota(),
            _ => false,
        },
        HttpFailure::InBody(error) => error.is_outage(),
        HttpFailure::Network(_) | HttpFailure::Broken(_) | HttpFailure::Blank => true,
        // A model that was too slow once has been paid for once.
        HttpFailure::Timeout(_)
        | HttpFailure::TooLarge
        | HttpFailure::NotJson(_)
        | HttpFailure::NoChoice(_) => false,
    }
}

/// How long to wait before the next attempt; `None` where another attempt is of no use.
fn wait_before_retry(
    failure: &HttpFailure,
    asked: Option<Duration>,
    attempt: u32,
    answers: bool,
    left: Duration,
    sending: &Sending,
) -> Option<Duration> {
    // An answer that was lost, or blank, costs money each time; it is asked for once more.
    let attempts = match failure {
        HttpFailure::Broken(_) | HttpFailure::Blank => 2,
        _ if answers => MAX_ATTEMPTS,
        _ => UNKNOWN_SERVER_ATTEMPTS,
    };
    if !is_outage(failure, sending.form) || attempt >= attempts || left.is_zero() {
        return None;
    }
    if let Some(wait) = asked {
        return (wait <= left).then_some(wait.max(sending.base_wait / 2));
    }
    let doubled = sending.base_wait.saturating_mul(1 << (attempt - 1).min(10));
    // Between a half and the whole of the doubled wait; spreads attempts, decides nothing.
    let share = 0.5 + (mix(u64::from(attempt)) >> 11) as f64 / (1_u64 << 54) as f64;
    Some(doubled.mul_f64(share).min(MAX_OWN_WAIT).min(left))
}

async fn send_once(
    client: &reqwest::Client,
    request: reqwest::Request,
    sending: &Sending,
) -> Result<Vec<u8>, Failed> {
    let response = match client.execute(request).await {
        Ok(response) => response,
        Err(error) if error.is_timeout() && !error.is_connect() => {
            sending.bill.lost(sending.sent, sending.max_tokens);
            return Err((HttpFailure::Timeout(sending.request_timeout), None));
        }
        Err(error) => return Err((HttpFailure::Network(reason(&error)), None)),
    };
    let status = response.status();
    let content_type = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let content_type = content_type.unwrap_or_default().to_lowercase();
    let asked = retry_after::wait(response.headers(), sending.clock.now_micros());
    let body = match read_bounded(response).await {
        Ok(body) => body,
        Err(failure) => {
            if status.is_success() {
                sending.bill.lost(sending.sent, sending.max_tokens);
            }
            return Err((failure, asked));
        }
    };
    if !status.is_success() {
        let error = ServerError::read(&body);
        sending.bill.failed(&serde_json::from_slice(&body).unwrap_or_default());
        let asked = asked.or_else(|| error.wait_ms.map(Duration::from_millis));
        return Err((HttpFailure::Status { status, error }, asked));
    }
    read_answer(&content_type, &body, asked, sending)
}

/// The body of a completion, in one piece.
fn read_answer(
    content_type: &str,
    body: &[u8],
    asked: Option<Duration>,
    sending: &Sending,
) -> Result<Vec<u8>, Failed> {
    let text = String::from_utf8_lossy(body);
    let text = text.trim_start_matches('\u{FEFF}');
    if text.trim().is_empty() {
        return Err((HttpFailure::Blank, asked));
    }
    let (value, broken) = if stream::is_stream(content_type, text) {
        let joined = stream::join(text);
        (joined.body, joined.error)
    } else {
        match serde_json::from_str::<Value>(&mend_surrogates(text)) {
            Ok(value) if value.is_object() => (value, None),
            // A list of one error is how one provider wraps what it refuses.
            Ok(Value::Array(list)) if list.first().is_some_and(|first| first.get("error").is_some()) => {
                (list.into_iter().next().unwrap_or_default(), None)
            }
            _ => return Err((HttpFailure::NotJson(excerpt(text)), asked)),
        }
    };
    let reply = Reply::of(&value);
    if reply.has_choice && (reply.error.is_none() || reply.chars > 0) {
        sending.bill.answered(&value, sending.sent, reply.chars);
    } else {
        sending.bill.failed(&value);
    }
    match broken {
        Some(StreamError::CutOff) => {
            return Err((HttpFailure::Broken("the stream has no end".to_owned()), asked));
        }
        Some(StreamError::Malformed(event)) => {
            return Err((HttpFailure::Broken(format!("an event is not one JSON value: {event}")), asked));
        }
        None => {}
    }
    match reply.error {
        Some(error) if reply.texts.is_empty() => {
            let asked = asked.or_else(|| error.wait_ms.map(Duration::from_millis));
            Err((HttpFailure::InBody(error), asked))
        }
        _ => Ok(value.to_string().into_bytes()),
    }
}

async fn read_bounded(mut response: reqwest::Response) -> Result<Vec<u8>, HttpFailure> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| HttpFailure::Broken(reason(&error)))? {
        if body.len() + chunk.len() > MAX_BODY_BYTES {
            return Err(HttpFailure::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// What an HTTP client says, with its reasons.
fn reason(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "connection timed out".to_owned();
    }
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(inner) = source {
        text = format!("{text}: {inner}");
        source = inner.source();
    }
    excerpt(&text)
}

#[cfg(test)]
mod tests {
    use spotwright_core::ports::clock::SystemClock;

    use super::*;

    fn sending() -> Sending {
        Sending {
            base_wait: Duration::from_secs(1),
            patience: Duration::from_mins(1),
            request_timeout: Duration::from_mins(1),
            answers: true,
            form: Form::default(),
            sent: 0,
            max_tokens: 100,
            key: ApiKey::new("").unwrap(),
            clock: Arc::new(SystemClock),
            bill: Bill::default(),
        }
    }

    fn status(status: StatusCode, body: &str) -> HttpFailure {
        HttpFailure::Status { status, error: ServerError::read(body.as_bytes()) }
    }

    #[test]
    fn waiting_follows_the_server_and_ends() {
        let sending = sending();
        let left = sending.patience;
        let busy = status(StatusCode::TOO_MANY_REQUESTS, "");
        let wait = |failure: &HttpFailure, after: Option<u64>, attempt| {
            wait_before_retry(failure, after.map(Duration::from_secs), attempt, true, left, &sending)
        };
        assert_eq!(wait(&busy, Some(7), 1), Some(Duration::from_secs(7)));
        assert_eq!(wait(&busy, Some(600), 1), None);
        assert_eq!(wait(&busy, None, MAX_ATTEMPTS), None);
        let first = wait(&busy, None, 1).unwrap();
        assert!(first >= Duration::from_millis(500) && first <= Duration::from_secs(1), "{first:?}");
        assert!(wait(&busy, None, 20).unwrap() <= MAX_OWN_WAIT);
        let broke = r#"{"error":{"message":"x","code":"insufficient_quota"}}"#;
        assert_eq!(wait(&status(StatusCode::TOO_MANY_REQUESTS, broke), Some(1), 1), None);
        assert_eq!(wait(&HttpFailure::Timeout(Duration::from_secs(1)), None, 1), None);
        assert!(wait(&HttpFailure::Blank, None, 1).is_some() && wait(&HttpFailure::Blank, None, 2).is_none());
        assert_eq!(wait_before_retry(&busy, None, 1, true, Duration::ZERO, &sending), None);
        let away = HttpFailure::Network("refused".to_owned());
        let unknown = |attempt| wait_before_retry(&away, None, attempt, false, left, &sending);
        assert!(unknown(4).is_some() && unknown(5).is_none());
    }

    #[test]
    fn a_server_error_that_names_a_feature_is_no_outage() {
        let form = Form::default();
        let schema =
            status(StatusCode::INTERNAL_SERVER_ERROR, r#"{"error":"JSON schema conversion failed"}"#);
        assert!(!is_outage(&schema, form));
        assert!(is_outage(&status(StatusCode::INTERNAL_SERVER_ERROR, "oops"), form));
        assert!(is_outage(&status(StatusCode::SERVICE_UNAVAILABLE, "json schema"), form));
    }
}
