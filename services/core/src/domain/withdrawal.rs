//! Withdrawals: what a product feed has made untrue, and the advertisements that still say it.
//!
//! A feed says what a product costs, what it cost before, until when, and whether it can be bought. Where one of
//! these changes, a script that states the old value misleads. [`untrue_line`] finds the line; the workflow puts
//! the variant into [`VariantState::Withdrawn`](super::variant::VariantState::Withdrawn) with a [`Withdrawal`].

use serde::{Deserialize, Serialize};
use spotwright_schemas::brief::{Brief, Fact, KeyOffer};
use spotwright_schemas::error::Code;
use spotwright_schemas::script::Script;
use spotwright_schemas::storyboard::{OverlayContent, Storyboard};
use spotwright_schemas::{Locale, Micros, Problem};
use url::Url;

use crate::domain::copy_rules::quantity::{self, Value};

/// Most changes of one product that are told together: one of each kind.
pub const MAX_CHANGES: usize = 5;

/// Longest name, id or place of a product, in characters.
pub const MAX_TEXT: usize = 200;

/// An amount of money.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Price {
    /// Millionths of one unit.
    pub amount: Micros,
    /// ISO 4217 code; `None` where nothing says which.
    pub currency: Option<String>,
}

/// One thing that changed about a product.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "what", deny_unknown_fields)]
pub enum Change {
    /// The price to pay.
    Price {
        /// As it was.
        old: Price,
        /// As it is; `None` where the feed gives none any more.
        new: Option<Price>,
    },
    /// The price before, which an advertisement may compare with.
    PriceBefore {
        /// As it was.
        old: Price,
        /// As it is; `None` where the product is no longer reduced.
        new: Option<Price>,
    },
    /// The last day of the reduced price.
    Ends {
        /// As it was, as a calendar date.
        old: String,
        /// As it is.
        new: Option<String>,
    },
    /// It cannot be bought any more.
    SoldOut,
    /// It is not in the feed any more.
    Removed,
}

impl Change {
    /// Whether the change makes what `other` had made untrue true again.
    fn restores(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Price { new, .. }, Self::Price { old, .. })
            | (Self::PriceBefore { new, .. }, Self::PriceBefore { old, .. }) => new.as_ref() == Some(old),
            (Self::Ends { new, .. }, Self::Ends { old, .. }) => new.as_ref() == Some(old),
            _ => false,
        }
    }
}

/// A product of which something is no longer true.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Untrue {
    /// Its id in the feed.
    pub product: String,
    /// Its name in the feed.
    pub title: String,
    /// Where the feed says so, e.g. `feed.csv, line 7`.
    pub source: String,
    /// What changed, 1 to [`MAX_CHANGES`].
    pub changes: Vec<Change>,
}

impl Untrue {
    /// Checks the bounds that a teller must keep.
    ///
    /// # Errors
    /// [`Code::RequestValue`] with the field.
    pub fn check(&self) -> Result<(), Problem> {
        let refused = |field: &str, message: String| Err(Problem::new(Code::RequestValue, field, message));
        let texts = [
            ("signal.untrue.product", &self.product),
            ("signal.untrue.title", &self.title),
            ("signal.untrue.source", &self.source),
        ];
        for (field, text) in texts {
            let count = text.chars().count();
            let is_empty = count == 0 && field != "signal.untrue.title";
            if is_empty || count > MAX_TEXT || text.chars().any(char::is_control) {
                return refused(field, format!("needs 1 to {MAX_TEXT} characters that can be shown"));
            }
        }
        if !(1..=MAX_CHANGES).contains(&self.changes.len()) {
            return refused("signal.untrue.changes", format!("needs 1 to {MAX_CHANGES} changes"));
        }
        Ok(())
    }

    /// Takes what this product's newest changes have made true again out of what was untrue before.
    pub fn settle(&self, earlier: &mut Vec<Self>) {
        for other in earlier.iter_mut().filter(|other| other.product == self.product) {
            other.changes.retain(|change| !self.changes.iter().any(|own| own.restores(change)));
        }
        earlier.retain(|other| !other.changes.is_empty());
    }
}

/// Why a variant was withdrawn.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Withdrawal {
    /// Id of the product in the feed.
    pub product: String,
    /// Its name in the feed.
    pub title: String,
    /// Where the feed says so, e.g. `feed.csv, line 7`.
    pub source: String,
    /// What changed, with the old value and the new one.
    pub change: Change,
    /// What the variant says that is no longer true; empty where the product is gone, and with it all of it.
    pub line: String,
    /// Who told: `person`, `key:<id>` or `system`.
    pub by: String,
}

