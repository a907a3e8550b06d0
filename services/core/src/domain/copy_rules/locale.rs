//! How a locale writes numbers, prices, dates and times of day.
//!
//! One place for all of them, for lines of advertisements and for what is said about a run. What is
//! written here, [`quantity`](super::quantity) reads back as the same quantity.
//!
//! | | en-US | en-GB | zh-CN |
//! |---|---|---|---|
//! | number | `12,345` | `12,345` | `12,345` |
//! | price in the locale's own currency | `$1,299.50`, `$27` | `£1,299.50`, `£27` | `1299.5元`, `98元` |
//! | price in another currency | `£27` | `$27` | `$1,299.5` |
//! | amount in an account | `$1,299.50` | `£1,299.50` | `¥1,299.50` |
//! | day | `June 30` | `30 June` | `6月30日` |
//! | time of day | `6:30 PM`, `6 PM` | `6:30pm`, `6pm` | `18:30` |
//! | share | `1.25 %` | `1.25 %` | `1.25%` |

use jiff::civil::Date;
use spotwright_schemas::{Currency, Locale, Micros};

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// A whole number with its digits in groups of three, as all locales here write it in tables.
#[must_use]
pub fn grouped(number: u64) -> String {
    group(&number.to_string())
}

/// Puts a comma before every group of three digits, counted from the end.
fn group(digits: &str) -> String {
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (idx, digit) in digits.chars().enumerate() {
        if idx > 0 && (digits.len() - idx).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A price as an advertisement says it: whole amounts without decimals; Chinese drops a last zero
/// (`9.9元`) and writes renminbi behind the figure, ungrouped.
#[must_use]
pub fn price(amount: Micros, currency: Currency, locale: Locale) -> String {
    let decimal = amount.to_decimal();
    let (sign, digits) = decimal.strip_prefix('-').map_or(("", decimal.as_str()), |digits| ("-", digits));
    let (whole, cents) = digits.split_once('.').unwrap_or((digits, "00"));
    let cents = match cents {
        "00" => "",
        cents if locale.is_chinese() => cents.trim_end_matches('0'),
        cents => cents,
    };
    let point = if cents.is_empty() { "" } else { "." };
    if locale.is_chinese() && currency == Currency::CNY {
        return format!("{sign}{whole}{point}{cents}元");
    }
    format!("{sign}{}{}{point}{cents}", currency.sign(), group(whole))
}

/// An amount as an account shows it: with the sign of the currency and two decimals, always.
#[must_use]
pub fn account(amount: Micros, currency: Currency) -> String {
    let decimal = amount.to_decimal();
    let (sign, digits) = decimal.strip_prefix('-').map_or(("", decimal.as_str()), |digits| ("-", digits));
    let (whole, cents) = digits.split_once('.').unwrap_or((digits, "00"));
    format!("{sign}{}{}.{cents}", currency.sign(), group(whole))
}

/// A day of this year: `June 30`, `30 June`, `6月30日`.
#[must_use]
pub fn day(date: Date, locale: Locale) -> String {
    let month = usize::try_from(date.month()).ok().and_then(|month| MONTHS.get(month.checked_sub(1)?));
    let month = month.copied().unwrap_or("");
    match locale {
        Locale::ZhCn => format!("{}月{}日", date.month(), date.day()),
        Locale::EnUs => format!("{month} {}", date.day()),
        Locale::EnGb => format!("{} {month}", date.day()),
    }
}

/// A time of day from hours below 24 and minutes below 60: American and British clocks have twelve
/// hours.
#[must_use]
pub fn time_of_day(hour: u8, minute: u8, locale: Locale) -> String {
    if locale.is_chinese() {
        return format!("{hour}:{minute:02}");
    }
    let half = match (hour < 12, locale) {
        (true, Locale::EnGb) => "am",
        (false, Locale::EnGb) => "pm",
        (true, _) => " AM",
        (false, _) => " PM",
    };
    let hour = if hour.is_multiple_of(12) { 12 } else { hour % 12 };
    if minute == 0 { format!("{hour}{half}") } else { format!("{hour}:{minute:02}{half}") }
}

/// A share in [0, 1] in percent with two decimals.
#[must_use]
pub fn percent(share: f64, locale: Locale) -> String {
    let space = if locale.is_chinese() { "" } else { " " };
    format!("{:.2}{space}%", share * 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::copy_rules::quantity::parse;

    fn micros(text: &str) -> Micros {
        Micros::parse_decimal(text).expect("an amount")
    }

    #[test]
    fn prices_are_written_as_each_locale_writes_them() {
        for (amount, currency, locale, wanted) in [
            ("1299.50", Currency::USD, Locale::EnUs, "$1,299.50"),
            ("27", Currency::USD, Locale::EnUs, "$27"),
            ("1299.50", Currency::GBP, Locale::EnGb, "£1,299.50"),
            ("1000000", Currency::GBP, Locale::EnGb, "£1,000,000"),
            ("1299.50", Currency::CNY, Locale::ZhCn, "1299.5元"),
            ("9.90", Currency::CNY, Locale::ZhCn, "9.9元"),
            ("100", Currency::CNY, Locale::ZhCn, "100元"),
            ("1299.50", Currency::USD, Locale::ZhCn, "$1,299.5"),
            ("980", Currency::JPY, Locale::EnUs, "¥980"),
            ("-3.5", Currency::GBP, Locale::EnGb, "-£3.50"),
        ] {
            assert_eq!(price(micros(amount), currency, locale), wanted);
        }
        assert_eq!(account(micros("1299.5"), Currency::CNY), "¥1,299.50");
        assert_eq!(account(micros("-0.5"), Currency::USD), "-$0.50");
    }

    #[test]
    fn a_written_price_is_read_back_with_amount_and_currency() {
        for locale in Locale::ALL {
            for currency in [Currency::CNY, Currency::USD, Currency::EUR, Currency::GBP] {
                for amount in ["0.5", "9.90", "27", "1299.50", "12345"] {
                    let text = price(micros(amount), currency, locale);
                    if currency == Currency::CNY && locale.is_english() {
                        // In English `¥` is read as yen; such a price is not written in English briefs.
                        continue;
                    }
                    let found = parse(&text, locale);
                    let [found] = found.as_slice() else { panic!("{text}: {found:?}") };
                    let code = found.quantity.currency.as_ref().map(|code| code.code().to_owned());
                    assert_eq!(code.as_deref(), Some(currency.code()), "{text}");
                    assert_eq!(found.span, 0..text.len(), "{text}");
                }
            }
        }
    }

    #[test]
    fn days_and_hours_follow_the_locale() {
        let date = jiff::civil::date(2026, 6, 30);
        let days = Locale::ALL.map(|locale| day(date, locale));
        assert_eq!(days, ["6月30日", "June 30", "30 June"]);
        let evening = Locale::ALL.map(|locale| time_of_day(18, 30, locale));
        assert_eq!(evening, ["18:30", "6:30 PM", "6:30pm"]);
        let hours = [0, 9, 12, 23].map(|hour| time_of_day(hour, 0, Locale::EnUs));
        assert_eq!(hours, ["12 AM", "9 AM", "12 PM", "11 PM"]);
    }

    #[test]
    fn digits_stand_in_groups_of_three() {
        let written = [0, 999, 1_000, 1_234_567].map(grouped);
        assert_eq!(written, ["0", "999", "1,000", "1,234,567"]);
    }
}
