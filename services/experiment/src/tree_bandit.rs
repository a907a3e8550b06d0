//! Rewards of contexts made of categories: all decision trees up to a depth, weighted by how well
//! they foretold the rewards, and Thompson sampling on them.
//!
//! A tree splits on one column after another, each node on one that its ancestors have not used, and
//! every leaf has its own distribution over the rewards seen so far. A node is a leaf with
//! probability s; else it splits on any of the other columns alike; at the greatest depth it is a
//! leaf. With E the evidence of a cell's rewards under one distribution, the evidence of all trees
//! below the cell is
//!
//! ```text
//! T(cell) = s·E(cell) + (1 − s)·mean over columns c of Π over categories v of T(cell and c = v)
//! ```
//!
//! which is kept for every cell, so that the average over all trees is exact and a tree can be drawn
//! from its posterior from the root on. Distributions have a Dirichlet prior with one pseudo-count
//! for each distinct reward that the action has ever earned; of rewards that it never earned they
//! know nothing. A column that tells the rewards apart is found after a few dozen of them, whatever
//! the other columns say, and splits that do not help cost their own evidence.
//!
//! # Source
//! Averages over trees by recursion: Willems, Shtarkov and Tjalkens, "The context-tree weighting
//! method", IEEE Transactions on Information Theory 41 (1995); over decision trees: Buntine,
//! "Learning classification trees", Statistics and Computing 2 (1992). Thompson sampling: Thompson,
//! Biometrika 25 (1933).

use std::collections::BTreeMap;

use spotwright_schemas::random::Stream;

use crate::Error;

/// Most cells that a posterior keeps.
const MAX_CELLS: usize = 1 << 23;
/// Most distinct rewards.
const MAX_REWARDS: usize = 64;

/// Prior over trees and rewards.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TreePrior {
    /// Most splits between the root and a leaf, at most 4.
    pub depth: usize,
    /// Probability that a node above the greatest depth is a leaf, within 0 and 1.
    pub leaf: f64,
    /// Pseudo-count of each distinct reward in a leaf.
    pub pseudo_count: f64,
}

/// Some columns, and where the cells lie that give each of them a category.
#[derive(Debug, Clone, PartialEq)]
struct ColumnSet {
    columns: Vec<usize>,
    /// First cell.
    start: usize,
    /// Columns that can be added, and the position of the columns with it.
    children: Vec<(usize, usize)>,
}

/// The posterior of one action's rewards.
#[derive(Debug, Clone, PartialEq)]
pub struct TreePosterior {
    prior: TreePrior,
    /// Categories of each column.
    categories: Vec<usize>,
    /// Fewer columns before more.
    sets: Vec<ColumnSet>,
    /// Distinct rewards in the order in which they came.
    rewards: Vec<f64>,
    /// By distinct reward and cell.
    counts: Vec<Vec<u32>>,
    /// ln E by cell.
    own: Vec<f64>,
    /// ln T by cell.
    total: Vec<f64>,
    /// By cell above the greatest depth and column, ln Π T over the column's categories.
    splits: Vec<f64>,
}

impl TreePosterior {
    /// The prior for contexts of as many columns as `categories` has; column i has the categories
    /// 0 to `categories[i]` − 1.
    ///
    /// # Errors
    /// [`Error::Empty`]: no column, or one without categories; [`Error::Setting`]: a field of `prior`
    /// is outside its range, or the cells are more than 8 million.
    pub fn new(categories: &[usize], prior: TreePrior) -> Result<Self, Error> {
        if categories.is_empty() || categories.contains(&0) {
            return Err(Error::Empty);
        }
        if !(prior.leaf > 0.0 && prior.leaf < 1.0) {
            return Err(Error::Setting { name: "leaf", value: prior.leaf });
        }
        if !(prior.pseudo_count.is_finite() && prior.pseudo_count > 0.0) {
            return Err(Error::Setting { name: "pseudo_count", value: prior.pseudo_count });
        }
        if prior.depth > 4 {
            return Err(Error::Setting { name: "depth", value: prior.depth as f64 });
        }
        let (sets, n_cells, n_inner) = column_sets(categories, prior.depth)?;
        Ok(Self {
            prior,
            categories: categories.to_vec(),
            sets,
            rewards: Vec::new(),
            counts: Vec::new(),
            own: vec![0.0; n_cells],
            total: vec![0.0; n_cells],
            splits: vec![0.0; n_inner * categories.len()],
        })
    }

