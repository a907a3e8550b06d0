//! Counter-based random numbers: a value is a function of (seed, stream, index).
//!
//! No generator carries state from one draw to the next, so results do not depend on the number
//! of threads or on the order in which work is done.
//!
//! # Source
//! The mixing function is SplitMix64's finalizer (Steele, Lea and Flood, "Fast splittable
//! pseudorandom number generators", OOPSLA 2014, with the constants of Stafford's variant 13).

/// Draws for one stream of one seed.
#[derive(Debug, Clone, Copy)]
pub struct Stream {
    key: u64,
}

/// Mixes 64 bits so that every input bit affects every output bit.
#[must_use]
pub const fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

impl Stream {
    /// Opens the stream `name` of `seed`; different names give independent draws.
    #[must_use]
    pub fn new(seed: u64, name: &str) -> Self {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&seed.to_le_bytes());
        hasher.update(name.as_bytes());
        let mut key = [0_u8; 8];
        key.copy_from_slice(&hasher.finalize().as_bytes()[..8]);
        Self { key: u64::from_le_bytes(key) }
    }

    /// Opens the sub-stream number `index` of this stream.
    #[must_use]
    pub const fn child(self, index: u64) -> Self {
        Self { key: mix(self.key ^ mix(index.wrapping_add(0x9E37_79B9_7F4A_7C15))) }
    }

    /// Draw number `index`: 64 uniform bits.
    #[must_use]
    pub const fn bits(self, index: u64) -> u64 {
        mix(self.key.wrapping_add(index.wrapping_mul(0x9E37_79B9_7F4A_7C15)))
    }

    /// Draw number `index`: uniform in [0, 1) with 53 bits.
    #[must_use]
    pub fn uniform(self, index: u64) -> f64 {
        (self.bits(index) >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Draw number `index`: uniform in `0..n`; 0 when `n` is 0.
    #[must_use]
    pub fn below(self, index: u64, n: usize) -> usize {
        ((u128::from(self.bits(index)) * n as u128) >> 64) as usize
    }

    /// Draw number `index`: standard normal, by the Box–Muller transform of two uniform draws.
    #[must_use]
    pub fn normal(self, index: u64) -> f64 {
        let pair = self.child(index);
        let radius = (-2.0 * (1.0 - pair.uniform(0)).ln()).sqrt();
        radius * (std::f64::consts::TAU * pair.uniform(1)).cos()
    }

    /// A gamma draw with the given shape and scale 1; uses the whole stream.
    ///
    /// # Source
    /// Marsaglia and Tsang, "A simple method for generating gamma variables", ACM TOMS 26 (2000);
    /// shapes below 1 through gamma(shape + 1) × uniform^(1/shape). Libraries draw from generators with
    /// state, which these streams are not.
    #[must_use]
    pub fn gamma(self, shape: f64) -> f64 {
        if shape < 1.0 {
            let boost = (1.0 - self.child(0).uniform(0)).powf(1.0 / shape);
            return self.child(1).gamma(shape + 1.0) * boost;
        }
        let d = shape - 1.0 / 3.0;
        let c = 1.0 / (9.0 * d).sqrt();
        // Each round accepts with more than 95 %; 200 rejections in a row do not happen.
        for round in 0..200 {
            let x = self.normal(2 * round);
            let v = (1.0 + c * x).powi(3);
            if v <= 0.0 {
                continue;
            }
            let u = 1.0 - self.uniform(2 * round + 1);
            if u.ln() < 0.5 * x * x + d - d * v + d * v.ln() {
                return d * v;
            }
        }
        d
    }

    /// A permutation of `0..n`, by Fisher–Yates.
    #[must_use]
    pub fn permutation(self, n: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..n).collect();
        for idx in (1..n).rev() {
            order.swap(idx, self.below(idx as u64, idx + 1));
        }
        order
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_depend_on_seed_stream_and_index_only() {
        let stream = Stream::new(1, "clicks");
        assert_eq!(stream.bits(5), Stream::new(1, "clicks").bits(5));
        assert_ne!(stream.bits(5), Stream::new(2, "clicks").bits(5));
        assert_ne!(stream.bits(5), Stream::new(1, "click").bits(5));
        assert_ne!(stream.child(1).bits(0), stream.child(2).bits(0));
    }

    #[test]
    fn moments_are_those_of_the_distributions() {
        let stream = Stream::new(3, "moments");
        let n = 40_000_u64;
        let mean = (0..n).map(|i| stream.uniform(i)).sum::<f64>() / n as f64;
        let normals: Vec<f64> = (0..n).map(|i| stream.normal(i)).collect();
        let normal_mean = normals.iter().sum::<f64>() / n as f64;
        let variance = normals.iter().map(|x| x * x).sum::<f64>() / n as f64;
        assert!((mean - 0.5).abs() < 0.006, "{mean}");
        assert!(normal_mean.abs() < 0.02, "{normal_mean}");
        assert!((variance - 1.0).abs() < 0.03, "{variance}");
    }

    #[test]
    fn gamma_draws_have_their_mean_and_variance() {
        for shape in [0.4, 1.0, 7.5] {
            let n = 20_000_u64;
            let draws: Vec<f64> = (0..n).map(|i| Stream::new(4, "gamma").child(i).gamma(shape)).collect();
            let mean = draws.iter().sum::<f64>() / n as f64;
            let variance = draws.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / n as f64;
            assert!(
                (mean / shape - 1.0).abs() < 0.04 && (variance / shape - 1.0).abs() < 0.08,
                "{shape}: {mean} {variance}"
            );
        }
    }

    #[test]
    fn permutations_hold_every_element_once() {
        let mut order = Stream::new(9, "order").permutation(57);
        assert_ne!(order, (0..57).collect::<Vec<_>>());
        order.sort_unstable();
        assert_eq!(order, (0..57).collect::<Vec<_>>());
        assert_eq!(Stream::new(9, "order").below(0, 0), 0);
    }
}
