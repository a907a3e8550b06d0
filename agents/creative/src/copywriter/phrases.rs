//! Words of a brief in the forms that lines need: prices, dates, noun phrases, lines of business.

use spotwright_core::domain::copy_rules::locale::{day, price};
use spotwright_schemas::Locale;
use spotwright_schemas::brief::{Brief, FactId, FactKind, KeyOffer, Vertical};
use spotwright_schemas::money::Micros;

use super::material::Claim;
use super::terms;
use spotwright_schemas::wording::{folded, is_han};

/// Measure words that can stand between `一` and the thing.
const MEASURE_WORDS: &str =
    "款个件台家双瓶盒包条套把部种门节场本张支罐片顿杯份次项间只副辆顶盏位颗对束箱桶袋根架床块组";

/// Prices and terms as they are said, in the brief's language.
#[derive(Debug, Clone, Default)]
pub(super) struct OfferPhrases {
    /// What one gets, e.g. `四人餐`.
    pub(super) covers: Option<String>,
    pub(super) now: Option<String>,
    pub(super) before: Option<String>,
    pub(super) until: Option<String>,
    pub(super) redeem: Option<String>,
    /// The price as the brief's fact says it.
    pub(super) price: Option<String>,
    pub(super) price_fact: Option<FactId>,
    /// The fact that states the key offer.
    pub(super) fact: Option<FactId>,
    /// What that fact says.
    pub(super) own: Option<String>,
    /// Whether it names a condition that neither what is covered nor how to redeem it names.
    pub(super) own_conditions: bool,
    /// The price of now with the condition that the fact names: `预订价268元`, `$59 for members`.
    pub(super) conditional_now: Option<String>,
    /// Offer facts: delivery, returns, gifts, trials.
    pub(super) terms: Vec<(FactId, String)>,
    pub(super) place: Option<String>,
}

