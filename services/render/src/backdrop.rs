//! Backgrounds that are drawn, for shots without a picture.

use spotwright_schemas::storyboard::{Color, FrameSize, Palette};
use spotwright_schemas::storyboard_file::Backdrop;

use crate::error::Error;
use crate::pixels::{Raster, mix};

const BLACK: Color = Color { r: 0, g: 0, b: 0 };
const WHITE: Color = Color { r: 255, g: 255, b: 255 };

/// Draws a background as PNG. Its colors are dark enough for white text, whatever the palette.
///
/// Deterministic in its arguments.
///
/// # Errors
/// [`Error::Compositing`] when the PNG cannot be written.
pub fn draw(which: Backdrop, palette: Palette, size: FrameSize) -> Result<Vec<u8>, Error> {
    let ground = dark(palette.primary);
    let mut rgb = Vec::with_capacity(size.width as usize * size.height as usize * 3);
    for y in 0..size.height {
        for x in 0..size.width {
            let color = color_at(which, palette, ground, size, [x, y]);
            rgb.extend_from_slice(&[color.r, color.g, color.b]);
        }
    }
    let mut png = Vec::new();
    let encoder = image::codecs::png::PngEncoder::new(&mut png);
    image::ImageEncoder::write_image(encoder, &rgb, size.width, size.height, image::ExtendedColorType::Rgb8)
        .map_err(|error| Error::Compositing(error.to_string()))?;
    Ok(png)
}

/// Whether pixels are a background of this palette, told by some of them.
pub(crate) fn is_drawn(raster: &Raster, palette: Palette) -> bool {
    const PLACES: u32 = 9;
    let size = FrameSize { width: raster.width as u32, height: raster.height as u32 };
    let ground = dark(palette.primary);
    size.width > PLACES
        && size.height > PLACES
        && Backdrop::ALL.iter().any(|which| {
            (0..PLACES * PLACES).all(|place| {
                let x = (place % PLACES * 2 + 1) * size.width / (2 * PLACES);
                let y = (place / PLACES * 2 + 1) * size.height / (2 * PLACES);
                let color = color_at(*which, palette, ground, size, [x, y]);
                raster.pixel(x as usize, y as usize) == [color.r, color.g, color.b, 255]
            })
        })
}

fn color_at(which: Backdrop, palette: Palette, ground: Color, size: FrameSize, [x, y]: [u32; 2]) -> Color {
    let (width, height) = (f64::from(size.width), f64::from(size.height));
    let short = width.min(height);
    let (fx, fy) = (f64::from(x) + 0.5, f64::from(y) + 0.5);
    let down = (0.3 * fx / width + 0.7 * fy / height).clamp(0.0, 1.0);
    let base = mix(mix(ground, WHITE, 0.10), mix(ground, BLACK, 0.45), down);
    match which {
        Backdrop::Gradient => base,
        Backdrop::Stripes => {
            let along = (fx + fy) / (short * 0.22);
            mix(base, WHITE, 0.07 * smooth_wave(along, short * 0.22))
        }
        Backdrop::Rings => {
            let (dx, dy) = (fx - width * 0.78, fy - height * 0.22);
            let away = dx.hypot(dy) / (short * 0.16);
            mix(base, palette.accent, 0.16 * smooth_wave(away, short * 0.16))
        }
    }
}

/// `color` darkened in steps of 4 % until white on it has a contrast of at least 7:1: lighter parts of the
/// background then still have more than 4.5:1.
fn dark(color: Color) -> Color {
    (0..=25)
        .map(|step| mix(color, BLACK, f64::from(step) * 0.04))
        .find(|dark| WHITE.contrast(*dark) >= 7.0)
        .unwrap_or(BLACK)
}

/// 1 in every second unit of `at` and 0 between, with an edge of one pixel; `unit` is its length in pixels.
fn smooth_wave(at: f64, unit: f64) -> f64 {
    let part = at.rem_euclid(2.0);
    let from_edge = if part < 1.0 { part.min(1.0 - part) } else { -(part - 1.0).min(2.0 - part) };
    (from_edge * unit + 0.5).clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn white_text_reads_on_every_background() {
        let size = FrameSize { width: 180, height: 320 };
        for primary in [WHITE, BLACK, Color { r: 242, g: 181, b: 68 }, Color { r: 20, g: 90, b: 200 }] {
            let palette = Palette { primary, accent: Color { r: 255, g: 230, b: 120 } };
            for which in Backdrop::ALL {
                let png = draw(which, palette, size).expect("drawn");
                assert_eq!(png, draw(which, palette, size).expect("drawn"));
                let drawn = image::load_from_memory(&png).expect("a PNG").into_rgb8();
                let seen = crate::layout::Picture::new(180, 320, drawn.as_raw());
                assert!(is_drawn(&seen.raster, palette), "{which:?} of {primary} is known again");
                let other = Palette { primary: Color { r: 9, g: 200, b: 9 }, accent: palette.accent };
                assert!(!is_drawn(&seen.raster, other));
                let lit = drawn.pixels().filter(|pixel| {
                    let [r, g, b] = pixel.0;
                    WHITE.contrast(Color { r, g, b }) < 3.0
                });
                assert_eq!(lit.count(), 0, "{which:?} of {primary}");
            }
        }
    }
}
