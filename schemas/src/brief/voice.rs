//! How a brand speaks.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::checks::{check_count, check_name, check_words};
use crate::error::Problem;

/// How a brand speaks. Without it the voice of the language reads every line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BrandVoice {
    /// Whether lines are spoken at all.
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub enabled: bool,
    /// Name of an installed voice, e.g. `am_michael`; the language's own where it is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Names and words that are not said as they are written, at most 50.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pronunciations: Vec<Pronunciation>,
}

/// How a name is said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Pronunciation {
    /// The name as it is written, 1–40 characters; capitals do not matter.
    pub written: String,
    /// The same in words of the brief's language that are said as they are written, 1–80 characters, e.g.
    /// `oh rell` for `Aurelle`, `十味` for `拾味`.
    pub spoken: String,
}

impl Default for BrandVoice {
    fn default() -> Self {
        Self { enabled: true, name: None, pronunciations: Vec::new() }
    }
}

impl BrandVoice {
    /// Whether nothing is said about the voice.
    #[must_use]
    pub fn is_usual(&self) -> bool {
        *self == Self::default()
    }

    /// Checks a voice that stands at `at`.
    pub(super) fn check(&self, at: &str) -> Result<(), Problem> {
        if let Some(name) = &self.name {
            check_name(&format!("{at}.name"), name)?;
        }
        check_count(&format!("{at}.pronunciations"), self.pronunciations.len(), 0, 50)?;
        for (idx, name) in self.pronunciations.iter().enumerate() {
            let path = format!("{at}.pronunciations[{idx}]");
            check_words(&format!("{path}.written"), &name.written, 1, 40)?;
            check_words(&format!("{path}.spoken"), &name.spoken, 1, 80)?;
        }
        Ok(())
    }
}

const fn yes() -> bool {
    true
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
const fn is_yes(enabled: &bool) -> bool {
    *enabled
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_voice_is_on_unless_a_brief_says_no() {
        let read = |text: &str| serde_json::from_str::<BrandVoice>(text).expect("reads");
        assert!(read("{}").is_usual());
        assert!(!read(r#"{"enabled": false}"#).enabled);
        assert_eq!(serde_json::json!(BrandVoice::default()), serde_json::json!({}));
        let named = read(
            r#"{"name": "am_michael", "pronunciations": [{"written": "Aurelle", "spoken": "oh rell"}]}"#,
        );
        assert_eq!(named.check("brand.voice"), Ok(()));
        let wrong = read(r#"{"pronunciations": [{"written": "Aurelle", "spoken": "..."}]}"#);
        assert_eq!(
            wrong.check("brand.voice").expect_err("no words").field,
            "brand.voice.pronunciations[0].spoken"
        );
    }
}
