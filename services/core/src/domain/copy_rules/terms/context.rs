//! The contexts in which a listed term claims nothing.

use std::ops::Range;

use spotwright_schemas::Locale;
use spotwright_schemas::wording::{is_han, whole_words};

use crate::domain::copy_rules::quantity::{Unit, parse};

/// A context that makes a term harmless.
#[derive(Debug, Clone, Copy)]
pub enum Context {
    /// The term is part of this phrase, folded.
    Phrase(&'static str),
    /// A Chinese superlative that names a measure or a limit: `最长保温6小时`, `最大承重`, `最晚周五`.
    Measure,
    /// `第一` as a place in an order: `第一代`, `第一次`, but not `全国第一家`.
    Ordinal,
    /// One of these words stands in the same text, and none of an ailment: glue cures.
    Beside(&'static [&'static str]),
    /// A warranty or refund with its name or its time: `guaranteed for 2 years`.
    Warranty,
    /// Nothing of the superlative kind follows: `the world's oceans`.
    NoSuperlative,
}

impl Context {
    /// Why the term at `at` of the folded text is harmless.
    pub(in crate::domain::copy_rules) fn excuses(
        &self,
        chars: &[char],
        at: &Range<usize>,
        locale: Locale,
    ) -> Option<&'static str> {
        match self {
            Self::Phrase(phrase) => {
                let needle: Vec<char> = phrase.chars().collect();
                let holds = whole_words(chars, &needle)
                    .iter()
                    .any(|span| span.start <= at.start && at.end <= span.end);
                holds.then_some(*phrase)
            }
            Self::Measure => measures(chars, at, locale).then_some("a measure or a limit"),
            Self::Ordinal => is_ordinal(chars, at).then_some("an ordinal"),
            Self::Beside(words) => {
                let beside = words.iter().any(|word| holds(chars, word));
                (beside && !AILMENTS.iter().any(|word| holds(chars, word))).then_some("not about health")
            }
            Self::Warranty => is_warranty(chars, at, locale).then_some("a warranty"),
            Self::NoSuperlative => (!superlative_follows(chars, at.end)).then_some("no superlative"),
        }
    }
}

const AILMENTS: &[&str] = &[
    "cancer",
    "cold",
    "colds",
    "flu",
    "pain",
    "pains",
    "headache",
    "headaches",
    "acne",
    "diabetes",
    "disease",
    "diseases",
    "insomnia",
    "anxiety",
    "hangover",
    "hangovers",
    "allergies",
    "allergy",
    "arthritis",
    "illness",
    "fatigue",
    "depression",
    "migraine",
    "migraines",
    "baldness",
    "cough",
    "coughs",
    "fever",
    "infection",
    "infections",
    "eczema",
    "asthma",
    "ailment",
    "ailments",
];

fn holds(chars: &[char], word: &str) -> bool {
    let needle: Vec<char> = word.chars().collect();
    !whole_words(chars, &needle).is_empty()
}

/// The clause from `from` on, at most `most` characters.
fn clause(chars: &[char], from: usize, most: usize) -> String {
    chars[from.min(chars.len())..]
        .iter()
        .take(most)
        .take_while(|c| !"，。！？；：、,!?;:\n".contains(**c))
        .collect()
}

/// `最` before an adjective of measure, when a figure, a limit or the name of a measured property
/// follows in the same clause, and nothing compares the advertiser with others.
fn measures(chars: &[char], at: &Range<usize>, locale: Locale) -> bool {
    const ADJECTIVES: &str = "长短大小高低多少远近宽窄厚薄深浅重轻快慢晚迟早";
    const RIVALS: &[&str] = &[
        "全网", "全国", "全球", "全市", "全城", "世界", "行业", "业内", "国内", "史上", "同类", "市场",
        "亚洲", "中国",
    ];
    const CLAIMS: &[&str] = &[
        "品牌",
        "销量",
        "厂家",
        "规模",
        "口碑",
        "人气",
        "评分",
        "好评",
        "企业",
        "公司",
        "平台",
        "商家",
        "的选择",
        "性价比",
        "价格",
        "价位",
    ];
    const PROPERTIES: &[&str] = &[
        "承重",
        "载重",
        "负重",
        "承载",
        "功率",
        "容量",
        "容积",
        "尺寸",
        "直径",
        "厚度",
        "宽度",
        "长度",
        "高度",
        "深度",
        "温度",
        "转速",
        "负荷",
        "负载",
        "量程",
        "分辨率",
        "档位",
        "坡度",
        "风速",
        "流量",
        "压力",
        "电压",
        "电流",
        "扭矩",
        "行程",
        "起订量",
        "订购量",
        "年龄",
        "身高",
        "体重",
        "间距",
        "音量",
        "可调",
    ];
    let Some(adjective) = chars.get(at.end) else { return false };
    if !ADJECTIVES.contains(*adjective) {
        return false;
    }
    let begin = chars[..at.start].iter().rposition(|c| "，。！？；：\n".contains(*c)).map_or(0, |at| at + 1);
    let before: String = chars[begin..at.start].iter().collect();
    let behind = clause(chars, at.end + 1, 14);
    if RIVALS.iter().any(|word| before.contains(word) || behind.contains(word))
        || CLAIMS.iter().any(|word| before.contains(word) || behind.contains(word))
        || behind.starts_with(['的', '价'])
    {
        return false;
    }
    let property =
        PROPERTIES.iter().any(|name| behind.starts_with(name) || behind.starts_with(&format!("工作{name}")));
    // `最少`, `最多`, `最晚` and `最早` set a limit whatever follows, if anything does.
    let limit = "多少晚迟早".contains(*adjective) && behind.chars().count() >= 2;
    let figure = parse(&behind, locale).iter().any(|found| {
        let place = behind.get(..found.span.start).map_or(0, |before| before.chars().count());
        place <= 8 && (found.quantity.unit.is_some() || found.quantity.currency.is_some())
    });
    property || figure || (limit && !"人好爱受懂".contains(behind.chars().next().unwrap_or('的')))
}

