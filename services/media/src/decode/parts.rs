//! Decoding a file by its parts, so that what was decoded before is not decoded again.
//!
//! A joined video consists of pieces that stand for themselves: each begins with a picture that needs no
//! other (IDR), and its packets follow each other. Packets that are equal, byte for byte, give equal
//! pictures, in whichever file they stand; [`fingerprints`] tells which they are, and [`decode_parts`] leaves
//! out what its caller has seen under the same fingerprint.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use ffmpeg_next::{Packet, media};

use super::{Audio, Content, Sink, Video, open_input};
use crate::error::Error;

/// Fingerprints of a file's parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parts {
    /// BLAKE3 of headers and packets of each part of the video; `None` for a part that does not stand for
    /// itself, or holds another number of pictures than expected.
    pub pictures: Vec<Option<String>>,
    /// BLAKE3 of headers, packets and times of the sound; `None` without a sound track.
    pub sound: Option<String>,
    /// H.264 profile and level, as in the headers (ISO/IEC 14496-10, A.2 and A.3); `None` for other codecs.
    pub profile: Option<[u8; 2]>,
}

/// What the first reading gathers of one part.
struct Part {
    hasher: blake3::Hasher,
    first: u32,
    frames: u32,
    seen: u32,
    whole: bool,
}

/// Reads the packets of an MP4 file whose video consists of parts of `lengths` pictures, without decoding.
///
/// # Errors
/// [`Error::Io`] when the file cannot be read; [`Error::Codec`] when it is not an MP4 or its headers are
/// damaged. A file that ends early has parts without fingerprints.
pub fn fingerprints(path: &Path, fps: u32, lengths: &[u32]) -> Result<Parts, Error> {
    crate::initialize()?;
    let found = File::open(path).and_then(|file| boxes(&file, [*b"avcC", *b"esds"]));
    let [avc, esds] = found.map_err(|source| Error::io(path, source))?;
    let mut sound_hasher = blake3::Hasher::new();
    sound_hasher.update(&esds);
    let mut input = open_input(path)?;
    let video = input.streams().best(media::Type::Video).map(|stream| (stream.index(), stream.time_base()));
    let is_avc = input
        .streams()
        .best(media::Type::Video)
        .is_some_and(|stream| stream.parameters().id() == ffmpeg_next::codec::Id::H264);
    let mut sound = input.streams().best(media::Type::Audio).map(|stream| {
        let base = stream.time_base();
        sound_hasher.update(&base.0.to_le_bytes());
        sound_hasher.update(&base.1.to_le_bytes());
        sound_hasher.update(&stream.start_time().to_le_bytes());
        (stream.index(), sound_hasher)
    });
    let profile = profile_in(&avc).filter(|_| is_avc);
    let mut start = 0_u32;
    let mut parts = Vec::with_capacity(lengths.len());
    for frames in lengths {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&avc);
        // Only H.264 with lengths before its units can be told to stand for itself.
        parts.push(Part { hasher, first: start, frames: *frames, seen: 0, whole: profile.is_some() });
        start = start.saturating_add(*frames);
    }
    let (mut at, mut usable) = (0_usize, true);
    loop {
        let mut packet = Packet::empty();
        match packet.read(&mut input) {
            Ok(()) => {}
            Err(ffmpeg_next::Error::Eof) => break,
            Err(_) => {
                usable = false;
                break;
            }
        }
        if let Some((_, base)) = video.as_ref().filter(|(track, _)| *track == packet.stream()) {
            usable &= add_picture(&mut parts, &mut at, &packet, f64::from(*base) * f64::from(fps));
        } else if let Some((_, hasher)) = sound.as_mut().filter(|(track, _)| *track == packet.stream()) {
            add_sound(hasher, &packet);
        }
    }
    let pictures = parts
        .into_iter()
        .map(|part| {
            let whole = usable && part.whole && part.seen == part.frames;
            whole.then(|| part.hasher.finalize().to_hex().to_string())
        })
        .collect();
    let sound = sound.map(|(_, hasher)| hasher.finalize().to_hex().to_string());
    Ok(Parts { pictures, sound, profile })
}

