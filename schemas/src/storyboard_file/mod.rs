//! Storyboard files (`spotwright.storyboard.v1`): an advertisement as people and editors write it.
//!
//! # Purpose
//! A [`Storyboard`](crate::storyboard::Storyboard) is one finished plan of one video. A storyboard file is
//! what such plans are made from: named assets, slots with the options between which variants choose,
//! frame sizes, sound, brand kit, compliance. [`StoryboardFile::compile`] makes the plans;
//! [`adcp`] reads and writes the segments of AdCP's `video-brief`, [`otio`] writes timelines for editors.
//!
//! # Invariants
//! - Times are whole frames. Colors and texts are final.
//! - What cannot be rendered is refused by [`StoryboardFile::validate`] with the path of the fault, before
//!   any picture is opened.
//! - A shot that several variants share compiles to equal values, so that it is rendered once.
//!
//! # Example
//! ```
//! use spotwright_schemas::storyboard_file::StoryboardFile;
//!
//! let text = br##"{
//!   "format": "spotwright.storyboard.v1", "id": "morning", "locale": "en-US",
//!   "brand_kit": { "name": "Hill Roasters", "primary": "#3B2417", "accent": "#F2B544" },
//!   "assets": { "cup": { "file": "cup.png", "kind": "picture" } },
//!   "slots": [ { "slot": "hook", "options": [ { "id": "a", "shots": [
//!     { "role": "hook", "frames": 60, "source": { "from": "still", "asset": "cup" }, "caption": "Morning." } ] } ] } ]
//! }"##;
//! let file = StoryboardFile::from_json(text)?;
//! assert_eq!(file.variants()?.len(), 1);
//! # Ok::<(), spotwright_schemas::Problem>(())
//! ```

pub mod adcp;
mod compile;
pub mod otio;
mod reading;
mod validate;

#[cfg(test)]
mod tests;

pub use compile::{Compiled, StoredAsset, StoredAssets};

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::locale::Locale;
use crate::placement::PlacementKind;
use crate::script::Role;
use crate::storyboard::{CaptionMotion, Color, FrameSize, Layout, Motion, Overlay, Packshots, VisualStyle};

/// Largest accepted file in bytes.
pub const MAX_FILE_BYTES: u64 = 1024 * 1024;

/// Most variants that one file makes for one frame size.
pub const MAX_VARIANTS: usize = 256;

/// The version of the format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Format {
    /// The first version.
    #[serde(rename = "spotwright.storyboard.v1")]
    V1,
}

/// A storyboard file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StoryboardFile {
    /// Version of the format.
    pub format: Format,
    /// Short name: 1–40 of `a-z 0-9 _ -`.
    pub id: String,
    /// Language of the texts; decides fonts and line breaking.
    pub locale: Locale,
    /// Frames per second, 10–60.
    #[serde(default = "default_fps")]
    pub fps: u32,
    /// Where it will run; decides the safe zones.
    #[serde(default = "default_placement")]
    pub placement: PlacementKind,
    /// Shapes of the videos, 1–4 different ones.
    #[serde(default = "default_aspects")]
    pub aspects: Vec<Aspect>,
    /// Display sizes for which a still of each variant's last shot is made; may be empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stills: Vec<StillSize>,
    /// Look of the whole ad.
    #[serde(default, skip_serializing_if = "VisualStyle::is_default")]
    pub style: VisualStyle,
    /// What becomes of the plain ground around a product.
    #[serde(default, skip_serializing_if = "Packshots::is_default")]
    pub packshots: Packshots,
    /// Names and colors.
    pub brand_kit: BrandKit,
    /// Pictures, clips and sounds by the names that shots and prompts use: 1–40 of `a-z 0-9 _ -`, at
    /// most 64.
    pub assets: BTreeMap<String, Asset>,
    /// The parts of the ad in order, 1–12; a variant picks one option of each.
    pub slots: Vec<Slot>,
    /// The variants that are made; empty for every combination, which must then be at most 256.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub variants: Vec<Pick>,
    /// Music and loudness.
    #[serde(default)]
    pub audio: AudioPlan,
    /// Labels and small print.
    #[serde(default)]
    pub compliance: Compliance,
}