impl OfferPhrases {
    pub(super) fn of(brief: &Brief, claims: &[Claim<'_>]) -> Self {
        let first = |kind: FactKind| claims.iter().find(|claim| claim.fact.kind == kind);
        let key = brief.offer.as_ref();
        let terms = claims
            .iter()
            .filter(|claim| claim.fact.kind == FactKind::Offer)
            .map(|claim| (claim.fact.id.clone(), claim.fact.text.clone()))
            .collect();
        let price = first(FactKind::Price);
        let own = key
            .and_then(|offer| offer.fact.as_ref())
            .and_then(|id| brief.fact(id))
            .map(|fact| fact.text.clone());
        let now = key.map(|offer| amount(offer.price_now, offer, brief.locale));
        Self {
            covers: key.and_then(|offer| offer.covers.clone()),
            conditional_now: own.as_deref().zip(now.as_deref()).and_then(|(own, now)| {
                terms::under_its_condition(now, &folded(own), brief.locale.is_chinese())
            }),
            now,
            before: key.and_then(|offer| offer.price_before.map(|sum| amount(sum, offer, brief.locale))),
            until: key.and_then(KeyOffer::last_day).map(|date| day(date, brief.locale)),
            redeem: key.and_then(|offer| offer.redeem.clone()),
            price: price.map(|claim| claim.fact.text.clone()),
            price_fact: price.map(|claim| claim.fact.id.clone()),
            own_conditions: own.as_deref().zip(key).is_some_and(|(own, key)| {
                let told = folded(&format!(
                    "{} {}",
                    key.covers.as_deref().unwrap_or_default(),
                    key.redeem.as_deref().unwrap_or_default()
                ));
                let named = terms::conditions_in(&folded(own), brief.locale.is_chinese());
                named.iter().any(|word| !told.contains(word.trim_end()))
            }),
            own,
            fact: key.and_then(|offer| offer.fact.clone()),
            terms,
            place: None,
        }
    }
}

/// An amount as one says it: `$27`, `£9.99`, `98元`, `免费`, `free`.
fn amount(sum: Micros, offer: &KeyOffer, locale: Locale) -> String {
    if sum == Micros::ZERO {
        return if locale.is_chinese() { "免费" } else { "free" }.to_owned();
    }
    price(sum, offer.currency, locale)
}

/// A name without the size or weight at its end, which nobody says: `Compost Bin 4L`.
pub(super) fn without_size(name: &str) -> &str {
    let mut short = name;
    while let Some((head, last)) = short.rsplit_once(' ') {
        let measure = ["g", "kg", "ml", "l", "oz", "lb", "lbs", "cm", "inch", "克", "毫升"];
        let sized =
            last.chars().any(|c| c.is_ascii_digit()) || measure.contains(&last.to_lowercase().as_str());
        if !sized || !head.contains(' ') {
            break;
        }
        short = head;
    }
    short
}

/// A noun phrase as given, and without article or measure word.
pub(super) fn bare(phrase: &str, chinese: bool) -> (String, String) {
    let bare = if chinese {
        let mut chars = phrase.chars();
        let one = chars.next() == Some('一');
        let measured = chars.next().is_some_and(|c| MEASURE_WORDS.contains(c));
        if one && measured { chars.as_str() } else { phrase }
    } else {
        ["a ", "an ", "the ", "A ", "An ", "The "]
            .iter()
            .find_map(|article| phrase.strip_prefix(article))
            .unwrap_or(phrase)
    };
    (phrase.to_owned(), bare.to_owned())
}

/// Whether `anchor` stands in `text` (both folded): at the beginning of a word in Latin script, as a
/// whole word where it ends in a space; anywhere in Chinese.
pub(super) fn holds(text: &str, anchor: &str, chinese: bool) -> bool {
    let word = anchor.trim_end();
    // Most texts hold most words nowhere, which the plain search tells fastest.
    if word.is_empty() || !text.contains(word) {
        return false;
    }
    if chinese {
        return true;
    }
    let goes_on = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    text.match_indices(word).any(|(at, _)| {
        let whole = word.len() < anchor.len();
        !(goes_on(text[..at].chars().next_back()) || whole && goes_on(text[at + word.len()..].chars().next()))
    })
}

pub(super) fn is_trial(text: &str, chinese: bool) -> bool {
    let words: &[&str] = if chinese {
        &["试", "体验", "尝鲜"]
    } else {
        &["trial", "try it", "days free", "first lesson", "free for"]
    };
    words.iter().any(|word| holds(text, word, chinese))
}

pub(super) fn is_place(text: &str, chinese: bool) -> bool {
    let words: &[&str] = if chinese {
        &["路", "街", "号", "广场", "商场", "地铁", "出口", "门店", "店里", "楼"]
    } else {
        &["street", "st.", "avenue", "square", "corner", "downtown", "mall", "station", "floor", "next to"]
    };
    words.iter().any(|word| holds(text, word, chinese))
}

/// English words that say nothing about a topic.
const PLAIN_WORDS: &[&str] = &[
    "about", "after", "again", "also", "back", "been", "before", "every", "from", "have", "here", "into",
    "just", "like", "more", "most", "much", "only", "over", "same", "some", "than", "that", "their", "them",
    "then", "there", "they", "this", "time", "until", "very", "well", "what", "when", "where", "which",
    "while", "will", "with", "work", "take", "make", "come", "goes", "home", "look", "good", "need", "done",
    "still", "looking", "going", "first", "last", "next", "night", "morning", "minute", "minutes", "hour",
    "hours", "week", "weeks", "thing", "things", "side", "both", "whole", "right", "never", "open", "close",
    "closed", "keep", "keeps", "full", "hand", "hands", "within", "without", "year", "years", "days", "your",
    "yours", "each", "does", "need", "long", "many", "been", "anyone",
];

/// Content units of a text: words of four letters and more in Latin script, pairs of Han characters.
pub(super) fn units(text: &str, chinese: bool) -> Vec<String> {
    if chinese {
        let chars: Vec<char> = text.chars().collect();
        let pairs = chars
            .windows(2)
            .filter(|pair| pair.iter().all(|c| is_han(*c) && !"的了不是有在就也都一和这那".contains(*c)));
        pairs.map(|pair| pair.iter().collect()).collect()
    } else {
        text.split(|c: char| !c.is_alphanumeric())
            .filter(|word| {
                word.len() >= 4
                    && !PLAIN_WORDS.contains(word)
                    && !word.starts_with(|c: char| c.is_ascii_digit())
            })
            .map(stem)
            .collect()
    }
}

/// Cuts the endings that English inflection adds; enough to see that two words are one.
fn stem(word: &str) -> String {
    for ending in ["ing", "ed", "es", "s"] {
        if let Some(short) = word.strip_suffix(ending) {
            if short.len() >= 4 || (ending == "s" && short.len() >= 3) {
                return short.to_owned();
            }
        }
    }
    word.to_owned()
}

/// Words by which a line of business is recognized, the most telling first.
const VERTICAL_WORDS: &[(Vertical, &[&str], &[&str])] = &[
    (Vertical::Drama, &["short drama", "episode", "series"], &["短剧", "剧集", "小说"]),
    (Vertical::Game, &["game", "puzzle", "player"], &["游戏", "闯关", "手游"]),
    (Vertical::App, &["app", "software"], &["App", "app", "软件", "小程序"]),
    (
        Vertical::Restaurant,
        &["restaurant", "diner", "bakery", "cafe", "ramen"],
        &["餐厅", "火锅", "烤肉", "菜馆", "饭店", "餐馆", "烧烤", "面馆"],
    ),
    (Vertical::CoffeeTea, &["coffee", "tea", "espresso"], &["咖啡", "茶"]),
    (Vertical::Drinkware, &["bottle", "tumbler", "mug", "flask"], &["保温杯", "水杯", "水壶", "随行杯"]),
    (Vertical::Pets, &["cat", "dog", "pet"], &["猫", "狗", "宠物"]),
    (Vertical::Baby, &["baby", "toddler", "stroller"], &["婴儿", "宝宝", "奶瓶", "纸尿裤"]),
    (
        Vertical::KidsEducation,
        &["kids class", "for kids", "children"],
        &["少儿", "儿童编程", "孩子上课", "小朋友"],
    ),
    (Vertical::AdultCourses, &["course", "class", "lesson"], &["课程", "训练营", "网课", "培训"]),
    (
        Vertical::Beauty,
        &["serum", "lipstick", "shampoo", "sunscreen", "skin", "soap"],
        &["护肤", "口红", "面霜", "洗发", "防晒霜", "面膜", "香皂"],
    ),
    (Vertical::Shoes, &["shoe", "sneaker", "boot", "sock"], &["鞋", "袜"]),
    (Vertical::Clothing, &["shirt", "jacket", "dress", "jeans", "coat"], &["衣", "裤", "裙", "外套", "衬衫"]),
    (Vertical::Kitchen, &["knife", "pan", "pot", "blender", "kettle"], &["锅", "刀具", "料理机", "厨房"]),
    (
        Vertical::Electronics,
        &["headphone", "earbud", "charger", "speaker", "camera", "keyboard"],
        &["耳机", "充电", "音箱", "相机", "键盘"],
    ),
    (
        Vertical::SportsOutdoor,
        &["hike", "hiking", "tent", "camping", "yoga", "running", "headlamp", "bike", "dumbbell"],
        &["露营", "帐篷", "徒步", "瑜伽", "跑步", "登山", "哑铃", "骑行"],
    ),
    (Vertical::Travel, &["hotel", "trip", "flight", "tour"], &["酒店", "民宿", "旅行", "机票", "度假"]),
    (Vertical::Finance, &["bank", "insurance", "invoice", "budgeting"], &["银行", "保险", "理财", "记账"]),
    (
        Vertical::HealthServices,
        &["dentist", "dental", "clinic", "optician", "physio", "gym"],
        &["牙", "口腔", "眼镜", "健身", "体检"],
    ),
    (
        Vertical::LocalServices,
        &["cleaning", "repair", "moving", "plumber", "hair"],
        &["保洁", "维修", "搬家", "美发", "洗车"],
    ),
    (
        Vertical::Home,
        &["blanket", "lamp", "pillow", "sofa", "desk", "mattress", "chair", "table", "curtain", "rug"],
        &["被", "灯", "枕", "沙发", "床", "家居"],
    ),
    (
        Vertical::FoodDrink,
        &["snack", "chocolate", "juice", "honey", "noodle", "food"],
        &["零食", "坚果", "果汁", "蜂蜜", "水果", "食品", "面条", "挂面", "泡菜"],
    ),
];

/// The line of business that the brief's words tell; general where none does.
pub(super) fn vertical_of(words: &str, chinese: bool) -> Vertical {
    // The category is the last line of the brief's words, and tells most.
    let category = words.rsplit('\n').next().unwrap_or(words);
    let tells = |text: &str| {
        VERTICAL_WORDS.iter().find_map(|(vertical, en, zh)| {
            let list = if chinese { zh } else { en };
            list.iter().any(|word| names(text, &word.to_lowercase(), chinese)).then_some(*vertical)
        })
    };
    tells(category).or_else(|| tells(words)).unwrap_or(Vertical::General)
}

/// Whether a text names a thing by this word: the whole word or its plural in Latin script, so that neither a team
/// is tea nor a potato a pot; long words may go on.
fn names(text: &str, word: &str, chinese: bool) -> bool {
    if chinese || word.len() >= 6 {
        return holds(text, word, chinese);
    }
    [format!("{word} "), format!("{word}s "), format!("{word}es ")]
        .iter()
        .any(|form| holds(text, form, false))
}

/// The text with its first letter in upper case.
pub(super) fn capitalized(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |c| c.to_uppercase().chain(chars).collect())
}

