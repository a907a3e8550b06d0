//! Advertising-law lint of one text against the tables of [`super::terms`].

use serde::{Deserialize, Serialize};
use spotwright_schemas::Locale;

use super::Severity;
use super::terms::{TERMS, Term};
use crate::text::{Folded, fold, is_han};

/// Why a term is a problem.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Category {
    /// Superlatives and unprovable absolutes.
    Absolute,
    /// Promises of medical effect.
    Medical,
    /// Promises of gain or of no risk.
    Finance,
    /// Endorsements that nobody gave.
    Testimonial,
}

impl Category {
    /// The name as written in findings.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Absolute => "absolute",
            Self::Medical => "medical",
            Self::Finance => "finance",
            Self::Testimonial => "testimonial",
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
    /// The harmless phrase that contains the term: such a hit is reported and does not count.
    pub exception: Option<&'static str>,
}

/// Finds the listed terms of a locale in `text`, in the order of the text.
///
/// `names` are trademarks and product names: a term inside one of them is not reported. Terms are
/// found over full-width forms, invisible characters and, for Chinese, characters split by spaces
/// or symbols. Both tables are searched, since Chinese copy holds English words and the reverse.
#[must_use]
pub fn lint(text: &str, locale: Locale, names: &[&str]) -> Vec<Hit> {
    let (plain, joined) = (fold(text, false), fold(text, true));
    let protected = protected_offsets(&plain, names);
    let mut hits: Vec<Hit> = Vec::new();
    for term in TERMS {
        let chinese = term.locale == Locale::ZhCn;
        let folded = if chinese { &joined } else { &plain };
        let needle: Vec<char> = term.text.chars().collect();
        for at in positions(&folded.chars, &needle) {
            let end = at + needle.len();
            if !chinese && !stands_alone(&folded.chars, at, end) {
                continue;
            }
            let span = [folded.origin[at], folded.origin[end - 1] + 1];
            if (span[0]..span[1]).all(|offset| protected.contains(&offset)) {
                continue;
            }
            let exception = exception_at(term, &folded.chars, at, end);
            let foreign = term.locale != locale;
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

/// Whether the text holds a listed term of severity error that no exception excuses.
#[must_use]
pub fn is_forbidden(text: &str, locale: Locale, names: &[&str]) -> bool {
    // Nearly all texts hold no term at all, and a substring search is far cheaper than spans.
    let plain: String = fold(text, false).chars.into_iter().collect();
    let joined: String = fold(text, true).chars.into_iter().collect();
    let suspicious = |term: &Term| {
        term.severity == Severity::Error
            && term.locale == locale
            && (if locale == Locale::ZhCn { &joined } else { &plain }).contains(term.text)
    };
    if !TERMS.iter().any(suspicious) {
        return false;
    }
    lint(text, locale, names).iter().any(|hit| hit.exception.is_none() && hit.severity == Severity::Error)
}

fn positions(haystack: &[char], needle: &[char]) -> Vec<usize> {
    if needle.is_empty() || needle.len() > haystack.len() {
        return Vec::new();
    }
    (0..=haystack.len() - needle.len()).filter(|at| haystack[*at..].starts_with(needle)).collect()
}

/// Latin terms match whole words only; a Han neighbor is a word boundary.
fn stands_alone(chars: &[char], at: usize, end: usize) -> bool {
    let word = |c: char| c.is_alphanumeric() && !is_han(c);
    let before = at.checked_sub(1).is_some_and(|idx| word(chars[idx]) && word(chars[at]));
    let after = chars.get(end).is_some_and(|c| word(*c) && word(chars[end - 1]));
    !before && !after
}

fn exception_at(term: &Term, chars: &[char], at: usize, end: usize) -> Option<&'static str> {
    term.exceptions.iter().copied().find(|phrase| {
        let phrase: Vec<char> = phrase.chars().collect();
        positions(chars, &phrase).into_iter().any(|start| start <= at && end <= start + phrase.len())
    })
}

fn protected_offsets(plain: &Folded, names: &[&str]) -> Vec<usize> {
    let mut offsets = Vec::new();
    for name in names {
        let needle = fold(name, false).chars;
        for at in positions(&plain.chars, &needle) {
            offsets.extend(plain.origin[at]..=plain.origin[at + needle.len() - 1]);
        }
    }
    offsets
}

#[cfg(test)]
mod tests {
    use super::*;

    fn forbidden(text: &str, locale: Locale) -> bool {
        is_forbidden(text, locale, &[])
    }

    #[test]
    fn listed_terms_are_found_in_any_width_and_split() {
        for text in [
            "最好喝的咖啡",
            "全国第一",
            "最 佳口感",
            "顶·级豆子",
            "国家級别不算，国家级算",
            "绝\u{200B}对好喝",
        ] {
            assert!(forbidden(text, Locale::ZhCn), "{text}");
        }
        for text in
            ["The best coffee", "ＢＥＳＴ coffee", "Our #1 roast", "It cures colds", "Risk-free money"]
        {
            assert!(forbidden(text, Locale::EnUs), "{text}");
        }
    }

    #[test]
    fn harmless_neighbors_are_left_alone() {
        for text in ["第一口就暖了", "最近换了口味", "每天第一杯", "烘焙日期印在袋上"]
        {
            assert!(!forbidden(text, Locale::ZhCn), "{text}");
        }
        for text in ["Best before March", "A secure lid", "Bestow a smile", "30-day money-back guarantee"] {
            assert!(!forbidden(text, Locale::EnUs), "{text}");
        }
    }

    #[test]
    fn a_trademark_may_hold_a_term() {
        assert!(!is_forbidden("Best Bean, roasted today", Locale::EnUs, &["Best Bean"]));
        assert!(is_forbidden("Best Bean, the best", Locale::EnUs, &["Best Bean"]));
    }

    #[test]
    fn spans_point_into_the_original() {
        let hits = lint("口感ＢＥＳＴ，最·佳", Locale::ZhCn, &[]);
        assert_eq!(hits[0].span, [2, 6]);
        assert_eq!(hits[0].severity, Severity::Warning);
        assert_eq!(hits[1].span[0], 7);
    }
}
