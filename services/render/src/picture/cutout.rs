//! Cuts products out of pictures with a plain ground, as shops have them: one color, or a soft gradient.
//!
//! The ground is what can be reached from the border over colors like the ground's ([`Ground`]) or over its soft
//! shades. It is taken away with the shadow that lies on it (scenes have shadows of their own), edges get the
//! opacity that lies between the colors on their two sides, and the ground's color is taken out of them.

use super::ground::Ground;
use super::mend;
use crate::pixels::Raster;

/// Largest difference over which the ground goes on.
pub(super) const REACH: f64 = 24.0;
/// Largest difference of a shadow on the ground, and the largest step inside it, over two pixels.
const SHADE: f64 = 150.0;
const SHADE_STEP: u8 = 14;
/// The same of any other soft change of the ground.
const SOFT: f64 = 50.0;
const SOFT_STEP: u8 = 8;
/// Smallest and largest share of the picture that a product covers.
const COVERED: [f64; 2] = [0.03, 0.80];
/// Least share of its own bounding box that a product fills: less is a drawing whose inside was taken for
/// ground. Most, where it is large: more is a picture in a frame.
const FILLED: [f64; 2] = [0.22, 0.985];
const LARGE: f64 = 0.45;
/// Difference between product and ground that makes an edge, and the share of the outline that has one.
const EDGE: f64 = 20.0;
const OUTLINED: f64 = 0.72;
/// Most outline for its area, in units of a circle's: more is what a leak leaves of a product.
const RAGGED: f64 = 7.0;
/// Share of a product's height that is its foot, and the widest gap in it, as a share of the width.
const FOOT: f64 = 0.10;
const GAP: f64 = 0.30;
/// Pixels on each side of an outline that are looked at for its colors.
const NEAR: usize = 4;

/// The product alone, cropped to it, on transparency; `None` where the ground is not plain or nothing
/// that could be a product stands on it.
pub(crate) fn cut_out(picture: &Raster) -> Option<Raster> {
    let (width, height) = (picture.width, picture.height);
    if width < 32 || height < 32 {
        return None;
    }
    let ground = Ground::of(picture)?;
    let reached = flood(picture, &ground);
    let mut solid: Vec<bool> = reached.iter().map(|reached| *reached == Reached::Not).collect();
    keep_large(&mut solid, width, height);
    mend_feet(&reached, &mut solid, width, height);
    let around = bounds(&solid, width, height)?;
    mend::lift_shadow(picture, &ground, &mut solid, around);
    mend::open_holes(picture, &ground, &mut solid, around);
    keep_large(&mut solid, width, height);
    let [left, top, right, bottom] = bounds(&solid, width, height)?;
    let count = solid.iter().filter(|solid| **solid).count() as f64;
    let share = count / (width * height) as f64;
    let filled = count / ((right - left) * (bottom - top)) as f64;
    if !(COVERED[0]..=COVERED[1]).contains(&share)
        || filled < FILLED[0]
        || (filled > FILLED[1] && share > LARGE)
    {
        return None;
    }
    let edges = Edges::of(picture, &solid);
    if edges.length / (2.0 * (std::f64::consts::PI * count).sqrt()) > RAGGED || edges.marked < OUTLINED {
        return None;
    }
    // Two pixels around, for the soft edges.
    let (left, top) = (left.saturating_sub(2), top.saturating_sub(2));
    let (right, bottom) = ((right + 2).min(width), (bottom + 2).min(height));
    let mut layer = Raster::filled(right - left, bottom - top, [0; 4]);
    for (row, line) in layer.rows_mut().enumerate() {
        for (column, pixel) in line.chunks_exact_mut(4).enumerate() {
            let (x, y) = (left + column, top + row);
            let at = y * width + x;
            let seen = picture.pixel(x, y).map(f64::from);
            let (color, cover) = match edges.at(at) {
                Some([product, ground]) => matted(seen, product, ground),
                None if solid[at] => ([seen[0], seen[1], seen[2]], 1.0),
                None => continue,
            };
            if cover < 0.02 {
                continue;
            }
            for (to, channel) in pixel.iter_mut().zip(color) {
                *to = (channel.clamp(0.0, 255.0) * cover).round() as u8;
            }
            pixel[3] = (cover * 255.0).round() as u8;
        }
    }
    Some(layer)
}

