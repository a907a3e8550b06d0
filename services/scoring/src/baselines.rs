//! The models that others would use first, for comparison with ours: ridge on 26 shallow features,
//! and ridge on any vectors as they are.

use std::sync::Arc;

use crate::data::ClickTestRow;
use crate::design::{Design, fold_of};
use crate::error::Error;
use crate::linear::dot;
use crate::ridge::{Gram, Strengths};

/// Number of shallow features.
pub const N_SHALLOW: usize = 26;
/// Characters of the lede that count.
const LEDE_CHARS: usize = 300;

/// Counts and flags of a headline (20) and its lede (6). Of both: characters, words, characters per
/// word, `?`, `!`, `,`. Of the headline also `'`, `"`, `.`, `:`, digits, words in capitals, runs of
/// digits, question words, and flags: this/these/that, you/your, I/my/me, he/she/his/her/they/their,
/// not/no/never/don't/isn't/can't, first character a digit.
#[must_use]
pub fn shallow_features(headline: &str, lede: &str) -> [f64; N_SHALLOW] {
    let lower = headline.to_lowercase();
    let is_word = |c: char| c.is_alphanumeric() || c == '\'' || c == '_';
    let words: Vec<&str> = lower.split(|c: char| !is_word(c)).filter(|word| !word.is_empty()).collect();
    let any = |list: &[&str]| f64::from(u8::from(words.iter().any(|word| list.contains(word))));
    let count = |character: char| headline.matches(character).count() as f64;
    let capitals = headline
        .split(|c: char| !is_word(c))
        .filter(|word| {
            word.chars().nth(1).is_some()
                && word.chars().any(char::is_uppercase)
                && !word.chars().any(char::is_lowercase)
        })
        .count() as f64;
    let digit_runs =
        headline.split(|c: char| !c.is_ascii_digit()).filter(|run| !run.is_empty()).count() as f64;
    let questions = ["who", "what", "when", "where", "why", "how", "which"];
    let lede: String = lede.chars().take(LEDE_CHARS).collect();
    let mut features = [0.0; N_SHALLOW];
    features[..6].copy_from_slice(&common(headline));
    features[6..20].copy_from_slice(&[
        count('\''),
        count('"'),
        count('.'),
        count(':'),
        headline.chars().filter(char::is_ascii_digit).count() as f64,
        capitals,
        digit_runs,
        words.iter().filter(|word| questions.contains(word)).count() as f64,
        any(&["this", "these", "that"]),
        any(&["you", "your"]),
        any(&["i", "my", "me"]),
        any(&["he", "she", "his", "her", "they", "their"]),
        any(&["not", "no", "never", "don't", "isn't", "can't"]),
        f64::from(u8::from(headline.starts_with(|c: char| c.is_ascii_digit()))),
    ]);
    features[20..].copy_from_slice(&common(&lede));
    features
}

fn common(text: &str) -> [f64; 6] {
    let characters = text.chars().count() as f64;
    let words = text.split_whitespace().count() as f64;
    let count = |character: char| text.matches(character).count() as f64;
    [characters, words, characters / words.max(1.0), count('?'), count('!'), count(',')]
}

/// The shallow features of every row, standardized on the rows `train`.
#[must_use]
pub fn standardized_shallow(rows: &[ClickTestRow], train: &[usize]) -> Vec<Arc<[f32]>> {
    let raw: Vec<_> = rows.iter().map(|row| shallow_features(&row.headline, &row.lede)).collect();
    let n = train.len().max(1) as f64;
    let mut columns = [(0.0, 0.0); N_SHALLOW];
    for (column, (mean, scale)) in columns.iter_mut().enumerate() {
        *mean = train.iter().map(|&idx| raw[idx][column]).sum::<f64>() / n;
        let variance = train.iter().map(|&idx| (raw[idx][column] - *mean).powi(2)).sum::<f64>() / n;
        *scale = if variance > 1e-12 { 1.0 / variance.sqrt() } else { 0.0 };
    }
    raw.iter()
        .map(|row| {
            row.iter().zip(&columns).map(|(value, (mean, scale))| ((value - mean) * scale) as f32).collect()
        })
        .collect()
}

/// Scores of every row by test-centered ridge with penalty λ on `vectors`, fitted on the rows
/// `train`, less their mean over these rows.
///
/// # Errors
/// [`Error::Fit`]: `train` splits a test or the equations cannot be solved.
pub fn ridge_scores(
    rows: &[ClickTestRow],
    design: &Design,
    vectors: &[Arc<[f32]>],
    train: &[usize],
    penalty: f64,
) -> Result<Vec<f64>, Error> {
    let columns = |idx: usize| -> Vec<f64> { vectors[idx].iter().copied().map(f64::from).collect() };
    let train_columns: Vec<Vec<f64>> = train.iter().map(|&idx| columns(idx)).collect();
    let folds: Vec<usize> = train.iter().map(|&idx| fold_of(&rows[idx].test_id)).collect();
    let gram = Gram::new(design, train, &train_columns, &folds)?;
    let scales = vec![1.0; train_columns.first().map_or(0, Vec::len)];
    let weights = gram.weights(Strengths { penalty, lessons: 0.0 }, &scales, None)?;
    let mean = train_columns.iter().map(|columns| dot(columns, &weights)).sum::<f64>() / train.len() as f64;
    Ok((0..rows.len()).map(|idx| dot(&columns(idx), &weights) - mean).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shallow_features_count_what_they_say() {
        let features = shallow_features("3 Things YOU Can't Ignore. Why?", "One, two");
        assert_eq!(features[0], 31.0);
        assert_eq!(features[1], 6.0);
        assert_eq!(features[3..6], [1.0, 0.0, 0.0]);
        assert_eq!(features[6..20], [1.0, 0.0, 1.0, 0.0, 1.0, 1.0, 1.0, 1.0, 0.0, 1.0, 0.0, 0.0, 1.0, 1.0]);
        assert_eq!(features[20..], [8.0, 2.0, 4.0, 0.0, 0.0, 1.0]);
    }
}
