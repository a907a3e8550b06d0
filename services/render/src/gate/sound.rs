//! Sound: format, sync, loudness, peak, silence.

use spotwright_media::{AudioTrack, VideoTrack};

use super::Checks;
use crate::loudness::loudness;

/// Loudness that is aimed at where no storyboard says otherwise.
pub(super) const LUFS: f64 = -14.0;
/// Most that sound may begin or end before or behind the picture, in seconds.
const DRIFT: f64 = 0.020;
/// Step of the envelope that sounds are compared by, in seconds.
const STEP: f64 = 0.005;
/// Largest shift that is looked for, in seconds.
const LARGEST_SHIFT: f64 = 0.6;

/// What a sound track was found to be.
#[derive(Debug, Clone)]
pub(super) struct Heard {
    pub(super) track: AudioTrack,
    /// LUFS and dBTP; `None` when it cannot be measured.
    pub(super) loudness: Option<(f64, f64)>,
    /// Longest stretch of tenths of a second below -60 dBFS, in seconds.
    pub(super) silence: f64,
    /// Mean power of each [`STEP`].
    envelope: Vec<f32>,
}

impl Heard {
    pub(super) fn of(track: &AudioTrack, samples: &[f32], channels: usize, rate: u32) -> Self {
        let loudness = if samples.is_empty() { None } else { loudness(samples, channels as u32, rate).ok() };
        let silence = longest_silence(samples, channels, rate);
        Self { track: track.clone(), loudness, silence, envelope: envelope(samples, channels, rate) }
    }
}

/// Longest stretch of tenths of a second below -60 dBFS, in seconds.
fn longest_silence(samples: &[f32], channels: usize, rate: u32) -> f64 {
    let window = (rate as usize / 10).max(1) * channels.max(1);
    let (mut run, mut longest) = (0_u32, 0_u32);
    for part in samples.chunks(window) {
        let power = part.iter().map(|s| f64::from(*s).powi(2)).sum::<f64>() / part.len() as f64;
        run = if power < 1e-6 { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    f64::from(longest) / 10.0
}

/// Mean power of each step of 5 ms.
pub(crate) fn envelope(samples: &[f32], channels: usize, rate: u32) -> Vec<f32> {
    let window = ((f64::from(rate) * STEP) as usize).max(1) * channels.max(1);
    let power = |part: &[f32]| (part.iter().map(|s| s * s).sum::<f32>() / part.len() as f32).sqrt();
    samples.chunks(window).map(power).collect()
}

/// How far `heard` is behind `planned`, in seconds, where both agree best, and how well they agree there.
fn shift(heard: &[f32], planned: &[f32]) -> (f64, f64) {
    let most = (LARGEST_SHIFT / STEP) as i64;
    let mut best = (0_i64, -1.0_f64);
    for lag in (0..=most).flat_map(|lag| [lag, -lag]) {
        let (from, of) = (lag.max(0) as usize, (-lag).max(0) as usize);
        let (a, b) = (heard.get(from..).unwrap_or_default(), planned.get(of..).unwrap_or_default());
        let agreement = correlation(a, b);
        if agreement > best.1 + 1e-9 {
            best = (lag, agreement);
        }
    }
    (best.0 as f64 * STEP, best.1)
}

fn correlation(a: &[f32], b: &[f32]) -> f64 {
    let n = a.len().min(b.len());
    if n < 20 {
        return -1.0;
    }
    let mean = |x: &[f32]| x[..n].iter().map(|v| f64::from(*v)).sum::<f64>() / n as f64;
    let (ma, mb) = (mean(a), mean(b));
    let (mut aa, mut bb, mut ab) = (0.0, 0.0, 0.0);
    for (a, b) in a.iter().zip(b) {
        let (a, b) = (f64::from(*a) - ma, f64::from(*b) - mb);
        aa += a * a;
        bb += b * b;
        ab += a * b;
    }
    if aa <= 0.0 || bb <= 0.0 { -1.0 } else { ab / (aa * bb).sqrt() }
}

/// Checks that every spoken line is heard where it is planned: in its stretch the sound rises and falls as
/// the planned one, which music alone does not.
pub(super) fn check_spoken(checks: &mut Checks, heard: Option<&Heard>, planned: &[f32], spoken: &[[f64; 2]]) {
    if spoken.is_empty() {
        return;
    }
    let sound = heard.map_or(&[][..], |heard| &heard.envelope);
    let part = |sound: &[f32], [from, to]: [f64; 2]| -> Vec<f32> {
        let step = |second: f64| (second / STEP) as usize;
        let end = step(to).min(sound.len());
        sound[step(from).min(end)..end].to_vec()
    };
    let agreement = |seconds: &[f64; 2]| correlation(&part(sound, *seconds), &part(planned, *seconds));
    let worst = spoken.iter().map(agreement).fold(1.0, f64::min);
    let value = format!("{} spoken lines, agreement {worst:.2}", spoken.len());
    checks.add("voice", worst >= 0.8, value, "every line where it is planned, agreement at least 0.80");
}

/// Checks the sound of a file; `planned` is the envelope that the plan asks for.
pub(super) fn check(
    checks: &mut Checks,
    video: &VideoTrack,
    heard: Option<&Heard>,
    lufs: f64,
    planned: Option<&[f32]>,
) {
    let Some(heard) = heard else {
        checks.add("sound", false, "no sound track", "one AAC track");
        return;
    };
    let track = &heard.track;
    let format = format!("{} {} Hz, {} channels", track.codec, track.rate, track.channels);
    let pass = track.codec == "aac" && track.channels == 2 && [44_100, 48_000].contains(&track.rate);
    checks.add("sound", pass, format, "aac, 44100 or 48000 Hz, 2 channels");
    let drift = (track.start - video.start).abs().max((track.end - video.end).abs());
    checks.add("drift", drift <= DRIFT, format!("{:.1} ms", drift * 1e3), "at most 20.0 ms");
    if let Some(planned) = planned {
        let (late, agreement) = shift(&heard.envelope, planned);
        let value = format!("{:.0} ms late, agreement {agreement:.2}", late * 1e3);
        let pass = late.abs() <= DRIFT && agreement >= 0.8;
        checks.add("sound_sync", pass, value, "the planned sound, at most 20 ms early or late");
    }
    match heard.loudness {
        // Gated loudness needs a few seconds of sound to mean anything.
        Some((measured, peak)) => {
            let near = (measured - lufs).abs() <= 0.5;
            checks.add("loudness", near, format!("{measured:.2} LUFS"), format!("{lufs:.1} ± 0.5 LUFS"));
            checks.add("true_peak", peak <= -1.0, format!("{peak:.2} dBTP"), "at most -1.00 dBTP");
        }
        None => checks.add("loudness", false, "cannot be measured", format!("{lufs:.1} ± 0.5 LUFS")),
    }
    let limit = ((video.end - video.start) * 0.2).min(1.0);
    let silent = heard.silence;
    checks.add("silence", silent <= limit, format!("{silent:.2} s"), format!("at most {limit:.2} s"));
}
