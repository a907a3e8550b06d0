//! What a source costs and under which terms: one [`Row`] per source, from the configuration.
//!
//! A quote is an upper bound: the first price of the row that fits the work, times its units, rounded up.
//! Work that no price fits is refused; nothing is free by accident. A server of one's own states what its
//! seconds cost, which may be 0.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use spotwright_core::ports::clip_source::{ClipError, Licence, Quote};
use spotwright_schemas::money::{Currency, Micros};

use crate::licences;
use crate::options::{OptionsError, check_date};
use crate::words::refuse;

/// Which model a source uses, under which terms, and what it costs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Row {
    /// The model by its provider's name.
    pub model: String,
    /// Its terms; may be left out for models whose terms are known here (see [`licences::known`]).
    #[serde(default)]
    pub licence: Option<Licence>,
    /// Currency of the prices.
    pub currency: Currency,
    /// When the prices were read, `YYYY-MM-DD`.
    pub prices_of: String,
    /// Prices; the first that fits counts. May be left out for models with a public list price.
    #[serde(default)]
    pub prices: Vec<Price>,
    /// Price of one unit of a resource pack, for providers that tell in units what they charged.
    #[serde(default)]
    pub unit_price: Option<Micros>,
    /// Whether only what was made costs something: a job that fails, or certainly stopped before its end, is
    /// free. Where it is not known to be so (the default), such a job counts as paid unless its provider
    /// tells otherwise.
    #[serde(default)]
    pub only_made: bool,
}

/// One line of a price table. What is left out fits everything.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Price {
    /// The task: `generate`, `multi_shot`, `extend`, `lip_sync`, `identify_face`, `motion_brush`, `picture` or
    /// `speech`.
    #[serde(default)]
    pub task: Option<String>,
    /// The resolution, e.g. `720p`.
    #[serde(default)]
    pub resolution: Option<String>,
    /// Whether the clip has sound of its own.
    #[serde(default)]
    pub sound: Option<bool>,
    /// Whether a reference clip goes in.
    #[serde(default)]
    pub reference_clip: Option<bool>,
    /// What the amount is for.
    pub per: Per,
    /// The amount in millionths of the row's currency, 0 or more.
    pub amount: Micros,
}

/// What a price is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Per {
    /// One job, however long.
    Job,
    /// Each begun second of the result.
    Second,
    /// Each begun 5 seconds of the result.
    FiveSeconds,
    /// A second of the result, and parts of one in proportion; rounded up to a whole millionth.
    ExactSecond,
}

/// Work that has a price.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Work {
    pub(crate) task: &'static str,
    pub(crate) resolution: String,
    pub(crate) sound: bool,
    pub(crate) reference_clip: bool,
    /// How long the result is.
    pub(crate) length: Length,
}

/// Seconds as a fraction, so that no frame is rounded before its price is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Length {
    /// Frames, or milliseconds.
    pub(crate) parts: u64,
    /// How many of them are a second, at least 1.
    pub(crate) per_second: u64,
}

impl Length {
    pub(crate) const fn of_ms(ms: u64) -> Self {
        Self { parts: ms, per_second: 1_000 }
    }

    const fn begun(self, seconds: u64) -> u64 {
        let unit = self.per_second.saturating_mul(seconds);
        if unit == 0 { self.parts } else { self.parts.div_ceil(unit) }
    }

    /// What it costs at `amount` for a second; `None` where that cannot be counted.
    fn at(self, amount: Micros) -> Option<i64> {
        let per_second = i128::from(self.per_second.max(1));
        let cost = i128::from(amount.0) * i128::from(self.parts);
        i64::try_from((cost + per_second - 1).div_euclid(per_second)).ok()
    }
}

impl Row {
    /// Fills in what is known of the model, and checks the rest.
    ///
    /// # Errors
    /// [`OptionsError`] for an unknown licence, prices below 0, and dates of another form.
    pub(crate) fn completed(
        mut self,
        list: Option<(&str, Vec<Price>)>,
    ) -> Result<(Self, Licence), OptionsError> {
        if self.model.trim().is_empty() || self.model.chars().count() > 200 {
            return Err(OptionsError::Range("row.model"));
        }
        if self.prices.is_empty() {
            let (date, prices) = list.ok_or_else(|| OptionsError::Model(self.model.clone(), "row.prices"))?;
            // List prices are in US dollars, whatever the row says.
            if self.currency != Currency::USD {
                return Err(OptionsError::Model(self.model.clone(), "row.prices"));
            }
            date.clone_into(&mut self.prices_of);
            self.prices = prices;
        }
        check_date(&self.prices_of, "row.prices_of")?;
        let amounts = self.prices.iter().map(|price| price.amount).chain(self.unit_price);
        if amounts.into_iter().any(|amount| amount < Micros::ZERO) {
            return Err(OptionsError::Range("row.prices"));
        }
        let licence = self.licence.clone().or_else(|| licences::known(&self.model));
        let licence = licence.ok_or_else(|| OptionsError::Model(self.model.clone(), "row.licence"))?;
        check_date(&licence.read, "row.licence.read")?;
        Ok((self, licence))
    }

