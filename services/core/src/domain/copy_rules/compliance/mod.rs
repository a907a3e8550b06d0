//! The compliance lint: advertising law and platform policy on one line of text.
//!
//! # Purpose
//! [`Rules::lint`] judges a [`Claim`] by the rule packs under `services/core/rules`: China's
//! Advertising Law with its lines of business, FTC and UK CAP basics, platform policies. The terms of
//! [`super::terms`] are part of the packs by reference, so that no word is listed twice.
//!
//! # Invariants
//! - Pure: packs, a claim in, the same findings out.
//! - Every finding says which characters of the original it is about, whatever disguises them.
//! - What the record proves, a context makes harmless or the text itself denies is reported with
//!   that exception and does not count.
//! - Nothing is forbidden here that [`super::terms::lint`] does for its callers; packs refer to its
//!   table, they do not change it.

mod evidence;
mod pack;
mod sounds;
#[cfg(test)]
mod tests;
mod views;

use std::ops::Range;
use std::sync::OnceLock;

use regex::Regex;
use serde::{Deserialize, Serialize};
use spotwright_schemas::error::Code;
use spotwright_schemas::wording::{denies, find_term, is_han, whole_words};
use spotwright_schemas::{Locale, Problem};

use evidence::Entry;
use pack::{Language, Pack, Rule};
use sounds::{Sounds, SoundsFile};
use views::{View, plain_text, views};

pub use super::terms::{Category, Severity};

/// The packs that the program ships with: file name and text.
pub const SHIPPED: &[(&str, &str)] = &[
    ("zh/absolute.yaml", include_str!("../../../../rules/zh/absolute.yaml")),
    ("zh/health.yaml", include_str!("../../../../rules/zh/health.yaml")),
    ("zh/business.yaml", include_str!("../../../../rules/zh/business.yaml")),
    ("zh/trust.yaml", include_str!("../../../../rules/zh/trust.yaml")),
    ("en/claims.yaml", include_str!("../../../../rules/en/claims.yaml")),
    ("en/health.yaml", include_str!("../../../../rules/en/health.yaml")),
    ("en/business.yaml", include_str!("../../../../rules/en/business.yaml")),
    ("en/trust.yaml", include_str!("../../../../rules/en/trust.yaml")),
    ("platform/zh.yaml", include_str!("../../../../rules/platform/zh.yaml")),
    ("platform/en.yaml", include_str!("../../../../rules/platform/en.yaml")),
];

/// How Chinese characters are disguised.
pub const SHIPPED_SOUNDS: &str = include_str!("../../../../rules/zh/disguise.yaml");

/// A line of text and what is known about it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Claim {
    /// The words.
    pub text: String,
    /// What the advertiser can show, an entry each.
    #[serde(default)]
    pub evidence: Vec<String>,
    /// Line of business: `food`, `health_food`, `medical`, `cosmetics`, `finance`, `education`,
    /// `real_estate`, `alcohol`, `children`, `game`, `app`, `home`, `electronics`, `clothing`,
    /// `travel`, `local`. Without it, rules for one line of business warn only.
    #[serde(default)]
    pub category: Option<String>,
    /// `minors` where the ad is for them.
    #[serde(default)]
    pub audience: Option<String>,
    /// Trademarks and product names.
    #[serde(default)]
    pub names: Vec<String>,
}

impl Claim {
    /// A line of which nothing else is known.
    #[must_use]
    pub fn plain(text: impl Into<String>) -> Self {
        Self { text: text.into(), evidence: Vec::new(), category: None, audience: None, names: Vec::new() }
    }
}

/// One thing that is wrong with a line, or would be without its exception.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Stable name of the rule.
    pub rule: String,
    /// Why it is a problem.
    pub category: Category,
    /// Whether it stops the text.
    pub severity: Severity,
    /// First and past-the-last character of the original text.
    pub span: [usize; 2],
    /// The words at fault, as they stand.
    pub text: String,
    /// Law or policy behind the rule.
    pub law: String,
    /// What to say instead; empty where the claim has to go.
    pub rewrite: String,
    /// What makes it harmless here; `None` where it counts.
    pub exception: Option<String>,
}

/// The rule packs, compiled.
#[derive(Debug)]
pub struct Rules {
    packs: Vec<Pack>,
    sounds: Sounds,
}

