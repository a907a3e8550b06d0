//! Money: integer micros (millionths of a currency unit) plus a currency.

use std::iter::Sum;
use std::ops::{Add, AddAssign, Neg, Sub, SubAssign};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// An amount in millionths of one unit of its currency; negative amounts are owed.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(transparent)]
pub struct Micros(pub i64);

impl Micros {
    /// No money.
    pub const ZERO: Self = Self(0);

    /// Parses a decimal amount with at most six decimals, e.g. `"120.50"`.
    ///
    /// Returns `None` for signs other than a leading minus, exponents, more than six decimals and
    /// amounts beyond 64 bits.
    #[must_use]
    pub fn parse_decimal(text: &str) -> Option<Self> {
        let (negative, digits) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
        let all_digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        if !all_digits(whole) || !all_digits(fraction) || fraction.len() > 6 {
            return None;
        }
        let whole: i64 = whole.parse().ok()?;
        let fraction: i64 = format!("{fraction:0<6}").parse().ok()?;
        let amount = whole.checked_mul(1_000_000)?.checked_add(fraction)?;
        Some(Self(if negative { -amount } else { amount }))
    }

    /// Formats the amount with two decimals, rounded half away from zero, e.g. `"120.50"`.
    #[must_use]
    pub fn to_decimal(self) -> String {
        let cents = (self.0.unsigned_abs() + 5_000) / 10_000;
        let sign = if self.0 < 0 && cents > 0 { "-" } else { "" };
        format!("{sign}{}.{:02}", cents / 100, cents % 100)
    }
}

impl Add for Micros {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
}
impl Sub for Micros {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0 - other.0)
    }
}
impl Neg for Micros {
    type Output = Self;
    fn neg(self) -> Self {
        Self(-self.0)
    }
}
impl AddAssign for Micros {
    fn add_assign(&mut self, other: Self) {
        self.0 += other.0;
    }
}
impl SubAssign for Micros {
    fn sub_assign(&mut self, other: Self) {
        self.0 -= other.0;
    }
}
impl Sum for Micros {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        Self(amounts.map(|amount| amount.0).sum())
    }
}

/// The currencies a brief may be budgeted in (ISO 4217 codes).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub enum Currency {
    /// Renminbi.
    CNY,
    /// United States dollar.
    USD,
    /// Euro.
    EUR,
    /// Pound sterling.
    GBP,
    /// Hong Kong dollar.
    HKD,
    /// Japanese yen.
    JPY,
    /// Singapore dollar.
    SGD,
}

impl Currency {
    /// Every currency.
    pub const ALL: [Self; 7] = [Self::CNY, Self::USD, Self::EUR, Self::GBP, Self::HKD, Self::JPY, Self::SGD];

    /// The ISO 4217 code, as stored and as written.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::CNY => "CNY",
            Self::USD => "USD",
            Self::EUR => "EUR",
            Self::GBP => "GBP",
            Self::HKD => "HKD",
            Self::JPY => "JPY",
            Self::SGD => "SGD",
        }
    }

    /// The currency of an ISO 4217 code.
    #[must_use]
    pub fn of_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|currency| currency.code() == code)
    }

    /// The sign printed before an amount.
    #[must_use]
    pub const fn sign(self) -> &'static str {
        match self {
            Self::CNY | Self::JPY => "¥",
            Self::USD => "$",
            Self::EUR => "€",
            Self::GBP => "£",
            Self::HKD => "HK$",
            Self::SGD => "S$",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_exact() {
        assert_eq!(Micros::parse_decimal("120.50"), Some(Micros(120_500_000)));
        assert_eq!(Micros::parse_decimal("0.000001"), Some(Micros(1)));
        assert_eq!(Micros::parse_decimal("-3"), Some(Micros(-3_000_000)));
        for bad in ["", ".", "1.", ".5", "1e3", "+1", "1.0000001", "9223372036854775807", "1 000", "١"] {
            assert_eq!(Micros::parse_decimal(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_currency_is_stored_under_its_code() {
        for currency in Currency::ALL {
            assert_eq!(serde_json::json!(currency), serde_json::json!(currency.code()));
            assert_eq!(Currency::of_code(currency.code()), Some(currency));
        }
        assert_eq!(Currency::of_code("usd"), None);
    }

    #[test]
    fn printing_rounds_half_away_from_zero() {
        assert_eq!(Micros(5_000).to_decimal(), "0.01");
        assert_eq!(Micros(-5_000).to_decimal(), "-0.01");
        assert_eq!(Micros(-4_999).to_decimal(), "0.00");
        assert_eq!(Micros(1_234_560_000).to_decimal(), "1234.56");
    }
}
