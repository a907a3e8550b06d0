//! The quality gate: checks a finished file by decoding it once. Fails closed.
//!
//! What cannot be measured is a failed check, never a passed one. With a storyboard the gate knows
//! the plan (frames, texts, loudness); without one it checks what holds for every advertisement.

use std::path::Path;

use spotwright_core::domain::copy_rules::reading::{CHINESE_PER_SECOND, LATIN_PER_SECOND};
use spotwright_core::ports::video_backend::{FrameStatistics, GateCheck, GateReport};
use spotwright_media::{Content, Sink, VideoView, decode};
use spotwright_schemas::placement::PlacementKind;
use spotwright_schemas::storyboard::Storyboard;

use crate::error::{Error, used_up};
use crate::label::{self, Label};
use crate::lines::is_cjk;
use crate::music;
use crate::pixels::from_yuv;
use crate::scene::{TextBox, TextKind};
use crate::statistics::{Sampler, sampled_frames};

/// Smallest contrast of text (WCAG 2.2, level AA).
const MIN_CONTRAST: f64 = 4.5;
/// Loudness that is aimed at where no storyboard says otherwise.
const LUFS: f64 = -14.0;
/// Mean luma change over half a second below which a picture counts as frozen, in codes of 255. A
/// zoom of 12 % over four seconds changes a photograph by 1 and more.
pub(crate) const FROZEN: f64 = 0.02;

/// A shot's part of the plan: its length and its texts at rest.
pub(crate) struct ShotPlan {
    pub(crate) frames: u32,
    pub(crate) boxes: std::sync::Arc<[TextBox]>,
}

/// What a file is checked against.
pub(crate) struct Plan<'a> {
    pub(crate) board: &'a Storyboard,
    pub(crate) shots: &'a [ShotPlan],
    /// Id expected in the metadata label; `None` accepts any.
    pub(crate) produce_id: Option<&'a str>,
    /// Frame to keep as a still.
    pub(crate) still: u32,
}

/// What one decoding gave.
pub(crate) struct Verdict {
    pub(crate) report: GateReport,
    pub(crate) statistics: FrameStatistics,
    /// RGB bytes, width and height of the kept frame.
    pub(crate) still: Option<(Vec<u8>, u32, u32)>,
}

/// Checks any file against a placement, without a plan.
///
/// Checked: it decodes whole; H.264 in 4:2:0 with BT.709 tags and a steady frame rate; size, length
/// and bytes of the placement; sound that starts and ends with the picture, at -14 LUFS ± 0.5 and at
/// most -1 dBTP; no black, frozen or silent stretch; the metadata label of AI-made content.
#[must_use]
pub fn check_file(file: &Path, placement: PlacementKind) -> GateReport {
    let mut watch = Watch::new(None);
    let mut checks = Checks::default();
    match decode(file, &mut watch) {
        Ok(content) => {
            common_checks(&mut checks, &watch, &content, placement, LUFS);
            label_check(&mut checks, &content, None);
        }
        Err(error) => checks.add("readable", false, error.to_string(), "an MP4 that decodes"),
    }
    checks.report()
}

/// Checks a file against its plan.
///
/// # Errors
/// [`Error::Media`] when the machine has nothing left to read the file with, which says nothing about
/// the file.
pub(crate) fn check_plan(file: &Path, plan: &Plan<'_>) -> Result<Verdict, Error> {
    let mut watch = Watch::new(Some(plan));
    let mut checks = Checks::default();
    let content = match decode(file, &mut watch) {
        Ok(content) => content,
        Err(error) if used_up(&error) => return Err(error.into()),
        Err(error) => {
            checks.add("readable", false, error.to_string(), "an MP4 that decodes");
            let statistics = FrameStatistics::default();
            return Ok(Verdict { report: checks.report(), statistics, still: None });
        }
    };
    let board = plan.board;
    frame_checks(&mut checks, &content, board);
    common_checks(&mut checks, &watch, &content, board.placement, board.audio.loudness_lufs);
    text_checks(&mut checks, plan, &watch);
    visible_label_checks(&mut checks, plan, &watch);
    label_check(&mut checks, &content, plan.produce_id);
    let seconds = f64::from(board.frames()) / f64::from(board.fps);
    let loudness = watch.loudness().map_or(-70.0, |(lufs, _)| lufs);
    let area = text_area(plan.shots, board);
    let still = watch.still.take();
    let statistics = watch.sampler.finish(plan.shots.len().saturating_sub(1), seconds, area, loudness);
    Ok(Verdict { report: checks.report(), statistics, still })
}

