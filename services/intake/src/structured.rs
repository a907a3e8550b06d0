//! Products as pages mark them up for machines: schema.org as JSON-LD, microdata and RDFa.
//!
//! All three become the same JSON, which is then read in one way.

use serde_json::{Map, Value};
use spotwright_schemas::Locale;

use crate::dom::{NodeId, Page};
use crate::json::{lenient, objects, text_of};
use crate::prices::{Price, currency_code, of_data};

/// Types whose name, price and pictures are those of what is sold.
const SOLD: [&str; 30] = [
    "product",
    "productgroup",
    "individualproduct",
    "productmodel",
    "softwareapplication",
    "mobileapplication",
    "webapplication",
    "videogame",
    "game",
    "course",
    "courseinstance",
    "book",
    "audiobook",
    "movie",
    "tvseries",
    "creativeworkseries",
    "event",
    "service",
    "trip",
    "touristtrip",
    "hotel",
    "restaurant",
    "foodestablishment",
    "cafeorcoffeeshop",
    "localbusiness",
    "menuitem",
    "vehicle",
    "car",
    "offer",
    "store",
];

/// Keys whose objects are other products, or about them.
const OTHERS: [&str; 15] = [
    "isRelatedTo",
    "isSimilarTo",
    "isAccessoryOrSparePartFor",
    "review",
    "reviews",
    "itemListElement",
    "isConsumableFor",
    "breadcrumb",
    "aggregateRating",
    "potentialAction",
    "comment",
    "relatedLink",
    "hasMerchantReturnPolicy",
    "shippingDetails",
    "sponsor",
];

/// What a marked-up product says.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Marked {
    /// Lowercase type, e.g. `product`.
    pub(crate) kind: String,
    pub(crate) name: Option<String>,
    pub(crate) brand: Option<String>,
    pub(crate) category: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) price: Option<Price>,
    pub(crate) price_before: Option<Price>,
    /// The price is the lowest of several.
    pub(crate) is_from: bool,
    pub(crate) ends: Option<String>,
    pub(crate) in_stock: Option<bool>,
    pub(crate) pictures: Vec<String>,
    pub(crate) url: Option<String>,
    /// Properties such as material and capacity, as `name: value`.
    pub(crate) properties: Vec<String>,
}

/// The marked-up products of a page, the most telling types first, each with where it stood.
pub(crate) fn products(page: &Page, locale: Locale) -> Vec<(&'static str, Marked)> {
    let mut found = Vec::new();
    for id in page.named("script") {
        let kind = page.attribute(id, "type").unwrap_or_default().to_ascii_lowercase();
        if kind.contains("ld+json") {
            if let Some(value) = lenient(&page.raw_text(id)) {
                found.extend(in_value(&value, locale).into_iter().map(|marked| ("schema.org", marked)));
            }
        }
    }
    for value in scopes(page) {
        found.extend(in_value(&value, locale).into_iter().map(|marked| ("microdata", marked)));
    }
    // What is sold before the shop that sells it.
    found.sort_by_key(|(_, marked)| {
        SOLD.iter().position(|kind| *kind == marked.kind).unwrap_or(SOLD.len()) >= 19
    });
    found
}

/// Whether the data of a page is about a thing that is sold.
pub(crate) fn is_product_page(page: &Page) -> bool {
    declares(page, &|kind| SOLD.contains(&kind))
}

/// Whether the data of a page says that it is a list.
pub(crate) fn is_collection(page: &Page) -> bool {
    declares(page, &|kind| matches!(kind, "collectionpage" | "searchresultspage"))
}

/// Whether an object of the page's data, at most two below the outermost, is of a type.
fn declares(page: &Page, is_wanted: &dyn Fn(&str) -> bool) -> bool {
    let scripts = page.named("script").filter(|id| {
        page.attribute(*id, "type").is_some_and(|kind| kind.to_ascii_lowercase().contains("ld+json"))
    });
    let values = scripts.filter_map(|id| lenient(&page.raw_text(id)));
    values.chain(scopes(page)).any(|value| {
        let skip = |key: &str| OTHERS.contains(&key);
        objects(&value, &skip)
            .iter()
            .filter(|inside| inside.path.len() <= 2)
            .any(|inside| types_of(inside.object).iter().any(|kind| is_wanted(kind)))
    })
}

