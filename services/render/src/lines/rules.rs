//! The rules of line breaking, for every script: where a line may end, and where it must not.
//!
//! UAX 14 in its strict form decides (no-break spaces, closing and opening marks, small kana and
//! iteration marks, signs of currency and percent, Thai by dictionary). On top of it:
//! - marks that UAX 14 takes for ideographs or quotation marks of no direction are closing or opening
//!   ones in Chinese (`／`, `～`, `“”`), and dashes never begin a line (GB/T 15834, JIS X 4051);
//! - full-width digits and letters are numbers and words;
//! - a number stays with its unit;
//! - words of letters are not divided, at hyphens neither; Korean breaks between words.

use std::ops::Range;

use icu_properties::CodePointMapData;
use icu_properties::props::LineBreak;
use icu_segmenter::LineSegmenter;
use icu_segmenter::options::{LineBreakOptions, LineBreakStrictness};
use spotwright_schemas::letters::{composed, joiner_belongs};
use unicode_segmentation::UnicodeSegmentation;

/// The space that no line breaks at.
pub(crate) const NO_BREAK_SPACE: char = '\u{A0}';

/// Composes letters, trims, makes every run of white space one space and drops invisible
/// characters that do nothing for the letters beside them.
///
/// No-break spaces stay what they are, at one width. Direction marks and overrides are dropped
/// because they could show a text in another order than it was checked in.
pub(crate) fn clean(text: &str) -> String {
    let chars: Vec<char> = composed(text).chars().collect();
    let mut kept = String::with_capacity(text.len());
    for (at, c) in chars.iter().copied().enumerate() {
        let before = at.checked_sub(1).map(|before| chars[before]);
        match c {
            '\u{A0}' | '\u{2007}' | '\u{202F}' => kept.push(NO_BREAK_SPACE),
            '\u{200C}' | '\u{200D}' if !joiner_belongs(before, c, chars.get(at + 1).copied()) => {}
            // Between emoji presentation and text presentation only a pictograph chooses.
            '\u{FE0E}' | '\u{FE0F}'
                if before.is_none_or(|before| is_cjk(before) || before.is_alphabetic()) => {}
            '\u{200B}'
            | '\u{200E}'
            | '\u{200F}'
            | '\u{202A}'..='\u{202E}'
            | '\u{2060}'..='\u{206F}'
            | '\u{FEFF}'
            | '\u{AD}' => {}
            '\u{FE00}'..='\u{FE0D}' => {}
            c if c.is_whitespace() => kept.push(' '),
            c if c.is_control() => {}
            c => kept.push(c),
        }
    }
    let words: Vec<&str> = kept.split(' ').filter(|word| !word.is_empty()).collect();
    words.join(" ").trim_matches(NO_BREAK_SPACE).to_owned()
}

/// Whether a line may break on both sides of the character (ideographs, kana, hangul).
pub(crate) fn is_cjk(c: char) -> bool {
    matches!(c, '\u{2E80}'..='\u{2FFF}' | '\u{3005}' | '\u{3040}'..='\u{9FFF}' | '\u{AC00}'..='\u{D7A3}' | '\u{F900}'..='\u{FAFF}' | '\u{20000}'..='\u{3FFFF}')
}

/// Marks that close a phrase: good places to break behind.
pub(crate) fn pauses(c: char) -> bool {
    "，。、；：！？）》」』】〕〉”’…—～·％%‰℃,.;:!?)]}»".contains(c)
}

/// Whether the character must not begin a line.
pub(crate) fn never_first(c: char) -> bool {
    let class = CodePointMapData::<LineBreak>::new().get(c);
    pauses(c)
        || "／～〜℉°′″–".contains(c)
        || [
            LineBreak::ClosePunctuation,
            LineBreak::CloseParenthesis,
            LineBreak::Exclamation,
            LineBreak::Nonstarter,
            LineBreak::ConditionalJapaneseStarter,
            LineBreak::Inseparable,
        ]
        .contains(&class)
}

/// Whether the character must not end a line.
pub(crate) fn never_last(c: char) -> bool {
    let class = CodePointMapData::<LineBreak>::new().get(c);
    "“‘«#@＃＠".contains(c) || [LineBreak::OpenPunctuation, LineBreak::PrefixNumeric].contains(&class)
}

/// Unit words that stay with the number before them.
fn counts(c: char) -> bool {
    "元折块角分天日月年周时秒件个瓶杯克斤升倍只款名人次米万亿千百号期步页包盒袋支罐颗粒片寸毫千".contains(c)
        // Units squeezed into one character: ㎡, ㎏, ℓ.
        || matches!(c, '\u{3300}'..='\u{33FF}' | 'ℓ' | 'Ω')
}

