//! Prices and names that a reader of the page sees, by where shops put them.

use spotwright_core::domain::copy_rules::orders::speaks_to_a_program;
use spotwright_schemas::Locale;

use crate::dom::{Kind, NodeId, Page};
use crate::prices::{self, Price, Role};
use crate::text::{is_cents, marks, seen};

/// What the page shows as price, as price of before, and the texts that say it.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Shown {
    /// The page says in words that this is the price at this moment.
    pub(crate) is_said: bool,
    pub(crate) price: Option<(Price, String)>,
    pub(crate) price_before: Option<(Price, String)>,
}

struct Candidate {
    at: NodeId,
    price: Price,
    role: Role,
    text: String,
}

/// Words of classes of crossed-out prices.
const OLD: [&str; 19] = [
    "old",
    "was",
    "original",
    "list",
    "strike",
    "striked",
    "strikethrough",
    "compare",
    "del",
    "rrp",
    "msrp",
    "origin",
    "market",
    "before",
    "basis",
    "crossed",
    "through",
    "oldprice",
    "原价",
];

/// Whether an element is marked as a price by its classes or its attributes.
pub(crate) fn is_price_mark(words: &[String], page: &Page, id: NodeId) -> bool {
    let spoken = words.iter().any(|word| {
        let word = word.as_str();
        matches!(
            word,
            "price"
                | "prices"
                | "amount"
                | "pricebox"
                | "jiage"
                | "priceblock"
                | "promoprice"
                | "cost"
                | "deal"
        ) || (word.ends_with("price") && word.len() <= 16)
            || word.contains('价')
    });
    let unrelated = [
        "range",
        "filter",
        "note",
        "match",
        "drop",
        "alert",
        "history",
        "guarantee",
        "per",
        "avg",
        "average",
        "unit",
    ];
    let is_unrelated = words.iter().any(|word| unrelated.contains(&word.as_str()));
    (spoken && !is_unrelated)
        || page.attribute(id, "itemprop") == Some("price")
        || page.attribute(id, "data-price-amount").is_some()
        || page.attribute(id, "data-price").is_some()
}

/// Whether an element is a price that is crossed out.
pub(crate) fn is_crossed_out(page: &Page, id: NodeId) -> bool {
    if matches!(page.name(id), "del" | "s" | "strike") {
        return true;
    }
    let style = page.attribute(id, "style").unwrap_or_default();
    let mut words = marks(page, id);
    words.extend(crate::text::words_of(page.attribute(id, "data-price-type").unwrap_or_default()));
    let pairs = |a: &str, b: &str| words.windows(2).any(|pair| matches!(pair, [x, y] if x == a && y == b));
    let is_beside = words.iter().any(|word| word == "with" || word == "has");
    style.contains("line-through")
        || pairs("text", "price")
        || pairs("regular", "price")
        || pairs("secondary", "price")
        || (!is_beside
            && words.iter().any(|word| OLD.contains(&word.as_str()))
            && words.iter().any(|word| word.contains("price") || word == "amount" || word.contains('价')))
        || words.iter().any(|word| matches!(word.as_str(), "strike" | "strikethrough" | "oldprice" | "del"))
}

/// The texts that are crossed out.
pub(crate) fn crossed_out(page: &Page) -> Vec<String> {
    let all = (0..page.nodes.len()).filter(|id| !page.name(*id).is_empty() && is_crossed_out(page, *id));
    all.take(200).map(|id| seen(page, id)).filter(|text| !text.is_empty()).collect()
}

/// The text that labels an element: what stands before it in the elements around, at most three up.
fn label(page: &Page, id: NodeId) -> String {
    let mut child = id;
    for outer in page.around(id).take(3) {
        let mut text = String::new();
        // Only what stands close, so that long lists cost no more than their length.
        for before in (outer + 1).max(child.saturating_sub(40))..child {
            if let Some(Kind::Text(part)) = page.nodes.get(before).map(|node| &node.kind) {
                text.push_str(part);
                text.push(' ');
            }
        }
        let text = crate::document::squeezed(&text);
        if !text.is_empty() {
            let n = text.chars().count();
            let tail: String = text.chars().skip(n.saturating_sub(16)).collect();
            // A sentence is no label, nor is another price.
            let is_label = n <= 30 || tail.ends_with([':', '：', '价']);
            return if is_label && !tail.contains(['¥', '￥', '$', '€', '£', '元']) {
                tail
            } else {
                String::new()
            };
        }
        child = outer;
    }
    String::new()
}

