//! A shot made ready: everything that does not change is drawn once, everything that moves is a
//! layer with a path. Drawing a frame is then a copy, one scaling and a few blends.

use fast_image_resize::{FilterType, Resizer};
use spotwright_schemas::storyboard::Color;

use crate::error::Error;
use crate::pixels::{self, Crop, Raster};
use crate::transition::Transition;

/// What a text is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum TextKind {
    Brand,
    AiLabel,
    Caption,
    Detail,
    Button,
    Disclaimer,
    Overlay,
}

/// Where the ink of one line of text stands once it has come to rest.
#[derive(Debug, Clone)]
pub(crate) struct TextBox {
    pub(crate) kind: TextKind,
    /// Ink box in the frame: left, top, width, height, in pixels.
    pub(crate) rect: [i64; 4],
    /// Coverage of ink over `rect`, 0–255, row-major.
    pub(crate) coverage: Vec<u8>,
    /// Whether it holds letters, whose contrast counts, and not colored pictures alone.
    pub(crate) letters: bool,
    /// Whether it stands on a plate that ends a little outside the text.
    pub(crate) plated: bool,
    /// First second of the shot in which the text stands still and opaque.
    pub(crate) settled: f64,
    /// Second of the shot from which on it is gone; infinite for one that stays.
    pub(crate) until: f64,
}

/// How a layer comes in.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Entrance {
    /// It is there from the start.
    None,
    /// Rises by this many pixels and fades in.
    Rise(f64),
    /// Grows about this point and fades in.
    Grow([f64; 2]),
    /// Widens from its left edge (bars).
    Widen,
}

/// A layer with its place and movement.
#[derive(Debug, Clone)]
pub(crate) struct Sprite {
    pub(crate) layer: Raster,
    pub(crate) x: i64,
    pub(crate) y: i64,
    pub(crate) entrance: Entrance,
    /// When the entrance begins and how long it takes, in seconds.
    pub(crate) start: f64,
    pub(crate) length: f64,
    /// Height of a slow swelling after the entrance as a share of the size (buttons), and the point
    /// it swells about.
    pub(crate) pulse: Option<(f64, [f64; 2])>,
    /// From and until which second of the shot it is there; `None` for the whole shot.
    pub(crate) span: Option<[f64; 2]>,
    /// A slow movement over the whole shot: pixels to the right and down, and size, at its first and at its
    /// last frame. Not together with a swelling.
    pub(crate) drift: Option<[[f64; 3]; 2]>,
}

/// The moving picture of a shot.
pub(crate) struct Window {
    pub(crate) x: usize,
    pub(crate) y: usize,
    pub(crate) width: usize,
    pub(crate) height: usize,
    pub(crate) moving: Moving,
    /// Coverage over the window; `None` for a plain rectangle.
    pub(crate) mask: Option<Vec<u8>>,
}

/// What moves in a window.
pub(crate) enum Moving {
    /// The camera over a picture.
    Camera {
        source: Raster,
        /// Part of `source` shown at the first and at the last frame.
        path: [Crop; 2],
    },
    /// A part of the clip's current frame.
    Clip(Crop),
}

/// A shot ready to be drawn.
pub(crate) struct Scene {
    pub(crate) base: Raster,
    pub(crate) window: Option<Window>,
    /// How much of `tint` lies on each row above the picture and below the text, 0–255; empty for none.
    pub(crate) shade: Vec<u8>,
    /// The color of the shade: dark.
    pub(crate) tint: Color,
    pub(crate) sprites: Vec<Sprite>,
    pub(crate) boxes: Vec<TextBox>,
    /// What takes the place of the shot before, over everything else.
    pub(crate) transition: Option<Transition>,
    pub(crate) frames: u32,
    pub(crate) fps: u32,
}

/// Memory reused from frame to frame.
pub(crate) struct Brush {
    resizer: Resizer,
    window: Raster,
    /// The current frame of the clip that the scene shows; without a size for other scenes.
    pub(crate) clip: Raster,
    pub(crate) canvas: Raster,
}

impl Brush {
    pub(crate) fn new(width: usize, height: usize) -> Self {
        Self {
            resizer: Resizer::new(),
            window: Raster::filled(0, 0, [0; 4]),
            clip: Raster::filled(0, 0, [0; 4]),
            canvas: Raster::filled(width, height, [0, 0, 0, 255]),
        }
    }
}

