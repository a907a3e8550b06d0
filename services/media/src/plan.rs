//! What the sandbox is asked to do with a file from outside, and what it answers.

use serde::{Deserialize, Serialize};

use crate::sniff::Kind;

/// How a foreign clip becomes one of ours.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClipPlan {
    /// Width of the result in pixels; even, 16–4,096.
    pub width: u32,
    /// Height of the result in pixels; even, 16–4,096.
    pub height: u32,
    /// Pictures per second of the result, 1–120.
    pub fps: u32,
    /// Where in the clip the result begins, in pictures of the result's rate after the first picture.
    pub start_frame: u32,
    /// Length of the result in pictures; at least 1.
    pub frames: u32,
    /// How many pictures the last one may be held for where the clip is too short.
    pub hold_frames: u32,
    /// Constant rate factor of x264 for the intermediate, 0–51.
    pub crf: u32,
    /// Sound of the result; `None` leaves it out.
    pub sound: Option<SoundPlan>,
}

impl ClipPlan {
    /// Constant rate factor of an intermediate. 17 or 18 is taken for visually lossless (FFmpeg's guide to
    /// H.264); six steps double the bits, so 12 leaves one doubling for the encoding that follows.
    pub const CRF: u32 = 12;

    /// A plan from the first picture on, with sound at -14 LUFS and no holding.
    #[must_use]
    pub fn new(width: u32, height: u32, fps: u32, frames: u32) -> Self {
        Self {
            width,
            height,
            fps,
            start_frame: 0,
            frames,
            hold_frames: 0,
            crf: Self::CRF,
            sound: Some(SoundPlan::default()),
        }
    }
}

/// How the sound of a clip is written.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SoundPlan {
    /// Samples per second of the result, 8,000–192,000.
    pub rate: u32,
    /// Integrated loudness in LUFS that is aimed at (EBU R 128).
    pub lufs: f64,
    /// Highest true peak in dBTP; where it stands against the loudness, the result is quieter.
    pub true_peak: f64,
}

impl Default for SoundPlan {
    /// 44,100 samples a second, -14 LUFS, -1 dBTP: what the rest of the program mixes at.
    fn default() -> Self {
        Self { rate: 44_100, lufs: -14.0, true_peak: -1.0 }
    }
}

/// What a foreign file holds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Probe {
    /// The kind of file.
    pub kind: Kind,
    /// Its pictures.
    pub video: Option<ProbedVideo>,
    /// Its sound.
    pub sound: Option<ProbedSound>,
    /// Tracks that are ignored: subtitles, attachments, data and further video or sound.
    pub ignored_tracks: u32,
}

/// The picture track of a foreign file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProbedVideo {
    /// FFmpeg's name of the decoder, e.g. `h264`.
    pub codec: String,
    /// Coded width in pixels, before rotation.
    pub width: u32,
    /// Coded height in pixels, before rotation.
    pub height: u32,
    /// Width of a pixel over its height; 1 where the file says nothing.
    pub pixel_aspect: f64,
    /// Clockwise rotation for showing, in degrees: 0, 90, 180 or 270.
    pub rotation: u32,
    /// Whether it is shown mirrored (before rotation).
    pub mirrored: bool,
    /// Pictures per second, averaged; 0 for one picture.
    pub fps: f64,
    /// Coded pictures, counted.
    pub frames: u32,
    /// From the beginning of the first picture to the end of the last, in seconds.
    pub seconds: f64,
    /// What is taken as its color.
    pub color: ColorOf,
}

/// Color of coded pictures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColorOf {
    /// Which numbers mix red, green and blue to luma.
    pub matrix: Matrix,
    /// Whether luma runs over 0–255 and not over 16–235.
    pub full_range: bool,
    /// Whether the matrix was guessed from the size, because the file does not say.
    pub guessed: bool,
}

/// Color matrices that are understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Matrix {
    /// Red, green and blue themselves.
    Rgb,
    /// ITU-R BT.709.
    Bt709,
    /// ITU-R BT.601, 625 or 525 lines.
    Bt601,
    /// ITU-R BT.2020, non-constant luminance.
    Bt2020,
    /// SMPTE 240M.
    Smpte240,
    /// FCC 1953.
    Fcc,
}