/// Reads the prices that are shown for the product.
pub(crate) fn prices(page: &Page, is_relevant: &[bool], locale: Locale) -> Shown {
    let mut candidates: Vec<Candidate> = Vec::new();
    let mut at = 0;
    while let Some(node) = page.nodes.get(at) {
        let relevant = is_relevant.get(at).copied().unwrap_or(false);
        let is_element = matches!(node.kind, Kind::Element(..));
        let old = relevant && is_element && is_crossed_out(page, at);
        if old && is_sold_out(page, at) {
            at = node.end.max(at + 1);
            continue;
        }
        let marked = relevant && is_element && (old || is_price_mark(&marks(page, at), page, at));
        if !(marked || relevant && is_element && is_labelled(page, at, locale)) {
            at += 1;
            continue;
        }
        let mut text = seen(page, at);
        if text.is_empty() {
            // Figures in pieces are hidden from screen readers, which are told the whole.
            page.attribute(at, "aria-label").unwrap_or_default().clone_into(&mut text);
        }
        // A wrapper of half the page is no price.
        if text.chars().count() > 120 || node.end - at > 80 {
            at += 1;
            continue;
        }
        if read(page, at, old, &text, locale, &mut candidates) {
            at = node.end.max(at + 1);
        } else {
            at += 1;
        }
        if candidates.len() > 40 {
            break;
        }
    }
    chosen(&candidates)
}

/// Whether a small element without a class of its own says in words that it is a price: `市场价：168元`, a
/// cell beside `Price`.
fn is_labelled(page: &Page, id: NodeId, locale: Locale) -> bool {
    let small = page.inside(id).len() <= 6
        && matches!(
            page.name(id),
            "li" | "td" | "dd" | "p" | "div" | "span" | "b" | "font" | "strong" | "em" | "h2" | "h3"
        );
    if !small {
        return false;
    }
    let text = seen(page, id);
    if text.is_empty() || text.chars().count() > 40 || !text.chars().any(|c| c.is_ascii_digit()) {
        return false;
    }
    let label = label(page, id);
    let name = label.to_lowercase();
    let name = name.trim_end_matches([':', '：', ' ']);
    let is_price = ["price", "价格", "售价", "preis"].iter().any(|word| name.ends_with(word));
    if is_price && text.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | ',')) {
        return true;
    }
    let labelled = format!("{label} {text}");
    let first = prices::read(&labelled, locale).into_iter().next();
    first.is_some_and(|own| own.is_named && own.role != Role::Other)
}

/// Whether what is crossed out is an offer that is gone: `Early bird <s>£20</s> Sold out`.
fn is_sold_out(page: &Page, id: NodeId) -> bool {
    let Some(outer) = page.around(id).next().filter(|outer| page.inside(*outer).len() <= 30) else {
        return false;
    };
    let text = seen(page, outer);
    text.chars().count() <= 80 && says_sold_out(&text)
}

/// Whether a text says of what it offers that it is gone.
pub(crate) fn says_sold_out(text: &str) -> bool {
    let text = text.to_lowercase();
    let said = ["sold out", "no longer available", "售罄", "已售完", "已抢完", "已结束"];
    said.iter().any(|word| text.contains(word))
}

