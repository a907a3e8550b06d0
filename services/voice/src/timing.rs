//! Word times from the model's durations, and speech without the silence around it.

use spotwright_schemas::speech::WordTime;

use crate::sentence::Sentence;

/// Samples of one unit of the model's durations.
pub(crate) const FRAME: usize = 600;
/// Units that what is heard is ahead of the durations' sums: the model's own alignment subtracts as many.
const AHEAD: usize = 3;
/// Length in samples of the stretches whose loudness is compared.
const WINDOW: usize = 120;
/// Loudness below the loudest stretch at which speech has ended, as a share of amplitude: -40 dB.
const QUIET: f32 = 0.01;
/// Samples that are left before the first sound and behind the last: 20 and 60 ms.
const EDGES: [usize; 2] = [480, 1_440];

/// A spoken sentence without the silence around it.
pub(crate) struct Cut {
    /// Samples.
    pub(crate) pcm: Vec<f32>,
    /// First and last sample of each word.
    pub(crate) words: Vec<[usize; 2]>,
}

/// Cuts the silence off and places the words. `durations` has one entry for every symbol, and one for the
/// silence before and behind.
pub(crate) fn cut(pcm: &[f32], durations: &[f32], sentence: &Sentence) -> Cut {
    let loud = loudness(pcm);
    let most = loud.iter().copied().fold(0.0, f32::max);
    let heard = |level: &f32| *level > most * QUIET;
    let first = loud.iter().position(heard).unwrap_or(0) * WINDOW;
    let last = loud.iter().rposition(heard).map_or(pcm.len(), |at| (at + 1) * WINDOW).min(pcm.len());
    let from = first.saturating_sub(EDGES[0]);
    let to = (last + EDGES[1]).min(pcm.len());
    let mut edges = Vec::with_capacity(durations.len() + 1);
    let mut at = 0.0_f32;
    edges.push(0_usize);
    for duration in durations {
        at += duration;
        edges.push((at.round() as usize).saturating_sub(AHEAD) * FRAME);
    }
    let edge = |symbol: usize| edges.get(symbol).copied().unwrap_or(pcm.len()).clamp(from, to) - from;
    // Symbol 0 is the silence at the beginning.
    let mut words: Vec<[usize; 2]> =
        sentence.spans().iter().map(|[start, end]| [edge(start + 1), edge(end + 1)]).collect();
    let whole = to - from;
    for idx in 0..words.len() {
        let next = words.get(idx + 1).map_or(whole, |word| word[0]);
        let end = words[idx][1].min(next);
        // A word before a pause has the pause in its duration: it ends where it is not heard any more.
        let span =
            &loud[((from + words[idx][0]) / WINDOW).min(loud.len())..((from + end) / WINDOW).min(loud.len())];
        let peak = span.iter().copied().fold(0.0, f32::max);
        let quiet = span.iter().rev().take_while(|level| **level < peak * 0.03).count() * WINDOW;
        words[idx][1] = end.saturating_sub(quiet).max(words[idx][0]);
    }
    Cut { pcm: pcm[from..to].to_vec(), words }
}

/// Root mean square of each window.
fn loudness(pcm: &[f32]) -> Vec<f32> {
    let power = |part: &[f32]| (part.iter().map(|s| s * s).sum::<f32>() / part.len() as f32).sqrt();
    pcm.chunks(WINDOW).map(power).collect()
}

/// Joins sentences with pauses between them. Fades of 5 ms keep the joints from clicking.
pub(crate) fn join(sentences: &[(Sentence, Cut)], rate: u32, pause_ms: u32) -> (Vec<f32>, Vec<WordTime>) {
    let fade = rate as usize / 200;
    let pause = rate as usize * pause_ms as usize / 1_000;
    let mut pcm: Vec<f32> = Vec::new();
    let mut words = Vec::new();
    for (idx, (sentence, cut)) in sentences.iter().enumerate() {
        if idx > 0 {
            pcm.resize(pcm.len() + pause, 0.0);
        }
        let start = pcm.len();
        let milliseconds = |sample: usize| ((start + sample) as u64 * 1_000 / u64::from(rate.max(1))) as u32;
        for (word, [from, to]) in sentence.words.iter().zip(&cut.words) {
            words.push(WordTime {
                text: word.text.clone(),
                start_ms: milliseconds(*from),
                end_ms: milliseconds(*to),
            });
        }
        let length = cut.pcm.len();
        pcm.extend(cut.pcm.iter().enumerate().map(|(at, sample)| {
            let edge = at.min(length - 1 - at);
            if edge < fade { sample * edge as f32 / fade as f32 } else { *sample }
        }));
    }
    (pcm, words)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sentence::Word;

    fn sentence() -> Sentence {
        let word =
            |text: &str, symbols: &str, mark| Word { text: text.into(), symbols: symbols.into(), mark };
        Sentence { words: vec![word("a", "xx", ""), word("b", "yyy", ".")] }
    }

    /// 10 units of silence, 5 of word, 1 of gap, 6 of word, 8 of silence.
    fn sound() -> (Vec<f32>, Vec<f32>) {
        let mut pcm = vec![0.0; 30 * FRAME];
        for (at, sample) in pcm.iter_mut().enumerate() {
            let unit = at / FRAME;
            if (7..12).contains(&unit) || (13..19).contains(&unit) {
                *sample = if at % 2 == 0 { 0.5 } else { -0.5 };
            }
        }
        (pcm, vec![10.0, 2.0, 3.0, 1.0, 2.0, 2.0, 2.0, 4.0, 4.0])
    }

    #[test]
    fn words_stand_where_they_are_heard() {
        let (pcm, durations) = sound();
        let cut = cut(&pcm, &durations, &sentence());
        assert_eq!(cut.words[0][0], EDGES[0], "begins with the first sound");
        assert_eq!(cut.words[0][1], EDGES[0] + 5 * FRAME);
        assert_eq!(cut.words[1], [EDGES[0] + 6 * FRAME, EDGES[0] + 12 * FRAME]);
        assert_eq!(cut.pcm.len(), EDGES[0] + 12 * FRAME + EDGES[1]);
    }

    #[test]
    fn sentences_are_joined_with_a_pause() {
        let (pcm, durations) = sound();
        let spoken = || (sentence(), cut(&pcm, &durations, &sentence()));
        let (joined, words) = join(&[spoken(), spoken()], 24_000, 250);
        let one = spoken().1.pcm.len();
        assert_eq!(joined.len(), 2 * one + 6_000);
        assert_eq!(words.len(), 4);
        let ahead = words[2].start_ms - words[0].start_ms;
        assert!(ahead.abs_diff(((one + 6_000) / 24) as u32) <= 1, "{ahead}");
        assert!(joined[0] == 0.0 && joined[one - 1] == 0.0);
    }

    #[test]
    fn silence_and_wrong_durations_do_no_harm() {
        for (pcm, durations) in
            [(vec![0.0; 5_000], vec![1.0; 3]), (Vec::new(), Vec::new()), (vec![0.1; 100], vec![1e9; 9])]
        {
            let cut = cut(&pcm, &durations, &sentence());
            assert!(cut.words.iter().all(|[from, to]| from <= to && *to <= cut.pcm.len().max(1)));
            join(&[(sentence(), cut)], 24_000, 100);
        }
    }
}
