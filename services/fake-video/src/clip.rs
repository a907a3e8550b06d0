//! Makes what was asked for: moving test pictures, stills and tones, and spoils them on purpose.
//!
//! A clip from words alone shows diagonal stripes in two colors that wander, a disc that circles, and in
//! a band down the upper half of the left edge a mark in a third color; all three follow from prompt and seed
//! ([`mark`], [`stripes`]), so that a test can tell whose clip it is looking at. A clip with pictures shows
//! them, slowly coming closer, without mark: they can be compared with what was given.

use std::f64::consts::TAU;
use std::io::Cursor;
use std::sync::Arc;

use spotwright_media::{Piece, VideoEncoder, VideoFormat, Yuv420, encode_aac, stitch};

use crate::faults::{Distortion, Fault};
use crate::picture::Picture;

/// Written into the metadata of everything that is made.
pub const COMMENT: &str = "simulated";

/// Constant rate factor of the encoder.
const CRF: u32 = 23;
/// Samples per second of sound.
const SOUND_RATE: u32 = 48_000;
/// Samples per second of speech.
const SPEECH_RATE: u32 = 24_000;
/// Loudness of tones, of 1.
const AMPLITUDE: f64 = 0.2;
/// How much closer a picture comes from the first frame to the last.
const ZOOM: f64 = 0.1;

/// Why footage could not be made.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The encoder refused.
    #[error(transparent)]
    Media(#[from] spotwright_media::Error),
    /// The still picture could not be written.
    #[error("cannot write the picture: {0}")]
    Picture(#[from] png::EncodingError),
    /// No room for the draft.
    #[error("cannot keep the draft: {0}")]
    Io(#[from] std::io::Error),
}

/// A clip.
#[derive(Debug, Clone)]
pub(crate) struct Footage {
    pub(crate) prompt: String,
    pub(crate) seed: u64,
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) fps: u32,
    pub(crate) frames: u32,
    pub(crate) sound: bool,
    pub(crate) first: Option<Arc<Picture>>,
    pub(crate) last: Option<Arc<Picture>>,
    distortion: Option<Distortion>,
    look: Look,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Look {
    Moving,
    Frozen,
    Black,
}

impl Footage {
    pub(crate) fn test_picture(
        prompt: &str,
        seed: u64,
        width: u32,
        height: u32,
        fps: u32,
        frames: u32,
    ) -> Self {
        Self {
            prompt: prompt.to_owned(),
            seed,
            width: (width & !1).max(2),
            height: (height & !1).max(2),
            fps: fps.max(1),
            frames: frames.max(1),
            sound: false,
            first: None,
            last: None,
            distortion: None,
            look: Look::Moving,
        }
    }

    /// Length in seconds.
    pub(crate) fn seconds(&self) -> f64 {
        f64::from(self.frames) / f64::from(self.fps)
    }

    /// Length in seconds as providers write it, e.g. `5.0` or `3.375`.
    pub(crate) fn duration(&self) -> String {
        let text = format!("{:.3}", self.seconds());
        let short = text.trim_end_matches('0');
        if short.ends_with('.') { format!("{short}0") } else { short.to_owned() }
    }

    /// As it is made when `faults` have their way.
    pub(crate) fn spoilt(&self, faults: &[Fault]) -> Self {
        let mut spoilt = self.clone();
        for fault in faults {
            match *fault {
                Fault::WrongFps(fps) => {
                    spoilt.frames = ((self.seconds() * f64::from(fps)).round() as u32).max(1);
                    spoilt.fps = fps.max(1);
                }
                Fault::WrongLength(frames) => spoilt.frames = frames.max(1),
                Fault::OneFrame => spoilt.frames = 1,
                Fault::WrongSize => {
                    spoilt.width = ((self.width / 2) & !1).max(2);
                    spoilt.height = ((self.height / 2) & !1).max(2);
                }
                Fault::Black => spoilt.look = Look::Black,
                Fault::Frozen => spoilt.look = Look::Frozen,
                Fault::Distorted(distortion) => spoilt.distortion = Some(distortion),
                Fault::OtherSeed(seed) => spoilt.seed = seed,
                _ => {}
            }
        }
        spoilt
    }
}

/// What a job makes.
#[derive(Debug, Clone)]
pub(crate) enum Work {
    /// An MP4 clip.
    Clip(Footage),
    /// So many PNG pictures.
    Pictures(Footage, u32),
    /// A spoken line: a tone of its length.
    Speech { text: String, millis: u32 },
}

impl Work {
    pub(crate) fn prompt(&self) -> &str {
        match self {
            Self::Clip(footage) | Self::Pictures(footage, _) => &footage.prompt,
            Self::Speech { text, .. } => text,
        }
    }

    pub(crate) fn seed(&self, faults: &[Fault]) -> u64 {
        match self {
            Self::Clip(footage) | Self::Pictures(footage, _) => footage.spoilt(faults).seed,
            Self::Speech { .. } => 0,
        }
    }

    /// Files that come of it.
    pub(crate) fn outputs(&self) -> u32 {
        match self {
            Self::Pictures(_, count) => *count,
            Self::Clip(_) | Self::Speech { .. } => 1,
        }
    }

    /// File ending and media type.
    pub(crate) fn kind(&self) -> (&'static str, &'static str) {
        match self {
            Self::Clip(_) => ("mp4", "video/mp4"),
            Self::Pictures(..) => ("png", "image/png"),
            Self::Speech { .. } => ("wav", "audio/wav"),
        }
    }

    /// The bytes of output `index`. Takes CPU: about one encode of the clip.
    pub(crate) fn make(&self, index: u32, faults: &[Fault]) -> Result<Vec<u8>, Error> {
        match self {
            Self::Clip(footage) => clip(&footage.spoilt(faults)),
            Self::Pictures(footage, _) => {
                let mut spoilt = footage.spoilt(faults);
                // Several pictures of one task differ.
                spoilt.seed += u64::from(index);
                still(&spoilt)
            }
            Self::Speech { text, millis } => Ok(speech(text, *millis)),
        }
    }
}

/// The color of the mark of a clip from words alone, in its left eighth from the top to the middle: red,
/// green, blue.
#[must_use]
pub fn mark(prompt: &str, seed: u64) -> [u8; 3] {
    color(&digest(prompt, seed), 0)
}

/// The two colors of the stripes of a clip from words alone.
#[must_use]
pub fn stripes(prompt: &str, seed: u64) -> [[u8; 3]; 2] {
    let digest = digest(prompt, seed);
    let one = color(&digest, 3);
    // The other is its complement, so that stripes are always seen to wander.
    [one, one.map(|part| 255 - part)]
}

/// The one of `candidates`, `(prompt, seed)`, whose mark comes nearest to a decoded color.
#[must_use]
pub fn recognize<'a>(seen: [u8; 3], candidates: &[(&'a str, u64)]) -> Option<(&'a str, u64)> {
    let distance = |(prompt, seed): &(&str, u64)| -> u32 {
        mark(prompt, *seed)
            .into_iter()
            .zip(seen)
            .map(|(one, other)| u32::from(one.abs_diff(other)).pow(2))
            .sum()
    };
    candidates.iter().copied().min_by_key(distance)
}

