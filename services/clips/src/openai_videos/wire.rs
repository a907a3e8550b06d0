//! What a server tells of a job.

use serde_json::Value;
use spotwright_core::ports::clip_source::{ClipRequest, JobId, JobState, Output};

use crate::frames::Made;
use crate::words::plain_prompt;

/// How far a job is, by the server's word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Status {
    Queued,
    InProgress,
    Completed,
    Failed,
    /// Deleted, cancelled or expired: there is no result and never will be.
    Gone,
}

impl Status {
    pub(super) fn read(job: &Value) -> Option<Self> {
        Some(match job["status"].as_str()? {
            "queued" | "pending" => Self::Queued,
            "in_progress" | "processing" | "running" => Self::InProgress,
            "completed" | "succeeded" => Self::Completed,
            "failed" | "error" => Self::Failed,
            "deleted" | "cancelled" | "canceled" | "expired" => Self::Gone,
            _ => return None,
        })
    }
}

/// Percent done, where the server tells.
pub(super) fn percent(job: &Value) -> Option<u8> {
    let percent = job["progress"].as_f64().filter(|percent| *percent > 0.0)?;
    Some(percent.min(100.0) as u8)
}

/// The state of a completed job: its content lies under the job.
pub(super) fn done(job: &JobId, body: &Value) -> JobState {
    let output = Output { id: job.0.clone(), location: "content".to_owned() };
    let seed = body["seed"].as_u64();
    JobState::Done { outputs: vec![output], charged: None, seed }
}

/// Whether a listed job is the one that a request made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Match {
    /// It carries our key.
    Certain,
    /// Everything that the server tells back is as it was asked for, the prompt among it.
    Likely,
    /// Something is different.
    No,
    /// The server tells too little.
    Unknown,
}

pub(super) fn matches(listed: &Value, request: &ClipRequest, made: &Made, key: &str) -> Match {
    if let Some(user) = listed["user"].as_str().filter(|user| !user.is_empty()) {
        return if user == key { Match::Certain } else { Match::No };
    }
    let is_other_text = |name: &str, wanted: &str| {
        listed[name].as_str().is_some_and(|told| !told.is_empty() && told != wanted)
    };
    let is_other_number =
        |name: &str, wanted: u32| listed[name].as_u64().is_some_and(|told| told != u64::from(wanted));
    let differs = is_other_text("prompt", &plain_prompt(request))
        || is_other_text("size", &made.size_text())
        || is_other_number("seed", request.seed)
        || is_other_number("num_frames", made.frames)
        || is_other_number("fps", made.fps);
    if differs {
        Match::No
    } else if listed["prompt"].as_str().is_some_and(|prompt| !prompt.is_empty()) {
        Match::Likely
    } else {
        Match::Unknown
    }
}