/// The shape of a video.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum Aspect {
    /// Vertical, 720 × 1280.
    #[serde(rename = "9:16")]
    Vertical,
    /// Portrait, 720 × 900.
    #[serde(rename = "4:5")]
    Portrait,
    /// Square, 720 × 720.
    #[serde(rename = "1:1")]
    Square,
    /// Landscape, 1280 × 720.
    #[serde(rename = "16:9")]
    Landscape,
}

impl Aspect {
    /// Every shape.
    pub const ALL: [Self; 4] = [Self::Vertical, Self::Portrait, Self::Square, Self::Landscape];

    /// Size of the video in pixels.
    #[must_use]
    pub const fn size(self) -> FrameSize {
        match self {
            Self::Vertical => FrameSize { width: 720, height: 1280 },
            Self::Portrait => FrameSize { width: 720, height: 900 },
            Self::Square => FrameSize { width: 720, height: 720 },
            Self::Landscape => FrameSize { width: 1280, height: 720 },
        }
    }

    /// The shape as written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Vertical => "9:16",
            Self::Portrait => "4:5",
            Self::Square => "1:1",
            Self::Landscape => "16:9",
        }
    }

    /// The shape as a part of file names.
    #[must_use]
    pub const fn file_part(self) -> &'static str {
        match self {
            Self::Vertical => "9x16",
            Self::Portrait => "4x5",
            Self::Square => "1x1",
            Self::Landscape => "16x9",
        }
    }
}

/// Size of a display still.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum StillSize {
    /// Medium rectangle.
    #[serde(rename = "300x250")]
    MediumRectangle,
    /// Leaderboard.
    #[serde(rename = "728x90")]
    Leaderboard,
    /// Mobile banner.
    #[serde(rename = "320x50")]
    MobileBanner,
}

impl StillSize {
    /// Size in pixels.
    #[must_use]
    pub const fn size(self) -> FrameSize {
        match self {
            Self::MediumRectangle => FrameSize { width: 300, height: 250 },
            Self::Leaderboard => FrameSize { width: 728, height: 90 },
            Self::MobileBanner => FrameSize { width: 320, height: 50 },
        }
    }

    /// The size as written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::MediumRectangle => "300x250",
            Self::Leaderboard => "728x90",
            Self::MobileBanner => "320x50",
        }
    }
}

/// Names and colors of the brand.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BrandKit {
    /// Name as shown, 1–40 characters.
    pub name: String,
    /// Name of the product, at most 60 characters: a line does not break inside it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub product: String,
    /// Backgrounds of panels and end card.
    pub primary: Color,
    /// Button, underline, figures.
    pub accent: Color,
}

/// A file that shots use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Asset {
    /// Its name beside the storyboard file: no path, at most 120 characters.
    pub file: String,
    /// What it is.
    pub kind: AssetKind,
    /// What it shows, at most 200 characters.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub alt: String,
}

/// Kinds of assets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AssetKind {
    /// PNG, JPEG or WebP.
    Picture,
    /// MP4, MOV or WebM.
    Clip,
}

/// A part of the ad that variants fill differently.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Slot {
    /// Its name, e.g. `hook`: 1–20 of `a-z 0-9 _ -`.
    pub slot: String,
    /// 1–16 options.
    pub options: Vec<SlotOption>,
}

/// One way to fill a slot.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SlotOption {
    /// Its name within the slot: 1–20 of `a-z 0-9 _ -`.
    pub id: String,
    /// 1–8 shots.
    pub shots: Vec<PlannedShot>,
}

/// Which option a variant picks in each slot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Pick {
    /// Name of the variant: 1–40 of `a-z 0-9 _ -`.
    pub id: String,
    /// Slot to option; slots with one option may be left out.
    pub options: BTreeMap<String, String>,
}