/// The sound track of a foreign file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProbedSound {
    /// FFmpeg's name of the decoder, e.g. `aac`.
    pub codec: String,
    /// Samples per second.
    pub rate: u32,
    /// Number of channels.
    pub channels: u32,
    /// Length in seconds, by decoding.
    pub seconds: f64,
    /// Integrated loudness in LUFS (EBU R 128); `None` when silent or shorter than 0.4 s.
    pub lufs: Option<f64>,
}

/// What is known of an imported clip, all measured on the pictures that were encoded.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClipFacts {
    /// Pictures; the plan's.
    pub frames: u32,
    /// How many of them repeat the last picture because the clip was too short.
    pub held_frames: u32,
    /// Pictures of the source that were shown at least once.
    pub source_frames: u32,
    /// Mean luma over all pictures, in codes of 16–235.
    pub mean_luma: f64,
    /// Longest stretch of black pictures: fewer than 2 % of the lumas above 32.
    pub black_frames: u32,
    /// Longest stretch without motion: mean luma changes below 0.02 codes over half a second.
    pub frozen_frames: u32,
    /// What was taken as the source's color.
    pub color: ColorOf,
}

/// What became of the sound of a clip.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum SoundFacts {
    /// The plan wants none.
    Unwanted,
    /// The clip has no sound track.
    Absent,
    /// There is a track and nothing is heard on it: below -60 dBFS throughout, or below the absolute gate
    /// of -70 LUFS.
    Silent,
    /// Too short to have a loudness (below 0.4 s); written as it is.
    Unmeasured {
        /// Samples per channel.
        samples: u64,
    },
    /// Written at the wanted loudness.
    Normalized {
        /// Samples per channel.
        samples: u64,
        /// Integrated loudness before, in LUFS.
        source_lufs: f64,
        /// Gain that was applied, in dB.
        gain_db: f64,
        /// Integrated loudness of the result, in LUFS; below the plan's where the true peak or the
        /// largest gain stood against it.
        lufs: f64,
        /// True peak of the result, in dBTP.
        true_peak: f64,
    },
}

/// Which of the cage's bars hold; a kernel that lacks one is said, never passed over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SandboxReport {
    /// Files: only the scratch folder can be opened (Landlock).
    pub files: Bar,
    /// Network: no address can be reached (no system call for sockets; Landlock too where it can).
    pub network: Bar,
    /// System calls: only those of reading, computing and writing (seccomp).
    pub system_calls: Bar,
    /// Memory, processor time, file size, open files, no core dump.
    pub limits: Bar,
    /// The process dies with its parent and cannot be traced.
    pub process: Bar,
    /// Open files that were inherited besides the three standard ones, because the program that started
    /// this one left them open for its children (build tools do); `None` where the system does not tell.
    pub inherited_files: Option<u32>,
}

impl SandboxReport {
    /// Whether every bar holds wholly and nothing was inherited.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        [&self.files, &self.network, &self.system_calls, &self.limits, &self.process]
            .into_iter()
            .all(|bar| *bar == Bar::Held)
            && self.inherited_files == Some(0)
    }
}

/// State of one bar.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "state", content = "why")]
pub enum Bar {
    /// In force.
    Held,
    /// Partly in force, with what is missing.
    Partly(String),
    /// Not in force, with the reason.
    Missing(String),
}

/// What a caged process could still do when it tried.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Escapes {
    /// It read a file outside of its scratch folder.
    pub read_file: bool,
    /// It wrote a file outside of its scratch folder.
    pub wrote_file: bool,
    /// It opened a connection.
    pub connected: bool,
    /// It started a program.
    pub started_program: bool,
    /// It started a thread.
    pub started_thread: bool,
}

impl Escapes {
    /// Whether nothing succeeded.
    #[must_use]
    pub fn none(&self) -> bool {
        !(self.read_file || self.wrote_file || self.connected || self.started_program || self.started_thread)
    }
}
