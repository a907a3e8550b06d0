//! How far predicted click rates can be believed, and predictions that follow a falling rate.
//!
//! [`probability_metrics`] are the usual ones over impressions. [`walk_forward`] predicts every
//! test from what was known before its week and from the clicks of its other variants: the level
//! comes from the brief and the weeks before, the ranker moves variants around it, and a Platt line
//! (Platt, Advances in Large Margin Classifiers, 1999) fitted on the weeks before corrects both.

use std::collections::BTreeSet;

use serde::Serialize;
use spotwright_experiment::interval::BetaPosterior;
use spotwright_experiment::level::LevelTree;

use crate::data::ClickTestRow;
use crate::design::Design;
use crate::error::Error;
use crate::model::{logit, sigmoid};

/// Predictions are cut off here.
const MIN_PROBABILITY: f64 = 1e-6;
/// Bins of the expected calibration error, of equally many impressions.
const N_BINS: usize = 20;
/// Fewest rows that a Platt line is fitted on.
const MIN_PLATT_ROWS: usize = 200;
/// Fewest tests that tell the level of the weeks before.
const MIN_LEVEL_TESTS: usize = 20;

/// Metrics of predicted click rates, over impressions.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct ProbabilityMetrics {
    /// Mean negative log-likelihood of an impression, in nats.
    pub logloss: f64,
    /// 1 − logloss / entropy of the overall click rate.
    pub relative_information_gain: f64,
    /// Probability that a clicked impression has a higher prediction than one not clicked.
    pub auc: f64,
    /// Predicted clicks over observed clicks.
    pub pcoc: f64,
    /// Expected calibration error over 20 bins, divided by the overall click rate.
    pub relative_ece: f64,
}

/// Compares `predictions` (one per row) with the observed clicks.
///
/// # Panics
/// When `rows` and `predictions` differ in length.
#[must_use]
pub fn probability_metrics(rows: &[ClickTestRow], predictions: &[f64]) -> ProbabilityMetrics {
    assert_eq!(rows.len(), predictions.len(), "one prediction per row");
    let mut order: Vec<(f64, f64, f64)> = rows
        .iter()
        .zip(predictions)
        .map(|(row, p)| {
            let p = p.clamp(MIN_PROBABILITY, 1.0 - MIN_PROBABILITY);
            (p, row.impressions as f64, row.clicks as f64)
        })
        .collect();
    order.sort_by(|a, b| a.0.total_cmp(&b.0));
    let total_n: f64 = order.iter().map(|(_, n, _)| n).sum();
    let total_k: f64 = order.iter().map(|(_, _, k)| k).sum();
    let (mut loss, mut predicted, mut seen) = (0.0, 0.0, 0.0);
    let mut bins = [0.0; N_BINS];
    for &(p, n, k) in &order {
        loss -= k * p.ln() + (n - k) * (1.0 - p).ln();
        predicted += p * n;
        seen += n;
        let bin = ((N_BINS as f64 * seen / total_n) as usize).min(N_BINS - 1);
        bins[bin] += k - p * n;
    }
    let (mut ordered, mut negatives) = (0.0, 0.0);
    for ties in order.chunk_by(|a, b| a.0 == b.0) {
        let clicked: f64 = ties.iter().map(|(_, _, k)| k).sum();
        let not_clicked: f64 = ties.iter().map(|(_, n, k)| n - k).sum();
        ordered += clicked * (negatives + 0.5 * not_clicked);
        negatives += not_clicked;
    }
    let rate = total_k / total_n;
    let logloss = loss / total_n;
    let entropy = -rate * rate.ln() - (1.0 - rate) * (1.0 - rate).ln();
    ProbabilityMetrics {
        logloss,
        relative_information_gain: 1.0 - logloss / entropy,
        auc: ordered / (total_k * negatives),
        pcoc: predicted / total_k,
        relative_ece: bins.iter().map(|sum| sum.abs()).sum::<f64>() / total_n / rate,
    }
}

/// How predictions follow the weeks. The defaults were chosen on weeks before the test split.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct WalkForward {
    /// Weeks before a test's week that tell the usual level.
    pub level_weeks: u32,
    /// Weight of the usual level, in impressions.
    pub level_impressions: f64,
    /// Weeks before a test's week that the Platt line is fitted on; 0 leaves it out.
    pub platt_weeks: u32,
    /// Where given, the usual level comes from a tree of weeks and tests and not from the two settings
    /// above.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub level_tree: Option<LevelOfWeeks>,
}

