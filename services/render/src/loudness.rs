//! Loudness and peaks after EBU R 128 and ITU-R BS.1770: measuring them, and setting both at once.

use ebur128::{EbuR128, Mode};

use crate::error::Error;
use crate::music::RATE;

/// Samples that the limiter looks ahead: 5 ms.
const LOOK_AHEAD: usize = RATE as usize / 200;
/// Share of the way back to full loudness that the limiter goes with each sample: in 60 ms two thirds.
const RELEASE: f32 = 1.0 / (0.06 * RATE as f32);
/// Samples on each side that one sample between two others is made of.
pub(crate) const TAPS: usize = 16;
/// Places between two samples where peaks are looked for, as BS.1770 asks: four times the rate in all.
const BETWEEN: [f64; 3] = [0.25, 0.5, 0.75];
/// How often gain and ceiling are found again at most.
const TRIES: u32 = 12;

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

/// Brings a stereo sound to a loudness below a true peak, both within 0.1 dB unless they contradict each other; the
/// peak is kept then. Sounds shorter than the 0.4 s that loudness is defined for are set by their mean power,
/// silence is left as it is.
///
/// What the limiter takes is given back by more gain, so every try begins with the sound as it came.
///
/// # Errors
/// [`Error::Compositing`] when loudness cannot be measured; a defect.
pub(crate) fn level(sound: &mut [f32], lufs: f64, limit: f64) -> Result<(), Error> {
    let came = sound.to_vec();
    let Some(loud) = measured(&came)? else { return Ok(()) };
    let peaks = true_peaks(&came);
    let (mut gain_db, mut ceiling_db) = (lufs - loud, limit - 0.05);
    for _ in 0..TRIES {
        let gain = decibels(gain_db);
        let gains = limiter(&peaks, gain, decibels(ceiling_db));
        for ((pair, original), limited) in sound.chunks_exact_mut(2).zip(came.chunks_exact(2)).zip(&gains) {
            pair[0] = original[0] * gain * limited;
            pair[1] = original[1] * gain * limited;
        }
        let off = measured(sound)?.map_or(0.0, |loud| lufs - loud);
        let over = loudness(sound, 2, RATE)?.1 - limit;
        if off.abs() < 0.05 && over <= 0.0 {
            break;
        }
        if over > 0.0 {
            // The gain changes between the samples too.
            ceiling_db -= over + 0.05;
        }
        gain_db += off;
    }
    Ok(())
}

fn decibels(value: f64) -> f32 {
    10.0_f64.powf(value / 20.0) as f32
}

/// Loudness of a stereo sound in LUFS, of short ones by their mean power; none for silence.
pub(crate) fn measured(sound: &[f32]) -> Result<Option<f64>, Error> {
    let (loud, _) = loudness(sound, 2, RATE)?;
    if loud > -69.0 {
        return Ok(Some(loud));
    }
    let energy: f64 = sound.iter().map(|s| f64::from(*s).powi(2)).sum();
    let power = energy / (sound.len().max(1) as f64) * 2.0;
    Ok((power > 1e-7).then(|| 10.0 * power.log10() - 0.7))
}

/// The highest absolute value of both channels around every pair of samples, in them and between them.
fn true_peaks(sound: &[f32]) -> Vec<f32> {
    let tables = BETWEEN.map(|share| taps(share, 1.0));
    let pairs = sound.len() / 2;
    let mut peaks: Vec<f32> = sound.chunks_exact(2).map(|pair| pair[0].abs().max(pair[1].abs())).collect();
    for channel in 0..2 {
        let samples: Vec<f32> = sound.iter().copied().skip(channel).step_by(2).collect();
        for (at, window) in samples.windows(2 * TAPS).enumerate() {
            // Between this sample and the next one.
            let near = at + TAPS - 1;
            for table in &tables {
                let sum: f32 = window.iter().zip(table).map(|(sample, weight)| sample * weight).sum();
                peaks[near] = peaks[near].max(sum.abs());
                if near + 1 < pairs {
                    peaks[near + 1] = peaks[near + 1].max(sum.abs());
                }
            }
        }
    }
    peaks
}

