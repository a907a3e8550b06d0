//! How good predicted conversion rates are.

use serde::Serialize;
use spotwright_schemas::random::Stream;

const BINS: usize = 20;

/// Area under the curve and logistic loss.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Held {
    /// Area under the curve.
    pub auc: f64,
    /// Logistic loss in nats.
    pub logloss: f64,
}

/// Quality of one model on rows it was not fitted on.
#[derive(Debug, Clone, Serialize)]
pub struct Quality {
    /// Area under the curve.
    pub auc: f64,
    /// 95 % bootstrap interval over customers.
    pub auc_interval: [f64; 2],
    /// Logistic loss in nats.
    pub logloss: f64,
    /// 95 % bootstrap interval over customers.
    pub logloss_interval: [f64; 2],
    /// Expected calibration error in 20 bins of equally many customers.
    pub ece_20: f64,
}

/// Difference of two models on the same customers; 95 % intervals over customers.
#[derive(Debug, Clone, Serialize)]
pub struct Difference {
    /// Of the areas under the curve.
    pub auc: f64,
    /// Its interval.
    pub auc_interval: [f64; 2],
    /// Of the logistic losses; below 0 is better.
    pub logloss: f64,
    /// Its interval.
    pub logloss_interval: [f64; 2],
}

/// One model's log-odds on some customers, with resampled figures. Two of these that are made with
/// the same stream are resampled alike.
pub(super) struct Resampled {
    /// The quality.
    pub(super) quality: Quality,
    aucs: Vec<f64>,
    losses: Vec<f64>,
}

pub(super) fn rate(log_odds: f64) -> f64 {
    1.0 / (1.0 + (-log_odds).exp())
}

/// ln(1 + e^z) − y·z without overflow.
fn loss(log_odds: f64, label: bool) -> f64 {
    let signed = if label { log_odds } else { -log_odds };
    (-signed).max(0.0) + (-signed.abs()).exp().ln_1p()
}

/// Both figures on customers of both outcomes.
pub(super) fn held(log_odds: &[f64], labels: &[bool]) -> Held {
    let order = by_score(log_odds);
    let losses = log_odds.iter().zip(labels).map(|(score, label)| loss(*score, *label)).sum::<f64>();
    Held {
        auc: auc(log_odds, labels, &order, &vec![1.0; labels.len()]),
        logloss: losses / labels.len() as f64,
    }
}

impl Resampled {
    /// `resamples` resamples of customers drawn from `stream`.
    pub(super) fn new(log_odds: &[f64], labels: &[bool], resamples: u32, stream: Stream) -> Self {
        let n = labels.len();
        let order = by_score(log_odds);
        let losses: Vec<f64> =
            log_odds.iter().zip(labels).map(|(score, label)| loss(*score, *label)).collect();
        let (mut aucs, mut means) = (Vec::new(), Vec::new());
        for resample in 0..resamples {
            let draws = stream.child(u64::from(resample));
            // Counts per customer, so that the order by score need not be found again.
            let mut weights = vec![0.0; n];
            (0..n).for_each(|idx| weights[draws.below(idx as u64, n)] += 1.0);
            aucs.push(auc(log_odds, labels, &order, &weights));
            means.push(
                losses.iter().zip(&weights).map(|(loss, weight)| loss * weight).sum::<f64>() / n as f64,
            );
        }
        let held = held(log_odds, labels);
        let quality = Quality {
            auc: held.auc,
            auc_interval: interval(&aucs),
            logloss: held.logloss,
            logloss_interval: interval(&means),
            ece_20: calibration_error(log_odds, labels, &order),
        };
        Self { quality, aucs, losses: means }
    }

    /// This less `other`.
    pub(super) fn less(&self, other: &Self) -> Difference {
        let differences = |own: &[f64], other: &[f64]| -> Vec<f64> {
            own.iter().zip(other).map(|(own, other)| own - other).collect()
        };
        Difference {
            auc: self.quality.auc - other.quality.auc,
            auc_interval: interval(&differences(&self.aucs, &other.aucs)),
            logloss: self.quality.logloss - other.quality.logloss,
            logloss_interval: interval(&differences(&self.losses, &other.losses)),
        }
    }
}

