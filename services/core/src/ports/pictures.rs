//! Import of pictures: from bytes that nobody has vouched for to a picture that may be kept.

use spotwright_schemas::Problem;

/// A picture that was decoded and written anew.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportedPicture {
    /// The picture as PNG, without anything of the source but its pixels.
    pub png: Vec<u8>,
    /// Pixels from left to right.
    pub width: u32,
    /// Pixels from top to bottom.
    pub height: u32,
}

/// Imports pictures.
///
/// Contract:
/// 1. Whatever the bytes are, the answer is a picture or a problem: no panic, bounded memory.
/// 2. The same bytes give the same picture.
/// 3. The picture holds no byte of the source that is not a pixel.
///
/// Importing takes processor time; callers run it where it may block.
pub trait PictureImporter: Send + Sync {
    /// Imports `bytes`; `name` is the field that problems are told of.
    ///
    /// # Errors
    /// `Code::PictureDamaged`, `Code::PictureSize`, `Code::PictureUnusable`.
    fn import(&self, bytes: &[u8], name: &str) -> Result<ImportedPicture, Problem>;
}
