//! Storyboards: what is on screen, frame by frame, ready to be rendered.
//!
//! A storyboard is complete: pictures are named by content hash, times are whole frames, colors
//! and texts are final. The renderer adds nothing of its own but pixels.

mod look;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::{Code, Problem};
use crate::locale::Locale;
use crate::placement::PlacementKind;
use crate::script::Role;
use crate::speech::SpokenLine;

pub use look::{Layout, Packshots, VisualStyle};

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
    /// Word by word, each with a small jump.
    Words,
}

/// What moves in the place of a shot's picture.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", tag = "from", deny_unknown_fields)]
pub enum Footage {
    /// A stored clip, cut to the shot.
    Clip {
        /// BLAKE3 of the clip's bytes, hexadecimal.
        clip: String,
        /// Where in the clip the shot begins, in frames of the storyboard's rate.
        start_frame: u32,
        /// BLAKE3 of the pictures of the product that the clip shows, at most 8: the quality gate compares
        /// them with what is seen. Empty where the clip does not show the product.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        product: Vec<String>,
    },
    /// A clip that is made first. Until it is, and when it cannot be, the shot shows its picture.
    Generated(Generated),
}

/// A clip to be made for one shot.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Generated {
    /// What happens, 1–2,500 characters; `@name` names a reference.
    pub prompt: String,
    /// What must not be seen, at most 2,500 characters.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub negative_prompt: String,
    /// Pictures and clips that the prompt names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub references: Vec<NamedReference>,
    /// BLAKE3 of the picture that the clip begins with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_frame: Option<String>,
    /// BLAKE3 of the picture that the clip ends with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_frame: Option<String>,
    /// Seed of the source's randomness.
    #[serde(default)]
    pub seed: u32,
    /// Whether the product is in it, so that it is compared with the product's pictures.
    #[serde(default)]
    pub shows_product: bool,
}

/// A picture or clip that a prompt names.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NamedReference {
    /// How the prompt names it, without `@`: 1–40 letters, digits, `_` and `-`.
    pub name: String,
    /// BLAKE3 of its bytes, hexadecimal.
    pub artifact: String,
    /// Whether it is a clip and not a picture.
    #[serde(default)]
    pub is_clip: bool,
}

/// Something that lies over a shot's picture.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Overlay {
    /// What it shows.
    pub shows: OverlayContent,
    /// Which point of the safe zone it hangs on, and which of its own points hangs there.
    pub anchor: Anchor,
    /// Moved from there, right and down, in thousandths of the frame's width and height, -1000 to 1000.
    #[serde(default)]
    pub offset: [i32; 2],
    /// First frame of the shot in which it is there.
    #[serde(default)]
    pub start: u32,
    /// Frame before which it is gone; `None` for the end of the shot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<u32>,
    /// How it comes in.
    #[serde(default)]
    pub animation: OverlayMotion,
}

/// What an overlay shows. Lengths are thousandths of the frame's shorter side.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", tag = "kind", deny_unknown_fields)]
pub enum OverlayContent {
    /// One line of text.
    Text {
        /// 1–80 characters.
        text: String,
        /// Height of the letters, 25–200.
        size: u32,
        /// Color of the letters.
        color: Color,
        /// Color of a pill behind them. Without one, the letters must be readable on the picture.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        ground: Option<Color>,
    },
    /// A picture, with its transparent parts.
    Image {
        /// BLAKE3 of its bytes, hexadecimal; in storyboard files the asset's name.
        picture: String,
        /// Width, 20–1000; the height follows.
        width: u32,
    },
    /// A plain shape.
    Shape {
        /// Which.
        shape: Shape,
        /// Its color.
        color: Color,
        /// Width, 4–2000.
        width: u32,
        /// Height, 4–2000.
        height: u32,
    },
}

/// Plain shapes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Shape {
    /// Sharp corners.
    Rectangle,
    /// Round ends.
    Pill,
    /// An ellipse that touches the four sides.
    Ellipse,
}

/// Points of a rectangle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Anchor {
    /// Top left corner.
    TopLeft,
    /// Middle of the top side.
    Top,
    /// Top right corner.
    TopRight,
    /// Middle of the left side.
    Left,
    /// Center.
    Center,
    /// Middle of the right side.
    Right,
    /// Bottom left corner.
    BottomLeft,
    /// Middle of the bottom side.
    Bottom,
    /// Bottom right corner.
    BottomRight,
}

impl Anchor {
    /// The point as shares of width and height from the top left, each 0, 0.5 or 1.
    #[must_use]
    pub const fn shares(self) -> [f64; 2] {
        match self {
            Self::TopLeft => [0.0, 0.0],
            Self::Top => [0.5, 0.0],
            Self::TopRight => [1.0, 0.0],
            Self::Left => [0.0, 0.5],
            Self::Center => [0.5, 0.5],
            Self::Right => [1.0, 0.5],
            Self::BottomLeft => [0.0, 1.0],
            Self::Bottom => [0.5, 1.0],
            Self::BottomRight => [1.0, 1.0],
        }
    }
}

