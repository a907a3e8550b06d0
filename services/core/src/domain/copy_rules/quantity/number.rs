//! Exact numbers of advertising text.

/// A rational number: every decimal, fraction and multiple that a text can state, exactly.
///
/// Numerator and denominator have no common divisor; the denominator is positive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Number {
    numerator: i128,
    denominator: i128,
}

/// Most digits of a number that is read as a number; longer ones are codes.
pub(super) const MAX_DIGITS: usize = 15;

impl Number {
    /// A whole number.
    #[must_use]
    pub const fn whole(value: i128) -> Self {
        Self { numerator: value, denominator: 1 }
    }

    /// A fraction in lowest terms; `None` for a denominator of zero.
    #[must_use]
    pub fn fraction(numerator: i128, denominator: i128) -> Option<Self> {
        if denominator == 0 || numerator == i128::MIN || denominator == i128::MIN {
            return None;
        }
        let divisor = gcd(numerator.unsigned_abs(), denominator.unsigned_abs());
        let divisor = i128::try_from(divisor).ok()?.max(1) * denominator.signum();
        Some(Self { numerator: numerator / divisor, denominator: denominator / divisor })
    }

    /// The number of digits before and behind a decimal mark; `None` when there are too many.
    pub(super) fn decimal(whole: &str, behind: &str) -> Option<Self> {
        if whole.len() > MAX_DIGITS || behind.len() > 9 {
            return None;
        }
        let digits: i128 = format!("{whole}{behind}").parse().ok()?;
        Self::fraction(digits, 10_i128.pow(u32::try_from(behind.len()).ok()?))
    }

    /// The product; `None` when it is too large.
    #[must_use]
    pub fn times(self, factor: i128) -> Option<Self> {
        Self::fraction(self.numerator.checked_mul(factor)?, self.denominator)
    }

    /// The sum; `None` when it is too large.
    #[must_use]
    pub fn plus(self, other: Self) -> Option<Self> {
        let left = self.numerator.checked_mul(other.denominator)?;
        let right = other.numerator.checked_mul(self.denominator)?;
        Self::fraction(left.checked_add(right)?, self.denominator.checked_mul(other.denominator)?)
    }

    /// The quotient; `None` for a divisor of zero and results that are too large.
    #[must_use]
    pub fn divided_by(self, other: Self) -> Option<Self> {
        Self::fraction(
            self.numerator.checked_mul(other.denominator)?,
            self.denominator.checked_mul(other.numerator)?,
        )
    }

    /// The number with the other sign.
    #[must_use]
    pub const fn negated(self) -> Self {
        Self { numerator: -self.numerator, denominator: self.denominator }
    }

    /// The whole number, if it is one.
    #[must_use]
    pub fn as_whole(self) -> Option<i128> {
        (self.denominator == 1).then_some(self.numerator)
    }

    /// Millionths, rounded towards zero, as amounts of money are kept; `None` when too large.
    #[must_use]
    pub fn micros(self) -> Option<i64> {
        i64::try_from(self.numerator.checked_mul(1_000_000)? / self.denominator).ok()
    }
}

impl std::fmt::Display for Number {
    /// Digits with a decimal point where the number has an end, else a fraction.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut scale: i128 = 1;
        for _ in 0..9 {
            if scale % self.denominator == 0 {
                break;
            }
            scale *= 10;
        }
        if scale % self.denominator != 0 {
            return write!(f, "{}/{}", self.numerator, self.denominator);
        }
        let digits = self.numerator.unsigned_abs() * (scale / self.denominator).unsigned_abs();
        let (whole, behind) = (digits / scale.unsigned_abs(), digits % scale.unsigned_abs());
        let sign = if self.numerator < 0 { "-" } else { "" };
        if scale == 1 {
            return write!(f, "{sign}{whole}");
        }
        let width = scale.ilog10() as usize;
        write!(f, "{sign}{whole}.{behind:0width$}")
    }
}

fn gcd(a: u128, b: u128) -> u128 {
    let (mut a, mut b) = (a, b);
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

/// The value of a Chinese numeral such as `一百二十`, `两万五千`, `二〇二六`; `None` where the signs
/// make no number.
pub(super) fn chinese_numeral(signs: &[char]) -> Option<Number> {
    let digit = |c: char| "零一二三四五六七八九".chars().position(|d| d == c).map(|at| at as i128);
    let plain = |c: &char| match c {
        '〇' => Some(0),
        '两' => Some(2),
        other => digit(*other),
    };
    if signs.len() > 1 && signs.iter().all(|c| plain(c).is_some()) {
        let mut value: i128 = 0;
        for sign in signs.iter().take(MAX_DIGITS) {
            value = value * 10 + plain(sign)?;
        }
        return (signs.len() <= MAX_DIGITS).then_some(Number::whole(value));
    }
    let (mut total, mut section, mut current): (i128, i128, Option<i128>) = (0, 0, None);
    for sign in signs {
        match sign {
            '十' | '百' | '千' => {
                let unit = if *sign == '十' {
                    10
                } else if *sign == '百' {
                    100
                } else {
                    1_000
                };
                section += current.take().unwrap_or(1).max(1) * unit;
            }
            '万' | '亿' => {
                let unit: i128 = if *sign == '万' { 10_000 } else { 100_000_000 };
                section += current.take().unwrap_or(0);
                let base = if section == 0 && total == 0 { 1 } else { section };
                total = if *sign == '亿' && total > 0 { (total + base) * unit } else { total + base * unit };
                section = 0;
            }
            other => {
                if current.is_some_and(|value| value != 0) {
                    return None;
                }
                current = Some(plain(other)?);
            }
        }
        if total > 1_000_000_000_000_000 {
            return None;
        }
    }
    Some(Number::whole(total + section + current.unwrap_or(0)))
}
