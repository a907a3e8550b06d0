//! Sound of a foreign file: decoded, brought to stereo and one rate, cut to the plan, brought to a loudness.
//! Runs in the caged child only.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use ebur128::{EbuR128, Mode};
use ffmpeg_next::format::Sample;
use ffmpeg_next::format::sample::Type;
use ffmpeg_next::frame;

use crate::foreign;
use crate::limits::Limits;
use crate::plan::{ProbedSound, SoundFacts, SoundPlan};
use crate::protocol::Fault;
use crate::sniff::Kind;

/// Rates that occur in files people have.
const RATES: std::ops::RangeInclusive<u32> = 8_000..=192_000;
/// Channels that are mixed down.
const CHANNELS: usize = 8;
/// Below this amplitude (-60 dBFS) a track counts as silent, as in the quality gate.
const SILENT: f32 = 1e-3;
/// EBU Tech 3341's absolute gate in LUFS; below it nothing has a loudness.
const GATE: f64 = -70.0;
/// Most that a quiet track is raised by, in dB: more brings up noise, not sound.
const MOST_GAIN: f64 = 30.0;

/// The sound of a file, interleaved left and right.
struct Track {
    samples: Vec<f32>,
    rate: u32,
    channels: u32,
    codec: String,
    /// Packets that did not decode.
    damaged: u32,
}

/// Tells rate, channels, length and loudness; `None` without sound.
pub(crate) fn probe(file: &File, kind: Kind, limits: &Limits) -> Result<Option<ProbedSound>, Fault> {
    let Some(track) = decode(file, kind, limits, None)? else { return Ok(None) };
    let lufs = loudness(&track.samples, track.rate)?.0;
    Ok(Some(ProbedSound {
        codec: track.codec,
        rate: track.rate,
        channels: track.channels,
        seconds: track.samples.len() as f64 / 2.0 / f64::from(track.rate),
        lufs: lufs.filter(|lufs| *lufs > GATE),
    }))
}

/// Writes the sound from `start` seconds on (on the file's own clock) for `seconds` as a WAV file.
pub(crate) fn import(
    file: &File,
    kind: Kind,
    limits: &Limits,
    window: Window,
    plan: &SoundPlan,
    to: &Path,
) -> Result<SoundFacts, Fault> {
    let Some(track) = decode(file, kind, limits, Some(window))? else { return Ok(SoundFacts::Absent) };
    if track.damaged > 0 {
        return Err(Fault::damaged(format!("{} pieces of its sound do not decode", track.damaged)));
    }
    if track.samples.iter().all(|sample| sample.abs() < SILENT) {
        return Ok(SoundFacts::Silent);
    }
    let frames = (window.seconds * f64::from(plan.rate)).round() as usize;
    let mut samples = resample(&track.samples, track.rate, plan.rate, frames);
    let (lufs, peak) = loudness(&samples, plan.rate)?;
    let Some(source_lufs) = lufs else {
        write_wav(to, &samples, plan.rate)?;
        return Ok(SoundFacts::Unmeasured { samples: frames as u64 });
    };
    if source_lufs <= GATE {
        return Ok(SoundFacts::Silent);
    }
    // A twentieth of a decibel below the bound, because rounding to 16 bits moves the peak.
    let gain_db = (plan.lufs - source_lufs).min(plan.true_peak - 0.05 - peak).min(MOST_GAIN);
    let gain = 10.0_f64.powf(gain_db / 20.0) as f32;
    for sample in &mut samples {
        *sample *= gain;
    }
    let (lufs, true_peak) = loudness(&samples, plan.rate)?;
    write_wav(to, &samples, plan.rate)?;
    Ok(SoundFacts::Normalized {
        samples: frames as u64,
        source_lufs,
        gain_db,
        lufs: lufs.unwrap_or(GATE),
        true_peak,
    })
}

/// A part of a file on its own clock.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Window {
    /// Beginning, in seconds of the file's time stamps.
    pub(crate) start: f64,
    /// Length in seconds.
    pub(crate) seconds: f64,
}