/// Adds a packet of video to the part it belongs to; `false` when the file cannot be told apart any more.
fn add_picture(parts: &mut [Part], at: &mut usize, packet: &Packet, frames_per_tick: f64) -> bool {
    while parts.get(*at).is_some_and(|part| part.seen == part.frames) {
        *at += 1;
    }
    let (Some(part), Some(data), Some(shown)) = (parts.get_mut(*at), packet.data(), packet.pts()) else {
        return false;
    };
    let number = shown as f64 * frames_per_tick;
    let own = number.round() - f64::from(part.first);
    let units = Units::of(data);
    part.whole &= !packet.is_corrupt()
        && (number - number.round()).abs() < 0.1
        && own >= 0.0
        && own < f64::from(part.frames)
        && (part.seen > 0 || units.begins_anew)
        && !units.headers;
    part.hasher.update(&(own as i64).to_le_bytes());
    part.hasher.update(&(data.len() as u64).to_le_bytes());
    part.hasher.update(data);
    part.seen += 1;
    true
}

fn add_sound(hasher: &mut blake3::Hasher, packet: &Packet) {
    for time in [packet.pts().unwrap_or(i64::MIN), packet.dts().unwrap_or(i64::MIN), packet.duration()] {
        hasher.update(&time.to_le_bytes());
    }
    // What players leave out at the start and at the end stands beside the packets.
    for side in packet.side_data() {
        hasher.update(side.data());
    }
    let data = packet.data().unwrap_or_default();
    hasher.update(&(data.len() as u64).to_le_bytes());
    hasher.update(data);
}

/// What kinds of units a packet holds.
struct Units {
    /// Its first slice begins a picture that needs no other.
    begins_anew: bool,
    /// It holds headers that would go on to count behind it.
    headers: bool,
}

impl Units {
    /// Reads units with four bytes of length before each (`avcC`, ISO/IEC 14496-15).
    fn of(data: &[u8]) -> Self {
        let mut units = Self { begins_anew: false, headers: false };
        let (mut rest, mut slices) = (data, 0);
        while let [a, b, c, d, after @ ..] = rest {
            let length = u32::from_be_bytes([*a, *b, *c, *d]) as usize;
            let Some(kind) = after.first().map(|byte| byte & 0x1F).filter(|_| length <= after.len()) else {
                break;
            };
            match kind {
                5 if slices == 0 => units.begins_anew = true,
                7 | 8 => units.headers = true,
                _ => {}
            }
            slices += u32::from((1..=5).contains(&kind));
            rest = &after[length..];
        }
        units
    }
}

/// H.264 profile and level of a file, by the first box that holds them.
pub(super) fn profile(file: &File) -> std::io::Result<Option<[u8; 2]>> {
    let [avc, _] = boxes(file, [*b"avcC", *b"esds"])?;
    Ok(profile_in(&avc))
}

fn profile_in(avc: &[u8]) -> Option<[u8; 2]> {
    // Behind size and name: version, profile, its constraints, level.
    avc.get(9).zip(avc.get(11)).map(|(profile, level)| [*profile, *level])
}

/// Most bytes of a box with headers.
const BOX: usize = 4096;

/// Every box of these names, with its size before it. A file has one for each track; what else looks like
/// one makes its fingerprints differ, and nothing worse.
fn boxes(mut file: &File, names: [[u8; 4]; 2]) -> std::io::Result<[Vec<u8>; 2]> {
    file.seek(SeekFrom::Start(0))?;
    let mut found = [Vec::new(), Vec::new()];
    let mut window = Vec::new();
    loop {
        // What may hold the start of a box stays for the next part of the file.
        let read = Read::by_ref(&mut file).take(1 << 20).read_to_end(&mut window)?;
        let end = if read == 0 { window.len() } else { window.len().saturating_sub(BOX) };
        for at in 4..end.max(4).min(window.len().saturating_sub(3)) {
            let Some(idx) = names.iter().position(|name| window[at..at + 4] == *name) else { continue };
            let size = [window[at - 4], window[at - 3], window[at - 2], window[at - 1]];
            let size = u32::from_be_bytes(size) as usize;
            if (8..=BOX).contains(&size) {
                found[idx].extend_from_slice(window.get(at - 4..at - 4 + size).unwrap_or_default());
            }
        }
        if read == 0 {
            return Ok(found);
        }
        window.drain(..end.saturating_sub(4).min(window.len()));
    }
}

