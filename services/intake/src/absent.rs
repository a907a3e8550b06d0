//! What a page does not say: pages before the page, lists of products, prices on request or out of reach.

use crate::dom::{Kind, NodeId, Page};
use crate::structured;
use crate::text::{Line, marks, seen};
use crate::visible::{is_crossed_out, is_price_mark};

/// Why a page has no price of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Why {
    /// The page says so: `面议`, `price on request`, `currently unavailable`.
    OnRequest,
    /// Where the price belongs stands nothing that can be read: it comes later, or in the shapes of a font.
    Unreadable,
}

/// Whether the page is one that stands before the page: a check for robots, an error, an empty frame.
pub(crate) fn is_wall(page: &Page) -> bool {
    let title =
        page.named("title").next().map(|id| page.raw_text(id)).unwrap_or_default().trim().to_lowercase();
    let walls = [
        "loading",
        "just a moment",
        "access denied",
        "attention required",
        "robot check",
        "are you a robot",
        "verify",
        "404",
        "403",
        "not found",
        "安全验证",
        "访问验证",
        "人机验证",
        "滑块验证",
        "页面不存在",
        "加载中",
        "请稍候",
    ];
    walls.iter().any(|wall| title.starts_with(wall))
}

/// Whether the page has no price of its own, whatever else stands on it.
pub(crate) fn price(page: &Page, is_relevant: &[bool], all: &[Line]) -> Option<Why> {
    let says = all.iter().any(|line| {
        let text = line.text.to_lowercase();
        let said = [
            "price on request",
            "price upon request",
            "call for price",
            "currently unavailable",
            "面议",
            "询价",
            "暂无报价",
            "暂无价格",
            "price: to be announced",
            "price: tba",
            "price: tbc",
            "price to be announced",
            "价格待定",
            "价格：待定",
            "价格即将公布",
            "敬请期待",
        ];
        text.chars().count() <= 60 && said.iter().any(|word| text.contains(word))
    });
    if says {
        return Some(Why::OnRequest);
    }
    unreadable_price(page, is_relevant).then_some(Why::Unreadable)
}

/// Whether the first place that is marked as the price holds a sign and no figure.
pub(crate) fn unreadable_price(page: &Page, is_relevant: &[bool]) -> bool {
    for (id, node) in page.nodes.iter().enumerate() {
        if !is_relevant.get(id).copied().unwrap_or(false) {
            continue;
        }
        match &node.kind {
            Kind::Text(text) if holds_shapes(text) => return true,
            Kind::Text(_) => {}
            Kind::Element(..) => {
                if !is_price_mark(&marks(page, id), page, id) || is_crossed_out(page, id) {
                    continue;
                }
                let text = seen(page, id);
                let spoken = page.attribute(id, "aria-label").or_else(|| page.attribute(id, "content"));
                let is_figure =
                    |text: &str| text.chars().any(|c| c.is_numeric() || "一二三四五六七八九十".contains(c));
                let has_data = ["data-price", "data-price-amount"]
                    .iter()
                    .any(|name| page.attribute(id, name).is_some_and(is_figure));
                if is_figure(&text) || spoken.is_some_and(is_figure) || has_data {
                    return false;
                }
                let is_sign = |c: char| {
                    matches!(c, '¥' | '￥' | '$' | '€' | '£' | '-' | '—' | '?' | '？' | '元' | ' ' | '.')
                };
                if text.contains(['¥', '￥', '$', '€', '£']) && text.chars().all(is_sign) {
                    return true;
                }
            }
        }
    }
    false
}

/// Whether a sign of money stands before characters that only the page's own font gives a shape.
fn holds_shapes(text: &str) -> bool {
    let mut was_sign = false;
    for c in text.chars().filter(|c| !c.is_whitespace()).take(2_000) {
        if was_sign && matches!(c, '\u{E000}'..='\u{F8FF}') {
            return true;
        }
        was_sign = matches!(c, '¥' | '￥' | '$' | '€' | '£');
    }
    false
}

/// Whether the page is a list of products and not a product: it says so in its data, or it holds at least
/// three cards of the same make, each with link, picture and price, and no price beside them.
pub(crate) fn is_list(page: &Page, is_relevant: &[bool]) -> bool {
    if structured::is_product_page(page) {
        return false;
    }
    if structured::is_collection(page) {
        return true;
    }
    let cards = cards(page, is_relevant);
    let is_apart = |id: NodeId| {
        let is_inside = cards.iter().any(|card| page.inside(*card).contains(&id) || *card == id);
        !is_inside && !cards.iter().any(|card| page.inside(id).contains(card))
    };
    cards.len() >= 3
        && !(0..page.nodes.len()).any(|id| {
            is_relevant.get(id).copied().unwrap_or(false)
                && !page.name(id).is_empty()
                && is_price_mark(&marks(page, id), page, id)
                && is_apart(id)
                && seen(page, id).chars().any(|c| c.is_ascii_digit())
        })
}