/// Decodes the sound; with a window, exactly as long as that, silence where the file has nothing.
fn decode(file: &File, kind: Kind, limits: &Limits, window: Option<Window>) -> Result<Option<Track>, Fault> {
    let mut input = foreign::open(file, kind)?;
    let Some((mut decoder, index, base, codec)) = foreign::sound_decoder(&input, limits)? else {
        return Ok(None);
    };
    let mut gather = Gather { window, limits: *limits, track: None, next: None };
    let mut damaged = 0;
    let mut ended = false;
    while !ended && !gather.is_full() {
        if let Some(packet) = foreign::next_packet(&mut input, index, &mut damaged) {
            damaged += u32::from(decoder.send_packet(&packet).is_err());
        } else {
            ended = true;
            // A decoder that cannot end has no further sound either.
            let _ = decoder.send_eof();
        }
        let mut sound = frame::Audio::empty();
        while decoder.receive_frame(&mut sound).is_ok() {
            gather.take(&sound, f64::from(base), &codec)?;
        }
        if damaged > limits.frames {
            return Err(Fault::damaged("hardly any sound in it decodes"));
        }
    }
    Ok(gather.track.map(|track| Track { damaged, ..track }))
}

struct Gather {
    window: Option<Window>,
    limits: Limits,
    track: Option<Track>,
    /// Where the next sample belongs if the sound has no gap.
    next: Option<i64>,
}

impl Gather {
    fn is_full(&self) -> bool {
        match (&self.track, self.window, self.next) {
            (Some(track), Some(_), Some(next)) => next >= (track.samples.len() / 2) as i64,
            _ => false,
        }
    }

    fn take(&mut self, sound: &frame::Audio, base: f64, codec: &str) -> Result<(), Fault> {
        let (channels, count, rate) = (sound.channels() as usize, sound.samples(), sound.rate());
        if count == 0 || channels == 0 {
            return Ok(());
        }
        if channels > CHANNELS || !RATES.contains(&rate) {
            return Err(Fault::unsupported(format!("sound of {channels} channels at {rate} Hz")));
        }
        let stereo = stereo(sound, channels, count)?;
        let track = self.track.get_or_insert_with(|| Track {
            samples: vec![
                0.0;
                self.window
                    .map_or(0, |window| (window.seconds * f64::from(rate)).round() as usize * 2)
            ],
            rate,
            channels: channels as u32,
            codec: codec.to_owned(),
            damaged: 0,
        });
        if track.rate != rate {
            return Err(Fault::unsupported("sound whose rate changes"));
        }
        let Some(window) = self.window else {
            track.samples.extend_from_slice(&stereo);
            self.limits.check_seconds(track.samples.len() as f64 / 2.0 / f64::from(rate))?;
            return Ok(());
        };
        let said = sound.timestamp().map(|at| {
            ((at as f64 * base - window.start) * f64::from(rate)).round().clamp(-1e15, 1e15) as i64
        });
        // Time stamps of coarse clocks jump about; only a step that is heard, 20 ms, moves the sound.
        let at = match (said, self.next) {
            (Some(said), Some(next)) if (said - next).abs() > i64::from(rate / 50) => said,
            (_, Some(next)) => next,
            (said, None) => said.unwrap_or(0),
        };
        for (offset, pair) in stereo.chunks_exact(2).enumerate() {
            let place = usize::try_from(at.saturating_add(offset as i64)).ok().map(|place| place * 2);
            if let Some(to) = place.and_then(|place| track.samples.get_mut(place..place + 2)) {
                to.copy_from_slice(pair);
            }
        }
        self.next = Some(at.saturating_add(count as i64));
        Ok(())
    }
}

