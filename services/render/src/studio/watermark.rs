//! Copies for reviewers without an account: small, with words burnt into every picture.

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};
use serde::{Deserialize, Serialize};
use spotwright_core::ports::artifacts::ArtifactHash;
use spotwright_core::ports::letters::Letters as _;
use spotwright_core::ports::video_backend::RenderError;
use spotwright_core::ports::watermarks::{Medium, Watermarks};
use spotwright_media::{
    Piece, Sink, VideoEncoder, VideoFormat, VideoView, Yuv420, decode, encode_aac, stitch,
};
use spotwright_schemas::storyboard::FrameSize;
use tokio::sync::Semaphore;

use super::preview::preview_size;
use super::{Inner, Studio};
use crate::cache::{read_json, write_json};
use crate::error::Error;
use crate::graph;
use crate::label;
use crate::mask::Mask;
use crate::picture;
use crate::pixels::jpeg;

/// Raised when copies come out otherwise than before.
const WATERMARK_VERSION: u32 = 1;
/// Constant rate factor of copies.
const CRF: u32 = 28;

/// Makes copies by a studio, a few at a time. Cheap to clone.
#[derive(Clone)]
pub struct Watermarker {
    studio: Studio,
    turns: Arc<Semaphore>,
}

impl Watermarker {
    /// Copies by `studio`, at most `at_once` videos at the same time; more wait for their turn.
    #[must_use]
    pub fn new(studio: Studio, at_once: usize) -> Self {
        Self { studio, turns: Arc::new(Semaphore::new(at_once.max(1))) }
    }
}

#[async_trait]
impl Watermarks for Watermarker {
    async fn marked(
        &self,
        source: &ArtifactHash,
        medium: Medium,
        words: &str,
    ) -> Result<ArtifactHash, RenderError> {
        let interrupted = |error: &dyn std::fmt::Display| {
            RenderError::Unavailable(format!("the copy was interrupted: {error}"))
        };
        let (studio, source, words) = (self.studio.clone(), source.clone(), words.to_owned());
        let key = studio.inner.copy_key(&source, medium, &words)?;
        // Stills are made in no time, and what was made before is there at once.
        let turn = if medium == Medium::Still || studio.inner.copy(&key).is_some() {
            None
        } else {
            Some(Arc::clone(&self.turns).acquire_owned().await.map_err(|error| interrupted(&error))?)
        };
        let copied = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            studio.watermarked(&source, medium, &words)
        });
        copied.await.map_err(|error| interrupted(&error))?.map_err(RenderError::from)
    }
}

/// A copy that was made, as written to disk.
#[derive(Serialize, Deserialize)]
struct Copied {
    key: String,
    copy: ArtifactHash,
}

impl Studio {
    /// The copy of a stored file with words in every picture, on the calling thread. Same as
    /// [`Watermarks::marked`].
    ///
    /// # Errors
    /// [`Error`].
    pub fn watermarked(
        &self,
        source: &ArtifactHash,
        medium: Medium,
        words: &str,
    ) -> Result<ArtifactHash, Error> {
        let inner = &self.inner;
        let key = inner.copy_key(source, medium, words)?;
        inner.requests.with(&key, || {
            if let Some(copy) = inner.copy(&key) {
                return Ok(copy);
            }
            let undrawable = inner.letters.undrawable(words);
            let words: String = words.chars().filter(|letter| !undrawable.contains(letter)).collect();
            let copy = match medium {
                Medium::Video => inner.marked_video(source, &words)?,
                Medium::Still => inner.marked_still(source, &words)?,
            };
            write_json(&inner.record_file(&key), &Copied { key: key.clone(), copy: copy.clone() })?;
            Ok(copy)
        })
    }
}

impl Inner {
    fn copy_key(&self, source: &ArtifactHash, medium: Medium, words: &str) -> Result<String, Error> {
        let medium = match medium {
            Medium::Video => "video",
            Medium::Still => "still",
        };
        let fonts = &self.letters.fonts.chain.hash;
        Ok(format!("watermark:{}", graph::hashed(&(WATERMARK_VERSION, fonts, source, medium, words))?))
    }

