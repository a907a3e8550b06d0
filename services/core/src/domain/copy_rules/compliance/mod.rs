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

mod brief;
mod denial;
mod evidence;
mod gate;
mod pack;
mod sounds;
#[cfg(test)]
mod tests;
mod views;

use std::cell::OnceCell;
use std::ops::Range;
use std::sync::OnceLock;

use serde::{Deserialize, Serialize};
use spotwright_schemas::error::Code;
use spotwright_schemas::wording::{find_term, is_han, whole_words};
use spotwright_schemas::{Locale, Problem};

use denial::is_denied;
use evidence::Entry;
use gate::Gate;
use pack::{Language, Pack, Pattern, Rule};
use sounds::{Sounds, SoundsFile};
use views::{View, plain_text, views};

pub use super::terms::{Category, Severity};
pub use brief::summary;

/// The packs that the program ships with: file name and text.
pub const SHIPPED: &[(&str, &str)] = &[
    ("zh/absolute.yaml", include_str!("../../../../rules/zh/absolute.yaml")),
    ("zh/health.yaml", include_str!("../../../../rules/zh/health.yaml")),
    ("zh/business.yaml", include_str!("../../../../rules/zh/business.yaml")),
    ("zh/trust.yaml", include_str!("../../../../rules/zh/trust.yaml")),
    ("zh/phrasings.yaml", include_str!("../../../../rules/zh/phrasings.yaml")),
    ("en/claims.yaml", include_str!("../../../../rules/en/claims.yaml")),
    ("en/health.yaml", include_str!("../../../../rules/en/health.yaml")),
    ("en/business.yaml", include_str!("../../../../rules/en/business.yaml")),
    ("en/trust.yaml", include_str!("../../../../rules/en/trust.yaml")),
    ("en/phrasings.yaml", include_str!("../../../../rules/en/phrasings.yaml")),
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
    /// The evidence is what the advertiser says of itself, as the facts of a brief are: it proves,
    /// and admits nothing. No line of business means that it is none of those above.
    #[serde(default)]
    pub own_words: bool,
}