impl Rules {
    /// The packs that the program ships with, compiled once.
    ///
    /// # Errors
    /// [`Code::Prerequisite`] where they are damaged, which a test rules out.
    pub fn shipped() -> Result<&'static Self, Problem> {
        static RULES: OnceLock<Result<Rules, Problem>> = OnceLock::new();
        RULES.get_or_init(|| Self::read(SHIPPED, SHIPPED_SOUNDS)).as_ref().map_err(Clone::clone)
    }

    /// Reads packs: file name and text of each.
    ///
    /// # Errors
    /// [`Code::Prerequisite`] with the file and what is wrong in it.
    pub fn read(packs: &[(&str, &str)], sounds: &str) -> Result<Self, Problem> {
        let wrong = |file: &str, what: String| Problem::new(Code::Prerequisite, file, what);
        let file: SoundsFile =
            serde_saphyr::from_str(sounds).map_err(|error| wrong("disguise", error.to_string()))?;
        Ok(Self {
            sounds: Sounds::new(&file).map_err(|what| wrong("disguise", what))?,
            packs: packs
                .iter()
                .map(|(name, text)| Pack::read(text).map_err(|what| wrong(name, what)))
                .collect::<Result<_, _>>()?,
        })
    }

    /// The names of the rules, in the order of the packs.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.packs.iter().flat_map(|pack| &pack.rules).map(|rule| rule.id.as_str())
    }

    /// Judges a line. Findings stand in the order of the text; those with an exception do not count.
    #[must_use]
    pub fn lint(&self, claim: &Claim, locale: Locale) -> Vec<Finding> {
        let original: Vec<char> = claim.text.chars().collect();
        let record: Vec<Entry<'_>> = claim
            .evidence
            .iter()
            .map(|given| Entry { given, plain: plain_text(given, &self.sounds) })
            .collect();
        let judge = Judge { claim, locale, record, original: &original };
        let mut findings = Vec::new();
        for view in views(&claim.text, &self.sounds) {
            let chars: Vec<char> = view.text.chars().collect();
            for pack in self.packs.iter().filter(|pack| reads(pack.language, &chars, locale)) {
                for rule in pack.candidates(&view.text) {
                    judge.apply(rule, &view, &chars, pack.language, &mut findings);
                }
            }
        }
        findings.sort_by(|a, b| (a.span, &a.rule).cmp(&(b.span, &b.rule)));
        findings
    }
}

/// Whether a pack of this language judges the text: its own language, and the other one where the
/// text holds words of it.
fn reads(language: Language, chars: &[char], locale: Locale) -> bool {
    let han = chars.iter().any(|c| is_han(*c));
    match language {
        Language::Any => true,
        Language::Zh => han,
        Language::En => locale != Locale::ZhCn || !han,
    }
}

/// A claim under judgement.
struct Judge<'a> {
    claim: &'a Claim,
    locale: Locale,
    record: Vec<Entry<'a>>,
    original: &'a [char],
}

