//! When the words of a caption come: with the voice where it says them, else at reading speed.

use spotwright_core::domain::copy_rules::reading::{CHINESE_PER_SECOND, LATIN_PER_SECOND};
use spotwright_schemas::storyboard::Shot;

use crate::lines::is_cjk;

/// Seconds that a word begins to come before it is heard: its entrance is half done then.
const BEFORE: f64 = 0.08;
/// Seconds that the last word stands at least.
const STANDS: f64 = 0.55;
/// Share of a text's letters that must be spoken for the voice to lead it.
const SPOKEN: f64 = 0.5;
/// Share of the shot by which everything has come where nobody speaks.
const SHOWN: f64 = 0.42;

/// The second of the shot at which each word of a text begins to come, in their order; with whether the voice
/// leads it. Never decreasing, and early enough for the last word to be seen.
pub(crate) fn starts(shot: &Shot, fps: u32, words: &[&str]) -> (Vec<f64>, bool) {
    let seconds = f64::from(shot.frames) / f64::from(fps.max(1));
    let last = (seconds - STANDS).max(0.0);
    if let Some(times) = heard(shot, fps, words) {
        let mut so_far = 0.0_f64;
        let times = times.into_iter().map(|time| {
            so_far = so_far.max((time - BEFORE).clamp(0.0, last));
            so_far
        });
        return (times.collect(), true);
    }
    let times: Vec<f64> = words
        .iter()
        .scan(0.0, |at, word| {
            let start = *at;
            *at += word
                .chars()
                .map(|c| 1.0 / if is_cjk(c) { CHINESE_PER_SECOND } else { LATIN_PER_SECOND })
                .sum::<f64>();
            Some(start)
        })
        .collect();
    let most = times.last().copied().unwrap_or(0.0);
    let shrink = if most > seconds * SHOWN { seconds * SHOWN / most } else { 1.0 };
    (times.into_iter().map(|time| time * shrink).collect(), false)
}

/// The second of the shot at which each word is heard; a word that the voice leaves out comes between its
/// neighbors. `None` where nobody speaks or something else is said.
fn heard(shot: &Shot, fps: u32, words: &[&str]) -> Option<Vec<f64>> {
    let line = shot.voice.as_ref().filter(|line| !line.words.is_empty())?;
    let begins = f64::from(line.start) / f64::from(fps.max(1));
    let mut said: Vec<(String, f64)> = Vec::new();
    for word in &line.words {
        let parts = tokens(&word.text);
        let (from, to) = (f64::from(word.start_ms) / 1_000.0, f64::from(word.end_ms) / 1_000.0);
        let count = parts.len().max(1) as f64;
        said.extend(
            parts
                .into_iter()
                .enumerate()
                .map(|(idx, part)| (part, begins + from + (to - from) * idx as f64 / count)),
        );
    }
    let mut written: Vec<(String, usize)> = Vec::new();
    for (idx, word) in words.iter().enumerate() {
        written.extend(tokens(word).into_iter().map(|token| (token, idx)));
    }
    let mut times: Vec<Option<f64>> = vec![None; words.len()];
    let mut found = 0;
    for (place, time) in common(&written, &said) {
        found += written[place].0.chars().count();
        let slot = &mut times[written[place].1];
        *slot = Some(slot.map_or(time, |earlier: f64| earlier.min(time)));
    }
    let all: usize = written.iter().map(|(token, _)| token.chars().count()).sum();
    (all > 0 && found as f64 >= SPOKEN * all as f64).then(|| filled(&times))
}

/// Words without a time come evenly between their neighbors; before the first, with it.
fn filled(times: &[Option<f64>]) -> Vec<f64> {
    let first = times.iter().flatten().next().copied().unwrap_or(0.0);
    let mut out = Vec::with_capacity(times.len());
    let mut before = first;
    let mut idx = 0;
    while idx < times.len() {
        if let Some(time) = times[idx] {
            before = time.max(before);
            out.push(before);
            idx += 1;
            continue;
        }
        let missing = times[idx..].iter().take_while(|time| time.is_none()).count();
        let after = times.get(idx + missing).copied().flatten().unwrap_or(before);
        let step = (after - before).max(0.0) / (missing + 1) as f64;
        out.extend((1..=missing).map(|number| before + step * number as f64));
        idx += missing;
    }
    out
}

/// What is compared: words of letters and figures in lower case, and ideographs one by one.
fn tokens(text: &str) -> Vec<String> {
    let mut tokens: Vec<String> = Vec::new();
    let mut open = false;
    for c in text.chars().flat_map(char::to_lowercase) {
        if is_cjk(c) {
            tokens.push(c.to_string());
            open = false;
        } else if c.is_alphanumeric() {
            match tokens.last_mut().filter(|_| open) {
                Some(last) => last.push(c),
                None => tokens.push(c.to_string()),
            }
            open = true;
        } else if c != '\'' && c != '’' {
            open = false;
        }
    }
    tokens
}