/// Mean share of the frame under caption and detail ink boxes, weighted by the shots' lengths.
pub(crate) fn text_area(shots: &[ShotPlan], board: &Storyboard) -> f64 {
    let frame = f64::from(board.size.width) * f64::from(board.size.height);
    let total: f64 = shots.iter().map(|shot| f64::from(shot.frames)).sum();
    let covered = |shot: &ShotPlan| -> f64 {
        let of_text =
            |b: &&TextBox| matches!(b.kind, TextKind::Caption | TextKind::Detail | TextKind::Button);
        shot.boxes.iter().filter(of_text).map(|b| (b.rect[2] * b.rect[3]) as f64).sum::<f64>()
    };
    let weighted: f64 = shots.iter().map(|shot| covered(shot) * f64::from(shot.frames)).sum();
    (weighted / frame / total.max(1.0)).min(1.0)
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

fn frame_checks(checks: &mut Checks, content: &Content, board: &Storyboard) {
    let planned = board.frames();
    let frames = content.video.as_ref().map_or(0, |video| video.frames);
    checks.add("frame_count", frames == planned, frames.to_string(), planned.to_string());
    let seconds = f64::from(planned) / f64::from(board.fps);
    let shown = content.video.as_ref().map_or(0.0, |video| video.end - video.start);
    let near = (shown - seconds).abs() <= 1.001 / f64::from(board.fps);
    checks.add("duration", near, format!("{shown:.3} s"), format!("{seconds:.3} s, one frame more or less"));
    let (size, fps) =
        content.video.as_ref().map_or(([0, 0], 0.0), |video| ([video.width, video.height], video.fps));
    let limit = format!("{}x{} at {}", board.size.width, board.size.height, board.fps);
    let pass = size == [board.size.width, board.size.height] && (fps - f64::from(board.fps)).abs() < 0.01;
    checks.add("planned_format", pass, format!("{}x{} at {fps:.3}", size[0], size[1]), limit);
}

fn common_checks(
    checks: &mut Checks,
    watch: &Watch<'_>,
    content: &Content,
    placement: PlacementKind,
    lufs: f64,
) {
    let spec = placement.spec();
    checks.add(
        "decodes",
        content.damaged_packets == 0,
        format!("{} damaged packets", content.damaged_packets),
        "0",
    );
    let Some(video) = &content.video else {
        checks.add("video", false, "no video track", "one H.264 track");
        return;
    };
    let format = format!("{} {}", video.codec, video.pixel_format);
    checks.add("codec", video.codec == "h264" && video.pixel_format == "yuv420p", format, "h264 yuv420p");
    checks.add("color", video.bt709_limited, video.bt709_limited.to_string(), "tagged BT.709, limited range");
    checks.add("steady_frames", video.steady, video.steady.to_string(), "frame k at k / rate seconds");
    let large = video.width >= spec.min_size[0] && video.height >= spec.min_size[1];
    let limit = format!("at least {}x{}", spec.min_size[0], spec.min_size[1]);
    checks.add("placement_size", large, format!("{}x{}", video.width, video.height), limit);
    let seconds = video.end - video.start;
    if let Some([shortest, longest]) = spec.seconds {
        let pass = seconds >= f64::from(shortest) - 0.05 && seconds <= f64::from(longest) + 0.05;
        checks.add(
            "placement_seconds",
            pass,
            format!("{seconds:.2} s"),
            format!("{shortest} to {longest} s"),
        );
    }
    let fits = content.bytes <= spec.max_bytes;
    checks.add("placement_bytes", fits, content.bytes.to_string(), format!("at most {}", spec.max_bytes));

    let black = watch.longest_black(video.fps);
    checks.add("black", black <= 0.2, format!("{black:.2} s"), "at most 0.20 s");
    let frozen = watch.longest_frozen();
    checks.add("frozen", frozen <= 1.0, format!("{frozen:.2} s"), "at most 1.00 s");
    sound_checks(checks, watch, content, seconds, lufs);
}

fn sound_checks(checks: &mut Checks, watch: &Watch<'_>, content: &Content, seconds: f64, lufs: f64) {
    let (Some(video), Some(audio)) = (&content.video, &content.audio) else {
        checks.add("sound", false, "no sound track", "one AAC track");
        return;
    };
    let format = format!("{} {} Hz, {} channels", audio.codec, audio.rate, audio.channels);
    let pass = audio.codec == "aac" && audio.channels == 2 && [44_100, 48_000].contains(&audio.rate);
    checks.add("sound", pass, format, "aac, 44100 or 48000 Hz, 2 channels");
    let drift = (audio.start - video.start).abs().max((audio.end - video.end).abs());
    checks.add("drift", drift <= 0.020, format!("{:.1} ms", drift * 1e3), "at most 20.0 ms");
    match watch.loudness() {
        // Gated loudness needs a few seconds of sound to mean anything.
        Some((measured, peak)) => {
            let near = (measured - lufs).abs() <= 0.5;
            checks.add("loudness", near, format!("{measured:.2} LUFS"), format!("{lufs:.1} ± 0.5 LUFS"));
            checks.add("true_peak", peak <= -1.0, format!("{peak:.2} dBTP"), "at most -1.00 dBTP");
        }
        None => checks.add("loudness", false, "cannot be measured", format!("{lufs:.1} ± 0.5 LUFS")),
    }
    let silent = watch.longest_silence();
    let limit = (seconds * 0.2).min(1.0);
    checks.add("silence", silent <= limit, format!("{silent:.2} s"), format!("at most {limit:.2} s"));
}

fn label_check(checks: &mut Checks, content: &Content, produce_id: Option<&str>) {
    let written = content.metadata.get(label::KEY);
    let read = written.and_then(|text| Label::parse(text));
    let pass = read.as_ref().is_some_and(|label| produce_id.is_none_or(|id| label.produce_id == id));
    let limit = produce_id.map_or_else(|| "present".to_owned(), |id| format!("present, ProduceID {id}"));
    checks.add("ai_metadata", pass, written.map_or("absent", String::as_str), limit);
}

fn text_checks(checks: &mut Checks, plan: &Plan<'_>, watch: &Watch<'_>) {
    let board = plan.board;
    let (width, height) = (f64::from(board.size.width), f64::from(board.size.height));
    let covered = board.placement.spec().covered.map(f64::from);
    let safe = [width * 0.06, covered[0] * height, width * 0.94, (1.0 - covered[1]) * height];
    let mut outside = Vec::new();
    for (idx, shot) in plan.shots.iter().enumerate() {
        for b in shot.boxes.iter() {
            let [x, y, w, h] = b.rect.map(|side| side as f64);
            // One pixel of tolerance for the antialiased edge of a glyph.
            let inside =
                x >= safe[0] - 1.0 && y >= safe[1] - 1.0 && x + w <= safe[2] + 1.0 && y + h <= safe[3] + 1.0;
            if !inside {
                outside.push(format!("{:?} of shot {idx}", b.kind));
            }
        }
    }
    let limit = format!("inside {:.0},{:.0}–{:.0},{:.0}", safe[0], safe[1], safe[2], safe[3]);
    let value = if outside.is_empty() { "all inside".to_owned() } else { outside.join(", ") };
    checks.add("safe_zone", outside.is_empty(), value, limit);

    let mut worst_reading = 0.0_f64;
    for shot in &board.shots {
        let chars = |text: &str| {
            let chinese = text.chars().filter(|c| is_cjk(*c)).count() as f64;
            let latin = text.chars().filter(|c| !is_cjk(*c) && !c.is_whitespace()).count() as f64;
            chinese / CHINESE_PER_SECOND + latin / LATIN_PER_SECOND
        };
        let needed = chars(&shot.caption) + chars(&shot.detail) + chars(&shot.button);
        worst_reading = worst_reading.max(needed / (f64::from(shot.frames) / f64::from(board.fps)));
    }
    let value = format!("{:.0} % of the shot's time", worst_reading * 100.0);
    checks.add(
        "reading_time",
        worst_reading <= 1.0,
        value,
        "at most 9 Chinese or 21 Latin characters a second",
    );

    let legible = |shot: &ShotPlan| shot.boxes.iter().filter(|b| b.letters).count();
    let planned: usize = plan.shots.iter().map(legible).sum();
    let worst = watch.contrasts.iter().map(|c| c.ratio).fold(f64::INFINITY, f64::min);
    let measured = watch.contrasts.iter().filter(|c| !c.late).count();
    let value = if measured == 0 {
        "nothing measured".to_owned()
    } else {
        format!("{worst:.2}:1 at worst, {measured} lines")
    };
    let pass = measured == planned && (planned == 0 || worst >= MIN_CONTRAST);
    checks.add("text_contrast", pass, value, format!("at least {MIN_CONTRAST}:1 on all {planned} lines"));
}

/// The visible label: required where the law asks for it (zh-CN), and wherever a shot asks for it.
fn visible_label_checks(checks: &mut Checks, plan: &Plan<'_>, watch: &Watch<'_>) {
    let board = plan.board;
    let asked = board.shots.iter().any(|shot| shot.ai_label);
    if !board.locale.is_chinese() && !asked {
        return;
    }
    let labelled: u32 = board.shots.iter().take_while(|shot| shot.ai_label).map(|shot| shot.frames).sum();
    let seconds = f64::from(labelled) / f64::from(board.fps);
    checks.add("ai_label_time", seconds >= 2.0, format!("{seconds:.2} s from the start"), "at least 2.00 s");
    let shortest = board.size.width.min(board.size.height) as f64;
    let of_label = |b: &&TextBox| b.kind == TextKind::AiLabel;
    let boxes = plan.shots.iter().take_while(|shot| shot.boxes.iter().any(|b| of_label(&b)));
    let height =
        boxes.flat_map(|shot| shot.boxes.iter().filter(of_label)).map(|b| b.rect[3]).min().unwrap_or(0);
    let share = height as f64 / shortest;
    checks.add(
        "ai_label_height",
        share >= 0.05,
        format!("{:.1} %", share * 100.0),
        "at least 5.0 % of the shorter side",
    );
    let seen: Vec<&Contrast> = watch.contrasts.iter().filter(|c| c.kind == TextKind::AiLabel).collect();
    let pass = seen.len() >= 2 && seen.iter().all(|c| c.ratio >= MIN_CONTRAST);
    checks.add(
        "ai_label_visible",
        pass,
        format!("{} sightings", seen.len()),
        "readable at the start and later in each labelled shot",
    );
}

/// Whether a picture counts as black: less than 2 % of its lumas above a tenth of their range.
pub(crate) fn is_black(luma: &[u8]) -> bool {
    luma.iter().filter(|y| **y > 32).count() * 50 < luma.len()
}

struct Contrast {
    kind: TextKind,
    ratio: f64,
    /// A second look at the same line.
    late: bool,
}

/// Looks at every decoded frame.
struct Watch<'a> {
    plan: Option<&'a Plan<'a>>,
    /// First frame of each planned shot.
    starts: Vec<u32>,
    sampled: Vec<u32>,
    sampler: Sampler,
    still: Option<(Vec<u8>, u32, u32)>,
    black_run: u32,
    black_longest: u32,
    thumbs: Option<(f64, Vec<u8>)>,
    frozen_run: f64,
    frozen_longest: f64,
    contrasts: Vec<Contrast>,
    sound: Vec<f32>,
    channels: usize,
    rate: u32,
}

