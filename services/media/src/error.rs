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
    /// Whether the disk is full.
    #[must_use]
    pub fn no_room(&self) -> bool {
        match self {
            Self::Io { source, .. } => {
                matches!(source.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
            }
            Self::Codec { source: ffmpeg_next::Error::Other { errno }, .. } => {
                matches!(
                    io::Error::from_raw_os_error(*errno).kind(),
                    io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
                )
            }
            _ => false,
        }
    }

    pub(crate) fn codec(action: &'static str, source: ffmpeg_next::Error) -> Self {
        Self::Codec { action, source }
    }

    pub(crate) fn io(path: &Path, source: std::io::Error) -> Self {
        Self::Io { path: path.to_path_buf(), source }
    }
}