fn by_score(scores: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|a, b| scores[*a].total_cmp(&scores[*b]));
    order
}

fn calibration_error(log_odds: &[f64], labels: &[bool], order: &[usize]) -> f64 {
    let excess = |row: &usize| f64::from(u8::from(labels[*row])) - rate(log_odds[*row]);
    let size = order.len().div_ceil(BINS).max(1);
    order.chunks(size).map(|bin| bin.iter().map(excess).sum::<f64>().abs()).sum::<f64>() / order.len() as f64
}

/// Percentiles 2.5 and 97.5, between order statistics by linear interpolation; NaN without values.
fn interval(values: &[f64]) -> [f64; 2] {
    let mut sorted: Vec<f64> = values.iter().copied().filter(|value| value.is_finite()).collect();
    sorted.sort_by(f64::total_cmp);
    [0.025, 0.975].map(|share| {
        let Some(last) = sorted.len().checked_sub(1) else { return f64::NAN };
        let position = share * last as f64;
        let below = position.floor() as usize;
        sorted[below] + (position - below as f64) * (sorted[(below + 1).min(last)] - sorted[below])
    })
}

/// Weighted area under the curve; equal scores count ½. `order` sorts by score.
fn auc(scores: &[f64], labels: &[bool], order: &[usize], weights: &[f64]) -> f64 {
    let (mut below, mut wins, mut positives) = (0.0, 0.0, 0.0);
    for ties in order.chunk_by(|a, b| scores[*a] == scores[*b]) {
        let (mut good, mut bad) = (0.0, 0.0);
        for &row in ties {
            *(if labels[row] { &mut good } else { &mut bad }) += weights[row];
        }
        wins += good * (below + 0.5 * bad);
        below += bad;
        positives += good;
    }
    wins / (positives * below)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_area_under_the_curve_counts_ties_half() {
        let scores = [0.1, 0.4, 0.4, 0.8];
        let order = [0, 1, 2, 3];
        let ones = [1.0; 4];
        assert_eq!(auc(&scores, &[false, false, true, true], &order, &ones), 3.5 / 4.0);
        assert_eq!(auc(&scores, &[true, false, false, true], &order, &ones), 0.5);
        // A weight of 2 is the row twice.
        assert_eq!(auc(&scores, &[false, false, true, true], &order, &[1.0, 2.0, 1.0, 1.0]), 5.0 / 6.0);
    }

    #[test]
    fn losses_are_those_of_the_definition_and_do_not_overflow() {
        for (score, label) in [(0.3, true), (-2.0, true), (1.5, false), (0.0, false)] {
            let chance = if label { rate(score) } else { 1.0 - rate(score) };
            assert!((loss(score, label) + chance.ln()).abs() < 1e-12);
        }
        assert_eq!(loss(-1e4, true), 1e4);
        assert_eq!(loss(1e4, true), 0.0);
    }

    #[test]
    fn equal_models_differ_by_nothing_and_intervals_hold_their_figures() {
        let draws = Stream::new(1, "quality");
        let scores: Vec<f64> = (0..400).map(|idx| draws.normal(idx) - 1.5).collect();
        let labels: Vec<bool> =
            (0..400).map(|idx| draws.uniform(1_000 + idx) < rate(scores[idx as usize])).collect();
        let stream = Stream::new(2, "quality");
        let own = Resampled::new(&scores, &labels, 200, stream);
        let same = own.less(&Resampled::new(&scores, &labels, 200, stream));
        assert_eq!((same.auc_interval, same.logloss_interval), ([0.0; 2], [0.0; 2]));
        let [low, high] = own.quality.auc_interval;
        assert!(low < own.quality.auc && own.quality.auc < high && low > 0.5, "{:?}", own.quality);
        assert!(own.quality.ece_20 < 0.15);
        // Scores that say nothing of the label rank no better than chance.
        let shuffled: Vec<f64> = (0..400).map(|idx| scores[(idx * 7 + 3) % 400]).collect();
        let worse = Resampled::new(&shuffled, &labels, 200, stream).less(&own);
        assert!(worse.auc < -0.1 && worse.logloss > 0.0 && worse.auc_interval[1] < 0.0);
    }
}
