//! What the caged child does with the pictures of a foreign file: tell, show one, make a clip of ours.

use std::fs::File;
use std::path::Path;

use ffmpeg_next::media;

use crate::convert::{self, Converter};
use crate::foreign::{self, Picture, Pictures};
use crate::frame::Yuv420;
use crate::limits::Limits;
use crate::plan::{ClipFacts, ClipPlan, ColorOf, Matrix, Probe, ProbedVideo, SoundFacts};
use crate::protocol::{CLIP, Fault, SOUND, STILL, STILLS};
use crate::sniff::Kind;
use crate::sound::{self, Window};
use crate::video::{VideoEncoder, VideoFormat};

/// Seconds into a clip from which on it is worth to jump to a key picture and not decode up to it.
const JUMP_FROM: i64 = 10;
/// Seconds before the wanted place that a jump aims at.
const JUMP_BEFORE: i64 = 2;

/// Tells what a file holds.
pub(crate) fn probe(file: &File, kind: Kind, limits: &Limits) -> Result<Probe, Fault> {
    let (video, tracks) = match Pictures::open(file, kind, limits) {
        Ok(mut pictures) => {
            let tracks = pictures.tracks();
            (Some(probe_video(file, kind, limits, &mut pictures)?), tracks)
        }
        Err(Fault::NoVideo) => (None, foreign::open(file, kind)?.nb_streams()),
        Err(other) => return Err(other),
    };
    let sound = if kind.is_picture() { None } else { sound::probe(file, kind, limits)? };
    if video.is_none() && sound.is_none() {
        return Err(Fault::Nothing);
    }
    let used = u32::from(video.is_some()) + u32::from(sound.is_some());
    Ok(Probe { kind, video, sound, ignored_tracks: tracks.saturating_sub(used) })
}

/// Decodes the first picture for color and turn, and counts the others without decoding.
fn probe_video(
    file: &File,
    kind: Kind,
    limits: &Limits,
    pictures: &mut Pictures,
) -> Result<ProbedVideo, Fault> {
    let first = pictures.next()?.ok_or_else(|| Fault::damaged("no picture of it decodes"))?;
    let color = pictures.color(&first.frame, convert::is_rgb(&first.frame))?;
    let (width, height) = pictures.size();
    let mut input = foreign::open(file, kind)?;
    let track = foreign::track(&input, media::Type::Video).ok_or(Fault::NoVideo)?.index();
    let (mut frames, mut damaged) = (0_u64, 0);
    let (mut start, mut end) = (i64::MAX, i64::MIN);
    while let Some(packet) = foreign::next_packet(&mut input, track, &mut damaged) {
        frames += 1;
        limits.check_frames(frames)?;
        if let Some(at) = packet.pts().or_else(|| packet.dts()) {
            start = start.min(at);
            let lasts = if packet.duration() > 0 { packet.duration() } else { first.lasts };
            end = end.max(at.saturating_add(lasts));
        }
    }
    let seconds = end.saturating_sub(start).max(0) as f64 * f64::from(pictures.base);
    limits.check_seconds(seconds)?;
    let fps = if frames > 1 && seconds > 0.0 { frames as f64 / seconds } else { 0.0 };
    limits.check_fps(fps)?;
    Ok(ProbedVideo {
        codec: pictures.codec.clone(),
        width,
        height,
        pixel_aspect: pictures.pixel_aspect,
        rotation: pictures.turn.quarters * 90,
        mirrored: pictures.turn.mirrored,
        fps,
        frames: u32::try_from(frames).unwrap_or(u32::MAX),
        seconds,
        color,
    })
}

