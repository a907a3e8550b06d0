//! What changed between two versions of a feed, and which advertisements say what is no longer true.

use std::collections::BTreeMap;

use serde::Serialize;
use spotwright_core::domain::copy_rules::quantity::{self, Value};
use spotwright_schemas::Locale;

use crate::feed::{Feed, Item};
use crate::prices::Price;

/// One thing that changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "what")]
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
        /// As it was.
        old: String,
        /// As it is.
        new: Option<String>,
    },
    /// It cannot be bought any more.
    SoldOut,
    /// It is not in the feed any more.
    Removed,
}

/// What changed of one product.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ProductChange {
    /// Its id in the feed.
    pub id: String,
    /// Its name.
    pub title: String,
    /// Its page in the old feed, by which a brief names it.
    pub link: Option<String>,
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
        let changes = match now.get(item.id.as_str()) {
            Some(later) => of_item(item, later),
            None => vec![Change::Removed],
        };
        if !changes.is_empty() {
            found.push(ProductChange {
                id: item.id.clone(),
                title: item.title.clone(),
                link: item.link.clone(),
                changes,
            });
        }
    }
    found
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
        Change::Price { old, .. } | Change::PriceBefore { old, .. } => {
            variant.lines.iter().find(|line| states_amount(line, old, locale)).cloned()
        }
        Change::Ends { old, .. } => variant.lines.iter().find(|line| states_day(line, old, locale)).cloned(),
    }
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
    fn a_number_that_counts_something_else_is_no_price() {
        let price =
            Price { amount: spotwright_schemas::Micros(24_000_000), currency: Some("USD".to_owned()) };
        assert!(!states_amount("Cold for 24 hours", &price, Locale::EnUs));
        assert!(states_amount("Only $24", &price, Locale::EnUs));
        assert!(!states_amount("Only €24", &price, Locale::EnUs));
    }

    #[test]
    fn the_same_feed_changes_nothing() {
        let old = feed("id,title,price,availability\nB1,Bottle,59.99 USD,in_stock\n");
        assert!(changes(&old, &old).is_empty());
    }
}
