//! Measures of text that several modules share: width folding, numbers, similarity, reading time.

use std::collections::BTreeSet;

use spotwright_schemas::Locale;

/// A text folded for matching, with the way back to the original.
#[derive(Debug, Clone)]
pub struct Folded {
    /// Lowercase, half-width characters without invisible ones.
    pub chars: Vec<char>,
    /// For each folded character its character offset in the original.
    pub origin: Vec<usize>,
}

/// Folds full-width forms to half-width, lowercases, and drops invisible characters.
///
/// With `joined`, everything that is neither a letter nor a digit is dropped as well, so that a
/// term that was split by spaces, dots or symbols (`最·佳`) is still found.
#[must_use]
pub fn fold(text: &str, joined: bool) -> Folded {
    let mut folded = Folded { chars: Vec::new(), origin: Vec::new() };
    for (offset, original) in text.chars().enumerate() {
        let half = match original {
            '\u{FF01}'..='\u{FF5E}' => char::from_u32(original as u32 - 0xFEE0).unwrap_or(original),
            '\u{3000}' | '\u{A0}' => ' ',
            '\u{2018}' | '\u{2019}' => '\'',
            '\u{2010}'..='\u{2015}' => '-',
            other => other,
        };
        if matches!(half, '\u{AD}' | '\u{200B}'..='\u{200F}' | '\u{2060}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}')
        {
            continue;
        }
        if joined && !half.is_alphanumeric() {
            continue;
        }
        for lower in half.to_lowercase() {
            folded.chars.push(lower);
            folded.origin.push(offset);
        }
    }
    folded
}

/// The folded text as a string.
#[must_use]
pub fn folded(text: &str) -> String {
    fold(text, false).chars.into_iter().collect()
}

/// English number words that state a quantity. `one` and ordinals are left out: they are mostly
/// pronouns and sequence words in copy ("one tap away", "first sip").
const NUMBER_WORDS: &[(&str, &str)] = &[
    ("two", "2"),
    ("three", "3"),
    ("four", "4"),
    ("five", "5"),
    ("six", "6"),
    ("seven", "7"),
    ("eight", "8"),
    ("nine", "9"),
    ("ten", "10"),
    ("eleven", "11"),
    ("twelve", "12"),
    ("dozen", "12"),
    ("twenty", "20"),
    ("thirty", "30"),
    ("forty", "40"),
    ("fifty", "50"),
    ("hundred", "100"),
    ("thousand", "1000"),
    ("million", "1000000"),
    ("billion", "1000000000"),
    ("half", "1/2"),
    ("twice", "x2"),
    ("double", "x2"),
    ("triple", "x3"),
];

/// Chinese numerals; they count as a quantity when a unit of [`CHINESE_UNITS`] follows.
const CHINESE_NUMERALS: &str = "二两三四五六七八九十百千万亿半";
const CHINESE_UNITS: &str = "倍折成元块年月天日周个小分秒人次位家款项种步杯包克斤米度点城省国万亿";

/// The quantities a text states, in a comparable form: `1,204` is `1204`, `９２％` is `92%`,
/// `$18` is `$18`, `twelve` is `12`, `三天` is `三天`.
#[must_use]
pub fn quantities(text: &str) -> BTreeSet<String> {
    let chars = fold(text, false).chars;
    let mut found = BTreeSet::new();
    let mut at = 0;
    while at < chars.len() {
        if chars[at].is_numeric() && !is_han(chars[at]) {
            let (end, number) = number_at(&chars, at);
            let currency = at.checked_sub(1).map(|before| chars[before]).filter(|c| "$€£¥￥".contains(*c));
            let mut quantity = String::new();
            if let Some(sign) = currency {
                quantity.push(if sign == '￥' { '¥' } else { sign });
            }
            quantity.push_str(&number);
            if matches!(chars.get(end), Some('%' | '‰')) {
                quantity.push(chars[end]);
            }
            found.insert(quantity);
            at = end;
        } else if CHINESE_NUMERALS.contains(chars[at])
            && chars.get(at + 1).is_some_and(|next| CHINESE_UNITS.contains(*next))
        {
            found.insert(chars[at..=at + 1].iter().collect());
            at += 2;
        } else {
            at += 1;
        }
    }
    let plain: String = chars.iter().collect();
    for word in plain.split(|c: char| !c.is_alphanumeric()) {
        if let Some((_, value)) = NUMBER_WORDS.iter().find(|(name, _)| *name == word) {
            found.insert((*value).to_owned());
        }
    }
    found
}

