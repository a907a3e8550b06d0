//! Structure and size of picture files.

use super::{Kind, Lookalike, Refusal, Sniffed, be16, be32, le32};

/// Follows a picture file to its end and reads its size.
pub(super) fn examine(bytes: &[u8], kind: Kind) -> Result<Sniffed, Refusal> {
    let (size, frames, end) = match kind {
        Kind::Png => png(bytes)?,
        Kind::Gif => gif(bytes)?,
        Kind::WebP => webp(bytes)?,
        _ => jpeg(bytes)?,
    };
    let rest = bytes.get(end..).unwrap_or_default();
    if !rest.is_empty() {
        if super::kind_of(rest).is_some() || super::mp4_inside(rest) {
            return Err(Refusal::Polyglot { kind, second: Lookalike::Media });
        }
        // Cameras pad JPEG files and append notes of their own; nothing else may follow a picture.
        if kind != Kind::Jpeg {
            return Err(match super::text::looks_like(rest) {
                Some(second) if second != Lookalike::Text => Refusal::Polyglot { kind, second },
                _ => Refusal::Trailing { kind, bytes: rest.len() as u64 },
            });
        }
    }
    Ok(Sniffed { kind, size: Some(size), frames: Some(frames), seconds: None })
}

type Found = ((u32, u32), u64, usize);

/// Chunks of PNG (ISO/IEC 15948, 5.3).
fn png(bytes: &[u8]) -> Result<Found, Refusal> {
    let cut = Refusal::Truncated { kind: Kind::Png };
    if bytes.get(12..16) != Some(b"IHDR") {
        return Err(Refusal::malformed(Kind::Png, "the first chunk is not IHDR"));
    }
    let size = (be32(bytes, 16), be32(bytes, 20));
    let mut at = 8_usize;
    loop {
        let name = bytes.get(at + 4..at + 8).ok_or_else(|| cut.clone())?;
        let end = (be32(bytes, at) as usize).saturating_add(at + 12);
        if end > bytes.len() {
            return Err(cut);
        }
        if name == b"IEND" {
            return Ok((size, 1, end));
        }
        at = end;
    }
}

/// Blocks of GIF (GIF89a specification, section 15 and on).
fn gif(bytes: &[u8]) -> Result<Found, Refusal> {
    let cut = || Refusal::Truncated { kind: Kind::Gif };
    let byte = |at: usize| bytes.get(at).copied().ok_or_else(cut);
    let le16 = |at: usize| Ok::<u32, Refusal>(u32::from(byte(at)?) | u32::from(byte(at + 1)?) << 8);
    let table = |packed: u8| if packed & 0x80 != 0 { 3 << ((packed & 7) + 1) } else { 0_usize };
    let mut size = (le16(6)?, le16(8)?);
    let mut at = 13 + table(byte(10)?);
    let mut frames = 0;
    loop {
        match byte(at)? {
            0x3B => return Ok((size, frames, at + 1)),
            0x21 => at += 2,
            0x2C => {
                frames += 1;
                size = (size.0.max(le16(at + 5)?), size.1.max(le16(at + 7)?));
                at += 11 + table(byte(at + 9)?);
            }
            _ => return Err(Refusal::malformed(Kind::Gif, "an unknown block")),
        }
        loop {
            let length = usize::from(byte(at)?);
            at += 1 + length;
            if length == 0 {
                break;
            }
        }
    }
}

/// Chunks of WebP (RFC 9649, 2.3 and on).
fn webp(bytes: &[u8]) -> Result<Found, Refusal> {
    let end = (le32(bytes, 4) as usize).saturating_add(8);
    if end > bytes.len() {
        return Err(Refusal::Truncated { kind: Kind::WebP });
    }
    let body = bytes.get(20..).unwrap_or_default();
    let le = |at: usize| le32(body, at);
    let size = match bytes.get(12..16) {
        Some(b"VP8X") if le(0) & 2 != 0 => {
            return Err(Refusal::malformed(Kind::WebP, "animations are not taken"));
        }
        Some(b"VP8X") => ((le(4) & 0x00FF_FFFF) + 1, (le(7) & 0x00FF_FFFF) + 1),
        Some(b"VP8 ") if body.get(3..6) == Some(&[0x9D, 0x01, 0x2A]) => (le(6) & 0x3FFF, le(8) & 0x3FFF),
        Some(b"VP8L") if body.first() == Some(&0x2F) => ((le(1) & 0x3FFF) + 1, (le(1) >> 14 & 0x3FFF) + 1),
        _ => return Err(Refusal::malformed(Kind::WebP, "the first chunk is not a picture")),
    };
    Ok((size, 1, end))
}

/// Segments of JPEG (ITU-T T.81, annex B).
fn jpeg(bytes: &[u8]) -> Result<Found, Refusal> {
    let cut = || Refusal::Truncated { kind: Kind::Jpeg };
    let mut size = None;
    let mut at = 2_usize;
    loop {
        // The next marker; between scans, coded data lies before it.
        let from = bytes.get(at..).ok_or_else(cut)?;
        let skip = from
            .windows(2)
            .position(|pair| pair[0] == 0xFF && !matches!(pair[1], 0x00 | 0xFF | 0x01 | 0xD0..=0xD7))
            .ok_or_else(cut)?;
        at += skip;
        let marker = bytes[at + 1];
        if marker == 0xD9 {
            let size = size.ok_or_else(|| Refusal::malformed(Kind::Jpeg, "no frame header"))?;
            return Ok((size, 1, at + 2));
        }
        if marker == 0xD8 {
            return Err(Refusal::malformed(Kind::Jpeg, "a picture within the picture"));
        }
        let length = usize::from(be16(bytes, at + 2));
        if length < 2 || at + 2 + length > bytes.len() {
            return Err(cut());
        }
        if matches!(marker, 0xC0..=0xC3 | 0xC5..=0xC7 | 0xC9..=0xCB | 0xCD..=0xCF) {
            if size.is_some() {
                return Err(Refusal::malformed(Kind::Jpeg, "two frame headers"));
            }
            size = Some((u32::from(be16(bytes, at + 7)), u32::from(be16(bytes, at + 5))));
        }
        at += 2 + length;
    }
}
