//! Test-centered ridge on words: TF-IDF of words and pairs of neighboring words.
//!
//! A text is lowercased and split into runs of letters, digits and underscores, and the marks
//! `? ! : " ' . ,`. Terms are single tokens and pairs. A term counts 1 + ln(times in the text),
//! times ln((1 + N)/(1 + texts with it)) + 1 (Salton and Buckley, Information Processing and
//! Management, 1988, smoothed), and each text's vector has length 1. Terms of fewer than three
//! fitted headlines are left out.
//!
//! The weights solve (AᵀWA/w̄ + α I) b = AᵀWy/w̄ as in [`crate::ridge`], by conjugate gradients,
//! because A is sparse.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::data::ClickTestRow;
use crate::design::{Design, N_FOLDS, fold_of};
use crate::linear::{add_scaled, dot};

/// Headlines that must hold a term.
const MIN_TEXTS: usize = 3;
/// Largest number of rounds; some dozens are needed.
const MAX_ROUNDS: usize = 300;
/// Squared residual, relative to the right side's, at which the solution counts as found.
const TOLERANCE: f64 = 1e-12;

/// A sparse row: terms with their values.
type Sparse = Vec<(usize, f64)>;

/// Fitted weights of terms.
#[derive(Debug, Clone)]
pub struct WordRidge {
    terms: HashMap<String, usize>,
    inverse_frequency: Vec<f64>,
    weights: Vec<f64>,
}

impl WordRidge {
    /// Fits on the rows `train` (whole tests) with penalty α.
    #[must_use]
    pub fn fit(rows: &[ClickTestRow], design: &Design, train: &[usize], alpha: f64) -> Self {
        let headlines: BTreeSet<&str> = train.iter().map(|&idx| rows[idx].headline.as_str()).collect();
        let mut texts_with = BTreeMap::<String, usize>::new();
        for headline in &headlines {
            for term in terms(headline).into_iter().collect::<BTreeSet<_>>() {
                *texts_with.entry(term).or_default() += 1;
            }
        }
        let n_texts = headlines.len() as f64;
        let kept: Vec<(String, usize)> =
            texts_with.into_iter().filter(|(_, texts)| *texts >= MIN_TEXTS).collect();
        let inverse_frequency =
            kept.iter().map(|(_, texts)| ((1.0 + n_texts) / (1.0 + *texts as f64)).ln() + 1.0).collect();
        let terms: HashMap<String, usize> =
            kept.into_iter().enumerate().map(|(idx, (term, _))| (term, idx)).collect();
        let mut model = Self { weights: vec![0.0; terms.len()], terms, inverse_frequency };
        model.solve(rows, design, train, alpha);
        model
    }

    /// Number of terms.
    #[must_use]
    pub fn n_terms(&self) -> usize {
        self.weights.len()
    }

    /// Relative log-odds of a headline.
    #[must_use]
    pub fn score(&self, headline: &str) -> f64 {
        self.row(headline).iter().map(|(term, value)| self.weights[*term] * value).sum()
    }

    fn row(&self, headline: &str) -> Sparse {
        let mut counts = BTreeMap::<usize, f64>::new();
        for term in terms(headline) {
            if let Some(&idx) = self.terms.get(&term) {
                *counts.entry(idx).or_default() += 1.0;
            }
        }
        let mut row: Sparse = counts
            .into_iter()
            .map(|(idx, count)| (idx, (1.0 + f64::ln(count)) * self.inverse_frequency[idx]))
            .collect();
        let length = row.iter().map(|(_, value)| value * value).sum::<f64>().sqrt();
        if length > 0.0 {
            for (_, value) in &mut row {
                *value /= length;
            }
        }
        row
    }

    fn solve(&mut self, rows: &[ClickTestRow], design: &Design, train: &[usize], alpha: f64) {
        let matrix = Centered::new(self, rows, design, train);
        let mut residual = matrix.target(design);
        let mut direction = residual.clone();
        let mut size = dot(&residual, &residual);
        let goal = TOLERANCE * size;
        for _ in 0..MAX_ROUNDS {
            if size <= goal {
                break;
            }
            let image = matrix.apply(&direction, alpha);
            let step = size / dot(&direction, &image);
            add_scaled(&mut self.weights, &direction, step);
            add_scaled(&mut residual, &image, -step);
            let next = dot(&residual, &residual);
            let factor = next / size;
            for (value, residual) in direction.iter_mut().zip(&residual) {
                *value = residual + factor * *value;
            }
            size = next;
        }
    }
}

