//! Hints that something has become of a clip's job. Providers send them to an address of ours; each is worth an
//! earlier look at the job, and none is believed.

use async_trait::async_trait;

/// Why a hint is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HintError {
    /// No source of this name takes hints (permanent).
    #[error("no source of this name takes callbacks")]
    Unknown,
    /// It is not from the provider, too old, or no hint at all (permanent).
    #[error("{0}")]
    Refused(String),
    /// It cannot be taken at this moment (retryable).
    #[error("{0}")]
    Unavailable(String),
}

/// Takes hints.
///
/// Contract:
/// 1. Only what carries the provider's signature is taken.
/// 2. A hint changes nothing but when its job is looked at: repeats, lies and hints about jobs that nobody
///    waits for cost one look at most.
#[async_trait]
pub trait ClipHints: Send + Sync {
    /// Takes what was received for a source: pairs of header names, in any case, and values, and the body byte
    /// for byte.
    ///
    /// # Errors
    /// [`HintError`].
    async fn take(&self, source: &str, headers: &[(&str, &str)], body: &[u8]) -> Result<(), HintError>;
}
