//! Chooses the directions of a generation.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use spotwright_core::domain::copy_rules::quantity::figure;
use spotwright_schemas::brief::Brief;
use spotwright_schemas::random::Stream;
use spotwright_schemas::script::{Angle, Direction, Hook};

use crate::copywriter::{angle_of, possible_structures};
use crate::drafting::plain::angle_of_fact;
use crate::learn::Beliefs;

/// One variant to be drafted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Assignment {
    /// Number of the variant within its generation, from 1.
    pub number: u32,
    /// The direction it follows.
    pub direction: Direction,
    /// Why the direction was taken.
    pub reason: Reason,
}

/// Why a direction was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// First generation: every angle gets a variant.
    Coverage,
    /// The highest Thompson draw.
    Promise,
    /// Never shown before; keeps the search open.
    Exploration,
    /// A person wanted another script.
    Wished,
}

/// The directions for which the brief's facts hold enough: an angle needs a structure that approaches
/// from that side and that the facts carry, a number hook a fact with a figure. Facts that carry no structure at all
/// still open scripts as statements. In the order of [`Direction`].
#[must_use]
pub fn possible_directions(brief: &Brief) -> Vec<Direction> {
    let structures = possible_structures(brief);
    let has_figure = brief.product.facts.iter().any(|fact| figure(&fact.text, brief.locale).is_some());
    let mut directions = Vec::new();
    for angle in Angle::ALL {
        if !structures.iter().any(|structure| angle_of(*structure) == angle) {
            continue;
        }
        let hooks = Hook::ALL.into_iter().filter(|hook| *hook != Hook::Number || has_figure);
        directions.extend(hooks.map(|hook| Direction { angle, hook }));
    }
    if directions.is_empty() {
        // Very few facts carry no structure, but each can open a script of its own.
        let angles: BTreeSet<Angle> =
            brief.product.facts.iter().map(|fact| angle_of_fact(fact.kind)).collect();
        directions.extend(angles.into_iter().map(|angle| Direction { angle, hook: Hook::Statement }));
    }
    directions
}

/// Assigns a direction to each of `n_variants` variants of generation `generation` (from 1).
///
/// No direction gets more than a third of the variants (at least one each), unless the brief allows
/// too few directions to keep to that. The first generation covers as many angles as possible;
/// later ones follow Thompson draws from `beliefs`, with a sixth kept for directions that were
/// never shown. Where real platforms have reported of the product, the first generation follows that too. Empty when the brief allows no direction. Deterministic in all arguments.
#[must_use]
pub fn plan(
    brief: &Brief,
    generation: u32,
    n_variants: usize,
    beliefs: &Beliefs,
    seed: u64,
) -> Vec<Assignment> {
    let possible = possible_directions(brief);
    if possible.is_empty() || n_variants == 0 {
        return Vec::new();
    }
    let cap = (n_variants / 3).max(1).max(n_variants.div_ceil(possible.len()));
    let mut planner = Planner {
        taken: vec![0; possible.len()],
        possible,
        cap,
        beliefs,
        stream: Stream::new(seed, "plan").child(u64::from(generation)),
        draws: 0,
    };
    let begins_cold = generation <= 1 && !beliefs.has_imported();
    let n_explored = if !begins_cold { (n_variants / 6).max(1).min(n_variants - 1) } else { 0 };
    let mut assignments = Vec::with_capacity(n_variants);
    for idx in 0..n_variants {
        let explores = idx >= n_variants - n_explored;
        let (picked, reason) = if begins_cold {
            (planner.least_used_angle(), Reason::Coverage)
        } else if explores && planner.has_untried() {
            (planner.best_of(Planner::is_untried), Reason::Exploration)
        } else {
            (planner.best_of(|_, _| true), Reason::Promise)
        };
        let Some(at) = picked else { break };
        planner.taken[at] += 1;
        assignments.push(Assignment { number: idx as u32 + 1, direction: planner.possible[at], reason });
    }
    assignments
}

struct Planner<'a> {
    possible: Vec<Direction>,
    taken: Vec<usize>,
    cap: usize,
    beliefs: &'a Beliefs,
    stream: Stream,
    draws: u64,
}

