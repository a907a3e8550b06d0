//! Storyboards: what is on screen, frame by frame, ready to be rendered.
//!
//! A storyboard is complete: pictures are named by content hash, times are whole frames, colors
//! and texts are final. The renderer adds nothing of its own but pixels.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::{Code, Problem};
use crate::locale::Locale;
use crate::placement::PlacementKind;
use crate::script::Role;

/// Width and height in pixels; both even and within 160..=2160.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FrameSize {
    /// Pixels from left to right.
    pub width: u32,
    /// Pixels from top to bottom.
    pub height: u32,
}

/// An opaque sRGB color, written `#RRGGBB`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Color {
    /// Red, 0–255.
    pub r: u8,
    /// Green, 0–255.
    pub g: u8,
    /// Blue, 0–255.
    pub b: u8,
}

impl Color {
    /// Parses `#RRGGBB`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('#')?;
        if digits.len() != 6 || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
            return None;
        }
        let channel = |at: usize| u8::from_str_radix(&digits[at..at + 2], 16).ok();
        Some(Self { r: channel(0)?, g: channel(2)?, b: channel(4)? })
    }

    /// Relative luminance in [0, 1] (WCAG 2.2).
    #[must_use]
    pub fn luminance(self) -> f64 {
        let linear = |channel: u8| {
            let c = f64::from(channel) / 255.0;
            if c <= 0.04045 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * linear(self.r) + 0.7152 * linear(self.g) + 0.0722 * linear(self.b)
    }

    /// Contrast ratio against `other`, 1–21 (WCAG 2.2).
    #[must_use]
    pub fn contrast(self, other: Self) -> f64 {
        let (a, b) = (self.luminance(), other.luminance());
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }
}

impl std::fmt::Display for Color {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "#{:02X}{:02X}{:02X}", self.r, self.g, self.b)
    }
}

impl Serialize for Color {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Color {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        // A block text of YAML ends in a line break.
        Self::parse(text.trim_end()).ok_or_else(|| serde::de::Error::custom("a color is written `#RRGGBB`"))
    }
}

impl JsonSchema for Color {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Color".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "pattern": "^#[0-9A-Fa-f]{6}$" })
    }
}

/// Colors of one advertisement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Palette {
    /// Brand color: backgrounds of panels and end card.
    pub primary: Color,
    /// Second brand color: button, underline, figures.
    pub accent: Color,
}

/// How a shot is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Layout {
    /// The picture fills the frame; caption over a gradient in the lower half.
    FullBleed,
    /// The picture as a card over its own blurred enlargement; caption below.
    Card,
    /// The caption large on the brand color, the picture in a band.
    Poster,
    /// End card: brand, call to action as a button, product picture.
    EndCard,
}

/// How the camera moves over the picture during the shot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Motion {
    /// Slowly closer.
    PushIn,
    /// Slowly away.
    PullOut,
    /// From left to right.
    PanRight,
    /// From right to left.
    PanLeft,
}

/// How the caption comes in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CaptionMotion {
    /// Slides up and fades in.
    SlideUp,
    /// Grows slightly and fades in.
    Grow,
    /// Line by line.
    Lines,
}

/// One continuous piece of the advertisement.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Shot {
    /// The part of the script the shot shows.
    pub role: Role,
    /// Length in frames, at least 1.
    pub frames: u32,
    /// Layout of picture and text.
    pub layout: Layout,
    /// BLAKE3 of the picture's bytes, hexadecimal.
    pub picture: String,
    /// Camera movement.
    pub motion: Motion,
    /// Main text; shaped and wrapped by the renderer.
    pub caption: String,
    /// Smaller text under the caption; may be empty.
    pub detail: String,
    /// How the text comes in.
    pub caption_motion: CaptionMotion,
    /// Text of the button on an end card; empty elsewhere.
    pub button: String,
    /// Brand name shown on the shot; may be empty.
    pub brand: String,
    /// Small print at the bottom; may be empty.
    pub disclaimer: String,
    /// Whether the visible mark of AI-made content is shown during this shot.
    pub ai_label: bool,
}

