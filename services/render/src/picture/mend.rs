//! What the flood of [`super::cutout`] leaves wrong: the inside of a handle, which it cannot reach, and the dark rim
//! of a contact shadow, over which it stops.

use super::cutout::{REACH, distance, is_shade};
use super::ground::Ground;
use crate::pixels::Raster;

/// Largest mean difference between a hole and the ground that would be seen through it.
const THROUGH: f64 = 5.0;
/// The same where the ground is so white that paper and labels have its color too.
const WHITE: f64 = 248.0;
/// Smallest hole, as a share of the picture.
const HOLE: f64 = 0.0005;
/// Thickest wall around a hole in a white ground, as a share of the product's shorter side, and the share of the
/// hole's outline that must have such a wall: a handle is thin, what is around a label is not.
const WALL: f64 = 0.12;
const THIN: f64 = 0.45;
/// Height of a rim of shadow, as a share of the product's height.
const RIM: f64 = 0.08;
/// Largest step over two pixels at which a shadow begins; a product begins with a larger one.
const BEGINS: u8 = 40;
/// Step over two pixels that ends a shadow.
const ENDS: u8 = 30;

/// Takes away parts inside of a product through which the ground is seen.
pub(super) fn open_holes(picture: &Raster, ground: &Ground, solid: &mut [bool], bounds: [usize; 4]) {
    let (width, height) = (picture.width, picture.height);
    let [left, top, right, bottom] = bounds;
    let short = (right - left).min(bottom - top) as f64;
    let depth = depths(solid, width, height);
    let looks_through =
        |at: usize| distance(picture.pixel(at % width, at / width), ground.at(at % width, at / width));
    let mut seen = vec![false; solid.len()];
    for start in 0..solid.len() {
        if seen[start] || !solid[start] || looks_through(start) > THROUGH * 1.6 {
            continue;
        }
        let (mut open, mut hole) = (vec![start], Vec::new());
        let (mut away, mut outline, mut thin) = (0.0, 0.0, 0.0);
        let mut box_of = [usize::MAX, usize::MAX, 0, 0];
        seen[start] = true;
        while let Some(at) = open.pop() {
            hole.push(at);
            away += looks_through(at);
            let (x, y) = (at % width, at / width);
            box_of = [box_of[0].min(x), box_of[1].min(y), box_of[2].max(x), box_of[3].max(y)];
            for next in neighbors(at, width, height) {
                if seen[next] || !solid[next] {
                    continue;
                }
                if looks_through(next) <= REACH {
                    seen[next] = true;
                    open.push(next);
                } else {
                    outline += 1.0;
                    thin += f64::from(u8::from(f64::from(depth[next]) <= short * WALL));
                }
            }
        }
        let size = hole.len() as f64;
        if size < (width * height) as f64 * HOLE || away / size > THROUGH {
            continue;
        }
        let middle = hole[hole.len() / 2];
        let is_white = ground.at(middle % width, middle / width).iter().all(|channel| *channel >= WHITE);
        let (cx, cy) = (usize::midpoint(left, right), usize::midpoint(top, bottom));
        let central = (box_of[0]..=box_of[2]).contains(&cx) && (box_of[1]..=box_of[3]).contains(&cy);
        if is_white && (central || thin < THIN * f64::max(outline, 1.0)) {
            continue;
        }
        for at in hole {
            solid[at] = false;
        }
    }
}

/// Takes away what is left of a contact shadow at the foot of a product: in every column the lowest pixels, where
/// they begin softly, look like the ground in shadow, get darker upwards, and end at an edge.
pub(super) fn lift_shadow(picture: &Raster, ground: &Ground, solid: &mut [bool], bounds: [usize; 4]) {
    let (width, height) = (picture.width, picture.height);
    let [left, top, right, bottom] = bounds;
    let most = (((bottom - top) as f64 * RIM) as usize).max(3);
    let mut lifted = vec![0_usize; right - left];
    let step = |x: usize, y: usize| -> u8 {
        let (a, b) = (picture.pixel(x, y.saturating_sub(1)), picture.pixel(x, (y + 1).min(height - 1)));
        (0..3).map(|k| a[k].abs_diff(b[k])).max().unwrap_or(0)
    };
    for x in left..right {
        let Some(lowest) = (top..bottom).rev().find(|y| solid[y * width + x]) else { continue };
        if lowest + 2 >= height || step(x, lowest + 1).max(step(x, lowest)) > BEGINS {
            continue;
        }
        let mut before = 255.0;
        for up in 0..most {
            let Some(y) = lowest.checked_sub(up).filter(|y| *y >= top) else { break };
            let pixel = picture.pixel(x, y);
            let luma =
                f64::from(pixel[0]) * 0.2126 + f64::from(pixel[1]) * 0.7152 + f64::from(pixel[2]) * 0.0722;
            let ends = up > 0 && step(x, y) > ENDS;
            if ends || (up > 1 && !is_shade(pixel, ground.at(x, y))) {
                lifted[x - left] = up + usize::from(ends);
                break;
            }
            if luma > before + 3.0 || !is_shade(pixel, ground.at(x, y)) {
                break;
            }
            before = luma;
        }
    }
    // A single column that differs from its neighbors is noise.
    for column in 0..lifted.len() {
        let around = &lifted[column.saturating_sub(3)..(column + 4).min(lifted.len())];
        let mut sorted = around.to_vec();
        sorted.sort_unstable();
        let height = sorted[sorted.len() / 2];
        let x = left + column;
        let Some(lowest) = (top..bottom).rev().find(|y| solid[y * width + x]) else { continue };
        for y in (lowest + 1).saturating_sub(height)..=lowest {
            solid[y * width + x] = false;
        }
    }
}

