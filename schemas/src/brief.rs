//! Briefs: what an advertiser gives us, in a strict format (`spotwright.brief.v1`).
//!
//! [`Brief::from_yaml`] and [`Brief::from_json`] parse, [`Brief::validate`] checks everything that
//! can be checked without opening a picture. Both answer with a [`Problem`] that names the field.

mod checks;
mod comments;
mod footage;
mod kit;
mod offer;
mod punctuation;
mod reading;
mod vertical;
mod voice;

pub use footage::{FootageWish, GeneratedShots};
pub use kit::BrandBook;
pub use offer::KeyOffer;
pub use vertical::Vertical;
pub use voice::{BrandVoice, Pronunciation};

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization as _;

use crate::destination::{Destination, MAX_DESTINATION};
use crate::error::Problem;
use crate::letters::composed;
use crate::locale::{Language, Locale};
use crate::money::{Currency, Micros};
use crate::placement::PlacementKind;
use crate::storyboard::Color;
use crate::wording::{holds_term, is_denied};
use checks::{check_count, check_name, check_picture_name, check_text, check_words, value};
use kit::{check_brand, check_facts, check_said};

/// Largest accepted brief in bytes.
pub const MAX_BRIEF_BYTES: u64 = 256 * 1024;

/// Endings of host names that mean something else on every machine (RFC 6761, RFC 6762, and
/// `internal` as reserved by ICANN in 2024).
const PRIVATE_ENDINGS: [&str; 3] = [".localhost", ".local", ".internal"];

/// Name of a fact inside its brief: 1–40 of `a-z 0-9 _ -`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct FactId(String);

impl FactId {
    /// Names a fact; the name is checked by [`Brief::validate`].
    pub fn new(name: impl Into<String>) -> Self {
        Self(name.into())
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The version of the format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Format {
    /// The first version.
    #[serde(rename = "spotwright.brief.v1")]
    V1,
}

/// The value of `$schema`, which is read and forgotten.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct SchemaHint;

impl<'de> Deserialize<'de> for SchemaHint {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|_| Self)
    }
}

/// An advertiser's brief.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Brief {
    /// Where an editor finds the JSON Schema; means nothing to us and is not kept.
    #[serde(rename = "$schema", default, skip_serializing)]
    #[schemars(with = "Option<String>")]
    schema: SchemaHint,
    /// Version of the format.
    pub format: Format,
    /// Short name of the brief: 1–40 of `a-z 0-9 _ -`, e.g. `morning-roast`.
    pub id: String,
    /// Language of the advertisement.
    pub locale: Locale,
    /// Who advertises.
    pub brand: Brand,
    /// What is advertised.
    pub product: Product,
    /// To whom.
    pub audience: Audience,
    /// What counts as success.
    pub objective: Objective,
    /// How much may be spent.
    pub budget: Budget,
    /// Page that a click opens; `https`, without user name or password. Kept byte for byte, so that macros
    /// of platforms and escapes of other code pages stay what they are.
    pub destination_url: Destination,
    /// What the advertisement asks the viewer to do.
    pub call_to_action: CallToAction,
    /// Where it may run, 1–8 different ones; the first decides size and safe zones.
    pub placements: Vec<PlacementKind>,
    /// Small print for the end card, at most 80 characters; it may hold a banned word to deny it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disclaimer: Option<String>,
    /// The one reason to act now; every script carries it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offer: Option<KeyOffer>,
    /// Texts that stand word for word in every script, at most 3 of 2–40 characters.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub must_say: Vec<String>,
    /// Words and phrases that no script may hold, at most 100 of at most 40 characters.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub must_not_say: Vec<String>,
    /// Whether an opening may hide for more than one shot what is sold.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub allow_teasers: bool,
    /// Shots that a video model is to make; none without it.
    #[serde(default, skip_serializing_if = "FootageWish::is_nothing")]
    pub footage: FootageWish,
    /// Where the ad may be shown: country codes of ISO 3166 in capitals, and `EU`, at most 50 different
    /// ones; the locale's country where there are none. What may not be used in one of them is not used.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub territories: Vec<String>,
}

