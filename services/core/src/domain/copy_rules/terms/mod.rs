//! The terms that advertising must not hold, in one list, and the one function that looks for them.
//!
//! The prompt, the grammar of the embedded model, the check of a model's answer, the copy engine,
//! the critique and `check` all ask here. A term counts by its context: `最` in `最长保温6小时` names
//! a measure, `cure` in `cure time` has nothing to do with health, `guaranteed` beside a warranty
//! with its time promises what can be kept.

mod context;
mod table;
#[cfg(test)]
mod tests;

use std::ops::Range;

use serde::{Deserialize, Serialize};
use spotwright_schemas::brief::{Brief, FactId};
use spotwright_schemas::error::Code;
use spotwright_schemas::wording::{Fold, Folded, find_term, fold, fold_of_term, whole_words};
use spotwright_schemas::{Locale, Problem};

use super::addresses::foreign_address;
use super::names;

pub use context::Context;
pub use table::{TERMS, Term};

/// Whether a finding stops the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// For the report only.
    Warning,
    /// The text must not be used.
    Error,
}

/// Why a term or a claim is a problem.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Category {
    /// Superlatives and unprovable absolutes.
    Absolute,
    /// Promises of medical effect.
    Medical,
    /// Effects on health or body claimed for food.
    HealthFood,
    /// Medical or impossible effects of cosmetics.
    Cosmetics,
    /// Promises of gain, of no risk or of credit for everybody.
    Finance,
    /// Promises of a result, a pass or a job.
    Education,
    /// Promises of appreciation, yields, schools, and distances in minutes.
    RealEstate,
    /// Inducements to drink, effects on health, drinking and driving.
    Alcohol,
    /// Pressure on children, and what must not be sold to them.
    Minors,
    /// Endorsements that nobody gave or that the law forbids.
    Testimonial,
    /// Reference prices without a basis, and `free` that costs.
    PriceFree,
    /// Scarcity and deadlines that are not so.
    Urgency,
    /// Competitors run down or outdone without proof.
    Comparison,
    /// What platforms refuse: statements about the reader, bodies before and after, bait, contacts beside the
    /// platform.
    PlatformPersonalAttribute,
    /// State symbols, links to government, synthetic people called real.
    AiOrStateSymbol,
    /// Objective claims that the record must prove.
    Unsubstantiated,
}

impl Category {
    /// The name as written in findings.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Absolute => "absolute",
            Self::Medical => "medical",
            Self::HealthFood => "health_food",
            Self::Cosmetics => "cosmetics",
            Self::Finance => "finance",
            Self::Education => "education",
            Self::RealEstate => "real_estate",
            Self::Alcohol => "alcohol",
            Self::Minors => "minors",
            Self::Testimonial => "testimonial",
            Self::PriceFree => "price_free",
            Self::Urgency => "urgency",
            Self::Comparison => "comparison",
            Self::PlatformPersonalAttribute => "platform_personal_attribute",
            Self::AiOrStateSymbol => "ai_or_state_symbol",
            Self::Unsubstantiated => "unsubstantiated",
        }
    }
}

/// A listed term in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hit {
    /// The row of the table.
    pub term: &'static str,
    /// Why it is a problem.
    pub category: Category,
    /// Whether it stops the text.
    pub severity: Severity,
    /// Rule it falls under.
    pub law: &'static str,
    /// First and past-the-last character of the original text.
    pub span: [usize; 2],
    /// Words to use instead; empty where the claim has to go.
    pub rewrite: &'static str,
    /// What makes the term harmless here: such a hit is reported and does not count.
    pub exception: Option<&'static str>,
}

/// Finds the listed terms of a locale in `text`, in the order of the text.
///
/// `names` are trademarks and product names: a term inside one of them is not reported. Terms are
/// found over full-width forms, invisible characters and, for Chinese, characters split by spaces
/// or symbols; Latin terms match whole words. The terms of both languages are looked for, since
/// Chinese copy holds English words and the reverse.
#[must_use]
pub fn lint(text: &str, locale: Locale, names: &[&str]) -> Vec<Hit> {
    let (plain, joined) = (fold(text, Fold::Plain), fold(text, Fold::Clauses));
    let protected = protected_offsets(text, names);
    let mut hits: Vec<Hit> = Vec::new();
    for term in TERMS {
        let folded = if fold_of_term(term.text) == Fold::Clauses { &joined } else { &plain };
        for at in places(folded, term.text) {
            let span = [folded.origin[at.start], folded.origin[at.end - 1] + 1];
            if (span[0]..span[1]).all(|offset| protected.contains(&offset)) {
                continue;
            }
            let exception =
                term.allowed.iter().find_map(|context| context.excuses(&folded.chars, &at, locale));
            let foreign = term.locale.language() != locale.language();
            hits.push(Hit {
                term: term.text,
                category: term.category,
                severity: if foreign { Severity::Warning } else { term.severity },
                law: term.law,
                span,
                rewrite: term.rewrite,
                exception,
            });
        }
    }
    hits.sort_by_key(|hit| (hit.span[0], std::cmp::Reverse(hit.span[1]), hit.term));
    hits
}

