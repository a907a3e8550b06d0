//! Whether the advertiser's record proves a claim.

use std::collections::BTreeSet;
use std::ops::Range;

use spotwright_schemas::Locale;
use spotwright_schemas::wording::is_han;

use super::pack::{Evidence, Rule};
use crate::domain::copy_rules::quantity::{Number, Value, parse};

/// An entry of the record: as given, and as compared.
#[derive(Debug, Clone)]
pub(super) struct Entry<'a> {
    pub(super) given: &'a str,
    pub(super) plain: String,
}

/// Words that say nothing about what is claimed.
const EMPTY_WORDS: [&str; 44] = [
    "the", "and", "for", "with", "that", "this", "from", "your", "our", "you", "are", "was", "has", "have",
    "not", "will", "only", "just", "more", "than", "most", "all", "any", "who", "what", "when", "into",
    "over", "under", "per", "each", "their", "its", "get", "got", "now", "one", "two", "use", "used", "made",
    "make", "been", "were",
];

/// The entry that proves the claim at `at` of `text`, if one does.
///
/// An entry proves a claim when it names what is claimed, by a word that the rule asks for or by
/// sharing the claim's own words, and when the record holds every figure of the claim. A record that
/// tells against the advertiser, where it `admits` anything at all, proves nothing.
pub(super) fn proof<'a>(
    rule: &Rule,
    needs: &Evidence,
    text: &str,
    at: &Range<usize>,
    record: &[Entry<'a>],
    admits: bool,
    locale: Locale,
) -> Option<&'a str> {
    let against = |entry: &Entry<'_>| rule.against.iter().any(|pattern| pattern.is_match(&entry.plain));
    if record.is_empty() || (admits && record.iter().any(against)) {
        return None;
    }
    let words = text.get(at.clone()).unwrap_or_default();
    let said = if needs.figures { numbers(words, locale) } else { Vec::new() };
    let known: Vec<f64> = record.iter().flat_map(|entry| numbers(&entry.plain, locale)).collect();
    if !said.iter().all(|value| is_backed(*value, &known)) {
        return None;
    }
    let (of_words, of_clause) = (tokens(words), tokens(clause(text, at)));
    let shares = |entry: &Entry<'_>| {
        let of_entry = tokens(&entry.plain);
        let shared = of_clause.intersection(&of_entry).count();
        shared >= 3
            || (shared >= 2 && !of_words.is_disjoint(&of_entry))
            || (!said.is_empty() && (shared >= 1 || needs.shows.is_empty()))
    };
    let names = |entry: &&Entry<'_>| {
        needs.shows.iter().any(|pattern| pattern.is_match(&entry.plain))
            || (needs.at_least.is_none() && shares(entry))
    };
    let entry = record.iter().find(names)?;
    let enough = |least: f64| numbers(&entry.plain, locale).first().is_some_and(|value| *value >= least);
    needs.at_least.is_none_or(enough).then_some(entry.given)
}

/// The clause of a text around `at`.
fn clause<'a>(text: &'a str, at: &Range<usize>) -> &'a str {
    let stops = ['。', '!', '?', ';', ',', '\n', '.'];
    let start = text.get(..at.start).and_then(|before| {
        before.char_indices().rev().find(|(_, c)| stops.contains(c)).map(|(idx, c)| idx + c.len_utf8())
    });
    let end = text.get(at.end..).and_then(|behind| behind.find(stops)).map(|idx| at.end + idx);
    text.get(start.unwrap_or(0)..end.unwrap_or(text.len())).unwrap_or(text)
}

/// What a text is about: pairs of Han characters, and the beginnings of Latin words, since endings
/// change.
fn tokens(text: &str) -> BTreeSet<String> {
    const STEM: usize = 5;
    let mut found = BTreeSet::new();
    for run in text.split(|c: char| !is_han(c)) {
        let run: Vec<char> = run.chars().collect();
        found.extend(run.windows(2).map(|pair| pair.iter().collect::<String>()));
    }
    for word in text.split(|c: char| !c.is_ascii_lowercase()) {
        if word.len() >= 3 && !EMPTY_WORDS.contains(&word) {
            found.insert(word.chars().take(STEM).collect());
        }
    }
    found
}

/// Whether a figure follows from the known ones: stated, exceeded by a little, or their difference,
/// ratio or reduction.
fn is_backed(said: f64, known: &[f64]) -> bool {
    const A_LITTLE: f64 = 1.25;
    let near = |value: f64| (value - said).abs() <= 0.02 * said.abs().max(0.01);
    if known.iter().any(|value| near(*value) || (*value >= said && *value <= said * A_LITTLE)) {
        return true;
    }
    known.iter().any(|upper| {
        known.iter().filter(|lower| upper > *lower && **lower > 0.0).any(|lower| {
            near(upper - lower)
                || near(upper / lower)
                || near((1.0 - lower / upper) * 100.0)
                || near((1.0 - lower / upper) * 10.0)
                || near((upper - lower) * 100.0)
                || near((upper / lower - 1.0) * 100.0)
        })
    })
}

/// The numbers of a text, with magnitudes. Codes and times of day state nothing that is measured.
pub(super) fn numbers(text: &str, locale: Locale) -> Vec<f64> {
    let float = |number: Number| number.micros().map(|micros| micros as f64 / 1e6);
    let mut found = Vec::new();
    for quantity in parse(text, locale).into_iter().map(|found| found.quantity) {
        match quantity.value {
            Value::Number(number) | Value::Ordinal(number) => found.extend(float(number)),
            Value::Range(first, second) | Value::Pair(first, second, _) => {
                found.extend(float(first));
                found.extend(float(second));
            }
            Value::Date { year: Some(year), .. } => found.push(f64::from(year)),
            Value::Date { .. } | Value::Clock { .. } | Value::Code(_) => {}
        }
    }
    found
}
