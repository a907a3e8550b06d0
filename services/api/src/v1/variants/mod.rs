//! Variants: drafted advertisements, their scores, videos and what became of them.

pub(crate) mod file;
pub(crate) mod get;

use serde::Serialize;
use spotwright_core::domain::variant::{Variant, VariantState};
use spotwright_core::ports::video_backend::Rendered;
use spotwright_schemas::outcome::Score;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::openapi::foreign;

/// A variant without its script and storyboard.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct VariantSummary {
    /// Its id.
    id: Uuid,
    /// Its run.
    run: Uuid,
    /// Its generation, from 1.
    generation: u32,
    /// Its number within the generation, from 1.
    number: u32,
    /// Where it stands: `drafted`, `previewed`, `scored`, `selected`, `rendered`, `won`, `rejected`
    /// or `failed`.
    #[schema(value_type = String)]
    state: VariantState,
    /// The text beside the video.
    primary_text: String,
    /// The variants it was bred from.
    parents: Vec<Uuid>,
    /// The click model's verdict.
    #[schema(value_type = Option<foreign::Score>)]
    score: Option<Score>,
    /// Why it was selected.
    selected_because: Option<String>,
    /// Why it failed.
    failure: Option<String>,
    /// The preview.
    preview: Option<VideoFile>,
    /// The finished video.
    video: Option<VideoFile>,
}

/// A rendered video.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct VideoFile {
    /// Where it can be fetched, with the same key.
    url: String,
    /// Where its still picture can be fetched.
    poster_url: String,
    /// BLAKE3 of the file, hexadecimal.
    hash: String,
    /// Bytes of the file.
    bytes: u64,
    /// Number of video frames.
    frames: u32,
}

impl VideoFile {
    fn of(variant: &Variant, rendered: &Rendered, name: &str) -> Self {
        Self {
            url: format!("/v1/variants/{}/files/{name}", variant.id),
            poster_url: format!("/v1/variants/{}/files/poster", variant.id),
            hash: rendered.artifact.0.clone(),
            bytes: rendered.bytes,
            frames: rendered.frames,
        }
    }
}

impl From<Variant> for VariantSummary {
    fn from(variant: Variant) -> Self {
        let preview = variant.body.preview.as_ref().map(|file| VideoFile::of(&variant, file, "preview"));
        let video = variant.body.final_render.as_ref().map(|file| VideoFile::of(&variant, file, "video"));
        Self {
            id: variant.id.0,
            run: variant.run.0,
            generation: variant.generation,
            number: variant.number,
            state: variant.state,
            primary_text: variant.body.script.primary_text,
            parents: variant.body.parents.into_iter().map(|parent| parent.0).collect(),
            score: variant.body.score,
            selected_because: variant.body.selected_because,
            failure: variant.body.failure,
            preview,
            video,
        }
    }
}
