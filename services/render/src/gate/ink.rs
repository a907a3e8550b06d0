//! Text on decoded pixels: its contrast, and whether the ink that was planned is there.

use std::sync::OnceLock;

use spotwright_media::VideoView;
use spotwright_schemas::storyboard::Color;

use crate::pixels::from_yuv;
use crate::scene::TextBox;

/// Highest coverage of colored pictures (emoji) in a line: neither ink nor ground.
const PICTURES: u8 = 200;

/// What was seen of one line of text in one frame.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ink {
    /// Contrast ratio (WCAG 2.2) between ink and ground; 0 when there is neither.
    pub(super) contrast: f64,
    /// Agreement of luma with the planned ink over the line, in [0, 1].
    pub(super) agreement: f64,
    /// The same of the part of the line that agrees least, about as wide as the line is high.
    pub(super) weakest: f64,
}

pub(crate) fn color_at(view: &VideoView<'_>, x: usize, y: usize) -> [u8; 3] {
    let [(luma, a), (blue, b), (red, c)] = view.planes;
    from_yuv(luma[y * a + x], blue[y / 2 * b + x / 2], red[y / 2 * c + x / 2])
}

/// Relative luminance, from a table of linear light.
fn luminance([r, g, b]: [u8; 3]) -> f64 {
    static TABLE: OnceLock<Vec<f64>> = OnceLock::new();
    let table = TABLE.get_or_init(|| (0..=255).map(|c| Color { r: c, g: c, b: c }.luminance()).collect());
    0.2126 * table[usize::from(r)] + 0.7152 * table[usize::from(g)] + 0.0722 * table[usize::from(b)]
}

/// Looks at one line of text.
///
/// Ink: the median of pixels that are wholly covered. Ground: pixels within a third of the line's
/// height of the box and at least 3 pixels from any ink, since chroma is halved and edges ring; the
/// decile nearest to the ink, so that one bright spot under a line is not averaged away.
pub(super) fn look(view: &VideoView<'_>, text: &TextBox) -> Ink {
    let [x0, y0, w, h] = text.rect;
    let covered = |x: i64, y: i64| -> u8 {
        if x < 0 || y < 0 || x >= w || y >= h { 0 } else { text.coverage[(y * w + x) as usize] }
    };
    let inside = |x: i64, y: i64| {
        let (x, y) = (usize::try_from(x0 + x).ok()?, usize::try_from(y0 + y).ok()?);
        (x < view.width && y < view.height).then_some((x, y))
    };
    let (mut ink, mut ground) = (Vec::new(), Vec::new());
    // A plate ends a little outside the text.
    let margin = if text.plated { 1 } else { (h / 3).clamp(2, 24) };
    let step = if w * h > 40_000 { 2 } else { 1 };
    let cells = (w / h.max(1)).clamp(1, 24);
    let mut sums = vec![Agreement::default(); cells as usize];
    for y in (-margin..h + margin).step_by(step) {
        for x in (-margin..w + margin).step_by(step) {
            let here = covered(x, y);
            let Some((px, py)) = inside(x, y) else {
                // Ink beyond the frame is ink that is not there.
                if here > 0 {
                    sums[(x * cells / w.max(1)).clamp(0, cells - 1) as usize].add(f64::from(here), 0.0);
                }
                continue;
            };
            if (0..h).contains(&y) && (0..w).contains(&x) && here != PICTURES {
                let luma = f64::from(view.planes[0].0[py * view.planes[0].1 + px]);
                sums[(x * cells / w.max(1)).clamp(0, cells - 1) as usize].add(f64::from(here), luma);
            }
            if here >= 250 {
                ink.push(luminance(color_at(view, px, py)));
            } else if here == 0 {
                let near = [(-3, 0), (3, 0), (0, -3), (0, 3), (-2, -2), (2, 2), (-2, 2), (2, -2)];
                if near.iter().all(|(dx, dy)| covered(x + dx, y + dy) == 0) {
                    ground.push(luminance(color_at(view, px, py)));
                }
            }
        }
    }
    let whole = sums.iter().fold(Agreement::default(), |all, cell| all.with(cell));
    let agreement = whole.value().unwrap_or(0.0);
    // A part counts where it holds enough of both ink and ground to tell them apart.
    let parts = sums.iter().filter_map(Agreement::value);
    let weakest = parts.map(|part| part * agreement.signum()).fold(agreement.abs(), f64::min);
    let seen = Ink { contrast: 0.0, agreement: agreement.abs(), weakest };
    if ink.is_empty() || ground.is_empty() {
        return seen;
    }
    ink.sort_by(f64::total_cmp);
    ground.sort_by(f64::total_cmp);
    let text_luminance = ink[ink.len() / 2];
    let lighter = text_luminance > ground[ground.len() / 2];
    let worst = if lighter { ground[ground.len() * 9 / 10] } else { ground[ground.len() / 10] };
    Ink { contrast: (text_luminance.max(worst) + 0.05) / (text_luminance.min(worst) + 0.05), ..seen }
}

/// Running sums for a correlation of coverage and luma.
#[derive(Debug, Clone, Copy, Default)]
struct Agreement {
    n: f64,
    a: f64,
    b: f64,
    aa: f64,
    bb: f64,
    ab: f64,
}

impl Agreement {
    fn add(&mut self, a: f64, b: f64) {
        self.n += 1.0;
        self.a += a;
        self.b += b;
        self.aa += a * a;
        self.bb += b * b;
        self.ab += a * b;
    }

    fn with(&self, other: &Self) -> Self {
        Self {
            n: self.n + other.n,
            a: self.a + other.a,
            b: self.b + other.b,
            aa: self.aa + other.aa,
            bb: self.bb + other.bb,
            ab: self.ab + other.ab,
        }
    }

    /// The correlation; `None` when there is hardly any ink, or nothing but ink.
    fn value(&self) -> Option<f64> {
        if self.n < 24.0 {
            return None;
        }
        let (ma, mb) = (self.a / self.n, self.b / self.n);
        let (va, vb) = (self.aa / self.n - ma * ma, self.bb / self.n - mb * mb);
        if va < 1_600.0 {
            return None;
        }
        // Where the ink should be and all is of one color, it is not.
        if vb < 4.0 { Some(0.0) } else { Some((self.ab / self.n - ma * mb) / (va * vb).sqrt()) }
    }
}