/// Whether a fact can be shown happening: an action of hands and things.
pub(super) fn is_visible(text: &str, chinese: bool) -> bool {
    let words: &[&str] = if chinese {
        &[
            "撕",
            "倒着",
            "折",
            "拧",
            "一按",
            "按下",
            "长按",
            "摔",
            "淋",
            "搓",
            "拉了",
            "卷起来",
            "拆下来",
            "取下来",
            "拎出来",
            "一冲",
            "水洗",
            "一挑",
            "现切",
            "现擀",
            "现称",
            "片",
            "套，",
            "隔着玻璃",
            "推着",
            "一撕",
            "拍题",
            "说一句",
            "导入",
            "挪一条",
            "开合",
            "收起来",
            "站得住",
            "跟着颜色",
            "抱着",
        ]
    } else {
        &[
            "fold",
            "dropped",
            "turn the",
            "twist",
            "press",
            "pour",
            "lock",
            "snap",
            "clip",
            "tap",
            "goes in",
            "zips",
            "opens with",
            "open in",
            "stretch",
            "squeeze",
            "scan",
            "photograph",
            "rinse",
            "slices",
            "clicks",
            "packs into",
            "stands in",
            "rolled",
            "bent",
            "throw it",
            "put your",
            "steer",
            "hold to",
            "lifts out",
            "tears off",
            "move one",
            "send your",
            "by walking",
            "buckles",
            "without a hole",
            "under the sprinkler",
        ]
    };
    words.iter().any(|word| holds(text, word, chinese))
}

