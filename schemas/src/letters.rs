//! Letters that can be written in several ways: one text for all of them.

use icu_normalizer::ComposingNormalizerBorrowed;

/// The text with its letters composed (Unicode normalization form C), so that `é` is one character
/// however it was typed, and texts that look the same are the same.
#[must_use]
pub fn composed(text: &str) -> String {
    ComposingNormalizerBorrowed::new_nfc().normalize(text).into_owned()
}

/// Whether a zero-width joiner or non-joiner does something between these two characters: it joins
/// emoji to one picture, or tells how letters of a joining script are drawn. Anywhere else it can
/// only hide.
#[must_use]
pub fn joiner_belongs(before: Option<char>, joiner: char, after: Option<char>) -> bool {
    let (Some(before), Some(after)) = (before, after) else { return false };
    let letters = joins(before) && joins(after);
    match joiner {
        '\u{200D}' => letters || (is_pictograph(before) && is_pictograph(after)),
        '\u{200C}' => letters,
        _ => false,
    }
}

/// Scripts whose letters take other shapes beside each other: Arabic to Sinhala, Myanmar, Khmer,
/// Mongolian.
const fn joins(c: char) -> bool {
    matches!(c, '\u{0600}'..='\u{07BF}' | '\u{0860}'..='\u{0DFF}' | '\u{1000}'..='\u{109F}' | '\u{1780}'..='\u{18AF}')
}

/// Pictographs, and what may follow one before it is joined to another (skin tones, variation
/// selector 16).
const fn is_pictograph(c: char) -> bool {
    matches!(c, '\u{FE0F}' | '\u{2190}'..='\u{21FF}' | '\u{2600}'..='\u{27BF}' | '\u{2B00}'..='\u{2BFF}' | '\u{1F000}'..='\u{1FAFF}')
}

/// Control characters, characters without a shape of their own that reorder or hide text, private
/// use, and code points that are not characters (Unicode 17, chapters 3.4, 23.2 and 23.5–23.8).
#[must_use]
pub fn cannot_be_shown(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{AD}' | '\u{34F}' | '\u{61C}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}' | '\u{180E}'
            | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{3164}'
            | '\u{E000}'..='\u{F8FF}' | '\u{FDD0}'..='\u{FDEF}' | '\u{FEFF}' | '\u{FFA0}'
            | '\u{FFF0}'..='\u{FFFD}' | '\u{E0000}'..='\u{E0FFF}' | '\u{F0000}'..='\u{10FFFF}')
        || u32::from(c) & 0xFFFE == 0xFFFE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_are_one_text_however_they_were_typed() {
        assert_eq!(composed("Cafe\u{301} cre\u{300}me"), "Café crème");
        assert_eq!(composed("Świeżo ｍＬ ①"), "Świeżo ｍＬ ①", "look-alikes stay what they are");
    }

    #[test]
    fn joiners_belong_where_they_join() {
        assert!(joiner_belongs(Some('👩'), '\u{200D}', Some('💻')));
        assert!(joiner_belongs(Some('\u{FE0F}'), '\u{200D}', Some('🔥')));
        assert!(joiner_belongs(Some('ی'), '\u{200C}', Some('خ')));
        assert!(joiner_belongs(Some('क'), '\u{200D}', Some('ष')));
        assert!(!joiner_belongs(Some('b'), '\u{200C}', Some('e')));
        assert!(!joiner_belongs(Some('最'), '\u{200D}', Some('佳')));
        assert!(!joiner_belongs(None, '\u{200D}', Some('👩')));
    }
}
