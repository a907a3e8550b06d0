//! Rule packs: the data under `services/core/rules`, and its compiled form.

use std::collections::BTreeMap;

use regex::{Regex, RegexBuilder, RegexSet, RegexSetBuilder};
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
    pub(super) shows: Vec<Regex>,
    /// The record holds the figures of the claim.
    pub(super) figures: bool,
    /// The entry's first figure is at least this.
    pub(super) at_least: Option<f64>,
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
    pub(super) patterns: Vec<Regex>,
    pub(super) products: Vec<String>,
    pub(super) not_products: Vec<String>,
    pub(super) audiences: Vec<String>,
    pub(super) excuses: Vec<Regex>,
    pub(super) unless: Vec<Regex>,
    pub(super) only_if: Vec<Regex>,
    pub(super) only_if_record: Vec<Regex>,
    pub(super) denials: bool,
    pub(super) evidence: Option<Evidence>,
    pub(super) against: Vec<Regex>,
}

/// A pack, compiled: its rules, and which of them a text may concern at all.
#[derive(Debug)]
pub(super) struct Pack {
    pub(super) language: Language,
    pub(super) rules: Vec<Rule>,
    filter: RegexSet,
    /// For each pattern of the filter its rule.
    owners: Vec<usize>,
}

impl Pack {
    /// Reads and compiles a pack.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub(super) fn read(text: &str) -> Result<Self, String> {
        let file: PackFile = serde_saphyr::from_str(text).map_err(|error| error.to_string())?;
        let compiler = Compiler::new(&file.words)?;
        let mut rules = Vec::with_capacity(file.rules.len());
        let (mut sources, mut owners) = (Vec::new(), Vec::new());
        for rule in file.rules {
            for pattern in &rule.patterns {
                sources.push(compiler.source(pattern).map_err(|error| format!("{}: {error}", rule.id))?);
                owners.push(rules.len());
            }
            let id = rule.id.clone();
            rules.push(compiler.rule(rule, &file.against).map_err(|error| format!("{id}: {error}"))?);
        }
        let filter = RegexSetBuilder::new(&sources)
            .size_limit(16 * MOST_BYTES)
            .dfa_size_limit(4 * MOST_BYTES)
            .build()
            .map_err(|error| error.to_string())?;
        Ok(Self { language: file.language, rules, filter, owners })
    }

    /// The rules one of whose patterns or terms may stand in the text, in their order.
    pub(super) fn candidates(&self, text: &str) -> Vec<&Rule> {
        let mut wanted = vec![false; self.rules.len()];
        for pattern in self.filter.matches(text) {
            wanted[self.owners[pattern]] = true;
        }
        let listed = |rule: &Rule| rule.table.iter().any(|term| text.contains(term.text));
        self.rules
            .iter()
            .enumerate()
            .filter(|(idx, rule)| wanted[*idx] || listed(rule))
            .map(|(_, rule)| rule)
            .collect()
    }
}

/// Turns patterns of a pack into regular expressions.
struct Compiler {
    words: BTreeMap<String, String>,
}

impl Compiler {
    fn new(words: &BTreeMap<String, Vec<String>>) -> Result<Self, String> {
        let mut compiler = Self { words: BTreeMap::new() };
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

    /// Whole words only: no Latin letter or digit touches what a pattern finds.
    fn source(&self, pattern: &str) -> Result<String, String> {
        Ok(format!(r"(?-u:\b{{start-half}})(?:{})(?-u:\b{{end-half}})", self.fill(pattern)?))
    }

    fn whole(&self, pattern: &str) -> Result<Regex, String> {
        build(&self.source(pattern)?)
    }

    fn all(&self, patterns: &[String]) -> Result<Vec<Regex>, String> {
        patterns.iter().map(|pattern| build(&self.fill(pattern)?)).collect()
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
            patterns: file.patterns.iter().map(|pattern| self.whole(pattern)).collect::<Result<_, _>>()?,
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
        })
    }
}

fn build(source: &str) -> Result<Regex, String> {
    RegexBuilder::new(source).size_limit(MOST_BYTES).build().map_err(|error| error.to_string())
}
