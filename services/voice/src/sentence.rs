//! What a front end makes of a text: sentences of words, each with the model's symbols.

/// A word as it is written, and as it is spoken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Word {
    /// The word as it is written, e.g. `$12.50`.
    pub(crate) text: String,
    /// Symbols of the model's alphabet; spaces stand between spoken words.
    pub(crate) symbols: String,
    /// The mark behind the word: one of `, . ! ? ; : —`, or empty.
    pub(crate) mark: &'static str,
}

/// What is spoken in one breath.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Sentence {
    /// Its words.
    pub(crate) words: Vec<Word>,
}

impl Sentence {
    /// The symbols of the whole sentence.
    #[must_use]
    pub(crate) fn symbols(&self) -> String {
        let words: Vec<String> =
            self.words.iter().map(|word| format!("{}{}", word.symbols, word.mark)).collect();
        words.join(" ")
    }

    /// Where each word stands in [`Sentence::symbols`]: first character, and the one behind its last.
    #[must_use]
    pub(crate) fn spans(&self) -> Vec<[usize; 2]> {
        let mut at = 0;
        let mut spans = Vec::with_capacity(self.words.len());
        for word in &self.words {
            let length = word.symbols.chars().count();
            spans.push([at, at + length]);
            at += length + word.mark.chars().count() + 1;
        }
        spans
    }
}

/// The mark that a punctuation character is spoken as; `None` for characters that are no punctuation.
#[must_use]
pub(crate) fn mark_of(sign: char) -> Option<&'static str> {
    Some(match sign {
        ',' | '，' | '、' | '､' => ",",
        '.' | '。' | '．' => ".",
        '!' | '！' => "!",
        '?' | '？' => "?",
        ';' | '；' => ";",
        ':' | '：' => ":",
        '—' | '–' | '…' => "—",
        _ => return None,
    })
}

/// Whether a mark ends a sentence.
pub(crate) fn is_end(sign: char) -> bool {
    matches!(sign, '.' | '。' | '!' | '！' | '?' | '？' | '；' | ';' | '…' | '\n')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_name_the_symbols_of_words() {
        let word =
            |text: &str, symbols: &str, mark| Word { text: text.into(), symbols: symbols.into(), mark };
        let sentence = Sentence { words: vec![word("Hi", "hˈI", ","), word("you", "ju", ".")] };
        let symbols: Vec<char> = sentence.symbols().chars().collect();
        assert_eq!(sentence.symbols(), "hˈI, ju.");
        let cut = |[from, to]: [usize; 2]| symbols[from..to].iter().collect::<String>();
        assert_eq!(sentence.spans().into_iter().map(cut).collect::<Vec<_>>(), ["hˈI", "ju"]);
    }
}
