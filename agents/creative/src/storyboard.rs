//! Turns an accepted script into a storyboard.
//!
//! A body, proof or end-card shot depends on its own line, the brief, the pictures and the seed,
//! never on the hook, so variants that share a line share the rendered shot. Music depends on the
//! brief and the seed only.

use spotwright_schemas::Problem;
use spotwright_schemas::brief::{Brief, Tone};
use spotwright_schemas::error::Code;
use spotwright_schemas::placement::PlacementKind;
use spotwright_schemas::random::Stream;
use spotwright_schemas::script::{Direction, Hook, Line, Role, Script};
use spotwright_schemas::storyboard::{
    Audio, CaptionMotion, Footage, FrameSize, Layout, Motion, Packshots, Palette, Shot, Storyboard,
    VisualStyle,
};

use crate::copy_engine::ROLE_FRAMES;
use crate::footage::generated;
use crate::look::{Setting, look};
use crate::text::{length, reading_speed};

/// Frames per second of every storyboard.
pub const FPS: u32 = 30;
/// Length of every storyboard in frames: 15 seconds.
pub const TOTAL_FRAMES: u32 = 450;
/// Shortest opening shot: the visible mark of AI-made content must stand for two seconds.
pub const MIN_HOOK_FRAMES: u32 = 60;
/// Longest body, proof and end-card shot; with the shortest opening they fill the video.
const MAX_SHARED_FRAMES: [u32; 3] = [150, 120, 120];
/// Shortest and longest shot of a whole script in frames.
pub(crate) const MIN_WHOLE_FRAMES: u32 = 45;
pub(crate) const MAX_WHOLE_FRAMES: u32 = 150;
/// Integrated loudness in LUFS, the usual target of vertical video players.
const LOUDNESS_LUFS: f64 = -14.0;
/// Enlargement beyond which a picture that fills the frame looks soft.
const MAX_ENLARGEMENT: f64 = 3.25;
/// Share of the frame's height that a wide picture fills in the full-bleed layout, and the share of
/// a picture that must survive cropping for it to fill the whole frame. As the studio draws it.
const WIDE_PICTURE_HEIGHT: f64 = 0.66;
const LEAST_KEPT: f64 = 0.5;

/// A stored product picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PictureRef {
    /// BLAKE3 of the file's bytes, hexadecimal.
    pub hash: String,
    /// Width in pixels, above 0.
    pub width: u32,
    /// Height in pixels, above 0.
    pub height: u32,
}

/// Composes the storyboard of a script: 30 frames per second, 15 seconds or, where a whole script has
/// more to read, a little longer; 720 × 1280 pixels or the placement's smallest size when that is
/// larger.
///
/// Deterministic in all arguments; `seed` is the run's, so that shots are shared over generations.
///
/// # Errors
/// [`Code::Storyboard`] (permanent): `pictures` is empty, the script has not one line per role in
/// order, or a text breaks a rule of [`Storyboard::validate`].
pub fn compose(
    brief: &Brief,
    script: &Script,
    pictures: &[PictureRef],
    seed: u64,
    placement: PlacementKind,
) -> Result<Storyboard, Problem> {
    if pictures.is_empty() {
        return Err(Problem::new(Code::Storyboard, "pictures", "a storyboard needs at least one picture"));
    }
    if !script.is_in_order() {
        let message = "a script opens with a hook, ends with a call to action, and has 4 to 7 lines";
        return Err(Problem::new(Code::Storyboard, "lines", message));
    }
    let size = frame_size(placement);
    let mut style = VisualStyle::default();
    let mut shots: Vec<Shot> =
        script.lines.iter().map(|line| shot(brief, line, script.direction, pictures, size, seed)).collect();
    if script.structure.is_some() {
        pace_whole(brief, script, &mut shots);
        style = vary_whole(brief, script, pictures, size, seed, &mut shots);
    } else {
        let shared: u32 = shots.iter().skip(1).map(|shot| shot.frames).sum();
        shots[0].frames = TOTAL_FRAMES.saturating_sub(shared).max(MIN_HOOK_FRAMES);
    }
    let storyboard = Storyboard {
        locale: script.locale,
        size,
        fps: FPS,
        palette: Palette { primary: brief.brand.colors.primary, accent: brief.brand.colors.accent },
        style,
        packshots: Packshots::OnScenes,
        placement,
        names: vec![brief.product.name.clone(), brief.brand.name.clone()],
        shots,
        audio: audio(brief, seed),
    };
    storyboard.validate()?;
    Ok(storyboard)
}