/// Writes picture `number` as a PNG whose longer side is at most `side_px`; returns its size.
pub(crate) fn still(
    file: &File,
    kind: Kind,
    limits: &Limits,
    folder: &Path,
    number: u32,
    side_px: u32,
) -> Result<(u32, u32), Fault> {
    if side_px < 2 {
        return Err(Fault::plan("side_px", "must be at least 2"));
    }
    let mut pictures = Pictures::open(file, kind, limits)?;
    let mut seen = 0;
    while let Some(picture) = pictures.next()? {
        if seen == number {
            let color = pictures.color(&picture.frame, convert::is_rgb(&picture.frame))?;
            let width = f64::from(picture.frame.width()) * pictures.pixel_aspect;
            let height = f64::from(picture.frame.height());
            let (width, height) = if pictures.turn.swaps() { (height, width) } else { (width, height) };
            let scale = (f64::from(side_px.min(limits.side_px)) / width.max(height)).min(1.0);
            let even = |side: f64| ((side * scale / 2.0).round() as u32 * 2).max(2);
            let (width, height) = (even(width), even(height));
            let shown = Converter::new(width, height).convert(
                &picture.frame,
                color,
                pictures.turn,
                pictures.pixel_aspect,
            )?;
            write_png(&folder.join(STILL), &shown)?;
            return Ok((width, height));
        }
        seen += 1;
    }
    Err(Fault::TooShort { have: seen, needed: number.saturating_add(1) })
}

/// Makes a clip of ours.
pub(crate) fn import(
    file: &File,
    kind: Kind,
    limits: &Limits,
    folder: &Path,
    plan: &ClipPlan,
) -> Result<(ClipFacts, SoundFacts), Fault> {
    check(plan, limits)?;
    let mut pictures = Pictures::open(file, kind, limits)?;
    let format = VideoFormat {
        width: plan.width,
        height: plan.height,
        fps: plan.fps,
        crf: plan.crf,
        // Half a second: any picture is reached by decoding few others.
        keyframe_every: (plan.fps / 2).max(1),
    };
    let encoder = VideoEncoder::create(&folder.join(CLIP), format)?;
    let mut making = Making {
        plan,
        converter: Converter::new(plan.width, plan.height),
        encoder,
        watch: Watch::new(plan.fps),
        folder,
        current: None,
        color: None,
        written: 0,
        source_frames: 0,
        held_frames: 0,
    };
    let zero = making.run(&mut pictures)?;
    let window = Window {
        start: zero as f64 * f64::from(pictures.base) + f64::from(plan.start_frame) / f64::from(plan.fps),
        seconds: f64::from(plan.frames) / f64::from(plan.fps),
    };
    let facts = making.finish()?;
    let sound = match &plan.sound {
        None => SoundFacts::Unwanted,
        Some(_) if kind.is_picture() => SoundFacts::Absent,
        Some(sound) => sound::import(file, kind, limits, window, sound, &folder.join(SOUND))?,
    };
    Ok((facts, sound))
}

fn check(plan: &ClipPlan, limits: &Limits) -> Result<(), Fault> {
    for (field, side) in [("width", plan.width), ("height", plan.height)] {
        if !(16..=limits.side_px).contains(&side) || !side.is_multiple_of(2) {
            return Err(Fault::plan(field, "must be even, at least 16 and within the largest side"));
        }
    }
    if !(1..=limits.fps).contains(&plan.fps) {
        return Err(Fault::plan("fps", "must be at least 1 and within the largest frame rate"));
    }
    if plan.frames == 0 || plan.frames > limits.frames {
        return Err(Fault::plan("frames", "must be at least 1 and within the largest number of pictures"));
    }
    if plan.start_frame > limits.frames {
        return Err(Fault::plan("start_frame", "lies beyond the longest clip"));
    }
    if plan.crf > 51 {
        return Err(Fault::plan("crf", "must be at most 51"));
    }
    if let Some(sound) = &plan.sound {
        if !(8_000..=192_000).contains(&sound.rate) {
            return Err(Fault::plan("sound.rate", "must be 8,000 to 192,000"));
        }
        if !(-60.0..=0.0).contains(&sound.lufs) || !(-20.0..=0.0).contains(&sound.true_peak) {
            return Err(Fault::plan(
                "sound",
                "wants a loudness of -60 to 0 LUFS and a peak of -20 to 0 dBTP",
            ));
        }
    }
    Ok(())
}

