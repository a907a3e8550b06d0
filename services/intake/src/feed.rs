//! Product feeds: tables and XML, with the names of Google Merchant Center and common Chinese ones.

mod names;

use std::collections::BTreeMap;

use quick_xml::Reader;
use quick_xml::events::{BytesRef, Event};
use serde::Serialize;
use spotwright_schemas::error::Code;
use spotwright_schemas::{Locale, Problem};
use spotwright_tables::Table;

use crate::draft::{iso_day, locale_of};
use crate::facts::{self, Reason, Statement};
use crate::findings::{DraftPicture, Findings};
use crate::prices::{Price, of_data};
use crate::{Format, Source, charset, check_size, format_of, structured};
use names::{currency_of, field_of, folded};

/// Most products of a feed that are read.
const MAX_ITEMS: usize = 50_000;

/// Most fields of a product.
const MAX_FIELDS: usize = 200;

/// Depth of elements below a product.
const MAX_DEPTH: usize = 64;

/// A product of a feed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Item {
    /// Its id in the shop.
    pub id: String,
    /// Its name.
    pub title: String,
    /// Its brand.
    pub brand: Option<String>,
    /// What kind of thing it is.
    pub category: Option<String>,
    /// Its description.
    pub description: Option<String>,
    /// Price to pay at this moment.
    pub price: Option<Price>,
    /// Price before, where it is reduced.
    pub price_before: Option<Price>,
    /// Last day of the reduced price.
    pub ends: Option<String>,
    /// Whether it can be bought.
    pub in_stock: Option<bool>,
    /// Pictures, the main one first.
    pub pictures: Vec<String>,
    /// Its page.
    pub link: Option<String>,
    /// Further properties, as `name: value`.
    pub properties: Vec<String>,
    /// Where it stands, e.g. `feed.csv, line 7` or `feed.xml, product 3`.
    pub place: String,
}

/// A product feed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Feed {
    /// Products in the order of the feed.
    pub items: Vec<Item>,
    /// Rows that are no products, with the reason.
    pub refused: Vec<Refused>,
    /// Fields of products that cannot be understood, with the reason: the products are taken without them.
    pub unread: Vec<Refused>,
}

/// A row of a feed that is left out, or one of its fields.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Refused {
    /// Where it stands, e.g. `feed.csv, line 7`.
    pub place: String,
    /// The column or element, where it is about one.
    pub column: Option<String>,
    /// Its id in the shop; the place in the file where the row is too broken to have one.
    pub id: String,
    /// Why it is left out.
    pub reason: &'static str,
}

/// Why a field of money is left out.
pub(crate) const NO_AMOUNT: &str = "it is no amount of money";

/// Why a row that is cut off is left out.
pub(crate) const CUT_OFF: &str = "it has not as many fields as the header";

/// Most rows that are listed as left out.
const MAX_REFUSED: usize = 1_000;

/// Fields of a product as the feed writes them, by the names of [`field_of`].
type Fields = BTreeMap<&'static str, Vec<(String, String)>>;

/// A product as the feed writes it.
#[derive(Debug, Default)]
struct Raw {
    /// Where it stands.
    place: String,
    fields: Fields,
}

impl Raw {
    fn list(&self, field: &str) -> &[(String, String)] {
        self.fields.get(field).map(Vec::as_slice).unwrap_or_default()
    }

    fn first(&self, field: &str) -> Option<&(String, String)> {
        self.list(field).first()
    }
}

impl Refused {
    fn row(raw: &Raw, reason: &'static str) -> Self {
        Self { place: raw.place.clone(), column: None, id: raw.place.clone(), reason }
    }
}

/// Whether a cell can be read.
type Reads<'a> = &'a dyn Fn(&str) -> bool;

/// The fields of a product that hold something and say nothing.
fn unread_fields(raw: &Raw, item: &Item) -> Vec<Refused> {
    let locale = locale_of(None, &item.title);
    let is_money = |text: &str| amount(text, None, locale).is_some();
    let checks: [(&str, Reads<'_>, &'static str); 6] = [
        ("price", &is_money, NO_AMOUNT),
        ("sale", &is_money, NO_AMOUNT),
        ("before", &is_money, NO_AMOUNT),
        (
            "ends",
            &|text| iso_day(text.rsplit('/').next().unwrap_or(text)).is_some(),
            "it is no calendar date",
        ),
        ("availability", &|text| stock(Some(text), None).is_some(), "it says neither in stock nor sold out"),
        ("quantity", &|text| stock(None, Some(text)).is_some(), "it is no number"),
    ];
    let mut unread = Vec::new();
    for (field, is_read, reason) in checks {
        if let Some((column, _)) = raw.first(field).filter(|(_, value)| !is_read(value)) {
            let column = Some(column.clone());
            unread.push(Refused { place: raw.place.clone(), column, id: item.id.clone(), reason });
        }
    }
    unread
}

