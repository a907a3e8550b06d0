//! A small synthesizer: a seeded music bed of pads, plucks, bass and soft percussion.
//!
//! Simulated music, not a recording: chord progressions, patterns and timbres are chosen by the seed.
//! The piece is arranged for its ad: it begins without drums, breathes before its end, is fullest after that
//! and ends on the key's chord, which rings out. Every cut stands on a half beat and is heard.
//! The result has exactly the asked length and loudness.

mod grid;

use spotwright_schemas::random::Stream;
use spotwright_schemas::storyboard::Audio;

use self::grid::Grid;
use crate::error::Error;
use crate::loudness::{level, measured};

/// Samples per second.
pub const RATE: u32 = 44_100;
/// True peak that is aimed at, in dBTP; AAC was seen to add up to 1.3 dB on short pieces, the gate asks for
/// -1.
const PEAK: f64 = -2.7;

/// How far noise follows each sample: above some 7 kHz it is weakened, where it only hisses and where AAC,
/// which leaves away most of it, would make new peaks.
const SOFTNESS: f32 = 0.62;
/// What noise is raised by for it.
const SOFT_LEVEL: f32 = 1.5;

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

/// Composes `samples` stereo samples, interleaved, at [`RATE`], for an ad that is cut at these seconds
/// (rising).
///
/// Same `audio`, cuts and length give bit-equal samples on one machine and compiler. The loudness is
/// within 0.1 LU of `audio.loudness_lufs` unless the peak limit forbids it; pieces shorter than the
/// 0.4 s that loudness is defined for are set by their root mean square.
///
/// # Errors
/// [`Error::Compositing`] when loudness cannot be measured; a defect.
pub fn compose(audio: &Audio, cuts: &[f64], samples: usize) -> Result<Vec<f32>, Error> {
    compose_below(audio, cuts, samples, PEAK)
}

