//! Rule packs: the data under `services/core/rules`, and its compiled form.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::OnceLock;

use regex::{Regex, RegexBuilder};
use regex_syntax::hir::Hir;
use serde::Deserialize;

use crate::domain::copy_rules::terms::{Category, Severity, TERMS, Term};

/// Most memory that one compiled pattern may take, so that a careless pattern fails the tests.
const MOST_BYTES: usize = 8 << 20;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PackFile {
    /// `zh`, `en`, or `any`.
    language: Language,
    /// Lists that patterns name in braces.
    #[serde(default)]
    words: BTreeMap<String, Vec<String>>,
    /// Entries of a record that tell against the advertiser, for every rule of the pack.
    #[serde(default)]
    against: Vec<String>,
    rules: Vec<RuleFile>,
}

/// The language whose texts a pack judges.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Language {
    /// Chinese.
    Zh,
    /// English.
    En,
    /// Every text.
    Any,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleFile {
    id: String,
    category: Category,
    #[serde(default)]
    category_by_product: BTreeMap<String, Category>,
    severity: Severity,
    law: String,
    #[serde(default)]
    rewrite: String,
    #[serde(default)]
    table: Vec<String>,
    #[serde(default)]
    patterns: Vec<String>,
    #[serde(default)]
    products: Vec<String>,
    #[serde(default)]
    not_products: Vec<String>,
    #[serde(default)]
    audiences: Vec<String>,
    #[serde(default)]
    excuses: Vec<String>,
    #[serde(default)]
    unless: Vec<String>,
    #[serde(default)]
    only_if: Vec<String>,
    #[serde(default)]
    only_if_record: Vec<String>,
    #[serde(default = "yes")]
    denials: bool,
    #[serde(default)]
    evidence: Option<EvidenceFile>,
    /// What writers are told, in the language of the pack; empty for rules that others speak for.
    #[serde(default)]
    tell: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct EvidenceFile {
    #[serde(default)]
    shows: Vec<String>,
    #[serde(default)]
    figures: bool,
    #[serde(default)]
    at_least: Option<f64>,
}

const fn yes() -> bool {
    true
}

/// What proves a claim.
#[derive(Debug)]
pub(super) struct Evidence {
    /// One of these in an entry names what is claimed; so do the claim's own words.
    pub(super) shows: Vec<Pattern>,
    /// The record holds the figures of the claim.
    pub(super) figures: bool,
    /// The entry's first figure is at least this.
    pub(super) at_least: Option<f64>,
}

/// Whether no Latin letter or digit goes on beyond the place.
fn is_whole(text: &str, at: &Range<usize>) -> bool {
    let word = |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
    let bytes = text.as_bytes();
    let goes_on = |at: usize| at > 0 && word(bytes.get(at - 1)) && word(bytes.get(at));
    !goes_on(at.start) && !goes_on(at.end)
}

/// A pattern, compiled when it is first needed: few texts get past the gate to any one of them.
#[derive(Debug)]
pub(super) struct Pattern {
    source: String,
    compiled: OnceLock<Option<Regex>>,
    /// Its place in what the gate answers.
    slot: usize,
}

impl Pattern {
    const fn new(source: String) -> Self {
        Self { source, compiled: OnceLock::new(), slot: 0 }
    }

    /// The pattern as a tree.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub(super) fn tree(&self) -> Result<Hir, String> {
        regex_syntax::parse(&self.source).map_err(|error| error.to_string())
    }

    pub(super) const fn set_slot(&mut self, slot: usize) {
        self.slot = slot;
    }

    pub(super) fn is_wanted(&self, wanted: &[bool]) -> bool {
        wanted.get(self.slot).copied().unwrap_or(true)
    }

    /// A pattern that does not compile finds nothing; [`super::Rules::check`] names it.
    fn regex(&self) -> Option<&Regex> {
        self.compiled.get_or_init(|| build(&self.source).ok()).as_ref()
    }

    pub(super) fn is_match(&self, text: &str) -> bool {
        self.regex().is_some_and(|regex| regex.is_match(text))
    }

    /// Where it stands as whole words, in bytes.
    pub(super) fn whole_places(&self, text: &str) -> Vec<Range<usize>> {
        let mut places = self.places(text);
        places.retain(|at| is_whole(text, at));
        places
    }

    /// Where it stands in the text, in bytes.
    pub(super) fn places(&self, text: &str) -> Vec<Range<usize>> {
        self.regex().map_or_else(Vec::new, |regex| regex.find_iter(text).map(|found| found.range()).collect())
    }
}

/// A rule, compiled.
#[derive(Debug)]
pub(super) struct Rule {
    pub(super) id: String,
    pub(super) category: Category,
    pub(super) category_by_product: BTreeMap<String, Category>,
    pub(super) severity: Severity,
    pub(super) law: String,
    pub(super) rewrite: String,
    pub(super) table: Vec<&'static Term>,
    pub(super) patterns: Vec<Pattern>,
    pub(super) products: Vec<String>,
    pub(super) not_products: Vec<String>,
    pub(super) audiences: Vec<String>,
    pub(super) excuses: Vec<Pattern>,
    pub(super) unless: Vec<Pattern>,
    pub(super) only_if: Vec<Pattern>,
    pub(super) only_if_record: Vec<Pattern>,
    pub(super) denials: bool,
    pub(super) evidence: Option<Evidence>,
    pub(super) against: Vec<Pattern>,
    pub(super) tell: String,
    /// The place of its terms in what the gate answers.
    pub(super) slot: usize,
}