fn digest(prompt: &str, seed: u64) -> [u8; 32] {
    *blake3::Hasher::new().update(&seed.to_le_bytes()).update(prompt.as_bytes()).finalize().as_bytes()
}

/// One of 125 well-separated colors.
fn color(digest: &[u8; 32], from: usize) -> [u8; 3] {
    [0, 1, 2].map(|part| 24 + digest[from + part] % 5 * 51)
}

fn clip(footage: &Footage) -> Result<Vec<u8>, Error> {
    let folder = tempfile::tempdir()?;
    let (video, sound, whole) =
        (folder.path().join("video.mp4"), folder.path().join("sound.mp4"), folder.path().join("clip.mp4"));
    let format = VideoFormat {
        width: footage.width,
        height: footage.height,
        fps: footage.fps,
        crf: CRF,
        keyframe_every: footage.fps,
    };
    let mut encoder = VideoEncoder::create(&video, format)?;
    let painter = Painter::new(footage);
    for frame in 0..footage.frames {
        encoder.write(&to_yuv(&painter.paint(frame), footage.width as usize, footage.height as usize))?;
    }
    let frames = encoder.finish()?;
    if footage.sound {
        encode_aac(&sound, &tone(&footage.prompt, footage.seed, footage.seconds()), SOUND_RATE)?;
    }
    let audio = footage.sound.then_some(sound.as_path());
    stitch(&whole, &[Piece { file: &video, frames }], footage.fps, audio, &[("comment", COMMENT)])?;
    Ok(std::fs::read(&whole)?)
}