impl Scene {
    /// Draws frame `frame` (0-based) of the shot into the brush's canvas.
    pub(crate) fn draw(&self, frame: u32, brush: &mut Brush) -> Result<(), Error> {
        let share = (f64::from(frame) + 0.5) / f64::from(self.frames.max(1));
        self.draw_picture(share, brush)?;
        let seconds = f64::from(frame) / f64::from(self.fps);
        for sprite in &self.sprites {
            sprite.draw(seconds, share, &mut brush.canvas);
        }
        if let Some(transition) = &self.transition {
            transition.draw(frame, &mut brush.canvas);
        }
        Ok(())
    }

    /// Draws background, picture and shade at `share` of the shot's length.
    pub(crate) fn draw_picture(&self, share: f64, brush: &mut Brush) -> Result<(), Error> {
        brush.canvas.width = self.base.width;
        brush.canvas.height = self.base.height;
        brush.canvas.data.resize(self.base.data.len(), 255);
        if let Some(window) = &self.window {
            let (source, crop) = match &window.moving {
                Moving::Camera { source, path: [from, to] } => {
                    let way = travel(share);
                    (source, std::array::from_fn(|idx| from[idx] + (to[idx] - from[idx]) * way))
                }
                Moving::Clip(crop) => (&brush.clip, *crop),
            };
            if source.data.is_empty() {
                return Err(Error::Compositing("the scene's clip has no current frame".to_owned()));
            }
            let whole = window.width == self.base.width && window.height == self.base.height;
            if whole && window.mask.is_none() {
                if (source.width, source.height) == (window.width, window.height)
                    && crop == [0.0, 0.0, window.width as f64, window.height as f64]
                {
                    // A clip of the frame's size needs no scaling.
                    brush.canvas.data.copy_from_slice(&source.data);
                } else {
                    let filter = FilterType::Hamming;
                    pixels::resample(&mut brush.resizer, source, crop, &mut brush.canvas, filter)?;
                }
            } else {
                brush.canvas.data.copy_from_slice(&self.base.data);
                if (brush.window.width, brush.window.height) != (window.width, window.height) {
                    brush.window = Raster::filled(window.width, window.height, [0, 0, 0, 255]);
                }
                let filter = FilterType::Hamming;
                pixels::resample(&mut brush.resizer, source, crop, &mut brush.window, filter)?;
                if let Some(mask) = &window.mask {
                    pixels::paste_masked(&mut brush.canvas, &brush.window, mask, window.x, window.y);
                } else {
                    pixels::blend(&mut brush.canvas, &brush.window, window.x as i64, window.y as f64, 1.0);
                }
            }
        } else {
            brush.canvas.data.copy_from_slice(&self.base.data);
        }
        pixels::shade_rows(&mut brush.canvas, &self.shade, self.tint);
        Ok(())
    }
}

/// The camera's way at `share` of the shot: a fifth of it is an eager start, the rest steady.
fn travel(share: f64) -> f64 {
    0.2 * cubic_out(share * 4.0) + 0.8 * share
}

/// Fast at first, then coming to rest: 1 - (1 - t)^3.
fn cubic_out(t: f64) -> f64 {
    1.0 - (1.0 - t.clamp(0.0, 1.0)).powi(3)
}

