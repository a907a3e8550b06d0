//! A small synthesizer: a seeded music bed of pads, plucks, bass and soft percussion.
//!
//! Simulated music, not a recording: chord progressions, patterns and timbres are chosen by the seed.
//! The result has exactly the asked length and loudness.

use ebur128::{EbuR128, Mode};
use spotwright_schemas::random::Stream;
use spotwright_schemas::storyboard::Audio;

use crate::error::Error;

/// Samples per second.
pub const RATE: u32 = 44_100;
/// True peak that is aimed at, in dBTP; AAC was seen to add up to 1.3 dB on short pieces, the gate asks for -1.
const PEAK: f64 = -2.7;

/// Chord progressions as semitones above the key's root, each with its third (major or minor).
const PROGRESSIONS: [[(i32, bool); 4]; 6] = [
    [(0, true), (7, true), (9, false), (5, true)],
    [(9, false), (5, true), (0, true), (7, true)],
    [(0, true), (9, false), (5, true), (7, true)],
    [(5, true), (7, true), (9, false), (0, true)],
    [(0, true), (4, false), (5, true), (7, true)],
    [(9, false), (7, true), (5, true), (7, true)],
];
/// Steps of the arpeggio over the chord's tones (root, third, fifth, octave).
const PATTERNS: [[usize; 8]; 5] = [
    [0, 2, 3, 2, 1, 2, 3, 2],
    [0, 1, 2, 3, 2, 1, 2, 1],
    [3, 2, 1, 2, 3, 2, 0, 2],
    [0, 2, 1, 3, 0, 2, 1, 3],
    [0, 3, 2, 3, 1, 3, 2, 3],
];

/// Composes `samples` stereo samples, interleaved, at [`RATE`].
///
/// Same `audio` and length give bit-equal samples on one machine and compiler. The loudness is
/// within 0.1 LU of `audio.loudness_lufs` unless the peak limit forbids it; pieces shorter than the
/// 0.4 s that loudness is defined for are set by their root mean square.
///
/// # Errors
/// [`Error::Compositing`] when loudness cannot be measured; a defect.
pub fn compose(audio: &Audio, samples: usize) -> Result<Vec<f32>, Error> {
    compose_below(audio, samples, PEAK)
}

/// As [`compose`], with another limit of the true peak in dBTP.
pub(crate) fn compose_below(audio: &Audio, samples: usize, limit: f64) -> Result<Vec<f32>, Error> {
    let mut mix = Mix::new(samples);
    score(audio, &mut mix);
    mix.echo(f64::from(audio.tempo));
    let mut sound = mix.interleaved();
    fade(&mut sound, samples);
    normalize(&mut sound, audio.loudness_lufs, limit)?;
    Ok(sound)
}

/// Integrated loudness in LUFS and true peak in dBTP of interleaved samples; -70 LUFS for silence.
///
/// # Errors
/// [`Error::Compositing`] for impossible rates or channel counts.
pub fn loudness(samples: &[f32], channels: u32, rate: u32) -> Result<(f64, f64), Error> {
    let fail = |error: ebur128::Error| Error::Compositing(format!("loudness: {error}"));
    let mut meter = EbuR128::new(channels, rate, Mode::I | Mode::TRUE_PEAK).map_err(fail)?;
    meter.add_frames_f32(samples).map_err(fail)?;
    let integrated = meter.loudness_global().map_err(fail)?;
    let mut peak = 0.0_f64;
    for channel in 0..channels {
        peak = peak.max(meter.true_peak(channel).map_err(fail)?);
    }
    Ok((if integrated.is_finite() { integrated } else { -70.0 }, 20.0 * peak.max(1e-6).log10()))
}

struct Mix {
    left: Vec<f32>,
    right: Vec<f32>,
    /// What also goes to the echo.
    send: Vec<f32>,
}

/// A sounding note: frequency in hertz, start in samples, loudness, place from 0 (left) to 1.
#[derive(Clone, Copy)]
struct Note {
    hertz: f64,
    start: usize,
    level: f32,
    place: f32,
}

impl Mix {
    fn new(samples: usize) -> Self {
        Self { left: vec![0.0; samples], right: vec![0.0; samples], send: vec![0.0; samples] }
    }

    fn add(&mut self, at: usize, value: f32, place: f32, send: f32) {
        if at < self.left.len() {
            self.left[at] += value * (1.0 - place);
            self.right[at] += value * place;
            self.send[at] += value * send;
        }
    }

    /// A struck string: four partials, the higher the sooner gone.
    fn pluck(&mut self, note: Note) {
        let length = (RATE as usize * 9 / 10).min(self.left.len().saturating_sub(note.start));
        for (partial, level) in [(1.0, 1.0_f32), (2.0, 0.45), (3.0, 0.2), (4.01, 0.1)] {
            let decay = (-(5.0 + 3.2 * partial) / f64::from(RATE)).exp() as f32;
            let mut wave = Wave::new(note.hertz * partial);
            let mut envelope = note.level * level;
            for idx in 0..length {
                let attack = (idx as f32 / 90.0).min(1.0);
                self.add(note.start + idx, wave.next() * envelope * attack, note.place, 0.5);
                envelope *= decay;
            }
        }
    }

