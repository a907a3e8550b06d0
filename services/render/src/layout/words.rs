//! The words of a line as layers of their own.

use crate::pixels::Raster;
use crate::text::Line;

/// Width of the gap between words, as a share of the ink's height.
const GAP: f64 = 0.17;
/// Width of a group of letters in writing without gaps, as a share of the ink's height.
const GROUP: f64 = 2.1;

/// The line cut between its words, or, in writing that has no gaps between them, into groups of a few letters;
/// each part with its distance from the line's left edge in pixels.
pub(super) fn of(line: &Line) -> Vec<(Raster, usize)> {
    let layer = &line.layer;
    let [left, top, width, height] = line.ink;
    let inked = |column: usize| (top..top + height).any(|row| line.coverage[row * layer.width + column] > 8);
    let mut gaps = Vec::new();
    let mut open = None;
    for column in left..left + width {
        match (inked(column), open) {
            (false, None) => open = Some(column),
            (true, Some(from)) => {
                gaps.push([from, column]);
                open = None;
            }
            _ => {}
        }
    }
    let wide = (height as f64 * GAP).max(3.0) as usize;
    let mut cuts: Vec<usize> =
        gaps.iter().filter(|[from, to]| to - from >= wide).map(|[from, to]| from.midpoint(*to)).collect();
    if cuts.is_empty() {
        let group = (height as f64 * GROUP) as usize;
        let mut from = left;
        for [a, b] in gaps {
            let at = a.midpoint(b);
            if at - from >= group && left + width - at >= group / 2 {
                cuts.push(at);
                from = at;
            }
        }
    }
    let ends: Vec<usize> = std::iter::once(0).chain(cuts).chain(std::iter::once(layer.width)).collect();
    ends.windows(2).map(|pair| (part(layer, pair[0], pair[1]), pair[0])).collect()
}

/// Columns `from..to` of a layer.
fn part(layer: &Raster, from: usize, to: usize) -> Raster {
    let data =
        layer.data.chunks_exact(layer.width * 4).flat_map(|row| &row[from * 4..to * 4]).copied().collect();
    Raster { width: to - from, height: layer.height, data }
}
