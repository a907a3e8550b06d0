//! Why something came otherwise than it was asked for: typed, stored as a code with its figures, and told in
//! the language of the brief.
//!
//! What earlier versions have stored in words is still read, and told as it stands.

mod clip;
mod voice;

pub use clip::{ClipReason, FailedCheck};
pub use voice::{VoiceFault, VoiceReason};

use spotwright_schemas::locale::{Language, Locale};

/// Somebody else's words, or words that earlier versions have stored: as they are in English, set off as a
/// quotation between backticks in a language that they are not in.
fn quoted(words: &str, locale: Locale) -> String {
    match locale.language() {
        Language::English => words.to_owned(),
        Language::Chinese => format!("`{}`", words.replace('`', "'")),
    }
}

/// A name as code in both languages.
fn name(words: &str) -> String {
    format!("`{}`", words.replace('`', "'"))
}

/// Reasons in a row.
fn listed(reasons: impl Iterator<Item = String>, locale: Locale) -> String {
    let between = match locale.language() {
        Language::English => "; ",
        Language::Chinese => "；",
    };
    reasons.collect::<Vec<_>>().join(between)
}
