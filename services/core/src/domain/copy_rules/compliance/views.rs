//! The readings of a text: what a reader takes it for, however it is spelled.
//!
//! Each view is the text made comparable in one more way: first only widths, case, homoglyphs and
//! variant characters, then characters that were split apart joined again, then digits read as the
//! letters they stand for, then characters that only sound like others. A rule is tried on the
//! plainest view first, so that what is written openly is judged as it is written.

use std::ops::Range;

use spotwright_schemas::wording::{half_width, is_han, is_invisible};
use unicode_normalization::UnicodeNormalization;

use super::sounds::Sounds;

/// One reading of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct View {
    /// The reading.
    pub(super) text: String,
    /// For each byte of it the character of the original that it comes from.
    origin: Vec<usize>,
}

/// A character and the offset of the original that it comes from.
type Sign = (char, usize);

impl View {
    fn new(signs: &[Sign]) -> Self {
        let mut view = Self { text: String::new(), origin: Vec::new() };
        for (c, offset) in signs {
            view.text.push(*c);
            view.origin.resize(view.text.len(), *offset);
        }
        view
    }

    /// First and past-the-last character of the original for bytes of the view.
    pub(super) fn original(&self, bytes: &Range<usize>) -> [usize; 2] {
        let start = self.origin.get(bytes.start).copied().unwrap_or_default();
        let last = bytes.end.checked_sub(1).and_then(|at| self.origin.get(at)).copied();
        [start, last.map_or(start, |at| at + 1)]
    }
}

/// The views of a text, the plainest first, each reading once.
pub(super) fn views(text: &str, sounds: &Sounds) -> Vec<View> {
    let plain = plain(text, sounds);
    let joined = if plain.iter().any(|(c, _)| is_han(*c)) { join_han(&plain) } else { join_latin(&plain) };
    let mut all = vec![View::new(&squeezed(&plain)), View::new(&joined)];
    for one in ['l', 'i'] {
        all.push(View::new(&unleet(&joined, one)));
    }
    all.push(View::new(&sounds.respell(&joined)));
    if let Some(tight) = tight(text, &plain) {
        all.push(View::new(&tight));
        all.push(View::new(&unleet(&tight, 'i')));
    }
    let mut kept: Vec<View> = Vec::with_capacity(all.len());
    for view in all {
        if !kept.iter().any(|other| other.text == view.text) {
            kept.push(view);
        }
    }
    kept
}

/// The plainest reading of a short text, without offsets.
pub(super) fn plain_text(text: &str, sounds: &Sounds) -> String {
    squeezed(&plain(text, sounds)).into_iter().map(|(c, _)| c).collect()
}

/// Widths, case, compatibility forms, homoglyphs and variant characters.
fn plain(text: &str, sounds: &Sounds) -> Vec<Sign> {
    let mut signs = Vec::with_capacity(text.len());
    for (offset, c) in text.chars().enumerate() {
        if is_invisible(c) || matches!(c, '\u{20E3}' | '\u{180E}' | '\u{34F}') || is_mark(c) {
            continue;
        }
        let c = half_width(c);
        if c == '\n' {
            signs.push((c, offset));
            continue;
        }
        for part in std::iter::once(c).nfkc().flat_map(char::to_lowercase) {
            let base = base_letter(part);
            let c = sounds.simplified(look_alike(base));
            let c = match c {
                '\u{201C}' | '\u{201D}' | '「' | '」' | '『' | '』' => '"',
                '➕' | '✚' | '＋' => '+',
                c if c.is_whitespace() => ' ',
                c => half_width(c),
            };
            signs.push((c, offset));
        }
    }
    spaced_for_dashes(&mut signs);
    signs
}

/// A dash beside a Latin letter reads as a space: `risk-free`, `5-star`.
fn spaced_for_dashes(signs: &mut [Sign]) {
    for at in 1..signs.len().saturating_sub(1) {
        let (before, behind) = (signs[at - 1].0, signs[at + 1].0);
        let in_words = before.is_ascii_alphabetic() && behind.is_ascii_alphanumeric();
        if signs[at].0 == '-' && (in_words || (before.is_ascii_digit() && behind.is_ascii_alphabetic())) {
            signs[at].0 = ' ';
        }
    }
}

const fn is_mark(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36F}' | '\u{1F3FB}'..='\u{1F3FF}' | '\u{E0020}'..='\u{E007F}')
}

/// The letter below its accents.
fn base_letter(c: char) -> char {
    match std::iter::once(c).nfd().next() {
        Some(base) if base.is_ascii_alphabetic() => base,
        _ => c,
    }
}

