//! Phrases of a text: what is left out to see what it is worth.
//!
//! Units are words, and single characters where words are not divided by spaces. A phrase never
//! divides a unit, phrases do not overlap, and together they hold every unit.

use std::ops::Range;

/// Most units of a phrase of a headline.
const MAX_UNITS: usize = 4;

/// The phrases of a headline, as byte ranges in order: clauses, and longer ones in even pieces of at
/// most four words (or characters of Chinese, Japanese or Korean). A headline of one phrase is
/// divided in two where it has two words.
#[must_use]
pub fn phrases(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    for clause in clauses(units(text), text) {
        let n_pieces = clause.len().div_ceil(MAX_UNITS);
        found.extend(even(&clause, n_pieces));
    }
    if let [only] = found.as_slice() {
        let within = units(&text[only.clone()]);
        let halves = even(&within, 2);
        return halves.iter().map(|half| only.start + half.start..only.start + half.end).collect();
    }
    found
}

/// A text in at most `n` even pieces, as byte ranges in order.
#[must_use]
pub fn pieces(text: &str, n: usize) -> Vec<Range<usize>> {
    even(&units(text), n)
}

/// Byte ranges of words, and of single characters of scripts without spaces.
fn units(text: &str) -> Vec<Range<usize>> {
    let mut units: Vec<Range<usize>> = Vec::new();
    let mut open = false;
    for (start, character) in text.char_indices() {
        let end = start + character.len_utf8();
        if character.is_whitespace() {
            open = false;
        } else if stands_alone(character) {
            units.push(start..end);
            open = false;
        } else if let (true, Some(last)) = (open || !character.is_alphanumeric(), units.last_mut()) {
            // Marks go with the word before them.
            if open || last.end == start {
                last.end = end;
            } else {
                units.push(start..end);
                open = true;
            }
        } else {
            units.push(start..end);
            open = true;
        }
    }
    units
}

/// Characters of which each can be a word: Chinese, kana and Hangul.
const fn stands_alone(character: char) -> bool {
    matches!(character, '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{ac00}'..='\u{d7af}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
}

/// Units in groups that end with a mark that divides clauses.
fn clauses(units: Vec<Range<usize>>, text: &str) -> Vec<Vec<Range<usize>>> {
    let mut clauses: Vec<Vec<Range<usize>>> = vec![Vec::new()];
    for unit in units {
        let ends = text[unit.clone()].ends_with([
            ',', '.', ';', ':', '!', '?', '—', '–', '…', '，', '。', '；', '：', '！', '？', '、',
        ]);
        if let Some(last) = clauses.last_mut() {
            last.push(unit);
        }
        if ends {
            clauses.push(Vec::new());
        }
    }
    clauses.retain(|clause| !clause.is_empty());
    clauses
}

/// At most `n` runs of units of nearly equal number.
fn even(units: &[Range<usize>], n: usize) -> Vec<Range<usize>> {
    let n = n.min(units.len());
    (0..n)
        .filter_map(|piece| {
            let run = &units[piece * units.len() / n..(piece + 1) * units.len() / n];
            Some(run.first()?.start..run.last()?.end)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn texts(text: &str) -> Vec<&str> {
        phrases(text).into_iter().map(|range| &text[range]).collect()
    }

    #[test]
    fn headlines_fall_into_clauses_and_short_runs() {
        assert_eq!(texts("Fresh beans, delivered on Monday"), ["Fresh beans,", "delivered on Monday"]);
        assert_eq!(
            texts("Why your morning coffee tastes flat again"),
            ["Why your morning", "coffee tastes flat again"]
        );
        assert_eq!(texts("Better coffee"), ["Better", "coffee"]);
        assert_eq!(texts("  早晚"), ["早", "晚"]);
        assert_eq!(texts("Coffee"), ["Coffee"]);
        assert_eq!(texts("早上的咖啡为什么，没有味道？"), ["早上的咖", "啡为什么，", "没有味道？"]);
        assert_eq!(texts(" \n"), [""; 0]);
        assert_eq!(texts("🚀 !?"), ["🚀", "!?"]);
    }

    proptest! {
        #[test]
        fn phrases_hold_every_unit_once(text in "[a-c ,.!早晚é🚀-]{0,60}", n in 1_usize..9) {
            for ranges in [phrases(&text), pieces(&text, n)] {
                let mut end = 0;
                let mut rest = String::new();
                for range in ranges {
                    prop_assert!(range.start >= end && range.end > range.start);
                    rest.push_str(&text[end..range.start]);
                    end = range.end;
                }
                rest.push_str(&text[end..]);
                prop_assert!(rest.trim().is_empty(), "left out: `{rest}`");
            }
            prop_assert!(pieces(&text, n).len() <= n);
        }
    }
}
