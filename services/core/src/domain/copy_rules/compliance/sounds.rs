//! Characters that only stand for others: traditional and variant forms, sound-alikes, pinyin.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use spotwright_schemas::wording::is_han;

/// The data of a disguise, as its file has it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SoundsFile {
    /// Pairs of a variant and its plain character, all in a row.
    variants: Vec<String>,
    /// Plain character → its pinyin without tones, then the characters that are written for it.
    sounds: BTreeMap<String, Vec<String>>,
    /// Words worth disguising.
    words: Vec<String>,
    /// Plain character → the two that are written for it, side by side.
    parts: BTreeMap<String, Vec<String>>,
    /// Ordinary words that look like a disguise.
    innocent: Vec<String>,
}

#[derive(Debug, Clone, Default)]
struct Sound {
    pinyin: Vec<String>,
    written: BTreeSet<char>,
    parts: Vec<[String; 2]>,
}

/// How characters are disguised.
#[derive(Debug, Clone)]
pub(super) struct Sounds {
    variants: BTreeMap<char, char>,
    ways: BTreeMap<char, Sound>,
    words: Vec<Word>,
    /// What a disguised word may begin with, and the words that may begin so.
    starts: BTreeMap<String, Vec<usize>>,
    innocent: Vec<Vec<char>>,
}

/// A word worth disguising.
#[derive(Debug, Clone)]
struct Word {
    chars: Vec<char>,
    /// Its pinyin in one run.
    spelled: String,
}

/// A character of the text, or a run of Latin letters or digits, as one unit.
struct Unit {
    start: usize,
    end: usize,
    text: String,
}

