//! Finding words in advertising text: folding of widths and case, word boundaries of each script,
//! and denials. Every place that looks for a word that must not be said uses [`find_term`].

use std::ops::Range;

/// A text folded for matching, with the way back to the original.
#[derive(Debug, Clone, Default)]
pub struct Folded {
    /// Lowercase, half-width characters without invisible ones.
    pub chars: Vec<char>,
    /// For each folded character its character offset in the original.
    pub origin: Vec<usize>,
}

/// How much of a text a fold keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fold {
    /// Everything; runs of white space become one space.
    Plain,
    /// Letters, digits, signs beside digits and the marks that end a clause: a Chinese term split by
    /// spaces, dots or symbols (`最·佳`) is whole again, figures and clauses stay as they are.
    Clauses,
    /// Letters and digits only.
    Letters,
}

/// The plain form of a full-width character, of typographic apostrophes and of dashes.
#[must_use]
pub fn half_width(c: char) -> char {
    match c {
        '\u{FF01}'..='\u{FF5E}' => char::from_u32(u32::from(c) - 0xFEE0).unwrap_or(c),
        '\u{FFE0}' => '¢',
        '\u{FFE1}' => '£',
        '\u{FFE5}' => '¥',
        '\u{FFE6}' => '₩',
        '\u{3000}' => ' ',
        '\u{2018}' | '\u{2019}' => '\'',
        '\u{2010}'..='\u{2015}' => '-',
        other => other,
    }
}

/// Whether a character takes no room: soft hyphens, joiners, direction and variation marks.
#[must_use]
pub const fn is_invisible(c: char) -> bool {
    matches!(c, '\u{AD}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{2069}'
        | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}')
}

/// Whether the character is a Han ideograph of the common blocks.
#[must_use]
pub const fn is_han(c: char) -> bool {
    matches!(c, '\u{4E00}'..='\u{9FFF}' | '\u{3400}'..='\u{4DBF}')
}

/// Whether words are set apart by spaces in the script of this letter or digit. Han, kana, Hangul
/// and the scripts of South-East Asia write on, so that any neighbor may begin another word.
#[must_use]
pub fn is_spaced_letter(c: char) -> bool {
    let written_on = is_han(c)
        || matches!(c, '\u{0E00}'..='\u{0EFF}' | '\u{1000}'..='\u{109F}' | '\u{1100}'..='\u{11FF}'
            | '\u{1780}'..='\u{17FF}' | '\u{3040}'..='\u{30FF}' | '\u{AC00}'..='\u{D7AF}' | '\u{FF66}'..='\u{FF9F}');
    (c.is_alphanumeric() && !written_on) || is_combining(c)
}

const fn is_combining(c: char) -> bool {
    matches!(c, '\u{0300}'..='\u{036F}')
}

const fn ends_clause(c: char) -> bool {
    matches!(c, '，' | '。' | '！' | '？' | '；' | '：' | '、' | ',' | '!' | '?' | ';' | ':' | '\n')
}

