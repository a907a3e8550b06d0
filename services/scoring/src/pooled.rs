//! Pooled logistic regression on hashed words: what a click model is that does not know of tests.
//!
//! Words and pairs of neighboring words of the headline and of the first 300 characters of the lede
//! are counted in 2¹⁸ slots each, and each block scaled to length 1. Clicks and their absence are
//! weighted by their number over the mean impressions of a train row; the penalty is ½ |w|² / C
//! with C = 10. Solved by Newton's method with conjugate gradients inside (Nocedal and Wright,
//! Numerical Optimization, 2006, section 7.1).

use crate::data::ClickTestRow;
use crate::linear::{add_scaled, dot};
use crate::model::sigmoid;

const SLOTS: usize = 1 << 18;
const LEDE_CHARS: usize = 300;
/// 1/C.
const PENALTY: f64 = 0.1;
const MAX_STEPS: usize = 30;
const MAX_ROUNDS: usize = 60;

type Sparse = Vec<(usize, f64)>;

/// Log-odds of a click of every row, fitted on the rows `train`.
#[must_use]
pub fn pooled_log_odds(rows: &[ClickTestRow], train: &[usize]) -> Vec<f64> {
    let features: Vec<Sparse> = rows
        .iter()
        .map(|row| {
            let lede: String = row.lede.chars().take(LEDE_CHARS).collect();
            let mut sparse = block(&row.headline, 0);
            sparse.extend(block(&lede, SLOTS));
            // The last slot is the intercept.
            sparse.push((2 * SLOTS, 1.0));
            sparse
        })
        .collect();
    let mean_n =
        train.iter().map(|&idx| rows[idx].impressions as f64).sum::<f64>() / train.len().max(1) as f64;
    let counts: Vec<(f64, f64)> = train
        .iter()
        .map(|&idx| (rows[idx].clicks as f64 / mean_n, rows[idx].impressions as f64 / mean_n))
        .collect();
    let train: Vec<&Sparse> = train.iter().map(|&idx| &features[idx]).collect();
    let mut weights = vec![0.0; 2 * SLOTS + 1];
    for _ in 0..MAX_STEPS {
        let rates: Vec<f64> = train.iter().map(|row| sigmoid(apply(row, &weights))).collect();
        let mut gradient = penalized(&weights);
        for ((row, rate), (k, n)) in train.iter().zip(&rates).zip(&counts) {
            scatter(row, &mut gradient, n * rate - k);
        }
        let information: Vec<f64> =
            rates.iter().zip(&counts).map(|(rate, (_, n))| n * rate * (1.0 - rate)).collect();
        let step = solve(&gradient, |direction| {
            let mut image = penalized(direction);
            for (row, information) in train.iter().zip(&information) {
                scatter(row, &mut image, information * apply(row, direction));
            }
            image
        });
        add_scaled(&mut weights, &step, -1.0);
        if dot(&step, &step) < 1e-12 * dot(&weights, &weights) {
            break;
        }
    }
    features.iter().map(|row| apply(row, &weights)).collect()
}

/// The penalty's gradient; the intercept is free.
fn penalized(weights: &[f64]) -> Vec<f64> {
    let mut gradient: Vec<f64> = weights.iter().map(|weight| PENALTY * weight).collect();
    if let (Some(last), Some(weight)) = (gradient.last_mut(), weights.last()) {
        *last = 1e-9 * weight;
    }
    gradient
}

fn apply(row: &Sparse, weights: &[f64]) -> f64 {
    row.iter().map(|(slot, value)| weights[*slot] * value).sum()
}

fn scatter(row: &Sparse, sum: &mut [f64], factor: f64) {
    for (slot, value) in row {
        sum[*slot] += factor * value;
    }
}

/// Conjugate gradients for a positive definite matrix.
fn solve(target: &[f64], multiply: impl Fn(&[f64]) -> Vec<f64>) -> Vec<f64> {
    let mut solution = vec![0.0; target.len()];
    let mut residual = target.to_vec();
    let mut direction = residual.clone();
    let mut size = dot(&residual, &residual);
    let goal = 1e-10 * size;
    for _ in 0..MAX_ROUNDS {
        if size <= goal || size == 0.0 {
            break;
        }
        let image = multiply(&direction);
        let step = size / dot(&direction, &image);
        add_scaled(&mut solution, &direction, step);
        add_scaled(&mut residual, &image, -step);
        let next = dot(&residual, &residual);
        for (value, residual) in direction.iter_mut().zip(&residual) {
            *value = residual + next / size * *value;
        }
        size = next;
    }
    solution
}

fn block(text: &str, offset: usize) -> Sparse {
    let lower = text.to_lowercase();
    let words: Vec<&str> = lower
        .split(|c: char| !c.is_alphanumeric() && c != '_')
        .filter(|word| word.chars().nth(1).is_some())
        .collect();
    let mut counts = std::collections::BTreeMap::<usize, f64>::new();
    let mut count = |parts: &[&str]| *counts.entry(offset + slot(parts)).or_default() += 1.0;
    for word in &words {
        count(&[word]);
    }
    for pair in words.windows(2) {
        count(pair);
    }
    let length = counts.values().map(|value| value * value).sum::<f64>().sqrt();
    counts.into_iter().map(|(slot, value)| (slot, value / length)).collect()
}

/// FNV-1a over the parts, folded to the number of slots.
fn slot(parts: &[&str]) -> usize {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for byte in parts.iter().flat_map(|part| part.bytes().chain([b' '])) {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    (hash ^ (hash >> 32)) as usize % SLOTS
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Split;

    #[test]
    fn a_word_that_raises_the_rate_gets_higher_log_odds() {
        let row = |headline: &str, clicks| ClickTestRow {
            test_id: "t".to_owned(),
            headline: headline.to_owned(),
            lede: String::new(),
            eyecatcher_id: String::new(),
            impressions: 1_000,
            clicks,
            split: Split::Train,
            suspect: false,
            week: 201_401,
        };
        let rows = [row("good words", 30), row("good thing", 31), row("bad words", 10), row("bad thing", 9)];
        let found = pooled_log_odds(&rows, &[0, 1, 2, 3]);
        assert!(found[0] > found[2] + 0.2 && found[1] > found[3] + 0.2, "{found:?}");
        let rates: f64 = found.iter().map(|&log_odds| sigmoid(log_odds)).sum::<f64>() / 4.0;
        assert!((rates - 0.02).abs() < 1e-6, "{rates}");
    }
}
