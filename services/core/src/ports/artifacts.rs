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
    /// Whether the storage is full.
    #[must_use]
    pub fn no_room(&self) -> bool {
        matches!(self, Self::Io(error) if no_room(error))
    }
}

/// Whether the system refused because a disk, or the share of it that one may use, is full.
#[must_use]
pub fn no_room(error: &std::io::Error) -> bool {
    matches!(error.kind(), std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded)
}

/// Keeps files by content.
///
/// Contract:
/// 1. What was put under a hash is read back byte for byte, also after a crash: `put` returns only
///    when the bytes are durable.
/// 2. Putting the same bytes twice is the same as once.
/// 3. A reader never sees a half-written file.
/// 4. A file whose bytes no longer match its hash is an error, never returned.
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