/// Decodes an MP4 file like [`super::decode`], without the parts of the video in `left_out` (by their
/// number, as in [`fingerprints`]) and, on demand, without its sound. Pictures keep their numbers, and
/// [`Content::video`] counts the left-out ones; [`Content::audio`] is `None` when sound was left out.
///
/// The caller has the fingerprints of all parts, so that it knows that each stands for itself.
///
/// # Errors
/// As [`super::decode`].
pub fn decode_parts(
    path: &Path,
    lengths: &[u32],
    left_out: &[bool],
    without_sound: bool,
    sink: &mut dyn Sink,
) -> Result<Content, Error> {
    crate::initialize()?;
    let bytes = std::fs::metadata(path).map_err(|source| Error::io(path, source))?.len();
    let mut input = open_input(path)?;
    let metadata = input.metadata().iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
    let mut video = Video::open(&input)?;
    let mut audio = if without_sound { None } else { Audio::open(&input)? };
    let mut damaged_packets = 0;
    let (mut part, mut seen) = (0_usize, 0_u32);
    loop {
        let mut packet = Packet::empty();
        match packet.read(&mut input) {
            Ok(()) => {}
            Err(ffmpeg_next::Error::Eof) => break,
            Err(_) => {
                damaged_packets += 1;
                break;
            }
        }
        if let Some(video) = video.as_mut().filter(|video| video.track == packet.stream()) {
            while lengths.get(part).is_some_and(|length| seen == *length) {
                let skipped = |part: usize| left_out.get(part).copied().unwrap_or(false);
                if skipped(part) != skipped(part + 1) {
                    // What the decoder holds back belongs to the part that ends.
                    let _ = video.decoder.send_eof();
                    video.receive(sink)?;
                    video.decoder.flush();
                }
                (part, seen) = (part + 1, 0);
            }
            seen += 1;
            if left_out.get(part).copied().unwrap_or(false) {
                video.pass_over(&packet);
                continue;
            }
            damaged_packets += u32::from(packet.is_corrupt() || video.decoder.send_packet(&packet).is_err());
            video.receive(sink)?;
        } else if let Some(audio) = audio.as_mut().filter(|audio| audio.track == packet.stream()) {
            damaged_packets += u32::from(packet.is_corrupt() || audio.decoder.send_packet(&packet).is_err());
            audio.receive(sink)?;
        }
    }
    if let Some(video) = video.as_mut() {
        let _ = video.decoder.send_eof();
        video.receive(sink)?;
    }
    if let Some(audio) = audio.as_mut() {
        let _ = audio.decoder.send_eof();
        audio.receive(sink)?;
    }
    let damaged_frames = video.as_ref().map_or(0, |video| video.damaged);
    Ok(Content {
        bytes,
        video: video.map(Video::finish),
        audio: audio.map(Audio::finish),
        metadata,
        damaged_packets: damaged_packets + damaged_frames,
    })
}

impl Video {
    /// Counts a picture that is not decoded.
    fn pass_over(&mut self, packet: &Packet) {
        let seconds = packet.pts().unwrap_or(0) as f64 * self.seconds_per_tick;
        // Packets come in decoding order: the first picture of a part is shown first, its last one last.
        if self.frames == 0 {
            self.start = seconds;
        }
        self.last = self.last.max(seconds);
        self.frames += 1;
    }
}
