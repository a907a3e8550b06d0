//! Dates as platforms write them.

use jiff::civil::Date;

use crate::DateOrder;

/// A date in digits that may be read in one way or in two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Written {
    /// One reading.
    Certain(Date),
    /// Two numbers up to 12 before the year: the first and the second.
    Open {
        /// First number.
        first: i8,
        /// Second number.
        second: i8,
        /// The year.
        year: i16,
    },
}

const MONTHS: [(&str, i8); 36] = [
    ("jan", 1),
    ("feb", 2),
    ("mar", 3),
    ("apr", 4),
    ("may", 5),
    ("jun", 6),
    ("jul", 7),
    ("aug", 8),
    ("sep", 9),
    ("oct", 10),
    ("nov", 11),
    ("dec", 12),
    // Dutch, German, French, Spanish, Portuguese, where the first letters differ.
    ("maart", 3),
    ("mrt", 3),
    ("mei", 5),
    ("okt", 10),
    ("mär", 3),
    ("mai", 5),
    ("dez", 12),
    ("janv", 1),
    ("fév", 2),
    ("avr", 4),
    ("juin", 6),
    ("juil", 7),
    ("aoû", 8),
    ("déc", 12),
    ("ene", 1),
    ("abr", 4),
    ("ago", 8),
    ("dic", 12),
    ("fev", 2),
    ("set", 9),
    ("out", 10),
    ("gen", 1),
    ("mag", 5),
    ("giu", 6),
];

fn month_named(word: &str) -> Option<i8> {
    let word = word.trim_end_matches('.').to_lowercase();
    if !word.chars().all(char::is_alphabetic) || word.chars().count() < 3 {
        return None;
    }
    // The longest beginning counts: `juin` before `jun`.
    let found = MONTHS.iter().filter(|(begin, _)| word.starts_with(begin));
    found.max_by_key(|(begin, _)| begin.len()).map(|(_, month)| *month)
}

fn calendar(year: i16, month: i8, day: i8) -> Option<Date> {
    if (1990..=2100).contains(&year) { Date::new(year, month, day).ok() } else { None }
}

/// Reads a date: ISO, with slashes, dots or dashes, `20260907`, `2026年9月7日`, with a month's name, and any
/// of them with a time behind. `None` where it is none.
#[must_use]
pub fn written(text: &str) -> Option<Written> {
    let text = text.trim();
    if text.chars().count() > 40 {
        return None;
    }
    let day = without_time(text);
    chinese(day).or_else(|| digits(day)).or_else(|| named(day).map(Written::Certain))
}

/// The words before a time such as `00:00:00` or `12:00 AM`.
fn without_time(text: &str) -> &str {
    let Some(colon) = text.find(':') else {
        // `2026-09-07T00` has no colon and is no form that is written.
        return text;
    };
    let before = &text[..colon];
    let cut = before.rfind(|c: char| !c.is_ascii_digit()).unwrap_or(0);
    before[..cut].trim_end_matches([' ', 'T', ','])
}

fn chinese(text: &str) -> Option<Written> {
    let (year, rest) = text.split_once('年')?;
    let (month, rest) = rest.split_once('月')?;
    let day = rest.strip_suffix('日').or_else(|| rest.strip_suffix('号'))?;
    let number = |text: &str| text.trim().parse::<i16>().ok();
    let (month, day) = (number(month)?, number(day)?);
    let date = calendar(number(year)?, i8::try_from(month).ok()?, i8::try_from(day).ok()?)?;
    Some(Written::Certain(date))
}

fn digits(text: &str) -> Option<Written> {
    if text.len() == 8 && text.bytes().all(|byte| byte.is_ascii_digit()) {
        let date = calendar(text[..4].parse().ok()?, text[4..6].parse().ok()?, text[6..].parse().ok()?)?;
        return Some(Written::Certain(date));
    }
    let mark = text.chars().find(|c| !c.is_ascii_digit()).filter(|c| matches!(c, '-' | '/' | '.'))?;
    let parts: Vec<&str> = text.split(mark).collect();
    let [a, b, c] = parts[..] else { return None };
    let is_short =
        |part: &str| (1..=2).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
    let is_year = |part: &str| part.len() == 4 && part.bytes().all(|byte| byte.is_ascii_digit());
    if is_year(a) && is_short(b) && is_short(c) {
        return calendar(a.parse().ok()?, b.parse().ok()?, c.parse().ok()?).map(Written::Certain);
    }
    if !(is_short(a) && is_short(b) && is_year(c)) {
        return None;
    }
    let (first, second, year): (i8, i8, i16) = (a.parse().ok()?, b.parse().ok()?, c.parse().ok()?);
    if first > 12 {
        calendar(year, second, first).map(Written::Certain)
    } else if second > 12 {
        calendar(year, first, second).map(Written::Certain)
    } else if first == second {
        calendar(year, first, first).map(Written::Certain)
    } else if first >= 1 && second >= 1 && (1990..=2100).contains(&year) {
        Some(Written::Open { first, second, year })
    } else {
        None
    }
}

/// `September 7, 2026`, `Sep 07, 2026`, `7 September 2026`, `07-Sep-2026`.
fn named(text: &str) -> Option<Date> {
    let words: Vec<&str> =
        text.split([' ', ',', '-', '/', '\u{A0}']).filter(|word| !word.is_empty() && *word != "de").collect();
    let [a, b, c] = words[..] else { return None };
    let number = |word: &str| -> Option<i8> {
        let digits = word.trim_end_matches('.').trim_end_matches(|c: char| c.is_ascii_alphabetic());
        if digits.len() <= 2 { digits.parse().ok() } else { None }
    };
    let year = (c.len() == 4).then(|| c.parse().ok()).flatten()?;
    if let Some(month) = month_named(a) {
        return calendar(year, month, number(b)?);
    }
    calendar(year, month_named(b)?, number(a)?)
}

