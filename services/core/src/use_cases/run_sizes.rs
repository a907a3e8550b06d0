//! How large a run may be: the one place for the ranges, whoever orders it.

use std::ops::RangeInclusive;

use spotwright_schemas::Problem;
use spotwright_schemas::error::Code;

/// Turns of the loop.
pub const GENERATIONS: RangeInclusive<u64> = 1..=20;

/// Variants drafted in each generation.
pub const VARIANTS: RangeInclusive<u64> = 1..=64;

/// Views that the market offers in each generation; the most that it plays at once.
pub const OPPORTUNITIES: RangeInclusive<u64> = 1_000..=5_000_000;

/// Largest seed of an order that is written down: the largest integer that every JSON reader keeps exactly.
pub const LARGEST_SEED: u64 = (1 << 53) - 1;

/// Longest wait for answers, in seconds: 31 days.
pub const LONGEST_WAIT_FOR_ANSWERS: u64 = 31 * 24 * 60 * 60;

/// The sizes of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RunSizes {
    /// Turns of the loop, within [`GENERATIONS`].
    pub generations: u32,
    /// Variants drafted in each generation, within [`VARIANTS`].
    pub variants: u32,
    /// Variants of each generation rendered final and placed: 1–`variants`.
    pub winners: u32,
    /// Views that the market offers in each generation, within [`OPPORTUNITIES`].
    pub opportunities: u64,
}

/// Sizes that an order names; the others are those that are usual.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct AskedSizes {
    /// Turns of the loop.
    pub generations: Option<u32>,
    /// Variants drafted in each generation.
    pub variants: Option<u32>,
    /// Variants of each generation rendered final and placed.
    pub winners: Option<u32>,
    /// Views that the market offers in each generation.
    pub opportunities: Option<u64>,
}

/// A number that is outside of its range.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must be within {} and {}", range.start(), range.end())]
pub struct OutOfRange {
    /// Which one, e.g. `winners`.
    pub field: &'static str,
    /// Where it may be.
    pub range: RangeInclusive<u64>,
}

impl OutOfRange {
    /// The problem of somebody who wrote the number into a field that begins with `prefix`.
    #[must_use]
    pub fn problem(&self, code: Code, prefix: &str) -> Problem {
        Problem::new(code, format!("{prefix}{}", self.field), self.to_string())
    }
}

/// Checks that a number is within its range.
///
/// # Errors
/// [`OutOfRange`] with the field.
pub fn within(field: &'static str, value: u64, range: RangeInclusive<u64>) -> Result<(), OutOfRange> {
    if range.contains(&value) { Ok(()) } else { Err(OutOfRange { field, range }) }
}

impl RunSizes {
    /// These sizes, but for those that an order names. An order for few variants has no more winners.
    #[must_use]
    pub fn with(self, asked: AskedSizes) -> Self {
        let variants = asked.variants.unwrap_or(self.variants);
        let fitting = if asked.variants.is_some() { self.winners.min(variants) } else { self.winners };
        Self {
            generations: asked.generations.unwrap_or(self.generations),
            variants,
            winners: asked.winners.unwrap_or(fitting),
            opportunities: asked.opportunities.unwrap_or(self.opportunities),
        }
    }

    /// Checks the sizes.
    ///
    /// # Errors
    /// [`OutOfRange`], the first one.
    pub fn check(&self) -> Result<(), OutOfRange> {
        within("generations", self.generations.into(), GENERATIONS)?;
        within("variants", self.variants.into(), VARIANTS)?;
        within("winners", self.winners.into(), 1..=self.variants.into())?;
        within("opportunities", self.opportunities, OPPORTUNITIES)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const USUAL: RunSizes = RunSizes { generations: 2, variants: 12, winners: 3, opportunities: 60_000 };

    #[test]
    fn an_order_for_few_variants_has_few_winners() {
        assert_eq!(USUAL.with(AskedSizes::default()), USUAL);
        let few = USUAL.with(AskedSizes { variants: Some(2), ..AskedSizes::default() });
        assert_eq!((few.variants, few.winners, few.check()), (2, 2, Ok(())));
        let asked = AskedSizes { variants: Some(2), winners: Some(3), ..AskedSizes::default() };
        let refused = USUAL.with(asked).check().unwrap_err();
        assert_eq!((refused.field, refused.to_string().as_str()), ("winners", "must be within 1 and 2"));
        let problem = refused.problem(Code::Option, "run.");
        assert_eq!((problem.code, problem.field.as_str()), (Code::Option, "run.winners"));
    }

    #[test]
    fn every_size_has_its_range() {
        for (sizes, field) in [
            (RunSizes { generations: 0, ..USUAL }, "generations"),
            (RunSizes { generations: 21, ..USUAL }, "generations"),
            (RunSizes { variants: 65, ..USUAL }, "variants"),
            (RunSizes { winners: 0, ..USUAL }, "winners"),
            (RunSizes { opportunities: 999, ..USUAL }, "opportunities"),
            (RunSizes { opportunities: 5_000_001, ..USUAL }, "opportunities"),
        ] {
            assert_eq!(sizes.check().unwrap_err().field, field);
        }
    }
}