/// A level for every week and every test, each held to what is above it
/// ([`spotwright_experiment::level`]). Strengths are in impressions. The defaults are round numbers
/// around the settings of the two-week level; they were not tuned.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct LevelOfWeeks {
    /// Weeks that the tree remembers.
    pub weeks: u32,
    /// How firmly the tree is held to the click rate of all weeks before.
    pub root_impressions: f64,
    /// How firmly a week is held to the others.
    pub week_impressions: f64,
    /// How firmly a test is held to its week.
    pub test_impressions: f64,
}

impl Default for LevelOfWeeks {
    fn default() -> Self {
        Self { weeks: 3, root_impressions: 1_000.0, week_impressions: 50_000.0, test_impressions: 1_000.0 }
    }
}

impl Default for WalkForward {
    fn default() -> Self {
        Self { level_weeks: 2, level_impressions: 1_000.0, platt_weeks: 4, level_tree: None }
    }
}

/// Predicts the click rate of every row. `offsets` are the ranker's log-odds, one per row; only
/// differences within tests count, and tests with one headline get none.
///
/// For a row with k of n: level = (K − k + m g) / (Σ n eᵒ − n eᵒ + m), K and the sum over its test,
/// o the offset around the test's mean, g the click rate of the weeks before and m its weight.
///
/// # Errors
/// [`Error::Fit`]: offsets and rows differ in number or an offset is not finite.
pub fn walk_forward(
    rows: &[ClickTestRow],
    design: &Design,
    offsets: &[f64],
    settings: &WalkForward,
) -> Result<Vec<f64>, Error> {
    if offsets.len() != rows.len() || !offsets.iter().all(|offset| offset.is_finite()) {
        return Err(Error::Fit("every row needs one finite offset".to_owned()));
    }
    let offsets = around_mean(rows, design, offsets);
    let weeks: Vec<u32> = design
        .tests
        .iter()
        .map(|test| test.iter().map(|&idx| week_number(rows[idx].week)).min().unwrap_or(0))
        .collect();
    let sums: Vec<[f64; 3]> = design
        .tests
        .iter()
        .map(|test| {
            test.iter().fold([0.0; 3], |[k, n, expected], &idx| {
                let row_n = rows[idx].impressions as f64;
                [k + rows[idx].clicks as f64, n + row_n, expected + row_n * offsets[idx].exp()]
            })
        })
        .collect();
    let overall = sums.iter().map(|sum| sum[0]).sum::<f64>() / sums.iter().map(|sum| sum[1]).sum::<f64>();
    let mut log_odds = vec![0.0; rows.len()];
    let mut predictions = vec![0.0; rows.len()];
    for week in weeks.iter().copied().collect::<BTreeSet<_>>() {
        let (usual, m) = match &settings.level_tree {
            None => {
                let rate = usual_rate(&weeks, &sums, week, settings.level_weeks).unwrap_or(overall);
                (rate, settings.level_impressions)
            }
            Some(tree) => {
                let prior = level_by_tree(&weeks, &sums, week, overall, tree)?;
                (prior.mean(), prior.alpha() + prior.beta())
            }
        };
        let current: Vec<usize> = (0..weeks.len()).filter(|&test| weeks[test] == week).collect();
        for &test in &current {
            let [k, _, expected] = sums[test];
            for &idx in &design.tests[test] {
                let own = rows[idx].impressions as f64 * offsets[idx].exp();
                let level = (k - rows[idx].clicks as f64 + m * usual) / (expected - own + m);
                let level = level.clamp(MIN_PROBABILITY, 1.0 - MIN_PROBABILITY);
                log_odds[idx] = logit(level) + offsets[idx];
            }
        }
        let before: Vec<usize> = (0..rows.len())
            .filter(|&idx| {
                let other = weeks[design.test_of[idx]];
                other < week && other + settings.platt_weeks >= week
            })
            .collect();
        let line = if before.len() >= MIN_PLATT_ROWS { platt(rows, &log_odds, &before) } else { Line::NONE };
        for &idx in current.iter().flat_map(|&test| &design.tests[test]) {
            predictions[idx] = sigmoid(line.apply(log_odds[idx]));
        }
    }
    Ok(predictions)
}

