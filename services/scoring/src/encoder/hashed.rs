//! The encoder that needs no weights: hashed words and character n-grams, randomly projected.

use std::sync::Arc;

use spotwright_schemas::random::mix;

use super::{TextEncoder, check_text, normalized};
use crate::error::Error;

/// Hashed words, word pairs and character n-grams under a fixed random sign projection.
///
/// Each feature is hashed with BLAKE3; its column of the projection is 384 signs that SplitMix64
/// draws from the hash, so nothing is stored (a sign projection keeps angles by the
/// Johnson–Lindenstrauss lemma; Achlioptas, JCSS 2003). Features: words (weight 1), pairs of
/// neighboring words (0.5), character trigrams of each word with its borders (0.3); every character
/// of a script written without spaces counts as a word, so Chinese gives characters and pairs.
/// Repeated features count with the square root of their number.
#[derive(Debug, Clone, Copy, Default)]
pub struct HashedEncoder;

impl HashedEncoder {
    /// Numbers per vector.
    pub const DIMENSIONS: usize = 384;
}

impl TextEncoder for HashedEncoder {
    fn name(&self) -> &'static str {
        "hashed"
    }

    fn dimensions(&self) -> usize {
        Self::DIMENSIONS
    }

    fn encode(&self, text: &str, max_tokens: usize) -> Result<Arc<[f32]>, Error> {
        check_text(text)?;
        let words = words(text, max_tokens);
        // Sorted so that the sum below has one order.
        let mut counts = std::collections::BTreeMap::<u64, (f64, u32)>::new();
        let mut count = |kind: u8, parts: &[&str], weight: f64| {
            let entry = counts.entry(feature_hash(kind, parts)).or_insert((weight, 0));
            entry.1 += 1;
        };
        for word in &words {
            count(0, &[word], 1.0);
            let characters: Vec<char> = format!("^{word}$").chars().collect();
            for window in characters.windows(3) {
                count(2, &[&window.iter().collect::<String>()], 0.3);
            }
        }
        for pair in words.windows(2) {
            count(1, &[&pair[0], &pair[1]], 0.5);
        }
        let mut vector = vec![0.0_f64; Self::DIMENSIONS];
        for (hash, (weight, n)) in counts {
            let value = weight * f64::from(n).sqrt();
            for (block, values) in vector.chunks_mut(64).enumerate() {
                let signs = mix(hash.wrapping_add((block as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15)));
                for (bit, slot) in values.iter_mut().enumerate() {
                    *slot += if (signs >> bit) & 1 == 1 { value } else { -value };
                }
            }
        }
        Ok(normalized(&vector))
    }
}

fn feature_hash(kind: u8, parts: &[&str]) -> u64 {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&[kind]);
    for part in parts {
        hasher.update(part.as_bytes());
        hasher.update(&[0]);
    }
    let mut bytes = [0_u8; 8];
    bytes.copy_from_slice(&hasher.finalize().as_bytes()[..8]);
    u64::from_le_bytes(bytes)
}

/// Lowercased runs of letters and digits; every other visible character, and every character of
/// the ideographic and kana blocks, is a word of its own.
fn words(text: &str, max_words: usize) -> Vec<String> {
    let mut words = Vec::new();
    let mut run = String::new();
    for character in text.chars() {
        if character.is_alphanumeric() && !is_ideographic(character) {
            run.extend(character.to_lowercase());
            continue;
        }
        if !run.is_empty() {
            words.push(std::mem::take(&mut run));
        }
        if !character.is_whitespace() && !character.is_control() {
            words.push(character.to_string());
        }
        if words.len() >= max_words {
            break;
        }
    }
    if !run.is_empty() {
        words.push(run);
    }
    words.truncate(max_words);
    words
}

/// Kana and the ideographic blocks, up to the last plane that holds ideographs.
const fn is_ideographic(character: char) -> bool {
    matches!(character, '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cosine(a: &str, b: &str) -> f32 {
        let encode = |text| HashedEncoder.encode(text, 64).unwrap();
        encode(a).iter().zip(encode(b).iter()).map(|(x, y)| x * y).sum()
    }

    #[test]
    fn words_are_letters_digits_or_single_ideographs() {
        assert_eq!(words("Save 20% — 省钱GO!", 64), ["save", "20", "%", "—", "省", "钱", "go", "!"]);
        assert_eq!(words("a b c", 2), ["a", "b"]);
    }

    #[test]
    fn similar_texts_are_closer_than_unrelated_ones() {
        let related = cosine("The best coffee in town", "Best coffee of the town");
        let unrelated = cosine("The best coffee in town", "Why did he leave?");
        assert!(related > 0.5 && unrelated < 0.3, "{related} {unrelated}");
        assert!(cosine("全城最好的咖啡", "最好的咖啡在这里") > 0.3);
        assert!((cosine("equal", "equal") - 1.0).abs() < 1e-5);
    }
}
