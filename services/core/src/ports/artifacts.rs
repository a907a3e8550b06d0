//! Artifacts: pictures, videos and other files, named by their content.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// BLAKE3 of a file's bytes, hexadecimal.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ArtifactHash(pub String);

impl ArtifactHash {
    /// The hash of `bytes`.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(blake3::hash(bytes).to_hex().to_string())
    }

    /// The hexadecimal digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for ArtifactHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why an artifact could not be stored or read.
#[derive(Debug, thiserror::Error)]
pub enum ArtifactError {
    /// No artifact has this hash (permanent).
    #[error("no artifact {0}")]
    Missing(ArtifactHash),
    /// The stored bytes do not have this hash any more (permanent).
    #[error("artifact {0} is damaged")]
    Damaged(ArtifactHash),
    /// The storage failed (retryable).
    #[error("artifact storage: {0}")]
    Io(#[from] std::io::Error),
}

impl ArtifactError {
    /// Whether the storage is full, or the machine has nothing left to reach it with.
    #[must_use]
    pub fn no_room(&self) -> bool {
        matches!(self, Self::Io(error) if no_room(error))
    }
}

/// Whether the system refused because something of the machine is used up for the moment: a disk, the
/// share of it that one may use, file descriptors of the process or of the system, memory. That says
/// nothing about the work, which succeeds once there is some again. Clients of storage wrap what the
/// system told them, so causes are looked at too.
#[must_use]
pub fn no_room(error: &std::io::Error) -> bool {
    if is_used_up(error) {
        return true;
    }
    let mut cause = error.get_ref().map(|inner| inner as &(dyn std::error::Error + 'static));
    while let Some(inner) = cause {
        if inner.downcast_ref::<std::io::Error>().is_some_and(is_used_up) {
            return true;
        }
        cause = inner.source();
    }
    // The errors of temporary files tell their cause in their text alone.
    error.get_ref().is_some() && {
        let text = error.to_string();
        USED_UP.iter().any(|number| text.contains(&format!("(os error {number})")))
    }
}

fn is_used_up(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{OutOfMemory, QuotaExceeded, StorageFull};

    matches!(error.kind(), StorageFull | QuotaExceeded | OutOfMemory)
        || error.raw_os_error().is_some_and(|number| USED_UP.contains(&number))
}

/// Numbers of errors that Rust gives no kind: too many open files in the system and in the process.
#[cfg(unix)]
const USED_UP: [i32; 2] = [23, 24];
/// Numbers of errors that Rust gives no kind: too many open files.
#[cfg(not(unix))]
const USED_UP: [i32; 1] = [4];

/// Keeps files by content.
///
/// Contract:
/// 1. What was put under a hash is read back byte for byte, also after a crash: `put` returns only
///    when the bytes are durable.
/// 2. Putting the same bytes twice is the same as once.
/// 3. A reader never sees a half-written file.
/// 4. A file whose bytes no longer match its hash is an error, never returned.
/// 5. Storage that is not there as a whole is [`ArtifactError::Io`], not a missing file.
pub trait ArtifactStore: Send + Sync {
    /// Stores bytes and returns their hash.
    ///
    /// # Errors
    /// [`ArtifactError::Io`].
    fn put(&self, bytes: &[u8]) -> Result<ArtifactHash, ArtifactError>;

    /// Moves a finished file into the store and returns its hash.
    ///
    /// # Errors
    /// [`ArtifactError::Io`].
    fn adopt(&self, file: &std::path::Path) -> Result<ArtifactHash, ArtifactError>;

    /// Reads an artifact and checks its hash.
    ///
    /// # Errors
    /// All of [`ArtifactError`].
    fn get(&self, hash: &ArtifactHash) -> Result<Vec<u8>, ArtifactError>;

    /// A local path for programs and libraries that need a file; checked to exist, not re-hashed.
    ///
    /// # Errors
    /// [`ArtifactError::Missing`], [`ArtifactError::Io`].
    fn path(&self, hash: &ArtifactHash) -> Result<PathBuf, ArtifactError>;

    /// Whether files can be written and read at this moment: writes nothing that stays.
    ///
    /// # Errors
    /// [`ArtifactError::Io`].
    fn probe(&self) -> Result<(), ArtifactError> {
        Ok(())
    }

    /// Removes an artifact that nobody refers to any more; one that is not there is removed already.
    ///
    /// # Errors
    /// [`ArtifactError::Io`], also of a store that keeps everything.
    fn remove(&self, hash: &ArtifactHash) -> Result<(), ArtifactError> {
        let message = format!("this storage keeps everything, {hash} too");
        Err(std::io::Error::new(std::io::ErrorKind::Unsupported, message).into())
    }

    /// Whether there is an artifact, without reading it.
    ///
    /// # Errors
    /// [`ArtifactError::Io`].
    fn contains(&self, hash: &ArtifactHash) -> Result<bool, ArtifactError> {
        match self.path(hash) {
            Ok(_) => Ok(true),
            Err(ArtifactError::Missing(_)) => Ok(false),
            Err(error) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn whatever_is_used_up_for_the_moment_counts_as_no_room() {
        // ENOSPC, EDQUOT, ENFILE, EMFILE, ENOMEM of Linux; EACCES and EIO are another matter.
        for (number, expected) in
            [(28, true), (23, true), (24, true), (12, true), (13, false), (5, false), (2, false)]
        {
            let error = std::io::Error::from_raw_os_error(number);
            assert_eq!(no_room(&error), expected, "error {number}");
            let wrapped = std::io::Error::other(ArtifactError::Io(error));
            assert_eq!(no_room(&wrapped), expected, "error {number} as a client of storage tells it");
        }
    }
}
