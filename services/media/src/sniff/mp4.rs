//! Boxes of MP4 and QuickTime files (ISO/IEC 14496-12).

use std::io::{Read, Seek};

use super::{Bytes, Kind, Lookalike, PARTS, Refusal, Sniffed, WHOLE, be16, be32, be64};

/// Nesting of boxes that is followed; the deepest that is looked at, `dref`, lies five deep.
const DEPTH: u32 = 8;

/// The kind that the brands of the `ftyp` box name; `None` for HEIF, AVIF and unknown brands.
pub(super) fn brand(head: &[u8]) -> Option<Kind> {
    let end = (be32(head, 0) as usize).min(head.len());
    let of = |brand: &[u8]| match brand {
        b"qt  " => Some(Kind::QuickTime),
        b"M4A " | b"M4B " | b"M4P " => Some(Kind::M4a),
        b"isom" | b"iso2" | b"iso3" | b"iso4" | b"iso5" | b"iso6" | b"iso7" | b"iso8" | b"iso9" | b"mp41"
        | b"mp42" | b"mp71" | b"avc1" | b"hvc1" | b"av01" | b"M4V " | b"M4VH" | b"M4VP" | b"MSNV"
        | b"dash" | b"msdh" | b"XAVC" | b"F4V " | b"3gp4" | b"3gp5" | b"3gp6" | b"3gp7" | b"3gp8"
        | b"3gp9" | b"3g2a" | b"3g2b" | b"3g2c" => Some(Kind::Mp4),
        _ => None,
    };
    let picture = |brand: &[u8]| {
        matches!(brand, b"heic" | b"heix" | b"hevc" | b"mif1" | b"msf1" | b"avif" | b"avis" | b"crx ")
    };
    let major = head.get(8..12)?;
    if picture(major) {
        return None;
    }
    of(major).or_else(|| head.get(16..end)?.chunks_exact(4).find_map(of))
}

/// Follows the boxes to the end of the file and reads the header's claims.
pub(super) fn examine<R: Read + Seek>(bytes: &mut Bytes<R>, kind: Kind) -> Result<Sniffed, Refusal> {
    let mut sniffed = Sniffed::of(kind);
    let (mut position, mut parts, mut headers, mut has_data) = (0_u64, 0_u32, 0_u32, false);
    while position < bytes.len {
        parts += 1;
        if parts > PARTS {
            return Err(Refusal::malformed(kind, "too many boxes"));
        }
        let head = bytes.at(position, 16)?;
        let left = bytes.len - position;
        let Some((name, start, size)) = box_at(&head, left) else {
            return Err(end_of(&bytes.at(position, 4_096)?, kind, left));
        };
        if name == *b"ftyp" && position > 0 {
            return Err(Refusal::Polyglot { kind, second: Lookalike::Media });
        }
        if size > left {
            return Err(end_of(&bytes.at(position, 4_096)?, kind, left));
        }
        has_data |= name == *b"mdat";
        if name == *b"moov" {
            headers += 1;
            if size > WHOLE {
                return Err(Refusal::malformed(kind, "the movie header is larger than 64 MiB"));
            }
            let header = bytes.at(position + start, (size - start) as usize)?;
            Movie { kind, sniffed: &mut sniffed, budget: PARTS }.read(&header)?;
        }
        position += size;
    }
    match headers {
        1 if has_data => Ok(sniffed),
        // Cut off right behind the header.
        1 => Err(Refusal::Truncated { kind }),
        0 => Err(Refusal::malformed(kind, "there is no movie header")),
        _ => Err(Refusal::malformed(kind, "there are two movie headers")),
    }
}

/// Why the boxes end before the file does: something else was appended, or the last box is cut off.
fn end_of(rest: &[u8], kind: Kind, left: u64) -> Refusal {
    if let Some(second) = super::text::hidden(rest).or_else(|| {
        super::text::looks_like(rest).filter(|like| *like != Lookalike::Heif && *like != Lookalike::Text)
    }) {
        return Refusal::Polyglot { kind, second };
    }
    if super::kind_of(rest).is_some() {
        return Refusal::Polyglot { kind, second: Lookalike::Media };
    }
    match rest.get(4..8) {
        Some(name) if is_name(name) => Refusal::Truncated { kind },
        _ if left < 8 => Refusal::Truncated { kind },
        _ => Refusal::Trailing { kind, bytes: left },
    }
}

/// Name, length of the box's header and length of the whole box.
fn box_at(head: &[u8], left: u64) -> Option<([u8; 4], u64, u64)> {
    let name: [u8; 4] = head.get(4..8)?.try_into().ok()?;
    let (start, size) = match be32(head, 0) {
        0 => (8, left),
        1 => (16, if head.len() < 16 { return None } else { be64(head, 8) }),
        size => (8, u64::from(size)),
    };
    (is_name(&name) && size >= start).then_some((name, start, size))
}

