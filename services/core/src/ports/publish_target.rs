//! Publish targets: where winners go.

use std::path::PathBuf;

use async_trait::async_trait;
use spotwright_schemas::brief::Brief;
use spotwright_schemas::event::FeedbackSource;
use spotwright_schemas::ids::{PlacementId, RunId, VariantId};
use spotwright_schemas::launch::{Disclosure, ExternalRef};
use spotwright_schemas::outcome::{Delivery, Score};
use spotwright_schemas::script::Script;
use spotwright_schemas::storyboard::FrameSize;

use super::artifacts::{ArtifactError, ArtifactHash};

/// A winner, with everything a target may need.
#[derive(Debug, Clone, PartialEq)]
pub struct Publication {
    /// Its run.
    pub run: RunId,
    /// The brief it was made for.
    pub brief: Brief,
    /// Which variant.
    pub variant: VariantId,
    /// Its generation, from 1.
    pub generation: u32,
    /// Its number within the generation, from 1.
    pub number: u32,
    /// What it says.
    pub script: Script,
    /// Width and height in pixels.
    pub size: FrameSize,
    /// The finished video.
    pub video: ArtifactHash,
    /// A JPEG or PNG still of it.
    pub still: ArtifactHash,
    /// What the click model said before it was shown.
    pub score: Score,
    /// The placement of its results.
    pub placement: PlacementId,
    /// The campaign of this placement.
    pub campaign: String,
    /// Whether the results are simulated.
    pub source: FeedbackSource,
    /// The results.
    pub delivery: Delivery,
    /// That it is made by AI.
    pub disclosure: Disclosure,
    /// Where it was published before.
    pub external_refs: Vec<ExternalRef>,
}

/// Why a winner was not published.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// Something else stands where it would go (permanent).
    #[error("`{}` holds something else; remove it or choose another folder", .0.display())]
    Conflict(PathBuf),
    /// The target cannot take it as it is (permanent).
    #[error("cannot be published: {0}")]
    Refused(String),
    /// A file of the winner is missing, damaged or cannot be read.
    #[error(transparent)]
    Artifact(#[from] ArtifactError),
    /// The target cannot be reached or written (retryable).
    #[error("publish target: {0}")]
    Io(#[from] std::io::Error),
}

/// Takes winners.
///
/// Contract:
/// 1. Publishing the same winner again changes nothing and gives the same answer.
/// 2. A reader of the target sees a winner whole or not at all.
/// 3. An error leaves what was published before as it is.
#[async_trait]
pub trait PublishTarget: Send + Sync {
    /// Name of the target, as in [`ExternalRef::platform`].
    fn name(&self) -> &str;

    /// Publishes a winner and says where it is; more than one place where the target has several.
    ///
    /// # Errors
    /// All of [`PublishError`].
    async fn publish(&self, winner: &Publication) -> Result<Vec<ExternalRef>, PublishError>;
}
