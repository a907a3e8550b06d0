//! Amounts of money in text, and which part each of them plays: what is to be paid, what was paid before.
//!
//! The figures themselves are read by the one grammar of quantities (`copy_rules::quantity`); this page
//! knows the words around them: `原价398 现价228`, `券后`, `was $60, now $40`, `statt 24,90 €`.

use std::ops::Range;

use serde::Serialize;
use spotwright_core::domain::copy_rules::quantity::{self, Found, Link, Qualifier, Value};
use spotwright_schemas::{Locale, Micros};

use crate::price_words::{BEFORE, NOW, OTHER, PRICE};

/// Texts are read in pieces of at most this many bytes, so that no line costs more than its length.
const PIECE: usize = 2_000;

/// Amounts of one text after which the rest is not read: a list that long is not about one product.
const MOST: usize = 64;

pub use spotwright_core::domain::withdrawal::Price;

/// The part an amount plays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Role {
    /// Said to be the price at this moment: `现价`, `券后`, `now`.
    Now,
    /// Said to be the price of before: `原价`, `was`, `RRP`.
    Before,
    /// No word says.
    Plain,
    /// No price of the product: a discount, a threshold, postage, an installment.
    Other,
}

/// An amount in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Priced {
    /// Bytes of the text.
    pub span: Range<usize>,
    /// The amount.
    pub price: Price,
    /// The part it plays.
    pub role: Role,
    /// Whether words at the figure say that it is a price.
    pub(crate) is_named: bool,
    /// Whether it is the lowest of several: `from $18`, `9.9元起`.
    pub is_from: bool,
}

/// The amounts of a text with their parts.
#[must_use]
pub(crate) fn read(text: &str, locale: Locale) -> Vec<Priced> {
    let mut found = Vec::new();
    let mut start = 0;
    while start < text.len() && found.len() < MOST {
        let end = piece_end(text, start);
        let Some(piece) = text.get(start..end) else { break };
        read_piece(piece, start, locale, &mut found);
        start = end;
    }
    found
}

/// Where a piece that begins at `start` ends: behind a mark or a space where there is one.
fn piece_end(text: &str, start: usize) -> usize {
    if text.len() - start <= PIECE {
        return text.len();
    }
    let mut end = start + PIECE;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let piece = text.get(start..end).unwrap_or_default();
    let gap =
        piece.char_indices().rev().take(200).find(|(_, c)| c.is_whitespace() || "。；;！!".contains(*c));
    gap.map_or(end, |(at, c)| start + at + c.len_utf8())
}

fn read_piece(piece: &str, offset: usize, locale: Locale, into: &mut Vec<Priced>) {
    let quantities = quantity::parse(piece, locale);
    let first = into.len();
    let mut sign_of_next = None;
    for found in quantities {
        let mut found = found;
        let shown = piece.get(found.span.clone()).unwrap_or_default();
        // In `¥228 ¥398` the second sign is read with the first amount.
        if found.quantity.currency.is_none()
            && sign_of_next.as_ref().is_some_and(|(end, _)| *end == found.span.start)
        {
            found.quantity.currency = sign_of_next.take().map(|(_, currency)| currency);
        }
        let has_two_signs = shown.starts_with(['¥', '￥']) && shown.ends_with(['¥', '￥']);
        sign_of_next =
            found.quantity.currency.clone().filter(|_| has_two_signs).map(|own| (found.span.end, own));
        let found = &found;
        let before =
            into.get(first..).and_then(|own| own.last()).map(|own| own.span.end.saturating_sub(offset));
        if let Some(mut priced) = priced(piece, found, before) {
            priced.span = priced.span.start + offset..priced.span.end + offset;
            into.push(priced);
        }
    }
    let n_before = into.len();
    spoken(piece, offset, into);
    if into.len() > n_before {
        into.sort_by_key(|own| own.span.start);
    }
}

