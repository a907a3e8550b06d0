//! What of a page is about its product: everything but menus, notices, reviews and other products.

use crate::dom::{Kind, NodeId, Page};
use crate::text::{heading_rank, is_block, is_unseen, marks};

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

/// Whether an element is about something else than the product.
fn is_aside(page: &Page, id: NodeId) -> bool {
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
