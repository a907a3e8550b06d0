//! Watermarks: copies of pictures and videos for people who must not get the file itself.

use async_trait::async_trait;

use super::artifacts::ArtifactHash;
use super::video_backend::RenderError;

/// What is copied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Medium {
    /// An MP4 that a video backend of this service has made.
    Video,
    /// A still picture of one, JPEG or PNG.
    Still,
}

/// Makes copies with words burnt in.
///
/// Contract:
/// 1. The words are in every picture of the copy, all over it: no part of a quarter of its area is without.
/// 2. A copy is small, at most 640 pixels on its longer side, and as long as its source, with its sound.
/// 3. The same source and words give the same copy, made once: it is kept among the artifacts.
/// 4. Characters that cannot be drawn are left out of the words.
#[async_trait]
pub trait Watermarks: Send + Sync {
    /// The copy of a stored file.
    ///
    /// # Errors
    /// [`RenderError::Impossible`] for a file that is missing or is not what `medium` says, and for words of
    /// which none can be drawn; [`RenderError::Unavailable`], [`RenderError::NoRoom`].
    async fn marked(
        &self,
        source: &ArtifactHash,
        medium: Medium,
        words: &str,
    ) -> Result<ArtifactHash, RenderError>;
}
