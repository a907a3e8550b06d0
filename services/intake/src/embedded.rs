//! Products in the JSON that scripts carry: Shopify's, `__NEXT_DATA__`, `window.__INITIAL_STATE__` and their
//! like. It is read as data; no script is run.

use serde_json::{Map, Value};
use spotwright_schemas::{Locale, Micros};

use crate::dom::Page;
use crate::json::{Inside, assigned, lenient, objects, text_of};
use crate::prices::{Price, of_data};

const NAMES: &[&str] = &[
    "title",
    "name",
    "productName",
    "product_name",
    "itemName",
    "itemTitle",
    "skuName",
    "goodsName",
    "goods_name",
    "productTitle",
    "subject",
    "wareName",
    "displayName",
];

const PRICES: &[&str] = &[
    "minGroupPrice",
    "min_price",
    "pricing",
    "salePrice",
    "sale_price",
    "promotionPrice",
    "promoPrice",
    "finalPrice",
    "final_price",
    "currentPrice",
    "current_price",
    "discountPrice",
    "specialPrice",
    "special_price",
    "couponPrice",
    "activityPrice",
    "groupPrice",
    "sellPrice",
    "price",
    "priceText",
    "skuPrice",
    "jdPrice",
    "minPrice",
    "price_min",
    "amount",
    "priceAmount",
    "shopPrice",
    "priceNow",
    "formattedPrice",
    "sellingPrice",
];

const BEFORES: &[&str] = &[
    "wasAmount",
    "origin_price",
    "originalAmount",
    "compare_at_price",
    "compareAtPrice",
    "originalPrice",
    "original_price",
    "origPrice",
    "marketPrice",
    "market_price",
    "listPrice",
    "list_price",
    "oldPrice",
    "old_price",
    "linePrice",
    "regularPrice",
    "regular_price",
    "msrp",
    "wasPrice",
    "was_price",
    "strikePrice",
    "reservePrice",
    "basePrice",
    "tagPrice",
    "originPrice",
];

const CURRENCIES: &[&str] =
    &["currency", "priceCurrency", "currencyCode", "currency_code", "currencyIsoCode", "currencySymbol"];

const PICTURES: &[&str] = &[
    "imgs",
    "topGallery",
    "screenshots",
    "full",
    "large",
    "img",
    "images",
    "image",
    "media",
    "imageUrl",
    "imageList",
    "pics",
    "pictures",
    "mainImage",
    "featured_image",
    "imageUrls",
    "gallery",
    "src",
    "photos",
    "mainPic",
    "images_url",
];

/// Keys whose objects are about other products.
const OTHERS: &[&str] = &[
    "guess",
    "setting",
    "currencyrates",
    "recommend",
    "related",
    "similar",
    "cart",
    "upsell",
    "navigation",
    "menu",
    "footer",
    "reviews",
    "breadcrumb",
    "suggest",
    "alsobought",
    "alsolike",
    "crosssell",
    "collections",
    "shopinfo",
    "seller",
    "i18n",
];

/// A product that a script carries.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Carried {
    pub(crate) name: Option<String>,
    pub(crate) brand: Option<String>,
    pub(crate) kind: Option<String>,
    pub(crate) description: Option<String>,
    /// What its promotion says.
    pub(crate) offers: Vec<String>,
    pub(crate) price: Option<Price>,
    pub(crate) price_before: Option<Price>,
    pub(crate) in_stock: Option<bool>,
    pub(crate) pictures: Vec<String>,
    /// How much speaks for its being the product of the page.
    weight: i32,
}

/// The product of the page that its scripts carry.
pub(crate) fn product(page: &Page, title: Option<&str>, locale: Locale) -> Option<Carried> {
    let mut best: Option<Carried> = None;
    let mut before = None;
    for id in page.named("script") {
        let kind = page.attribute(id, "type").unwrap_or_default().to_ascii_lowercase();
        if kind.contains("ld+json") {
            continue;
        }
        let text = page.raw_text(id);
        let values = values_of(&kind, &text);
        for value in values {
            if before.is_none() {
                before = before_in(&value, locale);
            }
            if let Some(found) = in_value(&value, title, locale) {
                if best.as_ref().is_none_or(|best| found.weight > best.weight) {
                    best = Some(found);
                }
            }
        }
    }
    if let Some(best) = best.as_mut() {
        best.price_before = best.price_before.take().or(before);
    }
    best
}