    /// Rewards learned. An action should be tried a few times before draws decide: as long as it has
    /// earned one reward only, every draw is that reward.
    #[must_use]
    pub fn n_learned(&self) -> u64 {
        // The first cell is the root's, which counts all.
        self.counts.iter().map(|counts| u64::from(counts[0])).sum()
    }

    /// ln of the probability that the prior gave to all rewards learned, each in turn, among the
    /// distinct rewards known by then.
    #[must_use]
    pub fn log_evidence(&self) -> f64 {
        self.total[0]
    }

    /// The expected reward of `context` in a tree drawn from the posterior, with draw number `index`
    /// of `stream`; 0 when no reward was learned.
    ///
    /// # Errors
    /// [`Error::Setting`]: `context` has another number of columns or an unknown category.
    pub fn draw(&self, context: &[usize], stream: Stream, index: u64) -> Result<f64, Error> {
        self.check(context)?;
        let draws = stream.child(index);
        let mut set = &self.sets[0];
        for depth in 0.. {
            let cell = self.cell(set, context);
            let leaf = (self.prior.leaf.ln() + self.own[cell] - self.total[cell]).exp();
            if set.children.is_empty() || draws.uniform(2 * depth) < leaf {
                break;
            }
            let splits = self.splits_of(cell);
            let largest = set.children.iter().map(|(column, _)| splits[*column]).fold(f64::MIN, f64::max);
            let weights = set.children.iter().map(|(column, _)| (splits[*column] - largest).exp());
            let mut left = draws.uniform(2 * depth + 1) * weights.clone().sum::<f64>();
            // Rounding may leave a little after the last, which is then taken.
            let chosen = weights.take_while(|weight| {
                left -= weight;
                left > 0.0
            });
            let chosen = chosen.count().min(set.children.len() - 1);
            set = &self.sets[set.children[chosen].1];
        }
        let cell = self.cell(set, context);
        let (mut sum, mut weighted) = (0.0, 0.0);
        for (idx, (reward, counts)) in self.rewards.iter().zip(&self.counts).enumerate() {
            let shape = self.prior.pseudo_count + f64::from(counts[cell]);
            let share = draws.child(idx as u64).gamma(shape).max(f64::MIN_POSITIVE);
            sum += share;
            weighted += share * reward;
        }
        Ok(if sum > 0.0 { weighted / sum } else { 0.0 })
    }

    /// Learns that `context` earned `reward`.
    ///
    /// # Errors
    /// As [`TreePosterior::draw`]; [`Error::Setting`]: the reward is not finite, or the 65th distinct
    /// one.
    pub fn learn(&mut self, context: &[usize], reward: f64) -> Result<(), Error> {
        self.check(context)?;
        let known = self.rewards.iter().position(|known| known.total_cmp(&reward).is_eq());
        let kind = match known {
            Some(kind) => kind,
            None if !reward.is_finite() || self.rewards.len() == MAX_REWARDS => {
                return Err(Error::Setting { name: "reward", value: reward });
            }
            None => {
                self.rewards.push(reward);
                self.counts.push(vec![0; self.own.len()]);
                self.rewards.len() - 1
            }
        };
        let (leaf, pseudo_count) = (self.prior.leaf, self.prior.pseudo_count);
        let prior_mass = pseudo_count * self.rewards.len() as f64;
        let mut changes = vec![0.0; self.sets.len()];
        // Larger sets of columns first: a cell's evidence needs that of the cells within.
        for (position, set) in self.sets.iter().enumerate().rev() {
            let cell = self.cell(set, context);
            let n: u32 = self.counts.iter().map(|counts| counts[cell]).sum();
            let count = &mut self.counts[kind][cell];
            self.own[cell] += ((f64::from(*count) + pseudo_count) / (f64::from(n) + prior_mass)).ln();
            *count += 1;
            let total = if set.children.is_empty() {
                self.own[cell]
            } else {
                let start = cell * self.categories.len();
                let splits = &mut self.splits[start..start + self.categories.len()];
                for (column, child) in &set.children {
                    splits[*column] += changes[*child];
                }
                let splits = set.children.iter().map(|(column, _)| splits[*column]);
                let mean = log_sum(splits) - (set.children.len() as f64).ln();
                log_sum([leaf.ln() + self.own[cell], (1.0 - leaf).ln() + mean].into_iter())
            };
            changes[position] = total - self.total[cell];
            self.total[cell] = total;
        }
        Ok(())
    }

