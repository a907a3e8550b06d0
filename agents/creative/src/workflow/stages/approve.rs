//! Approval: people see the scripts before anything of them is rendered, which is before they cost money.
//!
//! A generation waits until every script that is left is approved and none is being written anew; then all
//! of them are rendered. Until that moment a script can still be rejected, edited or wanted anew.

use serde_json::json;
use spotwright_core::domain::run::Stage;
use spotwright_core::domain::topology::StepKind;
use spotwright_core::domain::variant::{Variant, VariantState};
use spotwright_core::ports::step_store::NewStep;
use spotwright_schemas::Problem;
use spotwright_schemas::error::Code;
use spotwright_schemas::event::RenderStage;
use spotwright_schemas::ids::VariantId;
use spotwright_schemas::script::{Direction, Script};

use crate::drafting::{Call, Dropped};
use crate::edits::{by_person, checked, cite_figures, must_pass};
use crate::learn::{Taught, TaughtBy, remember};
use crate::plan::{Assignment, Reason, possible_directions};
use crate::workflow::decide::Decision;
use crate::workflow::heard::Redraft;
use crate::workflow::stages::draft::storyboard_of;
use crate::workflow::trace::{Chapter, line};

/// Most scripts that are written in one generation, those that were dropped included.
const MOST_SCRIPTS: u32 = 999;

