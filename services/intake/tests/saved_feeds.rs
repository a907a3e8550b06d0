//! Saved product feeds, each with what is true of its products and of what changed since an earlier one.

#![expect(clippy::unwrap_used, reason = "a failing helper fails the test")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use spotwright_intake::{Change, Feed, Item, Price, Source, changes, read};
use spotwright_schemas::Micros;

#[derive(Debug, Deserialize)]
struct TrueFeed {
    file: String,
    locale: String,
    products: Vec<TrueProduct>,
    #[serde(default)]
    refused: Vec<String>,
    later_than: Option<String>,
    #[serde(default)]
    changes: Vec<TrueChange>,
}

#[derive(Debug, Deserialize)]
struct TrueProduct {
    id: String,
    name: String,
    price: Option<String>,
    currency: Option<String>,
    price_before: Option<String>,
    stock: String,
    url: Option<String>,
    picture_contains: Option<String>,
    #[serde(default)]
    facts_contain: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct TrueChange {
    id: String,
    kind: String,
    from: Option<String>,
    to: Option<String>,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/feeds")
}

fn truths() -> Vec<TrueFeed> {
    let text = fs::read_to_string(folder().join("truth.yaml")).unwrap();
    serde_saphyr::from_str(&text).unwrap()
}

fn feed(name: &str) -> Feed {
    let bytes = fs::read(folder().join(name)).unwrap();
    Feed::read(&Source::named(name, &bytes)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn amount(price: Option<&Price>) -> Option<String> {
    price.map(|own| own.amount.to_decimal())
}

fn wanted(text: Option<&String>) -> Option<String> {
    text.map(String::as_str).and_then(Micros::parse_decimal).map(Micros::to_decimal)
}

fn folded(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// What is wrong with a product, and with the draft that is read for it.
fn wrong(truth: &TrueProduct, item: &Item, feed: &TrueFeed, bytes: &[u8]) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut check = |holds: bool, what: String| {
        if !holds {
            wrong.push(format!("{} {}: {what}", feed.file, truth.id));
        }
    };
    check(folded(&item.title) == folded(&truth.name), format!("name {:?}", item.title));
    check(amount(item.price.as_ref()) == wanted(truth.price.as_ref()), format!("price {:?}", item.price));
    let currency = item.price.as_ref().and_then(|own| own.currency.clone());
    check(currency == truth.currency, format!("currency {currency:?}"));
    check(
        amount(item.price_before.as_ref()) == wanted(truth.price_before.as_ref()),
        format!("price before {:?}", item.price_before),
    );
    check(item.in_stock.unwrap_or(true) == (truth.stock != "out"), format!("stock {:?}", item.in_stock));
    check(truth.url.is_none() || item.link == truth.url, format!("link {:?}", item.link));
    if let Some(part) = &truth.picture_contains {
        check(item.pictures.iter().any(|own| own.contains(part)), format!("pictures {:?}", item.pictures));
    }
    let source = Source { item: Some(&truth.id), ..Source::named(&feed.file, bytes) };
    match read(&[source], None) {
        Ok(draft) => {
            let facts: Vec<String> = draft.facts.iter().map(|own| folded(&own.evidence.sentence)).collect();
            for part in &truth.facts_contain {
                check(
                    facts.iter().any(|own| own.contains(&folded(part))),
                    format!("no fact {part:?} in {facts:?}"),
                );
            }
            check(draft.locale.tag() == feed.locale, format!("locale {}", draft.locale.tag()));
        }
        Err(problem) => check(false, problem.to_string()),
    }
    wrong
}

#[test]
fn saved_feeds_are_read_right() {
    let mut report = Vec::new();
    for truth in truths() {
        let bytes = fs::read(folder().join(&truth.file)).unwrap();
        let own = feed(&truth.file);
        let items: BTreeMap<&str, &Item> = own.items.iter().map(|item| (item.id.as_str(), item)).collect();
        for product in &truth.products {
            match items.get(product.id.as_str()) {
                Some(item) => report.extend(wrong(product, item, &truth, &bytes)),
                None => report.push(format!("{}: no product {}", truth.file, product.id)),
            }
        }
        for id in truth.refused.iter().filter(|id| items.contains_key(id.as_str())) {
            report.push(format!("{}: {id} is taken", truth.file));
        }
        for id in truth.refused.iter().filter(|_| own.refused.len() != truth.refused.len()) {
            report.push(format!("{}: {id} is left out without a reason", truth.file));
        }
    }
    let report = report.join("\n");
    println!("{report}");
    assert!(report.is_empty(), "{report}");
}

/// What is new, or in stock again, makes nothing untrue that an advertisement says.
#[test]
fn what_changed_between_saved_feeds_is_told() {
    for truth in truths() {
        let Some(earlier) = &truth.later_than else { continue };
        let found = changes(&feed(earlier), &feed(&truth.file));
        for change in &truth.changes {
            let own: Vec<&Change> =
                found.iter().filter(|own| own.id == change.id).flat_map(|own| &own.changes).collect();
            let holds = match change.kind.as_str() {
                "price" => own.iter().any(|own| match own {
                    Change::Price { old, new } => {
                        amount(Some(old)) == wanted(change.from.as_ref())
                            && amount(new.as_ref()) == wanted(change.to.as_ref())
                    }
                    _ => false,
                }),
                "out_of_stock" => own.contains(&&Change::SoldOut),
                "removed" => own.contains(&&Change::Removed),
                _ => !own.contains(&&Change::SoldOut) && !own.contains(&&Change::Removed),
            };
            assert!(holds, "{} {}: {} in {own:?}", truth.file, change.id, change.kind);
        }
    }
}