/// Gives every shot the time its words take. What is left of 15 seconds is shared out, so that a
/// short script breathes; a long one may take up to 20 seconds.
fn pace_whole(brief: &Brief, script: &Script, shots: &mut [Shot]) {
    for (shot, line) in shots.iter_mut().zip(&script.lines) {
        let shortest = if line.role == Role::Hook { MIN_HOOK_FRAMES } else { MIN_WHOLE_FRAMES };
        shot.frames = reading_frames(brief, line).clamp(shortest, MAX_WHOLE_FRAMES);
    }
    let needed: u32 = shots.iter().map(|shot| shot.frames).sum();
    let n = shots.len() as u32;
    let spare = TOTAL_FRAMES.saturating_sub(needed);
    for (idx, shot) in shots.iter_mut().enumerate() {
        shot.frames += spare / n + u32::from((idx as u32) < spare % n);
    }
}

/// Neighboring shots of a whole script show different pictures, where there are two, and are laid out as the
/// script's look says; returns its style.
fn vary_whole(
    brief: &Brief,
    script: &Script,
    pictures: &[PictureRef],
    size: FrameSize,
    seed: u64,
    shots: &mut [Shot],
) -> VisualStyle {
    let first = Stream::new(seed, "pictures").child(hash(&[&brief.id])).below(0, pictures.len());
    let mut settings = Vec::with_capacity(shots.len());
    for (idx, shot) in shots.iter_mut().enumerate() {
        let picture = &pictures[(first + idx) % pictures.len()];
        shot.picture.clone_from(&picture.hash);
        let soft = enlargement(picture, size) > MAX_ENLARGEMENT;
        settings.push(Setting { soft, clip: shot.footage.is_some() });
    }
    let look = look(brief, script, &settings, seed);
    for (shot, layout) in shots.iter_mut().zip(look.layouts) {
        shot.layout = layout;
    }
    look.style
}

/// Frames a viewer needs to read a line, with a third of a second to look at the picture.
#[must_use]
pub fn reading_frames(brief: &Brief, line: &Line) -> u32 {
    let count = (length(&line.caption) + length(&line.detail)) as f64;
    (count / reading_speed(brief.locale) * f64::from(FPS)).ceil() as u32 + FPS / 3
}

fn frame_size(placement: PlacementKind) -> FrameSize {
    let spec = placement.spec();
    let [width, height] = spec.min_size;
    if width > 720 {
        return FrameSize { width, height };
    }
    // Even heights, as the encoder needs them.
    FrameSize { width: 720, height: 720 * height / width / 2 * 2 }
}

