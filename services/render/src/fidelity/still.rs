//! Stills: RGB pictures, their luma, and scaling of both.

use std::sync::OnceLock;

/// An RGB picture in sRGB, three bytes a pixel, row-major.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Still {
    width: usize,
    height: usize,
    rgb: Vec<u8>,
}

impl Still {
    /// A picture of `width * height` pixels; `None` when it has no pixels or `rgb` is of another length.
    #[must_use]
    pub fn new(width: usize, height: usize, rgb: Vec<u8>) -> Option<Self> {
        (width > 0 && height > 0 && rgb.len() == width * height * 3).then_some(Self { width, height, rgb })
    }

    /// Pixels from left to right.
    #[must_use]
    pub const fn width(&self) -> usize {
        self.width
    }

    /// Pixels from top to bottom.
    #[must_use]
    pub const fn height(&self) -> usize {
        self.height
    }

    pub(super) fn pixel(&self, x: usize, y: usize) -> [u8; 3] {
        let at = (y * self.width + x) * 3;
        [self.rgb[at], self.rgb[at + 1], self.rgb[at + 2]]
    }

    /// The mean color of the part from (`x0`, `y0`) to (`x1`, `y1`), in fractional pixels, with the edge
    /// repeated outside; in linear light, 0–1.
    pub(super) fn mean_linear(&self, [x0, y0, x1, y1]: [f64; 4]) -> [f64; 3] {
        let inside = |value: f64, most: usize| (value.max(0.0) as usize).min(most - 1);
        let (left, right) = (inside(x0, self.width), inside(x1.ceil() - 1.0, self.width));
        let (top, bottom) = (inside(y0, self.height), inside(y1.ceil() - 1.0, self.height));
        let mut sum = [0.0; 3];
        let mut count = 0.0;
        for y in top..=bottom.max(top) {
            for x in left..=right.max(left) {
                for (sum, channel) in sum.iter_mut().zip(self.pixel(x, y)) {
                    *sum += f64::from(linear(channel));
                }
                count += 1.0;
            }
        }
        sum.map(|sum| sum / count)
    }

    /// Luma of the whole picture, 0–255.
    pub(super) fn luma(&self) -> Plane {
        let weigh = |p: &[u8]| 0.2126 * f32::from(p[0]) + 0.7152 * f32::from(p[1]) + 0.0722 * f32::from(p[2]);
        let data = self.rgb.chunks_exact(3).map(weigh).collect();
        Plane { width: self.width, height: self.height, data }
    }
}

/// Linear light of an sRGB channel, 0–1, from a table.
fn linear(channel: u8) -> f32 {
    static TABLE: OnceLock<[f32; 256]> = OnceLock::new();
    let table = TABLE.get_or_init(|| {
        std::array::from_fn(|channel| {
            let c = channel as f32 / 255.0;
            if c <= 0.04045 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) }
        })
    });
    table[usize::from(channel)]
}

/// CIE L*a*b* (D65) of linear sRGB.
///
/// # Source
/// IEC 61966-2-1 for the matrix, CIE 15 for L*a*b*.
pub(super) fn lab([r, g, b]: [f64; 3]) -> [f64; 3] {
    let x = (0.412_456 * r + 0.357_576 * g + 0.180_438 * b) / 0.950_47;
    let y = 0.212_673 * r + 0.715_152 * g + 0.072_175 * b;
    let z = (0.019_334 * r + 0.119_192 * g + 0.950_304 * b) / 1.088_83;
    let f = |t: f64| if t > 0.008_856 { t.cbrt() } else { 7.787 * t + 16.0 / 116.0 };
    [116.0 * f(y) - 16.0, 500.0 * (f(x) - f(y)), 200.0 * (f(y) - f(z))]
}

/// One channel of a picture.
#[derive(Debug, Clone)]
pub(super) struct Plane {
    pub(super) width: usize,
    pub(super) height: usize,
    pub(super) data: Vec<f32>,
}

impl Plane {
    pub(super) fn at(&self, x: usize, y: usize) -> f32 {
        self.data[y * self.width + x]
    }

    /// Value at fractional pixel centers, bilinear, with the edge repeated outside.
    pub(super) fn sample(&self, x: f32, y: f32) -> f32 {
        let x = x.clamp(0.0, self.width as f32 - 1.0);
        let y = y.clamp(0.0, self.height as f32 - 1.0);
        let (left, top) = (x as usize, y as usize);
        let (fx, fy) = (x - left as f32, y - top as f32);
        let (right, bottom) = ((left + 1).min(self.width - 1), (top + 1).min(self.height - 1));
        let upper = self.at(left, top) * (1.0 - fx) + self.at(right, top) * fx;
        let lower = self.at(left, bottom) * (1.0 - fx) + self.at(right, bottom) * fx;
        upper * (1.0 - fy) + lower * fy
    }

