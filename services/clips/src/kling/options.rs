//! Settings of the Kling source.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use spotwright_core::ports::clip_source::{Ability, Licence};

use crate::options::{OptionsError, Secret, Server};
use crate::prices::Row;

use super::callback;
use super::limits::{self, Limits};

/// Which paths are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Dialect {
    /// `/text-to-video/{model}` and its like; needs a plain API key.
    Current,
    /// `/v1/videos/…`; takes a plain API key or a key pair.
    Legacy,
}

/// Size of the result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum Resolution {
    /// 720p; `std` on the legacy paths.
    #[serde(rename = "720p")]
    P720,
    /// 1080p; `pro` on the legacy paths.
    #[serde(rename = "1080p")]
    P1080,
    /// 2160p.
    #[serde(rename = "4k")]
    K4,
}

impl Resolution {
    /// As prices and the current dialect write it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::P720 => "720p",
            Self::P1080 => "1080p",
            Self::K4 => "4k",
        }
    }

    pub(super) const fn mode(self) -> &'static str {
        match self {
            Self::P720 => "std",
            Self::P1080 => "pro",
            Self::K4 => "4k",
        }
    }
}

/// Settings of the source.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Options {
    /// Where the server is; the vendor's is `https://api-singapore.klingai.com`.
    pub server: Server,
    /// Which paths are used.
    pub dialect: Dialect,
    /// Model, terms and prices. The model is named as in the dialect's pages, e.g. `kling-3.0-turbo` in the
    /// current and `kling-v2-6` in the legacy one.
    pub row: Row,
    /// Size of the result.
    #[serde(default = "Options::default_resolution")]
    pub resolution: Resolution,
    /// The plain API key.
    #[serde(default)]
    pub api_key: Option<Secret>,
    /// First half of a key pair, for the legacy paths.
    #[serde(default)]
    pub access_key: Option<Secret>,
    /// Second half of a key pair; tokens are signed with it and it is never sent.
    #[serde(default)]
    pub secret_key: Option<Secret>,
    /// Jobs under way at once: what the account's resource pack allows, 1–1,000.
    #[serde(default = "Options::default_parallel")]
    pub parallel: u32,
    /// Where the provider tells of changes; must begin with `https://`. Nothing waits for it.
    #[serde(default)]
    pub callback_url: Option<String>,
    /// The secret that the provider signs its callbacks with (`whsec_` and Base64): with it, the service takes
    /// them at `/callbacks/kling/NAME`.
    #[serde(default)]
    pub webhook_secret: Option<Secret>,
    /// An address under which the provider can fetch clips of the artifact store, with `{hash}` in the place
    /// of the hash. Lip-sync and reference clips need it, since the provider takes no clips in a request.
    #[serde(default)]
    pub clips_url: Option<String>,
    /// Model of still pictures.
    #[serde(default = "Options::default_picture_model")]
    pub picture_model: String,
    /// The voice that speaks where a request names none; without it there is no speech.
    #[serde(default)]
    pub voice: Option<String>,
    /// How closely the prompt is followed, 0–1; legacy models of the first generation only.
    #[serde(default)]
    pub cfg_scale: Option<f32>,
    /// Lengths in whole seconds that the model makes, ascending; for models that are not known here.
    #[serde(default)]
    pub seconds: Option<Vec<u32>>,
    /// What the model can do; for models that are not known here.
    #[serde(default)]
    pub abilities: Option<Vec<Ability>>,
}

impl Options {
    const fn default_resolution() -> Resolution {
        Resolution::P720
    }

    const fn default_parallel() -> u32 {
        1
    }

    fn default_picture_model() -> String {
        "kling-v3".to_owned()
    }

    /// Settings for a model with everything else as it is by default.
    #[must_use]
    pub fn new(server: Server, dialect: Dialect, row: Row) -> Self {
        Self {
            server,
            dialect,
            row,
            resolution: Self::default_resolution(),
            api_key: None,
            access_key: None,
            secret_key: None,
            parallel: Self::default_parallel(),
            callback_url: None,
            webhook_secret: None,
            clips_url: None,
            picture_model: Self::default_picture_model(),
            voice: None,
            cfg_scale: None,
            seconds: None,
            abilities: None,
        }
    }

    /// Checks everything and fills in what is known of the model.
    pub(super) fn checked(mut self) -> Result<(Self, Licence, Limits), OptionsError> {
        let has_pair = self.access_key.is_some() && self.secret_key.is_some();
        if self.access_key.is_some() != self.secret_key.is_some() {
            return Err(OptionsError::Keys("access_key and secret_key are set both or not at all"));
        }
        match self.dialect {
            Dialect::Current if self.api_key.is_none() => {
                return Err(OptionsError::Keys("the current dialect needs api_key"));
            }
            Dialect::Legacy if self.api_key.is_none() && !has_pair => {
                return Err(OptionsError::Keys(
                    "the legacy dialect needs api_key, or access_key and secret_key",
                ));
            }
            _ => {}
        }
        let is_https = |url: &Option<String>| url.as_ref().is_none_or(|url| url.starts_with("https://"));
        let in_range = [
            ("parallel", (1..=1_000).contains(&self.parallel)),
            ("callback_url", is_https(&self.callback_url)),
            ("webhook_secret", self.webhook_secret.as_ref().is_none_or(callback::is_secret)),
            ("clips_url", self.clips_url.as_ref().is_none_or(|url| url.contains("{hash}"))),
            ("cfg_scale", self.cfg_scale.is_none_or(|scale| (0.0..=1.0).contains(&scale))),
            (
                "seconds",
                self.seconds.as_ref().is_none_or(|all| !all.is_empty() && all.is_sorted() && all[0] > 0),
            ),
            ("picture_model", !self.picture_model.is_empty()),
        ];
        if let Some((name, _)) = in_range.into_iter().find(|(_, fits)| !fits) {
            return Err(OptionsError::Range(name));
        }
        let limits = limits::of(&self)?;
        let (row, licence) = self.row.clone().completed(limits::list_prices(&self.row.model))?;
        self.row = row;
        Ok((self, licence, limits))
    }
}
