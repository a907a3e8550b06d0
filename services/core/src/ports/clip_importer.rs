//! Import of clips: from bytes that nobody has vouched for to a clip that a shot may show.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use spotwright_schemas::storyboard::FrameSize;

use super::artifacts::ArtifactHash;
use super::video_backend::GateCheck;

/// Version of what importers are asked to make of a clip; part of every clip's key, so that a clip which was
/// imported by other rules is made anew.
pub const IMPORT_VERSION: u32 = 1;

/// What a clip is to be after import.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClipPlan {
    /// Frame size: what has another shape is cropped around its middle, never stretched.
    pub size: FrameSize,
    /// Frames per second.
    pub fps: u32,
    /// Frames that are needed; what is longer is cut, what is shorter stays so.
    pub frames: u32,
    /// Whether its sound is kept; without, it is dropped.
    pub sound: bool,
}

/// What was measured of the imported frames and of what came.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClipFacts {
    /// Pixels from left to right of what came.
    pub source_width: u32,
    /// Pixels from top to bottom of what came.
    pub source_height: u32,
    /// Frames per second of what came.
    pub source_fps: f64,
    /// Seconds of what came.
    pub source_seconds: f64,
    /// Frames of the longest black stretch, in frames of the plan.
    pub black_frames: u32,
    /// Frames of the longest stretch in which nothing moves, in frames of the plan.
    pub frozen_frames: u32,
    /// Whether the imported clip has sound.
    pub sound: bool,
}

/// A clip that was decoded and encoded anew.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImportedClip {
    /// The clip, with nothing of its source but pixels and samples.
    pub artifact: ArtifactHash,
    /// Its frames, at the plan's rate; at most the plan's.
    pub frames: u32,
    /// What was measured.
    pub facts: ClipFacts,
}

/// Share of a clip that may be black: a fade at either end.
const MOST_BLACK: f64 = 0.2;
/// Share of a clip in which nothing may move: models begin and end with a still moment, and a shot that is a
/// still picture is made by the studio, for nothing.
const MOST_FROZEN: f64 = 0.5;

impl ImportedClip {
    /// Whether the clip can stand in a shot: long enough, neither black nor frozen, with sound only where the
    /// plan has some.
    #[must_use]
    pub fn checks(&self, plan: &ClipPlan) -> Vec<GateCheck> {
        let allowed = |share: f64| (f64::from(plan.frames) * share).floor() as u32;
        let at_most = |id: &str, value: u32, limit: u32| GateCheck {
            id: id.to_owned(),
            pass: value <= limit,
            value: format!("{value} frames"),
            limit: format!("at most {limit} frames"),
        };
        let said = |sound: bool| if sound { "sound" } else { "silence" }.to_owned();
        vec![
            GateCheck {
                id: "clip_length".to_owned(),
                pass: self.frames == plan.frames,
                value: format!("{} frames", self.frames),
                limit: format!("{} frames", plan.frames),
            },
            at_most("clip_black", self.facts.black_frames, allowed(MOST_BLACK)),
            at_most("clip_frozen", self.facts.frozen_frames, allowed(MOST_FROZEN)),
            GateCheck {
                id: "clip_sound".to_owned(),
                // A source that gives no sound where some was asked for gives a clip all the same.
                pass: plan.sound || !self.facts.sound,
                value: said(self.facts.sound),
                limit: said(plan.sound),
            },
        ]
    }
}

/// Why a clip was not imported.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ImportError {
    /// The bytes are no clip, break a limit, or cannot be decoded (permanent).
    #[error("not a usable clip: {0}")]
    Refused(String),
    /// The storage or the decoding process failed (retryable).
    #[error("clips cannot be imported: {0}")]
    Unavailable(String),
    /// The disk is full, which says nothing about the clip (retryable for as long as it takes).
    #[error("no room: {0}")]
    NoRoom(String),
}

/// Imports clips.
///
/// Contract:
/// 1. Whatever the bytes are, the answer is a clip or an error: bounded time and memory, no other file read,
///    no address opened.
/// 2. The same bytes and plan give the same clip.
/// 3. The clip has the plan's size, rate and color, at most its frames, and sound only where the plan has
///    some.
/// 4. The facts are measured on the decoded frames.
#[async_trait]
pub trait ClipImporter: Send + Sync {
    /// Imports a stored file.
    ///
    /// # Errors
    /// [`ImportError`].
    async fn import(&self, file: &ArtifactHash, plan: &ClipPlan) -> Result<ImportedClip, ImportError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan() -> ClipPlan {
        ClipPlan { size: FrameSize { width: 720, height: 1280 }, fps: 30, frames: 150, sound: false }
    }

    fn failed(frames: u32, facts: ClipFacts) -> Vec<String> {
        let clip = ImportedClip { artifact: ArtifactHash::of(b"clip"), frames, facts };
        let failed = clip.checks(&plan()).into_iter().filter(|check| !check.pass);
        failed.map(|check| check.id).collect()
    }

    #[test]
    fn short_black_frozen_and_sounding_clips_are_told_apart() {
        assert!(failed(150, ClipFacts::default()).is_empty());
        assert_eq!(failed(149, ClipFacts::default()), ["clip_length"]);
        assert_eq!(failed(150, ClipFacts { black_frames: 31, ..ClipFacts::default() }), ["clip_black"]);
        assert_eq!(failed(150, ClipFacts { frozen_frames: 76, ..ClipFacts::default() }), ["clip_frozen"]);
        assert!(
            failed(150, ClipFacts { black_frames: 30, frozen_frames: 75, ..ClipFacts::default() }).is_empty()
        );
        assert_eq!(failed(150, ClipFacts { sound: true, ..ClipFacts::default() }), ["clip_sound"]);
    }
}
