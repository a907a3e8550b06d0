//! Black and frozen stretches.
//!
//! Of a shot that shows a clip, the clip's window is watched besides the whole frame: a button that swells
//! beside a clip that stands still must not hide it.

use std::collections::VecDeque;
use std::sync::Arc;

use spotwright_media::VideoView;

use super::{Checks, FROZEN};
use crate::scene::TextBox;

/// Mean luma change over half a second below which a clip counts as standing still, in codes of 255. Higher
/// than for pictures under a moving camera: a clip was encoded before, and what an encoder adds to a still
/// is not movement.
///
/// # Source
/// -60 dB of full scale, the noise that FFmpeg's `freezedetect` allows by default.
const CLIP_FROZEN: f64 = 0.255;
/// Time over which a change is measured, in seconds, less a little for times that are not whole.
const LOOK: f64 = 0.499;
/// Largest mean change that an encoder makes of a still when it begins anew with a key picture. One such
/// step does not end a still that goes on behind it.
const REFRESH: f64 = 0.8;
/// Longest black stretch in seconds.
pub(super) const BLACK: f64 = 0.2;
/// Longest frozen stretch in seconds.
pub(super) const STILL: f64 = 1.0;

/// One of so many points may be brighter in a frame that counts as black.
const BRIGHT: usize = 50;
/// The same of a clip's window.
const CLIP_BRIGHT: usize = 16;

/// Whether a picture counts as black: less than 2 % of its lumas above a tenth of their range.
pub(crate) fn is_black(luma: &[u8]) -> bool {
    is_dark(luma, BRIGHT)
}

fn is_dark(luma: &[u8], bright: usize) -> bool {
    luma.iter().filter(|y| **y > 32).count() * bright < luma.len()
}

/// Stretches within one shot, in seconds: at its start, at its end, and the longest.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Stretch {
    pub(super) lead: f64,
    pub(super) trail: f64,
    pub(super) longest: f64,
    /// Whether it is all of the shot.
    pub(super) whole: bool,
}

/// Points of a clip's window that are watched: column and row of each.
pub(crate) type Points = Arc<[(u32, u32)]>;

/// Points of a window (left, top, width, height) that no text stands on, every sixth of every sixth row. What
/// texts bring along (plates, bars, shadows) ends within half a line of them.
pub(crate) fn points(window: [usize; 4], boxes: &[TextBox]) -> Points {
    let [left, top, width, height] = window;
    let under_text = |x: usize, y: usize| {
        boxes.iter().any(|text| {
            let [bx, by, bw, bh] = text.rect;
            let (dx, dy) = (x as i64 - bx, y as i64 - by);
            (-bh..bw + bh).contains(&dx) && (-bh / 2..bh + bh / 2).contains(&dy)
        })
    };
    let mut points = Vec::with_capacity(width * height / 36 + 1);
    for y in (top..top + height).step_by(6) {
        for x in (left..left + width).step_by(6).filter(|x| !under_text(*x, y)) {
            points.push((x as u32, y as u32));
        }
    }
    points.into()
}

/// Watches an area over one shot.
#[derive(Debug)]
pub(super) struct Stillness {
    area: Option<Points>,
    black_run: f64,
    black: Stretch,
    frozen: Stretch,
    /// When the present still began, and until when it was seen; `None` while something moves.
    still: Option<[f64; 2]>,
    /// When a step began that may be an encoder's, see [`REFRESH`].
    step: Option<f64>,
    start: Option<f64>,
    first: Vec<u8>,
    /// The last half second and one frame before it.
    before: VecDeque<(f64, Vec<u8>)>,
}

/// What was found in one shot.
#[derive(Debug, Clone)]
pub(super) struct Stills {
    pub(super) black: Stretch,
    pub(super) frozen: Stretch,
    first: Vec<u8>,
    last: Vec<u8>,
    is_clip: bool,
}

impl Stillness {
    /// `area` holds the points of a clip's window; `None` watches the whole frame.
    pub(super) fn new(area: Option<Points>) -> Self {
        Self {
            area,
            black_run: 0.0,
            black: Stretch { whole: true, ..Stretch::default() },
            frozen: Stretch { whole: true, ..Stretch::default() },
            still: None,
            step: None,
            start: None,
            first: Vec::new(),
            before: VecDeque::new(),
        }
    }

    /// Looks at one frame that is shown for `shown` seconds; 0 where that is not known.
    pub(super) fn look(&mut self, view: &VideoView<'_>, shown: f64) {
        let thumb = thumbnail(view, self.area.as_ref());
        let start = *self.start.get_or_insert(view.seconds);
        if self.first.is_empty() {
            self.first.clone_from(&thumb);
        }
        let shown = match self.before.back() {
            Some((last, _)) if shown <= 0.0 => view.seconds - last,
            _ => shown,
        };
        self.look_for_black(&thumb, shown);
        // The latest frame that is half a second old; nothing older is needed any more.
        while self.before.get(1).is_some_and(|(at, _)| view.seconds - at >= LOOK) {
            self.before.pop_front();
        }
        if let Some((since, before)) = self.before.front().filter(|(at, _)| view.seconds - at >= LOOK) {
            self.compare(start, *since, view.seconds, change(before, &thumb));
        }
        self.before.push_back((view.seconds, thumb));
    }

