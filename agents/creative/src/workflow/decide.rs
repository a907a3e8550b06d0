//! The pure state machine: what follows from an event.

use jiff::Timestamp;
use serde_json::json;
use spotwright_core::domain::run::{RunView, Stage};
use spotwright_core::domain::topology::StepKind;
use spotwright_core::domain::variant::{Placement, Variant, VariantState};
use spotwright_core::ports::marketplace::MarketReport;
use spotwright_core::ports::step_store::{Commit, LedgerEntry, LedgerKind, NewStep, RunUpdate};
use spotwright_core::ports::video_backend::{GateReport, Rendered};
use spotwright_core::spine::Messages;
use spotwright_schemas::Problem;
use spotwright_schemas::error::Code;
use spotwright_schemas::event::{
    CreativeFatigued, CreativeWon, Payload, PlacementFeedback, RenderStage, RunFinished, StopReason,
    VariantRendered, VariantRequested, VariantScored,
};
use spotwright_schemas::ids::{PlacementId, VariantId};
use spotwright_schemas::money::Micros;
use spotwright_schemas::outcome::{Delivery, Score};

use super::state::{AgentEvent, AgentState, has_next, placement_id};
use super::trace::{Chapter, line};
use crate::drafting::{Call, Dropped};
use crate::plan::Assignment;

/// Smallest media budget of a generation that is worth an auction: one unit of the currency.
const SMALLEST_CAMPAIGN: Micros = Micros(1_000_000);