impl Written {
    /// The date, by an order where it is open.
    #[must_use]
    pub fn resolved(self, order: Option<DateOrder>) -> Option<Date> {
        match (self, order) {
            (Self::Certain(date), _) => Some(date),
            (Self::Open { first, second, year }, Some(DateOrder::DayFirst)) => calendar(year, second, first),
            (Self::Open { first, second, year }, Some(DateOrder::MonthFirst)) => {
                calendar(year, first, second)
            }
            (Self::Open { .. }, None) => None,
        }
    }
}

/// What a date in digits says of the order of all dates of its file: more than 12 cannot be a month.
#[must_use]
pub fn order_evidence(text: &str) -> Option<DateOrder> {
    let day = without_time(text.trim());
    let mark = day.chars().find(|c| !c.is_ascii_digit()).filter(|c| matches!(c, '-' | '/' | '.'))?;
    let parts: Vec<&str> = day.split(mark).collect();
    let [a, b, c] = parts[..] else { return None };
    if c.len() != 4 || a.len() > 2 || b.len() > 2 {
        return None;
    }
    let (first, second): (u8, u8) = (a.parse().ok()?, b.parse().ok()?);
    match (first, second) {
        (13..=31, 1..=12) => Some(DateOrder::DayFirst),
        (1..=12, 13..=31) => Some(DateOrder::MonthFirst),
        _ => None,
    }
}

/// The dates that are written with certainty in a line of words, in their order.
#[must_use]
pub fn dates_in(line: &str) -> Vec<Date> {
    let mut found = Vec::new();
    let line = &loosened(line);
    let words: Vec<&str> = line.split_whitespace().collect();
    let mut at = 0;
    while at < words.len() {
        // The longest run of words that is a date.
        let run = (1..=5).rev().find_map(|n| {
            let run = words.get(at..at + n)?.join(" ");
            let run = run.trim_matches(|c: char| matches!(c, ',' | '(' | ')' | '"' | '~' | ':' | ';'));
            match written(run.strip_suffix(" -").unwrap_or(run))? {
                Written::Certain(date) => Some((n, date)),
                Written::Open { .. } => None,
            }
        });
        match run {
            Some((n, date)) => {
                found.push(date);
                at += n;
            }
            None => at += 1,
        }
    }
    if found.is_empty() {
        // `2026-09-07~2026-09-09` and the like stand without spaces.
        found = line.split(['~', '～', '至', '—']).filter_map(|part| written(part)?.resolved(None)).collect();
    }
    found
}

/// A range such as `2026-Sep 9` with spaces around its dash.
fn loosened(line: &str) -> String {
    let characters: Vec<char> = line.chars().collect();
    let mut loosened = String::with_capacity(line.len() + 2);
    for (idx, c) in characters.iter().enumerate() {
        let is_year = idx >= 4 && characters[idx - 4..idx].iter().all(char::is_ascii_digit);
        let is_word_next = characters.get(idx + 1).is_some_and(|next| next.is_alphabetic());
        if *c == '-' && is_year && is_word_next {
            loosened.push_str(" - ");
        } else {
            loosened.push(*c);
        }
    }
    loosened
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_form_is_read() {
        let wanted = date(2026, 9, 7);
        for text in [
            "2026-09-07",
            "2026/9/7",
            "20260907",
            "2026年9月7日",
            "2026-09-07 00:00:00",
            "2026-09-07T00:00:00",
            "Sep 07, 2026",
            "September 7, 2026",
            "September 7, 2026, 12:00 AM",
            "7 September 2026",
            "23:59 is a time",
            "07-Sep-2026",
            "7. september 2026",
        ] {
            let found = written(text).and_then(|written| written.resolved(None));
            assert_eq!(found, (text != "23:59 is a time").then_some(wanted), "{text}");
        }
        let open = written("9/7/2026").unwrap();
        assert_eq!(open.resolved(Some(DateOrder::MonthFirst)), Some(wanted));
        assert_eq!(open.resolved(Some(DateOrder::DayFirst)), Some(date(2026, 7, 9)));
        assert_eq!(open.resolved(None), None);
        assert_eq!(written("23-9-2026").unwrap().resolved(None), Some(date(2026, 9, 23)));
        for text in ["2026-02-30", "1.234", "31/31/2026", "2026", "", "9/7/26", "12/0/2026"] {
            assert_eq!(written(text).and_then(|written| written.resolved(None)), None, "{text}");
        }
        assert_eq!(order_evidence("23-9-2026"), Some(DateOrder::DayFirst));
        assert_eq!(order_evidence("9/23/2026"), Some(DateOrder::MonthFirst));
        assert_eq!(order_evidence("9/7/2026"), None);
    }

    #[test]
    fn ranges_in_titles_are_found() {
        let range = vec![date(2026, 9, 7), date(2026, 9, 9)];
        for line in [
            "September 7, 2026 - September 9, 2026",
            "7 September 2026 - 9 September 2026",
            "Ad report (Sep 7, 2026-Sep 9, 2026)",
            "2026-09-07 ~ 2026-09-09",
            "2026-09-07~2026-09-09",
        ] {
            assert_eq!(dates_in(line), range, "{line}");
        }
        assert_eq!(dates_in("Report Start: September 7, 2026, 12:00 AM"), range[..1]);
        assert!(dates_in("All time").is_empty());
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,60}") {
            let _ = written(&text);
            let _ = order_evidence(&text);
            let _ = dates_in(&text);
        }
    }
}