fn is_digit(c: char) -> bool {
    c.is_ascii_digit() || ('０'..='９').contains(&c)
}

fn is_hangul(c: char) -> bool {
    matches!(c, '\u{1100}'..='\u{11FF}' | '\u{AC00}'..='\u{D7A3}')
}

/// Scripts without spaces whose words UAX 14 finds by dictionary: Thai, Lao, Khmer, Myanmar.
fn is_southeast_asian(c: char) -> bool {
    matches!(c, '\u{0E00}'..='\u{0EFF}' | '\u{1000}'..='\u{109F}' | '\u{1780}'..='\u{17FF}' | '\u{A9E0}'..='\u{A9FF}' | '\u{AA60}'..='\u{AA7F}')
}

/// Full-width forms of ASCII.
fn is_full_width(c: char) -> bool {
    ('\u{FF01}'..='\u{FF5E}').contains(&c)
}

/// The character whose line-break class stands for `c` between its neighbors.
fn stand_in(before: Option<char>, c: char, after: Option<char>) -> char {
    let wide = |c: Option<char>| {
        c.is_some_and(|c| is_cjk(c) || is_full_width(c) || "、。“”‘’—…（）《》".contains(c))
    };
    let digit = |c: Option<char>| c.is_some_and(is_digit);
    match c {
        '０'..='９' | 'Ａ'..='Ｚ' | 'ａ'..='ｚ' => char::from_u32(u32::from(c) - 0xFEE0).unwrap_or(c),
        '．' if digit(before) && digit(after) => '.',
        '，' if digit(before) && digit(after) => ',',
        '／' | '～' => '！',
        '“' | '‘' if wide(before) || wide(after) => '「',
        '”' | '’' if wide(before) || wide(after) => '」',
        '—' | '–' if wide(before) || wide(after) => '…',
        c => c,
    }
}

/// Byte offsets at which a line may begin, without the start and the end of the text.
pub(crate) fn opportunities(text: &str) -> Vec<usize> {
    let chars: Vec<(usize, char)> = text.char_indices().collect();
    let at = |idx: usize| chars.get(idx).map(|(_, c)| *c);
    let mut proxy = String::with_capacity(text.len());
    // For each character the end of its stand-in, to find the way back.
    let mut starts = Vec::with_capacity(chars.len());
    for (idx, (_, c)) in chars.iter().enumerate() {
        starts.push(proxy.len());
        proxy.push(stand_in(idx.checked_sub(1).and_then(at), *c, at(idx + 1)));
    }
    let mut options = LineBreakOptions::default();
    options.strictness = Some(LineBreakStrictness::Strict);
    LineSegmenter::new_dictionary(options)
        .segment_str(&proxy)
        .filter_map(|end| starts.binary_search(&end).ok())
        .filter(|idx| *idx > 0 && divides(text, &chars, *idx))
        .map(|idx| chars[idx].0)
        .collect()
}

/// Whether the studio breaks where UAX 14 lets it, before the character at `idx`.
fn divides(text: &str, chars: &[(usize, char)], idx: usize) -> bool {
    let (start, next) = chars[idx];
    if text[..start].ends_with(' ') {
        return !"%‰％℃℉°".contains(next);
    }
    let before = chars[idx - 1].1;
    let wide = |c: char| is_cjk(c) || is_southeast_asian(c);
    (wide(before) || wide(next) || (pauses(before) && !before.is_ascii()))
        && !never_first(next)
        && !never_last(before)
        && !(is_digit(before) && counts(next))
        && !(is_hangul(before) && is_hangul(next))
}

/// Byte ranges of what cannot be broken, without the spaces between.
pub(crate) fn unit_ranges(text: &str) -> Vec<Range<usize>> {
    let mut starts = vec![0];
    starts.extend(opportunities(text));
    let ends = starts[1..].iter().copied().chain([text.len()]);
    let trimmed =
        |(start, end): (&usize, usize)| *start..*start + text[*start..end].trim_end_matches(' ').len();
    starts.iter().zip(ends).map(trimmed).filter(|range| !range.is_empty()).collect()
}

