//! Click tests as a regression: response, noise and weight of each row, and what is left of a
//! column when every test loses its mean.
//!
//! With c̃ = (k + ½)/(n + 1), the response is y = logit c̃, its sampling variance
//! 1/(n c̃ (1 − c̃)) and its weight w = 1 / (that + 0.15²). Every comparison is made within tests:
//! y and every column lose their w-weighted mean within the test, which removes the test's level.

use std::collections::{BTreeMap, BTreeSet};

use crate::data::ClickTestRow;
use crate::model::logit;

/// Spread, in log-odds, that weights assume between variants beyond sampling noise.
pub const WEIGHT_SPREAD: f64 = 0.15;

/// The rows of a table of click tests, ready for fitting.
#[derive(Debug, Clone)]
pub struct Design {
    /// Rows of each test, in order of the tests' first rows.
    pub tests: Vec<Vec<usize>>,
    /// Test of each row.
    pub test_of: Vec<usize>,
    /// Whether a test has at least two different headlines.
    pub several_headlines: Vec<bool>,
    /// y of each row.
    pub response: Vec<f64>,
    /// Sampling variance of y.
    pub noise: Vec<f64>,
    /// w of each row.
    pub weight: Vec<f64>,
}

impl Design {
    /// Prepares `rows`.
    #[must_use]
    pub fn new(rows: &[ClickTestRow]) -> Self {
        let mut numbers = BTreeMap::<&str, usize>::new();
        let mut tests: Vec<Vec<usize>> = Vec::new();
        let mut test_of = Vec::with_capacity(rows.len());
        for (idx, row) in rows.iter().enumerate() {
            let number = *numbers.entry(&row.test_id).or_insert(tests.len());
            if number == tests.len() {
                tests.push(Vec::new());
            }
            tests[number].push(idx);
            test_of.push(number);
        }
        let several_headlines = tests
            .iter()
            .map(|test| test.iter().any(|&idx| rows[idx].headline != rows[test[0]].headline))
            .collect();
        let rate = |row: &ClickTestRow| (row.clicks as f64 + 0.5) / (row.impressions as f64 + 1.0);
        let response = rows.iter().map(|row| logit(rate(row))).collect();
        let noise: Vec<f64> =
            rows.iter().map(|row| 1.0 / (row.impressions as f64 * rate(row) * (1.0 - rate(row)))).collect();
        let weight = noise.iter().map(|noise| 1.0 / (noise + WEIGHT_SPREAD * WEIGHT_SPREAD)).collect();
        Self { tests, test_of, several_headlines, response, noise, weight }
    }

    /// Rows that pass `keep` and belong to a test with several headlines, in order.
    #[must_use]
    pub fn comparable(&self, keep: impl Fn(usize) -> bool) -> Vec<usize> {
        (0..self.test_of.len())
            .filter(|&idx| self.several_headlines[self.test_of[idx]] && keep(idx))
            .collect()
    }

    /// Different tests of `rows`.
    #[must_use]
    pub fn tests_of(&self, rows: &[usize]) -> Vec<usize> {
        rows.iter().map(|&idx| self.test_of[idx]).collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// `values` (one per row) without their weighted mean within the test.
    #[must_use]
    pub fn centered(&self, values: &[f64]) -> Vec<f64> {
        let mut centered = values.to_vec();
        for test in &self.tests {
            let total: f64 = test.iter().map(|&idx| self.weight[idx]).sum();
            let mean = test.iter().map(|&idx| self.weight[idx] * values[idx]).sum::<f64>() / total;
            for &idx in test {
                centered[idx] -= mean;
            }
        }
        centered
    }

    /// Slope and correlation of the responses on `scores`, within tests, weighted, over `rows`;
    /// zeros when the scores do not vary.
    #[must_use]
    pub fn agreement(&self, scores: &[f64], rows: &[usize]) -> Agreement {
        let (scores, responses) = (self.centered(scores), self.centered(&self.response));
        let (mut xy, mut xx, mut yy) = (0.0, 0.0, 0.0);
        for &idx in rows {
            let weight = self.weight[idx];
            xy += weight * scores[idx] * responses[idx];
            xx += weight * scores[idx] * scores[idx];
            yy += weight * responses[idx] * responses[idx];
        }
        let plain = rows.iter().map(|&idx| scores[idx].powi(2)).sum::<f64>() / rows.len().max(1) as f64;
        if xx > 0.0 && yy > 0.0 {
            Agreement { slope: xy / xx, correlation: xy / (xx * yy).sqrt(), spread: plain.sqrt() }
        } else {
            Agreement { slope: 0.0, correlation: 0.0, spread: 0.0 }
        }
    }
}

/// How scores go with responses within tests.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Agreement {
    /// Weighted regression of responses on scores.
    pub slope: f64,
    /// Weighted correlation.
    pub correlation: f64,
    /// Standard deviation of the scores within tests, unweighted.
    pub spread: f64,
}

/// Fold 0–4 of a test in cross-validation, by the hash of its id; independent of the audience's
/// share, which looks at another byte.
#[must_use]
pub fn fold_of(test_id: &str) -> usize {
    usize::from(blake3::hash(test_id.as_bytes()).as_bytes()[1]) * N_FOLDS / 256
}

/// Folds of cross-validation.
pub const N_FOLDS: usize = 5;
