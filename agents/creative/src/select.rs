//! Chooses which scored variants are rendered in full: good ones that differ.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use spotwright_schemas::ids::VariantId;
use spotwright_schemas::script::Direction;
use spotwright_schemas::{Language, Locale};

use crate::clarity::Unclear;
use crate::learn::{angle_name, hook_name};

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
    /// Why it stands here.
    pub place: Place,
}

/// Where a variant stands among those of its cell that pass or fail the clarity checks as it does.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Place {
    /// The cell.
    pub direction: Direction,
    /// Its rank in the cell, from 1.
    pub rank: usize,
    /// How many stand in the cell.
    pub of: usize,
    /// Relative appeal in log-odds; the lowest number where the score has none.
    pub appeal: f64,
    /// Standard deviation of `appeal`; the lowest number where the score has none.
    pub appeal_sd: f64,
    /// Why it stands behind all that serve the advertiser; `None` when it does so itself.
    pub unclear: Option<Unclear>,
}

impl Place {
    /// The place as a sentence without its final point, in the brief's language.
    #[must_use]
    pub fn told(&self, locale: Locale) -> String {
        let Self { direction, rank, of, appeal, appeal_sd, unclear } = *self;
        match locale.language() {
            Language::English => {
                let after = unclear
                    .map(|unclear| format!("after the clear ones, for {}: ", unclear.told(locale)))
                    .unwrap_or_default();
                let standing = if rank == 1 { "leads".to_owned() } else { format!("is number {rank} of") };
                format!(
                    "{after}{standing} its cell {:?} x {:?} of {of}; appeal {appeal:+.3}, sd {appeal_sd:.3}",
                    direction.angle, direction.hook
                )
            }
            Language::Chinese => {
                let after = unclear
                    .map(|unclear| format!("排在其他创意之后（{}）：", unclear.told(locale)))
                    .unwrap_or_default();
                format!(
                    "{after}在“{} × {}”方向的 {of} 条创意中排第 {rank}；吸引力 {appeal:+.3}，标准差 {appeal_sd:.3}",
                    angle_name(direction.angle, locale),
                    hook_name(direction.hook, locale)
                )
            }
        }
    }
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
        // What cannot be stored as a number counts as the lowest, as it does in the order.
        let finite = |value: f64| if value.is_finite() { value } else { f64::MIN };
        selected.push(Selected {
            variant: candidate.variant,
            place: Place {
                direction: candidate.direction,
                rank: rank + 1,
                of: cells[&(candidate.unclear.is_some(), candidate.direction)].len(),
                appeal: finite(candidate.appeal),
                appeal_sd: finite(candidate.appeal_sd),
                unclear: candidate.unclear,
            },
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
        assert_eq!(order[2].place.unclear, Some(Unclear::OfferMissing));
        assert_eq!((order[0].place.rank, order[0].place.of), (1, 2));
        assert_eq!(
            order[2].place.told(Locale::EnUs),
            "after the clear ones, for the last line says neither price nor offer: leads its cell Problem x \
             Question of 1; appeal +2.000, sd 0.100"
        );
        assert_eq!(
            order[2].place.told(Locale::ZhCn),
            "排在其他创意之后（结尾没有价格或优惠）：在“从痛点切入 × 提问式开头”方向的 1 条创意中排第 1；吸引力 +2.000，标准差 0.100"
        );
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