/// Offsets without their mean over impressions; 0 in tests with one headline.
fn around_mean(rows: &[ClickTestRow], design: &Design, offsets: &[f64]) -> Vec<f64> {
    let mut around = vec![0.0; offsets.len()];
    for (test, several) in design.tests.iter().zip(&design.several_headlines) {
        if !several {
            continue;
        }
        let n = |idx: usize| rows[idx].impressions as f64;
        let total: f64 = test.iter().map(|&idx| n(idx)).sum();
        let mean = test.iter().map(|&idx| n(idx) * offsets[idx]).sum::<f64>() / total;
        for &idx in test {
            around[idx] = offsets[idx] - mean;
        }
    }
    around
}

/// Click rate of the `n_weeks` before `week`, or of all weeks before when those are thin.
fn usual_rate(weeks: &[u32], sums: &[[f64; 3]], week: u32, n_weeks: u32) -> Option<f64> {
    let rate_since = |first: u32, least: usize| {
        let (mut k, mut n, mut tests) = (0.0, 0.0, 0);
        for (_, sum) in weeks.iter().zip(sums).filter(|(other, _)| **other < week && **other >= first) {
            k += sum[0];
            n += sum[1];
            tests += 1;
        }
        (tests >= least && n > 0.0).then_some(k / n)
    };
    rate_since(week.saturating_sub(n_weeks), MIN_LEVEL_TESTS).or_else(|| rate_since(0, 1))
}

/// What is known of a new test of `week` before any of its own clicks.
fn level_by_tree(
    weeks: &[u32],
    sums: &[[f64; 3]],
    week: u32,
    overall: f64,
    settings: &LevelOfWeeks,
) -> Result<BetaPosterior, Error> {
    let wrong = |error: spotwright_experiment::Error| Error::Fit(error.to_string());
    let before = usual_rate(weeks, sums, week, u32::MAX).unwrap_or(overall);
    let strengths = [settings.week_impressions, settings.test_impressions];
    let mut tree = LevelTree::new(before, settings.root_impressions, &strengths).map_err(wrong)?;
    for (test, sum) in sums.iter().enumerate() {
        let other = weeks[test];
        if other < week && other + settings.weeks >= week {
            // Exposures already stand for how well the test's variants were expected to do.
            let [clicks, _, expected] = *sum;
            tree.observe(&[other, test as u32], expected, clicks.min(expected)).map_err(wrong)?;
        }
    }
    Ok(tree.posterior(&[week, u32::MAX]))
}

/// Weeks one after the other; years count 52.
const fn week_number(week: u32) -> u32 {
    (week / 100) * 52 + week % 100
}

/// Corrected log-odds = at the mean + slope · (log-odds − mean).
#[derive(Debug, Clone, Copy)]
struct Line {
    mean: f64,
    at_mean: f64,
    slope: f64,
}

impl Line {
    const NONE: Self = Self { mean: 0.0, at_mean: 0.0, slope: 1.0 };

    fn apply(self, log_odds: f64) -> f64 {
        self.at_mean + self.slope * (log_odds - self.mean)
    }
}

/// Logistic regression of clicks on log-odds by Newton's method, the slope drawn to 1 by a penalty
/// of a thousandth of the rows' information.
fn platt(rows: &[ClickTestRow], log_odds: &[f64], among: &[usize]) -> Line {
    let mean = among.iter().map(|&idx| log_odds[idx]).sum::<f64>() / among.len() as f64;
    let n_all: f64 = among.iter().map(|&idx| rows[idx].impressions as f64).sum();
    let penalty = 0.005 * 0.012 * n_all;
    let (mut at_mean, mut slope) = (mean, 1.0);
    for _ in 0..20 {
        let (mut g0, mut g1, mut h00, mut h01, mut h11) = (0.0, -penalty * (slope - 1.0), 0.0, 0.0, penalty);
        for &idx in among {
            let x = log_odds[idx] - mean;
            let (n, k) = (rows[idx].impressions as f64, rows[idx].clicks as f64);
            let p = sigmoid(at_mean + slope * x);
            let information = n * p * (1.0 - p);
            g0 += k - n * p;
            g1 += (k - n * p) * x;
            h00 += information;
            h01 += information * x;
            h11 += information * x * x;
        }
        let determinant = h00 * h11 - h01 * h01;
        if !(determinant > 0.0 && determinant.is_finite()) {
            return Line::NONE;
        }
        let (step0, step1) = ((h11 * g0 - h01 * g1) / determinant, (h00 * g1 - h01 * g0) / determinant);
        at_mean += step0;
        slope += step1;
        if step0.abs().max(step1.abs()) < 1e-9 {
            break;
        }
    }
    Line { mean, at_mean, slope }
}