/// The music bed.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Audio {
    /// Seed of the synthesized music.
    pub seed: u64,
    /// Tempo in beats per minute, 60–160.
    pub tempo: u32,
    /// Integrated loudness to reach, in LUFS.
    pub loudness_lufs: f64,
}

/// Everything needed to render one advertisement.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Storyboard {
    /// Language of the texts; decides fonts and line breaking.
    pub locale: Locale,
    /// Size of the finished video.
    pub size: FrameSize,
    /// Frames per second, 10–60.
    pub fps: u32,
    /// Colors.
    pub palette: Palette,
    /// Where it will run; decides the safe zones.
    pub placement: PlacementKind,
    /// Names of brand and product, at most 8: a line does not break inside one where it can break
    /// elsewhere.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<String>,
    /// The shots in order, 1–32.
    pub shots: Vec<Shot>,
    /// The music bed.
    pub audio: Audio,
}

/// Longest accepted storyboard in frames: three minutes at 60 frames per second.
pub const MAX_FRAMES: u32 = 3 * 60 * 60;

impl Storyboard {
    /// Length of the video in frames.
    #[must_use]
    pub fn frames(&self) -> u32 {
        self.shots.iter().fold(0, |sum, shot| sum.saturating_add(shot.frames))
    }

    /// Checks sizes, rates, lengths and texts.
    ///
    /// # Errors
    /// [`Code::Storyboard`] with the path of the first field that breaks a rule.
    pub fn validate(&self) -> Result<(), Problem> {
        let wrong = |field: &str, message: &str| Err(Problem::new(Code::Storyboard, field, message));
        for (name, side) in [("width", self.size.width), ("height", self.size.height)] {
            if !(160..=2160).contains(&side) || side % 2 != 0 {
                return wrong(&format!("size.{name}"), "must be even and within 160 and 2160");
            }
        }
        if !(10..=60).contains(&self.fps) {
            return wrong("fps", "must be within 10 and 60");
        }
        if self.names.len() > 8 {
            return wrong("names", "must hold at most 8 names");
        }
        if self.shots.is_empty() || self.shots.len() > 32 {
            return wrong("shots", "must hold 1 to 32 shots");
        }
        for (idx, shot) in self.shots.iter().enumerate() {
            if shot.frames == 0 {
                return wrong(&format!("shots[{idx}].frames"), "must be at least 1");
            }
            let texts = [
                ("caption", &shot.caption, 200),
                ("detail", &shot.detail, 200),
                ("button", &shot.button, 40),
                ("brand", &shot.brand, 60),
                ("disclaimer", &shot.disclaimer, 200),
            ];
            for (name, text, limit) in texts {
                if text.chars().count() > limit {
                    return wrong(
                        &format!("shots[{idx}].{name}"),
                        &format!("must be at most {limit} characters"),
                    );
                }
                if text.chars().any(char::is_control) {
                    return wrong(&format!("shots[{idx}].{name}"), "must not hold control characters");
                }
            }
        }
        if self.frames() > MAX_FRAMES {
            return wrong("shots", "together must not be longer than three minutes at 60 frames per second");
        }
        if !(60..=160).contains(&self.audio.tempo) {
            return wrong("audio.tempo", "must be within 60 and 160");
        }
        if !(-40.0..=-5.0).contains(&self.audio.loudness_lufs) {
            return wrong("audio.loudness_lufs", "must be within -40 and -5");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colors_parse_and_print() {
        let color = Color::parse("#3b2417").expect("valid");
        assert_eq!(color.to_string(), "#3B2417");
        for bad in ["3B2417", "#3B241", "#3B24177", "#GG0000", "#\u{e9}\u{e9}\u{e9}"] {
            assert_eq!(Color::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn contrast_of_black_and_white_is_21() {
        let black = Color { r: 0, g: 0, b: 0 };
        let white = Color { r: 255, g: 255, b: 255 };
        assert!((black.contrast(white) - 21.0).abs() < 1e-9);
    }
}
