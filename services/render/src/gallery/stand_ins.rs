//! Stand-ins where nobody gives pictures: a drawn view for photographs, drawn products on white for packshots.

use image::{ImageFormat, Rgb, RgbImage};

use super::Kind;
use crate::error::Error;

/// Longer side in pixels.
const SIDE: u32 = 1_080;

/// The stand-ins of a kind as PNG.
pub(super) fn draw(kind: Kind) -> Result<Vec<Vec<u8>>, Error> {
    match kind {
        Kind::Photograph => Ok(vec![png(&view(0.0))?, png(&view(2.1))?]),
        Kind::Packshot | Kind::None => Ok(vec![png(&bottle())?, png(&pack())?]),
    }
}

fn png(picture: &RgbImage) -> Result<Vec<u8>, Error> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    picture
        .write_to(&mut bytes, ImageFormat::Png)
        .map_err(|error| Error::Compositing(format!("a stand-in could not be written: {error}")))?;
    Ok(bytes.into_inner())
}

fn mixed(a: [f64; 3], b: [f64; 3], share: f64) -> [f64; 3] {
    std::array::from_fn(|idx| a[idx] + (b[idx] - a[idx]) * share.clamp(0.0, 1.0))
}

fn pixel(color: [f64; 3]) -> Rgb<u8> {
    Rgb(color.map(|channel| channel.round().clamp(0.0, 255.0) as u8))
}

/// Ranges of hills under an evening sky, each paler the farther it is.
fn view(turn: f64) -> RgbImage {
    let (width, height) = (SIDE, SIDE * 5 / 4);
    RgbImage::from_fn(width, height, |column, row| {
        let (x, y) = (f64::from(column) / f64::from(width), f64::from(row) / f64::from(height));
        let sun = (1.0 - (x - 0.64).hypot((y - 0.30) * 1.25) / 0.75).max(0.0);
        let sky = mixed([70.0, 108.0, 168.0], [255.0, 186.0, 120.0], y * 1.7 + sun * 0.5);
        let mut color = mixed(sky, [255.0, 240.0, 205.0], sun.powi(4));
        for layer in 0..5 {
            let near = f64::from(layer) / 4.0;
            let waves = (x * (5.0 + 3.0 * near) + turn + near * 9.0).sin() * 0.6
                + (x * (13.0 + 7.0 * near) + turn * 2.0 + near * 4.0).sin() * 0.3
                + (x * (41.0 + 19.0 * near) + turn).sin() * 0.06;
            let edge = 0.40 + 0.13 * f64::from(layer) + waves * 0.055;
            if y > edge {
                let hill = mixed([150.0, 140.0, 170.0], [26.0, 44.0, 46.0], near);
                let lit = ((1.0 - (y - edge) * 7.0).max(0.0) * 34.0) * (1.0 - near * 0.6);
                color = hill.map(|channel| channel + lit);
            }
        }
        let grain = f64::from((column * 31 + row * 57 + column * row) % 13) - 6.0;
        pixel(color.map(|channel| channel + grain * 0.7))
    })
}

/// Light across an upright cylinder, `across` from -1 to 1.
fn round_light(across: f64) -> f64 {
    0.62 + 0.42 * (1.0 - (across + 0.35).powi(2)).max(0.0) - 0.18 * (across - 0.2).max(0.0)
}

/// Paints a body over white by the distance to its edge in pixels.
fn over_white(distance: f64, color: [f64; 3], ground: [f64; 3]) -> [f64; 3] {
    mixed(ground, color, 0.5 - distance)
}

fn rounded(x: f64, y: f64, rect: [f64; 4], radius: f64) -> f64 {
    crate::pixels::rounded_distance(x, y, rect, radius)
}

/// A steel bottle with a colored cap.
fn bottle() -> RgbImage {
    RgbImage::from_fn(SIDE, SIDE, |column, row| {
        let (x, y) = (f64::from(column) + 0.5, f64::from(row) + 0.5);
        let light = round_light((x - 540.0) / 150.0);
        let mut color = [255.0; 3];
        let body = [26.0, 92.0, 118.0].map(|channel: f64| channel * light * 1.15);
        color = over_white(rounded(x, y, [395.0, 330.0, 290.0, 630.0], 58.0), body, color);
        let band = [205.0, 210.0, 214.0].map(|channel: f64| channel * light);
        color = over_white(rounded(x, y, [440.0, 292.0, 200.0, 52.0], 8.0), band, color);
        let cap = [242.0, 181.0, 68.0].map(|channel: f64| channel * light);
        color = over_white(rounded(x, y, [432.0, 150.0, 216.0, 150.0], 40.0), cap, color);
        let mark = ((x - 540.0).abs() * 0.9 + (y - 640.0).abs() - 74.0) * 0.7;
        pixel(over_white(mark, [242.0, 181.0, 68.0].map(|channel: f64| channel * light), color))
    })
}

/// A box with a label.
fn pack() -> RgbImage {
    RgbImage::from_fn(SIDE, SIDE, |column, row| {
        let (x, y) = (f64::from(column) + 0.5, f64::from(row) + 0.5);
        let mut color = [255.0; 3];
        let front = [196.0, 62.0, 48.0].map(|channel: f64| channel * (1.05 - y / 6_000.0));
        color = over_white(rounded(x, y, [270.0, 210.0, 400.0, 690.0], 10.0), front, color);
        let slope = (x - 670.0) * 0.28;
        let side = (y - (218.0 + slope)).min(892.0 - slope - y).min(x - 668.0).min(810.0 - x);
        color = over_white(-side, [138.0, 38.0, 32.0], color);
        color = over_white(rounded(x, y, [316.0, 360.0, 308.0, 250.0], 6.0), [250.0, 238.0, 214.0], color);
        for (idx, wide) in [190.0, 240.0, 130.0].into_iter().enumerate() {
            let rect = [345.0, 420.0 + 48.0 * idx as f64, wide, 16.0];
            color = over_white(rounded(x, y, rect, 8.0), [120.0, 44.0, 36.0], color);
        }
        pixel(over_white((x - 470.0).hypot(y - 740.0) - 62.0, [246.0, 190.0, 84.0], color))
    })
}
