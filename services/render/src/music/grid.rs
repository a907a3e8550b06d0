//! Where the beats of a piece are: on the cuts of its ad.

use super::RATE;

/// How far the tempo may leave the asked one for the cuts' sake.
const GIVES: f64 = 0.06;
/// Steps that are tried to either side.
const TRIES: i32 = 12;
/// Seconds that the last chord rings at least.
const RINGS: f64 = 1.7;

/// The half beats of a piece.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Grid {
    /// First sample of every half beat, rising, the first 0.
    pub(super) marks: Vec<usize>,
    /// Places in `marks` that are cuts.
    pub(super) cuts: Vec<usize>,
    /// Beats a minute between the cuts, on average.
    pub(super) tempo: f64,
}

impl Grid {
    /// Divides a piece of `samples` samples so that every cut (in seconds, rising) stands on a half beat: the
    /// tempo is the one within 6 % of the asked one that fits best, and what is left is shared out between
    /// two cuts.
    pub(super) fn new(tempo: u32, cuts: &[f64], samples: usize) -> Self {
        let total = samples as f64;
        let asked = f64::from(RATE) * 30.0 / f64::from(tempo.max(1));
        let mut edges = vec![0.0];
        for cut in cuts {
            let at = cut * f64::from(RATE);
            if at > edges.last().copied().unwrap_or(0.0) + 1.0 && at < total {
                edges.push(at);
            }
        }
        let half = best_fit(asked, &edges);
        let (mut marks, mut places) = (Vec::new(), Vec::new());
        for pair in edges.windows(2) {
            let long = pair[1] - pair[0];
            let count = (long / half).round().max(1.0) as usize;
            places.push(marks.len() + count);
            marks.extend((0..count).map(|idx| (pair[0] + long * idx as f64 / count as f64).round() as usize));
        }
        let mut at = edges.last().copied().unwrap_or(0.0);
        while at < total {
            marks.push(at.round() as usize);
            at += half;
        }
        Self { marks, cuts: places, tempo: f64::from(RATE) * 30.0 / half }
    }

    /// The half beat of the last chord: the last full beat after which there is time for it to ring; 0 in
    /// pieces too short for anything else.
    pub(super) fn last_chord(&self, samples: usize) -> usize {
        let latest = samples.saturating_sub((RINGS * f64::from(RATE)) as usize);
        let found = self.marks.iter().rposition(|mark| *mark <= latest).unwrap_or(0);
        // On the beat after the last cut rather than half a beat beside it.
        let from = self.cuts.last().copied().filter(|cut| *cut <= found).unwrap_or(0);
        found - (found - from) % 2
    }
}

/// Length of a half beat in samples that divides the shots best.
fn best_fit(asked: f64, edges: &[f64]) -> f64 {
    let miss = |half: f64| -> f64 {
        edges
            .windows(2)
            .map(|pair| (pair[1] - pair[0]) / half)
            .map(|count| (count - count.round()).powi(2))
            .sum()
    };
    (-TRIES..=TRIES)
        .map(|step| {
            let change = f64::from(step) / f64::from(TRIES);
            (asked * (1.0 + GIVES * change), 0.02 * change * change)
        })
        .min_by(|a, b| (miss(a.0) + a.1).total_cmp(&(miss(b.0) + b.1)))
        .map_or(asked, |(half, _)| half)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cut_falls_on_a_half_beat_and_the_beat_stays_even() {
        let rate = f64::from(RATE);
        for (tempo, cuts) in [
            (92, vec![2.5, 5.1, 8.77, 12.0]),
            (121, vec![3.0, 4.73, 7.4]),
            (100, vec![]),
            (88, vec![2.03, 4.9]),
        ] {
            let grid = Grid::new(tempo, &cuts, RATE as usize * 15);
            assert_eq!(grid.cuts.len(), cuts.len());
            for (place, cut) in grid.cuts.iter().zip(&cuts) {
                assert!((grid.marks[*place] as f64 - cut * rate).abs() <= 1.0, "{tempo}: {cut}");
            }
            let half = rate * 30.0 / f64::from(tempo);
            for pair in grid.marks.windows(2) {
                let off = (pair[1] - pair[0]) as f64 / half - 1.0;
                assert!(off.abs() < 0.16, "{tempo}: a half beat is {off:.2} off");
            }
            let left = grid.marks.len() - grid.last_chord(RATE as usize * 15);
            assert!(left as f64 * half >= RINGS * rate * 0.9, "the last chord has time to ring");
        }
    }

    #[test]
    fn tiny_pieces_and_impossible_cuts_are_no_harm() {
        for samples in [0, 1, 500, 30_000] {
            let grid = Grid::new(100, &[0.0, -1.0, 0.0001, 9.0], samples);
            assert!(grid.marks.windows(2).all(|pair| pair[0] < pair[1]));
            assert!(grid.last_chord(samples) <= grid.marks.len());
        }
    }
}