    fn check(&self, context: &[usize]) -> Result<(), Error> {
        if context.len() != self.categories.len() {
            return Err(Error::Setting { name: "context length", value: context.len() as f64 });
        }
        match context.iter().zip(&self.categories).find(|(category, n)| category >= n) {
            Some((category, _)) => Err(Error::Setting { name: "category", value: *category as f64 }),
            None => Ok(()),
        }
    }

    fn cell(&self, set: &ColumnSet, context: &[usize]) -> usize {
        let within =
            set.columns.iter().fold(0, |within, &column| within * self.categories[column] + context[column]);
        set.start + within
    }

    fn splits_of(&self, cell: usize) -> &[f64] {
        &self.splits[cell * self.categories.len()..(cell + 1) * self.categories.len()]
    }
}

/// All sets of at most `depth` columns, fewer columns before more, with the number of cells and of
/// those of fewer than `depth` columns.
fn column_sets(categories: &[usize], depth: usize) -> Result<(Vec<ColumnSet>, usize, usize), Error> {
    let (mut sets, mut n_cells, mut n_inner) = (Vec::<ColumnSet>::new(), 0_usize, 0);
    let mut of_size: Vec<Vec<usize>> = vec![Vec::new()];
    for size in 0..=depth.min(categories.len()) {
        let mut larger = Vec::new();
        for columns in of_size {
            let first = columns.last().map_or(0, |last| last + 1);
            larger.extend((first..categories.len()).map(|column| [&columns[..], &[column]].concat()));
            let start = n_cells;
            n_cells += columns.iter().map(|&column| categories[column]).product::<usize>();
            if n_cells > MAX_CELLS {
                return Err(Error::Setting { name: "cells", value: n_cells as f64 });
            }
            sets.push(ColumnSet { columns, start, children: Vec::new() });
        }
        if size < depth {
            n_inner = n_cells;
        }
        of_size = larger;
    }
    let positions: BTreeMap<Vec<usize>, usize> =
        sets.iter().enumerate().map(|(position, set)| (set.columns.clone(), position)).collect();
    for set in &mut sets {
        for column in (0..categories.len()).filter(|column| !set.columns.contains(column)) {
            let mut with = [&set.columns[..], &[column]].concat();
            with.sort_unstable();
            set.children.extend(positions.get(&with).map(|position| (column, *position)));
        }
    }
    Ok((sets, n_cells, n_inner))
}