impl<'a> Watch<'a> {
    fn new(plan: Option<&'a Plan<'a>>) -> Self {
        let mut starts = Vec::new();
        let mut next = 0;
        for shot in plan.map_or(&[][..], |plan| plan.shots) {
            starts.push(next);
            next += shot.frames;
        }
        Self {
            plan,
            starts,
            sampled: plan.map(|plan| sampled_frames(plan.board.frames(), plan.board.fps)).unwrap_or_default(),
            sampler: Sampler::default(),
            still: None,
            black_run: 0,
            black_longest: 0,
            thumbs: None,
            frozen_run: 0.0,
            frozen_longest: 0.0,
            contrasts: Vec::new(),
            sound: Vec::new(),
            channels: 0,
            rate: 0,
        }
    }

    fn longest_black(&self, fps: f64) -> f64 {
        f64::from(self.black_longest) / fps.max(1.0)
    }

    fn longest_frozen(&self) -> f64 {
        self.frozen_longest
    }

    fn loudness(&self) -> Option<(f64, f64)> {
        if self.sound.is_empty() {
            return None;
        }
        music::loudness(&self.sound, self.channels as u32, self.rate).ok()
    }

    /// Longest stretch of tenths of a second below -60 dBFS, in seconds.
    fn longest_silence(&self) -> f64 {
        let window = (self.rate as usize / 10).max(1) * self.channels.max(1);
        let (mut run, mut longest) = (0_u32, 0_u32);
        for part in self.sound.chunks(window) {
            let power = part.iter().map(|s| f64::from(*s).powi(2)).sum::<f64>() / part.len() as f64;
            run = if power < 1e-6 { run + 1 } else { 0 };
            longest = longest.max(run);
        }
        f64::from(longest) / 10.0
    }

