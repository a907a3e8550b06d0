//! Plain shapes as layers, each given by the distance to its edge in pixels, negative inside.

use spotwright_schemas::storyboard::Color;

use crate::pixels::{Raster, rounded_distance};

/// A layer of one color: opaque where `distance` is negative, with an edge of one pixel.
pub(super) fn filled(size: [f64; 2], color: Color, alpha: f64, distance: impl Fn(f64, f64) -> f64) -> Raster {
    shaded(size, |x, y| {
        let cover = (0.5 - distance(x, y)).clamp(0.0, 1.0) * alpha;
        (color, cover)
    })
}

/// A layer whose color and opacity (0–1) are given for the middle of every pixel.
pub(super) fn shaded(size: [f64; 2], paint: impl Fn(f64, f64) -> (Color, f64)) -> Raster {
    let [width, height] = size.map(|side| (side.ceil() as usize).max(2));
    let mut layer = Raster::filled(width, height, [0; 4]);
    for (row, line) in layer.rows_mut().enumerate() {
        for (column, pixel) in line.chunks_exact_mut(4).enumerate() {
            let (color, cover) = paint(column as f64 + 0.5, row as f64 + 0.5);
            if cover > 0.0 {
                let of = |channel: u8| (f64::from(channel) * cover).round() as u8;
                pixel.copy_from_slice(&[
                    of(color.r),
                    of(color.g),
                    of(color.b),
                    (255.0 * cover).round() as u8,
                ]);
            }
        }
    }
    layer
}

/// Distance to a ring around (`x`, `y`).
pub(super) fn ring(x: f64, y: f64, center: [f64; 2], radius: f64, thick: f64) -> f64 {
    ((x - center[0]).hypot(y - center[1]) - radius).abs() - thick / 2.0
}

/// Distance to a star of `points` soft points that touches a circle of `radius`.
pub(super) fn burst(x: f64, y: f64, center: [f64; 2], radius: f64, points: f64) -> f64 {
    let (dx, dy) = (x - center[0], y - center[1]);
    let wave = (1.0 - (dy.atan2(dx) * points).cos()) / 2.0;
    dx.hypot(dy) - radius * (1.0 - 0.12 * wave)
}

/// Distance to a ticket: a rectangle with a round notch in the middle of each upright side.
pub(super) fn ticket(x: f64, y: f64, rect: [f64; 4], radius: f64, notch: f64) -> f64 {
    let middle = rect[1] + rect[3] / 2.0;
    let cut = |at: f64| notch - (x - at).hypot(y - middle);
    rounded_distance(x, y, rect, radius).max(cut(rect[0])).max(cut(rect[0] + rect[2]))
}

/// Distance to a speech bubble whose tail points down at `tail` (share of the width).
pub(super) fn bubble(x: f64, y: f64, rect: [f64; 4], radius: f64, tail: f64, length: f64) -> f64 {
    let tip = [rect[0] + rect[2] * tail, rect[1] + rect[3] + length];
    // The tail narrows linearly from the bubble's bottom to its tip.
    let depth = (tip[1] - y) / (length + radius);
    let half = (depth * length * 0.8).max(0.0);
    let inside_tail =
        if y > rect[1] + rect[3] - radius && y < tip[1] { (x - tip[0]).abs() - half } else { f64::INFINITY };
    rounded_distance(x, y, rect, radius).min(inside_tail)
}

/// Distance to a map pin: a circle that runs out into a point below.
pub(super) fn pin(x: f64, y: f64, center: [f64; 2], radius: f64, length: f64) -> f64 {
    let (dx, dy) = (x - center[0], y - center[1]);
    let round = dx.hypot(dy) - radius;
    if dy <= 0.0 {
        return round;
    }
    let share = dy / (radius + length);
    let point = if share < 1.0 { dx.abs() - radius * (1.0 - share * share) } else { f64::INFINITY };
    round.min(point)
}

/// Coverage of a doorway of the given size: upright sides under half a circle, 0–255, row-major.
pub(super) fn doorway(width: usize, height: usize) -> Vec<u8> {
    let radius = width as f64 / 2.0;
    mask(width, height, |x, y| {
        let side = (x - radius).abs() - radius;
        if y < radius { (x - radius).hypot(y - radius) - radius } else { side }
    })
}

/// Coverage of a shape, 0–255, row-major.
pub(super) fn mask(width: usize, height: usize, distance: impl Fn(f64, f64) -> f64) -> Vec<u8> {
    let mut mask = Vec::with_capacity(width * height);
    for row in 0..height {
        for column in 0..width {
            let away = distance(column as f64 + 0.5, row as f64 + 0.5);
            mask.push(((0.5 - away).clamp(0.0, 1.0) * 255.0).round() as u8);
        }
    }
    mask
}
