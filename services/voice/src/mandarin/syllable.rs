//! Syllables: Pinyin as dictionaries write it, and the model's symbols.
//!
//! The table of symbols agrees with the one the model was trained with, which follows the IPA with one
//! symbol for each affricate; tones are arrows behind the vowel.

/// A syllable: its letters without a tone mark, `ü` written as such, and its tone: 1–4, 5 for none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Syllable {
    pub(super) letters: String,
    pub(super) tone: u8,
}

/// Vowels with their four tone marks.
const MARKED: [(char, [char; 4]); 6] = [
    ('a', ['ā', 'á', 'ǎ', 'à']),
    ('e', ['ē', 'é', 'ě', 'è']),
    ('i', ['ī', 'í', 'ǐ', 'ì']),
    ('o', ['ō', 'ó', 'ǒ', 'ò']),
    ('u', ['ū', 'ú', 'ǔ', 'ù']),
    ('ü', ['ǖ', 'ǘ', 'ǚ', 'ǜ']),
];

const INITIALS: [(&str, &str); 21] = [
    ("zh", "ꭧ"),
    ("ch", "ꭧʰ"),
    ("sh", "ʂ"),
    ("b", "p"),
    ("p", "pʰ"),
    ("m", "m"),
    ("f", "f"),
    ("d", "t"),
    ("t", "tʰ"),
    ("n", "n"),
    ("l", "l"),
    ("g", "k"),
    ("k", "kʰ"),
    ("h", "x"),
    ("j", "ʨ"),
    ("q", "ʨʰ"),
    ("x", "ɕ"),
    ("r", "ɻ"),
    ("z", "ʦ"),
    ("c", "ʦʰ"),
    ("s", "s"),
];

/// Finals; the tone's arrow takes the place of the zero.
const FINALS: [(&str, &str); 36] = [
    ("a", "a0"),
    ("ai", "ai0"),
    ("an", "a0n"),
    ("ang", "a0ŋ"),
    ("ao", "au0"),
    ("e", "ɤ0"),
    ("ei", "ei0"),
    ("en", "ə0n"),
    ("eng", "ə0ŋ"),
    ("er", "ɚ0"),
    ("i", "i0"),
    ("ia", "ja0"),
    ("ian", "jɛ0n"),
    ("iang", "ja0ŋ"),
    ("iao", "jau0"),
    ("ie", "je0"),
    ("in", "i0n"),
    ("ing", "i0ŋ"),
    ("iu", "jou0"),
    ("iong", "jʊ0ŋ"),
    ("o", "wo0"),
    ("ong", "ʊ0ŋ"),
    ("ou", "ou0"),
    ("u", "u0"),
    ("ua", "wa0"),
    ("uai", "wai0"),
    ("uan", "wa0n"),
    ("uang", "wa0ŋ"),
    ("ui", "wei0"),
    ("un", "wə0n"),
    ("ueng", "wə0ŋ"),
    ("uo", "wo0"),
    ("ü", "y0"),
    ("üe", "ɥe0"),
    ("üan", "ɥɛ0n"),
    ("ün", "y0n"),
];

impl Syllable {
    /// Reads a syllable with its tone mark, e.g. `chóng`. `None` for what is no syllable.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut letters = String::with_capacity(text.len());
        let mut tone = 5;
        for sign in text.chars() {
            let marked = MARKED.iter().find_map(|(plain, marks)| {
                marks.iter().position(|mark| *mark == sign).map(|at| (*plain, at as u8 + 1))
            });
            match marked {
                Some((plain, mark)) => {
                    letters.push(plain);
                    tone = mark;
                }
                None if sign.is_ascii_lowercase() || sign == 'ü' => letters.push(sign),
                None => return None,
            }
        }
        let syllable = Self { letters, tone };
        syllable.symbols().is_some().then_some(syllable)
    }

    /// The model's symbols. `None` for interjections that the table lacks.
    pub(super) fn symbols(&self) -> Option<String> {
        let (initial, rest) = INITIALS
            .iter()
            .find_map(|(letters, symbols)| Some((*symbols, *letters, self.letters.strip_prefix(letters)?)))
            .map_or_else(
                || ("", open(&self.letters)),
                |(symbols, letters, rest)| (symbols, closed(letters, rest)),
            );
        let buzzes = matches!(initial, "ꭧ" | "ꭧʰ" | "ʂ" | "ɻ" | "ʦ" | "ʦʰ" | "s");
        let shape = if rest == "i" && buzzes {
            "ɨ0"
        } else {
            FINALS.iter().find(|(letters, _)| *letters == rest)?.1
        };
        let arrow = match self.tone {
            1 => "→",
            2 => "↗",
            3 => "↓",
            4 => "↘",
            _ => "",
        };
        Some(format!("{initial}{}", shape.replace('0', arrow)))
    }
}

/// The final of a syllable without an initial, from its spelling with `y` or `w`.
fn open(letters: &str) -> String {
    match letters {
        "yi" | "yin" | "ying" => letters[1..].to_owned(),
        "you" => "iu".to_owned(),
        "yong" => "iong".to_owned(),
        "wei" => "ui".to_owned(),
        "wen" => "un".to_owned(),
        "weng" => "ueng".to_owned(),
        "wu" => "u".to_owned(),
        "yo" => "io".to_owned(),
        _ if letters.starts_with("yu") => format!("ü{}", &letters[2..]),
        _ if letters.starts_with('y') => format!("i{}", &letters[1..]),
        _ if letters.starts_with('w') => format!("u{}", &letters[1..]),
        _ => letters.to_owned(),
    }
}

/// The final behind an initial: `u` behind j, q and x is `ü`.
fn closed(initial: &str, rest: &str) -> String {
    if matches!(initial, "j" | "q" | "x") && rest.starts_with('u') {
        return format!("ü{}", &rest[1..]);
    }
    rest.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn syllables_have_the_symbols_of_the_model() {
        for (pinyin, symbols) in [
            ("sān", "sa→n"),
            ("fēn", "fə→n"),
            ("zhōng", "ꭧʊ→ŋ"),
            ("yī", "i→"),
            ("bēi", "pei→"),
            ("chōng", "ꭧʰʊ→ŋ"),
            ("liǎng", "lja↓ŋ"),
            ("hé", "xɤ↗"),
            ("ge", "kɤ"),
            ("guà", "kwa↘"),
            ("ěr", "ɚ↓"),
            ("tiān", "tʰjɛ→n"),
            ("yuán", "ɥɛ↗n"),
            ("xuě", "ɕɥe↓"),
            ("lǜ", "ly↘"),
            ("jiǔ", "ʨjou↓"),
            ("shí", "ʂɨ↗"),
            ("zì", "ʦɨ↘"),
            ("wǒ", "wo↓"),
            ("guì", "kwei↘"),
            ("yún", "y↗n"),
            ("wēng", "wə→ŋ"),
            ("wǔ", "u↓"),
            ("yǒng", "jʊ↓ŋ"),
            ("ruǎn", "ɻwa↓n"),
            ("nǚ", "ny↓"),
            ("bō", "pwo→"),
            ("qún", "ʨʰy↗n"),
        ] {
            let syllable = Syllable::parse(pinyin).expect("a syllable");
            assert_eq!(syllable.symbols().as_deref(), Some(symbols), "{pinyin}");
        }
        for no in ["", "ng", "m", "hello", "9"] {
            assert_eq!(Syllable::parse(no), None, "{no}");
        }
    }
}
