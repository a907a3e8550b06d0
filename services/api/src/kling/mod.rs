//! Clips in the shape of Kling's legacy interface, below `/kling`: set a client's base address to
//! `https://HOST/kling` and its key to one of ours (as a plain bearer key). The studio makes the clips: it
//! shows the given picture in motion and reads no prompt. Errors keep the service's own form.
//!
//! # Source
//! Field names and states: the provider's documents of `/v1/videos/text2video` and `/v1/videos/image2video`
//! (copies read 2026-11).

pub(crate) mod create;
pub(crate) mod file;
pub(crate) mod get;

use axum::http::{HeaderMap, header};
use serde::{Deserialize, Serialize};
use spotwright_core::ports::video_jobs::{VideoJob, VideoJobState};
use spotwright_schemas::ids::OrganizationId;
use utoipa::ToSchema;

use crate::cursor::List;
use crate::state::App;
use crate::v1::videos::seconds;

/// How long a link to a result is good, in microseconds: as long as the provider keeps results.
const LINK_MICROS: i64 = 30 * 24 * 3600 * 1_000_000;

/// The envelope of every answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub(crate) struct KlingAnswer {
    /// Always 0.
    pub(crate) code: i32,
    /// Always `SUCCEED`.
    pub(crate) message: String,
    /// The task.
    pub(crate) data: KlingTask,
}

/// A task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub(crate) struct KlingTask {
    /// Its id.
    pub(crate) task_id: String,
    /// `submitted`, `processing`, `succeed` or `failed`.
    pub(crate) task_status: String,
    /// Why it failed; else what made it.
    pub(crate) task_status_msg: String,
    /// The client's own name of it.
    pub(crate) task_info: KlingTaskInfo,
    /// In milliseconds since 1970.
    pub(crate) created_at: i64,
    /// In milliseconds since 1970.
    pub(crate) updated_at: i64,
    /// What was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) task_result: Option<KlingResult>,
}

/// What a client told of a task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct KlingTaskInfo {
    /// The client's own name of it.
    pub(crate) external_task_id: Option<String>,
}

/// What a task made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct KlingResult {
    /// One video.
    pub(crate) videos: Vec<KlingVideo>,
}

/// A video.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct KlingVideo {
    /// Its id.
    pub(crate) id: String,
    /// Where it can be fetched for 30 days, without a key.
    pub(crate) url: String,
    /// Seconds.
    pub(crate) duration: String,
}

/// The links to an organization's results.
pub(crate) const fn links(organization: OrganizationId) -> List<'static> {
    List { organization: organization.0, name: "clip", of: b"" }
}

/// A job as a task. `headers` are the request's: links begin with the host it was sent to.
pub(crate) fn answer(app: &App, headers: &HeaderMap, job: VideoJob) -> KlingAnswer {
    let created_at = job.created_at / 1000;
    let (status, message, updated_at) = match &job.state {
        VideoJobState::Queued => ("submitted", String::new(), created_at),
        VideoJobState::Running => ("processing", String::new(), created_at),
        VideoJobState::Done { completed_at, .. } => {
            ("succeed", "simulated: the studio made it, no video model".to_owned(), completed_at / 1000)
        }
        VideoJobState::Failed { problem, completed_at } => {
            ("failed", problem.message.clone(), completed_at / 1000)
        }
    };
    let done = matches!(job.state, VideoJobState::Done { .. });
    let task_result = done.then(|| KlingResult {
        videos: vec![KlingVideo {
            id: job.id.clone(),
            url: link(app, headers, &job),
            duration: seconds(job.order.frames, job.order.fps),
        }],
    });
    KlingAnswer {
        code: 0,
        message: "SUCCEED".to_owned(),
        data: KlingTask {
            task_id: job.id,
            task_status: status.to_owned(),
            task_status_msg: message,
            task_info: KlingTaskInfo { external_task_id: job.order.external_id },
            created_at,
            updated_at,
            task_result,
        },
    }
}

fn link(app: &App, headers: &HeaderMap, job: &VideoJob) -> String {
    let until = app.state.clock.now_micros().saturating_add(LINK_MICROS);
    let place = [&until.to_be_bytes()[..], job.id.as_bytes()].concat();
    let token = links(job.organization).cursor(&app.state.pepper, &place);
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let scheme = text("x-forwarded-proto").filter(|scheme| *scheme == "https").unwrap_or("http");
    let host = text(header::HOST.as_str()).unwrap_or("localhost");
    format!("{scheme}://{host}/kling/files/{}/{token}", job.organization)
}
