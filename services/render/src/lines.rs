//! Where lines break best among the places where they may ([`rules`]): lines are of even length, so
//! that no single character is left over on the last one, and words and names stay whole.

mod rules;

use std::ops::Range;

use icu_segmenter::WordSegmenter;
use icu_segmenter::options::WordBreakInvariantOptions;
use rules::{NO_BREAK_SPACE, pauses};
pub(crate) use rules::{clean, is_cjk, pieces, unit_ranges};

/// Height of a line in font sizes.
pub(crate) const LINE_HEIGHT: f64 = 1.26;

/// What cannot be broken over lines.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Unit {
    pub(crate) text: String,
    /// Advance width in the measuring size.
    pub(crate) width: f64,
    /// Advance width of the space before it when it does not begin a line; 0 for none.
    pub(crate) space: f64,
    /// What a break before it would cut in two.
    pub(crate) cuts: Cut,
}

/// What a line break at a place would cut in two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cut {
    /// Nothing.
    None,
    /// Nothing: a brand's or product's name ends or begins here.
    NameEdge,
    /// A word, or what reads as one.
    Word,
    /// A brand's or product's name.
    Name,
}

/// Words of advertising that a general dictionary does not have.
const TERMS: [&str; 16] = [
    "立减", "首单", "包邮", "下单", "新客", "专享", "特惠", "到手", "直供", "秒杀", "满减", "好评", "回购",
    "速溶", "挂耳", "手冲",
];

/// Finds what line breaks would cut in `text`: `names`, and words by the dictionary of ICU.
pub(crate) struct Words {
    names: Vec<Range<usize>>,
    /// Byte offsets behind names at which a character leans on the name (`前` in `买晨光挂耳前`).
    leaning: Vec<usize>,
    terms: Vec<Range<usize>>,
    /// Byte offsets between words.
    between: Vec<usize>,
}

/// Characters that lean on the word before them: particles, and words of place and time that follow
/// their noun.
fn leans_back(c: char) -> bool {
    "的了吗呢吧啊们着过得地内里外上下中前后时".contains(c)
}

/// Words of one character that often stand alone.
fn stands_alone(c: char) -> bool {
    "的了和与在是就也都不很把被从到给让有没这那一我你他她它".contains(c)
}

/// Whether a break between two Chinese words reads as a mistake all the same: `after` leans on
/// `before`; or it is one character with nothing behind it before the next pause, such as the `丝` of
/// `鸡肉丝，`; or both are one character, as the dictionary divides words that it does not have
/// (`靠谱`).
fn belong_together(before: &str, after: &str, rest: &str) -> bool {
    let lone = |word: &str| {
        let mut characters = word.chars();
        characters.next().filter(|c| is_cjk(*c) && !pauses(*c) && characters.next().is_none())
    };
    let Some(second) = lone(after) else { return false };
    if leans_back(second) || rest.chars().next().is_none_or(pauses) {
        return before.chars().last().is_some_and(|c| !pauses(c) && c != ' ');
    }
    lone(before).is_some_and(|first| !stands_alone(first) && !stands_alone(second))
}

impl Words {
    pub(crate) fn of(text: &str, names: &[String]) -> Self {
        let occurrences =
            |name: &str| text.match_indices(name).map(|(at, hit)| at..at + hit.len()).collect::<Vec<_>>();
        let names = names.iter().map(|name| clean(name)).filter(|name| !name.is_empty());
        let names: Vec<Range<usize>> = names.flat_map(|name| occurrences(&name)).collect();
        let segmenter = WordSegmenter::new_dictionary(WordBreakInvariantOptions::default());
        // Words behind a name begin anew: the dictionary, which has no such name, would join `耳前`.
        let leans = |end: &usize| {
            let after = &text[*end..];
            let mut first = after[..segmenter.segment_str(after).nth(1).unwrap_or(0)].chars();
            first.next().is_some_and(leans_back) && first.next().is_none()
        };
        let leaning = names.iter().map(|name| name.end).filter(leans).collect();
        let ends: Vec<usize> = segmenter.segment_str(text).collect();
        let together =
            |at: &[usize]| belong_together(&text[at[0]..at[1]], &text[at[1]..at[2]], &text[at[2]..]);
        Self {
            names,
            leaning,
            terms: TERMS.iter().flat_map(|term| occurrences(term)).collect(),
            between: ends.windows(3).filter(|at| !together(at)).map(|at| at[1]).collect(),
        }
    }