/// The brand kit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Brand {
    /// Name as shown, 1–40 characters.
    pub name: String,
    /// Brand colors.
    pub colors: BrandColors,
    /// Manner of speaking.
    #[serde(default)]
    pub tone: Tone,
    /// Words that must not appear, at most 100 of at most 40 characters; Latin words match whole.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub banned_words: Vec<String>,
    /// Sentences that sound as the brand speaks, at most 5 of 2–120 characters.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tone_examples: Vec<String>,
    /// How it speaks.
    #[serde(default, skip_serializing_if = "BrandVoice::is_usual")]
    pub voice: BrandVoice,
}

/// Brand colors.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BrandColors {
    /// Backgrounds.
    pub primary: Color,
    /// Buttons and figures; contrast of at least 3:1 against `primary`.
    pub accent: Color,
}

/// Manner of speaking.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Tone {
    /// Friendly.
    #[default]
    Warm,
    /// Short and strong.
    Bold,
    /// Matter-of-fact.
    Plain,
    /// With a smile.
    Playful,
}

/// What is advertised.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Product {
    /// Name as shown, 1–40 characters.
    pub name: String,
    /// What kind of thing it is, in the brief's language, 1–30 characters, e.g. `coffee`.
    pub category: String,
    /// Name as spoken, 1–20 characters; `name` where it is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub short_name: Option<String>,
    /// What it is as a noun phrase with its article or measure word, 2–40 characters, e.g.
    /// `a water bottle`, `一款挂耳咖啡`.
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub noun_phrase: Option<String>,
    /// Line of business; read from `category` and the facts where it is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vertical: Option<Vertical>,
    /// What may be said about it, 1–40 facts with different ids.
    pub facts: Vec<Fact>,
    /// Pictures, 1–12.
    pub pictures: Vec<Picture>,
}

/// One thing that may be said about the product.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Fact {
    /// Name inside the brief.
    pub id: FactId,
    /// What kind of statement it is.
    pub kind: FactKind,
    /// The statement as it may be shown, 2–60 characters, no final full stop.
    pub text: String,
    /// What proves it; required for every kind but `problem` and `moment`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<Evidence>,
}

/// What kind of statement a fact is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FactKind {
    /// What the product has or does.
    Feature,
    /// What the buyer gains.
    Benefit,
    /// Numbers, awards, tests.
    Proof,
    /// Price.
    Price,
    /// Discount, gift, delivery, guarantee.
    Offer,
    /// Where it comes from or how it is made.
    Origin,
    /// A trouble of the audience that the product answers; claims nothing about the product.
    Problem,
    /// A moment of the day in which it is used; claims nothing about the product.
    Moment,
}

impl FactKind {
    /// Whether a fact of this kind claims something that must be provable.
    #[must_use]
    pub const fn needs_evidence(self) -> bool {
        !matches!(self, Self::Problem | Self::Moment)
    }
}

/// What proves a fact.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Evidence {
    /// Where the proof is kept, 3–200 characters, e.g. `roasting log, March 2026`.
    pub source: String,
    /// The words or figures of the source, at most 300 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quote: Option<String>,
}

/// A product picture.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Picture {
    /// File name relative to the brief's folder; JPEG, PNG or WebP.
    pub file: String,
    /// What the picture shows, 1–120 characters.
    pub alt: String,
    /// Licence of the picture, at most 120 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub licence: Option<String>,
}

/// Whether two names of files are the same to a reader: an `é` may be one character or an `e` with an
/// accent, and systems differ in which they write.
#[must_use]
pub fn is_same_name(a: &str, b: &str) -> bool {
    a == b || a.nfc().eq(b.nfc())
}

/// To whom the advertisement speaks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Audience {
    /// Description in words, 3–300 characters.
    pub description: String,
    /// Youngest and oldest age, within 13 and 120.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ages: Option<[u8; 2]>,
}