/// The price before in an object that holds prices alone: `{"op": "198.00", "p": "158.00"}`.
fn before_in(value: &Value, locale: Locale) -> Option<Price> {
    let own = value.as_object().and_then(nested)?;
    let now = price_in(own, &["p"], false, locale)?;
    price_in(own, &["op"], false, locale).filter(|before| before.amount > now.amount)
}

/// The values of a script: the whole of it where it is JSON, as some shops write it in escapes of addresses.
fn values_of(kind: &str, text: &str) -> Vec<Value> {
    let trimmed = text.trim();
    if trimmed.starts_with("%7B") || trimmed.starts_with("%5B") {
        let bytes: Vec<u8> =
            url::form_urlencoded::parse(format!("v={}", trimmed.replace('+', "%2B")).as_bytes())
                .flat_map(|(_, value)| value.into_owned().into_bytes())
                .collect();
        return std::str::from_utf8(&bytes).ok().and_then(lenient).into_iter().collect();
    }
    if kind.contains("json") || trimmed.starts_with(['{', '[']) {
        if let Some(value) = lenient(trimmed) {
            return vec![value];
        }
    }
    assigned(text)
}

fn in_value(value: &Value, title: Option<&str>, locale: Locale) -> Option<Carried> {
    let skip = |key: &str| {
        let key: String = key.chars().filter(|c| c.is_alphanumeric()).collect::<String>().to_lowercase();
        OTHERS.iter().any(|other| key.contains(other))
    };
    let inside = objects(value, &skip);
    let mut best: Option<Carried> = None;
    for own in inside.iter().take(20_000) {
        let Some(found) = carried(own, title, locale) else { continue };
        if best.as_ref().is_none_or(|best| found.weight > best.weight) {
            best = Some(found);
        }
    }
    // Some shops keep names, prices and pictures in objects of their own.
    let mut best = best?;
    let is_loose = best.price.is_none();
    for own in inside.iter().take(5_000) {
        let is_minor = own.object.contains_key("compare_at_price");
        if best.price.is_none() {
            best.price = price_in(own.object, PRICES, is_minor, locale);
        }
        if is_loose && best.price_before.is_none() {
            best.price_before = price_in(own.object, BEFORES, is_minor, locale);
        }
        if best.pictures.is_empty() {
            pictures_in(own.object, &mut best.pictures);
        }
    }
    Some(best)
}

/// The lines of its description.
fn lines_in(object: &Map<String, Value>) -> Option<String> {
    let keys = [
        "description",
        "descriptionHtml",
        "body_html",
        "desc",
        "detail",
        "intro",
        "subtitle",
        "subTitle",
        "sellPoint",
        "features",
    ];
    let mut lines = Vec::new();
    for value in keys.iter().filter_map(|key| object.get(*key)) {
        match value {
            Value::String(text) => lines.push(crate::structured::unescaped(text)),
            Value::Array(list) => {
                lines
                    .extend(list.iter().take(40).filter_map(Value::as_str).map(crate::structured::unescaped));
            }
            _ => {}
        }
    }
    Some(lines.join("\n")).filter(|text| !text.trim().is_empty())
}

/// The texts of its promotion.
fn offers_in(object: &Map<String, Value>) -> Vec<String> {
    let keys = ["promo", "promotion", "promotions", "activity", "coupon", "campaign", "promotionText"];
    let mut found = Vec::new();
    for value in keys.iter().filter_map(|key| object.get(*key)) {
        let list: Vec<&Value> = match value {
            Value::Array(list) => list.iter().take(10).collect(),
            other => vec![other],
        };
        for value in list {
            let texts = ["label", "title", "desc", "text", "name"]
                .iter()
                .filter_map(|key| value.get(*key))
                .filter_map(Value::as_str);
            let own =
                value.as_str().map(str::to_owned).unwrap_or_else(|| texts.collect::<Vec<_>>().join("，"));
            if !own.is_empty() {
                found.push(own);
            }
        }
    }
    found
}

fn text_in(object: &Map<String, Value>, keys: &[&str]) -> Option<String> {
    keys.iter().find_map(|key| object.get(*key).and_then(text_of))
}

