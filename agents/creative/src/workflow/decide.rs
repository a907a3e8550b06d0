//! The pure state machine: what follows from an event.

use jiff::Timestamp;
use serde_json::json;
use spotwright_core::domain::run::{RunView, Stage};
use spotwright_core::domain::topology::StepKind;
use spotwright_core::domain::variant::VariantState;
use spotwright_core::ports::step_store::{Commit, NewStep, RunUpdate, TraceEntry};
use spotwright_core::spine::Messages;
use spotwright_schemas::Problem;
use spotwright_schemas::event::{Payload, StopReason};
use spotwright_schemas::ids::VariantId;

use super::state::{AgentEvent, AgentState};
use super::trace::{Chapter, line};

/// Decides what follows from `event`.
///
/// Pure: equal arguments give equal commits. Events that come late, twice or for a generation
/// that is over change nothing but are still taken in.
#[must_use]
pub fn decide(run: &RunView, state: &AgentState, event: AgentEvent, now: Timestamp) -> Commit {
    // What was still under way when the run ended is taken in and leads nowhere. Wear is not waited
    // for, so its message may come after the end; it belongs to the trace whenever it comes. A video
    // that was paid for is kept, and so is what a clip has cost.
    let kept =
        matches!(event, AgentEvent::Fatigued(_) | AgentEvent::Rendered(..) | AgentEvent::ClipEnded { .. });
    if run.stage == Stage::Finished && !kept {
        return Commit::default();
    }
    // The step whose end this is, and the judgement that this message asks for, are still counted.
    let (left, unjudged) = open_after(run, &event);
    let mut decision = Decision::new(run, state, now);
    match event {
        AgentEvent::Requested => decision.requested(),
        AgentEvent::Cancelled => decision.finish(StopReason::Cancelled, None),
        AgentEvent::Planned { assignments, questions, imported } => {
            decision.planned(assignments, questions, &imported);
        }
        AgentEvent::AnswersDue => decision.answers_due(),
        AgentEvent::Redrafted { number, variants, dropped, calls, problem } => {
            decision.redrafted(number, variants, &dropped, &calls, problem.as_ref());
        }
        AgentEvent::Drafted { variants, dropped, calls } => decision.drafted(variants, &dropped, &calls),
        AgentEvent::PreviewRequested(variant) => decision.step(StepKind::Preview, &variant.to_string()),
        AgentEvent::Previewed(variant, rendered) => decision.previewed(*variant, rendered),
        AgentEvent::PreviewAnnounced(variant) => decision.step(StepKind::Score, &variant.to_string()),
        AgentEvent::Scored(variant, score) => decision.scored(*variant, score),
        AgentEvent::ScoreAnnounced => decision.join_scores(0),
        AgentEvent::Selected(ranked) => decision.selected(ranked),
        AgentEvent::ClipPassedOn(step) => decision.clip_passed_on(step),
        AgentEvent::ClipEnded { key, outcome, waiting } => decision.clip_ended(&key, &outcome, waiting),
        AgentEvent::FinalRequested(variant) => decision.step(StepKind::Render, &variant.to_string()),
        AgentEvent::Rendered(variant, rendered, spoken) => decision.rendered(*variant, rendered, spoken),
        AgentEvent::FinalAnnounced { variant, next } => decision.judged(*variant, next.map(|next| *next)),
        AgentEvent::Won(variant, state) => decision.won(variant, state),
        AgentEvent::Played(report, placements) => decision.played(report, &placements),
        AgentEvent::Feedback(feedback) => decision.feedback(&feedback),
        AgentEvent::Fatigued(fatigued) => decision.fatigued(&fatigued),
        AgentEvent::Learned { beliefs, lessons, parents } => decision.learned(beliefs, lessons, parents),
        AgentEvent::FinishAnnounced => {}
        AgentEvent::VariantFailed { kind, variant, next, problem } => {
            decision.variant_failed(kind, *variant, next.map(|next| *next), &problem);
        }
        AgentEvent::GenerationFailed { problem, campaign } => decision.failed(problem, campaign),
    }
    if run.cancelling && left == 0 && unjudged == 0 && decision.stage != Stage::Finished {
        decision.finish(StopReason::Cancelled, None);
    }
    decision.into_commit()
}