/// As [`compose`], with another limit of the true peak in dBTP.
pub(crate) fn compose_below(
    audio: &Audio,
    cuts: &[f64],
    samples: usize,
    limit: f64,
) -> Result<Vec<f32>, Error> {
    let mut mix = Mix::new(samples);
    let grid = Grid::new(audio.tempo, cuts, samples);
    Score::new(audio, &grid, samples).play(&mut mix);
    mix.echo(grid.tempo);
    let mut sound = mix.interleaved();
    fade(&mut sound, samples);
    soften(&mut sound, audio.loudness_lufs, limit)?;
    level(&mut sound, audio.loudness_lufs, limit)?;
    Ok(sound)
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

    /// Filtered noise: a shaker (short, bright), a clap (longer, darker) or a cymbal that rings.
    fn noise(&mut self, start: usize, draws: Stream, [level, decay, color, place]: [f32; 4]) {
        // Until it is 40 dB down.
        let length = (4.6 / decay * RATE as f32) as usize;
        let (mut low, mut previous, mut soft) = (0.0_f32, 0.0_f32, 0.0_f32);
        for idx in 0..length {
            let white = draws.uniform(idx as u64) as f32 * 2.0 - 1.0;
            let bright = white - previous;
            previous = white;
            low += color * (bright - low);
            soft += SOFTNESS * (low - soft);
            let envelope = (-(idx as f32) / RATE as f32 * decay).exp() * (idx as f32 / 30.0).min(1.0);
            self.add(start + idx, soft * envelope * level * SOFT_LEVEL, place, 0.25);
        }
    }

    /// Noise that swells until `end`, as before a cut.
    fn rise(&mut self, end: usize, length: usize, draws: Stream, level: f32) {
        let (mut low, mut previous) = (0.0_f32, 0.0_f32);
        let start = end.saturating_sub(length);
        for idx in 0..end - start {
            let white = draws.uniform(idx as u64) as f32 * 2.0 - 1.0;
            let bright = white - previous;
            previous = white;
            let share = idx as f32 / length as f32;
            low += (0.12 + 0.6 * share) * (bright - low);
            // Gone within 5 ms, since the cut takes its place.
            let ends = ((end - start - idx) as f32 / 220.0).min(1.0);
            self.add(start + idx, low * level * share.powi(3) * ends, 0.35 + 0.3 * share, 0.15);
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

/// What is played in a bar.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    /// No drums yet.
    Opening,
    /// Everything but the melody.
    Steady,
    /// Chords and a few notes: a breath before the last part.
    Breath,
    /// Everything.
    Full,
}

/// What is to be played.
struct Score<'a> {
    grid: &'a Grid,
    draws: Stream,
    /// The key's root as a MIDI note.
    root: i32,
    progression: [(i32, bool); 4],
    /// Patterns of even and of odd bars.
    patterns: [[usize; 8]; 2],
    shaker: bool,
    /// Half beat of the last chord.
    last: usize,
    samples: usize,
}

impl<'a> Score<'a> {
    fn new(audio: &Audio, grid: &'a Grid, samples: usize) -> Self {
        let draws = Stream::new(audio.seed, "music");
        let pattern = draws.below(2, PATTERNS.len());
        let other = (pattern + 1 + draws.below(4, PATTERNS.len() - 1)) % PATTERNS.len();
        Self {
            grid,
            draws,
            root: 45 + draws.below(0, 8) as i32,
            progression: PROGRESSIONS[draws.below(1, PROGRESSIONS.len())],
            patterns: [PATTERNS[pattern], PATTERNS[other]],
            shaker: draws.uniform(3) < 0.75,
            last: grid.last_chord(samples),
            samples,
        }
    }

    /// First sample of a half beat; the piece's end behind the last one.
    fn at(&self, half: usize) -> usize {
        self.grid.marks.get(half).copied().unwrap_or(self.samples)
    }

    fn play(&self, mix: &mut Mix) {
        let bars = self.last.div_ceil(8);
        for bar in 0..bars {
            let part = match bars - bar {
                _ if bar == 0 && bars > 2 => Part::Opening,
                1 | 2 => Part::Full,
                3 if bars > 4 => Part::Breath,
                _ => Part::Steady,
            };
            let tones = self.chord(bar);
            self.chords(mix, bar, part, tones);
            self.notes(mix, bar, part, tones);
            self.drums(mix, bar, part);
        }
        self.mark_cuts(mix);
        self.end(mix);
    }

    /// Root, third, fifth and octave of a bar.
    fn chord(&self, bar: usize) -> [i32; 4] {
        let (step, major) = self.progression[bar % 4];
        let base = self.root + if step > 6 { step - 12 } else { step };
        [base, base + if major { 4 } else { 3 }, base + 7, base + 12]
    }

    /// Pads and bass of a bar.
    fn chords(&self, mix: &mut Mix, bar: usize, part: Part, tones: [i32; 4]) {
        let start = self.at(bar * 8);
        let length = self.at((bar * 8 + 8).min(self.last)).saturating_sub(start);
        // Pads and bass carry most of a bar's power, so they make a part loud or quiet.
        let (level, low) = match part {
            Part::Opening => (0.08, 0.2),
            Part::Steady => (0.085, 0.24),
            Part::Breath => (0.085, 0.13),
            Part::Full => (0.095, 0.26),
        };
        for tone in &tones[..3] {
            mix.pad(Note { hertz: hertz(tone + 12), start, level, place: 0.5 }, length);
        }
        // A walk up to the next bar's root in every second bar.
        let walk = if bar % 2 == 1 { tones[2] - 12 } else { tones[0] };
        let played: &[(usize, f64, i32)] = if part == Part::Breath {
            &[(0, 7.0, tones[0])]
        } else {
            &[(0, 2.8, tones[0]), (3, 0.9, tones[0]), (4, 2.8, tones[0]), (7, 0.9, walk)]
        };
        for (half, halves, tone) in played {
            let place = bar * 8 + half;
            if place < self.last {
                let from = self.at(place);
                let long = (self.at(place + 1) - from) as f64 * halves;
                let note = Note { hertz: hertz(tone - 12), start: from, level: low, place: 0.5 };
                mix.bass(note, (long as usize).min(self.at(self.last).saturating_sub(from)));
            }
        }
    }

    /// Plucked notes of a bar, and the melody over them where it is full.
    fn notes(&self, mix: &mut Mix, bar: usize, part: Part, tones: [i32; 4]) {
        let draws = self.draws.child(10 + bar as u64);
        for (idx, tone) in self.patterns[bar % 2].iter().enumerate() {
            let half = bar * 8 + idx;
            // Few in the breath; elsewhere one in seven rests, never the bar's first.
            let rests =
                if part == Part::Breath { idx % 3 != 0 } else { draws.uniform(20 + idx as u64) < 0.14 };
            if half >= self.last || (idx > 0 && rests) {
                continue;
            }
            let beat = if idx % 4 == 0 { 0.03 } else { 0.0 };
            let level = 0.16 + beat + 0.06 * draws.uniform(idx as u64) as f32;
            let place = 0.3 + 0.4 * (idx % 2) as f32;
            mix.pluck(Note { hertz: hertz(tones[*tone] + 24), start: self.at(half), level, place });
        }
        if part != Part::Full {
            return;
        }
        for (idx, tone) in [(0, 3), (3, 2), (5, 1), (6, 2)] {
            if bar * 8 + idx < self.last {
                let start = self.at(bar * 8 + idx);
                mix.pluck(Note { hertz: hertz(tones[tone] + 36), start, level: 0.09, place: 0.62 });
            }
        }
    }

    fn drums(&self, mix: &mut Mix, bar: usize, part: Part) {
        for idx in 0..8 {
            let half = bar * 8 + idx;
            if half >= self.last {
                return;
            }
            let at = self.at(half);
            let hits = self.draws.child(1_000 + half as u64);
            if self.shaker && part != Part::Breath {
                let level = if idx % 2 == 1 { 0.09 } else { 0.05 };
                mix.noise(at, hits.child(1), [level, 60.0, 0.95, if idx % 2 == 1 { 0.62 } else { 0.4 }]);
            }
            match part {
                Part::Opening if idx == 0 => mix.kick(at, 0.5),
                Part::Steady | Part::Full if idx % 4 == 0 => mix.kick(at, 0.5),
                Part::Steady | Part::Full if idx % 4 == 2 => mix.noise(at, hits, [0.22, 26.0, 0.55, 0.5]),
                Part::Full if idx % 2 == 1 => mix.noise(at, hits.child(2), [0.06, 18.0, 0.98, 0.55]),
                // Two quick claps lead into the last part.
                Part::Breath if idx >= 6 => {
                    let between = (self.at(half + 1) - at) / 2;
                    mix.noise(at, hits, [0.14, 26.0, 0.55, 0.45]);
                    mix.noise(at + between, hits.child(3), [0.18, 26.0, 0.55, 0.55]);
                }
                _ => {}
            }
        }
    }

    /// A swell before every cut and a cymbal on it.
    fn mark_cuts(&self, mix: &mut Mix) {
        for (idx, cut) in self.grid.cuts.iter().enumerate() {
            let (at, draws) = (self.at(*cut), self.draws.child(5_000 + idx as u64));
            mix.rise(at, RATE as usize * 3 / 10, draws, 0.13);
            mix.noise(at, draws.child(1), [0.08, 7.0, 0.9, 0.5]);
            mix.kick(at, 0.3);
        }
    }

    /// The key's chord, struck once, rings until the end.
    fn end(&self, mix: &mut Mix) {
        let start = self.at(self.last);
        let length = self.samples.saturating_sub(start);
        for (idx, step) in [0, 7, 12, 16, 19].into_iter().enumerate() {
            let note = Note {
                hertz: hertz(self.root + 12 + step),
                start: start + idx * RATE as usize / 40,
                level: 0.2,
                place: 0.3 + 0.1 * idx as f32,
            };
            mix.pluck(note);
            mix.pad(Note { level: 0.05, start, ..note }, length);
        }
        let note = Note { hertz: hertz(self.root - 12), start, level: 0.28, place: 0.5 };
        mix.bass(note, length.min(RATE as usize * 3));
        mix.kick(start, 0.5);
        mix.noise(start, self.draws.child(6_000), [0.07, 4.0, 0.9, 0.5]);
    }
}

/// Frequency of a MIDI note, equally tempered, A4 at 440 Hz.
fn hertz(semitone: i32) -> f64 {
    440.0 * 2.0_f64.powf(f64::from(semitone - 69) / 12.0)
}

/// Fades in over 5 ms and out over the last 0.9 s (a third of shorter pieces), while the last chord rings.
fn fade(sound: &mut [f32], samples: usize) {
    let ramp_in = (RATE as usize / 200).min(samples / 3).max(1);
    let ramp_out = (RATE as usize * 9 / 10).min(samples / 3).max(1);
    for (idx, pair) in sound.chunks_exact_mut(2).enumerate() {
        let gain_in = (idx as f32 / ramp_in as f32).min(1.0);
        let gain_out = ((samples - idx) as f32 / ramp_out as f32).min(1.0);
        for sample in pair {
            *sample *= gain_in * gain_out.powf(1.5);
        }
    }
}

/// Brings a piece near its loudness, its hits rounded off at the peak limit: a limiter would lower all that sounds with
/// them, and so make every bar as loud as the next.
fn soften(sound: &mut [f32], target: f64, limit: f64) -> Result<(), Error> {
    let ceiling = 10.0_f64.powf(limit / 20.0) as f32;
    for _ in 0..3 {
        let Some(loud) = measured(sound)? else { return Ok(()) };
        if (target - loud).abs() < 0.1 {
            break;
        }
        let gain = 10.0_f64.powf((target - loud) / 20.0) as f32;
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
    use crate::loudness::loudness;

    #[test]
    fn music_has_its_length_loudness_and_peak() {
        for (seed, tempo) in [(1, 96), (7, 124)] {
            let audio = Audio { seed, tempo, loudness_lufs: -14.0 };
            let sound = compose(&audio, &[1.9, 3.4], RATE as usize * 5).expect("composes");
            assert_eq!(sound.len(), RATE as usize * 10);
            let (measured, peak) = loudness(&sound, 2, RATE).expect("measures");
            assert!((measured + 14.0).abs() < 0.3, "seed {seed}: {measured}");
            assert!(peak <= -1.5, "seed {seed}: {peak}");
            assert_eq!(sound, compose(&audio, &[1.9, 3.4], RATE as usize * 5).expect("composes"));
        }
    }

    #[test]
    fn seeds_differ_and_short_pieces_are_finite() {
        let audio = |seed| Audio { seed, tempo: 100, loudness_lufs: -14.0 };
        assert_ne!(compose(&audio(1), &[], 44_100).expect("a"), compose(&audio(2), &[], 44_100).expect("b"));
        for samples in [0, 1, 2, 100, 9_000] {
            let sound = compose(&audio(3), &[0.1], samples).expect("composes");
            assert!(sound.len() == samples * 2 && sound.iter().all(|s| s.is_finite() && s.abs() <= 1.0));
        }
    }

    /// Power of a part in decibels.
    fn power(sound: &[f32], from: f64, to: f64) -> f64 {
        let sample = |seconds: f64| (seconds * f64::from(RATE)) as usize * 2;
        let part = &sound[sample(from)..sample(to)];
        10.0 * (part.iter().map(|s| f64::from(*s).powi(2)).sum::<f64>() / part.len() as f64).log10()
    }

    #[test]
    fn a_piece_has_parts_ends_with_a_chord_that_rings_and_has_no_clicks() {
        for seed in 0..6 {
            let audio = Audio { seed, tempo: 104, loudness_lufs: -14.0 };
            let sound = compose(&audio, &[3.1, 6.0, 9.4, 12.2], RATE as usize * 15).expect("composes");
            let bars: Vec<f64> =
                (0..5).map(|bar| power(&sound, f64::from(bar) * 2.3, f64::from(bar) * 2.3 + 2.3)).collect();
            let (least, most) =
                bars.iter().fold((f64::MAX, f64::MIN), |(a, b), bar| (a.min(*bar), b.max(*bar)));
            assert!(most - least > 1.5, "seed {seed}: all bars are as loud as one another: {bars:?}");
            let rings = power(&sound, 13.9, 14.1);
            assert!(rings > power(&sound, 8.0, 10.0) - 16.0, "seed {seed}: nothing rings at the end");
            assert!(power(&sound, 14.95, 15.0) < rings - 15.0, "seed {seed}: it ends abruptly");
            // It begins and ends in silence, so that nothing clicks where a player repeats it.
            assert!(sound[..2].iter().all(|sample| sample.abs() < 0.02), "seed {seed}: a click at the start");
            assert!(sound[sound.len() - 2..].iter().all(|sample| sample.abs() < 0.01), "seed {seed}");
        }
    }
}
