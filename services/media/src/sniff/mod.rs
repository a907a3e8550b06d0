//! What a file from outside is, by its bytes.
//!
//! Names, extensions and media types of a request say nothing: a playlist named `.mp4` makes a demuxer
//! that guesses open other files and addresses. A file is taken only when it *begins* with the magic
//! bytes of a kind in [`Kind`], when the container's own structure reaches exactly to its last byte, and
//! when no second format hides in it. Everything here is plain Rust over bytes, so it may run in the
//! parent process; nothing is decoded.

mod matroska;
mod mp4;
mod picture;
mod sound;
mod text;

use std::fmt;
use std::io::{Read, Seek, SeekFrom};

use serde::{Deserialize, Serialize};

use crate::limits::{Limits, TooLarge};

/// Bytes at the beginning in which words of other formats are looked for.
const HEAD: usize = 4_096;
/// Bytes at the end in which the directory of a ZIP archive can begin: its record and a comment of
/// at most 65,535 bytes (APPNOTE 4.3.16).
const TAIL: usize = 65_535 + 22;
/// Bytes of a picture file or of an MP4 header that are read into memory at once.
const WHOLE: u64 = 64 << 20;
/// Boxes, chunks or pages that are followed in one file.
const PARTS: u32 = 200_000;

/// A kind of file that is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// MP4 (ISO/IEC 14496-12 and -14).
    Mp4,
    /// QuickTime movie.
    QuickTime,
    /// Sound only in MP4.
    M4a,
    /// WebM.
    WebM,
    /// Matroska.
    Matroska,
    /// PNG picture.
    Png,
    /// JPEG picture.
    Jpeg,
    /// WebP picture.
    WebP,
    /// GIF picture or animation.
    Gif,
    /// RIFF WAVE sound.
    Wav,
    /// MPEG-1/2 layer III sound.
    Mp3,
    /// AAC in ADTS frames.
    Aac,
    /// Ogg.
    Ogg,
}

impl Kind {
    /// FFmpeg's name of the only demuxer that may read this kind.
    #[must_use]
    pub fn demuxer(self) -> &'static str {
        match self {
            Self::Mp4 | Self::QuickTime | Self::M4a => "mov,mp4,m4a,3gp,3g2,mj2",
            Self::WebM | Self::Matroska => "matroska,webm",
            Self::Png => "png_pipe",
            Self::Jpeg => "jpeg_pipe",
            Self::WebP => "webp_pipe",
            Self::Gif => "gif",
            Self::Wav => "wav",
            Self::Mp3 => "mp3",
            Self::Aac => "aac",
            Self::Ogg => "ogg",
        }
    }

    /// Whether it is one picture, or an animation that is a picture file.
    #[must_use]
    pub fn is_picture(self) -> bool {
        matches!(self, Self::Png | Self::Jpeg | Self::WebP | Self::Gif)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Mp4 => "MP4",
            Self::QuickTime => "QuickTime",
            Self::M4a => "M4A",
            Self::WebM => "WebM",
            Self::Matroska => "Matroska",
            Self::Png => "PNG",
            Self::Jpeg => "JPEG",
            Self::WebP => "WebP",
            Self::Gif => "GIF",
            Self::Wav => "WAV",
            Self::Mp3 => "MP3",
            Self::Aac => "AAC",
            Self::Ogg => "Ogg",
        })
    }
}

/// A format that is recognized and never taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lookalike {
    /// HLS or M3U playlist.
    M3u8,
    /// DASH manifest.
    Dash,
    /// List for FFmpeg's concat demuxer.
    Concat,
    /// Another playlist, script or session description.
    Playlist,
    /// HTML page.
    Html,
    /// SVG drawing.
    Svg,
    /// Other XML.
    Xml,
    /// JSON.
    Json,
    /// PDF document.
    Pdf,
    /// ZIP archive, or an Office file.
    Zip,
    /// HEIF or AVIF picture.
    Heif,
    /// Program.
    Program,
    /// Other text.
    Text,
    /// One of the formats in [`Kind`] where it does not belong.
    Media,
    /// Nothing at all.
    Empty,
}

impl fmt::Display for Lookalike {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::M3u8 => "an HLS or M3U playlist",
            Self::Dash => "a DASH manifest",
            Self::Concat => "an FFmpeg concat list",
            Self::Playlist => "a playlist",
            Self::Html => "an HTML page",
            Self::Svg => "an SVG drawing",
            Self::Xml => "an XML document",
            Self::Json => "a JSON document",
            Self::Pdf => "a PDF document",
            Self::Zip => "a ZIP archive",
            Self::Heif => "a HEIF or AVIF picture",
            Self::Program => "a program",
            Self::Text => "text",
            Self::Media => "a second media file",
            Self::Empty => "an empty file",
        })
    }
}

