//! Ranking metrics of click tests.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use spotwright_schemas::random::Stream;

use crate::data::ClickTestRow;
use crate::design::Design;

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

/// A number with its 95 % bootstrap interval over tests.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// The number.
    pub value: f64,
    /// 2.5 % and 97.5 % percentile over resampled tests.
    pub interval: [f64; 2],
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
    pub top_1: Estimate,
    /// Same tests: (Σ click rate of the best-scored − Σ mean) / (Σ observed best − Σ mean).
    pub lift_capture: Estimate,
    /// Number of tests with at least two headlines.
    pub tests: u64,
}

/// Sums over one or more tests.
#[derive(Debug, Default, Clone, Copy)]
struct Sums {
    right: f64,
    n: f64,
    significant_right: f64,
    significant_n: f64,
    /// Of tests with at least two headlines: their number, hits, and click rates of the pick, of
    /// the mean and of the best.
    tests: f64,
    hits: f64,
    pick: f64,
    mean: f64,
    best: f64,
}

impl Sums {
    fn add(&mut self, other: &Self) {
        self.right += other.right;
        self.n += other.n;
        self.significant_right += other.significant_right;
        self.significant_n += other.significant_n;
        self.tests += other.tests;
        self.hits += other.hits;
        self.pick += other.pick;
        self.mean += other.mean;
        self.best += other.best;
    }

    /// All pairs, significant pairs, top-1, lift capture.
    fn shares(&self) -> [f64; 4] {
        [
            self.right / self.n,
            self.significant_right / self.significant_n,
            self.hits / self.tests,
            (self.pick - self.mean) / (self.best - self.mean),
        ]
    }
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
    let of_tests: Vec<Sums> = tests
        .values()
        .map(|test| {
            let mut sums = count_pairs(rows, scores, test);
            sums.add(&picks(rows, scores, test));
            sums
        })
        .collect();
    let mut total = Sums::default();
    of_tests.iter().for_each(|sums| total.add(sums));
    let stream = Stream::new(seed, "ranking/bootstrap");
    let mut resampled = [Vec::new(), Vec::new(), Vec::new(), Vec::new()];
    for resample in 0..resamples {
        let draws = stream.child(resample);
        let mut sums = Sums::default();
        for idx in 0..of_tests.len() {
            sums.add(&of_tests[draws.below(idx as u64, of_tests.len())]);
        }
        for (values, share) in resampled.iter_mut().zip(sums.shares()) {
            values.push(share);
        }
    }
    let [all, significant, top_1, lift_capture] = total.shares();
    let [all_interval, significant_interval, top_1_interval, lift_interval] =
        resampled.map(percentile_interval);
    Ranking {
        all_pairs: Share { value: all, interval: all_interval, pairs: total.n as u64 },
        significant_pairs: Share {
            value: significant,
            interval: significant_interval,
            pairs: total.significant_n as u64,
        },
        top_1: Estimate { value: top_1, interval: top_1_interval },
        lift_capture: Estimate { value: lift_capture, interval: lift_interval },
        tests: total.tests as u64,
    }
}

fn rate(row: &ClickTestRow) -> f64 {
    row.clicks as f64 / row.impressions as f64
}

fn count_pairs(rows: &[ClickTestRow], scores: &[f64], test: &[usize]) -> Sums {
    let mut counts = Sums::default();
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

/// 2.5 % and 97.5 % percentile; NaN without values.
pub(crate) fn percentile_interval(mut values: Vec<f64>) -> [f64; 2] {
    values.sort_by(f64::total_cmp);
    let at = |share: f64| {
        let idx = (share * values.len() as f64) as usize;
        values.get(idx.min(values.len().saturating_sub(1))).copied().unwrap_or(f64::NAN)
    };
    [at(0.025), at(0.975)]
}

fn picks(rows: &[ClickTestRow], scores: &[f64], test: &[usize]) -> Sums {
    if test.iter().all(|&idx| rows[idx].headline == rows[test[0]].headline) {
        return Sums::default();
    }
    let top_score = test.iter().map(|&idx| scores[idx]).fold(f64::NEG_INFINITY, f64::max);
    let best = test.iter().map(|&idx| rate(&rows[idx])).fold(f64::NEG_INFINITY, f64::max);
    let picked: Vec<f64> =
        test.iter().filter(|&&idx| scores[idx] >= top_score - 1e-15).map(|&idx| rate(&rows[idx])).collect();
    let n = picked.len() as f64;
    Sums {
        tests: 1.0,
        hits: picked.iter().filter(|&&rate| rate == best).count() as f64 / n,
        pick: picked.iter().sum::<f64>() / n,
        mean: test.iter().map(|&idx| rate(&rows[idx])).sum::<f64>() / test.len() as f64,
        best,
        ..Sums::default()
    }
}

/// What a perfect ranker would reach on the observed pairs, whose order is partly noise.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct NoiseCeiling {
    /// Standard deviation of true log-odds within tests, by the method of moments.
    pub true_sd: f64,
    /// Expected share of right pairs when pairs are ordered by their true log-odds.
    pub all_pairs: f64,
    /// The same over significant pairs.
    pub significant_pairs: f64,
    /// Draws of the true log-odds.
    pub draws: u64,
}

/// Estimates the spread of true log-odds within tests (mean of squared deviations less sampling
/// variance), draws true log-odds from their posterior given the observed clicks, and lets them
/// rank. Tests with one headline are left out.
#[must_use]
pub fn noise_ceiling(rows: &[ClickTestRow], draws: u64, seed: u64) -> NoiseCeiling {
    let design = Design::new(rows);
    let (mut squares, mut degrees) = (0.0, 0.0);
    let tests: Vec<&Vec<usize>> =
        design.tests.iter().zip(&design.several_headlines).filter_map(|(t, s)| s.then_some(t)).collect();
    let mean_of =
        |test: &[usize]| test.iter().map(|&idx| design.response[idx]).sum::<f64>() / test.len() as f64;
    for test in &tests {
        let mean = mean_of(test);
        let keep = 1.0 - 1.0 / test.len() as f64;
        squares += test
            .iter()
            .map(|&idx| (design.response[idx] - mean).powi(2) - design.noise[idx] * keep)
            .sum::<f64>();
        degrees += test.len() as f64 - 1.0;
    }
    let variance = if degrees > 0.0 { (squares / degrees).max(0.0) } else { 0.0 };
    let stream = Stream::new(seed, "noise-ceiling");
    let mut sums = Sums::default();
    for draw in 0..draws {
        let draws = stream.child(draw);
        let mut truth = vec![0.0; rows.len()];
        for test in &tests {
            let mean = mean_of(test);
            for &idx in test.iter() {
                let trust = variance / (variance + design.noise[idx]);
                let spread = (trust * design.noise[idx]).sqrt();
                truth[idx] = mean + trust * (design.response[idx] - mean) + spread * draws.normal(idx as u64);
            }
            sums.add(&count_pairs(rows, &truth, test));
        }
    }
    let [all_pairs, significant_pairs, ..] = sums.shares();
    NoiseCeiling { true_sd: variance.sqrt(), all_pairs, significant_pairs, draws }
}