/// What counts as success.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Objective {
    /// Visits of the destination page.
    Clicks,
    /// Orders, bookings, downloads: whatever the advertiser counts.
    Conversions,
    /// App installations.
    Installs,
    /// Contacts left in a form.
    Leads,
    /// Orders in a shop.
    Orders,
    /// Appointments.
    Bookings,
    /// Accounts opened, trials begun.
    SignUps,
    /// Visits of a place.
    StoreVisits,
    /// Games started, episodes begun.
    Plays,
    /// New followers of the account.
    Follows,
}

impl Objective {
    /// Whether success is the click itself; otherwise it is an event after the click.
    #[must_use]
    pub const fn is_click(self) -> bool {
        matches!(self, Self::Clicks)
    }

    /// The name in files and fields, e.g. `store_visits`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Clicks => "clicks",
            Self::Conversions => "conversions",
            Self::Installs => "installs",
            Self::Leads => "leads",
            Self::Orders => "orders",
            Self::Bookings => "bookings",
            Self::SignUps => "sign_ups",
            Self::StoreVisits => "store_visits",
            Self::Plays => "plays",
            Self::Follows => "follows",
        }
    }
}

/// How much may be spent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Budget {
    /// Everything: production and media, as a decimal string such as `"200.00"`; 1 to 10,000,000.
    #[serde(with = "decimal")]
    #[schemars(with = "String", regex(pattern = r"^[0-9]+(\.[0-9]{1,6})?$"))]
    pub total: Micros,
    /// Its currency.
    pub currency: Currency,
}

mod decimal {
    use serde::{Deserialize, Deserializer, Serializer};

    use crate::money::Micros;

    pub(super) fn serialize<S: Serializer>(amount: &Micros, serializer: S) -> Result<S::Ok, S::Error> {
        let (whole, fraction) = (amount.0 / 1_000_000, amount.0 % 1_000_000);
        serializer.collect_str(&format_args!("{whole}.{fraction:06}"))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Micros, D::Error> {
        let text = String::deserialize(deserializer)?;
        Micros::parse_decimal(super::checks::without_last_break(&text))
            .ok_or_else(|| serde::de::Error::custom("an amount is a decimal string such as \"200.00\""))
    }
}

/// What the advertisement asks the viewer to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CallToAction {
    /// Buy in the shop.
    ShopNow,
    /// Place an order.
    OrderNow,
    /// Read more.
    LearnMore,
    /// Book a date.
    BookNow,
    /// Get the app.
    Download,
    /// Try it.
    TryIt,
    /// Start a game.
    PlayNow,
    /// Open an account.
    SignUp,
    /// Ask for a price.
    GetQuote,
    /// Come to the place.
    VisitStore,
    /// Follow the account.
    Follow,
    /// Watch the series.
    WatchNow,
}

impl CallToAction {
    /// The words on the button.
    #[must_use]
    pub const fn label(self, locale: Locale) -> &'static str {
        match (locale.language(), self) {
            (Language::English, Self::ShopNow) => "Shop now",
            (Language::English, Self::OrderNow) => "Order now",
            (Language::English, Self::LearnMore) => "Learn more",
            (Language::English, Self::BookNow) => "Book now",
            (Language::English, Self::Download) => "Download",
            (Language::English, Self::TryIt) => "Try it",
            (Language::Chinese, Self::ShopNow) => "立即选购",
            (Language::Chinese, Self::OrderNow) => "立即下单",
            (Language::Chinese, Self::LearnMore) => "了解更多",
            (Language::Chinese, Self::BookNow) => "立即预约",
            (Language::Chinese, Self::Download) => "立即下载",
            (Language::Chinese, Self::TryIt) => "马上试试",
            (Language::English, Self::PlayNow) => "Play now",
            (Language::English, Self::SignUp) => "Sign up",
            (Language::English, Self::GetQuote) => "Get a quote",
            (Language::English, Self::VisitStore) => "Visit us",
            (Language::English, Self::Follow) => "Follow",
            (Language::English, Self::WatchNow) => "Watch now",
            (Language::Chinese, Self::PlayNow) => "立即开玩",
            (Language::Chinese, Self::SignUp) => "立即注册",
            (Language::Chinese, Self::GetQuote) => "咨询报价",
            (Language::Chinese, Self::VisitStore) => "到店看看",
            (Language::Chinese, Self::Follow) => "立即关注",
            (Language::Chinese, Self::WatchNow) => "立即观看",
        }
    }
}

