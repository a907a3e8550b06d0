//! Cuts products out of pictures with a plain ground, as shops have them.
//!
//! The ground is what can be reached from the border over colors like the border's; its soft shades (a shadow
//! under the product) become half transparent, and the ground's color is taken out of the edges.

use crate::pixels::Raster;

/// Share of the border that must have the ground's color.
const PLAIN: f64 = 0.93;
/// Largest difference of a channel that still counts as the border's color.
const ALIKE: i32 = 14;
/// Largest difference over which the ground goes on.
const REACH: i32 = 30;
/// Difference below which the ground is fully transparent.
const CLEAR: f64 = 9.0;
/// Smallest and largest share of the picture that a product covers.
const COVERED: [f64; 2] = [0.03, 0.86];
/// Least share of its own bounding box that a product fills: less is a drawing whose inside was taken for
/// ground.
const FILLED: f64 = 0.22;

/// The product alone, cropped to it, on transparency; `None` where the ground is not plain or nothing
/// that could be a product stands on it.
pub(crate) fn cut_out(picture: &Raster) -> Option<Raster> {
    let (width, height) = (picture.width, picture.height);
    if width < 32 || height < 32 {
        return None;
    }
    let ground = border_color(picture)?;
    let reached = flood(picture, ground);
    let alpha = opacity(picture, ground, &reached);
    let [left, top, right, bottom] = bounds(&alpha, width, height)?;
    let solid = alpha.iter().filter(|alpha| **alpha > 127).count() as f64;
    let share = solid / (width * height) as f64;
    let filled = solid / ((right - left) * (bottom - top)) as f64;
    if !(COVERED[0]..=COVERED[1]).contains(&share) || filled < FILLED {
        return None;
    }
    let mut layer = Raster::filled(right - left, bottom - top, [0; 4]);
    for (row, line) in layer.rows_mut().enumerate() {
        for (column, pixel) in line.chunks_exact_mut(4).enumerate() {
            let (x, y) = (left + column, top + row);
            let cover = f64::from(alpha[y * width + x]) / 255.0;
            if cover < 0.012 {
                continue;
            }
            let seen = picture.pixel(x, y);
            let inner = (cover < 0.99).then(|| inner_color(picture, &alpha, x, y)).flatten();
            for (channel, to) in pixel[..3].iter_mut().enumerate() {
                let own = match inner {
                    // An edge has the color of the product beside it: its own is half the ground's.
                    Some(inner) => inner[channel] * cover,
                    // What is seen is a shade over the ground; the ground's part is taken away.
                    None => f64::from(seen[channel]) - (1.0 - cover) * f64::from(ground[channel]),
                };
                *to = own.clamp(0.0, 255.0 * cover).round() as u8;
            }
            pixel[3] = (cover * 255.0).round() as u8;
        }
    }
    Some(layer)
}

fn distance(pixel: [u8; 4], ground: [u8; 3]) -> i32 {
    (0..3).map(|idx| (i32::from(pixel[idx]) - i32::from(ground[idx])).abs()).max().unwrap_or(0)
}

/// The border's median color, when nearly all of the border has it.
fn border_color(picture: &Raster) -> Option<[u8; 3]> {
    let (width, height) = (picture.width, picture.height);
    let rows = (0..height).flat_map(|y| [(0, y), (width - 1, y)]);
    let columns = (0..width).flat_map(|x| [(x, 0), (x, height - 1)]);
    let border: Vec<[u8; 4]> = rows.chain(columns).map(|(x, y)| picture.pixel(x, y)).collect();
    let median = |channel: usize| {
        let mut values: Vec<u8> = border.iter().map(|pixel| pixel[channel]).collect();
        values.sort_unstable();
        values[values.len() / 2]
    };
    let ground = [median(0), median(1), median(2)];
    let alike = border.iter().filter(|pixel| distance(**pixel, ground) <= ALIKE).count();
    (alike as f64 >= PLAIN * border.len() as f64).then_some(ground)
}

/// What can be reached from the border over the ground's colors.
fn flood(picture: &Raster, ground: [u8; 3]) -> Vec<bool> {
    let (width, height) = (picture.width, picture.height);
    let mut reached = vec![false; width * height];
    let mut open: Vec<(usize, usize)> = Vec::new();
    let mut visit = |x: usize, y: usize, open: &mut Vec<(usize, usize)>| {
        let at = y * width + x;
        if !reached[at] && distance(picture.pixel(x, y), ground) <= REACH {
            reached[at] = true;
            open.push((x, y));
        }
    };
    for x in 0..width {
        visit(x, 0, &mut open);
        visit(x, height - 1, &mut open);
    }
    for y in 0..height {
        visit(0, y, &mut open);
        visit(width - 1, y, &mut open);
    }
    while let Some((x, y)) = open.pop() {
        if x > 0 {
            visit(x - 1, y, &mut open);
        }
        if x + 1 < width {
            visit(x + 1, y, &mut open);
        }
        if y > 0 {
            visit(x, y - 1, &mut open);
        }
        if y + 1 < height {
            visit(x, y + 1, &mut open);
        }
    }
    reached
}

