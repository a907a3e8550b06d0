//! What encoding left of the composited frames: structural similarity of luma, and color.

use spotwright_media::{VideoView, Yuv420};

use super::Checks;

/// Least mean structural similarity of a sampled frame.
pub(super) const MIN_SSIM: f64 = 0.90;
/// Least structural similarity of any ninth of a sampled frame.
pub(super) const MIN_PART: f64 = 0.80;
/// Least mean structural similarity of the squares that hold letters and strong edges. Encoding may take
/// grain, which lowers the mean of all squares; it must not take these.
pub(super) const MIN_LINES: f64 = 0.90;
/// Variance of luma above which a square holds letters or strong edges, in codes squared.
const STRONG: f64 = 600.0;
/// Largest mean difference of a plane's squares, in codes of 255. Means over squares tell color and light;
/// what encoding takes of grain and lines does not change them.
pub(super) const MAX_CODES: f64 = 1.8;
/// Side of the squares that are compared, in pixels.
const SQUARE: usize = 8;
/// Parts along each side of a frame.
const PARTS: usize = 3;

/// How near a decoded frame comes to the frame that was encoded.
#[derive(Debug, Clone, Copy)]
pub(super) struct Likeness {
    /// Mean structural similarity of luma, in [-1, 1].
    pub(super) ssim: f64,
    /// The same of the worst part.
    pub(super) part: f64,
    /// The same of the squares with letters and strong edges; 1 where there are none.
    pub(super) lines: f64,
    /// Largest mean difference of one of the three planes, over squares.
    pub(super) codes: f64,
}

impl Likeness {
    pub(super) fn worse(self, other: Self) -> Self {
        Self {
            ssim: self.ssim.min(other.ssim),
            part: self.part.min(other.part),
            lines: self.lines.min(other.lines),
            codes: self.codes.max(other.codes),
        }
    }
}

/// Compares a decoded frame with the composited one; `None` when their sizes differ.
///
/// # Source
/// SSIM: Wang et al. (2004), eq. 13, over squares of 8 pixels that do not overlap instead of a sliding
/// Gaussian window; constants K1 = 0.01, K2 = 0.03, L = 255.
pub(super) fn compare(view: &VideoView<'_>, planned: &Yuv420) -> Option<Likeness> {
    if (view.width, view.height) != (planned.width, planned.height) || view.width < SQUARE * PARTS {
        return None;
    }
    let (plane, stride) = view.planes[0];
    let (columns, rows) = (view.width / SQUARE, view.height / SQUARE);
    let mut parts = [(0.0_f64, 0.0_f64); PARTS * PARTS];
    let mut lines = (0.0_f64, 0.0_f64);
    for row in 0..rows {
        for column in 0..columns {
            let at = |line: usize| (row * SQUARE + line, column * SQUARE);
            let (ssim, variance) = square(
                |line| {
                    let (y, x) = at(line);
                    &plane[y * stride + x..y * stride + x + SQUARE]
                },
                |line| {
                    let (y, x) = at(line);
                    &planned.y[y * planned.width + x..y * planned.width + x + SQUARE]
                },
            );
            if variance > STRONG {
                lines = (lines.0 + ssim, lines.1 + 1.0);
            }
            let part = &mut parts[row * PARTS / rows * PARTS + column * PARTS / columns];
            *part = (part.0 + ssim, part.1 + 1.0);
        }
    }
    let total = parts.iter().fold((0.0, 0.0), |sum, part| (sum.0 + part.0, sum.1 + part.1));
    let part = parts.iter().map(|(sum, n)| sum / n.max(1.0)).fold(1.0, f64::min);
    let half = planned.width / 2;
    let planes = [(&planned.y, planned.width), (&planned.u, half), (&planned.v, half)];
    let codes = planes.into_iter().zip(view.planes).map(|((own, width), (seen, stride))| {
        color_distance((own, width), (seen, stride), width, own.len() / width.max(1))
    });
    let lines = if lines.1 > 0.0 { lines.0 / lines.1 } else { 1.0 };
    let ssim = total.0 / f64::max(total.1, 1.0);
    Some(Likeness { ssim, part, lines, codes: codes.fold(0.0, f64::max) })
}

/// Mean over squares of the distance of their means; planes are given with their strides.
fn color_distance(own: (&[u8], usize), seen: (&[u8], usize), width: usize, height: usize) -> f64 {
    let (columns, rows) = (width / SQUARE, height / SQUARE);
    let mut sum = 0_u64;
    for row in 0..rows {
        for column in 0..columns {
            let mut difference = 0_i64;
            for line in row * SQUARE..(row + 1) * SQUARE {
                let part = |(plane, stride): (&'_ [u8], usize)| -> i64 {
                    let from = line * stride + column * SQUARE;
                    plane[from..from + SQUARE].iter().map(|value| i64::from(*value)).sum()
                };
                difference += part(own) - part(seen);
            }
            sum += difference.unsigned_abs();
        }
    }
    sum as f64 / (SQUARE * SQUARE * columns * rows).max(1) as f64
}

/// Structural similarity of two squares, and the variance of the second one.
fn square<'a>(a: impl Fn(usize) -> &'a [u8], b: impl Fn(usize) -> &'a [u8]) -> (f64, f64) {
    let (mut sa, mut sb, mut saa, mut sbb, mut sab) = (0_u32, 0_u32, 0_u32, 0_u32, 0_u32);
    for line in 0..SQUARE {
        for (a, b) in a(line).iter().zip(b(line)) {
            let (a, b) = (u32::from(*a), u32::from(*b));
            sa += a;
            sb += b;
            saa += a * a;
            sbb += b * b;
            sab += a * b;
        }
    }
    let n = (SQUARE * SQUARE) as f64;
    let (ma, mb) = (f64::from(sa) / n, f64::from(sb) / n);
    let (va, vb) = (f64::from(saa) / n - ma * ma, f64::from(sbb) / n - mb * mb);
    let cov = f64::from(sab) / n - ma * mb;
    let (c1, c2) = (6.5025, 58.5225);
    let ssim = ((2.0 * ma * mb + c1) * (2.0 * cov + c2)) / ((ma * ma + mb * mb + c1) * (va + vb + c2));
    (ssim, vb)
}

/// Checks the worst of all sampled frames; `None` when there was none, which fails.
pub(super) fn check(checks: &mut Checks, worst: Option<Likeness>, frames: usize, planned: usize) {
    let Some(worst) = worst.filter(|_| frames == planned) else {
        let value = format!("{frames} of {planned} frames compared");
        checks.add("ssim", false, value, format!("at least {MIN_SSIM:.2} of every sampled frame"));
        return;
    };
    let Likeness { ssim, part, lines, .. } = worst;
    let value = format!(
        "{ssim:.3} at worst, {part:.3} of its worst ninth, {lines:.3} of letters and edges, {frames} frames"
    );
    let pass = ssim >= MIN_SSIM && part >= MIN_PART && lines >= MIN_LINES;
    let limit =
        format!("at least {MIN_SSIM:.2}, {MIN_PART:.2} of every ninth, {MIN_LINES:.2} of letters and edges");
    checks.add("ssim", pass, value, limit);
    let value = format!("{:.2} codes at most", worst.codes);
    checks.add(
        "color_match",
        worst.codes <= MAX_CODES,
        value,
        format!("at most {MAX_CODES:.1} codes of 255"),
    );
}
