//! Numbers as they are written: digits with separators, vulgar fractions, words of both languages.

use super::number::{Number, chinese_numeral};
use super::scan::{Text, is_letter, is_space};
use super::tables::{NUMBER_WORDS, SCALE_WORDS};

/// A number in digits, or why it is none.
pub(super) enum Digits {
    /// A number and its end.
    Number(Number, usize),
    /// Digits in groups that make no number, and their end.
    Code(usize),
}

/// Reads digits with separators at `start`. With `money`, a point or a space before exactly three
/// digits sets thousands apart, since no price has three decimals.
pub(super) fn digits(text: &Text, start: usize, money: bool) -> Digits {
    let mut groups: Vec<(char, usize, usize)> = vec![(' ', start, text.digits_end(start))];
    let mut end = groups[0].2;
    while let Some(mark) = text.at(end) {
        let group_end = text.digits_end(end + 1);
        let spaced = mark == '\u{A0}' || (mark == ' ' && (money || text.at(end + 1) == Some('0')));
        let fits = match mark {
            '.' | ',' => true,
            '\'' => group_end == end + 4,
            _ => spaced && group_end == end + 4,
        };
        if !fits || group_end == end + 1 {
            break;
        }
        groups.push((mark, end + 1, group_end));
        end = group_end;
    }
    let run = |at: usize| text.string(groups[at].1..groups[at].2);
    let joined = |to: usize| (0..to).map(run).collect::<String>();
    let number = |whole: &str, behind: &str, end: usize| {
        Number::decimal(whole, behind).map_or(Digits::Code(end), |number| Digits::Number(number, end))
    };
    let count = groups.len();
    if count == 1 {
        return number(&run(0), "", end);
    }
    let marks: Vec<char> = groups[1..].iter().map(|group| group.0).collect();
    let last = marks[marks.len() - 1];
    let uniform = marks.iter().all(|mark| *mark == last);
    if uniform && last != '.' && thousands(text, &groups) {
        return number(&joined(count), "", end);
    }
    if uniform && last == '.' && thousands(text, &groups) && (money || count > 2) {
        return number(&joined(count), "", end);
    }
    if count == 2 && (last == '.' || (last == ',' && groups[1].2 - groups[1].1 <= 2)) {
        return number(&run(0), &run(1), end);
    }
    let head = &groups[..count - 1];
    let head_uniform = head[1..].iter().all(|group| group.0 == head[1].0 && group.0 != last);
    if !uniform && head_uniform && matches!(last, '.' | ',') && thousands(text, head) {
        return number(&joined(count - 1), &run(count - 1), end);
    }
    Digits::Code(end)
}

/// Whether groups are sizes that set thousands apart: three digits each, or two each before the
/// last three as in India, behind one to three that do not begin with a zero.
fn thousands(text: &Text, groups: &[(char, usize, usize)]) -> bool {
    let sizes: Vec<usize> = groups.iter().map(|group| group.2 - group.1).collect();
    let [first, middle @ .., last] = sizes.as_slice() else { return false };
    let begins = (1..=3).contains(first) && text.at(groups[0].1) != Some('0');
    begins && *last == 3 && (middle.iter().all(|size| *size == 3) || middle.iter().all(|size| *size == 2))
}

/// The value of a vulgar fraction such as `½`.
pub(super) fn vulgar(c: char) -> Option<Number> {
    let (numerator, denominator) = match c {
        '½' => (1, 2),
        '⅓' => (1, 3),
        '⅔' => (2, 3),
        '¼' => (1, 4),
        '¾' => (3, 4),
        '⅕' => (1, 5),
        '⅖' => (2, 5),
        '⅗' => (3, 5),
        '⅘' => (4, 5),
        '⅙' => (1, 6),
        '⅚' => (5, 6),
        '⅐' => (1, 7),
        '⅛' => (1, 8),
        '⅜' => (3, 8),
        '⅝' => (5, 8),
        '⅞' => (7, 8),
        '⅑' => (1, 9),
        '⅒' => (1, 10),
        _ => return None,
    };
    Number::fraction(numerator, denominator)
}

/// A whole number behind `1`, as in `1½` and `1 1/2`: the fraction and its end.
pub(super) fn mixed(text: &Text, end: usize) -> Option<(Number, usize)> {
    let at = text.past_space(end);
    if let Some(part) = text.at(at).and_then(vulgar) {
        return Some((part, at + 1));
    }
    if at == end {
        return None;
    }
    simple_fraction(text, at)
}