impl Feed {
    /// Reads a feed.
    ///
    /// # Errors
    /// [`Code::SourceTooLarge`], [`Code::SourceFormat`], [`Code::Table`] for a table that cannot be read, and
    /// [`Code::Feed`] for one without products.
    pub fn read(source: &Source<'_>) -> Result<Self, Problem> {
        check_size(source.name, source.bytes)?;
        let mut refused = Vec::new();
        let raws = match format_of(source)? {
            Format::Table | Format::Text => rows(source, &mut refused)?,
            Format::Xml => elements(&charset::decoded(source.bytes, source.media_type), source.name)?,
            _ => {
                return Err(Problem::new(
                    Code::SourceFormat,
                    source.name,
                    "is no feed; CSV, TSV, RSS, Atom and XML are read",
                ));
            }
        };
        let (mut all, mut unread) = (Vec::with_capacity(raws.len()), Vec::new());
        for raw in &raws {
            match item_of(raw) {
                Some(item) => all.push((item, raw)),
                // An empty row is nothing that anybody misses.
                None if raw.fields.is_empty() => {}
                None => unread.push(Refused::row(raw, "it has neither id nor title")),
            }
        }
        let has_goods = all.iter().any(|(item, _)| !is_bare(item));
        let mut items = Vec::new();
        for (item, raw) in all {
            match fault(&item, has_goods) {
                Some(reason) if refused.len() < MAX_REFUSED => {
                    refused.push(Refused { id: item.id, ..Refused::row(raw, reason) });
                }
                Some(_) => {}
                None => {
                    unread.extend(unread_fields(raw, &item));
                    items.push(item);
                }
            }
        }
        unread.truncate(MAX_REFUSED);
        if items.is_empty() {
            return Err(Problem::new(Code::Feed, source.name, "holds no product with an id or a title"));
        }
        Ok(Self { items, refused, unread })
    }

    /// The product with an id, or the first.
    ///
    /// # Errors
    /// A message when there is none with the id.
    pub(crate) fn item(&self, id: Option<&str>) -> Result<&Item, String> {
        let found = match id {
            Some(id) => self.items.iter().find(|item| item.id == id),
            None => self.items.first(),
        };
        found.ok_or_else(|| {
            let known: Vec<&str> = self.items.iter().take(10).map(|item| item.id.as_str()).collect();
            format!("holds no product `{:.60}`; it has {}", id.unwrap_or_default(), known.join(", "))
        })
    }
}

/// What keeps a row from being a product; in a feed of goods a row that has nothing of one is broken.
fn fault(item: &Item, has_goods: bool) -> Option<&'static str> {
    let spoken = facts::statement(&item.title, "", locale_of(None, &item.title));
    if spoken == Statement::LeftOut(Reason::Instruction) {
        return Some("its title speaks to a program");
    }
    (has_goods && is_bare(item)).then_some("it has no price, no page and no picture")
}

fn is_bare(item: &Item) -> bool {
    item.price.is_none() && item.link.is_none() && item.pictures.is_empty()
}

fn rows(source: &Source<'_>, broken: &mut Vec<Refused>) -> Result<Vec<Raw>, Problem> {
    let table = Table::of_bytes(source.bytes, source.name)?;
    let names = table.header();
    if !names.iter().any(|name| matches!(field_of(name), Some("id" | "title"))) {
        return Err(Problem::new(
            Code::Feed,
            source.name,
            "has no column for ids or titles, such as `id` or `商品名称`",
        ));
    }
    let mut columns = Vec::new();
    for name in names.iter().take(MAX_FIELDS) {
        // Two columns of one name are refused by the table; the first of two names of one field counts.
        if let (Some(field), Some(column)) = (field_of(name), table.column(name)?) {
            columns.push((field, name.clone(), column));
        }
    }
    let mut raws = Vec::new();
    for row in table.rows().take(MAX_ITEMS) {
        let row = match row {
            Ok(row) => row,
            // A row that is cut off does not hide the others.
            Err(problem) if broken.len() < MAX_REFUSED => {
                let reason = CUT_OFF;
                let place = placed(source.name, &problem.field);
                broken.push(Refused { place, column: None, id: problem.field, reason });
                continue;
            }
            Err(_) => continue,
        };
        let place = format!("{}, line {}", source.name, row.line);
        let mut raw = Raw { place, fields: Fields::new() };
        for (field, name, column) in &columns {
            let value = row.get(*column).trim();
            // A row without a number in the column of stock has none.
            let value = if *field == "quantity" && value.is_empty() { "0" } else { value };
            if !value.is_empty() {
                raw.fields.entry(*field).or_default().push((name.clone(), value.to_owned()));
            }
        }
        raws.push(raw);
    }
    Ok(raws)
}

