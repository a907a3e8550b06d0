//! The moving picture of a shot, and the grounds made from it.

use std::sync::{Arc, OnceLock};

use fast_image_resize::{FilterType, Resizer};
use spotwright_schemas::storyboard::{Motion, VisualStyle};

use super::field::Around;
use super::{BLACK, GROUND, Rect, Stage, grounds};
use crate::error::Error;
use crate::footage::percentile;
use crate::picture::cut_out;
use crate::pixels::{self, Crop, Raster};
use crate::scene::{Brush, Moving, Scene, Window};

/// How much larger than the window a prepared picture is, and so the strongest zoom.
pub(super) const ZOOM: f64 = 1.2;
/// Share of the brand color in blurred grounds.
const TINT: f64 = 0.3;

/// Mean difference of luma to the right and below, on the grid of [`focus`], below which a picture shows
/// nothing; what counts as a strong one, and the share of strong ones that a plain picture stays below.
const FAINT: f64 = 2.6;
const STRONG: f64 = 48.0;
const RARE: f64 = 0.0005;

/// A decoded product picture.
pub(crate) struct Picture {
    pub(crate) raster: Raster,
    /// Where the product is, as shares of width and height.
    pub(crate) focus: (f64, f64),
    /// Whether it shows nothing: a drawn background, with no detail that stands out.
    pub(crate) plain: bool,
    /// The product alone, once it was asked for; `None` inside where the ground is not plain.
    cutout: OnceLock<Option<Arc<Raster>>>,
}

impl Picture {
    /// Wraps RGB bytes and looks for the product: the center of detail, drawn to the middle.
    pub(crate) fn new(width: usize, height: usize, rgb: &[u8]) -> Self {
        let mut data = Vec::with_capacity(width * height * 4);
        for pixel in rgb.chunks_exact(3) {
            data.extend_from_slice(&[pixel[0], pixel[1], pixel[2], 255]);
        }
        Self::of(Raster { width, height, data })
    }

    /// Wraps an opaque raster and looks for the product.
    pub(crate) fn of(raster: Raster) -> Self {
        let (focus, plain) = focus(&raster);
        Self { raster, focus, plain, cutout: OnceLock::new() }
    }

    /// A picture without pixels.
    pub(crate) fn empty() -> Self {
        Self {
            raster: Raster::filled(0, 0, [0; 4]),
            focus: (0.5, 0.5),
            plain: false,
            cutout: OnceLock::new(),
        }
    }

    /// The product without its plain ground, as a layer; `None` for pictures whose ground is not plain.
    pub(crate) fn cutout(&self) -> Option<Arc<Raster>> {
        self.cutout.get_or_init(|| cut_out(&self.raster).map(Arc::new)).clone()
    }
}

/// Mean position of luma differences on a coarse grid, each weighted by nearness to the middle; and whether
/// they are so small and few that there is nothing to be seen.
fn focus(raster: &Raster) -> ((f64, f64), bool) {
    let step = (raster.width.max(raster.height) / 160).max(1);
    let luma = |x: usize, y: usize| {
        let [r, g, b, _] = raster.pixel(x, y);
        (f64::from(r) * 0.2126) + (f64::from(g) * 0.7152) + (f64::from(b) * 0.0722)
    };
    let (mut sum_x, mut sum_y, mut sum) = (0.0, 0.0, 1e-6);
    let (mut details, mut strong, mut count) = (0.0, 0.0, 1e-6);
    for y in (0..raster.height.saturating_sub(step)).step_by(step) {
        for x in (0..raster.width.saturating_sub(step)).step_by(step) {
            let here = luma(x, y);
            let detail = (here - luma(x + step, y)).abs() + (here - luma(x, y + step)).abs();
            details += detail;
            strong += f64::from(u8::from(detail > STRONG));
            count += 1.0;
            let (fx, fy) = (x as f64 / raster.width as f64, y as f64 / raster.height as f64);
            let middle = 1.0 - ((fx - 0.5).powi(2) + (fy - 0.5).powi(2)) * 1.6;
            let weight = detail.powf(1.5) * middle.max(0.1);
            sum_x += fx * weight;
            sum_y += fy * weight;
            sum += weight;
        }
    }
    let plain = details / count < FAINT && strong / count < RARE;
    if sum < 1.0 {
        return ((0.5, 0.5), plain);
    }
    // Detail says little about up and down (a plain face above a busy coat), so the height leans to
    // a little above the middle, where photographers put their subject.
    ((sum_x / sum, 0.4 * sum_y / sum + 0.6 * 0.38), plain)
}

