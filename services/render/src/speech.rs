//! Speech over music: lines where their shots are, music that gives way to them, one loudness for both.

use spotwright_core::domain::wav::read_wav;
use spotwright_core::ports::artifacts::ArtifactStore;
use spotwright_schemas::storyboard::{Audio, Storyboard};

use crate::error::Error;
use crate::loudness::{TAPS, level, loudness, taps};
use crate::music::{self, RATE};

/// Decibels that the music is lowered by while somebody speaks.
pub const DUCKING_DB: f64 = -10.0;
/// Decibels that the music of an ad with speech is lowered by throughout: 12 dB below the voice in all.
const BED_DB: f64 = -2.0;
/// Seconds that the music takes to give way before a line, and to come back behind it.
const GIVES_WAY: f64 = 0.12;
const COMES_BACK: f64 = 0.35;
/// Most decibels that a recording is raised by.
const MOST_GAIN_DB: f64 = 24.0;

/// A line at its place.
pub(crate) struct Line {
    /// Mono samples at [`RATE`].
    pub(crate) pcm: Vec<f32>,
    /// First sample in the ad.
    pub(crate) at: usize,
}

/// Where the lines of a storyboard are: recording, and first and last second.
pub(crate) fn places(board: &Storyboard) -> Vec<(&str, [f64; 2])> {
    let mut start = 0_u32;
    let mut places = Vec::new();
    for shot in &board.shots {
        if let Some(line) = &shot.voice {
            let second = |frame: u32| f64::from(start + frame) / f64::from(board.fps.max(1));
            places.push((line.sound.as_str(), [second(line.start), second(line.start + line.frames)]));
        }
        start = start.saturating_add(shot.frames);
    }
    places
}

/// The seconds at which a storyboard is cut, rising.
pub(crate) fn cuts(board: &Storyboard) -> Vec<f64> {
    let mut frames = 0_u32;
    let ends = board.shots.iter().map(|shot| {
        frames = frames.saturating_add(shot.frames);
        f64::from(frames) / f64::from(board.fps.max(1))
    });
    let mut ends: Vec<f64> = ends.collect();
    ends.pop();
    ends
}

/// Reads the recordings of a storyboard's lines.
///
/// # Errors
/// [`Error::Artifact`]; [`Error::Problem`] with the shot for a file that is no recording, or one that is
/// longer than its line says.
pub(crate) fn lines(board: &Storyboard, store: &dyn ArtifactStore) -> Result<Vec<Line>, Error> {
    let mut lines = Vec::new();
    let mut start = 0_u32;
    for (idx, shot) in board.shots.iter().enumerate() {
        if let Some(line) = &shot.voice {
            let field = || format!("shots[{idx}].voice.sound");
            let bytes = store.get(&spotwright_core::ports::artifacts::ArtifactHash(line.sound.clone()))?;
            let (pcm, rate) =
                read_wav(&bytes).map_err(|error| Error::storyboard(field(), error.to_string()))?;
            let seconds = pcm.len() as f64 / f64::from(rate);
            if seconds > f64::from(line.frames + 1) / f64::from(board.fps) {
                let message = format!("the recording takes {seconds:.2} s, more than the line's frames");
                return Err(Error::storyboard(field(), message));
            }
            let first = f64::from(start + line.start) / f64::from(board.fps) * f64::from(RATE);
            lines.push(Line { pcm: resampled(&pcm, rate, RATE), at: first.round() as usize });
        }
        start = start.saturating_add(shot.frames);
    }
    Ok(lines)
}

