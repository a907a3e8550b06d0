//! Speech in an advertisement: which recorded line a shot carries, and when its words are heard.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::{Code, Problem};
use crate::storyboard::Storyboard;

/// Most characters of a subtitle: one line of a phone held upright, for Latin and for Chinese text.
const LONGEST: [usize; 2] = [36, 16];

/// When a word is heard, in milliseconds from the beginning of its line.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WordTime {
    /// The word as it is written, e.g. `$12.50`.
    pub text: String,
    /// Beginning.
    pub start_ms: u32,
    /// End, at or behind the beginning.
    pub end_ms: u32,
}

/// A line that is spoken during a shot.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SpokenLine {
    /// What is said, 1–400 characters.
    pub text: String,
    /// BLAKE3 of the recording's bytes, hexadecimal: a WAV file with samples of 16 bits.
    pub sound: String,
    /// Frame of the shot in which it begins.
    pub start: u32,
    /// Frames that it takes, at least 1; it ends within its shot.
    pub frames: u32,
    /// Its words in order; empty where the voice tells no times.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub words: Vec<WordTime>,
    /// Engine and voice that spoke it, e.g. `kokoro/af_heart`.
    pub speaker: String,
}

impl SpokenLine {
    /// Checks lengths and times; `field` is the line's path, `shot_frames` the length of its shot.
    ///
    /// # Errors
    /// [`Code::Storyboard`] with the path of the first field that breaks a rule.
    pub fn check(&self, field: &str, shot_frames: u32) -> Result<(), Problem> {
        let wrong = |name: &str, message: &str| {
            Err(Problem::new(Code::Storyboard, format!("{field}.{name}"), message))
        };
        if !(1..=400).contains(&self.text.chars().count()) {
            return wrong("text", "must have 1 to 400 characters");
        }
        if self.frames == 0 || self.start.checked_add(self.frames).is_none_or(|end| end > shot_frames) {
            return wrong("frames", "must be at least 1 and end within the shot");
        }
        let mut heard = 0;
        for (idx, word) in self.words.iter().enumerate() {
            if word.start_ms < heard || word.end_ms < word.start_ms {
                return wrong(
                    &format!("words[{idx}]"),
                    "must begin behind the word before and end behind its beginning",
                );
            }
            heard = word.end_ms;
        }
        Ok(())
    }
}

/// The subtitles of an ad in the SRT format, each shown from its first word to its last; empty where nothing
/// with word times is spoken.
#[must_use]
pub fn subtitles(storyboard: &Storyboard) -> String {
    let longest = LONGEST[usize::from(storyboard.locale.is_chinese())];
    let mut out = String::new();
    let (mut number, mut start) = (0, 0_u32);
    for shot in &storyboard.shots {
        if let Some(line) = &shot.voice {
            let first = u64::from(start + line.start) * 1_000 / u64::from(storyboard.fps.max(1));
            for (text, from, to) in line.cues(longest) {
                number += 1;
                let (from, to) = (first + u64::from(from), first + u64::from(to));
                out.push_str(&format!("{number}\n{} --> {}\n{text}\n\n", clock(from), clock(to)));
            }
        }
        start = start.saturating_add(shot.frames);
    }
    out
}

/// `00:00:01,250`.
fn clock(milliseconds: u64) -> String {
    let (seconds, rest) = (milliseconds / 1_000, milliseconds % 1_000);
    format!("{:02}:{:02}:{:02},{rest:03}", seconds / 3_600, seconds / 60 % 60, seconds % 60)
}

impl SpokenLine {
    /// Cuts the line at its words into texts of at most `longest` characters, better at punctuation than in
    /// the middle, with the first and last millisecond of each.
    fn cues(&self, longest: usize) -> Vec<(String, u32, u32)> {
        let places = self.places();
        let mut cues = Vec::new();
        let mut first = 0;
        while first < places.len() {
            let text = |end: usize| {
                let until = places.get(end).map_or(self.text.len(), |place| *place);
                let from = if first == 0 { 0 } else { places[first] };
                self.text[from..until].trim()
            };
            let fits = |end: &usize| text(*end).chars().count() <= longest;
            let most = (first + 1..=places.len()).take_while(fits).last().unwrap_or(first + 1);
            // A sentence's end is a good place for a cut, a comma in the second half of what fits as well.
            let stops = |end: &usize| {
                let text = text(*end);
                let long = text.chars().count() * 2 >= longest;
                text.ends_with(['.', '!', '?', '。', '！', '？'])
                    || (long && text.ends_with([',', ';', ':', '，', '；', '：', '、']))
            };
            let end = if most == places.len() {
                most
            } else {
                (first + 1..=most).rev().find(stops).unwrap_or(most)
            };
            cues.push((text(end).to_owned(), self.words[first].start_ms, self.words[end - 1].end_ms));
            first = end;
        }
        cues
    }

    /// Where each word begins in the text, in bytes; a word that is not found begins where the search stands.
    fn places(&self) -> Vec<usize> {
        let mut at = 0;
        let mut places = Vec::with_capacity(self.words.len());
        for word in &self.words {
            let found = self.text[at..].find(&word.text).map_or(at, |offset| at + offset);
            places.push(found);
            at = if self.text[found..].starts_with(&word.text) { found + word.text.len() } else { found };
        }
        places
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line() -> SpokenLine {
        let word = |text: &str, start_ms, end_ms| WordTime { text: text.to_owned(), start_ms, end_ms };
        SpokenLine {
            text: "Order now".to_owned(),
            sound: "0".repeat(64),
            start: 4,
            frames: 30,
            words: vec![word("Order", 20, 400), word("now", 400, 900)],
            speaker: "kokoro/af_heart".to_owned(),
        }
    }

    #[test]
    fn cues_begin_and_end_with_their_words_and_keep_the_punctuation() {
        let mut line = line();
        line.text = "Only $9.99, this week. Order now and save a lot of money!".to_owned();
        let words =
            ["Only", "$9.99", "this", "week", "Order", "now", "and", "save", "a", "lot", "of", "money"];
        line.words = words
            .iter()
            .zip(0_u32..)
            .map(|(text, idx)| WordTime {
                text: (*text).to_owned(),
                start_ms: idx * 300,
                end_ms: idx * 300 + 250,
            })
            .collect();
        assert_eq!(
            line.cues(30),
            [
                ("Only $9.99, this week.".to_owned(), 0, 1_150),
                ("Order now and save a lot of".to_owned(), 1_200, 3_250),
                ("money!".to_owned(), 3_300, 3_550),
            ]
        );
        line.words[1].text = "???".to_owned();
        assert!(!line.cues(30).is_empty(), "a word that is not in the text does no harm");
        line.words.clear();
        assert!(line.cues(30).is_empty());
        assert_eq!(clock(3_723_045), "01:02:03,045");
    }

    #[test]
    fn a_line_ends_in_its_shot_and_its_words_are_in_order() {
        assert_eq!(line().check("voice", 34), Ok(()));
        let field = |line: SpokenLine, frames| line.check("voice", frames).expect_err("refused").field;
        assert_eq!(field(line(), 33), "voice.frames");
        let mut early = line();
        early.words[1].start_ms = 399;
        assert_eq!(field(early, 60), "voice.words[1]");
        let mut silent = line();
        silent.text.clear();
        assert_eq!(field(silent, 60), "voice.text");
        let mut endless = line();
        endless.frames = u32::MAX;
        assert_eq!(field(endless, 60), "voice.frames");
    }
}
