//! Settings that all sources have: where the server is, keys, and what is wrong with a setting.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Longest key in bytes.
const MAX_SECRET_BYTES: usize = 4_096;

/// Largest clip that is taken unless the configuration says less, in bytes.
pub const MAX_CLIP_BYTES: u64 = 512 << 20;

/// A key. Neither `Debug`, nor serialization, nor any error shows it.
#[derive(Clone, PartialEq, Eq, JsonSchema)]
#[schemars(transparent)]
pub struct Secret(String);

impl Secret {
    /// Takes a key.
    ///
    /// # Errors
    /// [`OptionsError::Secret`] where it is empty, longer than 4,096 bytes or holds anything but visible ASCII.
    pub fn new(text: impl Into<String>) -> Result<Self, OptionsError> {
        let text = text.into();
        let fits = (1..=MAX_SECRET_BYTES).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic());
        if fits { Ok(Self(text)) } else { Err(OptionsError::Secret) }
    }

    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(redacted)")
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str("[redacted]")
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

/// Where a source's server is, and how patiently it is asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Server {
    /// Base of all paths, e.g. `http://127.0.0.1:8091`; without user name, query and fragment.
    pub base_url: String,
    /// Longest wait for an answer in milliseconds, 100–600,000.
    #[serde(default = "Server::default_timeout_ms")]
    pub timeout_ms: u64,
    /// Longest wait for a whole file in milliseconds, 1,000–3,600,000.
    #[serde(default = "Server::default_download_timeout_ms")]
    pub download_timeout_ms: u64,
    /// Largest file that is taken, in bytes, at most 512 MiB.
    #[serde(default = "Server::default_max_clip_bytes")]
    pub max_clip_bytes: u64,
    /// Hosts (`name` or `name:port`) of private networks that results may lie on. Results on the server
    /// itself and on the public internet need none.
    #[serde(default)]
    pub result_hosts: Vec<String>,
}

impl Server {
    /// A server with everything else as it is by default.
    #[must_use]
    pub fn at(base_url: impl Into<String>) -> Self {
        Self {
            base_url: base_url.into(),
            timeout_ms: Self::default_timeout_ms(),
            download_timeout_ms: Self::default_download_timeout_ms(),
            max_clip_bytes: Self::default_max_clip_bytes(),
            result_hosts: Vec::new(),
        }
    }

    const fn default_timeout_ms() -> u64 {
        60_000
    }

    const fn default_download_timeout_ms() -> u64 {
        600_000
    }

    const fn default_max_clip_bytes() -> u64 {
        MAX_CLIP_BYTES
    }
}

/// Why settings are not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OptionsError {
    /// Not an http(s) address, or one with user name, query or fragment.
    #[error("base_url must be an http or https address without user name, query and fragment")]
    BaseUrl,
    /// A key that no header could carry.
    #[error("a key must be 1 to 4096 visible ASCII characters")]
    Secret,
    /// A key that the dialect needs.
    #[error("{0}")]
    Keys(&'static str),
    /// Outside the documented range.
    #[error("{0} is out of range")]
    Range(&'static str),
    /// Nothing is known of the model, and the configuration does not say it either.
    #[error("nothing is known of the model `{0}`: set {1}")]
    Model(String, &'static str),
    /// A date that is not written `YYYY-MM-DD`.
    #[error("{0} must be a date such as 2026-11-28")]
    Date(&'static str),
    /// A graph or its slots do not fit together.
    #[error("the graph is not usable: {0}")]
    Graph(String),
    /// The HTTP client cannot be built.
    #[error("the HTTP client cannot be built: {0}")]
    Client(String),
}

impl OptionsError {
    /// The setting below the source's own that has to be changed; empty where there is none.
    #[must_use]
    pub fn key(&self) -> &'static str {
        match self {
            Self::BaseUrl => "server.base_url",
            Self::Secret | Self::Keys(_) => "api_key",
            Self::Range(name) | Self::Date(name) | Self::Model(_, name) => name,
            Self::Graph(_) => "graph",
            Self::Client(_) => "",
        }
    }
}

pub(crate) fn check_date(date: &str, name: &'static str) -> Result<(), OptionsError> {
    let digits = |part: &str, count: usize| part.len() == count && part.bytes().all(|b| b.is_ascii_digit());
    let parts: Vec<&str> = date.split('-').collect();
    match parts.as_slice() {
        [year, month, day] if digits(year, 4) && digits(month, 2) && digits(day, 2) => Ok(()),
        _ => Err(OptionsError::Date(name)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_never_shown() {
        let secret = Secret::new("sk-very-secret").unwrap();
        assert!(!format!("{secret:?}").contains("very"));
        assert_eq!(serde_json::to_string(&secret).unwrap(), r#""[redacted]""#);
        for bad in ["", "two words", "line\nbreak", "ключ"] {
            assert_eq!(Secret::new(bad), Err(OptionsError::Secret), "{bad:?}");
        }
    }

    #[test]
    fn unknown_settings_are_refused() {
        let read = |text: &str| serde_json::from_str::<Server>(text);
        assert_eq!(read(r#"{"base_url":"http://a"}"#).unwrap(), Server::at("http://a"));
        assert!(read(r#"{"base_url":"http://a","baseurl":"x"}"#).is_err());
    }

    #[test]
    fn dates_have_one_form() {
        assert!(check_date("2026-11-28", "read").is_ok());
        for bad in ["", "2026-1-1", "28.11.2026", "2026-11-28T00", "2026-11-2x"] {
            assert_eq!(check_date(bad, "read"), Err(OptionsError::Date("read")), "{bad}");
        }
    }
}
