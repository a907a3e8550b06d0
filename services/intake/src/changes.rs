//! What changed between two versions of a feed, and which advertisements say what is no longer true.

use std::collections::BTreeMap;

use serde::Serialize;
pub use spotwright_core::domain::withdrawal::Change;
use spotwright_core::domain::withdrawal::{self, MAX_CHANGES, MAX_TEXT, Untrue, against_offer, states};
use spotwright_schemas::Locale;
use spotwright_schemas::brief::Brief;

use crate::feed::{CUT_OFF, Feed, Item, NO_AMOUNT};

/// What changed of one product.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ProductChange {
    /// Its id in the feed.
    pub id: String,
    /// Its name.
    pub title: String,
    /// Its page in the old feed, by which a brief names it.
    pub link: Option<String>,
    /// Where a feed says so, e.g. `feed.csv, line 7`.
    pub source: String,
    /// The changes.
    pub changes: Vec<Change>,
}

/// What an advertisement says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct VariantText {
    /// Id of the variant.
    pub variant: String,
    /// Id, name or page of the product that it sells; every changed product is meant without it.
    pub product: Option<String>,
    /// Everything that is shown or spoken.
    pub lines: Vec<String>,
}

/// An advertisement that has to be withdrawn.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Withdrawal {
    /// Id of the variant.
    pub variant: String,
    /// Id of the product.
    pub product: String,
    /// The line that says what is no longer true; empty where the product is gone and every line is about it.
    pub line: String,
    /// What changed.
    pub reason: Change,
}

/// Compares two versions of a feed. Products that are new, and stock that came back, make nothing untrue.
#[must_use]
pub fn changes(old: &Feed, new: &Feed) -> Vec<ProductChange> {
    let now: BTreeMap<&str, &Item> = new.items.iter().map(|item| (item.id.as_str(), item)).collect();
    let mut found = Vec::new();
    for item in &old.items {
        let later = now.get(item.id.as_str());
        let mut changes = match later {
            Some(later) => of_item(item, later),
            None if may_be_left_out(new, &item.id) => Vec::new(),
            None => vec![Change::Removed],
        };
        if new.unread.iter().any(|own| own.id == item.id && own.reason == NO_AMOUNT) {
            // What cannot be read is no change: somebody has to look at it, and the caller tells.
            changes.retain(|own| {
                !matches!(own, Change::Price { new: None, .. } | Change::PriceBefore { new: None, .. })
            });
        }
        if !changes.is_empty() {
            found.push(ProductChange {
                id: item.id.clone(),
                title: item.title.clone(),
                link: item.link.clone(),
                // What is gone is told by the place that it had.
                source: later.map_or(item, |later| *later).place.clone(),
                changes,
            });
        }
    }
    found
}

/// Whether a product that is not there may be in a row that was left out.
fn may_be_left_out(feed: &Feed, id: &str) -> bool {
    feed.refused.iter().any(|own| own.id == id || own.reason == CUT_OFF)
}

fn of_item(old: &Item, new: &Item) -> Vec<Change> {
    let mut changes = Vec::new();
    if let Some(price) = old.price.clone().filter(|price| new.price.as_ref() != Some(price)) {
        changes.push(Change::Price { old: price, new: new.price.clone() });
    }
    if let Some(price) = old.price_before.clone().filter(|price| new.price_before.as_ref() != Some(price)) {
        changes.push(Change::PriceBefore { old: price, new: new.price_before.clone() });
    }
    if let Some(ends) = old.ends.clone().filter(|ends| new.ends.as_ref() != Some(ends)) {
        changes.push(Change::Ends { old: ends, new: new.ends.clone() });
    }
    if new.in_stock == Some(false) && old.in_stock != Some(false) {
        changes.push(Change::SoldOut);
    }
    changes
}

/// The variants that say what the changes made untrue, each with the line that says it; one entry for each
/// variant and change.
#[must_use]
pub fn variants_to_withdraw(
    changed: &[ProductChange],
    variants: &[VariantText],
    locale: Locale,
) -> Vec<Withdrawal> {
    let mut found = Vec::new();
    for variant in variants {
        for product in changed.iter().filter(|product| sells(variant, product)) {
            for change in &product.changes {
                if let Some(line) = untrue_line(variant, change, locale) {
                    found.push(Withdrawal {
                        variant: variant.variant.clone(),
                        product: product.id.clone(),
                        line,
                        reason: change.clone(),
                    });
                }
            }
        }
    }
    found
}

fn sells(variant: &VariantText, product: &ProductChange) -> bool {
    let Some(named) = variant.product.as_deref() else { return true };
    named == product.id || named == product.title || product.link.as_deref() == Some(named)
}

fn untrue_line(variant: &VariantText, change: &Change, locale: Locale) -> Option<String> {
    match change {
        Change::SoldOut | Change::Removed => Some(String::new()),
        _ => variant.lines.iter().find(|line| states(line, change, locale)).cloned(),
    }
}

/// What the feed, as it is now, makes untrue of a brief that sells one of its products: by the product's id where
/// `item` names it, by its page or its name else. `None` where the feed does not hold the product.
///
/// Without an earlier version only the brief's key offer can be compared, and the stock.
#[must_use]
pub fn against_brief(brief: &Brief, feed: &Feed, item: Option<&str>) -> Option<ProductChange> {
    let found = feed.items.iter().find(|own| match item {
        Some(id) => own.id == id,
        None => withdrawal::sells(brief, &own.title, own.link.as_deref()),
    })?;
    let offer = brief.offer.as_ref().map(|offer| {
        let (price, before) = (found.price.as_ref(), found.price_before.as_ref());
        against_offer(offer, price, before, found.ends.as_deref())
    });
    let mut changes = offer.unwrap_or_default();
    if found.in_stock == Some(false) {
        changes.push(Change::SoldOut);
    }
    Some(ProductChange {
        id: found.id.clone(),
        title: found.title.clone(),
        link: found.link.clone(),
        source: found.place.clone(),
        changes,
    })
}

