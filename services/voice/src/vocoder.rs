//! Sound from spectra: pulses at the pitch, shaped noise, and a part with phases of its own.
//!
//! With a Hann window over 1,200 samples and 300 from one frame to the next, the spectrum of a frame is
//! `exp(voiced) * e^(i pi tanh(turn)) * P + exp(noise) * Z + exp(free) * e^(i phase)`, where P is the spectrum of a
//! train of pulses at the pitch and Z complex normal noise. The inverse transform overlaps and adds the frames.
//!
//! # Source
//! The form follows the model's description in the Python package hibari-tts 0.2.1; written afresh.

use std::f64::consts::TAU;
use std::sync::OnceLock;

use spotwright_schemas::random::Stream;

/// Samples per second.
pub(crate) const RATE: u32 = 24_000;
/// Samples of a window, and from one frame to the next.
const WINDOW: usize = 1_200;
const HOP: usize = 300;
/// Frequencies of a spectrum.
pub(crate) const BINS: usize = WINDOW / 2 + 1;
/// Pitch in hertz below which nothing is voiced, and the highest frequency of pulses.
const LOWEST_PITCH: f64 = 40.0;
const HIGHEST: f64 = 11_000.0;
/// Largest logarithm of an amplitude.
const LOUDEST: f32 = 7.0;

/// What the network predicts: [`BINS`] values for each frame, frame by frame; one pitch in hertz for each.
pub(crate) struct Spectra {
    pub(crate) pitch: Vec<f32>,
    /// Logarithm of the amplitude of the voiced part.
    pub(crate) voiced: Vec<f32>,
    /// Turn of its phases.
    pub(crate) turn: Vec<f32>,
    /// Logarithm of the amplitude of the noise.
    pub(crate) noise: Vec<f32>,
    /// Logarithm of the amplitude of the part with phases of its own, and the phases.
    pub(crate) free: Vec<f32>,
    pub(crate) phase: Vec<f32>,
}

/// The sound of spectra. Equal spectra and seeds give equal samples.
pub(crate) fn sound(spectra: &Spectra, seed: u64) -> Vec<f32> {
    let frames = spectra.pitch.len();
    let (waves, window) = (waves(), window());
    let pulses = pulses(&spectra.pitch);
    let draws = Stream::new(seed, "voice noise");
    let length = frames * HOP;
    let mut out = vec![0.0_f32; length + WINDOW];
    let mut weight = vec![0.0_f32; length + WINDOW];
    for frame in 0..frames {
        let around = around(&pulses, frame * HOP, &window);
        let (mut real, mut imaginary) = waves.forward(&around);
        for bin in 0..BINS {
            let at = frame * BINS + bin;
            let amplitude = |log: f32| log.min(LOUDEST).exp();
            let angle = std::f32::consts::PI * spectra.turn[at].tanh();
            let (sine, cosine) = angle.sin_cos();
            let voiced = amplitude(spectra.voiced[at]);
            let (re, im) = (real[bin], imaginary[bin]);
            let (noise_re, noise_im) = normal_pair(draws, at as u64);
            let noise = amplitude(spectra.noise[at]);
            let (free_sine, free_cosine) = spectra.phase[at].sin_cos();
            let free = amplitude(spectra.free[at]);
            real[bin] = voiced * (re * cosine - im * sine) + noise * noise_re + free * free_cosine;
            imaginary[bin] = voiced * (re * sine + im * cosine) + noise * noise_im + free * free_sine;
        }
        let samples = waves.inverse(&real, &imaginary);
        for (idx, (sample, share)) in samples.iter().zip(&window).enumerate() {
            out[frame * HOP + idx] += sample * share;
            weight[frame * HOP + idx] += share * share;
        }
    }
    let middle = WINDOW / 2..WINDOW / 2 + length;
    let sum = out[middle.clone()].iter().zip(&weight[middle]);
    sum.map(|(sample, weight)| (sample / weight.max(1e-6)).clamp(-1.0, 1.0)).collect()
}

