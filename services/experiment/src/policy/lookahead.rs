//! Knowledge gradient over blocks of impressions: how much a look at an arm may raise what the
//! rest of the test earns.

use statrs::function::erf::erfc;

use super::{Horizon, block_sizes, deviation, largest};
use crate::Error;
use crate::interval::BetaPosterior;

/// Divides a batch into blocks, each to the arm with the largest
///
/// `m + weight · max_x g(x) · max(R − x·b, 0) / (x·b)`,
///
/// m the posterior mean, b the impressions of a block, x out of `looks`, R the impressions after
/// this batch, and g(x) the *further* expected rise of the best mean when x more blocks are shown
/// on the arm, beyond what the blocks already given to it in this batch are expected to bring:
/// `g(x) = v(σ(h + x)) − v(σ(h))`, `v(σ) = σ·f(−|m − rival| / σ)`, `f(z) = φ(z) + z·Φ(z)`, σ(h) the
/// standard deviation of the arm's mean after h further blocks, rival the best other mean.
///
/// Looks at several sizes because the value of information is not concave: one block tells next to
/// nothing at click rates of 1 %.
///
/// # Source
/// Frazier, Powell and Dayanik, "The knowledge-gradient policy for correlated normal beliefs",
/// INFORMS JoC 21 (2009), with the online weight of Ryzhov, Powell and Frazier, Operations Research
/// 60 (2012); looking over repeated measurements is Chick and Frazier, Management Science 58
/// (2012). Blocks and the weight of 2 are ours, chosen on train and validation tests.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BlockKnowledgeGradient {
    /// Weight of what is learned against what is earned; at least 0.
    pub weight: f64,
    /// Blocks of a batch; at least 1.
    pub blocks: u32,
    /// Numbers of blocks that are looked ahead.
    pub looks: [u32; 6],
}

impl Default for BlockKnowledgeGradient {
    fn default() -> Self {
        Self { weight: 2.0, blocks: 8, looks: [1, 4, 8, 16, 32, 64] }
    }
}

impl BlockKnowledgeGradient {
    pub(super) fn allocate(
        &self,
        posteriors: &[BetaPosterior],
        horizon: &Horizon,
    ) -> Result<Vec<u64>, Error> {
        if !(self.weight.is_finite() && self.weight >= 0.0) {
            return Err(Error::Setting { name: "weight", value: self.weight });
        }
        super::check_count("blocks", self.blocks)?;
        for look in self.looks {
            super::check_count("looks", look)?;
        }
        let means: Vec<f64> = posteriors.iter().map(BetaPosterior::mean).collect();
        let mut impressions = vec![0; posteriors.len()];
        // Shown on the arm in this batch so far, in impressions of equal blocks.
        let mut planned = vec![0.0; posteriors.len()];
        let block = horizon.impressions as f64 / f64::from(self.blocks);
        for size in block_sizes(horizon.impressions, self.blocks) {
            let values: Vec<f64> = (0..means.len())
                .map(|arm| {
                    let value =
                        self.information(&posteriors[arm], rival(&means, arm), planned[arm], block, horizon);
                    means[arm] + self.weight * value
                })
                .collect();
            let chosen = largest(&values);
            impressions[chosen] += size;
            planned[chosen] += block;
        }
        Ok(impressions)
    }

    /// Largest value of information per impression over the looks.
    fn information(
        &self,
        posterior: &BetaPosterior,
        rival: Option<f64>,
        planned: f64,
        block: f64,
        horizon: &Horizon,
    ) -> f64 {
        let Some(rival) = rival else { return 0.0 };
        let remaining = horizon.remaining as f64;
        let mean = posterior.mean();
        let prior = deviation(posterior).powi(2);
        let noise = mean * (1.0 - mean);
        let weight = posterior.alpha() + posterior.beta() + 1.0;
        let rise = |impressions: f64| {
            let spread = (prior - noise / (weight + impressions)).max(0.0).sqrt() + 1e-12;
            spread * expected_excess(-(mean - rival).abs() / spread)
        };
        let known = rise(planned);
        self.looks
            .iter()
            .map(|look| {
                let shown = f64::from(*look) * block;
                if shown > 0.0 && remaining > shown {
                    (rise(planned + shown) - known) * (remaining - shown) / shown
                } else {
                    0.0
                }
            })
            .fold(0.0, f64::max)
    }
}

/// The best mean among the other arms.
fn rival(means: &[f64], arm: usize) -> Option<f64> {
    means.iter().enumerate().filter(|(other, _)| *other != arm).map(|(_, mean)| *mean).reduce(f64::max)
}

/// E max(Z + z, 0) of a standard normal Z.
fn expected_excess(z: f64) -> f64 {
    let density = (-0.5 * z * z).exp() / (2.0 * std::f64::consts::PI).sqrt();
    density + z * 0.5 * erfc(-z / std::f64::consts::SQRT_2)
}
