//! What can be read off a file without decoding it: kind, size of a picture, length of a sound, and whether
//! the file is whole. Nothing here trusts the bytes; what is not understood is `None`.

use spotwright_core::ports::clip_source::ClipError;

use crate::words::bad_answer;

/// Kinds of files that go to providers and come back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Png,
    Jpeg,
    Webp,
    Mp4,
    Webm,
    Wav,
    Mp3,
}

impl Kind {
    /// Told by the first bytes.
    pub(crate) fn of(bytes: &[u8]) -> Option<Self> {
        match bytes {
            [0x89, b'P', b'N', b'G', 0x0D, 0x0A, 0x1A, 0x0A, ..] => Some(Self::Png),
            [0xFF, 0xD8, 0xFF, ..] => Some(Self::Jpeg),
            [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some(Self::Webp),
            [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'A', b'V', b'E', ..] => Some(Self::Wav),
            [_, _, _, _, b'f', b't', b'y', b'p', ..] => Some(Self::Mp4),
            [0x1A, 0x45, 0xDF, 0xA3, ..] => Some(Self::Webm),
            [b'I', b'D', b'3', ..] => Some(Self::Mp3),
            [0xFF, second, ..] if second & 0xE6 == 0xE2 => Some(Self::Mp3),
            _ => None,
        }
    }

    pub(crate) const fn media_type(self) -> &'static str {
        match self {
            Self::Png => "image/png",
            Self::Jpeg => "image/jpeg",
            Self::Webp => "image/webp",
            Self::Mp4 => "video/mp4",
            Self::Webm => "video/webm",
            Self::Wav => "audio/wav",
            Self::Mp3 => "audio/mpeg",
        }
    }

    pub(crate) const fn extension(self) -> &'static str {
        match self {
            Self::Png => "png",
            Self::Jpeg => "jpg",
            Self::Webp => "webp",
            Self::Mp4 => "mp4",
            Self::Webm => "webm",
            Self::Wav => "wav",
            Self::Mp3 => "mp3",
        }
    }
}

/// Refuses a result that is not whole: of an unknown kind, or one that ends before its structure does.
pub(crate) fn check_whole(bytes: &[u8]) -> Result<(), ClipError> {
    let is_whole = match Kind::of(bytes) {
        Some(Kind::Mp4) => is_whole_mp4(bytes),
        Some(Kind::Png) => bytes.windows(8).rev().take(64).any(|end| end == b"IEND\xAE\x42\x60\x82"),
        Some(Kind::Jpeg) => bytes.windows(2).rev().take(64).any(|end| end == [0xFF, 0xD9]),
        Some(Kind::Webp | Kind::Wav) => {
            let length = four(bytes, 4).map(u32::from_le_bytes);
            length.is_some_and(|length| bytes.len() as u64 >= u64::from(length) + 8)
        }
        // Neither format says how long it is.
        Some(Kind::Webm | Kind::Mp3) => bytes.len() > 128,
        None => return Err(bad_answer("the result is neither a video, a picture nor a sound")),
    };
    if is_whole {
        Ok(())
    } else {
        Err(bad_answer(format!("the result breaks off after {} bytes", bytes.len())))
    }
}

/// Whether all boxes of the top level end within the file, and there are those that a video needs.
fn is_whole_mp4(bytes: &[u8]) -> bool {
    let (mut has_moov, mut has_data) = (false, false);
    for (name, body) in boxes(bytes) {
        let Some(body) = body else { return false };
        has_moov |= name == *b"moov";
        has_data |= name == *b"mdat" && !body.is_empty();
    }
    has_moov && has_data
}

/// The boxes of one level with their bodies; `None` for one that the file ends in. ISO/IEC 14496-12, 4.2.
fn boxes(bytes: &[u8]) -> impl Iterator<Item = ([u8; 4], Option<&[u8]>)> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let (Some(short), Some(name)) = (four(rest, 0).map(u32::from_be_bytes), four(rest, 4)) else {
            rest = &[];
            return Some((*b"    ", None));
        };
        let (head, size) = match short {
            0 => (8, rest.len() as u64),
            1 => (16, eight(rest, 8).unwrap_or(0)),
            size => (8, u64::from(size)),
        };
        let Some(size) = usize::try_from(size).ok().filter(|&size| size >= head && size <= rest.len()) else {
            rest = &[];
            return Some((name, None));
        };
        let body = &rest[head..size];
        rest = &rest[size..];
        Some((name, Some(body)))
    })
}

