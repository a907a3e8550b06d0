//! Grounds of the styles: what texts stand on where there is no picture.
//!
//! Every pattern goes away from the color of the ink only, so that no text gets harder to read by it.

use spotwright_schemas::storyboard::{Color, Palette, VisualStyle};

use super::{BLACK, Stage, WHITE};
use crate::pixels::{self, Raster};
use crate::scene::{Moving, Window, ink_on, readable_ground};

/// How much larger a moving ground is than the frame.
const ZOOM: f64 = 1.25;
/// White paper that does not dazzle.
const PAPER: Color = Color { r: 243, g: 239, b: 230 };
/// Least contrast of white on a deep ground.
const DEEP: f64 = 12.5;
/// Ground of screens at night.
const NIGHT: Color = Color { r: 11, g: 14, b: 22 };

/// The color that texts stand on in a style.
pub(crate) fn ground_of(style: VisualStyle, palette: Palette) -> Color {
    let color = match style {
        VisualStyle::Editorial => palette.primary,
        VisualStyle::Sale => strongest(palette),
        // As deep as the brand's color gets before its hue is lost.
        VisualStyle::Premium => (0..=16)
            .map(|step| pixels::mix(palette.primary, BLACK, f64::from(step) * 0.04))
            .find(|color| WHITE.contrast(*color) >= DEEP)
            .unwrap_or(BLACK),
        VisualStyle::Playful => palette.accent,
        VisualStyle::Tech => pixels::mix(palette.primary, NIGHT, 0.82),
        VisualStyle::Documentary => pixels::mix(PAPER, palette.primary, 0.04),
    };
    readable_ground(color)
}

/// The more saturated of the two colors.
fn strongest(palette: Palette) -> Color {
    let chroma = |color: Color| {
        i32::from(color.r.max(color.g).max(color.b)) - i32::from(color.r.min(color.g).min(color.b))
    };
    if chroma(palette.primary) >= chroma(palette.accent) { palette.primary } else { palette.accent }
}

/// The accent of a style on its ground: the brand's accent, or its primary color where the accent is the
/// ground.
pub(crate) fn accent_of(style: VisualStyle, palette: Palette) -> Color {
    let ground = ground_of(style, palette);
    if palette.accent.contrast(ground) >= palette.primary.contrast(ground) {
        palette.accent
    } else {
        palette.primary
    }
}

/// Share of the far color at a point of the frame, 0–1; `x` and `y` are shares of width and height, `tall`
/// is height to width.
fn pattern(style: VisualStyle, x: f64, y: f64, tall: f64) -> f64 {
    let ease = |t: f64| {
        let t = t.clamp(0.0, 1.0);
        t * t * (3.0 - 2.0 * t)
    };
    match style {
        VisualStyle::Editorial => 0.34 * ((x - 0.22).hypot(y - 0.24) / 1.05).min(1.0),
        VisualStyle::Sale => {
            let angle = ((y - 0.62) * tall).atan2(x - 0.5);
            let ray = (angle * 9.0).sin();
            0.10 + 0.16 * ease(ray * 6.0 + 0.5)
        }
        VisualStyle::Premium => 0.6 * ease((x - 0.5).hypot((y - 0.38) * 0.8) / 0.72),
        VisualStyle::Playful => {
            let bubbles = [(0.10, 0.16, 0.24), (0.92, 0.36, 0.30), (0.20, 0.78, 0.34), (0.86, 0.92, 0.20)];
            let inside = bubbles.iter().any(|(cx, cy, r)| (x - cx).hypot((y - cy) * tall) < *r);
            if inside { 0.16 } else { 0.04 }
        }
        VisualStyle::Tech => {
            let cell = 0.11;
            let line = |at: f64| (at.rem_euclid(cell) - cell / 2.0).abs() > cell / 2.0 - 0.0035;
            let glow = ease((x - 0.78).hypot((y - 0.2) * tall) / 1.1);
            if line(x) || line(y * tall) { 0.75 } else { 0.5 * glow }
        }
        VisualStyle::Documentary => {
            let rule = (y * tall).rem_euclid(0.075) < 0.003;
            if rule { 0.9 } else { 0.25 * ease((x - 0.5).hypot(y - 0.5) / 0.8) }
        }
    }
}

/// Paints the style's ground over a whole raster.
pub(crate) fn paint(style: VisualStyle, palette: Palette, raster: &mut Raster) -> Color {
    let ground = ground_of(style, palette);
    let far = pixels::mix(ground, if ink_on(ground) == WHITE { BLACK } else { WHITE }, 1.0);
    let (width, height) = (raster.width as f64, raster.height as f64);
    let tall = height / width;
    for (row, line) in raster.rows_mut().enumerate() {
        for (column, pixel) in line.chunks_exact_mut(4).enumerate() {
            let share = pattern(style, (column as f64 + 0.5) / width, (row as f64 + 0.5) / height, tall);
            // A triangular pattern of half a step hides the gradient's bands.
            let noise = f64::from(((column * 7 + row * 13) % 4) as u8) / 4.0 - 0.375;
            let channel = |a: u8, b: u8| {
                (f64::from(a) + (f64::from(b) - f64::from(a)) * share + noise).round().clamp(0.0, 255.0) as u8
            };
            let (r, g, b) = (channel(ground.r, far.r), channel(ground.g, far.g), channel(ground.b, far.b));
            pixel.copy_from_slice(&[r, g, b, 255]);
        }
    }
    ground
}