fn window() -> Vec<f32> {
    (0..WINDOW).map(|idx| (0.5 - 0.5 * (TAU * idx as f64 / WINDOW as f64).cos()) as f32).collect()
}

/// The windowed pulses around a sample, mirrored at the ends; a cosine of amplitude 1 has 1 at its frequency.
fn around(pulses: &[f32], middle: usize, window: &[f32]) -> Vec<f32> {
    let last = pulses.len() as i64 - 1;
    let at = |idx: usize| {
        let place = (middle + idx) as i64 - (WINDOW / 2) as i64;
        let mirrored = if place < 0 {
            -place
        } else if place > last {
            2 * last - place
        } else {
            place
        };
        pulses.get(mirrored.clamp(0, last.max(0)) as usize).copied().unwrap_or(0.0)
    };
    window.iter().enumerate().map(|(idx, share)| at(idx) * share / (WINDOW as f32 / 4.0)).collect()
}

/// Pulses without frequencies above [`HIGHEST`]: the sum of all cosines at multiples of the pitch, in its closed
/// form `sin((n + 1/2) t) / (2 sin(t / 2)) - 1/2`.
fn pulses(pitch: &[f32]) -> Vec<f32> {
    let mut turns = 0.0_f64;
    (0..pitch.len() * HOP)
        .map(|sample| {
            let place = (sample as f64 + 0.5) / HOP as f64 - 0.5;
            let before = place.floor();
            let share = place - before;
            let value = |frame: f64| f64::from(pitch[(frame.max(0.0) as usize).min(pitch.len() - 1)]);
            let hertz = value(before) * (1.0 - share) + value(before + 1.0) * share;
            turns = (turns + hertz.max(LOWEST_PITCH) / f64::from(RATE)).fract();
            if hertz <= LOWEST_PITCH {
                return 0.0;
            }
            let count = (HIGHEST / hertz).floor();
            let (angle, half) = (turns * TAU, (turns * TAU / 2.0).sin());
            let sum =
                if half.abs() < 1e-3 { count + 0.5 } else { ((count + 0.5) * angle).sin() / (2.0 * half) };
            (sum - 0.5) as f32
        })
        .collect()
}

/// Two independent normal values, by Box and Muller.
fn normal_pair(draws: Stream, idx: u64) -> (f32, f32) {
    let (a, b) = (draws.uniform(idx * 2), draws.uniform(idx * 2 + 1));
    let radius = (-2.0 * (1.0 - a).max(1e-12).ln()).sqrt();
    let (sine, cosine) = (TAU * b).sin_cos();
    ((radius * cosine) as f32, (radius * sine) as f32)
}

/// Cosines and sines of the transform: 1,200 has no power of two to speak of, and products with a table are fast
/// enough for 80 frames a second.
struct Waves {
    cosines: Vec<f32>,
    sines: Vec<f32>,
}

fn waves() -> &'static Waves {
    static WAVES: OnceLock<Waves> = OnceLock::new();
    WAVES.get_or_init(|| {
        let angle = |idx: usize| TAU * ((idx / BINS) * (idx % BINS) % WINDOW) as f64 / WINDOW as f64;
        Waves {
            cosines: (0..BINS * BINS).map(|idx| angle(idx).cos() as f32).collect(),
            sines: (0..BINS * BINS).map(|idx| angle(idx).sin() as f32).collect(),
        }
    })
}

impl Waves {
    /// Real and imaginary part of the spectrum of [`WINDOW`] samples.
    fn forward(&self, samples: &[f32]) -> (Vec<f32>, Vec<f32>) {
        // Samples that mirror each other meet the same cosine and opposite sines.
        let mut even = vec![0.0_f32; BINS];
        let mut odd = vec![0.0_f32; BINS];
        for idx in 0..BINS {
            let mirrored = (WINDOW - idx) % WINDOW;
            let alone = mirrored == idx;
            even[idx] = if alone { samples[idx] } else { samples[idx] + samples[mirrored] };
            odd[idx] = if alone { 0.0 } else { samples[idx] - samples[mirrored] };
        }
        let real = self.cosines.chunks_exact(BINS).map(|row| dot(row, &even)).collect();
        let imaginary = self.sines.chunks_exact(BINS).map(|row| -dot(row, &odd)).collect();
        (real, imaginary)
    }

