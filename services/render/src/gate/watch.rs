//! Looks at every decoded frame, shot by shot.
//!
//! What was found of a shot stands for itself, so that it can be remembered: packets that are equal decode to
//! equal frames, in whichever file they stand.

use std::ops::Range;
use std::sync::Arc;

use spotwright_media::{Sink, VideoView, Yuv420};

use super::encoding::{self, Likeness};
use super::ink::{self, Ink, color_at};
use super::stillness::{Stillness, Stills};
use super::{Plan, ShotPlan, texts};
use crate::error::Error;
use crate::pixels::jpeg;
use crate::scene::{TextBox, TextKind};
use crate::statistics::{Sampler, sampled_frames};

/// Frames between two looks at the label of AI-made content.
const LABEL_EVERY: u32 = 3;

/// A look at one line of text.
#[derive(Debug, Clone, Copy)]
pub(super) struct Look {
    pub(super) kind: TextKind,
    /// Whether it is the look at the line's first rest, of which there is one for each planned line.
    pub(super) rest: bool,
    pub(super) ink: Ink,
}

/// What was found of one shot.
#[derive(Debug, Clone)]
pub(crate) struct Sight {
    pub(super) frames: u32,
    pub(super) whole: Stills,
    pub(super) clip: Option<Stills>,
    pub(super) looks: Vec<Look>,
    pub(super) sampler: Sampler,
    /// JPEG of the kept frame.
    pub(super) still: Option<Arc<[u8]>>,
    /// The worst of the compared frames, and their number.
    pub(super) likeness: Option<Likeness>,
    pub(super) compared: usize,
}

/// A shot that is being looked at.
struct Watched {
    idx: usize,
    first: u32,
    whole: Stillness,
    clip: Option<Stillness>,
    sight: Sight,
    planned: Vec<(u32, Yuv420)>,
}

/// Looks at every decoded frame, and keeps the sound.
pub(super) struct Watch<'a> {
    plan: Option<&'a Plan<'a>>,
    /// Frames of each planned shot.
    ranges: Vec<Range<u32>>,
    sampled: Vec<u32>,
    current: Option<Watched>,
    /// What was found, by shot.
    pub(super) sights: Vec<Option<Arc<Sight>>>,
    pub(super) sound: Vec<f32>,
    pub(super) channels: usize,
    pub(super) rate: u32,
    failure: Option<Error>,
}

impl<'a> Watch<'a> {
    pub(super) fn new(plan: Option<&'a Plan<'a>>) -> Self {
        let mut ranges = Vec::new();
        let mut next = 0_u32;
        for shot in plan.map_or(&[][..], |plan| plan.shots) {
            ranges.push(next..next.saturating_add(shot.frames));
            next = next.saturating_add(shot.frames);
        }
        if plan.is_none() {
            ranges.push(0..u32::MAX);
        }
        let sights = vec![None; ranges.len()];
        let sampled =
            plan.map(|plan| sampled_frames(plan.board.frames(), plan.board.fps)).unwrap_or_default();
        Self {
            plan,
            ranges,
            sampled,
            current: None,
            sights,
            sound: Vec::new(),
            channels: 0,
            rate: 0,
            failure: None,
        }
    }

    /// Ends the last shot.
    ///
    /// # Errors
    /// What composing a frame to compare with, or writing the still, came to.
    pub(super) fn finish(&mut self) -> Result<(), Error> {
        self.close();
        self.failure.take().map_or(Ok(()), Err)
    }

    fn close(&mut self) {
        if let Some(watched) = self.current.take() {
            let Watched { idx, whole, clip, mut sight, .. } = watched;
            sight.whole = whole.finish();
            sight.clip = clip.map(Stillness::finish);
            self.sights[idx] = Some(Arc::new(sight));
        }
    }

    fn open(&mut self, idx: usize) -> Watched {
        let shot = self.plan.and_then(|plan| plan.shots.get(idx));
        let mut planned = Vec::new();
        if let (Some(plan), None) = (self.plan, &self.failure) {
            match (plan.compose)(idx) {
                Ok(frames) => planned = frames,
                Err(error) => self.failure = Some(error),
            }
        }
        let nothing = || Stillness::new(None).finish();
        Watched {
            idx,
            first: self.ranges[idx].start,
            whole: Stillness::new(None),
            clip: shot.and_then(|shot| shot.clip.clone()).map(|area| Stillness::new(Some(area))),
            sight: Sight {
                frames: 0,
                whole: nothing(),
                clip: None,
                looks: Vec::new(),
                sampler: Sampler::default(),
                still: None,
                likeness: None,
                compared: 0,
            },
            planned,
        }
    }
}