/// Reads digits with thousands separators and decimals that start at `at`; gives the end and the
/// number without separators.
pub(crate) fn number_at(chars: &[char], at: usize) -> (usize, String) {
    let mut number = String::new();
    let mut end = at;
    while let Some(&c) = chars.get(end) {
        let digit_follows = chars.get(end + 1).is_some_and(char::is_ascii_digit);
        if c.is_numeric() && !is_han(c) {
            number.push(c);
        } else if c == ',' && digit_follows {
            // A separator inside the number; nothing to keep.
        } else if c == '.' && digit_follows {
            number.push(c);
        } else {
            break;
        }
        end += 1;
    }
    (end, number)
}

/// Whether the character is a Han ideograph of the common blocks.
#[must_use]
pub const fn is_han(c: char) -> bool {
    matches!(c, '\u{4E00}'..='\u{9FFF}' | '\u{3400}'..='\u{4DBF}')
}

/// Likeness of two texts in [0, 1]: 1 − edit distance ÷ length of the longer one, over letters and
/// digits only, folded. Two texts without letters are alike.
///
/// Cost: O(n·m) time, O(m) memory, for texts of n and m characters.
#[must_use]
pub fn similarity(a: &str, b: &str) -> f64 {
    let (a, b) = (fold(a, true).chars, fold(b, true).chars);
    let longer = a.len().max(b.len());
    if longer == 0 {
        return 1.0;
    }
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let substituted = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(row[j] + 1).min(diagonal + 1);
        }
    }
    1.0 - row[b.len()] as f64 / longer as f64
}

/// Characters per second that a viewer reads on a phone while a picture moves: 9 in Chinese
/// (subtitle practice of Chinese broadcasters and streaming services), 21 in Latin script
/// (the upper bound for adults in subtitle guides of streaming services); both second-hand.
#[must_use]
pub const fn reading_speed(locale: Locale) -> f64 {
    match locale {
        Locale::ZhCn => 9.0,
        Locale::EnUs => 21.0,
    }
}

/// Number of characters as the formats count them.
#[must_use]
pub fn length(text: &str) -> usize {
    text.chars().count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(items: &[&str]) -> BTreeSet<String> {
        items.iter().map(|item| (*item).to_owned()).collect()
    }

    #[test]
    fn quantities_are_comparable_over_scripts_and_widths() {
        assert_eq!(quantities("1,204 reviews, 4.8 of 5"), set(&["1204", "4.8", "5"]));
        assert_eq!(quantities("９２％的人"), set(&["92%"]));
        assert_eq!(quantities("$18 a bag, twelve bags"), set(&["$18", "12"]));
        assert_eq!(quantities("三天内发货，一杯刚好"), set(&["三天"]));
        assert_eq!(quantities("one tap away"), set(&[]));
    }

    #[test]
    fn similarity_ignores_case_width_and_punctuation() {
        assert!((similarity("Hello, World!", "hello world") - 1.0).abs() < 1e-12);
        assert!((similarity("abcd", "abce") - 0.75).abs() < 1e-12);
        assert!(similarity("abc", "xyz") < 1e-12);
        assert!((similarity("", "!") - 1.0).abs() < 1e-12);
    }

    #[test]
    fn folding_keeps_the_way_back() {
        let folded = fold("Ａ 最·佳", true);
        assert_eq!(folded.chars, vec!['a', '最', '佳']);
        assert_eq!(folded.origin, vec![0, 2, 4]);
    }
}
