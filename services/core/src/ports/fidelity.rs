//! Product fidelity: whether the product in a clip is the product of the reference pictures.
//!
//! A model that makes clips may color a product anew, stretch it, mirror its label or write letters that
//! are none. An advertisement must not show such a thing as the product that is sold.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::artifacts::ArtifactHash;
use super::video_backend::RenderError;

/// How near the product in a clip comes to the reference pictures: of the frame and the picture that come
/// nearest to each other.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FidelityReport {
    /// Whether it is the same product: found, and every measure within its limit.
    pub pass: bool,
    /// Color distance over the product's area, in ΔE (CIE 1976) at equal exposure; 0 is equal, smaller is
    /// nearer. 100 when the product was not found.
    pub color: f64,
    /// Agreement of the outlines, in [-1, 1]; 1 is equal. 0 when the product was not found.
    pub shape: f64,
    /// Agreement of label and logo, the weakest of the parts that hold detail, in [-1, 1]; 1 is equal. 0
    /// when the product was not found.
    pub label: f64,
    /// The frame of the clip that was compared, from 0; 0 when the product was not found.
    pub best_frame: u32,
    /// Which of the references was compared, from 0.
    pub reference: u32,
    /// What was found, in words for the person who reads the report.
    pub reason: String,
}

/// Compares the product in clips with its pictures.
///
/// Contract:
/// 1. Equal clips and references give equal reports.
/// 2. What cannot be measured is not the product: a clip in which the product is not found, a reference
///    without detail and an empty list of references give a report that does not pass, with the reason.
/// 3. A clip or reference that is missing or cannot be decoded is [`RenderError::Impossible`].
#[async_trait]
pub trait Fidelity: Send + Sync {
    /// Compares the frames of the stored clip with the stored reference pictures; the best match counts.
    ///
    /// # Errors
    /// [`RenderError::Unavailable`] and [`RenderError::NoRoom`] (retryable) when the storage or the machine
    /// is at fault; [`RenderError::Impossible`] for what is missing or cannot be decoded.
    async fn compare(
        &self,
        clip: &ArtifactHash,
        references: &[ArtifactHash],
    ) -> Result<FidelityReport, RenderError>;
}
