//! The shell around the state machine: does each step's outside work and feeds back what happened.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use spotwright_core::domain::run::{Counts, NewRun, RunView, Stage};
use spotwright_core::domain::topology::StepKind;
use spotwright_core::domain::variant::{Variant, VariantBody, VariantState};
use spotwright_core::ports::click_model::{ClickModel, ObservedInput};
use spotwright_core::ports::language_model::LanguageModel;
use spotwright_core::ports::marketplace::{MarketReport, Marketplace};
use spotwright_core::ports::outcome_sink::OutcomeSink;
use spotwright_core::ports::quality_gate::{GateError, QualityGate, judge};
use spotwright_core::ports::step_store::{ClaimedStep, Commit, StepStore, StoreError};
use spotwright_core::ports::video_backend::{Footage, RenderError, RenderRequest, Rendered, VideoBackend};
use spotwright_core::spine::{Messages, PaidCalls, StepError, StepOutcome, Undecided, Workflow};
use spotwright_schemas::Problem;
use spotwright_schemas::error::Code;
use spotwright_schemas::event::{CreativeRequested, Event, Payload, RenderStage};
use spotwright_schemas::ids::VariantId;
use spotwright_schemas::money::Micros;
use spotwright_schemas::outcome::Score;
use spotwright_schemas::script::Script;

use super::metered::MeteredModel;
use super::play::{campaign, outcomes};
use super::scoring::score_input;
use super::shown::{Remembered, Shown};
use super::state::{AgentEvent, AgentState, variant_id};
use super::{decide, trace};
use crate::clarify::{self, Question};
use crate::clarity::clarity;
use crate::drafting::{DraftRequest, Generation, draft_generation};
use crate::learn::{self, Beliefs, Lesson, Parent, Placed};
use crate::plan::{self, Assignment};
use crate::select::{self, Candidate, Selected};
use crate::storyboard::{self, PictureRef};

/// How long to wait before outside work is tried again.
const RETRY_DELAY: Duration = Duration::from_millis(500);

/// Winners a generation is bred from.
const PARENTS: usize = 2;

/// Everything the agent needs from outside.
#[derive(Clone)]
pub struct Ports {
    /// Runs, steps, messages and money.
    pub store: Arc<dyn StepStore>,
    /// Who proposes lines.
    pub language_model: Arc<dyn LanguageModel>,
    /// Who renders.
    pub video: Arc<dyn VideoBackend>,
    /// Who judges what was rendered.
    pub gate: Arc<dyn QualityGate>,
    /// Who scores.
    pub click_model: Arc<dyn ClickModel>,
    /// Where winners are shown.
    pub marketplace: Arc<dyn Marketplace>,
}

/// The creative agent as a workflow of the engine.
pub struct CreativeAgent {
    ports: Ports,
    outcomes: Option<Arc<dyn OutcomeSink>>,
    remembered: Remembered,
}

#[derive(Serialize, Deserialize)]
struct PlanResult {
    assignments: Vec<Assignment>,
    questions: Vec<Question>,
}

#[derive(Serialize, Deserialize)]
struct LearnResult {
    beliefs: Beliefs,
    lessons: Vec<Lesson>,
    parents: Vec<Parent>,
}

#[derive(Serialize, Deserialize)]
struct PlayInput {
    budget: Micros,
}

impl CreativeAgent {
    /// An agent that works through these ports.
    #[must_use]
    pub fn new(ports: Ports) -> Self {
        Self { ports, outcomes: None, remembered: Remembered::default() }
    }

    /// Also tells `outcomes` how predictions turned out, each time the agent learns.
    #[must_use]
    pub fn with_outcomes(mut self, outcomes: Arc<dyn OutcomeSink>) -> Self {
        self.outcomes = Some(outcomes);
        self
    }

    async fn run_of(&self, step: &ClaimedStep) -> Result<(RunView, AgentState), StepError> {
        let run = self.ports.store.run(step.run).await?;
        let state = AgentState::of(&run).map_err(StepError::Permanent)?;
        Ok((run, state))
    }

    async fn variant_of(&self, step: &ClaimedStep) -> Result<Variant, StepError> {
        let id = parse_variant(&step.key).map_err(StepError::Permanent)?;
        Ok(self.ports.store.variant(id).await?)
    }

