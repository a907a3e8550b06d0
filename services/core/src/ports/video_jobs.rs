//! Video jobs: single clips that clients order directly, in the manner of video models' servers. They are
//! rendered by the studio, which shows a picture in motion and reads no prompt, and say so.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use spotwright_schemas::Problem;
use spotwright_schemas::ids::OrganizationId;
use spotwright_schemas::storyboard::FrameSize;

use super::artifacts::ArtifactHash;

/// A clip that is ordered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VideoOrder {
    /// The client's own name of the job, unique within the organization; the same name is the same job.
    pub external_id: Option<String>,
    /// What the client asked for; kept for the answer.
    pub prompt: String,
    /// The model that the client named; kept for the answer.
    pub model: String,
    /// The stored picture that is shown; without one a background is drawn.
    pub picture: Option<ArtifactHash>,
    /// Size in pixels.
    pub size: FrameSize,
    /// Length in frames.
    pub frames: u32,
    /// Frames per second.
    pub fps: u32,
    /// Decides camera movement and background.
    pub seed: u64,
}

/// A job.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VideoJob {
    /// Its id: 32 hexadecimal digits.
    pub id: String,
    /// Whose it is.
    pub organization: OrganizationId,
    /// What was ordered.
    pub order: VideoOrder,
    /// When, in microseconds since 1970.
    pub created_at: i64,
    /// Where it stands.
    pub state: VideoJobState,
}

/// Where a job stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "is", deny_unknown_fields)]
pub enum VideoJobState {
    /// Not begun.
    Queued,
    /// Under way.
    Running,
    /// Done.
    Done {
        /// The MP4.
        video: ArtifactHash,
        /// Its bytes.
        bytes: u64,
        /// When, in microseconds since 1970.
        completed_at: i64,
    },
    /// It cannot be rendered.
    Failed {
        /// Why.
        problem: Problem,
        /// When, in microseconds since 1970.
        completed_at: i64,
    },
}

impl VideoJobState {
    /// Whether nothing will happen any more.
    #[must_use]
    pub const fn has_ended(&self) -> bool {
        matches!(self, Self::Done { .. } | Self::Failed { .. })
    }
}

/// Takes orders for clips and makes them.
///
/// Contract:
/// 1. A job that was taken is made, also after a restart.
/// 2. The same external id of the same organization is the same job, whatever else the order says.
/// 3. A job of another organization does not exist for the caller.
/// 4. More unfinished jobs of one organization than are allowed are refused as
///    [`Code::RateLimited`](spotwright_schemas::error::Code::RateLimited).
#[async_trait]
pub trait VideoJobs: Send + Sync {
    /// Takes an order.
    ///
    /// # Errors
    /// What is wrong with the order, or that there is no room for it now.
    async fn order(&self, organization: OrganizationId, order: VideoOrder) -> Result<VideoJob, Problem>;

    /// The job with this id or external id.
    ///
    /// # Errors
    /// When it cannot be told.
    async fn find(&self, organization: OrganizationId, name: &str) -> Result<Option<VideoJob>, Problem>;

    /// Jobs, newest first, at most `limit`.
    ///
    /// # Errors
    /// When it cannot be told.
    async fn list(&self, organization: OrganizationId, limit: usize) -> Result<Vec<VideoJob>, Problem>;

    /// Stops a job, where it has not ended, and forgets it; `None` when there was none.
    ///
    /// # Errors
    /// When it cannot be done now.
    async fn remove(&self, organization: OrganizationId, id: &str) -> Result<Option<VideoJob>, Problem>;
}