/// Mixes `samples` stereo samples of lines and of music for an ad cut at `cuts`, interleaved, at the loudness
/// of `audio` and below a true peak of `limit` dBTP.
///
/// # Errors
/// [`Error::Compositing`] when loudness cannot be measured; a defect.
pub(crate) fn mix(
    audio: &Audio,
    cuts: &[f64],
    samples: usize,
    lines: &[Line],
    limit: f64,
) -> Result<Vec<f32>, Error> {
    let mut sound = music::compose(audio, cuts, samples)?;
    for (pair, gain) in sound.chunks_exact_mut(2).zip(ducking(samples, lines)) {
        pair[0] *= gain;
        pair[1] *= gain;
    }
    for line in lines {
        let gain = speech_gain(&line.pcm, audio.loudness_lufs)?;
        let room = samples.saturating_sub(line.at);
        for (pair, sample) in
            sound[line.at.min(samples) * 2..].chunks_exact_mut(2).zip(&line.pcm[..line.pcm.len().min(room)])
        {
            pair[0] += sample * gain;
            pair[1] += sample * gain;
        }
    }
    level(&mut sound, audio.loudness_lufs, limit)?;
    Ok(sound)
}

/// The factor that brings a mono recording, heard from both sides, to a loudness.
fn speech_gain(pcm: &[f32], lufs: f64) -> Result<f32, Error> {
    let (mut measured, _) = loudness(pcm, 1, RATE)?;
    if measured <= -69.0 {
        // Too short for the meter: by its mean power.
        let power = pcm.iter().map(|s| f64::from(*s).powi(2)).sum::<f64>() / pcm.len().max(1) as f64;
        measured = 10.0 * power.max(1e-9).log10();
    }
    // Both sides together are 3 dB louder than one.
    let gain = (lufs - 3.0 - measured).min(MOST_GAIN_DB);
    Ok(10.0_f64.powf(gain / 20.0) as f32)
}

/// The music's factor at every sample.
fn ducking(samples: usize, lines: &[Line]) -> Vec<f32> {
    let rate = f64::from(RATE);
    let mut depth = vec![0.0_f32; samples];
    for line in lines {
        let (first, last) = (line.at as f64, (line.at + line.pcm.len()) as f64);
        let from = (first - GIVES_WAY * rate).max(0.0) as usize;
        let to = ((last + COMES_BACK * rate) as usize).min(samples);
        for (at, depth) in depth.iter_mut().enumerate().take(to).skip(from) {
            let at = at as f64;
            let share = if at < first {
                1.0 - (first - at) / (GIVES_WAY * rate)
            } else if at > last {
                1.0 - (at - last) / (COMES_BACK * rate)
            } else {
                1.0
            };
            *depth = depth.max(share as f32);
        }
    }
    let gain = |depth: f32| 10.0_f64.powf((BED_DB + DUCKING_DB * f64::from(depth)) / 20.0) as f32;
    let (open, down) = (gain(0.0), gain(1.0));
    depth
        .into_iter()
        // Slow at both ends, so that nobody hears it begin.
        .map(|depth| depth * depth * (3.0 - 2.0 * depth))
        .map(|depth| {
            if depth <= 0.0 {
                open
            } else if depth >= 1.0 {
                down
            } else {
                gain(depth)
            }
        })
        .collect()
}

/// Mono samples at another rate: a windowed sinc, one table for each place between two samples.
pub(crate) fn resampled(pcm: &[f32], from: u32, to: u32) -> Vec<f32> {
    if from == to || pcm.is_empty() {
        return pcm.to_vec();
    }
    let divisor = gcd(from, to);
    let (step, phases) = ((from / divisor) as usize, (to / divisor) as usize);
    // Above half of the lower rate nothing is let through.
    let cutoff = (f64::from(to) / f64::from(from)).min(1.0) * 0.96;
    let tables: Vec<[f32; 2 * TAPS]> =
        (0..phases).map(|phase| taps(phase as f64 / phases as f64, cutoff)).collect();
    let length = (pcm.len() as u64 * u64::from(to) / u64::from(from)) as usize;
    let mut out = Vec::with_capacity(length);
    for idx in 0..length {
        let at = idx * step / phases;
        let table = &tables[idx * step % phases];
        let mut sum = 0.0_f32;
        for (tap, weight) in table.iter().enumerate() {
            let place = (at + tap + 1).checked_sub(TAPS).and_then(|place| pcm.get(place));
            sum += place.copied().unwrap_or(0.0) * weight;
        }
        out.push(sum);
    }
    out
}

