//! Revisions: what a person changes about an advertisement, and what is made of it.
//!
//! An advertisement is never changed. Whoever edits one orders a run of a single variant: the edited script and
//! storyboard are written into its request, so that it is rendered, judged and placed as any other, and can be
//! replayed without the advertisement that it was made from.

use serde::{Deserialize, Serialize};
use spotwright_schemas::ids::{RunId, VariantId};
use spotwright_schemas::script::Script;
use spotwright_schemas::storyboard::{CaptionMotion, Layout, Motion, Storyboard, VisualStyle};

use super::copy_rules::terms::Severity;
use super::run::RunRequest;

/// What a person changes. Lines and shots have the numbers of the original, from 0, wherever they are moved to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Changes {
    /// New words of lines.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub lines: Vec<LineChange>,
    /// Another look of shots.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub shots: Vec<ShotChange>,
    /// Every shot's number in the new order: the first stays first, the last stays last. Empty: as they are.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub order: Vec<u32>,
    /// Look of the whole advertisement.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub style: Option<VisualStyle>,
    /// Words of the button, one of those that the brief allows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub button: Option<String>,
}

/// New words of a line; what is absent stays.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LineChange {
    /// The line, from 0.
    pub line: u32,
    /// Text on screen, 1–300 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caption: Option<String>,
    /// Smaller text on screen, at most 300 characters; empty for none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// What is spoken, at most 300 characters; empty for nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub voice: Option<String>,
}

/// Another look of a shot; what is absent stays.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShotChange {
    /// The shot, from 0.
    pub shot: u32,
    /// Layout of picture and text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub layout: Option<Layout>,
    /// Camera movement.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub motion: Option<Motion>,
    /// How the text comes in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caption_motion: Option<CaptionMotion>,
    /// BLAKE3 of one of the brief's pictures, hexadecimal. It is shown in the place of a clip, too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub picture: Option<String>,
    /// Length in frames.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frames: Option<u32>,
}

/// An advertisement as a person has edited it: what a run is made for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Revision {
    /// The variant that it was made from.
    pub of: VariantId,
    /// The run of that variant.
    pub run: RunId,
    /// Who edited it: `person`, `key:<id>` or `person:<id>`.
    pub by: String,
    /// What it says.
    pub script: Script,
    /// What it shows.
    pub storyboard: Storyboard,
    /// What was changed.
    pub changes: Changes,
}

/// From which variant the variants of a run were made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revises {
    /// The variant.
    pub variant: VariantId,
    /// Its run.
    pub run: RunId,
}

/// Something that is wrong, or worth knowing, about an edit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EditFinding {
    /// Path of what it is about, by the numbers of the original: `lines[2].caption`, `shots[1].frames`, `order`,
    /// `style`, `button`; empty for the whole.
    pub field: String,
    /// Stable name of the rule, e.g. `number_not_in_facts`.
    pub rule: String,
    /// Whether it stops the edit.
    pub severity: Severity,
    /// The words or name it is about.
    pub subject: String,
    /// What is wrong, for people.
    pub message: String,
    /// The law behind the rule; empty where there is none.
    pub law: String,
    /// First and past-the-last character of the text at fault, where one stretch of it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub span: Option<[usize; 2]>,
    /// What to say instead; empty where nothing is known.
    pub rewrite: String,
}

impl EditFinding {
    /// Whether it stops the edit.
    #[must_use]
    pub fn stops(&self) -> bool {
        self.severity == Severity::Error
    }
}

/// The room that one text of a shot has, and how much of it is taken.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TextRoom {
    /// Its characters.
    pub characters: usize,
    /// Most characters.
    pub limit: usize,
}

/// A text as the renderer sets it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetText {
    /// Lines that it takes.
    pub lines: u32,
    /// Around its ink in the frame: left, top, width, height, in pixels.
    pub ink: [i64; 4],
}

/// The texts of a shot as the renderer sets them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetTexts {
    /// The caption; `None` where it is blank or could not be set.
    pub caption: Option<SetText>,
    /// The smaller text.
    pub detail: Option<SetText>,
    /// Why the shot cannot be laid out.
    pub fault: Option<String>,
}

/// How a shot of an edit fits: in time, by count, and as the renderer measures.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShotFit {
    /// The shot by its number in the original, from 0.
    pub shot: u32,
    /// Its length in frames.
    pub frames: u32,
    /// Fewest frames in which its words can be read.
    pub least_frames: u32,
    /// Most frames that it may last.
    pub most_frames: u32,
    /// Count of the caption.
    pub caption: TextRoom,
    /// Count of the smaller text.
    pub detail: TextRoom,
    /// As the renderer sets them; `None` where nobody has measured.
    pub set: Option<SetTexts>,
}

/// What a variant becomes by a person's changes; nothing of it is written.
#[derive(Debug, Clone, PartialEq)]
pub struct Revising {
    /// The request of a run that makes it: one generation of one variant, with the seed and the market of the
    /// original. Its revision is as far as the changes could be followed.
    pub request: RunRequest,
    /// What is wrong, or worth knowing.
    pub findings: Vec<EditFinding>,
    /// How its shots fit, in the new order.
    pub fits: Vec<ShotFit>,
    /// The words that the button may have.
    pub buttons: Vec<String>,
}

impl Revising {
    /// Whether a run of it may begin.
    #[must_use]
    pub fn passes(&self) -> bool {
        !self.findings.iter().any(EditFinding::stops)
    }
}
