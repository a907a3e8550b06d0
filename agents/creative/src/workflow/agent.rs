//! The shell around the state machine: does each step's outside work and feeds back what happened.

use std::borrow::Cow;
use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use spotwright_core::domain::run::{Counts, NewRun, RunView, Stage};
use spotwright_core::domain::topology::StepKind;
use spotwright_core::domain::variant::{Placement, Variant, VariantState};
use spotwright_core::ports::click_model::ClickModel;
use spotwright_core::ports::clip_library::ClipKey;
use spotwright_core::ports::language_model::LanguageModel;
use spotwright_core::ports::marketplace::Marketplace;
use spotwright_core::ports::observations::ObservationStore;
use spotwright_core::ports::outcome_sink::OutcomeSink;
use spotwright_core::ports::quality_gate::QualityGate;
use spotwright_core::ports::step_store::{ClaimedStep, Commit, StepStore};
use spotwright_core::ports::video_backend::VideoBackend;
use spotwright_core::spine::{Messages, PaidCalls, StepError, StepOutcome, Undecided, Workflow};
use spotwright_schemas::Problem;
use spotwright_schemas::error::Code;
use spotwright_schemas::event::{CreativeRequested, Event, Payload, RenderStage};
use spotwright_schemas::ids::VariantId;
use spotwright_schemas::money::Micros;

use super::clips::ClipOutcome;
use super::footage_ports::FootagePorts;
use super::heard::redraft_of;
use super::shown::Remembered;
use super::stages::clarify::ends_the_wait;
use super::stages::clip::{ClipResult, clip_of_step, next_step};
use super::stages::draft::new_variant;
use super::stages::learn::LearnResult;
use super::stages::place::{PlacedVariant, PlayInput};
use super::stages::plan::PlanResult;
use super::stages::speak::FinalRender;
use super::state::{AgentEvent, AgentState};
use super::voice_ports::VoicePorts;
use super::{decide, trace};
use crate::drafting::Generation;
use crate::select::Selected;

/// Everything the agent needs from outside.
#[derive(Clone)]
pub struct Ports {
    /// Runs, steps, messages and money.
    pub store: Arc<dyn StepStore>,
    /// Who writes scripts.
    pub language_model: Arc<dyn LanguageModel>,
    /// Who renders.
    pub video: Arc<dyn VideoBackend>,
    /// Who judges what was rendered.
    pub gate: Arc<dyn QualityGate>,
    /// Who scores.
    pub click_model: Arc<dyn ClickModel>,
    /// Where winners are shown.
    pub marketplace: Arc<dyn Marketplace>,
    /// Who makes clips for shots that a brief wishes generated; `None` without any source: such shots then
    /// show their pictures, and the run says so.
    pub footage: Option<FootagePorts>,
}

/// The creative agent as a workflow of the engine.
pub struct CreativeAgent {
    pub(super) ports: Ports,
    pub(super) outcomes: Option<Arc<dyn OutcomeSink>>,
    pub(super) observations: Option<Arc<dyn ObservationStore>>,
    pub(super) voice: Option<VoicePorts>,
    pub(super) remembered: Remembered,
}

impl CreativeAgent {
    /// An agent that works through these ports.
    #[must_use]
    pub fn new(ports: Ports) -> Self {
        Self { ports, outcomes: None, observations: None, voice: None, remembered: Remembered::default() }
    }

    /// Also tells `outcomes` how predictions turned out, each time the agent learns.
    #[must_use]
    pub fn with_outcomes(mut self, outcomes: Arc<dyn OutcomeSink>) -> Self {
        self.outcomes = Some(outcomes);
        self
    }

    /// Also learns from what real platforms report.
    #[must_use]
    pub fn with_observations(mut self, observations: Arc<dyn ObservationStore>) -> Self {
        self.observations = Some(observations);
        self
    }

    /// Also has lines spoken, where the brief does not forbid it.
    #[must_use]
    pub fn with_voice(mut self, voice: VoicePorts) -> Self {
        self.voice = Some(voice);
        self
    }