impl Brief {
    /// Checks lengths, ranges, names and evidence; stops at the first problem.
    ///
    /// # Errors
    /// `Code::BriefValue`, `Code::EvidenceMissing` or `Code::PicturePath` with the field's path.
    pub fn validate(&self) -> Result<(), Problem> {
        check_name("id", &self.id)?;
        check_brand("brand", &self.brand)?;
        self.validate_product()?;
        self.validate_wishes()?;
        check_words("audience.description", &self.audience.description, 3, 300)?;
        if let Some([youngest, oldest]) = self.audience.ages {
            if youngest < 13 || oldest > 120 || youngest > oldest {
                return Err(value("audience.ages", "must be two ages within 13 and 120, youngest first"));
            }
        }
        if !(1_000_000..=10_000_000_000_000).contains(&self.budget.total.0) {
            return Err(value("budget.total", "must be within 1 and 10,000,000"));
        }
        self.validate_destination()?;
        check_count("placements", self.placements.len(), 1, 8)?;
        let different: BTreeSet<_> = self.placements.iter().collect();
        if different.len() != self.placements.len() {
            return Err(value("placements", "holds the same placement twice; remove one"));
        }
        if let Some(disclaimer) = &self.disclaimer {
            check_text("disclaimer", disclaimer, 1, 80)?;
        }
        self.footage.validate()?;
        footage::check_territories(&self.territories)?;
        self.validate_banned_words()
    }

    /// Takes the line break off the end of every text: a block text of YAML has one that nobody meant.
    fn trim_line_breaks(&mut self) {
        let Self { id, brand, product, audience, disclaimer, .. } = self;
        let mut texts = vec![id, &mut brand.name, &mut product.name, &mut product.category];
        texts.extend(&mut brand.banned_words);
        for fact in &mut product.facts {
            texts.extend([&mut fact.id.0, &mut fact.text]);
            if let Some(evidence) = &mut fact.evidence {
                texts.push(&mut evidence.source);
                texts.extend(&mut evidence.quote);
            }
        }
        for picture in &mut product.pictures {
            texts.extend([&mut picture.file, &mut picture.alt]);
            texts.extend(&mut picture.licence);
        }
        texts.push(&mut audience.description);
        texts.extend(disclaimer);
        for text in texts {
            text.truncate(checks::without_last_break(text).len());
        }
    }

    /// The fact with this id.
    #[must_use]
    pub fn fact(&self, id: &FactId) -> Option<&Fact> {
        self.product.facts.iter().find(|fact| fact.id == *id)
    }

    /// Where the ad may be shown: what the brief names, or the locale's country.
    #[must_use]
    pub fn shown_in(&self) -> Vec<&str> {
        if self.territories.is_empty() {
            return vec![self.locale.country()];
        }
        self.territories.iter().map(String::as_str).collect()
    }

    /// Name as spoken: the short one where there is one.
    #[must_use]
    pub fn spoken_name(&self) -> &str {
        self.product.short_name.as_deref().unwrap_or(&self.product.name)
    }

    fn validate_wishes(&self) -> Result<(), Problem> {
        if let Some(offer) = &self.offer {
            offer.validate()?;
            if let Some(fact) = offer.fact.as_ref().filter(|fact| self.fact(fact).is_none()) {
                return Err(value(
                    "offer.fact",
                    &format!("names `{}`, which is no fact of the brief", fact.as_str()),
                ));
            }
        }
        check_said(&self.must_say, &self.must_not_say)
    }

