//! Whether a process can do its work.

use async_trait::async_trait;

/// What keeps a process from its work. Shown to everybody, so it names nothing but the part that is at
/// fault; the cause is for the log.
#[derive(Debug, Clone, thiserror::Error)]
pub enum NotReady {
    /// The database gives no answer, or none in time.
    #[error("the database does not answer")]
    Database(String),
    /// Pictures and videos cannot be read or written where they are kept.
    #[error("pictures and videos cannot be read and written where they are kept")]
    Artifacts(String),
    /// What this process writes itself finds no room.
    #[error("the folder of this process cannot be written")]
    Folder(String),
}

impl NotReady {
    /// What was found.
    #[must_use]
    pub fn cause(&self) -> &str {
        let (Self::Database(cause) | Self::Artifacts(cause) | Self::Folder(cause)) = self;
        cause
    }
}

/// Tells whether a process can do its work.
///
/// Contract: an answer comes within a few seconds whatever is broken, and asking often costs little.
#[async_trait]
pub trait Readiness: Send + Sync {
    /// `Ok` when everything that the process needs is there.
    ///
    /// # Errors
    /// The first part that is at fault.
    async fn check(&self) -> Result<(), NotReady>;
}