/// A place of a table, which names the line and may name the file, with the file in front.
fn placed(name: &str, place: &str) -> String {
    if place.contains(name) { place.to_owned() } else { format!("{name}, {place}") }
}

/// The text of `&amp;` and `&#20803;`; entities that a file declares itself stand for nothing.
pub(crate) fn resolved(reference: &BytesRef<'_>) -> String {
    if let Ok(Some(c)) = reference.resolve_char_ref() {
        return c.to_string();
    }
    let name = reference.decode().unwrap_or_default();
    let text = match name.as_ref() {
        "amp" => "&",
        "lt" => "<",
        "gt" => ">",
        "quot" => "\"",
        "apos" => "'",
        "nbsp" => " ",
        _ => "",
    };
    text.to_owned()
}

fn is_product(name: &str) -> bool {
    matches!(name, "item" | "entry" | "product" | "offer" | "sku" | "goods")
}

fn elements(xml: &str, name: &str) -> Result<Vec<Raw>, Problem> {
    let damaged =
        |what: &str| Problem::new(Code::SourceUnreadable, name, format!("is no well-formed XML: {what}"));
    let mut reader = Reader::from_str(xml);
    reader.config_mut().check_end_names = false;
    let (mut raws, mut raw) = (Vec::new(), None::<Raw>);
    // Names of the elements open below the product.
    let mut open: Vec<String> = Vec::new();
    let mut text = String::new();
    loop {
        match reader.read_event().map_err(|error| damaged(&error.to_string()))? {
            Event::Start(start) => {
                let own = String::from_utf8_lossy(start.name().as_ref()).into_owned();
                if raw.is_none() {
                    if is_product(&folded(&own)) {
                        let place = format!("{name}, product {}", raws.len() + 1);
                        raw = Some(Raw { place, fields: Fields::new() });
                    }
                    continue;
                }
                if open.len() >= MAX_DEPTH {
                    return Err(damaged("elements of a product are nested deeper than 64"));
                }
                if let Some(raw) = raw.as_mut() {
                    link_of(&start, &own, raw);
                }
                open.push(own);
                text.clear();
            }
            Event::Empty(start) => {
                let own = String::from_utf8_lossy(start.name().as_ref()).into_owned();
                if let Some(raw) = raw.as_mut() {
                    link_of(&start, &own, raw);
                }
            }
            Event::Text(part) if raw.is_some() => text.push_str(&part.decode().unwrap_or_default()),
            Event::CData(part) if raw.is_some() => text.push_str(&part.decode().unwrap_or_default()),
            Event::GeneralRef(reference) if raw.is_some() => text.push_str(&resolved(&reference)),
            Event::End(_) => {
                if let Some(own) = open.pop() {
                    let value = std::mem::take(&mut text);
                    // Parts of shipping and tax have names of their own, below the product's fields.
                    let is_field =
                        open.is_empty() || open.iter().all(|outer| folded(outer).starts_with("image"));
                    if let (Some(raw), true, Some(field)) = (raw.as_mut(), is_field, field_of(&own)) {
                        let list = raw.fields.entry(field).or_default();
                        if !value.trim().is_empty() && list.len() < MAX_FIELDS {
                            list.push((own, value.trim().to_owned()));
                        }
                    }
                } else if let Some(done) = raw.take() {
                    raws.push(done);
                    if raws.len() >= MAX_ITEMS {
                        return Ok(raws);
                    }
                }
            }
            Event::Eof => return Ok(raws),
            _ => {}
        }
    }
}

/// Atom keeps its links in an attribute.
fn link_of(start: &quick_xml::events::BytesStart<'_>, name: &str, raw: &mut Raw) {
    if folded(name) != "link" {
        return;
    }
    let of = |key: &[u8]| {
        let found = start.attributes().flatten().take(20).find(|own| own.key.local_name().as_ref() == key);
        found.map(|own| String::from_utf8_lossy(&own.value).replace("&amp;", "&"))
    };
    let is_page = of(b"rel").is_none_or(|rel| rel == "alternate");
    if let (Some(href), true) = (of(b"href"), is_page) {
        raw.fields.entry("link").or_default().push(("link".to_owned(), href));
    }
}