    /// The copy of a key, if it is still in the store.
    fn copy(&self, key: &str) -> Option<ArtifactHash> {
        let known: Copied = read_json(&self.record_file(key))?;
        let whole = known.key == key && self.store.contains(&known.copy).is_ok_and(|there| there);
        whole.then_some(known.copy)
    }

    fn marked_still(&self, source: &ArtifactHash, words: &str) -> Result<ArtifactHash, Error> {
        let mut still = picture::decode(&self.store.get(source)?, "poster")?.picture.into_rgb8();
        let (width, height) = still.dimensions();
        let mask = Mask::new(&self.letters, words, width as usize, height as usize)?;
        for (pixel, (ink, shade)) in still.pixels_mut().zip(mask.cover()) {
            pixel.0 = pixel.0.map(|channel| covered(channel, 255, ink, shade));
        }
        Ok(self.store.put(&jpeg(still.as_raw(), width, height)?)?)
    }

    fn marked_video(&self, source: &ArtifactHash, words: &str) -> Result<ArtifactHash, Error> {
        // Read and compared with its hash: what is not the file that was stored is not decoded here.
        self.store.get(source)?;
        let file = self.store.path(source)?;
        let scratch = tempfile::tempdir_in(&self.options.folder)?;
        let pictures = scratch.path().join("pictures.mp4");
        let mut copying = Copying::new(self, words, &pictures);
        let content = decode(&file, &mut copying)?;
        let (sound, rate) = (std::mem::take(&mut copying.samples), copying.rate);
        let (frames, fps) = copying.finish()?;
        let heard = scratch.path().join("sound.mp4");
        let audio = if sound.is_empty() {
            None
        } else {
            encode_aac(&heard, &sound, rate)?;
            Some(heard.as_path())
        };
        // A copy of what AI has made is one too, and says so.
        let label: Vec<(&str, &str)> =
            content.metadata.get(label::KEY).map(|text| (label::KEY, text.as_str())).into_iter().collect();
        let whole = scratch.path().join("copy.mp4");
        stitch(&whole, &[Piece { file: &pictures, frames }], fps, audio, &label)?;
        Ok(self.store.adopt(&whole)?)
    }
}

/// A sample under ink and shadow, each 0–255; `bright` is the ink's own.
fn covered(sample: u8, bright: u8, ink: u8, shade: u8) -> u8 {
    let darker = u32::from(sample) * (255 - u32::from(shade)) / 255;
    ((darker * (255 - u32::from(ink)) + u32::from(bright) * u32::from(ink)) / 255) as u8
}

/// Takes the pictures of a video, makes them small, marks and encodes them; keeps its sound.
struct Copying<'a> {
    studio: &'a Inner,
    words: &'a str,
    file: &'a Path,
    resizer: Resizer,
    mask: Option<Mask>,
    /// The first picture and its moment, until the second tells how many come in a second.
    first: Option<(Yuv420, f64)>,
    encoder: Option<VideoEncoder>,
    fps: u32,
    samples: Vec<f32>,
    rate: u32,
    failed: Option<Error>,
}

impl<'a> Copying<'a> {
    fn new(studio: &'a Inner, words: &'a str, file: &'a Path) -> Self {
        Self {
            studio,
            words,
            file,
            resizer: Resizer::new(),
            mask: None,
            first: None,
            encoder: None,
            fps: 1,
            samples: Vec::new(),
            rate: 0,
            failed: None,
        }
    }

    fn take(&mut self, view: &VideoView<'_>) -> Result<(), Error> {
        let small = self.marked(view)?;
        if let Some(encoder) = &mut self.encoder {
            return Ok(encoder.write(&small)?);
        }
        let Some((first, start)) = self.first.take() else {
            self.first = Some((small, view.seconds));
            return Ok(());
        };
        self.fps = (1.0 / (view.seconds - start)).round().clamp(1.0, 120.0) as u32;
        let mut encoder = self.open(&first)?;
        encoder.write(&first)?;
        encoder.write(&small)?;
        self.encoder = Some(encoder);
        Ok(())
    }

