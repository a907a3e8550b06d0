//! Policies that divide a test's impressions among its arms, batch by batch, with a known horizon.
//!
//! Each policy is a pure function of what is known before a batch: the arms' counts, the prior and
//! the horizon. It returns how many impressions of the batch every arm gets and the *propensity* of
//! every arm: the probability, given that state, that one impression of the batch, picked at
//! random, goes to the arm. What is logged with it can be re-weighted for another policy
//! ([`crate::off_policy`]); where a propensity is 0 nothing can be said about that arm, which is
//! the price of the deterministic policies.
//!
//! The prior is *relative*: a score says by what factor an arm should do better than the mean of
//! its test, never what the click rate is. The level is learned from the test's own clicks
//! ([`Prior::level`]). With level L, relative rate r, n impressions and k clicks of an arm, its
//! posterior is beta with parameters `s·L·r + k` and `s·(1 − L·r) + n − k`, s the prior's strength
//! in pseudo-impressions.
//!
//! # Examples
//! ```
//! use spotwright_experiment::interval::Counts;
//! use spotwright_experiment::policy::{Arm, Horizon, Policy, Prior, State, allocate};
//! use spotwright_schemas::random::Stream;
//!
//! let arms = [(1.1, 400, 7), (0.9, 380, 3)]
//!     .map(|(relative_rate, n, k)| Arm { relative_rate, counts: Counts::new(n, k).unwrap() });
//! let horizon = Horizon { batch: 4, batches: 20, impressions: 100, remaining: 1_500 };
//! let state = State { arms: &arms, prior: Prior::default(), horizon };
//! let allocation = allocate(Policy::cooled_thompson(), &state, Stream::new(1, "example"))?;
//! assert_eq!(allocation.impressions.iter().sum::<u64>(), 100);
//! assert!(allocation.propensities[0] > allocation.propensities[1]);
//! # Ok::<(), spotwright_experiment::Error>(())
//! ```

mod curiosity;
mod gaussian;
mod linear;
mod lookahead;
pub mod simulation;
#[cfg(test)]
mod tests;

use spotwright_schemas::random::Stream;

use crate::interval::{BetaPosterior, Counts};
use crate::{Error, grid};

pub use linear::{LinearModel, LinearThompson};
pub use lookahead::BlockKnowledgeGradient;

/// An arm of a test.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Arm {
    /// Expected click rate over the mean of the test's arms, before any click: 1 when nothing is
    /// known. Finite and above 0. From scores: exp(score − mean score), divided by its mean.
    pub relative_rate: f64,
    /// Impressions and clicks so far.
    pub counts: Counts,
}

/// How impressions enter the estimate of the level.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exposure {
    /// As they are: the level is the test's pooled click rate.
    Plain,
    /// Times the arm's relative rate: the level is that of an average arm, also when most
    /// impressions went to arms that were expected to do better.
    Relative,
}

/// What is known before the first click.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Prior {
    /// Weight of an arm's prior rate in pseudo-impressions.
    pub strength: f64,
    /// Click rate of a test, before its first click, in (0, 1).
    pub level: f64,
    /// Weight of that rate in pseudo-impressions.
    pub level_impressions: f64,
    /// How impressions count for the level.
    pub exposure: Exposure,
}

impl Default for Prior {
    /// Strength 1,200, chosen on the train and validation tests of the Upworthy archive; level
    /// 0.0125 with 300 pseudo-impressions.
    fn default() -> Self {
        Self { strength: 1_200.0, level: 0.0125, level_impressions: 300.0, exposure: Exposure::Relative }
    }
}

impl Prior {
    /// The level given the clicks of all arms: `(Σk + level·w) / (Σ n·r + w)`, with r = 1 for
    /// [`Exposure::Plain`].
    #[must_use]
    pub fn level(&self, arms: &[Arm]) -> f64 {
        let clicks: f64 = arms.iter().map(|arm| arm.counts.successes() as f64).sum();
        let exposure: f64 = arms
            .iter()
            .map(|arm| match self.exposure {
                Exposure::Plain => arm.counts.trials() as f64,
                Exposure::Relative => arm.counts.trials() as f64 * arm.relative_rate,
            })
            .sum();
        (clicks + self.level * self.level_impressions) / (exposure + self.level_impressions)
    }

