//! The text of a page that is about its product, and sentences.

use std::ops::Range;

use crate::dom::{Kind, NodeId, Page};

/// Words of `class` and `id` whose elements are not about the product.
const ASIDE: &[&str] = &[
    "nav",
    "navbar",
    "navigation",
    "menubar",
    "breadcrumb",
    "breadcrumbs",
    "crumb",
    "crumbs",
    "footer",
    "foot",
    "cookie",
    "cookies",
    "consent",
    "gdpr",
    "newsletter",
    "subscribe",
    "signup",
    "popup",
    "modal",
    "overlay",
    "dialog",
    "share",
    "sharing",
    "social",
    "recommend",
    "recommended",
    "recommendation",
    "recommendations",
    "related",
    "upsell",
    "upsells",
    "crosssell",
    "crosssells",
    "similar",
    "alsobought",
    "alsolike",
    "alsoviewed",
    "recently",
    "viewed",
    "sidebar",
    "review",
    "reviews",
    "comment",
    "comments",
    "rating",
    "ratings",
    "testimonial",
    "testimonials",
    "questions",
    "qna",
    "askbox",
    "announcement",
    "toolbar",
    "topbar",
    "sitenav",
    "minicart",
    "cart",
    "login",
    "search",
    "copyright",
    "pagination",
    "skip",
    "sponsored",
    "advert",
    "ads",
    "推荐",
    "tuijian",
    "pj",
    "pingjia",
    "评价",
    "页脚",
    "导航",
    "guess",
    "guesslike",
    "hotsale",
    "bestsellers",
    "shortcut",
    "sitemap",
    "privacy",
    "fittings",
    "accessories",
    "near",
    "nearby",
    "rec",
    "recs",
    "rev",
    "revs",
    "cmt",
    "cmts",
    "upsale",
    "eval",
    "appraise",
    "rate",
    "say",
    "like",
    "others",
    "feedbacks",
    "protection",
    "openbox",
    "rules",
    "faq",
    "quote",
    "quotes",
    "feedback",
    "ugc",
    "alsobuy",
    "youlike",
    "changelog",
    "whatsnew",
    "xgsp",
    "xiangguan",
    "peijian",
    "pinglun",
    "pingjia",
    "tuijian",
    "配件",
    "评论",
    "相关",
    "附近",
];

/// Pairs of words that together mean one of [`ASIDE`].
const ASIDE_PAIRS: &[(&str, &str)] = &[
    ("cross", "sell"),
    ("cross", "sells"),
    ("also", "like"),
    ("also", "bought"),
    ("also", "viewed"),
    ("you", "may"),
    ("you", "might"),
    ("bought", "together"),
    ("other", "products"),
    ("more", "products"),
    ("site", "header"),
    ("main", "menu"),
];

/// Headings below which a page speaks of something else.
const ASIDE_HEADINGS: &[&str] = &[
    "you may also like",
    "you might also like",
    "related products",
    "recommended",
    "customers also",
    "people also",
    "frequently bought together",
    "recently viewed",
    "similar",
    "more from",
    "customer reviews",
    "reviews",
    "what customers say",
    "questions",
    "shipping",
    "delivery",
    "returns",
    "newsletter",
    "subscribe",
    "follow us",
    "cookie",
    "privacy",
    "footer",
    "inspired by",
    "sponsored",
    "other products",
    "more to explore",
    "猜你喜欢",
    "相关推荐",
    "为你推荐",
    "看了又看",
    "买了又买",
    "大家都在买",
    "店铺推荐",
    "热销推荐",
    "用户评价",
    "商品评价",
    "宝贝评价",
    "买家秀",
    "问大家",
    "配送说明",
    "退换货",
    "售后保障",
    "价格说明",
    "products related",
    "other titles",
    "other books",
    "our other",
    "other items",
    "complete the set",
    "店主还卖",
    "本店还有",
    "店里还有",
    "also in",
    "also from",
    "also by",
    "related",
    "customers who",
    "goes well with",
    "goes with",
    "pairs with",
    "pairs well",
    "complete the look",
    "accessories",
    "ratings",
    "reviews for",
    "what guests",
    "what people",
    "testimonials",
    "more like this",
    "more games",
    "more apps",
    "more ways",
    "others looked",
    "people who",
    "what's new",
    "what’s new",
    "version history",
    "add-ons",
    "配件",
    "人气配件",
    "热门配件",
    "搭配购买",
    "搭配推荐",
    "相关",
    "同类",
    "同店",
    "你可能",
    "评分及评论",
    "评价",
    "评论",
    "网友评论",
    "用户评论",
    "商品评论",
    "累计评价",
    "新内容",
    "新功能",
    "更新日志",
    "版本记录",
];

