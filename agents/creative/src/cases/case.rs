//! A case: one way to build a short advertisement, with the reasons why it works.

use serde::{Deserialize, Serialize};
use spotwright_schemas::Locale;
use spotwright_schemas::brief::{Brief, FactKind, Objective, Vertical};
use spotwright_schemas::script::Structure;

/// The language that a case is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Language {
    /// Chinese.
    Zh,
    /// English.
    En,
}

impl Language {
    /// Every language.
    pub const ALL: [Self; 2] = [Self::Zh, Self::En];

    /// The language of a locale.
    #[must_use]
    pub fn of(locale: Locale) -> Self {
        if locale == Locale::ZhCn { Self::Zh } else { Self::En }
    }

    /// The name in files and ids, e.g. `zh`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Zh => "zh",
            Self::En => "en",
        }
    }
}

/// What the key offer of a brief has to hold for a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OfferNeed {
    /// A price: the key offer's, or a price among the facts.
    Price,
    /// The key offer.
    KeyOffer,
    /// The key offer with its price before.
    PriceBefore,
    /// The key offer with its last day.
    LastDay,
}

impl OfferNeed {
    /// Whether the brief has it.
    #[must_use]
    pub fn is_met(self, brief: &Brief) -> bool {
        let offer = brief.offer.as_ref();
        match self {
            Self::Price => offer.is_some() || has_kind(brief, FactKind::Price),
            Self::KeyOffer => offer.is_some(),
            Self::PriceBefore => offer.is_some_and(|offer| offer.price_before.is_some()),
            Self::LastDay => offer.is_some_and(|offer| offer.last_day().is_some()),
        }
    }

    /// What it is called in messages.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Price => "a price",
            Self::KeyOffer => "a key offer",
            Self::PriceBefore => "a price before",
            Self::LastDay => "a last day",
        }
    }
}

/// What a case needs of a brief.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Needs {
    /// Kinds of facts, each of which the brief has to hold.
    #[serde(default)]
    pub facts: Vec<FactKind>,
    /// What the key offer has to hold; nothing where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offer: Option<OfferNeed>,
    /// What has to be in the pictures, for people.
    pub picture: String,
}

impl Needs {
    /// What the brief lacks of it, in words of messages; empty where the brief carries the case.
    #[must_use]
    pub fn lacking(&self, brief: &Brief) -> Vec<String> {
        let mut lacking: Vec<String> = self
            .facts
            .iter()
            .filter(|kind| !has_kind(brief, **kind))
            .map(|kind| format!("a fact of kind `{}`", kind_name(*kind)))
            .collect();
        lacking.extend(self.offer.filter(|need| !need.is_met(brief)).map(|need| need.as_str().to_owned()));
        lacking
    }
}

/// One shot of a case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CaseShot {
    /// What happens.
    pub happens: String,
    /// What the caption does.
    pub caption: String,
    /// What is in the picture.
    pub picture: String,
    /// A caption written for the case's invented product.
    pub line: String,
}

/// A case of the library.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Case {
    /// Language, line of business and name, e.g. `zh.restaurant.weeknight_pot`.
    pub id: String,
    /// Its language.
    pub language: Language,
    /// What it is called.
    pub title: String,
    /// How it is built.
    pub structure: Structure,
    /// Objectives it serves.
    pub objectives: Vec<Objective>,
    /// Lines of business it serves, its own first.
    pub verticals: Vec<Vertical>,
    /// Audience and moment, in words that briefs use too.
    pub tags: Vec<String>,
    /// The invented product of its lines.
    pub product: String,
    /// Tension and turn in one sentence.
    pub idea: String,
    /// Why it works: reasons of craft, no measurements.
    pub why: Vec<String>,
    /// What it needs of a brief.
    pub needs: Needs,
    /// The skeleton, 4–6 shots.
    pub shots: Vec<CaseShot>,
    /// How it goes wrong.
    pub pitfalls: Vec<String>,
}

/// What a prompt shows of a case or of an own winner.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NoteParts {
    /// What scripts cite it by.
    pub id: String,
    /// What it is called.
    pub title: String,
    /// How it is built.
    pub structure: Option<Structure>,
    /// Why it works.
    pub why: String,
    /// Its captions, in order.
    pub lines: Vec<String>,
}

impl Case {
    /// What a prompt shows of it.
    #[must_use]
    pub fn note_parts(&self) -> NoteParts {
        let between = if self.language == Language::Zh { "" } else { " " };
        NoteParts {
            id: self.id.clone(),
            title: self.title.clone(),
            structure: Some(self.structure),
            why: self.why.join(between),
            lines: self.shots.iter().map(|shot| shot.line.clone()).collect(),
        }
    }

    /// How well it serves a line of business, in [0, 1]: its own, one it names, any, none.
    #[must_use]
    pub fn serves(&self, vertical: Vertical) -> f64 {
        if self.verticals.first() == Some(&vertical) {
            1.0
        } else if self.verticals.contains(&vertical) {
            0.7
        } else if self.verticals.first() == Some(&Vertical::General) {
            0.35
        } else {
            0.0
        }
    }
}

/// Whether the brief has a fact of a kind.
fn has_kind(brief: &Brief, kind: FactKind) -> bool {
    brief.product.facts.iter().any(|fact| fact.kind == kind)
}

/// The name of a kind of fact in briefs.
const fn kind_name(kind: FactKind) -> &'static str {
    match kind {
        FactKind::Feature => "feature",
        FactKind::Benefit => "benefit",
        FactKind::Proof => "proof",
        FactKind::Price => "price",
        FactKind::Offer => "offer",
        FactKind::Origin => "origin",
        FactKind::Problem => "problem",
        FactKind::Moment => "moment",
    }
}