impl Stage<'_> {
    /// Prepares the moving picture for a window.
    pub(super) fn open_window(&mut self, rect: Rect, mask: Option<Vec<u8>>) -> Result<(), Error> {
        // Tiny frames may leave less room than a layout asks for; a window never leaves the frame.
        let (frame_width, frame_height) = (self.base.width, self.base.height);
        let (x, y) = (
            (rect[0].round() as usize).min(frame_width - 2),
            (rect[1].round() as usize).min(frame_height - 2),
        );
        let width = (rect[2].round() as usize).clamp(2, frame_width - x);
        let height = (rect[3].round() as usize).clamp(2, frame_height - y);
        let mask = mask.filter(|mask| mask.len() == width * height);
        let picture = &self.input.picture;
        if let Some(clip) = &self.input.clip {
            let crop = pixels::cover(clip.size(), width as f64, height as f64, picture.focus);
            self.window = Some(Window { x, y, width, height, moving: Moving::Clip(crop), mask });
            return Ok(());
        }
        if let Some(product) = self.product() {
            let size = [width, height].map(|side| (side as f64 * ZOOM).ceil() as usize);
            let scene = self.scene_around(&product, size, self.product_room)?;
            // A pan would lead away from a product at the side, and from side to side past any other.
            let motion = if self.product_beside { Motion::PushIn } else { self.input.shot.motion };
            let reach = [0.3, 0.7];
            let path = camera(motion, reach, size[0] as f64, size[1] as f64);
            let moving = Moving::Camera { path, source: scene };
            self.window = Some(Window { x, y, width, height, moving, mask });
            return Ok(());
        }
        if self.bare {
            let size = [width, height].map(|side| (side as f64 * ZOOM).ceil() as usize);
            let whole = width == frame_width && height == frame_height;
            let around = if self.on_picture() && whole { Around::Texts } else { Around::Ground };
            let source = self.field_source(size, around);
            let path = camera(self.input.shot.motion, [0.0, 1.0], size[0] as f64, size[1] as f64);
            self.window = Some(Window { x, y, width, height, moving: Moving::Camera { source, path }, mask });
            return Ok(());
        }
        let source = &picture.raster;
        let crop = pixels::cover((source.width, source.height), width as f64, height as f64, picture.focus);
        let (w, h) = ((width as f64 * ZOOM).ceil() as usize, (height as f64 * ZOOM).ceil() as usize);
        let mut prepared = Raster::filled(w, h, [0, 0, 0, 255]);
        let enlarged = w as f64 / crop[2];
        let filter = if enlarged < 1.0 { FilterType::Lanczos3 } else { FilterType::CatmullRom };
        pixels::resample(&mut Resizer::new(), source, crop, &mut prepared, filter)?;
        if enlarged > 1.25 {
            sharpen(&mut prepared, (enlarged * 0.8).round().clamp(1.0, 4.0) as usize, 0.55);
        }
        self.window = Some(Window {
            x,
            y,
            width,
            height,
            moving: Moving::Camera {
                path: camera(self.input.shot.motion, [0.0, 1.0], w as f64, h as f64),
                source: prepared,
            },
            mask,
        });
        Ok(())
    }

    /// Fills the base with the picture's own blurred enlargement, tinted with the brand color,
    /// saturated, and darkened so that white text reads on it.
    pub(super) fn blurred_base(&mut self) -> Result<(), Error> {
        if self.product().is_some() || self.bare {
            // The blur of a product on white would be white.
            grounds::paint(VisualStyle::Premium, self.input.board.palette, &mut self.base);
            return Ok(());
        }
        let picture = &self.input.picture;
        let source = &picture.raster;
        // Blurring hides detail, so a sixth of the size is enough to work in.
        let (w, h) = ((self.base.width / 6).max(8), (self.base.height / 6).max(8));
        let crop = pixels::cover((source.width, source.height), w as f64, h as f64, picture.focus);
        let mut small = Raster::filled(w, h, [0, 0, 0, 255]);
        pixels::resample(&mut Resizer::new(), source, crop, &mut small, FilterType::Box)?;
        pixels::blur(&mut small, (w / 22).max(1), 3);
        let brand = self.input.board.palette.primary;
        for pixel in small.data.chunks_exact_mut(4) {
            for (to, from) in pixel.iter_mut().zip([brand.r, brand.g, brand.b]) {
                *to = (f64::from(*to) + (f64::from(from) - f64::from(*to)) * TINT).round() as u8;
            }
        }
        let brightest = percentile_luma(&small, 0, h, 0.95).max(1.0);
        let dim = (GROUND * 0.9 / brightest).min(0.8);
        for pixel in small.data.chunks_exact_mut(4) {
            let gray =
                f64::from(pixel[0]) * 0.2126 + f64::from(pixel[1]) * 0.7152 + f64::from(pixel[2]) * 0.0722;
            for channel in &mut pixel[..3] {
                *channel =
                    ((gray + (f64::from(*channel) - gray) * 1.35) * dim).round().clamp(0.0, 255.0) as u8;
            }
        }
        let whole = [0.0, 0.0, w as f64, h as f64];
        pixels::resample(&mut Resizer::new(), &small, whole, &mut self.base, FilterType::CatmullRom)
    }
}

