//! What can go wrong with media files.

use std::io;
use std::path::{Path, PathBuf};

/// Why media could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file system refused (retryable when the disk was full).
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's answer.
        source: std::io::Error,
    },
    /// FFmpeg refused (permanent for the same input).
    #[error("cannot {action}: {source}")]
    Codec {
        /// What was tried.
        action: &'static str,
        /// FFmpeg's answer.
        source: ffmpeg_next::Error,
    },
    /// The installed FFmpeg lacks an encoder or decoder (permanent until it is installed).
    #[error("the installed ffmpeg has no {0}")]
    Missing(&'static str),
    /// The input is not what the call takes: wrong size, format or order (permanent).
    #[error("{0}")]
    Input(String),
}

impl Error {
    /// What the system answered, when it was the system that refused: a full disk, say, or descriptors
    /// or memory that are used up.
    #[must_use]
    pub fn of_the_system(&self) -> Option<io::Error> {
        match self {
            // Numbers, or kinds and words, are kept; an error cannot be copied whole.
            Self::Io { source, .. } => Some(source.raw_os_error().map_or_else(
                || io::Error::new(source.kind(), source.to_string()),
                io::Error::from_raw_os_error,
            )),
            Self::Codec { source: ffmpeg_next::Error::Other { errno }, .. } => {
                Some(io::Error::from_raw_os_error(*errno))
            }
            _ => None,
        }
    }

    pub(crate) fn codec(action: &'static str, source: ffmpeg_next::Error) -> Self {
        Self::Codec { action, source }
    }

    pub(crate) fn io(path: &Path, source: std::io::Error) -> Self {
        Self::Io { path: path.to_path_buf(), source }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn what_the_system_refused_to_ffmpeg_is_told_as_the_system_tells_it() {
        let refused = |source| Error::codec("open the file", source).of_the_system();
        // EMFILE and ENOMEM of Linux, as FFmpeg hands them on.
        for number in [24, 12] {
            let error = refused(ffmpeg_next::Error::from(-number)).expect("an answer of the system");
            assert_eq!(error.raw_os_error(), Some(number));
        }
        assert!(refused(ffmpeg_next::Error::InvalidData).is_none());
    }
}
