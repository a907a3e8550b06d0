//! A text as the grammar reads it: half-width characters with their places in the original.

use std::ops::Range;

use spotwright_schemas::wording::{half_width, is_han, is_invisible, is_spaced_letter};

/// The characters of a text without invisible ones.
pub(super) struct Text {
    chars: Vec<char>,
    starts: Vec<usize>,
    ends: Vec<usize>,
}

impl Text {
    pub(super) fn new(text: &str) -> Self {
        let mut scanned = Self { chars: Vec::new(), starts: Vec::new(), ends: Vec::new() };
        for (start, original) in text.char_indices() {
            if is_invisible(original) {
                continue;
            }
            scanned.chars.push(plain(original));
            scanned.starts.push(start);
            scanned.ends.push(start + original.len_utf8());
        }
        scanned
    }

    pub(super) const fn len(&self) -> usize {
        self.chars.len()
    }

    pub(super) fn at(&self, idx: usize) -> Option<char> {
        self.chars.get(idx).copied()
    }

    pub(super) fn before(&self, idx: usize) -> Option<char> {
        idx.checked_sub(1).and_then(|idx| self.at(idx))
    }

    /// Bytes of the original that a span of characters covers.
    pub(super) fn bytes(&self, span: Range<usize>) -> Range<usize> {
        let start = self.starts.get(span.start).copied().unwrap_or(0);
        let end = span.end.checked_sub(1).and_then(|last| self.ends.get(last)).copied().unwrap_or(start);
        start..end.max(start)
    }

    pub(super) fn string(&self, span: Range<usize>) -> String {
        self.chars.get(span).map(|chars| chars.iter().collect()).unwrap_or_default()
    }

    pub(super) fn slice(&self, span: Range<usize>) -> &[char] {
        self.chars.get(span).unwrap_or_default()
    }

    /// The end of `words` where they stand at `idx` letter by letter.
    pub(super) fn sign(&self, idx: usize, words: &str) -> Option<usize> {
        let end = idx + words.chars().count();
        (end <= self.len() && self.slice(idx..end).iter().copied().eq(words.chars())).then_some(end)
    }

    /// The end of `words` at `idx`, whatever their case, where Latin words end there.
    pub(super) fn word(&self, idx: usize, words: &str) -> Option<usize> {
        let count = words.chars().count();
        let end = idx + count;
        if end > self.len() {
            return None;
        }
        // The case of a single letter tells measures apart: `g` and `5G`, `m` and `10M`.
        let alike = |(a, b): (&char, char)| {
            *a == b || (count > 1 && a.is_ascii_alphabetic() && a.eq_ignore_ascii_case(&b))
        };
        let same = self.slice(idx..end).iter().zip(words.chars()).all(alike);
        let spaced = words.chars().next_back().is_some_and(is_spaced_letter);
        (same && !(spaced && self.at(end).is_some_and(is_spaced_letter))).then_some(end)
    }

    /// The beginning of `words` where they end at `idx` and no Latin word runs into them.
    pub(super) fn word_before(&self, idx: usize, floor: usize, words: &str) -> Option<usize> {
        let start = idx.checked_sub(words.chars().count())?;
        if start < floor || self.word_loose(start, words) != Some(idx) {
            return None;
        }
        let spaced = words.chars().next().is_some_and(is_spaced_letter);
        (!(spaced && self.before(start).is_some_and(is_spaced_letter))).then_some(start)
    }

    fn word_loose(&self, idx: usize, words: &str) -> Option<usize> {
        let end = idx + words.chars().count();
        let same = self.slice(idx..end).iter().zip(words.chars()).all(|(a, b)| a.eq_ignore_ascii_case(&b));
        (end <= self.len() && same).then_some(end)
    }

    /// `idx` behind at most one space.
    pub(super) fn past_space(&self, idx: usize) -> usize {
        idx + usize::from(self.at(idx).is_some_and(is_space))
    }

    /// `idx` before at most one space, not below `floor`.
    pub(super) fn before_space(&self, idx: usize, floor: usize) -> usize {
        if idx > floor && self.before(idx).is_some_and(is_space) { idx - 1 } else { idx }
    }

    /// The end of the digits that begin at `idx`.
    pub(super) fn digits_end(&self, idx: usize) -> usize {
        let mut end = idx;
        while self.is_digit(end) {
            end += 1;
        }
        end
    }

    pub(super) fn is_digit(&self, idx: usize) -> bool {
        self.at(idx).is_some_and(|c| c.is_ascii_digit())
    }

    /// The end of the letters of a spaced script that begin at `idx`.
    pub(super) fn letters_end(&self, idx: usize) -> usize {
        let mut end = idx;
        while self.at(end).is_some_and(is_letter) {
            end += 1;
        }
        end
    }
}

/// A letter of a script that sets words apart.
pub(super) fn is_letter(c: char) -> bool {
    is_spaced_letter(c) && !c.is_numeric()
}

pub(super) const fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\u{A0}')
}

/// Whether nothing that could be a noun follows: the end, a mark, a space.
pub(super) fn ends_word(c: Option<char>) -> bool {
    c.is_none_or(|c| !is_han(c) && !is_spaced_letter(c))
}

/// The plain form the grammar is written for: ASCII digits, hyphens and slashes, one kind of
/// no-break space.
fn plain(c: char) -> char {
    let zero = match c {
        '\u{0660}'..='\u{0669}' => 0x0660,
        '\u{06F0}'..='\u{06F9}' => 0x06F0,
        '\u{0966}'..='\u{096F}' => 0x0966,
        '\u{0E50}'..='\u{0E59}' => 0x0E50,
        _ => 0,
    };
    if zero > 0 {
        return char::from_digit(u32::from(c) - zero, 10).unwrap_or(c);
    }
    match c {
        '\u{2212}' => '-',
        '\u{2044}' | '\u{2215}' => '/',
        '\u{301C}' => '~',
        '\u{2236}' => ':',
        '\u{2007}' | '\u{2009}' | '\u{202F}' => '\u{A0}',
        '\t' => ' ',
        other => half_width(other),
    }
}