/// A shot as planned.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PlannedShot {
    /// The part of the script it shows.
    pub role: Role,
    /// Length in frames, at least 1.
    pub frames: u32,
    /// What is seen.
    pub source: Source,
    /// Layout of picture and text; by default an end card for the call to action, else full bleed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub layout: Option<Layout>,
    /// How the camera moves over a still.
    #[serde(default = "default_motion")]
    pub motion: Motion,
    /// Main text, at most 200 characters.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub caption: String,
    /// Smaller text, at most 200 characters.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
    /// How the texts come in.
    #[serde(default = "default_caption_motion")]
    pub caption_motion: CaptionMotion,
    /// Text of the button on an end card, at most 40 characters.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub button: String,
    /// What is spoken, at most 300 characters.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub voice_over: String,
    /// Whether the brand's name stands on it; by default on the first and the last shot of a variant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub show_brand: Option<bool>,
    /// What else lies over the picture, at most 12; their pictures are named as assets.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub overlays: Vec<Overlay>,
}

/// Where a shot's picture comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", tag = "from", deny_unknown_fields)]
pub enum Source {
    /// A still picture over which the camera moves.
    Still {
        /// Name of a picture.
        asset: String,
    },
    /// An uploaded clip.
    Clip {
        /// Name of a clip.
        asset: String,
        /// Where in the clip the shot begins, in frames of the file's rate.
        #[serde(default)]
        start_frame: u32,
        /// Name of the picture that is shown where moving pictures cannot be.
        poster: String,
    },
    /// A clip that a video backend makes.
    Generated(PlannedGeneration),
    /// A drawn background.
    Template {
        /// Which.
        name: Backdrop,
    },
}

/// A clip to be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PlannedGeneration {
    /// What happens, 1–2,500 characters. `@name` names an asset, which becomes a reference.
    pub prompt: String,
    /// What must not be seen, at most 2,500 characters.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub negative_prompt: String,
    /// Name of the picture that the clip begins with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_frame: Option<String>,
    /// Name of the picture that the clip ends with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_frame: Option<String>,
    /// Seed of the backend's randomness.
    #[serde(default)]
    pub seed: u32,
    /// Whether the product is in it, so that it is compared with the references.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub shows_product: bool,
    /// Name of the picture that is shown when no backend can make the clip.
    pub fall_back: String,
}

/// Backgrounds that are drawn in the brand's colors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Backdrop {
    /// From the first brand color to a darker one.
    Gradient,
    /// Slanted stripes of the first brand color and a neighbor of it.
    Stripes,
    /// Rings of the second brand color on the first.
    Rings,
}

impl Backdrop {
    /// Every background.
    pub const ALL: [Self; 3] = [Self::Gradient, Self::Stripes, Self::Rings];

    /// The background as written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Gradient => "gradient",
            Self::Stripes => "stripes",
            Self::Rings => "rings",
        }
    }
}

/// Music and loudness.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AudioPlan {
    /// Seed of the synthesized music bed.
    pub seed: u64,
    /// Tempo in beats per minute, 60–160.
    pub tempo: u32,
    /// Integrated loudness to reach in LUFS, -40 to -5.
    pub loudness_lufs: f64,
}

impl Default for AudioPlan {
    fn default() -> Self {
        Self { seed: 1, tempo: 100, loudness_lufs: -14.0 }
    }
}

/// Labels and small print.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Compliance {
    /// Whether the visible mark of AI-made content stands on the first shot, and on those after it that begin
    /// within two seconds. The mark in the file's
    /// metadata is always written.
    pub ai_label: bool,
    /// Small print of the last shot, at most 200 characters.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub disclaimer: String,
}

impl Default for Compliance {
    fn default() -> Self {
        Self { ai_label: true, disclaimer: String::new() }
    }
}

const fn default_fps() -> u32 {
    30
}

const fn default_placement() -> PlacementKind {
    PlacementKind::SimulatedFeed
}

fn default_aspects() -> Vec<Aspect> {
    vec![Aspect::Vertical]
}

const fn default_motion() -> Motion {
    Motion::PushIn
}

const fn default_caption_motion() -> CaptionMotion {
    CaptionMotion::SlideUp
}
