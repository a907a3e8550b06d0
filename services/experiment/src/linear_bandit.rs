//! Bayesian linear regression of rewards on contexts, one model per action: a closed-form posterior
//! with rank-1 updates, and Thompson sampling on it.
//!
//! Prior: weights normal with covariance σ²·`prior_variance`·I given the noise variance σ², which is
//! inverse gamma (a, b). After a context z with reward y (V the covariance over σ², m the mean):
//!
//! ```text
//! s = 1 + zᵀVz    e = y − mᵀz    m ← m + Vz·e/s    V ← V − Vz zᵀV/s    a ← a + ½    b ← b + ½·e²/s
//! ```
//!
//! # Source
//! Bishop, Pattern Recognition and Machine Learning (2006), section 3.3; the update is the
//! Sherman–Morrison formula. Thompson sampling of a linear model: Agrawal and Goyal, ICML 2013.

use spotwright_schemas::random::Stream;

use crate::Error;

/// Prior of one action's rewards.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NoisePrior {
    /// Prior variance of a weight over the noise variance.
    pub prior_variance: f64,
    /// Shape of the noise variance's inverse gamma.
    pub shape: f64,
    /// Scale of the noise variance's inverse gamma.
    pub scale: f64,
}

/// The posterior of one action's rewards.
#[derive(Debug, Clone, PartialEq)]
pub struct LinearPosterior {
    mean: Vec<f64>,
    /// Covariance of the weights over the noise variance, row-major.
    covariance: Vec<f64>,
    shape: f64,
    scale: f64,
}

/// What the posterior says of one context.
#[derive(Debug, Clone, PartialEq)]
pub struct Prediction {
    /// Expected reward.
    pub mean: f64,
    /// zᵀVz: variance of the expected reward over the noise variance.
    pub leverage: f64,
    /// Vz, kept for the update.
    direction: Vec<f64>,
}

impl LinearPosterior {
    /// The prior for contexts of `dimensions` numbers.
    ///
    /// # Errors
    /// [`Error::Setting`]: a field is not a finite number above 0; [`Error::Empty`]: no dimension.
    pub fn new(dimensions: usize, prior: NoisePrior) -> Result<Self, Error> {
        let settings =
            [("prior_variance", prior.prior_variance), ("shape", prior.shape), ("scale", prior.scale)];
        for (name, value) in settings {
            if !(value.is_finite() && value > 0.0) {
                return Err(Error::Setting { name, value });
            }
        }
        if dimensions == 0 {
            return Err(Error::Empty);
        }
        let mut covariance = vec![0.0; dimensions * dimensions];
        for idx in 0..dimensions {
            covariance[idx * dimensions + idx] = prior.prior_variance;
        }
        Ok(Self { mean: vec![0.0; dimensions], covariance, shape: prior.shape, scale: prior.scale })
    }

    /// Numbers per context.
    #[must_use]
    pub fn dimensions(&self) -> usize {
        self.mean.len()
    }

    /// Posterior mean of the noise variance for a shape above 1, else its mode.
    #[must_use]
    pub fn noise_variance(&self) -> f64 {
        if self.shape > 1.0 { self.scale / (self.shape - 1.0) } else { self.scale / (self.shape + 1.0) }
    }

    /// Expected reward of `context` and its uncertainty.
    ///
    /// # Errors
    /// [`Error::Setting`]: `context` has another length.
    pub fn predict(&self, context: &[f64]) -> Result<Prediction, Error> {
        if context.len() != self.mean.len() {
            return Err(Error::Setting { name: "context length", value: context.len() as f64 });
        }
        let direction: Vec<f64> =
            self.covariance.chunks_exact(context.len()).map(|row| dot(row, context)).collect();
        Ok(Prediction {
            mean: dot(&self.mean, context),
            leverage: dot(&direction, context).max(0.0),
            direction,
        })
    }

    /// One draw of the expected reward, with draw number `index` of `stream`: the noise variance is
    /// drawn first. `width` multiplies the standard deviation; 1 is Thompson sampling.
    #[must_use]
    pub fn draw(&self, prediction: &Prediction, width: f64, stream: Stream, index: u64) -> f64 {
        let draws = stream.child(index);
        // With g from a gamma of the same shape, scale/g is an inverse gamma draw.
        let variance = self.scale / draws.child(0).gamma(self.shape).max(f64::MIN_POSITIVE);
        prediction.mean + width * (variance * prediction.leverage).sqrt() * draws.normal(1)
    }

    /// Learns the reward of the context that `prediction` was made for, by this posterior as it
    /// stands.
    ///
    /// # Errors
    /// [`Error::Setting`]: the reward is not finite or the prediction is of another dimension.
    pub fn learn(&mut self, prediction: &Prediction, reward: f64) -> Result<(), Error> {
        if !reward.is_finite() {
            return Err(Error::Setting { name: "reward", value: reward });
        }
        let n = self.mean.len();
        if prediction.direction.len() != n {
            return Err(Error::Setting { name: "context length", value: prediction.direction.len() as f64 });
        }
        let spread = 1.0 + prediction.leverage;
        let error = reward - prediction.mean;
        for (mean, direction) in self.mean.iter_mut().zip(&prediction.direction) {
            *mean += direction * error / spread;
        }
        for (row, own) in self.covariance.chunks_exact_mut(n).zip(&prediction.direction) {
            let factor = own / spread;
            for (value, other) in row.iter_mut().zip(&prediction.direction) {
                *value -= factor * other;
            }
        }
        self.shape += 0.5;
        self.scale += 0.5 * error * error / spread;
        Ok(())
    }
}