    /// The run with what was answered in its brief, and what the agent remembers.
    pub(super) async fn run_of(&self, step: &ClaimedStep) -> Result<(RunView, AgentState), StepError> {
        let run = self.ports.store.run(step.run).await?;
        let state = AgentState::of(&run).map_err(StepError::Permanent)?;
        let informed = match state.informed(&run) {
            Cow::Owned(informed) => Some(informed),
            Cow::Borrowed(_) => None,
        };
        Ok((informed.unwrap_or(run), state))
    }

    pub(super) async fn variant_of(&self, step: &ClaimedStep) -> Result<Variant, StepError> {
        let id = parse_variant(&step.key).map_err(StepError::Permanent)?;
        Ok(self.ports.store.variant(id).await?)
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
            StepKind::Plan if ends_the_wait(&step.key) => AgentEvent::AnswersDue,
            StepKind::Plan => {
                let PlanResult { assignments, questions, imported } = parse(result)?;
                AgentEvent::Planned { assignments, questions, imported }
            }
            StepKind::Draft => {
                let Generation { scripts, dropped, calls } = parse(result)?;
                let parents = self.parents(state).await?;
                let mut variants = Vec::with_capacity(scripts.len());
                for draft in scripts {
                    variants.push(new_variant(run, &parents, draft.number, draft.script)?);
                }
                match redraft_of(&step.key) {
                    Some(number) => AgentEvent::Redrafted { number, variants, dropped, calls, problem: None },
                    None => AgentEvent::Drafted { variants, dropped, calls },
                }
            }
            StepKind::Preview => AgentEvent::Previewed(variant().await?, parse(result)?),
            StepKind::Score => AgentEvent::Scored(variant().await?, parse(result)?),
            StepKind::Select => {
                let order: Vec<Selected> = parse(result)?;
                let mut ranked = Vec::with_capacity(order.len());
                for place in order {
                    let variant = self.ports.store.variant(place.variant).await?;
                    ranked.push((variant, place.place));
                }
                AgentEvent::Selected(ranked)
            }
            StepKind::Render => match parse(result)? {
                FinalRender::Plain(rendered) => AgentEvent::Rendered(variant().await?, rendered, None),
                FinalRender::Spoken(done) => {
                    AgentEvent::Rendered(variant().await?, done.rendered, Some(Box::new(done.spoken)))
                }
            },
            StepKind::ClipRemote | StepKind::ClipGpu => match parse(result)? {
                ClipResult::Ended(outcome) => self.clip_ended(state, step, outcome).await?,
                ClipResult::PassedOn { kind, key, step } => {
                    AgentEvent::ClipPassedOn(next_step(kind, key, &step)?)
                }
            },
            StepKind::Play => {
                let placements = self.ports.store.placements_of(run.id, run.generation).await?;
                let variants = self.ports.store.variants_of(run.id, run.generation).await?;
                AgentEvent::Played(parse(result)?, placed_variants(&placements, &variants))
            }
            StepKind::Learn => {
                let LearnResult { beliefs, lessons, parents } = parse(result)?;
                AgentEvent::Learned { beliefs, lessons, parents }
            }
        })
    }

    /// The end of a clip, with the variants that wait for one.
    async fn clip_ended(
        &self,
        state: &AgentState,
        step: &ClaimedStep,
        outcome: Box<ClipOutcome>,
    ) -> Result<AgentEvent, Undecided> {
        let key = ClipKey(clip_of_step(&step.key).to_owned());
        let mut waiting = Vec::with_capacity(state.clips.waiting.len());
        for id in &state.clips.waiting {
            waiting.push(self.ports.store.variant(*id).await?);
        }
        Ok(AgentEvent::ClipEnded { key, outcome, waiting })
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
        if step.kind == StepKind::Plan && ends_the_wait(&step.key) {
            return Ok(AgentEvent::AnswersDue);
        }
        let redraft = redraft_of(&step.key).filter(|_| step.kind == StepKind::Draft);
        if let (Some(number), true) = (redraft, problem.code != Code::BudgetExhausted) {
            // The generation goes on with the scripts that are left.
            let (variants, dropped, calls) = (Vec::new(), Vec::new(), Vec::new());
            return Ok(AgentEvent::Redrafted { number, variants, dropped, calls, problem: Some(problem) });
        }
        if step.kind.makes_clip() {
            let outcome = Box::new(Self::clip_of_failure(step, &problem));
            return self.clip_ended(state, step, outcome).await;
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
            // Its time has come: that is all it is for.
            StepKind::Plan if ends_the_wait(&step.key) => Ok(Value::Null),
            StepKind::Plan => {
                let (run, state) = self.run_of(step).await?;
                to_value(&self.plan(&run, &state).await?)
            }
            StepKind::Draft => to_value(&self.draft(step, calls).await?),
            StepKind::Preview => to_value(&self.render(step, calls, RenderStage::Preview).await?),
            StepKind::Score => to_value(&self.score(step).await?),
            StepKind::Select => to_value(&self.select(step).await?),
            StepKind::Render => to_value(&self.render(step, calls, RenderStage::Final).await?),
            StepKind::ClipRemote | StepKind::ClipGpu => to_value(&self.clip(step, calls).await?),
            StepKind::Play => to_value(&self.play(step, calls).await?),
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
        let run = state.informed(run);
        let event = match outcome {
            StepOutcome::Done(result) => self.event_of_step(&run, &state, step, result.clone()).await?,
            StepOutcome::Failed(problem) => self.event_of_failure(&state, step, problem).await?,
        };
        Ok(decide(&run, &state, event, now))
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
            Payload::CreativeWon(data) => {
                AgentEvent::Won(data.variant, self.ports.store.variant(data.variant).await?.state)
            }
            Payload::PlacementFeedback(feedback) => AgentEvent::Feedback(feedback.clone()),
            Payload::CreativeFatigued(fatigued) => AgentEvent::Fatigued(fatigued.clone()),
            Payload::RunFinished(_) => AgentEvent::FinishAnnounced,
        };
        Ok(decide(run, &state, event, now))
    }
}