    /// The posterior of every arm. Prior rates are kept within [1e-6, 1 − 1e-6].
    ///
    /// # Errors
    /// - [`Error::Empty`]: no arms.
    /// - [`Error::Arm`]: a relative rate is not finite or not above 0.
    /// - [`Error::Setting`]: a field of the prior is outside its range.
    pub fn posteriors(&self, arms: &[Arm]) -> Result<Vec<BetaPosterior>, Error> {
        if arms.is_empty() {
            return Err(Error::Empty);
        }
        let positive = |name, value: f64| {
            if value.is_finite() && value > 0.0 { Ok(()) } else { Err(Error::Setting { name, value }) }
        };
        positive("strength", self.strength)?;
        positive("level_impressions", self.level_impressions)?;
        if !(self.level > 0.0 && self.level < 1.0) {
            return Err(Error::Setting { name: "level", value: self.level });
        }
        if let Some(index) =
            arms.iter().position(|arm| !(arm.relative_rate.is_finite() && arm.relative_rate > 0.0))
        {
            return Err(Error::Arm { index, relative_rate: arms[index].relative_rate });
        }
        let level = self.level(arms);
        arms.iter()
            .map(|arm| {
                let rate = (level * arm.relative_rate).clamp(1e-6, 1.0 - 1e-6);
                Ok(BetaPosterior::from_rate(rate, self.strength)?.updated(arm.counts))
            })
            .collect()
    }
}

/// Where a test stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Horizon {
    /// Index of the coming batch, from 0.
    pub batch: u32,
    /// Batches in all; above `batch`.
    pub batches: u32,
    /// Impressions of the coming batch.
    pub impressions: u64,
    /// Impressions after the coming batch.
    pub remaining: u64,
}

impl Horizon {
    /// Share of the batches that come after this one, in [0, 1); 0 in the last.
    #[must_use]
    pub fn share_after(&self) -> f64 {
        f64::from(self.batches.saturating_sub(self.batch + 1)) / f64::from(self.batches.max(1))
    }
}

/// What a policy decides on.
#[derive(Debug, Clone, Copy)]
pub struct State<'a> {
    /// The arms; at least one.
    pub arms: &'a [Arm],
    /// What was known before the first click.
    pub prior: Prior,
    /// Where the test stands.
    pub horizon: Horizon,
}

/// How impressions are divided.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Policy {
    /// Every impression to an arm drawn uniformly.
    Uniform,
    /// As [`Policy::Uniform`] for the first batches, then as [`Policy::Greedy`].
    ExploreThenCommit {
        /// Batches that explore.
        explore: u32,
    },
    /// The whole batch to the largest posterior mean, the first of equals.
    Greedy,
    /// Every impression to the largest of one draw per posterior.
    Thompson,
    /// Every impression to the leader of a Thompson draw with probability `leader`, else to the
    /// first different leader of further draws.
    ///
    /// # Source
    /// Russo, "Simple Bayesian algorithms for best arm identification", COLT 2016.
    TopTwoThompson {
        /// Probability of the leader, in [0, 1].
        leader: f64,
    },
    /// The whole batch to the largest mean plus `width` posterior standard deviations, which
    /// shrink with the share of batches after this one to the power `cooling`.
    UpperConfidence {
        /// Standard deviations at the start; at least 0.
        width: f64,
        /// Power of the share; 0 keeps the width. At least 0.
        cooling: f64,
    },
    /// Blocks of the batch, each to the largest of one normal draw per arm with the posterior's
    /// mean and `width` times its standard deviation, which shrink with the share of batches after
    /// this one to the power `cooling`. The last batch is greedy.
    CooledThompson {
        /// Standard deviations at the start; at least 0.
        width: f64,
        /// Power of the share; at least 0.
        cooling: f64,
        /// Blocks of a batch; at least 1.
        blocks: u32,
    },
    /// Thompson sampling with a linear model of log-odds: one joint draw per block. Propensities are
    /// Monte-Carlo.
    LinearThompson(LinearThompson),
    /// Knowledge gradient with a look over several block sizes.
    BlockKnowledgeGradient(BlockKnowledgeGradient),
}

impl Policy {
    /// [`Policy::CooledThompson`] with ½ standard deviation, the square of the share and 16 blocks,
    /// chosen on the train and validation tests of the Upworthy archive.
    #[must_use]
    pub const fn cooled_thompson() -> Self {
        Self::CooledThompson { width: 0.5, cooling: 2.0, blocks: 16 }
    }

    /// Plain Thompson sampling with the linear model, 64 joint draws per batch and 2,000 draws for
    /// the propensities; its standard deviations are ours.
    #[must_use]
    pub const fn linear_thompson() -> Self {
        let model = LinearModel { slope_sd: 0.5, own_sd: 0.25 };
        Self::LinearThompson(LinearThompson {
            model,
            width: 1.0,
            cooling: 0.0,
            curiosity: 0.0,
            blocks: 64,
            draws: 2_000,
        })
    }

