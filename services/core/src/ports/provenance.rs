//! Provenance: a signed statement in a finished video of what made it.

use std::path::Path;

/// What is stated of a video.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The id that the producer gave it; the metadata label carries the same.
    pub produce_id: String,
    /// Whether a generative model made pictures that it shows; otherwise a program composed it of pictures,
    /// type and synthetic sound that were given or are made without one.
    pub generated: bool,
}

/// What was read back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// The id in the statement.
    pub produce_id: String,
    /// Who signed, as the certificate says; empty where it does not.
    pub signer: String,
}

/// Why a video could not be signed, or its statement not be believed.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct ProvenanceError(pub String);

/// Signs finished videos and reads what was signed.
///
/// Contract:
/// 1. [`Provenance::seal`] leaves the video as it is and writes a signed copy with the same streams and
///    metadata; it is the last change of a file, since any later one breaks the signature.
/// 2. [`Provenance::read`] gives what [`Provenance::seal`] stated. A file without a statement, one that was
///    changed afterwards by a single byte, and a statement that is not ours to believe are errors.
pub trait Provenance: Send + Sync {
    /// Writes a signed copy of the MP4 file `video` to `signed`.
    ///
    /// # Errors
    /// [`ProvenanceError`] when it cannot be read, signed or written; nothing is left at `signed` that is
    /// whole.
    fn seal(&self, video: &Path, origin: &Origin, signed: &Path) -> Result<(), ProvenanceError>;

    /// Reads and verifies the statement of a file.
    ///
    /// # Errors
    /// [`ProvenanceError`] with the reason.
    fn read(&self, video: &Path) -> Result<Statement, ProvenanceError>;
}
