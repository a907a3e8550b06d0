//! Numbers as people and platforms write them.

use crate::DecimalMark;

/// Whether a cell says that there is nothing to say, which is not 0.
pub(crate) fn is_nothing(text: &str) -> bool {
    matches!(
        text.trim().trim_matches('"').to_lowercase().as_str(),
        "" | "-" | "--" | "—" | "–" | "——" | "n/a" | "na" | "null" | "none" | "nan"
    )
}

/// A number's characters: without currency signs, spaces within and apostrophes between thousands.
fn bare(text: &str) -> Option<String> {
    let mut bare = String::with_capacity(text.len());
    let text = text.trim();
    let signless = text.strip_prefix(['-', '−']).unwrap_or(text);
    if signless.len() < text.len() {
        bare.push('-');
    }
    let signs = ["US$", "$", "€", "£", "¥", "￥"];
    let mut rest = signless.trim();
    for sign in signs {
        rest = rest.strip_prefix(sign).or_else(|| rest.strip_suffix(sign)).unwrap_or(rest).trim();
    }
    let digits = |c: Option<char>| c.is_some_and(|c| c.is_ascii_digit());
    let characters: Vec<char> = rest.chars().collect();
    for (idx, c) in characters.iter().enumerate() {
        let is_between =
            idx > 0 && digits(characters.get(idx - 1).copied()) && digits(characters.get(idx + 1).copied());
        match c {
            '0'..='9' | '.' | ',' => bare.push(*c),
            // Full-width digits and marks.
            '０'..='９' => bare.push(char::from_digit(u32::from(*c) - 0xFF10, 10)?),
            '，' => bare.push(','),
            ' ' | '\u{A0}' | '\u{202F}' | '\'' | '’' if is_between => {}
            _ => return None,
        }
    }
    Some(bare)
}

/// What a number's form says of the mark; `Err` where it may be read in two ways.
pub(crate) fn evidence(text: &str) -> Result<Option<DecimalMark>, ()> {
    let Some(bare) = bare(text) else { return Ok(None) };
    let bare = bare.trim_start_matches('-');
    let (points, commas) = (bare.matches('.').count(), bare.matches(',').count());
    let of = |mark: char| if mark == '.' { DecimalMark::Point } else { DecimalMark::Comma };
    let other = |mark: char| if mark == '.' { DecimalMark::Comma } else { DecimalMark::Point };
    match (points, commas) {
        (0, 0) => Ok(None),
        (1.., 1..) => {
            let last = bare.rfind(['.', ',']).and_then(|at| bare[at..].chars().next());
            Ok(last.map(of))
        }
        _ => {
            let mark = if points > 0 { '.' } else { ',' };
            let parts: Vec<&str> = bare.split(mark).collect();
            if parts.len() > 2 {
                // Several of one kind stand between thousands.
                return Ok(Some(other(mark)));
            }
            let may_be_thousands =
                parts[1].len() == 3 && (1..=3).contains(&parts[0].len()) && !parts[0].starts_with('0');
            if may_be_thousands { Err(()) } else { Ok(Some(of(mark))) }
        }
    }
}

/// The number with a point and without separators; `None` where it is none.
pub(crate) fn plain(text: &str, mark: DecimalMark) -> Option<String> {
    let bare = bare(text)?;
    let (sign, digits) = bare.strip_prefix('-').map_or(("", bare.as_str()), |rest| ("-", rest));
    let (decimal, thousands) = match mark {
        DecimalMark::Point => ('.', ','),
        DecimalMark::Comma => (',', '.'),
    };
    let (whole, fraction) = match digits.split_once(decimal) {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (digits, None),
    };
    let mut groups = whole.split(thousands);
    let first = groups.next()?;
    let mut plain = format!("{sign}{first}");
    let is_grouped = whole.contains(thousands);
    if is_grouped && !(1..=3).contains(&first.len()) {
        return None;
    }
    for group in groups {
        // Indian grouping has pairs before the last three.
        if !(2..=3).contains(&group.len()) {
            return None;
        }
        plain.push_str(group);
    }
    if is_grouped && whole.rsplit(thousands).next().is_none_or(|last| last.len() != 3) {
        return None;
    }
    if let Some(fraction) = fraction {
        if fraction.is_empty() || !fraction.bytes().all(|digit| digit.is_ascii_digit()) {
            return None;
        }
        plain.push('.');
        plain.push_str(fraction);
    }
    let unsigned = plain.trim_start_matches('-');
    let is_number = !unsigned.is_empty()
        && unsigned.starts_with(|c: char| c.is_ascii_digit())
        && unsigned.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    is_number.then_some(plain)
}

