//! The shot graph: which distinct shots the variants of an ad consist of, and who uses which.
//!
//! Pure. A shot's key covers everything that fixes its pixels: the renderer's version, the shot with its
//! picture or clip, size, rate, colors, language, placement, names and fonts. Equal keys are one shot, which
//! is made, encoded and checked once; a variant is its shots joined by stream copy, with a sound of its own.
//! Clips that are still to be made are told apart by what is asked of their source, so that a clip of several
//! shots is paid once.

use std::collections::HashMap;

use serde::Serialize;
use spotwright_schemas::script::Role;
use spotwright_schemas::speech::WordTime;
use spotwright_schemas::storyboard::{
    Footage, FrameSize, Generated, Packshots, Palette, Shot, Storyboard, VisualStyle,
};

use crate::error::Error;

/// Part of every key: raised whenever the same storyboard would give other pixels or sounds.
pub(crate) const RENDERER_VERSION: u32 = 8;

/// What the variants consist of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ShotGraph {
    /// Distinct shots, in the order in which they are first used.
    pub shots: Vec<DistinctShot>,
    /// Distinct clips that are still to be made, in the order in which they are first used.
    pub clips: Vec<DistinctClip>,
    /// Shots of all variants together.
    pub uses: usize,
    /// Frames of all variants together.
    pub frames: u64,
    /// Frames of the distinct shots: what is composited and encoded.
    pub distinct_frames: u64,
}

/// One shot, and where it is used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DistinctShot {
    /// BLAKE3 of everything that fixes its pixels, hexadecimal.
    pub key: String,
    /// Its length.
    pub frames: u32,
    /// The clip that it shows, when it is made already.
    pub clip: Option<String>,
    /// Who uses it.
    pub used: Vec<Use>,
}

/// One clip that is to be made, and where it is used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DistinctClip {
    /// BLAKE3 of what is asked of its source, hexadecimal.
    pub key: String,
    /// The longest shot that it is made for, in frames.
    pub frames: u32,
    /// Who uses it.
    pub used: Vec<Use>,
}

/// A place of a shot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Use {
    /// Number of the variant, from 0.
    pub variant: usize,
    /// Number of the shot in it, from 0.
    pub shot: usize,
}

impl ShotGraph {
    /// Shots that need not be made because another variant has them.
    #[must_use]
    pub fn saved_shots(&self) -> usize {
        self.uses - self.shots.len()
    }

    /// Frames that need not be composited and encoded.
    #[must_use]
    pub fn saved_frames(&self) -> u64 {
        self.frames - self.distinct_frames
    }

    /// Clips that need not be made and paid.
    #[must_use]
    pub fn saved_clips(&self) -> usize {
        self.clips.iter().map(|clip| clip.used.len() - 1).sum()
    }
}

/// Finds the distinct shots of variants. `fonts` is the hash of the installed fonts, as in
/// [`crate::Studio::fonts`].
///
/// # Errors
/// [`Error::Compositing`] when a storyboard cannot be written as JSON, e.g. for a number that is none.
pub fn graph(variants: &[Storyboard], fonts: &str) -> Result<ShotGraph, Error> {
    let mut graph =
        ShotGraph { shots: Vec::new(), clips: Vec::new(), uses: 0, frames: 0, distinct_frames: 0 };
    let (mut shots, mut clips) = (HashMap::new(), HashMap::new());
    for (variant, board) in variants.iter().enumerate() {
        for (idx, shot) in board.shots.iter().enumerate() {
            let place = Use { variant, shot: idx };
            graph.uses += 1;
            graph.frames += u64::from(shot.frames);
            let key = shot_key(board, shot, fonts)?;
            let at = *shots.entry(key.clone()).or_insert_with(|| {
                let clip = match &shot.footage {
                    Some(Footage::Clip { clip, .. }) => Some(clip.clone()),
                    _ => None,
                };
                graph.distinct_frames += u64::from(shot.frames);
                graph.shots.push(DistinctShot { key, frames: shot.frames, clip, used: Vec::new() });
                graph.shots.len() - 1
            });
            graph.shots[at].used.push(place);
            if let Some(Footage::Generated(generated)) = &shot.footage {
                let key = clip_key(board, shot, generated)?;
                let at = *clips.entry(key.clone()).or_insert_with(|| {
                    graph.clips.push(DistinctClip { key, frames: 0, used: Vec::new() });
                    graph.clips.len() - 1
                });
                graph.clips[at].frames = graph.clips[at].frames.max(shot.frames);
                graph.clips[at].used.push(place);
            }
        }
    }
    Ok(graph)
}

/// What fixes the pixels of a shot.
#[derive(Serialize)]
struct ShotKey<'a> {
    version: u32,
    shot: &'a Shot,
    spoken: Option<(u32, &'a [WordTime])>,
    size: FrameSize,
    fps: u32,
    palette: &'a Palette,
    locale: &'a str,
    style: VisualStyle,
    packshots: Packshots,
    placement: &'a str,
    names: &'a [String],
    fonts: &'a str,
}

/// The name of a shot by everything that fixes its pixels.
///
/// Of speech the times of its words are in it, which captions follow; who says them in which recording
/// changes no pixel. All else of the shot is, also the product's pictures that a clip is compared with: equal
/// pixels under two keys cost time, and nothing else.
pub(crate) fn shot_key(board: &Storyboard, shot: &Shot, fonts: &str) -> Result<String, Error> {
    let silent;
    let spoken = shot.voice.as_ref().filter(|line| !line.words.is_empty() && shot.role != Role::Hook);
    let spoken = spoken.map(|line| (line.start, line.words.as_slice()));
    let shot = if shot.voice.is_some() {
        silent = Shot { voice: None, ..shot.clone() };
        &silent
    } else {
        shot
    };
    hashed(&ShotKey {
        version: RENDERER_VERSION,
        shot,
        spoken,
        size: board.size,
        fps: board.fps,
        palette: &board.palette,
        locale: board.locale.tag(),
        style: board.style,
        packshots: board.packshots,
        placement: board.placement.as_str(),
        names: &board.names,
        fonts,
    })
}

/// The name of a clip by what is asked of its source. Clips of different lengths are different clips.
fn clip_key(board: &Storyboard, shot: &Shot, generated: &Generated) -> Result<String, Error> {
    hashed(&(generated, board.size, board.fps, shot.frames))
}

pub(crate) fn hashed<T: Serialize>(value: &T) -> Result<String, Error> {
    let json = serde_json::to_vec(value).map_err(|error| Error::Compositing(error.to_string()))?;
    Ok(blake3::hash(&json).to_hex().to_string())
}
