//! How different the shots of an ad, and the ads of a generation, look: the mean distance of small key frames in
//! CIELAB.
//!
//! A key frame is a shot's frame with all texts at rest, drawn 96 pixels high or wide. The distance of two frames
//! is the mean over their pixels of the CIE 1976 color difference: about 2 can just be seen, two photographs of
//! different things are 30 to 50 apart. Ads are compared shot by shot in their order; where one has more shots,
//! those it shares with the other in number.

use std::collections::BTreeSet;

use serde::Serialize;
use spotwright_schemas::storyboard::{FrameSize, Storyboard, VisualStyle};

use crate::error::Error;
use crate::studio::Studio;

/// Longer side of a key frame in pixels.
const SIDE: u32 = 96;
/// Share of a shot after which its key frame is taken.
const AT: f64 = 0.85;

/// How different ads look.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Variety {
    /// Least and mean distance between consecutive shots of one ad; `None` where no ad has two.
    pub shots: Option<[f64; 2]>,
    /// Least and mean distance between two ads; `None` for fewer than two.
    pub ads: Option<[f64; 2]>,
    /// Consecutive shots with one and the same layout.
    pub layouts_repeated: usize,
    /// Different styles among the ads.
    pub styles: usize,
}

/// A key frame in CIELAB: L*, a*, b* of every pixel.
type Frame = Vec<[f32; 3]>;

impl Studio {
    /// How different the shots of each ad look, and how different the ads look. Draws one small frame a shot;
    /// about 20 ms each. Ads of different shapes are not compared with one another.
    ///
    /// # Errors
    /// As [`Studio::frame`].
    pub fn variety(&self, boards: &[&Storyboard]) -> Result<Variety, Error> {
        let mut ads: Vec<(FrameSize, Vec<Frame>)> = Vec::with_capacity(boards.len());
        let mut between_shots = Vec::new();
        let mut layouts_repeated = 0;
        for board in boards {
            let size = small(board.size);
            let mut frames = Vec::with_capacity(board.shots.len());
            for (idx, shot) in board.shots.iter().enumerate() {
                let at = ((f64::from(shot.frames) * AT) as u32).min(shot.frames.saturating_sub(1));
                frames.push(lab(&self.frame(board, idx, at, size)?));
            }
            between_shots.extend(frames.windows(2).map(|pair| distance(&pair[0], &pair[1])));
            layouts_repeated +=
                board.shots.windows(2).filter(|pair| pair[0].layout == pair[1].layout).count();
            ads.push((size, frames));
        }
        let mut between_ads = Vec::new();
        for (idx, (size, ad)) in ads.iter().enumerate() {
            for (_, other) in ads[idx + 1..].iter().filter(|(shape, _)| shape == size) {
                let shots: Vec<f64> = ad.iter().zip(other).map(|(a, b)| distance(a, b)).collect();
                between_ads.push(shots.iter().sum::<f64>() / shots.len().max(1) as f64);
            }
        }
        let styles: BTreeSet<VisualStyle> = boards.iter().map(|board| board.style).collect();
        Ok(Variety {
            shots: least_and_mean(&between_shots),
            ads: least_and_mean(&between_ads),
            layouts_repeated,
            styles: styles.len(),
        })
    }
}

fn small(size: FrameSize) -> FrameSize {
    let longer = size.width.max(size.height);
    let side = |length: u32| ((length * SIDE / longer) & !1).max(16);
    FrameSize { width: side(size.width), height: side(size.height) }
}

fn least_and_mean(values: &[f64]) -> Option<[f64; 2]> {
    let least = values.iter().copied().reduce(f64::min)?;
    Some([least, values.iter().sum::<f64>() / values.len() as f64])
}

/// The mean color difference (CIE 1976) of two frames of one size.
fn distance(a: &Frame, b: &Frame) -> f64 {
    let sum: f64 = a
        .iter()
        .zip(b)
        .map(|(a, b)| f64::from((0..3).map(|k| (a[k] - b[k]).powi(2)).sum::<f32>().sqrt()))
        .sum();
    sum / a.len().min(b.len()).max(1) as f64
}

/// sRGB bytes in CIELAB under D65 (IEC 61966-2-1, CIE 15).
fn lab(rgb: &[u8]) -> Frame {
    let linear: Vec<f32> = (0..256)
        .map(|value| {
            let share = value as f32 / 255.0;
            if share <= 0.040_45 { share / 12.92 } else { ((share + 0.055) / 1.055).powf(2.4) }
        })
        .collect();
    let root = |t: f32| if t > 0.008_856 { t.cbrt() } else { 7.787 * t + 16.0 / 116.0 };
    rgb.chunks_exact(3)
        .map(|pixel| {
            let [r, g, b] = [pixel[0], pixel[1], pixel[2]].map(|channel| linear[usize::from(channel)]);
            let x = root((0.412_456 * r + 0.357_576 * g + 0.180_438 * b) / 0.950_47);
            let y = root(0.212_673 * r + 0.715_152 * g + 0.072_175 * b);
            let z = root((0.019_334 * r + 0.119_192 * g + 0.950_304 * b) / 1.088_83);
            [116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)]
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_those_of_cielab() {
        let one = |rgb: [u8; 3]| lab(&rgb);
        let red = one([255, 0, 0])[0];
        for (has, should) in red.iter().zip([53.24, 80.09, 67.20]) {
            assert!((has - should).abs() < 0.1, "{red:?}");
        }
        assert!((distance(&one([255; 3]), &one([0; 3])) - 100.0).abs() < 0.1);
        assert!(distance(&one([90, 120, 30]), &one([90, 120, 30])) < 1e-6);
        assert_eq!(least_and_mean(&[4.0, 2.0, 6.0]), Some([2.0, 4.0]));
        assert_eq!(least_and_mean(&[]), None);
    }
}
