//! Reading: how fast viewers take in words, and where a sentence ends.

use spotwright_schemas::Locale;
use spotwright_schemas::locale::Language;

/// Most Chinese characters a second that a viewer reads on a phone while a picture moves: subtitle
/// practice of Chinese broadcasters and streaming services; second-hand.
pub const CHINESE_PER_SECOND: f64 = 9.0;
/// Most characters of Latin script a second: the upper bound for adults in subtitle guides of
/// streaming services; second-hand.
pub const LATIN_PER_SECOND: f64 = 21.0;

/// Characters a second in the language of a locale.
#[must_use]
pub const fn reading_speed(locale: Locale) -> f64 {
    match locale.language() {
        Language::Chinese => CHINESE_PER_SECOND,
        Language::English => LATIN_PER_SECOND,
    }
}

/// Whether a text ends as a sentence does, so that no point is put behind it.
#[must_use]
pub fn ends_sentence(text: &str) -> bool {
    text.ends_with(['.', '!', '?', '。', '！', '？', '…'])
}

/// The point that ends a sentence in a locale.
#[must_use]
pub const fn point(locale: Locale) -> &'static str {
    match locale.language() {
        Language::Chinese => "。",
        Language::English => ".",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_ends_with_the_marks_of_both_languages() {
        for text in ["Done.", "Really?", "好！", "真的？", "等等…", "完。"] {
            assert!(ends_sentence(text), "{text}");
        }
        for text in ["Done", "Done,", "好，", "", "“done”"] {
            assert!(!ends_sentence(text), "{text}");
        }
        assert_eq!(Locale::ALL.map(point), ["。", ".", "."]);
        assert!(reading_speed(Locale::EnGb) > reading_speed(Locale::ZhCn));
    }
}
