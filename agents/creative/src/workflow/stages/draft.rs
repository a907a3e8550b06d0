//! Drafting: the scripts of a generation, and the variants made of them.

use serde_json::json;
use spotwright_core::domain::run::{RunView, Stage};
use spotwright_core::domain::variant::{Variant, VariantBody, VariantState};
use spotwright_core::ports::step_store::{ClaimedStep, StoreError};
use spotwright_core::spine::{PaidCalls, StepError};
use spotwright_schemas::Problem;
use spotwright_schemas::error::Code;
use spotwright_schemas::event::{Payload, RenderStage, VariantRequested};
use spotwright_schemas::ids::VariantId;
use spotwright_schemas::script::Script;

use crate::drafting::{Call, DraftRequest, Dropped, Generation, draft_generation};
use crate::storyboard::{self, PictureRef};
use crate::workflow::agent::CreativeAgent;
use crate::workflow::decide::Decision;
use crate::workflow::metered::MeteredModel;
use crate::workflow::state::{AgentState, variant_id};
use crate::workflow::trace::Chapter;

impl CreativeAgent {
    pub(in crate::workflow) async fn draft(
        &self,
        step: &ClaimedStep,
        calls: &PaidCalls<'_>,
    ) -> Result<Generation, StepError> {
        let (run, state) = self.run_of(step).await?;
        let parents = self.parents(&state).await?;
        let parents: Vec<Script> = parents.into_iter().map(|variant| variant.body.script).collect();
        let before = self.remembered.before(self.ports.store.as_ref(), run.id, run.generation).await?;
        let model = MeteredModel::new(self.ports.language_model.as_ref(), calls);
        let prefix = run.id.to_string();
        let request = DraftRequest {
            brief: &run.request.brief,
            generation: run.generation,
            assignments: &state.assignments,
            parents: &parents,
            avoid: &before.captions,
            seed: run.request.seed,
            key_prefix: &prefix,
        };
        Ok(draft_generation(&request, &model, self.ports.video.as_ref()).await)
    }

    /// The winners that the current generation is bred from, best first.
    pub(in crate::workflow) async fn parents(&self, state: &AgentState) -> Result<Vec<Variant>, StoreError> {
        let mut parents = Vec::with_capacity(state.parents.len());
        for parent in &state.parents {
            parents.push(self.ports.store.variant(parent.variant).await?);
        }
        Ok(parents)
    }
}

impl Decision<'_> {
    pub(in crate::workflow) fn drafted(
        &mut self,
        variants: Vec<Variant>,
        dropped: &[Dropped],
        calls: &[Call],
    ) {
        if variants.is_empty() {
            let message = "no script passed the checks; the brief's facts leave nothing to say";
            self.fail(Problem::new(Code::StepFailed, "product.facts", message));
            return;
        }
        for (idx, script) in dropped.iter().enumerate() {
            self.trace(Chapter::Drafted, 1_000 + idx as u32, "script.dropped", None, json!(script));
        }
        for (idx, call) in calls.iter().enumerate() {
            self.trace(Chapter::Drafted, 2_000 + idx as u32, "model.called", None, json!(call));
        }
        for variant in &variants {
            let detail = json!({ "number": variant.number, "script": variant.body.script, "storyboard": variant.body.storyboard, "parents": variant.body.parents });
            self.trace(Chapter::Drafted, variant.number, "variant.drafted", Some(variant.id), detail);
            self.request(variant.id, RenderStage::Preview);
        }
        self.commit.variants = variants;
        self.enter(Stage::Scoring);
    }

    pub(in crate::workflow) fn request(&mut self, variant: VariantId, stage: RenderStage) {
        let generation = self.generation;
        self.tell("agent", Payload::VariantRequested(VariantRequested { variant, generation, stage }));
    }
}

pub(in crate::workflow) fn new_variant(
    run: &RunView,
    parents: &[Variant],
    number: u32,
    script: Script,
) -> Result<Variant, Problem> {
    let request = &run.request;
    let pictures: Vec<PictureRef> = request
        .pictures
        .iter()
        .map(|picture| PictureRef {
            hash: picture.hash.0.clone(),
            width: picture.width,
            height: picture.height,
        })
        .collect();
    let storyboard =
        storyboard::compose(&request.brief, &script, &pictures, request.seed, request.brief.placements[0])?;
    Ok(Variant {
        id: variant_id(run.id, run.generation, number),
        run: run.id,
        generation: run.generation,
        number,
        state: VariantState::Drafted,
        final_gate: None,
        body: VariantBody {
            parents: parents_of(&script, parents),
            script,
            storyboard,
            preview: None,
            score: None,
            selected_because: None,
            final_render: None,
            failure: None,
        },
    })
}

/// The winners a script carries on: those that share its angle, its form, or a fact of its hook.
/// Empty for a script that explores something new.
fn parents_of(script: &Script, parents: &[Variant]) -> Vec<VariantId> {
    let hook_facts =
        |script: &Script| script.lines.first().map(|line| line.rests_on.clone()).unwrap_or_default();
    let own = hook_facts(script);
    let bred_from = parents.iter().filter(|parent| {
        let parent = &parent.body.script;
        parent.direction.angle == script.direction.angle
            || parent.direction.hook == script.direction.hook
            || hook_facts(parent).iter().any(|fact| own.contains(fact))
    });
    bred_from.map(|parent| parent.id).collect()
}
