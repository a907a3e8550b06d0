//! Why a generated shot shows a picture.

use std::fmt;

use serde::{Deserialize, Serialize};
use spotwright_schemas::locale::{Language, Locale};
use spotwright_schemas::money::{Currency, Micros};

use super::{listed, name, quoted};
use crate::domain::routing::Reason;
use crate::ports::clip_source::ClipErrorKind;
use crate::ports::fidelity::FidelityReport;

/// Why a generated shot shows a picture, or a source gave no clip.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum ClipReason {
    /// Nobody is there to make clips.
    NoSources,
    /// The run was ended first.
    RunEnded,
    /// What is left of the run's budget does not cover it.
    OverBudget,
    /// The source is not configured, or not any more.
    NotConfigured,
    /// The second part of a job could not be begun in time.
    SecondPartLate,
    /// Nothing came in time.
    TooLate {
        /// Seconds that were waited.
        seconds: u64,
    },
    /// Nobody can tell what became of the job, which counts as spent.
    Lost {
        /// In the source's words.
        words: String,
    },
    /// What came could not be stored.
    NotStored,
    /// The price is in another currency than the budget.
    OtherCurrency {
        /// The price's.
        price: Currency,
        /// The budget's.
        budget: Currency,
    },
    /// It costs more than is left of the price that the brief allows.
    Price {
        /// What it costs at most.
        at_most: Micros,
        /// What is left.
        left: Micros,
        /// Currency of both.
        currency: Currency,
    },
    /// The source says no, or failed.
    Source {
        /// What is to be done about it.
        kind: ClipErrorKind,
        /// In the source's words.
        words: String,
    },
    /// What came is no clip that can be shown.
    Unusable {
        /// In the words of who read it.
        words: String,
    },
    /// What came does not pass the checks of a clip.
    Checks {
        /// The checks that failed, at least one.
        failed: Vec<FailedCheck>,
    },
    /// The product does not look as in its pictures.
    UnlikeProduct {
        /// Color distance over the product's area, in ΔE.
        color: f64,
        /// Agreement of the outlines, in [-1, 1].
        shape: f64,
        /// Agreement of label and logo, in [-1, 1].
        label: f64,
        /// The same in words.
        words: String,
    },
    /// The work for the clip failed for good.
    Failed {
        /// In the program's words.
        words: String,
    },
    /// What a source was asked came to nothing.
    Tried {
        /// The source.
        source: String,
        /// Why.
        why: Box<Self>,
    },
    /// A source was left out.
    LeftOut {
        /// The source.
        source: String,
        /// Why.
        why: Reason,
    },
    /// Several, in their order.
    Several {
        /// The reasons.
        reasons: Vec<Self>,
    },
    /// Words of an earlier version; nothing where there is a clip.
    #[serde(untagged)]
    Words(String),
}

/// A check of a clip that did not pass.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailedCheck {
    /// Stable name of the check, e.g. `clip_frozen`.
    pub id: String,
    /// What was measured.
    pub value: String,
    /// What is needed.
    pub limit: String,
}

impl Default for ClipReason {
    fn default() -> Self {
        Self::Words(String::new())
    }
}

impl fmt::Display for ClipReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.in_english())
    }
}