/// Width and height of a PNG or JPEG in pixels.
pub(crate) fn picture_size(bytes: &[u8]) -> Option<(u32, u32)> {
    match Kind::of(bytes)? {
        Kind::Png => {
            let width = four(bytes, 16).map(u32::from_be_bytes)?;
            let height = four(bytes, 20).map(u32::from_be_bytes)?;
            (bytes.get(12..16)? == b"IHDR").then_some((width, height))
        }
        Kind::Jpeg => jpeg_size(bytes),
        _ => None,
    }
}

/// Size by the frame header. ITU-T T.81, B.1.1 and B.2.2.
fn jpeg_size(bytes: &[u8]) -> Option<(u32, u32)> {
    let mut at = 2;
    loop {
        while *bytes.get(at)? == 0xFF && *bytes.get(at + 1)? == 0xFF {
            at += 1;
        }
        let (mark, kind) = (*bytes.get(at)?, *bytes.get(at + 1)?);
        if mark != 0xFF {
            return None;
        }
        let length = usize::from(two(bytes, at + 2)?);
        // All start-of-frame markers; C4, C8 and CC are something else.
        if matches!(kind, 0xC0..=0xCF) && !matches!(kind, 0xC4 | 0xC8 | 0xCC) {
            return Some((u32::from(two(bytes, at + 7)?), u32::from(two(bytes, at + 5)?)));
        }
        if matches!(kind, 0xD8..=0xDA) || length < 2 {
            return None;
        }
        at += 2 + length;
    }
}

/// Length of a WAV, MP3 or M4A file in milliseconds, rounded down.
pub(crate) fn sound_ms(bytes: &[u8]) -> Option<u64> {
    match Kind::of(bytes)? {
        Kind::Wav => wav_ms(bytes),
        Kind::Mp3 => mp3_ms(bytes),
        Kind::Mp4 => mp4_ms(bytes),
        _ => None,
    }
}

fn wav_ms(bytes: &[u8]) -> Option<u64> {
    let mut at = 12;
    let mut rate = None;
    loop {
        let name = four(bytes, at)?;
        let size = u32::from_le_bytes(four(bytes, at + 4)?);
        if name == *b"fmt " {
            rate = Some(u64::from(u32::from_le_bytes(four(bytes, at + 16)?)));
        }
        if name == *b"data" {
            let there = (bytes.len() - at - 8).min(size as usize) as u64;
            return there.checked_mul(1_000)?.checked_div(rate?);
        }
        at = at.checked_add(8)?.checked_add(size as usize)?.checked_add(size as usize & 1)?;
    }
}

/// By the movie header. ISO/IEC 14496-12, 8.2.2.
fn mp4_ms(bytes: &[u8]) -> Option<u64> {
    let inside = |bytes, wanted: &[u8; 4]| boxes(bytes).find(|(name, _)| name == wanted)?.1;
    let header = inside(inside(bytes, b"moov")?, b"mvhd")?;
    let (scale, length) = if *header.first()? == 1 {
        (four(header, 20).map(u32::from_be_bytes)?, eight(header, 24)?)
    } else {
        (four(header, 12).map(u32::from_be_bytes)?, u64::from(four(header, 16).map(u32::from_be_bytes)?))
    };
    length.checked_mul(1_000)?.checked_div(u64::from(scale))
}

