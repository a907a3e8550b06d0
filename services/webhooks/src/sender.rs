//! Sending over HTTP, through the client that opens addresses written by others.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use spotwright_core::domain::webhook::{ANSWER_BYTES, Attempt};
use spotwright_core::ports::clock::Clock;
use spotwright_core::ports::webhooks::{OutgoingMessage, WebhookSender};
use spotwright_egress::{EgressClient, Reach, checked_within};
use spotwright_schemas::Problem;
use spotwright_schemas::error::Code;

use crate::signature;

/// How messages are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SenderOptions {
    /// Which servers are opened. [`Reach::Public`] takes `https` only, since messages say what a customer does.
    pub reach: Reach,
    /// Longest time for one message, answer included.
    pub longest: Duration,
}

impl Default for SenderOptions {
    fn default() -> Self {
        Self { reach: Reach::Public, longest: Duration::from_secs(15) }
    }
}

/// Sends messages over HTTP.
pub struct HttpSender {
    client: EgressClient,
    clock: Arc<dyn Clock>,
    options: SenderOptions,
}

impl std::fmt::Debug for HttpSender {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HttpSender").field("options", &self.options).finish_non_exhaustive()
    }
}

impl HttpSender {
    /// A sender. The process must have a TLS provider.
    ///
    /// # Errors
    /// [`Code::Prerequisite`] when no client can be made.
    pub fn new(options: SenderOptions, clock: Arc<dyn Clock>) -> Result<Self, Problem> {
        Ok(Self { client: EgressClient::within(options.reach, ANSWER_BYTES)?, clock, options })
    }
}

#[async_trait]
impl WebhookSender for HttpSender {
    fn check(&self, url: &str) -> Result<(), Problem> {
        let refused = |message: String| Problem::new(Code::AddressRefused, "url", message);
        let parsed = checked_within(url, self.options.reach).map_err(|problem| refused(problem.message))?;
        if self.options.reach == Reach::Public && parsed.scheme() != "https" {
            return Err(refused("begins with `http:`; messages are sent over `https` only".to_owned()));
        }
        Ok(())
    }

    async fn send(&self, message: &OutgoingMessage) -> Attempt {
        let began = self.clock.now_micros();
        let seconds = message.now.div_euclid(1_000_000);
        let mut headers =
            signature::headers(&message.id.to_string(), seconds, &message.body, &message.secrets).to_vec();
        headers.push(("content-type", "application/json".to_owned()));
        // Judged again: the address may have been allowed by another configuration.
        let answered = match self.check(&message.url) {
            Ok(()) => {
                let body = message.body.clone().into_bytes();
                self.client.post(&message.url, &headers, body, self.options.longest).await
            }
            Err(problem) => Err(problem),
        };
        let millis = u64::try_from((self.clock.now_micros() - began) / 1_000).unwrap_or(0);
        match answered {
            Ok(answered) => Attempt {
                at: message.now,
                millis,
                status: Some(answered.status),
                answer: Some(text(&answered.bytes)),
                error: None,
            },
            Err(problem) => {
                Attempt { at: message.now, millis, status: None, answer: None, error: Some(problem.message) }
            }
        }
    }
}

/// The bytes as text that every database and every page can hold; a letter that was cut at the end is left out.
fn text(bytes: &[u8]) -> String {
    let whole = match std::str::from_utf8(bytes) {
        Err(error) if error.error_len().is_none() => &bytes[..error.valid_up_to()],
        _ => bytes,
    };
    String::from_utf8_lossy(whole).replace('\0', "\u{fffd}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_kept_as_text_whatever_it_is() {
        assert_eq!(text("fine".as_bytes()), "fine");
        assert_eq!(text(&"né".as_bytes()[..2]), "n", "cut within a letter");
        assert_eq!(text(b"a\0b\xffc"), "a\u{fffd}b\u{fffd}c");
    }
}