fn item_of(raw: &Raw) -> Option<Item> {
    let first = |field: &str| raw.first(field).map(|(_, value)| value.clone());
    let title = first("title").map(|text| structured::unescaped(&text)).unwrap_or_default();
    // Feeds for shopping name the product with `g:id`; Atom's own id is that of the entry.
    let own = raw.list("id").iter().find(|(name, _)| name.starts_with("g:"));
    let id = own.map(|(_, id)| id.clone()).or_else(|| first("id")).unwrap_or_else(|| title.clone());
    if id.is_empty() {
        return None;
    }
    let locale = locale_of(None, &format!("{title}{}", first("description").unwrap_or_default()));
    let named = |field: &str| raw.first(field).and_then(|(name, _)| currency_of(name));
    let currency = first("currency").or_else(|| named("price")).or_else(|| named("sale"));
    let price = |field: &str| first(field).and_then(|text| amount(&text, currency.as_deref(), locale));
    let (full, sale, before) = (price("price"), price("sale"), price("before"));
    let is_above = |above: &Price, below: &Price| above.amount > below.amount;
    let (now, was) = match (sale, full) {
        (Some(sale), full) => {
            let was = before.or(full).filter(|was| is_above(was, &sale));
            (Some(sale), was)
        }
        (None, Some(full)) => {
            let was = before.filter(|was| is_above(was, &full));
            (Some(full), was)
        }
        // A list price alone is what is paid.
        (None, None) => (before, None),
    };
    let mut pictures = Vec::new();
    for (_, value) in raw.list("image").iter().chain(raw.list("images")) {
        pictures.extend(
            value.split([',', ' ', '|', ';']).filter(|part| part.starts_with("http")).map(str::to_owned),
        );
    }
    pictures.truncate(24);
    let named = |field: &str| raw.list(field).iter();
    let mut properties: Vec<String> =
        named("property").map(|(name, value)| format!("{}: {value}", short_name(name))).collect();
    properties.extend(named("highlight").map(|(_, value)| value.clone()));
    Some(Item {
        id,
        title,
        brand: first("brand"),
        category: first("category")
            .map(|text| text.rsplit(['>', '/']).next().unwrap_or(&text).trim().to_owned()),
        description: first("description").map(|text| structured::unescaped(&text)),
        price: now,
        price_before: was,
        ends: first("ends").and_then(|text| iso_day(text.rsplit('/').next().unwrap_or(&text))),
        in_stock: stock(first("availability").as_deref(), first("quantity").as_deref()),
        pictures,
        link: first("link"),
        properties,
        place: raw.place.clone(),
    })
}

fn short_name(name: &str) -> &str {
    name.rsplit(':').next().unwrap_or(name)
}

/// `39.99 USD`, `USD 39.99`, `¥59`.
fn amount(text: &str, currency: Option<&str>, locale: Locale) -> Option<Price> {
    let words: Vec<&str> = text.split_whitespace().collect();
    if let [first, second] = words.as_slice() {
        let is_code = |word: &str| word.len() == 3 && word.bytes().all(|b| b.is_ascii_alphabetic());
        if is_code(second) {
            return of_data(first, Some(second), locale);
        }
        if is_code(first) {
            return of_data(second, Some(first), locale);
        }
    }
    of_data(text, currency, locale)
}

/// An empty stock says no, whatever the status says.
fn stock(availability: Option<&str>, quantity: Option<&str>) -> Option<bool> {
    let left = quantity.and_then(|text| text.trim().parse::<f64>().ok());
    if left.is_some_and(|left| left <= 0.0) {
        return Some(false);
    }
    let said = availability.map(folded).and_then(|text| match text.as_str() {
        "instock" | "preorder" | "backorder" | "available" | "yes" | "true" | "1" | "有货" | "在售"
        | "上架" | "现货" => Some(true),
        "outofstock" | "soldout" | "discontinued" | "no" | "false" | "0" | "缺货" | "无货" | "售罄"
        | "下架" | "已下架" => Some(false),
        _ => None,
    });
    said.or_else(|| left.map(|_| true))
}

