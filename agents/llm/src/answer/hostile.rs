//! What no answer may hold, whatever was asked: what cannot be drawn, the rules themselves, ways elsewhere.

use spotwright_core::domain::copy_rules::addresses::{holds_address, holds_markup};
use spotwright_schemas::locale::Locale;
use spotwright_schemas::wording::half_width;

use super::DropReason;
use crate::prompt::CANARY;

/// Letters in a row that an answer may share with the rules by chance: in Latin script and in Chinese.
const SHARED_LETTERS: [usize; 2] = [36, 16];

/// What no text may hold, whether it is shown or not.
pub(crate) fn check_hostile(text: &str, rules: &str, locale: Locale) -> Result<(), DropReason> {
    if text.chars().any(is_undrawable) {
        return Err(DropReason::Undrawable);
    }
    let key = comparison_key(text);
    if key.contains(&comparison_key(CANARY)) || echoes(&key, rules, locale) {
        return Err(DropReason::RulesEchoed);
    }
    if holds_address_or_markup(text) { Err(DropReason::AddressOrMarkup) } else { Ok(()) }
}

/// The letters of the rules, for [`repeats_rules`].
pub(crate) fn rules_key(system: &str) -> String {
    comparison_key(system)
}

/// Whether a text holds the mark of the rules, or more of their letters in a row than chance allows.
pub(crate) fn repeats_rules(text: &str, rules: &str, locale: Locale) -> bool {
    let key = comparison_key(text);
    key.contains(&comparison_key(CANARY)) || echoes(&key, rules, locale)
}

/// Whether a text shares more letters in a row with the rules than chance allows.
fn echoes(key: &str, rules: &str, locale: Locale) -> bool {
    let [latin, chinese] = SHARED_LETTERS;
    let letters: Vec<char> = key.chars().collect();
    let window = if locale == Locale::ZhCn { chinese } else { latin };
    letters.windows(window).any(|window| rules.contains(&window.iter().collect::<String>()))
}

/// What the brief's own validation refuses, too: characters that cannot be drawn as they stand.
fn is_undrawable(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{2069}'
            | '\u{FEFF}' | '\u{FFFD}' | '\u{E000}'..='\u{F8FF}' | '\u{F0000}'..='\u{10FFFF}')
}

/// What no answer may hold: it leads elsewhere, or is markup.
pub(crate) fn holds_address_or_markup(text: &str) -> bool {
    holds_address(text) || holds_markup(text)
}

/// Captions that differ in case, width, punctuation or spaces only are the same caption.
pub(crate) fn comparison_key(caption: &str) -> String {
    caption.chars().map(half_width).filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}