/// A stored number of a workbook, which may have an exponent, as a decimal.
pub(crate) fn stored(text: &str) -> Option<String> {
    if !text.contains(['e', 'E']) {
        return plain(text, DecimalMark::Point);
    }
    let value: f64 = text.parse().ok()?;
    value.is_finite().then(|| format!("{value}"))
}

/// Millionths of a decimal with a point, halves rounded away from 0; `None` beyond 64 bits.
pub(crate) fn micros(plain: &str) -> Option<i64> {
    let (negative, digits) = plain.strip_prefix('-').map_or((false, plain), |rest| (true, rest));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let mut padded: String = fraction.chars().take(6).collect();
    while padded.len() < 6 {
        padded.push('0');
    }
    let rounds_up = fraction.as_bytes().get(6).is_some_and(|digit| *digit >= b'5');
    let whole: i64 = whole.parse().ok()?;
    let parts: i64 = padded.parse().ok()?;
    let amount = whole.checked_mul(1_000_000)?.checked_add(parts)?.checked_add(i64::from(rounds_up))?;
    Some(if negative { -amount } else { amount })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn forms_say_which_mark_they_use_or_that_they_do_not() {
        use DecimalMark::{Comma, Point};
        for (text, wanted) in [
            ("1,234.50", Ok(Some(Point))),
            ("1.234,50", Ok(Some(Comma))),
            ("9,36", Ok(Some(Comma))),
            ("13.42333333", Ok(Some(Point))),
            ("1,234,567", Ok(Some(Point))),
            ("1.234.567", Ok(Some(Comma))),
            ("12,480", Err(())),
            ("1.234", Err(())),
            ("0.123", Ok(Some(Point))),
            ("1234.567", Ok(Some(Point))),
            ("12480", Ok(None)),
        ] {
            assert_eq!(evidence(text), wanted, "{text}");
        }
    }

    #[test]
    fn numbers_are_read_whole_or_not_at_all() {
        use DecimalMark::{Comma, Point};
        let cases = [
            ("12,480", Point, Some("12480")),
            ("$1,445.94", Point, Some("1445.94")),
            ("1 234,5 €", Comma, Some("1234.5")),
            ("12,34,567.8", Point, Some("1234567.8")),
            ("7.50", Point, Some("7.50")),
            ("-3", Point, Some("-3")),
            ("12,48", Point, None),
            ("1.2E+17", Point, None),
            ("5%", Point, None),
            ("< 10", Point, None),
            ("=1+1", Point, None),
            ("1..2", Point, None),
            ("1.", Point, None),
            (".5", Point, None),
            ("12 a", Point, None),
        ];
        for (text, mark, wanted) in cases {
            assert_eq!(plain(text, mark).as_deref(), wanted, "{text}");
        }
        assert_eq!(stored("1.5E-2").as_deref(), Some("0.015"));
        assert_eq!(micros("148.60"), Some(148_600_000));
        assert_eq!(micros("0.0000005"), Some(1));
        assert_eq!(micros("-9.7"), Some(-9_700_000));
        assert_eq!(micros("99999999999999999999"), None);
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "\\PC*") {
            let _ = evidence(&text);
            let _ = plain(&text, DecimalMark::Point).map(|number| micros(&number));
            let _ = plain(&text, DecimalMark::Comma);
        }
    }
}