impl Judge<'_> {
    fn apply(
        &self,
        rule: &Rule,
        view: &View,
        chars: &[char],
        language: Language,
        findings: &mut Vec<Finding>,
    ) {
        if !self.concerns(rule) || rule.unless.iter().any(|pattern| pattern.is_match(&view.text)) {
            return;
        }
        if !rule.only_if.is_empty() && !rule.only_if.iter().any(|pattern| pattern.is_match(&view.text)) {
            return;
        }
        let on_record = |pattern: &Regex| self.record.iter().any(|entry| pattern.is_match(&entry.plain));
        if !rule.only_if_record.is_empty() && !rule.only_if_record.iter().any(on_record) {
            return;
        }
        let mut hits: Vec<(Range<usize>, Option<&str>)> = rule
            .patterns
            .iter()
            .flat_map(|pattern| pattern.find_iter(&view.text).map(|found| (found.range(), None)))
            .collect();
        for term in &rule.table {
            let needle: Vec<char> = term.text.chars().collect();
            for at in whole_words(chars, &needle) {
                let context =
                    term.allowed.iter().find_map(|context| context.excuses(chars, &at, self.locale));
                hits.push((bytes(chars, &at), context));
            }
        }
        hits.sort_by_key(|(at, _)| (at.start, std::cmp::Reverse(at.end)));
        for (at, context) in hits {
            let span = view.original(&at);
            let known = |finding: &Finding| {
                finding.rule == rule.id && finding.span[0] < span[1] && span[0] < finding.span[1]
            };
            if at.is_empty() || findings.iter().any(known) || self.is_name(span) {
                continue;
            }
            let exception = match context {
                Some(context) => Some(context.to_owned()),
                None => self.exception(rule, view, chars, &at, language),
            };
            findings.push(self.finding(rule, span, exception));
        }
    }

    /// Whether the rule is for this line of business and audience.
    fn concerns(&self, rule: &Rule) -> bool {
        let named = |list: &[String], value: Option<&String>| value.is_some_and(|value| list.contains(value));
        let (category, audience) = (self.claim.category.as_ref(), self.claim.audience.as_ref());
        if named(&rule.not_products, category) {
            return false;
        }
        (rule.products.is_empty() && rule.audiences.is_empty())
            || category.is_none()
            || named(&rule.products, category)
            || named(&rule.audiences, audience)
    }

    /// Whether the words are a trademark or product name: one of the claim's, or one on record.
    fn is_name(&self, span: [usize; 2]) -> bool {
        const SIGNS: [&str; 14] = [
            "商标",
            "商号",
            "字号",
            "品名",
            "剧名",
            "书名",
            "店名",
            "型号",
            "名称",
            "trademark",
            "mark",
            "model",
            "brand name",
            "title",
        ];
        let places = |name: &str| find_term(&self.claim.text, name);
        let covers = |name: &String| places(name).iter().any(|at| at.start <= span[0] && span[1] <= at.end);
        if self.claim.names.iter().any(covers) {
            return true;
        }
        let words: String = self.original[span[0]..span[1]].iter().collect();
        let registers =
            |entry: &&Entry<'_>| SIGNS.iter().any(|sign| !find_term(entry.given, sign).is_empty());
        self.record.iter().filter(registers).any(|entry| {
            let quoted = |name: &str| places(name).iter().any(|at| at.start < span[1] && span[0] < at.end);
            !find_term(entry.given, &words).is_empty() || quotations(entry.given).any(quoted)
        })
    }

    fn exception(
        &self,
        rule: &Rule,
        view: &View,
        chars: &[char],
        at: &Range<usize>,
        language: Language,
    ) -> Option<String> {
        let covers = |pattern: &Regex| {
            pattern.find_iter(&view.text).any(|found| found.start() <= at.start && at.end <= found.end())
        };
        if rule.excuses.iter().any(covers) {
            return Some("a harmless context".to_owned());
        }
        if rule.denials && is_denied(language, view, chars, at) {
            return Some("denied by the text".to_owned());
        }
        let needs = rule.evidence.as_ref()?;
        evidence::proof(rule, needs, &view.text, at, &self.record, self.locale)
            .map(|entry| format!("on record: {entry}"))
    }

    fn finding(&self, rule: &Rule, span: [usize; 2], exception: Option<String>) -> Finding {
        let category = self.claim.category.as_ref();
        let for_some = !rule.products.is_empty() || !rule.audiences.is_empty();
        let severity = if for_some && category.is_none() { Severity::Warning } else { rule.severity };
        Finding {
            rule: rule.id.clone(),
            category: category
                .and_then(|category| rule.category_by_product.get(category))
                .copied()
                .unwrap_or(rule.category),
            severity,
            span,
            text: self.original[span[0]..span[1]].iter().collect(),
            law: rule.law.clone(),
            rewrite: rule.rewrite.clone(),
            exception,
        }
    }
}

/// What stands in quotation marks, at most twelve characters each.
fn quotations(text: &str) -> impl Iterator<Item = &str> {
    text.split(['"', '“', '”', '「', '」', '『', '』', '《', '》'])
        .skip(1)
        .step_by(2)
        .filter(|name| (1..=12).contains(&name.chars().count()))
}

fn bytes(chars: &[char], at: &Range<usize>) -> Range<usize> {
    let width = |part: &[char]| part.iter().map(|c| c.len_utf8()).sum::<usize>();
    let start = width(&chars[..at.start]);
    start..start + width(&chars[at.clone()])
}

/// Whether the text itself denies what it says at `at`.
fn is_denied(language: Language, view: &View, chars: &[char], at: &Range<usize>) -> bool {
    let before = view.text.get(..at.start).unwrap_or_default();
    let start = before.chars().count();
    let length = view.text.get(at.clone()).map_or(0, |words| words.chars().count());
    if language != Language::Zh {
        let behind: String = chars[start + length..].iter().take(40).collect();
        return denies(chars, &(start..start + length)) || warned_of(before, &behind);
    }
    let behind: String = chars[start + length..].iter().take(14).collect();
    denied_before(before) || denied_behind(&behind)
}

