//! Drafting: the scripts of a generation, and the variants made of them.

use serde_json::json;
use spotwright_core::domain::revision::Revision;
use spotwright_core::domain::run::{Approval, RunRequest, RunView, Stage, StoredPicture};
use spotwright_core::domain::variant::{Variant, VariantBody, VariantState};
use spotwright_core::ports::language_model::CaseNote;
use spotwright_core::ports::step_store::{ClaimedStep, StoreError};
use spotwright_core::spine::{PaidCalls, StepError};
use spotwright_schemas::Problem;
use spotwright_schemas::brief::Brief;
use spotwright_schemas::error::Code;
use spotwright_schemas::event::{Payload, RenderStage, VariantRequested};
use spotwright_schemas::ids::VariantId;
use spotwright_schemas::random::Stream;
use spotwright_schemas::script::Script;
use spotwright_schemas::storyboard::Storyboard;

use crate::cases::{Library, NoteParts, Query, stored_winners};
use crate::copy_engine::PROVIDER;
use crate::critique::critique;
use crate::drafting::{Call, Draft, DraftRequest, Dropped, Generation, draft_generation};
use crate::learn::{TaughtBy, avoided, taught_lessons};
use crate::plan::Assignment;
use crate::storyboard::{self, PictureRef};
use crate::workflow::agent::CreativeAgent;
use crate::workflow::decide::Decision;
use crate::workflow::heard::redraft_of;
use crate::workflow::metered::MeteredModel;
use crate::workflow::state::{AgentState, variant_id};
use crate::workflow::trace::Chapter;

/// How often drafting is tried for a script in the place of another one.
const REDRAFT_ROUNDS: u32 = 3;

/// Most scripts that a person edited which new lines take after, newest first.
const EDITED_PARENTS: usize = 3;

/// Cases that a language model is shown: enough for several structures, little enough to be read.
const CASES_SHOWN: usize = 4;

/// What scripts of a run are written from, beside its brief.
struct Material {
    /// Scripts that did well, then scripts that a person edited.
    parents: Vec<Script>,
    /// Captions that are not to be repeated.
    avoid: Vec<String>,
    /// What was learnt, in sentences.
    lessons: Vec<String>,
    /// Cases for a language model to learn from; none where the copy engine writes, which takes no words
    /// of others.
    cases: Vec<CaseNote>,
}

impl CreativeAgent {
    pub(in crate::workflow) async fn draft(
        &self,
        step: &ClaimedStep,
        calls: &PaidCalls<'_>,
    ) -> Result<Generation, StepError> {
        let (run, state) = self.run_of(step).await?;
        if let Some(revision) = &run.request.revision {
            return Ok(given(&run.request.brief, &revision.script));
        }
        let material = self.material(&run, &state).await?;
        if let Some(number) = redraft_of(&step.key) {
            return self.draft_again(&run, &state, number, material, calls).await;
        }
        let model = MeteredModel::new(self.ports.language_model.as_ref(), calls);
        let prefix = run.id.to_string();
        let request = DraftRequest {
            brief: &run.request.brief,
            generation: run.generation,
            assignments: &state.assignments,
            cases: &material.cases,
            parents: &material.parents,
            avoid: &material.avoid,
            lessons: &material.lessons,
            seed: run.request.seed,
            key_prefix: &prefix,
        };
        Ok(draft_generation(&request, &model, self.ports.video.as_ref()).await)
    }