const fn gcd(mut a: u32, mut b: u32) -> u32 {
    while b > 0 {
        (a, b) = (b, a % b);
    }
    if a == 0 { 1 } else { a }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn audio() -> Audio {
        Audio { seed: 3, tempo: 100, loudness_lufs: -14.0 }
    }

    fn tone(hertz: f64, seconds: f64, rate: u32) -> Vec<f32> {
        let samples = (seconds * f64::from(rate)) as usize;
        // Swells like syllables, with a high crest.
        (0..samples)
            .map(|idx| {
                let t = idx as f64 / f64::from(rate);
                let swell = (t * 4.0 * std::f64::consts::PI).sin().powi(8) * 0.9 + 0.05;
                ((t * hertz * std::f64::consts::TAU).sin() * swell * 0.4) as f32
            })
            .collect()
    }

    fn power(part: &[f32]) -> f64 {
        10.0 * (part.iter().map(|s| f64::from(*s).powi(2)).sum::<f64>() / part.len() as f64).log10()
    }

    #[test]
    fn speech_and_music_together_have_the_loudness_and_peak_that_are_asked_for() {
        let samples = RATE as usize * 6;
        let line = |at: f64, seconds: f64| Line {
            pcm: tone(220.0, seconds, RATE),
            at: (at * f64::from(RATE)) as usize,
        };
        for limit in [-2.7, -3.7] {
            let sound =
                mix(&audio(), &[2.6], samples, &[line(0.2, 2.0), line(3.0, 2.5)], limit).expect("mixes");
            let (lufs, peak) = loudness(&sound, 2, RATE).expect("measures");
            assert!(
                (lufs + 14.0).abs() < 0.3 && peak <= limit + 0.05,
                "{lufs} LUFS, {peak} dBTP below {limit}"
            );
            assert_eq!(sound.len(), samples * 2);
        }
    }

    #[test]
    fn music_gives_way_by_the_stated_amount_and_comes_back() {
        let samples = RATE as usize * 4;
        let silent = Line { pcm: vec![0.0; RATE as usize], at: RATE as usize * 2 };
        let gains = ducking(samples, &[silent]);
        let decibels = |at: f64| 20.0 * f64::from(gains[(at * f64::from(RATE)) as usize]).log10();
        assert!((decibels(1.0) - BED_DB).abs() < 0.01);
        assert!((decibels(2.5) - BED_DB - DUCKING_DB).abs() < 0.01);
        assert!((decibels(3.6) - BED_DB).abs() < 0.01);
        assert!(decibels(1.95) < decibels(1.9) && decibels(3.2) > decibels(3.1));
        // What is heard in the mix: bed without and with a line, at the same beats.
        let plain = mix(&audio(), &[], samples, &[], -2.7).expect("mixes");
        assert!(power(&plain) > -30.0);
    }

    #[test]
    fn other_rates_keep_tones_and_lengths() {
        for (from, hertz) in [(24_000, 440.0), (48_000, 3_000.0), (22_050, 5_000.0), (44_100, 100.0)] {
            let samples = |rate: u32| -> Vec<f32> {
                (0..rate / 2)
                    .map(|idx| {
                        (f64::from(idx) * hertz / f64::from(rate) * std::f64::consts::TAU).sin() as f32
                    })
                    .collect()
            };
            let (got, wanted) = (resampled(&samples(from), from, RATE), samples(RATE));
            assert_eq!(got.len(), wanted.len());
            let worst = got
                .iter()
                .zip(&wanted)
                .skip(100)
                .take(wanted.len() - 300)
                .map(|(a, b)| (a - b).abs())
                .fold(0.0, f32::max);
            assert!(worst < 0.02, "{from}: {worst}");
        }
        assert!(resampled(&[], 24_000, RATE).is_empty());
    }
}
