//! H.264, AAC and MP4 through the system's FFmpeg, behind a small safe interface.
//!
//! # Purpose
//! Encodes pictures to H.264 in MP4 ([`VideoEncoder`]), samples to AAC ([`encode_aac`]), joins
//! finished pieces without encoding them again ([`stitch`]) and decodes any MP4 exactly once
//! ([`decode`]). Makes clips of ours from foreign files ([`Sandbox`]) and gives their pictures by number
//! ([`ClipReader`]). It knows nothing of advertisements, storyboards or labels, makes no picture of its
//! own, and opens local files only.
//!
//! # Who may see foreign bytes
//! | function | foreign files |
//! |---|---|
//! | [`sniff()`] | yes, in any process: plain Rust over bytes, nothing is decoded |
//! | [`Sandbox`] | yes: sniffs, then hands the file to a caged child process |
//! | [`decode_foreign`] | in that child only, as part of a [`worker::Job`] |
//! | [`decode`], [`stitch`], [`ClipReader`] | **no**: they run FFmpeg in this process, for files that this program encoded and stored |
//!
//! A foreign file is whatever this program did not encode itself: uploads, downloads, results of video
//! services, files named on a command line.
//!
//! # Invariants
//! - The same input gives the same bytes: one encoder thread, bit-exact flags, no dates and no
//!   encoder versions in the container.
//! - A file appears under its name only when it is whole and durable: everything is written to a
//!   temporary neighbor, synchronized and renamed.
//! - Joined video is frame-exact: frame `k` of the result is shown at exactly `k / fps` seconds.
//! - No foreign byte reaches a demuxer or decoder outside of a process that has no network, no files but
//!   its scratch folder, bounded memory and time, and an end.
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
mod clip;
mod convert;
mod decode;
mod error;
mod file;
mod foreign;
mod frame;
mod import;
mod limits;
mod plan;
mod protocol;
mod restrict;
mod sandbox;
mod sniff;
mod sound;
mod stitch;
mod video;
pub mod worker;

pub use audio::encode_aac;
pub use clip::ClipReader;
pub use decode::{
    AudioTrack, Content, NoSink, Parts, Sink, VideoTrack, VideoView, decode, decode_foreign, decode_parts,
    fingerprints,
};
pub use error::Error;
pub use frame::Yuv420;
pub use limits::{Limits, TooLarge};
pub use plan::{
    Bar, ClipFacts, ClipPlan, ColorOf, Escapes, Matrix, Probe, ProbedSound, ProbedVideo, SandboxReport,
    SoundFacts, SoundPlan,
};
pub use protocol::{Cage, Fault};
pub use sandbox::{
    Answered, Caged, Imported, Options, REASONS, Reason, Sandbox, SandboxError, Source, Still,
};
pub use sniff::{Kind, Lookalike, Refusal, Sniffed, sniff};
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
