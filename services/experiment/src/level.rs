//! Levels of click rates in a tree: advertiser, brief, placement, week, or any other path.
//!
//! Every node has a click rate of its own that scatters around its parent's as a beta distribution
//! with a known strength m in pseudo-impressions. The root scatters around a prior rate. Clicks are
//! counted where they happened; from there, what they say travels along the edges, and each edge
//! weakens it:
//!
//! ```text
//! through an edge of strength m, n impressions count as n m / (n + m), at the same click rate
//! ```
//!
//! since the variances p(1 − p)/n and p(1 − p)/m add up. A node believes its own clicks and what
//! comes through its edges, each impression once: what a child has told its parent does not come
//! back to the child. For one node this is the beta-binomial posterior; for two levels of equal size
//! it is what empirical Bayes shrinks by. It is a Gaussian message pass with the binomial's variance:
//! exact in the limit of many impressions.
//!
//! # Source
//! Gelman et al., Bayesian Data Analysis, 3rd edition 2013, chapter 5 (exchangeable rates); Pearl,
//! Probabilistic Reasoning in Intelligent Systems, 1988, chapter 4 (messages in trees).

use std::collections::BTreeMap;

use crate::Error;
use crate::interval::BetaPosterior;

/// A tree of click rates that is learned as clicks come in.
///
/// Observing in any order, and in any division, leaves the same tree: only counts are kept, and sums
/// run in the order of the keys.
///
/// # Examples
/// ```
/// use spotwright_experiment::level::LevelTree;
///
/// // Advertisers scatter around 1 % like 500 impressions, their briefs like 2,000.
/// let mut tree = LevelTree::new(0.01, 1_000.0, &[500.0, 2_000.0])?;
/// tree.observe(&["tea house", "spring"], 10_000.0, 300.0)?;
/// let known = tree.posterior(&["tea house", "spring"]).mean();
/// let sister = tree.posterior(&["tea house", "summer"]).mean();
/// let stranger = tree.posterior(&["shoe shop", "sale"]).mean();
/// assert!(0.03 > known && known > sister && sister > stranger && stranger > 0.01);
/// # Ok::<(), spotwright_experiment::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct LevelTree<K> {
    prior_rate: f64,
    prior_strength: f64,
    strengths: Vec<f64>,
    root: Node<K>,
}

/// Rates and strengths are kept this far from what cannot be divided by.
const RATES: [f64; 2] = [1e-9, 1.0 - 1e-9];
const STRENGTHS: [f64; 2] = [1e-3, 1e12];
/// Most impressions of one observation.
const MOST_IMPRESSIONS: f64 = 1e15;

/// Impressions with and without a click, of which fractions can be left after an edge.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Evidence {
    clicks: f64,
    misses: f64,
}

impl Evidence {
    fn plus(self, other: Self) -> Self {
        Self { clicks: self.clicks + other.clicks, misses: self.misses + other.misses }
    }

    /// What is left after an edge of this strength.
    fn through(self, strength: f64) -> Self {
        let left = strength / (self.clicks + self.misses + strength);
        Self { clicks: self.clicks * left, misses: self.misses * left }
    }
}

#[derive(Debug, Clone)]
struct Node<K> {
    own: Evidence,
    children: BTreeMap<K, Self>,
    /// `own` and what the children tell.
    pooled: Evidence,
}

impl<K> Default for Node<K> {
    fn default() -> Self {
        Self { own: Evidence::default(), children: BTreeMap::new(), pooled: Evidence::default() }
    }
}

impl<K: Ord + Clone> Node<K> {
    fn observe(&mut self, path: &[K], strengths: &[f64], evidence: Evidence) {
        // Without children, nothing passes an edge.
        let strength = strengths.first().copied().unwrap_or(f64::INFINITY);
        if let (Some((key, path)), Some((_, below))) = (path.split_first(), strengths.split_first()) {
            self.children.entry(key.clone()).or_default().observe(path, below, evidence);
        } else {
            self.own = self.own.plus(evidence);
        }
        self.pooled = self.told_by_others(None, strength);
    }

    /// Its own evidence and that of all children but one, summed in the order of the keys.
    fn told_by_others(&self, but: Option<&K>, strength: f64) -> Evidence {
        self.children
            .iter()
            .filter(|(key, _)| Some(*key) != but)
            .fold(self.own, |sum, (_, child)| sum.plus(child.pooled.through(strength)))
    }
}