/// A clip in the making.
struct Making<'a> {
    plan: &'a ClipPlan,
    converter: Converter,
    encoder: VideoEncoder,
    watch: Watch,
    folder: &'a Path,
    /// The picture that is being shown, converted.
    current: Option<Yuv420>,
    color: Option<ColorOf>,
    written: u32,
    source_frames: u32,
    held_frames: u32,
}

impl Making<'_> {
    /// Shows at each of the plan's times the picture of the nearest time stamp; of two equally near ones,
    /// the earlier. Returns the time stamp of the file's first picture, from which the plan counts.
    fn run(&mut self, pictures: &mut Pictures) -> Result<i64, Fault> {
        let mut previous = pictures.next()?.ok_or_else(|| Fault::damaged("no picture of it decodes"))?;
        let zero = previous.at;
        let clock = Clock::new(pictures, zero, self.plan);
        if i64::from(self.plan.start_frame) > JUMP_FROM * i64::from(self.plan.fps) {
            let before = JUMP_BEFORE * i64::from(self.plan.fps);
            pictures.seek(clock.ticks(-before))?;
            previous = pictures.next()?.ok_or_else(|| self.too_short(0))?;
            if clock.is_before(0, previous.at) {
                return Err(Fault::damaged("its index"));
            }
        }
        let mut used = false;
        while self.written < self.plan.frames {
            let Some(next) = pictures.next()? else { break };
            while self.written < self.plan.frames && !clock.is_nearer(self.written, previous.at, next.at) {
                self.show(pictures, &previous, &mut used)?;
            }
            previous = next;
            used = false;
        }
        // The last picture is there to its end, and held beyond it where the plan allows.
        let end = previous.at.saturating_add(previous.lasts);
        while self.written < self.plan.frames {
            if !clock.is_before(self.written, end) {
                let needed = self.plan.frames.saturating_sub(self.plan.hold_frames);
                if self.written < needed.max(1) {
                    return Err(self.too_short(self.written));
                }
                self.held_frames += 1;
            }
            self.show(pictures, &previous, &mut used)?;
        }
        if pictures.damaged > 0 {
            return Err(Fault::damaged(format!("{} of its pictures do not decode", pictures.damaged)));
        }
        Ok(zero)
    }

    fn too_short(&self, have: u32) -> Fault {
        Fault::TooShort { have, needed: self.plan.frames.saturating_sub(self.plan.hold_frames).max(1) }
    }

    fn show(&mut self, pictures: &Pictures, picture: &Picture, used: &mut bool) -> Result<(), Fault> {
        if !*used {
            let color = pictures.color(&picture.frame, convert::is_rgb(&picture.frame))?;
            self.color.get_or_insert(color);
            let shown =
                self.converter.convert(&picture.frame, color, pictures.turn, pictures.pixel_aspect)?;
            self.current = Some(shown);
            self.source_frames += 1;
            *used = true;
        }
        let Some(shown) = &self.current else { return Ok(()) };
        self.encoder.write(shown)?;
        self.watch.look(shown);
        let marks = [0, self.plan.frames / 2, self.plan.frames - 1];
        for (mark, name) in marks.iter().zip(STILLS) {
            if *mark == self.written {
                write_png(&self.folder.join(name), shown)?;
            }
        }
        self.written += 1;
        Ok(())
    }

    fn finish(self) -> Result<ClipFacts, Fault> {
        let frames = self.encoder.finish()?;
        Ok(ClipFacts {
            frames,
            held_frames: self.held_frames,
            source_frames: self.source_frames,
            mean_luma: self.watch.luma / f64::from(frames.max(1)),
            black_frames: self.watch.black_longest,
            frozen_frames: self.watch.frozen_longest,
            color: self.color.unwrap_or(ColorOf { matrix: Matrix::Bt709, full_range: false, guessed: true }),
        })
    }
}

/// Times of the plan against time stamps of the file, in whole numbers: nothing drifts.
struct Clock {
    /// Ticks times this are comparable with frames times `per_frame`.
    per_tick: i128,
    per_frame: i128,
    zero: i128,
    start: i128,
}