/// Beginnings of a block that names other things than the product: `See also: Vinegar €9.40`.
const ASIDE_BEGINNINGS: &[&str] = &[
    "see also",
    "also see",
    "also on",
    "more like this",
    "more from",
    "others looked at",
    "others bought",
    "others also",
    "people also",
    "customers also",
    "you may also",
    "you might also",
    "related",
    "recently viewed",
    "goes with",
    "goes well with",
    "pairs with",
    "pairs well with",
    "bought together",
    "loved by",
    "相关产品",
    "相关商品",
    "相关推荐",
    "相关",
    "同行都在看",
    "周边热卖",
    "顾客反馈",
    "买家印象",
    "买家秀",
    "用户印象",
    "顾客说",
    "客户评价",
    "用户反馈",
    "家长：",
    "家长说",
    "附近",
    "同类",
    "同店",
    "猜你喜欢",
    "看了又看",
    "买了又买",
    "大家还看",
    "还看了",
    "还买了",
    "店内其他",
    "其他商品",
    "为你推荐",
    "推荐商品",
    "热门推荐",
    "搭配购买",
    "网友评论",
    "用户评论",
    "用户评价",
    "买家评价",
    "买家说",
    "评论",
    "评价",
    "许可证",
];

/// A line of a page and its heading.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) heading: String,
    pub(crate) text: String,
    /// Whether it is an item of a list, or a cell.
    pub(crate) is_item: bool,
}

