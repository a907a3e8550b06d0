//! Mandarin: text to the model's symbols.
//!
//! Numbers, prices, units and dates become Chinese characters, a dictionary of words cuts the rest, phrases
//! and characters get their readings, and tones are changed as they are in connected speech.

mod dictionary;
mod normalize;
mod numbers;
mod syllable;
mod tones;

#[cfg(test)]
mod tests;

pub(crate) use dictionary::Dictionary;
use icu_segmenter::WordSegmenter;
use icu_segmenter::options::WordBreakInvariantOptions;
use normalize::{Kind, pieces};

use crate::Error;
use crate::sentence::Word;

/// The text as it is said, numbers in characters: `¥9.9` as `九点九元`.
#[must_use]
pub fn written_out(text: &str) -> String {
    let mut out = String::new();
    for piece in pieces(text) {
        for said in piece.said {
            out.push_str(&said);
        }
        out.push_str(piece.mark);
    }
    out
}

/// Reads letters of other languages inside Chinese text.
pub(crate) trait Foreign {
    /// Symbols of a word in Latin letters.
    ///
    /// # Errors
    /// [`Error`] when nothing can read it.
    fn read(&self, word: &str) -> Result<String, Error>;
}

/// A word before its tones are settled.
struct Part {
    text: String,
    /// Filled at once for foreign words.
    symbols: String,
    mark: &'static str,
}

/// The words of one sentence with their symbols.
///
/// # Errors
/// [`Error::Character`] for a character without a reading; what `foreign` answers.
pub(crate) fn words(
    sentence: &str,
    dictionary: &Dictionary,
    foreign: &dyn Foreign,
) -> Result<Vec<Word>, Error> {
    let mut parts: Vec<Part> = Vec::new();
    let mut phrase: Vec<tones::Spoken> = Vec::new();
    for piece in pieces(sentence) {
        let found: Vec<(String, String)> = match piece.kind {
            Kind::Latin => {
                settle(&mut phrase, &mut parts);
                let symbols = foreign.read(&piece.written)?;
                parts.push(Part { text: piece.written, symbols, mark: piece.mark });
                continue;
            }
            Kind::Number => vec![(piece.written.clone(), piece.said.concat())],
            Kind::Hanzi => {
                cut(&piece.written).into_iter().map(|word| (word.to_owned(), word.to_owned())).collect()
            }
        };
        let number = piece.kind == Kind::Number;
        let last = found.len().saturating_sub(1);
        for (idx, (text, said)) in found.into_iter().enumerate() {
            let read = dictionary.word(&said).map_err(Error::Character)?;
            let word = parts.len();
            let spoken = |(sign, syllable)| tones::Spoken { sign, syllable, word, number };
            phrase.extend(read.into_iter().map(spoken));
            parts.push(Part {
                text,
                symbols: String::new(),
                mark: if idx == last { piece.mark } else { "" },
            });
        }
        if !piece.mark.is_empty() {
            settle(&mut phrase, &mut parts);
        }
    }
    settle(&mut phrase, &mut parts);
    Ok(parts.into_iter().map(|Part { text, symbols, mark }| Word { text, symbols, mark }).collect())
}

/// Cuts Chinese characters into words, by the dictionary of the Unicode project.
fn cut(text: &str) -> Vec<&str> {
    let breaks: Vec<usize> =
        WordSegmenter::new_dictionary(WordBreakInvariantOptions::default()).segment_str(text).collect();
    breaks.windows(2).map(|pair| &text[pair[0]..pair[1]]).collect()
}

/// Settles the tones of what has been gathered since the last pause, and writes the symbols.
fn settle(phrase: &mut Vec<tones::Spoken>, parts: &mut [Part]) {
    tones::connect(phrase);
    for spoken in phrase.drain(..) {
        if let Some(symbols) = spoken.syllable.symbols() {
            parts[spoken.word].symbols.push_str(&symbols);
        }
    }
}
