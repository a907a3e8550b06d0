//! The terms the compliance check looks for, as data.
//!
//! The lists name what advertising practice in the two markets treats as a violation; they are a
//! first filter, not legal advice. Laws are cited from secondary sources.

use spotwright_schemas::Locale;

use super::Context::{self, Beside, Measure, NoSuperlative, Ordinal, Phrase, Warranty};
use super::{Category, Severity};

/// One term and what is said about it.
#[derive(Debug, Clone, Copy)]
pub struct Term {
    /// The words, folded: lowercase, half-width.
    pub text: &'static str,
    /// Language whose texts are searched.
    pub locale: Locale,
    /// Why it is a problem.
    pub category: Category,
    /// Rule it falls under.
    pub law: &'static str,
    /// Whether it stops the text.
    pub severity: Severity,
    /// Contexts in which it claims nothing, or what is allowed where it is true.
    pub allowed: &'static [Context],
    /// Words to use instead; empty where the claim has to go.
    pub rewrite: &'static str,
}

const CN_9_3: &str = "PRC Advertising Law, art. 9(3)";
const CN_16: &str = "PRC Advertising Law, art. 16-17";
const CN_25: &str = "PRC Advertising Law, art. 25";
const CN_28: &str = "PRC Advertising Law, art. 28";
const US_5: &str = "FTC Act, section 5 (unsubstantiated claims)";
const US_HEALTH: &str = "FTC Health Products Compliance Guidance";
const US_REVIEWS: &str = "FTC rule on consumer reviews and testimonials, 16 CFR part 465";
const US_FINANCE: &str = "FTC Act, section 5 (earnings claims)";

const fn zh(
    text: &'static str,
    category: Category,
    law: &'static str,
    allowed: &'static [Context],
    rewrite: &'static str,
) -> Term {
    Term { text, locale: Locale::ZhCn, category, law, severity: Severity::Error, allowed, rewrite }
}

const fn en(
    text: &'static str,
    category: Category,
    law: &'static str,
    allowed: &'static [Context],
    rewrite: &'static str,
) -> Term {
    Term { text, locale: Locale::EnUs, category, law, severity: Severity::Error, allowed, rewrite }
}

const fn warn(term: Term) -> Term {
    Term { severity: Severity::Warning, ..term }
}

/// What cures by hardening or salting.
const HARDENS: &[&str] = &[
    "glue",
    "adhesive",
    "adhesives",
    "resin",
    "epoxy",
    "paint",
    "primer",
    "varnish",
    "lacquer",
    "sealant",
    "caulk",
    "grout",
    "mortar",
    "concrete",
    "cement",
    "plaster",
    "coating",
    "coatings",
    "silicone",
    "gel polish",
    "lamp",
    "led",
    "uv",
    "ham",
    "bacon",
    "meat",
    "salami",
    "cheese",
    "tobacco",
    "soap",
    "soaps",
    "rubber",
    "leather",
    "ink",
    "filament",
    "clay",
    "salt",
];

use Category::{Absolute, Finance, Medical, Testimonial};

