//! Numbers in English words.

const SMALL: [&str; 20] = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
];
const TENS: [&str; 10] =
    ["", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"];
const GROUPS: [(u64, &str); 4] = [
    (1_000_000_000_000, "trillion"),
    (1_000_000_000, "billion"),
    (1_000_000, "million"),
    (1_000, "thousand"),
];

/// A whole number, e.g. 1,299: one thousand two hundred ninety nine. Above 999 trillion digit by digit.
pub(super) fn cardinal(number: u64) -> Vec<&'static str> {
    if number >= 1_000_000_000_000_000 {
        return digits(&number.to_string());
    }
    let mut words = Vec::new();
    let mut rest = number;
    for (size, name) in GROUPS {
        if rest >= size {
            words.extend(below_thousand(rest / size));
            words.push(name);
            rest %= size;
        }
    }
    if rest > 0 || words.is_empty() {
        words.extend(below_thousand(rest));
    }
    words
}

fn below_thousand(number: u64) -> Vec<&'static str> {
    let mut words = Vec::new();
    let mut rest = number;
    if rest >= 100 {
        words.extend([SMALL[(rest / 100) as usize], "hundred"]);
        rest %= 100;
        if rest == 0 {
            return words;
        }
    }
    if rest < 20 {
        words.push(SMALL[rest as usize]);
    } else {
        words.push(TENS[(rest / 10) as usize]);
        if !rest.is_multiple_of(10) {
            words.push(SMALL[(rest % 10) as usize]);
        }
    }
    words
}

/// Every digit by its name; other characters are left out.
pub(super) fn digits(text: &str) -> Vec<&'static str> {
    text.chars().filter_map(|c| c.to_digit(10)).map(|digit| SMALL[digit as usize]).collect()
}

/// A place in an order, e.g. 21: twenty first.
pub(super) fn ordinal(number: u64) -> Vec<String> {
    let mut words: Vec<String> = cardinal(number).into_iter().map(str::to_owned).collect();
    if let Some(last) = words.last_mut() {
        *last = match last.as_str() {
            "one" => "first".to_owned(),
            "two" => "second".to_owned(),
            "three" => "third".to_owned(),
            "five" => "fifth".to_owned(),
            "eight" => "eighth".to_owned(),
            "nine" => "ninth".to_owned(),
            "twelve" => "twelfth".to_owned(),
            tens if tens.ends_with('y') => format!("{}ieth", &tens[..tens.len() - 1]),
            other => format!("{other}th"),
        };
    }
    words
}

/// A year, e.g. 2026: twenty twenty six.
pub(super) fn year(number: u64) -> Vec<&'static str> {
    let (century, rest) = (number / 100, number % 100);
    if number % 1000 < 10 || !(1100..=2099).contains(&number) {
        return cardinal(number);
    }
    let mut words = cardinal(century);
    match rest {
        0 => words.push("hundred"),
        1..=9 => words.extend(["oh", SMALL[rest as usize]]),
        _ => words.extend(cardinal(rest)),
    }
    words
}

/// A number as it is written, with commas and a decimal point, e.g. `1,299.5`. `None` when it is none.
pub(super) fn written(text: &str) -> Option<Vec<&'static str>> {
    let (whole, fraction) = split(text)?;
    let mut words = cardinal(whole);
    if let Some(fraction) = fraction {
        words.push("point");
        words.extend(digits(fraction));
    }
    Some(words)
}

/// The whole part and the digits behind the point. `None` when it is no number.
pub(super) fn split(text: &str) -> Option<(u64, Option<&str>)> {
    let (whole, fraction) = match text.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (text, None),
    };
    if fraction.is_some_and(|digits| digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit())) {
        return None;
    }
    if whole.is_empty() && fraction.is_some() {
        return Some((0, fraction));
    }
    let groups: Vec<&str> = whole.split(',').collect();
    let grouped = groups.len() == 1 || groups[1..].iter().all(|group| group.len() == 3);
    let plain: String = groups.concat();
    if !grouped || groups[0].is_empty() || !plain.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    Some((plain.parse().ok()?, fraction))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_said_in_words() {
        for (number, words) in [
            (0, "zero"),
            (7, "seven"),
            (15, "fifteen"),
            (40, "forty"),
            (99, "ninety nine"),
            (100, "one hundred"),
            (250, "two hundred fifty"),
            (1_299, "one thousand two hundred ninety nine"),
            (10_000, "ten thousand"),
            (1_000_000, "one million"),
            (2_500_001, "two million five hundred thousand one"),
        ] {
            assert_eq!(cardinal(number).join(" "), words);
        }
        assert_eq!(cardinal(u64::MAX).len(), 20, "digit by digit");
    }

    #[test]
    fn places_and_years_are_said_in_words() {
        for (number, words) in
            [(1, "first"), (3, "third"), (12, "twelfth"), (20, "twentieth"), (28, "twenty eighth")]
        {
            assert_eq!(ordinal(number).join(" "), words);
        }
        for (number, words) in [
            (1998, "nineteen ninety eight"),
            (2000, "two thousand"),
            (2005, "two thousand five"),
            (2010, "twenty ten"),
            (2026, "twenty twenty six"),
            (1905, "nineteen oh five"),
            (1900, "nineteen hundred"),
        ] {
            assert_eq!(year(number).join(" "), words);
        }
    }

    #[test]
    fn only_numbers_are_read_as_numbers() {
        assert_eq!(split("1,299.50"), Some((1299, Some("50"))));
        assert_eq!(split(".5"), Some((0, Some("5"))));
        for no in ["", ",", "1,29", "12a", "1.", "1.2.3", ",100", "99999999999999999999999"] {
            assert_eq!(split(no), None, "{no}");
        }
        assert_eq!(
            written("89.95").map(|words| words.join(" ")).as_deref(),
            Some("eighty nine point nine five")
        );
    }
}