impl Decision<'_> {
    /// Approves one script or all that wait.
    pub(in crate::workflow) fn approved(
        &mut self,
        variant: Option<VariantId>,
        all: bool,
        variants: &[Variant],
        by: &str,
    ) -> Result<(), Problem> {
        self.must_wait_for_approval()?;
        if variant.is_some() && all {
            let message = "approve a variant, or all that follows, not both with one signal";
            return Err(Problem::new(Code::RequestValue, "signal.all", message));
        }
        let waiting: Vec<VariantId> = drafted(variants).map(|variant| variant.id).collect();
        let meant = match variant {
            Some(id) => vec![waiting_script(variants, id)?.id],
            None => waiting.clone(),
        };
        let detail = json!({ "variants": meant, "all": all, "by": by });
        let number = self.state.heard.signals.len() as u32;
        self.trace(Chapter::Reviewed, number, "scripts.approved", None, detail);
        for id in meant {
            if !self.state.heard.approved.contains(&id) {
                self.state.heard.approved.push(id);
            }
        }
        self.state.heard.approves_all |= all;
        self.render_what_is_approved(waiting.len());
        Ok(())
    }

    /// Drops a script and has another one written, in a direction that was rejected least often.
    pub(in crate::workflow) fn rejected(
        &mut self,
        id: VariantId,
        reason: &str,
        variants: &[Variant],
        by: &str,
    ) -> Result<(), Problem> {
        self.must_wait_for_approval()?;
        let variant = waiting_script(variants, id)?.clone();
        let reason = checked("signal.reason", reason)?;
        let number = self.next_number()?;
        self.drop_script(variant, TaughtBy::Reject, &reason, by);
        let left: Vec<Direction> = drafted(variants)
            .filter(|other| other.id != id)
            .map(|other| other.body.script.direction)
            .collect();
        let Some(direction) = self.least_rejected(&left) else {
            let message = "the brief's facts carry no direction to write another script in";
            return Err(Problem::new(Code::RunState, "", message));
        };
        self.redraft(vec![Assignment { number, direction, reason: Reason::Wished }]);
        Ok(())
    }

    /// Writes scripts anew, each in its direction.
    pub(in crate::workflow) fn regenerated(
        &mut self,
        variant: Option<VariantId>,
        note: Option<&str>,
        variants: &[Variant],
        by: &str,
    ) -> Result<(), Problem> {
        self.must_wait_for_approval()?;
        let note = note.map(|note| checked("signal.note", note)).transpose()?.unwrap_or_default();
        let meant: Vec<Variant> = match variant {
            Some(id) => vec![waiting_script(variants, id)?.clone()],
            None => drafted(variants).cloned().collect(),
        };
        if meant.is_empty() {
            let message = "no script waits; those that are wanted anew are being written";
            return Err(Problem::new(Code::RunState, "", message));
        }
        let mut assignments = Vec::with_capacity(meant.len());
        for variant in meant {
            let (number, direction) = (self.next_number()?, variant.body.script.direction);
            assignments.push(Assignment { number, direction, reason: Reason::Wished });
            self.drop_script(variant, TaughtBy::Regenerate, &note, by);
        }
        self.redraft(assignments);
        Ok(())
    }

    /// Changes the words of a line, which then pass the same critique as any other.
    pub(in crate::workflow) fn edited(
        &mut self,
        id: VariantId,
        at: u32,
        (caption, voice): (Option<&str>, Option<&str>),
        variants: &[Variant],
        by: &str,
    ) -> Result<(), Problem> {
        self.must_wait_for_approval()?;
        let mut variant = waiting_script(variants, id)?.clone();
        if caption.is_none() && voice.is_none() {
            let message = "needs a `caption`, a `voice`, or both";
            return Err(Problem::new(Code::RequestValue, "signal", message));
        }
        let brief = &self.run.request.brief;
        let mut script = variant.body.script.clone();
        let lines = script.lines.len();
        let Some(edited) = script.lines.get_mut(at as usize) else {
            let message = format!("the script has {lines} lines, counted from 0");
            return Err(Problem::new(Code::RequestValue, "signal.line", message));
        };
        let before = edited.caption.clone();
        if let Some(text) = caption {
            edited.caption = checked("signal.caption", text)?;
        }
        if let Some(text) = voice {
            edited.voice = checked("signal.voice", text)?;
        }
        edited.provenance = by_person();
        cite_figures(brief, edited);
        let after = edited.caption.clone();
        let others: Vec<Script> =
            drafted(variants).filter(|other| other.id != id).map(|other| other.body.script.clone()).collect();
        must_pass(brief, &variant.body.script, &script, &others)?;
        variant.body.storyboard = storyboard_of(self.run, &script)
            .map_err(|problem| Problem::new(Code::LineRefused, "signal", problem.message))?;
        let lesson = lesson_of(TaughtBy::Edit, &variant, String::new(), before, after);
        variant.body.script = script;
        let detail = json!({ "line": at, "script": variant.body.script, "by": by });
        self.review("script.edited", id, detail);
        remember(&mut self.state.heard.taught, lesson);
        self.commit.variants.push(variant);
        Ok(())
    }

    /// Takes in what was written in the place of other scripts.
    pub(in crate::workflow) fn redrafted(
        &mut self,
        number: u32,
        variants: Vec<Variant>,
        dropped: &[Dropped],
        calls: &[Call],
        problem: Option<&Problem>,
    ) {
        let heard = &mut self.state.heard;
        let awaited = heard.redrafting.first().is_some_and(|redraft| redraft.number == number);
        if !awaited || self.ending || self.run.stage != Stage::WaitingForApproval {
            return;
        }
        heard.redrafting.remove(0);
        let next = heard.redrafting.first().cloned();
        // Lines of several redrafts stand beside one another.
        let told = self.commit.trace.len();
        self.trace_draft(&variants, dropped, calls);
        let variants = self.without_untrue(variants);
        let heard = &mut self.state.heard;
        if heard.approves_all {
            heard.approved.extend(variants.iter().map(|variant| variant.id));
        }
        if let Some(problem) = problem {
            self.trace(Chapter::Drafted, 3_000, "redraft.failed", None, json!({ "problem": problem }));
        }
        for entry in self.commit.trace.iter_mut().skip(told) {
            entry.order = format!("{}/r{number:04}", entry.order);
        }
        let left = self.run.counts.drafted as usize + variants.len();
        self.commit.variants.extend(variants);
        self.changed = true;
        if let Some(next) = next {
            self.begin(&next);
        }
        self.render_what_is_approved(left);
    }

    fn must_wait_for_approval(&self) -> Result<(), Problem> {
        if self.run.stage == Stage::WaitingForApproval {
            return Ok(());
        }
        let message =
            format!("no script waits for approval; the run is in stage `{}`", self.run.stage.as_str());
        Err(Problem::new(Code::RunState, "", message))
    }

    /// Has the previews of the generation rendered, once nothing of it is open. `left` scripts were not
    /// dropped.
    pub(in crate::workflow) fn render_what_is_approved(&mut self, left: usize) {
        if !self.state.heard.redrafting.is_empty() || self.state.heard.approved.len() < left {
            return;
        }
        if left == 0 {
            let message = "every script was rejected, and none could be written in its place";
            self.fail(Problem::new(Code::StepFailed, "", message));
            return;
        }
        for id in std::mem::take(&mut self.state.heard.approved) {
            self.request(id, RenderStage::Preview);
        }
        self.enter(Stage::Scoring);
    }

    /// A line of the trace about one script and the signal that is being taken in.
    fn review(&mut self, what: &str, variant: VariantId, detail: serde_json::Value) {
        let number = self.state.heard.signals.len() as u32;
        let mut entry = line(self.generation, Chapter::Reviewed, number, what, Some(variant), detail);
        // One signal may be about several scripts.
        entry.order = format!("{}/{variant}", entry.order);
        self.commit.trace.push(entry);
    }

    fn next_number(&mut self) -> Result<u32, Problem> {
        if self.state.heard.numbers >= MOST_SCRIPTS {
            let message = format!("{MOST_SCRIPTS} scripts were written in this generation, and no more are");
            return Err(Problem::new(Code::RunState, "", message));
        }
        self.state.heard.numbers += 1;
        Ok(self.state.heard.numbers)
    }

    fn drop_script(&mut self, mut variant: Variant, kind: TaughtBy, reason: &str, by: &str) {
        let what = if kind == TaughtBy::Reject { "script.rejected" } else { "script.regenerated" };
        self.review(what, variant.id, json!({ "reason": reason, "by": by }));
        let before = variant.body.script.lines.first().map(|line| line.caption.clone()).unwrap_or_default();
        let lesson = lesson_of(kind, &variant, reason.to_owned(), before, String::new());
        remember(&mut self.state.heard.taught, lesson);
        self.state.heard.approved.retain(|id| *id != variant.id);
        variant.state = VariantState::Rejected;
        variant.body.failure = Some(reason.to_owned()).filter(|reason| !reason.is_empty());
        self.commit.variants.push(variant);
    }

    /// The direction for a script in the place of a rejected one: rejected least often in this generation,
    /// then taken least often by the scripts that are left.
    fn least_rejected(&self, left: &[Direction]) -> Option<Direction> {
        let of_generation =
            |lesson: &&Taught| lesson.kind == TaughtBy::Reject && lesson.generation == self.generation;
        let rejected: Vec<Direction> = self
            .state
            .heard
            .taught
            .iter()
            .filter(of_generation)
            .filter_map(|lesson| lesson.direction)
            .collect();
        let times = |among: &[Direction], direction: Direction| {
            among.iter().filter(|other| **other == direction).count()
        };
        let of_angle =
            |direction: Direction| left.iter().filter(|other| other.angle == direction.angle).count();
        possible_directions(&self.run.request.brief)
            .into_iter()
            .min_by_key(|one| (times(&rejected, *one), times(left, *one), of_angle(*one)))
    }

    fn redraft(&mut self, assignments: Vec<Assignment>) {
        self.state.heard.redrafts += 1;
        let redraft = Redraft { number: self.state.heard.redrafts, assignments };
        self.state.heard.redrafting.push(redraft.clone());
        // One after the other: what is written must differ from what was written before it.
        if self.state.heard.redrafting.len() == 1 {
            self.begin(&redraft);
        }
    }

    fn begin(&mut self, redraft: &Redraft) {
        let key = redraft.key(self.generation);
        self.new_step(NewStep { kind: StepKind::Draft, key, input: json!({}) });
    }
}

/// The scripts that wait.
fn drafted(variants: &[Variant]) -> impl Iterator<Item = &Variant> {
    variants.iter().filter(|variant| variant.state == VariantState::Drafted)
}

fn waiting_script(variants: &[Variant], id: VariantId) -> Result<&Variant, Problem> {
    let found = variants.iter().find(|variant| variant.id == id).ok_or_else(|| {
        Problem::new(Code::NotFound, "signal.variant", "the generation that waits has no such variant")
    })?;
    if found.state != VariantState::Drafted {
        let message = "the script was dropped; another one is in its place";
        return Err(Problem::new(Code::RunState, "signal.variant", message));
    }
    Ok(found)
}

fn lesson_of(kind: TaughtBy, variant: &Variant, reason: String, before: String, after: String) -> Taught {
    Taught {
        kind,
        generation: variant.generation,
        variant: Some(variant.id),
        direction: Some(variant.body.script.direction),
        structure: variant.body.script.structure,
        reason,
        before,
        after,
    }
}