    /// Cooled joint draws that are drawn to what a look would teach: the scores' slope taken as it
    /// is, effects of arms with a standard deviation of 0.3. Chosen on the train and validation tests
    /// of the Upworthy archive.
    #[must_use]
    pub const fn curious_thompson() -> Self {
        let model = LinearModel { slope_sd: 0.0, own_sd: 0.3 };
        Self::LinearThompson(LinearThompson {
            model,
            width: 0.5,
            cooling: 2.0,
            curiosity: 0.5,
            blocks: 16,
            draws: 2_000,
        })
    }

    /// [`BlockKnowledgeGradient`] with the settings that were chosen on the same tests.
    #[must_use]
    pub fn block_knowledge_gradient() -> Self {
        Self::BlockKnowledgeGradient(BlockKnowledgeGradient::default())
    }
}

/// Where propensities come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Propensities {
    /// In closed form or by quadrature (error below 1e-3 for Thompson sampling with betas, whose
    /// impressions are then drawn with the very propensities that are returned).
    Exact,
    /// From this many draws; a propensity p has the standard error √(p(1 − p)/draws).
    MonteCarlo {
        /// Number of draws.
        draws: u32,
    },
}

/// One batch, divided.
#[derive(Debug, Clone, PartialEq)]
pub struct Allocation {
    /// Impressions per arm; they sum to the batch.
    pub impressions: Vec<u64>,
    /// Probability per arm, in [0, 1], that an impression of the batch goes to it; they sum to 1.
    pub propensities: Vec<f64>,
    /// How the propensities were computed.
    pub computed: Propensities,
}

/// Divides the coming batch. Equal inputs give equal allocations. Drawing takes time in
/// proportion to the impressions of the batch for the policies that draw per impression.
///
/// # Errors
/// - [`Error::Empty`], [`Error::Arm`], [`Error::Setting`]: see [`Prior::posteriors`]; a setting of
///   the policy is outside its range.
pub fn allocate(policy: Policy, state: &State<'_>, stream: Stream) -> Result<Allocation, Error> {
    decide(policy, state, stream, true)
}

/// The impressions of [`allocate`] alone, for simulations that log no propensities: faster for the
/// policies whose propensities are computed apart from their draws.
///
/// # Errors
/// As [`allocate`].
pub fn divide(policy: Policy, state: &State<'_>, stream: Stream) -> Result<Vec<u64>, Error> {
    Ok(decide(policy, state, stream, false)?.impressions)
}

/// With `log` the propensities are complete; without it those of some policies are left empty.
fn decide(policy: Policy, state: &State<'_>, stream: Stream, log: bool) -> Result<Allocation, Error> {
    let posteriors = state.prior.posteriors(state.arms)?;
    let impressions = state.horizon.impressions;
    let per_impression = |propensities: Vec<f64>| Allocation {
        impressions: multinomial(impressions, &propensities, stream),
        propensities,
        computed: Propensities::Exact,
    };
    let means = || posteriors.iter().map(BetaPosterior::mean).collect::<Vec<f64>>();
    match policy {
        Policy::Uniform => Ok(per_impression(vec![1.0 / posteriors.len() as f64; posteriors.len()])),
        Policy::ExploreThenCommit { explore } if state.horizon.batch < explore => {
            decide(Policy::Uniform, state, stream, log)
        }
        Policy::ExploreThenCommit { .. } | Policy::Greedy => {
            Ok(all_to(largest(&means()), &means(), impressions))
        }
        Policy::Thompson => Ok(per_impression(grid::best(&posteriors))),
        Policy::TopTwoThompson { leader } => {
            if !(0.0..=1.0).contains(&leader) {
                return Err(Error::Setting { name: "leader", value: leader });
            }
            Ok(per_impression(top_two(&grid::best(&posteriors), leader)))
        }
        Policy::UpperConfidence { width, cooling } => {
            let width = cooled(width, cooling, &state.horizon)?;
            let bounds: Vec<f64> =
                posteriors.iter().map(|posterior| posterior.mean() + width * deviation(posterior)).collect();
            Ok(all_to(largest(&bounds), &bounds, impressions))
        }
        Policy::CooledThompson { width, cooling, blocks } => {
            let width = cooled(width, cooling, &state.horizon)?;
            check_count("blocks", blocks)?;
            let deviations: Vec<f64> =
                posteriors.iter().map(|posterior| width * deviation(posterior)).collect();
            Ok(cooled_thompson(&means(), &deviations, impressions, blocks, stream, log))
        }
        Policy::LinearThompson(settings) => settings.allocate(state, stream, log),
        Policy::BlockKnowledgeGradient(settings) => {
            let impressions = settings.allocate(&posteriors, &state.horizon)?;
            let total = state.horizon.impressions;
            let propensities = if total > 0 {
                impressions.iter().map(|own| *own as f64 / total as f64).collect()
            } else {
                one_hot(largest(&means()), posteriors.len())
            };
            Ok(Allocation { impressions, propensities, computed: Propensities::Exact })
        }
    }
}

