//! The ground that a product stands on, as its border tells: one color, a gradient, a wall that runs softly into
//! a floor.
//!
//! What the ground looks like behind the product is interpolated from the four sides (a Coons patch), so that a
//! horizon that reaches from side to side, a vignette and a slanted gradient are all met. A border with edges,
//! texture or several hues is no such ground: the picture is a photograph.

use crate::pixels::Raster;

/// Width of the border that is looked at, as a share of the shorter side.
const RING: f64 = 0.02;
/// Largest difference of a channel between neighbors a hundredth of the side apart: more is an edge.
const STEP: f64 = 13.0;
/// Largest mean difference of a pixel from its side's color at that place: more is texture.
const TEXTURE: f64 = 3.4;
/// Largest difference in chroma between any two places of the border: more are two hues.
const HUES: f64 = 44.0;
/// Largest difference in luma between any two places of the border: more is a lit scene.
const LIGHTS: f64 = 120.0;
/// Share of the places along the border that must keep to all this.
const PLAIN: f64 = 0.97;

/// The colors along the four sides, and the corners.
pub(super) struct Ground {
    width: f64,
    height: f64,
    /// Left, right by rows; top, bottom by columns.
    sides: [Vec<[f64; 3]>; 4],
    /// Top left, top right, bottom left, bottom right.
    corners: [[f64; 3]; 4],
}

impl Ground {
    /// The ground of a picture; `None` where its border is not that of a plain one.
    pub(super) fn of(picture: &Raster) -> Option<Self> {
        let (width, height) = (picture.width, picture.height);
        let ring = ((width.min(height) as f64 * RING) as usize).max(2);
        let across = |pixels: &mut dyn Iterator<Item = [u8; 4]>| {
            let (mut sum, mut count) = ([0.0; 3], 0.0);
            for pixel in pixels {
                for (sum, channel) in sum.iter_mut().zip(pixel) {
                    *sum += f64::from(channel);
                }
                count += 1.0;
            }
            sum.map(|sum| sum / count)
        };
        let raw: [Vec<[f64; 3]>; 4] = [
            (0..height).map(|y| across(&mut (0..ring).map(|x| picture.pixel(x, y)))).collect(),
            (0..height).map(|y| across(&mut (width - ring..width).map(|x| picture.pixel(x, y)))).collect(),
            (0..width).map(|x| across(&mut (0..ring).map(|y| picture.pixel(x, y)))).collect(),
            (0..width).map(|x| across(&mut (height - ring..height).map(|y| picture.pixel(x, y)))).collect(),
        ];
        let sides = raw.map(|side| softened(&side));
        let ground = Self { width: width as f64, height: height as f64, corners: corners(&sides), sides };
        (ground.is_plain() && ground.is_smooth(picture, ring)).then_some(ground)
    }

    /// Color of the ground at a pixel.
    pub(super) fn at(&self, x: usize, y: usize) -> [f64; 3] {
        let (u, v) = (x as f64 / (self.width - 1.0).max(1.0), y as f64 / (self.height - 1.0).max(1.0));
        let [left, right, top, bottom] = &self.sides;
        let [a, b, c, d] = &self.corners;
        std::array::from_fn(|k| {
            let sides = (1.0 - u) * left[y][k] + u * right[y][k] + (1.0 - v) * top[x][k] + v * bottom[x][k];
            let corners = (1.0 - v) * ((1.0 - u) * a[k] + u * b[k]) + v * ((1.0 - u) * c[k] + u * d[k]);
            (sides - corners).clamp(0.0, 255.0)
        })
    }

    /// Whether the border has one hue and no edges.
    fn is_plain(&self) -> bool {
        let (mut places, mut edges) = (0.0, 0.0);
        let (mut lights, mut hues) =
            ([f64::INFINITY, f64::NEG_INFINITY], [[f64::INFINITY; 2], [f64::NEG_INFINITY; 2]]);
        for side in &self.sides {
            let apart = (side.len() / 100).max(1);
            for (here, there) in side.iter().zip(&side[apart..]) {
                places += 1.0;
                edges += f64::from(u8::from((0..3).any(|k| (here[k] - there[k]).abs() > STEP)));
            }
            for color in side {
                let luma = 0.2126 * color[0] + 0.7152 * color[1] + 0.0722 * color[2];
                lights = [lights[0].min(luma), lights[1].max(luma)];
                for (idx, chroma) in [color[0] - luma, color[2] - luma].into_iter().enumerate() {
                    // A darker place of one hue has less of it.
                    let chroma = chroma * 160.0 / (luma + 60.0);
                    hues[0][idx] = hues[0][idx].min(chroma);
                    hues[1][idx] = hues[1][idx].max(chroma);
                }
            }
        }
        edges <= (1.0 - PLAIN) * places
            && lights[1] - lights[0] <= LIGHTS
            && (0..2).all(|idx| hues[1][idx] - hues[0][idx] <= HUES)
    }

    /// Whether the border has no texture: its pixels keep to the ground's color.
    fn is_smooth(&self, picture: &Raster, ring: usize) -> bool {
        let (width, height) = (picture.width, picture.height);
        let (mut away, mut count) = (0.0, 0.0);
        let mut look = |x: usize, y: usize| {
            let (pixel, ground) = (picture.pixel(x, y), self.at(x, y));
            away += (0..3).map(|k| (f64::from(pixel[k]) - ground[k]).abs()).fold(0.0, f64::max);
            count += 1.0;
        };
        for inner in 0..ring {
            (0..width).for_each(|x| {
                look(x, inner);
                look(x, height - 1 - inner);
            });
            (0..height).for_each(|y| {
                look(inner, y);
                look(width - 1 - inner, y);
            });
        }
        away / f64::max(count, 1.0) <= TEXTURE
    }
}

/// The running mean over 1 % of a side.
fn softened(side: &[[f64; 3]]) -> Vec<[f64; 3]> {
    let reach = side.len() / 200;
    (0..side.len())
        .map(|at| {
            let part = &side[at.saturating_sub(reach)..(at + reach + 1).min(side.len())];
            std::array::from_fn(|k| part.iter().map(|color| color[k]).sum::<f64>() / part.len() as f64)
        })
        .collect()
}

/// The corners, each between the two sides that meet in it.
fn corners([left, right, top, bottom]: &[Vec<[f64; 3]>; 4]) -> [[f64; 3]; 4] {
    let between = |a: Option<&[f64; 3]>, b: Option<&[f64; 3]>| {
        let (a, b) = (a.copied().unwrap_or_default(), b.copied().unwrap_or_default());
        std::array::from_fn(|k| f64::midpoint(a[k], b[k]))
    };
    [
        between(left.first(), top.first()),
        between(right.first(), top.last()),
        between(left.last(), bottom.first()),
        between(right.last(), bottom.last()),
    ]
}