/// The first thing that a variant says and that is no longer true.
///
/// Read are the lines of the script, what is spoken, the text beside the video, everything that the storyboard
/// shows, and the facts that a line rests on.
#[must_use]
pub fn withdrawal(
    untrue: &Untrue,
    script: &Script,
    storyboard: &Storyboard,
    facts: &[Fact],
    by: &str,
) -> Option<Withdrawal> {
    untrue.changes.iter().find_map(|change| {
        let line = untrue_line(change, script, Some(storyboard), facts)?;
        Some(Withdrawal {
            product: untrue.product.clone(),
            title: untrue.title.clone(),
            source: untrue.source.clone(),
            change: change.clone(),
            line,
            by: by.to_owned(),
        })
    })
}

/// The text that `change` makes untrue; empty where the product is gone and every line is about it.
#[must_use]
pub fn untrue_line(
    change: &Change,
    script: &Script,
    storyboard: Option<&Storyboard>,
    facts: &[Fact],
) -> Option<String> {
    if matches!(change, Change::SoldOut | Change::Removed) {
        return Some(String::new());
    }
    let says = |text: &str| states(text, change, script.locale);
    for line in &script.lines {
        if let Some(text) = [&line.caption, &line.detail, &line.voice].into_iter().find(|text| says(text)) {
            return Some(text.clone());
        }
        // The words may go around the figure; what they rest on is untrue all the same.
        let rests = facts.iter().any(|fact| line.rests_on.contains(&fact.id) && says(&fact.text));
        if rests {
            return Some(line.caption.clone());
        }
    }
    let shown = storyboard.map(texts_of).unwrap_or_default();
    std::iter::once(script.primary_text.as_str()).chain(shown).find(|text| says(text)).map(str::to_owned)
}

/// Whether a text states the value that `change` has made old.
#[must_use]
pub fn states(text: &str, change: &Change, locale: Locale) -> bool {
    match change {
        Change::SoldOut | Change::Removed => true,
        Change::Price { old, .. } | Change::PriceBefore { old, .. } => states_amount(text, old, locale),
        Change::Ends { old, .. } => states_day(text, old, locale),
    }
}

/// Everything that a storyboard writes into the picture.
fn texts_of(storyboard: &Storyboard) -> Vec<&str> {
    let mut texts = Vec::new();
    for shot in &storyboard.shots {
        texts.extend([&shot.caption, &shot.detail, &shot.button, &shot.disclaimer].map(String::as_str));
        texts.extend(shot.overlays.iter().filter_map(|overlay| match &overlay.shows {
            OverlayContent::Text { text, .. } => Some(text.as_str()),
            _ => None,
        }));
    }
    texts
}

/// Whether a line states an amount of money: with its sign, or as a bare figure of the same value, since
/// captions may leave the sign to the picture.
fn states_amount(line: &str, price: &Price, locale: Locale) -> bool {
    quantity::parse(line, locale).iter().any(|found| {
        let same_currency = match (found.quantity.currency.as_ref(), price.currency.as_deref()) {
            (Some(own), Some(code)) => own.code() == code,
            (Some(_), None) => true,
            // A number with a unit counts something else.
            (None, _) => found.quantity.unit.is_none(),
        };
        let numbers = match &found.quantity.value {
            Value::Number(number) => vec![*number],
            Value::Range(low, high) => vec![*low, *high],
            Value::Pair(first, second, _) => vec![*first, *second],
            _ => Vec::new(),
        };
        same_currency && numbers.into_iter().any(|number| number.micros() == Some(price.amount.0))
    })
}

fn states_day(line: &str, day: &str, locale: Locale) -> bool {
    let Ok(wanted) = day.parse::<jiff::civil::Date>() else { return false };
    quantity::parse(line, locale).iter().any(|found| match found.quantity.value {
        Value::Date { year, month, day: Some(day) } => {
            year.is_none_or(|year| i32::from(year) == i32::from(wanted.year()))
                && month.is_none_or(|month| i32::from(month) == i32::from(wanted.month()))
                && i32::from(day) == i32::from(wanted.day())
        }
        _ => false,
    })
}

/// Whether a brief sells the product of a feed: its page is the product's, or its name is.
///
/// Pages are compared without the parameters that only count visits. Names are compared by their letters and
/// digits, with the brand in front or without.
#[must_use]
pub fn sells(brief: &Brief, title: &str, link: Option<&str>) -> bool {
    let page = link.and_then(|link| Url::parse(link).ok()).map(|url| page_of(&url));
    if page.is_some_and(|page| page == page_of(brief.destination_url.url())) {
        return true;
    }
    let (title, name, brand) = (folded(title), folded(&brief.product.name), folded(&brief.brand.name));
    !title.is_empty() && (title == name || title == format!("{brand}{name}"))
}