fn shot(
    brief: &Brief,
    line: &Line,
    direction: Direction,
    pictures: &[PictureRef],
    size: FrameSize,
    seed: u64,
) -> Shot {
    let stream = line_stream(brief, line, seed);
    let picture = picture_for(brief, line.role, pictures, seed, stream);
    let soft = enlargement(picture, size) > MAX_ENLARGEMENT;
    let layout = match line.role {
        Role::Hook => hook_layout(direction, soft, stream),
        Role::Body if soft => Layout::Card,
        Role::Body => [Layout::FullBleed, Layout::Card][stream.below(1, 2)],
        Role::Proof => [Layout::Poster, Layout::Poster, Layout::Card][stream.below(1, 3)],
        Role::Cta => Layout::EndCard,
    };
    let motion = [Motion::PushIn, Motion::PullOut, Motion::PanRight, Motion::PanLeft][stream.below(2, 4)];
    let caption_motion = match brief.brand.tone {
        Tone::Bold => [CaptionMotion::Grow, CaptionMotion::Words, CaptionMotion::Lines],
        Tone::Playful => [CaptionMotion::Grow, CaptionMotion::Words, CaptionMotion::SlideUp],
        Tone::Warm | Tone::Plain => [CaptionMotion::SlideUp, CaptionMotion::Words, CaptionMotion::Lines],
    }[stream.below(3, 3)];
    let is_end = line.role == Role::Cta;
    Shot {
        role: line.role,
        frames: shared_frames(brief, line),
        layout,
        picture: picture.hash.clone(),
        motion,
        caption: line.caption.clone(),
        detail: line.detail.clone(),
        footage: generated(brief, line, motion, pictures, picture, seed).map(Footage::Generated),
        caption_motion,
        button: if is_end { brief.call_to_action.label(brief.locale).to_owned() } else { String::new() },
        brand: brief.brand.name.clone(),
        disclaimer: if is_end { brief.disclaimer.clone().unwrap_or_default() } else { String::new() },
        ai_label: line.role == Role::Hook,
        overlays: Vec::new(),
        voice: None,
    }
}

/// Neighboring shots show different pictures where there are two or more: the brief's order is
/// turned by the seed, the body takes the first picture, proof and end card the following ones, and
/// the opening any but the body's.
fn picture_for<'a>(
    brief: &Brief,
    role: Role,
    pictures: &'a [PictureRef],
    seed: u64,
    line_stream: Stream,
) -> &'a PictureRef {
    let first = Stream::new(seed, "pictures").child(hash(&[&brief.id])).below(0, pictures.len());
    let offset = match role {
        Role::Hook if pictures.len() > 1 => 1 + line_stream.below(0, pictures.len() - 1),
        Role::Hook | Role::Body => 0,
        Role::Proof => 1,
        Role::Cta => 2,
    };
    &pictures[(first + offset) % pictures.len()]
}

/// The role's usual length, longer when the line takes longer to read. The opening gets what the
/// other shots leave, so its own value is replaced by [`compose`].
fn shared_frames(brief: &Brief, line: &Line) -> u32 {
    let usual = ROLE_FRAMES[line.role as usize];
    let needed = reading_frames(brief, line);
    match line.role {
        Role::Hook => usual,
        Role::Body | Role::Proof | Role::Cta => {
            // A short line gives up to half a second to the opening, in steps that stay shared.
            let shortest = usual - FPS / 2;
            needed.clamp(shortest, MAX_SHARED_FRAMES[line.role as usize - 1]).div_ceil(5) * 5
        }
    }
}

/// Variety by direction: figures and statements as posters, scenes over the whole frame.
fn hook_layout(direction: Direction, soft: bool, stream: Stream) -> Layout {
    match direction.hook {
        Hook::Number | Hook::Command => Layout::Poster,
        Hook::Scene | Hook::Question if !soft => Layout::FullBleed,
        Hook::Scene | Hook::Question => Layout::Card,
        Hook::Contrast | Hook::Statement if soft => [Layout::Poster, Layout::Card][stream.below(1, 2)],
        Hook::Contrast | Hook::Statement => {
            [Layout::Poster, Layout::Card, Layout::FullBleed][stream.below(1, 3)]
        }
    }
}

/// How many times the picture is enlarged in the full-bleed layout: to cover the frame, or, when
/// that would cut off more than half of a wide picture, the frame's upper part.
fn enlargement(picture: &PictureRef, size: FrameSize) -> f64 {
    let width = f64::from(size.width) / f64::from(picture.width.max(1));
    let height = f64::from(size.height) / f64::from(picture.height.max(1));
    let kept = width.min(height) / width.max(height);
    if kept < LEAST_KEPT && height > width {
        width.max(height * WIDE_PICTURE_HEIGHT)
    } else {
        width.max(height)
    }
}

fn audio(brief: &Brief, seed: u64) -> Audio {
    let stream = Stream::new(seed, "music").child(hash(&[&brief.id]));
    let slowest = match brief.brand.tone {
        Tone::Plain => 84,
        Tone::Warm => 90,
        Tone::Playful => 108,
        Tone::Bold => 118,
    };
    let tempo = slowest + stream.below(0, 11) as u32;
    Audio { seed: stream.bits(1), tempo, loudness_lufs: LOUDNESS_LUFS }
}