impl ProductChange {
    /// Whether a brief sells the product.
    #[must_use]
    pub fn is_sold_by(&self, brief: &Brief) -> bool {
        withdrawal::sells(brief, &self.title, self.link.as_deref())
    }

    /// What a run is told of it.
    #[must_use]
    pub fn untrue(&self) -> Untrue {
        let shown =
            |text: &str| -> String { text.chars().filter(|c| !c.is_control()).take(MAX_TEXT).collect() };
        Untrue {
            product: shown(&self.id),
            title: shown(&self.title),
            source: shown(&self.source),
            changes: self.changes.iter().take(MAX_CHANGES).cloned().collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Source;

    fn feed(text: &str) -> Feed {
        Feed::read(&Source::named("feed.csv", text.as_bytes())).unwrap()
    }

    fn variant(id: &str, product: Option<&str>, lines: &[&str]) -> VariantText {
        let lines = lines.iter().map(|line| (*line).to_owned()).collect();
        VariantText { variant: id.to_owned(), product: product.map(str::to_owned), lines }
    }

    #[test]
    fn a_changed_price_withdraws_who_says_the_old_one() {
        let old = feed("id,title,price,sale_price\nB1,Bottle,59.99 USD,39.99 USD\nM1,Mug,18 USD,\n");
        let new = feed("id,title,price,sale_price\nB1,Bottle,59.99 USD,44.99 USD\nM1,Mug,18 USD,\n");
        let changed = changes(&old, &new);
        assert_eq!(changed.len(), 1);
        let variants = [
            variant("a", Some("B1"), &["Cold for 24 hours", "Now $39.99"]),
            variant("b", Some("B1"), &["Was $59.99", "Cold for 24 hours"]),
            variant("c", Some("M1"), &["Now $39.99"]),
        ];
        let withdrawn = variants_to_withdraw(&changed, &variants, Locale::EnUs);
        let shown: Vec<(&str, &str)> =
            withdrawn.iter().map(|own| (own.variant.as_str(), own.line.as_str())).collect();
        assert_eq!(shown, [("a", "Now $39.99")]);
    }

    #[test]
    fn empty_stock_and_removal_withdraw_every_variant_of_the_product() {
        let old = feed("商品ID,商品名称,价格,库存\n1,龙井,¥228,5\n2,毛尖,¥98,5\n3,普洱,¥68,5\n");
        let new = feed("商品ID,商品名称,价格,库存\n1,龙井,¥228,0\n3,普洱,¥68,9\n");
        let changed = changes(&old, &new);
        let variants = [
            variant("a", Some("1"), &["一杯春天"]),
            variant("b", Some("2"), &["好茶"]),
            variant("c", Some("3"), &["68元"]),
        ];
        let withdrawn = variants_to_withdraw(&changed, &variants, Locale::ZhCn);
        let reasons: Vec<(&str, &Change)> =
            withdrawn.iter().map(|own| (own.variant.as_str(), &own.reason)).collect();
        assert_eq!(reasons, [("a", &Change::SoldOut), ("b", &Change::Removed)]);
    }

    #[test]
    fn what_cannot_be_read_is_told_by_row_and_column_and_changes_nothing() {
        let old = feed("id,title,price,availability\nB1,Bottle,59.99 USD,in_stock\nM1,Mug,18 USD,in_stock\n");
        let new = feed("id,title,price,availability\nB1,Bottle,call us,maybe\nM1,Mug\n");
        assert!(changes(&old, &new).is_empty());
        let told: Vec<(&str, Option<&str>)> =
            new.unread.iter().map(|own| (own.place.as_str(), own.column.as_deref())).collect();
        assert_eq!(told, [("feed.csv, line 2", Some("price")), ("feed.csv, line 2", Some("availability"))]);
        let refused: Vec<&str> = new.refused.iter().map(|own| own.place.as_str()).collect();
        assert_eq!(refused.len(), 1);
        assert!(refused[0].contains("line 3"), "{refused:?}");
    }

    #[test]
    fn the_same_feed_changes_nothing() {
        let old = feed("id,title,price,availability\nB1,Bottle,59.99 USD,in_stock\n");
        assert!(changes(&old, &old).is_empty());
    }

    #[test]
    fn a_feed_without_a_version_before_is_held_against_the_brief() {
        let yaml = include_bytes!("../../../examples/bench/bakery-en/brief.yaml");
        let brief = Brief::from_yaml(yaml).unwrap();
        let offer = brief.offer.clone().unwrap();
        let link = brief.destination_url.as_str();
        let text = format!(
            "id,title,price,availability,link\n9,Other,1.00 USD,in_stock,https://other.example/\n7,A title,{} {},out_of_stock,{link}\n",
            "1.11",
            offer.currency.code()
        );
        let found = against_brief(&brief, &feed(&text), None).unwrap();
        assert_eq!((found.id.as_str(), found.source.as_str()), ("7", "feed.csv, line 3"));
        assert!(matches!(&found.changes[0], Change::Price { old, .. } if old.amount == offer.price_now));
        assert_eq!(found.changes.last(), Some(&Change::SoldOut));
        assert!(found.untrue().check().is_ok());
        assert!(against_brief(&brief, &feed("id,title,price\n9,Other,1 USD\n"), None).is_none());
        assert!(against_brief(&brief, &feed("id,title,price\n9,Other,1 USD\n"), Some("9")).is_some());
    }
}
