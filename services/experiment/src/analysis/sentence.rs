//! The verdict of an experiment in plain words, Chinese and English.

use spotwright_schemas::Language;

use super::EffectInterval;
use super::effect::Difference;
use super::report::{Analysis, Comparison, Verdict};

/// One or two sentences that say what may be concluded and how far the effect is known.
#[must_use]
pub fn sentence(analysis: &Analysis, language: Language) -> String {
    let words = Words { analysis, is_chinese: language == Language::Chinese };
    match &analysis.verdict {
        Verdict::Mismatch => words.mismatch(),
        Verdict::TooEarly => words.too_early(),
        Verdict::Winner { arm } => words.winner(arm),
        Verdict::Guardrail { arm, metric } => words.guardrail(arm, metric),
        Verdict::Control => words.control(),
        Verdict::NoDifference => words.no_difference(),
        Verdict::Undecided => words.undecided(),
    }
}

struct Words<'a> {
    analysis: &'a Analysis,
    is_chinese: bool,
}

impl Words<'_> {
    fn said(&self, chinese: String, english: String) -> String {
        if self.is_chinese { chinese } else { english }
    }

    fn metric(&self) -> &str {
        self.name(&self.analysis.design.primary.name)
    }

    /// What people call a metric: those of ads by their usual names, any other as whoever measured it wrote it.
    fn name<'a>(&self, metric: &'a str) -> &'a str {
        let (chinese, english) = match metric {
            "ctr" => ("点击率", "click rate"),
            "cvr" => ("转化率", "conversion rate"),
            "cpc" => ("每次点击花费", "cost per click"),
            "cpa" => ("每次转化花费", "cost per conversion"),
            "revenue_per_impression" => ("每次展示收入", "revenue per impression"),
            other => (other, other),
        };
        if self.is_chinese { chinese } else { english }
    }

    fn control_name(&self) -> &str {
        self.analysis.arms.first().map_or("", |arm| arm.arm.as_str())
    }

    fn comparison(&self, arm: &str) -> Option<&Comparison> {
        self.analysis.comparisons.iter().find(|own| own.arm == arm)
    }

    /// The effect and its always-valid interval.
    fn effect(&self, comparison: &Comparison) -> String {
        let Some(read) = comparison.always_valid else {
            let reason = comparison.unavailable.map_or_else(String::new, |reason| reason.to_string());
            return self.said(format!("暂无读数（{reason}）"), format!("no read-out ({reason})"));
        };
        let EffectInterval { low, estimate, high } = read.interval;
        let level = percent(1.0 - self.analysis.design.alpha);
        let shown = |value: f64| self.shown(value);
        self.said(
            format!("{}（{level}% 随时有效区间 {} 至 {}）", shown(estimate), shown(low), shown(high)),
            format!("{} ({level}% always-valid interval {} to {})", shown(estimate), shown(low), shown(high)),
        )
    }

    fn shown(&self, value: f64) -> String {
        match self.analysis.design.difference {
            Difference::Relative => format!("{:+.1}%", value * 100.0),
            Difference::Absolute | Difference::Scaled { .. } => {
                let digits =
                    if value == 0.0 { 1 } else { (3 - value.abs().log10().floor() as i32).clamp(0, 9) };
                format!("{value:+.*}", digits as usize)
            }
        }
    }

    fn mismatch(&self) -> String {
        let p = self.analysis.mismatch.p_value.unwrap_or(0.0);
        let counts = |values: Vec<String>| values.join(" / ");
        let seen = counts(self.analysis.mismatch.observed.iter().map(u64::to_string).collect());
        let due = counts(self.analysis.mismatch.expected.iter().map(|e| format!("{e:.0}")).collect());
        self.said(
            format!(
                "各组人数与设定的分流不符（实际 {seen}，应为 {due}，p = {p:.1e}），本次实验不能下结论：请先查明分流或曝光记录出了什么问题。"
            ),
            format!(
                "Traffic was not divided as configured ({seen} instead of {due}, p = {p:.1e}), so nothing can be \
                 concluded: find out what went wrong with the assignment or the exposure log first."
            ),
        )
    }

    fn too_early(&self) -> String {
        let missing: Vec<String> = self
            .analysis
            .gates
            .iter()
            .filter(|gate| !gate.passed)
            .map(|gate| {
                let arm = gate.arm.as_deref().unwrap_or_default();
                let have = gate.have.map_or_else(|| "?".to_owned(), |have| format!("{have:.0}"));
                let (chinese, english) = match gate.gate {
                    "days" => ("天", "days"),
                    "units" => ("人", "users"),
                    _ => ("次成功", "successes"),
                };
                self.said(
                    format!(
                        "{arm}{}{have}/{:.0} {chinese}",
                        if arm.is_empty() { "" } else { "：" },
                        gate.needed
                    ),
                    format!(
                        "{have} of {:.0} {english}{}{arm}",
                        gate.needed,
                        if arm.is_empty() { "" } else { " in " }
                    ),
                )
            })
            .collect();
        self.said(
            format!("还不能下结论，未达到最低要求：{}。", missing.join("，")),
            format!("Too early for a verdict; so far there are {}.", missing.join(", ")),
        )
    }

    fn winner(&self, arm: &str) -> String {
        let effect = self.comparison(arm).map(|own| self.effect(own)).unwrap_or_default();
        let (metric, control) = (self.metric(), self.control_name());
        self.said(
            format!("{arm} 胜出：{metric} 相对 {control} 变化 {effect}。"),
            format!("{arm} wins: {metric} changes by {effect} against {control}."),
        )
    }

    fn guardrail(&self, arm: &str, metric: &str) -> String {
        let effect = self.comparison(arm).map(|own| self.effect(own)).unwrap_or_default();
        let (primary, metric) = (self.metric(), self.name(metric));
        self.said(
            format!("{arm} 的 {primary} 更好（{effect}），但护栏指标 {metric} 变差超过容许范围，不应采用。"),
            format!(
                "{arm} is better in {primary} ({effect}), but the guardrail {metric} got worse than is \
                 tolerated; do not adopt it."
            ),
        )
    }

    fn control(&self) -> String {
        let control = self.control_name();
        let metric = self.metric();
        self.said(
            format!("{control} 胜出：其余各组的 {metric} 都更差。"),
            format!("{control} wins: every other arm is worse in {metric}."),
        )
    }

    fn no_difference(&self) -> String {
        let bound = percent(self.analysis.design.smallest_effect);
        let metric = self.metric();
        self.said(
            format!("各组的 {metric} 没有值得在意的差别：差异都在 ±{bound}% 以内。"),
            format!("No difference in {metric} that matters: all effects lie within ±{bound}%."),
        )
    }

    fn undecided(&self) -> String {
        let best = self.analysis.comparisons.iter().max_by(|a, b| {
            let estimate = |own: &Comparison| {
                let goal = self.analysis.design.primary.goal;
                own.always_valid.map_or(f64::NEG_INFINITY, |read| goal.oriented(read.interval.estimate))
            };
            estimate(a).total_cmp(&estimate(b))
        });
        let effect = best.map(|own| self.effect(own)).unwrap_or_default();
        let arm = best.map(|own| own.arm.as_str()).unwrap_or_default();
        let metric = self.metric();
        let left = match self.analysis.days_left {
            Some(0) => self.said(
                "计划的流量已够，最小关注效应以上的差别很可能不存在。".to_owned(),
                "The planned traffic is there; an effect worth finding is unlikely.".to_owned(),
            ),
            Some(days) => self.said(
                format!("按目前流量，大约还需 {days} 天。"),
                format!("At the present pace, about {days} more days are needed."),
            ),
            None => String::new(),
        };
        let said = self.said(
            format!("尚无定论：{arm} 的 {metric} 变化 {effect}。{left}"),
            format!("Undecided: {metric} of {arm} changes by {effect}. {left}"),
        );
        said.trim_end().to_owned()
    }
}

/// A fraction as percent, without decimals that are 0.
fn percent(fraction: f64) -> String {
    let rounded = (fraction * 1e4).round() / 1e2;
    format!("{rounded}")
}
