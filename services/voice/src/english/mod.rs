//! English: text to the model's symbols.
//!
//! Numbers, prices, units and dates are written out first, then every word is looked up; what no list has is
//! read by a small model of spelling, or spelled.

mod lexicon;
mod normalize;
mod numbers;
mod units;

#[cfg(test)]
mod tests;

pub(crate) use lexicon::Lexicon;
use normalize::{Said, Token, tokens};

use crate::sentence::Word;

/// Reads words that no list has, by their spelling.
pub(crate) trait Spelling {
    /// Symbols of a word; `None` when it cannot be read.
    fn read(&self, word: &str) -> Option<String>;
}

/// Reads nothing: unknown words are spelled.
#[cfg(test)]
pub(crate) struct NoSpelling;

#[cfg(test)]
impl Spelling for NoSpelling {
    fn read(&self, _: &str) -> Option<String> {
        None
    }
}

/// The text as it is said, in plain words: `$12.50` as `twelve dollars and fifty cents`.
#[must_use]
pub fn written_out(text: &str) -> String {
    let mut out = String::new();
    for token in tokens(text) {
        for said in token.said {
            if !out.is_empty() {
                out.push(' ');
            }
            match said {
                Said::Word(word) => out.push_str(&word),
                Said::Letters(letters) => {
                    let letters: Vec<String> = letters.chars().map(String::from).collect();
                    out.push_str(&letters.join("."));
                }
            }
        }
        out.push_str(token.mark);
    }
    out
}

/// Whether a full stop behind this word ends no sentence.
pub(crate) fn is_abbreviation(word: &str) -> bool {
    normalize::is_short(word)
}

/// The words of one sentence with their symbols.
pub(crate) fn words(sentence: &str, lexicon: &Lexicon, spelling: &dyn Spelling) -> Vec<Word> {
    let tokens = tokens(sentence);
    let mut words: Vec<Word> = Vec::with_capacity(tokens.len());
    for Token { written, said, mark } in tokens {
        let parts: Vec<String> = said.iter().map(|said| symbols(said, lexicon, spelling)).collect();
        let symbols = parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ");
        if symbols.is_empty() {
            continue;
        }
        words.push(Word { text: written, symbols, mark });
    }
    lean(&mut words);
    words
}

fn symbols(said: &Said, lexicon: &Lexicon, spelling: &dyn Spelling) -> String {
    match said {
        Said::Letters(letters) => lexicon.letters(letters),
        Said::Word(word) if lexicon.is_spelled(word) => lexicon.letters(word),
        Said::Word(word) => {
            let known = lexicon.word(word).or_else(|| spelling.read(word));
            known.filter(|symbols| !symbols.is_empty()).unwrap_or_else(|| lexicon.letters(word))
        }
    }
}

/// Symbols of vowels, stress marks left out.
const VOWELS: &str = "AIOQWYaeiouæɑɒɔəɚɛɜɪɨʊʌᵊᵻɐ";

/// `the` and `to` sound differently before vowels.
fn lean(words: &mut [Word]) {
    for idx in 0..words.len() {
        let next = words.get(idx + 1).filter(|_| words[idx].mark.is_empty());
        let vowel = next.and_then(|word| word.symbols.chars().find(|c| !"ˈˌ".contains(*c)));
        let before_vowel = vowel.is_some_and(|c| VOWELS.contains(c));
        let symbols = match words[idx].text.to_lowercase().as_str() {
            "the" if before_vowel => "ði",
            "the" => "ðə",
            "to" if vowel.is_none() => "tu",
            "to" if before_vowel => "tʊ",
            "to" => "tə",
            _ => continue,
        };
        symbols.clone_into(&mut words[idx].symbols);
    }
}