/// A warning against what is said: `beware of …`, `… is a myth`.
fn warned_of(before: &str, behind: &str) -> bool {
    const BEFORE: [&str; 12] = [
        "beware of",
        "beware",
        "watch out for",
        "avoid",
        "ignore",
        "report",
        "steer clear of",
        "be wary of",
        "promise you",
        "promise a",
        "anyone who promises",
        "ads that say",
    ];
    const BEHIND: [&str; 8] = [
        "is a myth",
        "is a scam",
        "are scams",
        "does not exist",
        "doesn't exist",
        "isn't real",
        "sounds too good",
        "is illegal",
    ];
    let clause = before.rsplit(['.', '!', '?', ';']).next().unwrap_or_default().trim_end_matches([' ', '"']);
    let article = |words: &str| clause.trim_end_matches(" a").trim_end_matches(" any").ends_with(words);
    let next = behind.split(['.', '!', '?', ';']).next().unwrap_or_default();
    BEFORE[..8].iter().any(|&words| article(words))
        || BEFORE[8..].iter().any(|&words| clause.contains(words) && clause.contains("no "))
        || BEHIND.iter().any(|&words| next.contains(words))
}

/// A Chinese negation that governs what follows it at once: `不承诺…`, `没有…`, but not `不苦，…`.
fn denied_before(before: &str) -> bool {
    const NEGATIONS: [&str; 66] = [
        "不是",
        "不承诺",
        "不保证",
        "不能",
        "不可",
        "不会",
        "不敢",
        "不说",
        "不做",
        "不作",
        "不具",
        "不代表",
        "不构成",
        "不宣称",
        "不提供",
        "不要信",
        "不该",
        "不吹",
        "不谈",
        "不必",
        "不用",
        "不需要",
        "不再",
        "不保",
        "不押",
        "不劝",
        "没有",
        "没",
        "别信",
        "别",
        "勿",
        "并非",
        "绝非",
        "非",
        "无法",
        "无意",
        "拒绝",
        "谢绝",
        "禁止",
        "从不",
        "绝不",
        "严禁",
        "不等于",
        "不打",
        "不玩",
        "不追求",
        "警惕",
        "谨防",
        "当心",
        "小心",
        "举报",
        "抵制",
        "杜绝",
        "反对",
        "切勿",
        "不得",
        "不存在",
        "从未",
        "未曾",
        "并不",
        "不涉及",
        "不属于",
        "不追",
        "不求",
        "不信",
        "不搞",
    ];
    const FALSE_ONES: [&str; 10] =
        ["不是不", "无不", "非常", "莫非", "无非", "除非", "不只", "不仅", "特别", "是非"];
    let clause: String = before
        .chars()
        .rev()
        .take(9)
        .take_while(|c| !"。!?;:,、\n".contains(*c))
        .collect::<Vec<_>>()
        .into_iter()
        .rev()
        .filter(|c| *c != '"')
        .collect();
    if clause.ends_with('不') && !clause.ends_with("不不") {
        return true;
    }
    if FALSE_ONES.iter().any(|words| clause.contains(words)) || clause.contains("没有比") {
        return false;
    }
    NEGATIONS
        .iter()
        .any(|words| clause.rfind(words).is_some_and(|at| clause[at + words.len()..].chars().count() <= 4))
}

/// A refusal behind: `…无法保证`, `“零风险”这种话…`, `…的不敢说`.
fn denied_behind(behind: &str) -> bool {
    const REFUSALS: [&str; 29] = [
        "不代表",
        "不预示",
        "不构成",
        "不作承诺",
        "不做承诺",
        "不予承诺",
        "无法保证",
        "不保证",
        "这种话",
        "之类的话",
        "不敢说",
        "不敢这么说",
        "的说法",
        "与否",
        "取决于",
        "因人而异",
        "仅供参考",
        "别信",
        "不可信",
        "不靠谱",
        "骗局",
        "陷阱",
        "谎言",
        "违法",
        "不存在",
        "做不到",
        "是假的",
        "的广告",
        "的话术",
    ];
    REFUSALS.iter().any(|words| behind.contains(words))
}