/// Color without the ground's part and opacity of a pixel between a product's color and its ground's.
fn matted(seen: [f64; 4], product: [f64; 3], ground: [f64; 3]) -> ([f64; 3], f64) {
    let (mut along, mut whole) = (0.0, 0.0);
    for k in 0..3 {
        along += (seen[k] - ground[k]) * (product[k] - ground[k]);
        whole += (product[k] - ground[k]).powi(2);
    }
    let cover = if whole < 1.0 { 1.0 } else { (along / whole).clamp(0.0, 1.0) };
    // The fainter a pixel, the less of its own color is left to be known: the product's beside it is truer.
    let trust = ((cover - 0.5) * 2.0).clamp(0.0, 1.0);
    let color = std::array::from_fn(|k| {
        let own = (seen[k] - (1.0 - cover) * ground[k]) / cover.max(0.05);
        product[k] + (own.clamp(0.0, 255.0) - product[k]) * trust
    });
    (color, cover)
}

pub(super) fn distance(pixel: [u8; 4], ground: [f64; 3]) -> f64 {
    (0..3).map(|k| (f64::from(pixel[k]) - ground[k]).abs()).fold(0.0, f64::max)
}

/// Whether a pixel is the ground in shadow: darker in all channels, and by about the same share in each.
pub(super) fn is_shade(pixel: [u8; 4], ground: [f64; 3]) -> bool {
    let shares: [f64; 3] = std::array::from_fn(|k| (f64::from(pixel[k]) + 4.0) / (ground[k] + 4.0));
    let (least, most) = shares.iter().fold((f64::INFINITY, 0.0_f64), |(a, b), s| (a.min(*s), b.max(*s)));
    most <= 1.04 && most - least <= 0.14
}

/// How the ground goes on to a pixel.
#[derive(Clone, Copy, PartialEq)]
enum Reached {
    Not,
    /// It has the ground's color.
    Ground,
    /// It is a soft shade of it, or what looks like one.
    Shade,
}