impl Sink for Watch<'_> {
    fn picture(&mut self, view: &VideoView<'_>) {
        let idx = self.ranges.partition_point(|range| range.end <= view.index);
        if idx >= self.ranges.len() {
            // More frames than planned: the count says so.
            self.close();
            return;
        }
        if self.current.as_ref().is_none_or(|watched| watched.idx != idx) {
            self.close();
            self.current = Some(self.open(idx));
        }
        let Some(watched) = self.current.as_mut() else { return };
        watched.sight.frames += 1;
        let shown = self.plan.map_or(0.0, |plan| 1.0 / f64::from(plan.board.fps.max(1)));
        watched.whole.look(view, shown);
        if let Some(clip) = &mut watched.clip {
            clip.look(view, shown);
        }
        let Some(plan) = self.plan else { return };
        let at = view.index - watched.first;
        let size = plan.board.size;
        if view.width == size.width as usize && view.height == size.height as usize {
            if let Some(shot) = plan.shots.get(idx) {
                look_at_texts(view, plan, shot, at, &mut watched.sight.looks);
            }
            if let Some((_, planned)) = watched.planned.iter().find(|(frame, _)| *frame == at)
                && let Some(likeness) = encoding::compare(view, planned)
            {
                let worse = watched.sight.likeness.map_or(likeness, |before| before.worse(likeness));
                watched.sight.likeness = Some(worse);
                watched.sight.compared += 1;
            }
        }
        if self.sampled.contains(&view.index) {
            watched.sight.sampler.add(0, view.width, view.height, view.planes);
        }
        if view.index == plan.still {
            match jpeg(&to_rgb(view), view.width as u32, view.height as u32) {
                Ok(bytes) => watched.sight.still = Some(bytes.into()),
                Err(error) => self.failure = Some(error),
            }
        }
    }

    fn sound(&mut self, samples: &[f32], channels: usize, rate: u32) {
        self.sound.extend_from_slice(samples);
        self.channels = channels;
        self.rate = rate;
    }
}

/// Measures each line once it has come to rest, and every half second from there to the shot's end; the
/// label of AI-made content every few frames from the first on. Buttons swell, so they are measured once.
fn look_at_texts(view: &VideoView<'_>, plan: &Plan<'_>, shot: &ShotPlan, at: u32, looks: &mut Vec<Look>) {
    let fps = f64::from(plan.board.fps);
    let every = (plan.board.fps / 2).max(1);
    for text in shot.boxes.iter().filter(|text| text.letters) {
        let last = (text.until * fps).min(f64::from(shot.frames)).round() as u32;
        let rest = rest_of(text, plan.board.fps, shot.frames);
        if at >= last {
            continue;
        }
        let again = match text.kind {
            TextKind::AiLabel => at.is_multiple_of(LABEL_EVERY) || at + 1 == shot.frames,
            TextKind::Button => false,
            _ => at > rest && ((at - rest).is_multiple_of(every) || at + 1 == shot.frames),
        };
        if at == rest || again {
            looks.push(Look { kind: text.kind, rest: at == rest, ink: ink::look(view, text) });
        }
    }
}

/// What of the texts cannot be read in frame `at` of a shot, as the check of the finished file would find it.
pub(crate) fn unreadable(
    view: &VideoView<'_>,
    boxes: &[TextBox],
    fps: u32,
    frames: u32,
    at: u32,
) -> Option<String> {
    for text in boxes.iter().filter(|text| text.letters) {
        let last = (text.until * f64::from(fps)).min(f64::from(frames)).round() as u32;
        let rest = rest_of(text, fps, frames);
        // A button swells when it has come to rest, and is not looked at again in the finished file either.
        if at < rest || at >= last || (text.kind == TextKind::Button && at > rest) {
            continue;
        }
        let seen = ink::look(view, text);
        let kind = format!("{:?}", text.kind).to_lowercase();
        if seen.agreement < texts::MIN_GLYPHS || seen.weakest < texts::MIN_INK {
            return Some(format!("something lies over the {kind}"));
        }
        // Of the tiniest letters nothing is wholly covered, and so nothing to be measured.
        if seen.contrast > 0.0 && seen.contrast < texts::MIN_CONTRAST {
            let (has, needs) = (seen.contrast, texts::MIN_CONTRAST);
            return Some(format!("the {kind} has a contrast of {has:.2}:1; {needs}:1 is needed"));
        }
    }
    None
}

/// The frame of a shot in which a text is first looked at: two later than planned, away from the last eased
/// pixel.
pub(crate) fn rest_of(text: &TextBox, fps: u32, frames: u32) -> u32 {
    // An overlay may go before the shot ends.
    let last = (text.until * f64::from(fps)).min(f64::from(frames)).round() as u32;
    ((text.settled * f64::from(fps)).ceil() as u32 + 2).min(last.saturating_sub(1))
}

fn to_rgb(view: &VideoView<'_>) -> Vec<u8> {
    let mut rgb = Vec::with_capacity(view.width * view.height * 3);
    for y in 0..view.height {
        for x in 0..view.width {
            rgb.extend_from_slice(&color_at(view, x, y));
        }
    }
    rgb
}
