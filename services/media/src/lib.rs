//! H.264, AAC and MP4 through the system's FFmpeg, behind a small safe interface.
//!
//! # Purpose
//! Encodes pictures to H.264 in MP4 ([`VideoEncoder`]), samples to AAC ([`encode_aac`]), joins
//! finished pieces without encoding them again ([`stitch`]) and decodes any MP4 exactly once
//! ([`decode`]). It knows nothing of advertisements, storyboards or labels, makes no picture of its
//! own, does not scale or resample, and opens local files only.
//!
//! # Invariants
//! - The same input gives the same bytes: one encoder thread, bit-exact flags, no dates and no
//!   encoder versions in the container.
//! - A file appears under its name only when it is whole and durable: everything is written to a
//!   temporary neighbor, synchronized and renamed.
//! - Joined video is frame-exact: frame `k` of the result is shown at exactly `k / fps` seconds.
//!
//! # Example
//! ```
//! use spotwright_media::{NoSink, VideoEncoder, VideoFormat, Yuv420, decode};
//!
//! let folder = tempfile::tempdir()?;
//! let file = folder.path().join("gray.mp4");
//! let format = VideoFormat { width: 64, height: 96, fps: 30, crf: 21, keyframe_every: 30 };
//! let mut encoder = VideoEncoder::create(&file, format)?;
//! for _ in 0..5 {
//!     encoder.write(&Yuv420::filled(64, 96, [120, 128, 128]))?;
//! }
//! encoder.finish()?;
//! let content = decode(&file, &mut NoSink)?;
//! assert_eq!(content.video.map(|video| video.frames), Some(5));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod audio;
mod decode;
mod error;
mod file;
mod frame;
mod stitch;
mod video;

pub use audio::encode_aac;
pub use decode::{AudioTrack, Content, NoSink, Sink, VideoTrack, VideoView, decode};
pub use error::Error;
pub use frame::Yuv420;
pub use stitch::{Piece, stitch};
pub use video::{VideoEncoder, VideoFormat};

/// Initializes FFmpeg once and keeps its own log to errors.
fn initialize() -> Result<(), Error> {
    use std::sync::OnceLock;
    static READY: OnceLock<Result<(), ffmpeg_next::Error>> = OnceLock::new();
    let ready = READY.get_or_init(|| {
        ffmpeg_next::init()?;
        // Damaged input is reported through our own errors; FFmpeg's lines would only repeat it.
        ffmpeg_next::log::set_level(ffmpeg_next::log::Level::Fatal);
        Ok(())
    });
    ready.map_err(|source| Error::codec("start ffmpeg", source))
}
