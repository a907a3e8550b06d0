//! The port that sets a picture in motion.

use async_trait::async_trait;
use spotwright_core::ports::clip_source::CameraMove;
use spotwright_core::spine::Shutdown;
use spotwright_schemas::storyboard::FrameSize;

/// A picture that becomes a clip.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MotionOrder {
    /// The picture as an RGB PNG, of about the clip's ratio.
    pub picture: Vec<u8>,
    /// The clip's size in pixels: even, each side within 160–2,160.
    pub size: FrameSize,
    /// The clip's length in frames, at least 1.
    pub frames: u32,
    /// Frames per second, 10–60.
    pub fps: u32,
    /// How the camera moves; `None` leaves it to the seed.
    pub camera: Option<CameraMove>,
    /// Decides what the camera does where nothing else does.
    pub seed: u32,
    /// Name of the work, of letters, digits and `-`; the same name is the same work.
    pub name: String,
}

/// Why there is no clip.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MotionError {
    /// It was told to stop.
    #[error("it was stopped")]
    Stopped,
    /// It may succeed later: no room on the disk, storage away.
    #[error("{0}")]
    Unavailable(String),
    /// It will never succeed.
    #[error("{0}")]
    Impossible(String),
}

/// Sets pictures in motion.
///
/// Contract: a whole MP4 of the order's size, rate and number of frames, which says in its metadata that a model
/// made it; equal orders give equal clips; told to stop, it ends soon with [`MotionError::Stopped`].
#[async_trait]
pub trait Motion: Send + Sync {
    /// Makes the clip.
    ///
    /// # Errors
    /// [`MotionError`].
    async fn animate(&self, order: &MotionOrder, stop: &Shutdown) -> Result<Vec<u8>, MotionError>;
}