/// The part of a prepared picture shown first and last; pans lead between two shares of the way across it.
fn camera(motion: Motion, [from, to]: [f64; 2], width: f64, height: f64) -> [Crop; 2] {
    let at = |zoom: f64, fx: f64, fy: f64| -> Crop {
        let (w, h) = (width / zoom, height / zoom);
        [(width - w) * fx, (height - h) * fy, w, h]
    };
    match motion {
        Motion::PushIn => [at(1.0, 0.5, 0.5), at(ZOOM, 0.5, 0.5)],
        Motion::PullOut => [at(ZOOM, 0.5, 0.5), at(1.0, 0.5, 0.5)],
        Motion::PanRight => [at(ZOOM, from, 0.5), at(ZOOM, to, 0.5)],
        Motion::PanLeft => [at(ZOOM, to, 0.5), at(ZOOM, from, 0.5)],
    }
}

/// Adds `amount` of the difference to a blurred copy (unsharp mask).
fn sharpen(raster: &mut Raster, radius: usize, amount: f64) {
    let mut soft = raster.clone();
    pixels::blur(&mut soft, radius, 1);
    let amount = (amount * 256.0) as i32;
    for (to, soft) in raster.data.iter_mut().zip(&soft.data) {
        let detail = i32::from(*to) - i32::from(*soft);
        *to = (i32::from(*to) + ((detail * amount) >> 8)).clamp(0, 255) as u8;
    }
}

/// Luma below which `share` of the pixels of the rows `from..to` lie, 0–255.
pub(super) fn percentile_luma(raster: &Raster, from: usize, to: usize, share: f64) -> f64 {
    let mut counts = [0_u32; 256];
    let row_bytes = raster.width * 4;
    for row in (from..to.min(raster.height)).step_by(3) {
        for pixel in raster.data[row * row_bytes..(row + 1) * row_bytes].chunks_exact(4).step_by(3) {
            let luma = (54 * u32::from(pixel[0]) + 183 * u32::from(pixel[1]) + 19 * u32::from(pixel[2])) >> 8;
            counts[luma.min(255) as usize] += 1;
        }
    }
    percentile(&counts, share)
}

impl Stage<'_> {
    /// Highest luma of each stretch of rows (from, to, share) over the whole way of the camera, below which
    /// the share of its pixels lies, 0–255.
    pub(super) fn brightest_of_picture<const N: usize>(
        &mut self,
        stretches: [(f64, f64, f64); N],
    ) -> Result<[f64; N], Error> {
        let rows = self.base.height;
        let probe = Scene {
            base: self.base.clone(),
            window: self.window.take(),
            shade: Vec::new(),
            tint: BLACK,
            sprites: Vec::new(),
            boxes: Vec::new(),
            transition: None,
            frames: 1,
            fps: 1,
        };
        let mut brush = Brush::new(self.base.width, rows);
        let mut brightest = [0.0_f64; N];
        for way in [0.0, 0.5, 1.0] {
            probe.draw_picture(way, &mut brush)?;
            for (most, (from, to, share)) in brightest.iter_mut().zip(stretches) {
                let row = |y: f64| (y.max(0.0) as usize).min(rows);
                *most = most.max(percentile_luma(&brush.canvas, row(from), row(to), share));
            }
        }
        self.window = probe.window;
        Ok(brightest)
    }

    /// Highest luma, over all frames of the clip, below which `share` of the pixels of `area` of the frame
    /// lie; 0 where the clip's window is not, or without a clip.
    pub(super) fn brightest_of_clip(&self, area: Rect, share: f64) -> f64 {
        let (Some(clip), Some(window)) = (&self.input.clip, &self.window) else { return 0.0 };
        let Moving::Clip(crop) = &window.moving else { return 0.0 };
        let (left, top) = (area[0].max(window.x as f64), area[1].max(window.y as f64));
        let right = (area[0] + area[2]).min((window.x + window.width) as f64);
        let bottom = (area[1] + area[3]).min((window.y + window.height) as f64);
        if right <= left || bottom <= top {
            return 0.0;
        }
        let (sx, sy) = (crop[2] / window.width as f64, crop[3] / window.height as f64);
        let in_clip = [
            crop[0] + (left - window.x as f64) * sx,
            crop[1] + (top - window.y as f64) * sy,
            (right - left) * sx,
            (bottom - top) * sy,
        ];
        clip.brightest(in_clip, share)
    }
}
