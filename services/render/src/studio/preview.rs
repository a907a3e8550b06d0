//! Previews: key frames at one frame a second, small, without sound.

use fast_image_resize::{FilterType, Resizer};
use spotwright_core::ports::video_backend::Footage;
use spotwright_core::spine::Shutdown;
use spotwright_media::{VideoEncoder, VideoFormat, Yuv420};
use spotwright_schemas::money::Micros;
use spotwright_schemas::storyboard::{FrameSize, Storyboard};

use super::{Inner, go_on};
use crate::error::Error;
use crate::gate;
use crate::pixels::{self, Raster, jpeg};
use crate::scene::Brush;
use crate::statistics::{Sampler, sampled_frames};

/// Constant rate factor of previews.
const PREVIEW_CRF: u32 = 26;
/// Longer side of previews in pixels.
const PREVIEW_SIDE: u32 = 640;
/// Longest side of a preview's still in pixels.
const THUMBNAIL_SIDE: f64 = 256.0;

impl Inner {
    /// Key frames at one frame a second, small, without sound.
    pub(super) fn preview(&self, board: &Storyboard, stop: &Shutdown) -> Result<Footage, Error> {
        self.look_at_footage(board)?;
        let size = preview_size(board.size);
        let (width, height) = (size.width as usize, size.height as usize);
        let scratch = tempfile::tempdir_in(&self.options.folder)?;
        let file = scratch.path().join("preview.mp4");
        let format = VideoFormat {
            width: size.width,
            height: size.height,
            fps: 1,
            crf: PREVIEW_CRF,
            keyframe_every: 8,
        };
        let mut encoder = VideoEncoder::create(&file, format)?;
        let sampled = sampled_frames(board.frames(), board.fps);
        let mut sampler = Sampler::default();
        let mut brush = Brush::new(width, height);
        let mut picture = Yuv420::filled(width, height, [16, 128, 128]);
        let mut poster = None;
        let mut area = 0.0;
        let mut start = 0;
        for (idx, shot) in board.shots.iter().enumerate() {
            let mut film = self.film(board, idx, size)?;
            let covered = gate::covered(&film.scene.boxes) / (f64::from(size.width) * f64::from(size.height));
            area += covered.min(1.0) * f64::from(shot.frames) / f64::from(board.frames());
            for frame in sampled.iter().filter(|frame| (start..start + shot.frames).contains(*frame)) {
                go_on(stop)?;
                film.draw(frame - start, &mut brush)?;
                pixels::to_yuv(&brush.canvas, &mut picture);
                let (w, half) = (picture.width, picture.width / 2);
                sampler.add(
                    idx,
                    w,
                    picture.height,
                    [(&picture.y, w), (&picture.u, half), (&picture.v, half)],
                );
                encoder.write(&picture)?;
                if poster.is_none() {
                    poster = Some(thumbnail(&brush.canvas)?);
                }
            }
            start += shot.frames;
        }
        let frames = encoder.finish()?;
        let seconds = f64::from(board.frames()) / f64::from(board.fps);
        let statistics = sampler.finish(board.shots.len() - 1, seconds, area, -70.0);
        let poster = poster.ok_or_else(|| Error::Compositing("the preview has no frame".to_owned()))?;
        let poster = self.store.put(&poster)?;
        let bytes = std::fs::metadata(&file)?.len();
        let artifact = self.store.adopt(&file)?;
        let cost = Micros::ZERO;
        Ok(Footage { artifact, frames, bytes, cost, poster: Some(poster), statistics: Some(statistics) })
    }
}

impl Inner {
    /// One frame of one shot, as RGB.
    pub(super) fn frame(
        &self,
        board: &Storyboard,
        idx: usize,
        frame: u32,
        size: FrameSize,
    ) -> Result<Vec<u8>, Error> {
        if idx >= board.shots.len() || frame >= board.shots[idx].frames {
            return Err(Error::storyboard("shots", "there is no such shot or frame"));
        }
        let mut film = self.film(board, idx, size)?;
        let mut brush = Brush::new(size.width as usize, size.height as usize);
        film.draw(frame, &mut brush)?;
        Ok(brush.canvas.data.chunks_exact(4).flat_map(|pixel| [pixel[0], pixel[1], pixel[2]]).collect())
    }
}

/// A small still for tables: a page that lists every variant stays light.
fn thumbnail(canvas: &Raster) -> Result<Vec<u8>, Error> {
    let shrink = (canvas.width.max(canvas.height) as f64 / THUMBNAIL_SIDE).max(1.0);
    let side = |length: usize| ((length as f64 / shrink).round() as usize).max(1);
    let mut small = Raster::filled(side(canvas.width), side(canvas.height), [0, 0, 0, 255]);
    let whole = [0.0, 0.0, canvas.width as f64, canvas.height as f64];
    pixels::resample(&mut Resizer::new(), canvas, whole, &mut small, FilterType::Lanczos3)?;
    let rgb: Vec<u8> = small.data.chunks_exact(4).flat_map(|p| [p[0], p[1], p[2]]).collect();
    jpeg(&rgb, small.width as u32, small.height as u32)
}

/// The size of previews of frames of this size.
pub(super) fn preview_size(size: FrameSize) -> FrameSize {
    let longest = size.width.max(size.height);
    let even = |side: u32| ((side * PREVIEW_SIDE.min(longest) / longest) & !1).max(16);
    FrameSize { width: even(size.width), height: even(size.height) }
}