/// Amounts as they are spoken, `现价五十二块八`, which the grammar leaves alone because `两块` counts pieces; a
/// word in front has to say that it is a price.
fn spoken(piece: &str, offset: usize, into: &mut Vec<Priced>) {
    for (at, _) in piece.match_indices('块') {
        let lead = piece.get(..at).unwrap_or_default();
        let start = lead.trim_end_matches(|c: char| "零〇一二两三四五六七八九十百千".contains(c)).len();
        let Some(whole) = lead.get(start..).and_then(numeral) else { continue };
        let Some((role, true)) = lead.get(..start).and_then(role_of) else { continue };
        let tail = piece.get(at + '块'.len_utf8()..).unwrap_or_default();
        let amount = Micros(whole.saturating_mul(1_000_000).saturating_add(tenths("块", tail).unwrap_or(0)));
        let span = start + offset..at + '块'.len_utf8() + offset;
        if into.iter().any(|own| own.span.start < span.end && span.start < own.span.end) {
            continue;
        }
        let price = Price { amount, currency: Some("CNY".to_owned()) };
        into.push(Priced { span, price, role, is_named: true, is_from: false });
    }
}

/// The value of a whole Chinese numeral below ten thousand.
fn numeral(text: &str) -> Option<i64> {
    let (mut value, mut digit) = (0_i64, None);
    for c in text.chars() {
        let scale = match c {
            '十' => 10,
            '百' => 100,
            '千' => 1_000,
            '〇' | '零' => {
                digit = None;
                continue;
            }
            '两' => {
                digit = Some(2);
                continue;
            }
            _ => {
                let at = "零一二三四五六七八九".chars().position(|own| own == c)?;
                digit = Some(i64::try_from(at).ok()?);
                continue;
            }
        };
        value += digit.take().unwrap_or(1) * scale;
    }
    let value = value + digit.unwrap_or(0);
    (value > 0 && value < 10_000).then_some(value)
}

/// One quantity as an amount. `before` is where the last amount of the text ended.
fn priced(text: &str, found: &Found, before: Option<usize>) -> Option<Priced> {
    let quantity = &found.quantity;
    let reach = before.unwrap_or(0);
    let lead = text.get(reach.min(found.span.start)..found.span.start)?;
    let shown = text.get(found.span.clone())?;
    let spoken = role_of(lead).or_else(|| role_of_own(shown));
    let tail = text.get(found.span.end..)?;
    let is_named = matches!(spoken, Some((Role::Now | Role::Before | Role::Plain, true)));
    let number = match &quantity.value {
        Value::Number(number) => *number,
        Value::Range(low, _) => *low,
        // `59.9/2件` is 59.9 for two.
        Value::Pair(number, _, Link::Slash) if quantity.currency.is_some() => *number,
        _ => return None,
    };
    // `原价398` has no currency of its own; the word in front says that it is one.
    let bare = quantity.currency.is_none();
    if bare && (!is_named || quantity.unit.is_some() || is_percent(tail)) {
        return None;
    }
    let amount = Micros(number.micros()?.saturating_add(tenths(shown, tail).unwrap_or(0)));
    if amount.0 < 0 || amount.0 > 10_000_000_000_000 {
        return None;
    }
    let mut role = spoken.map_or(Role::Plain, |(role, _)| role);
    if is_unit_price(quantity) {
        role = Role::Other;
    }
    if quantity.discount || takes_off(tail) || is_installment(quantity, tail) {
        role = Role::Other;
    }
    if role == Role::Plain && matches!(quantity.qualifier, Qualifier::MoreThan | Qualifier::AtMost) {
        role = Role::Other;
    }
    Some(Priced {
        span: found.span.clone(),
        price: Price { amount, currency: quantity.currency.as_ref().map(|own| own.code().to_owned()) },
        role,
        is_named,
        is_from: quantity.qualifier == Qualifier::AtLeast || matches!(quantity.value, Value::Range(..)),
    })
}