    /// What a break before the byte `at` cuts.
    pub(crate) fn cut(&self, at: usize) -> Cut {
        let inside = |ranges: &[Range<usize>]| ranges.iter().any(|range| range.start < at && at < range.end);
        if inside(&self.names) {
            Cut::Name
        } else if self.leaning.contains(&at) {
            Cut::Word
        } else if self.names.iter().any(|name| name.start == at || name.end == at) {
            // Whatever the dictionary makes of the characters around it.
            Cut::NameEdge
        } else if !self.between.contains(&at) || inside(&self.terms) {
            Cut::Word
        } else {
            Cut::None
        }
    }
}

/// Byte ranges of the words of a line, one behind the other: between spaces, and in writing without spaces as
/// the dictionary divides it, with the marks that follow each.
pub(crate) fn spoken_words(line: &str) -> Vec<Range<usize>> {
    let words = Words::of(line, &[]);
    let mut ranges: Vec<Range<usize>> = Vec::new();
    for unit in unit_ranges(line) {
        let begins = line[..unit.start].ends_with(' ') || words.cut(unit.start) == Cut::None;
        match ranges.last_mut() {
            Some(last) if !begins => last.end = unit.end,
            _ => ranges.push(unit),
        }
    }
    ranges
}

/// Byte ranges of figures: digits with their signs, points, percent and currency marks.
pub(crate) fn figures(text: &str) -> Vec<Range<usize>> {
    let part = |c: char| c.is_ascii_digit() || ".,%％¥￥$€£元折".contains(c) || c == NO_BREAK_SPACE;
    let mut ranges: Vec<Range<usize>> = Vec::new();
    for (at, c) in text.char_indices() {
        if !part(c) {
            continue;
        }
        match ranges.last_mut() {
            Some(last) if last.end == at => last.end = at + c.len_utf8(),
            _ => ranges.push(at..at + c.len_utf8()),
        }
    }
    ranges.retain(|range| text[range.clone()].contains(|c: char| c.is_ascii_digit()));
    for range in &mut ranges {
        // A sentence's comma or point after a figure is not part of it, nor is a space.
        let figure = &text[range.clone()];
        range.end -= figure.len() - figure.trim_end_matches(['.', ',', NO_BREAK_SPACE]).len();
        let figure = &text[range.clone()];
        range.start += figure.len() - figure.trim_start_matches(NO_BREAK_SPACE).len();
    }
    ranges
}

