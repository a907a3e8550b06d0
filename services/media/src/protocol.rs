//! Messages between the parent and the caged child: one request as an argument, one answer on standard
//! output, both JSON.

use std::net::SocketAddr;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::limits::{Limits, TooLarge};
use crate::plan::{ClipFacts, ClipPlan, Escapes, Probe, SandboxReport, SoundFacts};
use crate::sniff::Kind;

/// Names of the files that the child leaves in the scratch folder.
pub(crate) const CLIP: &str = "clip.mp4";
pub(crate) const SOUND: &str = "sound.wav";
pub(crate) const STILL: &str = "still.png";
/// First, middle and last picture of an imported clip.
pub(crate) const STILLS: [&str; 3] = ["first.png", "middle.png", "last.png"];

/// What the child is to do with the file on its standard input.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Request {
    pub(crate) limits: Limits,
    pub(crate) cage: Cage,
    pub(crate) folder: PathBuf,
    pub(crate) task: Task,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Task {
    Probe {
        kind: Kind,
    },
    Still {
        kind: Kind,
        frame: u32,
        side_px: u32,
    },
    Import {
        kind: Kind,
        plan: ClipPlan,
    },
    /// Work that the program brings along, see [`crate::worker::Job`].
    Job {
        name: String,
        question: serde_json::Value,
    },
    /// Tries to get out.
    Escape {
        read: PathBuf,
        write: PathBuf,
        connect: SocketAddr,
        start: PathBuf,
    },
}

/// Hard limits of the child's resources.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cage {
    /// Bytes of address space.
    pub memory_bytes: u64,
    /// Seconds of processor time.
    pub cpu_seconds: u64,
    /// Bytes of one written file.
    pub file_bytes: u64,
    /// Open files.
    pub open_files: u64,
    /// Whether to refuse work where a bar of the cage is missing.
    pub whole: bool,
}

impl Default for Cage {
    /// 3 GiB (thirty pictures of the largest size, with room for the program), 50 s of processor time,
    /// 2 GiB a file, 32 open files; works with the bars that the kernel has.
    fn default() -> Self {
        Self { memory_bytes: 3 << 30, cpu_seconds: 50, file_bytes: 2 << 30, open_files: 32, whole: false }
    }
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Answer {
    pub(crate) report: SandboxReport,
    pub(crate) outcome: Result<Done, Fault>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Done {
    Probed(Probe),
    Still { width: u32, height: u32 },
    Imported { facts: ClipFacts, sound: SoundFacts },
    Answered(serde_json::Value),
    Tried(Escapes),
}

/// Why the child could not do what it was asked, as far as the file or the plan is the reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// There are no pictures in it.
    #[error("the file has no video track")]
    NoVideo,
    /// There is neither picture nor sound in it.
    #[error("the file has neither a video nor a sound track")]
    Nothing,
    /// It ends before the plan does.
    #[error("the clip has {have} pictures of the {needed} that are needed")]
    TooShort {
        /// Pictures of the plan's rate from the plan's beginning to the end of the clip.
        have: u32,
        /// Pictures of the plan less those that may be held.
        needed: u32,
    },
    /// It is larger than allowed.
    #[error(transparent)]
    TooLarge(#[from] TooLarge),
    /// Its data cannot be decoded whole.
    #[error("the file is damaged: {what}")]
    Damaged {
        /// What does not decode.
        what: String,
    },
    /// It is in order and not supported.
    #[error("{what} is not supported")]
    Unsupported {
        /// What is not supported.
        what: String,
    },
    /// The plan is impossible, whatever the file.
    #[error("`{field}` {why}")]
    Plan {
        /// Field of the plan.
        field: String,
        /// What is wrong with it.
        why: String,
    },
    /// A bar of the cage is missing and the options ask for all.
    #[error("the sandbox is not whole: {missing}")]
    Cage {
        /// What is missing.
        missing: String,
    },
    /// The child could not write or encode (retryable when a disk was full).
    #[error("the sandbox could not write: {reason}")]
    Output {
        /// The system's or FFmpeg's words.
        reason: String,
    },
}

impl Fault {
    pub(crate) fn damaged(what: impl Into<String>) -> Self {
        Self::Damaged { what: what.into() }
    }

    pub(crate) fn unsupported(what: impl Into<String>) -> Self {
        Self::Unsupported { what: what.into() }
    }

    pub(crate) fn plan(field: &str, why: &str) -> Self {
        Self::Plan { field: field.to_owned(), why: why.to_owned() }
    }
}

impl From<crate::error::Error> for Fault {
    fn from(error: crate::error::Error) -> Self {
        Self::Output { reason: error.to_string() }
    }
}