/// Adds the amounts of a price element; whether there were any.
fn read(page: &Page, id: NodeId, old: bool, text: &str, locale: Locale, into: &mut Vec<Candidate>) -> bool {
    let n_before = into.len();
    let labelled = format!("{} {text}", label(page, id));
    if old {
        let price = first_amount(page, id, text, locale);
        into.extend(price.map(|price| Candidate { at: id, price, role: Role::Before, text: labelled }));
        return into.len() > n_before;
    }
    // Crossed-out parts inside are read apart from the rest.
    let mut rest = String::new();
    let mut inner = id;
    let end = page.inside(id).end;
    while inner < end {
        let Some(node) = page.nodes.get(inner) else { break };
        if inner != id && is_crossed_out(page, inner) {
            let text = seen(page, inner);
            let price = first_amount(page, inner, &text, locale);
            into.extend(price.map(|price| Candidate { at: inner, price, role: Role::Before, text }));
            inner = node.end.max(inner + 1);
            rest.push(' ');
            continue;
        }
        match &node.kind {
            Kind::Text(part) => rest.push_str(part),
            Kind::Element(..) if crate::text::is_unseen(page, inner) => {
                inner = node.end.max(inner + 1);
                continue;
            }
            Kind::Element(..) if is_cents(page, inner) => rest.push('.'),
            Kind::Element(name, _) if name == "small" => {
                let text = page.raw_text(inner);
                // A small `.90` belongs to its figure, a small `500 ml` does not.
                rest.push_str(if text.trim_start().starts_with(['.', ',']) || text.trim().len() <= 3 {
                    ""
                } else {
                    " | "
                });
            }
            Kind::Element(name, _)
                if !matches!(
                    name.as_str(),
                    "span" | "sup" | "sub" | "b" | "em" | "i" | "strong" | "bdi" | "font" | "big"
                ) =>
            {
                rest.push_str(" | ");
            }
            Kind::Element(..) => {}
        }
        inner += 1;
    }
    let rest = crate::document::squeezed(&rest);
    let rest = rest.trim_matches([' ', '|']).to_owned();
    let with_label = format!("{} {rest}", label(page, id));
    if speaks_to_a_program(&with_label) {
        return false;
    }
    let (now, before) = prices::in_block(&with_label, locale);
    let has_before = before.is_some();
    let now = now.map(|own| (own.price, own.role)).or_else(|| {
        if has_before {
            return None;
        }
        let role = if with_label.contains("原价") { Role::Before } else { Role::Plain };
        let rest = if rest.is_empty() { text } else { &rest };
        first_amount(page, id, rest, locale).map(|price| (price, role))
    });
    if let Some(before) = before {
        into.push(Candidate { at: id, price: before.price, role: Role::Before, text: with_label.clone() });
    }
    if let Some((price, role)) = now {
        into.push(Candidate { at: id, price, role, text: with_label });
    }
    into.len() > n_before
}

/// The first amount of an element's text, also a bare number, or that of its attributes.
fn first_amount(page: &Page, id: NodeId, text: &str, locale: Locale) -> Option<Price> {
    let spoken =
        prices::read(text, locale).into_iter().find(|own| own.role != Role::Other).map(|own| own.price);
    spoken
        .or_else(|| {
            let bare = text.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | ',' | ' '));
            prices::of_data(text, None, locale).filter(|_| bare)
        })
        .or_else(|| {
            let data = page.attribute(id, "data-price-amount").or_else(|| page.attribute(id, "content"));
            data.and_then(|text| prices::of_data(text, None, locale))
        })
}

fn chosen(candidates: &[Candidate]) -> Shown {
    let Some(first) = candidates.first() else { return Shown::default() };
    // Prices far behind the first belong to something else.
    let near: Vec<&Candidate> = candidates.iter().filter(|own| own.at < first.at + 400).collect();
    let spoken = near.iter().filter(|own| own.role == Role::Now).min_by_key(|own| own.price.amount);
    let plain = near.iter().find(|own| own.role == Role::Plain);
    let now = spoken.or(plain);
    let above = |own: &&&Candidate| now.is_none_or(|now| own.price.amount > now.price.amount);
    let before = near.iter().find(|own| own.role == Role::Before && above(own)).or_else(|| {
        // `价格 398 … 促销价 228`: the plain one is what it was.
        spoken.and_then(|_| near.iter().find(|own| own.role == Role::Plain && above(own)))
    });
    let told = |own: &&Candidate| (own.price.clone(), own.text.trim().to_owned());
    let is_said = now.is_some_and(|own| own.role == Role::Now);
    Shown { is_said, price: now.map(told), price_before: before.map(told) }
}