    fn open(&self, picture: &Yuv420) -> Result<VideoEncoder, Error> {
        let (width, height) = (picture.width as u32, picture.height as u32);
        let format = VideoFormat { width, height, fps: self.fps, crf: CRF, keyframe_every: self.fps * 2 };
        Ok(VideoEncoder::create(self.file, format)?)
    }

    /// A picture in the size of a preview, with the words.
    fn marked(&mut self, view: &VideoView<'_>) -> Result<Yuv420, Error> {
        let size = preview_size(FrameSize { width: view.width as u32, height: view.height as u32 });
        let (width, height) = (size.width as usize, size.height as usize);
        let mut small = Yuv420::filled(width, height, [16, 128, 128]);
        let (wide, high) = (view.width.div_ceil(2), view.height.div_ceil(2));
        let [luma, blue, red] = view.planes;
        self.shrink(luma, (view.width, view.height), &mut small.y, (width, height))?;
        self.shrink(blue, (wide, high), &mut small.u, (width / 2, height / 2))?;
        self.shrink(red, (wide, high), &mut small.v, (width / 2, height / 2))?;
        if self.mask.is_none() {
            self.mask = Some(Mask::new(&self.studio.letters, self.words, width, height)?);
        }
        if let Some(mask) = &self.mask {
            for (luma, (ink, shade)) in small.y.iter_mut().zip(mask.cover()) {
                *luma = covered(*luma, 235, ink, shade);
            }
            for plane in [&mut small.u, &mut small.v] {
                for (chroma, ink) in plane.iter_mut().zip(mask.halved()) {
                    *chroma = covered(*chroma, 128, ink, 0);
                }
            }
        }
        Ok(small)
    }

    fn shrink(
        &mut self,
        (plane, stride): (&[u8], usize),
        (width, height): (usize, usize),
        target: &mut [u8],
        size: (usize, usize),
    ) -> Result<(), Error> {
        let fail = |error: &dyn std::fmt::Display| Error::Compositing(error.to_string());
        let rows: Vec<u8> =
            plane.chunks(stride).take(height).flat_map(|row| row.iter().take(width).copied()).collect();
        let from =
            ImageRef::new(width as u32, height as u32, &rows, PixelType::U8).map_err(|error| fail(&error))?;
        let mut to = Image::from_slice_u8(size.0 as u32, size.1 as u32, target, PixelType::U8)
            .map_err(|error| fail(&error))?;
        let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Bilinear));
        self.resizer.resize(&from, &mut to, &options).map_err(|error| fail(&error))
    }

    /// Ends the file: its frames, and how many are shown in a second.
    fn finish(mut self) -> Result<(u32, u32), Error> {
        if let Some(error) = self.failed.take() {
            return Err(error);
        }
        let encoder = match (self.encoder.take(), self.first.take()) {
            (Some(encoder), _) => encoder,
            (None, Some((only, _))) => {
                let mut encoder = self.open(&only)?;
                encoder.write(&only)?;
                encoder
            }
            (None, None) => return Err(Error::Compositing("the video has no picture".to_owned())),
        };
        Ok((encoder.finish()?, self.fps))
    }
}

impl Sink for Copying<'_> {
    fn picture(&mut self, view: &VideoView<'_>) {
        if self.failed.is_none() {
            self.failed = self.take(view).err();
        }
    }

    fn sound(&mut self, samples: &[f32], channels: usize, rate: u32) {
        self.rate = rate;
        match channels {
            1 => self.samples.extend(samples.iter().flat_map(|sample| [*sample, *sample])),
            _ => self.samples.extend(samples.chunks(channels.max(1)).flat_map(|heard| {
                let side = |at: usize| heard.get(at).copied().unwrap_or_default();
                [side(0), side(1)]
            })),
        }
    }
}