/// Every term.
pub const TERMS: &[Term] = &[
    zh(
        "最",
        Absolute,
        CN_9_3,
        &[
            Measure,
            Phrase("最近"),
            Phrase("最后"),
            Phrase("最初"),
            Phrase("最终"),
            Phrase("最新款"),
            Phrase("最新版"),
            Phrase("最低起订"),
            Phrase("最低消费"),
            Phrase("最佳赏味"),
            Phrase("最佳食用"),
            Phrase("最佳饮用"),
            Phrase("最佳使用"),
            Phrase("最佳观看"),
            Phrase("最佳观影"),
            Phrase("最佳冲泡"),
        ],
        "更",
    ),
    zh(
        "第一",
        Absolute,
        CN_9_3,
        &[
            Ordinal,
            Phrase("第一时间"),
            Phrase("第一手"),
            Phrase("第一人称"),
            Phrase("顾客第一"),
            Phrase("安全第一"),
            Phrase("用户第一"),
        ],
        "",
    ),
    zh("国家级", Absolute, CN_9_3, &[], ""),
    zh("世界级", Absolute, CN_9_3, &[], ""),
    zh("顶级", Absolute, CN_9_3, &[Phrase("山顶级"), Phrase("楼顶级")], "讲究的"),
    zh("顶尖", Absolute, CN_9_3, &[], ""),
    zh("极品", Absolute, CN_9_3, &[], ""),
    zh("极致", Absolute, CN_9_3, &[], "讲究"),
    zh("极佳", Absolute, CN_9_3, &[], "不错"),
    zh(
        "唯一",
        Absolute,
        CN_9_3,
        &[
            Phrase("唯一码"),
            Phrase("唯一编号"),
            Phrase("唯一编码"),
            Phrase("唯一标识"),
            Phrase("唯一序列"),
            Phrase("唯一识别"),
        ],
        "",
    ),
    zh("独一无二", Absolute, CN_9_3, &[], "有自己的特点"),
    zh("首选", Absolute, CN_9_3, &[], "可以选"),
    zh(
        "绝对",
        Absolute,
        CN_9_3,
        &[Phrase("绝对值"), Phrase("绝对湿度"), Phrase("绝对温度"), Phrase("绝对压力"), Phrase("拒绝对")],
        "",
    ),
    zh("绝无仅有", Absolute, CN_9_3, &[], ""),
    zh("史无前例", Absolute, CN_9_3, &[], ""),
    zh("空前绝后", Absolute, CN_9_3, &[], ""),
    zh("无与伦比", Absolute, CN_9_3, &[], ""),
    zh("遥遥领先", Absolute, CN_9_3, &[], ""),
    zh("领导品牌", Absolute, CN_9_3, &[], ""),
    zh("领袖品牌", Absolute, CN_9_3, &[], ""),
    zh("销量冠军", Absolute, CN_9_3, &[], ""),
    zh("全网底价", Absolute, CN_9_3, &[], ""),
    zh("全国销量", Absolute, CN_9_3, &[], ""),
    zh("王牌", Absolute, CN_9_3, &[Phrase("国王牌")], ""),
    zh(
        "万能",
        Absolute,
        CN_9_3,
        &[
            Phrase("万能充"),
            Phrase("万能胶"),
            Phrase("万能表"),
            Phrase("万能扳手"),
            Phrase("万能遥控"),
            Phrase("万能角度"),
            Phrase("千万能"),
            Phrase("百万能"),
        ],
        "",
    ),
    zh("完美", Absolute, CN_9_3, &[Phrase("完美主义"), Phrase("完美式"), Phrase("完美白")], "刚好"),
    zh("永久", Absolute, CN_9_3, &[], ""),
    zh("百分百", Absolute, CN_9_3, &[], ""),
    zh("国家领导人", Absolute, "PRC Advertising Law, art. 9(2)", &[], ""),
    zh("特供", Absolute, "PRC Advertising Law, art. 9(2)", &[Phrase("独特供"), Phrase("特供应")], ""),
    zh("史上", Absolute, CN_9_3, &[Phrase("历史上")], ""),
    warn(zh("纯天然", Absolute, CN_28, &[], "")),
    warn(zh("零添加", Absolute, CN_28, &[], "")),
    zh("治疗", Medical, CN_16, &[], ""),
    zh("治愈", Medical, CN_16, &[Phrase("治愈系"), Phrase("治愈感")], ""),
    zh("根治", Medical, CN_16, &[], ""),
    zh("疗效", Medical, CN_16, &[], ""),
    zh("药效", Medical, CN_16, &[], ""),
    zh("抗癌", Medical, CN_16, &[], ""),
    zh("防癌", Medical, CN_16, &[], ""),
    zh("降血压", Medical, CN_16, &[], ""),
    zh("降血糖", Medical, CN_16, &[], ""),
    zh("包治", Medical, CN_16, &[], ""),
    zh("药到病除", Medical, CN_16, &[], ""),
    zh("无副作用", Medical, CN_16, &[], ""),
    zh("增强免疫", Medical, CN_16, &[], ""),
    zh("减肥", Medical, CN_16, &[], ""),
    zh("排毒", Medical, CN_16, &[], ""),
    zh("保本", Finance, CN_25, &[Phrase("保本味"), Phrase("保本色"), Phrase("保本真"), Phrase("环保本")], ""),
    zh("稳赚", Finance, CN_25, &[], ""),
    zh("包赚", Finance, CN_25, &[], ""),
    zh("躺赚", Finance, CN_25, &[], ""),
    zh("零风险", Finance, CN_25, &[], ""),
    zh("无风险", Finance, CN_25, &[Phrase("有无风险")], ""),
    zh("保收益", Finance, CN_25, &[], ""),
    zh("高回报", Finance, CN_25, &[], ""),
    zh("亲测有效", Testimonial, CN_28, &[], ""),
    zh("用过都说好", Testimonial, CN_28, &[], ""),
    zh("人人都说", Testimonial, CN_28, &[], ""),
    zh("专家推荐", Testimonial, CN_16, &[], ""),
    zh("医生推荐", Testimonial, CN_16, &[], ""),
    en(
        "best",
        Absolute,
        US_5,
        &[
            Phrase("best before"),
            Phrase("best-before"),
            Phrase("best by"),
            Phrase("best if used"),
            Phrase("best served"),
            Phrase("best enjoyed"),
            Phrase("best kept"),
            Phrase("best stored"),
            Phrase("best chilled"),
            Phrase("your best"),
            Phrase("best friend"),
            Phrase("best friends"),
            Phrase("best practice"),
            Phrase("best practices"),
            Phrase("all the best"),
        ],
        "good",
    ),
    en("#1", Absolute, US_5, &[], ""),
    en("number one", Absolute, US_5, &[], ""),
    en("no. 1", Absolute, US_5, &[], ""),
    en("no.1", Absolute, US_5, &[], ""),
    en("greatest", Absolute, US_5, &[Phrase("greatest hits")], ""),
    en("world's", Absolute, US_5, &[NoSuperlative], ""),
    en("world-class", Absolute, US_5, &[], ""),
    en("unbeatable", Absolute, US_5, &[], ""),
    en("unmatched", Absolute, US_5, &[], ""),
    en("unrivaled", Absolute, US_5, &[], ""),
    en(
        "perfect",
        Absolute,
        US_5,
        &[
            Phrase("your perfect"),
            Phrase("perfect bound"),
            Phrase("perfect binding"),
            Phrase("perfect pitch"),
            Phrase("practice makes perfect"),
        ],
        "good",
    ),
    en("flawless", Absolute, US_5, &[], ""),
    en("ultimate", Absolute, US_5, &[Phrase("ultimate frisbee")], ""),
    en("cheapest", Absolute, US_5, &[], ""),
    en("lowest price", Absolute, US_5, &[], ""),
    en("fastest", Absolute, US_5, &[Phrase("fastest setting"), Phrase("fastest speed")], ""),
    en("finest", Absolute, US_5, &[Phrase("finest setting"), Phrase("finest grind")], ""),
    en("guaranteed", Absolute, US_5, &[Warranty], ""),
    en(
        "guarantee",
        Absolute,
        US_5,
        &[
            Warranty,
            Phrase("money-back guarantee"),
            Phrase("satisfaction guarantee"),
            Phrase("lifetime guarantee"),
            Phrase("price match guarantee"),
        ],
        "",
    ),
    en("never fails", Absolute, US_5, &[], ""),
    en("miracle", Absolute, US_5, &[], ""),
    en("100% safe", Absolute, US_5, &[], ""),
    en("totally safe", Absolute, US_5, &[], ""),
    warn(en("leading", Absolute, US_5, &[Phrase("leading to"), Phrase("leading up")], "")),
    warn(en("top-rated", Absolute, US_5, &[], "")),
    warn(en("all-natural", Absolute, US_5, &[], "")),
    en(
        "cure",
        Medical,
        US_HEALTH,
        &[Phrase("cure time"), Phrase("cure times"), Phrase("cure rate"), Beside(HARDENS)],
        "",
    ),
    en("cures", Medical, US_HEALTH, &[Beside(HARDENS)], ""),
    en("heals", Medical, US_HEALTH, &[], ""),
    en("treats disease", Medical, US_HEALTH, &[], ""),
    en("prevents disease", Medical, US_HEALTH, &[], ""),
    en("clinically proven", Medical, US_HEALTH, &[], ""),
    en("no side effects", Medical, US_HEALTH, &[], ""),
    en("detox", Medical, US_HEALTH, &[], ""),
    en("lose weight", Medical, US_HEALTH, &[], ""),
    en("burns fat", Medical, US_HEALTH, &[], ""),
    en("boosts immunity", Medical, US_HEALTH, &[], ""),
    en("get rich", Finance, US_FINANCE, &[], ""),
    en("risk-free", Finance, US_FINANCE, &[Phrase("risk-free returns")], ""),
    en("no risk", Finance, US_FINANCE, &[], ""),
    en("double your money", Finance, US_FINANCE, &[], ""),
    en("passive income", Finance, US_FINANCE, &[], ""),
    en("guaranteed returns", Finance, US_FINANCE, &[], ""),
    en("doctor recommended", Testimonial, US_REVIEWS, &[], ""),
    en("experts agree", Testimonial, US_REVIEWS, &[], ""),
    en("everyone loves", Testimonial, US_REVIEWS, &[], ""),
    en("customers say", Testimonial, US_REVIEWS, &[], ""),
    en("i tried", Testimonial, US_REVIEWS, &[], ""),
    en("changed my life", Testimonial, US_REVIEWS, &[], ""),
];