/// Steps from every pixel to the nearest one that is not solid; the frame's border counts as such.
fn depths(solid: &[bool], width: usize, height: usize) -> Vec<u16> {
    let mut depth = vec![u16::MAX; solid.len()];
    let mut front: Vec<usize> = (0..solid.len()).filter(|at| !solid[*at]).collect();
    for at in &front {
        depth[*at] = 0;
    }
    let mut steps = 0_u16;
    while !front.is_empty() && steps < u16::MAX - 1 {
        steps += 1;
        let mut next_front = Vec::new();
        for at in front {
            for next in neighbors(at, width, height) {
                if depth[next] == u16::MAX {
                    depth[next] = steps;
                    next_front.push(next);
                }
            }
        }
        front = next_front;
    }
    depth
}

fn neighbors(at: usize, width: usize, height: usize) -> impl Iterator<Item = usize> {
    let (x, y) = (at % width, at / width);
    [
        (x > 0).then(|| at - 1),
        (x + 1 < width).then(|| at + 1),
        (y > 0).then(|| at - width),
        (y + 1 < height).then(|| at + width),
    ]
    .into_iter()
    .flatten()
}

#[cfg(test)]
mod tests {
    use crate::picture::cut_out;
    use crate::pixels::Raster;

    /// A picture of 400 by 360 pixels, given by the color of every pixel.
    fn drawn(paint: impl Fn(f64, f64) -> [f64; 3]) -> Raster {
        let (width, height) = (400_usize, 360_usize);
        let mut picture = Raster::filled(width, height, [0, 0, 0, 255]);
        for y in 0..height {
            for x in 0..width {
                let color = paint(x as f64 + 0.5, y as f64 + 0.5);
                for (to, channel) in picture.data[(y * width + x) * 4..].iter_mut().zip(color) {
                    *to = channel.round().clamp(0.0, 255.0) as u8;
                }
            }
        }
        picture
    }

    fn over(below: [f64; 3], color: [f64; 3], distance: f64) -> [f64; 3] {
        let cover = (0.5 - distance).clamp(0.0, 1.0);
        std::array::from_fn(|k| below[k] + (color[k] - below[k]) * cover)
    }

    /// A mug with a handle at its right: body, then the ring of the handle.
    fn mug(x: f64, y: f64, below: [f64; 3]) -> [f64; 3] {
        let red = [176.0, 40.0, 36.0];
        let ring = ((x - 252.0).hypot(y - 180.0) - 44.0).abs() - 8.0;
        let body = (x - 170.0).abs().max((y - 180.0).abs() * 0.9) - 80.0;
        over(below, red, ring.min(body))
    }

    /// Opacity of the layer at a pixel of the picture; the layer is cropped to the mug, two pixels around.
    fn opacity(layer: &Raster, x: usize, y: usize) -> u8 {
        layer.pixel(x - 88, y - 89)[3]
    }

    #[test]
    fn the_ground_is_seen_through_a_handle() {
        let grounds: [(&str, &dyn Fn(f64) -> f64); 2] =
            [("white", &|_| 255.0), ("gray", &|y| 232.0 - y * 0.04)];
        for (name, ground) in grounds {
            let layer = cut_out(&drawn(|x, y| mug(x, y, [ground(y); 3]))).expect(name);
            assert_eq!(opacity(&layer, 276, 180), 0, "inside the handle, on {name}");
            assert_eq!(opacity(&layer, 252 + 44, 180), 255, "the handle, on {name}");
            assert_eq!(opacity(&layer, 170, 180), 255, "the body, on {name}");
        }
    }

    #[test]
    fn a_white_label_and_the_inside_of_a_white_plate_stay() {
        let label = drawn(|x, y| {
            let boxed =
                over([255.0; 3], [30.0, 70.0, 120.0], (x - 200.0).abs().max((y - 180.0).abs()) - 110.0);
            over(boxed, [255.0; 3], (x - 200.0).abs().max((y - 150.0).abs() * 1.6) - 70.0)
        });
        let layer = cut_out(&label).expect("a box");
        assert_eq!(layer.pixel(layer.width / 2, layer.height / 3)[3], 255);
        let plate = drawn(|x, y| {
            let away = (x - 200.0).hypot(y - 180.0);
            over(over([255.0; 3], [60.0, 90.0, 140.0], away - 120.0), [255.0; 3], away - 104.0)
        });
        let layer = cut_out(&plate).expect("a plate");
        assert_eq!(layer.pixel(layer.width / 2, layer.height / 2)[3], 255);
    }

    #[test]
    fn a_contact_shadow_leaves_no_dark_rim() {
        // The shadow falls within a few pixels from the ground's color to a dark gray, too steep to be reached over.
        let picture = drawn(|x, y| {
            let off = ((x - 200.0) / 84.0).abs();
            let near = (1.0 - (y - 288.0) / 14.0).clamp(0.0, 1.0) * (1.0 - off).clamp(0.0, 0.2) * 5.0;
            let shade = if y > 286.0 { 1.0 - 0.66 * near } else { 1.0 };
            let below = [240.0 * shade; 3];
            over(below, [214.0, 160.0, 40.0], (x - 200.0).abs().max((y - 188.0).abs() * 0.8) - 80.0)
        });
        let layer = cut_out(&picture).expect("a box");
        let dark = layer.data.chunks_exact(4).filter(|pixel| pixel[3] > 128 && pixel[0] < 150).count();
        assert!(dark < 60, "{dark} dark pixels are left of the shadow");
        let gold = layer.data.chunks_exact(4).filter(|pixel| pixel[3] > 250 && pixel[0] > 200).count();
        assert!(gold > 30_000, "{gold} pixels of the product");
    }
}