impl Stage<'_> {
    pub(super) fn style(&self) -> VisualStyle {
        self.input.board.style
    }

    /// The color that texts stand on.
    pub(super) fn ground(&self) -> Color {
        ground_of(self.style(), self.input.board.palette)
    }

    /// The accent on the style's ground.
    pub(super) fn accent(&self) -> Color {
        accent_of(self.style(), self.input.board.palette)
    }

    /// Fills the base with the style's ground.
    pub(super) fn brand_base(&mut self) -> Color {
        paint(self.input.board.style, self.input.board.palette, &mut self.base)
    }

    /// A ground that moves, for shots of type alone, with a large ornament that makes the movement seen.
    pub(super) fn moving_ground(&mut self) -> Color {
        let ground = self.brand_base();
        let (width, height) = (self.base.width, self.base.height);
        let large = [width, height].map(|side| (side as f64 * ZOOM).ceil() as usize);
        let mut source = Raster::filled(large[0], large[1], [0, 0, 0, 255]);
        paint(self.style(), self.input.board.palette, &mut source);
        self.ornament(&mut source);
        let (w, h) = (large[0] as f64, large[1] as f64);
        let near = [(w - w / ZOOM) * 0.5, (h - h / ZOOM) * 0.5, w / ZOOM, h / ZOOM];
        let path = [[0.0, 0.0, w, h], near];
        let moving = Moving::Camera { source, path };
        self.window = Some(Window { x: 0, y: 0, width, height, moving, mask: None });
        if self.style() == VisualStyle::Premium {
            self.hairline();
        }
        ground
    }

    /// A fine frame near the edges of the picture.
    fn hairline(&mut self) {
        let inset = (self.width.min(self.height) * 0.034).round();
        let size = [self.width - 2.0 * inset, self.height - 2.0 * inset];
        let thick = (2.0 * self.unit).max(1.0);
        let rim = super::shapes::filled(size, self.accent(), 0.6, |x, y| {
            x.min(y).min(size[0] - x).min(size[1] - y) - thick
        });
        self.still(rim, inset, inset);
    }

    /// Concentric rings behind the text, close to the ground's color.
    fn ornament(&self, source: &mut Raster) {
        let ground = self.ground();
        let far = if ink_on(ground) == WHITE { BLACK } else { WHITE };
        let (width, height) = (source.width as f64, source.height as f64);
        let short = width.min(height);
        for (row, line) in source.rows_mut().enumerate() {
            for (column, pixel) in line.chunks_exact_mut(4).enumerate() {
                let away = (column as f64 - width * 0.88).hypot(row as f64 - height * 0.14) / short;
                let band = (away / 0.15).rem_euclid(2.0);
                if band < 1.0 {
                    for (to, from) in pixel.iter_mut().zip([far.r, far.g, far.b]) {
                        *to = (f64::from(*to) + (f64::from(from) - f64::from(*to)) * 0.13).round() as u8;
                    }
                }
            }
        }
    }

    /// Radius of corners in pixels.
    pub(super) fn corner(&self) -> f64 {
        self.unit
            * match self.style() {
                VisualStyle::Editorial => 30.0,
                VisualStyle::Sale => 10.0,
                VisualStyle::Premium => 2.0,
                VisualStyle::Playful => 64.0,
                VisualStyle::Tech => 16.0,
                VisualStyle::Documentary => 0.0,
            }
    }

    /// Whether captions have serifs.
    pub(super) fn serif(&self) -> bool {
        matches!(self.style(), VisualStyle::Editorial | VisualStyle::Premium | VisualStyle::Documentary)
    }

    /// Position of lines on the style's ground: 0 left, 0.5 centered.
    pub(super) fn alignment(&self) -> f64 {
        match self.style() {
            VisualStyle::Premium | VisualStyle::Playful => 0.5,
            _ => 0.0,
        }
    }

    /// Size of type beside the usual.
    pub(super) fn type_scale(&self) -> f64 {
        match self.style() {
            VisualStyle::Sale => 1.12,
            VisualStyle::Premium => 0.86,
            VisualStyle::Documentary => 0.92,
            _ => 1.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_reads_on_the_ground_of_every_style() {
        let colors = ["#3B2417", "#F2B544", "#FFFFFF", "#000000", "#1E90FF", "#E4002B", "#FFEB3B", "#7A7A7A"];
        for primary in colors {
            for accent in colors {
                let color = |text: &str| Color::parse(text).expect("a color");
                let palette = Palette { primary: color(primary), accent: color(accent) };
                for style in VisualStyle::ALL {
                    let mut raster = Raster::filled(72, 128, [0, 0, 0, 255]);
                    let ground = paint(style, palette, &mut raster);
                    let ink = ink_on(ground);
                    for pixel in raster.data.chunks_exact(4) {
                        let under = Color { r: pixel[0], g: pixel[1], b: pixel[2] };
                        let contrast = ink.contrast(under);
                        assert!(contrast >= 4.7, "{style:?} of {primary} and {accent}: {contrast}");
                    }
                }
            }
        }
    }
}
