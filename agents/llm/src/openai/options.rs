//! Settings of the adapter and the HTTP client.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value};
use spotwright_core::ports::clock::{Clock, SystemClock};
use spotwright_schemas::money::Micros;

/// Fields of the body that the adapter writes itself.
const OWN_FIELDS: [&str; 10] = [
    "model",
    "messages",
    "stream",
    "stream_options",
    "response_format",
    "max_tokens",
    "max_completion_tokens",
    "n",
    "tools",
    "tool_choice",
];

/// A key of the provider. Neither `Debug` nor any error shows it.
#[derive(Clone)]
pub struct ApiKey(pub(super) String);

impl ApiKey {
    /// Takes a key.
    ///
    /// # Errors
    /// [`OptionsError::ApiKey`] where it is longer than 4,096 bytes or holds anything but visible
    /// ASCII, which no header could carry. An empty key is accepted: local servers need none.
    pub fn new(key: impl Into<String>) -> Result<Self, OptionsError> {
        let key = key.into();
        if key.len() <= 4_096 && key.bytes().all(|b| b.is_ascii_graphic()) {
            return Ok(Self(key));
        }
        Err(OptionsError::ApiKey)
    }

    /// `text` without the key: some servers quote it in their messages.
    pub(super) fn hidden_in(&self, text: &str) -> String {
        match self.0.as_str() {
            key if key.len() >= 4 => text.replace(key, "[key]"),
            _ => text.to_owned(),
        }
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiKey(redacted)")
    }
}

/// Settings of the adapter.
#[derive(Clone)]
pub struct Options {
    /// Base of the paths, e.g. `https://api.example.com/v1`.
    pub base_url: String,
    /// The provider's key.
    pub api_key: ApiKey,
    /// Model name as the server knows it; there is no default.
    pub model: String,
    /// Price of one million tokens read.
    pub input_price: Micros,
    /// Price of one million tokens written.
    pub output_price: Micros,
    /// Largest answer in tokens, 16–32,768; doubled for an answer that was cut off.
    pub max_output_tokens: u32,
    /// Sampling temperature, 0–2.
    pub temperature: f32,
    /// Fields added to every body as they are; none of those that the adapter writes itself.
    pub extra_body: Map<String, Value>,
    /// Longest wait for one answer.
    pub request_timeout: Duration,
    /// Repair turns after an unusable answer, 0–2.
    pub max_repairs: u32,
    /// Wait before the second attempt where the server names none; doubled each time.
    pub retry_wait: Duration,
    /// Longest time in all that one call waits for a server that is busy or down.
    pub patience: Duration,
    /// The proxy that the environment puts before the server, named where it cannot be reached.
    pub proxy: Option<String>,
    /// Tells how long it is until the date of a `Retry-After`, where the server does not say what
    /// time it is there.
    pub clock: Arc<dyn Clock>,
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("base_url", &self.base_url)
            .field("api_key", &self.api_key)
            .field("model", &self.model)
            .field("max_output_tokens", &self.max_output_tokens)
            .field("extra_body", &self.extra_body.keys())
            .field("request_timeout", &self.request_timeout)
            .field("patience", &self.patience)
            .finish_non_exhaustive()
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            base_url: String::new(),
            api_key: ApiKey(String::new()),
            model: String::new(),
            input_price: Micros::ZERO,
            output_price: Micros::ZERO,
            max_output_tokens: 4_096,
            temperature: 0.9,
            extra_body: Map::new(),
            request_timeout: Duration::from_mins(3),
            max_repairs: 2,
            retry_wait: Duration::from_millis(500),
            patience: Duration::from_mins(1),
            proxy: None,
            clock: Arc::new(SystemClock),
        }
    }
}

/// Why options are not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OptionsError {
    /// Not an http(s) URL, or one with user name, query or fragment.
    #[error("llm.base_url must be an http or https URL without user name, query and fragment")]
    BaseUrl,
    /// Not usable in a header.
    #[error("llm.api_key must be at most 4096 visible ASCII characters")]
    ApiKey,
    /// Blank or too long.
    #[error("llm.model must be 1 to 200 characters")]
    Model,
    /// A field of the body that the adapter writes itself.
    #[error("llm.extra_body must not hold `{0}`, which is written from other settings")]
    ExtraBody(String),
    /// Outside the documented range.
    #[error("llm.{0} is out of range")]
    Range(&'static str),
    /// The HTTP client cannot be built.
    #[error("the HTTP client cannot be built: {0}")]
    Client(String),
}