/// Opacity of every pixel, 0–255, with edges a pixel soft.
fn opacity(picture: &Raster, ground: [u8; 3], reached: &[bool]) -> Vec<u8> {
    let (width, height) = (picture.width, picture.height);
    let hard: Vec<f32> = reached
        .iter()
        .enumerate()
        .map(|(at, reached)| {
            if !reached {
                return 1.0;
            }
            let away = f64::from(distance(picture.pixel(at % width, at / width), ground));
            let t = ((away - CLEAR) / (f64::from(REACH) - CLEAR)).clamp(0.0, 1.0);
            // A shade of the ground is a shadow: it darkens by as much as it differs.
            (t * 0.45) as f32
        })
        .collect();
    let mut soft = vec![0_u8; width * height];
    for y in 0..height {
        for x in 0..width {
            let (mut sum, mut count) = (0.0_f32, 0.0_f32);
            for ny in y.saturating_sub(1)..(y + 2).min(height) {
                for nx in x.saturating_sub(1)..(x + 2).min(width) {
                    sum += hard[ny * width + nx];
                    count += 1.0;
                }
            }
            let own = hard[y * width + x];
            // Inwards only: the outermost pixels of a product are half ground.
            let mean = sum / count;
            let edge = if own >= 1.0 { ((mean - 0.3) / 0.6).clamp(0.0, 1.0) } else { own.min(mean) };
            soft[y * width + x] = (edge * 255.0).round() as u8;
        }
    }
    soft
}

/// Mean color of what is opaque within two pixels; `None` away from the product.
fn inner_color(picture: &Raster, alpha: &[u8], x: usize, y: usize) -> Option<[f64; 3]> {
    let (mut sum, mut count) = ([0.0; 3], 0.0);
    for ny in y.saturating_sub(2)..(y + 3).min(picture.height) {
        for nx in x.saturating_sub(2)..(x + 3).min(picture.width) {
            if alpha[ny * picture.width + nx] == 255 {
                let pixel = picture.pixel(nx, ny);
                for (sum, channel) in sum.iter_mut().zip(pixel) {
                    *sum += f64::from(channel);
                }
                count += 1.0;
            }
        }
    }
    (count > 0.0).then(|| sum.map(|sum| sum / count))
}

/// Left, top, right and bottom of what is more than a third opaque, with two pixels around it.
fn bounds(alpha: &[u8], width: usize, height: usize) -> Option<[usize; 4]> {
    let (mut left, mut top, mut right, mut bottom) = (width, height, 0, 0);
    for (at, alpha) in alpha.iter().enumerate() {
        if *alpha > 85 {
            let (x, y) = (at % width, at / width);
            left = left.min(x);
            right = right.max(x + 1);
            top = top.min(y);
            bottom = bottom.max(y + 1);
        }
    }
    (left < right).then(|| {
        [left.saturating_sub(2), top.saturating_sub(2), (right + 2).min(width), (bottom + 2).min(height)]
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A picture with a disk of `color` on `ground`.
    fn disk(ground: [u8; 3], color: [u8; 3]) -> Raster {
        let mut picture = Raster::filled(200, 160, [ground[0], ground[1], ground[2], 255]);
        for y in 0..160_usize {
            for x in 0..200_usize {
                let cover = (50.5 - (x as f64 - 100.0).hypot(y as f64 - 80.0)).clamp(0.0, 1.0);
                let at = (y * 200 + x) * 4;
                for channel in 0..3 {
                    let mixed =
                        f64::from(ground[channel]) * (1.0 - cover) + f64::from(color[channel]) * cover;
                    picture.data[at + channel] = mixed.round() as u8;
                }
            }
        }
        picture
    }

    #[test]
    fn a_product_on_a_plain_ground_is_cut_out_without_its_ground() {
        for ground in [[255, 255, 255], [240, 240, 238], [30, 90, 40]] {
            let layer = cut_out(&disk(ground, [180, 20, 30])).expect("it is cut out");
            assert!((100..=106).contains(&layer.width), "{} wide", layer.width);
            assert_eq!(layer.pixel(0, 0)[3], 0);
            assert_eq!(layer.pixel(layer.width / 2, layer.height / 2), [180, 20, 30, 255]);
            // No rim of the ground's color is left: set on black, nothing at the edge is lighter than the
            // product.
            for pixel in layer.data.chunks_exact(4) {
                assert!(pixel[1] <= 60, "{pixel:?} on {ground:?}");
            }
        }
    }

    #[test]
    fn photographs_and_empty_grounds_are_left_alone() {
        let mut photograph = disk([255, 255, 255], [10, 10, 10]);
        for (at, pixel) in photograph.data.chunks_exact_mut(4).enumerate() {
            pixel[0] = (at % 251) as u8;
        }
        assert!(cut_out(&photograph).is_none());
        assert!(cut_out(&Raster::filled(200, 160, [255, 255, 255, 255])).is_none());
        // White on white has no edge.
        assert!(cut_out(&disk([255, 255, 255], [250, 250, 250])).is_none());
    }
}