impl Rule {
    /// Whether one of its patterns or terms may stand in the text.
    pub(super) fn is_wanted(&self, wanted: &[bool]) -> bool {
        wanted.get(self.slot).copied().unwrap_or(true)
            || self.patterns.iter().any(|pattern| pattern.is_wanted(wanted))
    }

    /// Compiles everything.
    ///
    /// # Errors
    /// What is wrong with a pattern, in words.
    pub(super) fn check(&self) -> Result<(), String> {
        let shown: &[Pattern] = self.evidence.as_ref().map_or(&[], |needs| needs.shows.as_slice());
        [
            &self.patterns[..],
            &self.excuses,
            &self.unless,
            &self.only_if,
            &self.only_if_record,
            &self.against,
            shown,
        ]
        .into_iter()
        .flatten()
        .try_for_each(|pattern| {
            build(&pattern.source).map(drop).map_err(|error| format!("{}: {error}", pattern.source))
        })
    }
}

/// A pack: its rules and the language they are for.
#[derive(Debug)]
pub(super) struct Pack {
    pub(super) language: Language,
    pub(super) rules: Vec<Rule>,
}

impl Pack {
    /// Reads and compiles a pack.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub(super) fn read(text: &str) -> Result<Self, String> {
        let file: PackFile = serde_saphyr::from_str(text).map_err(|error| error.to_string())?;
        let compiler = Compiler::new(&file.words, file.language)?;
        let mut rules = Vec::with_capacity(file.rules.len());
        for rule in file.rules {
            let id = rule.id.clone();
            rules.push(compiler.rule(rule, &file.against).map_err(|error| format!("{id}: {error}"))?);
        }
        Ok(Self { language: file.language, rules })
    }
}

/// Turns patterns of a pack into regular expressions.
struct Compiler {
    words: BTreeMap<String, String>,
    language: Language,
}

impl Compiler {
    fn new(words: &BTreeMap<String, Vec<String>>, language: Language) -> Result<Self, String> {
        let mut compiler = Self { words: BTreeMap::new(), language };
        // A list may name lists that stand before it in the alphabet or resolve in a second pass.
        for _ in 0..3 {
            for (name, list) in words {
                let joined = format!("(?:{})", list.join("|"));
                if let Ok(joined) = compiler.fill(&joined) {
                    compiler.words.insert(name.clone(), joined);
                }
            }
        }
        match words.keys().find(|name| !compiler.words.contains_key(*name)) {
            Some(name) => Err(format!("the list `{name}` names a list that there is not")),
            None => Ok(compiler),
        }
    }

    /// The pattern with its lists.
    fn fill(&self, pattern: &str) -> Result<String, String> {
        let mut filled = String::new();
        let mut rest = pattern;
        while let Some(at) = rest.find('{') {
            let (before, behind) = rest.split_at(at);
            filled.push_str(before);
            let end = behind.find('}').ok_or_else(|| format!("an open brace in `{pattern}`"))?;
            let name = &behind[1..end];
            if name.starts_with(|c: char| c.is_ascii_lowercase()) {
                filled.push_str(self.words.get(name).ok_or_else(|| format!("no list `{name}`"))?);
            } else {
                filled.push_str(&behind[..=end]);
            }
            rest = &behind[end + 1..];
        }
        filled.push_str(rest);
        Ok(filled)
    }

    /// Whole words only: no Latin letter or digit touches what a pattern finds. Chinese may stand
    /// beside Latin (`V7最强`), so that only its own ends are looked at, afterwards.
    fn source(&self, pattern: &str) -> Result<String, String> {
        let filled = self.fill(pattern)?;
        Ok(match self.language {
            Language::Zh => format!("(?:{filled})"),
            Language::En | Language::Any => {
                format!(r"(?-u:\b{{start-half}})(?:{filled})(?-u:\b{{end-half}})")
            }
        })
    }

    fn whole(&self, patterns: &[String]) -> Result<Vec<Pattern>, String> {
        patterns.iter().map(|pattern| self.source(pattern).map(Pattern::new)).collect()
    }

    fn all(&self, patterns: &[String]) -> Result<Vec<Pattern>, String> {
        patterns.iter().map(|pattern| self.fill(pattern).map(Pattern::new)).collect()
    }

    fn rule(&self, file: RuleFile, against: &[String]) -> Result<Rule, String> {
        let evidence = match file.evidence {
            Some(needs) => Some(Evidence {
                shows: self.all(&needs.shows)?,
                figures: needs.figures,
                at_least: needs.at_least,
            }),
            None => None,
        };
        let table = file.table.iter().map(|name| {
            TERMS.iter().find(|term| term.text == name).ok_or_else(|| format!("`{name}` is not in the table"))
        });
        Ok(Rule {
            table: table.collect::<Result<_, _>>()?,
            patterns: self.whole(&file.patterns)?,
            excuses: self.all(&file.excuses)?,
            unless: self.all(&file.unless)?,
            only_if: self.all(&file.only_if)?,
            only_if_record: self.all(&file.only_if_record)?,
            against: self.all(against)?,
            evidence,
            id: file.id,
            category: file.category,
            category_by_product: file.category_by_product,
            severity: file.severity,
            law: file.law,
            rewrite: file.rewrite,
            products: file.products,
            not_products: file.not_products,
            audiences: file.audiences,
            denials: file.denials,
            tell: file.tell,
            slot: 0,
        })
    }
}

fn build(source: &str) -> Result<Regex, String> {
    RegexBuilder::new(source).size_limit(MOST_BYTES).build().map_err(|error| error.to_string())
}
