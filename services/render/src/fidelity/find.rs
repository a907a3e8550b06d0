//! Where in a frame the product is: coarse search at many sizes, then refinement of place, size and shape.

use super::still::{Plane, Still, correlation, lab};

/// Longer side of a frame in the coarse search, in pixels.
const COARSE: f64 = 72.0;
/// Longer side of the template while all candidates are refined, and while the best are.
const FINE: [usize; 2] = [28, 64];
/// Smallest step of both refinements, as a share of the product's size.
const STEPS: [f64; 2] = [0.02, 0.002];
/// Longer side at which a product is compared.
pub(super) const COMPARED: usize = 160;
/// Sizes that are tried, as shares of the frame: longer side of the product by the frame's longer side.
const SIZES: [f64; 17] =
    [0.14, 0.16, 0.185, 0.21, 0.24, 0.28, 0.32, 0.37, 0.42, 0.49, 0.56, 0.64, 0.74, 0.85, 0.97, 1.12, 1.28];
/// Places that are refined: of all, and of these once more.
const CANDIDATES: [usize; 2] = [10, 2];
/// Agreement of luma below which a place is none of the product.
const LEAST: f64 = 0.2;
/// Color distance from the ground at which a pixel belongs to the product, in ΔE.
const APART: f64 = 9.0;

/// A product cut out of its reference picture.
pub(super) struct Template {
    pub(super) still: Still,
    pub(super) luma: Plane,
    /// Left, top, width and height of the product in the picture.
    pub(super) area: [f64; 4],
    /// 1 where the product is, over `COMPARED` pixels of its longer side.
    pub(super) mask: Plane,
}

/// Where a product was found in a frame.
#[derive(Debug, Clone, Copy)]
pub(super) struct Found {
    /// Center in pixels of the frame.
    pub(super) center: [f64; 2],
    /// Width and height in pixels of the frame.
    pub(super) size: [f64; 2],
    /// Width to height, by the same of the reference.
    pub(super) stretch: f64,
    /// Agreement of luma, in [-1, 1].
    pub(super) agreement: f64,
    /// Where the mirrored product fits best nearby.
    pub(super) mirrored: Option<Place>,
}

/// A place in a frame.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub(super) center: [f64; 2],
    pub(super) size: [f64; 2],
    pub(super) agreement: f64,
}

impl Place {
    pub(super) fn area(&self) -> [f64; 4] {
        let [w, h] = self.size;
        [self.center[0] - w / 2.0, self.center[1] - h / 2.0, w, h]
    }
}

impl Found {
    /// Longer side in pixels.
    pub(super) fn side(&self) -> f64 {
        self.size[0].max(self.size[1])
    }

    pub(super) fn area(&self) -> [f64; 4] {
        let [w, h] = self.size;
        [self.center[0] - w / 2.0, self.center[1] - h / 2.0, w, h]
    }
}

impl Template {
    /// Cuts the product out; `None` when the picture is flat.
    pub(super) fn of(still: &Still) -> Option<Self> {
        let luma = still.luma();
        let (area, plain) = product_area(still);
        let (width, height) = fit(area[2] / area[3], COMPARED);
        let mask = if let Some(ground) = plain {
            let (sx, sy) = (area[2] / width as f64, area[3] / height as f64);
            let mut data = Vec::with_capacity(width * height);
            for y in 0..height {
                for x in 0..width {
                    let (left, top) = (area[0] + x as f64 * sx, area[1] + y as f64 * sy);
                    let color = lab(still.mean_linear([left, top, left + sx, top + sy]));
                    data.push(if distance(color, ground) > APART { 1.0 } else { 0.0 });
                }
            }
            filled(&Plane { width, height, data })
        } else {
            Plane { width, height, data: vec![1.0; width * height] }
        };
        let part = luma.part(area, width, height);
        let detailed = super::still::spread(&part.data, &mask.data) > 3.0;
        detailed.then(|| Self { still: still.clone(), luma, area, mask })
    }

    fn shape(&self) -> f64 {
        self.area[2] / self.area[3]
    }
}

/// Width and height with this ratio whose longer side is `longest`.
fn fit(ratio: f64, longest: usize) -> (usize, usize) {
    let long = longest as f64;
    let (w, h) = if ratio >= 1.0 { (long, long / ratio) } else { (long * ratio, long) };
    ((w.round() as usize).max(4), (h.round() as usize).max(4))
}