/// The tenths behind a whole amount, in millionths: `三十九元九角`, `39块9`.
fn tenths(shown: &str, tail: &str) -> Option<i64> {
    let is_whole = shown.ends_with(['元', '块']) && !shown.contains('.');
    let mut signs = tail.chars();
    let first = signs.next().filter(|_| is_whole)?;
    let digit = match first {
        '0'..='9' => i64::from(first.to_digit(10)?),
        _ => i64::try_from("零一二三四五六七八九".chars().position(|own| own == first)?).ok()?,
    };
    let rest = signs.as_str();
    let behind = signs.next();
    let is_said = matches!(behind, Some('角' | '毛'));
    let is_spoken = shown.ends_with('块')
        && (behind.is_none_or(|c| !c.is_alphanumeric())
            || ["包邮", "起", "到手", "拿下"].iter().any(|word| rest.starts_with(word)));
    (is_said || is_spoken).then_some(digit * 100_000)
}

/// The part that the words directly in front give, and whether they stand at the figure itself.
fn role_of(lead: &str) -> Option<(Role, bool)> {
    if lead.trim_end().ends_with('+') {
        return Some((Role::Other, true));
    }
    let trimmed = lead
        .trim_end()
        .trim_end_matches([
            '(', '（', ':', '：', '¥', '￥', '$', '€', '£', '-', '–', '—', '=', '>', '仅', '只', '约',
        ])
        .trim_end();
    let trimmed = ["为", "是", "低至", "just", "only", "at", "for"]
        .iter()
        .find_map(|word| trimmed.strip_suffix(word).filter(|rest| !rest.trim_end().is_empty()))
        .map_or(trimmed, str::trim_end);
    let trimmed = trimmed.trim_end_matches([':', '：', '仅', '只', ' ']);
    let lower = trimmed.to_lowercase();
    let ends = |words: &[&str]| {
        words.iter().filter(|word| ends_with_word(&lower, word)).map(|word| word.len()).max()
    };
    let before = ends(BEFORE).map(|len| (len, Role::Before));
    let now = ends(NOW).map(|len| (len, Role::Now));
    let other = ends(OTHER).map(|len| (len, Role::Other));
    let plain = ends(PRICE).map(|len| (len, Role::Plain));
    [plain, before, now, other]
        .into_iter()
        .flatten()
        .max_by_key(|(len, _)| *len)
        .map(|(_, role)| (role, true))
}

/// The part that a word inside the figure's own span gives: the grammar takes `满` into `满199元`.
fn role_of_own(shown: &str) -> Option<(Role, bool)> {
    let lower = shown.to_lowercase();
    let begins = |words: &[&str]| words.iter().any(|word| lower.starts_with(word));
    if begins(&["满", "每满", "立减", "最多省", "save", "over", "spend", "up to"]) {
        Some((Role::Other, true))
    } else if begins(&["到手", "券后", "现价", "only", "now"]) {
        Some((Role::Now, true))
    } else {
        None
    }
}

/// Whether a text ends with a word; Latin words match whole.
fn ends_with_word(text: &str, word: &str) -> bool {
    let Some(rest) = text.strip_suffix(word) else { return false };
    let is_latin = word.chars().next().is_some_and(|c| c.is_ascii_alphabetic());
    !is_latin || !rest.chars().next_back().is_some_and(char::is_alphanumeric)
}

/// `39,60 € / litre` compares shops; `$9.99/mo` is what is paid.
fn is_unit_price(quantity: &quantity::Quantity) -> bool {
    let times = ["second", "minute", "hour", "day", "night", "week", "month", "quarter", "year"];
    let is_measured = matches!(quantity.unit, Some(quantity::Unit::Measure(_)));
    matches!(&quantity.per, Some(quantity::Unit::Measure(name)) if !times.contains(name))
        || (is_measured && matches!(quantity.value, Value::Pair(_, _, Link::Slash)))
}

fn is_percent(tail: &str) -> bool {
    tail.trim_start().starts_with(['%', '％', '折'])
}