fn types_of(object: &Map<String, Value>) -> Vec<String> {
    let value = object.get("@type").or_else(|| object.get("type"));
    let texts: Vec<&str> = match value {
        Some(Value::String(text)) => vec![text],
        Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    texts.iter().map(|text| text.rsplit(['/', '#', ':']).next().unwrap_or(text).to_lowercase()).collect()
}

fn in_value(value: &Value, locale: Locale) -> Vec<Marked> {
    let skip = |key: &str| OTHERS.contains(&key) || key == "hasVariant" || key == "offers";
    let mut found = Vec::new();
    for inside in objects(value, &skip) {
        let types = types_of(inside.object);
        let Some(kind) = types.iter().find(|kind| SOLD.contains(&kind.as_str())) else { continue };
        // Brands, sellers and authors carry types of their own.
        let is_part = inside
            .path
            .iter()
            .any(|key| matches!(*key, "brand" | "seller" | "publisher" | "author" | "provider"));
        if !is_part {
            found.push(marked(kind, inside.object, locale));
        }
    }
    found
}

fn marked(kind: &str, object: &Map<String, Value>, locale: Locale) -> Marked {
    let text = |key: &str| object.get(key).and_then(text_of).map(|text| unescaped(&text));
    let mut marked = Marked {
        kind: kind.to_owned(),
        name: text("name").or_else(|| text("headline")),
        brand: ["brand", "manufacturer", "provider", "publisher", "author", "seller"]
            .iter()
            .find_map(|key| text(key)),
        category: text("category").or_else(|| text("applicationCategory")).or_else(|| text("servesCuisine")),
        description: text("description"),
        url: text("url").filter(|url| url.starts_with("http") || url.starts_with('/')),
        ..Marked::default()
    };
    for key in ["image", "images", "thumbnailUrl", "photo", "screenshot", "logo"] {
        if key == "logo" && !marked.pictures.is_empty() {
            continue;
        }
        pictures(object.get(key), &mut marked.pictures);
    }
    let variant = object.get("hasVariant").and_then(|variants| match variants {
        Value::Array(list) => list.first(),
        other => Some(other),
    });
    let is_offer = kind == "offer";
    let offers = if is_offer { None } else { object.get("offers") }
        .or_else(|| variant.and_then(|own| own.get("offers")));
    let offers = offers
        .cloned()
        .or_else(|| (is_offer || object.contains_key("price")).then(|| Value::Object(object.clone())));
    if let Some(offers) = offers {
        read_offers(&offers, &mut marked, locale);
    }
    if let (Some(variant), true) = (variant, marked.pictures.is_empty()) {
        pictures(variant.get("image"), &mut marked.pictures);
    }
    for key in ["material", "color", "size", "weight", "duration", "timeRequired", "numberOfEpisodes"] {
        if let Some(value) = text(key).filter(|value| value.chars().count() <= 50) {
            marked.properties.push(format!("{key}: {value}"));
        }
    }
    if let Some(Value::Array(list)) = object.get("additionalProperty") {
        for property in list.iter().take(30) {
            let (name, value) =
                (property.get("name").and_then(text_of), property.get("value").and_then(text_of));
            if let (Some(name), Some(value)) = (name, value) {
                marked.properties.push(format!("{name}: {value}"));
            }
        }
    }
    marked
}

fn pictures(value: Option<&Value>, into: &mut Vec<String>) {
    let mut add = |value: &Value| {
        let url = match value {
            Value::String(text) => Some(text.clone()),
            Value::Object(object) => ["contentUrl", "contentURL", "url", "@id"]
                .iter()
                .find_map(|key| object.get(*key))
                .and_then(Value::as_str)
                .map(str::to_owned),
            _ => None,
        };
        into.extend(url.filter(|url| !url.is_empty() && into_len_ok(url)));
    };
    match value {
        Some(Value::Array(list)) => list.iter().take(40).for_each(&mut add),
        Some(value) => add(value),
        None => {}
    }
}

fn into_len_ok(url: &str) -> bool {
    url.len() <= 2_000
}

/// Prices of one offer, a list of them, or their summary.
fn read_offers(offers: &Value, marked: &mut Marked, locale: Locale) {
    let list: Vec<&Value> = match offers {
        Value::Array(list) => list.iter().collect(),
        other => vec![other],
    };
    let is_sold_out = |offer: &&Value| stock(offer) == Some(false);
    let chosen = list.iter().find(|offer| !is_sold_out(offer) && price_of(offer, locale).is_some());
    let chosen = chosen
        .or_else(|| list.iter().find(|offer| price_of(offer, locale).is_some()))
        .or_else(|| list.first());
    let Some(offer) = chosen.copied() else { return };
    marked.in_stock =
        if list.iter().any(|offer| stock(offer) == Some(true)) { Some(true) } else { stock(offer) };
    let text = |key: &str| offer.get(key).and_then(text_of);
    if let Some(price) = price_of(offer, locale) {
        marked.price = Some(price);
    }
    marked.is_from = offer.get("price").is_none()
        && offer.get("lowPrice").is_some()
        && text("lowPrice") != text("highPrice");
    if marked.price.is_none() {
        if let Some(inner) = offer.get("offers") {
            let inner = match inner {
                Value::Array(list) => list.first(),
                other => Some(other),
            };
            marked.price = inner.and_then(|offer| price_of(offer, locale));
        }
    }
    marked.price_before = before_of(offer, locale);
    marked.ends = text("priceValidUntil").or_else(|| text("validThrough"));
    let has_list = marked.price_before.as_ref().zip(marked.price.as_ref());
    if has_list.is_some_and(|(before, now)| before.amount <= now.amount) {
        marked.price_before = None;
    }
}

fn stock(offer: &Value) -> Option<bool> {
    let text = offer.get("availability").and_then(text_of)?.to_lowercase();
    let out = ["outofstock", "soldout", "discontinued", "out of stock", "缺货"];
    Some(!out.iter().any(|word| text.contains(word)))
}

fn specifications(offer: &Value) -> Vec<&Value> {
    match offer.get("priceSpecification") {
        Some(Value::Array(list)) => list.iter().collect(),
        Some(other) => vec![other],
        None => Vec::new(),
    }
}

fn is_list_price(specification: &Value) -> bool {
    let kind = specification.get("priceType").and_then(text_of).unwrap_or_default().to_lowercase();
    let name = specification.get("name").and_then(text_of).unwrap_or_default().to_lowercase();
    ["listprice", "strikethrough", "srp", "msrp", "regular"].iter().any(|word| kind.contains(word))
        || ["list price", "regular", "原价", "rrp"].iter().any(|word| name.contains(word))
}

fn amount(value: &Value, keys: &[&str], locale: Locale) -> Option<Price> {
    let currency = value.get("priceCurrency").and_then(text_of);
    keys.iter()
        .find_map(|key| value.get(key).and_then(text_of))
        .and_then(|text| of_data(&text, currency.as_deref(), locale))
}

fn price_of(offer: &Value, locale: Locale) -> Option<Price> {
    let own = amount(offer, &["price", "lowPrice"], locale);
    let mut price = own.or_else(|| {
        let of = |specification: &&Value| !is_list_price(specification);
        specifications(offer)
            .into_iter()
            .filter(of)
            .find_map(|own| amount(own, &["price", "minPrice"], locale))
    })?;
    if price.currency.is_none() {
        let outer = offer.get("priceCurrency").and_then(text_of);
        let inner =
            specifications(offer).into_iter().find_map(|own| own.get("priceCurrency").and_then(text_of));
        price.currency = outer.or(inner).and_then(|code| currency_code(&code));
    }
    Some(price)
}

fn before_of(offer: &Value, locale: Locale) -> Option<Price> {
    let mut listed = specifications(offer).into_iter().filter(|own| is_list_price(own));
    listed.find_map(|own| amount(own, &["price"], locale))
}

/// Descriptions often are HTML, once or twice escaped.
pub(crate) fn unescaped(text: &str) -> String {
    if !text.contains(['<', '&']) {
        return text.to_owned();
    }
    let bounded: String = text.chars().take(60_000).collect();
    let Some(page) = Page::parse(&bounded) else { return text.to_owned() };
    let mut out = String::new();
    for id in 0..page.nodes.len() {
        match page.nodes.get(id).map(|node| &node.kind) {
            Some(crate::dom::Kind::Text(part)) => {
                let is_code = page.around(id).any(|outer| matches!(page.name(outer), "script" | "style"));
                if !is_code {
                    out.push_str(part);
                }
            }
            Some(crate::dom::Kind::Element(name, _))
                if matches!(name.as_str(), "p" | "br" | "li" | "div" | "h2" | "h3" | "tr") =>
            {
                out.push('\n');
            }
            _ => {}
        }
    }
    let once_more = out.contains("</") && out.len() < bounded.len();
    if once_more { unescaped_once(&out) } else { out.trim().to_owned() }
}

fn unescaped_once(text: &str) -> String {
    Page::parse(text).map_or_else(String::new, |page| {
        let texts = page.nodes.iter().filter_map(|node| match &node.kind {
            crate::dom::Kind::Text(part) => Some(part.as_str()),
            crate::dom::Kind::Element(..) => None,
        });
        texts.collect::<Vec<_>>().join(" ").trim().to_owned()
    })
}

enum Property {
    Text(String),
    Scope(NodeId),
}

/// Microdata and RDFa as the JSON that JSON-LD would be.
fn scopes(page: &Page) -> Vec<Value> {
    let is_scope =
        |id: NodeId| page.attribute(id, "itemscope").is_some() || page.attribute(id, "typeof").is_some();
    let mut properties: std::collections::BTreeMap<NodeId, Vec<(String, Property)>> =
        std::collections::BTreeMap::new();
    let mut is_inner = std::collections::BTreeSet::new();
    for id in 0..page.nodes.len() {
        if is_scope(id) {
            properties.entry(id).or_default();
        }
        let name = page.attribute(id, "itemprop").or_else(|| page.attribute(id, "property"));
        let (Some(name), Some(owner)) = (name, page.around(id).find(|outer| is_scope(*outer))) else {
            continue;
        };
        if name.starts_with("og:") || name.len() > 100 {
            continue;
        }
        let value = if is_scope(id) {
            is_inner.insert(id);
            Property::Scope(id)
        } else {
            Property::Text(value_of(page, id))
        };
        let name = name.split_whitespace().next().unwrap_or_default();
        let name = name.rsplit([':', '/']).next().unwrap_or(name).to_owned();
        properties.entry(owner).or_default().push((name, value));
    }
    // Inner scopes have higher numbers, so from the end each finds its own ready.
    let mut ready: std::collections::BTreeMap<NodeId, Value> = std::collections::BTreeMap::new();
    for (id, own) in properties.into_iter().rev() {
        let mut object = Map::new();
        let kind =
            page.attribute(id, "itemtype").or_else(|| page.attribute(id, "typeof")).unwrap_or_default();
        object.insert("@type".to_owned(), Value::String(kind.to_owned()));
        for (name, property) in own {
            let value = match property {
                Property::Text(text) => Value::String(text),
                Property::Scope(inner) => ready.remove(&inner).unwrap_or(Value::Null),
            };
            match object.get_mut(&name) {
                Some(Value::Array(list)) => list.push(value),
                Some(before) => {
                    let first = before.take();
                    *before = Value::Array(vec![first, value]);
                }
                None => {
                    object.insert(name, value);
                }
            }
        }
        ready.insert(id, Value::Object(object));
    }
    ready.into_iter().filter(|(id, _)| !is_inner.contains(id)).map(|(_, value)| value).collect()
}

fn value_of(page: &Page, id: NodeId) -> String {
    let attribute = |name: &str| page.attribute(id, name).map(str::to_owned);
    let named = attribute("content").or_else(|| match page.name(id) {
        "a" | "link" => attribute("href"),
        "img" | "source" | "embed" => {
            attribute("src").filter(|src| !src.starts_with("data:")).or_else(|| attribute("data-src"))
        }
        "time" => attribute("datetime"),
        "data" | "meter" => attribute("value"),
        _ => None,
    });
    named.unwrap_or_else(|| crate::text::seen(page, id))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn only(html: &str) -> Marked {
        products(&Page::parse(html).unwrap(), Locale::EnUs).into_iter().next().unwrap().1
    }

    fn shown(price: Option<&Price>) -> String {
        price.map_or_else(String::new, |own| {
            format!("{} {}", own.amount.to_decimal(), own.currency.clone().unwrap_or_default())
        })
    }

    #[test]
    fn a_graph_with_a_list_price_is_read() {
        let marked = only(
            r#"<script type="application/ld+json">{"@graph":[{"@type":"WebSite","name":"Shop"},
            {"@type":["Product"],"name":"Trail Bottle &amp; Cup","brand":{"@type":"Brand","name":"Northlight"},
             "image":["/a.jpg",{"@type":"ImageObject","url":"https://x.example/b.jpg"}],
             "offers":{"@type":"Offer","priceCurrency":"USD","availability":"https://schema.org/InStock",
             "priceSpecification":[{"price":"39.99"},{"priceType":"https://schema.org/StrikethroughPrice","price":59.99}]}}]}</script>"#,
        );
        assert_eq!(marked.name.as_deref(), Some("Trail Bottle & Cup"));
        assert_eq!(marked.brand.as_deref(), Some("Northlight"));
        assert_eq!((shown(marked.price.as_ref()), marked.in_stock), ("39.99 USD".to_owned(), Some(true)));
        assert_eq!(marked.price_before.map(|own| own.amount.to_decimal()).as_deref(), Some("59.99"));
        assert_eq!(marked.pictures, ["/a.jpg", "https://x.example/b.jpg"]);
    }

    #[test]
    fn microdata_and_rdfa_say_the_same() {
        for html in [
            r#"<div itemscope itemtype="https://schema.org/Product"><h1 itemprop="name">Mug</h1><img itemprop="image" src="m.jpg">
            <div itemprop="offers" itemscope itemtype="http://schema.org/Offer"><meta itemprop="priceCurrency" content="EUR">
            <span itemprop="price" content="24.90">24,90</span></div></div>"#,
            r#"<div vocab="https://schema.org/" typeof="Product"><h1 property="name">Mug</h1><img property="image" src="m.jpg">
            <div property="offers" typeof="Offer"><meta property="priceCurrency" content="EUR">
            <span property="price" content="24.90">24,90</span></div></div>"#,
        ] {
            let marked = only(html);
            assert_eq!(
                (marked.name.as_deref(), shown(marked.price.as_ref()).as_str()),
                (Some("Mug"), "24.90 EUR")
            );
            assert_eq!(marked.pictures, ["m.jpg"]);
        }
    }

    #[test]
    fn other_products_and_ranges_are_told_apart() {
        let marked = only(
            r#"<script type="application/ld+json">{"@type":"Product","name":"Set","isRelatedTo":{"@type":"Product","name":"Other"},
            "offers":{"@type":"AggregateOffer","lowPrice":"18","highPrice":"40","priceCurrency":"GBP"}}</script>"#,
        );
        assert_eq!((marked.name.as_deref(), marked.is_from), (Some("Set"), true));
        assert_eq!(shown(marked.price.as_ref()), "18.00 GBP");
    }
}
