//! Fields: patterns in the brand's colors, which stand where a shot has no picture.
//!
//! Every style has a vocabulary of its own: tiles of plain geometry, a sunburst, fans, confetti, a raster of dots,
//! contour lines. A seed arranges it, so that two shots of one ad never show the same field. What is painted is a
//! still source; the camera moves over it as over a picture.

use spotwright_schemas::storyboard::{Color, Palette, VisualStyle};

use super::grounds::{accent_of, ground_of};
use super::product::muddiness;
use super::{BLACK, Stage, WHITE};
use crate::pixels::{self, Raster, rounded_distance};
use crate::scene::ink_on;

/// A color while it is worked on: channels of 0–255.
type Tone = [f64; 3];

/// The colors of a field.
struct Tones {
    ground: Tone,
    deep: Tone,
    lift: Tone,
    accent: Tone,
    soft: Tone,
    ink: Tone,
}

/// What a field is seen beside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Around {
    /// White texts stand on it: it is dark.
    Texts,
    /// It is a window on the style's ground, from which it has to stand out.
    Ground,
    /// It runs out of the frame.
    Nothing,
}

impl Tones {
    fn of(style: VisualStyle, palette: Palette, around: Around) -> Self {
        let own = ground_of(style, palette);
        let accent = accent_of(style, palette);
        let (ground, accent) = match around {
            Around::Texts => dark_pair(palette),
            Around::Ground => (pixels::mix(own, ink_on(own), 0.09), accent),
            Around::Nothing => (own, accent),
        };
        let ink = ink_on(ground);
        // An accent that is hardly told from its ground makes no figure.
        let accent = if accent.contrast(ground) >= 1.35 { accent } else { pixels::mix(ground, ink, 0.72) };
        let tone = |color: Color| [color.r, color.g, color.b].map(f64::from);
        // A yellow without light is mud: its dark companion is the accent's.
        let deep = pixels::mix(ground, BLACK, 0.30);
        let deep = if muddiness(deep) > 0.2 { pixels::mix(accent, ground, 0.30) } else { deep };
        Self {
            ground: tone(ground),
            deep: tone(deep),
            lift: tone(pixels::mix(ground, WHITE, 0.17)),
            accent: tone(accent),
            soft: tone(pixels::mix(accent, ground, 0.52)),
            ink: tone(ink),
        }
    }
}

/// A dark ground of the brand, which white texts read on, and the other of its colors.
pub(super) fn dark_pair(palette: Palette) -> (Color, Color) {
    let darkened = |color: Color| {
        (0..=25)
            .map(|step| pixels::mix(color, BLACK, f64::from(step) * 0.04))
            .find(|color| WHITE.contrast(*color) >= 7.0)
            .unwrap_or(BLACK)
    };
    let (primary, accent) = (darkened(palette.primary), darkened(palette.accent));
    // The color that needs less darkening keeps its hue.
    if muddiness(primary) > 0.2 && muddiness(accent) < muddiness(primary) {
        (accent, palette.primary)
    } else {
        (primary, palette.accent)
    }
}

/// Lays `tone` over a color where `distance` (in pixels, negative inside) says so.
fn over(color: Tone, tone: Tone, distance: f64) -> Tone {
    mixed(color, tone, (0.5 - distance).clamp(0.0, 1.0))
}

fn mixed(from: Tone, to: Tone, share: f64) -> Tone {
    std::array::from_fn(|idx| from[idx] + (to[idx] - from[idx]) * share)
}