/// Why a file is not taken (permanent for the same bytes).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    /// It begins as no kind that is taken.
    #[error("not a video, picture or sound file that is taken{}", looks(*looks_like))]
    NotMedia {
        /// What it looks like, where that is known.
        looks_like: Option<Lookalike>,
    },
    /// It begins as one kind and is something else as well.
    #[error("a {kind} file that also is {second}")]
    Polyglot {
        /// What it begins as.
        kind: Kind,
        /// What else it is.
        second: Lookalike,
    },
    /// Bytes follow the end of the container.
    #[error("{bytes} bytes follow the end of the {kind} data")]
    Trailing {
        /// What it begins as.
        kind: Kind,
        /// How many bytes follow.
        bytes: u64,
    },
    /// The container ends before its own structure does.
    #[error("the {kind} file is cut off")]
    Truncated {
        /// What it begins as.
        kind: Kind,
    },
    /// The media data lies in another file or at an address.
    #[error("the {kind} file refers to data outside of itself")]
    ExternalReference {
        /// What it begins as.
        kind: Kind,
    },
    /// The structure contradicts itself, or is of a form that no common writer makes.
    #[error("the {kind} file is malformed: {what}")]
    Malformed {
        /// What it begins as.
        kind: Kind,
        /// Where it is wrong.
        what: String,
    },
    /// Its headers say that it is larger than allowed.
    #[error(transparent)]
    TooLarge(#[from] TooLarge),
    /// It could not be read (retryable).
    #[error("the file cannot be read: {reason}")]
    Unreadable {
        /// The system's words.
        reason: String,
    },
}

fn looks(like: Option<Lookalike>) -> String {
    like.map(|like| format!("; it looks like {like}")).unwrap_or_default()
}

impl Refusal {
    pub(crate) fn malformed(kind: Kind, what: &str) -> Self {
        Self::Malformed { kind, what: what.to_owned() }
    }
}

/// What the headers of a file say, before anything is decoded.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Sniffed {
    /// The kind of file.
    pub kind: Kind,
    /// Width and height in pixels as the header says, where it says so.
    pub size: Option<(u32, u32)>,
    /// Number of pictures as the header says, where it says so.
    pub frames: Option<u64>,
    /// Length in seconds as the header says, where it says so.
    pub seconds: Option<f64>,
}

impl Sniffed {
    fn of(kind: Kind) -> Self {
        Self { kind, size: None, frames: None, seconds: None }
    }
}

/// Tells what a file is and checks what its headers say against `limits`.
///
/// Reads headers, boxes and the end; picture files are read whole. May see foreign bytes in any process.
///
/// # Errors
/// [`Refusal`], which names what the file looks like.
pub fn sniff<R: Read + Seek>(input: R, limits: &Limits) -> Result<Sniffed, Refusal> {
    let mut bytes = Bytes::new(input)?;
    limits.check_bytes(bytes.len)?;
    let head = bytes.at(0, HEAD)?;
    let kind = kind_of(&head).ok_or_else(|| Refusal::NotMedia { looks_like: text::looks_like(&head) })?;
    if let Some(second) = text::hidden(&head) {
        return Err(Refusal::Polyglot { kind, second });
    }
    if bytes.holds_zip()? {
        return Err(Refusal::Polyglot { kind, second: Lookalike::Zip });
    }
    let sniffed = match kind {
        Kind::Mp4 | Kind::QuickTime | Kind::M4a => mp4::examine(&mut bytes, kind)?,
        Kind::WebM | Kind::Matroska => matroska::examine(&mut bytes, kind)?,
        Kind::Png | Kind::Jpeg | Kind::WebP | Kind::Gif => {
            limits_of_memory(bytes.len)?;
            let whole = bytes.at(0, bytes.len as usize)?;
            picture::examine(&whole, kind)?
        }
        Kind::Wav => sound::wav(&mut bytes)?,
        Kind::Ogg => sound::ogg(&mut bytes)?,
        Kind::Mp3 | Kind::Aac => sound::frames(&mut bytes, kind)?,
    };
    if let Some((width, height)) = sniffed.size {
        if width == 0 || height == 0 {
            return Err(Refusal::malformed(kind, "a side of the picture is 0"));
        }
        limits.check_picture(u64::from(width), u64::from(height))?;
    }
    if let Some(frames) = sniffed.frames {
        limits.check_frames(frames)?;
    }
    if let Some(seconds) = sniffed.seconds {
        limits.check_seconds(seconds)?;
    }
    Ok(sniffed)
}