    /// Writes scripts that differ from all others of the generation, those that were dropped included.
    async fn draft_again(
        &self,
        run: &RunView,
        state: &AgentState,
        number: u32,
        mut material: Material,
        calls: &PaidCalls<'_>,
    ) -> Result<Generation, StepError> {
        let mut all = Generation::default();
        let known = state.heard.redrafting.iter().find(|redraft| redraft.number == number);
        let Some(redraft) = known else { return Ok(all) };
        let variants = self.ports.store.variants_of(run.id, run.generation).await?;
        material.avoid.extend(variants.iter().filter_map(|variant| opening(&variant.body.script)));
        let drafted = variants.into_iter().filter(|variant| variant.state == VariantState::Drafted);
        let mut others: Vec<Script> = drafted.map(|variant| variant.body.script).collect();
        let model = MeteredModel::new(self.ports.language_model.as_ref(), calls);
        let seeds = Stream::new(run.request.seed, "redrafts").child(u64::from(run.generation));
        for round in 0..REDRAFT_ROUNDS {
            let written = |open: &&Assignment| all.scripts.iter().all(|draft| draft.number != open.number);
            let open: Vec<Assignment> = redraft.assignments.iter().filter(written).copied().collect();
            if open.is_empty() {
                break;
            }
            let prefix = format!("{}/redraft-{number}-{round}", run.id);
            let request = DraftRequest {
                brief: &run.request.brief,
                generation: run.generation,
                assignments: &open,
                cases: &material.cases,
                parents: &material.parents,
                avoid: &material.avoid,
                lessons: &material.lessons,
                seed: seeds.child(u64::from(number)).bits(u64::from(round)),
                key_prefix: &prefix,
            };
            let written = draft_generation(&request, &model, self.ports.video.as_ref()).await;
            all.calls.extend(written.calls);
            all.dropped.extend(written.dropped);
            for draft in written.scripts {
                material.avoid.extend(opening(&draft.script));
                let verdict = critique(&run.request.brief, &draft.script, &others);
                if verdict.pass {
                    others.push(draft.script.clone());
                    all.scripts.push(draft);
                } else {
                    all.dropped.push(Dropped {
                        number: draft.number,
                        revision: round,
                        direction: draft.script.direction,
                        role: None,
                        caption: opening(&draft.script).unwrap_or_default(),
                        findings: verdict.findings,
                    });
                }
            }
        }
        Ok(all)
    }

    async fn material(&self, run: &RunView, state: &AgentState) -> Result<Material, StepError> {
        let store = self.ports.store.as_ref();
        let taught = &state.heard.taught;
        let bred_from = self.parents(state).await?;
        let mut parents: Vec<Script> = bred_from.into_iter().map(|variant| variant.body.script).collect();
        let mut edited: Vec<VariantId> = Vec::new();
        for lesson in taught.iter().rev().filter(|lesson| lesson.kind == TaughtBy::Edit) {
            if let Some(id) = lesson.variant.filter(|id| !edited.contains(id)) {
                edited.push(id);
            }
        }
        for id in edited.into_iter().take(EDITED_PARENTS) {
            let variant = store.variant(id).await?;
            let is_example = !matches!(variant.state, VariantState::Rejected | VariantState::Withdrawn);
            if is_example && !parents.contains(&variant.body.script) {
                parents.push(variant.body.script);
            }
        }
        let before = self.remembered.before(store, run.id, run.generation).await?;
        let mut avoid = before.captions.clone();
        avoid.extend(avoided(taught));
        let mut lessons = taught_lessons(taught, run.request.brief.locale);
        lessons.extend(state.lessons.iter().map(|lesson| lesson.text.clone()));
        let cases = if self.ports.language_model.provider() == PROVIDER {
            Vec::new()
        } else {
            self.cases(run).await?
        };
        Ok(Material { parents, avoid, lessons, cases })
    }

    /// The cases that fit the run's brief, those of its own organization among them.
    async fn cases(&self, run: &RunView) -> Result<Vec<CaseNote>, StoreError> {
        let winners = stored_winners(self.ports.store.as_ref(), run.organization).await?;
        let query = Query {
            organization: Some(run.organization),
            winners: &winners,
            ..Query::new(&run.request.brief, CASES_SHOWN)
        };
        let found = Library::builtin().find(&query);
        Ok(found.into_iter().filter_map(|found| note(found.source.note_parts())).collect())
    }

    /// The winners that the current generation is bred from, best first.
    pub(in crate::workflow) async fn parents(&self, state: &AgentState) -> Result<Vec<Variant>, StoreError> {
        let mut parents = Vec::with_capacity(state.parents.len());
        for parent in &state.parents {
            let variant = self.ports.store.variant(parent.variant).await?;
            // What says something untrue is no example.
            if variant.state != VariantState::Withdrawn {
                parents.push(variant);
            }
        }
        Ok(parents)
    }
}