    /// [`WINDOW`] samples of a spectrum.
    fn inverse(&self, real: &[f32], imaginary: &[f32]) -> Vec<f32> {
        let scale = 2.0 / WINDOW as f32;
        let mut re: Vec<f32> = real.iter().map(|value| value * scale).collect();
        let im: Vec<f32> = imaginary.iter().map(|value| value * scale).collect();
        re[0] /= 2.0;
        re[BINS - 1] /= 2.0;
        let mut samples = vec![0.0_f32; WINDOW];
        let rows = self.cosines.chunks_exact(BINS).zip(self.sines.chunks_exact(BINS));
        for (idx, (cosines, sines)) in rows.enumerate() {
            let (even, odd) = (dot(cosines, &re), dot(sines, &im));
            samples[idx] = even - odd;
            samples[(WINDOW - idx) % WINDOW] = even + odd;
        }
        samples
    }
}

/// In eight sums, which the compiler keeps in one register.
fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut sums = [0.0_f32; 8];
    let (left, right) = (a.chunks_exact(8), b.chunks_exact(8));
    let rest: f32 = left.remainder().iter().zip(right.remainder()).map(|(a, b)| a * b).sum();
    for (a, b) in left.zip(right) {
        for lane in 0..8 {
            sums[lane] += a[lane] * b[lane];
        }
    }
    sums.iter().sum::<f32>() + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transform_and_its_inverse_give_the_samples_back() {
        let samples: Vec<f32> = (0..WINDOW).map(|idx| ((idx * idx) as f32 * 0.013).sin()).collect();
        let (real, imaginary) = waves().forward(&samples);
        let back = waves().inverse(&real, &imaginary);
        let worst = samples.iter().zip(&back).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(worst < 1e-3, "{worst}");
        let tone: Vec<f32> =
            (0..WINDOW).map(|idx| (TAU * 50.0 * idx as f64 / WINDOW as f64).cos() as f32).collect();
        let (real, imaginary) = waves().forward(&tone);
        assert!((real[50] - 600.0).abs() < 0.5 && real[51].abs() < 0.5 && imaginary[50].abs() < 0.5);
    }

    #[test]
    fn pulses_come_at_the_pitch_and_silence_where_there_is_none() {
        let pulses = pulses(&[200.0; 40]);
        let loud = pulses.iter().enumerate().filter(|(_, sample)| **sample > 20.0).map(|(idx, _)| idx);
        let first: Vec<usize> = loud.collect();
        assert!(first.iter().any(|idx| first.contains(&(idx + 120))), "{first:?}");
        assert!(super::pulses(&[0.0; 4]).iter().all(|sample| *sample == 0.0));
        assert!(super::pulses(&[]).is_empty());
    }

    #[test]
    fn voiced_spectra_sound_at_their_pitch() {
        let frames = 40;
        let quiet = vec![-20.0; frames * BINS];
        let spectra = Spectra {
            pitch: vec![200.0; frames],
            voiced: vec![-3.0; frames * BINS],
            turn: vec![0.0; frames * BINS],
            noise: quiet.clone(),
            free: quiet,
            phase: vec![0.0; frames * BINS],
        };
        let sound = sound(&spectra, 7);
        assert_eq!(sound.len(), frames * HOP);
        let part = &sound[3_000..9_000];
        let likeness = |lag: usize| -> f32 { part.iter().zip(&part[lag..]).map(|(a, b)| a * b).sum() };
        assert!(likeness(120) > 0.8 * likeness(0) && likeness(60) < 0.5 * likeness(0));
    }
}