/// A fraction below one in small whole numbers, as recipes and offers write them: `1/2`, `3/4`.
pub(super) fn simple_fraction(text: &Text, at: usize) -> Option<(Number, usize)> {
    let slash = text.digits_end(at);
    let end = text.digits_end(slash + 1);
    if text.at(slash) != Some('/') || slash - at > 2 || end == slash + 1 || text.at(end) == Some('/') {
        return None;
    }
    let upper: i128 = text.string(at..slash).parse().ok()?;
    let lower: i128 = text.string(slash + 1..end).parse().ok()?;
    let small = (2..=10).contains(&lower) || matches!(lower, 12 | 16 | 100);
    (small && upper > 0 && upper < lower).then(|| Number::fraction(upper, lower)).flatten().map(|n| (n, end))
}

/// Two digits side by side that mean `some`: `三五个`, `七八天`.
pub(super) fn is_vague_pair(signs: &[char]) -> bool {
    signs.len() == 2 && signs.iter().all(|c| "一二两三四五六七八九".contains(*c))
}

pub(super) fn is_chinese_numeral(c: char) -> bool {
    "零〇一二三四五六七八九十百千万亿两".contains(c)
}

/// The Chinese numeral at `start`: value and end.
pub(super) fn chinese(text: &Text, start: usize) -> Option<(Number, usize)> {
    let mut end = start;
    while text.at(end).is_some_and(is_chinese_numeral) {
        end += 1;
    }
    Some((chinese_numeral(text.slice(start..end))?, end))
}

/// A whole number in digits or Chinese numerals.
pub(super) fn whole(text: &Text, start: usize) -> Option<(Number, usize)> {
    if text.is_digit(start) {
        return match digits(text, start, false) {
            Digits::Number(number, end) => Some((number, end)),
            Digits::Code(_) => None,
        };
    }
    if text.at(start).is_some_and(is_chinese_numeral) { chinese(text, start) } else { None }
}

/// Numbers in words beyond this are no numbers.
const MOST: i128 = 1_000_000_000_000_000;

/// An English number in words at `start`: value, end, and whether it is a bare `one`.
pub(super) fn english(text: &Text, start: usize) -> Option<(Number, usize, bool)> {
    let (mut total, mut section, mut words): (i128, i128, usize) = (0, 0, 0);
    let (mut at, mut end) = (start, start);
    let mut was_ten = false;
    let mut was_scale = false;
    loop {
        let word_end = text.letters_end(at);
        let word = text.string(at..word_end).to_lowercase();
        let is_word = word_end > at && !text.is_digit(word_end);
        let article = words == 0 && matches!(word.as_str(), "a" | "an");
        if article && is_word && text.at(word_end).is_some_and(is_space) {
            let next = text.string(word_end + 1..text.letters_end(word_end + 1)).to_lowercase();
            if !SCALE_WORDS.iter().any(|(name, _)| *name == next) {
                return None;
            }
            section = 1;
            at = word_end + 1;
            words = 1;
            continue;
        }
        let small = NUMBER_WORDS.iter().find(|(name, _)| *name == word).map(|(_, value)| *value);
        let scale = SCALE_WORDS.iter().find(|(name, _)| *name == word).map(|(_, value)| *value);
        match (small, scale) {
            (Some(value), _) if is_word && (words == 0 || (was_ten && value < 10) || was_scale) => {
                section += value;
                was_ten = value >= 20;
                was_scale = false;
            }
            (_, Some(value)) if is_word => {
                section = section.max(1) * value;
                if total > MOST || section > MOST {
                    return None;
                }
                if value >= 1_000 {
                    total += section;
                    section = 0;
                }
                was_scale = true;
                was_ten = false;
            }
            _ => break,
        }
        words += 1;
        end = word_end;
        let joins = text.at(end).is_some_and(|c| c == '-' || is_space(c));
        if !joins || !text.at(end + 1).is_some_and(is_letter) {
            break;
        }
        at = end + 1;
        if was_scale {
            at = text.word(at, "and").map_or(at, |and| text.past_space(and));
        }
    }
    if words == 0 || end == start {
        return None;
    }
    let value = total + section;
    Some((Number::whole(value), end, words == 1 && value == 1))
}