/// Eight sums side by side, so that the compiler may use vector registers; one fixed order.
fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut sums = [0.0; 8];
    let (chunks, others) = (a.chunks_exact(8), b.chunks_exact(8));
    let rest: f64 = chunks.remainder().iter().zip(others.remainder()).map(|(x, y)| x * y).sum();
    for (x, y) in chunks.zip(others) {
        for (sum, (x, y)) in sums.iter_mut().zip(x.iter().zip(y)) {
            *sum += x * y;
        }
    }
    sums.iter().sum::<f64>() + rest
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PRIOR: NoisePrior = NoisePrior { prior_variance: 4.0, shape: 2.0, scale: 1.0 };

    fn contexts(n: u64, dimensions: u64, seed: u64) -> Vec<(Vec<f64>, f64)> {
        let stream = Stream::new(seed, "contexts");
        (0..n)
            .map(|i| {
                let context: Vec<f64> = (0..dimensions).map(|d| stream.child(i).normal(d)).collect();
                let reward = context[0] - 0.5 * context[1] + 0.1 * stream.child(i).normal(99);
                (context, reward)
            })
            .collect()
    }

    #[test]
    fn rank_one_updates_equal_the_batch_posterior() {
        // Two dimensions by hand: V⁻¹ = I/4 + ZᵀZ, m = V Zᵀy,
        // b = 1 + ½ (yᵀy − mᵀV⁻¹m).
        let data = contexts(40, 2, 3);
        let mut posterior = LinearPosterior::new(2, PRIOR).unwrap();
        let (mut p, mut q, mut r) = (0.25, 0.0, 0.25);
        let (mut u, mut v, mut squares) = (0.0, 0.0, 0.0);
        for (z, y) in &data {
            let prediction = posterior.predict(z).unwrap();
            posterior.learn(&prediction, *y).unwrap();
            p += z[0] * z[0];
            q += z[0] * z[1];
            r += z[1] * z[1];
            u += z[0] * y;
            v += z[1] * y;
            squares += y * y;
        }
        let determinant = p * r - q * q;
        let mean = [(r * u - q * v) / determinant, (p * v - q * u) / determinant];
        assert!((posterior.mean[0] - mean[0]).abs() < 1e-10);
        assert!((posterior.mean[1] - mean[1]).abs() < 1e-10);
        assert!((posterior.covariance[1] + q / determinant).abs() < 1e-12);
        let explained = mean[0] * u + mean[1] * v;
        assert!((posterior.scale - (1.0 + 0.5 * (squares - explained))).abs() < 1e-9);
        assert!((posterior.shape - 22.0).abs() < 1e-12);
        assert!((posterior.noise_variance() - 0.01).abs() < 0.06);
    }

    #[test]
    fn draws_have_the_moments_of_the_posterior() {
        let mut posterior = LinearPosterior::new(3, PRIOR).unwrap();
        for (z, y) in contexts(12, 3, 5) {
            let prediction = posterior.predict(&z).unwrap();
            posterior.learn(&prediction, y).unwrap();
        }
        let prediction = posterior.predict(&[0.3, -1.0, 2.0]).unwrap();
        let draws: Vec<f64> =
            (0..40_000).map(|i| posterior.draw(&prediction, 1.0, Stream::new(1, "draws"), i)).collect();
        let mean = draws.iter().sum::<f64>() / 40_000.0;
        let variance = draws.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / 40_000.0;
        let expected = posterior.noise_variance() * prediction.leverage;
        assert!((mean - prediction.mean).abs() < 0.01, "{mean} {}", prediction.mean);
        assert!((variance / expected - 1.0).abs() < 0.05, "{variance} {expected}");
        assert_eq!(posterior.draw(&prediction, 0.0, Stream::new(1, "draws"), 0), prediction.mean);
    }

    #[test]
    fn bad_inputs_are_errors() {
        assert_eq!(LinearPosterior::new(0, PRIOR), Err(Error::Empty));
        let prior = NoisePrior { scale: f64::NAN, ..PRIOR };
        assert!(matches!(LinearPosterior::new(2, prior), Err(Error::Setting { name: "scale", .. })));
        let mut posterior = LinearPosterior::new(2, PRIOR).unwrap();
        assert!(matches!(posterior.predict(&[1.0]), Err(Error::Setting { name: "context length", .. })));
        let prediction = posterior.predict(&[1.0, 0.0]).unwrap();
        assert!(matches!(posterior.learn(&prediction, f64::NAN), Err(Error::Setting { name: "reward", .. })));
    }

    proptest! {
        #[test]
        fn what_is_learned_never_widens(seed in 0_u64..500, n in 1_u64..30) {
            let mut posterior = LinearPosterior::new(4, PRIOR).unwrap();
            let probe = [0.5, -0.25, 1.0, 2.0];
            let mut last = posterior.predict(&probe).unwrap().leverage;
            for (z, y) in contexts(n, 4, seed) {
                let prediction = posterior.predict(&z).unwrap();
                posterior.learn(&prediction, y).unwrap();
                let now = posterior.predict(&probe).unwrap().leverage;
                prop_assert!(now <= last + 1e-9);
                last = now;
            }
        }
    }
}