fn carried(inside: &Inside<'_>, title: Option<&str>, locale: Locale) -> Option<Carried> {
    let object = inside.object;
    let name = text_in(object, NAMES).filter(|name| (2..=200).contains(&name.chars().count()))?;
    let path = inside.path.join(".").to_lowercase();
    let path_speaks =
        ["product", "item", "goods", "detail", "sku", "ware"].iter().any(|word| path.contains(word));
    let is_title = title.is_some_and(|title| title.contains(&name) || name.contains(title));
    // Shopify's theme JSON counts in hundredths, its keys tell it from others.
    let is_minor = object.contains_key("compare_at_price") || object.contains_key("variants");
    let variant = object
        .get("variants")
        .or_else(|| object.get("skus"))
        .and_then(Value::as_array)
        .and_then(|own| own.first());
    let variant = variant.and_then(Value::as_object);
    let price = price_in(object, PRICES, is_minor, locale)
        .or_else(|| variant.and_then(|own| price_in(own, PRICES, is_minor, locale)));
    let before = price_in(object, BEFORES, is_minor, locale)
        .or_else(|| variant.and_then(|own| price_in(own, BEFORES, is_minor, locale)))
        .or_else(|| nested(object).and_then(|own| price_in(own, BEFORES, is_minor, locale)));
    if !(is_title || path_speaks || price.is_some()) {
        return None;
    }
    let currency = text_in(object, CURRENCIES).and_then(|code| crate::prices::currency_code(&code));
    let with_currency =
        |price: Price| Price { currency: price.currency.or_else(|| currency.clone()), ..price };
    let price = price.map(with_currency);
    let price_before =
        before.map(with_currency).filter(|own| price.as_ref().is_none_or(|now| own.amount > now.amount));
    let mut pictures = Vec::new();
    pictures_in(object, &mut pictures);
    let stock = ["available", "inStock", "in_stock", "isInStock"]
        .iter()
        .find_map(|key| object.get(*key))
        .and_then(Value::as_bool);
    let quantity =
        ["stock", "quantity", "inventory"].iter().find_map(|key| object.get(*key)).and_then(Value::as_i64);
    let weight = i32::from(price.is_some()) * 4
        + i32::from(is_title) * 4
        + i32::from(path_speaks) * 2
        + i32::from(!pictures.is_empty())
        + i32::from(price_before.is_some());
    Some(Carried {
        name: Some(name),
        brand: text_in(object, &["vendor", "brand", "brandName", "shopName"])
            .filter(|own| own.chars().any(char::is_alphabetic)),
        kind: text_in(object, &["product_type", "type", "category", "categoryName"])
            .filter(|kind| kind.chars().count() <= 30 && kind.chars().any(char::is_alphabetic)),
        description: lines_in(object),
        offers: offers_in(object),
        price,
        price_before,
        in_stock: stock.or_else(|| quantity.map(|left| left > 0)),
        pictures,
        weight,
    })
}

/// The object that holds the prices of a product.
fn nested(object: &Map<String, Value>) -> Option<&Map<String, Value>> {
    ["pricing", "price", "prices"].iter().find_map(|key| object.get(*key)).and_then(Value::as_object)
}

/// The first price under one of the keys, directly or one object below.
fn price_in(object: &Map<String, Value>, keys: &[&str], is_minor: bool, locale: Locale) -> Option<Price> {
    let currency = text_in(object, CURRENCIES);
    let read = |value: &Value, key: &str| -> Option<Price> {
        match value {
            Value::Number(number) => {
                let unit = object.get("unit").and_then(Value::as_str).unwrap_or_default();
                let in_hundredths = matches!(unit, "分" | "cent" | "cents" | "fen")
                    || is_minor && number.is_i64()
                    || key.ends_with("Cent")
                    || key.ends_with("Cents");
                let text = number.to_string();
                let price = of_data(&text, currency.as_deref(), locale)?;
                Some(if in_hundredths {
                    Price { amount: Micros(price.amount.0 / 100), ..price }
                } else {
                    price
                })
            }
            Value::String(text) => of_data(text, currency.as_deref(), locale),
            Value::Object(inner) => of_object(inner, currency.as_deref(), locale, 0),
            _ => None,
        }
    };
    let is_price = |price: &Price| price.amount.0 >= 0;
    keys.iter().find_map(|key| object.get(*key).and_then(|value| read(value, key))).filter(is_price)
}

