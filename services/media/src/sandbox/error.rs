//! Why a foreign file could not be used, with stable codes and what to do.

use std::io;

use crate::protocol::Fault;
use crate::sniff::Refusal;

/// Why a foreign file could not be used.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// It is not taken, by its bytes alone (permanent).
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// It, or the plan, does not work out (permanent, but for [`Fault::Output`]).
    #[error(transparent)]
    Fault(#[from] Fault),
    /// The child ran out of wall clock (permanent on a machine that is not overloaded).
    #[error("reading the file took longer than {seconds} s")]
    TimedOut {
        /// The bound in seconds.
        seconds: u64,
    },
    /// The child ran into a bound of the cage (permanent).
    #[error("reading the file took more {resource} than allowed")]
    OverLimit {
        /// `processor time` or `file size`.
        resource: &'static str,
    },
    /// The child ended without an answer (permanent: the file broke the decoder, or memory was too little).
    #[error("reading the file broke the decoder ({how}){}", words(said))]
    Crashed {
        /// Signal or exit code.
        how: String,
        /// What the child said last, printable characters only.
        said: String,
    },
    /// The child answered what it was not asked, or left what it must not leave (permanent).
    #[error("the sandboxed process cannot be trusted: {0}")]
    Untrusted(&'static str),
    /// The system refused to start the child or to write scratch files (retryable).
    #[error("{action}: {source}")]
    Io {
        /// What was tried.
        action: &'static str,
        /// The system's answer.
        source: io::Error,
    },
}

fn words(said: &str) -> String {
    if said.is_empty() { String::new() } else { format!(": {said}") }
}

impl SandboxError {
    /// A short name that does not change, for reports and for programs.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Refused(refusal) => match refusal {
                Refusal::NotMedia { .. } => "media_not_media",
                Refusal::Polyglot { .. } => "media_two_formats",
                Refusal::Trailing { .. } => "media_trailing_bytes",
                Refusal::Truncated { .. } => "media_truncated",
                Refusal::ExternalReference { .. } => "media_external_reference",
                Refusal::Malformed { .. } => "media_malformed",
                Refusal::TooLarge(_) => "media_too_large",
                Refusal::Unreadable { .. } => "media_unreadable",
            },
            Self::Fault(fault) => match fault {
                Fault::NoVideo => "media_no_video",
                Fault::Nothing => "media_empty",
                Fault::TooShort { .. } => "media_too_short",
                Fault::TooLarge(_) => "media_too_large",
                Fault::Damaged { .. } => "media_damaged",
                Fault::Unsupported { .. } => "media_unsupported",
                Fault::Plan { .. } => "media_plan",
                Fault::Cage { .. } => "media_sandbox_not_whole",
                Fault::Output { .. } => "media_output",
            },
            Self::TimedOut { .. } => "media_timed_out",
            Self::OverLimit { .. } => "media_over_limit",
            Self::Crashed { .. } => "media_crashed",
            Self::Untrusted(_) => "media_untrusted",
            Self::Io { .. } => "media_io",
        }
    }

    /// What the person who sent the file can do about it.
    #[must_use]
    pub fn advice(&self) -> &'static str {
        let code = self.code();
        REASONS.iter().find(|reason| reason.code == code).map_or("try again", |reason| reason.advice)
    }

    /// Whether the same file may pass at another time.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        matches!(
            self,
            Self::Io { .. } | Self::Refused(Refusal::Unreadable { .. }) | Self::Fault(Fault::Output { .. })
        )
    }

    pub(super) fn io(action: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { action, source }
    }
}

/// Why a file is not used, for a page of its own; see `docs/media.md`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reason {
    /// The name that does not change, see [`SandboxError::code`].
    pub code: &'static str,
    /// What was found, as a sentence.
    pub meaning: &'static str,
    /// What the person who sent the file can do, without a final point.
    pub advice: &'static str,
}

const EXPORT: &str = "export the clip, picture or sound again as one plain MP4, WebM, PNG, JPEG or WAV file";
const AGAIN: &str = "fetch or upload the file again; if it stays so, export it again from its source";
const SMALLER: &str = "export it shorter, smaller or at a lower frame rate";
const PICTURES: &str = "choose a file with a picture track";
const ROOM: &str = "free disk space and try again";

