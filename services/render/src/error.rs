//! Why a storyboard could not be rendered.

use spotwright_core::ports::artifacts::{ArtifactError, no_room};
use spotwright_core::ports::quality_gate::GateError;
use spotwright_core::ports::video_backend::RenderError;
use spotwright_schemas::error::{Code, Problem};

/// A failed render.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The request or the machine is at fault in a way the person can mend (permanent).
    #[error(transparent)]
    Problem(#[from] Problem),
    /// Encoding or decoding failed.
    #[error(transparent)]
    Media(#[from] spotwright_media::Error),
    /// An artifact could not be read or stored.
    #[error(transparent)]
    Artifact(#[from] ArtifactError),
    /// The studio's own folder could not be read or written (retryable).
    #[error("studio folder: {0}")]
    Folder(#[from] std::io::Error),
    /// A picture operation was refused by a library; a defect of the studio.
    #[error("compositing: {0}")]
    Compositing(String),
    /// The caller asked to stop.
    #[error("rendering was stopped")]
    Stopped,
}

impl Error {
    /// Whether a disk, descriptors or memory are used up, so that the same render succeeds later.
    pub(crate) fn no_room(&self) -> bool {
        match self {
            Self::Folder(error) => no_room(error),
            Self::Artifact(error) => error.no_room(),
            Self::Media(error) => used_up(error),
            _ => false,
        }
    }

    pub(crate) fn storyboard(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Problem(Problem::new(Code::Storyboard, field, message))
    }
}

/// Whether encoding or decoding ended because something of the machine is used up.
pub(crate) fn used_up(error: &spotwright_media::Error) -> bool {
    error.of_the_system().is_some_and(|error| no_room(&error))
}

impl From<Error> for GateError {
    fn from(error: Error) -> Self {
        match RenderError::from(error) {
            RenderError::Unavailable(what) => Self::Unavailable(what),
            RenderError::NoRoom(what) => Self::NoRoom(what),
            RenderError::Impossible(what) => Self::Impossible(what),
            stopped @ RenderError::Stopped => Self::Impossible(stopped.to_string()),
        }
    }
}

impl From<Error> for RenderError {
    fn from(error: Error) -> Self {
        if matches!(error, Error::Stopped) {
            return Self::Stopped;
        }
        if error.no_room() {
            return Self::NoRoom(error.to_string());
        }
        let retryable = matches!(
            &error,
            Error::Folder(_)
                | Error::Artifact(ArtifactError::Io(_))
                | Error::Media(spotwright_media::Error::Io { .. })
        );
        if retryable { Self::Unavailable(error.to_string()) } else { Self::Impossible(error.to_string()) }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    /// Errors of this number in every place where the system can refuse a render.
    fn refused(number: i32) -> [Error; 3] {
        let io = || std::io::Error::from_raw_os_error(number);
        [
            Error::Folder(io()),
            Error::Artifact(ArtifactError::Io(io())),
            Error::Media(spotwright_media::Error::Io { path: "video.mp4".into(), source: io() }),
        ]
    }

    #[test]
    fn a_render_that_runs_out_of_disk_descriptors_or_memory_waits_for_them() {
        // ENOSPC, EDQUOT, EMFILE, ENFILE, ENOMEM of Linux.
        for number in [28, 122, 24, 23, 12] {
            for error in refused(number) {
                let told = error.to_string();
                assert!(matches!(RenderError::from(error), RenderError::NoRoom(_)), "{number}: {told}");
            }
        }
    }

    #[test]
    fn a_render_that_its_own_input_spoils_is_not_tried_again() {
        let error = Error::Media(spotwright_media::Error::Input("half a picture".to_owned()));
        assert!(matches!(RenderError::from(error), RenderError::Impossible(_)));
    }
}