/// The steps that are not ended and the variants that are rendered and not judged, once `event` has been
/// decided on.
fn open_after(run: &RunView, event: &AgentEvent) -> (u64, u64) {
    let ends_a_step = matches!(
        event,
        AgentEvent::Planned { .. }
            | AgentEvent::AnswersDue
            | AgentEvent::Drafted { .. }
            | AgentEvent::Redrafted { .. }
            | AgentEvent::Previewed(..)
            | AgentEvent::Scored(..)
            | AgentEvent::Selected(_)
            | AgentEvent::ClipPassedOn(_)
            | AgentEvent::ClipEnded { .. }
            | AgentEvent::Rendered(..)
            | AgentEvent::Played(..)
            | AgentEvent::Learned { .. }
            | AgentEvent::VariantFailed { .. }
            | AgentEvent::GenerationFailed { .. }
    );
    let judges = matches!(event, AgentEvent::FinalAnnounced { variant, .. }
        if variant.state == VariantState::Rendered && variant.generation == run.generation);
    (
        run.working.saturating_sub(u64::from(ends_a_step)),
        run.counts.rendered.saturating_sub(u64::from(judges)),
    )
}

/// What follows when `by` ends the run, which the trace says once: commits to be tried in their order; none when it has ended or
/// is being ended.
///
/// One ends a run that nobody works on, and is refused by the store as busy when somebody does. The other
/// lets the run end with the work under way: what is made and charged by then is kept.
///
/// # Errors
/// [`StoreFormat`](spotwright_schemas::error::Code::StoreFormat) when the stored state cannot be understood.
pub fn cancel(run: &RunView, by: &str, now: Timestamp) -> Result<Vec<Commit>, Problem> {
    let unjudged = run.counts.rendered > 0;
    if run.stage == Stage::Finished || (run.cancelling && (run.working > 0 || unjudged)) {
        return Ok(Vec::new());
    }
    // A campaign under way costs money until it has been played, so it is.
    let cancel_waiting_steps = run.stage != Stage::Playing;
    let asked = line(run.generation, Chapter::Ended, 0, "run.cancel_asked", None, json!({ "by": by }));
    // Who asked first is who ended it.
    let asked: Vec<TraceEntry> = if run.cancelling { Vec::new() } else { vec![asked] };
    let later = Commit { cancelling: true, cancel_waiting_steps, trace: asked.clone(), ..Commit::default() };
    if unjudged {
        return Ok(vec![later]);
    }
    let mut ended = decide(run, &AgentState::of(run)?, AgentEvent::Cancelled, now);
    ended.trace.extend(asked);
    let at_once = Commit { cancelling: true, only_when_idle: true, cancel_waiting_steps, ..ended };
    Ok(vec![at_once, later])
}

/// A decision under construction.
pub(super) struct Decision<'a> {
    pub(super) run: &'a RunView,
    pub(super) state: AgentState,
    pub(super) stage: Stage,
    pub(super) generation: u32,
    pub(super) changed: bool,
    /// Whether the run has ended or is being ended: what was made is kept, and nothing new begins.
    pub(super) ending: bool,
    pub(super) commit: Commit,
    pub(super) messages: Messages<'a>,
}

impl<'a> Decision<'a> {
    pub(super) fn new(run: &'a RunView, state: &AgentState, now: Timestamp) -> Self {
        Self {
            run,
            state: state.clone(),
            stage: run.stage,
            generation: run.generation,
            changed: false,
            ending: run.cancelling || run.stage == Stage::Finished,
            commit: Commit::default(),
            messages: Messages::after(run, now),
        }
    }

    pub(super) fn into_commit(mut self) -> Commit {
        if self.changed {
            self.commit.run = Some(RunUpdate {
                stage: self.stage,
                generation: self.generation,
                // The state is plain data; a failure here would be a defect that `null` makes visible.
                state: serde_json::to_value(&self.state).unwrap_or_default(),
            });
        }
        self.commit.messages = self.messages.into_events();
        self.commit
    }

    pub(super) fn enter(&mut self, stage: Stage) {
        if !self.ending || stage == Stage::Finished {
            self.stage = stage;
        }
        self.changed = true;
    }

    pub(super) fn step(&mut self, kind: StepKind, key: &str) {
        self.new_step(NewStep { kind, key: key.to_owned(), input: json!({}) });
    }

    pub(super) fn generation_step(&mut self, kind: StepKind) {
        let key = format!("g{}", self.generation);
        self.new_step(NewStep { kind, key, input: json!({}) });
    }

    pub(super) fn new_step(&mut self, step: NewStep) {
        if !self.ending {
            self.commit.steps.push(step);
        }
    }

    /// A message that leads to more work.
    pub(super) fn tell(&mut self, source: &str, payload: Payload) {
        if !self.ending {
            self.messages.add(source, payload);
        }
    }

    pub(super) fn trace(
        &mut self,
        chapter: Chapter,
        number: u32,
        what: &str,
        variant: Option<VariantId>,
        detail: serde_json::Value,
    ) {
        self.commit.trace.push(line(self.generation, chapter, number, what, variant, detail));
    }

    pub(super) fn is_current(&self, stage: Stage, generation: u32) -> bool {
        self.run.stage == stage && self.run.generation == generation
    }
}