/// Whether a fact tells what one finds on opening the parcel.
pub(super) fn is_in_the_box(text: &str, chinese: bool) -> bool {
    let words: &[&str] = if chinese {
        &[
            "礼盒",
            "贺卡",
            "铁罐",
            "套装",
            "独立包装",
            "一盒",
            "充电盒",
            "附赠",
            "送一",
            "送量杯",
            "送两",
            "挂袋",
        ]
    } else {
        &[
            "in the box",
            "gift box",
            "comes with",
            "carrying case",
            "sealed",
            "wrapped",
            "pouch",
            "set of",
            "on every box",
            "on the lid",
            "tin that",
            "the case is",
        ]
    };
    words.iter().any(|word| holds(text, word, chinese))
}

/// Whether a fact of a drama is about watching it, not about what happens in it.
pub(super) fn is_about_watching(text: &str, chinese: bool) -> bool {
    let words: &[&str] = if chinese {
        &[
            "集",
            "更新",
            "更完",
            "耳机",
            "免费",
            "地铁",
            "食堂",
            "排队",
            "睡前",
            "电视剧",
            "分钟",
            "拍了",
            "追剧",
        ]
    } else {
        &[
            "episode",
            "season",
            "watch",
            "free ",
            "second",
            "minute",
            "stops left",
            "earbud",
            "phone",
            "shot in",
            "lights off",
            "subscri",
            "screen",
            "bus ",
            "couch",
        ]
    };
    words.iter().any(|word| holds(text, word, chinese))
}

