//! Numbers in Mandarin.

const DIGITS: [char; 10] = ['零', '一', '二', '三', '四', '五', '六', '七', '八', '九'];

/// A whole number, e.g. 2,050: 两千零五十. Above 9,999 trillion digit by digit.
pub(super) fn cardinal(number: u64) -> String {
    if number >= 10_000_000_000_000_000 {
        return digits(&number.to_string());
    }
    if number == 0 {
        return "零".to_owned();
    }
    let mut out = String::new();
    let mut gap = false;
    for (size, name) in [(1_000_000_000_000, "万亿"), (100_000_000, "亿"), (10_000, "万"), (1, "")] {
        let part = number / size % 10_000;
        if part == 0 {
            gap |= !out.is_empty();
            continue;
        }
        if !out.is_empty() && (gap || part < 1_000) {
            out.push('零');
        }
        // 两万, but 二十万 and 两百二十二.
        out.push_str(&if part == 2 && size > 1 { "两".to_owned() } else { section(part, out.is_empty()) });
        out.push_str(name);
        gap = false;
    }
    out
}

/// A number below 10,000. At the very beginning 10 to 19 have no 一.
fn section(number: u64, first: bool) -> String {
    let mut out = String::new();
    let mut gap = false;
    for (size, name) in [(1_000, "千"), (100, "百"), (10, "十"), (1, "")] {
        let digit = (number / size % 10) as usize;
        if digit == 0 {
            gap |= !out.is_empty();
            continue;
        }
        if gap {
            out.push('零');
            gap = false;
        }
        match (digit, size) {
            (1, 10) if first && number < 20 => {}
            (2, 1_000) => out.push('两'),
            _ => out.push(DIGITS[digit]),
        }
        out.push_str(name);
    }
    out
}

/// Every digit by its name; other characters are left out.
pub(super) fn digits(text: &str) -> String {
    text.chars().filter_map(|c| c.to_digit(10)).map(|digit| DIGITS[digit as usize]).collect()
}

/// Digits of a telephone number, where one is 幺.
pub(super) fn telephone(text: &str) -> String {
    digits(text).replace('一', "幺")
}

/// A number as it is written, with commas and a decimal point. `None` when it is none.
pub(super) fn written(text: &str) -> Option<String> {
    let (whole, fraction) = text.split_once('.').map_or((text, None), |(whole, rest)| (whole, Some(rest)));
    let plain: String = whole.chars().filter(|c| *c != ',' && *c != '，').collect();
    if plain.is_empty() || !plain.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let mut out = match plain.parse() {
        Ok(number) => cardinal(number),
        Err(_) => digits(&plain),
    };
    if let Some(fraction) = fraction {
        if fraction.is_empty() || !fraction.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        out.push('点');
        out.push_str(&digits(fraction));
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_said_as_one_counts() {
        for (number, words) in [
            (0, "零"),
            (2, "二"),
            (10, "十"),
            (14, "十四"),
            (20, "二十"),
            (100, "一百"),
            (105, "一百零五"),
            (110, "一百一十"),
            (199, "一百九十九"),
            (200, "二百"),
            (1_000, "一千"),
            (2_000, "两千"),
            (2_050, "两千零五十"),
            (3_999, "三千九百九十九"),
            (10_000, "一万"),
            (20_000, "两万"),
            (10_005, "一万零五"),
            (100_000, "十万"),
            (120_300, "十二万零三百"),
            (100_000_000, "一亿"),
            (200_000_001, "两亿零一"),
        ] {
            assert_eq!(cardinal(number), words, "{number}");
        }
        assert_eq!(cardinal(u64::MAX).chars().count(), 20);
        assert_eq!(written("1,299.50").as_deref(), Some("一千二百九十九点五零"));
        assert_eq!(telephone("010-8888"), "零幺零八八八八");
        for no in ["", ".", "1.", "a", "1.2.3"] {
            assert_eq!(written(no), None, "{no}");
        }
    }
}