pub(super) fn distance(a: [f64; 3], b: [f64; 3]) -> f64 {
    ((a[0] - b[0]).powi(2) + (a[1] - b[1]).powi(2) + (a[2] - b[2]).powi(2)).sqrt()
}

/// The product's box in its picture, and the color of the plain ground around it where there is one.
fn product_area(still: &Still) -> ([f64; 4], Option<[f64; 3]>) {
    let (width, height) = (still.width() as f64, still.height() as f64);
    let middle = [width * 0.1, height * 0.1, width * 0.8, height * 0.8];
    let (w, h) = fit(width / height, 96);
    let (sx, sy) = (width / w as f64, height / h as f64);
    let cell = |x: usize, y: usize| {
        let (left, top) = (x as f64 * sx, y as f64 * sy);
        lab(still.mean_linear([left, top, left + sx, top + sy]))
    };
    let colors: Vec<[f64; 3]> =
        (0..h).flat_map(|y| (0..w).map(move |x| (x, y))).map(|(x, y)| cell(x, y)).collect();
    let border = (0..w * h).filter(|at| {
        let (x, y) = (at % w, at / w);
        x < 2 || y < 2 || x + 2 >= w || y + 2 >= h
    });
    let border: Vec<[f64; 3]> = border.map(|at| colors[at]).collect();
    let ground: [f64; 3] = std::array::from_fn(|channel| {
        let mut values: Vec<f64> = border.iter().map(|color| color[channel]).collect();
        values.sort_by(f64::total_cmp);
        values[values.len() / 2]
    });
    let near = border.iter().filter(|color| distance(**color, ground) < APART).count();
    if near * 10 < border.len() * 8 {
        return (middle, None);
    }
    let apart = |at: usize| distance(colors[at], ground) > APART;
    let (mut left, mut right, mut top, mut bottom) = (w, 0, h, 0);
    for at in (0..w * h).filter(|at| apart(*at)) {
        let (x, y) = (at % w, at / w);
        // A single cell may be a speck: two neighbors make a part of the product.
        let beside = (x > 0 && apart(at - 1)) || (x + 1 < w && apart(at + 1));
        let above = (y > 0 && apart(at - w)) || (y + 1 < h && apart(at + w));
        if beside && above {
            (left, right) = (left.min(x), right.max(x + 1));
            (top, bottom) = (top.min(y), bottom.max(y + 1));
        }
    }
    if right < left + 6 || bottom < top + 6 {
        return (middle, None);
    }
    let area = [left as f64 * sx, top as f64 * sy, (right - left) as f64 * sx, (bottom - top) as f64 * sy];
    (area, Some(ground))
}

/// Holes in a mask closed: what has product on both sides in its row belongs to it, as white labels do.
fn filled(mask: &Plane) -> Plane {
    let mut filled = mask.clone();
    for row in filled.data.chunks_exact_mut(mask.width) {
        let first = row.iter().position(|value| *value > 0.0);
        let last = row.iter().rposition(|value| *value > 0.0);
        if let (Some(first), Some(last)) = (first, last) {
            row[first..=last].fill(1.0);
        }
    }
    filled
}

/// A frame's luma at its own size, at half of it, at a quarter, and so on.
pub(super) struct Pyramid {
    pub(super) levels: Vec<Plane>,
}

impl Pyramid {
    pub(super) fn of(frame: &Still) -> Self {
        let mut levels = vec![frame.luma()];
        while levels.last().is_some_and(|last| last.width.min(last.height) >= 48) {
            levels.extend(levels.last().map(Plane::halved));
        }
        Self { levels }
    }

    /// The smallest level at which `side` pixels of the frame are at least `least`, and how much smaller than
    /// the frame it is, along both sides.
    fn level(&self, side: f64, least: f64) -> (&Plane, [f64; 2]) {
        let whole = &self.levels[0];
        let shrink = |plane: &Plane| plane.width as f64 / whole.width as f64;
        let fits = self.levels.iter().rev().find(|plane| side * shrink(plane) >= least);
        let plane = fits.unwrap_or(whole);
        (plane, [shrink(plane), plane.height as f64 / whole.height as f64])
    }
}