/// Whether a term is reason enough to open with: something free, less or tried.
pub(super) fn is_a_gain(text: &str, chinese: bool) -> bool {
    let text = text.to_lowercase();
    let words: &[&str] = if chinese {
        &["免费看", "免费听", "免费玩", "减", "半价", "试听", "小样", "原价", "新人领"]
    } else {
        &["are free", "instead of", "half", "trial", "try ", "first order"]
    };
    words.iter().any(|word| holds(&text, word, chinese))
}

/// A text as caption and, where it is longer than `limit`, the rest after a comma; `None` where it
/// cannot be parted so that the caption fits.
pub(super) fn two_lines(text: &str, limit: usize) -> Option<(String, String)> {
    if text.chars().count() <= limit {
        return Some((text.to_owned(), String::new()));
    }
    text.char_indices().filter(|(_, c)| matches!(c, '，' | ',' | '；' | ';' | '：')).find_map(|(at, c)| {
        let (head, tail) = (&text[..at], text[at + c.len_utf8()..].trim_start());
        // A comma inside a number parts nothing.
        let inside =
            head.ends_with(|c: char| c.is_ascii_digit()) && tail.starts_with(|c: char| c.is_ascii_digit());
        // What goes on with a conjunction is no line of its own.
        let half = ["and ", "or ", "but ", "so "].iter().any(|word| tail.starts_with(word));
        // In Latin script a list is not parted, nor a clause of less than three words.
        let latin = c == ',';
        let short = latin && (text.matches(", ").count() > 1 || head.split_whitespace().count() < 3);
        (!inside && !half && !short && head.chars().count() <= limit && !tail.is_empty())
            .then(|| (head.to_owned(), tail.to_owned()))
    })
}

/// A scene of the viewer as caption and what goes on below it: parted at its last comma where it is longer than
/// `limit`; `None` where neither half would be a line. Unlike a fact, a scene may go on with "and".
pub(super) fn scene_lines(text: &str, limit: usize) -> Option<(String, String)> {
    if text.chars().count() <= limit {
        return Some((text.to_owned(), String::new()));
    }
    let parts = text.char_indices().filter(|(_, c)| matches!(c, '，' | ',' | '；' | ';' | '：'));
    parts
        .filter_map(|(at, c)| {
            let (head, tail) = (&text[..at], text[at + c.len_utf8()..].trim_start());
            let inside = head.ends_with(|c: char| c.is_ascii_digit())
                && tail.starts_with(|c: char| c.is_ascii_digit());
            let latin = c == ',' || c == ';';
            let short = latin && (head.split_whitespace().count() < 2 || tail.split_whitespace().count() < 2);
            (!inside && !short && head.chars().count() <= limit && !tail.is_empty())
                .then(|| (head.to_owned(), tail.to_owned()))
        })
        .next_back()
}

/// Whether a fact says that something is not, no longer or still so: it can deny a trouble.
pub(super) fn denies(text: &str, chinese: bool) -> bool {
    let words: &[&str] = if chinese {
        &["不", "没", "还是", "同一", "一样", "就"]
    } else {
        &[
            "no ", "not ", "without ", "still ", "stays", "same ", "skip", "nothing", "never ", "keeps",
            "only ",
        ]
    };
    words.iter().any(|word| holds(text, word, chinese))
}

/// Whether a fact itself sets the product beside something else.
pub(super) fn compares(text: &str, chinese: bool) -> bool {
    let words: &[&str] = if chinese {
        &["比", "不是", "代替", "省掉", "和平时", "差不多"]
    } else {
        &["than ", "instead of", "not a ", "as much as", "half the", "like a "]
    };
    words.iter().any(|word| holds(text, word, chinese))
}