/// An amount that is an object: `{centAmount: 12900, currencyCode: "USD"}`, `{amount: {…}}`, `{value: "59"}`.
fn of_object(
    object: &Map<String, Value>,
    currency: Option<&str>,
    locale: Locale,
    depth: usize,
) -> Option<Price> {
    if depth > 3 {
        return None;
    }
    // An amount in `分` is one of renminbi.
    let own = text_in(object, CURRENCIES).or_else(|| currency.map(str::to_owned));
    let unit = object.get("unit").and_then(Value::as_str).unwrap_or_default();
    let hundredth = |price: Price| Price { amount: Micros(price.amount.0 / 100), ..price };
    if let Some(cents) = object.get("centAmount").and_then(text_of) {
        return of_data(&cents, own.as_deref(), locale).map(hundredth);
    }
    let keys = [
        "amount",
        "value",
        "price",
        "priceText",
        "current",
        "now",
        "text",
        "formatted",
        "min_price",
        "min",
        "p",
    ];
    let value = keys.iter().find_map(|key| object.get(*key))?;
    if let Value::Object(inner) = value {
        return of_object(inner, own.as_deref(), locale, depth + 1);
    }
    let price = of_data(&text_of(value)?, own.as_deref(), locale)?;
    let in_fen = unit == "分" && price.currency.is_none();
    let price = if in_fen { Price { currency: Some("CNY".to_owned()), ..price } } else { price };
    Some(if matches!(unit, "分" | "cent" | "cents" | "fen") { hundredth(price) } else { price })
}

fn pictures_in(object: &Map<String, Value>, into: &mut Vec<String>) {
    let is_picture = |text: &str| {
        let path = text.split(['?', '#']).next().unwrap_or_default().to_ascii_lowercase();
        let ends = [".jpg", ".jpeg", ".png", ".webp", ".avif"].iter().any(|end| path.ends_with(end));
        text.len() < 2_000 && (ends || (text.starts_with("http") && path.contains("image")))
    };
    for key in PICTURES.iter().copied() {
        let list: Vec<&Value> = match object.get(key) {
            Some(Value::Array(list)) => list.iter().take(40).collect(),
            Some(value) => vec![value],
            None => continue,
        };
        for value in list {
            let text = match value {
                Value::String(text) => Some(text.as_str()),
                Value::Object(inner) => ["src", "url", "originalSrc", "imageUrl", "large"]
                    .iter()
                    .find_map(|key| inner.get(*key))
                    .and_then(Value::as_str),
                _ => None,
            };
            into.extend(text.filter(|text| is_picture(text)).map(str::to_owned));
        }
        if !into.is_empty() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(html: &str) -> Carried {
        product(&Page::parse(html).unwrap(), None, Locale::ZhCn).unwrap()
    }

    #[test]
    fn shopify_counts_in_hundredths() {
        let html = r#"<script type="application/json">{"id":1,"title":"Bottle","vendor":"Northlight","price":3999,
            "compare_at_price":5999,"available":true,"images":["//cdn.example/a.jpg"],"variants":[{"price":3999}]}</script>"#;
        let own = found(html);
        assert_eq!(own.price.unwrap().amount, Micros(39_990_000));
        assert_eq!(own.price_before.unwrap().amount, Micros(59_990_000));
        assert_eq!((own.brand.as_deref(), own.pictures.len()), (Some("Northlight"), 1));
    }

    #[test]
    fn the_state_of_a_script_only_page_is_read() {
        let html = "<script>window.__INITIAL_STATE__ = {item:{title:'明前龙井',images:['//img.example/1.jpg']},\
            price:{priceText:'¥59.00',originalPrice:'¥98.00'},recommend:{items:[{title:'别的茶',price:'1'}]}};</script>";
        let own = found(html);
        assert_eq!(own.name.as_deref(), Some("明前龙井"));
        assert_eq!(own.price.unwrap().amount, Micros(59_000_000));
        assert_eq!(own.price_before.unwrap().amount, Micros(98_000_000));
        assert_eq!(own.pictures, ["//img.example/1.jpg"]);
    }
}