/// Looks for the product in a frame; `None` when nothing in it could be it.
pub(super) fn find(template: &Template, frame: &Pyramid) -> Option<Found> {
    let whole = &frame.levels[0];
    let (width, height) = (whole.width as f64, whole.height as f64);
    let shrink = width.max(height) / COARSE;
    let small = whole.scaled(((width / shrink) as usize).max(8), ((height / shrink) as usize).max(8));
    let mut candidates: Vec<Found> = Vec::new();
    for size in SIZES {
        let (w, h) = fit(template.shape(), (size * COARSE).round() as usize);
        coarse(template, &small, (w, h), shrink, &mut candidates);
    }
    for (level, kept) in CANDIDATES.into_iter().enumerate() {
        candidates.sort_by(|a, b| b.agreement.total_cmp(&a.agreement));
        candidates.truncate(kept);
        let fine = Fine::new(template, FINE[level], false);
        candidates = candidates.into_iter().map(|one| fine.refine(frame, one, STEPS[level])).collect();
    }
    let found = candidates.into_iter().max_by(|a, b| a.agreement.total_cmp(&b.agreement))?;
    if found.agreement < LEAST {
        return None;
    }
    // A mirrored product is found at nearly the same place, and fits better once it is turned over.
    let mut turned = found;
    for (longest, finest) in FINE.into_iter().zip(STEPS) {
        let fine = Fine::new(template, longest, true);
        let agreement = fine.agreement_at(frame, &turned);
        turned = fine.refine(frame, Found { agreement, ..turned }, finest);
    }
    Some(Found {
        mirrored: Some(Place { center: turned.center, size: turned.size, agreement: turned.agreement }),
        ..found
    })
}

/// Tries every place for a product of `w` by `h` coarse pixels and keeps the best two.
fn coarse(
    template: &Template,
    frame: &Plane,
    (w, h): (usize, usize),
    shrink: f64,
    candidates: &mut Vec<Found>,
) {
    // A product may be cut by the frame's edge, by a tenth of itself at most.
    let (over_x, over_y) = (w / 10, h / 10);
    if w > frame.width + 2 * over_x || h > frame.height + 2 * over_y {
        return;
    }
    let padded = padded(frame, over_x, over_y);
    let part = template.luma.part(template.area, w, h);
    let mask = template.mask.scaled(w, h);
    // Less its mean, and nothing outside of the product: what is left of a correlation are three sums.
    let total: f32 = mask.data.iter().sum();
    let mean = part.data.iter().zip(&mask.data).map(|(a, w)| a * w).sum::<f32>() / total.max(1.0);
    let own: Vec<f32> = part.data.iter().zip(&mask.data).map(|(a, w)| (a - mean) * w).collect();
    let power: f32 = part.data.iter().zip(&mask.data).map(|(a, w)| (a - mean).powi(2) * w).sum();
    if total < 8.0 || power < total * 1e-3 {
        return;
    }
    let mut found: Vec<Found> = Vec::new();
    for y in 0..=padded.height - h {
        for x in 0..=padded.width - w {
            let (mut product, mut sum, mut squares) = (0.0_f32, 0.0_f32, 0.0_f32);
            for j in 0..h {
                let seen = &padded.data[(y + j) * padded.width + x..(y + j) * padded.width + x + w];
                let (own, mask) = (&own[j * w..(j + 1) * w], &mask.data[j * w..(j + 1) * w]);
                for ((seen, own), mask) in seen.iter().zip(own).zip(mask) {
                    product += own * seen;
                    sum += mask * seen;
                    squares += mask * seen * seen;
                }
            }
            let spread = squares - sum * sum / total;
            if spread < total * 1e-3 {
                continue;
            }
            let agreement = f64::from(product / (spread * power).sqrt());
            if agreement < LEAST {
                continue;
            }
            let center = [
                (x as f64 - over_x as f64 + w as f64 / 2.0) * shrink,
                (y as f64 - over_y as f64 + h as f64 / 2.0) * shrink,
            ];
            let size = [w as f64 * shrink, h as f64 * shrink];
            let stretch = size[0] / size[1] / template.shape();
            found.push(Found { center, size, stretch, agreement, mirrored: None });
        }
    }
    found.sort_by(|a, b| b.agreement.total_cmp(&a.agreement));
    candidates.extend(found.into_iter().take(2));
}

