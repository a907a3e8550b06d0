//! Generated shots: the clips that selected variants wait for, and what becomes of the variants.
//!
//! A distinct clip is one step of the run, whoever asks for it first. It begins as work for remote sources,
//! whose first attempt chooses one; where that works on a GPU of ours, the step is passed on to a machine
//! that has one. A selected variant is rendered final once each of its clips has an end.

use serde_json::json;
use spotwright_core::domain::run::Stage;
use spotwright_core::domain::topology::StepKind;
use spotwright_core::domain::variant::Variant;
use spotwright_core::ports::clip_library::ClipKey;
use spotwright_core::ports::step_store::NewStep;
use spotwright_schemas::event::RenderStage;

use crate::footage::{self, ClipWish};
use crate::workflow::clips::{AskedClip, ClipEnd, ClipOutcome};
use crate::workflow::decide::Decision;
use crate::workflow::stages::clip::ClipStep;
use crate::workflow::trace::{Chapter, line};

/// Lines of the trace about one clip have numbers of their own, so many apart.
const LINES_PER_CLIP: u32 = 10;

impl Decision<'_> {
    /// Has a selected variant rendered final: at once, or when the clips of its storyboard are there.
    pub(in crate::workflow) fn render_final(&mut self, variant: &mut Variant) {
        let wishes = footage::wishes(&variant.body.storyboard);
        let mut waits = false;
        for wish in &wishes {
            if self.state.clips.find(&wish.key).is_none() {
                self.ask_for(wish);
            }
            waits |= self.state.clips.end_of(&wish.key).is_none();
        }
        if waits {
            self.state.clips.waiting.push(variant.id);
            self.changed = true;
            return;
        }
        if !wishes.is_empty() {
            self.take_clips(variant);
        }
        self.request(variant.id, RenderStage::Final);
    }

    fn ask_for(&mut self, wish: &ClipWish) {
        let place = self.state.clips.asked.len();
        let asked = AskedClip { key: wish.key.clone(), generation: self.generation, ended: None };
        self.state.clips.asked.push(asked);
        self.changed = true;
        let detail =
            json!({ "clip": wish.key, "request": wish.request, "shows_product": wish.shows_product });
        self.trace_clip(place, 0, "clip.requested", &wish.key, detail);
        let step = ClipStep::new(wish.request.clone(), wish.shows_product);
        // Plain data; a failure here would be a defect that `null` makes visible.
        let input = serde_json::to_value(&step).unwrap_or_default();
        self.new_step(NewStep { kind: StepKind::ClipRemote, key: wish.key.to_string(), input });
    }

    /// A clip's work goes on in a step of another kind.
    pub(in crate::workflow) fn clip_passed_on(&mut self, step: NewStep) {
        self.new_step(step);
    }

    /// A clip has an end. `waiting` are the variants that wait, in the order of their selection.
    pub(in crate::workflow) fn clip_ended(
        &mut self,
        key: &ClipKey,
        outcome: &ClipOutcome,
        waiting: Vec<Variant>,
    ) {
        let Some((place, asked)) = self.state.clips.find(key) else { return };
        if asked.ended.is_some() {
            return;
        }
        self.trace_outcome(place, key, outcome);
        if self.run.stage == Stage::Finished {
            // What the run was is written; what the clip has cost stands in its trace.
            return;
        }
        if let Some(asked) = self.state.clips.asked.get_mut(place) {
            asked.ended = Some(ClipEnd::from(outcome));
        }
        self.changed = true;
        if self.ending {
            return;
        }
        for mut variant in waiting {
            let is_open = |wish: &ClipWish| self.state.clips.end_of(&wish.key).is_none();
            let waits = self.state.clips.waiting.contains(&variant.id);
            if !waits || footage::wishes(&variant.body.storyboard).iter().any(is_open) {
                continue;
            }
            self.state.clips.waiting.retain(|id| *id != variant.id);
            self.take_clips(&mut variant);
            self.request(variant.id, RenderStage::Final);
            self.commit.variants.push(variant);
        }
    }

    /// Puts the clips that there are into the variant's storyboard.
    fn take_clips(&mut self, variant: &mut Variant) {
        let clips = &self.state.clips;
        let shown: Vec<_> = footage::wishes(&variant.body.storyboard)
            .into_iter()
            .map(|wish| {
                let clip = clips.end_of(&wish.key).and_then(|end| end.clip.clone());
                json!({ "wish": wish.key, "clip": clip })
            })
            .collect();
        let finished = footage::with_clips(&variant.body.storyboard, |key| {
            clips.end_of(key).and_then(|end| end.clip.clone())
        });
        variant.body.storyboard = finished;
        let detail = json!({ "clips": shown });
        let mut entry =
            line(self.generation, Chapter::Clips, 9_999, "variant.footage", Some(variant.id), detail);
        entry.order = format!("{}/{}", entry.order, variant.id);
        self.commit.trace.push(entry);
    }

    fn trace_outcome(&mut self, place: usize, key: &ClipKey, outcome: &ClipOutcome) {
        let ClipOutcome { made, why, route, left_out, unknown, leaves_away, tries } = outcome;
        let routed = json!({
            "clip": key, "sources": route, "left_out": left_out, "unknown": unknown, "leaves_away": leaves_away,
        });
        self.trace_clip(place, 1, "clip.routed", key, routed);
        if !tries.is_empty() {
            self.trace_clip(place, 2, "clip.tried", key, json!({ "clip": key, "tries": tries }));
        }
        if let Some(made) = made {
            self.trace_clip(place, 3, "clip.made", key, json!({ "clip": key, "made": made }));
        } else {
            let detail = json!({ "clip": key, "why": why, "cost": outcome.cost() });
            self.trace_clip(place, 3, "clip.fell_back", key, detail);
        }
    }

    /// A line about a clip, with those of the generation that asked for it.
    fn trace_clip(
        &mut self,
        place: usize,
        number: u32,
        what: &str,
        key: &ClipKey,
        detail: serde_json::Value,
    ) {
        let asked_in = self.state.clips.asked.get(place).map_or(self.generation, |asked| asked.generation);
        let number = place as u32 * LINES_PER_CLIP + number;
        let mut entry = line(asked_in, Chapter::Clips, number, what, None, detail);
        entry.order = format!("{}/{key}", entry.order);
        self.commit.trace.push(entry);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use jiff::Timestamp;
    use spotwright_core::domain::run::{Counts, Involvement, RunRequest, RunView, StoredPicture};
    use spotwright_core::domain::variant::VariantState;
    use spotwright_core::ports::artifacts::ArtifactHash;
    use spotwright_core::ports::step_store::Commit;
    use spotwright_schemas::brief::{FootageWish, GeneratedShots};
    use spotwright_schemas::event::Payload;
    use spotwright_schemas::ids::{OrganizationId, RunId};
    use spotwright_schemas::money::Micros;
    use spotwright_schemas::storyboard::Footage;

    use super::*;
    use crate::fixtures::{coffee_en, generation};
    use crate::select::Place;
    use crate::workflow::clips::{Clips, MadeClip};
    use crate::workflow::stages::draft::new_variant;
    use crate::workflow::{AgentEvent, AgentState, decide};

    /// A run that has scored its variants, and they.
    fn selecting(generated: GeneratedShots) -> (RunView, Vec<(Variant, Place)>) {
        let mut brief = coffee_en();
        brief.footage = FootageWish { generated, ..FootageWish::default() };
        let scripts = generation(&brief, 4, 4).scripts;
        let picture = |name: &[u8]| StoredPicture { hash: ArtifactHash::of(name), width: 1440, height: 2560 };
        let request = RunRequest {
            brief,
            pictures: vec![picture(b"one"), picture(b"two")],
            generations: 1,
            variants: 4,
            winners: 2,
            seed: 4,
            opportunities: 1_000,
            remarks: Vec::new(),
            people: Involvement::default(),
            revision: None,
        };
        let run = RunView {
            id: RunId::derive(1, "footage", 0),
            organization: OrganizationId::derive(1, "footage", 0),
            request: Arc::new(request),
            version: 9,
            stage: Stage::Selecting,
            generation: 1,
            state: serde_json::to_value(AgentState::default()).expect("plain data"),
            messages: 9,
            counts: Counts::default(),
            settled: Micros::ZERO,
            reserved: Micros::ZERO,
            budget: Micros(200_000_000),
            paused: false,
            cancelling: false,
            working: 0,
        };
        let variants = scripts.into_iter().map(|draft| {
            let mut variant = new_variant(&run, &[], draft.number, draft.script).expect("composes");
            variant.state = VariantState::Scored;
            let direction = variant.body.script.direction;
            let place = Place { direction, rank: 1, of: 4, appeal: 0.1, appeal_sd: 0.1, unclear: None };
            (variant, place)
        });
        let variants = variants.collect();
        (run, variants)
    }

    /// The run after a decision.
    fn after(run: &RunView, commit: &Commit) -> (RunView, AgentState) {
        let update = commit.run.clone().expect("a change");
        let messages = run.messages + commit.messages.len() as u64;
        let run = RunView { stage: update.stage, state: update.state, messages, ..run.clone() };
        let state = AgentState::of(&run).expect("a state");
        (run, state)
    }

    fn made(bytes: &[u8]) -> Box<ClipOutcome> {
        let made = MadeClip {
            clip: ArtifactHash::of(bytes),
            frames: 150,
            source: "kling".to_owned(),
            model: "kling-v3".to_owned(),
            licence: "terms".to_owned(),
            seed: 7,
            cost: Micros(350_000),
            from_library: false,
            left_away: Vec::new(),
            fidelity: None,
        };
        Box::new(ClipOutcome { made: Some(made), ..ClipOutcome::default() })
    }

    fn requested(commit: &Commit) -> Vec<spotwright_schemas::ids::VariantId> {
        let requests = commit.messages.iter().filter_map(|event| match &event.payload {
            Payload::VariantRequested(data) if data.stage == RenderStage::Final => Some(data.variant),
            _ => None,
        });
        requests.collect()
    }

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    #[test]
    fn without_generated_shots_the_selected_are_rendered_at_once() {
        let (run, ranked) = selecting(GeneratedShots::None);
        let chosen: Vec<_> = ranked.iter().take(2).map(|(variant, _)| variant.id).collect();
        let commit = decide(&run, &AgentState::default(), AgentEvent::Selected(ranked), NOW);
        assert_eq!(requested(&commit), chosen);
        assert!(commit.steps.is_empty());
        let (run, state) = after(&run, &commit);
        assert!(state.clips.is_nothing() && run.state.get("clips").is_none());
    }

    #[test]
    fn a_variant_is_rendered_when_its_last_clip_has_an_end_and_not_before() {
        let (run, ranked) = selecting(GeneratedShots::All);
        let commit = decide(&run, &AgentState::default(), AgentEvent::Selected(ranked), NOW);
        assert!(requested(&commit).is_empty());
        let chosen: Vec<Variant> =
            commit.variants.iter().filter(|one| one.state == VariantState::Selected).cloned().collect();
        let wishes = |variant: &Variant| footage::wishes(&variant.body.storyboard);
        let mut keys: Vec<ClipKey> = chosen.iter().flat_map(&wishes).map(|wish| wish.key).collect();
        keys.sort();
        keys.dedup();
        assert_eq!(commit.steps.len(), keys.len(), "one step for each distinct clip");
        assert!(commit.steps.iter().all(|step| step.kind == StepKind::ClipRemote));
        let (mut run, mut state) = after(&run, &commit);
        assert_eq!(state.clips.waiting.len(), 2);
        let mut rendered = Vec::new();
        for (idx, step) in commit.steps.iter().enumerate() {
            let key = ClipKey(step.key.clone());
            let outcome = if idx == 0 { Box::default() } else { made(step.key.as_bytes()) };
            let event = AgentEvent::ClipEnded { key, outcome, waiting: chosen.clone() };
            let commit = decide(&run, &state, event.clone(), NOW);
            (run, state) = after(&run, &commit);
            let ended = |wish: &ClipWish| state.clips.end_of(&wish.key).is_some();
            for variant in &chosen {
                let complete = wishes(variant).iter().all(ended);
                rendered.extend(requested(&commit).into_iter().filter(|id| *id == variant.id));
                assert_eq!(rendered.contains(&variant.id), complete);
            }
            for variant in &commit.variants {
                let generated = |shot: &&spotwright_schemas::storyboard::Shot| {
                    matches!(shot.footage, Some(Footage::Generated(_)))
                };
                assert_eq!(variant.body.storyboard.shots.iter().filter(generated).count(), 0);
            }
            let again = decide(&run, &state, event, NOW);
            assert_eq!((again.messages.len(), again.trace.len()), (0, 0), "an end counts once");
        }
        assert_eq!(rendered.len(), 2);
        assert!(state.clips.waiting.is_empty());
        assert_eq!(state.clips.asked.iter().filter(|asked| asked.ended.is_none()).count(), 0);
    }

    #[test]
    fn clips_that_are_known_are_not_asked_for_again() {
        let (run, ranked) = selecting(GeneratedShots::All);
        let chosen: Vec<_> = ranked.iter().take(2).map(|(variant, _)| variant.id).collect();
        let end = ClipEnd::from(&*made(b"clip"));
        let asked = ranked.iter().flat_map(|(variant, _)| footage::wishes(&variant.body.storyboard));
        let asked =
            asked.map(|wish| AskedClip { key: wish.key, generation: 1, ended: Some(end.clone()) }).collect();
        let clips = Clips { asked, waiting: Vec::new() };
        let state = AgentState { clips, ..AgentState::default() };
        let commit = decide(&run, &state, AgentEvent::Selected(ranked), NOW);
        assert_eq!(requested(&commit), chosen);
        assert!(commit.steps.is_empty());
        let clip = ArtifactHash::of(b"clip").0;
        let shown = |variant: &Variant| {
            variant.body.storyboard.shots.iter().any(
                |shot| matches!(&shot.footage, Some(Footage::Clip { clip: shown, .. }) if *shown == clip),
            )
        };
        assert_eq!(commit.variants.iter().filter(|variant| shown(variant)).count(), 2);
    }

    #[test]
    fn a_run_that_is_being_ended_ends_with_its_last_clip() {
        let (run, ranked) = selecting(GeneratedShots::Opening);
        let commit = decide(&run, &AgentState::default(), AgentEvent::Selected(ranked), NOW);
        let (run, state) = after(&run, &commit);
        let waiting: Vec<Variant> = commit.variants.clone();
        let key = ClipKey(commit.steps[0].key.clone());
        let event = AgentEvent::ClipEnded { key, outcome: made(b"clip"), waiting };
        let others = RunView { cancelling: true, working: 2, ..run.clone() };
        let commit = decide(&others, &state, event.clone(), NOW);
        assert!(requested(&commit).is_empty() && after(&run, &commit).0.stage != Stage::Finished);
        let last = RunView { cancelling: true, working: 1, ..run.clone() };
        let commit = decide(&last, &state, event.clone(), NOW);
        assert_eq!(after(&run, &commit).0.stage, Stage::Finished);
        assert!(commit.trace.iter().any(|line| line.what == "clip.made"));
        let over = RunView { stage: Stage::Finished, ..run };
        let commit = decide(&over, &state, event, NOW);
        assert!(commit.run.is_none() && commit.trace.iter().any(|line| line.what == "clip.made"));
    }
}
