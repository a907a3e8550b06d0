//! The HTTP path below async-openai: body limits, status codes and the only retry layer.
//!
//! async-openai retries by itself only in its default executor; installing this service replaces
//! that executor. A client error keeps its status here, where async-openai would lose it for
//! bodies that are not of OpenAI's own shape.

use std::time::Duration;

use async_openai::error::OpenAIError;
use async_openai::middleware::HttpRequestFactory;
use reqwest::StatusCode;
use reqwest::header::RETRY_AFTER;
use serde_json::Value;
use spotwright_schemas::random::mix;

/// Largest body that is read, in bytes: the largest usable answer with every character escaped,
/// and room for a model's thinking.
pub(super) const MAX_BODY_BYTES: usize = 2 * 1024 * 1024;

/// Longest excerpt of a server's message in our own errors, in characters.
const MAX_EXCERPT_CHARS: usize = 240;

/// How often and how patiently a request is sent again.
#[derive(Debug, Clone, Copy)]
pub(super) struct RetryPolicy {
    pub(super) max_attempts: u32,
    pub(super) base_wait: Duration,
    pub(super) max_wait: Duration,
    pub(super) request_timeout: Duration,
}

/// Why there is no JSON body to look at.
#[derive(Debug, Clone, thiserror::Error)]
pub(super) enum HttpFailure {
    /// The server answered with a status other than 2xx.
    #[error("{status}: {}", .error.message)]
    Status { status: StatusCode, error: ServerError },
    /// No answer in time.
    #[error("no answer within {0:?}")]
    Timeout(Duration),
    /// Connection, TLS or transmission.
    #[error("{0}")]
    Network(String),
    /// More than [`MAX_BODY_BYTES`].
    #[error("the body has more than {MAX_BODY_BYTES} bytes")]
    TooLarge,
    /// 2xx with something other than a JSON object, such as a proxy's page.
    #[error("the body is not a JSON object: {0}")]
    NotJson(String),
}

/// What a server says about a failure, in whichever shape.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct ServerError {
    /// Message, cleaned of control characters and cut.
    pub(super) message: String,
    /// Code, type and parameter joined by spaces, lowercase.
    pub(super) labels: String,
    /// Numeric code, where there is one.
    pub(super) code: Option<u16>,
}

impl ServerError {
    /// Reads `{error: {...}}`, `{error: "..."}`, a bare error object, or any text.
    pub(super) fn read(body: &[u8]) -> Self {
        match serde_json::from_slice::<Value>(body) {
            Ok(value) => Self::from_value(value.get("error").filter(|e| !e.is_null()).unwrap_or(&value)),
            Err(_) => Self { message: excerpt(&String::from_utf8_lossy(body)), ..Self::default() },
        }
    }

    /// Reads the value of an `error` field.
    pub(super) fn from_value(error: &Value) -> Self {
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
        Self {
            message: excerpt(&message),
            labels: format!("{} {} {}", text("code"), text("type"), text("param")).to_lowercase(),
            code: text("code").parse().ok(),
        }
    }

    /// Whether the account has run out of money, which no waiting mends.
    pub(super) fn is_quota(&self) -> bool {
        let text = format!("{} {}", self.labels, self.message.to_lowercase());
        text.contains("insufficient_quota")
            || text.contains("insufficient balance")
            || text.contains("billing")
    }
}

