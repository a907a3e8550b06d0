//! Readings of Chinese characters: by phrases, by words of our own, by the character alone.

use std::collections::HashMap;
use std::path::Path;

use super::syllable::Syllable;
use crate::Error;

/// Readings of characters that stand alone, where the commonest is not the first that the list names, and of
/// characters whose reading the list lacks.
const ALONE: [(char, &str); 26] = [
    ('的', "de"),
    ('地', "de"),
    ('得', "de"),
    ('了', "le"),
    ('着', "zhe"),
    ('还', "hái"),
    ('都', "dōu"),
    ('长', "cháng"),
    ('重', "zhòng"),
    ('干', "gān"),
    ('没', "méi"),
    ('谁', "shéi"),
    ('这', "zhè"),
    ('那', "nà"),
    ('和', "hé"),
    ('为', "wèi"),
    ('吧', "ba"),
    ('吗', "ma"),
    ('呢', "ne"),
    ('啊', "a"),
    ('个', "gè"),
    ('折', "zhé"),
    ('盒', "hé"),
    ('款', "kuǎn"),
    ('幺', "yāo"),
    ('嗯', "en"),
];
/// Phrases of advertisements that the list reads otherwise or lacks.
const PHRASES: [(&str, &str); 40] = [
    ("重庆", "chóng qìng"),
    ("便宜", "pián yi"),
    ("朋友", "péng you"),
    ("东西", "dōng xi"),
    ("时候", "shí hou"),
    ("觉得", "jué de"),
    ("值得", "zhí de"),
    ("舍得", "shě de"),
    ("省得", "shěng de"),
    ("懂得", "dǒng de"),
    ("显得", "xiǎn de"),
    ("记得", "jì de"),
    ("得到", "dé dào"),
    ("获得", "huò dé"),
    ("必得", "bì dé"),
    ("行长", "háng zhǎng"),
    ("银行", "yín háng"),
    ("行业", "háng yè"),
    ("同行", "tóng háng"),
    ("长大", "zhǎng dà"),
    ("成长", "chéng zhǎng"),
    ("生长", "shēng zhǎng"),
    ("增长", "zēng zhǎng"),
    ("家长", "jiā zhǎng"),
    ("店长", "diàn zhǎng"),
    ("还原", "huán yuán"),
    ("还款", "huán kuǎn"),
    ("归还", "guī huán"),
    ("首都", "shǒu dū"),
    ("都市", "dū shì"),
    ("头发", "tóu fa"),
    ("护发", "hù fà"),
    ("洗发", "xǐ fà"),
    ("发质", "fà zhì"),
    ("发型", "fà xíng"),
    ("理发", "lǐ fà"),
    ("因为", "yīn wèi"),
    ("薄荷", "bò he"),
    ("下单", "xià dān"),
    ("重新", "chóng xīn"),
];

/// Readings of phrases and characters.
pub(crate) struct Dictionary {
    phrases: HashMap<String, Vec<Syllable>>,
    characters: HashMap<char, Syllable>,
}

impl Dictionary {
    /// Reads `phrases_dict.json` and `pinyin_dict.json`.
    ///
    /// # Errors
    /// [`Error::File`] for a file that is missing or is not such a list.
    pub(crate) fn load(folder: &Path) -> Result<Self, Error> {
        let phrases: HashMap<String, Vec<Vec<String>>> = read(&folder.join("phrases_dict.json"))?;
        let characters: HashMap<String, String> = read(&folder.join("pinyin_dict.json"))?;
        let mut dictionary = Self { phrases: HashMap::new(), characters: HashMap::new() };
        for (phrase, readings) in phrases {
            let syllables: Option<Vec<Syllable>> =
                readings.iter().map(|reading| Syllable::parse(reading.first()?)).collect();
            if let Some(syllables) = syllables.filter(|all| all.len() == phrase.chars().count()) {
                dictionary.phrases.insert(phrase, syllables);
            }
        }
        for (number, readings) in characters {
            let sign = number.parse().ok().and_then(char::from_u32);
            if let (Some(sign), Some(first)) = (sign, readings.split(',').find_map(Syllable::parse)) {
                dictionary.characters.insert(sign, first);
            }
        }
        dictionary.add_own();
        Ok(dictionary)
    }

    /// Puts our own readings over those of the lists.
    fn add_own(&mut self) {
        for (sign, reading) in ALONE {
            if let Some(syllable) = Syllable::parse(reading) {
                self.characters.insert(sign, syllable);
            }
        }
        for (phrase, readings) in PHRASES {
            let syllables: Option<Vec<Syllable>> = readings.split(' ').map(Syllable::parse).collect();
            if let Some(syllables) = syllables {
                self.phrases.insert(phrase.to_owned(), syllables);
            }
        }
    }

    /// The readings of a word's characters, before any change of tones. `None` with a character that has no
    /// reading.
    pub(super) fn word(&self, word: &str) -> Result<Vec<(char, Syllable)>, char> {
        let signs: Vec<char> = word.chars().collect();
        let mut read = Vec::with_capacity(signs.len());
        let mut at = 0;
        while at < signs.len() {
            let longest = (at + 2..=signs.len()).rev().find_map(|end| {
                let phrase: String = signs[at..end].iter().collect();
                self.phrases.get(&phrase).map(|syllables| (end, syllables))
            });
            if let Some((end, syllables)) = longest {
                read.extend(signs[at..end].iter().copied().zip(syllables.iter().cloned()));
                at = end;
            } else {
                let syllable = self.characters.get(&signs[at]).ok_or(signs[at])?;
                read.push((signs[at], syllable.clone()));
                at += 1;
            }
        }
        Ok(read)
    }
}

fn read<T: serde::de::DeserializeOwned>(file: &Path) -> Result<T, Error> {
    let fail = |what: String| Error::File { path: file.to_owned(), what };
    let text = std::fs::read(file).map_err(|error| Error::reading(file, &error))?;
    serde_json::from_slice(&text).map_err(|error| fail(error.to_string()))
}