/// Byte ranges of the least parts of a unit that is wider than any line: graphemes, with what must
/// not be parted from them.
pub(crate) fn pieces(unit: &str) -> Vec<Range<usize>> {
    let mut pieces: Vec<Range<usize>> = Vec::new();
    for (start, grapheme) in unit.grapheme_indices(true) {
        let end = start + grapheme.len();
        let first = grapheme.chars().next().unwrap_or(' ');
        let before = unit[..start].chars().next_back().unwrap_or(' ');
        let glued =
            first == NO_BREAK_SPACE || before == NO_BREAK_SPACE || never_first(first) || never_last(before);
        match pieces.last_mut() {
            Some(last) if glued => last.end = end,
            _ => pieces.push(start..end),
        }
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    fn units(text: &str) -> Vec<&str> {
        unit_ranges(text).into_iter().map(|range| &text[range]).collect()
    }

    #[test]
    fn no_break_spaces_never_break() {
        assert_eq!(units("Warm for 3\u{A0}h 20\u{A0}min"), ["Warm", "for", "3\u{A0}h", "20\u{A0}min"]);
        for space in ['\u{A0}', '\u{202F}', '\u{2007}'] {
            let text = clean(&format!("nur 1{space}299,00{space}€ heute"));
            assert_eq!(units(&text), ["nur", "1\u{A0}299,00\u{A0}€", "heute"], "U+{:04X}", u32::from(space));
        }
        assert_eq!(clean("\u{A0}a \u{3000} b\u{A0}"), "a b");
    }

    #[test]
    fn what_leans_on_a_figure_or_a_word_never_begins_a_line() {
        let text = "一二三℃／ｍＬ々四五％六％。七ー八・九～十）";
        for unit in units(text) {
            assert!(!"℃／々％%。ー・～）".contains(unit.chars().next().expect("text")), "{unit}");
        }
        assert_eq!(units("约８９．００元（含税）"), ["约", "８９．００元", "（含", "税）"]);
        assert_eq!(units("大き ゃっ"), ["大", "き", "ゃっ"]);
    }

    #[test]
    fn what_announces_something_never_ends_a_line() {
        for unit in units("售价￥８９，另有（试用装）“咔”《早安》＄9 #1 №5") {
            assert!(!"￥（“《＄#".contains(unit.chars().last().expect("text")), "{unit}");
        }
    }

    #[test]
    fn dashes_and_dots_stay_together_and_off_the_start() {
        assert_eq!(units("就合上了……完"), ["就", "合", "上", "了……", "完"]);
        assert_eq!(units("一声——就合上"), ["一", "声——", "就", "合", "上"]);
    }

    #[test]
    fn quotation_marks_open_and_close() {
        assert_eq!(units("盖“咔”地"), ["盖", "“咔”", "地"]);
        assert_eq!(units("don’t “stop” now"), ["don’t", "“stop”", "now"]);
    }

    #[test]
    fn words_of_letters_stay_whole() {
        assert_eq!(units("state-of-the-art and/or more"), ["state-of-the-art", "and/or", "more"]);
        assert_eq!(units("한국어 문장입니다"), ["한국어", "문장입니다"]);
        assert_eq!(units("C'est bon !"), ["C'est", "bon !"]);
    }

    #[test]
    fn thai_breaks_between_words() {
        let words = units("กาแฟสดใหม่ทุกเช้า");
        assert!(words.len() > 2, "{words:?}");
        assert_eq!(words.concat(), "กาแฟสดใหม่ทุกเช้า");
        for word in words {
            assert!(!"ะาำิีึืุูๅๆ็่้๊๋์".contains(word.chars().next().expect("text")), "{word}");
        }
    }

    #[test]
    fn emoji_sequences_stay_whole() {
        assert_eq!(units("做 👩‍💻🏽 的"), ["做", "👩‍💻🏽", "的"]);
        assert_eq!(pieces("👨‍👩‍👧🇩🇪").len(), 2);
    }

    #[test]
    fn what_is_wider_than_a_line_breaks_where_it_reads() {
        let unit = "一二（三）四";
        let parts: Vec<&str> = pieces(unit).into_iter().map(|range| &unit[range]).collect();
        assert_eq!(parts, ["一", "二", "（三）", "四"]);
    }

    #[test]
    fn invisible_characters_are_dropped_where_they_do_nothing() {
        assert_eq!(clean("  a\u{202E}b\u{200B}\n\tc\u{7}  "), "ab c");
        assert_eq!(clean("be\u{200D}st"), "best");
        assert_eq!(clean("می\u{200C}خواهم"), "می\u{200C}خواهم");
        assert_eq!(clean("❤\u{FE0F}\u{200D}🔥"), "❤\u{FE0F}\u{200D}🔥");
        assert_eq!(clean("Cafe\u{301}"), "Café");
    }
}