/// The Latin letter that a Cyrillic or Greek one, a small capital or a boxed one looks like.
fn look_alike(c: char) -> char {
    match c {
        '\u{1F150}'..='\u{1F169}' => boxed(c, '\u{1F150}'),
        '\u{1F170}'..='\u{1F189}' => boxed(c, '\u{1F170}'),
        'а' | 'α' | 'ᴀ' | 'ɑ' => 'a',
        'в' | 'β' | 'ʙ' => 'b',
        'с' | 'ϲ' | 'ᴄ' => 'c',
        'ԁ' | 'ᴅ' | 'đ' => 'd',
        'е' | 'ё' | 'ε' | 'ᴇ' => 'e',
        'ꜰ' => 'f',
        'ɡ' | 'ɢ' => 'g',
        'һ' | 'н' | 'ʜ' => 'h',
        'і' | 'ι' | 'ı' | 'ї' | 'ɪ' => 'i',
        'ј' | 'ᴊ' => 'j',
        'к' | 'κ' | 'ᴋ' => 'k',
        'ӏ' | 'ʟ' | 'ł' => 'l',
        'м' | 'ᴍ' => 'm',
        'п' | 'η' | 'ɴ' => 'n',
        'о' | 'ο' | 'σ' | 'ᴏ' | 'օ' | 'ø' => 'o',
        'р' | 'ρ' | 'ᴘ' => 'p',
        'ԛ' => 'q',
        'г' | 'ʀ' => 'r',
        'ѕ' | 'ꜱ' => 's',
        'т' | 'τ' | 'ᴛ' => 't',
        'υ' | 'ս' | 'ᴜ' => 'u',
        'ν' | 'ѵ' | 'ᴠ' => 'v',
        'ѡ' | 'ω' | 'ԝ' | 'ᴡ' => 'w',
        'х' | 'χ' => 'x',
        'у' | 'γ' | 'ʏ' => 'y',
        'ᴢ' => 'z',
        other => other,
    }
}

/// The letter of a row of boxed letters that begins at `first`.
fn boxed(c: char, first: char) -> char {
    (c as u32).checked_sub(first as u32).and_then(|at| char::from_u32('a' as u32 + at)).unwrap_or(c)
}

/// Runs of spaces become one.
fn squeezed(signs: &[Sign]) -> Vec<Sign> {
    let mut kept: Vec<Sign> = Vec::with_capacity(signs.len());
    for sign in signs {
        if sign.0 != ' ' || kept.last().is_some_and(|last| last.0 != ' ') {
            kept.push(*sign);
        }
    }
    kept
}

const fn ends_clause(c: char) -> bool {
    matches!(c, '。' | '!' | '?' | ';' | ':' | '、' | ',' | '\n')
}

/// Chinese without what stands between its characters: spaces, dots, symbols, pictures. Figures and
/// clauses stay as they are, and so do the spaces between Latin words.
fn join_han(signs: &[Sign]) -> Vec<Sign> {
    let mut kept: Vec<Sign> = Vec::with_capacity(signs.len());
    for (at, sign) in signs.iter().enumerate() {
        let next = signs.get(at + 1).map(|next| next.0);
        let last = kept.last().map(|last| last.0);
        let figure = last.is_some_and(|c| c.is_ascii_digit() || c == 'n' || c == 'o')
            && next.is_some_and(|c| c.is_ascii_digit() || c == ' ');
        let keep = match sign.0 {
            c if c.is_alphanumeric() || ends_clause(c) => true,
            '%' | '+' | '¥' | '$' | '°' | '#' => true,
            '.' | '-' | '/' | '~' => figure,
            ' ' => {
                let latin = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
                latin(last) && latin(next)
            }
            _ => false,
        };
        if keep {
            kept.push(*sign);
        }
    }
    kept
}

/// Latin words whose letters were set apart by spaces, dots or pictures, joined again.
fn join_latin(signs: &[Sign]) -> Vec<Sign> {
    let letter = |at: usize| signs.get(at).is_some_and(|sign| sign.0.is_ascii_alphanumeric());
    let mut kept: Vec<Sign> = Vec::with_capacity(signs.len());
    for (at, sign) in signs.iter().enumerate() {
        let inside = at > 0 && letter(at - 1) && letter(at + 1);
        let symbol = !sign.0.is_ascii() && !sign.0.is_alphanumeric() && !"£€¥¢°–—…×".contains(sign.0);
        let dropped = match sign.0 {
            '.' => {
                let digit = |at: usize| signs.get(at).is_some_and(|sign| sign.0.is_ascii_digit());
                inside && !digit(at - 1) && !digit(at + 1)
            }
            '*' | '_' | '~' | '^' | '`' | '|' => inside,
            _ => symbol,
        };
        if !dropped {
            kept.push(*sign);
        }
    }
    squeezed(&close_letters(&kept))
}

