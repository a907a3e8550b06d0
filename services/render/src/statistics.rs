//! Statistics of frames, for the click model and the market.
//!
//! Previews and finals are measured alike: one sampled frame a second, in the middle of each second
//! of the storyboard. Previews are measured on the composited key frames, finals on the decoded
//! ones, so that both speak of what is seen.

use spotwright_core::ports::video_backend::FrameStatistics;

/// Numbers of the sampled frames of a storyboard of `frames` frames: the middle of each second.
pub(crate) fn sampled_frames(frames: u32, fps: u32) -> Vec<u32> {
    let middle = fps / 2;
    let mut sampled: Vec<u32> = (middle..frames).step_by(fps.max(1) as usize).collect();
    if sampled.is_empty() {
        sampled.push(frames.saturating_sub(1) / 2);
    }
    sampled
}

/// Collects sampled frames.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sampler {
    brightness: Vec<f64>,
    contrast: f64,
    saturation: f64,
    motion: f64,
    pairs: u32,
    previous: Option<(usize, Vec<u8>)>,
}

impl Sampler {
    /// Adds a frame of shot number `shot`, given as 4:2:0 planes with their strides.
    pub(crate) fn add(&mut self, shot: usize, width: usize, height: usize, planes: [(&[u8], usize); 3]) {
        let unit = |y: u8| ((f64::from(y) - 16.0) / 219.0).clamp(0.0, 1.0);
        let mut luma = Vec::with_capacity(width * height / 4);
        let (mut sum, mut squares) = (0.0, 0.0);
        for row in (0..height).step_by(2) {
            for y in planes[0].0[row * planes[0].1..row * planes[0].1 + width].iter().step_by(2) {
                luma.push(*y);
                let value = unit(*y);
                sum += value;
                squares += value * value;
            }
        }
        let n = luma.len().max(1) as f64;
        let mean = sum / n;
        self.brightness.push(mean);
        self.contrast += (squares / n - mean * mean).max(0.0).sqrt();
        let mut chroma = 0.0;
        for row in 0..height / 2 {
            let us = &planes[1].0[row * planes[1].1..row * planes[1].1 + width / 2];
            let vs = &planes[2].0[row * planes[2].1..row * planes[2].1 + width / 2];
            for (u, v) in us.iter().zip(vs) {
                // 112 codes are the largest distance along one axis.
                chroma += ((f64::from(*u) - 128.0) / 112.0).hypot((f64::from(*v) - 128.0) / 112.0).min(1.0);
            }
        }
        self.saturation += chroma / ((width / 2 * (height / 2)).max(1) as f64);
        if let Some((earlier, previous)) = &self.previous {
            if *earlier == shot && previous.len() == luma.len() {
                let change: u64 = previous.iter().zip(&luma).map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
                self.motion += change as f64 / n / 219.0;
                self.pairs += 1;
            }
        }
        self.previous = Some((shot, luma));
    }

    /// Adds what another sampler gathered of a later shot.
    pub(crate) fn join(&mut self, later: &Self) {
        self.brightness.extend_from_slice(&later.brightness);
        self.contrast += later.contrast;
        self.saturation += later.saturation;
        self.motion += later.motion;
        self.pairs += later.pairs;
        self.previous = None;
    }

    /// The statistics of everything added. Samples are one second apart, so the change between two
    /// is the change per second.
    pub(crate) fn finish(
        self,
        cuts: usize,
        seconds: f64,
        text_area: f64,
        loudness_lufs: f64,
    ) -> FrameStatistics {
        let n = self.brightness.len().max(1) as f64;
        FrameStatistics {
            brightness: self.brightness.iter().sum::<f64>() / n,
            contrast: self.contrast / n,
            saturation: self.saturation / n,
            motion: (self.motion / f64::from(self.pairs.max(1))).min(1.0),
            cut_rate: cuts as f64 / seconds.max(1e-9),
            text_area,
            opening_brightness: self.brightness.first().copied().unwrap_or(0.0),
            loudness_lufs,
        }
    }
}
