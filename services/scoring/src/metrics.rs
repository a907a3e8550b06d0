//! Ranking metrics of click tests.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use spotwright_schemas::random::Stream;

use crate::data::ClickTestRow;

/// |z| above which the click rates of two variants differ significantly (5 %, two-sided).
const SIGNIFICANT_Z: f64 = 1.96;

/// A share with its 95 % bootstrap interval over tests.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Share {
    /// The share, in [0, 1].
    pub value: f64,
    /// 2.5 % and 97.5 % percentile over resampled tests.
    pub interval: [f64; 2],
    /// Number of pairs.
    pub pairs: u64,
}

/// How well scores rank the variants of each test.
///
/// Pairs are all unordered pairs of variants of one test whose headlines differ and whose observed
/// click rates differ; a tie of scores counts ½. Significant pairs are those with |z| > 1.96,
/// z = (c_i − c_j) / √max(q (1 − q)(1/n_i + 1/n_j), 1e-12), q the pooled click rate of both.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Ranking {
    /// All pairs.
    pub all_pairs: Share,
    /// Significant pairs.
    pub significant_pairs: Share,
    /// In tests with at least two headlines: mean over tests of the share of best-scored variants
    /// that are the observed best.
    pub top_1: f64,
    /// Same tests: (Σ click rate of the best-scored − Σ mean) / (Σ observed best − Σ mean).
    pub lift_capture: f64,
    /// Number of tests with at least two headlines.
    pub tests: u64,
}

#[derive(Debug, Default, Clone, Copy)]
struct PairCounts {
    right: f64,
    n: f64,
    significant_right: f64,
    significant_n: f64,
}

/// Compares `scores` (one per row, higher is better) with the observed clicks; `resamples`
/// bootstrap resamples of whole tests, drawn from `seed`. Shares are NaN when there are no pairs.
///
/// # Panics
/// When `scores` and `rows` differ in length.
#[must_use]
pub fn ranking(rows: &[ClickTestRow], scores: &[f64], resamples: u64, seed: u64) -> Ranking {
    assert_eq!(rows.len(), scores.len(), "one score per row");
    let mut tests = BTreeMap::<&str, Vec<usize>>::new();
    for (idx, row) in rows.iter().enumerate() {
        tests.entry(&row.test_id).or_default().push(idx);
    }
    let counts: Vec<PairCounts> = tests.values().map(|test| count_pairs(rows, scores, test)).collect();
    let [all, significant] = shares(&counts, &(0..counts.len()).collect::<Vec<_>>());

    let stream = Stream::new(seed, "ranking/bootstrap");
    let mut resampled = [Vec::new(), Vec::new()];
    for resample in 0..resamples {
        let draws = stream.child(resample);
        let chosen: Vec<usize> = (0..counts.len()).map(|idx| draws.below(idx as u64, counts.len())).collect();
        for (values, share) in resampled.iter_mut().zip(shares(&counts, &chosen)) {
            values.push(share);
        }
    }
    let [all_interval, significant_interval] = resampled.map(percentile_interval);
    let total = |count: fn(&PairCounts) -> f64| counts.iter().map(count).sum::<f64>() as u64;
    let (top_1, lift_capture, n_tests) = picks(rows, scores, tests.values());
    Ranking {
        all_pairs: Share { value: all, interval: all_interval, pairs: total(|c| c.n) },
        significant_pairs: Share {
            value: significant,
            interval: significant_interval,
            pairs: total(|c| c.significant_n),
        },
        top_1,
        lift_capture,
        tests: n_tests,
    }
}

fn rate(row: &ClickTestRow) -> f64 {
    row.clicks as f64 / row.impressions as f64
}

fn count_pairs(rows: &[ClickTestRow], scores: &[f64], test: &[usize]) -> PairCounts {
    let mut counts = PairCounts::default();
    for (position, &i) in test.iter().enumerate() {
        for &j in &test[position + 1..] {
            let (a, b) = (&rows[i], &rows[j]);
            let difference = rate(a) - rate(b);
            if a.headline == b.headline || difference == 0.0 {
                continue;
            }
            let right = if scores[i] == scores[j] {
                0.5
            } else {
                f64::from(u8::from((scores[i] > scores[j]) == (difference > 0.0)))
            };
            let (n_a, n_b) = (a.impressions as f64, b.impressions as f64);
            let pooled = (a.clicks + b.clicks) as f64 / (n_a + n_b);
            let variance = (pooled * (1.0 - pooled) * (1.0 / n_a + 1.0 / n_b)).max(1e-12);
            counts.right += right;
            counts.n += 1.0;
            if (difference / variance.sqrt()).abs() > SIGNIFICANT_Z {
                counts.significant_right += right;
                counts.significant_n += 1.0;
            }
        }
    }
    counts
}

fn shares(counts: &[PairCounts], chosen: &[usize]) -> [f64; 2] {
    let mut sum = PairCounts::default();
    for &idx in chosen {
        sum.right += counts[idx].right;
        sum.n += counts[idx].n;
        sum.significant_right += counts[idx].significant_right;
        sum.significant_n += counts[idx].significant_n;
    }
    [sum.right / sum.n, sum.significant_right / sum.significant_n]
}

fn percentile_interval(mut values: Vec<f64>) -> [f64; 2] {
    values.sort_by(f64::total_cmp);
    let at = |share: f64| {
        let idx = (share * values.len() as f64) as usize;
        values.get(idx.min(values.len().saturating_sub(1))).copied().unwrap_or(f64::NAN)
    };
    [at(0.025), at(0.975)]
}

fn picks<'a>(
    rows: &[ClickTestRow],
    scores: &[f64],
    tests: impl Iterator<Item = &'a Vec<usize>>,
) -> (f64, f64, u64) {
    let (mut hits, mut pick, mut random, mut best, mut n_tests) = (0.0, 0.0, 0.0, 0.0, 0_u64);
    for test in tests {
        if test.iter().all(|&idx| rows[idx].headline == rows[test[0]].headline) {
            continue;
        }
        let top_score = test.iter().map(|&idx| scores[idx]).fold(f64::NEG_INFINITY, f64::max);
        let top_rate = test.iter().map(|&idx| rate(&rows[idx])).fold(f64::NEG_INFINITY, f64::max);
        let picked: Vec<f64> = test
            .iter()
            .filter(|&&idx| scores[idx] >= top_score - 1e-15)
            .map(|&idx| rate(&rows[idx]))
            .collect();
        hits += picked.iter().filter(|&&rate| rate == top_rate).count() as f64 / picked.len() as f64;
        pick += picked.iter().sum::<f64>() / picked.len() as f64;
        random += test.iter().map(|&idx| rate(&rows[idx])).sum::<f64>() / test.len() as f64;
        best += top_rate;
        n_tests += 1;
    }
    (hits / n_tests as f64, (pick - random) / (best - random), n_tests)
}
