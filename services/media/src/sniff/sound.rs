//! Structure of sound files.

use std::io::{Read, Seek};

use super::{Bytes, Kind, PARTS, Refusal, Sniffed, le32};

/// RIFF WAVE: the length in the header is the file's, but for one byte of padding or a writer that could
/// not go back and fill it in.
pub(super) fn wav<R: Read + Seek>(bytes: &mut Bytes<R>) -> Result<Sniffed, Refusal> {
    let head = bytes.at(0, 12)?;
    let said = le32(&head, 4);
    let end = u64::from(said) + 8;
    let is_open = said == u32::MAX || said == 0;
    if !is_open && end > bytes.len {
        return Err(Refusal::Truncated { kind: Kind::Wav });
    }
    if !is_open && bytes.len > end + 1 {
        return Err(Refusal::Trailing { kind: Kind::Wav, bytes: bytes.len - end });
    }
    Ok(Sniffed::of(Kind::Wav))
}

/// Ogg: pages follow one another to the last byte (RFC 3533, section 6).
pub(super) fn ogg<R: Read + Seek>(bytes: &mut Bytes<R>) -> Result<Sniffed, Refusal> {
    let mut position = 0;
    for _ in 0..PARTS {
        if position == bytes.len {
            return Ok(Sniffed::of(Kind::Ogg));
        }
        let head = bytes.at(position, 27 + 255)?;
        if !head.starts_with(b"OggS") {
            return Err(Refusal::Trailing { kind: Kind::Ogg, bytes: bytes.len - position });
        }
        let segments = usize::from(head.get(26).copied().unwrap_or_default());
        let table = head.get(27..27 + segments).ok_or(Refusal::Truncated { kind: Kind::Ogg })?;
        position += (27 + segments) as u64 + table.iter().map(|byte| u64::from(*byte)).sum::<u64>();
        if position > bytes.len {
            return Err(Refusal::Truncated { kind: Kind::Ogg });
        }
    }
    Err(Refusal::malformed(Kind::Ogg, "too many pages"))
}

/// MP3 and AAC: a second frame stands where the first one ends.
pub(super) fn frames<R: Read + Seek>(bytes: &mut Bytes<R>, kind: Kind) -> Result<Sniffed, Refusal> {
    let start = tag_length(&bytes.at(0, 10)?);
    let head = bytes.at(start, 8)?;
    let length = match kind {
        Kind::Aac => adts_length(&head),
        _ => layer_three_length(&head),
    };
    let length = length.ok_or_else(|| Refusal::malformed(kind, "no frame at the beginning"))?;
    let next = start + length as u64;
    if next > bytes.len {
        return Err(Refusal::Truncated { kind });
    }
    let after = bytes.at(next, 8)?;
    let goes_on = match kind {
        Kind::Aac => adts_length(&after).is_some(),
        _ => layer_three_length(&after).is_some() || after.starts_with(b"TAG"),
    };
    if !goes_on && !after.is_empty() {
        return Err(Refusal::malformed(kind, "the first frame is not followed by another"));
    }
    Ok(Sniffed::of(kind))
}

/// MP3 or AAC by the first frame, or by a tag that only these have in front.
pub(super) fn framed(head: &[u8]) -> Option<Kind> {
    let start = tag_length(head) as usize;
    if start > 0 && start >= head.len() {
        // The tag holds a picture: what follows is looked at when the frames are.
        return Some(Kind::Mp3);
    }
    let frame = head.get(start..)?;
    if layer_three_length(frame).is_some() {
        return Some(Kind::Mp3);
    }
    adts_length(frame).map(|_| Kind::Aac)
}

/// Bytes of an ID3v2 tag (id3.org, version 2.4, section 3.1); 0 without one.
fn tag_length(head: &[u8]) -> u64 {
    match head {
        [b'I', b'D', b'3', 2..=4, _, flags, size @ ..]
            if size.len() >= 4 && size[..4].iter().all(|b| *b < 0x80) =>
        {
            let size = size[..4].iter().fold(0_u64, |sum, byte| sum << 7 | u64::from(*byte));
            10 + size + if flags & 0x10 != 0 { 10 } else { 0 }
        }
        _ => 0,
    }
}

/// Bytes of an MPEG audio layer III frame (ISO/IEC 11172-3, 2.4.2.3; 13818-3 for the lower rates).
fn layer_three_length(head: &[u8]) -> Option<usize> {
    const RATES_1: [usize; 15] = [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320];
    const RATES_2: [usize; 15] = [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160];
    let [0xFF, second, third, ..] = head else { return None };
    if second & 0xE6 != 0xE2 {
        return None;
    }
    let version = second >> 3 & 3;
    let (rates, samples, divisor) = match version {
        3 => (&RATES_1, 144, 1),
        2 => (&RATES_2, 72, 2),
        0 => (&RATES_2, 72, 4),
        _ => return None,
    };
    let kbit = *rates.get(usize::from(third >> 4)).filter(|kbit| **kbit > 0)?;
    let hertz = [44_100, 48_000, 32_000].get(usize::from(third >> 2 & 3))? / divisor;
    Some(samples * kbit * 1_000 / hertz + usize::from(third >> 1 & 1))
}

/// Bytes of an ADTS frame (ISO/IEC 13818-7, 6.2).
fn adts_length(head: &[u8]) -> Option<usize> {
    let [0xFF, second, third, fourth, fifth, sixth, ..] = head else { return None };
    if second & 0xF6 != 0xF0 || third >> 2 & 15 > 12 {
        return None;
    }
    let length = usize::from(fourth & 3) << 11 | usize::from(*fifth) << 3 | usize::from(sixth >> 5);
    (length >= 7).then_some(length)
}