impl Claim {
    /// A line of which nothing else is known.
    #[must_use]
    pub fn plain(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            evidence: Vec::new(),
            category: None,
            audience: None,
            names: Vec::new(),
            own_words: false,
        }
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
    gate: Gate,
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
        let mut packs: Vec<Pack> = packs
            .iter()
            .map(|(name, text)| Pack::read(text).map_err(|what| wrong(name, what)))
            .collect::<Result<_, _>>()?;
        let gate = Gate::new(&mut packs).map_err(|what| wrong("rules", what))?;
        let sounds = Sounds::new(&file).map_err(|what| wrong("disguise", what))?;
        Ok(Self { packs, gate, sounds })
    }

    /// Compiles every pattern of the packs, which are compiled when first needed otherwise.
    ///
    /// # Errors
    /// [`Code::Prerequisite`] with the rule and what is wrong with its pattern.
    pub fn check(&self) -> Result<(), Problem> {
        for rule in self.packs.iter().flat_map(|pack| &pack.rules) {
            rule.check().map_err(|what| Problem::new(Code::Prerequisite, rule.id.as_str(), what))?;
        }
        Ok(())
    }

    /// The names of the rules, in the order of the packs.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.packs.iter().flat_map(|pack| &pack.rules).map(|rule| rule.id.as_str())
    }

    /// What a text may be read as, however it is spelled: the plainest reading first, in lower case.
    pub(in crate::domain::copy_rules) fn readings(&self, text: &str) -> Vec<String> {
        views(text, &self.sounds).into_iter().map(|view| view.text).collect()
    }

    /// Judges a line. Findings stand in the order of the text; those with an exception do not count.
    #[must_use]
    pub fn lint(&self, claim: &Claim, locale: Locale) -> Vec<Finding> {
        let original: Vec<char> = claim.text.chars().collect();
        let judge =
            Judge { claim, locale, sounds: &self.sounds, record: OnceCell::new(), original: &original };
        let mut findings = Vec::new();
        for view in views(&claim.text, &self.sounds) {
            let wanted = self.gate.wanted(&view.text);
            let chars: Vec<char> = view.text.chars().collect();
            for pack in self.packs.iter().filter(|pack| reads(pack.language, &chars, locale)) {
                for rule in pack.rules.iter().filter(|rule| rule.is_wanted(&wanted)) {
                    judge.apply(rule, &wanted, &view, &chars, pack.language, &mut findings);
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
    sounds: &'a Sounds,
    /// Read when a rule first asks for it: most lines hold nothing that needs proof.
    record: OnceCell<Vec<Entry<'a>>>,
    original: &'a [char],
}

impl<'a> Judge<'a> {
    fn record(&self) -> &[Entry<'a>] {
        self.record.get_or_init(|| {
            let entry = |given: &'a String| Entry { given, plain: plain_text(given, self.sounds) };
            self.claim.evidence.iter().map(entry).collect()
        })
    }

    fn apply(
        &self,
        rule: &Rule,
        wanted: &[bool],
        view: &View,
        chars: &[char],
        language: Language,
        findings: &mut Vec<Finding>,
    ) {
        if !self.concerns(rule) || !self.is_admitted(rule) {
            return;
        }
        let holds = |patterns: &[Pattern]| patterns.iter().any(|pattern| pattern.is_match(&view.text));
        if holds(&rule.unless) || !(rule.only_if.is_empty() || holds(&rule.only_if)) {
            return;
        }
        let mut hits: Vec<(Range<usize>, Option<&str>)> = Vec::new();
        for pattern in rule.patterns.iter().filter(|pattern| pattern.is_wanted(wanted)) {
            hits.extend(pattern.whole_places(&view.text).into_iter().map(|at| (at, None)));
        }
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
            || (category.is_none() && !self.claim.own_words)
            || named(&rule.products, category)
            || named(&rule.audiences, audience)
    }

    /// Whether the record admits what a rule asks for, where it asks for something.
    fn is_admitted(&self, rule: &Rule) -> bool {
        if rule.only_if_record.is_empty() {
            return true;
        }
        let admits =
            |entry: &Entry<'_>| rule.only_if_record.iter().any(|pattern| pattern.is_match(&entry.plain));
        !self.claim.own_words && self.record().iter().any(admits)
    }

    /// Whether the words are a title, or a trademark or product name: one of the claim's, or one on record.
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
        if self.claim.names.iter().any(covers) || is_in_title(self.original, span) {
            return true;
        }
        let words: String = self.original[span[0]..span[1]].iter().collect();
        let registers = |entry: &&Entry<'_>| {
            SIGNS.iter().any(|sign| entry.plain.contains(*sign) && !find_term(entry.given, sign).is_empty())
        };
        self.record().iter().filter(registers).any(|entry| {
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
        let covers = |pattern: &Pattern| {
            pattern.places(&view.text).iter().any(|found| found.start <= at.start && at.end <= found.end)
        };
        if rule.excuses.iter().any(covers) {
            return Some("a harmless context".to_owned());
        }
        if rule.denials && is_denied(language, view, chars, at) {
            return Some("denied by the text".to_owned());
        }
        let needs = rule.evidence.as_ref()?;
        evidence::proof(rule, needs, &view.text, at, self.record(), !self.claim.own_words, self.locale)
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

/// Whether the characters stand in a Chinese title: `《最好的我们》`.
fn is_in_title(text: &[char], span: [usize; 2]) -> bool {
    let opens = text.iter().take(span[0] + 1).rposition(|c| *c == '《');
    let closes = text.iter().skip(span[0]).position(|c| *c == '》').map(|at| at + span[0]);
    let (Some(opens), Some(closes)) = (opens, closes) else { return false };
    let shut = text.iter().take(span[0]).skip(opens).any(|c| *c == '》');
    !shut && span[1] <= closes + 1
}

fn bytes(chars: &[char], at: &Range<usize>) -> Range<usize> {
    let width = |part: &[char]| part.iter().map(|c| c.len_utf8()).sum::<usize>();
    let start = width(&chars[..at.start]);
    start..start + width(&chars[at.clone()])
}
