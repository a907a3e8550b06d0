//! The answer to a check: what a variant becomes, what is wrong with it, and how it fits.

use serde::Serialize;
use spotwright_core::domain::copy_rules::terms::Severity;
use spotwright_core::domain::revision::{EditFinding, Revising, SetText, ShotFit, TextRoom};
use spotwright_schemas::script::Script;
use spotwright_schemas::storyboard::Storyboard;
use utoipa::ToSchema;

use crate::openapi::foreign;

/// What a variant becomes by changes; nothing of it is stored.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RevisionCheck {
    /// Whether it may be made as it is.
    pass: bool,
    /// What is wrong, or worth knowing.
    findings: Vec<EditFindingView>,
    /// How its shots fit, in their new order.
    fits: Vec<ShotFitView>,
    /// The words that the button may have.
    buttons: Vec<String>,
    /// Hashes of the pictures that its shots may show, in the brief's order.
    pictures: Vec<String>,
    /// What it says, as far as the changes could be followed.
    #[schema(value_type = Option<foreign::Script>)]
    script: Option<Script>,
    /// What it shows.
    #[schema(value_type = Option<foreign::Storyboard>)]
    storyboard: Option<Storyboard>,
}

/// Something that is wrong, or worth knowing, about an edit.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EditFindingView {
    /// Path of what it is about, by the numbers of the original; empty for the whole.
    #[schema(example = "lines[2].caption")]
    field: String,
    /// Stable name of the rule.
    #[schema(example = "number_not_in_facts")]
    rule: String,
    /// `error` stops the edit, `warning` does not.
    #[schema(value_type = String)]
    severity: Severity,
    /// The words or name it is about.
    subject: String,
    /// What is wrong, for people.
    message: String,
    /// The law behind the rule; empty where there is none.
    law: String,
    /// First and past-the-last character of the text at fault; `null` where no stretch of it is.
    #[schema(min_items = 2, max_items = 2)]
    span: Option<[usize; 2]>,
    /// What to say instead; empty where nothing is known.
    rewrite: String,
}

/// How a shot fits.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ShotFitView {
    /// The shot by its number in the original, from 0.
    shot: u32,
    /// Its length in frames.
    frames: u32,
    /// Fewest frames in which its words can be read.
    least_frames: u32,
    /// Most frames that it may last.
    most_frames: u32,
    /// The caption.
    caption: TextFitView,
    /// The smaller text.
    detail: TextFitView,
    /// Why the renderer cannot lay the shot out; `null` where it can.
    fault: Option<String>,
}

/// How a text fits.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TextFitView {
    /// Its characters.
    characters: usize,
    /// Most characters.
    limit: usize,
    /// Lines that it takes as the renderer sets it; `null` where it is blank or was not measured.
    lines: Option<u32>,
    /// Around its ink in the frame: left, top, width, height, in pixels.
    #[schema(min_items = 4, max_items = 4)]
    ink: Option<[i64; 4]>,
}

impl RevisionCheck {
    pub(super) fn of(revising: Revising) -> Self {
        let pass = revising.passes();
        let (script, storyboard) =
            revising.request.revision.map(|revision| (revision.script, revision.storyboard)).unzip();
        let pictures = revising.request.pictures.into_iter().map(|picture| picture.hash.0);
        Self {
            pass,
            findings: revising.findings.into_iter().map(EditFindingView::from).collect(),
            fits: revising.fits.into_iter().map(ShotFitView::from).collect(),
            buttons: revising.buttons,
            pictures: pictures.collect(),
            script,
            storyboard,
        }
    }
}

impl From<EditFinding> for EditFindingView {
    fn from(finding: EditFinding) -> Self {
        let EditFinding { field, rule, severity, subject, message, law, span, rewrite } = finding;
        Self { field, rule, severity, subject, message, law, span, rewrite }
    }
}

impl From<ShotFit> for ShotFitView {
    fn from(fit: ShotFit) -> Self {
        let set = fit.set.unwrap_or_default();
        Self {
            shot: fit.shot,
            frames: fit.frames,
            least_frames: fit.least_frames,
            most_frames: fit.most_frames,
            caption: text(fit.caption, set.caption),
            detail: text(fit.detail, set.detail),
            fault: set.fault,
        }
    }
}

fn text(room: TextRoom, set: Option<SetText>) -> TextFitView {
    TextFitView {
        characters: room.characters,
        limit: room.limit,
        lines: set.map(|set| set.lines),
        ink: set.map(|set| set.ink),
    }
}