/// `$20 off`, `20元优惠券`, `5元运费`.
fn takes_off(tail: &str) -> bool {
    // `¥268 定金1元`: behind a space another phrase begins, in Chinese.
    let is_apart = tail.starts_with(char::is_whitespace);
    let is_per = tail
        .trim_start()
        .strip_prefix('/')
        .is_some_and(|rest| rest.trim_start().starts_with(|c: char| c.is_ascii_digit()));
    if is_per {
        return true;
    }
    let tail: String = tail.trim_start().chars().take(14).collect::<String>().to_lowercase();
    if ["券后", "优惠后", "优惠价"].iter().any(|word| tail.starts_with(word)) {
        return false;
    }
    let words = [
        "off",
        "discount",
        "voucher",
        "coupon",
        "gift card",
        "fee",
        "shipping",
        "delivery",
        "postage",
        "deposit",
        "credit",
        "or more",
        "优惠券",
        "券",
        "红包",
        "运费",
        "包邮",
        "无门槛",
        "定金",
        "以上",
        "起送",
        "discount",
    ];
    words.iter().any(|word| tail.starts_with(word) && (word.is_ascii() || !is_apart))
}

/// `4 payments of $15`, `$15/mo with Pay Later`, `每期33元`; the monthly price of an app is its price.
fn is_installment(quantity: &quantity::Quantity, tail: &str) -> bool {
    let tail: String =
        tail.trim_start_matches(['.', ' ']).trim_start().chars().take(24).collect::<String>().to_lowercase();
    let words = [
        "x 3",
        "x 4",
        "×3",
        "×6",
        "×12",
        "/期",
        "interest-free",
        "with klarna",
        "in 4",
        "for 12 months",
        "for 24 months",
        "for 36 months",
        "installments",
    ];
    quantity.currency.is_some() && words.iter().any(|word| tail.starts_with(word))
}

/// The price and the price before that a short text about one product states, such as the block beside
/// its button: `¥228 ¥398`, `原价398 现价228`, `Was $60 Now $40`.
#[must_use]
pub(crate) fn in_block(text: &str, locale: Locale) -> (Option<Priced>, Option<Priced>) {
    let all = read(text, locale);
    let of = |role: Role| all.iter().filter(move |priced| priced.role == role);
    let mut plain = of(Role::Plain);
    let mut before = of(Role::Before).next().cloned();
    let spoken = of(Role::Now).min_by_key(|priced| priced.price.amount);
    let Some(now) = spoken.or_else(|| plain.next()).cloned() else { return (None, before) };
    if before.is_none() {
        // Two bare amounts side by side: the higher one is crossed out in every shop.
        let near = |priced: &&Priced| {
            let gap = text.get(now.span.end.min(priced.span.start)..priced.span.start).unwrap_or_default();
            gap.chars().count() <= 3 && !gap.contains(['-', '–', '~', '至', ',', '，'])
        };
        let n_plain = of(Role::Plain).count();
        let second = of(Role::Plain).find(|priced| priced.span.start >= now.span.end);
        // Three in a row are prices by quantity, or of variants.
        let second = second.filter(|_| n_plain <= 2);
        before = second.filter(near).filter(|_| !now.is_from).cloned();
    }
    let (now, before) = match before {
        Some(before) if before.price.amount > now.price.amount => (now, Some(before)),
        Some(before) if before.price.amount < now.price.amount && before.role == Role::Plain => {
            (before, Some(now))
        }
        _ => (now, None),
    };
    (Some(now), before)
}

/// An amount of data: `39.99`, `"1,299.00"`, `¥59`, `1.299,00 €`.
#[must_use]
pub(crate) fn of_data(text: &str, currency: Option<&str>, locale: Locale) -> Option<Price> {
    let text = text.trim();
    if text.is_empty() || text.len() > 60 {
        return None;
    }
    let code = currency.and_then(currency_code);
    if let Some(amount) =
        Micros::parse_decimal(text).filter(|amount| (0..=10_000_000_000_000).contains(&amount.0))
    {
        return Some(Price { amount, currency: code });
    }
    let found = quantity::parse(text, locale);
    let [only] = found.as_slice() else { return None };
    let number = match &only.quantity.value {
        Value::Number(number) => *number,
        Value::Range(low, _) => *low,
        _ => return None,
    };
    let amount = Micros(number.micros()?);
    let own = only.quantity.currency.as_ref().map(|own| own.code().to_owned());
    (0..=10_000_000_000_000).contains(&amount.0).then_some(Price { amount, currency: code.or(own) })
}

