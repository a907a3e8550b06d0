//! What is compared where a product was found.

use super::find::{Found, Pyramid, Template, distance};
use super::still::{Plane, Still, correlation, lab, spread};

/// Cells of the color comparison along the product's longer side.
const CELLS: usize = 24;
/// Least share of the exposure that is evened out, and its inverse.
const EXPOSURE: f64 = 0.72;
/// Side of a patch in which detail is compared, in compared pixels.
const PATCH: usize = 20;
/// How far a patch may have moved, in compared pixels.
const SHIFT: i64 = 3;

/// How near a found product comes to its reference.
#[derive(Debug, Clone, Copy)]
pub(super) struct Measures {
    /// ΔE at equal exposure.
    pub(super) color: f64,
    /// Agreement of outlines.
    pub(super) shape: f64,
    /// Agreement of the weaker parts with detail.
    pub(super) label: f64,
    /// How much better the product fits mirrored: as a whole, and in its parts with detail.
    pub(super) mirrored_by: [f64; 2],
}

pub(super) fn measure(template: &Template, frame: &Still, lumas: &Pyramid, found: &Found) -> Measures {
    let (width, height) = (template.mask.width, template.mask.height);
    // No finer than the frame shows it: what a small product cannot show is not missing.
    let finest = (found.side() / width.max(height) as f64).min(1.0);
    let (w, h) = (((width as f64 * finest) as usize).max(16), ((height as f64 * finest) as usize).max(16));
    let mask = template.mask.scaled(w, h);
    let own = template.luma.part(template.area, w, h);
    let luma = &lumas.levels[0];
    let seen = luma.part(found.area(), w, h);
    let edges = |plane: &Plane| plane.blurred((w.max(h) / 64).max(1)).edges();
    let shape = correlation(&edges(&own).data, &edges(&seen).data, &mask.data);
    let label_right = label(&own, &seen, &mask);
    let mirrored_by = found.mirrored.map_or([0.0; 2], |place| {
        let turned = luma.part(place.area(), w, h).mirrored();
        [place.agreement - found.agreement, label(&own, &turned, &mask) - label_right]
    });
    Measures { color: color(template, frame, found), shape, label: label_right, mirrored_by }
}

/// Mean color distance over the product's cells, after a common factor of exposure is taken out.
fn color(template: &Template, frame: &Still, found: &Found) -> f64 {
    let mask = &template.mask;
    let cells = (CELLS * mask.width / mask.width.max(mask.height)).max(4);
    let rows = (CELLS * mask.height / mask.width.max(mask.height)).max(4);
    let covered = mask.scaled(cells, rows);
    let mean = |still: &Still, [left, top, w, h]: [f64; 4], x: usize, y: usize| {
        let (sx, sy) = (w / cells as f64, h / rows as f64);
        let (x, y) = (left + x as f64 * sx, top + y as f64 * sy);
        still.mean_linear([x, y, x + sx, y + sy])
    };
    let mut pairs = Vec::new();
    for y in 0..rows {
        // Cells at the product's edge hold some of its ground.
        for x in (0..cells).filter(|x| covered.at(*x, y) > 0.95) {
            pairs.push((mean(&template.still, template.area, x, y), mean(frame, found.area(), x, y)));
        }
    }
    if pairs.is_empty() {
        return 100.0;
    }
    let light = |color: [f64; 3]| 0.2126 * color[0] + 0.7152 * color[1] + 0.0722 * color[2];
    let (own, seen) =
        pairs.iter().fold((0.0, 0.0), |(own, seen), (a, b)| (own + light(*a), seen + light(*b)));
    let exposure = (own / seen.max(1e-6)).clamp(EXPOSURE, 1.0 / EXPOSURE);
    let distances = pairs.iter().map(|(a, b)| distance(lab(*a), lab(b.map(|channel| channel * exposure))));
    distances.sum::<f64>() / pairs.len() as f64
}

/// Agreement of the patches that hold detail: the mean of the weaker third.
///
/// Only what changes within a few pixels counts, i.e. letters and lines. Each patch may have moved a
/// little; a patch whose contrast is lost agrees less, since blurred letters still correlate.
fn label(own: &Plane, seen: &Plane, mask: &Plane) -> f64 {
    let radius = (own.width.max(own.height) / 40).max(2);
    let detail = |plane: &Plane| {
        let soft = plane.blurred(radius);
        let data = plane.data.iter().zip(&soft.data).map(|(sharp, soft)| sharp - soft).collect();
        Plane { width: plane.width, height: plane.height, data }
    };
    let (own, seen) = (detail(own), detail(seen));
    let side = (PATCH * own.width.max(own.height) / super::find::COMPARED).max(8);
    let mut patches = Vec::new();
    for top in (0..own.height.saturating_sub(side - 1)).step_by(side / 2) {
        for left in (0..own.width.saturating_sub(side - 1)).step_by(side / 2) {
            let weights = cut(mask, left as i64, top as i64, side);
            if weights.iter().filter(|weight| **weight > 0.9).count() * 10 < side * side * 9 {
                continue;
            }
            let here = cut(&own, left as i64, top as i64, side);
            patches.push((spread(&here, &weights), left, top, here, weights));
        }
    }
    patches.sort_by(|a, b| b.0.total_cmp(&a.0));
    // Label and logo are where most detail is: patches with at least 40 % of the strongest one's.
    let strongest = patches.first().map_or(0.0, |patch| patch.0);
    if strongest < 1.5 {
        return 0.0;
    }
    patches.retain(|patch| patch.0 >= strongest * 0.4);
    let mut scores: Vec<f64> = Vec::with_capacity(patches.len());
    for (strength, left, top, here, weights) in &patches {
        let mut best = -1.0_f64;
        for dy in -SHIFT..=SHIFT {
            for dx in -SHIFT..=SHIFT {
                let there = cut(&seen, *left as i64 + dx, *top as i64 + dy, side);
                let kept = (spread(&there, weights) / strength / 0.6).min(1.0);
                best = best.max(correlation(here, &there, weights) * kept);
            }
        }
        scores.push(best);
    }
    scores.sort_by(f64::total_cmp);
    let weaker = scores.len().div_ceil(3);
    scores[..weaker].iter().sum::<f64>() / weaker as f64
}

/// A square of `side` pixels, with the edge repeated outside.
fn cut(plane: &Plane, left: i64, top: i64, side: usize) -> Vec<f32> {
    let inside = |at: i64, most: usize| (at.max(0) as usize).min(most - 1);
    let mut data = Vec::with_capacity(side * side);
    for y in 0..side as i64 {
        for x in 0..side as i64 {
            data.push(plane.at(inside(left + x, plane.width), inside(top + y, plane.height)));
        }
    }
    data
}