impl Sounds {
    /// Compiles the data.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub(super) fn new(file: &SoundsFile) -> Result<Self, String> {
        let mut variants = BTreeMap::new();
        for row in &file.variants {
            let row: Vec<char> = row.chars().filter(|c| !c.is_whitespace()).collect();
            for pair in row.chunks(2) {
                let [from, to] = pair else { return Err(format!("half a pair of variants at `{pair:?}`")) };
                variants.insert(*from, *to);
            }
        }
        let mut sounds = BTreeMap::new();
        for (plain, ways) in &file.sounds {
            let mut sound = Sound::default();
            for way in ways {
                if way.is_ascii() {
                    sound.pinyin.push(way.clone());
                } else {
                    sound.written.extend(way.chars());
                }
            }
            for pair in file.parts.get(plain).into_iter().flatten() {
                let pair: Vec<String> = pair.chars().map(String::from).collect();
                let pair =
                    <[String; 2]>::try_from(pair).map_err(|pair| format!("{pair:?} are not two parts"))?;
                sound.parts.push(pair);
            }
            let Some(plain) = plain.chars().next() else { return Err("a sound of no character".to_owned()) };
            sounds.insert(plain, sound);
        }
        let split = |words: &[String]| words.iter().map(|word| word.chars().collect()).collect();
        let words: Vec<Vec<char>> = split(&file.words);
        if let Some(c) = words.iter().flatten().find(|c| !sounds.contains_key(c)) {
            return Err(format!("`{c}` of a disguised word has no sound"));
        }
        let mut known = Self {
            variants,
            ways: sounds,
            words: Vec::with_capacity(words.len()),
            starts: BTreeMap::new(),
            innocent: split(&file.innocent),
        };
        for chars in words {
            known.add(chars);
        }
        Ok(known)
    }

    fn add(&mut self, chars: Vec<char>) {
        let idx = self.words.len();
        let spelled: String =
            chars.iter().filter_map(|c| self.ways.get(c)?.pinyin.first()).map(String::as_str).collect();
        let mut starts = BTreeSet::from([spelled.clone()]);
        if let Some((first, sound)) = chars.first().and_then(|first| Some((first, self.ways.get(first)?))) {
            starts.insert(first.to_string());
            starts.extend(sound.written.iter().map(char::to_string));
            starts.extend(sound.parts.iter().map(|[first, _]| first.clone()));
            starts.extend(sound.pinyin.iter().cloned());
            starts.extend(sound.pinyin.first().and_then(|pinyin| pinyin.get(..1)).map(str::to_owned));
        }
        for start in starts {
            self.starts.entry(start).or_default().push(idx);
        }
        self.words.push(Word { chars, spelled });
    }

    /// The plain form of a variant character.
    pub(super) fn simplified(&self, c: char) -> char {
        self.variants.get(&c).copied().unwrap_or(c)
    }

    /// Replaces disguised words by what they stand for. A word is disguised when each unit of the
    /// text is one of its characters, sounds like it or spells it, and at least one is not itself.
    pub(super) fn respell(&self, signs: &[(char, usize)]) -> Vec<(char, usize)> {
        if !signs.iter().any(|(c, _)| is_han(*c)) {
            return signs.to_vec();
        }
        let units = units(signs);
        let mut kept = Vec::with_capacity(signs.len());
        let mut at = 0;
        while at < units.len() {
            let known = self.starts.get(&units[at].text).map_or(&[][..], Vec::as_slice);
            let found = known.iter().filter_map(|idx| {
                let word = self.words.get(*idx)?;
                Some((&word.chars, self.reads(&units, at, word)?))
            });
            let longest = found.max_by_key(|(word, _)| word.len());
            match longest {
                Some((word, end)) if !self.is_innocent(signs, units[at].start, units[end - 1].end) => {
                    // A run of pinyin stands for several characters; all point to the whole run.
                    for (idx, c) in word.iter().enumerate() {
                        let unit = &units[(at + idx).min(end - 1)];
                        let last = idx + 1 == word.len();
                        let place = if last { units[end - 1].end - 1 } else { unit.start };
                        kept.push((*c, signs[place].1));
                    }
                    at = end;
                }
                _ => {
                    kept.extend_from_slice(&signs[units[at].start..units[at].end]);
                    at += 1;
                }
            }
        }
        kept
    }

    /// Past-the-last unit of a disguised `word` that begins at unit `at`.
    fn reads(&self, units: &[Unit], at: usize, word: &Word) -> Option<usize> {
        let Word { chars: word, spelled } = word;
        if units[at].text == *spelled && word.len() > 1 {
            return Some(at + 1);
        }
        let mut disguised = false;
        let mut sounding = 0;
        let mut next = at;
        for c in word {
            let unit = units.get(next)?;
            next += 1;
            let sound = self.ways.get(c)?;
            let mut own = unit.text.chars();
            let (first, rest) = (own.next()?, own.next());
            if rest.is_none() && first == *c {
                continue;
            }
            disguised = true;
            let second = units.get(next).map(|unit| unit.text.as_str());
            if sound.parts.iter().any(|[left, right]| *left == unit.text && Some(right.as_str()) == second) {
                sounding += 1;
                next += 1;
                continue;
            }
            let initial = sound.pinyin.first().is_some_and(|pinyin| {
                word.len() > 1 && unit.text.len() == 1 && pinyin.starts_with(&unit.text)
            });
            if initial {
                sounding += 1;
                continue;
            }
            if sound.pinyin.contains(&unit.text) {
                continue;
            }
            if rest.is_some() || !sound.written.contains(&first) {
                return None;
            }
            sounding += 1;
        }
        (disguised && sounding < word.len()).then_some(next)
    }

    fn is_innocent(&self, signs: &[(char, usize)], start: usize, end: usize) -> bool {
        let around: Vec<char> =
            signs[start.saturating_sub(2)..(end + 2).min(signs.len())].iter().map(|sign| sign.0).collect();
        self.innocent.iter().any(|word| around.windows(word.len()).any(|window| window == word.as_slice()))
    }
}

fn units(signs: &[(char, usize)]) -> Vec<Unit> {
    let mut units: Vec<Unit> = Vec::new();
    for (at, (c, _)) in signs.iter().enumerate() {
        let run = |unit: &&mut Unit| {
            let last = unit.text.chars().next_back();
            (c.is_ascii_alphabetic() && last.is_some_and(|last| last.is_ascii_alphabetic()))
                || (c.is_ascii_digit() && last.is_some_and(|last| last.is_ascii_digit()))
        };
        match units.last_mut().filter(run) {
            Some(unit) => {
                unit.end = at + 1;
                unit.text.push(*c);
            }
            None => units.push(Unit { start: at, end: at + 1, text: c.to_string() }),
        }
    }
    units
}
