//! Unguessable bytes as a parameter.

use uuid::{Builder, Uuid};

/// The source of random bytes failed (retryable).
#[derive(Debug, Clone, thiserror::Error)]
#[error("no random bytes: {0}")]
pub struct EntropyError(pub String);

/// Gives bytes that nobody can guess: secrets of keys, ids that are not derived.
///
/// Contract:
/// 1. Bytes are uniform and independent of all earlier ones; a program passes the operating
///    system's generator, a test may pass a seeded one.
/// 2. On an error the buffer must not be used.
pub trait Entropy: Send + Sync {
    /// Fills the buffer.
    ///
    /// # Errors
    /// [`EntropyError`].
    fn fill(&self, buffer: &mut [u8]) -> Result<(), EntropyError>;
}

/// A random id: version 8, as derived ones.
///
/// # Errors
/// [`EntropyError`].
pub fn random_id(entropy: &dyn Entropy) -> Result<Uuid, EntropyError> {
    let mut bytes = [0_u8; 16];
    entropy.fill(&mut bytes)?;
    Ok(Builder::from_custom_bytes(bytes).into_uuid())
}