    fn plan(run: &RunView, state: &AgentState) -> PlanResult {
        let request = &run.request;
        let assignments = plan::plan(
            &request.brief,
            run.generation,
            request.variants as usize,
            &state.beliefs,
            request.seed,
        );
        let questions = if run.generation == 1 { clarify::questions(&request.brief) } else { Vec::new() };
        PlanResult { assignments, questions }
    }

    async fn draft(&self, step: &ClaimedStep, calls: &PaidCalls<'_>) -> Result<Generation, StepError> {
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
    async fn parents(&self, state: &AgentState) -> Result<Vec<Variant>, StoreError> {
        let mut parents = Vec::with_capacity(state.parents.len());
        for parent in &state.parents {
            parents.push(self.ports.store.variant(parent.variant).await?);
        }
        Ok(parents)
    }

    async fn render(
        &self,
        step: &ClaimedStep,
        calls: &PaidCalls<'_>,
        stage: RenderStage,
    ) -> Result<Rendered, StepError> {
        let variant = self.variant_of(step).await?;
        let name = if stage == RenderStage::Preview { "preview" } else { "final" };
        let key = format!("{}-{name}", variant.id);
        let request =
            RenderRequest { storyboard: variant.body.storyboard, stage, produce_id: variant.id.to_string() };
        let video = &self.ports.video;
        let priced = |footage: Footage| {
            let cost = footage.cost;
            (footage, cost)
        };
        let footage = calls
            .make(
                video.name(),
                &key,
                video.quote(&request),
                || async { Ok(video.lookup(&key).await.map_err(render_error)?.map(priced)) },
                || async {
                    Ok(priced(video.render(&request, &key, calls.stop()).await.map_err(render_error)?))
                },
            )
            .await?;
        match stage {
            RenderStage::Preview => footage.into_preview().map_err(render_error),
            RenderStage::Final => {
                judge(self.ports.gate.as_ref(), footage, &request).await.map_err(gate_error)
            }
        }
    }

    async fn score(&self, step: &ClaimedStep) -> Result<Score, StepError> {
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

    async fn select(&self, step: &ClaimedStep) -> Result<Vec<Selected>, StepError> {
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

    async fn play(&self, step: &ClaimedStep) -> Result<MarketReport, StepError> {
        let (run, _) = self.run_of(step).await?;
        let PlayInput { budget } = parse(step.input.clone()).map_err(StepError::Permanent)?;
        let variants = self.ports.store.variants_of(run.id, run.generation).await?;
        let campaign = campaign(&run, &variants, run.generation, budget).map_err(StepError::Permanent)?;
        let market = Arc::clone(&self.ports.marketplace);
        let played = in_background(move || market.play(&campaign)).await?;
        played.map_err(|error| permanent(Code::Market, error.to_string()))
    }

    async fn learn(&self, step: &ClaimedStep) -> Result<LearnResult, StepError> {
        let (run, state) = self.run_of(step).await?;
        if let Some(sink) = &self.outcomes {
            let variants = self.ports.store.variants_of(run.id, run.generation).await?;
            let placements = self.ports.store.placements_of(run.id, run.generation).await?;
            sink.observe(&outcomes(&run, &variants, &placements, run.generation));
        }
        let store = self.ports.store.as_ref();
        let earlier = self.remembered.before(store, run.id, run.generation).await?.shown.len();
        let before = self.remembered.before(store, run.id, run.generation + 1).await?;
        let counted = |shown: &Shown| (shown.direction, shown.observed.impressions, shown.observed.clicks);
        let placed: Vec<Placed> = before
            .shown
            .iter()
            .map(|shown| {
                let (direction, impressions, clicks) = counted(shown);
                Placed { variant: shown.variant, direction, impressions, clicks }
            })
            .collect();
        let fresh: Vec<_> = before.shown.iter().skip(earlier).map(counted).collect();
        let beliefs = learn::learn(&state.beliefs, &fresh);
        let parents = learn::choose_parents(&beliefs, &placed, PARENTS);
        let lessons = learn::lessons(&beliefs, run.request.brief.locale);
        Ok(LearnResult { beliefs, lessons, parents })
    }

    /// The scored variant that takes the place of one that dropped out.
    async fn next_in_order(&self, state: &AgentState) -> Result<Option<Box<Variant>>, Undecided> {
        let Some(id) = state.waiting.first() else { return Ok(None) };
        Ok(Some(Box::new(self.ports.store.variant(*id).await?)))
    }

    async fn event_of_step(
        &self,
        run: &RunView,
        state: &AgentState,
        step: &ClaimedStep,
        result: Value,
    ) -> Result<AgentEvent, Undecided> {
        let variant = || async {
            let id = parse_variant(&step.key)?;
            Ok::<_, Undecided>(Box::new(self.ports.store.variant(id).await?))
        };
        Ok(match step.kind {
            StepKind::Plan => {
                let PlanResult { assignments, questions } = parse(result)?;
                AgentEvent::Planned { assignments, questions }
            }
            StepKind::Draft => {
                let Generation { scripts, dropped, calls } = parse(result)?;
                let parents = self.parents(state).await?;
                let mut variants = Vec::with_capacity(scripts.len());
                for draft in scripts {
                    variants.push(new_variant(run, &parents, draft.number, draft.script)?);
                }
                AgentEvent::Drafted { variants, dropped, calls }
            }
            StepKind::Preview => AgentEvent::Previewed(variant().await?, parse(result)?),
            StepKind::Score => AgentEvent::Scored(variant().await?, parse(result)?),
            StepKind::Select => {
                let order: Vec<Selected> = parse(result)?;
                let mut ranked = Vec::with_capacity(order.len());
                for place in order {
                    let variant = self.ports.store.variant(place.variant).await?;
                    ranked.push((variant, place.reason));
                }
                AgentEvent::Selected(ranked)
            }
            StepKind::Render => AgentEvent::Rendered(variant().await?, parse(result)?),
            StepKind::Play => {
                let placements = self.ports.store.placements_of(run.id, run.generation).await?;
                let known = placements.iter().map(|placement| (placement.id, placement.variant)).collect();
                AgentEvent::Played(parse(result)?, known)
            }
            StepKind::Learn => {
                let LearnResult { beliefs, lessons, parents } = parse(result)?;
                AgentEvent::Learned { beliefs, lessons, parents }
            }
        })
    }

    async fn event_of_failure(
        &self,
        state: &AgentState,
        step: &ClaimedStep,
        problem: &Problem,
    ) -> Result<AgentEvent, Undecided> {
        let problem = problem.clone();
        if step.kind == StepKind::Play {
            let PlayInput { budget } = parse(step.input.clone())?;
            return Ok(AgentEvent::GenerationFailed { problem, campaign: Some(budget) });
        }
        if !matches!(step.kind, StepKind::Preview | StepKind::Score | StepKind::Render) {
            return Ok(AgentEvent::GenerationFailed { problem, campaign: None });
        }
        let id = parse_variant(&step.key)?;
        let variant = Box::new(self.ports.store.variant(id).await?);
        let next = if step.kind == StepKind::Render { self.next_in_order(state).await? } else { None };
        Ok(AgentEvent::VariantFailed { kind: step.kind, variant, next, problem })
    }
}

#[async_trait]
impl Workflow for CreativeAgent {
    async fn execute(&self, step: &ClaimedStep, calls: &PaidCalls<'_>) -> Result<Value, StepError> {
        match step.kind {
            StepKind::Plan => {
                let (run, state) = self.run_of(step).await?;
                to_value(&Self::plan(&run, &state))
            }
            StepKind::Draft => to_value(&self.draft(step, calls).await?),
            StepKind::Preview => to_value(&self.render(step, calls, RenderStage::Preview).await?),
            StepKind::Score => to_value(&self.score(step).await?),
            StepKind::Select => to_value(&self.select(step).await?),
            StepKind::Render => to_value(&self.render(step, calls, RenderStage::Final).await?),
            StepKind::Play => to_value(&self.play(step).await?),
            StepKind::Learn => to_value(&self.learn(step).await?),
        }
    }

    async fn after_step(
        &self,
        run: &RunView,
        step: &ClaimedStep,
        outcome: &StepOutcome,
        now: Timestamp,
    ) -> Result<Commit, Undecided> {
        let state = AgentState::of(run)?;
        let event = match outcome {
            StepOutcome::Done(result) => self.event_of_step(run, &state, step, result.clone()).await?,
            StepOutcome::Failed(problem) => self.event_of_failure(&state, step, problem).await?,
        };
        Ok(decide(run, &state, event, now))
    }

    async fn after_message(&self, run: &RunView, event: &Event, now: Timestamp) -> Result<Commit, Undecided> {
        let state = AgentState::of(run)?;
        let event = match &event.payload {
            Payload::CreativeRequested(_) => AgentEvent::Requested,
            Payload::VariantRequested(data) => match data.stage {
                RenderStage::Preview => AgentEvent::PreviewRequested(data.variant),
                RenderStage::Final => AgentEvent::FinalRequested(data.variant),
            },
            Payload::VariantRendered(data) => match data.stage {
                RenderStage::Preview => AgentEvent::PreviewAnnounced(data.variant),
                RenderStage::Final => AgentEvent::FinalAnnounced {
                    variant: Box::new(self.ports.store.variant(data.variant).await?),
                    next: self.next_in_order(&state).await?,
                },
            },
            Payload::VariantScored(_) => AgentEvent::ScoreAnnounced,
            Payload::CreativeWon(data) => AgentEvent::Won(data.variant),
            Payload::PlacementFeedback(feedback) => AgentEvent::Feedback(feedback.clone()),
            Payload::CreativeFatigued(fatigued) => AgentEvent::Fatigued(fatigued.clone()),
            Payload::RunFinished(_) => AgentEvent::FinishAnnounced,
        };
        Ok(decide(run, &state, event, now))
    }
}

fn new_variant(run: &RunView, parents: &[Variant], number: u32, script: Script) -> Result<Variant, Problem> {
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

async fn in_background<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, StepError> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| permanent(Code::StepFailed, format!("background work ended abnormally: {error}")))
}

fn render_error(error: RenderError) -> StepError {
    match error {
        RenderError::Unavailable(message) => {
            StepError::Retry { problem: Problem::new(Code::Render, "", message), delay: RETRY_DELAY }
        }
        RenderError::NoRoom(message) => StepError::NoRoom(message),
        RenderError::Impossible(message) => permanent(Code::Render, message),
        RenderError::Stopped => StepError::cancelled(),
    }
}

fn gate_error(error: GateError) -> StepError {
    match error {
        GateError::Unavailable(message) => {
            StepError::Retry { problem: Problem::new(Code::QualityGate, "", message), delay: RETRY_DELAY }
        }
        GateError::NoRoom(message) => StepError::NoRoom(message),
        GateError::Impossible(message) => permanent(Code::QualityGate, message),
    }
}

fn permanent(code: Code, message: String) -> StepError {
    StepError::Permanent(Problem::new(code, "", message))
}

fn parse_variant(key: &str) -> Result<VariantId, Problem> {
    key.parse().map_err(|_| Problem::new(Code::StoreFormat, "step.key", format!("`{key}` is not a variant")))
}

fn parse<T: DeserializeOwned>(value: Value) -> Result<T, Problem> {
    serde_json::from_value(value)
        .map_err(|error| Problem::new(Code::StoreFormat, "step.result", error.to_string()))
}

fn to_value<T: Serialize>(value: &T) -> Result<Value, StepError> {
    serde_json::to_value(value).map_err(|error| permanent(Code::StoreFormat, error.to_string()))
}

/// The commit a run is created with: the message that asks for it.
#[must_use]
pub fn first_commit(run: &NewRun, now: Timestamp) -> Commit {
    let request = &run.request;
    let view = RunView {
        paused: false,
        cancelling: false,
        working: 0,
        id: run.id,
        organization: run.organization,
        request: Arc::new(request.clone()),
        version: 0,
        stage: Stage::Requested,
        generation: 0,
        state: Value::Null,
        messages: 0,
        counts: Counts::default(),
        settled: Micros::ZERO,
        reserved: Micros::ZERO,
        budget: run.budget,
    };
    let mut messages = Messages::after(&view, now);
    messages.add(
        "run",
        Payload::CreativeRequested(CreativeRequested {
            brief: request.brief.id.clone(),
            generations: request.generations,
            variants: request.variants,
        }),
    );
    let detail = json!({
        "brief": request.brief, "pictures": request.pictures, "generations": request.generations,
        "variants": request.variants, "winners": request.winners, "seed": request.seed,
        "opportunities": request.opportunities,
    });
    Commit {
        messages: messages.into_events(),
        trace: vec![trace::line(0, trace::Chapter::Planned, 0, "run.requested", None, detail)],
        ..Commit::default()
    }
}