impl Sprite {
    fn draw(&self, seconds: f64, share: f64, canvas: &mut Raster) {
        // A frame stands for the time until the next one: half of the shortest frame is no time.
        if self.span.is_some_and(|[from, until]| seconds < from - 1e-6 || seconds > until - 1e-6) {
            return;
        }
        let t = if self.length > 0.0 { (seconds - self.start) / self.length } else { 1.0 };
        let done = t >= 1.0 || matches!(self.entrance, Entrance::None);
        if let Some([first, last]) = self.drift {
            if t > 0.0 || matches!(self.entrance, Entrance::None) {
                self.draw_drifting(
                    t,
                    std::array::from_fn(|idx| first[idx] + (last[idx] - first[idx]) * share),
                    canvas,
                );
            }
            return;
        }
        let center =
            [self.x as f64 + self.layer.width as f64 / 2.0, self.y as f64 + self.layer.height as f64 / 2.0];
        let about = |point: [f64; 2], scale: f64| {
            (point[0] + (center[0] - point[0]) * scale, point[1] + (center[1] - point[1]) * scale)
        };
        if done {
            if let Some((height, point)) = self.pulse {
                let since = (seconds - self.start - self.length).max(0.0);
                let swell = (1.0 - (since / 1.4 * std::f64::consts::TAU).cos()) / 2.0;
                let scale = 1.0 + height * swell;
                if scale > 1.0005 {
                    pixels::blend_scaled(canvas, &self.layer, about(point, scale), scale, 1.0);
                    return;
                }
            }
            pixels::blend(canvas, &self.layer, self.x, self.y as f64, 1.0);
            return;
        }
        if t <= 0.0 {
            return;
        }
        let eased = cubic_out(t);
        match self.entrance {
            Entrance::None => {}
            Entrance::Rise(distance) => {
                let y = self.y as f64 + distance * (1.0 - eased);
                pixels::blend(canvas, &self.layer, self.x, y, (t * 1.6).min(1.0));
            }
            Entrance::Grow(point) => {
                let scale = 0.86 + 0.14 * eased;
                pixels::blend_scaled(canvas, &self.layer, about(point, scale), scale, (t * 1.6).min(1.0));
            }
            Entrance::Widen => {
                let width = ((self.layer.width as f64 * eased).round() as usize).max(1);
                let mut part = Raster::filled(width, self.layer.height, [0; 4]);
                for (to, from) in part.rows_mut().zip(self.layer.data.chunks_exact(self.layer.width * 4)) {
                    to.copy_from_slice(&from[..width * 4]);
                }
                pixels::blend(canvas, &part, self.x, self.y as f64, 1.0);
            }
        }
    }
}

impl Sprite {
    /// The layer somewhere on its way, `t` of its entrance done.
    fn draw_drifting(&self, t: f64, [dx, dy, scale]: [f64; 3], canvas: &mut Raster) {
        let eased = cubic_out(t);
        let (opacity, rise, grown) = match self.entrance {
            Entrance::Rise(distance) => ((t * 1.6).min(1.0), distance * (1.0 - eased), 1.0),
            Entrance::Grow(_) => ((t * 1.6).min(1.0), 0.0, 0.86 + 0.14 * eased),
            Entrance::None | Entrance::Widen => (1.0, 0.0, 1.0),
        };
        let center = (
            self.x as f64 + self.layer.width as f64 / 2.0 + dx,
            self.y as f64 + self.layer.height as f64 / 2.0 + dy + rise,
        );
        pixels::blend_scaled(canvas, &self.layer, center, scale * grown, opacity.clamp(0.0, 1.0));
    }
}

/// White or near-black, whichever reads better on `ground`.
pub(crate) fn ink_on(ground: Color) -> Color {
    const WHITE: Color = Color { r: 255, g: 255, b: 255 };
    const INK: Color = Color { r: 16, g: 16, b: 18 };
    // White is preferred as long as it reads well: it is the calmer choice on saturated colors.
    if WHITE.contrast(ground) >= 4.6 || WHITE.contrast(ground) >= INK.contrast(ground) { WHITE } else { INK }
}

/// `ground` darkened in steps of 4 % until text on it has a contrast of at least 5:1.
pub(crate) fn readable_ground(ground: Color) -> Color {
    const BLACK: Color = Color { r: 0, g: 0, b: 0 };
    (0..=25)
        .map(|step| pixels::mix(ground, BLACK, f64::from(step) * 0.04))
        .find(|color| ink_on(*color).contrast(*color) >= 5.0)
        .unwrap_or(BLACK)
}

/// `color` lightened or darkened towards the ink color until it reads on `ground`; `None` when
/// little of its hue would be left.
pub(crate) fn readable_tint(color: Color, ground: Color) -> Option<Color> {
    (0..=5)
        .map(|step| pixels::mix(color, ink_on(ground), f64::from(step) * 0.1))
        .find(|tint| tint.contrast(ground) >= 4.8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_reads_on_every_ground() {
        for r in (0..=255).step_by(15) {
            for g in (0..=255).step_by(15) {
                for b in (0..=255).step_by(51) {
                    let ground = readable_ground(Color { r, g, b });
                    assert!(ink_on(ground).contrast(ground) >= 5.0, "{r} {g} {b}");
                    if let Some(tint) = readable_tint(Color { r: b, g: r, b: g }, ground) {
                        assert!(tint.contrast(ground) >= 4.5);
                    }
                }
            }
        }
    }
}