/// Words of a text of `class` or `id`: `productPrice--old` is `product`, `price`, `old`.
pub(crate) fn words_of(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut word = String::new();
    let mut was_lower = false;
    for c in text.chars().take(400) {
        if !c.is_alphanumeric() || (c.is_uppercase() && was_lower) {
            if !word.is_empty() {
                words.push(std::mem::take(&mut word));
            }
        }
        was_lower = c.is_lowercase();
        if c.is_alphanumeric() {
            word.extend(c.to_lowercase());
        }
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

/// Words of class and id of an element.
pub(crate) fn marks(page: &Page, id: NodeId) -> Vec<String> {
    let mut words = words_of(page.attribute(id, "class").unwrap_or_default());
    for name in ["id", "data-hook", "data-testid", "data-purpose"] {
        words.extend(words_of(page.attribute(id, name).unwrap_or_default()));
    }
    words
}

/// Whether nobody sees the element.
pub(crate) fn is_unseen(page: &Page, id: NodeId) -> bool {
    let style = page.attribute(id, "style").unwrap_or_default();
    let style: String =
        style.chars().filter(|c| !c.is_whitespace()).take(1_000).collect::<String>().to_lowercase();
    let hides = ["display:none", "visibility:hidden", "font-size:0;", "font-size:1px", "opacity:0;"];
    page.attribute(id, "hidden").is_some()
        || page.attribute(id, "aria-hidden").is_some_and(|value| value == "true")
        || hides.iter().any(|hide| style.contains(hide))
        || ["font-size:0", "opacity:0"].iter().any(|hide| style.ends_with(hide))
        || matches!(
            page.name(id),
            "script"
                | "style"
                | "noscript"
                | "template"
                | "svg"
                | "iframe"
                | "select"
                | "textarea"
                | "head"
                | "object"
        )
}

/// Whether an element is about something else than the product.
pub(crate) fn is_aside(page: &Page, id: NodeId) -> bool {
    let name = page.name(id);
    if matches!(name, "nav" | "footer" | "dialog" | "marquee" | "blockquote") {
        return true;
    }
    let inside = |wanted: &str| page.inside(id).filter(|inner| page.name(*inner) == wanted).count();
    // Some shops keep the box with price and button in an `aside`; one with many links is another matter.
    if (name == "aside" && inside("a") >= 3) || (name == "header" && inside("h1") == 0) {
        return true;
    }
    let role = page.attribute(id, "role").unwrap_or_default();
    if matches!(role, "navigation" | "contentinfo" | "dialog" | "search" | "complementary" | "banner") {
        return true;
    }
    if matches!(name, "html" | "body" | "main" | "article") {
        return false;
    }
    let words = marks(page, id);
    let has_aside = words.iter().any(|word| ASIDE.contains(&word.as_str()));
    let has_pair = ASIDE_PAIRS.iter().any(|(first, second)| {
        words.windows(2).any(|pair| matches!(pair, [a, b] if a == first && b == second))
    });
    (has_aside || has_pair) && !words.iter().any(|word| word == "main")
}

/// For every node whether it is seen and about the product.
pub(crate) fn relevant(page: &Page) -> Vec<bool> {
    let mut is_relevant = vec![true; page.nodes.len()];
    let heading = page.named("h1").next().unwrap_or(0);
    let is_product =
        |id: NodeId| page.attribute(id, "itemtype").is_some_and(|kind| kind.ends_with("/Product"));
    let has_heading = |id: NodeId| heading > id && page.inside(id).contains(&heading);
    // Of several marked-up products the one with the heading is meant.
    let is_marked = (0..heading).any(|id| is_product(id) && has_heading(id));
    let mut id = 0;
    while let Some(node) = page.nodes.get(id) {
        let is_other = || is_marked && is_product(id) && !has_heading(id);
        let leads = || node.end <= heading && is_menu(page, id);
        // Whatever it is called: what holds the heading is about the product.
        let is_elsewhere = || !has_heading(id) && (is_aside(page, id) || leads() || is_other());
        let skip = matches!(node.kind, Kind::Element(..)) && (is_unseen(page, id) || is_elsewhere());
        let end = if skip { node.end } else { id };
        for flag in is_relevant.get_mut(id..end).unwrap_or_default() {
            *flag = false;
        }
        id = end.max(id + 1);
    }
    hide_below_aside_headings(page, &mut is_relevant);
    hide_aside_blocks(page, &mut is_relevant);
    is_relevant
}

/// Whether an element is the menu above a page's heading; a restaurant's menu stands below it.
fn is_menu(page: &Page, id: NodeId) -> bool {
    let words = ["menu", "top", "side", "head", "hd", "bar", "topnav", "masthead"];
    let small = page.inside(id).len() <= 60;
    small && marks(page, id).iter().any(|word| words.contains(&word.as_str()))
}

/// Hides blocks that say in their first words that they are about something else: `附近：巷尾小馆 ¥58`.
fn hide_aside_blocks(page: &Page, is_relevant: &mut [bool]) {
    for id in 0..page.nodes.len() {
        let small = page.inside(id).len() <= 120 && is_block(page.name(id));
        if !small || !is_relevant.get(id).copied().unwrap_or(false) {
            continue;
        }
        let mut start = String::new();
        for inner in page.inside(id) {
            if let Some(Kind::Text(part)) = page.nodes.get(inner).map(|node| &node.kind) {
                start.push_str(part);
            }
            if start.trim_start().len() > 60 {
                break;
            }
        }
        if begins_aside(&start) {
            let span = page.inside(id);
            let end = span.end;
            for flag in is_relevant.get_mut(id..end).unwrap_or_default() {
                *flag = false;
            }
        }
    }
}

/// Whether a text begins by saying that it names other things: the phrase and a colon close behind it.
fn begins_aside(text: &str) -> bool {
    let start: String = text.trim_start().chars().take(40).collect::<String>().to_lowercase();
    let alone = [
        "看了又看",
        "看了还看",
        "猜你喜欢",
        "买了又买",
        "more like this",
        "you may also",
        "you might also",
        "customers also",
        "people also",
        "recently viewed",
    ];
    if alone.iter().any(|known| start.starts_with(known)) {
        return true;
    }
    ASIDE_BEGINNINGS.iter().any(|known| {
        start.strip_prefix(known).is_some_and(|rest| {
            let lead: String = rest.chars().take(14).collect();
            known.ends_with('：') || lead.contains([':', '：'])
        })
    })
}

/// Hides the section of a heading such as `You may also like`: what stands beside it, up to the next
/// heading of the same rank.
fn hide_below_aside_headings(page: &Page, is_relevant: &mut [bool]) {
    for id in 0..page.nodes.len() {
        if heading_rank(page.name(id)).is_none() || !is_relevant.get(id).copied().unwrap_or(false) {
            continue;
        }
        let title = page.raw_text(id).trim().to_lowercase();
        let also = [" also bought", " also like", " also viewed", " also read", "附近", "其他", "更多"];
        let is_aside_title = also.iter().any(|word| title.contains(word))
            || ASIDE_HEADINGS.iter().any(|known| title.starts_with(known))
            || title.ends_with(" reviews");
        if !is_aside_title || title.chars().count() > 60 {
            continue;
        }
        let rank = heading_rank(page.name(id)).unwrap_or(6);
        let parent_end = page
            .nodes
            .get(id)
            .and_then(|node| node.parent)
            .map_or(page.nodes.len(), |p| page.nodes.get(p).map_or(page.nodes.len(), |node| node.end));
        let end = (id + 1..parent_end)
            .find(|other| heading_rank(page.name(*other)).is_some_and(|other| other <= rank))
            .unwrap_or(parent_end);
        for flag in is_relevant.get_mut(id..end).unwrap_or_default() {
            *flag = false;
        }
    }
}

fn heading_rank(name: &str) -> Option<u8> {
    match name {
        "h1" => Some(1),
        "h2" => Some(2),
        "h3" => Some(3),
        "h4" => Some(4),
        "h5" => Some(5),
        "h6" => Some(6),
        _ => None,
    }
}

fn is_block(name: &str) -> bool {
    matches!(
        name,
        "address"
            | "article"
            | "aside"
            | "blockquote"
            | "body"
            | "br"
            | "button"
            | "caption"
            | "dd"
            | "details"
            | "div"
            | "dl"
            | "dt"
            | "fieldset"
            | "figcaption"
            | "figure"
            | "footer"
            | "form"
            | "h1"
            | "h2"
            | "h3"
            | "h4"
            | "h5"
            | "h6"
            | "header"
            | "hr"
            | "html"
            | "label"
            | "li"
            | "main"
            | "nav"
            | "ol"
            | "option"
            | "p"
            | "pre"
            | "section"
            | "summary"
            | "table"
            | "tbody"
            | "td"
            | "tfoot"
            | "th"
            | "thead"
            | "tr"
            | "ul"
    )
}

/// The lines of the page that are seen and about the product, each with the heading above it.
pub(crate) fn lines(page: &Page, is_relevant: &[bool]) -> Vec<Line> {
    let mut collector = Collector::default();
    // Ends of open blocks, innermost last.
    let mut ends: Vec<(NodeId, NodeId)> = Vec::new();
    for (id, node) in page.nodes.iter().enumerate() {
        while let Some((end, block)) = ends.last().copied().filter(|(end, _)| *end <= id) {
            collector.finish(heading_rank(page.name(block)).is_some());
            ends.pop();
            debug_assert!(end <= id);
        }
        if !is_relevant.get(id).copied().unwrap_or(false) {
            continue;
        }
        match &node.kind {
            Kind::Element(name, _) if is_block(name) => {
                collector.finish(false);
                collector.is_item = matches!(name.as_str(), "li" | "td" | "dd" | "th" | "dt");
                ends.push((node.end, id));
            }
            Kind::Element(..) => {}
            Kind::Text(text) => collector.line.push_str(text),
        }
    }
    collector.finish(false);
    collector.lines
}

#[derive(Default)]
struct Collector {
    lines: Vec<Line>,
    heading: String,
    line: String,
    is_item: bool,
}

impl Collector {
    fn finish(&mut self, is_heading: bool) {
        let text = crate::document::squeezed(&std::mem::take(&mut self.line));
        if text.is_empty() {
            return;
        }
        if is_heading {
            self.heading = text.chars().take(80).collect();
        }
        self.lines.push(Line { heading: self.heading.clone(), text, is_item: self.is_item });
    }
}

/// The seen text inside an element, in one line; blocks are parted by a space.
pub(crate) fn seen(page: &Page, id: NodeId) -> String {
    let mut text = String::new();
    let mut at = id;
    let end = page.inside(id).end;
    while at < end && text.len() < 20_000 {
        let Some(node) = page.nodes.get(at) else { break };
        match &node.kind {
            Kind::Element(name, _) => {
                if is_unseen(page, at) {
                    at = node.end.max(at + 1);
                    continue;
                }
                if is_cents(page, at) {
                    text.push('.');
                } else if is_block(name) || matches!(name.as_str(), "del" | "s" | "strike" | "ins") {
                    text.push(' ');
                }
            }
            Kind::Text(part) => text.push_str(part),
        }
        at += 1;
    }
    crate::document::squeezed(&text)
}

/// `1,299<sup>99</sup>`: two raised digits are hundredths.
pub(crate) fn is_cents(page: &Page, id: NodeId) -> bool {
    page.name(id) == "sup" && {
        let text = page.raw_text(id);
        text.trim().len() == 2 && text.trim().bytes().all(|b| b.is_ascii_digit())
    }
}

/// The sentences of a line of Chinese or English, as spans of its bytes without the white space around.
pub fn sentences(line: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut start = 0;
    let mut chars = line.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        let next = chars.peek().map(|(_, next)| *next);
        let behind = at + c.len_utf8();
        let ends = match c {
            '。' | '！' | '？' | '；' | '\n' | '•' | '·' | '●' | '★' | '◆' | '✓' | '✔' | '|' | '｜' => {
                true
            }
            '!' | '?' | ';' => next.is_none_or(char::is_whitespace),
            '.' => {
                next.is_none_or(char::is_whitespace)
                    && !is_abbreviation(line.get(start..at).unwrap_or_default())
            }
            _ => false,
        };
        if ends {
            push_trimmed(line, start..behind, &mut found);
            start = behind;
        }
    }
    push_trimmed(line, start..line.len(), &mut found);
    found
}

/// `oz.`, `approx.`, `No.`, single letters: the sentence goes on.
fn is_abbreviation(before: &str) -> bool {
    let word =
        before.rsplit(|c: char| c.is_whitespace() || c == '(').next().unwrap_or_default().to_lowercase();
    matches!(
        word.as_str(),
        "oz" | "approx"
            | "no"
            | "vs"
            | "dr"
            | "mr"
            | "mrs"
            | "ms"
            | "st"
            | "e.g"
            | "i.e"
            | "etc"
            | "reg"
            | "incl"
            | "min"
            | "max"
            | "lb"
            | "lbs"
            | "ft"
            | "fl"
            | "in"
            | "a.m"
            | "p.m"
            | "u.s"
            | "inc"
            | "ltd"
            | "co"
    ) || (word.chars().count() == 1 && word.chars().all(char::is_alphabetic))
}

fn push_trimmed(line: &str, span: Range<usize>, into: &mut Vec<Range<usize>>) {
    let Some(text) = line.get(span.clone()) else { return };
    let bullets = |c: char| c.is_whitespace() || "•·●★◆✓✔|｜-–—*>▪◦".contains(c);
    let front = text.len() - text.trim_start_matches(bullets).len();
    let body = text.trim_matches(|c: char| c.is_whitespace() || "•·●★◆✓✔|｜".contains(c));
    let body = body.trim_start_matches(bullets);
    if body.chars().any(char::is_alphanumeric) {
        into.push(span.start + front..span.start + front + body.len());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(html: &str) -> Vec<(String, String)> {
        let page = Page::parse(html).unwrap();
        let is_relevant = relevant(&page);
        lines(&page, &is_relevant).into_iter().map(|line| (line.heading, line.text)).collect()
    }

    #[test]
    fn only_what_is_about_the_product_is_read() {
        let html = "<body><nav>Home Shop</nav><div class='cookie-banner'>We use cookies</div><main><h1>Bottle</h1>\
            <p>Keeps <b>cold</b> for 24&nbsp;hours.</p><h2>Care</h2><p>Dishwasher safe</p><div hidden>ignore all</div>\
            <h2>You may also like</h2><p>Another bottle</p></main><footer>Imprint</footer></body>";
        let own = |heading: &str, text: &str| (heading.to_owned(), text.to_owned());
        assert_eq!(
            shown(html),
            [
                own("Bottle", "Bottle"),
                own("Bottle", "Keeps cold for 24 hours."),
                own("Care", "Care"),
                own("Care", "Dishwasher safe"),
            ]
        );
    }

    #[test]
    fn sentences_end_where_a_reader_ends_them() {
        let of = |line: &str| -> Vec<String> {
            sentences(line).into_iter().map(|span| line[span].to_owned()).collect()
        };
        assert_eq!(
            of("Holds 12 oz. of tea. Costs $9.99! New"),
            ["Holds 12 oz. of tea.", "Costs $9.99!", "New"]
        );
        assert_eq!(of("头采嫩芽。手工炒制！125克；罐装"), ["头采嫩芽。", "手工炒制！", "125克；", "罐装"]);
        assert_eq!(of("• One lid • Two straws"), ["One lid", "Two straws"]);
        assert_eq!(of("--- ..."), Vec::<String>::new());
    }

    #[test]
    fn names_of_classes_are_words() {
        assert_eq!(words_of("productPrice--old a_b"), ["product", "price", "old", "a", "b"]);
    }
}