impl Item {
    /// The product as findings, for a draft.
    pub(crate) fn findings(&self, source: &str, wanted: Option<Locale>) -> Findings {
        let mut findings = Findings::new(source);
        let locale = wanted.unwrap_or_else(|| {
            let code = self.price.as_ref().and_then(|own| own.currency.as_deref()).unwrap_or_default();
            let description = self.description.as_deref().unwrap_or_default();
            locale_of(None, &format!("{} {description} {code}", self.title))
        });
        findings.language = Some(locale.tag().to_owned());
        findings.noted_text(|own| &mut own.names, 0, ("feed", "title"), Some(&self.title));
        findings.noted_text(|own| &mut own.brands, 0, ("feed", "brand"), self.brand.as_deref());
        findings.noted_text(|own| &mut own.categories, 0, ("feed", "category"), self.category.as_deref());
        findings.noted_price(|own| &mut own.prices, 0, ("feed", "price"), self.price.as_ref());
        findings.noted_price(|own| &mut own.befores, 0, ("feed", "price before"), self.price_before.as_ref());
        findings.noted_text(|own| &mut own.ends, 0, ("feed", "sale ends"), self.ends.as_deref());
        findings.noted_text(|own| &mut own.destinations, 0, ("feed", "link"), self.link.as_deref());
        if let Some(in_stock) = self.in_stock {
            let shown = if in_stock { "in stock" } else { "out of stock" };
            findings.noted(|own| &mut own.stock, 0, ("feed", "availability"), shown, in_stock);
        }
        for url in self.pictures.iter().filter_map(|url| crate::html::absolute(url, None)) {
            findings.picture(DraftPicture { url, alt: self.title.clone(), width: None, height: None });
        }
        for line in self.description.iter().flat_map(|text| text.lines()) {
            findings.state("description", line);
        }
        for line in &self.properties {
            findings.state("properties", line);
        }
        findings
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(name: &str, text: &str) -> Feed {
        Feed::read(&Source::named(name, text.as_bytes())).unwrap()
    }

    fn shown(price: Option<&Price>) -> String {
        price.map_or_else(String::new, |own| {
            format!("{} {}", own.amount.to_decimal(), own.currency.clone().unwrap_or_default())
        })
    }

    #[test]
    fn a_shopping_feed_is_read() {
        let feed = read(
            "feed.xml",
            "<?xml version='1.0'?><!DOCTYPE rss [<!ENTITY a 'aaaa'>]><rss xmlns:g='x'><channel><title>Shop</title><item><g:id>B1</g:id>\
             <title>Trail &amp; Town Bottle&a;</title><g:price>59.99 USD</g:price><g:sale_price>39.99 USD</g:sale_price>\
             <g:sale_price_effective_date>2026-11-01T00:00Z/2026-12-24T23:59Z</g:sale_price_effective_date>\
             <g:availability>in_stock</g:availability><g:shipping><g:price>5 USD</g:price></g:shipping>\
             <g:image_link>https://example.com/b.jpg</g:image_link><link>https://example.com/b</link></item></channel></rss>",
        );
        let item = &feed.items[0];
        assert_eq!((item.id.as_str(), item.title.as_str()), ("B1", "Trail & Town Bottle"));
        assert_eq!(
            (shown(item.price.as_ref()), shown(item.price_before.as_ref())),
            ("39.99 USD".to_owned(), "59.99 USD".to_owned())
        );
        assert_eq!((item.ends.as_deref(), item.in_stock), (Some("2026-12-24"), Some(true)));
    }

    #[test]
    fn chinese_and_atom_feeds_are_read() {
        let feed = read(
            "a.csv",
            "商品ID,商品名称,价格,促销价,库存,主图\n7,明前龙井,398,228,0,https://example.com/t.jpg\n",
        );
        let item = &feed.items[0];
        assert_eq!((item.id.as_str(), item.in_stock), ("7", Some(false)));
        assert_eq!(
            (shown(item.price.as_ref()), shown(item.price_before.as_ref())),
            ("228.00 CNY".to_owned(), "398.00 CNY".to_owned())
        );
        let atom = read(
            "a.xml",
            "<feed><entry><id>1</id><title>Mug</title><link href='https://example.com/m'/><price>£12.50</price></entry></feed>",
        );
        assert_eq!(atom.items[0].link.as_deref(), Some("https://example.com/m"));
        assert_eq!(shown(atom.items[0].price.as_ref()), "12.50 GBP");
    }

    #[test]
    fn what_is_no_feed_is_refused() {
        let code =
            |name: &str, text: &str| Feed::read(&Source::named(name, text.as_bytes())).unwrap_err().code;
        assert_eq!(code("a.csv", "a,b\n1,2\n"), Code::Feed);
        assert_eq!(code("a.xml", "<rss><channel></channel></rss>"), Code::Feed);
        let deep = format!("<rss><item>{}</item></rss>", "<a>".repeat(1_000));
        assert_eq!(code("a.xml", &deep), Code::SourceUnreadable);
    }
}