/// Left and right of a decoded piece, interleaved, each in [-1, 1] and beyond where the source is.
fn stereo(sound: &frame::Audio, channels: usize, count: usize) -> Result<Vec<f32>, Fault> {
    let planar = matches!(
        sound.format(),
        Sample::U8(Type::Planar)
            | Sample::I16(Type::Planar)
            | Sample::I32(Type::Planar)
            | Sample::F32(Type::Planar)
            | Sample::F64(Type::Planar)
    );
    let (bytes, read): (usize, fn(&[u8]) -> f32) = match sound.format() {
        Sample::U8(_) => (1, |b| (f32::from(b[0]) - 128.0) / 128.0),
        Sample::I16(_) => (2, |b| f32::from(i16::from_ne_bytes([b[0], b[1]])) / 32_768.0),
        Sample::I32(_) => (4, |b| i32::from_ne_bytes([b[0], b[1], b[2], b[3]]) as f32 / 2_147_483_648.0),
        Sample::F32(_) => (4, |b| f32::from_ne_bytes([b[0], b[1], b[2], b[3]])),
        Sample::F64(_) => {
            (8, |b| f64::from_ne_bytes([b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7]]) as f32)
        }
        _ => return Err(Fault::unsupported("the sample format of the sound")),
    };
    let needed = if planar { channels } else { 1 };
    if sound.planes() < needed {
        return Err(Fault::damaged("a piece of sound without data"));
    }
    let value = |channel: usize, idx: usize| -> f32 {
        let (plane, at) = if planar { (channel, idx) } else { (0, idx * channels + channel) };
        let sample = sound.data(plane).get(at * bytes..(at + 1) * bytes).map_or(0.0, read);
        if sample.is_finite() { sample.clamp(-4.0, 4.0) } else { 0.0 }
    };
    let mut mixed = Vec::with_capacity(count * 2);
    for idx in 0..count {
        let (mut left, mut right) = (value(0, idx), value(usize::from(channels > 1), idx));
        // Center and surrounds at -3 dB each side (ITU-R BS.775, annex 4), in FFmpeg's order of channels:
        // left, right, center, low frequencies, then pairs. Low frequencies are left out.
        if channels > 2 {
            let center = value(2, idx) * std::f32::consts::FRAC_1_SQRT_2;
            left += center;
            right += center;
        }
        for pair in (4..channels).step_by(2) {
            left += value(pair, idx) * std::f32::consts::FRAC_1_SQRT_2;
            right += value((pair + 1).min(channels - 1), idx) * std::f32::consts::FRAC_1_SQRT_2;
        }
        mixed.push(left);
        mixed.push(right);
    }
    Ok(mixed)
}

/// Zero crossings of the interpolation kernel on each side.
const CROSSINGS: f64 = 24.0;

/// Another rate by a windowed sinc (Blackman), `frames` samples long. Equal rates are copied.
///
/// # Source
/// Smith, "Digital Audio Resampling", CCRMA: the kernel is widened by the ratio where the rate falls.
fn resample(samples: &[f32], from: u32, to: u32, frames: usize) -> Vec<f32> {
    let mut out = vec![0.0; frames * 2];
    if from == to {
        let both = samples.len().min(out.len());
        out[..both].copy_from_slice(&samples[..both]);
        return out;
    }
    let step = f64::from(from) / f64::from(to);
    let cutoff = (1.0 / step).min(1.0) * 0.97;
    let reach = (CROSSINGS / cutoff).ceil() as i64;
    let period = u64::from(to) / greatest_common_divisor(u64::from(from), u64::from(to));
    let kernels: Vec<Vec<f32>> =
        (0..period).map(|phase| kernel((phase as f64 * step).fract(), cutoff, reach)).collect();
    for (idx, pair) in out.chunks_exact_mut(2).enumerate() {
        // Whole arithmetic: the position never drifts.
        let position = idx as u64 * u64::from(from);
        let whole = (position / u64::from(to)) as i64;
        let taps = &kernels[(idx as u64 % period) as usize];
        let (mut left, mut right) = (0.0_f32, 0.0_f32);
        for (offset, weight) in taps.iter().enumerate() {
            let at = whole - reach + 1 + offset as i64;
            let Ok(at) = usize::try_from(at) else { continue };
            if let Some([l, r]) = samples.get(at * 2..at * 2 + 2) {
                left += l * weight;
                right += r * weight;
            }
        }
        pair.copy_from_slice(&[left, right]);
    }
    out
}

fn kernel(fraction: f64, cutoff: f64, reach: i64) -> Vec<f32> {
    let taps: Vec<f64> = (1 - reach..=reach)
        .map(|offset| {
            let distance = offset as f64 - fraction;
            let x = std::f64::consts::PI * distance * cutoff;
            let sinc = if x.abs() < 1e-9 { 1.0 } else { x.sin() / x };
            let place = (distance / reach as f64).clamp(-1.0, 1.0) * std::f64::consts::PI;
            sinc * (0.42 + 0.5 * place.cos() + 0.08 * (2.0 * place).cos())
        })
        .collect();
    // The same gain for each phase, so that a constant stays one.
    let sum: f64 = taps.iter().sum();
    taps.iter().map(|tap| (tap / sum) as f32).collect()
}