    fn look_for_stills(&mut self, view: &VideoView<'_>) {
        let (plane, stride) = view.planes[0];
        let mut thumb = Vec::with_capacity(view.width * view.height / 36);
        for row in (0..view.height).step_by(6) {
            for y in plane[row * stride..row * stride + view.width].iter().step_by(6) {
                thumb.push(*y);
            }
        }
        self.black_run = if is_black(&thumb) { self.black_run + 1 } else { 0 };
        self.black_longest = self.black_longest.max(self.black_run);
        match &self.thumbs {
            Some((since, _)) if view.seconds - since < 0.499 => {}
            Some((since, before)) => {
                let change: u64 = before.iter().zip(&thumb).map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
                let frozen = change as f64 / (thumb.len().max(1) as f64) < FROZEN;
                self.frozen_run = if frozen { self.frozen_run + view.seconds - since } else { 0.0 };
                self.frozen_longest = self.frozen_longest.max(self.frozen_run);
                self.thumbs = Some((view.seconds, thumb));
            }
            None => self.thumbs = Some((view.seconds, thumb)),
        }
    }

    /// Measures each line once it has come to rest, and the AI label at its first frame too.
    fn look_at_texts(&mut self, view: &VideoView<'_>, plan: &Plan<'_>) {
        let shot_idx = self.starts.partition_point(|start| *start <= view.index).saturating_sub(1);
        let Some(shot) = plan.shots.get(shot_idx) else { return };
        let at = view.index - self.starts[shot_idx];
        let fps = f64::from(plan.board.fps);
        for b in shot.boxes.iter().filter(|b| b.letters) {
            // Two frames later than planned, away from the last eased pixel.
            let rest = ((b.settled * fps).ceil() as u32 + 2).min(shot.frames - 1);
            let first_look = b.kind == TextKind::AiLabel && at == 0 && rest != 0;
            if at == rest || first_look {
                let ratio = contrast(view, b);
                self.contrasts.push(Contrast { kind: b.kind, ratio, late: first_look });
            }
        }
    }
}