/// Scores of `train` rows, each by weights fitted without its fold; 0 for all other rows.
#[must_use]
pub fn cross_validated(rows: &[ClickTestRow], design: &Design, train: &[usize], alpha: f64) -> Vec<f64> {
    let mut scores = vec![0.0; rows.len()];
    for fold in 0..N_FOLDS {
        let (held, kept): (Vec<usize>, Vec<usize>) =
            train.iter().partition(|&&idx| fold_of(&rows[idx].test_id) == fold);
        let model = WordRidge::fit(rows, design, &kept, alpha);
        for idx in held {
            scores[idx] = model.score(&rows[idx].headline);
        }
    }
    scores
}

/// Sparse rows per test, with weights; centering is done while multiplying.
struct Centered {
    tests: Vec<Vec<(usize, Sparse, f64)>>,
    n: usize,
    mean_weight: f64,
}

impl Centered {
    fn new(model: &WordRidge, rows: &[ClickTestRow], design: &Design, train: &[usize]) -> Self {
        let mean_weight =
            train.iter().map(|&idx| design.weight[idx]).sum::<f64>() / train.len().max(1) as f64;
        let tests = design
            .tests_of(train)
            .into_iter()
            .map(|test| {
                design.tests[test]
                    .iter()
                    .map(|&idx| (idx, model.row(&rows[idx].headline), design.weight[idx]))
                    .collect()
            })
            .collect();
        Self { tests, n: model.n_terms(), mean_weight }
    }

    /// AᵀW v / w̄ for values v that are made per test from its rows.
    fn scatter(&self, of_test: impl Fn(&[(usize, Sparse, f64)]) -> Vec<f64>) -> Vec<f64> {
        let mut sum = vec![0.0; self.n];
        for test in &self.tests {
            let mut values = of_test(test);
            let total: f64 = test.iter().map(|(_, _, weight)| weight).sum();
            let mean =
                test.iter().zip(&values).map(|((_, _, weight), value)| weight * value).sum::<f64>() / total;
            values.iter_mut().for_each(|value| *value -= mean);
            // Centered values: the columns' own means drop out of the product.
            for ((_, row, weight), value) in test.iter().zip(&values) {
                for (term, x) in row {
                    sum[*term] += weight * value * x / self.mean_weight;
                }
            }
        }
        sum
    }

    fn target(&self, design: &Design) -> Vec<f64> {
        self.scatter(|test| test.iter().map(|(idx, _, _)| design.response[*idx]).collect())
    }

    fn apply(&self, vector: &[f64], alpha: f64) -> Vec<f64> {
        let mut image = self.scatter(|test| {
            test.iter().map(|(_, row, _)| row.iter().map(|(term, x)| vector[*term] * x).sum()).collect()
        });
        add_scaled(&mut image, vector, alpha);
        image
    }
}

/// Tokens and pairs of neighboring tokens.
fn terms(text: &str) -> Vec<String> {
    let lower = text.to_lowercase();
    let mut tokens: Vec<&str> = Vec::new();
    let mut start = None;
    for (at, character) in lower.char_indices() {
        if character.is_alphanumeric() || character == '_' {
            start = start.or(Some(at));
            continue;
        }
        if let Some(start) = start.take() {
            tokens.push(&lower[start..at]);
        }
        if "?!:\"'.,".contains(character) {
            tokens.push(&lower[at..at + character.len_utf8()]);
        }
    }
    if let Some(start) = start {
        tokens.push(&lower[start..]);
    }
    let pairs = tokens.windows(2).map(|pair| format!("{} {}", pair[0], pair[1]));
    tokens.iter().map(|&token| token.to_owned()).chain(pairs).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terms_are_tokens_marks_and_pairs() {
        assert_eq!(terms("Why? It's"), ["why", "?", "it", "'", "s", "why ?", "? it", "it '", "' s"]);
        assert!(terms(" —\n").is_empty());
    }
}