fn greatest_common_divisor(a: u64, b: u64) -> u64 {
    if b == 0 { a.max(1) } else { greatest_common_divisor(b, a % b) }
}

/// Integrated loudness in LUFS, `None` where there is none (silence, or less than 0.4 s), and true peak in
/// dBTP.
fn loudness(samples: &[f32], rate: u32) -> Result<(Option<f64>, f64), Fault> {
    let failed = |error: ebur128::Error| Fault::damaged(format!("the loudness cannot be measured ({error})"));
    let mut meter = EbuR128::new(2, rate, Mode::I | Mode::TRUE_PEAK).map_err(failed)?;
    meter.add_frames_f32(samples).map_err(failed)?;
    let integrated = meter.loudness_global().map_err(failed)?;
    let peak = meter.true_peak(0).map_err(failed)?.max(meter.true_peak(1).map_err(failed)?);
    Ok((integrated.is_finite().then_some(integrated), 20.0 * peak.max(1e-6).log10()))
}

/// RIFF WAVE, stereo, 16 bits.
fn write_wav(path: &Path, samples: &[f32], rate: u32) -> Result<(), Fault> {
    let failed = |error: std::io::Error| Fault::Output { reason: error.to_string() };
    let data =
        u32::try_from(samples.len() * 2).map_err(|_| Fault::plan("frames", "makes a sound file too long"))?;
    let mut file = BufWriter::new(File::create(path).map_err(failed)?);
    let mut header = Vec::with_capacity(44);
    header.extend_from_slice(b"RIFF");
    header.extend_from_slice(&(36 + data).to_le_bytes());
    header.extend_from_slice(b"WAVEfmt ");
    header.extend_from_slice(&16_u32.to_le_bytes());
    header.extend_from_slice(&1_u16.to_le_bytes());
    header.extend_from_slice(&2_u16.to_le_bytes());
    header.extend_from_slice(&rate.to_le_bytes());
    header.extend_from_slice(&(rate * 4).to_le_bytes());
    header.extend_from_slice(&4_u16.to_le_bytes());
    header.extend_from_slice(&16_u16.to_le_bytes());
    header.extend_from_slice(b"data");
    header.extend_from_slice(&data.to_le_bytes());
    file.write_all(&header).map_err(failed)?;
    for sample in samples {
        let code = (sample * 32_767.0).round().clamp(-32_768.0, 32_767.0) as i16;
        file.write_all(&code.to_le_bytes()).map_err(failed)?;
    }
    file.flush().map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resampling_keeps_pitch_level_and_length() {
        let tone = |rate: u32| -> Vec<f32> {
            (0..rate as usize)
                .flat_map(|i| {
                    let sample =
                        (i as f64 * 440.0 * std::f64::consts::TAU / f64::from(rate)).sin() as f32 * 0.5;
                    [sample, -sample]
                })
                .collect()
        };
        for (from, to) in [(48_000, 44_100), (44_100, 48_000), (16_000, 44_100), (44_100, 44_100)] {
            let made = resample(&tone(from), from, to, to as usize);
            let wanted = tone(to);
            assert_eq!(made.len(), wanted.len());
            // Away from the ends, where the tone begins and stops.
            let middle = to as usize / 2..to as usize * 3 / 2;
            let worst = made[middle.clone()]
                .iter()
                .zip(&wanted[middle])
                .map(|(a, b)| (a - b).abs())
                .fold(0.0_f32, f32::max);
            assert!(worst < 2e-3, "{from} to {to}: {worst}");
        }
    }

    #[test]
    fn tones_above_the_new_rate_vanish() {
        let rate = 48_000_u32;
        let high: Vec<f32> = (0..rate as usize)
            .flat_map(|i| [(i as f64 * 7_000.0 * std::f64::consts::TAU / f64::from(rate)).sin() as f32; 2])
            .collect();
        let low = resample(&high, rate, 8_000, 8_000);
        assert!(low[2_000..14_000].iter().all(|sample| sample.abs() < 0.01));
    }
}
