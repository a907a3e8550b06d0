//! The quality gate: checks a finished file by decoding it once. Fails closed.
//!
//! What cannot be measured is a failed check, never a passed one. With a storyboard the gate knows
//! the plan (frames, texts, loudness, what each frame looked like before it was encoded); without one it
//! checks what holds for every advertisement.
//!
//! Each family of checks has a file: container and placement ([`container`]), black and frozen stretches
//! ([`stillness`]), sound ([`sound`]), texts ([`texts`]), labels ([`labels`]), likeness to the composited
//! frames ([`encoding`]). A joined file consists of shots whose packets stand for themselves, so what was
//! found of a shot is remembered under the fingerprint of its packets: a file of known shots is read whole,
//! and nothing in it is decoded twice.
//!
//! Files of the studio are decoded in this process. A file from anywhere else is judged by a caged child
//! process ([`check_file`]), one for each file.

mod container;
mod encoding;
mod foreign;
mod foreseen;
mod ink;
mod labels;
mod sound;
mod stillness;
mod texts;
mod watch;

use std::path::Path;
use std::sync::Arc;

use spotwright_core::ports::fidelity::FidelityReport;
use spotwright_core::ports::video_backend::{FrameStatistics, GateCheck, GateReport};
use spotwright_media::{Content, Parts, Yuv420, decode_parts, fingerprints};
use spotwright_schemas::storyboard::Storyboard;

use crate::cache::Recent;
use crate::error::{Error, used_up};
use crate::scene::{TextBox, TextKind};
use crate::statistics::Sampler;

pub use foreign::check_file;
pub(crate) use foreign::{JOB, job};
pub use foreseen::foresee;
use sound::Heard;
pub(crate) use sound::envelope;
pub(crate) use stillness::{Points, is_black, points};
use watch::Watch;
pub(crate) use watch::{Sight, rest_of, unreadable};

/// Mean luma change over half a second below which a picture counts as frozen, in codes of 255. A
/// zoom of 12 % over four seconds changes a photograph by 1 and more.
pub(crate) const FROZEN: f64 = 0.02;
/// Shots and sounds that are remembered.
const REMEMBERED: usize = 512;

/// A shot's part of the plan: its length and its texts at rest.
pub(crate) struct ShotPlan {
    pub(crate) frames: u32,
    pub(crate) boxes: Arc<[TextBox]>,
    /// Points of the window of the clip that the shot shows, see [`points`].
    pub(crate) clip: Option<Points>,
    /// What fixes the shot's pixels.
    pub(crate) key: String,
}

/// What a file is checked against.
pub(crate) struct Plan<'a> {
    pub(crate) board: &'a Storyboard,
    pub(crate) shots: &'a [ShotPlan],
    /// Id expected in the metadata label; `None` accepts any.
    pub(crate) produce_id: Option<&'a str>,
    /// Frame to keep as a still.
    pub(crate) still: u32,
    /// Frames of a shot as they are composited, to compare with: their numbers are those of
    /// [`compared_frames`].
    pub(crate) compose: &'a dyn Fn(usize) -> Result<Vec<(u32, Yuv420)>, Error>,
    /// Envelope of the planned sound, see [`envelope`].
    pub(crate) sound: &'a [f32],
    /// First and last second of every spoken line.
    pub(crate) spoken: &'a [[f64; 2]],
    /// Comparison of the product with its pictures, by shot, for the shots that show it in a clip.
    pub(crate) fidelity: &'a [(usize, FidelityReport)],
}

/// Frames of a shot that are compared with the composited ones, in ascending order: while texts come in, in
/// the middle, and the last one.
pub(crate) fn compared_frames(frames: u32) -> Vec<u32> {
    let mut compared = vec![frames / 6, frames / 2, frames.saturating_sub(1)];
    compared.dedup();
    compared
}

/// What one decoding gave.
pub(crate) struct Verdict {
    pub(crate) report: GateReport,
    pub(crate) statistics: FrameStatistics,
    /// JPEG of the kept frame.
    pub(crate) still: Option<Arc<[u8]>>,
}