    /// The part (left, top, width, height, in fractional pixels) at `width` x `height`, each pixel the mean
    /// of what it covers.
    pub(super) fn part(&self, area: [f64; 4], width: usize, height: usize) -> Self {
        let [left, top, wide, high] = area;
        let (sx, sy) = (wide / width as f64, high / height as f64);
        // So many samples along each side of a pixel that none of the source is passed over.
        let (nx, ny) = ((sx.ceil() as usize).clamp(1, 16), (sy.ceil() as usize).clamp(1, 16));
        let mut data = Vec::with_capacity(width * height);
        for y in 0..height {
            for x in 0..width {
                let mut sum = 0.0;
                for j in 0..ny {
                    let v = top + (y as f64 + (j as f64 + 0.5) / ny as f64) * sy - 0.5;
                    for i in 0..nx {
                        let u = left + (x as f64 + (i as f64 + 0.5) / nx as f64) * sx - 0.5;
                        sum += self.sample(u as f32, v as f32);
                    }
                }
                data.push(sum / (nx * ny) as f32);
            }
        }
        Self { width, height, data }
    }

    /// The whole at `width` x `height`.
    pub(super) fn scaled(&self, width: usize, height: usize) -> Self {
        self.part([0.0, 0.0, self.width as f64, self.height as f64], width, height)
    }

    /// Half the size, each pixel the mean of four.
    pub(super) fn halved(&self) -> Self {
        let (width, height) = ((self.width / 2).max(1), (self.height / 2).max(1));
        let mut data = Vec::with_capacity(width * height);
        for y in 0..height {
            let (top, bottom) = (2 * y, (2 * y + 1).min(self.height - 1));
            for x in 0..width {
                let (left, right) = (2 * x, (2 * x + 1).min(self.width - 1));
                let sum =
                    self.at(left, top) + self.at(right, top) + self.at(left, bottom) + self.at(right, bottom);
                data.push(sum / 4.0);
            }
        }
        Self { width, height, data }
    }

    pub(super) fn mirrored(&self) -> Self {
        let data = self.data.chunks_exact(self.width).flat_map(|row| row.iter().rev().copied()).collect();
        Self { width: self.width, height: self.height, data }
    }

    /// Mean over squares of `2 * radius + 1` pixels, twice.
    pub(super) fn blurred(&self, radius: usize) -> Self {
        let pass = |source: &Self, dx: usize, dy: usize| -> Self {
            let mut data = Vec::with_capacity(source.data.len());
            for y in 0..source.height {
                for x in 0..source.width {
                    let (mut sum, mut count) = (0.0, 0.0);
                    for j in y.saturating_sub(dy)..=(y + dy).min(source.height - 1) {
                        for i in x.saturating_sub(dx)..=(x + dx).min(source.width - 1) {
                            sum += source.at(i, j);
                            count += 1.0;
                        }
                    }
                    data.push(sum / count);
                }
            }
            Self { width: source.width, height: source.height, data }
        };
        let once = pass(&pass(self, radius, 0), 0, radius);
        pass(&pass(&once, radius, 0), 0, radius)
    }

    /// Steepness at each pixel.
    pub(super) fn edges(&self) -> Self {
        let mut data = Vec::with_capacity(self.data.len());
        for y in 0..self.height {
            for x in 0..self.width {
                let (left, right) = (x.saturating_sub(1), (x + 1).min(self.width - 1));
                let (above, below) = (y.saturating_sub(1), (y + 1).min(self.height - 1));
                let dx = self.at(right, y) - self.at(left, y);
                let dy = self.at(x, below) - self.at(x, above);
                data.push(dx.hypot(dy));
            }
        }
        Self { width: self.width, height: self.height, data }
    }
}

/// Correlation of `a` and `b` where `weights` is above zero, in [-1, 1]; 0 where either is flat.
pub(super) fn correlation(a: &[f32], b: &[f32], weights: &[f32]) -> f64 {
    let (mut n, mut sa, mut sb, mut saa, mut sbb, mut sab) = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0);
    for ((a, b), w) in a.iter().zip(b).zip(weights) {
        let (a, b, w) = (f64::from(*a), f64::from(*b), f64::from(*w));
        n += w;
        sa += w * a;
        sb += w * b;
        saa += w * a * a;
        sbb += w * b * b;
        sab += w * a * b;
    }
    if n <= 0.0 {
        return 0.0;
    }
    let (va, vb) = (saa / n - (sa / n).powi(2), sbb / n - (sb / n).powi(2));
    if va < 1e-3 || vb < 1e-3 {
        return 0.0;
    }
    (sab / n - sa / n * (sb / n)) / (va * vb).sqrt()
}

/// Spread (standard deviation) of `a` where `weights` is above zero.
pub(super) fn spread(a: &[f32], weights: &[f32]) -> f64 {
    let (mut n, mut sum, mut squares) = (0.0, 0.0, 0.0);
    for (a, w) in a.iter().zip(weights) {
        let (a, w) = (f64::from(*a), f64::from(*w));
        n += w;
        sum += w * a;
        squares += w * a * a;
    }
    if n <= 0.0 { 0.0 } else { (squares / n - (sum / n).powi(2)).max(0.0).sqrt() }
}