/// Breaks into the fewest lines that are at most `room` wide, evenly filled, with the cost of the
/// breaks; `None` when more than `rows` would be needed.
///
/// Cost of a line: the square of its unfilled share, plus a fee for breaking inside a phrase and for
/// a last line of one or two characters; the cheapest division is found by dynamic programming.
pub(crate) fn balanced(units: &[Unit], room: f64, rows: usize) -> Option<(Vec<String>, f64)> {
    if units.is_empty() || rows == 0 {
        return None;
    }
    let n = units.len();
    let mut starts = vec![0.0; n + 1];
    for (idx, unit) in units.iter().enumerate() {
        starts[idx + 1] = starts[idx] + unit.width + unit.space;
    }
    let width = |from: usize, to: usize| starts[to] - starts[from] - units[from].space;
    let mut fewest = 0;
    let mut at = 0;
    while at < n {
        let mut end = at + 1;
        if width(at, end) > room {
            return None;
        }
        while end < n && width(at, end + 1) <= room {
            end += 1;
        }
        at = end;
        fewest += 1;
    }
    if fewest > rows {
        return None;
    }
    let target = width(0, n) / fewest as f64;
    let fees: Vec<f64> = (0..=n).map(|end| break_fee(units, end)).collect();
    // best[k][i]: least cost of setting the first i units on k lines, and where the last one began.
    let mut best = vec![vec![(f64::INFINITY, 0_usize); n + 1]; fewest + 1];
    best[0][0].0 = 0.0;
    for k in 1..=fewest {
        for end in 1..=n {
            for from in (0..end).rev() {
                let wide = width(from, end);
                if wide > room {
                    break;
                }
                let before = best[k - 1][from].0;
                let slack = (wide - target) / room;
                let cost = before + slack * slack + fees[end] + short_fee(units, from, end);
                if cost < best[k][end].0 {
                    best[k][end] = (cost, from);
                }
            }
        }
    }
    let mut cuts = vec![n];
    let mut end = n;
    for k in (1..=fewest).rev() {
        end = best[k][end].1;
        cuts.push(end);
    }
    cuts.reverse();
    let cost = best[fewest][n].0;
    Some((cuts.windows(2).map(|cut| join(&units[cut[0]..cut[1]])).collect(), cost))
}

/// How bad it is to break before unit `end`.
fn break_fee(units: &[Unit], end: usize) -> f64 {
    let (Some(before), Some(after)) = (units.get(end.wrapping_sub(1)), units.get(end)) else { return 0.0 };
    let last = before.text.chars().last().unwrap_or(' ');
    let next = after.text.chars().next().unwrap_or(' ');
    if after.cuts == Cut::Name {
        1.5
    } else if pauses(last) {
        0.0
    } else if last.is_ascii_digit() && after.text.len() <= 3 {
        // A figure and its unit: "1,600 m".
        0.5
    } else if after.space > 0.0 {
        0.03
    } else if "的了吗呢吧啊们着过".contains(next) {
        0.5
    } else if after.cuts == Cut::Word {
        0.7
    } else if after.cuts == Cut::NameEdge {
        0.1
    } else if "的了和与在是".contains(last) {
        0.12
    } else {
        0.2
    }
}

/// Fee for a line of one or two characters in a longer text.
fn short_fee(units: &[Unit], from: usize, end: usize) -> f64 {
    if end - from > 2 || units.len() <= 2 {
        return 0.0;
    }
    match units[from..end].iter().map(|unit| unit.text.chars().count()).sum::<usize>() {
        1 => 0.8,
        2 => 0.25,
        _ => 0.0,
    }
}