impl<K: Ord + Clone> LevelTree<K> {
    /// A tree whose root is held to `prior_rate` in (0, 1) by `prior_strength` pseudo-impressions,
    /// and whose nodes on each level below are held to their parents by `strengths`.
    ///
    /// # Errors
    /// [`Error::Setting`]: a rate or a strength that is not finite, not above 0 or extreme.
    pub fn new(prior_rate: f64, prior_strength: f64, strengths: &[f64]) -> Result<Self, Error> {
        if !(RATES[0]..=RATES[1]).contains(&prior_rate) {
            return Err(Error::Setting { name: "prior_rate", value: prior_rate });
        }
        for strength in [prior_strength].into_iter().chain(strengths.iter().copied()) {
            if !(STRENGTHS[0]..=STRENGTHS[1]).contains(&strength) {
                return Err(Error::Setting { name: "strength", value: strength });
            }
        }
        Ok(Self { prior_rate, prior_strength, strengths: strengths.to_vec(), root: Node::default() })
    }

    /// Adds `clicks` of `impressions` at the end of `path`; parts of the path may be left out at its
    /// end where they are not known. Impressions may be fractions: exposures weighted by how well the
    /// advertisement was expected to do.
    ///
    /// # Errors
    /// [`Error::Setting`]: a path longer than the tree is deep, impressions outside [0, 1e15], or clicks
    /// outside [0, impressions].
    pub fn observe(&mut self, path: &[K], impressions: f64, clicks: f64) -> Result<(), Error> {
        if path.len() > self.strengths.len() {
            return Err(Error::Setting { name: "path", value: path.len() as f64 });
        }
        if !(0.0..=MOST_IMPRESSIONS).contains(&impressions) {
            return Err(Error::Setting { name: "impressions", value: impressions });
        }
        if !(0.0..=impressions).contains(&clicks) {
            return Err(Error::Setting { name: "clicks", value: clicks });
        }
        self.root.observe(path, &self.strengths, Evidence { clicks, misses: impressions - clicks });
        Ok(())
    }