/// By the headers of all frames. ISO/IEC 11172-3, 2.4.1.3 and 13818-3 for half the sample rates; layer III.
fn mp3_ms(bytes: &[u8]) -> Option<u64> {
    const RATES: [[u64; 15]; 2] = [
        [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320],
        [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
    ];
    const SAMPLING: [u64; 3] = [44_100, 48_000, 32_000];
    let mut at = 0;
    if bytes.starts_with(b"ID3") {
        let size = bytes.get(6..10)?.iter().fold(0_usize, |sum, byte| sum << 7 | usize::from(byte & 0x7F));
        at = 10 + size;
    }
    let mut micros = 0_u64;
    while let Some(head) = four(bytes, at) {
        if head[0] != 0xFF || head[1] & 0xE6 != 0xE2 {
            break;
        }
        let version = head[1] >> 3 & 3;
        let (half, shift) = match version {
            3 => (0, 0),
            2 => (1, 1),
            _ => (1, 2),
        };
        let (Some(&kilobits), Some(&sampling)) =
            (RATES[half].get(usize::from(head[2] >> 4)), SAMPLING.get(usize::from(head[2] >> 2 & 3)))
        else {
            break;
        };
        let sampling = sampling >> shift;
        let samples = if half == 0 { 1_152 } else { 576 };
        let size = samples / 8 * kilobits * 1_000 / sampling + u64::from(head[2] >> 1 & 1);
        if kilobits == 0 {
            break;
        }
        micros += samples * 1_000_000 / sampling;
        at += usize::try_from(size).ok()?;
    }
    (micros > 0).then_some(micros / 1_000)
}

fn two(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

fn four(bytes: &[u8], at: usize) -> Option<[u8; 4]> {
    bytes.get(at..at.checked_add(4)?)?.try_into().ok()
}

fn eight(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_be_bytes(bytes.get(at..at.checked_add(8)?)?.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn boxed(name: &[u8; 4], body: &[u8]) -> Vec<u8> {
        [&(body.len() as u32 + 8).to_be_bytes(), name.as_slice(), body].concat()
    }

    fn mp4() -> Vec<u8> {
        let mut header = vec![0; 20];
        header[12..16].copy_from_slice(&600_u32.to_be_bytes());
        header[16..20].copy_from_slice(&1_500_u32.to_be_bytes());
        let moov = boxed(b"moov", &boxed(b"mvhd", &header));
        [boxed(b"ftyp", b"isom"), moov, boxed(b"mdat", &[7; 100])].concat()
    }

    #[test]
    fn truncated_videos_are_told_from_whole_ones() {
        let whole = mp4();
        assert!(check_whole(&whole).is_ok());
        for end in 12..whole.len() {
            assert!(check_whole(&whole[..end]).is_err(), "{end} bytes");
        }
        let page = check_whole(b"<html>gone</html>").unwrap_err();
        assert_eq!(page.message, "the result is neither a video, a picture nor a sound");
        assert!(check_whole(b"").is_err());
    }

    #[test]
    fn sizes_of_pictures_are_read() {
        let png = [b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".as_slice(), &[0, 0, 2, 208, 0, 0, 5, 0]].concat();
        assert_eq!(picture_size(&png), Some((720, 1_280)));
        let jpeg = [0xFF, 0xD8, 0xFF, 0xE0, 0, 4, 1, 2, 0xFF, 0xC2, 0, 17, 8, 5, 0, 2, 208, 3];
        assert_eq!(picture_size(&jpeg), Some((720, 1_280)));
        assert_eq!(picture_size(&jpeg[..12]), None);
    }

    #[test]
    fn lengths_of_sounds_are_read() {
        let mut wav = b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0".to_vec();
        wav.extend_from_slice(&8_000_u32.to_le_bytes());
        wav.extend_from_slice(&16_000_u32.to_le_bytes());
        wav.extend_from_slice(&[2, 0, 16, 0]);
        wav.extend_from_slice(b"data");
        wav.extend_from_slice(&40_000_u32.to_le_bytes());
        wav.resize(wav.len() + 40_000, 0);
        assert_eq!(sound_ms(&wav), Some(2_500));
        assert_eq!(sound_ms(&mp4()), Some(2_500));
        // Layer III, 128 kbit/s, 44.1 kHz: frames of 417 bytes and 26.122 ms.
        let frame = [vec![0xFF, 0xFB, 0x90, 0], vec![0; 413]].concat();
        assert_eq!(sound_ms(&frame.repeat(100)), Some(2_612));
    }

    proptest! {
        #[test]
        fn any_bytes_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..400), kind in 0..6_usize) {
            let heads: [&[u8]; 6] = [
                b"\x89PNG\r\n\x1a\n", b"\xFF\xD8\xFF", b"\0\0\0\x08ftyp", b"RIFF\0\0\0\0WAVE", b"ID3", b"\xFF\xFB\x90\0",
            ];
            let bytes = [heads[kind], &bytes].concat();
            let _ = (check_whole(&bytes), picture_size(&bytes), sound_ms(&bytes));
        }
    }
}