impl OptionsError {
    /// The configuration key that has to be changed.
    #[must_use]
    pub fn key(&self) -> String {
        match self {
            Self::BaseUrl => "llm.base_url".to_owned(),
            Self::ApiKey => "llm.api_key".to_owned(),
            Self::Model => "llm.model".to_owned(),
            Self::ExtraBody(_) => "llm.extra_body".to_owned(),
            Self::Range(name) => format!("llm.{name}"),
            Self::Client(_) => "llm".to_owned(),
        }
    }
}

/// Builds an HTTP client for `base_url` with a connect timeout of 10 s (or `timeout`, where
/// shorter), without redirects, which would carry the key elsewhere, and without a proxy for
/// servers of this machine. A rustls provider must be installed.
///
/// # Errors
/// [`OptionsError::Client`].
pub fn build_client(base_url: &str, timeout: Duration) -> Result<reqwest::Client, OptionsError> {
    let mut builder = reqwest::Client::builder()
        .timeout(timeout)
        .connect_timeout(timeout.min(Duration::from_secs(10)))
        .redirect(reqwest::redirect::Policy::none());
    if is_loopback(base_url) {
        builder = builder.no_proxy();
    }
    builder.build().map_err(|error| OptionsError::Client(error.to_string()))
}

/// Whether an address leads to this machine.
#[must_use]
pub fn is_loopback(base_url: &str) -> bool {
    let Ok(url) = reqwest::Url::parse(base_url) else { return false };
    let Some(host) = url.host_str() else { return false };
    let host = host.trim_end_matches('.').to_lowercase();
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    match address {
        Ok(IpAddr::V4(address)) => address.is_loopback() || address.is_unspecified(),
        Ok(IpAddr::V6(address)) => {
            address.is_loopback()
                || address.is_unspecified()
                || address.to_ipv4_mapped().is_some_and(|mapped| mapped.is_loopback())
        }
        Err(_) => host == "localhost" || host.ends_with(".localhost"),
    }
}

pub(super) fn check(options: &Options) -> Result<(), OptionsError> {
    let url = reqwest::Url::parse(&options.base_url).map_err(|_| OptionsError::BaseUrl)?;
    let plain = url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none();
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() || !plain {
        return Err(OptionsError::BaseUrl);
    }
    if options.model.trim().is_empty() || options.model.chars().count() > 200 {
        return Err(OptionsError::Model);
    }
    if let Some(field) = options.extra_body.keys().find(|key| OWN_FIELDS.contains(&key.as_str())) {
        return Err(OptionsError::ExtraBody(field.clone()));
    }
    let in_range = [
        ("input_price_micros", options.input_price.0 >= 0),
        ("output_price_micros", options.output_price.0 >= 0),
        ("max_output_tokens", (16..=32_768).contains(&options.max_output_tokens)),
        ("temperature", (0.0..=2.0).contains(&options.temperature)),
        ("timeout_ms", !options.request_timeout.is_zero()),
        ("max_repairs", options.max_repairs <= 2),
        ("patience_ms", options.patience <= Duration::from_mins(10)),
    ];
    match in_range.into_iter().find(|(_, fits)| !fits) {
        Some((name, _)) => Err(OptionsError::Range(name)),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_this_machine_are_known_in_every_spelling() {
        for url in [
            "http://127.0.0.1:8080/v1",
            "http://127.8.9.1/v1",
            "http://localhost:1/v1",
            "http://LocalHost./v1",
            "http://model.localhost/v1",
            "http://[::1]:8080/v1",
            "http://[::ffff:127.0.0.1]/v1",
            "http://0.0.0.0:8080/v1",
        ] {
            assert!(is_loopback(url), "{url}");
        }
        for url in
            ["https://api.example.com/v1", "http://10.0.0.2/v1", "http://localhost.example.com/v1", "x"]
        {
            assert!(!is_loopback(url), "{url}");
        }
    }
}