/// A frame with its edge repeated outside.
fn padded(frame: &Plane, over_x: usize, over_y: usize) -> Plane {
    let (width, height) = (frame.width + 2 * over_x, frame.height + 2 * over_y);
    let inside = |at: usize, over: usize, most: usize| at.saturating_sub(over).min(most - 1);
    let mut data = Vec::with_capacity(width * height);
    for y in 0..height {
        for x in 0..width {
            data.push(frame.at(inside(x, over_x, frame.width), inside(y, over_y, frame.height)));
        }
    }
    Plane { width, height, data }
}

/// The template at the size in which places are refined.
struct Fine {
    shape: f64,
    part: Plane,
    mask: Plane,
}

impl Fine {
    fn new(template: &Template, longest: usize, mirror: bool) -> Self {
        let (w, h) = fit(template.shape(), longest);
        let part = template.luma.part(template.area, w, h);
        let mask = template.mask.scaled(w, h);
        let (part, mask) = if mirror { (part.mirrored(), mask.mirrored()) } else { (part, mask) };
        Self { shape: template.shape(), part, mask }
    }

    fn agreement(&self, frame: &Plane, center: [f64; 2], size: [f64; 2]) -> f64 {
        let area = [center[0] - size[0] / 2.0, center[1] - size[1] / 2.0, size[0], size[1]];
        // A quarter of the product outside the frame is too much to be judged.
        let (right, bottom) = (area[0] + area[2], area[1] + area[3]);
        let inside = right.min(frame.width as f64) - area[0].max(0.0);
        let upright = bottom.min(frame.height as f64) - area[1].max(0.0);
        if inside < 0.75 * size[0] || upright < 0.75 * size[1] {
            return -1.0;
        }
        let seen = frame.part(area, self.part.width, self.part.height);
        correlation(&self.part.data, &seen.data, &self.mask.data)
    }

    fn agreement_at(&self, frame: &Pyramid, found: &Found) -> f64 {
        let (seen, scale) = frame.level(found.side(), self.part.width.max(self.part.height) as f64);
        let center = [found.center[0] * scale[0], found.center[1] * scale[1]];
        self.agreement(seen, center, [found.size[0] * scale[0], found.size[1] * scale[1]])
    }

    /// Moves, scales and stretches as long as that fits better, in ever smaller steps.
    fn refine(&self, frame: &Pyramid, start: Found, finest: f64) -> Found {
        // Where the product is much larger than the template, the frame is looked at smaller.
        let (seen, scale) = frame.level(start.side(), self.part.width.max(self.part.height) as f64);
        let mut center = [start.center[0] * scale[0], start.center[1] * scale[1]];
        let mut size = [start.size[0] * scale[0], start.size[1] * scale[1]];
        let mut agreement = self.agreement(seen, center, size);
        let mut step = 0.06;
        while step > finest {
            let mut better = false;
            for (moved, grown) in [
                ([step, 0.0], [1.0, 1.0]),
                ([-step, 0.0], [1.0, 1.0]),
                ([0.0, step], [1.0, 1.0]),
                ([0.0, -step], [1.0, 1.0]),
                ([0.0, 0.0], [1.0 + step, 1.0 + step]),
                ([0.0, 0.0], [1.0 / (1.0 + step), 1.0 / (1.0 + step)]),
                ([0.0, 0.0], [1.0 + step, 1.0]),
                ([0.0, 0.0], [1.0 / (1.0 + step), 1.0]),
                ([0.0, 0.0], [1.0, 1.0 + step]),
                ([0.0, 0.0], [1.0, 1.0 / (1.0 + step)]),
            ] {
                let there = [center[0] + moved[0] * size[0], center[1] + moved[1] * size[1]];
                let large = [size[0] * grown[0], size[1] * grown[1]];
                let ratio = large[0] / large[1] / self.shape;
                if !(0.65..=1.55).contains(&ratio) {
                    continue;
                }
                let tried = self.agreement(seen, there, large);
                if tried > agreement + 1e-6 {
                    (center, size, agreement, better) = (there, large, tried, true);
                }
            }
            if !better {
                step /= 2.0;
            }
        }
        let center = [center[0] / scale[0], center[1] / scale[1]];
        let size = [size[0] / scale[0], size[1] / scale[1]];
        Found { center, size, stretch: size[0] / size[1] / self.shape, agreement, mirrored: None }
    }
}
