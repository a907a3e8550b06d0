//! Finding by words: terms of both scripts, and BM25 over them.

use std::collections::BTreeMap;

use spotwright_schemas::wording::{folded, is_han};

/// Saturation of repeated terms and weight of a document's length, at the values common in use.
const K1: f64 = 1.2;
const B: f64 = 0.6;
/// Most that one term of a query counts, however often the brief says it.
const MOST_OF_A_TERM: f64 = 3.0;

/// Characters that join Chinese words; a pair that holds one says nothing of the thing sold.
const JOINING: &str = "的了是在就也都和这那";

/// English words that say nothing of the thing sold.
const PLAIN: &[&str] = &[
    "a", "an", "and", "are", "as", "at", "be", "by", "can", "for", "from", "has", "have", "in", "is", "it",
    "its", "no", "not", "of", "on", "one", "or", "per", "so", "than", "that", "the", "their", "them", "they",
    "this", "to", "up", "was", "we", "what", "when", "who", "with", "without", "you", "your",
];

/// Terms with the weight they have in a text.
pub(super) type Weighted = BTreeMap<String, f64>;

/// The terms of a text: pairs of neighboring Han characters, and words of letters in lower case
/// without a plural `s`.
pub(super) fn terms(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut word = String::new();
    let mut before: Option<char> = None;
    for c in folded(text).chars() {
        if is_han(c) {
            take_word(&mut word, &mut found);
            if let Some(first) = before.filter(|first| !JOINING.contains(*first) && !JOINING.contains(c)) {
                found.push([first, c].iter().collect());
            }
            before = Some(c);
        } else {
            before = None;
            if c.is_alphanumeric() {
                word.push(c);
            } else if c != '\'' {
                take_word(&mut word, &mut found);
            }
        }
    }
    take_word(&mut word, &mut found);
    found
}

/// Ends a word of letters; figures and single letters are no terms.
fn take_word(word: &mut String, found: &mut Vec<String>) {
    let whole = std::mem::take(word);
    let tells = whole.chars().nth(1).is_some() && !whole.starts_with(|c: char| c.is_ascii_digit());
    if !tells || PLAIN.contains(&whole.as_str()) {
        return;
    }
    found.push(singular(whole));
}

/// The word without a plural `s`: enough to see that two words are one, and never a word cut short.
fn singular(word: String) -> String {
    let plural = word.len() >= 4 && !["ss", "us", "is"].iter().any(|ending| word.ends_with(ending));
    match word.strip_suffix('s') {
        Some(short) if plural => short.to_owned(),
        _ => word,
    }
}

/// The terms of several texts, each with its weight.
pub(super) fn weighted<'t>(fields: impl IntoIterator<Item = (&'t str, f64)>) -> Weighted {
    let mut all = Weighted::new();
    for (text, weight) in fields {
        for term in terms(text) {
            *all.entry(term).or_default() += weight;
        }
    }
    all
}

/// What a document has in common with a query.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Match {
    /// BM25.
    pub(super) score: f64,
    /// The common terms with what each adds, in the order of the terms.
    pub(super) terms: Vec<(String, f64)>,
}

/// The statistics of a shelf of documents.
#[derive(Debug, Default)]
pub(super) struct Index {
    documents: f64,
    mean_length: f64,
    holding: BTreeMap<String, f64>,
}

impl Index {
    pub(super) fn of(documents: &[Weighted]) -> Self {
        let mut holding: BTreeMap<String, f64> = BTreeMap::new();
        for term in documents.iter().flat_map(BTreeMap::keys) {
            *holding.entry(term.clone()).or_default() += 1.0;
        }
        let total: f64 = documents.iter().map(length).sum();
        let count = documents.len() as f64;
        Self { documents: count, mean_length: total / count.max(1.0), holding }
    }

    /// BM25 of a document, which need not be one of the shelf's.
    pub(super) fn score(&self, document: &Weighted, query: &Weighted) -> Match {
        let stretch = 1.0 - B + B * length(document) / self.mean_length.max(1.0);
        let mut found = Match::default();
        for (term, asked) in query {
            let Some(frequency) = document.get(term) else { continue };
            let holding = self.holding.get(term).copied().unwrap_or(0.0).min(self.documents);
            let rarity = (1.0 + (self.documents - holding + 0.5) / (holding + 0.5)).ln();
            let saturated = frequency * (K1 + 1.0) / (frequency + K1 * stretch);
            let adds = asked.min(MOST_OF_A_TERM) * rarity * saturated;
            found.score += adds;
            found.terms.push((term.clone(), adds));
        }
        found
    }
}

fn length(document: &Weighted) -> f64 {
    document.values().sum()
}

/// How much two documents say the same, in [0, 1]: shared terms over all terms.
pub(super) fn overlap(a: &Weighted, b: &Weighted) -> f64 {
    let shared = a.keys().filter(|term| b.contains_key(*term)).count();
    let all = a.len() + b.len() - shared;
    if all == 0 { 0.0 } else { shared as f64 / all as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chinese_is_read_in_pairs_and_english_in_words_without_plurals() {
        assert_eq!(terms("牛油火锅"), ["牛油", "油火", "火锅"]);
        assert_eq!(terms("锅的底"), Vec::<String>::new());
        assert_eq!(terms("Two DOGS and the dog's glass, 24 h"), ["two", "dog", "dog", "glass"]);
        assert_eq!(terms("记账App，免费"), ["记账", "app", "免费"]);
    }

    #[test]
    fn a_rare_term_counts_more_than_one_that_every_document_holds() {
        let documents: Vec<Weighted> =
            ["pot deal", "pot bread", "pot soup"].iter().map(|text| weighted([(*text, 1.0)])).collect();
        let index = Index::of(&documents);
        let (rare, common) = (weighted([("soup", 1.0)]), weighted([("pot", 1.0)]));
        let last = documents.last().expect("three documents");
        assert!(index.score(last, &rare).score > index.score(last, &common).score);
        assert_eq!(index.score(last, &weighted([("tent", 1.0)])), Match::default());
    }

    #[test]
    fn a_long_document_needs_more_of_a_term_than_a_short_one() {
        let long = "soup bowl table chair lamp door wall floor roof";
        let documents = vec![weighted([("soup", 1.0)]), weighted([(long, 1.0)])];
        let index = Index::of(&documents);
        let query = weighted([("soup", 1.0)]);
        let scores: Vec<f64> = documents.iter().map(|d| index.score(d, &query).score).collect();
        assert!(scores.first() > scores.last(), "{scores:?}");
    }

    #[test]
    fn equal_documents_overlap_wholly_and_empty_ones_not() {
        let one = weighted([("red bowl", 1.0)]);
        assert_eq!(overlap(&one, &one), 1.0);
        assert_eq!(overlap(&one, &Weighted::new()), 0.0);
        assert_eq!(overlap(&Weighted::new(), &Weighted::new()), 0.0);
    }
}