/// A number that looks drawn by lot, fixed by its arguments (the finalizer of `SplitMix64`).
fn lot(seed: u64, x: i64, y: i64) -> u64 {
    let mut z = seed
        .wrapping_mul(0x9E37_79B9_7F4A_7C15)
        .wrapping_add((x as u64).wrapping_mul(0xBF58_476D_1CE4_E5B9))
        .wrapping_add((y as u64).wrapping_mul(0x94D0_49BB_1331_11EB));
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// Paints the field of a style over a whole raster; `short` is the shorter side, in pixels, of the frame that its
/// parts are made for.
///
/// Deterministic in its arguments. Cost: every pixel once, when a shot is laid out and not for its frames.
pub(super) fn paint(
    style: VisualStyle,
    palette: Palette,
    around: Around,
    seed: u64,
    short: f64,
    raster: &mut Raster,
) {
    let tones = Tones::of(style, palette, around);
    let size = [raster.width as f64, raster.height as f64];
    let plot: Box<dyn Fn(f64, f64) -> Tone> = match style {
        VisualStyle::Editorial => Box::new(move |x, y| tile(&tones, seed, short, x, y)),
        VisualStyle::Sale => Box::new(move |x, y| sunburst(&tones, seed, size, short, x, y)),
        VisualStyle::Premium => Box::new(move |x, y| fan(&tones, seed, short, x, y)),
        VisualStyle::Playful => Box::new(move |x, y| confetti(&tones, seed, short, x, y)),
        VisualStyle::Tech => Box::new(move |x, y| dots(&tones, seed, short, x, y)),
        VisualStyle::Documentary => return contours(&tones, seed, short, raster),
    };
    for (row, line) in raster.rows_mut().enumerate() {
        for (column, pixel) in line.chunks_exact_mut(4).enumerate() {
            let color = plot(column as f64 + 0.5, row as f64 + 0.5);
            put(pixel, color);
        }
    }
}

fn put(pixel: &mut [u8], color: Tone) {
    for (to, channel) in pixel.iter_mut().zip(color) {
        *to = channel.round().clamp(0.0, 255.0) as u8;
    }
    pixel[3] = 255;
}

/// Square tiles with parts of circles, as in posters of the twenties.
fn tile(tones: &Tones, seed: u64, short: f64, x: f64, y: f64) -> Tone {
    let side = short / (3.0 + (seed % 2) as f64);
    let (column, row) = ((x / side).floor(), (y / side).floor());
    let drawn = lot(seed, column as i64, row as i64);
    let (mut u, mut v) = (x / side - column, y / side - row);
    for _ in 0..(drawn >> 8) % 4 {
        (u, v) = (v, 1.0 - u);
    }
    let all = [tones.ground, tones.deep, tones.lift, tones.accent, tones.soft];
    let ground = [0, 0, 1, 2][((drawn >> 16) % 4) as usize];
    let figure = [3, 3, 4, 2, 1][((drawn >> 24) % 5) as usize];
    let (below, figure) = (all[ground], all[if figure == ground { 4 } else { figure }]);
    let distance = match drawn % 8 {
        0 => return below,
        1 | 2 => u.hypot(v) - 1.0,
        3 => (u - 0.5).hypot(v) - 0.5,
        4 => (u - 0.5).hypot(v - 0.5) - 0.5,
        5 => (u.hypot(v) - 0.72).abs() - 0.28,
        6 => (u.hypot(v) - 1.0).max((u - 1.0).hypot(v - 1.0) - 1.0),
        _ => (u + v - 1.0) * std::f64::consts::FRAC_1_SQRT_2,
    };
    let color = over(below, figure, distance * side);
    if drawn % 8 == 4 { over(color, below, ((u - 0.5).hypot(v - 0.5) - 0.2) * side) } else { color }
}

/// Rays around a disk, and a raster of dots that grows away from it.
fn sunburst(tones: &Tones, seed: u64, size: [f64; 2], short: f64, x: f64, y: f64) -> Tone {
    let places = [[0.5, 0.56], [0.18, 0.92], [0.84, 0.9], [0.86, 0.16]];
    let at = places[(seed % 4) as usize];
    let (dx, dy) = (x - at[0] * size[0], y - at[1] * size[1]);
    let away = dx.hypot(dy);
    let rays = 15.0;
    let angle = dy.atan2(dx) * rays + (seed % 7) as f64;
    // Distance to the nearest edge of a ray in pixels.
    let edge = angle.sin() * away / rays;
    let mut color = over(tones.ground, tones.soft, edge);
    let cell = short * 0.052;
    let (px, py) = ((x + y) * std::f64::consts::FRAC_1_SQRT_2, (x - y) * std::f64::consts::FRAC_1_SQRT_2);
    let dot = ((px.rem_euclid(cell)) - cell / 2.0).hypot(py.rem_euclid(cell) - cell / 2.0);
    let grown = ((away / short - 0.48) * 0.9).clamp(0.0, 0.44) * cell;
    if grown > 0.6 {
        color = over(color, tones.soft, dot - grown);
    }
    let radius = short * 0.24;
    color = over(color, tones.lift, away - radius * 1.30);
    color = over(color, tones.accent, away - radius);
    over(color, tones.ground, ((away - radius * 0.78).abs()) - short * 0.008)
}

/// Overlapping fans of fine lines.
fn fan(tones: &Tones, seed: u64, short: f64, x: f64, y: f64) -> Tone {
    let radius = short / (3.6 + (seed % 3) as f64 * 0.8);
    let step = radius * 0.5;
    let lowest = ((y + radius) / step).floor();
    for back in 0..5 {
        let row = lowest - f64::from(back);
        let shift = if row.rem_euclid(2.0) < 0.5 { 0.0 } else { radius };
        let column = ((x - shift) / (2.0 * radius)).round();
        let away = (x - shift - column * 2.0 * radius).hypot(y - row * step);
        if away > radius {
            continue;
        }
        let drawn = lot(seed, column as i64, row as i64);
        let fill =
            if drawn.is_multiple_of(5) { mixed(tones.ground, tones.accent, 0.20) } else { tones.ground };
        let mut color = mixed(fill, tones.deep, 0.55 * away / radius);
        let line = (short * 0.0028).max(0.7);
        for share in [0.985, 0.80, 0.60, 0.40, 0.20] {
            let strength = if share > 0.9 { 0.85 } else { 0.42 };
            let cover = (0.5 - ((away - radius * share).abs() - line)).clamp(0.0, 1.0) * strength;
            color = mixed(color, tones.accent, cover);
        }
        return color;
    }
    tones.ground
}

/// Plain shapes strewn over a loose grid.
fn confetti(tones: &Tones, seed: u64, short: f64, x: f64, y: f64) -> Tone {
    let cell = short / (3.4 + (seed % 2) as f64 * 0.9);
    let row = (y / cell).floor();
    let shifted = x + if row.rem_euclid(2.0) < 0.5 { 0.0 } else { cell / 2.0 };
    let column = (shifted / cell).floor();
    let drawn = lot(seed, column as i64, row as i64);
    let jitter = |bits: u64| ((drawn >> bits) % 100) as f64 / 100.0 - 0.5;
    let (cx, cy) = ((column + 0.5 + jitter(20) * 0.22) * cell, (row + 0.5 + jitter(30) * 0.22) * cell);
    let (dx, dy) = (shifted - cx, y - cy);
    let turn = ((drawn >> 40) % 16) as f64 * std::f64::consts::PI / 8.0;
    let (u, v) = (dx * turn.cos() + dy * turn.sin(), dy * turn.cos() - dx * turn.sin());
    let r = cell * 0.30;
    let white = mixed(tones.ground, [255.0; 3], 0.86);
    let tone = [tones.accent, white, tones.deep, tones.accent, tones.lift][((drawn >> 12) % 5) as usize];
    let distance = match drawn % 7 {
        0 => dx.hypot(dy) - r,
        1 => (dx.hypot(dy) - r * 0.8).abs() - r * 0.24,
        2 => rounded_distance(u, v, [-r * 1.25, -r * 0.34, r * 2.5, r * 0.68], r),
        3 => (u.abs().max(v.abs()) - r).max(u.abs().min(v.abs()) - r * 0.30),
        4 => (dx.hypot(dy) - r * 1.15).max(v),
        5 => ((v - (u / r * 3.4).sin() * r * 0.30).abs() - r * 0.17).max(u.abs() - r * 1.3),
        _ => dx.hypot(dy) - r * 0.46,
    };
    over(tones.ground, tone, distance)
}

/// A raster of dots whose size runs in waves.
fn dots(tones: &Tones, seed: u64, short: f64, x: f64, y: f64) -> Tone {
    let cell = short / 26.0;
    let (column, row) = ((x / cell).floor(), (y / cell).floor());
    let (cx, cy) = ((column + 0.5) / 26.0, (row + 0.5) / 26.0);
    let turn = 0.5 + (seed % 5) as f64 * 0.55;
    let along = cx * turn.cos() + cy * turn.sin();
    let across = cy * turn.cos() - cx * turn.sin();
    let wave = (along * 8.0 + (across * 5.0 + seed as f64 % 6.0).sin() * 1.4).sin() * 0.5 + 0.5;
    let swell = (along * 2.3 - across * 1.7 + (seed % 11) as f64).sin() * 0.5 + 0.5;
    let strength = wave * swell;
    let radius = cell * (0.09 + 0.38 * strength);
    let distance = (x - (column + 0.5) * cell).hypot(y - (row + 0.5) * cell) - radius;
    let glow = mixed(tones.ground, tones.accent, 0.16 * swell * swell);
    over(glow, mixed(tones.soft, tones.accent, strength), distance)
}

/// Contour lines of a hilly country, the heights in faint tints.
fn contours(tones: &Tones, seed: u64, short: f64, raster: &mut Raster) {
    const WAVES: [[f64; 4]; 5] = [
        [3.1, 1.3, 2.2, 0.4],
        [1.7, 2.9, 3.4, 1.1],
        [5.3, 0.7, 1.9, 2.6],
        [2.3, 4.1, 6.1, 0.2],
        [7.7, 3.3, 5.2, 1.7],
    ];
    const HEIGHTS: [f64; 5] = [1.0, 0.8, 0.42, 0.36, 0.14];
    const LEVELS: f64 = 3.6;
    let (width, height) = (raster.width, raster.height);
    let phase = (seed % 1_000) as f64 * 0.37;
    let table = |count: usize, of: usize| -> Vec<[f64; 5]> {
        (0..count)
            .map(|at| {
                let share = at as f64 / short;
                std::array::from_fn(|idx| (share * WAVES[idx][of] + WAVES[idx][of + 1] + phase).sin())
            })
            .collect()
    };
    let (across, down) = (table(width + 1, 0), table(height + 1, 2));
    let level = |x: usize, y: usize| -> f64 {
        (0..5).map(|idx| across[x][idx] * down[y][idx] * HEIGHTS[idx]).sum::<f64>() * LEVELS
    };
    let line = mixed(tones.ground, tones.ink, 0.42);
    let thin = (short * 0.0018).max(0.6);
    let mut above: Vec<f64> = (0..=width).map(|x| level(x, 0)).collect();
    for (y, row) in raster.rows_mut().enumerate() {
        let below: Vec<f64> = (0..=width).map(|x| level(x, y + 1)).collect();
        for (x, pixel) in row.chunks_exact_mut(4).enumerate() {
            let here = above[x];
            let slope = (above[x + 1] - here).hypot(below[x] - here).max(1e-6);
            let step = here.floor();
            let tint = mixed(tones.ground, tones.accent, ((step + 4.0) * 0.035).clamp(0.0, 0.34));
            let nearest = here.round();
            let away = (here - nearest).abs() / slope;
            let marked = nearest.rem_euclid(3.0) < 0.5;
            let (tone, thick) = if marked { (tones.accent, thin * 2.4) } else { (line, thin) };
            put(pixel, over(tint, tone, away - thick));
        }
        above = below;
    }
}

impl Stage<'_> {
    /// What arranges the fields of the shot: its layout and its background, which neighbors do not share.
    pub(super) fn seed(&self) -> u64 {
        let shot = self.input.shot;
        let picture = shot.picture.get(..8).and_then(|part| u64::from_str_radix(part, 16).ok());
        lot(shot.layout as u64, picture.unwrap_or(0) as i64, 1) >> 8
    }

    /// The field of the shot as a source for the camera. Its parts have the size that the frame asks for, also in
    /// small windows and narrow bands.
    pub(super) fn field_source(&self, size: [usize; 2], around: Around) -> Raster {
        let mut source = Raster::filled(size[0].max(2), size[1].max(2), [0, 0, 0, 255]);
        let frame = self.width.min(self.height);
        let short = (size[0].min(size[1]) as f64).clamp(frame * 0.62, frame);
        paint(self.style(), self.input.board.palette, around, self.seed(), short, &mut source);
        source
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_differ_by_style_and_seed_and_are_the_same_twice() {
        let palette =
            Palette { primary: Color { r: 31, g: 58, b: 95 }, accent: Color { r: 242, g: 181, b: 68 } };
        let drawn = |style, seed| {
            let mut raster = Raster::filled(90, 160, [0, 0, 0, 255]);
            paint(style, palette, Around::Nothing, seed, 90.0, &mut raster);
            raster.data
        };
        let mut seen = Vec::new();
        for style in VisualStyle::ALL {
            for seed in [1, 2, 3] {
                let field = drawn(style, seed);
                assert_eq!(field, drawn(style, seed));
                assert!(field.chunks_exact(4).all(|pixel| pixel[3] == 255));
                assert!(!seen.contains(&field), "{style:?} {seed} was seen");
                seen.push(field);
            }
        }
    }

    #[test]
    fn a_field_shows_something_whatever_the_colors() {
        for [primary, accent] in [["#000000", "#000000"], ["#FFFFFF", "#FFFFFF"], ["#777777", "#7A7A7A"]] {
            let color = |text: &str| Color::parse(text).expect("a color");
            let palette = Palette { primary: color(primary), accent: color(accent) };
            for style in VisualStyle::ALL {
                for around in [Around::Texts, Around::Ground, Around::Nothing] {
                    let mut raster = Raster::filled(90, 160, [0, 0, 0, 255]);
                    paint(style, palette, around, 5, 90.0, &mut raster);
                    let lumas = raster.data.chunks_exact(4).map(|pixel| pixel[1]);
                    let (least, most) = lumas.fold((255, 0), |(a, b), luma| (luma.min(a), luma.max(b)));
                    assert!(most - least > 24, "{style:?} of {primary} and {accent}: {least} to {most}");
                }
            }
        }
    }
}