/// The longest common row of tokens: places in `written` and times in `said`.
fn common(written: &[(String, usize)], said: &[(String, f64)]) -> Vec<(usize, f64)> {
    let (n, m) = (written.len(), said.len());
    let mut best = vec![vec![0_u32; m + 1]; n + 1];
    for i in (0..n).rev() {
        for j in (0..m).rev() {
            best[i][j] = if written[i].0 == said[j].0 {
                best[i + 1][j + 1] + 1
            } else {
                best[i + 1][j].max(best[i][j + 1])
            };
        }
    }
    let (mut i, mut j, mut pairs) = (0, 0, Vec::new());
    while i < n && j < m {
        if written[i].0 == said[j].0 {
            pairs.push((i, said[j].1));
            (i, j) = (i + 1, j + 1);
        } else if best[i + 1][j] >= best[i][j + 1] {
            i += 1;
        } else {
            j += 1;
        }
    }
    pairs
}

#[cfg(test)]
mod tests {
    use spotwright_schemas::script::Role;
    use spotwright_schemas::speech::{SpokenLine, WordTime};
    use spotwright_schemas::storyboard::{CaptionMotion, Layout, Motion};

    use super::*;

    fn shot(frames: u32, spoken: &[(&str, u32, u32)]) -> Shot {
        let words = spoken
            .iter()
            .map(|(text, start_ms, end_ms)| WordTime {
                text: (*text).to_owned(),
                start_ms: *start_ms,
                end_ms: *end_ms,
            })
            .collect();
        let voice = SpokenLine {
            text: "said".to_owned(),
            sound: String::new(),
            start: 6,
            frames: frames - 10,
            words,
            speaker: "known/voice".to_owned(),
        };
        Shot {
            role: Role::Body,
            frames,
            layout: Layout::Framed,
            picture: String::new(),
            footage: None,
            motion: Motion::PushIn,
            caption: String::new(),
            detail: String::new(),
            caption_motion: CaptionMotion::Words,
            button: String::new(),
            brand: String::new(),
            disclaimer: String::new(),
            ai_label: false,
            overlays: Vec::new(),
            voice: (!spoken.is_empty()).then_some(voice),
        }
    }

    #[test]
    fn words_come_with_the_voice_that_says_them() {
        let spoken = [
            ("It", 0, 120),
            ("keeps", 120, 420),
            ("ice", 420, 700),
            ("for", 800, 950),
            ("24", 950, 1_500),
            ("hours.", 1_500, 1_900),
        ];
        let shot = shot(90, &spoken);
        let words = ["Keeps", "all", "ice", "for", "24", "hours"];
        let (times, led) = starts(&shot, 30, &words);
        assert!(led);
        for (word, heard) in [(0, 0.12), (2, 0.42), (3, 0.80), (4, 0.95), (5, 1.5)] {
            let off = times[word] - (0.2 + heard);
            assert!(off.abs() <= 0.2, "{} comes {off:.2} s beside the voice", words[word]);
        }
        assert!(times[0] < times[1] && times[1] < times[2], "what is not said comes between: {times:?}");
    }

    #[test]
    fn chinese_words_are_found_whatever_their_divisions() {
        let spoken = [
            ("早上", 0, 400),
            ("装的", 400, 800),
            ("水，", 800, 1_100),
            ("一直", 1_300, 1_700),
            ("凉着", 1_700, 2_100),
        ];
        let (times, led) = starts(&shot(90, &spoken), 30, &["早上装", "的水，", "一直凉", "着"]);
        assert!(led);
        for (time, heard) in times.iter().zip([0.0, 0.6, 1.3, 1.9]) {
            assert!((time - 0.2 - heard).abs() <= 0.2, "{times:?}");
        }
    }

    #[test]
    fn without_a_voice_words_come_at_reading_speed_and_are_all_there_before_the_middle() {
        for shot in [shot(90, &[]), shot(90, &[("Something", 0, 500), ("else", 500, 900)])] {
            let (times, led) = starts(&shot, 30, &["The", "cap", "clicks", "when", "it", "is", "shut"]);
            assert!(!led && times[0] == 0.0);
            assert!(times.windows(2).all(|pair| pair[0] < pair[1]) && times[6] <= 3.0 * SHOWN, "{times:?}");
        }
    }

    #[test]
    fn the_last_word_is_seen_even_when_it_is_said_at_the_very_end() {
        let (times, _) =
            starts(&shot(60, &[("Shut", 0, 300), ("tight", 1_600, 1_790)]), 30, &["Shut", "tight"]);
        assert!(times[1] <= 2.0 - STANDS + 1e-9, "{times:?}");
    }
}