/// Every reason, in the order of looking: at the bytes, at what decoding finds, at the child process.
pub const REASONS: &[Reason] = &[
    reason("media_not_media", "The first bytes belong to no picture, clip or sound that is read.", EXPORT),
    reason("media_two_formats", "The file is valid as two formats at once, one of which is hidden.", EXPORT),
    reason("media_trailing_bytes", "Something follows the end of the file's own format.", EXPORT),
    reason("media_external_reference", "The file names data outside of itself.", EXPORT),
    reason("media_truncated", "The file ends before its headers say.", AGAIN),
    reason("media_malformed", "The file's structure contradicts itself.", AGAIN),
    reason(
        "media_too_large",
        "It has, or claims, more bytes, pixels, frames or seconds than are taken.",
        SMALLER,
    ),
    reason("media_unreadable", "The system could not read the file.", ROOM),
    reason("media_no_video", "There is no picture track in it.", PICTURES),
    reason("media_empty", "There is neither a picture nor a sound track in it.", PICTURES),
    reason(
        "media_too_short",
        "It ends before the shot does.",
        "choose a longer clip, or let the storyboard hold its last picture longer",
    ),
    reason("media_damaged", "A part of it that is used does not decode.", AGAIN),
    reason(
        "media_unsupported",
        "It is in order, in a codec, color space or rotation that is not read.",
        "export it as H.264 with AAC, standard dynamic range",
    ),
    reason(
        "media_plan",
        "What was asked of the file is impossible, whatever the file.",
        "correct the named field",
    ),
    reason(
        "media_sandbox_not_whole",
        "The kernel lacks a bar of the sandbox, and `sandbox.whole` asks for all.",
        "run on a kernel with Landlock and seccomp, or allow a sandbox with fewer bars",
    ),
    reason("media_output", "The sandboxed process could not write its result.", ROOM),
    reason("media_timed_out", "Reading it took longer than allowed; the process was ended.", SMALLER),
    reason("media_over_limit", "Reading it took more processor time or disk than allowed.", SMALLER),
    reason("media_crashed", "It broke the decoder, in the process that is there to be broken.", AGAIN),
    reason("media_untrusted", "The sandboxed process answered what it was not asked.", AGAIN),
    reason("media_io", "The system could not start the sandboxed process or write its files.", ROOM),
];

const fn reason(code: &'static str, meaning: &'static str, advice: &'static str) -> Reason {
    Reason { code, meaning, advice }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::TooLarge;
    use crate::sniff::Kind;

    /// One error of every kind.
    fn every_error() -> Vec<SandboxError> {
        let large = TooLarge { what: String::new(), have: 2, limit: 1, unit: String::new() };
        let text = String::new;
        let refusals = [
            Refusal::NotMedia { looks_like: None },
            Refusal::Polyglot { kind: Kind::Mp4, second: crate::sniff::Lookalike::Html },
            Refusal::Trailing { kind: Kind::Mp4, bytes: 1 },
            Refusal::Truncated { kind: Kind::Mp4 },
            Refusal::ExternalReference { kind: Kind::Mp4 },
            Refusal::malformed(Kind::Mp4, ""),
            Refusal::TooLarge(large.clone()),
            Refusal::Unreadable { reason: text() },
        ];
        let faults = [
            Fault::NoVideo,
            Fault::Nothing,
            Fault::TooShort { have: 1, needed: 2 },
            Fault::TooLarge(large),
            Fault::damaged(""),
            Fault::unsupported(""),
            Fault::plan("", ""),
            Fault::Cage { missing: text() },
            Fault::Output { reason: text() },
        ];
        let mut errors: Vec<SandboxError> = refusals.into_iter().map(SandboxError::from).collect();
        errors.extend(faults.into_iter().map(SandboxError::from));
        errors.extend([
            SandboxError::TimedOut { seconds: 1 },
            SandboxError::OverLimit { resource: "file size" },
            SandboxError::Crashed { how: text(), said: text() },
            SandboxError::Untrusted(""),
            SandboxError::Io { action: "", source: io::Error::other("") },
        ]);
        errors
    }

    #[test]
    fn every_code_has_a_reason_and_every_reason_stands_in_the_document() {
        let page = include_str!("../../../../docs/media.md");
        let mut seen: Vec<&str> = every_error().iter().map(SandboxError::code).collect();
        for reason in REASONS {
            assert!(seen.contains(&reason.code), "{} is given by no error", reason.code);
            let row = format!("| `{}` | {} | {} |", reason.code, reason.meaning, reason.advice);
            assert!(page.contains(&row), "docs/media.md lacks {row}");
        }
        seen.retain(|code| !REASONS.iter().any(|reason| reason.code == *code));
        assert!(seen.is_empty(), "{seen:?}");
    }
}
