//! What a brief wishes of shots that a video model makes.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::checks::{check_count, check_name, value};
use crate::error::Problem;
use crate::money::Micros;

/// Most sources that a brief names.
const MAX_SOURCES: usize = 8;
/// Most territories that a brief names.
const MAX_TERRITORIES: usize = 50;
/// Dearest shot that a brief may allow: 10,000 units of its currency.
const MAX_SHOT_PRICE: i64 = 10_000_000_000;

/// Wishes for shots that a video model makes. Without them every shot is the studio's: a picture of the
/// product with a moving camera.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FootageWish {
    /// Which shots are asked for.
    #[serde(default)]
    pub generated: GeneratedShots,
    /// Names of the sources that may make them, in the order in which they are asked, at most 8 different
    /// ones; empty for all that are configured, in the order in which they fit best.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<String>,
    /// Most that one shot may cost, further tries at it included, in the budget's currency, as a decimal
    /// string such as `"1.50"`; at most 10,000. Without it only the budget bounds them.
    #[serde(default, with = "price", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>", regex(pattern = r"^[0-9]+(\.[0-9]{1,6})?$"))]
    pub max_price: Option<Micros>,
}

/// Which shots of an ad a video model is asked for. End cards and shots that show a price are always the
/// studio's.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum GeneratedShots {
    /// None.
    #[default]
    None,
    /// The opening.
    Opening,
    /// The opening and every shot that shows a moment or a place and not the product itself.
    Scenes,
    /// All that may be generated, shots of the product among them: those begin with a real picture of it
    /// and are compared with its pictures.
    All,
}

impl FootageWish {
    /// Whether nothing is wished.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        *self == Self::default()
    }

    pub(super) fn validate(&self) -> Result<(), Problem> {
        check_count("footage.sources", self.sources.len(), 0, MAX_SOURCES)?;
        for (idx, source) in self.sources.iter().enumerate() {
            let field = format!("footage.sources[{idx}]");
            check_name(&field, source)?;
            if self.sources[..idx].contains(source) {
                return Err(value(&field, "is named before; name every source once"));
            }
        }
        if self.max_price.is_some_and(|price| !(1..=MAX_SHOT_PRICE).contains(&price.0)) {
            return Err(value("footage.max_price", "must be above 0 and at most 10,000"));
        }
        Ok(())
    }
}

/// Checks the territories of a brief.
pub(super) fn check_territories(territories: &[String]) -> Result<(), Problem> {
    check_count("territories", territories.len(), 0, MAX_TERRITORIES)?;
    let mut different = BTreeSet::new();
    for (idx, code) in territories.iter().enumerate() {
        let field = format!("territories[{idx}]");
        if !is_territory(code) {
            let hint = if code == "UK" { "; the United Kingdom is `GB`" } else { "" };
            let message =
                format!("must be a country code of ISO 3166 in capitals, such as `US`, or `EU`{hint}");
            return Err(value(&field, &message));
        }
        if !different.insert(code) {
            return Err(value(&field, "is named before; name every territory once"));
        }
    }
    Ok(())
}

/// Whether this is an assigned country code, or the European Union.
fn is_territory(code: &str) -> bool {
    code == "EU"
        || (code.len() == 2
            && code.bytes().all(|b| b.is_ascii_uppercase())
            && COUNTRIES.split_ascii_whitespace().any(|country| country == code))
}

/// Officially assigned codes of ISO 3166-1 alpha-2, as of 2026.
const COUNTRIES: &str = "\
AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY \
BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK \
FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR \
IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK \
ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM \
PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF \
TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW";

mod price {
    use serde::{Deserialize, Deserializer, Serializer};

    use super::super::{checks, decimal};
    use crate::money::Micros;

    #[expect(clippy::ref_option, reason = "serde hands the field over as it is")]
    pub(super) fn serialize<S: Serializer>(
        amount: &Option<Micros>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match amount {
            Some(amount) => decimal::serialize(amount, serializer),
            None => serializer.serialize_none(),
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Micros>, D::Error> {
        let Some(text) = Option::<String>::deserialize(deserializer)? else { return Ok(None) };
        Micros::parse_decimal(checks::without_last_break(&text))
            .map(Some)
            .ok_or_else(|| serde::de::Error::custom("a price is a decimal string such as \"1.50\""))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(wish: &FootageWish) -> String {
        wish.validate().expect_err("refused").field
    }

    #[test]
    fn a_wish_is_bounded_and_names_its_fields() {
        let wish = FootageWish { sources: vec!["kling".to_owned(); 2], ..FootageWish::default() };
        assert_eq!(problem(&wish), "footage.sources[1]");
        let wish = FootageWish { sources: vec!["Kling".to_owned()], ..FootageWish::default() };
        assert_eq!(problem(&wish), "footage.sources[0]");
        for price in [0, -1, MAX_SHOT_PRICE + 1] {
            let wish = FootageWish { max_price: Some(Micros(price)), ..FootageWish::default() };
            assert_eq!(problem(&wish), "footage.max_price");
        }
        let names = (0..=MAX_SOURCES).map(|idx| format!("source-{idx}")).collect();
        assert_eq!(problem(&FootageWish { sources: names, ..FootageWish::default() }), "footage.sources");
    }

    #[test]
    fn territories_are_assigned_codes_and_named_once() {
        let check = |codes: &[&str]| {
            let codes: Vec<String> = codes.iter().map(|&code| code.to_owned()).collect();
            check_territories(&codes).map_err(|problem| (problem.field, problem.message))
        };
        assert_eq!(check(&["US", "EU", "CN"]), Ok(()));
        assert_eq!(COUNTRIES.split_ascii_whitespace().collect::<BTreeSet<_>>().len(), 249);
        for wrong in ["us", "USA", "UK", "XX", "", "U S"] {
            let (field, message) = check(&["US", wrong]).expect_err(wrong);
            assert_eq!(field, "territories[1]");
            assert_eq!(message.contains("`GB`"), wrong == "UK", "{message}");
        }
        assert_eq!(check(&["US", "US"]).expect_err("twice").0, "territories[1]");
    }
}