/// The cards of the longest row of cards.
fn cards(page: &Page, is_relevant: &[bool]) -> Vec<NodeId> {
    let mut rows: std::collections::BTreeMap<(NodeId, &str), Vec<NodeId>> = std::collections::BTreeMap::new();
    for (id, node) in page.nodes.iter().enumerate() {
        let span = page.inside(id);
        let sized = (5..=120).contains(&span.len());
        if !sized || !is_relevant.get(id).copied().unwrap_or(false) {
            continue;
        }
        let Some(parent) = node.parent else { continue };
        let has =
            |wanted: &str| page.name(id) == wanted || span.clone().any(|inner| page.name(inner) == wanted);
        if has("a") && has("img") && has_price(page, id) {
            rows.entry((parent, page.name(id))).or_default().push(id);
        }
    }
    rows.into_values().max_by_key(Vec::len).unwrap_or_default()
}

fn has_price(page: &Page, id: NodeId) -> bool {
    page.inside(id).any(|inner| match page.nodes.get(inner).map(|node| &node.kind) {
        Some(Kind::Text(text)) => {
            text.contains(['¥', '￥', '$', '€', '£']) && text.chars().any(|c| c.is_ascii_digit())
        }
        _ => false,
    })
}

/// The words in which the page of an application says, among its figures, that it is free.
pub(crate) fn free(page: &Page, is_relevant: &[bool], all: &[Line]) -> Option<String> {
    const WORDS: [&str; 9] = [
        "免费",
        "免费下载",
        "完全免费",
        "价格：免费",
        "价格: 免费",
        "free",
        "free download",
        "free to play",
        "price: free",
    ];
    // Delivery and trials are free elsewhere.
    let marks = ["mb", "下载", "安装", "版本", "install", "download", "version", "应用商店", "app"];
    let title = page.named("title").next().map(|id| page.raw_text(id)).unwrap_or_default();
    let texts = all.iter().take(60).map(|line| line.text.as_str()).chain([title.as_str()]);
    let is_application =
        texts.map(str::to_lowercase).any(|text| marks.iter().any(|mark| text.contains(mark)));
    if !is_application {
        return None;
    }
    let nodes = page.nodes.iter().zip(is_relevant).filter(|(_, is_relevant)| **is_relevant).take(400);
    let parts = nodes.filter_map(|(node, _)| match &node.kind {
        Kind::Text(text) if text.chars().count() <= 80 => Some(text.as_str()),
        _ => None,
    });
    parts
        .flat_map(|text| text.split(['|', '·', '•', '/', '｜', '，', ',']))
        .map(str::trim)
        .find(|part| WORDS.contains(&part.to_lowercase().as_str()))
        .map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aside::relevant;
    use crate::text::lines;

    fn page(html: &str) -> (Page, Vec<bool>) {
        let page = Page::parse(html).unwrap();
        let is_relevant = relevant(&page);
        (page, is_relevant)
    }

    #[test]
    fn a_price_that_cannot_be_read_is_no_price() {
        for (html, wanted) in [
            (
                "<h1>Rice</h1><span class='p-price'>￥<b class='price'></b></span><ul><li class='price'>￥12</li></ul>",
                true,
            ),
            ("<h1>Rice</h1><div class='deal'>Set <i>¥&#xe602;&#xe606;</i></div><p>Next door ¥58</p>", true),
            ("<h1>Rice</h1><span class='price'>￥12</span><span class='price'>￥</span>", false),
            ("<h1>酒</h1><div class='price'>三十九元</div>", false),
        ] {
            let (page, is_relevant) = page(html);
            assert_eq!(unreadable_price(&page, &is_relevant), wanted, "{html}");
        }
    }

    #[test]
    fn a_list_of_products_is_no_product() {
        let card = "<li><a href='/p'><img src='/i.jpg'><h2>Mug</h2><span class='price'>$18</span></a></li>";
        let (list, is_relevant) = page(&format!("<h1>Mugs</h1><ul>{}</ul>", card.repeat(4)));
        assert!(is_list(&list, &is_relevant));
        let own = format!("<h1>Mug</h1><p class='price'>$18</p><ul>{}</ul>", card.repeat(4));
        let (own, is_relevant) = page(&own);
        assert!(!is_list(&own, &is_relevant));
    }

    #[test]
    fn free_is_said_among_the_figures_of_an_application() {
        let is_free = |html: &str| {
            let (page, is_relevant) = page(html);
            free(&page, &is_relevant, &lines(&page, &is_relevant)).is_some()
        };
        assert!(is_free("<h1>数独</h1><p>46万次 | 12.8MB | 免费</p>"));
        assert!(is_free("<h1>Notes</h1><p><span>32 MB</span><span>Free</span></p>"));
        assert!(!is_free("<h1>Bottle</h1><table><tr><td>Delivery</td><td>Free</td></tr></table>"));
        assert!(!is_free("<h1>Bottle</h1><p>Free shipping over $50</p>"));
    }
}
