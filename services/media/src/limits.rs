//! How large media from outside may be.

use serde::{Deserialize, Serialize};

/// Bounds that a file from outside has to keep; all are checked on what its headers say before anything
/// is decoded, and again on what decoding finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Bytes of the file.
    pub bytes: u64,
    /// Pixels of the longer side of a picture.
    pub side_px: u32,
    /// Pixels of one picture.
    pub pixels: u64,
    /// Length in seconds.
    pub seconds: u32,
    /// Pictures per second.
    pub fps: u32,
    /// Pictures of one file.
    pub frames: u32,
}

impl Default for Limits {
    /// 512 MiB, 4,096 pixels a side, 33 million pixels a picture, 10 minutes, 120 pictures a second and
    /// 72,000 pictures: a little above what the video services deliver and what phones record.
    fn default() -> Self {
        Self { bytes: 512 << 20, side_px: 4_096, pixels: 33_000_000, seconds: 600, fps: 120, frames: 72_000 }
    }
}

/// Something that is larger than allowed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{what} is {have}; at most {limit} {unit} are taken")]
pub struct TooLarge {
    /// What is too large, e.g. `the file`.
    pub what: String,
    /// How large it is or says it is, in `unit`.
    pub have: u64,
    /// The bound, in `unit`.
    pub limit: u64,
    /// Unit of both numbers.
    pub unit: String,
}

impl Limits {
    /// Checks the size of the file.
    ///
    /// # Errors
    /// [`TooLarge`].
    pub fn check_bytes(&self, bytes: u64) -> Result<(), TooLarge> {
        within("the file", bytes, self.bytes, "bytes")
    }

    /// Checks the size of a picture in pixels.
    ///
    /// # Errors
    /// [`TooLarge`].
    pub fn check_picture(&self, width: u64, height: u64) -> Result<(), TooLarge> {
        within("the longer side of the picture", width.max(height), u64::from(self.side_px), "pixels")?;
        within("the area of the picture", width.saturating_mul(height), self.pixels, "pixels")
    }

    /// Checks a number of pictures.
    ///
    /// # Errors
    /// [`TooLarge`].
    pub fn check_frames(&self, frames: u64) -> Result<(), TooLarge> {
        within("the number of pictures", frames, u64::from(self.frames), "pictures")
    }

    /// Checks a length in seconds; what is not a number counts as endless.
    ///
    /// # Errors
    /// [`TooLarge`].
    pub fn check_seconds(&self, seconds: f64) -> Result<(), TooLarge> {
        let whole = if seconds.is_nan() { u64::MAX } else { seconds.ceil().clamp(0.0, 1e18) as u64 };
        within("the length", whole, u64::from(self.seconds), "seconds")
    }

    /// Checks a frame rate in pictures per second.
    ///
    /// # Errors
    /// [`TooLarge`].
    pub fn check_fps(&self, fps: f64) -> Result<(), TooLarge> {
        let whole = if fps.is_nan() { u64::MAX } else { fps.round().clamp(0.0, 1e18) as u64 };
        within("the frame rate", whole, u64::from(self.fps), "pictures per second")
    }
}

fn within(what: &str, have: u64, limit: u64, unit: &str) -> Result<(), TooLarge> {
    if have <= limit {
        return Ok(());
    }
    Err(TooLarge { what: what.to_owned(), have, limit, unit: unit.to_owned() })
}