impl Clock {
    fn new(pictures: &Pictures, zero: i64, plan: &ClipPlan) -> Self {
        // tick · num / den seconds against frame / fps seconds.
        Self {
            per_tick: i128::from(pictures.base.0) * i128::from(plan.fps),
            per_frame: i128::from(pictures.base.1),
            zero: i128::from(zero),
            start: i128::from(plan.start_frame),
        }
    }

    fn frame(&self, number: i64) -> i128 {
        (self.start + i128::from(number)) * self.per_frame
    }

    fn tick(&self, at: i64) -> i128 {
        (i128::from(at) - self.zero) * self.per_tick
    }

    /// Whether a frame of the plan begins before the time stamp.
    fn is_before(&self, number: u32, at: i64) -> bool {
        self.frame(i64::from(number)) < self.tick(at)
    }

    /// Whether the later time stamp is nearer to a frame of the plan than the earlier one.
    fn is_nearer(&self, number: u32, earlier: i64, later: i64) -> bool {
        let frame = self.frame(i64::from(number));
        (self.tick(later) - frame).abs() < (frame - self.tick(earlier)).abs()
    }

    /// The time stamp at or before a frame of the plan.
    fn ticks(&self, number: i64) -> i64 {
        let ticks = self.zero + self.frame(number) / self.per_tick.max(1);
        ticks.clamp(i128::from(i64::MIN), i128::from(i64::MAX)) as i64
    }
}

/// Measures black and frozen stretches as the quality gate does.
struct Watch {
    luma: f64,
    black_run: u32,
    black_longest: u32,
    /// Frames between two looks for motion.
    every: u32,
    seen: u32,
    reference: Vec<u8>,
    frozen_run: u32,
    frozen_longest: u32,
}

/// Distance of the pixels that are looked at, in pixels.
const GRID: usize = 6;
/// Mean change of luma over half a second below which a picture counts as frozen, in codes of 255.
const FROZEN: f64 = 0.02;

impl Watch {
    fn new(fps: u32) -> Self {
        Self {
            luma: 0.0,
            black_run: 0,
            black_longest: 0,
            every: (fps / 2).max(1),
            seen: 0,
            reference: Vec::new(),
            frozen_run: 0,
            frozen_longest: 0,
        }
    }

    fn look(&mut self, picture: &Yuv420) {
        let sum: u64 = picture.y.iter().map(|y| u64::from(*y)).sum();
        self.luma += sum as f64 / picture.y.len().max(1) as f64;
        let mut thumb: Vec<u8> = Vec::with_capacity(picture.y.len() / (GRID * GRID) + picture.width);
        for row in picture.y.chunks_exact(picture.width).step_by(GRID) {
            thumb.extend(row.iter().step_by(GRID));
        }
        let is_black = thumb.iter().filter(|y| **y > 32).count() * 50 < thumb.len();
        self.black_run = if is_black { self.black_run + 1 } else { 0 };
        self.black_longest = self.black_longest.max(self.black_run);
        if self.seen.is_multiple_of(self.every) {
            if !self.reference.is_empty() {
                let change: u64 =
                    thumb.iter().zip(&self.reference).map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
                let is_frozen = (change as f64) < FROZEN * thumb.len() as f64;
                self.frozen_run = if is_frozen { self.frozen_run + self.every } else { 0 };
                self.frozen_longest = self.frozen_longest.max(self.frozen_run);
            }
            self.reference = thumb;
        }
        self.seen += 1;
    }
}

/// Writes a picture as an RGB PNG of 8 bits.
fn write_png(path: &Path, picture: &Yuv420) -> Result<(), Fault> {
    let failed = |reason: String| Fault::Output { reason };
    let file = File::create(path).map_err(|error| failed(error.to_string()))?;
    let mut encoder =
        png::Encoder::new(std::io::BufWriter::new(file), picture.width as u32, picture.height as u32);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_compression(png::Compression::Fast);
    let mut writer = encoder.write_header().map_err(|error| failed(error.to_string()))?;
    writer.write_image_data(&convert::to_rgb(picture)).map_err(|error| failed(error.to_string()))?;
    writer.finish().map_err(|error| failed(error.to_string()))
}