fn join(units: &[Unit]) -> String {
    let mut line = String::new();
    for unit in units {
        if unit.space > 0.0 && !line.is_empty() {
            line.push(' ');
        }
        line.push_str(&unit.text);
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    fn units(text: &str, names: &[String]) -> Vec<Unit> {
        let words = Words::of(text, names);
        unit_ranges(text)
            .into_iter()
            .map(|range| Unit {
                text: text[range.clone()].to_owned(),
                width: text[range.clone()]
                    .chars()
                    .map(|c| if is_cjk(c) || !c.is_ascii() { 100.0 } else { 55.0 })
                    .sum(),
                space: if text[..range.start].ends_with(' ') { 22.4 } else { 0.0 },
                cuts: words.cut(range.start),
            })
            .collect()
    }

    fn broken(text: &str, room: f64) -> Vec<String> {
        balanced(&units(text, &[]), room, 20).expect("fits").0
    }

    #[test]
    fn punctuation_never_begins_a_line_and_brackets_never_end_one() {
        for room in [300.0, 400.0, 500.0, 700.0] {
            for line in broken("现磨咖啡，清晨送达。《早安》每天一杯！限时（今日）有效", room)
            {
                assert!(!rules::never_first(line.chars().next().expect("text")), "{line}");
                assert!(!rules::never_last(line.chars().last().expect("text")), "{line}");
            }
        }
    }

    #[test]
    fn words_and_numbers_with_units_stay_whole() {
        let lines = broken("Fresh roasted coffee delivered daily", 800.0);
        assert!(
            lines.iter().all(|line| line
                .split(' ')
                .all(|word| "Fresh roasted coffee delivered daily".contains(word)))
        );
        for room in [300.0, 400.0, 500.0] {
            assert!(broken("今日下单立减50元包邮", room).iter().any(|line| line.contains("50元")), "{room}");
        }
    }

    #[test]
    fn no_single_character_is_left_over() {
        for room in [400.0, 500.0, 600.0, 700.0, 800.0] {
            let lines = broken("一杯好咖啡从一颗好豆子开始的", room);
            assert!(lines.last().expect("lines").chars().count() > 2, "{lines:?}");
        }
    }

    #[test]
    fn names_stay_whole_where_they_fit() {
        let names = ["晨光挂耳".to_owned(), "Harbor Lane".to_owned(), " ".to_owned()];
        for room in [650.0, 700.0, 800.0] {
            for (text, name) in [
                ("遇见晨光挂耳的那天", &names[0]),
                ("每天早上晨光挂耳", &names[0]),
                ("Try Harbor Lane", &names[1]),
            ] {
                let lines = balanced(&units(text, &names), room, 20).expect("fits").0;
                assert!(lines.iter().any(|line| line.contains(name)), "{lines:?}");
            }
        }
        // A name wider than a line breaks rather than shrinking the text away.
        assert!(balanced(&units("晨光挂耳", &names), 200.0, 20).is_some());
    }

    #[test]
    fn chinese_lines_do_not_break_where_it_reads_as_a_mistake() {
        let names = ["晨光挂耳".to_owned(), "小鲜罐".to_owned()];
        for (text, room, lines) in [
            ("看得见的鸡肉丝，不打成泥", 800.0, ["看得见的鸡肉丝，", "不打成泥"]),
            ("小鲜罐靠谱吗？看这里", 700.0, ["小鲜罐靠谱吗？", "看这里"]),
            ("晨光挂耳好在哪里？", 500.0, ["晨光挂耳", "好在哪里？"]),
            ("烘焙后48小时内发货", 700.0, ["烘焙后", "48小时内发货"]),
            ("买晨光挂耳前，先看这条", 700.0, ["买晨光挂耳前，", "先看这条"]),
            ("买晨光挂耳前先看这条", 600.0, ["买晨光挂耳前", "先看这条"]),
        ] {
            assert_eq!(balanced(&units(text, &names), room, 20).expect("fits").0, lines);
        }
    }

    #[test]
    fn lines_break_after_punctuation_and_not_inside_words() {
        assert_eq!(broken("每天早上，你喝的咖啡新鲜吗？", 1000.0), ["每天早上，", "你喝的咖啡新鲜吗？"]);
        let lines = broken("首单立减优惠", 400.0);
        assert!(
            lines.iter().any(|line| line.contains("立减")) && lines.iter().any(|line| line.contains("优惠"))
        );
    }

    #[test]
    fn words_of_a_line_are_what_is_said_in_one_piece() {
        let said = |line: &str| -> Vec<String> {
            spoken_words(line).into_iter().map(|range| line[range].to_owned()).collect()
        };
        assert_eq!(said("Keeps ice for 24 hours."), ["Keeps", "ice", "for", "24", "hours."]);
        assert_eq!(said("每天早上，新鲜送达"), ["每天", "早上，", "新鲜", "送达"]);
        assert_eq!(said("首单立减50元").concat(), "首单立减50元");
    }

    #[test]
    fn figures_are_found() {
        let text = "立减50元, 8.8折. Save $3.50, or 20%";
        let found: Vec<&str> = figures(text).into_iter().map(|range| &text[range]).collect();
        assert_eq!(found, ["50元", "8.8折", "$3.50", "20%"]);
    }
}