fn cooled(width: f64, cooling: f64, horizon: &Horizon) -> Result<f64, Error> {
    let good = |value: f64| value.is_finite() && value >= 0.0;
    if !good(width) {
        return Err(Error::Setting { name: "width", value: width });
    }
    if !good(cooling) {
        return Err(Error::Setting { name: "cooling", value: cooling });
    }
    Ok(width * horizon.share_after().powf(cooling))
}

fn check_count(name: &'static str, value: u32) -> Result<(), Error> {
    if value > 0 { Ok(()) } else { Err(Error::Setting { name, value: f64::from(value) }) }
}

/// Standard deviation of a beta distribution.
fn deviation(posterior: &BetaPosterior) -> f64 {
    let mean = posterior.mean();
    (mean * (1.0 - mean) / (posterior.alpha() + posterior.beta() + 1.0)).sqrt()
}

/// Probability of every arm under top-two sampling, from the probabilities of being best: the
/// challenger is a leader drawn again until it differs.
fn top_two(best: &[f64], leader: f64) -> Vec<f64> {
    if best.len() == 1 {
        return vec![1.0];
    }
    let shares: Vec<f64> = (0..best.len())
        .map(|arm| {
            let challenger: f64 = (0..best.len())
                .filter(|other| *other != arm)
                .map(|other| {
                    let rest = 1.0 - best[other];
                    // A leader that is certain up to rounding leaves its rivals alike.
                    if rest > 1e-12 {
                        best[other] * best[arm] / rest
                    } else {
                        best[other] / (best.len() - 1) as f64
                    }
                })
                .sum();
            leader * best[arm] + (1.0 - leader) * challenger
        })
        .collect();
    let total: f64 = shares.iter().sum();
    shares.iter().map(|share| share / total).collect()
}

fn cooled_thompson(
    means: &[f64],
    deviations: &[f64],
    impressions: u64,
    blocks: u32,
    stream: Stream,
    log: bool,
) -> Allocation {
    if deviations.iter().all(|deviation| *deviation == 0.0) {
        return all_to(largest(means), means, impressions);
    }
    let mut counts = vec![0; means.len()];
    for (block, size) in block_sizes(impressions, blocks).enumerate() {
        let draws = stream.child(block as u64);
        let values: Vec<f64> = means
            .iter()
            .zip(deviations)
            .enumerate()
            .map(|(arm, (mean, deviation))| mean + deviation * draws.normal(arm as u64))
            .collect();
        counts[largest(&values)] += size;
    }
    Allocation {
        impressions: counts,
        propensities: if log { gaussian::best(means, deviations) } else { Vec::new() },
        computed: Propensities::Exact,
    }
}

/// Sizes of `blocks` blocks that differ by at most 1 and sum to `impressions`.
fn block_sizes(impressions: u64, blocks: u32) -> impl Iterator<Item = u64> {
    let (impressions, blocks) = (u128::from(impressions), u128::from(blocks));
    (0..blocks)
        .map(move |block| ((impressions * (block + 1) / blocks) - (impressions * block / blocks)) as u64)
}

fn all_to(arm: usize, arms: &[f64], impressions: u64) -> Allocation {
    let mut counts = vec![0; arms.len()];
    counts[arm] = impressions;
    Allocation { impressions: counts, propensities: one_hot(arm, arms.len()), computed: Propensities::Exact }
}

fn one_hot(arm: usize, n: usize) -> Vec<f64> {
    (0..n).map(|other| if other == arm { 1.0 } else { 0.0 }).collect()
}

/// `trials` independent draws from a distribution over arms.
fn multinomial(trials: u64, shares: &[f64], stream: Stream) -> Vec<u64> {
    let mut counts = vec![0; shares.len()];
    let last = shares.iter().rposition(|share| *share > 0.0).unwrap_or(0);
    for trial in 0..trials {
        let mut left = stream.uniform(trial);
        // Rounding may leave a hair after the last share; it goes to the last arm that may be drawn.
        let mut chosen = last;
        for (arm, share) in shares.iter().enumerate() {
            if left < *share {
                chosen = arm;
                break;
            }
            left -= share;
        }
        counts[chosen] += 1;
    }
    counts
}

/// Index of the largest value, the first of equals.
fn largest(values: &[f64]) -> usize {
    let mut best = (0, f64::NEG_INFINITY);
    for (idx, value) in values.iter().enumerate() {
        if *value > best.1 {
            best = (idx, *value);
        }
    }
    best.0
}
