//! The key offer: the one reason to act now.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Evidence, FactId};
use crate::error::{Code, Problem};
use crate::money::{Currency, Micros};

use super::checks::{check_text, check_words, value};

/// The offer every script carries, with the price before and now.
///
/// A price before is a claim of its own: it names what proves it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KeyOffer {
    /// What one gets, 2–40 characters, e.g. `hot pot for two`, `四人餐`, `first 8 episodes`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub covers: Option<String>,
    /// Price to pay, as a decimal string; `"0"` where it is free.
    #[serde(with = "super::decimal")]
    #[schemars(with = "String", regex(pattern = r"^[0-9]+(\.[0-9]{1,6})?$"))]
    pub price_now: Micros,
    /// Price before the offer; above `price_now`.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "optional_decimal")]
    #[schemars(with = "Option<String>", regex(pattern = r"^[0-9]+(\.[0-9]{1,6})?$"))]
    pub price_before: Option<Micros>,
    /// Currency of both prices.
    pub currency: Currency,
    /// Last day of the offer, as a calendar date such as `2026-12-24`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ends: Option<String>,
    /// How to redeem it, 2–40 characters, e.g. `show the code at the counter`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redeem: Option<String>,
    /// Fact of the brief that states the offer in the advertiser's own words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fact: Option<FactId>,
    /// What proves prices and terms.
    pub evidence: Evidence,
}

mod optional_decimal {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use crate::money::Micros;

    #[derive(Serialize, Deserialize)]
    struct Amount(#[serde(with = "super::super::decimal")] Micros);

    #[expect(clippy::ref_option, reason = "the signature that serde asks for")]
    pub(super) fn serialize<S: Serializer>(
        amount: &Option<Micros>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        amount.map(Amount).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Micros>, D::Error> {
        Ok(Option::<Amount>::deserialize(deserializer)?.map(|amount| amount.0))
    }
}

impl KeyOffer {
    /// Month and day of the last day, if it has one.
    #[must_use]
    pub fn last_day(&self) -> Option<jiff::civil::Date> {
        self.ends.as_deref().and_then(|text| text.parse().ok())
    }

    /// Checks amounts, texts and the date.
    ///
    /// # Errors
    /// [`Code::BriefValue`] or [`Code::EvidenceMissing`] with the field's path.
    pub(super) fn validate(&self) -> Result<(), Problem> {
        if !(0..=10_000_000_000_000).contains(&self.price_now.0) {
            return Err(value("offer.price_now", "must be within 0 and 10,000,000"));
        }
        if let Some(before) = self.price_before {
            if before <= self.price_now || before.0 > 10_000_000_000_000 {
                return Err(value("offer.price_before", "must be above `price_now`, at most 10,000,000"));
            }
        }
        for (name, text) in [("covers", &self.covers), ("redeem", &self.redeem)] {
            if let Some(text) = text {
                check_words(&format!("offer.{name}"), text, 2, 40)?;
            }
        }
        if self.ends.is_some() && self.last_day().is_none() {
            return Err(value("offer.ends", "must be a calendar date such as `2026-12-24`"));
        }
        if self.evidence.source.trim().is_empty() {
            return Err(Problem::new(
                Code::EvidenceMissing,
                "offer.evidence.source",
                "a price is a claim, so the offer must name what proves it",
            ));
        }
        check_text("offer.evidence.source", &self.evidence.source, 3, 200)
    }
}