/// Cuts a foreign text to something that can stand in a log line.
pub(super) fn excerpt(text: &str) -> String {
    let clean = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    let cut: String = clean.take(MAX_EXCERPT_CHARS).collect();
    cut.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Sends a request until there is an answer, an error that waiting does not mend, or no attempt left.
pub(super) async fn send(
    client: reqwest::Client,
    policy: RetryPolicy,
    factory: HttpRequestFactory,
) -> Result<reqwest::Response, OpenAIError> {
    let mut attempt = 1;
    loop {
        let request = factory.build().await?;
        let sent = tokio::time::timeout(policy.request_timeout, send_once(&client, request)).await;
        let (failure, retry_after) = match sent {
            Ok(Ok(body)) => return Ok(http::Response::new(body).into()),
            Ok(Err(failed)) => failed,
            Err(_) => (HttpFailure::Timeout(policy.request_timeout), None),
        };
        match wait_before_retry(&failure, retry_after, attempt, policy) {
            Some(wait) => {
                tracing::warn!(attempt, wait_ms = wait.as_millis() as u64, error = %failure, "language model is asked again");
                tokio::time::sleep(wait).await;
                attempt += 1;
            }
            None => return Err(OpenAIError::Boxed(Box::new(failure))),
        }
    }
}

/// How long to wait before the next attempt; `None` where another attempt is of no use.
fn wait_before_retry(
    failure: &HttpFailure,
    retry_after: Option<Duration>,
    attempt: u32,
    policy: RetryPolicy,
) -> Option<Duration> {
    let mends = match failure {
        HttpFailure::Status { status, error } => {
            matches!(status.as_u16(), 429 | 500 | 502 | 503 | 504 | 529) && !error.is_quota()
        }
        HttpFailure::Network(_) => true,
        // A model that was too slow once has been paid for once.
        HttpFailure::Timeout(_) | HttpFailure::TooLarge | HttpFailure::NotJson(_) => false,
    };
    if !mends || attempt >= policy.max_attempts {
        return None;
    }
    if let Some(wait) = retry_after {
        return (wait <= policy.max_wait).then_some(wait);
    }
    let doubled = policy.base_wait.saturating_mul(1 << (attempt - 1).min(10));
    // Between a half and the whole of the doubled wait; spreads attempts, decides nothing.
    let share = 0.5 + (mix(u64::from(attempt)) >> 11) as f64 / (1_u64 << 54) as f64;
    Some(doubled.mul_f64(share).min(policy.max_wait))
}

async fn send_once(
    client: &reqwest::Client,
    request: reqwest::Request,
) -> Result<Vec<u8>, (HttpFailure, Option<Duration>)> {
    let response = client.execute(request).await.map_err(|error| (network(&error), None))?;
    let status = response.status();
    let retry_after = response
        .headers()
        .get(RETRY_AFTER)
        .and_then(|value| value.to_str().ok()?.trim().parse().ok())
        .map(Duration::from_secs);
    let body = read_bounded(response).await.map_err(|failure| (failure, None))?;
    if !status.is_success() {
        return Err((HttpFailure::Status { status, error: ServerError::read(&body) }, retry_after));
    }
    match serde_json::from_slice::<Value>(&body) {
        Ok(Value::Object(_)) => Ok(body),
        _ => Err((HttpFailure::NotJson(excerpt(&String::from_utf8_lossy(&body))), None)),
    }
}

async fn read_bounded(mut response: reqwest::Response) -> Result<Vec<u8>, HttpFailure> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| network(&error))? {
        if body.len() + chunk.len() > MAX_BODY_BYTES {
            return Err(HttpFailure::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

fn network(error: &reqwest::Error) -> HttpFailure {
    if error.is_timeout() {
        return HttpFailure::Network("connection timed out".to_owned());
    }
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(inner) = source {
        text = format!("{text}: {inner}");
        source = inner.source();
    }
    HttpFailure::Network(excerpt(&text))
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
    fn waiting_follows_the_server_and_ends() {
        let policy = RetryPolicy {
            max_attempts: 3,
            base_wait: Duration::from_secs(1),
            max_wait: Duration::from_secs(20),
            request_timeout: Duration::from_mins(1),
        };
        let busy =
            HttpFailure::Status { status: StatusCode::TOO_MANY_REQUESTS, error: ServerError::default() };
        let wait = |failure: &HttpFailure, after: Option<u64>, attempt| {
            wait_before_retry(failure, after.map(Duration::from_secs), attempt, policy)
        };
        assert_eq!(wait(&busy, Some(7), 1), Some(Duration::from_secs(7)));
        assert_eq!(wait(&busy, Some(600), 1), None);
        assert_eq!(wait(&busy, None, 3), None);
        let first = wait(&busy, None, 1).unwrap();
        assert!(first >= Duration::from_millis(500) && first <= Duration::from_secs(1), "{first:?}");
        let broke = ServerError::read(br#"{"error":{"message":"x","code":"insufficient_quota"}}"#);
        let failure = HttpFailure::Status { status: StatusCode::TOO_MANY_REQUESTS, error: broke };
        assert_eq!(wait(&failure, Some(1), 1), None);
        assert_eq!(wait(&HttpFailure::Timeout(Duration::from_secs(1)), None, 1), None);
    }
}