/// What was found of shots and sounds before, by the fingerprints of their packets.
pub(crate) struct Memory {
    shots: Recent<String, Arc<Sight>>,
    sounds: Recent<String, Arc<Heard>>,
}

impl Memory {
    pub(crate) fn new() -> Self {
        Self { shots: Recent::new(REMEMBERED), sounds: Recent::new(REMEMBERED) }
    }
}

/// Checks a file against its plan.
///
/// # Errors
/// [`Error::Media`] when the machine has nothing left to read the file with, which says nothing about
/// the file; what composing the frames to compare with came to.
pub(crate) fn check_plan(file: &Path, plan: &Plan<'_>, memory: &Memory) -> Result<Verdict, Error> {
    let mut checks = Checks::default();
    let seen = match see(file, plan, memory) {
        Ok(seen) => seen,
        Err(Error::Media(error)) if !used_up(&error) => {
            checks.add("readable", false, error.to_string(), "an MP4 that decodes");
            let statistics = FrameStatistics::default();
            return Ok(Verdict { report: checks.report(), statistics, still: None });
        }
        Err(error) => return Err(error),
    };
    let board = plan.board;
    let sights: Vec<&Sight> = seen.sights.iter().flatten().map(Arc::as_ref).collect();
    container::check_plan(&mut checks, &seen.content, board);
    let video = container::check(&mut checks, &seen.content, seen.profile, board.placement);
    if let Some(video) = video {
        let clips: Vec<_> = sights.iter().filter_map(|sight| sight.clip.as_ref()).collect();
        // Clips of different shots are cut apart by definition: each counts by itself.
        let longest = clips.iter().map(|stills| (stills.black.longest, stills.frozen.longest));
        let clips = longest.reduce(|a, b| (a.0.max(b.0), a.1.max(b.1)));
        stillness::check(&mut checks, stillness::joined(sights.iter().map(|sight| &sight.whole)), clips);
        let heard = seen.heard.as_deref();
        sound::check(&mut checks, video, heard, board.audio.loudness_lufs, Some(plan.sound));
        sound::check_spoken(&mut checks, heard, plan.sound, plan.spoken);
    }
    texts::check(&mut checks, plan, &sights);
    let compared = sights.iter().map(|sight| sight.compared).sum();
    let planned = board.shots.iter().map(|shot| compared_frames(shot.frames).len()).sum();
    let worst = sights.iter().filter_map(|sight| sight.likeness).reduce(encoding::Likeness::worse);
    encoding::check(&mut checks, worst, compared, planned);
    fidelity_check(&mut checks, plan.fidelity);
    labels::check_visible(&mut checks, plan, &sights);
    labels::check_metadata(&mut checks, &seen.content, plan.produce_id);
    let seconds = f64::from(board.frames()) / f64::from(board.fps);
    let loudness = seen.heard.as_ref().and_then(|heard| heard.loudness).map_or(-70.0, |(lufs, _)| lufs);
    let area = text_area(plan.shots, board);
    let still = sights.iter().find_map(|sight| sight.still.clone());
    let mut sampler = Sampler::default();
    for sight in &sights {
        sampler.join(&sight.sampler);
    }
    let statistics = sampler.finish(plan.shots.len().saturating_sub(1), seconds, area, loudness);
    Ok(Verdict { report: checks.report(), statistics, still })
}

/// What was seen and heard of a file.
struct Seen {
    content: Content,
    profile: Option<[u8; 2]>,
    sights: Vec<Option<Arc<Sight>>>,
    heard: Option<Arc<Heard>>,
}

