//! What spoken lines need from outside.

use std::sync::Arc;

use spotwright_core::ports::artifacts::ArtifactStore;
use spotwright_core::ports::voice::Voice;

/// Everything that spoken lines need from outside.
#[derive(Clone)]
pub struct VoicePorts {
    /// Who speaks.
    pub voice: Arc<dyn Voice>,
    /// Where recordings are kept; the one that the video backend reads from.
    pub artifacts: Arc<dyn ArtifactStore>,
}