/// `第一` before a classifier, with no field of rivals in front and no brand behind.
fn is_ordinal(chars: &[char], at: &Range<usize>) -> bool {
    const CLASSIFIERS: &str = "次步杯口眼天页缕顿餐代批个件位课节章期集季周年月日阵层道关条遍轮排桶罐包颗粒勺片场届版张把双只站程圈回篇针盘碗瓶";
    const RIVALS: &[&str] = &[
        "全网", "全国", "全球", "全市", "全城", "世界", "行业", "业内", "国内", "史上", "同类", "市场",
        "亚洲", "中国", "销量", "口碑",
    ];
    let begin = at.start.saturating_sub(6);
    let before: String = chars[begin..at.start].iter().collect();
    chars.get(at.end).is_some_and(|c| CLASSIFIERS.contains(*c))
        && !RIVALS.iter().any(|word| before.contains(word))
}

/// `guaranteed for 2 years`, `2-year guarantee`, `warranty` or `money back` in the text; never when
/// what is promised is an effect, a gain or safety.
fn is_warranty(chars: &[char], at: &Range<usize>, locale: Locale) -> bool {
    const EFFECTS: &[&str] = &[
        "result", "results", "success", "income", "profit", "profits", "win", "weight", "cure", "approval",
        "jackpot", "growth", "earnings",
    ];
    if EFFECTS.iter().any(|word| holds(chars, word)) {
        return false;
    }
    if ["warranty", "warranties", "money back", "money-back", "refund", "refunded"]
        .iter()
        .any(|word| holds(chars, word))
    {
        return true;
    }
    let timed = |text: &str| {
        parse(text, locale).first().is_some_and(|found| {
            matches!(found.quantity.unit, Some(Unit::Measure("year" | "month" | "week" | "day")))
                && text.get(..found.span.start).is_some_and(|before| before.trim().is_empty())
        })
    };
    let behind: String = chars[at.end..].iter().collect();
    let for_time = [" for ", " of "].iter().filter_map(|word| behind.strip_prefix(word)).any(timed);
    let before: String = chars[..at.start].iter().collect();
    let named = parse(before.trim_end(), locale).last().is_some_and(|found| {
        matches!(found.quantity.unit, Some(Unit::Measure("year" | "month" | "week" | "day")))
            && found.span.end == before.trim_end().len()
    });
    // In `2-year guarantee` the noun belongs to the figure.
    let whole: String = chars.iter().collect();
    let inside = parse(&whole, locale).iter().any(|found| {
        let end = whole.get(..found.span.end).map_or(0, |text| text.chars().count());
        matches!(found.quantity.unit, Some(Unit::Measure("year" | "month" | "week" | "day"))) && end == at.end
    });
    for_time || named || inside
}

fn superlative_follows(chars: &[char], from: usize) -> bool {
    const WORDS: &[&str] = &["most", "best", "only", "first", "favorite", "leading", "top", "no"];
    let behind = clause(chars, from, 40);
    behind.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).take(2).any(|word| {
        WORDS.contains(&word)
            || (word.len() > 4
                && word.ends_with("est")
                && !matches!(word, "forest" | "harvest" | "honest" | "interest"))
    }) || behind.starts_with('#')
        || behind.chars().next().is_some_and(is_han)
}