    /// A soft chord tone that swells and fades: two detuned waves and an octave.
    fn pad(&mut self, note: Note, length: usize) {
        for (ratio, level, place) in [(0.9985, 0.5_f32, 0.2_f32), (1.0015, 0.5, 0.8), (2.0, 0.14, 0.5)] {
            let mut wave = Wave::new(note.hertz * ratio);
            let edge = (length as f32 * 0.28).max(1.0);
            for idx in 0..length {
                let envelope = (idx as f32 / edge).min((length - idx) as f32 / edge).min(1.0);
                self.add(note.start + idx, wave.next() * envelope * note.level * level, place, 0.2);
            }
        }
    }

    fn bass(&mut self, note: Note, length: usize) {
        let mut low = Wave::new(note.hertz);
        let mut high = Wave::new(note.hertz * 2.0);
        for idx in 0..length {
            let envelope = (idx as f32 / 300.0).min(1.0) * (1.0 - idx as f32 / length as f32).powf(0.6);
            self.add(note.start + idx, (low.next() + 0.35 * high.next()) * envelope * note.level, 0.5, 0.0);
        }
    }

    /// A drum: a falling tone.
    fn kick(&mut self, start: usize, level: f32) {
        let length = RATE as usize / 4;
        let mut phase = 0.0_f64;
        for idx in 0..length {
            let t = idx as f64 / f64::from(RATE);
            phase += (46.0 + 110.0 * (-t * 38.0).exp()) / f64::from(RATE);
            let envelope = (-t * 16.0).exp() as f32 * (idx as f32 / 40.0).min(1.0);
            self.add(start + idx, (phase * std::f64::consts::TAU).sin() as f32 * envelope * level, 0.5, 0.0);
        }
    }

    /// Filtered noise: a shaker (short, bright) or a clap (longer, darker).
    fn noise(&mut self, start: usize, draws: Stream, [level, decay, color, place]: [f32; 4]) {
        let length = RATE as usize / 6;
        let (mut low, mut previous) = (0.0_f32, 0.0_f32);
        for idx in 0..length {
            let white = draws.uniform(idx as u64) as f32 * 2.0 - 1.0;
            let bright = white - previous;
            previous = white;
            low += color * (bright - low);
            let envelope = (-(idx as f32) / RATE as f32 * decay).exp() * (idx as f32 / 30.0).min(1.0);
            self.add(start + idx, low * envelope * level, place, 0.25);
        }
    }

    /// Adds an echo that changes sides, three quarters of a beat long.
    fn echo(&mut self, tempo: f64) {
        let delay = (f64::from(RATE) * 60.0 / tempo * 0.75) as usize;
        let n = self.send.len();
        let mut tail = std::mem::take(&mut self.send);
        let mut low = 0.0_f32;
        for at in delay..n {
            low += 0.35 * (tail[at - delay] - low);
            let repeat = low * 0.42;
            tail[at] += repeat;
            let (near, far) = if (at / delay).is_multiple_of(2) { (0.8, 0.2) } else { (0.2, 0.8) };
            self.left[at] += repeat * near;
            self.right[at] += repeat * far;
        }
    }

    fn interleaved(self) -> Vec<f32> {
        self.left.into_iter().zip(self.right).flat_map(|(left, right)| [left, right]).collect()
    }
}

/// A sine by rotation of a unit vector: two multiplications a sample.
struct Wave {
    state: (f64, f64),
    turn: (f64, f64),
}

impl Wave {
    fn new(hertz: f64) -> Self {
        let angle = std::f64::consts::TAU * hertz / f64::from(RATE);
        Self { state: (1.0, 0.0), turn: (angle.cos(), angle.sin()) }
    }

    fn next(&mut self) -> f32 {
        let (x, y) = self.state;
        let (c, s) = self.turn;
        self.state = (x * c - y * s, x * s + y * c);
        y as f32
    }
}

