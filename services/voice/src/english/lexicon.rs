//! How English words sound: two lists, endings, compounds, and letters by their names.

use std::collections::HashMap;
use std::io::Read as _;
use std::path::Path;

use serde::Deserialize;

use crate::Error;

/// A word's symbols, plain or by its part of speech.
#[derive(Deserialize)]
#[serde(untagged)]
enum Entry {
    Plain(String),
    ByPart(HashMap<String, Option<String>>),
}

/// The word lists of one country.
pub(crate) struct Lexicon {
    /// Looked at first: checked by hand, upstream says.
    gold: HashMap<String, String>,
    silver: HashMap<String, String>,
}

/// Words that sentences lean on, as they sound without stress; the lists have them as they sound alone.
const WEAK: [(&str, &str); 4] = [("a", "ɐ"), ("an", "ɐn"), ("and", "ænd"), ("that", "ðæt")];
/// Words of advertisements that the lists lack or spell differently, by words that they have.
const KNOWN: [(&str, &str); 12] = [
    ("wifi", "Wi-Fi"),
    ("ok", "okay"),
    ("skincare", "skin-care"),
    ("earbuds", "ear-buds"),
    ("smartwatch", "smart-watch"),
    ("sneakerhead", "sneaker-head"),
    ("athleisure", "ath-leisure"),
    ("cordless", "cord-less"),
    ("leakproof", "leak-proof"),
    ("meds", "medds"),
    ("merch", "murch"),
    ("promo", "pro-moe"),
];
/// Letters in capitals that are said as letters although the lists have a word of the same letters.
const SPELLED: [&str; 6] = ["US", "UK", "EU", "AM", "PM", "AI"];

impl Lexicon {
    /// Reads `lexicon_us_gold.json.gz` and its three siblings; `country` is `us` or `gb`.
    ///
    /// # Errors
    /// [`Error::File`] for a file that is missing or is not such a list.
    pub(crate) fn load(folder: &Path, country: &str) -> Result<Self, Error> {
        let list = |grade: &str| list(&folder.join(format!("lexicon_{country}_{grade}.json.gz")));
        Ok(Self { gold: list("gold")?, silver: list("silver")? })
    }

    /// A list of a few words, for tests.
    #[cfg(test)]
    pub(super) fn of(words: &[(&str, &str)]) -> Self {
        let gold = words.iter().map(|(word, symbols)| ((*word).to_owned(), (*symbols).to_owned())).collect();
        Self { gold, silver: HashMap::new() }
    }

    /// A word's symbols, by the lists, its ending, or its parts. `None` for words that are not known.
    pub(super) fn word(&self, word: &str) -> Option<String> {
        let lower = word.to_lowercase();
        if let Some((_, weak)) = WEAK.iter().find(|(known, _)| *known == lower) {
            return Some((*weak).to_owned());
        }
        if let Some(symbols) = self.listed(word).or_else(|| self.inflected(&lower)) {
            return Some(symbols);
        }
        if let Some((_, same)) = KNOWN.iter().find(|(known, _)| *known == lower) {
            return self.listed(same).or_else(|| self.joined(same));
        }
        self.joined(word).or_else(|| self.compound(&lower))
    }

    /// Whether a word in capitals is said letter by letter.
    pub(super) fn is_spelled(&self, word: &str) -> bool {
        let letters = word.chars().count();
        let capitals = word.chars().all(|c| c.is_ascii_uppercase());
        if !capitals || letters < 2 {
            return false;
        }
        let vowels = word.chars().filter(|c| "AEIOUY".contains(*c)).count();
        SPELLED.contains(&word) || (letters <= 5 && (vowels == 0 || self.word(word).is_none()))
    }

    /// The names of letters.
    pub(super) fn letters(&self, letters: &str) -> String {
        let names: Vec<String> = letters.chars().filter_map(|letter| self.letter(letter)).collect();
        names.join(" ")
    }

    fn letter(&self, letter: char) -> Option<String> {
        let capital = letter.to_ascii_uppercase();
        if capital == 'A' {
            // The list has the article under this letter too.
            return Some("ˈA".to_owned());
        }
        self.gold.get(&capital.to_string()).cloned()
    }

    fn listed(&self, word: &str) -> Option<String> {
        let lower = word.to_lowercase();
        let mut capital = String::new();
        let mut rest = lower.chars();
        if let Some(first) = rest.next() {
            capital.extend(first.to_uppercase());
            capital.push_str(rest.as_str());
        }
        let forms = [word, lower.as_str(), capital.as_str()];
        // A word in capitals is the common word: `SALE`, not a name.
        let forms = if word.len() > 1 && word.chars().all(char::is_uppercase) {
            [forms[1], forms[2], forms[0]]
        } else {
            forms
        };
        [&self.gold, &self.silver]
            .into_iter()
            .find_map(|list| forms.iter().find_map(|form| list.get(*form)).cloned())
    }