/// What can be reached from the border over the ground's colors and its soft shades.
fn flood(picture: &Raster, ground: &Ground) -> Vec<Reached> {
    let (width, height) = (picture.width, picture.height);
    let mut reached = vec![Reached::Not; width * height];
    let mut open: Vec<(usize, usize)> = Vec::new();
    let steps = |x: usize, y: usize, most: u8| {
        // Over two pixels, so that a slow slope and noise are told from an edge.
        let (a, b) = (picture.pixel(x.saturating_sub(1), y), picture.pixel((x + 1).min(width - 1), y));
        let (c, d) = (picture.pixel(x, y.saturating_sub(1)), picture.pixel(x, (y + 1).min(height - 1)));
        (0..3).all(|k| a[k].abs_diff(b[k]) <= most && c[k].abs_diff(d[k]) <= most)
    };
    let mut visit = |x: usize, y: usize, open: &mut Vec<(usize, usize)>| {
        let at = y * width + x;
        if reached[at] != Reached::Not {
            return;
        }
        let (pixel, ground) = (picture.pixel(x, y), ground.at(x, y));
        let away = distance(pixel, ground);
        let shade = away <= SHADE && is_shade(pixel, ground) && steps(x, y, SHADE_STEP);
        if away <= REACH || shade || (away <= SOFT && steps(x, y, SOFT_STEP)) {
            reached[at] = if away <= REACH { Reached::Ground } else { Reached::Shade };
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

/// Gives back to the product what looks like shadow between two of its parts at its foot: a gray base, say.
fn mend_feet(reached: &[Reached], solid: &mut [bool], width: usize, height: usize) {
    let Some([left, top, right, bottom]) = bounds(solid, width, height) else { return };
    let longest = ((right - left) as f64 * GAP) as usize;
    let from = bottom - ((bottom - top) as f64 * FOOT) as usize;
    for y in from..bottom {
        let mut open: Option<usize> = None;
        for x in left..right {
            let at = y * width + x;
            if solid[at] {
                if let Some(start) = open.take().filter(|start| x - start <= longest) {
                    solid[y * width + start..at].fill(true);
                }
                // The run that follows begins behind this pixel.
                open = Some(x + 1);
            } else if reached[at] != Reached::Shade {
                open = None;
            }
        }
    }
}

/// Keeps the pieces that have a twelfth of the largest one's area: specks of noise and crumbs go.
fn keep_large(solid: &mut [bool], width: usize, height: usize) {
    let mut piece = vec![0_u32; solid.len()];
    let mut sizes = vec![0_usize];
    for start in 0..solid.len() {
        if !solid[start] || piece[start] != 0 {
            continue;
        }
        let number = sizes.len() as u32;
        sizes.push(0);
        let mut open = vec![start];
        piece[start] = number;
        while let Some(at) = open.pop() {
            sizes[number as usize] += 1;
            let (x, y) = (at % width, at / width);
            let mut next = |to: usize| {
                if solid[to] && piece[to] == 0 {
                    piece[to] = number;
                    open.push(to);
                }
            };
            if x > 0 {
                next(at - 1);
            }
            if x + 1 < width {
                next(at + 1);
            }
            if y > 0 {
                next(at - width);
            }
            if y + 1 < height {
                next(at + width);
            }
        }
    }
    let largest = sizes.iter().copied().max().unwrap_or(0);
    for (solid, piece) in solid.iter_mut().zip(piece) {
        *solid = *solid && sizes[piece as usize] * 12 >= largest;
    }
}

/// The outline: the colors on its two sides for every pixel within two of it.
struct Edges {
    /// Index into `colors` for each pixel, 0 for those that are not near the outline.
    of: Vec<u32>,
    colors: Vec<[[f64; 3]; 2]>,
    /// Pixels of the outline.
    length: f64,
    /// Share of the outline whose sides differ.
    marked: f64,
}

impl Edges {
    fn of(picture: &Raster, solid: &[bool]) -> Self {
        let (width, height) = (picture.width, picture.height);
        let mut edges =
            Self { of: vec![0; solid.len()], colors: vec![[[0.0; 3]; 2]], length: 0.0, marked: 0.0 };
        let mut marked = 0.0;
        for at in 0..solid.len() {
            let (x, y) = (at % width, at / width);
            let (near, touches) = nearness(solid, width, height, x, y);
            if !near {
                continue;
            }
            if let Some(colors) = sides(picture, solid, x, y) {
                if touches {
                    edges.length += 1.0;
                    let apart = (0..3).map(|k| (colors[0][k] - colors[1][k]).abs()).fold(0.0, f64::max);
                    marked += f64::from(u8::from(apart >= EDGE));
                }
                edges.of[at] = edges.colors.len() as u32;
                edges.colors.push(colors);
            } else if touches {
                edges.length += 1.0;
            }
        }
        edges.marked = marked / edges.length.max(1.0);
        edges
    }

    fn at(&self, at: usize) -> Option<[[f64; 3]; 2]> {
        let idx = self.of[at] as usize;
        (idx > 0).then(|| self.colors[idx])
    }
}

/// Whether the outline runs within two pixels of a place, and whether the place is a product's outermost pixel.
fn nearness(solid: &[bool], width: usize, height: usize, x: usize, y: usize) -> (bool, bool) {
    let own = solid[y * width + x];
    let mut near = false;
    for ny in y.saturating_sub(2)..(y + 3).min(height) {
        for nx in x.saturating_sub(2)..(x + 3).min(width) {
            near |= solid[ny * width + nx] != own;
        }
    }
    let ground = |dx: isize, dy: isize| {
        let (nx, ny) = (x.wrapping_add_signed(dx), y.wrapping_add_signed(dy));
        nx < width && ny < height && !solid[ny * width + nx]
    };
    (near, own && near && (ground(-1, 0) || ground(1, 0) || ground(0, -1) || ground(0, 1)))
}

/// Mean colors of product and ground near a place, each three pixels or more from the outline; `None` where the
/// product is too narrow there.
fn sides(picture: &Raster, solid: &[bool], x: usize, y: usize) -> Option<[[f64; 3]; 2]> {
    let (width, height) = (picture.width, picture.height);
    let deep = |nx: usize, ny: usize, own: bool| {
        let all = |dx: isize, dy: isize| {
            let (px, py) = (nx.wrapping_add_signed(dx), ny.wrapping_add_signed(dy));
            px >= width || py >= height || solid[py * width + px] == own
        };
        all(-2, 0) && all(2, 0) && all(0, -2) && all(0, 2)
    };
    let mut sums = [[0.0; 3]; 2];
    let mut counts = [0.0; 2];
    for ny in y.saturating_sub(NEAR)..(y + NEAR + 1).min(height) {
        for nx in x.saturating_sub(NEAR)..(x + NEAR + 1).min(width) {
            let own = solid[ny * width + nx];
            if !deep(nx, ny, own) {
                continue;
            }
            let side = usize::from(!own);
            let pixel = picture.pixel(nx, ny);
            for (sum, channel) in sums[side].iter_mut().zip(pixel) {
                *sum += f64::from(channel);
            }
            counts[side] += 1.0;
        }
    }
    (counts[0] > 0.0 && counts[1] > 0.0)
        .then(|| [sums[0].map(|sum| sum / counts[0]), sums[1].map(|sum| sum / counts[1])])
}

/// Left, top, right and bottom of what is solid.
fn bounds(solid: &[bool], width: usize, height: usize) -> Option<[usize; 4]> {
    let (mut left, mut top, mut right, mut bottom) = (width, height, 0, 0);
    for (at, _) in solid.iter().enumerate().filter(|(_, solid)| **solid) {
        let (x, y) = (at % width, at / width);
        (left, right) = (left.min(x), right.max(x + 1));
        (top, bottom) = (top.min(y), bottom.max(y + 1));
    }
    (left < right).then_some([left, top, right, bottom])
}

#[cfg(test)]
mod tests {
    use super::*;

    type Shade = fn(f64, f64) -> [f64; 3];

    /// A disk of `color` on a ground given by shares of width and height, with a soft shadow and a little noise.
    fn disk(ground: Shade, color: [u8; 3], shadow: f64) -> Raster {
        let (width, height) = (240_usize, 200_usize);
        let mut picture = Raster::filled(width, height, [0, 0, 0, 255]);
        for y in 0..height {
            for x in 0..width {
                let (fx, fy) = (x as f64 + 0.5, y as f64 + 0.5);
                let cover = (50.5 - (fx - 120.0).hypot(fy - 100.0)).clamp(0.0, 1.0);
                let under = ((fx - 128.0) / 64.0).hypot((fy - 150.0) / 18.0);
                let keep = 1.0 - shadow * (-under * under).exp();
                let noise = f64::from(((x * 7 + y * 13) % 5) as u8) * 0.8 - 1.6;
                let at = (y * width + x) * 4;
                let below = ground(fx / width as f64, fy / height as f64);
                for channel in 0..3 {
                    let mixed =
                        below[channel] * keep * (1.0 - cover) + f64::from(color[channel]) * cover + noise;
                    picture.data[at + channel] = mixed.round().clamp(0.0, 255.0) as u8;
                }
            }
        }
        picture
    }

    const GROUNDS: [(&str, Shade); 6] = [
        ("white", |_, _| [255.0; 3]),
        ("gray", |_, _| [240.0, 240.0, 238.0]),
        ("green", |_, _| [30.0, 90.0, 40.0]),
        ("from top to bottom", |_, y| [236.0 - 70.0 * y, 226.0 - 60.0 * y, 206.0 - 52.0 * y]),
        ("a vignette", |x, y| [((x - 0.5).powi(2) + (y - 0.5).powi(2)).mul_add(-120.0, 228.0); 3]),
        ("a wall and a floor", |x, y| {
            let floor = ((y - 0.62) / 0.14).clamp(0.0, 1.0);
            let wall = 196.0 + 22.0 * x;
            [wall + (226.0 - wall) * floor; 3]
        }),
    ];

    #[test]
    fn a_product_on_a_plain_ground_or_a_gradient_is_cut_out_without_its_ground() {
        for (name, ground) in GROUNDS {
            for shadow in [0.0, 0.5] {
                let layer = cut_out(&disk(ground, [170, 20, 30], shadow)).expect(name);
                assert!((99..=108).contains(&layer.width), "{name}: {} wide", layer.width);
                assert!((99..=112).contains(&layer.height), "{name}: {} high", layer.height);
                assert_eq!(layer.pixel(0, 0)[3], 0);
                let middle = layer.pixel(layer.width / 2, layer.height / 2);
                assert!(middle[0].abs_diff(170) < 4 && middle[1].abs_diff(20) < 4 && middle[3] == 255);
                // No rim of the ground's color is left: set on black, hardly anything is lighter than the
                // product's own green.
                let rim = layer.data.chunks_exact(4).filter(|pixel| pixel[1] > 60).count();
                assert!(rim * 400 < layer.data.len() / 4, "{rim} pixels of {name}");
                // The shadow stays behind.
                let soft = layer.data.chunks_exact(4).filter(|pixel| (8..248).contains(&pixel[3])).count();
                assert!(soft < 1_400, "{soft} half transparent pixels of {name}");
            }
        }
    }

    /// A picture given by shares of width and height.
    fn drawn(paint: impl Fn(f64, f64) -> [f64; 3]) -> Raster {
        let (width, height) = (240_usize, 200_usize);
        let mut picture = Raster::filled(width, height, [0, 0, 0, 255]);
        for y in 0..height {
            for x in 0..width {
                let color = paint(x as f64 / width as f64, y as f64 / height as f64);
                for (to, channel) in picture.data[(y * width + x) * 4..].iter_mut().zip(color) {
                    *to = channel.round().clamp(0.0, 255.0) as u8;
                }
            }
        }
        picture
    }

    #[test]
    fn photographs_and_empty_grounds_are_left_alone() {
        let grain = |x: f64, y: f64| ((x * 241.0).sin() * (y * 187.0).cos() * 43_758.5).fract() * 46.0;
        let in_disk = |x: f64, y: f64| ((x - 0.5) * 1.2).hypot(y - 0.5) < 0.24;
        let red = [180.0, 20.0, 30.0];
        let photographs: [(&str, Raster); 7] = [
            ("texture", drawn(|x, y| if in_disk(x, y) { red } else { [150.0 + grain(x, y); 3] })),
            (
                "a table's edge",
                drawn(|x, y| {
                    if in_disk(x, y) {
                        red
                    } else if y < 0.6 {
                        [190.0, 196.0, 190.0]
                    } else {
                        [120.0, 84.0, 60.0]
                    }
                }),
            ),
            (
                "an evening sky",
                drawn(|x, y| {
                    if in_disk(x, y) {
                        [20.0, 20.0, 26.0]
                    } else {
                        [60.0 + 190.0 * y, 90.0 + 60.0 * y, 190.0 - 120.0 * y]
                    }
                }),
            ),
            (
                "a figure that leaves the frame",
                drawn(|x, y| if (x - 0.5).abs() < 0.2 && y > 0.3 { red } else { [225.0; 3] }),
            ),
            (
                "a picture in a frame",
                drawn(|x, y| {
                    if x.min(y) > 0.1 && x.max(y) < 0.9 { [90.0 + grain(x, y) * 2.0; 3] } else { [255.0; 3] }
                }),
            ),
            ("nothing", drawn(|_, _| [255.0; 3])),
            ("white on white", drawn(|x, y| if in_disk(x, y) { [250.0; 3] } else { [255.0; 3] })),
        ];
        for (name, picture) in photographs {
            assert!(cut_out(&picture).is_none(), "{name}");
        }
    }
}
