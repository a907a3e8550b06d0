//! Revisions: variants that people make of others.

pub(crate) mod create;
pub(crate) mod list;
mod views;

use serde::{Deserialize, Serialize};
use spotwright_core::domain::revision::{self, Revises};
use spotwright_schemas::storyboard::{CaptionMotion, Layout, Motion, VisualStyle};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::openapi::foreign;

/// What is changed. Lines and shots have the numbers of the original, from 0, wherever they are moved to; what is
/// absent stays.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RevisionChanges {
    /// New words of lines.
    #[serde(default)]
    lines: Vec<LineChange>,
    /// Another look of shots.
    #[serde(default)]
    shots: Vec<ShotChange>,
    /// Every shot's number in the new order; the first stays first, the last stays last. Empty: as they are.
    #[serde(default)]
    order: Vec<u32>,
    /// Look of the whole advertisement.
    #[serde(default)]
    #[schema(value_type = Option<foreign::VisualStyle>)]
    style: Option<VisualStyle>,
    /// Words of the button: one of `buttons` in the answer to a check.
    #[serde(default)]
    button: Option<String>,
}

/// New words of a line.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LineChange {
    /// The line, from 0.
    line: u32,
    /// Text on screen, 1–300 characters; how many fit, `fits` tells.
    #[serde(default)]
    caption: Option<String>,
    /// Smaller text on screen; empty for none.
    #[serde(default)]
    detail: Option<String>,
    /// What is spoken; empty for nothing.
    #[serde(default)]
    voice: Option<String>,
}

/// Another look of a shot.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ShotChange {
    /// The shot, from 0.
    shot: u32,
    /// Layout of picture and text; those with a button are for the last shot, and for it alone.
    #[serde(default)]
    #[schema(value_type = Option<foreign::Layout>)]
    layout: Option<Layout>,
    /// Camera movement.
    #[serde(default)]
    #[schema(value_type = Option<foreign::Motion>)]
    motion: Option<Motion>,
    /// How the text comes in.
    #[serde(default)]
    #[schema(value_type = Option<foreign::CaptionMotion>)]
    caption_motion: Option<CaptionMotion>,
    /// Hash of one of the brief's pictures. It is shown in the place of a clip, too.
    #[serde(default)]
    picture: Option<String>,
    /// Length in frames, within what `fits` tells.
    #[serde(default)]
    frames: Option<u32>,
}

/// From which variant the variants of a run were made by hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct RevisesView {
    /// The variant.
    pub(crate) variant: Uuid,
    /// Its run.
    pub(crate) run: Uuid,
}

impl From<Revises> for RevisesView {
    fn from(revises: Revises) -> Self {
        Self { variant: revises.variant.0, run: revises.run.0 }
    }
}

impl From<RevisionChanges> for revision::Changes {
    fn from(changes: RevisionChanges) -> Self {
        let line = |change: LineChange| revision::LineChange {
            line: change.line,
            caption: change.caption,
            detail: change.detail,
            voice: change.voice,
        };
        let shot = |change: ShotChange| revision::ShotChange {
            shot: change.shot,
            layout: change.layout,
            motion: change.motion,
            caption_motion: change.caption_motion,
            picture: change.picture,
            frames: change.frames,
        };
        Self {
            lines: changes.lines.into_iter().map(line).collect(),
            shots: changes.shots.into_iter().map(shot).collect(),
            order: changes.order,
            style: changes.style,
            button: changes.button,
        }
    }
}