impl ClipReason {
    /// Whether there is nothing to tell.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        match self {
            Self::Words(words) => words.is_empty(),
            Self::Several { reasons } => reasons.is_empty(),
            _ => false,
        }
    }

    /// A clip that shows the product unlike its pictures.
    #[must_use]
    pub fn unlike(report: &FidelityReport) -> Self {
        let FidelityReport { color, shape, label, reason, .. } = report;
        Self::UnlikeProduct { color: *color, shape: *shape, label: *label, words: reason.clone() }
    }

    /// The reason without a final point, in a language.
    #[must_use]
    pub fn told(&self, locale: Locale) -> String {
        match locale.language() {
            Language::English => self.in_english(),
            Language::Chinese => self.in_chinese(),
        }
    }

    fn in_english(&self) -> String {
        match self {
            Self::NoSources => "no source of clips is configured".to_owned(),
            Self::RunEnded => "the run was ended first".to_owned(),
            Self::OverBudget => "what is left of the budget does not cover it".to_owned(),
            Self::NotConfigured => "it is not configured".to_owned(),
            Self::SecondPartLate => "its second part could not be begun in time".to_owned(),
            Self::TooLate { seconds } => format!("nothing came within {seconds} s"),
            Self::Lost { words } => {
                format!("nobody can tell what became of its job, which counts as spent: {words}")
            }
            Self::NotStored => "it could not be stored".to_owned(),
            Self::OtherCurrency { price, budget } => {
                format!("its price is in {}, the budget in {}", price.code(), budget.code())
            }
            Self::Price { at_most, left, currency } => format!(
                "it costs up to {} {}, and {} are left of the price",
                at_most.to_decimal(),
                currency.code(),
                left.to_decimal()
            ),
            Self::Source { kind: ClipErrorKind::Policy, words } => {
                format!("its content policy refuses the shot: {words}")
            }
            Self::Source { words, .. }
            | Self::Unusable { words }
            | Self::Failed { words }
            | Self::Words(words) => words.clone(),
            Self::Checks { failed } => {
                let told = |check: &FailedCheck| {
                    format!("{} is {} and should be {}", check.id, check.value, check.limit)
                };
                listed(failed.iter().map(told), Locale::EnUs)
            }
            Self::UnlikeProduct { words, .. } => {
                format!("the product does not look as in its pictures: {words}")
            }
            Self::Tried { source, why } => format!("`{source}`: {}", why.in_english()),
            Self::LeftOut { source, why } => format!("`{source}`: {why}"),
            Self::Several { reasons } => listed(reasons.iter().map(Self::in_english), Locale::EnUs),
        }
    }

    fn in_chinese(&self) -> String {
        let quote = |words: &str| quoted(words, Locale::ZhCn);
        match self {
            Self::NoSources => "没有配置生成镜头的来源".to_owned(),
            Self::RunEnded => "本次运行先行结束".to_owned(),
            Self::OverBudget => "剩余预算不够支付".to_owned(),
            Self::NotConfigured => "没有配置".to_owned(),
            Self::SecondPartLate => "第二段没能及时开始".to_owned(),
            Self::TooLate { seconds } => format!("{seconds} 秒内没有等到结果"),
            Self::Lost { words } => format!("任务下落不明，按已花费计：{}", quote(words)),
            Self::NotStored => "镜头没能存下".to_owned(),
            Self::OtherCurrency { price, budget } => {
                format!("报价币种为 {}，预算币种为 {}", price.code(), budget.code())
            }
            Self::Price { at_most, left, currency } => format!(
                "最多需要 {} {}，允许的价格只剩 {}",
                at_most.to_decimal(),
                currency.code(),
                left.to_decimal()
            ),
            Self::Source { kind, words } => format!("{}：{}", source_says(*kind), quote(words)),
            Self::Unusable { words } => format!("返回的文件不能用作镜头：{}", quote(words)),
            Self::Checks { failed } => {
                let names = failed.iter().map(|check| check_name(&check.id));
                format!("镜头没有通过检查（{}）", names.collect::<Vec<_>>().join("、"))
            }
            Self::UnlikeProduct { color, shape, label, .. } => format!(
                "镜头里的产品与产品图不一致（色差 {color:.0} ΔE，轮廓吻合 {shape:.2}，标签吻合 {label:.2}）"
            ),
            Self::Failed { words } => format!("镜头制作失败：{}", quote(words)),
            Self::Words(words) => quote(words),
            Self::Tried { source, why } => format!("{}：{}", name(source), why.in_chinese()),
            Self::LeftOut { source, why } => format!("{}：{}", name(source), why.told(Locale::ZhCn)),
            Self::Several { reasons } => listed(reasons.iter().map(Self::in_chinese), Locale::ZhCn),
        }
    }
}

/// What a source of clips says, before its own words.
const fn source_says(kind: ClipErrorKind) -> &'static str {
    match kind {
        ClipErrorKind::Busy => "同时进行的任务太多",
        ClipErrorKind::TooFast => "请求太频繁",
        ClipErrorKind::Unavailable => "服务暂时不可用",
        ClipErrorKind::Authentication => "密钥或签名被拒绝，需要运营方处理",
        ClipErrorKind::NoFunds => "账户余额或资源包不足，需要运营方处理",
        ClipErrorKind::NotAllowed => "没有使用权限，需要运营方处理",
        ClipErrorKind::BadRequest => "不接受这个请求",
        ClipErrorKind::Policy => "内容政策不允许这个镜头",
        ClipErrorKind::UnknownJob => "找不到这个任务",
        ClipErrorKind::BadAnswer => "应答无法识别",
        ClipErrorKind::Failed => "制作失败",
    }
}

fn check_name(id: &str) -> &str {
    match id {
        "clip_length" => "时长不符",
        "clip_black" => "几乎全黑",
        "clip_frozen" => "画面几乎不动",
        "clip_sound" => "声音不符",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_stored_as_codes_with_figures_and_old_words_are_read() {
        let tried = |source: &str, why: ClipReason| ClipReason::Tried {
            source: source.to_owned(),
            why: Box::new(why),
        };
        let price =
            ClipReason::Price { at_most: Micros(1_500_000), left: Micros(500_000), currency: Currency::CNY };
        let reasons = vec![tried("kling", ClipReason::TooLate { seconds: 300 }), tried("own", price)];
        let several = ClipReason::Several { reasons };
        let stored = serde_json::to_value(&several).expect("plain data");
        assert_eq!(stored["reasons"][0]["why"], serde_json::json!({ "code": "too_late", "seconds": 300 }));
        assert_eq!(serde_json::from_value::<ClipReason>(stored).expect("reads"), several);
        assert_eq!(
            several.to_string(),
            "`kling`: nothing came within 300 s; `own`: it costs up to 1.50 CNY, and 0.50 are left of the price"
        );
        assert_eq!(
            several.told(Locale::ZhCn),
            "`kling`：300 秒内没有等到结果；`own`：最多需要 1.50 CNY，允许的价格只剩 0.50"
        );
        let old: ClipReason = serde_json::from_str("\"the run was ended first\"").expect("reads");
        assert_eq!(old, ClipReason::Words("the run was ended first".to_owned()));
        assert_eq!(old.told(Locale::ZhCn), "`the run was ended first`");
        let none: ClipReason = serde_json::from_str("\"\"").expect("reads");
        assert!(none.is_nothing() && none == ClipReason::default());
    }
}