/// An ISO 4217 code for a code or a sign.
#[must_use]
pub(crate) fn currency_code(text: &str) -> Option<String> {
    let text = text.trim();
    if text.len() == 3 && text.bytes().all(|b| b.is_ascii_alphabetic()) {
        let code = text.to_ascii_uppercase();
        return Some(if code == "RMB" { "CNY".to_owned() } else { code });
    }
    let code = match text {
        "¥" | "￥" | "元" | "人民币" => "CNY",
        "$" | "US$" => "USD",
        "€" => "EUR",
        "£" => "GBP",
        "HK$" => "HKD",
        "S$" => "SGD",
        _ => return None,
    };
    Some(code.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ZH: Locale = Locale::ZhCn;
    const EN: Locale = Locale::EnUs;

    fn block(text: &str, locale: Locale) -> (Option<String>, Option<String>) {
        let (now, before) = in_block(text, locale);
        let shown = |priced: Priced| {
            format!("{} {}", priced.price.amount.to_decimal(), priced.price.currency.unwrap_or_default())
        };
        (now.map(shown), before.map(shown))
    }

    #[test]
    fn a_block_says_what_is_paid_and_what_was() {
        for (text, locale, now, before) in [
            ("¥59", ZH, "59.00 CNY", None),
            ("59元", ZH, "59.00 CNY", None),
            ("原价398 现价228", ZH, "228.00 ", Some("398.00 ")),
            ("原价¥398 券后¥228", ZH, "228.00 CNY", Some("398.00 CNY")),
            ("到手价：¥89.9", ZH, "89.90 CNY", None),
            ("门市价156元 团购价98元", ZH, "98.00 CNY", Some("156.00 CNY")),
            ("¥228.00 ¥398.00", ZH, "228.00 CNY", Some("398.00 CNY")),
            ("$39.99 $59.99", EN, "39.99 USD", Some("59.99 USD")),
            ("Was $59.99 Now $39.99", EN, "39.99 USD", Some("59.99 USD")),
            ("$59.99 $39.99", EN, "39.99 USD", Some("59.99 USD")),
            ("Regular price $60 Sale price $45", EN, "45.00 USD", Some("60.00 USD")),
            ("£12.50", EN, "12.50 GBP", None),
            ("€24,90", EN, "24.90 EUR", None),
            ("1.299,00 €", EN, "1299.00 EUR", None),
            ("$39.99 Save $20", EN, "39.99 USD", None),
            ("¥199 满200减30", ZH, "199.00 CNY", None),
            ("¥199 立减20元", ZH, "199.00 CNY", None),
        ] {
            let (found, was) = block(text, locale);
            assert_eq!((found.as_deref(), was.as_deref()), (Some(now), before), "{text}");
        }
    }

    #[test]
    fn thresholds_postage_and_discounts_are_no_prices() {
        for (text, locale) in [
            ("Free shipping on orders over $50", EN),
            ("Save $20 today", EN),
            ("满199元包邮", ZH),
            ("运费10元", ZH),
            ("60 days to return", EN),
            ("领20元优惠券", ZH),
        ] {
            assert_eq!(in_block(text, locale).0, None, "{text}");
        }
    }

    #[test]
    fn amounts_of_data_are_read_in_the_forms_that_shops_write() {
        for (text, currency, amount, code) in [
            ("39.99", Some("USD"), "39.99", Some("USD")),
            ("1,299.00", Some("usd"), "1299.00", Some("USD")),
            ("¥59", None, "59.00", Some("CNY")),
            ("59", Some("￥"), "59.00", Some("CNY")),
            ("0", Some("RMB"), "0.00", Some("CNY")),
        ] {
            let price = of_data(text, currency, ZH).unwrap();
            assert_eq!(
                (price.amount.to_decimal().as_str(), price.currency.as_deref()),
                (amount, code),
                "{text}"
            );
        }
        for text in ["", "free", "-3", "1e9", "call us on 400-123-4567", "99999999999999999999"] {
            assert_eq!(of_data(text, None, EN), None, "{text}");
        }
    }
}