/// Latin words without the signs between their letters, dashes among them, and with `!` read as the
/// letter that it looks like: `im-mu-ni-ty`, `m!racle`. `None` where there are no such signs.
fn tight(text: &str, signs: &[Sign]) -> Option<Vec<Sign>> {
    if signs.iter().any(|(c, _)| is_han(*c)) {
        return None;
    }
    let given: Vec<char> = text.chars().collect();
    let letter = |at: usize| signs.get(at).is_some_and(|(c, _)| c.is_ascii_alphabetic());
    let mut kept = Vec::with_capacity(signs.len());
    for (at, sign) in signs.iter().enumerate() {
        let inside = at > 0 && letter(at - 1) && letter(at + 1);
        let between =
            given.get(sign.1).is_some_and(|c| "-\u{2010}\u{2011}\u{2012}\u{2013}/\\.,:;+=_*~^".contains(*c));
        if inside && sign.0 == '!' {
            kept.push(('i', sign.1));
        } else if !(inside && between) {
            kept.push(*sign);
        }
    }
    let tightened = kept.len() < signs.len() || kept.iter().zip(signs).any(|(new, old)| new.0 != old.0);
    tightened.then(|| squeezed(&kept))
}

/// `f r e e  m o n e y`: three or more single letters in a row are a word; a wider gap ends it.
fn close_letters(signs: &[Sign]) -> Vec<Sign> {
    let mut kept: Vec<Sign> = Vec::with_capacity(signs.len());
    let part =
        |at: usize| signs.get(at).is_some_and(|sign| sign.0.is_alphanumeric() || "@$'".contains(sign.0));
    let space = |at: usize| signs.get(at).is_none_or(|sign| sign.0 == ' ');
    let single = |at: usize| part(at) && !part(at + 1) && (at == 0 || !part(at - 1));
    let mut at = 0;
    while at < signs.len() {
        let mut end = at;
        while single(end) && space(end + 1) && single(end + 2) {
            end += 2;
        }
        if end >= at + 4 {
            kept.extend((at..=end).step_by(2).map(|place| signs[place]));
            at = end + 1;
        } else {
            kept.push(signs[at]);
            at += 1;
        }
    }
    kept
}

/// Digits and signs inside words read as the letters they stand for; `one` is what `1` stands for.
/// In a figure, letters read as digits: `1O0%`, `#l`.
fn unleet(signs: &[Sign], one: char) -> Vec<Sign> {
    let part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '@' | '$' | '|' | '€');
    let mut kept = signs.to_vec();
    let mut at = 0;
    while at < signs.len() {
        let end = (at..signs.len()).find(|place| !part(signs[*place].0)).unwrap_or(signs.len());
        if end == at {
            at += 1;
            continue;
        }
        let token: Vec<char> = signs[at..end].iter().map(|sign| sign.0).collect();
        let numbered = at > 0 && signs[at - 1].0 == '#';
        if let Some(read) = read_token(&token, one, numbered) {
            for (sign, c) in kept[at..end].iter_mut().zip(read) {
                sign.0 = c;
            }
        }
        at = end;
    }
    kept
}

fn read_token(token: &[char], one: char, numbered: bool) -> Option<Vec<char>> {
    let digit_like = |c: &char| matches!(c, 'o' | 'l' | 'i');
    let letters = token.iter().filter(|c| c.is_ascii_alphabetic()).count();
    let digits = token.iter().filter(|c| c.is_ascii_digit()).count();
    if (numbered || digits >= 2) && token.iter().all(|c| c.is_ascii_digit() || digit_like(c)) {
        return Some(
            token
                .iter()
                .map(|c| {
                    if *c == 'o' {
                        '0'
                    } else if digit_like(c) {
                        '1'
                    } else {
                        *c
                    }
                })
                .collect(),
        );
    }
    let unit = token.iter().take_while(|c| c.is_ascii_digit()).count();
    let measured =
        unit >= 2 && token[unit..].iter().all(char::is_ascii_alphabetic) && token.len() - unit <= 3;
    if letters == 0 || letters == token.len() || measured {
        return None;
    }
    let read = |c: &char| match c {
        '0' => 'o',
        '1' | '|' => one,
        '3' | '€' => 'e',
        '4' | '@' => 'a',
        '5' | '$' => 's',
        '7' => 't',
        '8' => 'b',
        '9' => 'g',
        other => *other,
    };
    Some(token.iter().map(read).collect())
}
