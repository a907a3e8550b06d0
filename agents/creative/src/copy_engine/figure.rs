//! Finds the quantity that a number hook opens with.

use spotwright_schemas::Locale;

use crate::text::{is_han, number_at};

/// Units that are kept behind a number in Chinese, longest first.
const CHINESE_UNITS: &[&str] = &[
    "个小时",
    "包装",
    "罐装",
    "分钟",
    "罐",
    "小时",
    "毫升",
    "公里",
    "公斤",
    "毫米",
    "厘米",
    "毫克",
    "大卡",
    "千卡",
    "年",
    "天",
    "月",
    "元",
    "块",
    "克",
    "斤",
    "米",
    "次",
    "家",
    "人",
    "位",
    "杯",
    "包",
    "片",
    "袋",
    "瓶",
    "盒",
    "步",
    "种",
    "款",
    "项",
    "道",
    "秒",
    "度",
    "℃",
    "%",
    "折",
    "点",
    "倍",
    "层",
    "分",
    "g",
    "ml",
];

/// Words that cannot stand behind a number as its unit in English.
const NOT_UNITS: &[&str] = &[
    "to", "in", "and", "or", "the", "a", "an", "for", "from", "per", "with", "at", "by", "on", "of", "if",
    "as", "is", "are", "was", "were", "than", "that", "which", "when", "but", "after", "before", "until",
    "over", "under", "above", "out", "each", "every", "its", "our", "we", "it", "into", "within",
];

/// The first quantity of a text with its sign and unit: `48 hours`, `$18`, `30-day returns`,
/// `48小时`; `None` when the text states none in digits.
#[must_use]
pub(crate) fn figure(text: &str, locale: Locale) -> Option<String> {
    let chars: Vec<char> = text.chars().collect();
    let at = chars.iter().position(char::is_ascii_digit)?;
    // A number glued to letters is a name such as `V60`, not a quantity.
    let glued = at.checked_sub(1).is_some_and(|before| chars[before].is_ascii_alphabetic());
    if glued {
        return None;
    }
    let (mut end, _) = number_at(&chars, at);
    let start = match at.checked_sub(1) {
        // `第2天` is an ordinal; without its sign it would say `2 days`.
        Some(before) if "$€£¥￥第".contains(chars[before]) => before,
        _ => at,
    };
    // A time of day such as `6:30` is one figure.
    if chars.get(end) == Some(&':') && chars.get(end + 1).is_some_and(char::is_ascii_digit) {
        return Some(chars[start..number_at(&chars, end + 1).0].iter().collect());
    }
    let percent = matches!(chars.get(end), Some('%' | '％'));
    if percent {
        end += 1;
    }
    end = match locale {
        Locale::ZhCn if !percent => chinese_unit_end(&chars, end),
        Locale::ZhCn => end,
        Locale::EnUs if start != at => end,
        Locale::EnUs => english_unit_end(&chars, end, percent),
    };
    let found: String = chars[start..end].iter().collect();
    Some(found)
}

fn chinese_unit_end(chars: &[char], end: usize) -> usize {
    let spaced = usize::from(chars.get(end) == Some(&' '));
    let rest: String = chars[end + spaced..].iter().take(4).collect();
    CHINESE_UNITS
        .iter()
        .find(|unit| rest.starts_with(**unit))
        .map_or(end, |unit| end + spaced + unit.chars().count())
}

fn english_unit_end(chars: &[char], end: usize, percent: bool) -> usize {
    let word_end = |from: usize| {
        let mut to = from;
        while chars.get(to).is_some_and(|c| (c.is_alphanumeric() && !is_han(*c)) || matches!(c, '-' | '\'')) {
            to += 1;
        }
        to
    };
    let word = |from: usize, to: usize| chars[from..to].iter().collect::<String>().to_lowercase();
    // `30-day returns`: the hyphenated part needs its noun.
    if chars.get(end) == Some(&'-') {
        let compound = word_end(end);
        if chars.get(compound) == Some(&' ') {
            let noun = word_end(compound + 1);
            let name = word(compound + 1, noun);
            if noun > compound + 1 && !NOT_UNITS.contains(&name.as_str()) {
                return noun;
            }
        }
        return compound;
    }
    if chars.get(end) != Some(&' ') {
        // `12oz`, `3x`
        return word_end(end);
    }
    let rest: String = chars[end..].iter().take(8).collect();
    if rest.starts_with(" out of ") {
        let (rated_end, number) = number_at(chars, end + 8);
        return if number.is_empty() { end } else { rated_end };
    }
    let unit_end = word_end(end + 1);
    let unit = word(end + 1, unit_end);
    if unit.is_empty() || NOT_UNITS.contains(&unit.as_str()) || (percent && unit != "off") {
        return end;
    }
    unit_end
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_carry_sign_and_unit() {
        for (text, wanted) in [
            ("Roasted within 48 hours of shipping", "48 hours"),
            ("$18 a bag", "$18"),
            ("30-day returns", "30-day returns"),
            ("20% off the first order", "20% off"),
            ("92% of cups passed", "92%"),
            ("4.8 out of 5 in our panel", "4.8 out of 5"),
            ("Grown at 1,600 meters", "1,600 meters"),
            ("Since 2014", "2014"),
            ("6:30, kettle humming", "6:30"),
        ] {
            assert_eq!(figure(text, Locale::EnUs).as_deref(), Some(wanted), "{text}");
        }
        for (text, wanted) in [
            ("下单后48小时内现烘", "48小时"),
            ("每袋只要 59 元", "59 元"),
            ("剩下的第2天就不吃", "第2天"),
            ("6罐装，39元", "6罐装"),
            ("92%的用户选择回购", "92%"),
            ("海拔1600米的产区", "1600米"),
        ] {
            assert_eq!(figure(text, Locale::ZhCn).as_deref(), Some(wanted), "{text}");
        }
        assert_eq!(figure("No figure here", Locale::EnUs), None);
        assert_eq!(figure("Fits the V60 dripper", Locale::EnUs), None);
    }
}
