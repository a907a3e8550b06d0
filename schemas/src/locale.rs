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
    /// English, United Kingdom.
    #[serde(rename = "en-GB")]
    EnGb,
}

/// A language, whatever the country: what words, grammar and reading speed depend on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Language {
    /// Chinese in simplified characters.
    Chinese,
    /// English.
    English,
}

impl Locale {
    /// Every locale.
    pub const ALL: [Self; 3] = [Self::ZhCn, Self::EnUs, Self::EnGb];

    /// The BCP 47 tag.
    #[must_use]
    pub const fn tag(self) -> &'static str {
        match self {
            Self::ZhCn => "zh-CN",
            Self::EnUs => "en-US",
            Self::EnGb => "en-GB",
        }
    }

    /// Its country: the code of ISO 3166 in capitals.
    #[must_use]
    pub const fn country(self) -> &'static str {
        match self {
            Self::ZhCn => "CN",
            Self::EnUs => "US",
            Self::EnGb => "GB",
        }
    }

    /// Its language. Whoever asks for words asks for this; spelling, prices and dates ask for the
    /// locale.
    #[must_use]
    pub const fn language(self) -> Language {
        match self {
            Self::ZhCn => Language::Chinese,
            Self::EnUs | Self::EnGb => Language::English,
        }
    }

    /// Whether texts are Chinese.
    #[must_use]
    pub const fn is_chinese(self) -> bool {
        matches!(self.language(), Language::Chinese)
    }

    /// Whether texts are English, of any country.
    #[must_use]
    pub const fn is_english(self) -> bool {
        matches!(self.language(), Language::English)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_locale_is_stored_under_its_tag_and_has_one_language() {
        for locale in Locale::ALL {
            assert_eq!(serde_json::json!(locale), serde_json::json!(locale.tag()));
            assert_ne!(locale.is_chinese(), locale.is_english());
            assert_eq!(locale.is_chinese(), locale.tag().starts_with("zh"));
            assert!(locale.tag().ends_with(locale.country()));
        }
        assert!(serde_json::from_str::<Locale>("\"en-AU\"").is_err());
    }
}
