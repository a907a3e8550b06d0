//! The languages advertisements are written in.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A locale with its own copy patterns, captions and rules (BCP 47 tags).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub enum Locale {
    /// Simplified Chinese, mainland China.
    #[serde(rename = "zh-CN")]
    ZhCn,
    /// English, United States.
    #[serde(rename = "en-US")]
    EnUs,
}

impl Locale {
    /// The BCP 47 tag.
    #[must_use]
    pub const fn tag(self) -> &'static str {
        match self {
            Self::ZhCn => "zh-CN",
            Self::EnUs => "en-US",
        }
    }
}