fn line_stream(brief: &Brief, line: &Line, seed: u64) -> Stream {
    let words = hash(&[&brief.id, &line.caption, &line.detail]);
    Stream::new(seed, "shot").child(line.role as u64).child(words)
}

pub(crate) fn hash(parts: &[&str]) -> u64 {
    let mut hasher = blake3::Hasher::new();
    for part in parts {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part.as_bytes());
    }
    let mut bytes = [0_u8; 8];
    bytes.copy_from_slice(&hasher.finalize().as_bytes()[..8]);
    u64::from_le_bytes(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{all, generation};

    fn pictures() -> Vec<PictureRef> {
        [(600, 400), (1440, 2560), (400, 600)]
            .into_iter()
            .enumerate()
            .map(|(idx, (width, height))| PictureRef { hash: idx.to_string().repeat(64), width, height })
            .collect()
    }

    #[test]
    fn storyboards_fill_the_time_and_give_time_to_read() {
        for brief in all() {
            for script in generation(&brief, 12, 4).scripts {
                let board = compose(&brief, &script.script, &pictures(), 9, PlacementKind::SimulatedFeed)
                    .expect("composes");
                assert!((TOTAL_FRAMES..=600).contains(&board.frames()), "{}", board.frames());
                assert!(board.shots[0].ai_label && board.shots[0].frames >= MIN_HOOK_FRAMES);
                for (line, shot) in script.script.lines.iter().zip(&board.shots) {
                    let seconds = f64::from(shot.frames) / f64::from(FPS);
                    let count = length(&line.caption) + length(&line.detail);
                    let speed = count as f64 / seconds;
                    assert!(speed <= reading_speed(brief.locale), "{speed:.1} for {line:?}");
                }
                for pair in board.shots.windows(2) {
                    assert_ne!(pair[0].picture, pair[1].picture, "neighbors show different pictures");
                }
                let end = board.shots.last().expect("has shots");
                assert!(end.layout.is_end());
                assert!(!end.button.is_empty());
            }
        }
    }

    #[test]
    fn shared_lines_make_equal_shots() {
        let brief = crate::fixtures::coffee_en();
        let drafts = generation(&brief, 12, 4).scripts;
        let line =
            |role: Role| drafts.iter().find_map(|draft| draft.script.line(role)).expect("a line").clone();
        let shared = [line(Role::Body), line(Role::Proof), line(Role::Cta)];
        // Scripts of four labelled lines, as the first version wrote them.
        let scripts: Vec<Script> = drafts
            .iter()
            .map(|draft| {
                let mut lines = vec![draft.script.lines[0].clone()];
                lines.extend(shared.iter().cloned());
                Script { structure: None, lines, ..draft.script.clone() }
            })
            .collect();
        let boards: Vec<Storyboard> = scripts
            .iter()
            .map(|script| {
                compose(&brief, script, &pictures(), 9, PlacementKind::SimulatedFeed).expect("composes")
            })
            .collect();
        for board in &boards {
            assert_eq!(board.audio, boards[0].audio);
            assert_eq!(board.shots[1..], boards[0].shots[1..]);
        }
    }

    #[test]
    fn soft_pictures_are_not_stretched_over_the_frame() {
        let brief = crate::fixtures::coffee_en();
        let small = [PictureRef { hash: "0".repeat(64), width: 360, height: 240 }];
        for draft in generation(&brief, 12, 4).scripts {
            let board =
                compose(&brief, &draft.script, &small, 1, PlacementKind::MetaReels).expect("composes");
            assert!(board.shots.iter().all(|shot| shot.layout != Layout::FullBleed));
        }
        let draft = &generation(&brief, 1, 4).scripts[0];
        let problem =
            compose(&brief, &draft.script, &[], 1, PlacementKind::MetaReels).expect_err("no picture");
        assert_eq!(problem.field, "pictures");
    }
}