impl Sink for Watch<'_> {
    fn picture(&mut self, view: &VideoView<'_>) {
        self.look_for_stills(view);
        let Some(plan) = self.plan else { return };
        let planned_size =
            view.width == plan.board.size.width as usize && view.height == plan.board.size.height as usize;
        if planned_size {
            self.look_at_texts(view, plan);
        }
        if self.sampled.contains(&view.index) {
            let shot = self.starts.partition_point(|start| *start <= view.index);
            self.sampler.add(shot, view.width, view.height, view.planes);
        }
        if view.index == plan.still {
            self.still = Some((to_rgb(view), view.width as u32, view.height as u32));
        }
    }

    fn sound(&mut self, samples: &[f32], channels: usize, rate: u32) {
        self.sound.extend_from_slice(samples);
        self.channels = channels;
        self.rate = rate;
    }
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

fn color_at(view: &VideoView<'_>, x: usize, y: usize) -> [u8; 3] {
    let [(luma, a), (blue, b), (red, c)] = view.planes;
    from_yuv(luma[y * a + x], blue[y / 2 * b + x / 2], red[y / 2 * c + x / 2])
}

/// Contrast ratio (WCAG 2.2) between the ink of a line and the pixels around it.
///
/// Ink: the median of pixels that are wholly covered. Ground: pixels within a third of the line's
/// height of the box and at least 3 pixels from any ink, since chroma is halved and edges ring; the
/// decile nearest to the ink, so that one bright spot under a line is not averaged away.
fn contrast(view: &VideoView<'_>, text: &TextBox) -> f64 {
    let [x0, y0, w, h] = text.rect;
    let luminance = |x: usize, y: usize| {
        let [r, g, b] = color_at(view, x, y);
        spotwright_schemas::storyboard::Color { r, g, b }.luminance()
    };
    let covered = |x: i64, y: i64| -> u8 {
        if x < 0 || y < 0 || x >= w || y >= h { 0 } else { text.coverage[(y * w + x) as usize] }
    };
    let inside = |x: i64, y: i64| {
        let (x, y) = (usize::try_from(x0 + x).ok()?, usize::try_from(y0 + y).ok()?);
        (x < view.width && y < view.height).then_some((x, y))
    };
    let (mut ink, mut ground) = (Vec::new(), Vec::new());
    // Labels and buttons bring their own ground, which ends a little outside the text.
    let own_ground = matches!(text.kind, TextKind::AiLabel | TextKind::Button);
    let margin = if own_ground { 1 } else { (h / 3).clamp(2, 24) };
    let step = if w * h > 40_000 { 2 } else { 1 };
    for y in (-margin..h + margin).step_by(step) {
        for x in (-margin..w + margin).step_by(step) {
            let Some((px, py)) = inside(x, y) else { continue };
            let here = covered(x, y);
            if here >= 250 {
                ink.push(luminance(px, py));
            } else if here == 0 {
                let near = [(-3, 0), (3, 0), (0, -3), (0, 3), (-2, -2), (2, 2), (-2, 2), (2, -2)];
                if near.iter().all(|(dx, dy)| covered(x + dx, y + dy) == 0) {
                    ground.push(luminance(px, py));
                }
            }
        }
    }
    if ink.is_empty() || ground.is_empty() {
        return 0.0;
    }
    ink.sort_by(f64::total_cmp);
    ground.sort_by(f64::total_cmp);
    let text_luminance = ink[ink.len() / 2];
    let lighter = text_luminance > ground[ground.len() / 2];
    let worst = if lighter { ground[ground.len() * 9 / 10] } else { ground[ground.len() / 10] };
    (text_luminance.max(worst) + 0.05) / (text_luminance.min(worst) + 0.05)
}