    fn look_for_black(&mut self, thumb: &[u8], shown: f64) {
        // Ornaments may stand on a clip, as stripes and rings do; a picture has none.
        let bright = if self.area.is_some() { CLIP_BRIGHT } else { BRIGHT };
        if is_dark(thumb, bright) {
            self.black_run += shown;
            if self.black.whole {
                self.black.lead = self.black_run;
            }
        } else {
            (self.black_run, self.black.whole) = (0.0, false);
        }
        self.black.longest = self.black.longest.max(self.black_run);
    }

    fn compare(&mut self, start: f64, since: f64, now: f64, change: f64) {
        let most = if self.area.is_some() { CLIP_FROZEN } else { FROZEN };
        match self.still {
            Some([from, _]) if change < most => {
                self.still = Some([from, now]);
                self.step = None;
            }
            None if change < most => self.still = Some([since, now]),
            // Every comparison over a step shows it: half a second of them is one step.
            Some(_) if change < REFRESH && now - *self.step.get_or_insert(now) <= LOOK + 0.1 => return,
            Some(_) | None => {
                (self.still, self.step, self.frozen.whole) = (None, None, false);
                return;
            }
        }
        if let Some([from, to]) = self.still {
            self.frozen.longest = self.frozen.longest.max(to - from);
            if from <= start {
                self.frozen.lead = to - from;
            }
        }
    }

    pub(super) fn finish(mut self) -> Stills {
        let (end, last) = self.before.pop_back().unwrap_or_default();
        self.black.trail = self.black_run;
        // What ended before the shot did does not reach the next one.
        self.frozen.trail = self.still.filter(|[_, to]| *to >= end).map_or(0.0, |[from, to]| to - from);
        self.frozen.whole &= self.still.is_some() && self.frozen.trail > 0.0;
        let is_clip = self.area.is_some();
        Stills { black: self.black, frozen: self.frozen, first: self.first, last, is_clip }
    }
}

/// Mean absolute difference of two thumbnails, in codes of 255.
fn change(a: &[u8], b: &[u8]) -> f64 {
    let sum: u64 = a.iter().zip(b).map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
    sum as f64 / (a.len().max(1) as f64)
}

/// The lumas of the points, or every sixth of every sixth row.
fn thumbnail(view: &VideoView<'_>, points: Option<&Points>) -> Vec<u8> {
    let (plane, stride) = view.planes[0];
    if let Some(points) = points {
        let inside = points.iter().map(|(x, y)| (*x as usize, *y as usize));
        let inside = inside.filter(|(x, y)| *x < view.width && *y < view.height);
        return inside.map(|(x, y)| plane[y * stride + x]).collect();
    }
    let mut thumb = Vec::with_capacity(view.width * view.height / 36);
    for row in (0..view.height).step_by(6) {
        thumb.extend(plane[row * stride..row * stride + view.width].iter().step_by(6));
    }
    thumb
}

/// The longest stretches of shots that follow each other.
pub(super) fn joined<'a>(shots: impl Iterator<Item = &'a Stills>) -> (f64, f64) {
    let (mut black, mut frozen) = (0.0_f64, 0.0_f64);
    let (mut black_run, mut frozen_run) = (0.0, 0.0);
    let mut before: Option<&Stills> = None;
    for shot in shots {
        // A cut between two stills is a change; a still that goes on over a cut is one still.
        let goes_on = before.is_some_and(|before| {
            before.is_clip == shot.is_clip
                && before.last.len() == shot.first.len()
                && change(&before.last, &shot.first) < FROZEN
        });
        let carried = if goes_on { frozen_run } else { 0.0 };
        frozen = frozen.max(carried + shot.frozen.lead).max(shot.frozen.longest);
        frozen_run = if shot.frozen.whole { carried + shot.frozen.lead } else { shot.frozen.trail };
        black = black.max(black_run + shot.black.lead).max(shot.black.longest);
        black_run = if shot.black.whole { black_run + shot.black.lead } else { shot.black.trail };
        before = Some(shot);
    }
    (black, frozen)
}

/// The checks of the whole frame, and of the clips' windows where there are any.
pub(super) fn check(checks: &mut Checks, whole: (f64, f64), clips: Option<(f64, f64)>) {
    let mut add = |id: &str, seconds: f64, limit: f64| {
        checks.add(id, seconds <= limit + 1e-6, format!("{seconds:.2} s"), format!("at most {limit:.2} s"));
    };
    add("black", whole.0, BLACK);
    add("frozen", whole.1, STILL);
    if let Some((black, frozen)) = clips {
        add("clip_black", black, BLACK);
        add("clip_frozen", frozen, STILL);
    }
}
