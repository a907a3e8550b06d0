//! Measures of text that several modules share: similarity, length, reading time.

pub use spotwright_core::domain::copy_rules::reading::reading_speed;
use spotwright_schemas::wording::{Fold, fold};

/// Likeness of two texts in [0, 1]: 1 − edit distance ÷ length of the longer one, over letters and
/// digits only, folded. Two texts without letters are alike.
///
/// Cost: O(n·m) time, O(m) memory, for texts of n and m characters.
#[must_use]
pub fn similarity(a: &str, b: &str) -> f64 {
    let (a, b) = (fold(a, Fold::Letters).chars, fold(b, Fold::Letters).chars);
    let longer = a.len().max(b.len());
    if longer == 0 {
        return 1.0;
    }
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let substituted = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(row[j] + 1).min(diagonal + 1);
        }
    }
    1.0 - row[b.len()] as f64 / longer as f64
}

/// Number of characters as the formats count them.
#[must_use]
pub fn length(text: &str) -> usize {
    text.chars().count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn similarity_ignores_case_width_and_punctuation() {
        assert!((similarity("Hello, World!", "hello world") - 1.0).abs() < 1e-12);
        assert!((similarity("abcd", "abce") - 0.75).abs() < 1e-12);
        assert!(similarity("abc", "xyz") < 1e-12);
        assert!((similarity("", "!") - 1.0).abs() < 1e-12);
    }
}
