//! Withdrawing: variants that say what a product feed has made untrue.
//!
//! What nobody works on any more is withdrawn at once: winners of every generation, scripts that wait for
//! approval, and all that a finished run has. What is under way is withdrawn where it comes up next, when it is
//! drafted, selected or judged; so no step meets a variant in a state that it does not expect. A placement that
//! was not shown yet ends without a delivery; one that was keeps what was delivered. A campaign under way is
//! played without the variant, unless the market had begun: then what it delivered is what counts.

use serde_json::json;
use spotwright_core::domain::run::Stage;
use spotwright_core::domain::variant::{Placement, Variant, VariantState};
use spotwright_core::domain::withdrawal::{Untrue, Withdrawal, withdrawal};
use spotwright_schemas::Problem;
use spotwright_schemas::error::Code;

use crate::workflow::decide::Decision;
use crate::workflow::trace::{Chapter, line};

/// Most products whose changes a run remembers: a brief sells one, and its variants a few.
const MOST_UNTRUE: usize = 64;

impl Decision<'_> {
    /// Takes in that something of a product is no longer true. `variants` and `placements` are all of the run's.
    /// Whether anything follows from it.
    pub(in crate::workflow) fn untrue(
        &mut self,
        untrue: &Untrue,
        variants: &[Variant],
        placements: &[Placement],
        by: &str,
    ) -> Result<bool, Problem> {
        untrue.check()?;
        let remembered = self.remember_untrue(untrue);
        let mut left: Vec<Variant> = Vec::new();
        let mut n_withdrawn = 0_u64;
        let (mut won, mut placed) = (0_u64, 0_u64);
        for variant in variants {
            let told = self.within_reach(variant).then(|| self.untrue_of(variant, untrue, by)).flatten();
            let Some(reason) = told else {
                if variant.generation == self.generation {
                    left.push(variant.clone());
                }
                continue;
            };
            n_withdrawn += 1;
            let placement = placements.iter().find(|own| own.variant == variant.id);
            if variant.generation == self.generation && variant.state == VariantState::Won {
                won += 1;
                placed += u64::from(placement.is_some());
            }
            if let Some(placement) = placement.filter(|own| !self.may_be_shown(own)) {
                self.commit.ended.push(placement.id);
            }
            self.withdraw(variant.clone(), reason);
        }
        if !remembered && n_withdrawn == 0 {
            return Ok(false);
        }
        let detail = json!({ "untrue": untrue, "withdrawn": n_withdrawn, "by": by });
        let number = self.state.heard.product_changes;
        self.state.heard.product_changes += 1;
        self.trace(Chapter::Withdrawn, number, "product.changed", None, detail);
        self.changed = true;
        if n_withdrawn > 0 && !self.ending {
            self.go_on_without(&left, won, placed);
        }
        Ok(true)
    }

    /// Adds to what further scripts are held against. Whether it is news.
    fn remember_untrue(&mut self, untrue: &Untrue) -> bool {
        let known = &mut self.state.heard.untrue;
        if known.contains(untrue) {
            return false;
        }
        untrue.settle(known);
        if known.len() >= MOST_UNTRUE {
            known.remove(0);
        }
        known.push(untrue.clone());
        true
    }

    /// Whether no step is under way that expects the variant's state.
    fn within_reach(&self, variant: &Variant) -> bool {
        let is_over = self.run.stage == Stage::Finished || variant.generation < self.run.generation;
        match variant.state {
            VariantState::Won => true,
            VariantState::Drafted => is_over || self.run.stage == Stage::WaitingForApproval,
            // Those that were not selected stand in for others for as long as winners are being rendered.
            VariantState::Scored => {
                is_over
                    || matches!(
                        self.run.stage,
                        Stage::Rendering | Stage::Playing | Stage::Observing | Stage::Learning
                    )
            }
            VariantState::Previewed | VariantState::Selected | VariantState::Rendered => is_over,
            VariantState::Rejected | VariantState::Failed | VariantState::Withdrawn => false,
        }
    }

    /// Whether the market may be showing the placement at this moment.
    fn may_be_shown(&self, placement: &Placement) -> bool {
        self.run.stage == Stage::Playing
            && placement.generation == self.run.generation
            && placement.delivery.is_none()
    }

    /// What follows for a generation that loses variants: others in their place, or on without them.
    fn go_on_without(&mut self, left: &[Variant], won: u64, placed: u64) {
        match self.run.stage {
            Stage::WaitingForApproval => {
                let n_left = left.iter().filter(|own| own.state == VariantState::Drafted).count();
                self.approve_what_is_left(n_left);
            }
            Stage::Rendering if won > 0 => self.replace_withdrawn(left, won, placed),
            _ => {}
        }
    }

    fn approve_what_is_left(&mut self, left: usize) {
        if left == 0 && self.state.heard.redrafting.is_empty() {
            self.nothing_true();
        } else if left > 0 {
            self.render_what_is_approved(left);
        }
    }

    /// Puts the variants that are next in order in the place of withdrawn winners.
    fn replace_withdrawn(&mut self, left: &[Variant], won: u64, placed: u64) {
        let mut n_open = self.run.counts.selected + self.run.counts.rendered;
        for _ in 0..won {
            let next = self.state.waiting.first().copied();
            let Some(mut next) = next.and_then(|id| left.iter().find(|own| own.id == id)).cloned() else {
                break;
            };
            self.state.waiting.retain(|id| *id != next.id);
            next.state = VariantState::Selected;
            self.render_final(&mut next);
            self.commit.variants.push(next);
            n_open += 1;
        }
        let (now_won, now_placed) =
            (self.run.counts.won.saturating_sub(won), self.run.counts.placed.saturating_sub(placed));
        if n_open > 0 {
            return;
        }
        if now_won == 0 {
            self.nothing_true();
        } else if now_placed == now_won {
            self.play();
        }
    }

    pub(in crate::workflow) fn nothing_true(&mut self) {
        let message = "every script that was left says what a product feed has made untrue";
        self.fail(Problem::new(Code::Untrue, "brief", message));
    }

    /// What of a variant any remembered change has made untrue.
    pub(in crate::workflow) fn untrue_now(&self, variant: &Variant) -> Option<Withdrawal> {
        self.state.heard.untrue.iter().find_map(|untrue| self.untrue_of(variant, untrue, "system"))
    }

    fn untrue_of(&self, variant: &Variant, untrue: &Untrue, by: &str) -> Option<Withdrawal> {
        let facts = &self.run.request.brief.product.facts;
        withdrawal(untrue, &variant.body.script, &variant.body.storyboard, facts, by)
    }

    /// Withdraws those of `variants` that say what is no longer true, and gives back the others.
    pub(in crate::workflow) fn without_untrue(&mut self, variants: Vec<Variant>) -> Vec<Variant> {
        let mut kept = Vec::with_capacity(variants.len());
        for variant in variants {
            match self.untrue_now(&variant) {
                Some(reason) => self.withdraw(variant, reason),
                None => kept.push(variant),
            }
        }
        kept
    }

    /// Writes a variant as withdrawn; it is out of every list of what comes next.
    pub(in crate::workflow) fn withdraw(&mut self, mut variant: Variant, reason: Withdrawal) {
        let detail = json!({ "from": variant.state, "reason": reason });
        let (chapter, what) = (Chapter::Withdrawn, "variant.withdrawn");
        let mut entry = line(variant.generation, chapter, variant.number, what, Some(variant.id), detail);
        // A variant is withdrawn once, so its id tells the line from those of other signals.
        entry.order = format!("{}/{}", entry.order, variant.id);
        self.commit.trace.push(entry);
        self.state.waiting.retain(|id| *id != variant.id);
        self.state.heard.approved.retain(|id| *id != variant.id);
        self.changed = true;
        variant.state = VariantState::Withdrawn;
        variant.body.withdrawal = Some(reason);
        self.commit.variants.push(variant);
    }
}
