//! The segments of AdCP's `creative/video-brief`, read and written.
//!
//! # Source
//! Ad Context Protocol, asset type `video-brief`: `segments[{order ≥ 1, duration_ms ≥ 1, prompt, vo?,
//! caption?}]`. It has milliseconds where we have frames: both ways the *ends* of segments are rounded,
//! not their lengths, so that a brief of many segments does not drift.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::validate::wrong;
use super::{
    Asset, AudioPlan, BrandKit, Compliance, Format, Pick, PlannedGeneration, PlannedShot, Slot, SlotOption,
    Source, StoryboardFile,
};
use crate::error::Problem;
use crate::locale::Locale;
use crate::placement::PlacementKind;
use crate::script::Role;
use crate::storyboard::{CaptionMotion, Motion};

/// A `video-brief`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct VideoBrief {
    /// Its segments, in any order; `order` sorts them.
    pub segments: Vec<Segment>,
}

/// One segment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Segment {
    /// Its place, from 1; no two alike.
    pub order: u32,
    /// Length in milliseconds, at least 1.
    pub duration_ms: u64,
    /// What is seen.
    pub prompt: String,
    /// What is spoken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vo: Option<String>,
    /// What is written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caption: Option<String>,
}

/// What a `video-brief` does not say.
#[derive(Debug, Clone, PartialEq)]
pub struct Surroundings {
    /// Name of the file.
    pub id: String,
    /// Language of the texts.
    pub locale: Locale,
    /// Frames per second.
    pub fps: u32,
    /// Where it runs.
    pub placement: PlacementKind,
    /// Names and colors.
    pub brand_kit: BrandKit,
    /// Pictures and clips that prompts may name.
    pub assets: BTreeMap<String, Asset>,
    /// Name of the picture that stands where a clip cannot be made.
    pub fall_back: String,
}

impl VideoBrief {
    /// A storyboard file in which every segment is a generated shot: the first a hook, the last a call to
    /// action.
    ///
    /// # Errors
    /// [`Code::Storyboard`](crate::error::Code::Storyboard) with the segment's path, and everything that
    /// [`StoryboardFile::validate`] finds.
    pub fn into_file(mut self, around: Surroundings) -> Result<StoryboardFile, Problem> {
        self.check()?;
        self.segments.sort_by_key(|segment| segment.order);
        let last = self.segments.len() - 1;
        let mut elapsed_ms = 0_u64;
        let mut ended = 0_u32;
        let mut shots = Vec::with_capacity(self.segments.len());
        for (idx, segment) in self.segments.into_iter().enumerate() {
            elapsed_ms = elapsed_ms.saturating_add(segment.duration_ms);
            let end = frames_at(elapsed_ms, around.fps);
            let role = match idx {
                0 => Role::Hook,
                idx if idx == last => Role::Cta,
                _ => Role::Body,
            };
            shots.push(PlannedShot {
                role,
                frames: end.saturating_sub(ended).max(1),
                source: Source::Generated(PlannedGeneration {
                    prompt: segment.prompt,
                    negative_prompt: String::new(),
                    first_frame: None,
                    last_frame: None,
                    seed: idx as u32,
                    shows_product: false,
                    fall_back: around.fall_back.clone(),
                }),
                layout: None,
                motion: Motion::PushIn,
                caption: segment.caption.unwrap_or_default(),
                detail: String::new(),
                caption_motion: CaptionMotion::SlideUp,
                button: String::new(),
                voice_over: segment.vo.unwrap_or_default(),
                show_brand: None,
                overlays: Vec::new(),
            });
            ended = end.max(ended + 1);
        }
        let slots = shots
            .into_iter()
            .enumerate()
            .map(|(idx, shot)| Slot {
                slot: format!("segment-{}", idx + 1),
                options: vec![SlotOption { id: "a".to_owned(), shots: vec![shot] }],
            })
            .collect();
        let file = StoryboardFile {
            format: Format::V1,
            id: around.id,
            locale: around.locale,
            fps: around.fps,
            placement: around.placement,
            aspects: super::default_aspects(),
            stills: Vec::new(),
            style: crate::storyboard::VisualStyle::default(),
            packshots: crate::storyboard::Packshots::default(),
            brand_kit: around.brand_kit,
            assets: around.assets,
            slots,
            variants: Vec::new(),
            audio: AudioPlan::default(),
            compliance: Compliance::default(),
        };
        file.validate()?;
        Ok(file)
    }

    fn check(&self) -> Result<(), Problem> {
        if !(1..=12).contains(&self.segments.len()) {
            let message = format!("holds {} segments; 1 to 12 are accepted", self.segments.len());
            return Err(wrong("segments", message));
        }
        for (idx, segment) in self.segments.iter().enumerate() {
            if segment.order == 0 || self.segments[..idx].iter().any(|other| other.order == segment.order) {
                return Err(wrong(format!("segments[{idx}].order"), "must be at least 1, and no two alike"));
            }
            // As long as the longest storyboard, so that nothing overflows.
            if !(1..=1_080_000).contains(&segment.duration_ms) {
                return Err(wrong(format!("segments[{idx}].duration_ms"), "must be within 1 and 1080000"));
            }
        }
        Ok(())
    }
}

impl StoryboardFile {
    /// One variant as a `video-brief`. Of a still or clip the prompt says what its asset shows.
    ///
    /// # Errors
    /// As [`StoryboardFile::variants`]; `None` of a variant that the file does not make.
    pub fn to_video_brief(&self, variant: &str) -> Result<Option<VideoBrief>, Problem> {
        let picks: Vec<Pick> = self.variants()?;
        let Some(pick) = picks.iter().find(|pick| pick.id == variant) else { return Ok(None) };
        let mut frames = 0_u64;
        let mut ended_ms = 0_u64;
        let mut segments = Vec::new();
        for (_, shot) in self.shots_of(pick)? {
            frames += u64::from(shot.frames);
            let end_ms = (frames * 1000 + u64::from(self.fps) / 2) / u64::from(self.fps);
            let words = |text: &str| (!text.is_empty()).then(|| text.to_owned());
            segments.push(Segment {
                order: segments.len() as u32 + 1,
                duration_ms: (end_ms - ended_ms).max(1),
                prompt: self.seen(&shot.source),
                vo: words(&shot.voice_over),
                caption: words(&shot.caption),
            });
            ended_ms = end_ms;
        }
        Ok(Some(VideoBrief { segments }))
    }

    /// What a source shows, in words.
    fn seen(&self, source: &Source) -> String {
        let shown = |name: &str| {
            let asset = self.assets.get(name);
            asset.map_or_else(
                || name.to_owned(),
                |asset| {
                    if asset.alt.is_empty() { asset.file.clone() } else { asset.alt.clone() }
                },
            )
        };
        match source {
            Source::Still { asset } | Source::Clip { asset, .. } => shown(asset),
            Source::Generated(wanted) => wanted.prompt.clone(),
            Source::Template { name } => format!("background: {}", name.as_str()),
        }
    }
}

/// The frame that is nearest to a moment.
fn frames_at(ms: u64, fps: u32) -> u32 {
    u32::try_from((ms * u64::from(fps) + 500) / 1000).unwrap_or(u32::MAX)
}