/// Folds full-width forms to half-width, lowercases, and drops invisible characters.
#[must_use]
pub fn fold(text: &str, how: Fold) -> Folded {
    let mut folded = Folded::default();
    let mut last_digit = false;
    let mut characters =
        text.chars().map(half_width).enumerate().filter(|(_, c)| !is_invisible(*c)).peekable();
    while let Some((offset, half)) = characters.next() {
        let beside_digit = last_digit || characters.peek().is_some_and(|(_, c)| c.is_ascii_digit());
        last_digit = half.is_ascii_digit();
        let half = if half.is_whitespace() && half != '\n' { ' ' } else { half };
        let kept = match how {
            Fold::Plain => half != ' ' || folded.chars.last() != Some(&' '),
            Fold::Clauses => {
                half.is_alphanumeric()
                    || ends_clause(half)
                    || is_combining(half)
                    || (beside_digit && half != ' ')
            }
            Fold::Letters => half.is_alphanumeric(),
        };
        if !kept {
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
    fold(text, Fold::Plain).chars.into_iter().collect()
}

/// The fold in which a term is looked for: Chinese terms over split characters, others as written.
#[must_use]
pub fn fold_of_term(term: &str) -> Fold {
    if term.chars().any(is_han) { Fold::Clauses } else { Fold::Plain }
}

/// Where `needle` stands in `haystack` as a whole word: where a letter of a spaced script begins or
/// ends the needle, no such letter or digit may touch it (`ass` is not in `glass`; `art` is in
/// `state-of-the-art`). Positions of folded characters.
#[must_use]
pub fn whole_words(haystack: &[char], needle: &[char]) -> Vec<Range<usize>> {
    let (Some(first), Some(last)) = (needle.first(), needle.last()) else { return Vec::new() };
    if needle.len() > haystack.len() {
        return Vec::new();
    }
    (0..=haystack.len() - needle.len())
        .filter(|at| haystack[*at..].starts_with(needle))
        .map(|at| at..at + needle.len())
        .filter(|span| {
            let before = span.start.checked_sub(1).map(|idx| haystack[idx]);
            let behind = haystack.get(span.end).copied();
            let goes_on_before = is_spaced_letter(*first) && before.is_some_and(is_spaced_letter);
            let goes_on_behind = is_spaced_letter(*last) && behind.is_some_and(is_spaced_letter);
            !goes_on_before && !goes_on_behind
        })
        .collect()
}

/// Where a text holds a term, in characters of the original.
///
/// Width, case and invisible characters do not matter; Chinese terms are found over split
/// characters; terms of scripts with spaces match whole words only.
///
/// # Examples
/// ```
/// use spotwright_schemas::wording::find_term;
///
/// assert_eq!(find_term("A GLASS lid, ＡＳＳ", "ass"), [13..16]);
/// assert_eq!(find_term("不治 病", "治病"), [1..4]);
/// ```
#[must_use]
pub fn find_term(text: &str, term: &str) -> Vec<Range<usize>> {
    let how = fold_of_term(term);
    let (text, term) = (fold(text, how), fold(term.trim(), how));
    whole_words(&text.chars, &term.chars)
        .into_iter()
        .map(|span| text.origin[span.start]..text.origin[span.end - 1] + 1)
        .collect()
}

/// Whether a text holds a term; see [`find_term`].
#[must_use]
pub fn holds_term(text: &str, term: &str) -> bool {
    !find_term(text, term).is_empty()
}

/// Whether small print says a term only to deny it (`不承诺升学结果`, `does not cure`): every place
/// at which the term stands is denied within its own clause.
///
/// A denial is an odd number of negations before the term, or a refusal to promise behind it
/// (`疗效无法保证`, `results are not guaranteed`). Words that only look like negations (`不仅`,
/// `not only`), comparisons (`没有比这更便宜`, `no other is cheaper than`), a turn (`not a toy but a
/// cure`) and questions deny nothing.
#[must_use]
pub fn is_denied(text: &str, term: &str) -> bool {
    let chars: Vec<char> = text.chars().collect();
    let places = find_term(text, term);
    !places.is_empty() && places.iter().all(|span| denies(&chars, span))
}

/// Whether the words at `span`, in characters of `chars`, are denied within their own clause; see
/// [`is_denied`].
#[must_use]
pub fn denies(chars: &[char], span: &Range<usize>) -> bool {
    let stops = |c: &char| {
        matches!(half_width(*c), '.' | ',' | '!' | '?' | ';' | ':' | '(' | ')' | '。' | '、' | '\n')
    };
    let begin = chars[..span.start].iter().rposition(stops).map_or(0, |at| at + 1);
    let end = chars[span.end..].iter().position(stops).map_or(chars.len(), |at| span.end + at);
    if chars.get(end).is_some_and(|c| half_width(*c) == '?') {
        return false;
    }
    let before = folded(&chars[begin..span.start].iter().collect::<String>());
    let behind = folded(&chars[span.end..end].iter().collect::<String>());
    let negations = after_turn(&before).map_or(0, |clause| negations(clause, &behind));
    negations % 2 == 1 || (negations == 0 && refuses_to_promise(&behind))
}

/// The part of a clause behind its last turn; `None` where a comparison undoes every denial.
fn after_turn(before: &str) -> Option<&str> {
    const TURNS: &[&str] = &["而是", "却", "但", " but ", " yet ", " instead ", " except ", "除了"];
    const COMPARISONS: &[&str] = &["没有比", "没比", "nothing ", "no other ", "no one "];
    if COMPARISONS.iter().any(|words| before.contains(words)) {
        return None;
    }
    let from = TURNS.iter().filter_map(|turn| before.rfind(turn).map(|at| at + turn.len())).max();
    before.get(from.unwrap_or(0)..)
}

fn negations(before: &str, behind: &str) -> usize {
    const FALSE_ONES: &[&str] = &[
        "不仅",
        "不只",
        "不但",
        "不光",
        "不止",
        "不单",
        "不得不",
        "无不",
        "无非",
        "不错",
        "不禁",
        "非常",
        "并不只",
        "not only",
        "not just",
        "not merely",
        "no doubt",
    ];
    const HAN: &[&str] = &["不", "非", "无", "未", "没", "勿", "禁止"];
    const LATIN: &[&str] = &[
        "not", "no", "never", "without", "cannot", "non", "nor", "neither", "isn't", "aren't", "doesn't",
        "don't", "can't",
    ];
    if behind.split(' ').any(|word| word == "than") {
        return 0;
    }
    let mut clause = before.to_owned();
    for words in FALSE_ONES {
        clause = clause.replace(words, "");
    }
    let latin = clause
        .split(|c: char| !(c.is_alphanumeric() || c == '\''))
        .filter(|word| LATIN.contains(word))
        .count();
    HAN.iter().map(|sign| clause.matches(sign).count()).sum::<usize>() + latin
}

fn refuses_to_promise(behind: &str) -> bool {
    const VERBS: &[&str] = &["承诺", "保证", "担保", "负责", "代表", "构成", "提供"];
    const REFUSALS: &[&str] = &["不", "不予", "不作", "不做", "无法"];
    const PROMISES: [&str; 7] =
        ["guaranteed", "promised", "implied", "claimed", "included", "intended", "offered"];
    let chinese = VERBS
        .iter()
        .filter_map(|verb| behind.find(verb))
        .any(|at| REFUSALS.iter().any(|no| behind[..at].trim_end().ends_with(no)));
    let words: Vec<&str> =
        behind.split(|c: char| !(c.is_alphanumeric() || c == '\'')).filter(|word| !word.is_empty()).collect();
    let english = words.windows(2).any(|pair| {
        matches!(pair[0], "not" | "never" | "isn't" | "aren't" | "cannot") && PROMISES.contains(&pair[1])
    });
    chinese || english
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_spaced_scripts_match_whole() {
        for (text, term) in [
            ("A glass lid", "ass"),
            ("Warm from the start", "art"),
            ("Meadow grass", "ad"),
            ("Cheaper than ever", "cheap"),
            ("Скидка на всё", "кидка"),
            ("caf\u{E9}s", "caf\u{E9}"),
            ("cafe\u{301}", "cafe"),
            ("#10 lid", "#1"),
        ] {
            assert!(!holds_term(text, term), "{term} is not in {text}");
        }
        for (text, term) in [
            ("State-of-the-art lid", "ART"),
            ("ｃｈｅａｐ", "cheap"),
            ("a CHE\u{200B}AP way", "cheap"),
            ("很cheap的", "cheap"),
            ("Order \u{A0}Now", "order now"),
            ("能治\u{200B} 病", "治病"),
            ("治·病", "治病"),
            ("安いお茶", "安い"),
            ("our #1 lid", "#1"),
        ] {
            assert!(holds_term(text, term), "{term} is in {text}");
        }
        assert!(!holds_term("马上，瘾君子", "上瘾"), "two clauses are no word");
        assert!(!holds_term("", "x") && !holds_term("x", " "));
    }

    #[test]
    fn only_what_is_denied_is_denied() {
        for (text, term) in [
            ("试听课不承诺升学结果", "升学"),
            ("本品为食品，不能治病", "治病"),
            ("升学结果无法保证", "升学"),
            ("非医疗器械，不具治疗作用", "治疗"),
            ("This product does not cure any disease.", "cure"),
            ("Not a cure", "cure"),
            ("Results are not guaranteed", "results"),
            ("Never cheap tricks", "cheap"),
        ] {
            assert!(is_denied(text, term), "{text}");
        }
        for (text, term) in [
            ("承诺升学结果", "升学"),
            ("不仅治病，还养生", "治病"),
            ("不是不承诺升学", "升学"),
            ("没有比这更便宜的", "便宜"),
            ("不苦，能治病", "治病"),
            ("不能治病？当然能治病", "治病"),
            ("不是零食，而是治病的茶", "治病"),
            ("Not only a cure", "cure"),
            ("Not a toy but a cure", "cure"),
            ("No sugar, a cure for colds", "cure"),
            ("Not cheap? It is cheap", "cheap"),
            ("No store is as cheap than ours", "cheap"),
            ("便宜不贵", "便宜"),
            ("glass", "ass"),
        ] {
            assert!(!is_denied(text, term), "{text}");
        }
    }

    #[test]
    fn folding_keeps_the_way_back() {
        let folded = fold("Ａ 最·佳", Fold::Clauses);
        assert_eq!(folded.chars, vec!['a', '最', '佳']);
        assert_eq!(folded.origin, vec![0, 2, 4]);
        assert_eq!(fold("a \u{A0} b", Fold::Plain).chars, vec!['a', ' ', 'b']);
    }
}
