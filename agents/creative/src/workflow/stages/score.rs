//! Scoring: what the click model expects of a preview, and the join behind it.

use std::sync::Arc;

use serde_json::json;
use spotwright_core::domain::run::Stage;
use spotwright_core::domain::scored::score_input;
use spotwright_core::domain::topology::StepKind;
use spotwright_core::domain::variant::{Variant, VariantState};
use spotwright_core::ports::click_model::ObservedInput;
use spotwright_core::ports::step_store::ClaimedStep;
use spotwright_core::spine::StepError;
use spotwright_schemas::Problem;
use spotwright_schemas::error::Code;
use spotwright_schemas::event::{Payload, VariantScored};
use spotwright_schemas::outcome::Score;

use crate::workflow::agent::{CreativeAgent, in_background, permanent};
use crate::workflow::decide::Decision;
use crate::workflow::trace::Chapter;

impl CreativeAgent {
    pub(in crate::workflow) async fn score(&self, step: &ClaimedStep) -> Result<Score, StepError> {
        let variant = self.variant_of(step).await?;
        let before =
            self.remembered.before(self.ports.store.as_ref(), variant.run, variant.generation).await?;
        let history: Vec<ObservedInput> = before.shown.iter().map(|shown| shown.observed.clone()).collect();
        let input = score_input(&variant).map_err(StepError::Permanent)?;
        let model = Arc::clone(&self.ports.click_model);
        let scores = in_background(move || model.score(&[input], &history)).await?;
        let scores = scores.map_err(|error| permanent(Code::ModelInput, error.to_string()))?;
        scores
            .into_iter()
            .next()
            .ok_or_else(|| permanent(Code::ModelInput, "the click model gave no score".to_owned()))
    }
}

impl Decision<'_> {
    pub(in crate::workflow) fn scored(&mut self, mut variant: Variant, score: Score) {
        self.trace(Chapter::Scored, variant.number, "variant.scored", Some(variant.id), json!(score));
        self.tell(
            "score",
            Payload::VariantScored(VariantScored {
                variant: variant.id,
                generation: variant.generation,
                predicted_ctr: score.predicted_ctr,
                model: score.model.clone(),
            }),
        );
        variant.state = VariantState::Scored;
        variant.body.score = Some(score);
        self.commit.variants.push(variant);
    }

    /// Goes on to the selection when no variant is on its way any more. `leaving` variants leave
    /// the way in this very commit and are still counted.
    pub(in crate::workflow) fn join_scores(&mut self, leaving: u64) {
        let counts = self.run.counts;
        if self.ending || self.run.stage != Stage::Scoring || counts.drafted + counts.previewed > leaving {
            return;
        }
        if counts.scored == 0 {
            let message = "no variant could be previewed and scored";
            self.fail(Problem::new(Code::StepFailed, "", message));
            return;
        }
        self.enter(Stage::Selecting);
        self.generation_step(StepKind::Select);
    }
}
