//! Overlays: texts, pictures and shapes that a storyboard lays over a shot, in the safe zone.

use std::sync::Arc;

use fast_image_resize::{FilterType, Resizer};
use spotwright_schemas::storyboard::{Overlay, OverlayContent, OverlayMotion, Shape};

use super::{ENTRANCE, Stage};
use crate::error::Error;
use crate::pixels::{self, Raster};
use crate::scene::{Entrance, Sprite, TextBox, TextKind};
use crate::text::{Block, Style};

/// The pictures that overlays show, in the order of the shot's overlays; `None` for those that show none.
pub(crate) type OverlayPictures = [Option<Arc<Raster>>];

/// A picture as a layer: its colors multiplied with their opacity, as everything that is blended.
pub(crate) fn with_transparency(picture: image::DynamicImage) -> Raster {
    let picture = picture.into_rgba8();
    let (width, height) = (picture.width() as usize, picture.height() as usize);
    let mut data = picture.into_raw();
    for pixel in data.chunks_exact_mut(4) {
        let alpha = u32::from(pixel[3]);
        for channel in &mut pixel[..3] {
            *channel = ((u32::from(*channel) * alpha + 127) / 255) as u8;
        }
    }
    Raster { width, height, data }
}

/// Where an overlay stands, and how it moves.
#[derive(Clone, Copy)]
struct Place {
    /// Left and top of the overlay in pixels.
    corner: [f64; 2],
    entrance: Entrance,
    start: f64,
    length: f64,
    until: f64,
}

impl Stage<'_> {
    /// Lays the shot's overlays over everything else, the last on top.
    ///
    /// # Errors
    /// [`Error::Problem`] with the overlay's path: a text that cannot be drawn or does not fit, or an overlay
    /// that leaves the safe zone.
    pub(super) fn overlays(&mut self) -> Result<(), Error> {
        let shot = self.input.shot;
        for (idx, overlay) in shot.overlays.iter().enumerate() {
            let field = self.field(&format!("overlays[{idx}]"));
            match &overlay.shows {
                OverlayContent::Text { text, size, color, ground } => {
                    let px = self.share(*size);
                    let style = Style {
                        bold: true,
                        serif: false,
                        color: *color,
                        emphasis: None,
                        sizes: [px, px],
                        max_lines: 1,
                        width: self.safe_width(),
                        height: px * 2.0,
                        align: 0.0,
                        shadow: if ground.is_some() { 0.0 } else { 0.6 },
                    };
                    let path = format!("{field}.shows.text");
                    let Some(block) = self.input.fonts.set(text, &self.input.board.names, &style, &path)?
                    else {
                        continue;
                    };
                    self.overlay_text(overlay, &field, &block, px)?;
                }
                OverlayContent::Image { width, .. } => {
                    let picture = self.input.overlays.get(idx).cloned().flatten();
                    let Some(picture) = picture else {
                        return Err(Error::storyboard(format!("{field}.shows.picture"), "was not loaded"));
                    };
                    let layer = scaled(&picture, self.share(*width))?;
                    let place = self.place(overlay, &field, [layer.width as f64, layer.height as f64])?;
                    self.lay(layer, place);
                }
                OverlayContent::Shape { shape, color, width, height } => {
                    let (w, h) = (self.share(*width).max(1.0), self.share(*height).max(1.0));
                    let layer = match shape {
                        Shape::Rectangle => pixels::pill(w as usize, h as usize, 0.0, *color, 1.0),
                        Shape::Pill => pixels::pill(w as usize, h as usize, w.min(h) / 2.0, *color, 1.0),
                        Shape::Ellipse => ellipse(w as usize, h as usize, *color),
                    };
                    let place = self.place(overlay, &field, [layer.width as f64, layer.height as f64])?;
                    self.lay(layer, place);
                }
            }
        }
        Ok(())
    }

    fn overlay_text(&mut self, overlay: &Overlay, field: &str, block: &Block, px: f64) -> Result<(), Error> {
        let OverlayContent::Text { ground, .. } = &overlay.shows else { return Ok(()) };
        let pad = if ground.is_some() { [px * 0.45, px * 0.18] } else { [0.0, 0.0] };
        let size = [block.width + 2.0 * pad[0], block.height + 2.0 * pad[1]];
        let place = self.place(overlay, field, size)?;
        if let Some(ground) = ground {
            let layer =
                pixels::pill(size[0].ceil() as usize, size[1].ceil() as usize, size[1] * 0.3, *ground, 1.0);
            self.lay(layer, place);
        }
        let (x, y) = ((place.corner[0] + pad[0]).round() as i64, (place.corner[1] + pad[1]).round() as i64);
        for line in &block.lines {
            let [ix, iy, iw, ih] = line.ink;
            let coverage = (iy..iy + ih)
                .flat_map(|row| &line.coverage[row * line.layer.width + ix..row * line.layer.width + ix + iw])
                .copied()
                .collect();
            let rect = [x + line.x + ix as i64, y + line.y + iy as i64, iw as i64, ih as i64];
            let settled = place.start + place.length;
            self.boxes.push(TextBox {
                kind: TextKind::Overlay,
                rect,
                coverage,
                letters: line.letters,
                plated: true,
                settled,
                until: place.until,
            });
            let corner = [(x + line.x) as f64, (y + line.y) as f64];
            self.lay(line.layer.clone(), Place { corner, ..place });
        }
        Ok(())
    }

    /// A length in thousandths of the shorter side, in pixels.
    fn share(&self, thousandths: u32) -> f64 {
        f64::from(thousandths) / 1000.0 * self.width.min(self.height)
    }

    fn place(&self, overlay: &Overlay, field: &str, size: [f64; 2]) -> Result<Place, Error> {
        let [ax, ay] = overlay.anchor.shares();
        let moved = overlay.offset.map(|by| f64::from(by) / 1000.0);
        let corner = [
            (self.left + (self.right - self.left) * ax - size[0] * ax + moved[0] * self.width).round(),
            (self.top + (self.bottom - self.top) * ay - size[1] * ay + moved[1] * self.height).round(),
        ];
        let inside = corner[0] >= self.left - 0.5
            && corner[1] >= self.top - 0.5
            && corner[0] + size[0] <= self.right + 1.0
            && corner[1] + size[1] <= self.bottom + 1.0;
        // What carries meaning must not be covered by the player; plain shapes may bleed.
        if !inside && !matches!(overlay.shows, OverlayContent::Shape { .. }) {
            return Err(Error::storyboard(
                field,
                "leaves the placement's safe zone; move it or make it smaller",
            ));
        }
        let fps = f64::from(self.input.board.fps);
        let start = f64::from(overlay.start) / fps;
        let end = overlay.end.unwrap_or(self.input.shot.frames);
        let center = [corner[0] + size[0] / 2.0, corner[1] + size[1] / 2.0];
        let entrance = match overlay.animation {
            OverlayMotion::None => Entrance::None,
            OverlayMotion::Fade => Entrance::Rise(0.0),
            OverlayMotion::SlideUp => Entrance::Rise(48.0 * self.unit),
            OverlayMotion::Grow => Entrance::Grow(center),
        };
        let length = if matches!(entrance, Entrance::None) { 0.0 } else { self.pace(ENTRANCE) };
        Ok(Place { corner, entrance, start, length, until: f64::from(end) / fps })
    }

    fn lay(&mut self, layer: Raster, place: Place) {
        self.sprites.push(Sprite {
            layer,
            x: place.corner[0].round() as i64,
            y: place.corner[1].round() as i64,
            entrance: place.entrance,
            start: place.start,
            length: place.length,
            pulse: None,
            span: Some([place.start, place.until]),
            drift: None,
        });
    }
}