fn still(footage: &Footage) -> Result<Vec<u8>, Error> {
    let mut bytes = Cursor::new(Vec::new());
    let mut encoder = png::Encoder::new(&mut bytes, footage.width, footage.height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.add_text_chunk("Comment".to_owned(), COMMENT.to_owned())?;
    let mut writer = encoder.write_header()?;
    writer.write_image_data(&Painter::new(footage).paint(0))?;
    writer.finish()?;
    Ok(bytes.into_inner())
}

/// Draws frames as rows of red, green, blue.
struct Painter<'a> {
    footage: &'a Footage,
    first: Option<Picture>,
    last: Option<Picture>,
    mark: [u8; 3],
    stripes: [[u8; 3]; 2],
}

impl<'a> Painter<'a> {
    fn new(footage: &'a Footage) -> Self {
        let fitted = |picture: &Arc<Picture>| {
            let fitted = picture.cover(footage.width, footage.height);
            match footage.distortion {
                Some(Distortion::Color) => fitted.recolored(),
                Some(Distortion::Shape) => fitted.squeezed(),
                Some(Distortion::Mirror) => fitted.mirrored(),
                None => fitted,
            }
        };
        Self {
            footage,
            first: footage.first.as_ref().map(fitted),
            last: footage.last.as_ref().map(fitted),
            mark: mark(&footage.prompt, footage.seed),
            stripes: stripes(&footage.prompt, footage.seed),
        }
    }

    fn paint(&self, frame: u32) -> Vec<u8> {
        let (width, height) = (self.footage.width as usize, self.footage.height as usize);
        let frame = match self.footage.look {
            Look::Black => return vec![0; width * height * 3],
            Look::Frozen => 0,
            Look::Moving => frame,
        };
        let mut rgb = Vec::with_capacity(width * height * 3);
        match (self.first.as_ref().or(self.last.as_ref()), self.last.as_ref()) {
            (Some(first), last) => self.paint_pictures(first, last, frame, &mut rgb),
            (None, _) => self.paint_test_picture(frame, &mut rgb),
        }
        rgb
    }

    fn paint_pictures(&self, first: &Picture, last: Option<&Picture>, frame: u32, rgb: &mut Vec<u8>) {
        let (width, height) = (self.footage.width, self.footage.height);
        let done = f64::from(frame) / f64::from((self.footage.frames - 1).max(1));
        let shown = 1.0 / (1.0 + ZOOM * done);
        let place = |at: u32, side: u32| 0.5 + ((f64::from(at) + 0.5) / f64::from(side) - 0.5) * shown;
        let blend = last.filter(|_| self.first.is_some());
        for y in 0..height {
            let down = place(y, height);
            for x in 0..width {
                let across = place(x, width);
                let mut pixel = first.at(across, down);
                if let Some(last) = blend {
                    let other = last.at(across, down);
                    for (part, other) in pixel.iter_mut().zip(other) {
                        *part = (f64::from(*part) * (1.0 - done) + f64::from(other) * done).round() as u8;
                    }
                }
                rgb.extend(pixel);
            }
        }
    }

    fn paint_test_picture(&self, frame: u32, rgb: &mut Vec<u8>) {
        let (width, height) = (self.footage.width as usize, self.footage.height as usize);
        let stripe = (width.min(height) / 6).max(2);
        let shift = frame as usize * (stripe / 6).max(1);
        let turn = TAU * f64::from(frame) / f64::from(self.footage.fps * 2);
        let center = (width as f64 * (0.6 + 0.15 * turn.cos()), height as f64 * (0.6 + 0.15 * turn.sin()));
        let radius = width.min(height) as f64 * 0.15;
        for y in 0..height {
            for x in 0..width {
                let from_center = (x as f64 - center.0).hypot(y as f64 - center.1);
                let pixel = if x < width / 8 && y < height / 2 {
                    self.mark
                } else if from_center < radius {
                    [235, 235, 235]
                } else {
                    self.stripes[(x + y + shift) / stripe % 2]
                };
                rgb.extend(pixel);
            }
        }
    }
}