    /// Writes every text that is read or shown with composed letters; names of files stay as they are.
    fn compose_letters(&mut self) {
        let Self { brand, product, audience, disclaimer, must_say, must_not_say, offer, .. } = self;
        let facts = product.facts.iter_mut().map(|fact| &mut fact.text);
        let alts = product.pictures.iter_mut().map(|picture| &mut picture.alt);
        let names = [&mut brand.name, &mut product.name, &mut product.category, &mut audience.description];
        let words = brand.banned_words.iter_mut().chain(&mut brand.tone_examples);
        let wishes = must_say.iter_mut().chain(must_not_say);
        let spoken = product.short_name.iter_mut().chain(&mut product.noun_phrase);
        let offered = offer.iter_mut().flat_map(|offer| offer.covers.iter_mut().chain(&mut offer.redeem));
        let given = facts.chain(alts).chain(names).chain(words);
        for text in given.chain(disclaimer).chain(wishes).chain(spoken).chain(offered) {
            *text = composed(text);
        }
    }

    fn validate_product(&self) -> Result<(), Problem> {
        check_words("product.name", &self.product.name, 1, 40)?;
        if let Some(name) = &self.product.short_name {
            check_words("product.short_name", name, 1, 20)?;
        }
        if let Some(phrase) = &self.product.noun_phrase {
            check_words("product.type", phrase, 2, 40)?;
        }
        check_words("product.category", &self.product.category, 1, 30)?;
        check_facts("product.facts", &self.product.facts, 1)?;
        if !self.product.facts.iter().any(|fact| fact.kind.needs_evidence()) {
            return Err(value(
                "product.facts",
                "must hold at least one fact that says something about the product",
            ));
        }
        check_count("product.pictures", self.product.pictures.len(), 1, 12)?;
        for (idx, picture) in self.product.pictures.iter().enumerate() {
            let path = format!("product.pictures[{idx}]");
            check_picture_name(&format!("{path}.file"), &picture.file)?;
            check_text(&format!("{path}.alt"), &picture.alt, 1, 120)?;
            if let Some(licence) = &picture.licence {
                check_text(&format!("{path}.licence"), licence, 1, 120)?;
            }
        }
        Ok(())
    }

    fn validate_destination(&self) -> Result<(), Problem> {
        let (text, url) = (self.destination_url.as_str(), self.destination_url.url());
        if url.scheme() != "https"
            || !text.get(..8).is_some_and(|begin| begin.eq_ignore_ascii_case("https://"))
        {
            return Err(value("destination_url", "must begin with `https://`"));
        }
        if let Some(space) = text.chars().find(|c| c.is_whitespace()) {
            let message = format!(
                "holds a space or line break (U+{:04X}); write a space of the address as `%20`",
                u32::from(space)
            );
            return Err(value("destination_url", &message));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(value("destination_url", "must not hold a user name or password"));
        }
        let public = |name: &str| {
            let name = name.trim_end_matches('.');
            name.contains('.') && !PRIVATE_ENDINGS.iter().any(|ending| name.ends_with(ending))
        };
        if !matches!(url.host(), Some(url::Host::Domain(name)) if public(name)) {
            return Err(value(
                "destination_url",
                "must name a public host such as `example.com`, not an address",
            ));
        }
        check_text("destination_url", text, 1, MAX_DESTINATION)
    }

    fn validate_banned_words(&self) -> Result<(), Problem> {
        let mut texts = vec![
            ("brand.name".to_owned(), self.brand.name.as_str()),
            ("product.name".to_owned(), self.product.name.as_str()),
            ("product.category".to_owned(), self.product.category.as_str()),
        ];
        for (idx, fact) in self.product.facts.iter().enumerate() {
            texts.push((format!("product.facts[{idx}].text"), fact.text.as_str()));
        }
        texts.push(("call_to_action".to_owned(), self.call_to_action.label(self.locale)));
        texts.extend(self.disclaimer.iter().map(|text| ("disclaimer".to_owned(), text.as_str())));
        for (path, text) in texts {
            // Small print may deny what the ad must not claim.
            let allowed = |word: &str| path == "disclaimer" && is_denied(text, word);
            let word = self.brand.banned_words.iter().find(|word| holds_term(text, word) && !allowed(word));
            if let Some(word) = word {
                return Err(value(&path, &format!("holds `{word}`, which `brand.banned_words` forbids")));
            }
        }
        Ok(())
    }
}
