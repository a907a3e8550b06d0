//! Selection: which scored variants are rendered final, and who stands in for one that drops out.

use serde_json::json;
use spotwright_core::domain::run::Stage;
use spotwright_core::domain::variant::{Variant, VariantState};
use spotwright_core::ports::step_store::ClaimedStep;
use spotwright_core::spine::{StepError, Undecided};

use crate::clarity::clarity;
use crate::select::{self, Candidate, Place, Selected};
use crate::workflow::agent::CreativeAgent;
use crate::workflow::decide::Decision;
use crate::workflow::state::AgentState;
use crate::workflow::trace::Chapter;

impl CreativeAgent {
    pub(in crate::workflow) async fn select(&self, step: &ClaimedStep) -> Result<Vec<Selected>, StepError> {
        let (run, _) = self.run_of(step).await?;
        let variants = self.ports.store.variants_of(run.id, run.generation).await?;
        let candidates: Vec<Candidate> = variants
            .iter()
            .filter(|variant| variant.state == VariantState::Scored)
            .filter_map(|variant| {
                let score = variant.body.score.as_ref()?;
                Some(Candidate {
                    variant: variant.id,
                    direction: variant.body.script.direction,
                    appeal: score.appeal,
                    appeal_sd: score.appeal_sd,
                    unclear: clarity(&run.request.brief, &variant.body.script).first().copied(),
                })
            })
            .collect();
        Ok(select::select(&candidates))
    }

    /// The scored variant that takes the place of one that dropped out.
    pub(in crate::workflow) async fn next_in_order(
        &self,
        state: &AgentState,
    ) -> Result<Option<Box<Variant>>, Undecided> {
        let Some(id) = state.waiting.first() else { return Ok(None) };
        Ok(Some(Box::new(self.ports.store.variant(*id).await?)))
    }
}

impl Decision<'_> {
    pub(in crate::workflow) fn selected(&mut self, ranked: Vec<(Variant, Place)>) {
        if self.ending {
            return;
        }
        let ranked = self.ranked_and_true(ranked);
        if ranked.is_empty() {
            self.nothing_true();
            return;
        }
        let winners = self.run.request.winners as usize;
        self.state.waiting = ranked.iter().skip(winners).map(|(variant, _)| variant.id).collect();
        for (idx, (mut variant, place)) in ranked.into_iter().enumerate() {
            let chosen = idx < winners;
            let reason = place.told(self.run.request.brief.locale);
            let detail = json!({ "order": idx + 1, "chosen": chosen, "place": place, "reason": reason });
            self.trace(Chapter::Selected, idx as u32, "variant.ranked", Some(variant.id), detail);
            variant.body.selected_because = Some(reason);
            if chosen {
                variant.state = VariantState::Selected;
                self.render_final(&mut variant);
            }
            self.commit.variants.push(variant);
        }
        self.enter(Stage::Rendering);
    }

    /// The ranking without what a product feed has made untrue meanwhile.
    fn ranked_and_true(&mut self, ranked: Vec<(Variant, Place)>) -> Vec<(Variant, Place)> {
        let mut kept = Vec::with_capacity(ranked.len());
        for (variant, reason) in ranked {
            match self.untrue_now(&variant) {
                Some(untrue) => self.withdraw(variant, untrue),
                None => kept.push((variant, reason)),
            }
        }
        kept
    }
}
