//! One process to a run folder.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};

/// Why a folder was not locked.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another process works in this folder (permanent until that process ends).
    #[error("another process works in {0}")]
    Held(PathBuf),
    /// The lock file cannot be written (retryable).
    #[error("lock of {folder}: {error}")]
    Io {
        /// The folder.
        folder: PathBuf,
        /// What went wrong.
        error: std::io::Error,
    },
}

/// Holds a folder for this process until it is dropped.
///
/// The operating system's lock on the file `lock` decides, not the file's existence, so a killed
/// process leaves nothing to clean up.
#[derive(Debug)]
pub struct FolderLock {
    _file: File,
}

impl FolderLock {
    /// Locks an existing folder; does not wait.
    ///
    /// # Errors
    /// All of [`LockError`].
    pub fn acquire(folder: &Path) -> Result<Self, LockError> {
        let wrong = |error| LockError::Io { folder: folder.to_owned(), error };
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(folder.join("lock"))
            .map_err(wrong)?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(LockError::Held(folder.to_owned())),
            Err(TryLockError::Error(error)) => Err(wrong(error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_locked_once_and_free_after_the_drop() {
        let folder = tempfile::tempdir().unwrap();
        let lock = FolderLock::acquire(folder.path()).unwrap();
        assert!(matches!(FolderLock::acquire(folder.path()), Err(LockError::Held(_))));
        drop(lock);
        FolderLock::acquire(folder.path()).unwrap();
    }

    #[test]
    fn a_missing_folder_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let missing = folder.path().join("missing");
        assert!(matches!(FolderLock::acquire(&missing), Err(LockError::Io { .. })));
    }
}