/// The first listed term of severity error that no context excuses.
#[must_use]
pub fn first_forbidden(text: &str, locale: Locale, names: &[&str]) -> Option<Hit> {
    // Nearly all texts hold no term at all, and a substring search is far cheaper than contexts.
    let plain: String = fold(text, Fold::Plain).chars.into_iter().collect();
    let joined: String = fold(text, Fold::Clauses).chars.into_iter().collect();
    let suspicious = |term: &Term| {
        if term.severity != Severity::Error || term.locale.language() != locale.language() {
            return false;
        }
        let folded = if fold_of_term(term.text) == Fold::Clauses { &joined } else { &plain };
        folded.contains(term.text)
    };
    if !TERMS.iter().any(suspicious) {
        return None;
    }
    lint(text, locale, names)
        .into_iter()
        .find(|hit| hit.exception.is_none() && hit.severity == Severity::Error)
}

/// Whether the text holds a listed term of severity error that no context excuses.
#[must_use]
pub fn is_forbidden(text: &str, locale: Locale, names: &[&str]) -> bool {
    first_forbidden(text, locale, names).is_some()
}

/// Why a text of this brief must not be shown: a word that the brand bans, a listed term, or an address,
/// number, account or trade mark that is not the brief's own.
#[must_use]
pub fn objection(brief: &Brief, text: &str) -> Option<Objection> {
    let banned = brief.brand.banned_words.iter().find(|word| !find_term(text, word).is_empty());
    if let Some(word) = banned {
        return Some(Objection { term: word.clone(), law: String::new(), rewrite: String::new() });
    }
    let foreign = || foreign_address(brief, text).or_else(|| names::foreign_mark(brief, text));
    let listed = first_forbidden(text, brief.locale, &names::of(brief)).map(|hit| Objection {
        term: hit.term.to_owned(),
        law: hit.law.to_owned(),
        rewrite: hit.rewrite.to_owned(),
    });
    listed.or_else(|| foreign().map(|term| Objection { term, law: String::new(), rewrite: String::new() }))
}

/// Why a text must not be shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Objection {
    /// The word.
    pub term: String,
    /// The rule it falls under; empty for a word that the brand bans and for what leads elsewhere.
    pub law: String,
    /// Words to use instead; empty where the claim has to go.
    pub rewrite: String,
}

impl std::fmt::Display for Objection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "`{}` is not allowed in advertising copy", self.term)?;
        if !self.law.is_empty() {
            write!(f, " ({})", self.law)?;
        }
        if !self.rewrite.is_empty() {
            write!(f, "; say `{}`", self.rewrite)?;
        }
        Ok(())
    }
}

/// A fact that no ad will say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UnsayableFact {
    /// The fact.
    pub fact: FactId,
    /// Its place in the brief, e.g. `product.facts[3].text`.
    pub field: String,
    /// Its words.
    pub text: String,
    /// Why.
    pub objection: Objection,
}

/// The facts of a brief that no ad will say, in the brief's order.
#[must_use]
pub fn unsayable_facts(brief: &Brief) -> Vec<UnsayableFact> {
    let judged = brief.product.facts.iter().enumerate().filter_map(|(idx, fact)| {
        let objection = objection(brief, &fact.text)?;
        let field = format!("product.facts[{idx}].text");
        Some(UnsayableFact { fact: fact.id.clone(), field, text: fact.text.clone(), objection })
    });
    judged.collect()
}

/// Refuses a brief none of whose claims can be said.
///
/// # Errors
/// [`Code::FactsUnsayable`], with the first fact's field and why it is left out.
pub fn expect_sayable(brief: &Brief) -> Result<(), Problem> {
    let lost = unsayable_facts(brief);
    let said = |id: &FactId| !lost.iter().any(|unsayable| unsayable.fact == *id);
    if brief.product.facts.iter().any(|fact| fact.kind.needs_evidence() && said(&fact.id)) {
        return Ok(());
    }
    let reasons: Vec<String> =
        lost.iter().map(|unsayable| format!("“{}”: {}", unsayable.text, unsayable.objection)).collect();
    let field = lost.first().map_or("product.facts", |unsayable| unsayable.field.as_str());
    Err(Problem::new(
        Code::FactsUnsayable,
        field,
        format!("no fact about the product is left that an ad may say: {}", reasons.join("; ")),
    ))
}

fn places(folded: &Folded, term: &str) -> Vec<Range<usize>> {
    let needle: Vec<char> = term.chars().collect();
    whole_words(&folded.chars, &needle)
}

fn protected_offsets(text: &str, names: &[&str]) -> Vec<usize> {
    names.iter().flat_map(|name| find_term(text, name)).flatten().collect()
}
