//! Elements of WebM and Matroska files (RFC 8794 and RFC 9559).

use std::io::{Read, Seek};

use super::{Bytes, Kind, PARTS, Refusal, Sniffed, WHOLE, be32, be64};

const EBML: u32 = 0x1A45_DFA3;
const DOC_TYPE: u32 = 0x4282;
const SEGMENT: u32 = 0x1853_8067;
const CLUSTER: u32 = 0x1F43_B675;
const INFO: u32 = 0x1549_A966;
const SCALE: u32 = 0x002A_D7B1;
const DURATION: u32 = 0x4489;
const TRACKS: u32 = 0x1654_AE6B;
const ENTRY: u32 = 0xAE;
const VIDEO: u32 = 0xE0;
const WIDTH: u32 = 0xB0;
const HEIGHT: u32 = 0xBA;
const VOID: u32 = 0xEC;

/// The kind that the `DocType` of the EBML header names.
pub(super) fn doc_type(head: &[u8]) -> Option<Kind> {
    let header = Element::at(head)?;
    let end = (header.start as u64).checked_add(header.size?)?.min(head.len() as u64) as usize;
    let mut rest = head.get(header.start..end)?;
    while let Some(element) = Element::at(rest) {
        let end = usize::try_from(element.size?).ok()?.checked_add(element.start)?;
        let body = rest.get(element.start..end)?;
        if element.id == DOC_TYPE {
            return match body.trim_ascii_end() {
                b"webm" => Some(Kind::WebM),
                b"matroska" => Some(Kind::Matroska),
                _ => None,
            };
        }
        rest = &rest[end..];
    }
    None
}

/// Follows the top-level elements to the end of the file and reads the claims of the header.
pub(super) fn examine<R: Read + Seek>(bytes: &mut Bytes<R>, kind: Kind) -> Result<Sniffed, Refusal> {
    let mut sniffed = Sniffed::of(kind);
    let (mut position, mut parts, mut segments) = (0_u64, 0, 0);
    while position < bytes.len {
        parts += 1;
        let left = bytes.len - position;
        let head = bytes.at(position, 16)?;
        let known = [EBML, SEGMENT, VOID];
        let Some(element) = Element::at(&head).filter(|element| known.contains(&element.id)) else {
            return Err(Refusal::Trailing { kind, bytes: left });
        };
        if parts > PARTS || (element.id == EBML && position > 0) {
            return Err(Refusal::malformed(kind, "more than one header"));
        }
        // An unknown size reaches to the end of the file.
        let size = element.size.map_or(left, |size| size.saturating_add(element.start as u64));
        if size > left {
            return Err(Refusal::Truncated { kind });
        }
        if element.id == SEGMENT {
            segments += 1;
            segment(bytes, position + element.start as u64, position + size, &mut sniffed)?;
        }
        position += size;
    }
    if segments != 1 {
        return Err(Refusal::malformed(kind, "not exactly one segment"));
    }
    Ok(sniffed)
}

/// Reads the elements before the first cluster.
fn segment<R: Read + Seek>(
    bytes: &mut Bytes<R>,
    start: u64,
    end: u64,
    sniffed: &mut Sniffed,
) -> Result<(), Refusal> {
    let mut position = start;
    for _ in 0..PARTS {
        if position >= end {
            return Ok(());
        }
        let head = bytes.at(position, 16)?;
        let Some(element) = Element::at(&head) else {
            return Err(Refusal::malformed(sniffed.kind, "an element of the segment"));
        };
        if element.id == CLUSTER {
            return Ok(());
        }
        let Some(size) = element.size else {
            return Err(Refusal::malformed(sniffed.kind, "an element without a length"));
        };
        let body = position + element.start as u64;
        if size > end - body.min(end) {
            return Err(Refusal::Truncated { kind: sniffed.kind });
        }
        if matches!(element.id, INFO | TRACKS) {
            if size > WHOLE {
                return Err(Refusal::malformed(sniffed.kind, "a header is larger than 64 MiB"));
            }
            let body = bytes.at(body, size as usize)?;
            if element.id == INFO { info(&body, sniffed) } else { tracks(&body, sniffed) }
        }
        position = body + size;
    }
    Err(Refusal::malformed(sniffed.kind, "too many elements"))
}

fn info(body: &[u8], sniffed: &mut Sniffed) {
    // Nanoseconds of a tick; a million where it is not said (RFC 9559, 5.1.2.9).
    let (mut scale, mut ticks) = (1_000_000.0, None);
    for (id, value) in children(body) {
        match id {
            SCALE => scale = number(value) as f64,
            DURATION if value.len() == 4 => ticks = Some(f64::from(f32::from_bits(be32(value, 0)))),
            DURATION if value.len() == 8 => ticks = Some(f64::from_bits(be64(value, 0))),
            _ => {}
        }
    }
    sniffed.seconds = ticks.map(|ticks| ticks * scale / 1e9);
}

fn tracks(body: &[u8], sniffed: &mut Sniffed) {
    for (_, entry) in children(body).filter(|(id, _)| *id == ENTRY) {
        for (_, video) in children(entry).filter(|(id, _)| *id == VIDEO) {
            let (mut width, mut height) = sniffed.size.unwrap_or((0, 0));
            for (id, value) in children(video) {
                let side = u32::try_from(number(value)).unwrap_or(u32::MAX);
                match id {
                    WIDTH => width = width.max(side),
                    HEIGHT => height = height.max(side),
                    _ => {}
                }
            }
            sniffed.size = Some((width, height));
        }
    }
}

fn children(body: &[u8]) -> impl Iterator<Item = (u32, &[u8])> {
    let mut rest = body;
    std::iter::from_fn(move || {
        let element = Element::at(rest)?;
        let end = usize::try_from(element.size?).ok()?.checked_add(element.start)?;
        let value = rest.get(element.start..end)?;
        rest = &rest[end..];
        Some((element.id, value))
    })
}

/// An unsigned number of up to eight bytes; longer ones count as the largest.
fn number(value: &[u8]) -> u64 {
    if value.len() > 8 {
        return u64::MAX;
    }
    value.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte))
}

/// The beginning of an element.
struct Element {
    id: u32,
    /// Bytes of id and size.
    start: usize,
    /// Bytes of the body; `None` where it is unknown.
    size: Option<u64>,
}

impl Element {
    fn at(bytes: &[u8]) -> Option<Self> {
        let id_len = bytes.first()?.leading_zeros() as usize + 1;
        if id_len > 4 {
            return None;
        }
        let id = bytes.get(..id_len)?.iter().fold(0, |sum, byte| sum << 8 | u32::from(*byte));
        let first = *bytes.get(id_len)?;
        let size_len = first.leading_zeros() as usize + 1;
        if size_len > 8 {
            return None;
        }
        let mask = 0xFF_u64 >> size_len;
        let mut size = u64::from(first) & mask;
        let mut all_ones = size == mask;
        for byte in bytes.get(id_len + 1..id_len + size_len)? {
            size = size << 8 | u64::from(*byte);
            all_ones &= *byte == 0xFF;
        }
        Some(Self { id, start: id_len + size_len, size: (!all_ones).then_some(size) })
    }
}
