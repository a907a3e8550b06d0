//! From a line to the sentences that the model speaks.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};

use spotwright_schemas::brief::Pronunciation;
use spotwright_schemas::locale::{Language, Locale};

use crate::english::{self, Lexicon};
use crate::mandarin::{self, Dictionary, Foreign};
use crate::names::{self, Stretch};
use crate::sentence::{Sentence, Word, is_end, mark_of};
use crate::spelling::SpellingModel;
use crate::{Error, runtime_library};

/// English of one country.
struct English {
    lexicon: Lexicon,
    spelling: SpellingModel,
}

/// The front ends over one folder of files; each language is read when it is first spoken.
pub(crate) struct FrontEnd {
    models: PathBuf,
    american: OnceLock<English>,
    british: OnceLock<English>,
    mandarin: OnceLock<Dictionary>,
}

/// The front ends that are in use in this process.
static FRONT_ENDS: Mutex<Vec<Weak<FrontEnd>>> = Mutex::new(Vec::new());

impl FrontEnd {
    /// The front ends over a folder, which all voices of this process share.
    pub(crate) fn shared(models: &Path) -> Arc<Self> {
        let mut known = FRONT_ENDS.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|front_end| front_end.strong_count() > 0);
        if let Some(front_end) =
            known.iter().filter_map(Weak::upgrade).find(|front_end| front_end.models == models)
        {
            return front_end;
        }
        let front_end = Arc::new(Self::new(models));
        known.push(Arc::downgrade(&front_end));
        front_end
    }

    fn new(models: &Path) -> Self {
        Self {
            models: models.to_owned(),
            american: OnceLock::new(),
            british: OnceLock::new(),
            mandarin: OnceLock::new(),
        }
    }

    /// The sentences of a line.
    ///
    /// # Errors
    /// [`Error::File`], [`Error::Character`], [`Error::NoWords`].
    pub(crate) fn sentences(
        &self,
        text: &str,
        locale: Locale,
        names: &[Pronunciation],
    ) -> Result<Vec<Sentence>, Error> {
        let mut sentences = Vec::new();
        for part in split(text, locale.language()) {
            let mut words = Vec::new();
            for stretch in names::cut(part, names) {
                match stretch {
                    Stretch::Plain(plain) => {
                        let mut more = self.words(plain, locale)?;
                        if let (Some(last), Some(mark)) = (words.last_mut(), leading_mark(plain)) {
                            set_mark(last, mark);
                        }
                        words.append(&mut more);
                    }
                    Stretch::Name(written, spoken) => {
                        let said = self.words(spoken, locale)?;
                        let symbols: Vec<String> = said.into_iter().map(|word| word.symbols).collect();
                        words.push(Word { text: written.to_owned(), symbols: symbols.join(" "), mark: "" });
                    }
                }
            }
            words.retain(|word| !word.symbols.is_empty());
            if !words.is_empty() {
                sentences.push(Sentence { words });
            }
        }
        if sentences.is_empty() { Err(Error::NoWords) } else { Ok(sentences) }
    }

    fn words(&self, text: &str, locale: Locale) -> Result<Vec<Word>, Error> {
        match locale.language() {
            Language::English => {
                let english = self.english(locale)?;
                Ok(english::words(text, &english.lexicon, &english.spelling))
            }
            Language::Chinese => mandarin::words(text, self.mandarin()?, self),
        }
    }

    fn english(&self, locale: Locale) -> Result<&English, Error> {
        let (cell, country, spelling) = match locale {
            Locale::EnGb => (&self.british, "gb", "oov_gb"),
            _ => (&self.american, "us", "oov"),
        };
        if let Some(english) = cell.get() {
            return Ok(english);
        }
        let folder = self.models.join("hibari");
        let lexicon = Lexicon::load(&folder, country)?;
        let spelling = SpellingModel::open(&runtime_library(&self.models), &folder, spelling)?;
        Ok(cell.get_or_init(|| English { lexicon, spelling }))
    }

    fn mandarin(&self) -> Result<&Dictionary, Error> {
        if let Some(dictionary) = self.mandarin.get() {
            return Ok(dictionary);
        }
        let dictionary = Dictionary::load(&self.models.join("pypinyin"))?;
        Ok(self.mandarin.get_or_init(|| dictionary))
    }
}

impl Foreign for FrontEnd {
    fn read(&self, word: &str) -> Result<String, Error> {
        let said = self.words(word, Locale::EnUs)?;
        let symbols: Vec<String> = said.into_iter().map(|word| word.symbols).collect();
        Ok(symbols.join(" "))
    }
}

/// The mark that a stretch begins with, behind a name.
fn leading_mark(text: &str) -> Option<&'static str> {
    text.trim_start().chars().next().and_then(mark_of)
}

fn set_mark(word: &mut Word, mark: &'static str) {
    if word.mark.is_empty() {
        word.mark = mark;
    }
}

/// Cuts a text into sentences, each with its mark.
fn split(text: &str, language: Language) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut start = 0;
    let mut signs = text.char_indices().peekable();
    while let Some((at, sign)) = signs.next() {
        if !is_end(sign) {
            continue;
        }
        let next = signs.peek().map(|(_, next)| *next);
        if next.is_some_and(is_end) {
            continue;
        }
        let end = at + sign.len_utf8();
        let inner = match language {
            // Decimals, addresses and abbreviations have points inside.
            Language::English => {
                let goes_on = next.is_some_and(|next| !next.is_whitespace() && !"\"”’)]".contains(next));
                let word = text[start..at].rsplit(char::is_whitespace).next().unwrap_or("");
                goes_on || sign == '.' && english::is_abbreviation(word.trim_start_matches(['(', '"', '“']))
            }
            Language::Chinese => sign == '.' && next.is_some_and(|next| next.is_ascii_alphanumeric()),
        };
        if !inner {
            parts.push(text[start..end].trim());
            start = end;
        }
    }
    parts.push(text[start..].trim());
    parts.retain(|part| !part.is_empty());
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_cut_where_one_breathes() {
        let english = |text| split(text, Language::English);
        assert_eq!(english("Bitter again? Try ours."), ["Bitter again?", "Try ours."]);
        assert_eq!(english("Only $9.99 at example.com. Order!"), ["Only $9.99 at example.com.", "Order!"]);
        assert_eq!(english("Dr. Green says: yes... now"), ["Dr. Green says: yes...", "now"]);
        assert_eq!(english("Made by J. Smith"), ["Made by J. Smith"]);
        let chinese = |text| split(text, Language::Chinese);
        assert_eq!(chinese("买两盒。今天下单！"), ["买两盒。", "今天下单！"]);
        assert_eq!(chinese("只要9.9元，限时"), ["只要9.9元，限时"]);
        assert_eq!(chinese("  "), Vec::<&str>::new());
    }
}
