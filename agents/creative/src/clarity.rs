//! Whether a script serves the advertiser: the offer, what must be said, and what is sold.
//!
//! # Purpose
//! Selection counts ranks within the scripts that pass; the others only stand in for want of
//! better ones, with the reason said. Pure, and the same for every writer of scripts.

use serde::{Deserialize, Serialize};
use spotwright_schemas::brief::{Brief, FactKind};
use spotwright_schemas::script::{Line, Role, Script};
use spotwright_schemas::wording::folded;
use spotwright_schemas::{Language, Locale};

use crate::copywriter::price_now;
use crate::promise;

/// Lines from the first on within which a viewer learns what is sold.
const SHOWN_WITHIN: usize = 2;

/// Why a script does not serve the advertiser.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unclear {
    /// The brief has a price or an offer, and the last line says neither.
    OfferMissing,
    /// A text that every script must say is not in it.
    MustSayMissing,
    /// What is sold stays hidden for more than one line, and the brief does not allow teasers.
    HidesWhatIsSold,
}

impl Unclear {
    /// The reason for people, in the brief's language.
    #[must_use]
    pub const fn told(self, locale: Locale) -> &'static str {
        match (locale.language(), self) {
            (Language::English, Self::OfferMissing) => "the last line says neither price nor offer",
            (Language::English, Self::MustSayMissing) => "a text that must be said is missing",
            (Language::English, Self::HidesWhatIsSold) => "what is sold stays hidden for more than one line",
            (Language::Chinese, Self::OfferMissing) => "结尾没有价格或优惠",
            (Language::Chinese, Self::MustSayMissing) => "缺少必须出现的文字",
            (Language::Chinese, Self::HidesWhatIsSold) => "开头没有说清卖什么",
        }
    }
}

/// What is unclear in a script, in the order of [`Unclear`]; empty when it passes.
///
/// Deterministic; cost: a few searches a line.
#[must_use]
pub fn clarity(brief: &Brief, script: &Script) -> Vec<Unclear> {
    let mut found = Vec::new();
    if !says_the_offer(brief, script) {
        found.push(Unclear::OfferMissing);
    }
    if !promise::unsaid(brief, script).is_empty() {
        found.push(Unclear::MustSayMissing);
    }
    if !brief.allow_teasers && !shows_what_is_sold(brief, script) {
        found.push(Unclear::HidesWhatIsSold);
    }
    found
}

/// The last line rests on a price or offer fact, or says the price of the key offer.
fn says_the_offer(brief: &Brief, script: &Script) -> bool {
    if !promise::has_terms(brief) {
        return true;
    }
    let Some(end) = script.line(Role::Cta) else { return false };
    promise::rests_on_a_term(brief, end)
        || price_now(brief).is_some_and(|price| promise::line_states(end, &price, brief.locale))
}

/// The name, the brand, the kind of thing, or a fact about the product stands in the first lines.
fn shows_what_is_sold(brief: &Brief, script: &Script) -> bool {
    let noun = brief.product.noun_phrase.as_deref().unwrap_or(&brief.product.category);
    let bare = noun
        .split_once(' ')
        .filter(|(first, _)| ["a", "an", "the"].contains(first))
        .map_or(noun, |(_, rest)| rest);
    let names: Vec<String> =
        [brief.spoken_name(), &brief.product.name, &brief.brand.name, &brief.product.category, bare]
            .into_iter()
            .map(folded)
            .filter(|name| !name.is_empty())
            .collect();
    let shows = |line: &Line| {
        let text = folded(&format!("{}\n{}\n{}", line.caption, line.detail, line.voice));
        let told = |kind: FactKind| !matches!(kind, FactKind::Problem | FactKind::Moment);
        names.iter().any(|name| text.contains(name.as_str()))
            || line.rests_on.iter().filter_map(|id| brief.fact(id)).any(|fact| told(fact.kind))
    };
    script.lines.iter().take(SHOWN_WITHIN).any(shows)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::copywriter::{Request, write};

    fn brief() -> Brief {
        Brief::from_yaml(include_bytes!("../../../examples/coffee-en/brief.yaml")).expect("example brief")
    }

    fn script(brief: &Brief) -> Script {
        let request = Request { brief, scripts: 1, structures: &[], avoid: &[], seed: 3 };
        write(&request).into_iter().next().expect("one script")
    }

    #[test]
    fn scripts_of_the_engine_pass() {
        let brief = brief();
        assert_eq!(clarity(&brief, &script(&brief)), []);
    }

    #[test]
    fn the_price_of_now_is_not_read_in_a_longer_one() {
        let mut brief = Brief::from_yaml(include_bytes!("../../../examples/bench/hotpot-zh/brief.yaml"))
            .expect("a brief of the bench");
        let mut script = script(&brief);
        let offer = brief.offer.as_mut().expect("a key offer");
        offer.price_now = spotwright_schemas::money::Micros(98_000_000);
        let last = script.lines.last_mut().expect("a last line");
        last.rests_on.clear();
        last.detail.clear();
        for (caption, clear) in [("四人餐198元", false), ("四人餐98元，原价198元", true)] {
            caption.clone_into(&mut script.lines.last_mut().expect("a last line").caption);
            assert_eq!(!clarity(&brief, &script).contains(&Unclear::OfferMissing), clear, "{caption}");
        }
    }

    #[test]
    fn what_is_missing_is_named() {
        let mut brief = brief();
        let mut script = script(&brief);
        for line in &mut script.lines {
            line.caption = "Something".to_owned();
            line.detail.clear();
            line.voice.clear();
            line.rests_on.clear();
        }
        brief.must_say = vec!["Terms apply".to_owned()];
        let all = [Unclear::OfferMissing, Unclear::MustSayMissing, Unclear::HidesWhatIsSold];
        assert_eq!(clarity(&brief, &script), all);
        brief.allow_teasers = true;
        assert_eq!(clarity(&brief, &script), all[..2]);
    }
}