    /// What is believed of the click rate at the end of `path`, seen or not. Parts of the path beyond
    /// the tree's depth are ignored.
    #[must_use]
    pub fn posterior(&self, path: &[K]) -> BetaPosterior {
        let prior = Evidence {
            clicks: self.prior_strength * self.prior_rate,
            misses: self.prior_strength * (1.0 - self.prior_rate),
        };
        let mut node = Some(&self.root);
        let mut from_above = prior;
        for (key, &strength) in path.iter().zip(&self.strengths) {
            let here = node.map_or_else(Evidence::default, |node| node.told_by_others(Some(key), strength));
            from_above = from_above.plus(here).through(strength);
            node = node.and_then(|node| node.children.get(key));
        }
        let belief = from_above.plus(node.map_or_else(Evidence::default, |node| node.pooled));
        BetaPosterior::of(belief.clicks, belief.misses)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    type Row = (usize, usize, u32, f64);

    fn tree() -> LevelTree<usize> {
        LevelTree::new(0.01, 800.0, &[500.0, 2_000.0]).unwrap()
    }

    fn rows() -> impl Strategy<Value = Vec<Row>> {
        proptest::collection::vec((0_usize..3, 0_usize..3, 0_u32..50_000, 0.0..=1.0_f64), 0..12)
    }

    fn observe(tree: &mut LevelTree<usize>, rows: &[Row]) {
        for &(a, b, impressions, share) in rows {
            let clicks = (f64::from(impressions) * share).floor();
            tree.observe(&[a, b], f64::from(impressions), clicks).unwrap();
        }
    }

    #[test]
    fn one_level_is_the_beta_binomial() {
        let mut tree = LevelTree::<u8>::new(0.02, 300.0, &[]).unwrap();
        tree.observe(&[], 1_000.0, 35.0).unwrap();
        let posterior = tree.posterior(&[]);
        assert_eq!(posterior, BetaPosterior::new(0.02 * 300.0 + 35.0, 0.98 * 300.0 + 965.0).unwrap());
    }

    #[test]
    fn two_levels_shrink_as_variances_in_series_say() {
        let mut tree = LevelTree::new(0.02, 300.0, &[600.0]).unwrap();
        tree.observe(&["a"], 1_000.0, 50.0).unwrap();
        tree.observe(&["b"], 4_000.0, 40.0).unwrap();
        // b tells the root as 4000·600/4600 impressions; root and b reach a as n·600/(n+600).
        let told = 4_000.0 * 600.0 / 4_600.0;
        let above = 300.0 + told;
        let rate = (6.0 + told * 0.01) / above;
        let held = above * 600.0 / (above + 600.0);
        let expected = (held * rate + 50.0) / (held + 1_000.0);
        assert!((tree.posterior(&["a"]).mean() - expected).abs() < 1e-15);
    }

    #[test]
    fn one_big_child_does_not_overrule_its_parent() {
        let mut tree = tree();
        tree.observe(&[0, 0], 1e9, 5e7).unwrap();
        // However many impressions it has, it is one brief: at most its edges' strength.
        let sister = tree.posterior(&[0, 1]).mean();
        let stranger = tree.posterior(&[1, 0]).mean();
        assert!(sister < 0.045 && stranger < sister && stranger > 0.01, "{sister} {stranger}");
    }

    #[test]
    fn impossible_numbers_are_refused_and_change_nothing() {
        assert!(LevelTree::<u8>::new(0.0, 1.0, &[]).is_err());
        assert!(LevelTree::<u8>::new(0.1, f64::INFINITY, &[]).is_err());
        assert!(LevelTree::<u8>::new(0.1, 1.0, &[0.0]).is_err());
        let mut tree = tree();
        let before = tree.posterior(&[0, 0]);
        for (impressions, clicks) in [(-1.0, 0.0), (f64::NAN, 0.0), (1.0, 2.0), (1.0, f64::NAN)] {
            assert!(tree.observe(&[0, 0], impressions, clicks).is_err());
        }
        assert!(tree.observe(&[0, 0, 0], 1.0, 0.0).is_err());
        assert_eq!(tree.posterior(&[0, 0]), before);
    }

    proptest! {
        #[test]
        fn rates_stay_inside_and_between_the_parent_and_their_own(rows in rows(), a in 0_usize..3, b in 0_usize..3) {
            let (mut whole, mut without) = (tree(), tree());
            observe(&mut whole, &rows);
            let others: Vec<Row> = rows.iter().copied().filter(|row| (row.0, row.1) != (a, b)).collect();
            observe(&mut without, &others);
            let posterior = whole.posterior(&[a, b]).mean();
            prop_assert!(posterior > 0.0 && posterior < 1.0);
            let own: (f64, f64) = rows.iter().filter(|row| (row.0, row.1) == (a, b)).fold((0.0, 0.0), |(n, k), row| {
                (n + f64::from(row.2), k + (f64::from(row.2) * row.3).floor())
            });
            let from_above = without.posterior(&[a, b]).mean();
            if own.0 > 0.0 {
                let rate = own.1 / own.0;
                let (low, high) = (rate.min(from_above), rate.max(from_above));
                prop_assert!(low - 1e-12 <= posterior && posterior <= high + 1e-12, "{posterior} not in {low}..{high}");
            } else {
                prop_assert!((posterior - from_above).abs() < 1e-15);
            }
        }

        #[test]
        fn observations_commute(rows in rows(), at in 0_usize..12) {
            let (mut forward, mut turned) = (tree(), tree());
            observe(&mut forward, &rows);
            let mut other = rows.clone();
            other.reverse();
            let start = at % rows.len().max(1);
            other.rotate_left(start);
            observe(&mut turned, &other);
            for a in 0..3 {
                for b in 0..3 {
                    prop_assert_eq!(forward.posterior(&[a, b]), turned.posterior(&[a, b]));
                }
            }
        }

        #[test]
        fn more_impressions_never_know_less(rows in rows(), more in 1_u32..10_000) {
            let mut tree = tree();
            observe(&mut tree, &rows);
            let strength = |tree: &LevelTree<usize>, path: &[usize]| {
                let posterior = tree.posterior(path);
                posterior.alpha() + posterior.beta()
            };
            let before = [strength(&tree, &[0, 0]), strength(&tree, &[0, 2]), strength(&tree, &[2])];
            tree.observe(&[0, 0], f64::from(more), 0.0).unwrap();
            let after = [strength(&tree, &[0, 0]), strength(&tree, &[0, 2]), strength(&tree, &[2])];
            for (before, after) in before.into_iter().zip(after) {
                prop_assert!(after >= before * (1.0 - 1e-12));
            }
        }
    }
}
