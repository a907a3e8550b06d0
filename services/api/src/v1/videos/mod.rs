//! Videos: single clips in the manner of OpenAI's `/v1/videos`, as the servers of open video models speak
//! it. The studio makes them: it shows the reference picture in motion, and reads no prompt.

pub(crate) mod content;
pub(crate) mod create;
pub(crate) mod delete;
pub(crate) mod get;
pub(crate) mod list;

use serde::{Deserialize, Serialize};
use spotwright_core::domain::audit::Action;
use spotwright_core::ports::video_jobs::{VideoJob, VideoJobState, VideoJobs, VideoOrder};
use utoipa::ToSchema;

use crate::auth::Caller;
use crate::problem::ApiProblem;
use crate::state::App;

/// A clip that was ordered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub(crate) struct Video {
    /// Its id.
    pub(crate) id: String,
    /// Always `video`.
    pub(crate) object: String,
    /// The model that was named.
    pub(crate) model: String,
    /// `queued`, `in_progress`, `completed` or `failed`.
    pub(crate) status: String,
    /// Percent done: 0 or 100.
    pub(crate) progress: u8,
    /// What was asked for. The studio does not read it.
    pub(crate) prompt: String,
    /// When it was ordered, in seconds since 1970.
    pub(crate) created_at: i64,
    /// When it ended, in seconds since 1970.
    pub(crate) completed_at: Option<i64>,
    /// Length in seconds.
    pub(crate) seconds: String,
    /// `WxH` in pixels.
    pub(crate) size: String,
    /// The seed that was used.
    pub(crate) seed: u64,
    /// The name that the client gave.
    pub(crate) user: Option<String>,
    /// Why it failed.
    pub(crate) error: Option<VideoError>,
    /// Always true: no video model made it.
    pub(crate) simulated: bool,
}

/// Why a clip failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct VideoError {
    /// Stable code, e.g. `SW0602`.
    pub(crate) code: String,
    /// What is wrong.
    pub(crate) message: String,
}

impl From<VideoJob> for Video {
    fn from(job: VideoJob) -> Self {
        let (status, completed_at, error) = match &job.state {
            VideoJobState::Queued => ("queued", None, None),
            VideoJobState::Running => ("in_progress", None, None),
            VideoJobState::Done { completed_at, .. } => ("completed", Some(*completed_at), None),
            VideoJobState::Failed { problem, completed_at } => {
                let error =
                    VideoError { code: problem.code.as_str().to_owned(), message: problem.message.clone() };
                ("failed", Some(*completed_at), Some(error))
            }
        };
        let order = job.order;
        Self {
            id: job.id,
            object: "video".to_owned(),
            model: order.model,
            status: status.to_owned(),
            progress: if status == "completed" { 100 } else { 0 },
            prompt: order.prompt,
            created_at: job.created_at / 1_000_000,
            completed_at: completed_at.map(|micros| micros / 1_000_000),
            seconds: seconds(order.frames, order.fps),
            size: format!("{}x{}", order.size.width, order.size.height),
            seed: order.seed,
            user: order.external_id,
            error,
            simulated: true,
        }
    }
}

/// A length as text, without needless zeros.
pub(crate) fn seconds(frames: u32, fps: u32) -> String {
    let exact = format!("{:.3}", f64::from(frames) / f64::from(fps.max(1)));
    exact.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// The service that makes clips.
pub(crate) fn jobs(app: &App) -> Result<&dyn VideoJobs, ApiProblem> {
    // Cannot be missing where the routes are served by the program; embedders may leave it out.
    app.state.videos.as_deref().ok_or_else(|| ApiProblem::missing("video service"))
}

/// Orders a clip, and writes down who did.
pub(crate) async fn order(app: &App, caller: &Caller, order: VideoOrder) -> Result<VideoJob, ApiProblem> {
    let job = jobs(app)?.order(caller.principal.organization, order).await?;
    note(app, caller, Action::VideoOrdered, &job.id).await;
    Ok(job)
}

/// Writes down what was done with a clip.
async fn note(app: &App, caller: &Caller, action: Action, id: &str) {
    let record = app.record(caller);
    record.note(&caller.principal, caller.principal.organization, action, ("video", id), None).await;
}