pub(super) async fn in_background<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, StepError> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| permanent(Code::StepFailed, format!("background work ended abnormally: {error}")))
}

pub(super) fn permanent(code: Code, message: String) -> StepError {
    StepError::Permanent(Problem::new(code, "", message))
}

/// The placements that the market may have shown: all that had not ended before it began.
fn placed_variants(placements: &[Placement], variants: &[Variant]) -> Vec<PlacedVariant> {
    let is_withdrawn = |placement: &Placement| {
        variants.iter().any(|own| own.id == placement.variant && own.state == VariantState::Withdrawn)
    };
    let open = placements.iter().filter(|placement| !placement.ended);
    open.map(|placement| PlacedVariant {
        placement: placement.id,
        variant: placement.variant,
        is_withdrawn: is_withdrawn(placement),
    })
    .collect()
}

fn parse_variant(key: &str) -> Result<VariantId, Problem> {
    key.parse().map_err(|_| Problem::new(Code::StoreFormat, "step.key", format!("`{key}` is not a variant")))
}

pub(super) fn parse<T: DeserializeOwned>(value: Value) -> Result<T, Problem> {
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
    let mut detail = json!({
        "brief": request.brief, "pictures": request.pictures, "generations": request.generations,
        "variants": request.variants, "winners": request.winners, "seed": request.seed,
        "opportunities": request.opportunities,
    });
    if !request.people.is_none() {
        detail["people"] = json!(request.people);
    }
    if let Some(revision) = request.revision.as_deref() {
        detail["revision"] = json!({
            "of": revision.of, "run": revision.run, "by": revision.by, "changes": revision.changes,
        });
    }
    Commit {
        messages: messages.into_events(),
        trace: vec![trace::line(0, trace::Chapter::Planned, 0, "run.requested", None, detail)],
        ..Commit::default()
    }
}
