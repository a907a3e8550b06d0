//! The counts of one kind of source, and what follows from them alone.
//!
//! The market and real platforms have levels of their own: a click rate of the one says nothing beside a click
//! rate of the other. So every mean, prior and spread is of one kind of source, and two directions whose
//! evidence is of different kinds are compared by how far each stands above the mean of its kind.

use spotwright_schemas::script::{Angle, Direction, Hook};

use super::{DirectionCounts, Posterior};

/// Click probability assumed before anything was shown: 1 %, the order of in-feed video.
const PRIOR_MEAN: f64 = 0.01;
/// Pseudo-impressions behind [`PRIOR_MEAN`]; a few hundred real impressions overrule it.
const PRIOR_STRENGTH: f64 = 200.0;
/// Pseudo-impressions that hold an angle's or a hook form's mean to the brief's.
pub(super) const MARGINAL_STRENGTH: f64 = 1_500.0;
/// Bounds of the fitted concentration in pseudo-impressions, and its value with fewer than three
/// directions.
const CONCENTRATION: [f64; 2] = [200.0, 20_000.0];
const DEFAULT_CONCENTRATION: f64 = 1_500.0;

/// The counts of one kind of source, in the order of [`Direction`].
#[derive(Debug, Clone, Copy)]
pub(super) struct Stratum<'a>(pub(super) &'a [DirectionCounts]);

impl Stratum<'_> {
    /// Impressions and clicks of all directions.
    pub(super) fn totals(self) -> (u64, u64) {
        self.total_where(|_| true)
    }

    /// Whether a direction was shown at least once.
    pub(super) fn has_tried(self, direction: Direction) -> bool {
        self.0.iter().any(|row| row.direction == direction && row.impressions > 0)
    }

    /// The mean click probability, held to 1 % by 200 pseudo-impressions.
    pub(super) fn mean(self) -> f64 {
        shrunk(self.totals(), PRIOR_MEAN, PRIOR_STRENGTH)
    }

    /// The posterior of a direction, tried or not.
    pub(super) fn posterior(self, direction: Direction) -> Posterior {
        let k = self.concentration();
        let parent = self.parent_mean(direction);
        let (impressions, clicks) = self.total_where(|row| row.direction == direction);
        Posterior {
            alpha: parent * k + clicks as f64,
            beta: (1.0 - parent) * k + (impressions - clicks) as f64,
        }
    }

    /// The mean of an angle, shrunk to the brief's.
    fn angle_mean(self, angle: Angle) -> f64 {
        shrunk(self.total_where(|row| row.direction.angle == angle), self.mean(), MARGINAL_STRENGTH)
    }

    /// The mean of a hook form, shrunk to the brief's.
    fn hook_mean(self, hook: Hook) -> f64 {
        shrunk(self.total_where(|row| row.direction.hook == hook), self.mean(), MARGINAL_STRENGTH)
    }

    fn parent_mean(self, direction: Direction) -> f64 {
        let mean = logit(self.mean());
        let angle = logit(self.angle_mean(direction.angle)) - mean;
        let hook = logit(self.hook_mean(direction.hook)) - mean;
        // Half of each: a direction's own clicks stand in both marginals and would count twice.
        1.0 / (1.0 + (-(mean + 0.5 * (angle + hook))).exp())
    }

    /// Moments: the variance between directions beyond binomial noise, `v = m(1-m) / (k+1)`.
    fn concentration(self) -> f64 {
        let shown: Vec<&DirectionCounts> = self.0.iter().filter(|row| row.impressions > 0).collect();
        if shown.len() < 3 {
            return DEFAULT_CONCENTRATION;
        }
        let mean = self.mean();
        let noise = mean * (1.0 - mean);
        let (mut weight, mut excess) = (0.0, 0.0);
        for row in shown {
            let n = row.impressions as f64;
            let difference = row.clicks as f64 / n - mean;
            weight += n;
            excess += n * (difference * difference - noise / n);
        }
        let between = excess / weight;
        if between <= 0.0 {
            return CONCENTRATION[1];
        }
        (noise / between - 1.0).clamp(CONCENTRATION[0], CONCENTRATION[1])
    }

    /// Impressions and clicks of the directions that `keep` accepts.
    pub(super) fn total_where(self, keep: impl Fn(&DirectionCounts) -> bool) -> (u64, u64) {
        self.0
            .iter()
            .filter(|row| keep(row))
            .fold((0, 0), |(n, c), row| (n + row.impressions, c + row.clicks))
    }
}

/// A rate drawn towards a mean by that many pseudo-impressions.
pub(super) fn shrunk((impressions, clicks): (u64, u64), mean: f64, strength: f64) -> f64 {
    (clicks as f64 + mean * strength) / (impressions as f64 + strength)
}

fn logit(p: f64) -> f64 {
    let p = p.clamp(1e-9, 1.0 - 1e-9);
    (p / (1.0 - p)).ln()
}