    /// A known word with -s, -'s, -ed or -ing.
    fn inflected(&self, lower: &str) -> Option<String> {
        let stem = |ending: &str, put: &str| {
            let stem = lower.strip_suffix(ending).filter(|stem| stem.chars().count() > 1)?;
            self.listed(&format!("{stem}{put}"))
        };
        for (ending, put) in [("'s", ""), ("s'", ""), ("s", ""), ("ies", "y"), ("es", "")] {
            if let Some(symbols) = stem(ending, put) {
                return Some(format!("{symbols}{}", plural(&symbols)));
            }
        }
        for (ending, put) in [("ed", ""), ("ed", "e"), ("ied", "y")] {
            if let Some(symbols) =
                stem(ending, put).or_else(|| doubled(lower, ending).and_then(|s| self.listed(&s)))
            {
                return Some(format!("{symbols}{}", past(&symbols)));
            }
        }
        for put in ["", "e"] {
            if let Some(symbols) =
                stem("ing", put).or_else(|| doubled(lower, "ing").and_then(|s| self.listed(&s)))
            {
                return Some(format!("{symbols}ɪŋ"));
            }
        }
        for (ending, put, sound) in
            [("ly", "", "li"), ("less", "", "ləs"), ("ness", "", "nəs"), ("er", "", "əɹ"), ("er", "e", "əɹ")]
        {
            if let Some(symbols) = stem(ending, put) {
                return Some(format!("{symbols}{sound}"));
            }
        }
        None
    }

    /// Words joined by hyphens.
    fn joined(&self, word: &str) -> Option<String> {
        if !word.contains('-') {
            return None;
        }
        let part = |part: &str| {
            if self.is_spelled(part) || part.chars().count() == 1 {
                Some(self.letters(part))
            } else {
                self.word(part)
            }
        };
        let parts: Option<Vec<String>> = word.split('-').filter(|text| !text.is_empty()).map(part).collect();
        parts.map(|parts| parts.join(" "))
    }

    /// Two known words written as one, each of at least three letters; the longer second part wins.
    fn compound(&self, lower: &str) -> Option<String> {
        let letters: Vec<(usize, char)> = lower.char_indices().collect();
        if letters.len() < 7 {
            return None;
        }
        for (at, _) in &letters[3..=letters.len() - 4] {
            let (first, second) = lower.split_at(*at);
            let second = self.gold.get(second).cloned().or_else(|| self.inflected(second));
            if let (Some(first), Some(second)) = (self.gold.get(first), second) {
                return Some(format!("{first}{}", second.replace('ˈ', "ˌ")));
            }
        }
        None
    }
}

/// `plann` of `planned`: the stem without its doubled consonant.
fn doubled(lower: &str, ending: &str) -> Option<String> {
    let stem = lower.strip_suffix(ending)?;
    let mut letters = stem.chars().rev();
    let (last, before) = (letters.next()?, letters.next()?);
    (last == before && stem.len() > 3).then(|| stem[..stem.len() - last.len_utf8()].to_owned())
}

fn plural(symbols: &str) -> &'static str {
    match symbols.chars().last() {
        Some('s' | 'z' | 'ʃ' | 'ʒ' | 'ʧ' | 'ʤ') => "ᵻz",
        Some('p' | 't' | 'k' | 'f' | 'θ') => "s",
        _ => "z",
    }
}

fn past(symbols: &str) -> &'static str {
    match symbols.chars().last() {
        Some('t' | 'd') => "ᵻd",
        Some('p' | 'k' | 'f' | 'θ' | 's' | 'ʃ' | 'ʧ') => "t",
        _ => "d",
    }
}

fn list(file: &Path) -> Result<HashMap<String, String>, Error> {
    let fail = |what: String| Error::File { path: file.to_owned(), what };
    let packed = std::fs::File::open(file).map_err(|error| Error::reading(file, &error))?;
    let mut text = String::new();
    let mut reader = flate2::read::GzDecoder::new(packed).take(64 << 20);
    reader.read_to_string(&mut text).map_err(|error| fail(error.to_string()))?;
    let entries: HashMap<String, Entry> =
        serde_json::from_str(&text).map_err(|error| fail(error.to_string()))?;
    let symbols = |(word, entry)| {
        let symbols = match entry {
            Entry::Plain(symbols) => symbols,
            Entry::ByPart(mut parts) => parts.remove("DEFAULT").flatten()?,
        };
        Some((word, symbols))
    };
    Ok(entries.into_iter().filter_map(symbols).collect())
}
