//! How a shot takes the place of the one before: a panel in the style's colors goes away from its first
//! frames.
//!
//! A shot is encoded without its neighbors, so that it can be shared; a transition is therefore part of the
//! shot that comes. It takes a quarter of a second, and in its first frame a good part of the picture is
//! seen.

use spotwright_schemas::storyboard::{Color, Motion, VisualStyle};

use crate::pixels::{self, Raster};

/// Length in seconds.
pub(crate) const LENGTH: f64 = 0.24;
/// Share of the way that is done in a shot's first frame.
const BEGUN: f64 = 0.16;
const BLACK: Color = Color { r: 0, g: 0, b: 0 };

/// The panel that goes away.
#[derive(Debug, Clone)]
pub(crate) struct Transition {
    pub(crate) style: VisualStyle,
    /// The color of the panel, and of its edge.
    pub(crate) panel: Color,
    pub(crate) edge: Color,
    /// The camera's way, which the panel follows.
    pub(crate) motion: Motion,
    /// Frames that it takes.
    pub(crate) frames: u32,
}

/// What lies over a pixel: a color and how much of it, 0–1.
type Cover = (Color, f64);

impl Transition {
    /// Draws what is left of the panel in frame `frame` of the shot.
    pub(crate) fn draw(&self, frame: u32, canvas: &mut Raster) {
        if frame >= self.frames {
            return;
        }
        let share = BEGUN + (1.0 - BEGUN) * f64::from(frame) / f64::from(self.frames);
        let open = 1.0 - (1.0 - share).powi(3);
        let (width, height) = (canvas.width as f64, canvas.height as f64);
        for (row, line) in canvas.rows_mut().enumerate() {
            let y = row as f64 + 0.5;
            for (column, pixel) in line.chunks_exact_mut(4).enumerate() {
                let (color, cover) = self.cover(column as f64 + 0.5, y, [width, height], open);
                if cover <= 0.0 {
                    continue;
                }
                let share = (cover.min(1.0) * 256.0) as i32;
                for (to, from) in pixel.iter_mut().zip([color.r, color.g, color.b]) {
                    *to = (i32::from(*to) + (((i32::from(from) - i32::from(*to)) * share) >> 8)) as u8;
                }
            }
        }
    }

    /// What lies over a pixel once `open` of the way is done.
    fn cover(&self, x: f64, y: f64, [width, height]: [f64; 2], open: f64) -> Cover {
        // As if the panel always left to the right.
        let across = if self.motion == Motion::PanRight { width - x } else { x };
        match self.style {
            VisualStyle::Editorial => {
                let band = width * 0.09;
                self.swept(across + (y - height / 2.0) * 0.22, width + height * 0.22 + band, band, open)
            }
            VisualStyle::Sale => self.slats(across + (height - y) * 0.35, [width, height], open),
            VisualStyle::Premium => {
                // A soft edge that is as wide as half of the frame.
                let soft = width * 0.5;
                let past = across - (width + soft) * open + soft;
                (self.panel, (past / soft).clamp(0.0, 1.0) * (1.0 - open).sqrt())
            }
            VisualStyle::Playful => self.iris(x, y, [width, height], open),
            VisualStyle::Tech => self.blocks(x, y, [width, height], open),
            VisualStyle::Documentary => {
                // A sheet of paper with a colored hem that is drawn up, and its shadow.
                let end = height * (1.0 - open);
                let shadow = (1.0 - (y - end) / (height * 0.03)).clamp(0.0, 1.0);
                if y >= end {
                    (BLACK, 0.35 * shadow * shadow)
                } else if y > end - height * 0.012 {
                    (self.edge, 1.0)
                } else {
                    (self.panel, 1.0)
                }
            }
        }
    }

    /// A panel that leaves with an edge of `band` pixels; `length` is its whole way.
    fn swept(&self, at: f64, length: f64, band: f64, open: f64) -> Cover {
        let from = at - (length * open - length * 0.1);
        let share = (from + 0.5).clamp(0.0, 1.0);
        if from < band { (self.edge, share) } else { (self.panel, share) }
    }

    /// Slanted slats that become thinner, the first ones first.
    fn slats(&self, at: f64, [width, height]: [f64; 2], open: f64) -> Cover {
        let slat = width * 0.2;
        let count = (width + height * 0.35) / slat;
        let (idx, within) = ((at / slat).floor(), at.rem_euclid(slat));
        let own = (open * 1.5 - 0.5 * idx / count).clamp(0.0, 1.0);
        let covered = (within - slat * own + 0.5).clamp(0.0, 1.0);
        (if idx.rem_euclid(2.0) < 1.0 { self.panel } else { self.edge }, covered)
    }

    /// A round opening in the middle, within a ring.
    fn iris(&self, x: f64, y: f64, [width, height]: [f64; 2], open: f64) -> Cover {
        let radius = width.hypot(height) / 2.0 * open;
        let away = (x - width / 2.0).hypot(y - height / 2.0) - radius;
        let color = if away < width.min(height) * 0.06 { self.edge } else { self.panel };
        (color, (away + 0.5).clamp(0.0, 1.0))
    }

    /// Square blocks that go one after the other, from the lower left on.
    fn blocks(&self, x: f64, y: f64, [width, height]: [f64; 2], open: f64) -> Cover {
        let side = width.min(height) / 9.0;
        let (column, row) = ((x / side).floor(), (y / side).floor());
        let lot = (column * 12.989_8 + row * 78.233).sin() * 43_758.545_3;
        // Of the block's middle, so that it goes as a whole.
        let (across, down) = ((column + 0.5) * side / width, (row + 0.5) * side / height);
        let order = 0.55 * (across * 0.5 + (1.0 - down) * 0.5) + 0.45 * (lot - lot.floor());
        let left = order - open;
        if left <= 0.0 { (self.panel, 0.0) } else { (if left < 0.06 { self.edge } else { self.panel }, 1.0) }
    }
}

/// The panel's colors in a style: the ground and its accent, or the other way round where the ground is as
/// light as paper and a flash of it would dazzle.
pub(crate) fn colors(style: VisualStyle, ground: Color, accent: Color) -> [Color; 2] {
    match style {
        VisualStyle::Sale | VisualStyle::Playful => [accent, ground],
        VisualStyle::Documentary => [pixels::mix(ground, accent, 0.12), accent],
        _ => [ground, accent],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn covered(style: VisualStyle, frame: u32) -> f64 {
        let color = |r| Color { r, g: 0, b: 0 };
        let transition =
            Transition { style, panel: color(250), edge: color(240), motion: Motion::PushIn, frames: 7 };
        let mut canvas = Raster::filled(90, 160, [0, 0, 255, 255]);
        transition.draw(frame, &mut canvas);
        let over = canvas.data.chunks_exact(4).filter(|pixel| pixel[2] < 128).count();
        over as f64 / (90.0 * 160.0)
    }

    #[test]
    fn a_part_of_the_shot_is_seen_at_once_and_all_of_it_after_a_quarter_of_a_second() {
        for style in VisualStyle::ALL {
            let first = covered(style, 0);
            assert!((0.05..0.85).contains(&first), "{style:?} covers {first:.2} of the first frame");
            let shares: Vec<f64> = (0..8).map(|frame| covered(style, frame)).collect();
            assert!(shares.windows(2).all(|pair| pair[1] <= pair[0] + 1e-9), "{style:?}: {shares:?}");
            assert!(shares[4] < 0.12 && shares[7] == 0.0, "{style:?}: {shares:?}");
        }
    }
}