/// ln Σ exp.
fn log_sum(values: impl Iterator<Item = f64> + Clone) -> f64 {
    let largest = values.clone().fold(f64::MIN, f64::max);
    largest + values.map(|value| (value - largest).exp()).sum::<f64>().ln()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PRIOR: TreePrior = TreePrior { depth: 2, leaf: 0.4, pseudo_count: 0.5 };

    /// ln of the Dirichlet evidence of rewards, all of whose values are known from the start.
    fn evidence(rewards: &[f64]) -> f64 {
        let (mut counts, mut log) = ([0.0, 0.0], 0.0);
        for reward in rewards {
            let kind = usize::from(*reward > 0.0);
            log += f64::ln((counts[kind] + 0.5) / (counts[0] + counts[1] + 1.0));
            counts[kind] += 1.0;
        }
        log
    }

    /// T by the definition, over all trees on two columns.
    fn all_trees(data: &[([usize; 2], f64)], columns: &[usize]) -> f64 {
        let rewards: Vec<f64> = data.iter().map(|(_, reward)| *reward).collect();
        let own = evidence(&rewards).exp();
        if columns.is_empty() {
            return own;
        }
        let split = |column: usize| -> f64 {
            let others: Vec<usize> = columns.iter().copied().filter(|other| *other != column).collect();
            (0..3)
                .map(|category| {
                    let part: Vec<_> = data.iter().copied().filter(|(c, _)| c[column] == category).collect();
                    all_trees(&part, &others)
                })
                .product()
        };
        0.4 * own + 0.6 * columns.iter().map(|column| split(*column)).sum::<f64>() / columns.len() as f64
    }

    proptest! {
        #[test]
        fn evidence_is_the_average_over_all_trees(
            data in proptest::collection::vec(([0_usize..3, 0_usize..3], any::<bool>()), 1..14),
        ) {
            let data: Vec<([usize; 2], f64)> =
                data.into_iter().map(|(context, high)| (context, if high { 5.0 } else { -35.0 })).collect();
            let mut posterior = TreePosterior::new(&[3, 3], PRIOR).unwrap();
            // Both rewards known before the first is learned.
            posterior.rewards = vec![-35.0, 5.0];
            posterior.counts = vec![vec![0; posterior.own.len()]; 2];
            for (context, reward) in &data {
                posterior.learn(context, *reward).unwrap();
            }
            let expected = all_trees(&data, &[0, 1]).ln();
            prop_assert!((posterior.log_evidence() - expected).abs() < 1e-9, "{} {expected}", posterior.log_evidence());
        }

        #[test]
        fn draws_lie_among_the_rewards_seen(
            data in proptest::collection::vec(([0_usize..3, 0_usize..2, 0_usize..4], 0_i32..4), 1..40),
            seed in 0_u64..100,
        ) {
            let mut posterior = TreePosterior::new(&[3, 2, 4], TreePrior { depth: 3, ..PRIOR }).unwrap();
            for (context, reward) in &data {
                posterior.learn(context, f64::from(*reward)).unwrap();
            }
            let (low, high) = data.iter().fold((i32::MAX, i32::MIN), |(low, high), (_, reward)| {
                (low.min(*reward), high.max(*reward))
            });
            for index in 0..10 {
                let draw = posterior.draw(&[2, 1, 3], Stream::new(seed, "draws"), index).unwrap();
                prop_assert!(draw >= f64::from(low) - 1e-9 && draw <= f64::from(high) + 1e-9);
            }
        }
    }

    #[test]
    fn the_column_that_decides_is_found_among_others() {
        let stream = Stream::new(3, "contexts");
        let mut posterior = TreePosterior::new(&[2; 12], TreePrior { depth: 3, ..PRIOR }).unwrap();
        let context =
            |number: u64| -> Vec<usize> { (0..12).map(|c| stream.child(number).below(c, 2)).collect() };
        for number in 0..60 {
            let context = context(number);
            posterior.learn(&context, if context[7] == 1 { 5.0 } else { -35.0 }).unwrap();
        }
        for number in 60..100 {
            let context = context(number);
            let mean = (0..50).map(|i| posterior.draw(&context, stream, i).unwrap()).sum::<f64>() / 50.0;
            assert!(if context[7] == 1 { mean > 2.0 } else { mean < -30.0 }, "{context:?}: {mean}");
        }
    }

    #[test]
    fn bad_inputs_are_errors() {
        assert_eq!(TreePosterior::new(&[], PRIOR), Err(Error::Empty));
        assert_eq!(TreePosterior::new(&[2, 0], PRIOR), Err(Error::Empty));
        let refused = |prior| matches!(TreePosterior::new(&[2], prior), Err(Error::Setting { .. }));
        assert!(refused(TreePrior { leaf: 1.0, ..PRIOR }) && refused(TreePrior { leaf: f64::NAN, ..PRIOR }));
        assert!(
            refused(TreePrior { pseudo_count: 0.0, ..PRIOR }) && refused(TreePrior { depth: 5, ..PRIOR })
        );
        let too_many = TreePosterior::new(&[5_000; 2], PRIOR);
        assert!(matches!(too_many, Err(Error::Setting { name: "cells", .. })));
        let mut posterior = TreePosterior::new(&[2, 2], PRIOR).unwrap();
        assert_eq!(posterior.n_learned(), 0);
        assert_eq!(posterior.draw(&[0, 1], Stream::new(1, "draws"), 0), Ok(0.0));
        assert!(matches!(posterior.learn(&[0], 1.0), Err(Error::Setting { name: "context length", .. })));
        assert!(matches!(posterior.learn(&[0, 2], 1.0), Err(Error::Setting { name: "category", .. })));
        assert!(matches!(posterior.learn(&[0, 1], f64::NAN), Err(Error::Setting { name: "reward", .. })));
        for reward in 0..64 {
            posterior.learn(&[0, 1], f64::from(reward)).unwrap();
        }
        assert_eq!(posterior.n_learned(), 64);
        assert!(matches!(posterior.learn(&[0, 1], 64.0), Err(Error::Setting { name: "reward", .. })));
    }
}