/// Decodes what is not remembered.
fn see(file: &Path, plan: &Plan<'_>, memory: &Memory) -> Result<Seen, Error> {
    let lengths: Vec<u32> = plan.shots.iter().map(|shot| shot.frames).collect();
    let parts = fingerprints(file, plan.board.fps, &lengths)?;
    let keys = shot_keys(&parts, plan);
    let known: Vec<Option<Arc<Sight>>> = match &keys {
        Some(keys) => keys.iter().map(|key| memory.shots.get(key)).collect(),
        None => vec![None; lengths.len()],
    };
    let known_sound = parts.sound.as_ref().and_then(|sound| memory.sounds.get(sound));
    let left_out: Vec<bool> = known.iter().map(Option::is_some).collect();
    let mut watch = Watch::new(Some(plan));
    let mut content = decode_parts(file, &lengths, &left_out, known_sound.is_some(), &mut watch)?;
    watch.finish()?;
    let whole = content.damaged_packets == 0;
    for (idx, sight) in watch.sights.iter().enumerate() {
        if let (Some(keys), Some(sight), true) = (&keys, sight, whole)
            && sight.frames == lengths[idx]
        {
            memory.shots.put(keys[idx].clone(), Arc::clone(sight));
        }
    }
    let heard = known_sound.or_else(|| {
        let track = content.audio.as_ref()?;
        let heard = Arc::new(Heard::of(track, &watch.sound, watch.channels, watch.rate));
        if let (Some(key), true) = (parts.sound.clone(), whole) {
            memory.sounds.put(key, Arc::clone(&heard));
        }
        Some(heard)
    });
    content.audio = heard.as_ref().map(|heard| heard.track.clone());
    let sights = known.into_iter().zip(watch.sights).map(|(known, seen)| known.or(seen)).collect();
    Ok(Seen { content, profile: parts.profile, sights, heard })
}

/// Names under which the shots of a file are remembered: packets, plan, and which of the frames are
/// sampled. `None` when one of them does not stand for itself.
fn shot_keys(parts: &Parts, plan: &Plan<'_>) -> Option<Vec<String>> {
    let mut start = 0_u32;
    let mut keys = Vec::with_capacity(plan.shots.len());
    for (shot, packets) in plan.shots.iter().zip(&parts.pictures) {
        let packets = packets.as_ref()?;
        let kept = (start..start + shot.frames).contains(&plan.still);
        // Sampled frames lie one second apart, except in what is shorter than that.
        let phase = if plan.board.frames() < plan.board.fps { u32::MAX } else { start % plan.board.fps };
        let kept = if kept { (plan.still - start).to_string() } else { String::new() };
        keys.push(format!("{packets} {} {phase} {kept}", shot.key));
        start += shot.frames;
    }
    Some(keys)
}

fn fidelity_check(checks: &mut Checks, reports: &[(usize, FidelityReport)]) {
    if reports.is_empty() {
        return;
    }
    let failed = reports.iter().find(|(_, report)| !report.pass);
    let (shot, report) = failed.unwrap_or(&reports[0]);
    let value = format!("shot {shot}: {}", report.reason);
    checks.add("fidelity", failed.is_none(), value, "the product of the reference pictures");
}

/// Mean share of the frame under caption and detail ink boxes, weighted by the shots' lengths.
pub(crate) fn text_area(shots: &[ShotPlan], board: &Storyboard) -> f64 {
    let frame = f64::from(board.size.width) * f64::from(board.size.height);
    let total: f64 = shots.iter().map(|shot| f64::from(shot.frames)).sum();
    let weighted: f64 = shots.iter().map(|shot| covered(&shot.boxes) * f64::from(shot.frames)).sum();
    (weighted / frame / total.max(1.0)).min(1.0)
}

/// Pixels under the ink boxes of captions, details and buttons.
pub(crate) fn covered(boxes: &[TextBox]) -> f64 {
    let of_text = |b: &&TextBox| matches!(b.kind, TextKind::Caption | TextKind::Detail | TextKind::Button);
    boxes.iter().filter(of_text).map(|b| (b.rect[2] * b.rect[3]) as f64).sum::<f64>()
}

#[derive(Default)]
struct Checks {
    list: Vec<GateCheck>,
}

impl Checks {
    fn add(&mut self, id: &str, pass: bool, value: impl Into<String>, limit: impl Into<String>) {
        self.list.push(GateCheck { id: id.to_owned(), pass, value: value.into(), limit: limit.into() });
    }

    fn report(self) -> GateReport {
        GateReport::of(self.list)
    }
}
