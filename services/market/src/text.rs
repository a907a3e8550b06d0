//! Structure of a text, measured alike in English and Chinese.
//!
//! Lengths are counted in English word equivalents so that both languages fall on one scale: a
//! Chinese character counts as [`WORDS_PER_HAN`] words.

use spotwright_schemas::wording::is_han;

/// English words per Chinese character; translators' usual ratio of 1,000 characters to 600–700 words.
pub const WORDS_PER_HAN: f64 = 0.65;

/// Names of the entries of [`structure`], in order.
pub const FEATURES: [&str; 20] = [
    "words",
    "characters_per_word",
    "question_marks",
    "exclamation_marks",
    "commas",
    "apostrophes",
    "quotes",
    "sentence_ends",
    "colons",
    "digits",
    "numbers",
    "capital_words",
    "question_words",
    "points_at_this",
    "addresses_you",
    "speaks_as_i",
    "speaks_of_others",
    "negates",
    "starts_with_digit",
    "ellipsis",
];

/// Index of `words` in [`FEATURES`].
pub const WORDS: usize = 0;
/// Index of `question_marks` in [`FEATURES`].
pub const QUESTION_MARKS: usize = 2;
/// Index of `digits` in [`FEATURES`].
pub const DIGITS: usize = 9;

const QUESTION_WORDS: &[&str] = &["who", "what", "when", "where", "why", "how", "which"];
const QUESTION_WORDS_ZH: &[&str] = &["什么", "为什么", "如何", "怎么", "谁", "哪", "几", "多少"];
const THIS: &[&str] = &["this", "these", "that"];
const THIS_ZH: &[&str] = &["这", "那"];
const YOU: &[&str] = &["you", "your", "you're", "yours"];
const YOU_ZH: &[&str] = &["你", "您"];
const I: &[&str] = &["i", "my", "me", "i'm"];
const I_ZH: &[&str] = &["我"];
const OTHERS: &[&str] = &["he", "she", "his", "her", "they", "their"];
const OTHERS_ZH: &[&str] = &["他", "她"];
const NEGATIONS: &[&str] = &["not", "no", "never", "don't", "isn't", "can't", "won't", "didn't"];
const NEGATIONS_ZH: &[&str] = &["不", "没", "别", "无需"];

/// The words of a text in lower case, without punctuation at their ends; curly apostrophes are
/// made straight. Chinese text without spaces comes out as whole runs.
#[must_use]
pub fn words(text: &str) -> Vec<String> {
    text.replace('\u{2019}', "'")
        .split_whitespace()
        .map(|word| word.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase())
        .filter(|word| !word.is_empty())
        .collect()
}

/// Measures the structure of a text; entry i is [`FEATURES`]`[i]`, every value is finite.
#[must_use]
pub fn structure(text: &str) -> [f64; FEATURES.len()] {
    let words = words(text);
    let han = text.chars().filter(|c| is_han(*c)).count() as f64;
    let latin_words = words.iter().filter(|word| !word.chars().any(is_han)).count() as f64;
    let latin_letters = text.chars().filter(|c| c.is_alphanumeric() && !is_han(*c)).count() as f64;
    let count = |set: &[char]| text.chars().filter(|c| set.contains(c)).count() as f64;
    let has = |english: &[&str], chinese: &[&str]| {
        let found = words.iter().any(|word| english.contains(&word.as_str()))
            || chinese.iter().any(|part| text.contains(part));
        f64::from(u8::from(found))
    };
    let capitals = text
        .split_whitespace()
        .filter(|word| {
            let letters: Vec<char> = word.chars().filter(|c| c.is_alphabetic()).collect();
            letters.len() > 1 && letters.iter().all(|c| c.is_uppercase())
        })
        .count() as f64;
    let question_words = words.iter().filter(|word| QUESTION_WORDS.contains(&word.as_str())).count()
        + QUESTION_WORDS_ZH.iter().filter(|part| text.contains(*part)).count();
    let starts_with_digit = text.chars().find(|c| c.is_alphanumeric()).is_some_and(|c| c.is_ascii_digit());
    // A Chinese word is about as dense as an English one of five letters.
    let total_words = latin_words + han * WORDS_PER_HAN;
    let letters_per_word =
        if total_words > 0.0 { (latin_letters + han * WORDS_PER_HAN * 5.0) / total_words } else { 0.0 };
    [
        total_words,
        letters_per_word,
        count(&['?', '？']),
        count(&['!', '！']),
        count(&[',', '，', '、']),
        count(&['\'', '\u{2019}']),
        count(&['"', '\u{201C}', '\u{201D}', '「', '」', '《', '》']),
        count(&['.', '。']),
        count(&[':', '：', ';', '；']),
        text.chars().filter(char::is_ascii_digit).count() as f64,
        runs_of_digits(text),
        capitals,
        question_words as f64,
        has(THIS, THIS_ZH),
        has(YOU, YOU_ZH),
        has(I, I_ZH),
        has(OTHERS, OTHERS_ZH),
        has(NEGATIONS, NEGATIONS_ZH),
        f64::from(u8::from(starts_with_digit)),
        f64::from(u8::from(text.contains("...") || text.contains('…'))),
    ]
}

fn runs_of_digits(text: &str) -> f64 {
    let mut runs = 0;
    let mut inside = false;
    for c in text.chars() {
        // Separators inside a number do not end it: `1,000` and `9.90` are one number each.
        let digit = c.is_ascii_digit();
        if digit && !inside {
            runs += 1;
        }
        inside = digit || (inside && matches!(c, ',' | '.'));
    }
    f64::from(runs)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str, name: &str) -> f64 {
        let at = FEATURES.iter().position(|feature| *feature == name).unwrap();
        structure(text)[at]
    }

    #[test]
    fn english_and_chinese_structure_is_seen_alike() {
        for text in ["Why do you wait 3 days?", "为什么你要等3天？"] {
            assert_eq!(value(text, "question_marks"), 1.0, "{text}");
            assert_eq!(value(text, "addresses_you"), 1.0, "{text}");
            assert_eq!(value(text, "numbers"), 1.0, "{text}");
            assert!(value(text, "question_words") >= 1.0, "{text}");
            assert!((4.0..8.0).contains(&value(text, "words")), "{text}");
        }
    }

    #[test]
    fn the_empty_text_has_no_structure() {
        assert_eq!(structure(""), [0.0; FEATURES.len()]);
    }

    #[test]
    fn separators_do_not_split_numbers() {
        assert_eq!(value("1,000 cups for 9.90", "numbers"), 2.0);
    }
}