/// Factors that keep a sound with these peaks, raised by `gain`, below the ceiling: beginning before what would pass it
/// and ending softly behind it.
fn limiter(peaks: &[f32], gain: f32, ceiling: f32) -> Vec<f32> {
    let mut before = 1.0_f32;
    let wanted: Vec<f32> = peaks
        .iter()
        .map(|peak| {
            let own = (ceiling / (peak * gain).max(1e-9)).min(1.0);
            before = own.min(before + (1.0 - before) * RELEASE);
            before
        })
        .collect();
    let lowest = lowest_ahead(&wanted);
    // The mean of what lies behind: every one of them covers this sample, so it never passes the ceiling.
    let mut sum: f64 = LOOK_AHEAD as f64 * f64::from(lowest.first().copied().unwrap_or(1.0));
    (0..lowest.len())
        .map(|at| {
            let leaves = if at >= LOOK_AHEAD { lowest[at - LOOK_AHEAD] } else { lowest[0] };
            sum += f64::from(lowest[at]) - f64::from(leaves);
            (sum / LOOK_AHEAD as f64) as f32
        })
        .collect()
}

/// The lowest of each value and the [`LOOK_AHEAD`] values behind it.
fn lowest_ahead(values: &[f32]) -> Vec<f32> {
    let mut lowest = vec![1.0; values.len()];
    // Places of values that may still be the lowest, in rising order of their values.
    let mut open: std::collections::VecDeque<usize> = std::collections::VecDeque::new();
    for at in (0..values.len()).rev() {
        while open.front().is_some_and(|front| values[*front] >= values[at]) {
            open.pop_front();
        }
        open.push_front(at);
        while open.back().is_some_and(|back| *back > at + LOOK_AHEAD) {
            open.pop_back();
        }
        lowest[at] = open.back().map_or(1.0, |back| values[*back]);
    }
    lowest
}

/// Weights of the samples around a place that is `share` of the way from one to the next.
pub(crate) fn taps(share: f64, cutoff: f64) -> [f32; 2 * TAPS] {
    let mut weights = [0.0_f64; 2 * TAPS];
    for (tap, weight) in weights.iter_mut().enumerate() {
        let x = tap as f64 - (TAPS as f64 - 1.0) - share;
        let angle = std::f64::consts::PI * x * cutoff;
        let sinc = if angle.abs() < 1e-9 { 1.0 } else { angle.sin() / angle };
        let window = 0.5
            + 0.5
                * (std::f64::consts::PI * x / TAPS as f64)
                    .clamp(-std::f64::consts::PI, std::f64::consts::PI)
                    .cos();
        *weight = sinc * window;
    }
    let sum: f64 = weights.iter().sum();
    weights.map(|weight| (weight / sum) as f32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limiter_never_passes_its_ceiling_and_leaves_quiet_parts_alone() {
        let peaks: Vec<f32> =
            (0..20_000).map(|idx| if (9_000..9_010).contains(&idx) { 2.0 } else { 0.1 }).collect();
        let gains = limiter(&peaks, 1.0, 0.5);
        assert!(peaks.iter().zip(&gains).all(|(peak, gain)| peak * gain <= 0.5 + 1e-6));
        assert!((gains[1_000] - 1.0).abs() < 1e-6);
    }

    /// A tone of a quarter of the rate whose samples all miss its crests by an eighth of a turn.
    fn between_the_samples() -> Vec<f32> {
        let wave = |idx: usize| ((idx as f64 * 0.5 + 0.25) * std::f64::consts::PI).sin() as f32 * 0.5;
        (0..RATE as usize).flat_map(|idx| [wave(idx), wave(idx)]).collect()
    }

    #[test]
    fn peaks_between_the_samples_are_found() {
        let sound = between_the_samples();
        assert!(sound.iter().all(|sample| sample.abs() < 0.36));
        let peaks = true_peaks(&sound);
        let worst = peaks[100..44_000].iter().map(|peak| (peak - 0.5).abs()).fold(0.0, f32::max);
        assert!(worst < 0.02, "{worst}");
    }

    #[test]
    fn noise_is_as_loud_as_asked_for_and_below_every_limit() {
        let draws = spotwright_schemas::random::Stream::new(1, "noise");
        let noise: Vec<f32> = (0..RATE as usize * 8)
            .map(|idx| {
                // Bursts twice a second.
                let swell = if (idx / 2) % 22_050 < 4_000 { 0.9 } else { 0.08 };
                (draws.uniform(idx as u64) as f32 - 0.5) * swell
            })
            .collect();
        for limit in [-1.0, -2.7, -3.7, -5.0, -6.5] {
            let mut sound = noise.clone();
            level(&mut sound, -16.0, limit).expect("levels");
            let (loud, peak) = loudness(&sound, 2, RATE).expect("measures");
            assert!(peak <= limit + 0.1, "{peak} dBTP, not {limit}");
            assert!((loud + 16.0).abs() < 0.3, "{loud} LUFS below {limit}");
        }
        let mut silence = vec![0.0; 4_000];
        level(&mut silence, -14.0, -2.0).expect("levels");
        assert!(silence.iter().all(|sample| *sample == 0.0));
    }
}