/// BT.709, limited range, with 8-bit coefficients; chroma from the mean of each 2 × 2 block.
fn to_yuv(rgb: &[u8], width: usize, height: usize) -> Yuv420 {
    let mut picture = Yuv420::filled(width, height, [0, 128, 128]);
    for (luma, pixel) in picture.y.iter_mut().zip(rgb.chunks_exact(3)) {
        let [red, green, blue] = [0, 1, 2].map(|part| u32::from(pixel[part]));
        *luma = ((47 * red + 157 * green + 16 * blue + 128) / 256 + 16) as u8;
    }
    for row in 0..height / 2 {
        for column in 0..width / 2 {
            let top = (row * 2 * width + column * 2) * 3;
            let [red, green, blue] = [0, 1, 2].map(|part| {
                let sum: i32 = [0, 3, width * 3, width * 3 + 3]
                    .into_iter()
                    .map(|offset| i32::from(rgb[top + offset + part]))
                    .sum();
                sum / 4
            });
            let at = row * (width / 2) + column;
            picture.u[at] = ((-26 * red - 86 * green + 112 * blue + 128) / 256 + 128) as u8;
            picture.v[at] = ((112 * red - 102 * green - 10 * blue + 128) / 256 + 128) as u8;
        }
    }
    picture
}

fn pitch(prompt: &str, seed: u64) -> f64 {
    220.0 + f64::from(digest(prompt, seed)[6]) * 2.0
}

/// A stereo tone whose pitch follows from prompt and seed.
fn tone(prompt: &str, seed: u64, seconds: f64) -> Vec<f32> {
    let pitch = pitch(prompt, seed);
    let samples = (seconds * f64::from(SOUND_RATE)).round() as u32;
    let sample = |idx: u32| (AMPLITUDE * (TAU * pitch * f64::from(idx) / f64::from(SOUND_RATE)).sin()) as f32;
    (0..samples).flat_map(|idx| [sample(idx); 2]).collect()
}

/// A mono WAV file (16 bits, PCM) with the comment in its `ICMT` chunk.
fn speech(text: &str, millis: u32) -> Vec<u8> {
    let samples = millis * (SPEECH_RATE / 1_000);
    let pitch = pitch(text, 0);
    let mut data = Vec::with_capacity(samples as usize * 2);
    for idx in 0..samples {
        let value = AMPLITUDE * (TAU * pitch * f64::from(idx) / f64::from(SPEECH_RATE)).sin();
        data.extend(((value * f64::from(i16::MAX)) as i16).to_le_bytes());
    }
    let mut comment = COMMENT.as_bytes().to_vec();
    // Text ends in a zero, chunks in a whole word.
    comment.push(0);
    comment.resize(comment.len().next_multiple_of(2), 0);
    let mut format = Vec::new();
    // PCM, one channel, rate, bytes per second, bytes per sample, bits per sample.
    format.extend(1_u16.to_le_bytes());
    format.extend(1_u16.to_le_bytes());
    format.extend(SPEECH_RATE.to_le_bytes());
    format.extend((SPEECH_RATE * 2).to_le_bytes());
    format.extend(2_u16.to_le_bytes());
    format.extend(16_u16.to_le_bytes());
    let list = [b"INFO".as_slice(), &chunk(b"ICMT", &comment)].concat();
    let body =
        [b"WAVE".to_vec(), chunk(b"fmt ", &format), chunk(b"LIST", &list), chunk(b"data", &data)].concat();
    chunk(b"RIFF", &body)
}

fn chunk(name: &[u8; 4], content: &[u8]) -> Vec<u8> {
    [name.as_slice(), &(content.len() as u32).to_le_bytes(), content].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_written_without_needless_zeros() {
        let of = |frames, fps| Footage::test_picture("", 0, 16, 16, fps, frames).duration();
        assert_eq!([of(120, 24), of(81, 24), of(1, 16)], ["5.0", "3.375", "0.062"]);
    }

    #[test]
    fn marks_tell_prompts_and_seeds_apart() {
        let candidates = [("a cup", 1), ("a cup", 2), ("a shoe", 1)];
        for (prompt, seed) in candidates {
            assert_eq!(recognize(mark(prompt, seed), &candidates), Some((prompt, seed)));
        }
        assert_ne!(mark("a cup", 1), mark("a cup", 2));
    }

    #[test]
    fn speech_is_a_wav_file_of_its_length() {
        let wav = speech("hello", 500);
        assert_eq!((&wav[..4], &wav[8..16]), (b"RIFF".as_slice(), b"WAVEfmt ".as_slice()));
        assert_eq!(u32::from_le_bytes([wav[4], wav[5], wav[6], wav[7]]) as usize, wav.len() - 8);
        assert!(wav.windows(9).any(|part| part == COMMENT.as_bytes()));
        assert_eq!(wav.len() - 12 - 24 - 8 - 12 - 8 - 10, 24_000);
    }
}
