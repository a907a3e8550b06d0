//! The words of a line as layers of their own.

use crate::pixels::Raster;
use crate::text::Line;

/// The line cut between its words; each part with its distance from the line's left edge in pixels.
pub(super) fn of(line: &Line) -> Vec<(Raster, usize)> {
    let layer = &line.layer;
    let mut starts = vec![0];
    for (_, start) in line.words.iter().skip(1) {
        // Two words whose edges meet in one column are one layer and an empty one: their order stays.
        starts.push((*start).clamp(starts[starts.len() - 1], layer.width));
    }
    let ends = starts.iter().skip(1).copied().chain([layer.width]);
    starts.iter().zip(ends).map(|(from, to)| (part(layer, *from, to), *from)).collect()
}

/// Columns `from..to` of a layer.
fn part(layer: &Raster, from: usize, to: usize) -> Raster {
    let data =
        layer.data.chunks_exact(layer.width * 4).flat_map(|row| &row[from * 4..to * 4]).copied().collect();
    Raster { width: to - from, height: layer.height, data }
}