fn is_name(name: &[u8]) -> bool {
    // QuickTime's copyright sign begins some names.
    name.iter().all(|byte| (0x20..0x7F).contains(byte) || *byte == 0xA9)
}

struct Movie<'a> {
    kind: Kind,
    sniffed: &'a mut Sniffed,
    budget: u32,
}

/// What one track says of itself.
#[derive(Default)]
struct Track {
    handler: [u8; 4],
    seconds: Option<f64>,
    size: Option<(u32, u32)>,
    samples: Option<u64>,
}

impl Movie<'_> {
    fn read(&mut self, header: &[u8]) -> Result<(), Refusal> {
        let mut stray = Track::default();
        self.children(header, DEPTH, &mut stray)
    }

    fn children(&mut self, bytes: &[u8], depth: u32, track: &mut Track) -> Result<(), Refusal> {
        let mut rest = bytes;
        // QuickTime ends some lists with a 32-bit zero.
        while rest.len() >= 8 {
            self.budget = self.budget.checked_sub(1).ok_or_else(|| self.bad("too many boxes"))?;
            let left = rest.len() as u64;
            let (name, start, size) =
                box_at(rest, left).ok_or_else(|| self.bad("a box of the movie header"))?;
            if size > left {
                return Err(self.bad("a box is longer than the box around it"));
            }
            let (whole, after) = rest.split_at(size as usize);
            let body = &whole[start as usize..];
            match &name {
                b"cmov" => return Err(self.bad("the movie header is compressed")),
                b"rmra" => return Err(Refusal::ExternalReference { kind: self.kind }),
                b"dref" => self.references(body)?,
                b"trak" if depth > 0 => {
                    let mut inner = Track::default();
                    self.children(body, depth - 1, &mut inner)?;
                    self.take(&inner);
                }
                b"mdia" | b"minf" | b"dinf" | b"stbl" if depth > 0 => {
                    self.children(body, depth - 1, track)?;
                }
                b"mdhd" => track.seconds = length(body),
                // The first handler of a track is the media's; a later one belongs to the data.
                b"hdlr" if track.handler == [0; 4] => track.handler = be32(body, 8).to_be_bytes(),
                // The first sample description's width and height, if it is a visual one.
                b"stsd" if body.len() >= 8 + 36 => {
                    track.size = Some((u32::from(be16(body, 8 + 32)), u32::from(be16(body, 8 + 34))));
                }
                b"stts" => track.samples = Some(samples(body)),
                _ => {}
            }
            rest = after;
        }
        Ok(())
    }

    fn take(&mut self, track: &Track) {
        let is_picture = track.handler == *b"vide";
        if !is_picture && track.handler != *b"soun" {
            return;
        }
        if let Some(seconds) = track.seconds {
            self.sniffed.seconds = Some(self.sniffed.seconds.unwrap_or(0.0).max(seconds));
        }
        if is_picture {
            if let Some((width, height)) = track.size {
                let (w, h) = self.sniffed.size.unwrap_or((0, 0));
                self.sniffed.size = Some((w.max(width), h.max(height)));
            }
            if let Some(samples) = track.samples {
                self.sniffed.frames = Some(self.sniffed.frames.unwrap_or(0).max(samples));
            }
        }
    }

    /// Every entry of the data references must say that the data lies in this file (flag 1).
    fn references(&self, body: &[u8]) -> Result<(), Refusal> {
        let mut rest = body.get(8..).unwrap_or_default();
        while rest.len() >= 12 {
            let left = rest.len() as u64;
            let (_, start, size) = box_at(rest, left).ok_or_else(|| self.bad("a data reference"))?;
            if size > left || size < start + 4 {
                return Err(self.bad("a data reference"));
            }
            if be32(rest, start as usize) & 1 == 0 {
                return Err(Refusal::ExternalReference { kind: self.kind });
            }
            rest = &rest[size as usize..];
        }
        Ok(())
    }

    fn bad(&self, what: &str) -> Refusal {
        Refusal::malformed(self.kind, what)
    }
}

/// Seconds of a media header; `None` where the length is unknown or the clock stands still.
fn length(body: &[u8]) -> Option<f64> {
    let (scale, duration) = match body.first()? {
        1 => (be32(body, 20), be64(body, 24)),
        _ => match be32(body, 16) {
            u32::MAX => return None,
            short => (be32(body, 12), u64::from(short)),
        },
    };
    (scale > 0 && duration != u64::MAX).then(|| duration as f64 / f64::from(scale))
}

/// Sum of the sample counts of a time-to-sample box.
fn samples(body: &[u8]) -> u64 {
    body.get(8..).unwrap_or_default().chunks_exact(8).map(|entry| u64::from(be32(entry, 0))).sum()
}