    /// What the parts of a job cost at most in all.
    pub(crate) fn quote(&self, parts: &[Work]) -> Result<Quote, ClipError> {
        let mut sum = 0_i64;
        for part in parts {
            let price = self.prices.iter().find(|price| price.fits(part)).ok_or_else(|| {
                refuse(format!(
                    "the price table of {} has no price for {} at {}",
                    self.model, part.task, part.resolution
                ))
            })?;
            let whole =
                |units: u64| i64::try_from(units).ok().and_then(|units| price.amount.0.checked_mul(units));
            let cost = match price.per {
                Per::Job => whole(1),
                Per::Second => whole(part.length.begun(1)),
                Per::FiveSeconds => whole(part.length.begun(5)),
                Per::ExactSecond => part.length.at(price.amount),
            };
            sum = cost
                .and_then(|cost| sum.checked_add(cost))
                .ok_or_else(|| refuse("the price is beyond what can be counted"))?;
        }
        Ok(Quote { at_most: Micros(sum), currency: self.currency, prices_of: self.prices_of.clone() })
    }

    /// What a job costs that made nothing and that its provider tells nothing of; `None` where it may have
    /// cost something.
    pub(crate) fn of_nothing_made(&self) -> Option<Micros> {
        self.only_made.then_some(Micros::ZERO)
    }

    /// What a number of pack units, written as a decimal, costs; rounded up. `None` without a unit price.
    pub(crate) fn units(&self, units: &str) -> Option<Micros> {
        let units = Micros::parse_decimal(units).filter(|units| *units >= Micros::ZERO)?;
        let product = i128::from(units.0) * i128::from(self.unit_price?.0);
        i64::try_from((product + 999_999).div_euclid(1_000_000)).ok().map(Micros)
    }
}

impl Price {
    fn fits(&self, work: &Work) -> bool {
        self.task.as_deref().is_none_or(|task| task == work.task)
            && self.resolution.as_deref().is_none_or(|resolution| resolution == work.resolution)
            && self.sound.is_none_or(|sound| sound == work.sound)
            && self.reference_clip.is_none_or(|clip| clip == work.reference_clip)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row() -> Row {
        let text = r#"{"model":"Wan2.2-TI2V-5B","currency":"USD","prices_of":"2026-11-28","unit_price":140000,
            "prices":[{"task":"picture","per":"job","amount":5},
                      {"sound":true,"resolution":"720p","per":"second","amount":30},
                      {"sound":false,"per":"five_seconds","amount":100}]}"#;
        serde_json::from_str(text).unwrap()
    }

    fn work(task: &'static str, resolution: &str, sound: bool, length_ms: u64) -> Work {
        let length = Length::of_ms(length_ms);
        Work { task, resolution: resolution.to_owned(), sound, reference_clip: false, length }
    }

    #[test]
    fn the_first_price_that_fits_counts_and_rounds_up() {
        let row = row();
        let cost = |work: Work| row.quote(&[work]).map(|quote| quote.at_most.0);
        assert_eq!(cost(work("picture", "720p", true, 0)), Ok(5));
        assert_eq!(cost(work("generate", "720p", true, 4_001)), Ok(150));
        assert_eq!(cost(work("generate", "720p", false, 5_001)), Ok(200));
        let missing = cost(work("generate", "4k", true, 1)).unwrap_err();
        assert_eq!(missing.message, "the price table of Wan2.2-TI2V-5B has no price for generate at 4k");
        let both = row.quote(&[work("picture", "", false, 0), work("generate", "", false, 1)]).unwrap();
        assert_eq!(both.at_most, Micros(105));
    }

    #[test]
    fn parts_of_seconds_are_counted_in_proportion() {
        let price = Price { per: Per::ExactSecond, amount: Micros(10_000), ..row().prices[0].clone() };
        let row = Row { prices: vec![Price { task: None, ..price }], ..row() };
        let cost = |parts, per_second| {
            let length = Length { parts, per_second };
            row.quote(&[Work { length, ..work("generate", "720p", false, 0) }]).unwrap().at_most
        };
        assert_eq!([cost(121, 24), cost(120, 24), cost(1, 1_000)], [50_417, 50_000, 10].map(Micros));
    }

    #[test]
    fn units_of_packs_are_money() {
        let row = row();
        assert_eq!(row.units("0.05"), Some(Micros(7_000)));
        assert_eq!(row.units("3"), Some(Micros(420_000)));
        assert_eq!(row.units("-1"), None);
        assert_eq!(Row { unit_price: None, ..row }.units("3"), None);
    }

    #[test]
    fn rows_are_completed_or_refused() {
        let (_, licence) = row().completed(None).unwrap();
        assert_eq!(licence.name, "Apache-2.0");
        let unknown = Row { model: "house-model".to_owned(), ..row() };
        assert_eq!(unknown.completed(None).unwrap_err().key(), "row.licence");
        let bare = Row { prices: Vec::new(), ..row() };
        assert_eq!(bare.completed(None).unwrap_err().key(), "row.prices");
        let mut negative = row();
        negative.prices[0].amount = Micros(-1);
        assert_eq!(negative.completed(None).unwrap_err(), OptionsError::Range("row.prices"));
    }
}
