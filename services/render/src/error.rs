//! Why a storyboard could not be rendered.

use spotwright_core::ports::artifacts::{ArtifactError, no_room};
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
}

impl Error {
    pub(crate) fn storyboard(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Problem(Problem::new(Code::Storyboard, field, message))
    }
}

impl From<Error> for RenderError {
    fn from(error: Error) -> Self {
        let full = match &error {
            Error::Folder(error) => no_room(error),
            Error::Artifact(error) => error.no_room(),
            Error::Media(error) => error.no_room(),
            _ => false,
        };
        if full {
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
