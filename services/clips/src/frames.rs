//! Lengths and sizes as open models make them: frames in steps, sides in multiples, pixels up to a limit.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use spotwright_core::ports::clip_source::{ClipError, ClipRequest};
use spotwright_schemas::storyboard::FrameSize;

use crate::options::OptionsError;
use crate::prices::Length;
use crate::words::refuse;

/// What a model makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Shape {
    /// Frames per second that the model was trained for, 1–120; `None` takes the shot's.
    #[serde(default)]
    pub fps: Option<u32>,
    /// The number of frames is one more than a multiple of this, 1–64; 4 for Wan.
    #[serde(default = "Shape::default_step")]
    pub frame_step: u32,
    /// Most frames of a clip, 1–10,000.
    #[serde(default = "Shape::default_max_frames")]
    pub max_frames: u32,
    /// Width and height are multiples of this, 2–128.
    #[serde(default = "Shape::default_multiple")]
    pub multiple: u32,
    /// Most pixels of a frame, 16,384 or more; larger shots are made smaller and scaled afterwards.
    #[serde(default = "Shape::default_max_pixels")]
    pub max_pixels: u32,
}

impl Default for Shape {
    fn default() -> Self {
        Self {
            fps: None,
            frame_step: Self::default_step(),
            max_frames: Self::default_max_frames(),
            multiple: Self::default_multiple(),
            max_pixels: Self::default_max_pixels(),
        }
    }
}

/// A clip as it is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Made {
    pub(crate) size: FrameSize,
    pub(crate) frames: u32,
    pub(crate) fps: u32,
}

impl Made {
    /// Whole seconds, rounded up, at least one.
    pub(crate) fn seconds(&self) -> u32 {
        self.frames.div_ceil(self.fps.max(1)).max(1)
    }

    pub(crate) fn length(&self) -> Length {
        Length { parts: u64::from(self.frames), per_second: u64::from(self.fps.max(1)) }
    }

    /// `720x1280`.
    pub(crate) fn size_text(&self) -> String {
        format!("{}x{}", self.size.width, self.size.height)
    }
}

impl Shape {
    const fn default_step() -> u32 {
        4
    }

    const fn default_max_frames() -> u32 {
        121
    }

    const fn default_multiple() -> u32 {
        16
    }

    const fn default_max_pixels() -> u32 {
        1_280 * 720
    }

    pub(crate) fn check(&self) -> Result<(), OptionsError> {
        let in_range = [
            ("shape.fps", self.fps.is_none_or(|fps| (1..=120).contains(&fps))),
            ("shape.frame_step", (1..=64).contains(&self.frame_step)),
            ("shape.max_frames", (1..=10_000).contains(&self.max_frames)),
            ("shape.multiple", (2..=128).contains(&self.multiple)),
            ("shape.max_pixels", (16_384..=100_000_000).contains(&self.max_pixels)),
        ];
        match in_range.into_iter().find(|(_, fits)| !fits) {
            Some((name, _)) => Err(OptionsError::Range(name)),
            None => Ok(()),
        }
    }

    /// Longest clip in seconds of a shot of `fps`.
    pub(crate) fn max_seconds(&self) -> f64 {
        f64::from(self.max_frames) / f64::from(self.fps.unwrap_or(24))
    }

    /// The smallest clip that covers the shot.
    pub(crate) fn made(&self, request: &ClipRequest) -> Result<Made, ClipError> {
        let fps = self.fps.unwrap_or(request.fps).max(1);
        let needed = u64::from(request.frames) * u64::from(fps);
        let needed = needed.div_ceil(u64::from(request.fps.max(1))).max(1);
        let step = u64::from(self.frame_step);
        let frames = (needed - 1).div_ceil(step) * step + 1;
        let most = self.max_frames;
        let frames = u32::try_from(frames).ok().filter(|frames| *frames <= most).ok_or_else(|| {
            refuse(format!("the shot takes {frames} frames at {fps} a second, and at most {most} are made"))
        })?;
        Ok(Made { size: self.size(request.size), frames, fps })
    }

    /// The size that comes nearest to the ad's ratio within the limit of pixels.
    pub(crate) fn size(&self, wanted: FrameSize) -> FrameSize {
        let (width, height) = (f64::from(wanted.width.max(1)), f64::from(wanted.height.max(1)));
        let scale = (f64::from(self.max_pixels) / (width * height)).sqrt().min(1.0);
        let side = |length: f64, round: fn(f64) -> f64| {
            let steps = round(length * scale / f64::from(self.multiple)).max(1.0);
            steps as u32 * self.multiple
        };
        let near = FrameSize { width: side(width, f64::round), height: side(height, f64::round) };
        if near.width.saturating_mul(near.height) <= self.max_pixels {
            return near;
        }
        FrameSize { width: side(width, f64::floor), height: side(height, f64::floor) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use spotwright_core::ports::clip_source::ClipTask;

    use super::*;

    fn request(frames: u32, fps: u32, width: u32, height: u32) -> ClipRequest {
        ClipRequest {
            task: ClipTask::Generate,
            prompt: String::new(),
            negative_prompt: String::new(),
            first_frame: None,
            last_frame: None,
            references: Vec::new(),
            camera: None,
            size: FrameSize { width, height },
            frames,
            fps,
            seed: 0,
            sound: false,
        }
    }

    #[test]
    fn wan_makes_what_covers_the_shot() {
        let wan = Shape { fps: Some(24), ..Shape::default() };
        let made = wan.made(&request(90, 30, 1_080, 1_920)).unwrap();
        assert_eq!(made, Made { size: FrameSize { width: 720, height: 1_280 }, frames: 73, fps: 24 });
        assert_eq!((made.seconds(), made.length()), (4, Length { parts: 73, per_second: 24 }));
        let long = wan.made(&request(180, 30, 720, 1_280)).unwrap_err();
        assert_eq!(long.message, "the shot takes 145 frames at 24 a second, and at most 121 are made");
    }

    proptest! {
        #[test]
        fn clips_cover_their_shots_and_keep_to_the_limits(
            frames in 1..400_u32, fps in 10..60_u32, width in 160..2_160_u32, height in 160..2_160_u32,
            own in proptest::option::of(8..60_u32), step in 1..16_u32, multiple in 2..64_u32,
            max_pixels in 16_384..2_000_000_u32,
        ) {
            let shape = Shape { fps: own, frame_step: step, max_frames: 10_000, multiple, max_pixels };
            let request = request(frames, fps, width, height);
            let made = shape.made(&request).unwrap();
            prop_assert!(u64::from(made.frames) * u64::from(fps) >= u64::from(frames) * u64::from(made.fps));
            prop_assert_eq!((made.frames - 1) % step, 0);
            prop_assert_eq!((made.size.width % multiple, made.size.height % multiple), (0, 0));
            // One step is made even where the limit is below it.
            let least = made.size.width == multiple || made.size.height == multiple;
            prop_assert!(made.size.width * made.size.height <= max_pixels || least);
        }
    }
}
