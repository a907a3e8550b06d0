//! Chooses which scored variants are rendered in full: good ones that differ.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use spotwright_schemas::ids::VariantId;
use spotwright_schemas::script::Direction;

use crate::clarity::Unclear;

/// Weight of the standard deviation in the upper-confidence score. One half: a variant the click
/// model is unsure about gets a chance without outranking one that is clearly better.
pub const OPTIMISM: f64 = 0.5;

/// A scored variant.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Candidate {
    /// Which variant.
    pub variant: VariantId,
    /// Its direction: the cell of the archive.
    pub direction: Direction,
    /// Relative appeal in log-odds.
    pub appeal: f64,
    /// Standard deviation of `appeal`, at least 0.
    pub appeal_sd: f64,
    /// The first thing that keeps the script from serving the advertiser; `None` when it passes.
    #[serde(default)]
    pub unclear: Option<Unclear>,
}

impl Candidate {
    /// `appeal` + [`OPTIMISM`] · `appeal_sd`; the lowest number when either is not finite.
    #[must_use]
    pub fn upper_confidence(&self) -> f64 {
        let score = self.appeal + OPTIMISM * self.appeal_sd;
        if score.is_finite() { score } else { f64::MIN }
    }
}

/// A variant's place in the order of selection.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Selected {
    /// Which variant.
    pub variant: VariantId,
    /// Why it stands here, in English.
    pub reason: String,
}

/// Orders all candidates: the first are rendered, and the others stand in when one of those is rejected.
///
/// The archive has one cell per angle × hook (MAP-Elites). The elites of all cells come first, by
/// upper-confidence score; then the second of each cell, and so on. Scripts that fail the clarity
/// checks come after all that pass, by the same rule among themselves: an appeal that hides the offer
/// or the product is worth nothing to the advertiser. Equal scores keep the order of the input, so the
/// result is deterministic.
///
/// # Source
/// Mouret and Clune, "Illuminating search spaces by mapping elites", 2015 (arXiv 1504.04909); the
/// rounds over ranks within a cell are ours.
#[must_use]
pub fn select(candidates: &[Candidate]) -> Vec<Selected> {
    let by_score = |a: &usize, b: &usize| -> Ordering {
        candidates[*b].upper_confidence().total_cmp(&candidates[*a].upper_confidence()).then(a.cmp(b))
    };
    let mut cells: BTreeMap<(bool, Direction), Vec<usize>> = BTreeMap::new();
    for (idx, candidate) in candidates.iter().enumerate() {
        cells.entry((candidate.unclear.is_some(), candidate.direction)).or_default().push(idx);
    }
    let mut ranked: Vec<(usize, usize)> = Vec::with_capacity(candidates.len());
    for members in cells.values_mut() {
        members.sort_by(by_score);
        ranked.extend(members.iter().enumerate().map(|(rank, idx)| (rank, *idx)));
    }
    let unclear = |idx: usize| candidates[idx].unclear.is_some();
    ranked.sort_by(|a, b| {
        unclear(a.1).cmp(&unclear(b.1)).then(a.0.cmp(&b.0)).then_with(|| by_score(&a.1, &b.1))
    });
    let mut selected = Vec::with_capacity(ranked.len());
    for (rank, idx) in ranked {
        let candidate = &candidates[idx];
        let cell = &candidate.direction;
        let standing = if rank == 0 { "leads".to_owned() } else { format!("is number {} of", rank + 1) };
        let after = candidate
            .unclear
            .map(|unclear| format!("after the clear ones, for {}: ", unclear.as_str()))
            .unwrap_or_default();
        selected.push(Selected {
            variant: candidate.variant,
            reason: format!(
                "{after}{standing} its cell {:?} x {:?} of {}; appeal {:+.3}, sd {:.3}",
                cell.angle,
                cell.hook,
                cells[&(candidate.unclear.is_some(), *cell)].len(),
                candidate.appeal,
                candidate.appeal_sd
            ),
        });
    }
    selected
}

#[cfg(test)]
mod tests {
    use spotwright_schemas::script::{Angle, Hook};

    use super::*;

    fn candidate(index: u64, angle: Angle, hook: Hook, appeal: f64) -> Candidate {
        Candidate {
            variant: VariantId::derive(1, "test", index),
            direction: Direction { angle, hook },
            appeal,
            appeal_sd: 0.1,
            unclear: None,
        }
    }

    #[test]
    fn a_script_that_hides_the_offer_comes_after_all_that_say_it() {
        let mut loud = candidate(0, Angle::Problem, Hook::Question, 2.0);
        loud.unclear = Some(Unclear::OfferMissing);
        let candidates = [
            loud,
            candidate(1, Angle::Problem, Hook::Question, 0.2),
            candidate(2, Angle::Problem, Hook::Question, 0.1),
        ];
        let order = select(&candidates);
        let variants: Vec<VariantId> = order.iter().map(|s| s.variant).collect();
        assert_eq!(variants, [1, 2, 0].map(|idx: usize| candidates[idx].variant).to_vec());
        assert!(order[2].reason.contains("neither price nor offer"), "{}", order[2].reason);
        assert!(order[0].reason.contains("of 2;"), "{}", order[0].reason);
    }

    #[test]
    fn elites_of_different_cells_come_first() {
        let candidates = [
            candidate(0, Angle::Problem, Hook::Question, 0.9),
            candidate(1, Angle::Problem, Hook::Question, 0.8),
            candidate(2, Angle::Offer, Hook::Number, 0.1),
            candidate(3, Angle::Story, Hook::Scene, f64::NAN),
        ];
        let order: Vec<VariantId> = select(&candidates).into_iter().map(|s| s.variant).collect();
        let wanted: Vec<VariantId> = [0, 2, 3, 1].map(|idx: usize| candidates[idx].variant).to_vec();
        assert_eq!(order, wanted);
        assert!(select(&[]).is_empty());
    }

    #[test]
    fn doubt_breaks_a_tie() {
        let mut unsure = candidate(1, Angle::Offer, Hook::Number, 0.5);
        unsure.appeal_sd = 0.4;
        let candidates = [candidate(0, Angle::Problem, Hook::Question, 0.5), unsure];
        assert_eq!(select(&candidates)[0].variant, unsure.variant);
    }
}