impl Planner<'_> {
    /// The highest Thompson draw among directions below the cap that `keep` accepts.
    fn best_of(&mut self, keep: impl Fn(&Self, usize) -> bool) -> Option<usize> {
        let round = self.stream.child(self.draws);
        self.draws += 1;
        (0..self.possible.len())
            .filter(|&at| self.taken[at] < self.cap && keep(self, at))
            .map(|at| (self.beliefs.promise(self.possible[at], round.child(at as u64)), at))
            .max_by(|a, b| a.0.total_cmp(&b.0))
            .map(|(_, at)| at)
    }

    /// A direction of the angle with the fewest variants; within it hooks that are rare so far.
    fn least_used_angle(&mut self) -> Option<usize> {
        let uses = |keep: &dyn Fn(Direction) -> bool| -> usize {
            self.possible.iter().zip(&self.taken).filter(|(d, _)| keep(**d)).map(|(_, n)| n).sum()
        };
        let burden = |at: usize| {
            let own = self.possible[at];
            let angle = uses(&|d| d.angle == own.angle);
            let hook = uses(&|d| d.hook == own.hook);
            (angle, self.taken[at], hook)
        };
        let least = (0..self.possible.len()).filter(|&at| self.taken[at] < self.cap).map(burden).min()?;
        let ties: Vec<usize> =
            (0..self.possible.len()).filter(|&at| self.taken[at] < self.cap && burden(at) == least).collect();
        self.best_of(|_, at| ties.contains(&at))
    }

    fn is_untried(&self, at: usize) -> bool {
        self.taken[at] == 0 && !self.beliefs.has_tried(self.possible[at])
    }

    fn has_untried(&self) -> bool {
        (0..self.possible.len()).any(|at| self.is_untried(at))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::fixtures::{coffee_en, coffee_zh};
    use crate::learn::{learn, with_imported};

    #[test]
    fn the_first_generation_covers_every_angle_that_the_facts_carry() {
        for brief in [coffee_en(), coffee_zh()] {
            let assignments = plan(&brief, 1, 12, &Beliefs::default(), 3);
            let angles: BTreeSet<Angle> = assignments.iter().map(|a| a.direction.angle).collect();
            let directions: BTreeSet<Direction> = assignments.iter().map(|a| a.direction).collect();
            let possible: BTreeSet<Direction> = possible_directions(&brief).into_iter().collect();
            assert_eq!(angles, possible.iter().map(|direction| direction.angle).collect::<BTreeSet<Angle>>());
            assert!(angles.len() >= 3, "{angles:?}");
            assert_eq!(directions.len(), possible.len().min(12));
            assert_eq!(
                assignments.iter().map(|a| a.number).collect::<Vec<_>>(),
                (1..=12).collect::<Vec<_>>()
            );
        }
    }

    #[test]
    fn later_generations_follow_the_clicks_within_the_cap() {
        let brief = coffee_en();
        let good = Direction { angle: Angle::Problem, hook: Hook::Question };
        let mut rows: Vec<(Direction, u64, u64)> =
            possible_directions(&brief).into_iter().take(12).map(|d| (d, 5_000, 40)).collect();
        rows.push((good, 5_000, 300));
        let assignments = plan(&brief, 2, 12, &learn(&Beliefs::default(), &rows), 3);
        let mut counts: BTreeMap<Direction, usize> = BTreeMap::new();
        for assignment in &assignments {
            *counts.entry(assignment.direction).or_default() += 1;
        }
        assert_eq!(counts[&good], 4, "{counts:?}");
        assert!(counts.values().all(|n| *n <= 4));
        assert_eq!(assignments.iter().filter(|a| a.reason == Reason::Exploration).count(), 2);
    }

    #[test]
    fn a_first_generation_begins_with_what_platforms_reported() {
        let brief = coffee_en();
        let good = Direction { angle: Angle::Problem, hook: Hook::Question };
        let mut rows: Vec<(Direction, u64, u64)> =
            possible_directions(&brief).into_iter().take(12).map(|d| (d, 5_000, 40)).collect();
        rows.retain(|(direction, ..)| *direction != good);
        rows.push((good, 5_000, 300));
        let assignments = plan(&brief, 1, 12, &with_imported(&Beliefs::default(), &rows), 3);
        let of_good = assignments.iter().filter(|assignment| assignment.direction == good);
        assert_eq!(of_good.count(), 4, "{assignments:?}");
        assert!(assignments.iter().all(|assignment| assignment.reason != Reason::Coverage));
    }

    #[test]
    fn directions_need_facts() {
        let mut brief = coffee_en();
        let all = possible_directions(&brief);
        brief.product.facts.retain(|fact| fact.kind == spotwright_schemas::brief::FactKind::Benefit);
        let possible = possible_directions(&brief);
        assert!(possible.len() < all.len(), "{possible:?}");
        assert!(possible.iter().all(|d| d.angle != Angle::Story && all.contains(d)), "{possible:?}");
    }

    #[test]
    fn the_seed_decides() {
        let brief = coffee_en();
        let run = |seed| plan(&brief, 1, 8, &Beliefs::default(), seed);
        assert_eq!(run(1), run(1));
        assert_ne!(run(1), run(2));
    }
}
