//! Clips in the place of pictures: looked through once before the layout, read again frame by frame.
//!
//! A clip is what the import of foreign clips leaves: MP4 at the storyboard's rate, BT.709 in limited range.
//! Its size may differ from the ad's; it fills its window and loses what stands over.

use std::path::Path;
use std::sync::Arc;

use spotwright_media::{ClipReader, Sink, VideoView, Yuv420, decode};

use crate::error::Error;
use crate::layout::Picture;
use crate::pixels::{self, Crop, Raster};
use crate::scene::{Brush, Scene};

/// Points of a frame, along its width, at which brightness is measured.
const POINTS: usize = 120;
/// Most bytes of brightness that are kept of a shot; longer shots are measured at fewer points.
const KEPT: usize = 32 << 20;

/// The part of a clip that a shot shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cut {
    /// First frame of the clip.
    pub(crate) start: u32,
    /// Number of frames.
    pub(crate) frames: u32,
    /// Frames per second of the storyboard.
    pub(crate) fps: u32,
}

/// What the layout has to know of a clip's part.
pub(crate) struct ClipLook {
    /// Its middle frame: the ground of cards is made of it, and it says where the subject is.
    pub(crate) middle: Arc<Picture>,
    size: (usize, usize),
    step: usize,
    /// Luma in full range of every measured point, frame by frame.
    lumas: Vec<Vec<u8>>,
}

impl ClipLook {
    /// Decodes the clip and looks at every frame that the shot shows.
    ///
    /// # Errors
    /// [`Error::Problem`] naming `field`: no clip that decodes whole, another rate or color space, or one that
    /// is too short.
    pub(crate) fn of(file: &Path, cut: Cut, field: &str) -> Result<Self, Error> {
        let mut looking = Looking { cut, look: None };
        let content = match decode(file, &mut looking) {
            Ok(content) => content,
            Err(error) if error.of_the_system().is_some() => return Err(error.into()),
            Err(error) => return Err(Error::storyboard(field, format!("the clip does not decode: {error}"))),
        };
        let refuse = |message: String| Err(Error::storyboard(field, message));
        let Some(video) = content.video.filter(|_| content.damaged_packets == 0) else {
            return refuse("the clip has no video, or is damaged".to_owned());
        };
        if (video.fps - f64::from(cut.fps)).abs() > 0.01 || !video.steady {
            return refuse(format!(
                "the clip has {:.3} frames a second{}; the storyboard has {}",
                video.fps,
                if video.steady { "" } else { ", not at equal distances" },
                cut.fps
            ));
        }
        if !video.bt709_limited {
            return refuse("the clip's colors are not BT.709 in limited range".to_owned());
        }
        let needed = u64::from(cut.start) + u64::from(cut.frames);
        match looking.look {
            Some(look) if u64::from(video.frames) >= needed && look.lumas.len() == cut.frames as usize => {
                Ok(look)
            }
            _ => refuse(format!(
                "the clip has {} frames; the shot shows {} from frame {} on",
                video.frames, cut.frames, cut.start
            )),
        }
    }

    /// Width and height of the clip in pixels.
    pub(crate) fn size(&self) -> (usize, usize) {
        self.size
    }

    /// Luma below which `share` of the pixels of `area` (in pixels of the clip) lie, in the frame where it is
    /// highest; 0–255. Lets text stand on every frame and not on the first alone.
    pub(crate) fn brightest(&self, area: Crop, share: f64) -> f64 {
        let columns = self.size.0.div_ceil(self.step);
        let grid = |from: f64, length: f64, most: usize| {
            let first = (from / self.step as f64).floor().max(0.0) as usize;
            let end = ((from + length) / self.step as f64).ceil().max(0.0) as usize;
            (first.min(most), end.clamp(first.min(most), most))
        };
        let (left, right) = grid(area[0], area[2], columns);
        let mut highest = 0.0_f64;
        for lumas in &self.lumas {
            let (top, bottom) = grid(area[1], area[3], lumas.len() / columns.max(1));
            let mut counts = [0_u32; 256];
            for row in top..bottom {
                for luma in &lumas[row * columns + left..row * columns + right] {
                    counts[usize::from(*luma)] += 1;
                }
            }
            highest = highest.max(percentile(&counts, share));
        }
        highest
    }
}

/// Luma below which `share` of what was counted lies.
pub(crate) fn percentile(counts: &[u32; 256], share: f64) -> f64 {
    let total: u32 = counts.iter().sum();
    let limit = (f64::from(total) * share) as u32;
    let mut seen = 0;
    for (luma, count) in counts.iter().enumerate() {
        seen += count;
        if seen > limit {
            return luma as f64;
        }
    }
    0.0
}

/// Gathers a [`ClipLook`] while the clip is decoded.
struct Looking {
    cut: Cut,
    look: Option<ClipLook>,
}

impl Sink for Looking {
    fn picture(&mut self, view: &VideoView<'_>) {
        let end = self.cut.start.saturating_add(self.cut.frames);
        if !(self.cut.start..end).contains(&view.index) {
            return;
        }
        let cut = self.cut;
        let look = self.look.get_or_insert_with(|| {
            let mut step = (view.width / POINTS).max(1);
            while (view.width / step) * (view.height / step) * cut.frames as usize > KEPT {
                step *= 2;
            }
            let middle = Arc::new(Picture::empty());
            ClipLook { middle, size: (view.width, view.height), step, lumas: Vec::new() }
        });
        let (plane, stride) = view.planes[0];
        let mut lumas = Vec::new();
        for row in (0..view.height).step_by(look.step) {
            for luma in plane[row * stride..row * stride + view.width].iter().step_by(look.step) {
                let full = (i32::from(*luma) - 16) * 255 / 219;
                lumas.push(full.clamp(0, 255) as u8);
            }
        }
        look.lumas.push(lumas);
        if view.index == cut.start + cut.frames / 2 {
            let mut raster = Raster::filled(0, 0, [0; 4]);
            pixels::to_rgba(&copied(view), &mut raster);
            look.middle = Arc::new(Picture::of(raster));
        }
    }

    fn sound(&mut self, _: &[f32], _: usize, _: u32) {}
}

/// A decoded picture of its own.
pub(crate) fn copied(view: &VideoView<'_>) -> Yuv420 {
    let mut picture = Yuv420::filled(view.width, view.height, [16, 128, 128]);
    let width = picture.width;
    let targets = [(&mut picture.y, width), (&mut picture.u, width / 2), (&mut picture.v, width / 2)];
    for ((target, width), (plane, stride)) in targets.into_iter().zip(view.planes) {
        for (to, from) in target.chunks_exact_mut(width.max(1)).zip(plane.chunks(stride.max(1))) {
            to.copy_from_slice(&from[..width]);
        }
    }
    picture
}

/// A scene with the clip that it shows, if it shows one.
pub(crate) struct Film {
    pub(crate) scene: Scene,
    clip: Option<(ClipReader, u32)>,
}

impl Film {
    /// A scene over its clip, given as an opened reader and the first frame.
    pub(crate) fn new(scene: Scene, clip: Option<(ClipReader, u32)>) -> Self {
        Self { scene, clip }
    }

    /// Draws frame `frame` of the shot into the brush's canvas.
    ///
    /// # Errors
    /// [`Error::Media`] when the clip does not decode, [`Error::Compositing`].
    pub(crate) fn draw(&mut self, frame: u32, brush: &mut Brush) -> Result<(), Error> {
        if let Some((reader, start)) = &mut self.clip {
            pixels::to_rgba(reader.frame(*start + frame)?, &mut brush.clip);
        }
        self.scene.draw(frame, brush)
    }
}