/// How an overlay comes in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OverlayMotion {
    /// It is there.
    #[default]
    None,
    /// Fades in.
    Fade,
    /// Rises and fades in.
    SlideUp,
    /// Grows slightly and fades in.
    Grow,
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
    /// What moves in the picture's place; `None` moves the camera over the picture.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub footage: Option<Footage>,
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
    /// What else lies over the picture, at most 12, the last on top.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub overlays: Vec<Overlay>,
    /// What is spoken during the shot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub voice: Option<SpokenLine>,
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
    /// Look of the whole advertisement.
    #[serde(default, skip_serializing_if = "VisualStyle::is_default")]
    pub style: VisualStyle,
    /// What becomes of the plain ground around a product.
    #[serde(default, skip_serializing_if = "Packshots::is_default")]
    pub packshots: Packshots,
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
        for (idx, shot) in self.shots.iter().enumerate() {
            shot.check_extras(&format!("shots[{idx}]"))?;
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

impl Shot {
    /// Checks footage and overlays; `field` is the shot's path.
    pub(crate) fn check_extras(&self, field: &str) -> Result<(), Problem> {
        if let Some(footage) = &self.footage {
            footage.check(&format!("{field}.footage"))?;
        }
        if let Some(line) = &self.voice {
            line.check(&format!("{field}.voice"), self.frames)?;
        }
        if self.overlays.len() > 12 {
            let message = "must hold at most 12 overlays";
            return Err(Problem::new(Code::Storyboard, format!("{field}.overlays"), message));
        }
        for (idx, overlay) in self.overlays.iter().enumerate() {
            overlay.check(&format!("{field}.overlays[{idx}]"), self.frames)?;
        }
        Ok(())
    }
}

impl Footage {
    fn check(&self, field: &str) -> Result<(), Problem> {
        let wrong = |name: &str, message: String| {
            Err(Problem::new(Code::Storyboard, format!("{field}.{name}"), message))
        };
        let Self::Generated(wanted) = self else { return Ok(()) };
        let count = wanted.prompt.chars().count();
        if !(1..=2500).contains(&count) {
            return wrong("prompt", format!("has {count} characters; 1 to 2500 are accepted"));
        }
        let count = wanted.negative_prompt.chars().count();
        if count > 2500 {
            return wrong("negative_prompt", format!("has {count} characters; at most 2500 are accepted"));
        }
        if wanted.references.len() > 7 {
            return wrong("references", "must hold at most 7 references".to_owned());
        }
        for name in reference_names(&wanted.prompt) {
            if !wanted.references.iter().any(|reference| reference.name == name) {
                return wrong("prompt", format!("names `@{name}`, which is not among the references"));
            }
        }
        Ok(())
    }
}

/// The names behind `@` in a prompt, each once, in the order in which they come.
#[must_use]
pub fn reference_names(prompt: &str) -> Vec<&str> {
    let mut names: Vec<&str> = Vec::new();
    let mut before = None;
    for (at, sign) in prompt.char_indices() {
        // An address of mail is no reference.
        if sign == '@' && !before.is_some_and(char::is_alphanumeric) {
            let rest = &prompt[at + 1..];
            let end = rest
                .find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '-')))
                .unwrap_or(rest.len());
            let name = &rest[..end];
            if !name.is_empty() && !names.contains(&name) {
                names.push(name);
            }
        }
        before = Some(sign);
    }
    names
}

impl Overlay {
    fn check(&self, field: &str, frames: u32) -> Result<(), Problem> {
        let wrong = |name: &str, message: String| {
            Err(Problem::new(Code::Storyboard, format!("{field}.{name}"), message))
        };
        let range = |name: &str, value: u32, low: u32, high: u32| {
            if (low..=high).contains(&value) {
                return Ok(());
            }
            wrong(&format!("shows.{name}"), format!("is {value}; {low} to {high} are accepted"))
        };
        match &self.shows {
            OverlayContent::Text { text, size, .. } => {
                let count = text.chars().count();
                if !(1..=80).contains(&count) || text.trim().is_empty() {
                    return wrong("shows.text", format!("has {count} characters; 1 to 80 are accepted"));
                }
                if text.chars().any(char::is_control) {
                    return wrong("shows.text", "must not hold control characters".to_owned());
                }
                range("size", *size, 25, 200)?;
            }
            OverlayContent::Image { width, .. } => range("width", *width, 20, 1000)?,
            OverlayContent::Shape { width, height, .. } => {
                range("width", *width, 4, 2000)?;
                range("height", *height, 4, 2000)?;
            }
        }
        for (idx, by) in self.offset.iter().enumerate() {
            if !(-1000..=1000).contains(by) {
                return wrong(&format!("offset[{idx}]"), format!("is {by}; -1000 to 1000 are accepted"));
            }
        }
        if self.start >= frames {
            return wrong("start", format!("is {}, and the shot has {frames} frames", self.start));
        }
        if let Some(end) = self.end.filter(|end| *end <= self.start || *end > frames) {
            return wrong("end", format!("is {end}; it must be after `start` and at most {frames}"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prompts_name_references_by_an_at_sign() {
        let prompt = "@cup on a table, beside @beans; @cup again. Mail to me@example.com";
        assert_eq!(reference_names(prompt), ["cup", "beans"]);
        assert_eq!(reference_names("@杯子 @"), Vec::<&str>::new());
    }

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
