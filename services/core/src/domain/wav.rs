//! WAV files with 16-bit samples: how spoken lines are stored.

/// Why bytes are not such a WAV file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no WAV file with 16-bit samples: {0}")]
pub struct WavError(&'static str);

/// Writes mono samples; values outside [-1, 1] are cut.
#[must_use]
pub fn write_wav(pcm: &[f32], rate: u32) -> Vec<u8> {
    let size = pcm.len() as u32 * 2;
    let mut bytes = Vec::with_capacity(44 + size as usize);
    bytes.extend_from_slice(b"RIFF");
    bytes.extend_from_slice(&(36 + size).to_le_bytes());
    bytes.extend_from_slice(b"WAVEfmt ");
    bytes.extend_from_slice(&16_u32.to_le_bytes());
    // Plain samples, one channel.
    bytes.extend_from_slice(&[1, 0, 1, 0]);
    bytes.extend_from_slice(&rate.to_le_bytes());
    bytes.extend_from_slice(&(rate * 2).to_le_bytes());
    bytes.extend_from_slice(&[2, 0, 16, 0]);
    bytes.extend_from_slice(b"data");
    bytes.extend_from_slice(&size.to_le_bytes());
    for sample in pcm {
        bytes.extend_from_slice(&to_sixteen(*sample).to_le_bytes());
    }
    bytes
}

/// Reads the samples, mixed to mono, and the rate.
///
/// # Errors
/// [`WavError`].
pub fn read_wav(bytes: &[u8]) -> Result<(Vec<f32>, u32), WavError> {
    if bytes.get(..4) != Some(b"RIFF") || bytes.get(8..12) != Some(b"WAVE") {
        return Err(WavError("the header is missing"));
    }
    let mut at = 12;
    let mut format = None;
    while let (Some(name), Some(size)) = (bytes.get(at..at + 4), number(bytes, at + 4)) {
        let body = at + 8;
        match name {
            b"fmt " => format = Some(self::format(bytes, body)?),
            b"data" => {
                let (channels, rate) = format.ok_or(WavError("samples stand before their format"))?;
                // Streamed files do not know their size.
                let end = body.saturating_add(size as usize).min(bytes.len());
                let samples: Vec<f32> = bytes[body..end]
                    .chunks_exact(2)
                    .map(|b| from_sixteen(i16::from_le_bytes([b[0], b[1]])))
                    .collect();
                let mono =
                    samples.chunks_exact(channels).map(|all| all.iter().sum::<f32>() / channels as f32);
                return Ok((mono.collect(), rate));
            }
            _ => {}
        }
        at = body.saturating_add(size as usize).saturating_add(size as usize % 2);
    }
    Err(WavError("it has no samples"))
}

fn format(bytes: &[u8], body: usize) -> Result<(usize, u32), WavError> {
    let short = |at: usize| bytes.get(at..at + 2).map(|b| u16::from_le_bytes([b[0], b[1]]));
    let (kind, channels, bits) = (short(body), short(body + 2), short(body + 14));
    let rate = number(bytes, body + 4).filter(|rate| (4_000..=192_000).contains(rate));
    match (kind, channels, bits, rate) {
        (Some(1 | 0xFFFE), Some(channels @ 1..=8), Some(16), Some(rate)) => Ok((usize::from(channels), rate)),
        _ => Err(WavError("its format is another one")),
    }
}

fn number(bytes: &[u8], at: usize) -> Option<u32> {
    let part = bytes.get(at..at.checked_add(4)?)?;
    Some(u32::from_le_bytes([part[0], part[1], part[2], part[3]]))
}

fn to_sixteen(sample: f32) -> i16 {
    (sample.clamp(-1.0, 1.0) * 32_767.0).round() as i16
}

fn from_sixteen(sample: i16) -> f32 {
    (f32::from(sample) / 32_767.0).max(-1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_come_back_as_they_went() {
        let pcm: Vec<f32> = [0_i16, 1, -1, 32_767, -32_767, 1_234].into_iter().map(from_sixteen).collect();
        let bytes = write_wav(&pcm, 24_000);
        assert_eq!(read_wav(&bytes), Ok((pcm, 24_000)));
        for cut in 0..bytes.len() {
            drop(read_wav(&bytes[..cut]));
        }
        assert!(read_wav(b"RIFF....WAVE").is_err() && read_wav(b"").is_err());
    }
}
