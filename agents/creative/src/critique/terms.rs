//! The terms the compliance check looks for, as data.
//!
//! The lists name what advertising practice in the two markets treats as a violation; they are a
//! first filter, not legal advice. Laws are cited from secondary sources.

use spotwright_schemas::Locale;

use super::Severity;
use super::compliance::Category;

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
    /// Phrases that hold the term and are harmless, or allowed where they are true.
    pub exceptions: &'static [&'static str],
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
    exceptions: &'static [&'static str],
    rewrite: &'static str,
) -> Term {
    Term { text, locale: Locale::ZhCn, category, law, severity: Severity::Error, exceptions, rewrite }
}

const fn en(
    text: &'static str,
    category: Category,
    law: &'static str,
    exceptions: &'static [&'static str],
    rewrite: &'static str,
) -> Term {
    Term { text, locale: Locale::EnUs, category, law, severity: Severity::Error, exceptions, rewrite }
}

const fn warn(term: Term) -> Term {
    Term { severity: Severity::Warning, ..term }
}

use Category::{Absolute, Finance, Medical, Testimonial};

/// Every term.
pub const TERMS: &[Term] = &[
    zh("最", Absolute, CN_9_3, &["最近", "最后", "最初", "最终", "最新款", "最少购买", "最低起订"], "更"),
    zh(
        "第一",
        Absolute,
        CN_9_3,
        &[
            "第一次",
            "第一步",
            "第一时间",
            "第一杯",
            "第一口",
            "第一眼",
            "第一天",
            "第一页",
            "第一缕",
            "第一顿",
            "第一餐",
            "顾客第一",
            "安全第一",
        ],
        "",
    ),
    zh("国家级", Absolute, CN_9_3, &[], ""),
    zh("世界级", Absolute, CN_9_3, &[], ""),
    zh("顶级", Absolute, CN_9_3, &[], "讲究的"),
    zh("顶尖", Absolute, CN_9_3, &[], ""),
    zh("极品", Absolute, CN_9_3, &[], ""),
    zh("极致", Absolute, CN_9_3, &[], "讲究"),
    zh("极佳", Absolute, CN_9_3, &[], "不错"),
    zh("唯一", Absolute, CN_9_3, &[], ""),
    zh("独一无二", Absolute, CN_9_3, &[], "有自己的特点"),
    zh("首选", Absolute, CN_9_3, &[], "可以选"),
    zh("绝对", Absolute, CN_9_3, &[], ""),
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
    zh("王牌", Absolute, CN_9_3, &[], ""),
    zh("万能", Absolute, CN_9_3, &[], ""),
    zh("完美", Absolute, CN_9_3, &[], "刚好"),
    zh("永久", Absolute, CN_9_3, &[], ""),
    zh("百分百", Absolute, CN_9_3, &[], ""),
    zh("国家领导人", Absolute, "PRC Advertising Law, art. 9(2)", &[], ""),
    zh("特供", Absolute, "PRC Advertising Law, art. 9(2)", &[], ""),
    warn(zh("纯天然", Absolute, CN_28, &[], "")),
    warn(zh("零添加", Absolute, CN_28, &[], "")),
    zh("治疗", Medical, CN_16, &[], ""),
    zh("治愈", Medical, CN_16, &[], ""),
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
    zh("保本", Finance, CN_25, &[], ""),
    zh("稳赚", Finance, CN_25, &[], ""),
    zh("包赚", Finance, CN_25, &[], ""),
    zh("躺赚", Finance, CN_25, &[], ""),
    zh("零风险", Finance, CN_25, &[], ""),
    zh("无风险", Finance, CN_25, &[], ""),
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
        &["best before", "best by", "best served", "your best", "best friend"],
        "good",
    ),
    en("#1", Absolute, US_5, &[], ""),
    en("number one", Absolute, US_5, &[], ""),
    en("no. 1", Absolute, US_5, &[], ""),
    en("no.1", Absolute, US_5, &[], ""),
    en("greatest", Absolute, US_5, &[], ""),
    en("world's", Absolute, US_5, &[], ""),
    en("world-class", Absolute, US_5, &[], ""),
    en("unbeatable", Absolute, US_5, &[], ""),
    en("unmatched", Absolute, US_5, &[], ""),
    en("unrivaled", Absolute, US_5, &[], ""),
    en("perfect", Absolute, US_5, &[], "good"),
    en("flawless", Absolute, US_5, &[], ""),
    en("ultimate", Absolute, US_5, &[], ""),
    en("cheapest", Absolute, US_5, &[], ""),
    en("lowest price", Absolute, US_5, &[], ""),
    en("fastest", Absolute, US_5, &[], ""),
    en("finest", Absolute, US_5, &[], ""),
    en("guaranteed", Absolute, US_5, &[], ""),
    en(
        "guarantee",
        Absolute,
        US_5,
        &["money-back guarantee", "satisfaction guarantee", "year guarantee"],
        "",
    ),
    en("never fails", Absolute, US_5, &[], ""),
    en("miracle", Absolute, US_5, &[], ""),
    en("100% safe", Absolute, US_5, &[], ""),
    en("totally safe", Absolute, US_5, &[], ""),
    warn(en("leading", Absolute, US_5, &["leading to", "leading up"], "")),
    warn(en("top-rated", Absolute, US_5, &[], "")),
    warn(en("all-natural", Absolute, US_5, &[], "")),
    en("cure", Medical, US_HEALTH, &[], ""),
    en("cures", Medical, US_HEALTH, &[], ""),
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
    en("risk-free", Finance, US_FINANCE, &["risk-free returns"], ""),
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
