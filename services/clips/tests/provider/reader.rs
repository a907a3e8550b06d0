//! Who turns what came into clips.

use std::sync::Arc;

use async_trait::async_trait;
use spotwright_core::ports::artifacts::{ArtifactHash, ArtifactStore as _};
use spotwright_core::ports::clip_importer::{ClipFacts, ClipImporter, ClipPlan, ImportError, ImportedClip};
use spotwright_media::{Sink, VideoView, decode};
use spotwright_store::folder::FolderArtifacts;

/// Mean luma below which a frame is black.
const BLACK: f64 = 20.0;
/// Mean change of luma below which nothing moves.
const STILL: f64 = 0.2;

/// Takes bytes as they are, where a test is not about them.
pub(crate) struct Trusting;

#[async_trait]
impl ClipImporter for Trusting {
    async fn import(&self, file: &ArtifactHash, plan: &ClipPlan) -> Result<ImportedClip, ImportError> {
        Ok(ImportedClip { artifact: file.clone(), frames: plan.frames, facts: ClipFacts::default() })
    }
}

/// Decodes every frame, in this process: the provider of a test is no stranger. Rate and size are not changed.
pub(crate) struct Decoding(pub(crate) Arc<FolderArtifacts>);

#[async_trait]
impl ClipImporter for Decoding {
    async fn import(&self, file: &ArtifactHash, plan: &ClipPlan) -> Result<ImportedClip, ImportError> {
        let refused = |error: String| ImportError::Refused(error);
        let path = self.0.path(file).map_err(|error| refused(error.to_string()))?;
        let mut look = Look::default();
        let content = decode(&path, &mut look).map_err(|error| refused(error.to_string()))?;
        let video = content.video.ok_or_else(|| refused("no picture".to_owned()))?;
        // Frames at the rate of the plan.
        let in_plan = |frames: u32| (f64::from(frames) / video.fps * f64::from(plan.fps)).round() as u32;
        let facts = ClipFacts {
            source_width: video.width,
            source_height: video.height,
            source_fps: video.fps,
            source_seconds: f64::from(video.frames) / video.fps,
            black_frames: in_plan(look.black),
            frozen_frames: in_plan(look.still),
            sound: false,
        };
        Ok(ImportedClip { artifact: file.clone(), frames: in_plan(video.frames).min(plan.frames), facts })
    }
}

#[derive(Default)]
struct Look {
    before: Vec<u8>,
    black: u32,
    still: u32,
}

impl Sink for Look {
    fn picture(&mut self, view: &VideoView<'_>) {
        let (data, stride) = view.planes[0];
        let rows = data.chunks(stride).take(view.height);
        let luma: Vec<u8> = rows.flat_map(|row| row[..view.width].iter().copied()).collect();
        let mean = luma.iter().map(|value| f64::from(*value)).sum::<f64>() / luma.len() as f64;
        self.black += u32::from(mean < BLACK);
        let change: u64 =
            luma.iter().zip(&self.before).map(|(now, before)| u64::from(now.abs_diff(*before))).sum();
        let is_still = !self.before.is_empty() && (change as f64 / luma.len() as f64) < STILL;
        self.still += u32::from(is_still);
        self.before = luma;
    }

    fn sound(&mut self, _: &[f32], _: usize, _: u32) {}
}