/// Decides what follows from `event`.
///
/// Pure: equal arguments give equal commits. Events that come late, twice or for a generation
/// that is over change nothing but are still taken in.
#[must_use]
pub fn decide(run: &RunView, state: &AgentState, event: AgentEvent, now: Timestamp) -> Commit {
    // What was still under way when the run ended is taken in and leads nowhere. Wear is not waited
    // for, so its message may come after the end; it belongs to the trace whenever it comes. A video
    // that was paid for is kept.
    let kept = matches!(event, AgentEvent::Fatigued(_) | AgentEvent::Rendered(..));
    if run.stage == Stage::Finished && !kept {
        return Commit::default();
    }
    // The step whose end this is, and the judgement that this message asks for, are still counted.
    let (left, unjudged) = open_after(run, &event);
    let mut decision = Decision::new(run, state, now);
    match event {
        AgentEvent::Requested => decision.requested(),
        AgentEvent::Cancelled => decision.finish(StopReason::Cancelled, None),
        AgentEvent::Planned { assignments, questions } => {
            let asked = json!({ "assignments": assignments, "questions": questions });
            decision.planned(assignments, asked);
        }
        AgentEvent::Drafted { variants, dropped, calls } => decision.drafted(variants, &dropped, &calls),
        AgentEvent::PreviewRequested(variant) => decision.step(StepKind::Preview, &variant.to_string()),
        AgentEvent::Previewed(variant, rendered) => decision.previewed(*variant, rendered),
        AgentEvent::PreviewAnnounced(variant) => decision.step(StepKind::Score, &variant.to_string()),
        AgentEvent::Scored(variant, score) => decision.scored(*variant, score),
        AgentEvent::ScoreAnnounced => decision.join_scores(0),
        AgentEvent::Selected(ranked) => decision.selected(ranked),
        AgentEvent::FinalRequested(variant) => decision.step(StepKind::Render, &variant.to_string()),
        AgentEvent::Rendered(variant, rendered) => decision.rendered(*variant, rendered),
        AgentEvent::FinalAnnounced { variant, next } => decision.judged(*variant, next.map(|next| *next)),
        AgentEvent::Won(variant) => decision.won(variant),
        AgentEvent::Played(report, placements) => decision.played(report, &placements),
        AgentEvent::Feedback(feedback) => decision.feedback(&feedback),
        AgentEvent::Fatigued(fatigued) => decision.fatigued(&fatigued),
        AgentEvent::Learned { beliefs, lessons, parents } => {
            let detail = json!({ "beliefs": beliefs, "lessons": lessons, "parents": parents });
            decision.state.beliefs = beliefs;
            decision.state.lessons = lessons;
            decision.state.parents = parents;
            decision.trace(Chapter::Learned, 0, "generation.learned", None, detail);
            decision.next_generation();
        }
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
            | AgentEvent::Drafted { .. }
            | AgentEvent::Previewed(..)
            | AgentEvent::Scored(..)
            | AgentEvent::Selected(_)
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

/// What follows when the user ends the run: commits to be tried in their order; none when it has ended or
/// is being ended.
///
/// One ends a run that nobody works on, and is refused by the store as busy when somebody does. The other
/// lets the run end with the work under way: what is made and charged by then is kept.
///
/// # Errors
/// [`Code::StoreFormat`] when the stored state cannot be understood.
pub fn cancel(run: &RunView, now: Timestamp) -> Result<Vec<Commit>, Problem> {
    let unjudged = run.counts.rendered > 0;
    if run.stage == Stage::Finished || (run.cancelling && (run.working > 0 || unjudged)) {
        return Ok(Vec::new());
    }
    // A campaign under way costs money until it has been played, so it is.
    let cancel_waiting_steps = run.stage != Stage::Playing;
    let later = Commit { cancelling: true, cancel_waiting_steps, ..Commit::default() };
    if unjudged {
        return Ok(vec![later]);
    }
    let ended = decide(run, &AgentState::of(run)?, AgentEvent::Cancelled, now);
    let at_once = Commit { cancelling: true, only_when_idle: true, cancel_waiting_steps, ..ended };
    Ok(vec![at_once, later])
}

/// A decision under construction.
struct Decision<'a> {
    run: &'a RunView,
    state: AgentState,
    stage: Stage,
    generation: u32,
    changed: bool,
    /// Whether the run has ended or is being ended: what was made is kept, and nothing new begins.
    ending: bool,
    commit: Commit,
    messages: Messages<'a>,
}

impl<'a> Decision<'a> {
    fn new(run: &'a RunView, state: &AgentState, now: Timestamp) -> Self {
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

    fn into_commit(mut self) -> Commit {
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

    fn enter(&mut self, stage: Stage) {
        if !self.ending || stage == Stage::Finished {
            self.stage = stage;
        }
        self.changed = true;
    }

    fn step(&mut self, kind: StepKind, key: &str) {
        self.new_step(NewStep { kind, key: key.to_owned(), input: json!({}) });
    }

    fn generation_step(&mut self, kind: StepKind) {
        let key = format!("g{}", self.generation);
        self.new_step(NewStep { kind, key, input: json!({}) });
    }

    fn new_step(&mut self, step: NewStep) {
        if !self.ending {
            self.commit.steps.push(step);
        }
    }

    /// A message that leads to more work.
    fn tell(&mut self, source: &str, payload: Payload) {
        if !self.ending {
            self.messages.add(source, payload);
        }
    }

    fn trace(
        &mut self,
        chapter: Chapter,
        number: u32,
        what: &str,
        variant: Option<VariantId>,
        detail: serde_json::Value,
    ) {
        self.commit.trace.push(line(self.generation, chapter, number, what, variant, detail));
    }

    fn is_current(&self, stage: Stage, generation: u32) -> bool {
        self.run.stage == stage && self.run.generation == generation
    }

    fn requested(&mut self) {
        if self.run.stage != Stage::Requested {
            return;
        }
        self.generation = 1;
        self.enter(Stage::Planning);
        self.generation_step(StepKind::Plan);
    }

    fn planned(&mut self, assignments: Vec<Assignment>, detail: serde_json::Value) {
        self.state.assignments = assignments;
        self.trace(Chapter::Planned, 0, "generation.planned", None, detail);
        self.enter(Stage::Drafting);
        self.generation_step(StepKind::Draft);
    }

    fn drafted(&mut self, variants: Vec<Variant>, dropped: &[Dropped], calls: &[Call]) {
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

    fn request(&mut self, variant: VariantId, stage: RenderStage) {
        let generation = self.generation;
        self.tell("agent", Payload::VariantRequested(VariantRequested { variant, generation, stage }));
    }

    fn previewed(&mut self, mut variant: Variant, rendered: Rendered) {
        let detail = json!({ "artifact": rendered.artifact, "statistics": rendered.statistics });
        self.trace(Chapter::Previewed, variant.number, "variant.previewed", Some(variant.id), detail);
        self.tell(
            "render",
            Payload::VariantRendered(VariantRendered {
                variant: variant.id,
                generation: variant.generation,
                stage: RenderStage::Preview,
                artifact: rendered.artifact.0.clone(),
            }),
        );
        variant.state = VariantState::Previewed;
        variant.body.preview = Some(rendered);
        self.commit.variants.push(variant);
    }

    fn scored(&mut self, mut variant: Variant, score: Score) {
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
    fn join_scores(&mut self, leaving: u64) {
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

    fn selected(&mut self, ranked: Vec<(Variant, String)>) {
        if self.ending {
            return;
        }
        let winners = self.run.request.winners as usize;
        self.state.waiting = ranked.iter().skip(winners).map(|(variant, _)| variant.id).collect();
        for (idx, (mut variant, reason)) in ranked.into_iter().enumerate() {
            let chosen = idx < winners;
            let detail = json!({ "order": idx + 1, "chosen": chosen, "reason": reason });
            self.trace(Chapter::Selected, idx as u32, "variant.ranked", Some(variant.id), detail);
            variant.body.selected_because = Some(reason);
            if chosen {
                variant.state = VariantState::Selected;
                self.request(variant.id, RenderStage::Final);
            }
            self.commit.variants.push(variant);
        }
        self.enter(Stage::Rendering);
    }

    fn rendered(&mut self, mut variant: Variant, rendered: Rendered) {
        let detail = json!({ "artifact": rendered.artifact, "frames": rendered.frames, "statistics": rendered.statistics, "gate": rendered.gate });
        self.trace(Chapter::Rendered, variant.number, "variant.rendered", Some(variant.id), detail);
        self.tell(
            "render",
            Payload::VariantRendered(VariantRendered {
                variant: variant.id,
                generation: variant.generation,
                stage: RenderStage::Final,
                artifact: rendered.artifact.0.clone(),
            }),
        );
        variant.state = VariantState::Rendered;
        variant.body.final_render = Some(rendered);
        if self.ending {
            // Nobody will be told of it any more.
            self.judge(variant);
        } else {
            self.commit.variants.push(variant);
        }
    }

    fn judged(&mut self, variant: Variant, next: Option<Variant>) {
        if variant.state == VariantState::Rendered && !self.judge(variant) {
            self.replace(next);
        }
    }

    /// The final gate: a variant that passed is published in the transaction that says so. Whether it
    /// passed.
    fn judge(&mut self, mut variant: Variant) -> bool {
        let verdict = variant.body.final_render.as_ref().and_then(|rendered| rendered.gate.clone());
        let artifact = variant.body.final_render.as_ref().map(|rendered| rendered.artifact.0.clone());
        let passed = verdict.as_ref().is_some_and(GateReport::passes);
        variant.final_gate = Some(passed);
        if let (true, Some(artifact)) = (passed, artifact) {
            variant.state = VariantState::Won;
            let detail = json!({ "artifact": artifact });
            self.trace(Chapter::Judged, variant.number, "creative.won", Some(variant.id), detail);
            let (id, generation) = (variant.id, variant.generation);
            // The last message of a run that has ended says so.
            if self.run.stage != Stage::Finished {
                let won = CreativeWon { variant: id, generation, artifact };
                self.messages.add("agent", Payload::CreativeWon(won));
            }
            self.commit.variants.push(variant);
            return true;
        }
        variant.state = VariantState::Rejected;
        let checks = verdict.map(|gate| gate.checks).unwrap_or_default();
        let failed: Vec<_> = checks.iter().filter(|check| !check.pass).collect();
        let detail = json!({ "failed_checks": failed });
        self.trace(Chapter::Judged, variant.number, "variant.rejected", Some(variant.id), detail);
        self.commit.variants.push(variant);
        false
    }

    /// Puts the next variant in order in the place of one that dropped out, or goes on without.
    fn replace(&mut self, next: Option<Variant>) {
        if self.ending {
            return;
        }
        if let Some(mut next) = next {
            self.state.waiting.retain(|id| *id != next.id);
            self.changed = true;
            next.state = VariantState::Selected;
            self.request(next.id, RenderStage::Final);
            self.commit.variants.push(next);
            return;
        }
        let counts = self.run.counts;
        // The variant that dropped out is still counted as selected or rendered.
        if counts.selected + counts.rendered > 1 {
            return;
        }
        if counts.won == 0 {
            self.fail(Problem::new(Code::QualityGate, "", "no variant passed the final quality gate"));
        } else if counts.placed == counts.won {
            self.play();
        }
    }

    fn won(&mut self, variant: VariantId) {
        if self.ending || self.run.stage != Stage::Rendering {
            return;
        }
        let id = placement_id(self.run.id, self.generation, variant);
        let campaign = format!("{}/g{}", self.run.id, self.generation);
        self.commit.placements.push(Placement {
            id,
            run: self.run.id,
            campaign,
            variant,
            generation: self.generation,
            delivery: None,
            observed: false,
        });
        let counts = self.run.counts;
        if counts.selected + counts.rendered == 0 && counts.placed + 1 == counts.won {
            self.play();
        }
    }

    /// Sets the generation's share of what is left aside and lets the market play.
    fn play(&mut self) {
        let free = self.run.budget - self.run.settled - self.run.reserved;
        let generations_left = i64::from(self.run.request.generations.saturating_sub(self.generation)) + 1;
        let budget = Micros(free.0 / generations_left);
        if budget < SMALLEST_CAMPAIGN {
            self.finish(StopReason::BudgetExhausted, None);
            return;
        }
        let reference = self.campaign_reference();
        self.commit.ledger.push(LedgerEntry { kind: LedgerKind::Reserve, reference, amount: budget });
        let key = format!("g{}", self.generation);
        self.new_step(NewStep { kind: StepKind::Play, key, input: json!({ "budget": budget }) });
        self.enter(Stage::Playing);
    }

    fn campaign_reference(&self) -> String {
        format!("play:{}:g{}", self.run.id, self.generation)
    }

    fn played(&mut self, report: MarketReport, placements: &[(PlacementId, VariantId)]) {
        let generation = self.generation;
        let mut spend = Micros::ZERO;
        for (idx, row) in report.creatives.iter().enumerate() {
            if !placements.contains(&(row.placement, row.variant)) {
                continue;
            }
            let Delivery { impressions, clicks, conversions, spend: cost } = row.delivery;
            spend += cost;
            self.trace(Chapter::Played, idx as u32, "placement.delivered", Some(row.variant), json!(row));
            self.commit.deliveries.push((row.placement, row.clone()));
            self.tell(
                "market",
                Payload::PlacementFeedback(PlacementFeedback {
                    placement: row.placement,
                    variant: row.variant,
                    generation,
                    source: report.source,
                    impressions,
                    clicks,
                    conversions,
                    spend: cost,
                }),
            );
            if row.fatigued {
                let fatigued =
                    CreativeFatigued { variant: row.variant, generation, frequency: row.frequency };
                self.tell("market", Payload::CreativeFatigued(fatigued));
            }
        }
        let detail = json!({
            "marketplace": report.marketplace, "audience": report.audience, "auctions": report.auctions,
            "won": report.won, "competitors": report.competitors, "mean_cpm": report.mean_cpm, "spend": spend,
        });
        self.trace(Chapter::Published, 0, "campaign.played", None, detail);
        let reference = self.campaign_reference();
        self.commit.ledger.push(LedgerEntry { kind: LedgerKind::Settle, reference, amount: spend });
        // What became of each advertisement is stored with its placement.
        self.state.reports.push(MarketReport { creatives: Vec::new(), ..report });
        self.enter(Stage::Observing);
        if self.state.cancelling {
            self.finish(StopReason::Cancelled, None);
        }
    }

    fn feedback(&mut self, feedback: &PlacementFeedback) {
        if !self.is_current(Stage::Observing, feedback.generation) {
            return;
        }
        let detail = json!({ "source": feedback.source, "impressions": feedback.impressions, "clicks": feedback.clicks, "conversions": feedback.conversions, "spend": feedback.spend });
        // Sorted by the placement's id, which does not depend on the order of arrival.
        let mut entry =
            line(self.generation, Chapter::Observed, 0, "placement.observed", Some(feedback.variant), detail);
        entry.order = format!("{}/{}", entry.order, feedback.placement);
        self.commit.trace.push(entry);
        self.commit.observed.push(feedback.placement);
        let counts = self.run.counts;
        if counts.observed + 1 == counts.placed {
            self.enter(Stage::Learning);
            self.generation_step(StepKind::Learn);
        }
    }

    fn fatigued(&mut self, fatigued: &CreativeFatigued) {
        let detail = json!({ "frequency": fatigued.frequency });
        let mut entry = line(
            fatigued.generation,
            Chapter::Fatigued,
            0,
            "creative.fatigued",
            Some(fatigued.variant),
            detail,
        );
        entry.order = format!("{}/{}", entry.order, fatigued.variant);
        self.commit.trace.push(entry);
    }

    fn next_generation(&mut self) {
        if self.ending {
            self.changed = true;
            return;
        }
        if !has_next(self.run, &self.run.request) {
            self.finish(StopReason::Completed, None);
            return;
        }
        self.generation += 1;
        self.state.assignments.clear();
        self.state.waiting.clear();
        self.enter(Stage::Planning);
        self.generation_step(StepKind::Plan);
    }

    fn variant_failed(
        &mut self,
        kind: StepKind,
        mut variant: Variant,
        next: Option<Variant>,
        problem: &Problem,
    ) {
        if self.ending && problem.code == Code::RunCancelled {
            // It has not failed: it was not made.
            return;
        }
        let detail = json!({ "step": kind.as_str(), "problem": problem });
        let chapter = match kind {
            StepKind::Preview => Chapter::Previewed,
            StepKind::Score => Chapter::Scored,
            _ => Chapter::Rendered,
        };
        self.trace(chapter, variant.number, "variant.failed", Some(variant.id), detail);
        variant.state = VariantState::Failed;
        variant.body.failure = Some(problem.to_string());
        self.commit.variants.push(variant);
        if self.ending {
            return;
        }
        if problem.code == Code::BudgetExhausted {
            self.finish(StopReason::BudgetExhausted, Some(problem.clone()));
        } else if kind == StepKind::Render {
            self.replace(next);
        } else {
            self.join_scores(1);
        }
    }

    /// The generation cannot go on. Its campaign's reserve is given back; what is reserved for paid calls
    /// belongs to them until each has its end.
    fn failed(&mut self, problem: Problem, campaign: Option<Micros>) {
        if let (Stage::Playing, Some(amount)) = (self.run.stage, campaign) {
            let reference = self.campaign_reference();
            self.commit.ledger.push(LedgerEntry { kind: LedgerKind::Release, reference, amount });
        }
        self.fail(problem);
    }

    fn fail(&mut self, problem: Problem) {
        if self.ending {
            return;
        }
        let reason = if problem.code == Code::BudgetExhausted {
            StopReason::BudgetExhausted
        } else {
            StopReason::Failed
        };
        self.finish(reason, Some(problem));
    }

    fn finish(&mut self, reason: StopReason, problem: Option<Problem>) {
        let detail = json!({ "reason": reason, "problem": problem });
        self.trace(Chapter::Ended, 0, "run.finished", None, detail);
        self.state.stopped = Some(reason);
        self.state.failure = problem;
        self.commit.cancel_waiting_steps = true;
        self.messages
            .add("agent", Payload::RunFinished(RunFinished { reason, generations: self.generation }));
        self.enter(Stage::Finished);
    }
}