/// Parameters that name a visit and not a product.
const OF_VISITS: [&str; 8] = ["gclid", "fbclid", "msclkid", "ttclid", "gbraid", "wbraid", "ref", "spm"];

fn page_of(url: &Url) -> (String, String, Vec<(String, String)>) {
    let host = url.host_str().unwrap_or_default();
    let mut query: Vec<(String, String)> = url
        .query_pairs()
        .filter(|(name, _)| !name.starts_with("utm_") && !OF_VISITS.contains(&name.as_ref()))
        .map(|(name, value)| (name.into_owned(), value.into_owned()))
        .collect();
    query.sort();
    let host = host.strip_prefix("www.").unwrap_or(host).to_owned();
    (host, url.path().trim_end_matches('/').to_owned(), query)
}

fn folded(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// What a brief's key offer says and the feed's product, as it is now, does not: for a feed without a version
/// before.
#[must_use]
pub fn against_offer(
    offer: &KeyOffer,
    price: Option<&Price>,
    before: Option<&Price>,
    ends: Option<&str>,
) -> Vec<Change> {
    let own = |amount: Micros| Price { amount, currency: Some(offer.currency.code().to_owned()) };
    let differs = |old: &Price, new: &Price| {
        old.amount != new.amount
            || new.currency.as_ref().is_some_and(|code| Some(code) != old.currency.as_ref())
    };
    let mut changes = Vec::new();
    let now = own(offer.price_now);
    if let Some(new) = price.filter(|new| differs(&now, new)) {
        changes.push(Change::Price { old: now, new: Some(new.clone()) });
    }
    if let (Some(old), true) = (offer.price_before.map(own), price.is_some())
        && before.is_none_or(|new| differs(&old, new))
    {
        changes.push(Change::PriceBefore { old, new: before.cloned() });
    }
    if let (Some(old), Some(new)) = (&offer.ends, ends)
        && old != new
    {
        changes.push(Change::Ends { old: old.clone(), new: Some(new.to_owned()) });
    }
    changes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dollars(micros: i64) -> Price {
        Price { amount: Micros(micros), currency: Some("USD".to_owned()) }
    }

    #[test]
    fn a_number_that_counts_something_else_is_no_price() {
        let price = dollars(24_000_000);
        assert!(!states_amount("Cold for 24 hours", &price, Locale::EnUs));
        assert!(states_amount("Only $24", &price, Locale::EnUs));
        assert!(!states_amount("Only €24", &price, Locale::EnUs));
    }

    #[test]
    fn what_is_true_again_is_no_longer_held_against_anyone() {
        let untrue = |old, new| Untrue {
            product: "B1".to_owned(),
            title: "Bottle".to_owned(),
            source: "feed.csv, line 2".to_owned(),
            changes: vec![Change::Price { old: dollars(old), new: Some(dollars(new)) }],
        };
        let mut earlier = vec![untrue(40, 45)];
        untrue(45, 50).settle(&mut earlier);
        assert_eq!(earlier.len(), 1, "40 is still untrue");
        untrue(50, 40).settle(&mut earlier);
        assert!(earlier.is_empty());
    }

    #[test]
    fn a_signal_of_a_feed_keeps_its_bounds() {
        let good = Untrue {
            product: "B1".to_owned(),
            title: String::new(),
            source: "feed.csv, line 2".to_owned(),
            changes: vec![Change::SoldOut],
        };
        assert!(good.check().is_ok());
        let bad = [
            Untrue { product: String::new(), ..good.clone() },
            Untrue { source: "x".repeat(MAX_TEXT + 1), ..good.clone() },
            Untrue { title: "a\u{0}".to_owned(), ..good.clone() },
            Untrue { changes: Vec::new(), ..good.clone() },
            Untrue { changes: vec![Change::SoldOut; MAX_CHANGES + 1], ..good },
        ];
        for own in bad {
            assert_eq!(own.check().unwrap_err().code, Code::RequestValue, "{own:?}");
        }
    }

    #[test]
    fn pages_are_the_same_whatever_counts_the_visits() {
        let page = |text: &str| page_of(&Url::parse(text).unwrap());
        let own = page("https://www.shop.example/p/bottle/?utm_source=a&color=red");
        assert_eq!(own, page("https://shop.example/p/bottle?color=red&gclid=1"));
        assert_ne!(own, page("https://shop.example/p/bottle?color=blue"));
        assert_ne!(own, page("https://shop.example/p/mug?color=red"));
    }
}