/// The product's name as its heading shows it.
pub(crate) fn heading(page: &Page, is_relevant: &[bool]) -> Option<String> {
    let usable = |id: &NodeId| is_relevant.get(*id).copied().unwrap_or(false);
    let text = |id: NodeId| {
        let inner = page.inside(id).find(|inner| matches!(page.name(*inner), "h1" | "h2" | "h3" | "h4"));
        let text = seen(page, inner.unwrap_or(id));
        let text = if text.chars().count() > 60 { first_line(page, id) } else { text };
        Some(text).filter(|text| (2..=200).contains(&text.chars().count()))
    };
    let speaks = |id: NodeId| {
        let words = marks(page, id);
        let has = |list: &[&str]| words.iter().any(|word| list.contains(&word.as_str()));
        (has(&["product", "item", "goods", "sku", "main", "course", "app", "detail"])
            && has(&["title", "name"]))
            || has(&["producttitle", "productname", "skuname", "goodsname"])
    };
    let in_heading = page.named("h1").filter(usable).collect::<Vec<_>>();
    let best = in_heading.iter().copied().find(|id| speaks(*id)).or_else(|| in_heading.first().copied());
    best.and_then(text)
        .or_else(|| (0..page.nodes.len()).filter(usable).filter(|id| speaks(*id)).find_map(text))
        .or_else(|| (0..page.nodes.len()).filter(usable).filter(|id| is_large(page, *id)).find_map(text))
}

/// Whether an element is set in large letters, as pages without headings do.
fn is_large(page: &Page, id: NodeId) -> bool {
    let size = page.attribute(id, "size").unwrap_or_default().trim();
    let number: i32 = size.trim_start_matches('+').parse().unwrap_or(0);
    page.name(id) == "big" || page.name(id) == "font" && (number >= 4 || size.starts_with('+') && number >= 1)
}

/// The text of a heading up to the first block inside it, where nobody closed it.
fn first_line(page: &Page, id: NodeId) -> String {
    let mut text = String::new();
    for inner in page.inside(id) {
        match page.nodes.get(inner).map(|node| &node.kind) {
            Some(Kind::Text(part)) => text.push_str(part),
            Some(Kind::Element(name, _))
                if matches!(name.as_str(), "div" | "p" | "ul" | "img" | "table" | "br")
                    && !text.trim().is_empty() =>
            {
                break;
            }
            _ => {}
        }
    }
    crate::document::squeezed(&text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(html: &str, locale: Locale) -> (String, String) {
        let page = Page::parse(html).unwrap();
        let is_relevant = crate::aside::relevant(&page);
        let shown = prices(&page, &is_relevant, locale);
        let text =
            |own: Option<(Price, String)>| own.map_or_else(String::new, |own| own.0.amount.to_decimal());
        (text(shown.price), text(shown.price_before))
    }

    #[test]
    fn prices_of_common_shop_systems_are_told_apart() {
        for (html, locale, now, before) in [
            (
                "<p class='price'><del><span class='amount'><bdi>$59.99</bdi></span></del> <ins><span class='amount'>$39.99</span></ins></p>",
                Locale::EnUs,
                "39.99",
                "59.99",
            ),
            (
                "<div class='price-box'><span class='old-price'>$60.00</span><span class='special-price'>$45.00</span></div>",
                Locale::EnUs,
                "45.00",
                "60.00",
            ),
            (
                "<span class='a-price'><span aria-hidden='true'>$</span><span class='a-offscreen'>$24.90</span></span><span class='a-price a-text-price'><span class='a-offscreen'>$30.00</span></span>",
                Locale::EnUs,
                "24.90",
                "30.00",
            ),
            (
                "<dl><dt>价格</dt><dd><span class='tm-price'>398.00</span></dd></dl><dl><dt>促销价</dt><dd><span class='tm-price'>228.00</span></dd></dl>",
                Locale::ZhCn,
                "228.00",
                "398.00",
            ),
            (
                "<div class='p-price'><span>￥</span><span class='price J-p-1'>59.90</span></div>",
                Locale::ZhCn,
                "59.90",
                "",
            ),
            (
                "<span data-price-amount='24.9' data-price-type='finalPrice'><span class='price'>24,90&nbsp;€</span></span>",
                Locale::EnUs,
                "24.90",
                "",
            ),
            (
                "<div class='price'>¥228 <s>¥398</s></div><div class='related'><span class='price'>¥1</span></div>",
                Locale::ZhCn,
                "228.00",
                "398.00",
            ),
        ] {
            assert_eq!(shown(html, locale), (now.to_owned(), before.to_owned()), "{html}");
        }
    }
}
