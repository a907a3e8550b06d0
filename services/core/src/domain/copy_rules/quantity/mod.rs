//! One grammar of the quantities that advertising text states.
//!
//! [`parse`] finds them with everything that belongs to the figure: sign, currency with its
//! letters, magnitude, unit, what it is *per*, qualifier and range. `Up to HK$1.2k/mo` is one
//! quantity, and so are `9.9元起`, `买2送1`, `24/7`, `-20 °C` and `下午3点`. Whoever shows a figure
//! shows the whole span or none of it ([`figure`]); whoever compares figures compares quantities
//! ([`unstated`]), so that `10亿只` never passes for `10万只`.
//!
//! Numbers are exact. Separators are read by their shape (`1,299.00`, `1.299,00 €`, `1 299 kr`,
//! `1'299`), digits of other scripts and full-width forms as plain ones. Both languages are read in
//! either locale, since copy mixes them; the locale decides what `¥` and `w` mean.

mod around;
mod compare;
mod dates;
mod figure;
mod number;
mod numerals;
mod read;
mod scan;
mod suffix;
mod tables;
#[cfg(test)]
mod tests;
mod words;
mod write;

use std::borrow::Cow;
use std::ops::Range;

use spotwright_schemas::Locale;

pub use compare::unstated;
pub use figure::figure;
pub use number::Number;

/// A quantity and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Bytes of the text, on character boundaries: the whole figure with everything that belongs
    /// to it.
    pub span: Range<usize>,
    /// What it states.
    pub quantity: Quantity,
}

/// What a figure states.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quantity {
    /// The number or numbers, magnitude included.
    pub value: Value,
    /// Currency of an amount.
    pub currency: Option<Currency>,
    /// What is counted or measured.
    pub unit: Option<Unit>,
    /// For how much or how long it holds: the month of `$9.99/mo`.
    pub per: Option<Unit>,
    /// How the number is meant.
    pub qualifier: Qualifier,
    /// Whether it is taken off a price: `20% off`, `立减20元`.
    pub discount: bool,
}

/// The number or numbers of a quantity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// One number.
    Number(Number),
    /// From one number to another.
    Range(Number, Number),
    /// Two numbers that say something together only.
    Pair(Number, Number, Link),
    /// The place in an order: `第2`, `3rd`.
    Ordinal(Number),
    /// A time of day.
    Clock {
        /// 0–24, as written.
        hour: u8,
        /// 0–59.
        minute: u8,
        /// Second half of the day or first; `None` where the text does not say.
        afternoon: Option<bool>,
    },
    /// A date, or the part of one that is said.
    Date {
        /// Four digits.
        year: Option<u16>,
        /// 1–12.
        month: Option<u8>,
        /// 1–31.
        day: Option<u8>,
    },
    /// Digits that count nothing by themselves: `V60`, `5G`, `3-in-1`, a telephone number.
    Code(String),
}

/// What joins a pair of numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Link {
    /// Out of, or beside: `4.8/5`, `4.8 out of 5`, `24/7`.
    Slash,
    /// `16:9`.
    Colon,
    /// `10×15`.
    By,
    /// `1+1`.
    Plus,
    /// Bought and given: `买2送1`, `buy 2 get 1`.
    Free,
    /// Spent and taken off: `满200减30`.
    Off,
    /// `3 for 2`.
    For,
}

/// A currency: its ISO 4217 code, or the sign itself where the code cannot be told (`KR` for a
/// crown of any country).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Currency(pub Cow<'static, str>);

impl Currency {
    /// The code.
    #[must_use]
    pub fn code(&self) -> &str {
        &self.0
    }
}

/// What is counted or measured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unit {
    /// A measure under its canonical name: `hour` for `h`, `hrs` and `小时`.
    Measure(&'static str),
    /// A Chinese classifier.
    Classifier(&'static str),
    /// A noun behind the number, lowercase and singular.
    Noun {
        /// What is counted: the first plural of the phrase, or its first word.
        head: String,
        /// The phrase, at most three words.
        phrase: Vec<String>,
    },
}

/// How a number is meant.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Qualifier {
    /// As it stands.
    #[default]
    Exact,
    /// `at least`, `from $`, `50+`, `起`, `以上`.
    AtLeast,
    /// `over`, `超过`, `10多`.
    MoreThan,
    /// `up to`, `at most`, `最多`.
    AtMost,
    /// `under`, `不到`.
    LessThan,
    /// `within`, `内`.
    Within,
    /// `about`, `约`, `左右`.
    About,
    /// `the first 8`, `top 10`, `前100名`: so many of an order.
    First,
}

/// The quantities of a text, in its order; spans do not overlap.
///
/// Never fails: what cannot be read as a number is a [`Value::Code`]. Cost: linear in the text but
/// for the tables of words.
///
/// # Examples
/// ```
/// use spotwright_core::domain::copy_rules::quantity::{Number, Qualifier, Value, parse};
/// use spotwright_schemas::Locale;
///
/// let found = parse("Now from HK$1,299 a set", Locale::EnUs);
/// assert_eq!(&"Now from HK$1,299 a set"[found[0].span.clone()], "from HK$1,299 a set");
/// let price = &found[0].quantity;
/// assert_eq!(price.value, Value::Number(Number::whole(1_299)));
/// assert_eq!(price.currency.as_ref().map(|c| c.code()), Some("HKD"));
/// assert_eq!(price.qualifier, Qualifier::AtLeast);
/// ```
#[must_use]
pub fn parse(text: &str, locale: Locale) -> Vec<Found> {
    let scanned = scan::Text::new(text);
    let mut reader = read::Reader::new(&scanned, locale);
    let mut found = Vec::new();
    while let Some((span, quantity)) = reader.next_quantity() {
        found.push(Found { span: scanned.bytes(span), quantity });
    }
    found
}