/// Plays the whole piece into the mix.
fn score(audio: &Audio, mix: &mut Mix) {
    let draws = Stream::new(audio.seed, "music");
    let beat = f64::from(RATE) * 60.0 / f64::from(audio.tempo.max(1));
    let root = 45 + draws.below(0, 8) as i32;
    let progression = PROGRESSIONS[draws.below(1, PROGRESSIONS.len())];
    let pattern = PATTERNS[draws.below(2, PATTERNS.len())];
    let shaker = draws.uniform(3) < 0.75;
    let hertz = |semitone: i32| 440.0 * 2.0_f64.powf(f64::from(semitone - 69) / 12.0);
    let total = mix.left.len();
    let bars = (total as f64 / (beat * 4.0)).ceil() as usize;
    for bar in 0..bars {
        let (step, major) = progression[bar % 4];
        let start = (bar as f64 * beat * 4.0) as usize;
        let length = ((beat * 4.0) as usize).min(total - start);
        let base = root + if step > 6 { step - 12 } else { step };
        let tones = [base, base + if major { 4 } else { 3 }, base + 7, base + 12];
        for tone in &tones[..3] {
            mix.pad(Note { hertz: hertz(tone + 12), start, level: 0.085, place: 0.5 }, length);
        }
        for (idx, tone) in pattern.iter().enumerate() {
            let at = start + (idx as f64 * beat / 2.0) as usize;
            let humane = draws.child(10 + bar as u64).uniform(idx as u64) as f32;
            if at < total {
                let place = 0.3 + 0.4 * (idx % 2) as f32;
                let level = 0.17 + 0.06 * humane;
                mix.pluck(Note { hertz: hertz(tones[*tone] + 24), start: at, level, place });
            }
        }
        for (at, share) in [(0.0, 1.4), (1.5, 0.45), (2.0, 1.4), (3.5, 0.45)] {
            let from = start + (beat * at) as usize;
            if from < total {
                mix.bass(
                    Note { hertz: hertz(base - 12), start: from, level: 0.25, place: 0.5 },
                    (beat * share) as usize,
                );
            }
        }
        for quarter in 0..4_u64 {
            let at = start + (beat * quarter as f64) as usize;
            let hits = draws.child(1_000 + bar as u64 * 16 + quarter);
            if quarter.is_multiple_of(2) {
                mix.kick(at, 0.5);
            } else {
                mix.noise(at, hits, [0.22, 26.0, 0.55, 0.5]);
            }
            if shaker {
                mix.noise(at + (beat / 2.0) as usize, hits.child(1), [0.09, 60.0, 0.95, 0.62]);
                mix.noise(at, hits.child(2), [0.05, 70.0, 0.95, 0.4]);
            }
        }
    }
}

/// Fades in over 20 ms and out over the last 1.4 s (a third of shorter pieces).
fn fade(sound: &mut [f32], samples: usize) {
    let ramp_in = (RATE as usize / 50).min(samples / 3).max(1);
    let ramp_out = (RATE as usize * 14 / 10).min(samples / 3).max(1);
    for (idx, pair) in sound.chunks_exact_mut(2).enumerate() {
        let gain_in = (idx as f32 / ramp_in as f32).min(1.0);
        let gain_out = ((samples - idx) as f32 / ramp_out as f32).min(1.0);
        for sample in pair {
            *sample *= gain_in * gain_out.powf(1.5);
        }
    }
}

/// Sets loudness; peaks over the limit are rounded off and the gain is found again.
fn normalize(sound: &mut [f32], target: f64, limit: f64) -> Result<(), Error> {
    if sound.is_empty() {
        return Ok(());
    }
    for _ in 0..6 {
        let (mut measured, peak) = loudness(sound, 2, RATE)?;
        if measured <= -69.0 {
            let energy: f64 = sound.iter().map(|s| f64::from(*s).powi(2)).sum();
            measured = 10.0 * (energy / sound.len() as f64 * 2.0).max(1e-12).log10() - 0.7;
        }
        let gain_db = target - measured;
        if gain_db.abs() < 0.05 && peak <= limit + 0.3 {
            break;
        }
        let gain = 10.0_f64.powf(gain_db / 20.0) as f32;
        let ceiling = 10.0_f64.powf((limit - 0.4) / 20.0) as f32;
        for sample in sound.iter_mut() {
            *sample = rounded(*sample * gain, ceiling);
        }
    }
    Ok(())
}

/// Linear up to 70 % of the ceiling, then bent so that the ceiling is never passed.
fn rounded(sample: f32, ceiling: f32) -> f32 {
    let knee = ceiling * 0.7;
    let size = sample.abs();
    if size <= knee {
        return sample;
    }
    let room = ceiling - knee;
    sample.signum() * (knee + room * ((size - knee) / room).tanh())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn music_has_its_length_loudness_and_peak() {
        for (seed, tempo) in [(1, 96), (7, 124)] {
            let audio = Audio { seed, tempo, loudness_lufs: -14.0 };
            let sound = compose(&audio, RATE as usize * 5).expect("composes");
            assert_eq!(sound.len(), RATE as usize * 10);
            let (measured, peak) = loudness(&sound, 2, RATE).expect("measures");
            assert!((measured + 14.0).abs() < 0.3, "seed {seed}: {measured}");
            assert!(peak <= -1.5, "seed {seed}: {peak}");
            assert_eq!(sound, compose(&audio, RATE as usize * 5).expect("composes"));
        }
    }

    #[test]
    fn seeds_differ_and_short_pieces_are_finite() {
        let audio = |seed| Audio { seed, tempo: 100, loudness_lufs: -14.0 };
        assert_ne!(compose(&audio(1), 44_100).expect("a"), compose(&audio(2), 44_100).expect("b"));
        for samples in [0, 1, 2, 100, 9_000] {
            let sound = compose(&audio(3), samples).expect("composes");
            assert!(sound.len() == samples * 2 && sound.iter().all(|s| s.is_finite() && s.abs() <= 1.0));
        }
    }
}