fn limits_of_memory(bytes: u64) -> Result<(), Refusal> {
    if bytes <= WHOLE {
        return Ok(());
    }
    Err(TooLarge { what: "the picture file".to_owned(), have: bytes, limit: WHOLE, unit: "bytes".to_owned() }
        .into())
}

/// The kind that the first bytes belong to. `None` for anything else, HEIF among it.
fn kind_of(head: &[u8]) -> Option<Kind> {
    if head.get(4..8) == Some(b"ftyp") {
        return mp4::brand(head);
    }
    if head.starts_with(&[0x1A, 0x45, 0xDF, 0xA3]) {
        return matroska::doc_type(head);
    }
    if head.starts_with(b"\x89PNG\r\n\x1a\n") {
        return Some(Kind::Png);
    }
    if head.starts_with(&[0xFF, 0xD8, 0xFF]) {
        return Some(Kind::Jpeg);
    }
    if head.starts_with(b"GIF87a") || head.starts_with(b"GIF89a") {
        return Some(Kind::Gif);
    }
    if head.starts_with(b"RIFF") {
        return match head.get(8..12) {
            Some(b"WAVE") => Some(Kind::Wav),
            Some(b"WEBP") => Some(Kind::WebP),
            _ => None,
        };
    }
    if head.starts_with(b"OggS") {
        return Some(Kind::Ogg);
    }
    sound::framed(head)
}

/// Whether an MP4 begins somewhere in bytes that follow a picture, as in a motion photo.
fn mp4_inside(bytes: &[u8]) -> bool {
    bytes.windows(8).any(|window| window[4..] == *b"ftyp" && (8..1_024).contains(&be32(window, 0)))
}

/// A file that is read by position.
pub(crate) struct Bytes<R> {
    input: R,
    pub(crate) len: u64,
}

impl<R: Read + Seek> Bytes<R> {
    fn new(mut input: R) -> Result<Self, Refusal> {
        let len = input.seek(SeekFrom::End(0)).map_err(|error| unreadable(&error))?;
        Ok(Self { input, len })
    }

    /// Up to `count` bytes from `position`; fewer at the end of the file.
    pub(crate) fn at(&mut self, position: u64, count: usize) -> Result<Vec<u8>, Refusal> {
        let there = self.len.saturating_sub(position).min(count as u64);
        let mut bytes = Vec::with_capacity(there as usize);
        self.input.seek(SeekFrom::Start(position)).map_err(|error| unreadable(&error))?;
        self.input.by_ref().take(there).read_to_end(&mut bytes).map_err(|error| unreadable(&error))?;
        Ok(bytes)
    }

    /// Whether the end holds the directory of a ZIP archive that the record at its end points back to.
    fn holds_zip(&mut self) -> Result<bool, Refusal> {
        let start = self.len.saturating_sub(TAIL as u64);
        let tail = self.at(start, TAIL)?;
        for at in (0..tail.len().saturating_sub(21)).rev() {
            if !tail[at..].starts_with(b"PK\x05\x06") {
                continue;
            }
            let size = u64::from(le32(&tail, at + 12));
            let record = start + at as u64;
            // An archive without members is no archive that anything would open.
            if size >= 46 && size <= record && self.at(record - size, 4)? == b"PK\x01\x02" {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

fn unreadable(error: &std::io::Error) -> Refusal {
    Refusal::Unreadable { reason: error.to_string() }
}

/// Four bytes, smallest first; 0 beyond the end.
pub(crate) fn le32(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..at + 4).map_or(0, |four| u32::from_le_bytes([four[0], four[1], four[2], four[3]]))
}

/// Four bytes, largest first; 0 beyond the end.
pub(crate) fn be32(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..at + 4).map_or(0, |four| u32::from_be_bytes([four[0], four[1], four[2], four[3]]))
}

/// Two bytes, largest first; 0 beyond the end.
pub(crate) fn be16(bytes: &[u8], at: usize) -> u16 {
    bytes.get(at..at + 2).map_or(0, |two| u16::from_be_bytes([two[0], two[1]]))
}

/// Eight bytes, largest first; 0 beyond the end.
pub(crate) fn be64(bytes: &[u8], at: usize) -> u64 {
    u64::from(be32(bytes, at)) << 32 | u64::from(be32(bytes, at + 4))
}

#[cfg(test)]
mod tests;