/// A picture with its transparent parts, scaled to `width` pixels. Colors are multiplied with their opacity
/// before scaling, so that edges take on no color of what is not seen.
fn scaled(picture: &Raster, width: f64) -> Result<Raster, Error> {
    let (w, h) = (picture.width.max(1) as f64, picture.height.max(1) as f64);
    let width = width.max(1.0).round();
    let mut layer = Raster::filled(width as usize, ((width * h / w).round() as usize).max(1), [0, 0, 0, 0]);
    let filter = if width < w { FilterType::Lanczos3 } else { FilterType::CatmullRom };
    pixels::resample(&mut Resizer::new(), picture, [0.0, 0.0, w, h], &mut layer, filter)?;
    Ok(layer)
}

/// An ellipse with soft edges of one pixel, colors multiplied with opacity.
fn ellipse(width: usize, height: usize, color: spotwright_schemas::storyboard::Color) -> Raster {
    let (rx, ry) = (width as f64 / 2.0, height as f64 / 2.0);
    let mut data = Vec::with_capacity(width * height * 4);
    for y in 0..height {
        for x in 0..width {
            let (dx, dy) = ((x as f64 + 0.5 - rx) / rx, (y as f64 + 0.5 - ry) / ry);
            let cover = ((1.0 - dx.hypot(dy)) * rx.min(ry) + 0.5).clamp(0.0, 1.0);
            for channel in [color.r, color.g, color.b] {
                data.push((f64::from(channel) * cover).round() as u8);
            }
            data.push((255.0 * cover).round() as u8);
        }
    }
    Raster { width, height, data }
}