/// The script that a person has made of another one; no language model is asked.
fn given(brief: &Brief, script: &Script) -> Generation {
    let warnings = critique(brief, script, &[]).findings;
    let draft = Draft { number: 1, script: script.clone(), warnings };
    Generation { scripts: vec![draft], ..Generation::default() }
}

/// The authored cases that a prompt for a brief holds.
pub(in crate::workflow) fn builtin_cases(brief: &Brief) -> Vec<CaseNote> {
    let found = Library::builtin().find(&Query::new(brief, CASES_SHOWN));
    found.into_iter().filter_map(|found| note(found.source.note_parts())).collect()
}

/// A case as a prompt holds it; scripts of the first version have no structure to learn from.
fn note(parts: NoteParts) -> Option<CaseNote> {
    let NoteParts { id, title, structure, why, lines } = parts;
    Some(CaseNote { id, title, structure: structure?, why, lines })
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
        self.trace_draft(&variants, dropped, calls);
        let highest = variants.iter().map(|variant| variant.number).max().unwrap_or(0);
        let variants = self.without_untrue(variants);
        if variants.is_empty() {
            self.nothing_true();
            return;
        }
        let people = self.run.request.people;
        if people.approval == Approval::Scripts && !self.state.heard.approves_all {
            self.state.heard.numbers = highest.max(self.run.request.variants);
            self.commit.variants.extend(variants);
            self.enter(Stage::WaitingForApproval);
            return;
        }
        for variant in &variants {
            self.request(variant.id, RenderStage::Preview);
        }
        self.commit.variants.extend(variants);
        self.enter(Stage::Scoring);
    }

    /// What was written, what was not taken, and what was asked of language models.
    pub(in crate::workflow) fn trace_draft(
        &mut self,
        variants: &[Variant],
        dropped: &[Dropped],
        calls: &[Call],
    ) {
        for (idx, script) in dropped.iter().enumerate() {
            self.trace(Chapter::Drafted, 1_000 + idx as u32, "script.dropped", None, json!(script));
        }
        for (idx, call) in calls.iter().enumerate() {
            self.trace(Chapter::Drafted, 2_000 + idx as u32, "model.called", None, json!(call));
        }
        for variant in variants {
            let detail = json!({ "number": variant.number, "script": variant.body.script, "storyboard": variant.body.storyboard, "parents": variant.body.parents });
            self.trace(Chapter::Drafted, variant.number, "variant.drafted", Some(variant.id), detail);
            if let Some(Revision { of, run, by, changes, .. }) = self.run.request.revision.as_deref() {
                let detail = json!({ "of": of, "run": run, "by": by, "changes": changes });
                self.trace(Chapter::Drafted, variant.number, "variant.revised", Some(variant.id), detail);
            }
        }
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
    let (storyboard, parents) = match run.request.revision.as_deref() {
        Some(revision) => (revision.storyboard.clone(), vec![revision.of]),
        None => (storyboard_of(run, &script)?, parents_of(&script, parents)),
    };
    Ok(Variant {
        id: variant_id(run.id, run.generation, number),
        run: run.id,
        generation: run.generation,
        number,
        state: VariantState::Drafted,
        final_gate: None,
        body: VariantBody {
            parents,
            script,
            storyboard,
            preview: None,
            score: None,
            selected_because: None,
            final_render: None,
            failure: None,
            withdrawal: None,
            voice: None,
        },
    })
}

/// A script laid out for the run's first placement.
pub(in crate::workflow) fn storyboard_of(run: &RunView, script: &Script) -> Result<Storyboard, Problem> {
    let request = &run.request;
    let pictures = pictures_of(request);
    storyboard::compose(&request.brief, script, &pictures, request.seed, request.brief.placements[0])
}

/// The pictures that storyboards of a run show.
pub(in crate::workflow) fn pictures_of(request: &RunRequest) -> Vec<PictureRef> {
    let picture = |picture: &StoredPicture| PictureRef {
        hash: picture.hash.0.clone(),
        width: picture.width,
        height: picture.height,
    };
    request.pictures.iter().map(picture).collect()
}

/// The caption that a script opens with.
fn opening(script: &Script) -> Option<String> {
    script.lines.first().map(|line| line.caption.clone())
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
